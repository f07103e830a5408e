#include "codec/json.h"

#include <assert.h>
#include <jansson.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "codec/base64.h"
#include "codec/hex.h"

/* A struct json is a json_t; only this file knows. */
static json_t *inner(const struct json *v)
{
	return (json_t *)(uintptr_t)v;
}

static const struct json *outer(const json_t *v)
{
	return (const struct json *)v;
}

struct shape {
	size_t depth, deepest, values;
};

/* Depth and number of values, before a tree exists: brackets and commas outside texts. */
static struct shape shape_of(struct bytes text)
{
	struct shape s = { .values = 1 };
	bool in_text = false;

	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.ptr[i];
		if (c == '"')
			in_text = !in_text;
		else if (in_text && c == '\\')
			i++;
		else if (!in_text && (c == '{' || c == '[')) {
			s.values++;
			if (++s.depth > s.deepest)
				s.deepest = s.depth;
		} else if (!in_text && (c == '}' || c == ']'))
			s.depth -= s.depth > 0;
		else if (!in_text && c == ',')
			s.values++;
	}
	return s;
}

static bool check_shape(struct bytes text, const struct json_limits *limits, struct err *e)
{
	size_t max_bytes = limits && limits->max_bytes ? limits->max_bytes : 1 << 20;
	size_t max_depth = limits && limits->max_depth ? limits->max_depth : 32;
	size_t max_values = limits && limits->max_values ? limits->max_values : 100000;

	if (text.len > max_bytes)
		return err_set(e, ERR_INPUT, "JSON: longer than %zu bytes", max_bytes);
	struct shape s = shape_of(text);
	if (s.deepest > max_depth)
		return err_set(e, ERR_INPUT, "JSON: nested deeper than %zu", max_depth);
	if (s.values > max_values)
		return err_set(e, ERR_INPUT, "JSON: more than %zu values", max_values);
	return true;
}

/* Once: jansson left alone opens /dev/urandom at its first object, which a room may not. */
static void seed(void)
{
	json_object_seed((size_t)map_hash(bytes_str(STR("jansson"))) | 1);
}

bool json_read(struct bytes text, const struct json_limits *limits, struct json **out,
	       struct err *e)
{
	json_error_t why;

	*out = NULL;
	seed();
	if (!check_shape(text, limits, e))
		return false;
	json_t *doc = json_loadb(text.len ? (const char *)text.ptr : "", text.len,
				 JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
	if (!doc)
		return err_set(e, ERR_INPUT, "JSON: line %d, column %d: %.150s", why.line,
			       why.column, why.text);
	*out = (struct json *)doc;
	return true;
}

void json_free(struct json *doc)
{
	json_decref(inner(doc));
}

void json_free_at(struct json **doc)
{
	json_free(*doc);
}

enum json_kind json_kind(const struct json *v)
{
	static const enum json_kind kinds[] = {
		[JSON_OBJECT] = JSON_KIND_MAP,  [JSON_ARRAY] = JSON_KIND_LIST,
		[JSON_STRING] = JSON_KIND_TEXT, [JSON_INTEGER] = JSON_KIND_INT,
		[JSON_REAL] = JSON_KIND_REAL,   [JSON_TRUE] = JSON_KIND_BOOL,
		[JSON_FALSE] = JSON_KIND_BOOL,  [JSON_NULL] = JSON_KIND_NULL,
	};
	return v ? kinds[json_typeof(inner(v))] : JSON_KIND_NONE;
}

struct str json_value_text(const struct json *v)
{
	return (struct str){ json_string_value(inner(v)), json_string_length(inner(v)) };
}

int64_t json_value_int(const struct json *v)
{
	return json_integer_value(inner(v));
}

double json_value_real(const struct json *v)
{
	return json_number_value(inner(v));
}

bool json_value_bool(const struct json *v)
{
	return json_is_true(inner(v));
}

size_t json_count(const struct json *v)
{
	return json_is_array(inner(v)) ? json_array_size(inner(v)) : json_object_size(inner(v));
}

const struct json *json_item(const struct json *list, size_t i)
{
	return outer(json_array_get(inner(list), i));
}

const struct json *json_member(const struct json *map, const char *name)
{
	return outer(json_object_get(inner(map), name));
}

bool json_next(const struct json *map, void **at, struct str *key, const struct json **value)
{
	*at = *at ? json_object_iter_next(inner(map), *at) : json_object_iter(inner(map));
	if (!*at)
		return false;
	*key = (struct str){ json_object_iter_key(*at), json_object_iter_key_len(*at) };
	*value = outer(json_object_iter_value(*at));
	return true;
}

/* The member when it is there and of that kind; NULL with err set otherwise. */
static const struct json *want(const struct json *map, const char *name, enum json_kind kind,
			       const char *what, struct err *e)
{
	const struct json *v = json_member(map, name);

	if (json_kind(map) != JSON_KIND_MAP)
		err_set(e, ERR_INPUT, "want an object with '%s'", name);
	else if (!v)
		err_set(e, ERR_INPUT, "'%s' is missing", name);
	else if (json_kind(v) != kind)
		err_set(e, ERR_INPUT, "'%s': want %s", name, what);
	else
		return v;
	return NULL;
}

bool json_text(const struct json *map, const char *name, struct str *out, struct err *e)
{
	const struct json *v = want(map, name, JSON_KIND_TEXT, "a text", e);

	if (v)
		*out = json_value_text(v);
	return v;
}

bool json_int(const struct json *map, const char *name, int64_t least, int64_t most, int64_t *out,
	      struct err *e)
{
	const struct json *v = want(map, name, JSON_KIND_INT, "an integer", e);

