#include "base/str.h"

#include <string.h>

struct str str_of(const char *z)
{
	return (struct str){ z, z ? strlen(z) : 0 };
}

struct str str_bytes(struct bytes b)
{
	return (struct str){ (const char *)b.ptr, b.len };
}

struct bytes bytes_str(struct str s)
{
	return (struct bytes){ (const uint8_t *)s.ptr, s.len };
}

struct bytes bytes_of(const void *ptr, size_t len)
{
	return (struct bytes){ ptr, len };
}

bool str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool str_eqz(struct str a, const char *z)
{
	return str_eq(a, str_of(z));
}

static char lower(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c + 32);
	return c;
}

bool str_eq_nocase(struct str a, struct str b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (lower(a.ptr[i]) != lower(b.ptr[i]))
			return false;
	return true;
}

int bytes_cmp(struct bytes a, struct bytes b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int c = n ? memcmp(a.ptr, b.ptr, n) : 0;

	return c ? c : (a.len > b.len) - (a.len < b.len);
}

int str_cmp(struct str a, struct str b)
{
	return bytes_cmp(bytes_str(a), bytes_str(b));
}

bool str_starts(struct str s, struct str prefix)
{
	return s.len >= prefix.len && str_eq(str_head(s, prefix.len), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
	return s.len >= suffix.len && str_eq(str_from(s, s.len - suffix.len), suffix);
}

bool str_has(struct str s, char c)
{
	return s.len && memchr(s.ptr, c, s.len);
}

struct str str_from(struct str s, size_t start)
{
	if (start >= s.len)
		return (struct str){ 0 };
	return (struct str){ s.ptr + start, s.len - start };
}

struct str str_head(struct str s, size_t len)
{
	return (struct str){ s.ptr, s.len < len ? s.len : len };
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct str str_trim(struct str s)
{
	while (s.len && is_blank(s.ptr[0]))
		s = str_from(s, 1);
	while (s.len && is_blank(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

bool str_cut(struct str s, char at, struct str *head, struct str *rest)
{
	const char *p = s.len ? memchr(s.ptr, at, s.len) : NULL;

	if (!p) {
		*head = s;
		*rest = (struct str){ 0 };
		return false;
	}
	size_t n = (size_t)(p - s.ptr);
	*head = str_head(s, n);
	*rest = str_from(s, n + 1);
	return true;
}

bool str_u64(struct str s, uint64_t *out)
{
	uint64_t v = 0;

	if (s.len == 0 || s.len > 20)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
		if (__builtin_mul_overflow(v, 10U, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(s.ptr[i] - '0'), &v))
			return false;
	}
	*out = v;
	return true;
}

bool str_i64(struct str s, int64_t *out)
{
	bool minus = s.len && s.ptr[0] == '-';
	uint64_t v;

	if (!str_u64(minus ? str_from(s, 1) : s, &v) || v > (uint64_t)INT64_MAX + minus)
		return false;
	*out = minus ? (int64_t)(0 - v) : (int64_t)v;
	return true;
}

bool bytes_eq(struct bytes a, struct bytes b)
{
	return str_eq(str_bytes(a), str_bytes(b));
}

bool bytes_eq_secret(struct bytes a, struct bytes b)
{
	unsigned diff = 0;

	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		diff |= (unsigned)(a.ptr[i] ^ b.ptr[i]);
	return diff == 0;
}

/* Length of the UTF-8 sequence at s, or 0 when it is not one (RFC 3629 4). */
static size_t utf8_at(const unsigned char *s, size_t left)
{
	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	size_t n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (left < n)
		return 0;
	unsigned char low = s[0] == 0xe0 ? 0xa0 : s[0] == 0xf0 ? 0x90 : 0x80;
	unsigned char high = s[0] == 0xed ? 0x9f : s[0] == 0xf4 ? 0x8f : 0xbf;
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

bool str_is_utf8(struct str s)
{
	for (size_t i = 0; i < s.len;) {
		size_t n = utf8_at((const unsigned char *)s.ptr + i, s.len - i);
		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

enum { NEAR_MAX = 48 };

/* Levenshtein distance; both sides at most NEAR_MAX long. */
static size_t distance(struct str a, struct str b)
{
	size_t row[NEAR_MAX + 1];

	for (size_t j = 0; j <= b.len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			size_t best = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);
			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[b.len];
}

struct str str_nearest(struct str typed, size_t count,
		       struct str (*name)(const void *ctx, size_t i), const void *ctx)
{
	struct str best = { 0 };
	size_t limit = typed.len / 3 + 1;

	if (typed.len == 0 || typed.len > NEAR_MAX)
		return best;
	for (size_t i = 0; i < count; i++) {
		struct str s = name(ctx, i);
		if (s.len > NEAR_MAX)
			continue;
		size_t d = distance(typed, s);
		if (d <= limit && d < s.len) {
			best = s;
			limit = d ? d - 1 : 0;
			if (d == 0)
				break;
		}
	}
	return best;
}
