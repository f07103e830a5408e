/* What each written name means, and what follows from all of them together.
 *
 * A name without "::" is looked for in its own namespace first and then outside all
 * (RFC 24, 70); in each place a common type comes before an entity type.  Built-in
 * types are common types of the namespace __cedar, seen from outside unless a
 * declaration there hides them. */
#include "cedar/schema_raw.h"

/* A declared name, sorted by its full text. */
struct common {
	struct str name; /* fully qualified */
	const struct raw_common *raw;
	const struct schema_type *type; /* NULL: not expanded yet */
	bool is_open;                   /* being expanded: meeting it again is a cycle */
};

struct resolver {
	const struct raw_schema *raw;
	struct cedar_names *names;
	struct arena *mem; /* of the result; scratch is raw->mem */
	struct schema *out;
	const struct raw_entity **written_entities; /* beside out->entities */
	const struct raw_action **written_actions;
	struct common *commons;
	size_t *stamps, stamp; /* by entity index: in the list being made when equal */
	unsigned depth;
	struct err *e;
};

static const struct schema_type bool_type = { .kind = SCHEMA_BOOL, .nodes = 1, .depth = 1 };
static const struct schema_type long_type = { .kind = SCHEMA_LONG, .nodes = 1, .depth = 1 };
static const struct schema_type string_type = { .kind = SCHEMA_STRING, .nodes = 1, .depth = 1 };

static void *take(struct resolver *r, struct arena *mem, size_t count, size_t size)
{
	void *p = arena_alloc(mem, count ? count : 1, size);

	if (!p)
		raw_full(r->e);
	return p;
}

static bool keep(struct resolver *r, struct str text, struct str *out)
{
	*out = arena_dup(r->mem, text);
	return out->ptr || raw_full(r->e);
}

static bool join(struct resolver *r, struct arena *mem, struct str ns, struct str name,
		 struct str *out)
{
	*out = ns.len ? arena_printf(mem, STR_FMT "::" STR_FMT, STR_ARG(ns), STR_ARG(name))
		      : arena_dup(mem, name);
	return out->ptr || raw_full(r->e);
}

static struct str basename_of(struct str name)
{
	size_t start = name.len;

	while (start && name.ptr[start - 1] != ':')
		start--;
	return str_from(name, start);
}

/* --- declarations: sorted, each name once --- */

static int cmp_entity(const void *a, const void *b)
{
	return str_cmp(((const struct schema_entity *)a)->name,
		       ((const struct schema_entity *)b)->name);
}

static int cmp_common(const void *a, const void *b)
{
	return str_cmp(((const struct common *)a)->name, ((const struct common *)b)->name);
}

static int cmp_action(const void *a, const void *b)
{
	const struct schema_action *x = a, *y = b;
	int by_type = str_cmp(x->type, y->type);

	return by_type ? by_type : str_cmp(x->id, y->id);
}

/* Entities carry where they were written in `index` until sorted. */
static bool declare_entities(struct resolver *r)
{
	size_t n = 0, count = r->raw->entity_count;
	struct schema_entity *all = take(r, r->mem, count, sizeof(*all));
	const struct raw_entity **written = take(r, r->raw->mem, count, sizeof(*written));
	r->written_entities = take(r, r->raw->mem, count, sizeof(*written));

	if (!all || !written || !r->written_entities)
		return false;
	for (const struct raw_entity *w = r->raw->entities; w; w = w->next, n++) {
		if (!join(r, r->mem, w->ns, w->name, &all[n].name))
			return false;
		written[n] = w;
		all[n].index = n;
	}
	qsort(all, n, sizeof(*all), cmp_entity);
	for (size_t i = 0; i < n; i++) {
		r->written_entities[i] = written[all[i].index];
		if (i && str_eq(all[i - 1].name, all[i].name))
			return raw_fail(r->written_entities[i]->at, r->e,
					"entity type '" STR_FMT "' is declared twice",
					STR_ARG(all[i].name));
		all[i].index = i;
		all[i].num = cedar_names_put(r->names, all[i].name);
	}
	r->out->entities = all;
	r->out->entity_count = n;
	return true;
}

