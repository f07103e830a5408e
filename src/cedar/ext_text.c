/* ext_text.c - the text of addresses, decimals, dates and durations, both ways. */
#include "cedar/ext.h"

#include "base/buf.h"

enum { MS_SECOND = 1000, MS_MINUTE = 60000, MS_HOUR = 3600000, MS_DAY = 86400000 };
enum { IP_TEXT_MAX = 43 }; /* eight groups of four, colons, "/128" */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t digits(struct str s)
{
	size_t n = 0;

	while (n < s.len && is_digit(s.ptr[n]))
		n++;
	return n;
}

bool cedar_decimal_parse(struct str text, int64_t *out_e4)
{
	bool is_negative = text.len && text.ptr[0] == '-';
	struct str whole, part;
	int64_t head, tail;

	if (!str_cut(str_from(text, is_negative), '.', &whole, &part) || !whole.len || !part.len ||
	    part.len > 4 || digits(whole) != whole.len || digits(part) != part.len)
		return false;
	if (!str_i64(whole, &head) || __builtin_mul_overflow(head, 10000, &head) ||
	    !str_i64(part, &tail))
		return false;
	for (size_t i = part.len; i < 4; i++)
		tail *= 10;
	if (is_negative)
		return !__builtin_sub_overflow(-head, tail, out_e4);
	return !__builtin_add_overflow(head, tail, out_e4);
}

/* Takes a fixed number of digits off the front. */
static bool take_num(struct str *s, size_t width, int64_t *out)
{
	struct str head = str_head(*s, width);

	if (head.len != width || digits(head) != width)
		return false;
	*s = str_from(*s, width);
	return str_i64(head, out);
}

static bool take_char(struct str *s, char c)
{
	if (!s->len || s->ptr[0] != c)
		return false;
	*s = str_from(*s, 1);
	return true;
}

static int64_t days_in_month(int64_t year, int64_t month)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && is_leap);
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar, years 0 to 9999. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t shifted = month > 2 ? year : year - 1; /* years that begin in March */
	int64_t era = (shifted >= 0 ? shifted : shifted - 399) / 400;
	int64_t of_era = shifted - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool take_date(struct str *s, int64_t *out_ms)
{
	int64_t year, month, day;

	if (!take_num(s, 4, &year) || !take_char(s, '-') || !take_num(s, 2, &month) ||
	    !take_char(s, '-') || !take_num(s, 2, &day))
		return false;
	if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
		return false;
	*out_ms = days_of(year, month, day) * MS_DAY;
	return true;
}

static bool take_time(struct str *s, int64_t *out_ms)
{
	int64_t hour, minute, second, ms = 0;

	if (!take_char(s, 'T') || !take_num(s, 2, &hour) || !take_char(s, ':') ||
	    !take_num(s, 2, &minute) || !take_char(s, ':') || !take_num(s, 2, &second))
		return false;
	if (take_char(s, '.') && !take_num(s, 3, &ms))
		return false;
	*out_ms = hour * MS_HOUR + minute * MS_MINUTE + second * MS_SECOND + ms;
	return hour < 24 && minute < 60 && second < 60;
}

static bool take_zone(struct str *s, int64_t *out_ms)
{
	int64_t hour, minute;

	*out_ms = 0;
	if (take_char(s, 'Z'))
		return true;
	bool is_west = take_char(s, '-');
	if ((!is_west && !take_char(s, '+')) || !take_num(s, 2, &hour) || !take_num(s, 2, &minute))
		return false;
	*out_ms = (hour * MS_HOUR + minute * MS_MINUTE) * (is_west ? -1 : 1);
	return hour < 24 && minute < 60;
}

bool cedar_datetime_parse(struct str text, int64_t *out_ms)
{
	int64_t date, time, zone;

	if (!take_date(&text, &date))
		return false;
	*out_ms = date;
	if (!text.len)
		return true;
	if (!take_time(&text, &time) || !take_zone(&text, &zone) || text.len)
		return false;
	*out_ms = date + time - zone;
	return true;
}

static const struct {
	struct str name;
	int64_t ms;
} units[] = {
	{ STR_INIT("d"), MS_DAY },    { STR_INIT("h"), MS_HOUR }, { STR_INIT("m"), MS_MINUTE },
	{ STR_INIT("s"), MS_SECOND }, { STR_INIT("ms"), 1 },
};

