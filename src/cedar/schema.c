#include "cedar/schema.h"

#include "cedar/schema_raw.h"

enum { RAW_MEMORY_MAX = 256 << 20 };

static bool read_one(const struct schema_source *src, struct raw_schema *raw, struct err *e)
{
	if (src->text.len > SCHEMA_TEXT_MAX)
		return err_set(e, ERR_INPUT, STR_FMT ": schema is larger than %d bytes",
			       STR_ARG(src->file), SCHEMA_TEXT_MAX);
	return src->syntax == SCHEMA_JSON ? schema_json_read(src, raw, e)
					  : schema_text_read(src, raw, e);
}

const struct schema *schema_read(const struct schema_source *sources, size_t count,
				 struct cedar_names *names, struct arena *mem, struct err *e)
{
	struct raw_schema raw = { .mem = arena_new(RAW_MEMORY_MAX),
				  .sources = sources,
				  .source_count = count };
	const struct schema *s = NULL;
	bool ok = true;

	for (size_t i = 0; ok && i < count; i++) {
		raw.reading = &sources[i];
		ok = read_one(&sources[i], &raw, e);
	}
	if (ok && !schema_resolve(&raw, names, mem, &s, e))
		s = NULL;
	arena_free(raw.mem);
	return s;
}

static int cmp_entity_name(const void *key, const void *item)
{
	return str_cmp(*(const struct str *)key, ((const struct schema_entity *)item)->name);
}

const struct schema_entity *schema_entity_find(const struct schema *s, struct str name)
{
	if (!s->entity_count)
		return NULL;
	return bsearch(&name, s->entities, s->entity_count, sizeof(*s->entities), cmp_entity_name);
}

const struct schema_entity *schema_entity_of(const struct schema *s, uint32_t num)
{
	return schema_entity_find(s, cedar_names_text(s->names, num));
}

struct action_key {
	struct str type, id;
};

static int cmp_action_key(const void *key, const void *item)
{
	const struct action_key *k = key;
	const struct schema_action *a = item;
	int by_type = str_cmp(k->type, a->type);

	return by_type ? by_type : str_cmp(k->id, a->id);
}

const struct schema_action *schema_action_find(const struct schema *s, struct str type,
					       struct str id)
{
	struct action_key key = { type, id };

	if (!s->action_count)
		return NULL;
	return bsearch(&key, s->actions, s->action_count, sizeof(*s->actions), cmp_action_key);
}

const struct schema_action *schema_action_of(const struct schema *s, uint32_t type_num,
					     struct str id)
{
	return schema_action_find(s, cedar_names_text(s->names, type_num), id);
}

static int cmp_attr_name(const void *key, const void *item)
{
	return str_cmp(*(const struct str *)key, ((const struct schema_attr *)item)->name);
}

const struct schema_attr *schema_attr_find(const struct schema_type *record, struct str name)
{
	if (!record->attr_count)
		return NULL;
	return bsearch(&name, record->attrs, record->attr_count, sizeof(*record->attrs),
		       cmp_attr_name);
}

/* The shorter way round: most types have few ancestors. */
bool schema_entity_is_below(const struct schema_entity *of, const struct schema_entity *above)
{
	for (size_t i = 0; i < of->ancestor_count; i++)
		if (of->ancestors[i] == above)
			return true;
	return false;
}

bool schema_action_is_below(const struct schema_action *of, const struct schema_action *above)
{
	for (size_t i = 0; i < of->ancestor_count; i++)
		if (of->ancestors[i] == above)
			return true;
	return false;
}

bool schema_entity_has_id(const struct schema_entity *of, struct str id)
{
	for (size_t i = 0; i < of->id_count; i++)
		if (str_eq(of->ids[i], id))
			return true;
	return of->id_count == 0;
}

bool schema_is_action_type(struct str name)
{
	return str_eqz(name, "Action") || str_ends(name, STR("::Action"));
}

bool schema_is_action_num(const struct schema *s, uint32_t num)
{
	return schema_is_action_type(cedar_names_text(s->names, num));
}

static bool attrs_eq(const struct schema_type *a, const struct schema_type *b)
{
	if (a->attr_count != b->attr_count)
		return false;
	for (size_t i = 0; i < a->attr_count; i++)
		if (!str_eq(a->attrs[i].name, b->attrs[i].name) ||
		    a->attrs[i].is_optional != b->attrs[i].is_optional ||
		    !schema_type_eq(a->attrs[i].type, b->attrs[i].type))
			return false;
	return true;
}

/* Recursion ends: no type is deeper than SCHEMA_DEPTH_MAX. */
bool schema_type_eq(const struct schema_type *a, const struct schema_type *b)
{
	if (a == b)
		return true;
	if (a->kind != b->kind || !str_eq(a->name, b->name) || a->nodes != b->nodes)
		return false;
	if (a->kind == SCHEMA_SET)
		return a->element && b->element ? schema_type_eq(a->element, b->element)
						: a->element == b->element;
	return a->kind != SCHEMA_RECORD || attrs_eq(a, b);
}

static struct str entity_name_at(const void *ctx, size_t i)
{
	return ((const struct schema *)ctx)->entities[i].name;
}

struct str schema_entity_nearest(const struct schema *s, struct str typed)
{
	return str_nearest(typed, s->entity_count, entity_name_at, s);
}

static struct str action_id_at(const void *ctx, size_t i)
{
	return ((const struct schema *)ctx)->actions[i].id;
}

struct str schema_action_nearest(const struct schema *s, struct str typed_id)
{
	return str_nearest(typed_id, s->action_count, action_id_at, s);
}

static struct str attr_name_at(const void *ctx, size_t i)
{
	return ((const struct schema_type *)ctx)->attrs[i].name;
}

struct str schema_attr_nearest(const struct schema_type *record, struct str typed)
{
	return str_nearest(typed, record->attr_count, attr_name_at, record);
}