static bool declare_actions(struct resolver *r)
{
	size_t n = 0, count = r->raw->action_count;
	struct schema_action *all = take(r, r->mem, count, sizeof(*all));
	const struct raw_action **written = take(r, r->raw->mem, count, sizeof(*written));
	r->written_actions = take(r, r->raw->mem, count, sizeof(*written));

	if (!all || !written || !r->written_actions)
		return false;
	for (const struct raw_action *w = r->raw->actions; w; w = w->next, n++) {
		if (!join(r, r->mem, w->ns, STR("Action"), &all[n].type) ||
		    !keep(r, w->id, &all[n].id))
			return false;
		written[n] = w;
		all[n].index = n;
	}
	qsort(all, n, sizeof(*all), cmp_action);
	for (size_t i = 0; i < n; i++) {
		r->written_actions[i] = written[all[i].index];
		if (i && cmp_action(&all[i - 1], &all[i]) == 0)
			return raw_fail(r->written_actions[i]->at, r->e,
					"action '" STR_FMT "' is declared twice",
					STR_ARG(all[i].id));
		all[i].index = i;
		all[i].type_num = cedar_names_put(r->names, all[i].type);
	}
	r->out->actions = all;
	r->out->action_count = n;
	return true;
}

static bool declare_commons(struct resolver *r)
{
	size_t n = 0;

	r->commons = take(r, r->raw->mem, r->raw->common_count, sizeof(*r->commons));
	if (!r->commons)
		return false;
	for (const struct raw_common *w = r->raw->commons; w; w = w->next, n++) {
		r->commons[n].raw = w;
		if (!join(r, r->mem, w->ns, w->name, &r->commons[n].name))
			return false;
	}
	qsort(r->commons, n, sizeof(*r->commons), cmp_common);
	for (size_t i = 1; i < n; i++)
		if (str_eq(r->commons[i - 1].name, r->commons[i].name))
			return raw_fail(r->commons[i].raw->at, r->e,
					"common type '" STR_FMT "' is declared twice",
					STR_ARG(r->commons[i].name));
	return true;
}

/* --- RFC 70: nothing may hide what is declared outside all namespaces --- */

struct shadow {
	struct str base, name;
	struct raw_at at;
};

/* The name declared outside namespaces is the shortest of those with one base. */
static int cmp_shadow(const void *a, const void *b)
{
	const struct shadow *x = a, *y = b;
	int by_base = str_cmp(x->base, y->base);

	if (by_base)
		return by_base;
	return x->name.len < y->name.len ? -1 : x->name.len > y->name.len;
}

static bool no_two_shadow(struct resolver *r, struct shadow *all, size_t n)
{
	size_t outside = 0; /* index + 1 of the last name declared outside namespaces */

	for (size_t i = 0; i < n; i++) {
		if (all[i].name.len == all[i].base.len)
			outside = i + 1;
		else if (outside && str_eq(all[outside - 1].base, all[i].base))
			return raw_fail(all[i].at, r->e,
					"'" STR_FMT "' would hide '" STR_FMT
					"' that is declared outside namespaces",
					STR_ARG(all[i].name), STR_ARG(all[i].base));
	}
	return true;
}

static bool check_type_shadows(struct resolver *r)
{
	size_t n = 0, count = r->raw->entity_count + r->raw->common_count;
	struct shadow *all = take(r, r->raw->mem, count, sizeof(*all));

	if (!all)
		return false;
	for (size_t i = 0; i < r->raw->entity_count; i++, n++)
		all[n] = (struct shadow){ basename_of(r->out->entities[i].name),
					  r->out->entities[i].name, r->written_entities[i]->at };
	for (size_t i = 0; i < r->raw->common_count; i++, n++)
		all[n] = (struct shadow){ basename_of(r->commons[i].name), r->commons[i].name,
					  r->commons[i].raw->at };
	qsort(all, n, sizeof(*all), cmp_shadow);
	return no_two_shadow(r, all, n);
}

static bool check_action_shadows(struct resolver *r)
{
	const struct schema *s = r->out;

	for (size_t i = 0; i < s->action_count; i++)
		if (!str_eqz(s->actions[i].type, "Action") &&
		    schema_action_find(s, STR("Action"), s->actions[i].id))
			return raw_fail(r->written_actions[i]->at, r->e,
					"action '" STR_FMT "' would hide the action of that name "
					"that is declared outside namespaces",
					STR_ARG(s->actions[i].id));
	return true;
}

