/* say.c - lists and sentences out of answers. */
#include "ctl/say.h"

#include "base/buf.h"
#include "codec/json.h"

static struct str joined(struct ctl *c, const struct json *list)
{
	struct str all = STR("");

	for (size_t i = 0; i < json_count(list); i++) {
		struct str one = json_value_text(json_item(list, i));

		all = arena_printf(c->mem, STR_FMT "%s" STR_FMT, STR_ARG(all), i ? "," : "",
				   STR_ARG(one));
	}
	return all;
}

static struct str plain(struct ctl *c, const struct json *v)
{
	switch (json_kind(v)) {
	case JSON_KIND_TEXT:
		return json_value_text(v);
	case JSON_KIND_INT:
		return arena_printf(c->mem, "%lld", (long long)json_value_int(v));
	case JSON_KIND_BOOL:
		return json_value_bool(v) ? STR("yes") : STR("no");
	case JSON_KIND_LIST:
		return joined(c, v);
	case JSON_KIND_NONE:
	case JSON_KIND_NULL:
	case JSON_KIND_REAL:
	case JSON_KIND_MAP:
		break;
	}
	return STR("");
}

struct str say_member(struct ctl *c, const struct json *map, const char *member, enum say_form form)
{
	const struct json *v = json_member(map, member);

	if (form == SAY_AGE && json_kind(v) == JSON_KIND_INT)
		return print_age(c, json_value_int(v));
	if (form == SAY_YES)
		return json_value_bool(v) ? STR("yes") : STR("-");
	return plain(c, v);
}

static void add_row(struct ctl *c, struct print_table *t, const struct say_column *columns,
		    const struct json *item)
{
	struct str cells[PRINT_COLUMNS];

	for (size_t i = 0; i < t->columns; i++) {
		cells[i] = say_member(c, item, columns[i].member, columns[i].form);
		if (!cells[i].len)
			cells[i] = STR("-");
	}
	print_table_add(t, cells);
}

static void print_list(struct ctl *c, const struct say_list *l, const struct json *items)
{
	const char *heads[PRINT_COLUMNS] = { 0 };
	struct print_table t;
	size_t columns = 0;

	for (; columns < PRINT_COLUMNS && l->columns[columns].head; columns++)
		heads[columns] = l->columns[columns].head;
	print_table_init(&t, c, heads, columns);
	for (size_t i = 0; i < json_count(items); i++)
		add_row(c, &t, l->columns, json_item(items, i));
	print_table_end(&t);
}

bool say_list(struct ctl *c, const struct say_list *l, struct err *e)
{
	struct str target = str_of(l->path);
	auto_json struct json *doc = NULL;
	const struct json *items;
	int64_t limit;

	if (!ctl_number(c, "limit", l->limit, &limit, e))
		return false;
	for (size_t i = 0; l->filters && l->filters[i]; i++)
		target = api_query(c, target, l->filters[i], ctl_text(c, l->filters[i]));
	if (!api_list(c, target, limit, &doc, e))
		return false;
	if (c->is_json)
		return print_json(doc, e);
	if (!json_list(doc, "items", &items, e))
		return false;
	if (!json_count(items))
		print_note("Nothing here.  %s", l->empty);
	else
		print_list(c, l, items);
	return true;
}

bool say_get(struct ctl *c, struct str target, struct json **out, struct err *e)
{
	if (!api_get(c, target, out, e))
		return false;
	if (!c->is_json)
		return true;
	bool is_printed = print_json(*out, e);
	json_free(*out);
	*out = NULL;
	return is_printed;
}

bool say_done(struct ctl *c, const char *method, struct str target, struct str body,
	      struct str sentence, struct err *e)
{
	auto_json struct json *doc = NULL;

	if (!api_call(c, method, target, body, &doc, e))
		return false;
	if (c->is_json && doc)
		return print_json(doc, e);
	if (c->is_json) {
		printf("{}\n");
		return true;
	}
	print_text(sentence);
	printf("\n");
	return true;
}

struct str say_reason(struct ctl *c)
{
	auto_buf struct buf out = { 0 };
	struct jw w;

	buf_init(&out, 65536);
	jw_init(&w, &out, JW_COMPACT);
	jw_map(&w);
	if (ctl_has(c, "reason"))
		jw_kv_str(&w, "reason", ctl_text(c, "reason"));
	jw_end(&w);
	return arena_dup(c->mem, buf_str(&out));
}

void say_values(struct ctl *c, struct jw *w, const char *member, const char *option)
{
	struct str value;
	size_t at = 0;

	jw_key(w, member);
	jw_list(w);
	while (ctl_each(c, option, &at, &value))
		jw_str(w, value);
	jw_end(w);
}
