#include "cedar/explain.h"

#include "cedar/print.h"
#include "cedar/program_in.h"
#include "cedar/tree.h"

enum {
	TEXT_MAX = 512,      /* of one path or conjunct */
	PARTS_MAX = 64,      /* conjuncts of one policy that are looked at */
	POLICIES_MAX = 4096, /* policies that are looked at */
	SCOPE_WEIGHT = 100,  /* a wrong head is further away than any number of conditions */
};

/* --- facts --- */

struct gather {
	const struct cedar_names *names;
	struct arena *mem;
	struct cedar_facts *facts;
	struct cedar_fact *items; /* CEDAR_FACTS_MAX of them */
};

static struct str text_of(const struct cedar_names *names, const struct cedar_expr *e,
			  struct arena *mem)
{
	struct buf out;

	buf_init(&out, TEXT_MAX);
	cedar_expr_print(&out, names, e);
	struct str text = arena_dup(mem, buf_str(&out));
	buf_done(&out);
	return text;
}

static bool is_step_of(struct str path, struct str longer)
{
	return longer.len > path.len && str_starts(longer, path) &&
	       (longer.ptr[path.len] == '.' || longer.ptr[path.len] == '[');
}

/* principal.posture says nothing once principal.posture.score is there. */
static bool fact_place(struct gather *g, struct str path, uint32_t *out)
{
	for (uint32_t i = 0; i < g->facts->count; i++) {
		if (str_eq(g->items[i].path, path))
			return false;
		if (is_step_of(g->items[i].path, path)) {
			*out = i;
			return true;
		}
	}
	*out = g->facts->count;
	return true;
}

static void gather_fact(void *ctx, const struct cedar_expr *e, struct cedar_value value)
{
	struct gather *g = ctx;
	struct str path = text_of(g->names, e, g->mem);
	uint32_t place;

	if (!fact_place(g, path, &place))
		return;
	if (place == CEDAR_FACTS_MAX || !path.ptr || !path.len) {
		g->facts->is_cut = true;
		return;
	}
	struct cedar_value copy = cedar_value_copy(g->mem, value);
	g->facts->is_cut |= value.kind && !copy.kind;
	g->items[place] = (struct cedar_fact){ path, copy };
	g->facts->count += place == g->facts->count;
}

static bool gather_init(struct gather *g, const struct cedar_names *names, struct arena *mem,
			struct cedar_facts *facts)
{
	*facts = (struct cedar_facts){ 0 };
	*g = (struct gather){ names, mem, facts,
			      arena_alloc(mem, CEDAR_FACTS_MAX, sizeof(struct cedar_fact)) };
	facts->items = g->items;
	facts->is_cut = !g->items;
	return g->items;
}

static struct tree tree_known(const struct cedar_program *program, struct world *w,
			      struct arena *mem)
{
	return (struct tree){
		.world = w, .names = program->names, .mem = mem, .known = TREE_STORE | TREE_CONTEXT
	};
}

void cedar_explain_facts(const struct cedar_program *program, const struct cedar_entities *store,
			 const struct cedar_request *request, const uint32_t *policies,
			 uint32_t count, struct arena *mem, struct cedar_facts *out)
{
	struct world w;
	struct tree t = tree_known(program, &w, mem);
	struct gather g;

	if (!gather_init(&g, program->names, mem, out))
		return;
	world_init(&w, store, request);
	t.fact = gather_fact;
	t.ctx = &g;
	for (uint32_t i = 0; i < count; i++) {
		const struct cedar_policy *p = program->rules[policies[i]].policy;
		bool goes_on = rule_fits(&w, &program->rules[policies[i]]);
		for (uint32_t c = 0; goes_on && c < p->condition_count; c++) {
			struct part part = tree_walk(&t, p->conditions[c].body);
			goes_on = part_is(&part, !p->conditions[c].is_unless);
		}
	}
}

/* --- what is near --- */

struct conjunct {
	const struct cedar_expr *expr;
	bool wanted;
};

struct study {
	const struct cedar_program *program;
	struct world *world;
	struct arena *mem;
	struct conjunct parts[PARTS_MAX];
	uint32_t part_count;
	struct cedar_near *near; /* CEDAR_NEAREST_MAX, sorted by weight */
	uint32_t weights[CEDAR_NEAREST_MAX];
	uint32_t near_count;
};