/* --- what a name refers to --- */

enum looks_for { COMMON = 1, ENTITY = 2 };

struct found {
	struct common *common;
	const struct schema_type *builtin;
	struct str entity; /* full name of an entity type, or of a declared Action type */
};

static struct common *common_find(const struct resolver *r, struct str name)
{
	struct common key = { .name = name };

	return r->raw->common_count
		       ? bsearch(&key, r->commons, r->raw->common_count, sizeof(key), cmp_common)
		       : NULL;
}

static bool action_type_exists(const struct resolver *r, struct str name)
{
	if (!schema_is_action_type(name))
		return false;
	for (size_t i = 0; i < r->out->action_count; i++)
		if (str_eq(r->out->actions[i].type, name))
			return true;
	return false;
}

static const struct schema_type *extension_type(struct resolver *r, struct str name)
{
	static const char *const known[] = { "ipaddr", "decimal", "datetime", "duration" };

	for (size_t i = 0; i < countof(known); i++)
		if (str_eqz(name, known[i])) {
			struct schema_type *t = take(r, r->mem, 1, sizeof(*t));
			if (t)
				*t = (struct schema_type){
					.kind = SCHEMA_EXTENSION,
					.name = str_of(known[i]),
					.num = cedar_names_put(r->names, str_of(known[i])),
					.nodes = 1,
					.depth = 1,
				};
			return t;
		}
	return NULL;
}

/* Names of __cedar, given without it. */
static const struct schema_type *builtin_type(struct resolver *r, struct str name)
{
	if (str_eqz(name, "Bool"))
		return &bool_type;
	if (str_eqz(name, "Long"))
		return &long_type;
	if (str_eqz(name, "String"))
		return &string_type;
	return extension_type(r, name);
}

static bool look(struct resolver *r, struct str name, unsigned want, struct found *out)
{
	*out = (struct found){ 0 };
	if (want & COMMON)
		out->common = common_find(r, name);
	if (out->common)
		return true;
	bool is_entity = schema_entity_find(r->out, name) || action_type_exists(r, name);
	if (want & COMMON && str_starts(name, STR("__cedar::")))
		out->builtin = builtin_type(r, str_from(name, sizeof("__cedar::") - 1));
	else if (want & COMMON && !is_entity)
		out->builtin = builtin_type(r, name);
	if (out->builtin)
		return true;
	if (want & ENTITY && is_entity)
		out->entity = name;
	return out->entity.len > 0;
}

/* What might have been meant: built-in types, common types, entity types. */
struct candidates {
	const struct resolver *r;
	unsigned want;
};

static const char *const builtin_names[] = { "Bool",    "Long",     "String",  "ipaddr",
					     "decimal", "datetime", "duration" };

static size_t candidate_count(const struct candidates *c)
{
	return (c->want & COMMON ? countof(builtin_names) + c->r->raw->common_count : 0) +
	       (c->want & ENTITY ? c->r->out->entity_count : 0);
}

static struct str candidate(const void *ctx, size_t i)
{
	const struct candidates *c = ctx;

	if (c->want & COMMON) {
		if (i < countof(builtin_names))
			return str_of(builtin_names[i]);
		i -= countof(builtin_names);
		if (i < c->r->raw->common_count)
			return c->r->commons[i].name;
		i -= c->r->raw->common_count;
	}
	return c->r->out->entities[i].name;
}

static bool fail_unknown(struct resolver *r, struct str name, unsigned want, struct raw_at at)
{
	struct candidates c = { r, want };
	struct str near = str_nearest(name, candidate_count(&c), candidate, &c);
	const char *what = want == COMMON ? "common type" : want == ENTITY ? "entity type" : "type";

	return raw_fail(at, r->e, "no %s is named '" STR_FMT "'%s" STR_FMT "%s", what,
			STR_ARG(name), near.len ? "; did you mean '" : "", STR_ARG(near),
			near.len ? "'?" : "");
}

