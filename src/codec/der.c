#include "codec/der.h"

#include <string.h>

struct der der_of(struct bytes b)
{
	return (struct der){ .ptr = b.ptr, .len = b.len };
}

void der_fail(struct der *d)
{
	d->is_bad = true;
	d->len = 0;
}

bool der_ok(const struct der *d)
{
	return !d->is_bad;
}

bool der_more(const struct der *d)
{
	return !d->is_bad && d->len;
}

bool der_end(const struct der *d)
{
	return !d->is_bad && !d->len;
}

bool der_is(const struct der *d, unsigned tag)
{
	return der_more(d) && d->ptr[0] == tag;
}

/* Length of tag and length bytes, and of the contents; false when malformed or cut. */
static bool read_head(const struct der *d, size_t *head, size_t *contents)
{
	if (!der_more(d) || d->len < 2 || (d->ptr[0] & 0x1f) == 0x1f)
		return false;
	size_t count = 0;
	size_t len = d->ptr[1];
	if (len & 0x80) {
		count = len & 0x7f;
		if (count < 1 || count > 3 || d->len < 2 + count)
			return false; /* indefinite, or longer than anything we accept */
		len = 0;
		for (size_t i = 0; i < count; i++)
			len = len << 8 | d->ptr[2 + i];
		if (len < 0x80 || d->ptr[2] == 0)
			return false; /* not the shortest form */
	}
	*head = 2 + count;
	*contents = len;
	return len <= d->len - *head;
}

static struct bytes take(struct der *d, bool with_head)
{
	size_t head, len;

	if (!read_head(d, &head, &len)) {
		der_fail(d);
		return (struct bytes){ 0 };
	}
	struct bytes got = { with_head ? d->ptr : d->ptr + head, with_head ? head + len : len };
	d->ptr += head + len;
	d->len -= head + len;
	return got;
}

struct bytes der_take(struct der *d, unsigned tag)
{
	if (!der_is(d, tag))
		der_fail(d);
	return take(d, false);
}

struct bytes der_whole(struct der *d, unsigned tag)
{
	if (!der_is(d, tag))
		der_fail(d);
	return take(d, true);
}

struct bytes der_any(struct der *d, unsigned *tag)
{
	*tag = der_more(d) ? d->ptr[0] : 0;
	return take(d, false);
}

bool der_skip(struct der *d, unsigned tag)
{
	if (!der_is(d, tag))
		return false;
	(void)take(d, false);
	return true;
}

void der_enter(struct der *d, unsigned tag, struct der *inside)
{
	*inside = der_of(der_take(d, tag));
	inside->is_bad = d->is_bad;
}

void der_leave(struct der *d, const struct der *inside)
{
	if (!der_end(inside))
		der_fail(d);
}

struct bytes der_big_uint(struct der *d)
{
	struct bytes v = der_take(d, DER_INTEGER);
	bool is_negative = v.len && v.ptr[0] & 0x80;
	bool is_padded = v.len > 1 && v.ptr[0] == 0 && !(v.ptr[1] & 0x80);

	if (!v.len || is_negative || is_padded) {
		der_fail(d);
		return (struct bytes){ 0 };
	}
	if (v.ptr[0] == 0 && v.len > 1)
		return (struct bytes){ v.ptr + 1, v.len - 1 };
	return v;
}

uint64_t der_uint(struct der *d)
{
	struct bytes v = der_big_uint(d);
	uint64_t n = 0;

	if (v.len > 8 || (v.len == 8 && v.ptr[0] & 0x80)) {
		der_fail(d);
		return 0;
	}
	for (size_t i = 0; i < v.len; i++)
		n = n << 8 | v.ptr[i];
	return n;
}

bool der_bool(struct der *d)
{
	struct bytes v = der_take(d, DER_BOOLEAN);

	if (v.len != 1 || (v.ptr[0] != 0 && v.ptr[0] != 0xff)) {
		der_fail(d);
		return false;
	}
	return v.ptr[0];
}

struct bytes der_bits(struct der *d)
{
	struct bytes v = der_take(d, DER_BIT_STRING);

	if (!v.len || v.ptr[0] != 0) {
		der_fail(d);
		return (struct bytes){ 0 };
	}
	return (struct bytes){ v.ptr + 1, v.len - 1 };
}

bool der_oid(struct der *d, struct bytes oid)
{
	struct bytes v = der_take(d, DER_OID);

	if (!v.len || !bytes_eq(v, oid))
		der_fail(d);
	return der_ok(d);
}

/* Days since 1970 of a date in the Gregorian calendar. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static int64_t days_in(int64_t year, int64_t month)
{
	return days_of(month == 12 ? year + 1 : year, month == 12 ? 1 : month + 1, 1) -
	       days_of(year, month, 1);
}

/* Two digits; -1 when they are none. */
static int64_t pair(struct bytes v, size_t at)
{
	uint8_t a = v.ptr[at], b = v.ptr[at + 1];

	return a >= '0' && a <= '9' && b >= '0' && b <= '9' ? (a - '0') * 10 + (b - '0') : -1;
}

int64_t der_time(struct der *d)
{
	bool is_short = der_is(d, DER_UTC_TIME);
	struct bytes v = der_take(d, is_short ? DER_UTC_TIME : DER_GENERALIZED_TIME);
	size_t at = is_short ? 0 : 2; /* where the last two digits of the year are */

	if (v.len != at + 13 || v.ptr[at + 12] != 'Z') {
		der_fail(d);
		return 0;
	}
	int64_t century = is_short ? (pair(v, 0) >= 50 ? 19 : 20) : pair(v, 0);
	int64_t yy = pair(v, at), month = pair(v, at + 2), day = pair(v, at + 4);
	int64_t hour = pair(v, at + 6), minute = pair(v, at + 8), second = pair(v, at + 10);
	int64_t year = century * 100 + yy;
	if (century < 0 || yy < 0 || month < 1 || month > 12 || day < 1 ||
	    day > days_in(year, month) || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
	    second < 0 || second > 59) {
		der_fail(d);
		return 0;
	}
	return ((days_of(year, month, day) * 24 + hour) * 60 + minute) * 60000 + second * 1000;
}

