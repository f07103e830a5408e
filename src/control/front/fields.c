/* fields.c - queries and bodies against the table. */
#include "control/front/fields.h"

#include <limits.h>

#include "codec/base64.h"
#include "codec/hex.h"
#include "codec/http.h"
#include "codec/json.h"

/* What is being filled: the flat values of one query or body. */
struct sheet {
	struct arena *mem;
	struct wall_value *items;
	size_t count, room;
};

typedef bool field_read_fn(struct sheet *s, const struct route_field *f, const struct json *v,
			   struct err *e);

static struct str field_name_at(const void *ctx, size_t i)
{
	const struct route_field *fields = ctx;

	return str_of(fields[i].name);
}

static bool refuse_unknown(const struct route_field *fields, struct str name, struct err *e)
{
	size_t count = 0;

	while (fields[count].name)
		count++;
	struct str near = str_nearest(name, count, field_name_at, fields);

	err_set(e, ERR_INPUT, "'" STR_FMT "': no such field here", STR_ARG(str_head(name, 64)));
	if (near.len)
		err_hint(e, "did you mean '" STR_FMT "'?", STR_ARG(near));
	return false;
}

static bool put(struct sheet *s, const struct wall_value *v, struct err *e)
{
	if (s->count == s->room) {
		size_t room = s->room ? s->room * 2 : 16;
		struct wall_value *more =
			room > FIELDS_MAX * 2 ? NULL : arena_alloc(s->mem, room, sizeof(*more));

		if (!more)
			return err_set(e, ERR_INPUT, "too large");
		if (s->count)
			memcpy(more, s->items, s->count * sizeof(*more));
		s->items = more;
		s->room = room;
	}
	if (!v->name.ptr)
		return err_set(e, ERR_INPUT, "too large");
	s->items[s->count++] = *v;
	return true;
}

static bool put_text(struct sheet *s, struct str name, struct str text, struct err *e)
{
	struct wall_value v = { .name = name, .kind = WALL_VALUE_TEXT, .text = text };

	return put(s, &v, e);
}

static struct str sub_name(struct sheet *s, const struct route_field *f, struct str key)
{
	return arena_printf(s->mem, "%s." STR_FMT, f->name, STR_ARG(key));
}

static struct str item_name(struct sheet *s, const struct route_field *f, size_t i,
			    const char *member)
{
	return arena_printf(s->mem, "%s.%zu%s%s", f->name, i, member[0] ? "." : "", member);
}

static bool text_fits(const struct route_field *f, struct str text, int64_t max, struct err *e)
{
	if ((int64_t)text.len > max)
		return err_set(e, ERR_INPUT, "'%s': longer than %lld bytes", f->name,
			       (long long)max);
	if (str_has(text, '\0') || !str_is_utf8(text))
		return err_set(e, ERR_INPUT, "'%s': not UTF-8 text", f->name);
	return true;
}

static bool read_text(struct sheet *s, const struct route_field *f, const struct json *v,
		      struct err *e)
{
	struct str text = json_value_text(v);

	if (json_kind(v) != JSON_KIND_TEXT)
		return err_set(e, ERR_INPUT, "'%s': want a string", f->name);
	if (!text_fits(f, text, f->max, e))
		return false;
	text = arena_dup(s->mem, text);
	if (!text.ptr)
		return err_set(e, ERR_INPUT, "too large");
	return put_text(s, str_of(f->name), text, e);
}

/* In a query all is text (walls.h); its number goes along. */
static bool put_number(struct sheet *s, const struct route_field *f, int64_t num, struct str text,
		       struct err *e)
{
	struct wall_value v = {
		.name = str_of(f->name),
		.kind = text.len ? WALL_VALUE_TEXT : WALL_VALUE_INT,
		.text = text,
		.num = num,
	};

	if (num < 0 || num > f->max)
		return err_set(e, ERR_INPUT, "'%s': want a number from 0 to %lld", f->name,
			       (long long)f->max);
	return put(s, &v, e);
}