static bool refer(struct resolver *r, struct str ns, struct str name, unsigned want,
		  struct raw_at at, struct found *out)
{
	bool is_qualified = basename_of(name).len != name.len;

	if (ns.len && !is_qualified) {
		struct str full;
		if (!join(r, r->raw->mem, ns, name, &full))
			return false;
		if (look(r, full, want, out))
			return true;
	}
	return look(r, name, want, out) || fail_unknown(r, name, want, at);
}

/* --- types --- */

static bool expand(struct resolver *r, struct str ns, const struct raw_type *w,
		   const struct schema_type **out);

static bool entity_type(struct resolver *r, struct str name, const struct schema_type **out)
{
	const struct schema_entity *n = schema_entity_find(r->out, name);

	if (n) {
		*out = n->type;
		return true;
	}
	struct schema_type *t = take(r, r->mem, 1, sizeof(*t));
	if (!t || !keep(r, name, &t->name))
		return false;
	t->kind = SCHEMA_ENTITY;
	t->num = cedar_names_put(r->names, name);
	t->nodes = 1;
	t->depth = 1;
	*out = t;
	return true;
}

static bool expand_common(struct resolver *r, struct common *c, struct raw_at at,
			  const struct schema_type **out)
{
	if (c->is_open)
		return raw_fail(at, r->e, "common type '" STR_FMT "' is defined by itself",
				STR_ARG(c->name));
	if (!c->type) {
		c->is_open = true;
		bool ok = expand(r, c->raw->ns, c->raw->type, &c->type);
		c->is_open = false;
		if (!ok)
			return false;
	}
	*out = c->type;
	return true;
}

static bool expand_name(struct resolver *r, struct str ns, const struct raw_type *w, unsigned want,
			const struct schema_type **out)
{
	struct found f;

	if (!refer(r, ns, w->name, want, w->at, &f))
		return false;
	if (f.common)
		return expand_common(r, f.common, w->at, out);
	if (f.entity.len)
		return entity_type(r, f.entity, out);
	*out = f.builtin;
	return true;
}

static bool check_size(const struct raw_type *w, const struct schema_type *t, struct err *e)
{
	if (t->nodes > SCHEMA_TYPE_NODES_MAX)
		return raw_fail(w->at, e, "type has more than %d parts", SCHEMA_TYPE_NODES_MAX);
	return t->depth <= SCHEMA_DEPTH_MAX ||
	       raw_fail(w->at, e, "type is nested more than %d deep", SCHEMA_DEPTH_MAX);
}

static bool expand_set(struct resolver *r, struct str ns, const struct raw_type *w,
		       const struct schema_type **out)
{
	struct schema_type *t = take(r, r->mem, 1, sizeof(*t));

	if (!t || !expand(r, ns, w->element, &t->element))
		return false;
	t->kind = SCHEMA_SET;
	t->nodes = t->element->nodes + 1;
	t->depth = t->element->depth + 1;
	*out = t;
	return check_size(w, t, r->e);
}

struct sortable_attr {
	const struct raw_attr *raw;
	size_t written; /* of two with one name the later counts, as in Cedar 4.10 */
};

static int cmp_attr(const void *a, const void *b)
{
	const struct sortable_attr *x = a, *y = b;
	int by_name = str_cmp(x->raw->name, y->raw->name);

	if (by_name)
		return by_name;
	return x->written < y->written ? -1 : x->written > y->written;
}

static bool sort_attrs(struct resolver *r, const struct raw_type *w, struct sortable_attr **out)
{
	struct sortable_attr *all = take(r, r->raw->mem, w->attr_count, sizeof(*all));
	size_t n = 0;

	if (!all)
		return false;
	for (const struct raw_attr *a = w->attrs; a; a = a->next, n++)
		all[n] = (struct sortable_attr){ a, n };
	qsort(all, n, sizeof(*all), cmp_attr);
	*out = all;
	return true;
}

static bool expand_attr(struct resolver *r, struct str ns, const struct raw_attr *a,
			struct schema_attr *out)
{
	out->is_optional = a->is_optional;
	out->num = cedar_names_put(r->names, a->name);
	return keep(r, a->name, &out->name) && expand(r, ns, a->type, &out->type);
}

