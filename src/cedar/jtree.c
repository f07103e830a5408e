/* jtree.c - the JSON reader of the language. */
#include "cedar/jtree.h"

#include "base/buf.h"
#include "cedar/lex.h"

struct reader {
	const struct cedar_source *source;
	struct arena *mem;
	struct err *e;
	size_t at, line_at;
	uint32_t line, depth;
};

static struct cedar_pos here(const struct reader *r)
{
	return (struct cedar_pos){ r->source, r->line, (uint32_t)(r->at - r->line_at) + 1 };
}

static bool fail(const struct reader *r, const char *what)
{
	return cedar_err_at(r->e, here(r), "JSON: %s", what);
}

static bool no_room(const struct reader *r)
{
	return fail(r, "too large");
}

/* The next byte, or 0 at the end (a NUL in the text is no JSON either way). */
static char peek(const struct reader *r)
{
	if (r->at >= r->source->text.len)
		return '\0';
	return r->source->text.ptr[r->at];
}

static void skip_space(struct reader *r)
{
	for (;; r->at++) {
		char c = peek(r);
		if (c == '\n') {
			r->line++;
			r->line_at = r->at + 1;
		} else if (c != ' ' && c != '\t' && c != '\r') {
			return;
		}
	}
}

static bool take(struct reader *r, char c)
{
	skip_space(r);
	if (peek(r) != c)
		return false;
	r->at++;
	return true;
}

static bool read_hex4(struct reader *r, uint32_t *out)
{
	*out = 0;
	for (int i = 0; i < 4; i++, r->at++) {
		char c = peek(r), low = (char)(c | 0x20);
		if (c >= '0' && c <= '9')
			*out = *out << 4 | (uint32_t)(c - '0');
		else if (low >= 'a' && low <= 'f')
			*out = *out << 4 | (uint32_t)(low - 'a' + 10);
		else
			return fail(r, "expected four hexadecimal digits");
	}
	return true;
}

