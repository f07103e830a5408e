#include "cedar/program_in.h"
#include "cedar/tree.h"

enum { WHO_BYTES = 16 << 20 }; /* for the intermediate values of one answer */

/* What may become of a policy, over all the unknowns. */
struct chance {
	bool may_hold, must_hold, may_fail;
};

struct judge {
	const struct cedar_program *program;
	struct tree tree;
	struct chance any[2]; /* by effect; must_hold: of one policy at least */
};

/* --- the head of a policy --- */

static bool is_unknown(const struct tree *t, enum cedar_var var)
{
	return (var == CEDAR_VAR_PRINCIPAL && (t->unknown & CEDAR_UNKNOWN_PRINCIPAL)) ||
	       (var == CEDAR_VAR_RESOURCE && (t->unknown & CEDAR_UNKNOWN_RESOURCE));
}

/* An entity of which the type is known, and whom it is below if it was described. */
static void scope_unknown(struct world *w, struct seat *s, const struct cedar_scope *scope,
			  struct chance *c)
{
	bool is_typed = scope->kind == CEDAR_SCOPE_IS || scope->kind == CEDAR_SCOPE_IS_IN;

	if (is_typed && scope->type != s->uid->type) {
		*c = (struct chance){ 0 };
		return;
	}
	if (scope->kind == CEDAR_SCOPE_ANY || scope->kind == CEDAR_SCOPE_IS)
		return;
	bool is_above = scope->kind != CEDAR_SCOPE_EQ && seat_attrs(w, s) &&
			seat_in(w, s, scope->uid) && !cedar_uid_eq(s->uid, scope->uid);
	bool may_be = scope->uid->type == s->uid->type;
	bool may_be_above = scope->kind != CEDAR_SCOPE_EQ && !seat_attrs(w, s);
	c->must_hold &= is_above;
	c->may_hold &= is_above || may_be || may_be_above;
}

static void scope_chance(const struct tree *t, enum cedar_var var, const struct cedar_scope *scope,
			 struct chance *c)
{
	struct seat *s = &t->world->seats[var];

	if (is_unknown(t, var))
		scope_unknown(t->world, s, scope, c);
	else if (!scope_fits(t->world, s, scope))
		*c = (struct chance){ 0 };
}

/* --- its conditions --- */

static void condition_chance(struct tree *t, const struct cedar_expr *e, bool wanted,
			     struct chance *c)
{
	struct part p = tree_walk(t, e);

	if (part_is(&p, wanted))
		return;
	bool is_rest = p.kind == PART_REST;
	bool is_fault = p.kind == PART_FAIL || (!is_rest && p.value.kind != CEDAR_BOOL);
	bool may_hold = is_rest && (!p.is_bool || (wanted ? p.may_true : p.may_false));
	c->may_fail |= c->may_hold && (is_fault || (is_rest && p.may_fail));
	c->may_hold &= may_hold;
	c->must_hold = false;
}

static struct chance rule_chance(struct tree *t, const struct rule *r)
{
	const struct cedar_policy *p = r->policy;
	struct chance c = { .may_hold = true, .must_hold = true };

	/* Types are known even of unknown entities. */
	if (!rule_may_fit(t->world, r))
		return (struct chance){ 0 };
	scope_chance(t, CEDAR_VAR_PRINCIPAL, &p->principal, &c);
	scope_chance(t, CEDAR_VAR_ACTION, &p->action, &c);
	scope_chance(t, CEDAR_VAR_RESOURCE, &p->resource, &c);
	for (uint32_t i = 0; i < p->condition_count && c.may_hold; i++)
		condition_chance(t, r->folded[i], !p->conditions[i].is_unless, &c);
	return c;
}

static void judge_rules(void *ctx, const uint32_t *policies, uint32_t count, bool is_action_known)
{
	struct judge *j = ctx;

	(void)is_action_known;
	for (uint32_t i = 0; i < count; i++) {
		const struct rule *r = &j->program->rules[policies[i]];
		struct chance c = rule_chance(&j->tree, r), *any = &j->any[r->effect];
		any->may_hold |= c.may_hold;
		any->must_hold |= c.must_hold;
		any->may_fail |= c.may_fail;
	}
}

/* --- the verdict --- */

static void judge_world(const struct cedar_program *program, struct world *w, struct arena *mem,
			struct cedar_partial *out)
{
	struct judge j = { .program = program,
			   .tree = { .world = w,
				     .names = program->names,
				     .mem = mem,
				     .known = TREE_STORE | TREE_CONTEXT,
				     .unknown = w->request->unknown,
				     .is_typed = true } };

	if (w->request->unknown & (CEDAR_UNKNOWN_PRINCIPAL | CEDAR_UNKNOWN_RESOURCE))
		for (uint32_t i = 0; i < program->count; i++)
			judge_rules(&j, &i, 1, false);
	else
		index_find(program->index, w, judge_rules, &j);
	const struct chance *permits = &j.any[CEDAR_PERMIT], *forbids = &j.any[CEDAR_FORBID];
	*out = (struct cedar_partial){ CEDAR_DEPENDS, forbids->may_fail };
	if (forbids->must_hold || !permits->may_hold)
		out->verdict = CEDAR_NEVER;
	else if (permits->must_hold && !forbids->may_hold)
		out->verdict = CEDAR_ALWAYS;
	/* What mem could not hold was not looked at. */
	if (arena_is_full(mem))
		*out = (struct cedar_partial){ CEDAR_DEPENDS, true };
}

void cedar_authorize_partial(const struct cedar_program *program,
			     const struct cedar_entities *store,
			     const struct cedar_request *request, struct arena *mem,
			     struct cedar_partial *out)
{
	struct world w;

	world_init(&w, store, request);
	judge_world(program, &w, mem, out);
}

/* --- who can --- */

static enum cedar_verdict verdict_of(const struct cedar_program *program,
				     struct cedar_scratch *scratch, struct arena *mem)
{
	struct cedar_partial partial;
	struct cedar_answer answer;

	if (!scratch->world.request->unknown) {
		scratch_decide(program, scratch, &answer);
		return answer.decision == CEDAR_ALLOW ? CEDAR_ALWAYS : CEDAR_NEVER;
	}
	judge_world(program, &scratch->world, mem, &partial);
	if (arena_used(mem))
		arena_reset(mem);
	return partial.verdict;
}

uint64_t cedar_who_can(const struct cedar_program *program, const struct cedar_entities *store,
		       const struct cedar_who *who, struct cedar_scratch *scratch)
{
	auto_arena struct arena *mem = arena_new(WHO_BYTES);
	uint32_t slots = cedar_entities_slot_count(store);
	uint64_t found = 0;
	struct cedar_request request = *who->request;

	/* Whoever is varied may be left out; somebody must sit there to begin with. */
	if (who->vary == CEDAR_VAR_PRINCIPAL)
		request.principal = request.action;
	else
		request.resource = request.action;
	world_init(&scratch->world, store, &request);
	for (uint32_t slot = 0; slot < slots; slot++) {
		const struct cedar_uid *uid = cedar_entities_uid(store, slot);
		if (uid->type != who->type || !cedar_entities_is_present(store, slot))
			continue;
		world_seat_stored(&scratch->world, who->vary, slot);
		enum cedar_verdict verdict = verdict_of(program, scratch, mem);
		if (verdict == CEDAR_NEVER)
			continue;
		found++;
		if (who->found && !who->found(who->ctx, uid, verdict))
			break;
	}
	return found;
}
