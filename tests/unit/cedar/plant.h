/* plant.h - a small world for tests of the evaluator: policies and entities as text. */
#pragma once

#include "cedar/authorize.h"
#include "cedar/parse.h"
#include "cedar/tree.h"

#include "test.h"

struct plant {
	struct arena *mem;
	struct cedar_names *names;
	struct cedar_entities *store;
	struct cedar_scratch *scratch;
	struct cedar_policies policies;
	struct cedar_program *program;
};

static inline struct cedar_source plant_source(const char *text)
{
	return (struct cedar_source){ STR("test.cedar"), str_of(text) };
}

static inline const struct cedar_uid *plant_uid(struct plant *p, const char *text)
{
	const struct cedar_uid *uid;
	struct err e = { 0 };

	if (!cedar_uid_parse(p->names, str_of(text), p->mem, &uid, &e))
		fail_msg("%s: %s", text, e.text);
	return uid;
}

/* A constant expression. */
static inline struct cedar_value plant_value(struct plant *p, const char *text)
{
	struct cedar_source *source = arena_alloc(p->mem, 1, sizeof(*source));
	const struct cedar_expr *expr;
	struct err e = { 0 };

	*source = plant_source(text);
	if (!cedar_expr_parse(p->names, source, p->mem, &expr, &e))
		fail_msg("%s: %s", text, e.text);
	struct tree t = { .mem = p->mem, .names = p->names };
	struct part v = tree_walk(&t, expr);
	check(v.kind == PART_VALUE, text);
	return v.value;
}

static inline const struct cedar_record *plant_record(struct plant *p, const char *text)
{
	return text ? plant_value(p, text).record : NULL;
}

/* parents: uids separated by spaces, or NULL. */
static inline bool plant_put(struct plant *p, const char *uid, const char *attrs, const char *tags,
			     const char *parents, struct err *e)
{
	const struct cedar_uid *above[16];
	struct cedar_entity entity = {
		.uid = plant_uid(p, uid),
		.attrs = plant_record(p, attrs),
		.tags = plant_record(p, tags),
		.parents = above,
	};
	struct str rest = str_of(parents), head;

	while (rest.len) {
		str_cut(rest, ' ', &head, &rest);
		above[entity.parent_count++] =
			plant_uid(p, arena_printf(p->mem, STR_FMT, STR_ARG(head)).ptr);
	}
	return cedar_entities_put(p->store, &entity, e);
}

static inline void plant_has(struct plant *p, const char *uid, const char *attrs,
			     const char *parents)
{
	struct err e = { 0 };

	if (!plant_put(p, uid, attrs, NULL, parents, &e))
		fail_msg("%s: %s", uid, e.text);
}

static inline struct plant plant_new(void)
{
	return (struct plant){ .mem = arena_new(64 << 20),
			       .names = cedar_names_new(),
			       .store = cedar_entities_new(),
			       .scratch = cedar_scratch_new() };
}

static inline void plant_free(struct plant *p)
{
	cedar_program_free(p->program);
	cedar_scratch_free(p->scratch);
	cedar_entities_free(p->store);
	cedar_names_free(p->names);
	arena_free(p->mem);
}

static inline void plant_obeys(struct plant *p, const char *policies)
{
	struct cedar_source *source = arena_alloc(p->mem, 1, sizeof(*source));
	struct err e = { 0 };

	*source = plant_source(policies);
	if (!cedar_policies_parse(p->names, source, p->mem, &p->policies, &e))
		fail_msg("%s", e.text);
	cedar_program_free(p->program);
	p->program = cedar_compile(&p->policies, p->names, &e);
	if (!p->program)
		fail_msg("%s", e.text);
	cedar_scratch_fit(p->scratch, p->program);
}

static inline struct cedar_request plant_request(struct plant *p, const char *principal,
						 const char *action, const char *resource,
						 const char *context)
{
	return (struct cedar_request){ .principal = plant_uid(p, principal),
				       .action = plant_uid(p, action),
				       .resource = plant_uid(p, resource),
				       .context = plant_record(p, context) };
}