static bool read_number(struct sheet *s, const struct route_field *f, const struct json *v,
			struct err *e)
{
	return put_number(s, f, json_kind(v) == JSON_KIND_INT ? json_value_int(v) : -1, STR(""), e);
}

static bool put_switch(struct sheet *s, const struct route_field *f, bool is_on, struct err *e)
{
	struct wall_value v = { .name = str_of(f->name), .kind = WALL_VALUE_BOOL, .num = is_on };

	return put(s, &v, e);
}

static bool read_switch(struct sheet *s, const struct route_field *f, const struct json *v,
			struct err *e)
{
	if (json_kind(v) != JSON_KIND_BOOL)
		return err_set(e, ERR_INPUT, "'%s': want true or false", f->name);
	return put_switch(s, f, json_value_bool(v), e);
}

static bool read_bytes(struct sheet *s, const struct route_field *f, const struct json *v,
		       struct err *e)
{
	struct bytes bytes;

	if (json_kind(v) != JSON_KIND_TEXT)
		return err_set(e, ERR_INPUT, "'%s': want base64 in a string", f->name);
	if ((int64_t)(json_value_text(v).len / 4 * 3) > f->max + 3)
		return err_set(e, ERR_INPUT, "'%s': longer than %lld bytes", f->name,
			       (long long)f->max);
	if (!base64_read(json_value_text(v), BASE64_STD, s->mem, &bytes, e))
		return err_in(e, "'%s'", f->name);
	return put_text(s, str_of(f->name), str_bytes(bytes), e);
}

static bool check_list(const struct route_field *f, const struct json *v, enum json_kind kind,
		       const char *want, struct err *e)
{
	if (json_kind(v) != kind)
		return err_set(e, ERR_INPUT, "'%s': want %s", f->name, want);
	if ((int64_t)json_count(v) > f->max)
		return err_set(e, ERR_INPUT, "'%s': more than %lld", f->name, (long long)f->max);
	return true;
}

enum { ITEM_TEXT_MAX = 256 };

static bool read_texts(struct sheet *s, const struct route_field *f, const struct json *v,
		       struct err *e)
{
	if (!check_list(f, v, JSON_KIND_LIST, "a list of strings", e))
		return false;
	for (size_t i = 0; i < json_count(v); i++) {
		const struct json *item = json_item(v, i);

		if (json_kind(item) != JSON_KIND_TEXT)
			return err_set(e, ERR_INPUT, "'%s': want a list of strings", f->name);
		if (!text_fits(f, json_value_text(item), ITEM_TEXT_MAX, e))
			return false;
		struct str text = arena_dup(s->mem, json_value_text(item));
		if (!put_text(s, item_name(s, f, i, ""), text, e))
			return false;
	}
	return true;
}

static bool read_pair(struct sheet *s, const struct route_field *f, struct str key,
		      const struct json *v, struct err *e)
{
	struct wall_value out = { .name = sub_name(s, f, key) };

	if (!key.len || key.len > 64 || !text_fits(f, key, 64, e))
		return err_set(e, ERR_INPUT, "'%s': names have 1 to 64 bytes", f->name);
	if (json_kind(v) == JSON_KIND_INT) {
		out.kind = WALL_VALUE_INT;
		out.num = json_value_int(v);
		return put(s, &out, e);
	}
	if (json_kind(v) != JSON_KIND_TEXT)
		return err_set(e, ERR_INPUT, "'%s': values are strings or integers", f->name);
	if (!text_fits(f, json_value_text(v), ITEM_TEXT_MAX, e))
		return false;
	return put_text(s, out.name, arena_dup(s->mem, json_value_text(v)), e);
}

typedef bool member_fn(struct sheet *s, const struct route_field *f, struct str key,
		       const struct json *v, struct err *e);

static bool read_members(struct sheet *s, const struct route_field *f, const struct json *v,
			 member_fn *read, struct err *e)
{
	const struct json *value;
	struct str key;

	if (!check_list(f, v, JSON_KIND_MAP, "an object", e))
		return false;
	for (void *at = NULL; json_next(v, &at, &key, &value);)
		if (!read(s, f, key, value, e))
			return false;
	return true;
}

