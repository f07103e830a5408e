/* fuzz_cedar_evaluate.c - policy text is compiled and decided on one small plant; the machine, the
 * plain walk over the tree, a residual and the partial answer must agree (P5, P6).
 *
 * The walk over the unfolded tree is the slow reference: no index, no compiler, no folding.
 */
#include "cedar/explain.h"
#include "cedar/parse.h"
#include "cedar/program_in.h"
#include "cedar/tree.h"

#include <assert.h>

enum { MEM_MAX = 64 << 20, FIELDS = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct plant {
	struct arena *mem;
	struct cedar_names *names;
	struct cedar_entities *store;
	struct cedar_request request;
};

static const struct cedar_uid *uid(struct plant *p, const char *type, const char *id)
{
	return cedar_uid_new(p->mem, cedar_names_put(p->names, str_of(type)), str_of(id));
}

/* Every kind of value under a letter. */
static const struct cedar_record *record(struct plant *p, const struct cedar_record *inner)
{
	static const char *const keys[FIELDS] = { "a", "b", "c", "d", "e", "f", "g", "h" };
	uint32_t names[FIELDS];
	struct cedar_value values[FIELDS] = {
		cedar_long(INT64_MAX),
		cedar_bool(true),
		cedar_string(STR("a*b")),
		cedar_entity(uid(p, "U", "a")),
		{ .kind = CEDAR_RECORD, .record = inner },
		{ .kind = CEDAR_DATETIME, .num = 1700000000000 },
		{ .kind = CEDAR_DURATION, .num = -1 },
		cedar_long(-3),
	};
	struct cedar_value items[2] = { cedar_long(1), cedar_string(STR("a")) };

	if (!inner)
		values[4] = (struct cedar_value){ .kind = CEDAR_SET,
						  .set = cedar_set_new(p->mem, items, 2) };
	for (size_t i = 0; i < FIELDS; i++)
		names[i] = cedar_names_put(p->names, str_of(keys[i]));
	return cedar_record_new(p->mem, names, values, FIELDS);
}

static void put(struct plant *p, const char *type, const char *id, const struct cedar_record *attrs,
		const struct cedar_uid *parent)
{
	const struct cedar_entity entity = { uid(p, type, id), attrs, attrs, &parent,
					     parent ? 1 : 0 };
	struct err e = { 0 };

	bool ok = cedar_entities_put(p->store, &entity, &e);
	assert(ok);
}

static struct plant plant_new(void)
{
	struct plant p = { .mem = arena_new(MEM_MAX),
			   .names = cedar_names_new(),
			   .store = cedar_entities_new() };
	const struct cedar_record *inner = record(&p, NULL), *outer = record(&p, inner);

	put(&p, "U", "a", outer, uid(&p, "G", "g"));
	put(&p, "G", "g", inner, uid(&p, "G", "top"));
	put(&p, "R", "r", outer, uid(&p, "G", "top"));
	put(&p, "Action", "x", NULL, uid(&p, "Action", "all"));
	p.request = (struct cedar_request){ .principal = uid(&p, "U", "a"),
					    .action = uid(&p, "Action", "x"),
					    .resource = uid(&p, "R", "r"),
					    .context = outer };
	return p;
}

/* What one policy comes to, the slow way. */
static enum run_result slow(struct plant *p, struct world *w, const struct cedar_policy *policy)
{
	struct tree t = {
		.world = w, .names = p->names, .mem = p->mem, .known = TREE_STORE | TREE_CONTEXT
	};

	if (!scope_fits(w, &w->seats[CEDAR_VAR_PRINCIPAL], &policy->principal) ||
	    !scope_fits(w, &w->seats[CEDAR_VAR_ACTION], &policy->action) ||
	    !scope_fits(w, &w->seats[CEDAR_VAR_RESOURCE], &policy->resource))
		return RUN_NOT;
	for (uint32_t i = 0; i < policy->condition_count; i++) {
		struct part part = tree_walk(&t, policy->conditions[i].body);
		if (part.kind != PART_VALUE || part.value.kind != CEDAR_BOOL)
			return RUN_FAILS;
		if (part.value.truth == policy->conditions[i].is_unless)
			return RUN_NOT;
	}
	return RUN_HOLDS;
}

static enum run_result said_of(const struct cedar_answer *a, const struct cedar_program *program,
			       uint32_t policy)
{
	for (uint32_t i = 0; i < a->reason_count; i++)
		if (a->reasons[i] == policy)
			return RUN_HOLDS;
	for (uint32_t i = 0; i < a->fault_count; i++)
		if (a->faults[i].policy == policy)
			return RUN_FAILS;
	/* Permits that hold are not named beside a forbid. */
	bool is_hidden = a->reason_count && a->decision == CEDAR_DENY &&
			 cedar_program_policy(program, policy)->effect == CEDAR_PERMIT;
	return is_hidden ? RUN_HOLDS : RUN_NOT;
}

static void check_answer(struct plant *p, const struct cedar_program *program,
			 const struct cedar_answer *a)
{
	struct world w;

	world_init(&w, p->store, &p->request);
	for (uint32_t i = 0; i < program->count; i++) {
		enum run_result want = slow(p, &w, cedar_program_policy(program, i));
		enum run_result got = said_of(a, program, i);
		bool is_hidden = a->decision == CEDAR_DENY && a->reason_count &&
				 cedar_program_policy(program, i)->effect == CEDAR_PERMIT;
		if (arena_is_full(p->mem))
			return;
		assert(got == want || (is_hidden && want != RUN_FAILS && got != RUN_FAILS));
	}
}

static void check_others(struct plant *p, struct cedar_program *program,
			 struct cedar_scratch *scratch, enum cedar_decision want)
{
	struct cedar_partial partial;
	struct cedar_answer again;
	struct cedar_facts facts;
	const struct cedar_near *near;
	struct err e = { 0 };
	uint32_t count, first = 0;

	struct cedar_residual *rest = cedar_residual_new(program, p->store, &p->request, &e);
	if (rest) {
		cedar_residual_decide(rest, p->store, p->request.context, scratch, &again);
		assert(again.decision == want);
		cedar_residual_free(rest);
	}
	cedar_authorize_partial(program, p->store, &p->request, p->mem, &partial);
	assert(partial.verdict == CEDAR_DEPENDS ||
	       (partial.verdict == CEDAR_ALWAYS) == (want == CEDAR_ALLOW));
	cedar_explain_facts(program, p->store, &p->request, &first, program->count ? 1 : 0, p->mem,
			    &facts);
	cedar_explain_nearest(program, p->store, &p->request, p->mem, &near, &count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct plant p = plant_new();
	const struct cedar_source source = { STR("fuzz"), { (const char *)data, size } };
	struct cedar_scratch *scratch = cedar_scratch_new();
	struct cedar_policies set;
	struct cedar_answer a;
	struct err e = { 0 };

	if (cedar_policies_parse(p.names, &source, p.mem, &set, &e)) {
		struct cedar_program *program = cedar_compile(&set, p.names, &e);
		assert(program || e.kind == ERR_INPUT);
		if (program) {
			cedar_scratch_fit(scratch, program);
			cedar_authorize(program, p.store, &p.request, scratch, &a);
			enum cedar_decision decision = a.decision;
			check_answer(&p, program, &a);
			check_others(&p, program, scratch, decision);
		}
		cedar_program_free(program);
	}
	cedar_scratch_free(scratch);
	cedar_entities_free(p.store);
	cedar_names_free(p.names);
	arena_free(p.mem);
	return 0;
}