static bool expand_record(struct resolver *r, struct str ns, const struct raw_type *w,
			  const struct schema_type **out)
{
	struct schema_type *t = take(r, r->mem, 1, sizeof(*t));
	struct schema_attr *attrs = take(r, r->mem, w->attr_count, sizeof(*attrs));
	struct sortable_attr *sorted;

	if (!t || !attrs || !sort_attrs(r, w, &sorted))
		return false;
	t->nodes = 1;
	t->depth = 1;
	for (size_t i = 0; i < w->attr_count; i++) {
		bool is_last = i + 1 == w->attr_count ||
			       !str_eq(sorted[i].raw->name, sorted[i + 1].raw->name);
		if (!is_last)
			continue;
		struct schema_attr *a = &attrs[t->attr_count++];
		if (!expand_attr(r, ns, sorted[i].raw, a))
			return false;
		t->nodes += a->type->nodes;
		if (a->type->depth >= t->depth)
			t->depth = a->type->depth + 1;
		if (!check_size(w, t, r->e))
			return false;
	}
	t->kind = SCHEMA_RECORD;
	t->attrs = attrs;
	*out = t;
	return true;
}

static bool expand_extension(struct resolver *r, const struct raw_type *w,
			     const struct schema_type **out)
{
	*out = extension_type(r, w->name);
	return *out ||
	       raw_fail(w->at, r->e, "no extension type is named '" STR_FMT "'", STR_ARG(w->name));
}

static bool expand_kind(struct resolver *r, struct str ns, const struct raw_type *w,
			const struct schema_type **out)
{
	switch (w->kind) {
	case RAW_NAMED:
		return expand_name(r, ns, w, COMMON | ENTITY, out);
	case RAW_COMMON:
		return expand_name(r, ns, w, COMMON, out);
	case RAW_ENTITY:
		return expand_name(r, ns, w, ENTITY, out);
	case RAW_EXTENSION:
		return expand_extension(r, w, out);
	case RAW_SET:
		return expand_set(r, ns, w, out);
	case RAW_RECORD:
		return expand_record(r, ns, w, out);
	case RAW_BOOL:
		*out = &bool_type;
		return true;
	case RAW_LONG:
		*out = &long_type;
		return true;
	case RAW_STRING:
		*out = &string_type;
		return true;
	}
	return false;
}

/* Depth counts levels of what is written and of the common types it goes through. */
static bool expand(struct resolver *r, struct str ns, const struct raw_type *w,
		   const struct schema_type **out)
{
	if (r->depth >= SCHEMA_DEPTH_MAX)
		return raw_fail(w->at, r->e, "types are nested more than %d deep",
				SCHEMA_DEPTH_MAX);
	r->depth++;
	bool ok = expand_kind(r, ns, w, out);
	r->depth--;
	return ok;
}

/* A shape or a context: a record, or NULL for one without attributes. */
static bool expand_shape(struct resolver *r, struct str ns, const struct raw_type *w,
			 struct raw_at at, const char *what, const struct schema_type **out)
{
	static const struct schema_type empty = { .kind = SCHEMA_RECORD, .nodes = 1, .depth = 1 };

	*out = &empty;
	if (!w)
		return true;
	if (!expand(r, ns, w, out))
		return false;
	return (*out)->kind == SCHEMA_RECORD || raw_fail(at, r->e, "%s is not a record", what);
}

/* --- hierarchies --- */

/* Both hierarchies are closed the same way, over indices. */
struct graph {
	size_t count;
	size_t **up; /* direct parents of each, up_count[i] of them */
	size_t *up_count;
	size_t **above, *above_count; /* found: all that are reached */
};

static bool graph_new(struct resolver *r, size_t count, struct graph *g)
{
	g->count = count;
	g->up = take(r, r->raw->mem, count, sizeof(*g->up));
	g->up_count = take(r, r->raw->mem, count, sizeof(*g->up_count));
	g->above = take(r, r->raw->mem, count, sizeof(*g->above));
	g->above_count = take(r, r->raw->mem, count, sizeof(*g->above_count));
	return g->up && g->up_count && g->above && g->above_count;
}

