#include "cedar/authorize.h"

#include <assert.h>

#include "base/mem.h"
#include "cedar/program_in.h"

enum { LINE_BYTES = 64, FETCHED_LINES = 4 };

/* --- scratch --- */

struct cedar_scratch *cedar_scratch_new(void)
{
	return mem_new(1, sizeof(struct cedar_scratch));
}

void cedar_scratch_free(struct cedar_scratch *s)
{
	if (!s)
		return;
	free(s->stack);
	free(s->room);
	free(s->seen);
	free(s->reasons[CEDAR_FORBID]);
	free(s->reasons[CEDAR_PERMIT]);
	free(s->faults);
	free(s);
}

static void *renewed(void *old, size_t count, size_t size)
{
	free(old);
	return mem_new(count, size);
}

void scratch_reserve(struct cedar_scratch *s, uint32_t policies, const struct code *code)
{
	if (policies > s->cap || !s->seen) {
		s->cap = policies;
		s->seen = renewed(s->seen, policies, sizeof(*s->seen));
		s->reasons[0] = renewed(s->reasons[0], policies, sizeof(uint32_t));
		s->reasons[1] = renewed(s->reasons[1], policies, sizeof(uint32_t));
		s->faults = renewed(s->faults, policies, sizeof(*s->faults));
		s->decision = 0;
	}
	if (code->stack_max > s->stack_cap || !s->stack) {
		s->stack_cap = code->stack_max;
		s->stack = renewed(s->stack, s->stack_cap, sizeof(*s->stack));
	}
	if (code->room_max > s->room_cap || !s->room) {
		s->room_cap = code->room_max;
		s->room = renewed(s->room, 1, s->room_cap);
	}
}

void cedar_scratch_fit(struct cedar_scratch *scratch, const struct cedar_program *program)
{
	scratch_reserve(scratch, program->count, &program->code);
}

/* --- a decision --- */

struct decision {
	const struct cedar_program *program;
	struct cedar_scratch *scratch;
	struct machine machine;
	uint32_t reason_count[2]; /* by effect */
	uint32_t fault_count, candidates;
	bool is_forbid_failed;
};

static void judge_rule(struct decision *d, const struct rule *r, uint32_t policy)
{
	struct cedar_scratch *s = d->scratch;
	struct cedar_fault *fault = &s->faults[d->fault_count];
	enum run_result result =
		r->pc == PC_NONE ? RUN_HOLDS
				 : machine_run(&d->machine, &d->program->code, r->pc, fault);

	if (result == RUN_HOLDS)
		s->reasons[r->effect][d->reason_count[r->effect]++] = policy;
	if (result != RUN_FAILS)
		return;
	fault->policy = policy;
	d->fault_count++;
	d->is_forbid_failed |= r->effect == CEDAR_FORBID;
}

static bool was_seen(struct cedar_scratch *s, uint32_t policy)
{
	bool is_again = s->seen[policy] == s->decision;

	s->seen[policy] = s->decision;
	return is_again;
}

static void judge_run(void *ctx, const uint32_t *policies, uint32_t count, bool is_action_known)
{
	struct decision *d = ctx;
	struct world *w = &d->scratch->world;

	d->candidates += count;
	for (uint32_t i = 0; i < count; i++) {
		const struct rule *r = &d->program->rules[policies[i]];
		if (!rule_fits_who(w, r) ||
		    (!is_action_known && !head_fits(w, &w->seats[CEDAR_VAR_ACTION], &r->action)) ||
		    (r->may_repeat && was_seen(d->scratch, policies[i])))
			continue;
		judge_rule(d, r, policies[i]);
	}
}

/* Numbers of decisions start again after 2^32: then nobody has been seen. */
static void next_decision(struct cedar_scratch *s)
{
	if (++s->decision)
		return;
	memset(s->seen, 0, s->cap * sizeof(*s->seen));
	s->decision = 1;
}

/* Nearly every policy asks something of the principal: its attributes may be on their way while
 * policies are looked for. */
static void principal_fetch(struct world *w)
{
	const struct cedar_record *attrs = seat_attrs(w, &w->seats[CEDAR_VAR_PRINCIPAL]);

	for (size_t line = 0; attrs && line < FETCHED_LINES; line++)
		__builtin_prefetch((const char *)attrs + line * LINE_BYTES);
}

void answer_because(struct cedar_scratch *s, const uint32_t reason_count[2],
		    struct cedar_answer *out)
{
	enum cedar_effect because = reason_count[CEDAR_FORBID] ? CEDAR_FORBID : CEDAR_PERMIT;

	out->reasons = s->reasons[because];
	out->reason_count = reason_count[because];
	out->decision = because == CEDAR_PERMIT && out->reason_count ? CEDAR_ALLOW : CEDAR_DENY;
}

void scratch_decide(const struct cedar_program *program, struct cedar_scratch *s,
		    struct cedar_answer *out)
{
	struct decision d = {
		.program = program,
		.scratch = s,
		.machine = { &s->world, program->names, s->stack, s->room, 0 },
	};

	next_decision(s);
	principal_fetch(&s->world);
	index_find(program->index, &s->world, judge_run, &d);
	*out = (struct cedar_answer){
		.is_forbid_failed = d.is_forbid_failed,
		.context_read = d.machine.context_read,
		.faults = s->faults,
		.fault_count = d.fault_count,
		.candidates = d.candidates,
	};
	answer_because(s, d.reason_count, out);
}

void cedar_authorize(const struct cedar_program *program, const struct cedar_entities *store,
		     const struct cedar_request *request, struct cedar_scratch *scratch,
		     struct cedar_answer *out)
{
	assert(scratch->seen && scratch->cap >= program->count);
	cedar_entities_prefetch(store, request->principal);
	world_init(&scratch->world, store, request);
	scratch_decide(program, scratch, out);
}

/* --- faults in words --- */

static const struct {
	const char *name, *text;
} faults[] = {
	[CEDAR_FAULT_NONE] = { "none", "nothing failed" },
	[CEDAR_FAULT_TYPE] = { "type", "an operand has the wrong type" },
	[CEDAR_FAULT_ATTR] = { "attribute", "there is no such attribute" },
	[CEDAR_FAULT_TAG] = { "tag", "there is no such tag" },
	[CEDAR_FAULT_ENTITY] = { "entity", "there is no such entity" },
	[CEDAR_FAULT_OVERFLOW] = { "overflow", "a number does not fit 64 bits" },
	[CEDAR_FAULT_EXTENSION] = { "extension", "an extension function failed" },
	[CEDAR_FAULT_ARITY] = { "arity", "a function has the wrong number of arguments" },
};

const char *cedar_fault_name(enum cedar_fault_kind kind)
{
	return faults[kind].name;
}

void cedar_fault_print(struct buf *out, const struct cedar_program *program,
		       const struct cedar_fault *fault)
{
	const struct cedar_policy *p = program->rules[fault->policy].policy;

	buf_printf(out, STR_FMT ": ", STR_ARG(p->id));
	if (fault->pos.source && fault->pos.line)
		buf_printf(out, STR_FMT ":%u:%u: ", STR_ARG(fault->pos.source->name),
			   fault->pos.line, fault->pos.col);
	buf_puts(out, str_of(faults[fault->kind].text));
	if (fault->kind == CEDAR_FAULT_TYPE && fault->got)
		buf_printf(out, ": %s", cedar_kind_name(fault->got));
	else if (fault->name)
		buf_printf(out, ": " STR_FMT,
			   STR_ARG(cedar_names_text(program->names, fault->name)));
}