	if (!v)
		return false;
	if (json_value_int(v) < least || json_value_int(v) > most)
		return err_set(e, ERR_INPUT, "'%s': want an integer %lld to %lld", name,
			       (long long)least, (long long)most);
	*out = json_value_int(v);
	return true;
}

bool json_bool(const struct json *map, const char *name, bool *out, struct err *e)
{
	const struct json *v = want(map, name, JSON_KIND_BOOL, "true or false", e);

	if (v)
		*out = json_value_bool(v);
	return v;
}

bool json_list(const struct json *map, const char *name, const struct json **out, struct err *e)
{
	const struct json *v = want(map, name, JSON_KIND_LIST, "a list", e);

	if (v)
		*out = v;
	return v;
}

bool json_map(const struct json *map, const char *name, const struct json **out, struct err *e)
{
	const struct json *v = want(map, name, JSON_KIND_MAP, "an object", e);

	if (v)
		*out = v;
	return v;
}

static bool is_absent(const struct json *map, const char *name)
{
	return json_kind(map) == JSON_KIND_MAP &&
	       json_kind(json_member(map, name)) <= JSON_KIND_NULL;
}

bool json_opt_text(const struct json *map, const char *name, struct str *out, struct err *e)
{
	return is_absent(map, name) || json_text(map, name, out, e);
}

bool json_opt_int(const struct json *map, const char *name, int64_t least, int64_t most,
		  int64_t *out, struct err *e)
{
	return is_absent(map, name) || json_int(map, name, least, most, out, e);
}

bool json_opt_bool(const struct json *map, const char *name, bool *out, struct err *e)
{
	return is_absent(map, name) || json_bool(map, name, out, e);
}

bool json_opt_list(const struct json *map, const char *name, const struct json **out, struct err *e)
{
	return is_absent(map, name) || json_list(map, name, out, e);
}

bool json_opt_map(const struct json *map, const char *name, const struct json **out, struct err *e)
{
	return is_absent(map, name) || json_map(map, name, out, e);
}

static struct str name_at(const void *ctx, size_t i)
{
	return str_of(((const char *const *)ctx)[i]);
}

static bool is_listed(struct str key, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_eqz(key, names[i]))
			return true;
	return false;
}

bool json_only(const struct json *v, const char *const *names, size_t count, struct err *e)
{
	struct str key;
	const struct json *value;

	if (json_kind(v) != JSON_KIND_MAP)
		return err_set(e, ERR_INPUT, "want an object");
	for (void *at = NULL; json_next(v, &at, &key, &value);) {
		if (is_listed(key, names, count))
			continue;
		err_set(e, ERR_INPUT, "'" STR_FMT "' is not a member we know", STR_ARG(key));
		struct str near = str_nearest(key, count, name_at, names);
		if (near.len)
			err_hint(e, "did you mean '" STR_FMT "'?", STR_ARG(near));
		return false;
	}
	return true;
}

/* The writer. */

void jw_init(struct jw *w, struct buf *out, enum jw_form form)
{
	*w = (struct jw){ .out = out, .form = form };
}

static void put(struct jw *w, const char *text, size_t len)
{
	if (!w->is_bad && !buf_put(w->out, text, len))
		w->is_bad = true;
}

static void put_line(struct jw *w)
{
	static const char tabs[] =
		"\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t";

	if (w->form != JW_PRETTY)
		return;
	put(w, "\n", 1);
	put(w, tabs, w->depth < sizeof(tabs) - 1 ? w->depth : sizeof(tabs) - 1);
}

