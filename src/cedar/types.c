#include "cedar/types.h"

const struct schema_type type_bool = { .kind = SCHEMA_BOOL, .nodes = 1, .depth = 1 };
const struct schema_type type_true = { .kind = SCHEMA_TRUE, .nodes = 1, .depth = 1 };
const struct schema_type type_false = { .kind = SCHEMA_FALSE, .nodes = 1, .depth = 1 };
const struct schema_type type_long = { .kind = SCHEMA_LONG, .nodes = 1, .depth = 1 };
const struct schema_type type_string = { .kind = SCHEMA_STRING, .nodes = 1, .depth = 1 };

bool type_is_bool(const struct schema_type *t)
{
	return t->kind == SCHEMA_BOOL || t->kind == SCHEMA_TRUE || t->kind == SCHEMA_FALSE;
}

const struct schema_type *type_of_truth(bool truth)
{
	return truth ? &type_true : &type_false;
}

static bool same_attrs(const struct schema_type *a, const struct schema_type *b)
{
	if (a->attr_count != b->attr_count)
		return false;
	for (size_t i = 0; i < a->attr_count; i++)
		if (a->attrs[i].num != b->attrs[i].num ||
		    a->attrs[i].is_optional != b->attrs[i].is_optional)
			return false;
	return true;
}

static bool record_is_below(const struct schema_type *a, const struct schema_type *b)
{
	if (!same_attrs(a, b))
		return false;
	for (size_t i = 0; i < a->attr_count; i++)
		if (!type_is_below(a->attrs[i].type, b->attrs[i].type))
			return false;
	return true;
}

bool type_is_below(const struct schema_type *a, const struct schema_type *b)
{
	if (a == b || a->kind == SCHEMA_NEVER)
		return true;
	if (b->kind == SCHEMA_BOOL)
		return type_is_bool(a);
	if (a->kind != b->kind)
		return false;
	if (a->kind == SCHEMA_SET)
		return type_is_below(a->element, b->element);
	if (a->kind == SCHEMA_RECORD)
		return record_is_below(a, b);
	/* By name: a number is 0 for extensions that nothing else has named. */
	return str_eq(a->name, b->name);
}

const struct schema_type *type_set_of(const struct schema_type *element, struct arena *mem)
{
	struct schema_type *t = arena_alloc(mem, 1, sizeof(*t));

	if (t)
		*t = (struct schema_type){ .kind = SCHEMA_SET,
					   .element = element,
					   .nodes = element->nodes + 1,
					   .depth = element->depth + 1 };
	return t;
}

static const struct schema_type *set_bound(const struct schema_type *a, const struct schema_type *b,
					   struct arena *mem, bool *is_full)
{
	const struct schema_type *element = type_bound(a->element, b->element, mem, is_full);
	const struct schema_type *t = element ? type_set_of(element, mem) : NULL;

	*is_full |= element && !t;
	return t;
}

static const struct schema_type *record_bound(const struct schema_type *a,
					      const struct schema_type *b, struct arena *mem,
					      bool *is_full)
{
	if (!same_attrs(a, b))
		return NULL;
	struct schema_type *t = arena_alloc(mem, 1, sizeof(*t));
	struct schema_attr *attrs = arena_alloc(mem, a->attr_count + 1, sizeof(*attrs));
	if (!t || !attrs) {
		*is_full = true;
		return NULL;
	}
	*t = *a;
	t->attrs = attrs;
	for (size_t i = 0; i < a->attr_count; i++) {
		attrs[i] = a->attrs[i];
		attrs[i].type = type_bound(a->attrs[i].type, b->attrs[i].type, mem, is_full);
		if (!attrs[i].type)
			return NULL;
	}
	return t;
}

const struct schema_type *type_bound(const struct schema_type *a, const struct schema_type *b,
				     struct arena *mem, bool *is_full)
{
	if (type_is_below(a, b))
		return b;
	if (type_is_below(b, a))
		return a;
	if (type_is_bool(a) && type_is_bool(b))
		return &type_bool;
	if (a->kind != b->kind)
		return NULL;
	if (a->kind == SCHEMA_SET)
		return set_bound(a, b, mem, is_full);
	if (a->kind == SCHEMA_RECORD)
		return record_bound(a, b, mem, is_full);
	return NULL;
}

bool type_is_disjoint(const struct schema_type *a, const struct schema_type *b)
{
	return a->kind == SCHEMA_ENTITY && b->kind == SCHEMA_ENTITY && a->num != b->num;
}

struct str type_text(const struct schema_type *t, struct arena *mem)
{
	enum { LONGEST = 80 };
	auto_buf struct buf b = { 0 };

	buf_init(&b, LONGEST);
	switch (t->kind) {
	case SCHEMA_TRUE:
	case SCHEMA_FALSE:
		return STR("Bool");
	case SCHEMA_ANY_ENTITY:
		return STR("an entity");
	default:
		schema_type_print(t, &b);
	}
	return b.is_full ? arena_printf(mem, STR_FMT "...", STR_ARG(buf_str(&b)))
			 : arena_dup(mem, buf_str(&b));
}