static size_t put_utf8(char *to, uint32_t c)
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (char)(0xe0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 0x3f));
		to[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	to[0] = (char)(0xf0 | c >> 18);
	to[1] = (char)(0x80 | (c >> 12 & 0x3f));
	to[2] = (char)(0x80 | (c >> 6 & 0x3f));
	to[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* After "\u": one code point, of one or two escapes. */
static bool read_unicode(struct reader *r, uint32_t *out)
{
	uint32_t low;

	if (!read_hex4(r, out))
		return false;
	if (*out < 0xd800 || *out > 0xdfff)
		return true;
	if (*out > 0xdbff || peek(r) != '\\')
		return fail(r, "half of a surrogate pair");
	r->at++;
	if (peek(r) != 'u')
		return fail(r, "half of a surrogate pair");
	r->at++;
	if (!read_hex4(r, &low))
		return false;
	if (low < 0xdc00 || low > 0xdfff)
		return fail(r, "half of a surrogate pair");
	*out = 0x10000 + ((*out - 0xd800) << 10) + (low - 0xdc00);
	return true;
}

/* After a backslash; writes at most four bytes, never more than were read. */
static bool read_escape(struct reader *r, char *to, size_t *len)
{
	static const char from[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
	char c = peek(r);
	uint32_t code;

	for (size_t i = 0; i < sizeof(from) - 1; i++)
		if (c && from[i] == c) {
			to[0] = means[i];
			*len = 1;
			r->at++;
			return true;
		}
	if (c != 'u')
		return fail(r, "not an escape");
	r->at++;
	if (!read_unicode(r, &code))
		return false;
	*len = put_utf8(to, code);
	return true;
}

/* Bytes up to the closing quote, and whether there is an escape among them; false: no end. */
static bool text_extent(const struct reader *r, size_t *len, bool *is_plain)
{
	struct str s = str_from(r->source->text, r->at);

	*is_plain = true;
	for (*len = 0; *len < s.len; ++*len) {
		unsigned char c = (unsigned char)s.ptr[*len];
		if (c == '"')
			return true;
		if (c < 0x20)
			return false;
		if (c == '\\') {
			*is_plain = false;
			++*len;
		}
	}
	return false;
}

static bool read_text(struct reader *r, struct str *out)
{
	size_t len, step;
	bool is_plain;

	if (!take(r, '"'))
		return fail(r, "expected a string");
	if (!text_extent(r, &len, &is_plain))
		return fail(r, "this string does not end, or holds a control character");
	struct str raw = { r->source->text.ptr + r->at, len };
	size_t end = r->at + len;
	if (is_plain) {
		*out = raw;
		r->at = end + 1;
		return true;
	}
	char *text = arena_alloc(r->mem, len, 1);
	if (!text)
		return no_room(r);
	for (len = 0; r->at < end; len += step) {
		step = 1;
		text[len] = peek(r);
		r->at++;
		if (text[len] == '\\' && !read_escape(r, text + len, &step))
			return false;
	}
	*out = (struct str){ text, len };
	r->at = end + 1;
	return true;
}

static size_t digits_at(const struct reader *r, size_t at)
{
	struct str s = str_from(r->source->text, at);
	size_t n = 0;

	while (n < s.len && s.ptr[n] >= '0' && s.ptr[n] <= '9')
		n++;
	return n;
}

static bool byte_at(const struct reader *r, size_t at, const char *set)
{
	struct str s = str_from(r->source->text, at);

	return s.len && s.ptr[0] && str_has(str_of(set), s.ptr[0]);
}

static bool read_number(struct reader *r, struct cedar_json *out)
{
	size_t from = r->at, at = from + byte_at(r, from, "-");
	size_t whole = digits_at(r, at);
	bool is_real = false;

	if (!whole || (whole > 1 && byte_at(r, at, "0")))
		return fail(r, "not a number");
	at += whole;
	if (byte_at(r, at, ".")) {
		size_t part = digits_at(r, at + 1);
		if (!part)
			return fail(r, "not a number");
		at += 1 + part;
		is_real = true;
	}
	if (byte_at(r, at, "eE")) {
		at += 1u + byte_at(r, at + 1, "+-");
		size_t power = digits_at(r, at);
		if (!power)
			return fail(r, "not a number");
		at += power;
		is_real = true;
	}
	struct str text = { r->source->text.ptr + from, at - from };
	r->at = at;
	/* "-0" is a real to everyone: an integer has no negative zero. */
	is_real = is_real || str_eqz(text, "-0") || !str_i64(text, &out->num);
	out->kind = is_real ? CEDAR_JSON_REAL : CEDAR_JSON_INT;
	if (is_real)
		out->text = text;
	return true;
}

static bool read_word(struct reader *r, struct cedar_json *out)
{
	static const struct {
		struct str word;
		enum cedar_json_kind kind;
		int64_t num;
	} words[] = {
		{ STR_INIT("null"), CEDAR_JSON_NULL, 0 },
		{ STR_INIT("true"), CEDAR_JSON_BOOL, 1 },
		{ STR_INIT("false"), CEDAR_JSON_BOOL, 0 },
	};

	for (size_t i = 0; i < countof(words); i++)
		if (str_starts(str_from(r->source->text, r->at), words[i].word)) {
			out->kind = words[i].kind;
			out->num = words[i].num;
			r->at += words[i].word.len;
			return true;
		}
	return fail(r, "expected a value");
}

static bool read_value(struct reader *r, struct cedar_json *out);

static bool read_list(struct reader *r, struct cedar_json *out)
{
	struct cedar_json *items = NULL;
	uint32_t count = 0;

	while (!take(r, ']')) {
		struct cedar_json item;
		if (count && !take(r, ','))
			return fail(r, "expected ',' or ']'");
		if (!read_value(r, &item))
			return false;
		struct cedar_json *slot = cedar_list_add(r->mem, &items, &count, sizeof(*slot));
		if (!slot)
			return no_room(r);
		*slot = item;
	}
	out->kind = CEDAR_JSON_LIST;
	out->items = items;
	out->count = count;
	return true;
}

static int by_text(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static bool keys_differ(struct reader *r, const struct str *keys, uint32_t count)
{
	struct str *sorted = arena_alloc(r->mem, count + 1u, sizeof(*sorted));

	if (!sorted)
		return no_room(r);
	if (count)
		memcpy(sorted, keys, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), by_text);
	for (uint32_t i = 1; i < count; i++)
		if (str_eq(sorted[i - 1], sorted[i]))
			return cedar_err_at(r->e, here(r), "JSON: member '" STR_FMT "' twice",
					    STR_ARG(sorted[i]));
	return true;
}

static bool read_member(struct reader *r, struct str *key, struct cedar_json *value)
{
	if (!read_text(r, key))
		return false;
	if (!take(r, ':'))
		return fail(r, "expected ':'");
	return read_value(r, value);
}

static bool read_map(struct reader *r, struct cedar_json *out)
{
	struct cedar_json *items = NULL, *item;
	struct str *keys = NULL, *key;
	uint32_t count = 0, key_count = 0;

	while (!take(r, '}')) {
		struct str name;
		struct cedar_json value;
		if (count && !take(r, ','))
			return fail(r, "expected ',' or '}'");
		if (!read_member(r, &name, &value))
			return false;
		item = cedar_list_add(r->mem, &items, &count, sizeof(*item));
		key = cedar_list_add(r->mem, &keys, &key_count, sizeof(*key));
		if (!item || !key)
			return no_room(r);
		*item = value;
		*key = name;
	}
	out->kind = CEDAR_JSON_MAP;
	out->items = items;
	out->keys = keys;
	out->count = count;
	return count < 2 || keys_differ(r, keys, count);
}

static bool read_value(struct reader *r, struct cedar_json *out)
{
	bool ok;

	skip_space(r);
	*out = (struct cedar_json){ .pos = here(r) };
	if (r->depth == CEDAR_JSON_DEPTH_MAX)
		return fail(r, "nested too deeply");
	r->depth++;
	char c = peek(r);
	if (c == '"') {
		out->kind = CEDAR_JSON_TEXT;
		ok = read_text(r, &out->text);
	} else if (take(r, '{')) {
		ok = read_map(r, out);
	} else if (take(r, '[')) {
		ok = read_list(r, out);
	} else if (c == '-' || (c >= '0' && c <= '9')) {
		ok = read_number(r, out);
	} else {
		ok = read_word(r, out);
	}
	r->depth--;
	return ok;
}

bool cedar_json_parse(const struct cedar_source *source, struct arena *mem,
		      const struct cedar_json **out, struct err *e)
{
	struct reader r = { .source = source, .mem = mem, .e = e, .line = 1 };
	struct cedar_json *root = arena_alloc(mem, 1, sizeof(*root));

	*out = root;
	if (!root || source->text.len > CEDAR_JSON_TEXT_MAX)
		return no_room(&r);
	if (!str_is_utf8(source->text))
		return fail(&r, "not UTF-8 text");
	if (!read_value(&r, root))
		return false;
	skip_space(&r);
	return r.at == source->text.len || fail(&r, "something follows the value");
}

const struct cedar_json *cedar_json_get(const struct cedar_json *map, const char *name)
{
	if (!cedar_json_is(map, CEDAR_JSON_MAP))
		return NULL;
	for (uint32_t i = 0; i < map->count; i++)
		if (str_eqz(map->keys[i], name))
			return &map->items[i];
	return NULL;
}

const char *cedar_json_kind_name(enum cedar_json_kind kind)
{
	static const char *const names[] = { "null",     "a boolean", "an integer", "a real number",
					     "a string", "a list",    "an object" };

	return kind < countof(names) ? names[kind] : "nothing";
}

bool cedar_json_want(const struct cedar_json *json, enum cedar_json_kind kind, const char *what,
		     struct err *e)
{
	if (json->kind == kind)
		return true;
	return cedar_err_at(e, json->pos, "%s: expected %s, found %s", what,
			    cedar_json_kind_name(kind), cedar_json_kind_name(json->kind));
}

bool cedar_json_member(const struct cedar_json *map, const char *name, enum cedar_json_kind kind,
		       const struct cedar_json **out, struct err *e)
{
	*out = cedar_json_get(map, name);
	if (!*out)
		return cedar_err_at(e, map->pos, "member '%s' is missing", name);
	return cedar_json_want(*out, kind, name, e);
}

static struct str name_at(const void *ctx, size_t i)
{
	const char *const *names = ctx;

	return str_of(names[i]);
}

bool cedar_json_only(const struct cedar_json *map, const char *const *names, size_t count,
		     struct err *e)
{
	for (uint32_t i = 0; i < map->count; i++) {
		size_t at = 0;
		while (at < count && !str_eqz(map->keys[i], names[at]))
			at++;
		if (at < count)
			continue;
		(void)cedar_err_at(e, map->items[i].pos, "unknown member '" STR_FMT "'",
				   STR_ARG(map->keys[i]));
		struct str near = str_nearest(map->keys[i], count, name_at, names);
		if (near.len)
			(void)err_hint(e, "did you mean '" STR_FMT "'?", STR_ARG(near));
		return false;
	}
	return true;
}

void cedar_json_put_text(struct buf *out, struct str text)
{
	(void)buf_putc(out, '"');
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		if (c == '"' || c == '\\')
			(void)buf_printf(out, "\\%c", c);
		else if (c == '\n')
			(void)buf_puts(out, STR("\\n"));
		else if (c < 0x20)
			(void)buf_printf(out, "\\u%04x", c);
		else
			(void)buf_putc(out, (char)c);
	}
	(void)buf_putc(out, '"');
}