/* The writer. */

void derw_init(struct derw *w, struct buf *out)
{
	*w = (struct derw){ .out = out };
}

static void put(struct derw *w, const void *ptr, size_t len)
{
	if (!w->is_bad && !buf_put(w->out, ptr, len))
		w->is_bad = true;
}

static size_t length_bytes(size_t len, uint8_t out[4])
{
	if (len < 0x80) {
		out[0] = (uint8_t)len;
		return 1;
	}
	size_t count = len < 0x100 ? 1 : len < 0x10000 ? 2 : 3;
	out[0] = (uint8_t)(0x80 | count);
	for (size_t i = 0; i < count; i++)
		out[1 + i] = (uint8_t)(len >> 8 * (count - 1 - i));
	return 1 + count;
}

void derw_begin(struct derw *w, unsigned tag)
{
	uint8_t head[2] = { (uint8_t)tag, 0 };

	if (w->depth == DER_DEPTH) {
		w->is_bad = true;
		return;
	}
	put(w, head, sizeof(head));
	w->open[w->depth++] = w->out->len;
}

void derw_begin_bits(struct derw *w)
{
	derw_begin(w, DER_BIT_STRING);
	put(w, "", 1);
}

/* The length was left one byte; a longer one moves the contents up. */
void derw_end(struct derw *w)
{
	uint8_t length[4];

	if (!w->depth) {
		w->is_bad = true;
		return;
	}
	size_t start = w->open[--w->depth];
	if (w->is_bad)
		return;
	size_t len = w->out->len - start;
	size_t extra = length_bytes(len, length) - 1;
	if (len >= 1 << 24 || !buf_room(w->out, extra)) {
		w->is_bad = true;
		return;
	}
	buf_added(w->out, extra);
	memmove(w->out->ptr + start + extra, w->out->ptr + start, len);
	memcpy(w->out->ptr + start - 1, length, 1 + extra);
}

void derw_put(struct derw *w, unsigned tag, struct bytes contents)
{
	uint8_t head[5] = { (uint8_t)tag };

	if (contents.len >= 1 << 24) {
		w->is_bad = true;
		return;
	}
	put(w, head, 1 + length_bytes(contents.len, head + 1));
	put(w, contents.ptr, contents.len);
}

void derw_raw(struct derw *w, struct bytes der)
{
	put(w, der.ptr, der.len);
}

void derw_big_uint(struct derw *w, struct bytes v)
{
	while (v.len > 1 && v.ptr[0] == 0) {
		v.ptr++;
		v.len--;
	}
	if (v.len && !(v.ptr[0] & 0x80)) {
		derw_put(w, DER_INTEGER, v);
		return;
	}
	derw_begin(w, DER_INTEGER);
	put(w, "", 1);
	put(w, v.ptr, v.len);
	derw_end(w);
}

void derw_uint(struct derw *w, uint64_t v)
{
	uint8_t text[8];

	for (size_t i = 0; i < 8; i++)
		text[i] = (uint8_t)(v >> (56 - 8 * i));
	derw_big_uint(w, (struct bytes){ text, sizeof(text) });
}

void derw_bool(struct derw *w, bool v)
{
	uint8_t byte = v ? 0xff : 0;

	derw_put(w, DER_BOOLEAN, (struct bytes){ &byte, 1 });
}

void derw_null(struct derw *w)
{
	derw_put(w, DER_NULL, (struct bytes){ 0 });
}

void derw_bits(struct derw *w, struct bytes whole_bytes)
{
	derw_begin_bits(w);
	derw_raw(w, whole_bytes);
	derw_end(w);
}

void derw_oid(struct derw *w, struct bytes oid)
{
	derw_put(w, DER_OID, oid);
}

/* Year, month and day of a number of days since 1970, 1970 or later. */
static void date_of(int64_t days, int64_t *year, int64_t *month, int64_t *day)
{
	int64_t z = days + 719468;
	int64_t era = z / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	*day = doy - (153 * mp + 2) / 5 + 1;
	*month = mp < 10 ? mp + 3 : mp - 9;
	*year = yoe + era * 400 + (*month <= 2);
}

void derw_time(struct derw *w, int64_t wall_ms)
{
	int64_t seconds = wall_ms / 1000, year, month, day;
	char text[64];

	if (wall_ms < 0 || wall_ms > 253402300799999) { /* 9999-12-31T23:59:59 */
		w->is_bad = true;
		return;
	}
	date_of(seconds / 86400, &year, &month, &day);
	seconds %= 86400;
	int len = snprintf(text, sizeof(text), "%04d%02d%02d%02d%02d%02dZ", (int)year, (int)month,
			   (int)day, (int)(seconds / 3600), (int)(seconds / 60 % 60),
			   (int)(seconds % 60));
	size_t skip = year < 2050 ? 2 : 0;
	derw_put(w, year < 2050 ? DER_UTC_TIME : DER_GENERALIZED_TIME,
		 bytes_of(text + skip, (size_t)len - skip));
}

bool derw_ok(const struct derw *w)
{
	return !w->is_bad && !w->depth && !w->out->is_full;
}