static bool read_pairs(struct sheet *s, const struct route_field *f, const struct json *v,
		       struct err *e)
{
	return read_members(s, f, v, read_pair, e);
}

enum { FILE_NAME_MAX = 128, FILE_TEXT_MAX = 1 << 18 };

static bool read_files(struct sheet *s, const struct route_field *f, const struct json *v,
		       struct err *e)
{
	static const char *const members[] = { "file", "text" };

	if (!check_list(f, v, JSON_KIND_LIST, "a list of {\"file\", \"text\"}", e))
		return false;
	for (size_t i = 0; i < json_count(v); i++) {
		const struct json *item = json_item(v, i);
		struct str file, text;

		if (!json_only(item, members, countof(members), e) ||
		    !json_text(item, "file", &file, e) || !json_text(item, "text", &text, e))
			return err_in(e, "'%s'", f->name);
		if (!text_fits(f, file, FILE_NAME_MAX, e) || !text_fits(f, text, FILE_TEXT_MAX, e))
			return false;
		if (!put_text(s, item_name(s, f, i, "file"), arena_dup(s->mem, file), e) ||
		    !put_text(s, item_name(s, f, i, "text"), arena_dup(s->mem, text), e))
			return false;
	}
	return true;
}

enum { PCR_COUNT = 24, PCR_BYTES = 32 };

static bool read_pcr(struct sheet *s, const struct route_field *f, struct str key,
		     const struct json *v, struct err *e)
{
	struct wall_value out = { .name = sub_name(s, f, key), .kind = WALL_VALUE_TEXT };
	struct bytes digest;
	uint64_t index;

	if (!str_u64(key, &index) || index >= PCR_COUNT || (key.len > 1 && key.ptr[0] == '0'))
		return err_set(e, ERR_INPUT, "'%s': registers are numbered 0 to 23", f->name);
	if (!hex_read(json_value_text(v), s->mem, &digest, e) || digest.len != PCR_BYTES)
		return err_set(e, ERR_INPUT, "'%s': register %llu: want 64 hex digits", f->name,
			       (unsigned long long)index);
	out.text = str_bytes(digest);
	out.num = (int64_t)index;
	return put(s, &out, e);
}

static bool read_pcrs(struct sheet *s, const struct route_field *f, const struct json *v,
		      struct err *e)
{
	return read_members(s, f, v, read_pcr, e);
}

enum { LINE_MAX_BYTES = 16384 };

static bool read_line(struct sheet *s, const struct route_field *f, size_t i,
		      const struct json *item, struct err *e)
{
	auto_buf struct buf text = { 0 };
	struct jw w;

	buf_init(&text, LINE_MAX_BYTES);
	jw_init(&w, &text, JW_COMPACT);
	jw_json(&w, item);
	if (json_kind(item) != JSON_KIND_MAP || !jw_ok(&w))
		return err_set(e, ERR_INPUT,
			       "'%s': want objects without fractions, at most 16 KiB each",
			       f->name);
	struct str copy = arena_dup(s->mem, buf_str(&text));
	return put_text(s, item_name(s, f, i, ""), copy, e);
}

static bool read_lines(struct sheet *s, const struct route_field *f, const struct json *v,
		       struct err *e)
{
	if (!check_list(f, v, JSON_KIND_LIST, "a list of objects", e))
		return false;
	for (size_t i = 0; i < json_count(v); i++)
		if (!read_line(s, f, i, json_item(v, i), e))
			return false;
	return true;
}

static field_read_fn *const readers[] = {
	[FIELD_TEXT] = read_text,   [FIELD_NUMBER] = read_number, [FIELD_SWITCH] = read_switch,
	[FIELD_BYTES] = read_bytes, [FIELD_TEXTS] = read_texts,   [FIELD_PAIRS] = read_pairs,
	[FIELD_FILES] = read_files, [FIELD_PCRS] = read_pcrs,     [FIELD_LINES] = read_lines,
};