/* Which unit the letters before the next digit spell; countof(units) when none. */
static size_t take_unit(struct str *s)
{
	size_t len = 0;

	while (len < s->len && !is_digit(s->ptr[len]))
		len++;
	for (size_t i = 0; i < countof(units); i++)
		if (str_eq(str_head(*s, len), units[i].name)) {
			*s = str_from(*s, len);
			return i;
		}
	return countof(units);
}

bool cedar_duration_parse(struct str text, int64_t *out_ms)
{
	bool is_negative = take_char(&text, '-');
	size_t next = 0; /* the units come in order, each at most once */

	*out_ms = 0;
	if (!text.len)
		return false;
	while (text.len) {
		struct str num = str_head(text, digits(text));
		uint64_t count;
		text = str_from(text, num.len);
		size_t unit = take_unit(&text);
		if (!num.len || unit < next || unit == countof(units))
			return false;
		next = unit + 1;
		int64_t step;
		if (!str_u64(num, &count) || __builtin_mul_overflow(count, units[unit].ms, &step)) {
			/* the one count whose negative fits and which itself does not */
			if (!is_negative || !str_u64(num, &count) || count != (uint64_t)1 << 63 ||
			    units[unit].ms != 1 || *out_ms)
				return false;
			*out_ms = INT64_MIN;
		} else if (is_negative ? __builtin_sub_overflow(*out_ms, step, out_ms)
				       : __builtin_add_overflow(*out_ms, step, out_ms)) {
			return false;
		}
	}
	return true;
}

static bool parse_v4(struct str s, uint8_t out[16])
{
	for (size_t i = 0; i < 4; i++) {
		size_t len = digits(s);
		uint64_t octet;
		if (!len || len > 3 || (len > 1 && s.ptr[0] == '0') ||
		    !str_u64(str_head(s, len), &octet) || octet > 255)
			return false;
		out[i] = (uint8_t)octet;
		s = str_from(s, len);
		if (i < 3 && !take_char(&s, '.'))
			return false;
	}
	return !s.len;
}

static int hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	char low = (char)(c | 0x20);
	return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

static bool take_group(struct str *s, uint8_t out[2])
{
	unsigned value = 0;
	size_t len = 0;

	while (len < s->len && hex_value(s->ptr[len]) >= 0)
		value = value << 4 | (unsigned)hex_value(s->ptr[len++]);
	if (!len || len > 4)
		return false;
	out[0] = (uint8_t)(value >> 8);
	out[1] = (uint8_t)value;
	*s = str_from(*s, len);
	return true;
}

/* Groups separated by ':' until "::", the end or a limit; false on anything else. */
static bool take_groups(struct str *s, size_t limit, uint8_t *out, size_t *count)
{
	*count = 0;
	if (!s->len || s->ptr[0] == ':')
		return true;
	while (*count < limit && take_group(s, out + 2 * *count)) {
		++*count;
		if (!s->len || str_starts(*s, STR("::")))
			return true;
		if (!take_char(s, ':'))
			return false;
	}
	return false;
}

static bool parse_v6(struct str s, uint8_t out[16])
{
	uint8_t tail[16];
	size_t before, after;

	memset(out, 0, 16);
	if (!take_groups(&s, 8, out, &before))
		return false;
	if (before == 8)
		return !s.len;
	if (!str_starts(s, STR("::")) || str_starts(s, STR(":::")))
		return false;
	s = str_from(s, 2);
	if (!take_groups(&s, 7 - before, tail, &after) || s.len)
		return false;
	memcpy(out + 16 - 2 * after, tail, 2 * after);
	return true;
}

bool cedar_ip_parse(struct str text, struct cedar_ip *out)
{
	struct str addr, prefix;
	uint64_t bits;

	if (text.len > IP_TEXT_MAX)
		return false;
	bool has_prefix = str_cut(text, '/', &addr, &prefix);
	memset(out, 0, sizeof(*out));
	out->is_v6 = str_has(addr, ':');
	if (!(out->is_v6 ? parse_v6(addr, out->addr) : parse_v4(addr, out->addr)))
		return false;
	out->prefix = out->is_v6 ? 128 : 32;
	if (!has_prefix)
		return true;
	if (!prefix.len || prefix.len > (out->is_v6 ? 3 : 2) || digits(prefix) != prefix.len ||
	    (prefix.len > 1 && prefix.ptr[0] == '0') || !str_u64(prefix, &bits) ||
	    bits > out->prefix)
		return false;
	out->prefix = (uint8_t)bits;
	return true;
}