static void split(struct study *s, const struct cedar_expr *e, bool wanted)
{
	if (e->op == CEDAR_OP_NOT) {
		split(s, e->args[0], !wanted);
	} else if (e->op == (wanted ? CEDAR_OP_AND : CEDAR_OP_OR)) {
		split(s, e->args[0], wanted);
		split(s, e->args[1], wanted);
	} else if (s->part_count < PARTS_MAX) {
		s->parts[s->part_count++] = (struct conjunct){ e, wanted };
	}
}

static void split_policy(struct study *s, const struct cedar_policy *p)
{
	s->part_count = 0;
	for (uint32_t i = 0; i < p->condition_count; i++)
		split(s, p->conditions[i].body, !p->conditions[i].is_unless);
}

/* The place of something so near; CEDAR_NEAREST_MAX: too far. */
static uint32_t near_place(struct study *s, uint32_t weight)
{
	uint32_t at = s->near_count;

	while (at && s->weights[at - 1] > weight)
		at--;
	if (at == CEDAR_NEAREST_MAX)
		return at;
	if (s->near_count < CEDAR_NEAREST_MAX)
		s->near_count++;
	for (uint32_t i = s->near_count - 1; i > at; i--) {
		s->near[i] = s->near[i - 1];
		s->weights[i] = s->weights[i - 1];
	}
	s->weights[at] = weight;
	return at;
}

static void near_conjunct(struct study *s, uint32_t policy, const struct conjunct *c,
			  uint32_t weight, uint32_t others)
{
	uint32_t at = near_place(s, weight);
	struct tree t = tree_known(s->program, s->world, s->mem);
	struct gather g;

	if (at == CEDAR_NEAREST_MAX)
		return;
	struct cedar_near *near = &s->near[at];
	*near = (struct cedar_near){ .policy = policy,
				     .must_be = c->wanted,
				     .text = text_of(s->program->names, c->expr, s->mem),
				     .pos = c->expr->pos,
				     .others = others };
	if (!gather_init(&g, s->program->names, s->mem, &near->facts))
		return;
	t.fact = gather_fact;
	t.ctx = &g;
	struct part p = tree_walk(&t, c->expr);
	near->is_fault = p.kind == PART_FAIL;
}

static void count_fact(void *ctx, const struct cedar_expr *e, struct cedar_value value)
{
	uint32_t *count = ctx;

	(void)e;
	(void)value;
	++*count;
}

static bool reads_something(struct study *s, const struct conjunct *c)
{
	struct tree t = tree_known(s->program, s->world, s->mem);
	uint32_t count = 0;

	t.fact = count_fact;
	t.ctx = &count;
	(void)tree_walk(&t, c->expr);
	return count;
}

static bool is_as_wanted(struct study *s, const struct conjunct *c)
{
	struct tree t = tree_known(s->program, s->world, s->mem);
	struct part p = tree_walk(&t, c->expr);

	return part_is(&p, c->wanted);
}

/* --- a permit that did not hold --- */

static void scope_text(struct study *s, struct buf *out, const char *var,
		       const struct cedar_scope *scope)
{
	const struct cedar_names *names = s->program->names;

	buf_puts(out, str_of(var));
	if (scope->kind == CEDAR_SCOPE_IS || scope->kind == CEDAR_SCOPE_IS_IN)
		buf_printf(out, " is " STR_FMT, STR_ARG(cedar_names_text(names, scope->type)));
	if (scope->kind == CEDAR_SCOPE_IN || scope->kind == CEDAR_SCOPE_IS_IN)
		buf_puts(out, STR(" in "));
	if (scope->kind == CEDAR_SCOPE_EQ)
		buf_puts(out, STR(" == "));
	if (scope->kind != CEDAR_SCOPE_IS)
		cedar_uid_print(out, names, scope->uid);
}

static void near_scope(struct study *s, uint32_t policy, enum cedar_var var, uint32_t weight,
		       uint32_t others)
{
	const struct cedar_policy *p = s->program->rules[policy].policy;
	bool is_principal = var == CEDAR_VAR_PRINCIPAL;
	const struct cedar_scope *scope = is_principal ? &p->principal : &p->resource;
	uint32_t at = near_place(s, weight);
	struct buf text;

	if (at == CEDAR_NEAREST_MAX)
		return;
	buf_init(&text, TEXT_MAX);
	scope_text(s, &text, is_principal ? "principal" : "resource", scope);
	s->near[at] = (struct cedar_near){ .policy = policy,
					   .is_scope = true,
					   .must_be = true,
					   .text = arena_dup(s->mem, buf_str(&text)),
					   .pos = scope->pos,
					   .others = others };
	buf_done(&text);
}