/* All that i reaches, breadth first; `seen` holds i + 1 of the last walk that met a node. */
static size_t graph_walk(const struct graph *g, size_t i, size_t *seen, size_t *queue)
{
	size_t n = 0, at = 0;

	for (size_t from = i;; from = queue[at++]) {
		for (size_t k = 0; k < g->up_count[from]; k++)
			if (seen[g->up[from][k]] != i + 1) {
				seen[g->up[from][k]] = i + 1;
				queue[n++] = g->up[from][k];
			}
		if (at == n)
			return n;
	}
}

static bool graph_close(struct resolver *r, struct graph *g)
{
	size_t *seen = take(r, r->raw->mem, g->count, sizeof(*seen));
	size_t *queue = take(r, r->raw->mem, g->count, sizeof(*queue));

	if (!seen || !queue)
		return false;
	for (size_t i = 0; i < g->count; i++) {
		size_t n = graph_walk(g, i, seen, queue);
		g->above[i] = take(r, r->raw->mem, n, sizeof(*queue));
		if (!g->above[i])
			return false;
		memcpy(g->above[i], queue, n * sizeof(*queue));
		g->above_count[i] = n;
	}
	return true;
}

/* Pointer lists from indices.  Entities and actions differ only in the type they point to. */
static const void **point(struct resolver *r, const size_t *from, size_t count, const void *base,
			  size_t size)
{
	const void **list = take(r, r->mem, count, sizeof(*list));

	for (size_t i = 0; list && i < count; i++)
		list[i] = (const uint8_t *)base + from[i] * size;
	return list;
}

static bool entity_parents(struct resolver *r, size_t i, struct graph *g)
{
	const struct raw_entity *w = r->written_entities[i];

	g->up[i] = take(r, r->raw->mem, w->parents.count, sizeof(**g->up));
	if (!g->up[i])
		return false;
	for (const struct raw_ref *ref = w->parents.first; ref; ref = ref->next) {
		struct found f;
		if (!refer(r, w->ns, ref->name, ENTITY, ref->at, &f))
			return false;
		const struct schema_entity *parent = schema_entity_find(r->out, f.entity);
		if (!parent)
			return raw_fail(ref->at, r->e, "actions cannot be parents of entities");
		g->up[i][g->up_count[i]++] = parent->index;
	}
	return true;
}

static bool close_entities(struct resolver *r)
{
	struct schema *s = r->out;
	struct graph g;

	if (!graph_new(r, s->entity_count, &g))
		return false;
	for (size_t i = 0; i < g.count; i++)
		if (!entity_parents(r, i, &g))
			return false;
	if (!graph_close(r, &g))
		return false;
	for (size_t i = 0; i < g.count; i++) {
		struct schema_entity *n = &s->entities[i];
		n->parents = (const struct schema_entity **)point(r, g.up[i], g.up_count[i],
								  s->entities, sizeof(*n));
		n->ancestors = (const struct schema_entity **)point(r, g.above[i], g.above_count[i],
								    s->entities, sizeof(*n));
		n->parent_count = g.up_count[i];
		n->ancestor_count = g.above_count[i];
		if (!n->parents || !n->ancestors)
			return false;
		for (size_t k = 0; k < g.above_count[i]; k++)
			s->entities[g.above[i][k]].descendant_count++;
	}
	for (size_t i = 0; i < g.count; i++) {
		struct schema_entity *n = &s->entities[i];
		n->descendants = take(r, r->mem, n->descendant_count, sizeof(*n->descendants));
		if (!n->descendants)
			return false;
		n->descendant_count = 0;
	}
	for (size_t i = 0; i < g.count; i++)
		for (size_t k = 0; k < g.above_count[i]; k++) {
			struct schema_entity *up = &s->entities[g.above[i][k]];
			up->descendants[up->descendant_count++] = &s->entities[i];
		}
	return true;
}