/* What stands before a value: a comma and a line in a list, nothing after a key. */
static void before_value(struct jw *w)
{
	if (w->depth && w->level[w->depth].is_map) {
		if (!w->has_key)
			w->is_bad = true; /* a value without its key */
		w->has_key = false;
		return;
	}
	if (w->level[w->depth].has_any) {
		if (!w->depth)
			w->is_bad = true; /* a second document */
		put(w, ",", 1);
	}
	w->level[w->depth].has_any = true;
	if (w->depth)
		put_line(w);
}

static void open_level(struct jw *w, bool is_map)
{
	before_value(w);
	if (w->depth == JW_DEPTH) {
		w->is_bad = true;
		return;
	}
	w->depth++;
	memset(&w->level[w->depth], 0, sizeof(w->level[w->depth]));
	w->level[w->depth].is_map = is_map;
	put(w, is_map ? "{" : "[", 1);
}

void jw_map(struct jw *w)
{
	open_level(w, true);
}

void jw_list(struct jw *w)
{
	open_level(w, false);
}

void jw_end(struct jw *w)
{
	if (!w->depth || w->has_key) {
		w->is_bad = true;
		return;
	}
	bool had_any = w->level[w->depth].has_any;
	bool is_map = w->level[w->depth].is_map;
	w->depth--;
	if (had_any)
		put_line(w);
	put(w, is_map ? "}" : "]", 1);
}

/* Length of the UTF-8 character at the start of s; 0 when it is none. */
static size_t utf8_len(struct str s)
{
	uint8_t lead = (uint8_t)s.ptr[0];
	size_t len = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

	return len <= s.len && str_is_utf8(str_head(s, len)) ? len : 0;
}

static void put_escaped(struct jw *w, char c)
{
	static const char short_for[] = "\b\f\n\r\t";
	static const char letters[] = "bfnrt";
	const char *at = c ? strchr(short_for, c) : NULL;
	char text[8];

	if (c == '"' || c == '\\') {
		text[0] = '\\';
		text[1] = c;
		put(w, text, 2);
	} else if (at) {
		text[0] = '\\';
		text[1] = letters[at - short_for];
		put(w, text, 2);
	} else {
		(void)snprintf(text, sizeof(text), "\\u%04x", (unsigned)(uint8_t)c);
		put(w, text, 6);
	}
}

static bool needs_escape(char c, enum jw_form form)
{
	if (c == '"' || c == '\\')
		return true;
	return form != JW_CANONICAL && ((uint8_t)c < 0x20 || c == 0x7f);
}

static void put_text(struct jw *w, struct str s)
{
	put(w, "\"", 1);
	for (size_t i = 0; i < s.len;) {
		size_t run = 0; /* plain ASCII goes in one piece */
		while (i + run < s.len && (uint8_t)s.ptr[i + run] < 0x80 &&
		       !needs_escape(s.ptr[i + run], w->form))
			run++;
		put(w, s.ptr + i, run);
		i += run;
		if (i == s.len)
			break;
		size_t len = utf8_len(str_from(s, i));
		if (len == 1)
			put_escaped(w, s.ptr[i]);
		else if (len)
			put(w, s.ptr + i, len);
		else if (w->form == JW_CANONICAL)
			w->is_bad = true;
		else
			put(w, "\xef\xbf\xbd", 3);
		i += len ? len : 1;
	}
	put(w, "\"", 1);
}

/* Canonical: keys ascend.  They are compared as written, which orders alike for all keys
 * without '"' and '\'. */
static void check_order(struct jw *w, size_t at)
{
	if (w->form != JW_CANONICAL || w->is_bad)
		return;
	struct str before = { (const char *)w->out->ptr + w->level[w->depth].key_at,
			      w->level[w->depth].key_len };
	struct str now = { (const char *)w->out->ptr + at + 1, w->out->len - at - 2 };
	if (w->level[w->depth].has_any && bytes_cmp(bytes_str(before), bytes_str(now)) >= 0)
		w->is_bad = true;
	w->level[w->depth].key_at = at + 1;
	w->level[w->depth].key_len = now.len;
}

void jw_key_str(struct jw *w, struct str name)
{
	if (!w->depth || !w->level[w->depth].is_map || w->has_key) {
		w->is_bad = true;
		return;
	}
	if (w->level[w->depth].has_any)
		put(w, ",", 1);
	put_line(w);
	size_t at = w->out->len;
	put_text(w, name);
	check_order(w, at);
	w->level[w->depth].has_any = true;
	w->has_key = true;
	put(w, ": ", w->form == JW_PRETTY ? 2 : 1);
}