/* A head that nothing of this type can ever meet. */
static bool is_for_others(const struct cedar_scope *scope, const struct cedar_uid *who)
{
	bool by_type = scope->kind == CEDAR_SCOPE_IS || scope->kind == CEDAR_SCOPE_IS_IN;
	bool by_name = scope->kind == CEDAR_SCOPE_EQ && scope->uid;

	return (by_type && scope->type != who->type) || (by_name && scope->uid->type != who->type);
}

static void study_permit(struct study *s, uint32_t policy)
{
	const struct cedar_policy *p = s->program->rules[policy].policy;
	struct seat *seats = s->world->seats;
	const struct conjunct *first = NULL;
	uint32_t wrong = 0, heads = 0;

	if (!scope_fits(s->world, &seats[CEDAR_VAR_ACTION], &p->action) ||
	    is_for_others(&p->principal, s->world->request->principal) ||
	    is_for_others(&p->resource, s->world->request->resource))
		return;
	bool is_who = scope_fits(s->world, &seats[CEDAR_VAR_PRINCIPAL], &p->principal);
	bool is_what = scope_fits(s->world, &seats[CEDAR_VAR_RESOURCE], &p->resource);
	heads = (uint32_t)!is_who + (uint32_t)!is_what;
	split_policy(s, p);
	for (uint32_t i = 0; i < s->part_count; i++) {
		if (is_as_wanted(s, &s->parts[i]))
			continue;
		first = first ? first : &s->parts[i];
		wrong++;
	}
	if (!heads && !wrong)
		return;
	uint32_t weight = heads * SCOPE_WEIGHT + wrong, others = heads + wrong - 1;
	if (heads)
		near_scope(s, policy, is_who ? CEDAR_VAR_RESOURCE : CEDAR_VAR_PRINCIPAL, weight,
			   others);
	else
		near_conjunct(s, policy, first, weight, others);
}

/* --- a forbid that held --- */

/* One condition less and it would not; the last that reads something says most. */
static bool study_forbid(struct study *s, uint32_t policy)
{
	const struct rule *r = &s->program->rules[policy];
	const struct conjunct *last = NULL;

	if (!rule_fits(s->world, r))
		return false;
	split_policy(s, r->policy);
	for (uint32_t i = 0; i < s->part_count; i++) {
		if (!is_as_wanted(s, &s->parts[i]))
			return false;
		if (!last || reads_something(s, &s->parts[i]))
			last = &s->parts[i];
	}
	if (last) {
		struct conjunct turned = { last->expr, !last->wanted };
		near_conjunct(s, policy, &turned, 0, 0);
	} else {
		uint32_t at = near_place(s, 0);
		if (at < CEDAR_NEAREST_MAX)
			s->near[at] = (struct cedar_near){ .policy = policy,
							   .is_scope = true,
							   .pos = r->policy->pos };
	}
	return true;
}

static bool permit_holds(struct study *s, uint32_t policy)
{
	if (!rule_fits(s->world, &s->program->rules[policy]))
		return false;
	split_policy(s, s->program->rules[policy].policy);
	for (uint32_t i = 0; i < s->part_count; i++)
		if (!is_as_wanted(s, &s->parts[i]))
			return false;
	return true;
}

void cedar_explain_nearest(const struct cedar_program *program, const struct cedar_entities *store,
			   const struct cedar_request *request, struct arena *mem,
			   const struct cedar_near **out, uint32_t *out_count)
{
	struct world w;
	struct study s = { .program = program, .world = &w, .mem = mem };
	uint32_t count = program->count < POLICIES_MAX ? program->count : POLICIES_MAX;
	bool is_forbidden = false, is_permitted = false;

	*out = NULL;
	*out_count = 0;
	s.near = arena_alloc(mem, CEDAR_NEAREST_MAX, sizeof(*s.near));
	if (!s.near)
		return;
	world_init(&w, store, request);
	for (uint32_t i = 0; i < count; i++) {
		if (program->rules[i].effect == CEDAR_FORBID)
			is_forbidden |= study_forbid(&s, i);
		else
			is_permitted |= permit_holds(&s, i);
	}
	for (uint32_t i = 0; i < count && !is_permitted; i++)
		if (program->rules[i].effect == CEDAR_PERMIT)
			study_permit(&s, i);
	if (is_permitted && !is_forbidden)
		return;
	*out = s.near;
	*out_count = s.near_count;
}
