/* unescape.c - what stands between the quotes of a string or a `like` pattern. */
#include "cedar/lex.h"

/* The reader of one literal: input bytes, output bytes, and where a pattern's stars fell. */
struct unescape {
	struct str in;
	char *out;
	size_t out_len;
};

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	char low = (char)(c | 0x20);
	return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

static void put_utf8(struct unescape *u, uint32_t c)
{
	char *to = u->out + u->out_len;

	if (c < 0x80) {
		to[0] = (char)c;
		u->out_len += 1;
	} else if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 0x3f));
		u->out_len += 2;
	} else if (c < 0x10000) {
		to[0] = (char)(0xe0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 0x3f));
		to[2] = (char)(0x80 | (c & 0x3f));
		u->out_len += 3;
	} else {
		to[0] = (char)(0xf0 | c >> 18);
		to[1] = (char)(0x80 | (c >> 12 & 0x3f));
		to[2] = (char)(0x80 | (c >> 6 & 0x3f));
		to[3] = (char)(0x80 | (c & 0x3f));
		u->out_len += 4;
	}
}

/* \xHH: two digits, at most 7F. */
static bool take_hex(struct unescape *u)
{
	if (u->in.len < 2 || hex_value(u->in.ptr[0]) < 0 || hex_value(u->in.ptr[1]) < 0 ||
	    u->in.ptr[0] > '7')
		return false;
	put_utf8(u, (uint32_t)(hex_value(u->in.ptr[0]) << 4 | hex_value(u->in.ptr[1])));
	u->in = str_from(u->in, 2);
	return true;
}

/* \u{...}: one to six digits, underscores anywhere but in front, a Unicode scalar value. */
static bool take_unicode(struct unescape *u)
{
	struct str digits, rest;
	uint32_t value = 0, count = 0;

	if (!u->in.len || u->in.ptr[0] != '{' || !str_cut(str_from(u->in, 1), '}', &digits, &rest))
		return false;
	if (!digits.len || digits.ptr[0] == '_')
		return false;
	for (size_t i = 0; i < digits.len; i++) {
		if (digits.ptr[i] == '_')
			continue;
		if (hex_value(digits.ptr[i]) < 0 || ++count > 6)
			return false;
		value = value << 4 | (uint32_t)hex_value(digits.ptr[i]);
	}
	if (value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return false;
	put_utf8(u, value);
	u->in = rest;
	return true;
}

static bool take_escape(struct unescape *u)
{
	static const char from[] = "nrt\\0'\"", to[] = "\n\r\t\\\0'\"";

	if (!u->in.len)
		return false;
	char c = u->in.ptr[0];
	u->in = str_from(u->in, 1);
	if (c == 'x')
		return take_hex(u);
	if (c == 'u')
		return take_unicode(u);
	for (size_t i = 0; i < sizeof(from) - 1; i++)
		if (from[i] == c) {
			u->out[u->out_len++] = to[i];
			return true;
		}
	return false;
}

static bool bad_escape(struct cedar_lex *lex, struct cedar_token t, struct str at)
{
	return cedar_lex_fail(lex, t.pos, "`" STR_FMT "` is not an escape",
			      STR_ARG(str_head(at, 4)));
}

/* No escape is shorter than the character it stands for, so the output fits the input's size. */
static bool start(struct unescape *u, struct cedar_lex *lex, struct cedar_token t,
		  struct arena *mem)
{
	u->in = (struct str){ t.text.ptr + 1, t.text.len - 2 };
	u->out = arena_alloc(mem, t.text.len, 1);
	u->out_len = 0;
	return u->out || cedar_lex_fail(lex, t.pos, "too large");
}

static bool take_plain(struct unescape *u)
{
	char c = u->in.ptr[0];

	u->out[u->out_len++] = c;
	u->in = str_from(u->in, 1);
	return c != '\r'; /* a bare carriage return must be written \r */
}

bool cedar_unescape(struct cedar_lex *lex, struct cedar_token t, struct arena *mem, struct str *out)
{
	struct unescape u;

	if (!start(&u, lex, t, mem))
		return false;
	while (u.in.len) {
		struct str at = u.in;
		bool ok;
		if (at.ptr[0] == '\\') {
			u.in = str_from(at, 1);
			ok = take_escape(&u);
		} else {
			ok = take_plain(&u);
		}
		if (!ok)
			return bad_escape(lex, t, at);
	}
	*out = (struct str){ u.out, u.out_len };
	return true;
}

/* One more piece of a pattern begins; a star right after a star adds none. */
static uint32_t count_stars(struct str in)
{
	uint32_t stars = 0;

	for (size_t i = 0; i < in.len; i++) {
		if (in.ptr[i] == '\\')
			i++;
		else if (in.ptr[i] == '*')
			stars++;
	}
	return stars;
}

static void end_part(struct unescape *u, struct str *parts, uint32_t *count)
{
	/* Merging stars: between two of them an empty piece says nothing. */
	if (u->out_len || !*count)
		parts[(*count)++] = (struct str){ u->out, u->out_len };
	u->out += u->out_len;
	u->out_len = 0;
}

bool cedar_unescape_pattern(struct cedar_lex *lex, struct cedar_token t, struct arena *mem,
			    struct cedar_pattern *out)
{
	struct unescape u;
	uint32_t count = 0;

	if (!start(&u, lex, t, mem))
		return false;
	struct str *parts = arena_alloc(mem, count_stars(u.in) + 1u, sizeof(*parts));
	if (!parts)
		return cedar_lex_fail(lex, t.pos, "too large");
	while (u.in.len) {
		struct str at = u.in;
		bool ok = true;
		if (at.ptr[0] == '*') {
			end_part(&u, parts, &count);
			u.in = str_from(at, 1);
		} else if (str_starts(at, STR("\\*"))) {
			u.out[u.out_len++] = '*';
			u.in = str_from(at, 2);
		} else if (at.ptr[0] == '\\') {
			u.in = str_from(at, 1);
			ok = take_escape(&u);
		} else {
			ok = take_plain(&u);
		}
		if (!ok)
			return bad_escape(lex, t, at);
	}
	parts[count++] = (struct str){ u.out, u.out_len };
	*out = (struct cedar_pattern){ count, parts };
	return true;
}