static const struct schema_action *parent_action(struct resolver *r, const struct raw_action *w,
						 const struct raw_ref *ref)
{
	struct str type = ref->name.len ? ref->name : STR("Action");
	bool is_qualified = basename_of(type).len != type.len;
	struct str full;

	if (w->ns.len && !is_qualified) {
		if (!join(r, r->raw->mem, w->ns, type, &full))
			return NULL;
		const struct schema_action *a = schema_action_find(r->out, full, ref->id);
		if (a)
			return a;
	}
	const struct schema_action *a = schema_action_find(r->out, type, ref->id);
	if (!a) {
		struct str near = schema_action_nearest(r->out, ref->id);
		if (str_eq(near, ref->id))
			near.len = 0;
		raw_fail(ref->at, r->e,
			 "no action is named " STR_FMT "::'" STR_FMT "'%s" STR_FMT "%s",
			 STR_ARG(type), STR_ARG(ref->id), near.len ? "; did you mean '" : "",
			 STR_ARG(near), near.len ? "'?" : "");
	}
	return a;
}

static bool action_parents(struct resolver *r, size_t i, struct graph *g)
{
	const struct raw_action *w = r->written_actions[i];

	g->up[i] = take(r, r->raw->mem, w->parents.count, sizeof(**g->up));
	if (!g->up[i])
		return false;
	for (const struct raw_ref *ref = w->parents.first; ref; ref = ref->next) {
		const struct schema_action *parent = parent_action(r, w, ref);
		if (!parent)
			return false;
		g->up[i][g->up_count[i]++] = parent->index;
	}
	return true;
}

static bool no_action_above_itself(struct resolver *r, const struct graph *g)
{
	for (size_t i = 0; i < g->count; i++)
		for (size_t k = 0; k < g->above_count[i]; k++)
			if (g->above[i][k] == i)
				return raw_fail(r->written_actions[i]->at, r->e,
						"action '" STR_FMT "' is its own ancestor",
						STR_ARG(r->out->actions[i].id));
	return true;
}

static bool close_actions(struct resolver *r)
{
	struct schema *s = r->out;
	struct graph g;

	if (!graph_new(r, s->action_count, &g))
		return false;
	for (size_t i = 0; i < g.count; i++)
		if (!action_parents(r, i, &g))
			return false;
	if (!graph_close(r, &g) || !no_action_above_itself(r, &g))
		return false;
	for (size_t i = 0; i < g.count; i++) {
		struct schema_action *a = &s->actions[i];
		a->parents = (const struct schema_action **)point(r, g.up[i], g.up_count[i],
								  s->actions, sizeof(*a));
		a->ancestors = (const struct schema_action **)point(r, g.above[i], g.above_count[i],
								    s->actions, sizeof(*a));
		a->parent_count = g.up_count[i];
		a->ancestor_count = g.above_count[i];
		if (!a->parents || !a->ancestors)
			return false;
		for (size_t k = 0; k < g.above_count[i]; k++)
			s->actions[g.above[i][k]].descendant_count++;
	}
	for (size_t i = 0; i < g.count; i++) {
		struct schema_action *a = &s->actions[i];
		a->descendants = take(r, r->mem, a->descendant_count, sizeof(*a->descendants));
		if (!a->descendants)
			return false;
		a->descendant_count = 0;
	}
	for (size_t i = 0; i < g.count; i++)
		for (size_t k = 0; k < g.above_count[i]; k++) {
			struct schema_action *up = &s->actions[g.above[i][k]];
			up->descendants[up->descendant_count++] = &s->actions[i];
		}
	return true;
}

/* --- the whole --- */

static bool make_entity_types(struct resolver *r)
{
	for (size_t i = 0; i < r->out->entity_count; i++) {
		struct schema_entity *n = &r->out->entities[i];
		struct schema_type *t = take(r, r->mem, 1, sizeof(*t));
		if (!t)
			return false;
		*t = (struct schema_type){ .kind = SCHEMA_ENTITY,
					   .name = n->name,
					   .num = n->num,
					   .nodes = 1,
					   .depth = 1 };
		n->type = t;
	}
	return true;
}

static bool copy_ids(struct resolver *r, const struct raw_refs *from, struct schema_entity *n)
{
	struct str *ids = take(r, r->mem, from->count, sizeof(*ids));

	if (!ids)
		return false;
	for (const struct raw_ref *ref = from->first; ref; ref = ref->next)
		if (!keep(r, ref->id, &ids[n->id_count++]))
			return false;
	n->ids = ids;
	return true;
}

