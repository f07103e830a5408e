/* program_in.h - what a compiled policy set is made of.
 *
 * Inner header: for the files that decide, leave residuals and explain.
 */
#pragma once

#include "cedar/compile.h"
#include "cedar/index.h"

enum { PC_NONE = UINT32_MAX }; /* no conditions: the scope decides alone */

/* A scope without its place, so that a rule is two cache lines. */
struct head {
	uint8_t kind;  /* enum cedar_scope_kind */
	uint32_t word; /* type; of a set, how many */
	union {
		const struct cedar_uid *uid;
		const struct cedar_uid *const *uids;
	};
};

struct rule {
	uint32_t principal_type, resource_type; /* what they must be; 0: anything */
	bool is_typed;                          /* and that is all the heads ask of them */
	bool may_repeat;                        /* filed under several actions */
	struct head principal, action, resource;
	const struct cedar_policy *policy;
	const struct cedar_expr *const *folded; /* its conditions, constants folded; as many */
	uint32_t pc;
	enum cedar_effect effect;
};

struct cedar_program {
	struct rule *rules;
	uint32_t count;
	uint32_t holders;
	struct cedar_names *names;
	struct index *index;
	struct code code;
	struct fields fields;
	struct arena *mem; /* folded trees and their literals */
	size_t bytes;
};

/* Does the head of a policy fit the request?  Cannot fail. */
struct head head_of(const struct cedar_scope *scope);

static inline bool head_fits(struct world *w, struct seat *s, const struct head *h)
{
	switch (h->kind) {
	case CEDAR_SCOPE_ANY:
		return true;
	case CEDAR_SCOPE_EQ:
		return uid_same(s->uid, h->uid);
	case CEDAR_SCOPE_IN:
		return seat_in(w, s, h->uid);
	case CEDAR_SCOPE_IS:
		return s->uid->type == h->word;
	case CEDAR_SCOPE_IS_IN:
		return s->uid->type == h->word && seat_in(w, s, h->uid);
	default: /* CEDAR_SCOPE_IN_SET */
		for (uint32_t i = 0; i < h->word; i++)
			if (seat_in(w, s, h->uids[i]))
				return true;
		return false;
	}
}

static inline bool rule_may_fit(struct world *w, const struct rule *r)
{
	const struct cedar_uid *principal = w->seats[CEDAR_VAR_PRINCIPAL].uid;
	const struct cedar_uid *resource = w->seats[CEDAR_VAR_RESOURCE].uid;

	return (!r->resource_type || r->resource_type == resource->type) &&
	       (!r->principal_type || r->principal_type == principal->type);
}

/* All but the action. */
static inline bool rule_fits_who(struct world *w, const struct rule *r)
{
	return rule_may_fit(w, r) &&
	       (r->is_typed || (head_fits(w, &w->seats[CEDAR_VAR_RESOURCE], &r->resource) &&
				head_fits(w, &w->seats[CEDAR_VAR_PRINCIPAL], &r->principal)));
}

static inline bool rule_fits(struct world *w, const struct rule *r)
{
	return rule_fits_who(w, r) && head_fits(w, &w->seats[CEDAR_VAR_ACTION], &r->action);
}

bool scope_fits(struct world *w, struct seat *s, const struct cedar_scope *scope);

struct cedar_scratch {
	struct world world;
	struct cedar_value *stack;
	size_t stack_cap;
	char *room;
	size_t room_cap;
	uint32_t *seen;       /* per policy: number of the last decision that met it */
	uint32_t *reasons[2]; /* by effect */
	struct cedar_fault *faults;
	uint32_t cap; /* policies there is room for */
	uint32_t decision;
};

/* Makes room for at least so much. */
void scratch_reserve(struct cedar_scratch *s, uint32_t policies, const struct code *code);

/* Decides for the world that is set up in the scratch. */
void scratch_decide(const struct cedar_program *program, struct cedar_scratch *s,
		    struct cedar_answer *out);
/* What the rows of a decision come to. */
void answer_because(struct cedar_scratch *s, const uint32_t reason_count[2],
		    struct cedar_answer *out);