static void put_decimal(struct buf *out, int64_t e4)
{
	uint64_t size = e4 < 0 ? 0 - (uint64_t)e4 : (uint64_t)e4;
	uint64_t part = size % 10000;
	int width = 4;

	while (width > 1 && part % 10 == 0) {
		part /= 10;
		width--;
	}
	(void)buf_printf(out, "%s%llu.%0*llu", e4 < 0 ? "-" : "",
			 (unsigned long long)(size / 10000), width, (unsigned long long)part);
}

static void put_datetime(struct buf *out, int64_t at_ms)
{
	int64_t day = at_ms / MS_DAY, in_day = at_ms % MS_DAY;

	if (in_day < 0) {
		in_day += MS_DAY;
		day--;
	}
	/* The civil date of a day count, years that begin in March (the reverse of days_of). */
	int64_t z = day + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
	int64_t day_of_month = doy - (153 * mp + 2) / 5 + 1;
	int64_t month = mp < 10 ? mp + 3 : mp - 9, year = yoe + era * 400 + (month <= 2);
	(void)buf_printf(out, "%04lld-%02lld-%02lld", (long long)year, (long long)month,
			 (long long)day_of_month);
	if (in_day)
		(void)buf_printf(
			out, "T%02lld:%02lld:%02lld.%03lldZ", (long long)(in_day / MS_HOUR),
			(long long)(in_day / MS_MINUTE % 60), (long long)(in_day / MS_SECOND % 60),
			(long long)(in_day % MS_SECOND));
}

static void put_duration(struct buf *out, int64_t ms)
{
	uint64_t left = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;

	if (ms < 0)
		(void)buf_putc(out, '-');
	if (!ms)
		(void)buf_puts(out, STR("0ms"));
	for (size_t i = 0; i < countof(units); i++) {
		uint64_t unit_ms = (uint64_t)units[i].ms;
		if (left >= unit_ms)
			/* NOLINTNEXTLINE(clang-analyzer-core.DivideZero): no unit is 0 */
			(void)buf_printf(out, "%llu" STR_FMT, (unsigned long long)(left / unit_ms),
					 STR_ARG(units[i].name));
		left %= unit_ms;
	}
}

static void put_v6(struct buf *out, const uint8_t *addr)
{
	unsigned group[8];
	size_t best = 0, best_len = 0;

	for (size_t i = 0; i < 8; i++)
		group[i] = (unsigned)addr[2 * i] << 8 | addr[2 * i + 1];
	for (size_t i = 0; i < 8; i++) {
		size_t len = 0;
		while (i + len < 8 && !group[i + len])
			len++;
		if (len > best_len && len > 1) {
			best = i;
			best_len = len;
		}
	}
	for (size_t i = 0; i < 8; i++) {
		if (best_len && i == best) {
			(void)buf_puts(out, STR("::"));
			i += best_len - 1;
			continue;
		}
		(void)buf_printf(out, i && i != best + best_len ? ":%x" : "%x", group[i]);
	}
}

static void put_ip(struct buf *out, const struct cedar_ip *ip)
{
	if (ip->is_v6)
		put_v6(out, ip->addr);
	else
		(void)buf_printf(out, "%u.%u.%u.%u", ip->addr[0], ip->addr[1], ip->addr[2],
				 ip->addr[3]);
	if (ip->prefix != (ip->is_v6 ? 128 : 32))
		(void)buf_printf(out, "/%u", ip->prefix);
}

void cedar_ext_text(struct buf *out, struct cedar_value v)
{
	switch (v.kind) {
	case CEDAR_DECIMAL:
		put_decimal(out, v.num);
		break;
	case CEDAR_DATETIME:
		put_datetime(out, v.num);
		break;
	case CEDAR_DURATION:
		put_duration(out, v.num);
		break;
	case CEDAR_IP:
		put_ip(out, v.ip);
		break;
	default:
		break;
	}
}