static bool fill_entities(struct resolver *r)
{
	for (size_t i = 0; i < r->out->entity_count; i++) {
		struct schema_entity *n = &r->out->entities[i];
		const struct raw_entity *w = r->written_entities[i];
		if (!expand_shape(r, w->ns, w->shape, w->at, "the shape of an entity type",
				  &n->shape) ||
		    (w->tags && !expand(r, w->ns, w->tags, &n->tags)) ||
		    (w->is_enum && !copy_ids(r, &w->ids, n)))
			return false;
	}
	return true;
}

/* Marks n, or the types that stand in its place; returns how many were new. */
static size_t mark(struct resolver *r, const struct schema_entity *n)
{
	size_t marked = 0, stand_ins = 0;

	for (size_t i = 0; i < r->raw->source_count; i++)
		if (str_eq(r->raw->sources[i].in_place_of, n->name))
			for (size_t k = 0; k < r->out->entity_count; k++)
				if (r->written_entities[k]->source == &r->raw->sources[i]) {
					stand_ins++;
					marked += r->stamps[k] != r->stamp;
					r->stamps[k] = r->stamp;
				}
	if (!stand_ins) {
		marked = r->stamps[n->index] != r->stamp;
		r->stamps[n->index] = r->stamp;
	}
	return marked;
}

/* The marked types, in the order of their names. */
static bool marked(struct resolver *r, size_t count, const struct schema_entity ***out,
		   size_t *out_count)
{
	const struct schema_entity **list = take(r, r->mem, count, sizeof(*list));

	for (size_t i = 0; list && *out_count < count; i++)
		if (r->stamps[i] == r->stamp)
			list[(*out_count)++] = &r->out->entities[i];
	*out = list;
	return list;
}

static bool applies(struct resolver *r, struct str ns, const struct raw_refs *from,
		    const struct schema_entity ***out, size_t *out_count)
{
	size_t count = 0;

	r->stamp++;
	for (const struct raw_ref *ref = from->first; ref; ref = ref->next) {
		struct found f;
		if (!refer(r, ns, ref->name, ENTITY, ref->at, &f))
			return false;
		const struct schema_entity *n = schema_entity_find(r->out, f.entity);
		if (!n)
			return raw_fail(ref->at, r->e,
					"an action cannot be the principal or resource of one");
		count += mark(r, n);
	}
	return marked(r, count, out, out_count);
}

static bool fill_actions(struct resolver *r)
{
	r->stamps = take(r, r->raw->mem, r->out->entity_count, sizeof(*r->stamps));
	if (!r->stamps)
		return false;
	for (size_t i = 0; i < r->out->action_count; i++) {
		struct schema_action *a = &r->out->actions[i];
		const struct raw_action *w = r->written_actions[i];
		if (!applies(r, w->ns, &w->principals, &a->principals, &a->principal_count) ||
		    !applies(r, w->ns, &w->resources, &a->resources, &a->resource_count) ||
		    !expand_shape(r, w->ns, w->context, w->at, "the context of an action",
				  &a->context))
			return false;
	}
	return true;
}

static bool expand_commons(struct resolver *r)
{
	const struct schema_type *unused;

	for (size_t i = 0; i < r->raw->common_count; i++)
		if (!expand_common(r, &r->commons[i], r->commons[i].raw->at, &unused))
			return false;
	return true;
}

bool schema_resolve(const struct raw_schema *raw, struct cedar_names *names, struct arena *mem,
		    const struct schema **out, struct err *e)
{
	struct resolver r = { .raw = raw, .names = names, .mem = mem, .e = e };

	r.out = take(&r, mem, 1, sizeof(*r.out));
	if (!r.out)
		return false;
	r.out->names = names;
	if (!declare_entities(&r) || !declare_actions(&r) || !declare_commons(&r) ||
	    !check_type_shadows(&r) || !check_action_shadows(&r) || !make_entity_types(&r) ||
	    !expand_commons(&r) || !fill_entities(&r) || !fill_actions(&r) || !close_entities(&r) ||
	    !close_actions(&r))
		return false;
	*out = r.out;
	return true;
}