static bool is_there(const struct json *doc, const struct route_field *f)
{
	enum json_kind kind = json_kind(json_member(doc, f->name));

	return kind != JSON_KIND_NONE && kind != JSON_KIND_NULL;
}

static bool check_required(const struct route_field *fields, const struct json *doc, struct err *e)
{
	for (; fields->name; fields++)
		if (fields->is_required && !is_there(doc, fields)) {
			err_set(e, ERR_INPUT, "'%s' is missing", fields->name);
			return err_hint(e, "%s", fields->help);
		}
	return true;
}

bool fields_body(const struct route_field *fields, struct bytes body, struct arena *mem,
		 struct wall_values *out, struct err *e)
{
	struct json_limits limits = { .max_bytes = FIELDS_BODY_MAX, .max_depth = 16 };
	struct sheet sheet = { .mem = mem };
	auto_json struct json *doc = NULL;
	const struct json *value;
	struct str key;

	if (!json_read(body.len ? body : bytes_str(STR("{}")), &limits, &doc, e))
		return err_in(e, "body");
	if (json_kind(doc) != JSON_KIND_MAP)
		return err_set(e, ERR_INPUT, "body: want one JSON object");
	if (!check_required(fields, doc, e))
		return false;
	for (void *at = NULL; json_next(doc, &at, &key, &value);) {
		const struct route_field *f = route_field_find(fields, key);

		if (!f)
			return refuse_unknown(fields, key, e);
		if (json_kind(value) != JSON_KIND_NULL && !readers[f->type](&sheet, f, value, e))
			return false;
	}
	*out = (struct wall_values){ sheet.items, sheet.count };
	return !arena_is_full(mem) || err_set(e, ERR_INPUT, "too large");
}

static bool is_given(const struct sheet *s, const struct route_field *f)
{
	for (size_t i = 0; i < s->count; i++)
		if (str_eqz(s->items[i].name, f->name))
			return true;
	return false;
}

static bool query_value(struct sheet *s, const struct route_field *f, struct str pair,
			struct err *e)
{
	struct str text;
	int64_t num;

	if (is_given(s, f))
		return err_set(e, ERR_INPUT, "'%s' is given twice", f->name);
	if (!http_query(pair, f->name, s->mem, &text, e))
		return false;
	if (f->type == FIELD_NUMBER)
		return put_number(s, f, str_i64(text, &num) ? num : -1, text, e);
	if (f->type == FIELD_SWITCH && !str_eqz(text, "true") && !str_eqz(text, "false"))
		return err_set(e, ERR_INPUT, "'%s': want true or false", f->name);
	if (f->type == FIELD_SWITCH)
		return put_switch(s, f, str_eqz(text, "true"), e);
	return text_fits(f, text, f->max, e) && put_text(s, str_of(f->name), text, e);
}

bool fields_query(const struct route_field *fields, struct str query, struct arena *mem,
		  struct wall_values *out, struct err *e)
{
	struct sheet sheet = { .mem = mem };
	size_t count = 0;

	while (query.len) {
		struct str pair, name, raw;

		(void)str_cut(query, '&', &pair, &query);
		(void)str_cut(pair, '=', &name, &raw);
		if (++count > FIELDS_QUERY_MAX)
			return err_set(e, ERR_INPUT, "query: more than %d parameters",
				       FIELDS_QUERY_MAX);
		const struct route_field *f = route_field_find(fields, name);

		if (!f)
			return refuse_unknown(fields, name, e);
		if (!query_value(&sheet, f, pair, e))
			return false;
	}
	*out = (struct wall_values){ sheet.items, sheet.count };
	return true;
}

struct bytes fields_bytes(const struct wall_values *values, const char *name)
{
	const struct wall_value *v = wall_value_find(values, str_of(name));

	return v ? bytes_str(v->text) : (struct bytes){ 0 };
}
