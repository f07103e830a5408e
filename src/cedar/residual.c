#include <assert.h>

#include "base/mem.h"
#include "cedar/program_in.h"
#include "cedar/tree.h"

enum { RESIDUAL_BYTES = 16 << 20 };

/* A policy that the context has yet to decide. */
struct pending {
	uint32_t policy, pc;
	bool may_hold;
};

struct cedar_residual {
	struct cedar_program *program;
	struct arena *mem; /* the request as it was, what the trees left, literals */
	struct cedar_request request;
	struct code code;
	struct fields fields;
	uint32_t *holds[2]; /* policies that hold whatever the context says, by effect */
	uint32_t hold_count[2];
	struct pending *pending;
	uint32_t pending_count;
	struct cedar_fault *faults; /* policies that fail whatever it says */
	uint32_t fault_count;
	bool is_forbid_failed;
	enum cedar_verdict verdict;
	uint64_t context;
	/* While it is made. */
	struct compiler compiler;
	struct tree tree;
	uint8_t *seen; /* per policy */
};

/* --- a request that lives as long as its residual --- */

static const struct cedar_record *record_keep(struct arena *mem, const struct cedar_record *from)
{
	struct cedar_value v = { .kind = CEDAR_RECORD, .record = from };

	return from ? cedar_value_copy(mem, v).record : NULL;
}

static const struct cedar_uid *uid_keep(struct arena *mem, const struct cedar_uid *from)
{
	return cedar_uid_new(mem, from->type, from->id);
}

static void entity_keep(struct arena *mem, const struct cedar_entity *from, struct cedar_entity *to)
{
	const struct cedar_uid **parents =
		arena_alloc(mem, from->parent_count + 1, sizeof(const void *));

	for (uint32_t i = 0; parents && i < from->parent_count; i++)
		parents[i] = uid_keep(mem, from->parents[i]);
	*to = (struct cedar_entity){ uid_keep(mem, from->uid), record_keep(mem, from->attrs),
				     record_keep(mem, from->tags), parents, from->parent_count };
}

static bool request_keep(struct arena *mem, const struct cedar_request *from,
			 struct cedar_request *to)
{
	struct cedar_entity *locals = arena_alloc(mem, from->local_count + 1, sizeof(*locals));

	*to = (struct cedar_request){ uid_keep(mem, from->principal),
				      uid_keep(mem, from->action),
				      uid_keep(mem, from->resource),
				      NULL,
				      locals,
				      from->local_count,
				      0 };
	for (uint32_t i = 0; locals && i < from->local_count; i++)
		entity_keep(mem, &from->locals[i], &locals[i]);
	return !arena_is_full(mem);
}

/* --- what remains of one policy --- */

static void leave_fault(struct cedar_residual *res, uint32_t policy, const struct part *p)
{
	struct cedar_fault *f = &res->faults[res->fault_count++];

	*f = p->fault;
	if (p->kind == PART_VALUE) {
		f->kind = CEDAR_FAULT_TYPE;
		f->got = p->value.kind;
	}
	f->policy = policy;
	res->is_forbid_failed |= res->program->rules[policy].effect == CEDAR_FORBID;
}

/* Conditions until one decides alone; those that wait for the context are compiled. */
static void leave_rule(struct cedar_residual *res, uint32_t policy)
{
	const struct rule *r = &res->program->rules[policy];
	const struct cedar_policy *p = r->policy;
	uint32_t pc = compile_begin(&res->compiler);
	struct pending left = { policy, pc, true };
	bool is_pending = false;

	for (uint32_t i = 0; i < p->condition_count; i++) {
		bool wanted = !p->conditions[i].is_unless;
		struct part part = tree_walk(&res->tree, r->folded[i]);
		if (part_is(&part, wanted))
			continue;
		bool is_bool = part.kind == PART_VALUE && part.value.kind == CEDAR_BOOL;
		if (part.kind != PART_REST && !is_pending) {
			if (!is_bool)
				leave_fault(res, policy, &part);
			return;
		}
		is_pending = true;
		left.may_hold &= part.kind == PART_REST &&
				 (!part.is_bool || (wanted ? part.may_true : part.may_false));
		compile_condition(&res->compiler, tree_node(&res->tree, &part, r->folded[i]),
				  wanted);
	}
	if (!is_pending) {
		res->holds[r->effect][res->hold_count[r->effect]++] = policy;
		return;
	}
	compile_end(&res->compiler);
	res->pending[res->pending_count++] = left;
}

static void leave_rules(void *ctx, const uint32_t *policies, uint32_t count, bool is_action_known)
{
	struct cedar_residual *res = ctx;

	(void)is_action_known;
	for (uint32_t i = 0; i < count; i++) {
		if (res->seen[policies[i]])
			continue;
		res->seen[policies[i]] = 1;
		if (rule_fits(res->tree.world, &res->program->rules[policies[i]]))
			leave_rule(res, policies[i]);
	}
}

/* --- the whole --- */

static enum cedar_verdict verdict_of(const struct cedar_residual *res)
{
	bool may[2] = { res->hold_count[0] > 0, res->hold_count[1] > 0 };

	for (uint32_t i = 0; i < res->pending_count; i++)
		may[res->program->rules[res->pending[i].policy].effect] |= res->pending[i].may_hold;
	if (res->hold_count[CEDAR_FORBID] || !may[CEDAR_PERMIT])
		return CEDAR_NEVER;
	return res->hold_count[CEDAR_PERMIT] && !may[CEDAR_FORBID] ? CEDAR_ALWAYS : CEDAR_DEPENDS;
}

