#include "cedar/schema_raw.h"

#include <stdarg.h>
#include <stdio.h>

bool raw_fail(struct raw_at at, struct err *e, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return cedar_err_at(e, at.pos, STR_FMT "%s%s", STR_ARG(at.path), at.path.len ? ": " : "",
			    text);
}

bool raw_full(struct err *e)
{
	return err_set(e, ERR_INPUT, "schema is too large");
}

struct raw_type *raw_type_new(struct raw_schema *raw, enum raw_kind kind, struct raw_at at,
			      struct err *e)
{
	struct raw_type *t = arena_alloc(raw->mem, 1, sizeof(*t));

	if (!t) {
		raw_full(e);
		return NULL;
	}
	t->kind = kind;
	t->at = at;
	return t;
}

/* Appends to the list whose ends and count are given. */
#define APPEND(item, first, last, count)                                                           \
	do {                                                                                       \
		if (last)                                                                          \
			(last)->next = (item);                                                     \
		else                                                                               \
			(first) = (item);                                                          \
		(last) = (item);                                                                   \
		(count)++;                                                                         \
	} while (0)

struct raw_attr *raw_attr_add(struct raw_schema *raw, struct raw_type *record, struct str name,
			      struct err *e)
{
	struct raw_attr *a = arena_alloc(raw->mem, 1, sizeof(*a));

	if (!a) {
		raw_full(e);
		return NULL;
	}
	a->name = name;
	APPEND(a, record->attrs, record->last_attr, record->attr_count);
	return a;
}

struct raw_ref *raw_ref_add(struct raw_schema *raw, struct raw_refs *to, struct raw_at at,
			    struct err *e)
{
	struct raw_ref *r = arena_alloc(raw->mem, 1, sizeof(*r));

	if (!r) {
		raw_full(e);
		return NULL;
	}
	r->at = at;
	APPEND(r, to->first, to->last, to->count);
	return r;
}

struct raw_entity *raw_entity_add(struct raw_schema *raw, struct raw_at at, struct err *e)
{
	struct raw_entity *n = arena_alloc(raw->mem, 1, sizeof(*n));

	if (!n) {
		raw_full(e);
		return NULL;
	}
	n->at = at;
	n->source = raw->reading;
	APPEND(n, raw->entities, raw->last_entity, raw->entity_count);
	return n;
}

struct raw_common *raw_common_add(struct raw_schema *raw, struct raw_at at, struct err *e)
{
	struct raw_common *c = arena_alloc(raw->mem, 1, sizeof(*c));

	if (!c) {
		raw_full(e);
		return NULL;
	}
	c->at = at;
	APPEND(c, raw->commons, raw->last_common, raw->common_count);
	return c;
}

struct raw_action *raw_action_add(struct raw_schema *raw, struct raw_at at, struct err *e)
{
	struct raw_action *a = arena_alloc(raw->mem, 1, sizeof(*a));

	if (!a) {
		raw_full(e);
		return NULL;
	}
	a->at = at;
	APPEND(a, raw->actions, raw->last_action, raw->action_count);
	return a;
}

static bool is_one_of(struct str s, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_eqz(s, words[i]))
			return true;
	return false;
}

bool raw_is_word(struct str s)
{
	return cedar_is_ident(s) && (!cedar_is_reserved(s) || str_eqz(s, "__cedar"));
}

/* The next part of a path; false past its end. */
static bool next_part(struct str *rest, struct str *part)
{
	if (!rest->ptr)
		return false;
	for (size_t i = 0; i + 1 < rest->len; i++)
		if (rest->ptr[i] == ':' && rest->ptr[i + 1] == ':') {
			*part = str_head(*rest, i);
			*rest = str_from(*rest, i + 2);
			if (!rest->len)
				*rest = STR("");
			return true;
		}
	*part = *rest;
	*rest = (struct str){ 0 };
	return true;
}

bool raw_is_path(struct str s)
{
	struct str rest = s, part;

	while (next_part(&rest, &part))
		if (!raw_is_word(part))
			return false;
	return s.len > 0;
}

bool raw_has_cedar(struct str s)
{
	struct str rest = s, part;

	while (next_part(&rest, &part))
		if (str_eqz(part, "__cedar"))
			return true;
	return false;
}

static bool fail_cedar(struct str name, struct raw_at at, struct err *e)
{
	return raw_fail(at, e, "'" STR_FMT "' holds the reserved name __cedar", STR_ARG(name));
}

bool raw_check_namespace(struct str ns, struct raw_at at, struct err *e)
{
	if (!raw_is_path(ns))
		return raw_fail(at, e, "'" STR_FMT "' is not a namespace name", STR_ARG(ns));
	return !raw_has_cedar(ns) || fail_cedar(ns, at, e);
}

bool raw_check_entity_name(struct str name, struct raw_at at, struct err *e)
{
	if (!raw_is_word(name))
		return raw_fail(at, e, "'" STR_FMT "' cannot name an entity type", STR_ARG(name));
	if (raw_has_cedar(name))
		return fail_cedar(name, at, e);
	if (str_eqz(name, "Action"))
		return raw_fail(at, e, "entity type 'Action' is declared by declaring actions");
	return true;
}

bool raw_check_common_name(struct str name, struct raw_at at, struct err *e)
{
	static const char *const keywords[] = { "Bool", "Boolean", "Entity", "Extension",
						"Long", "Record",  "Set",    "String" };

	if (!raw_is_word(name))
		return raw_fail(at, e, "'" STR_FMT "' cannot name a common type", STR_ARG(name));
	if (raw_has_cedar(name))
		return fail_cedar(name, at, e);
	return !is_one_of(name, keywords, countof(keywords)) ||
	       raw_fail(at, e, "'" STR_FMT "' is a keyword and cannot name a common type",
			STR_ARG(name));
}