void jw_key(struct jw *w, const char *name)
{
	jw_key_str(w, str_of(name));
}

void jw_str(struct jw *w, struct str text)
{
	before_value(w);
	put_text(w, text);
}

void jw_text(struct jw *w, const char *text)
{
	jw_str(w, str_of(text));
}

void jw_raw(struct jw *w, struct str json)
{
	before_value(w);
	if (!json.len)
		w->is_bad = true;
	put(w, json.ptr, json.len);
}

void jw_int(struct jw *w, int64_t v)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%lld", (long long)v);

	jw_raw(w, (struct str){ text, (size_t)len });
}

void jw_uint(struct jw *w, uint64_t v)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%llu", (unsigned long long)v);

	jw_raw(w, (struct str){ text, (size_t)len });
}

void jw_bool(struct jw *w, bool v)
{
	jw_raw(w, v ? STR("true") : STR("false"));
}

void jw_null(struct jw *w)
{
	jw_raw(w, STR("null"));
}

void jw_base64url(struct jw *w, struct bytes v)
{
	before_value(w);
	put(w, "\"", 1);
	if (!w->is_bad && !base64_write(w->out, v, BASE64_URL))
		w->is_bad = true;
	put(w, "\"", 1);
}

void jw_hex(struct jw *w, struct bytes v)
{
	before_value(w);
	put(w, "\"", 1);
	if (!w->is_bad && !hex_write(w->out, v))
		w->is_bad = true;
	put(w, "\"", 1);
}

struct member {
	struct str key;
	const struct json *value;
};

static int member_order(const void *a, const void *b)
{
	return bytes_cmp(bytes_str(((const struct member *)a)->key),
			 bytes_str(((const struct member *)b)->key));
}

static void write_map(struct jw *w, const struct json *v)
{
	size_t count = json_count(v), n = 0;
	auto_free struct member *members = mem_new(count + 1, sizeof(*members));

	for (void *at = NULL; json_next(v, &at, &members[n].key, &members[n].value);)
		n++;
	if (w->form == JW_CANONICAL && n)
		qsort(members, n, sizeof(*members), member_order);
	jw_map(w);
	for (size_t i = 0; i < n; i++) {
		jw_key_str(w, members[i].key);
		jw_json(w, members[i].value);
	}
	jw_end(w);
}

static void write_list(struct jw *w, const struct json *v)
{
	jw_list(w);
	for (size_t i = 0; i < json_count(v); i++)
		jw_json(w, json_item(v, i));
	jw_end(w);
}

static void write_real(struct jw *w, double v)
{
	char text[40];
	int len = snprintf(text, sizeof(text), "%.17g", v);

	if (w->form == JW_CANONICAL)
		w->is_bad = true;
	if (!strpbrk(text, ".e")) /* it must not read back as an integer */
		len += snprintf(text + len, sizeof(text) - (size_t)len, ".0");
	jw_raw(w, (struct str){ text, (size_t)len });
}

void jw_json(struct jw *w, const struct json *v)
{
	if (w->depth >= JW_DEPTH)
		w->is_bad = true;
	if (w->is_bad)
		return;
	switch (json_kind(v)) {
	case JSON_KIND_MAP:
		write_map(w, v);
		break;
	case JSON_KIND_LIST:
		write_list(w, v);
		break;
	case JSON_KIND_TEXT:
		jw_str(w, json_value_text(v));
		break;
	case JSON_KIND_INT:
		jw_int(w, json_value_int(v));
		break;
	case JSON_KIND_REAL:
		write_real(w, json_value_real(v));
		break;
	case JSON_KIND_BOOL:
		jw_bool(w, json_value_bool(v));
		break;
	case JSON_KIND_NULL:
	case JSON_KIND_NONE:
		jw_null(w);
		break;
	}
}

void jw_kv_str(struct jw *w, const char *key, struct str v)
{
	jw_key(w, key);
	jw_str(w, v);
}

void jw_kv_text(struct jw *w, const char *key, const char *v)
{
	jw_key(w, key);
	jw_text(w, v);
}

void jw_kv_int(struct jw *w, const char *key, int64_t v)
{
	jw_key(w, key);
	jw_int(w, v);
}

void jw_kv_bool(struct jw *w, const char *key, bool v)
{
	jw_key(w, key);
	jw_bool(w, v);
}

bool jw_ok(const struct jw *w)
{
	return !w->is_bad && !w->depth && w->level[0].has_any && !w->out->is_full;
}