static uint64_t context_of(const struct code *code)
{
	uint64_t fields = 0;

	for (uint32_t i = 0; i < code->count; i++) {
		const struct insn *in = &code->insns[i];
		bool reads = in->op == INSN_VAR || in->op == INSN_VAR_GET ||
			     in->op == INSN_VAR_HAS || in->op == INSN_TEST_EQ ||
			     in->op == INSN_TEST_CMP;
		if (reads && in->var == CEDAR_VAR_CONTEXT)
			fields |= UINT64_C(1) << in->bit;
	}
	return fields;
}

static struct cedar_residual *residual_new(struct cedar_program *program)
{
	struct cedar_residual *res = mem_new(1, sizeof(*res));

	res->program = cedar_program_hold(program);
	res->mem = arena_new(RESIDUAL_BYTES);
	res->fields = program->fields;
	res->holds[0] = mem_new(program->count, sizeof(uint32_t));
	res->holds[1] = mem_new(program->count, sizeof(uint32_t));
	res->pending = mem_new(program->count, sizeof(*res->pending));
	res->faults = mem_new(program->count, sizeof(*res->faults));
	res->seen = mem_new(program->count, 1);
	return res;
}

/* Rows were made for every policy; few were used. */
static void rows_trim(struct cedar_residual *res)
{
	res->holds[0] = mem_grow(res->holds[0], res->hold_count[0], sizeof(uint32_t));
	res->holds[1] = mem_grow(res->holds[1], res->hold_count[1], sizeof(uint32_t));
	res->pending = mem_grow(res->pending, res->pending_count, sizeof(*res->pending));
	res->faults = mem_grow(res->faults, res->fault_count, sizeof(*res->faults));
	free(res->seen);
	res->seen = NULL;
}

struct cedar_residual *cedar_residual_new(struct cedar_program *program,
					  const struct cedar_entities *store,
					  const struct cedar_request *request, struct err *e)
{
	struct cedar_residual *res = residual_new(program);
	struct world w;

	bool fits = request_keep(res->mem, request, &res->request);
	world_init(&w, store, &res->request);
	res->compiler = (struct compiler){ &res->code, &res->fields, res->mem, 0, 0, false };
	res->tree = (struct tree){ .world = &w,
				   .names = program->names,
				   .mem = res->mem,
				   .known = TREE_STORE,
				   .is_building = true };
	if (fits)
		index_find(program->index, &w, leave_rules, res);
	if (!fits || arena_is_full(res->mem) || res->compiler.is_bad) {
		cedar_residual_free(res);
		err_set(e, ERR_INPUT, "the request or what remains of the policies is too large");
		return NULL;
	}
	/* A tree with parts replaced by literals needs no more than the tree did. */
	assert(res->code.stack_max <= program->code.stack_max &&
	       res->code.room_max <= program->code.room_max);
	res->tree.world = NULL;
	rows_trim(res);
	res->verdict = verdict_of(res);
	res->context = context_of(&res->code);
	return res;
}

void cedar_residual_free(struct cedar_residual *res)
{
	if (!res)
		return;
	code_free(&res->code);
	free(res->holds[0]);
	free(res->holds[1]);
	free(res->pending);
	free(res->faults);
	free(res->seen);
	arena_free(res->mem);
	cedar_program_free(res->program);
	free(res);
}

enum cedar_verdict cedar_residual_verdict(const struct cedar_residual *res)
{
	return res->verdict;
}

uint64_t cedar_residual_context(const struct cedar_residual *res)
{
	return res->context;
}

/* --- a message --- */

struct tally {
	uint32_t reasons[2], faults;
	bool is_forbid_failed;
};

static struct tally tally_start(const struct cedar_residual *res, struct cedar_scratch *s)
{
	struct tally t = { { res->hold_count[0], res->hold_count[1] },
			   res->fault_count,
			   res->is_forbid_failed };

	memcpy(s->reasons[0], res->holds[0], t.reasons[0] * sizeof(uint32_t));
	memcpy(s->reasons[1], res->holds[1], t.reasons[1] * sizeof(uint32_t));
	memcpy(s->faults, res->faults, t.faults * sizeof(*s->faults));
	return t;
}

static void tally_run(const struct cedar_residual *res, const struct pending *p, struct machine *m,
		      struct cedar_scratch *s, struct tally *t)
{
	enum cedar_effect effect = res->program->rules[p->policy].effect;
	struct cedar_fault *fault = &s->faults[t->faults];
	enum run_result result = machine_run(m, &res->code, p->pc, fault);

	if (result == RUN_HOLDS)
		s->reasons[effect][t->reasons[effect]++] = p->policy;
	if (result != RUN_FAILS)
		return;
	fault->policy = p->policy;
	t->faults++;
	t->is_forbid_failed |= effect == CEDAR_FORBID;
}

void cedar_residual_decide(const struct cedar_residual *res, const struct cedar_entities *store,
			   const struct cedar_record *context, struct cedar_scratch *scratch,
			   struct cedar_answer *out)
{
	struct cedar_request request = res->request;
	struct tally t = tally_start(res, scratch);
	struct machine m = { &scratch->world, res->program->names, scratch->stack, scratch->room,
			     0 };

	request.context = context;
	if (res->pending_count) {
		world_init(&scratch->world, store, &request);
		for (uint32_t i = 0; i < res->pending_count; i++)
			tally_run(res, &res->pending[i], &m, scratch, &t);
	}
	*out = (struct cedar_answer){
		.is_forbid_failed = t.is_forbid_failed,
		.context_read = m.context_read,
		.faults = scratch->faults,
		.fault_count = t.faults,
		.candidates = res->pending_count,
	};
	answer_because(scratch, t.reasons, out);
	scratch->world.request = NULL;
}
