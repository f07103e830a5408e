/* program_in.h - what a compiled policy set is made of.
 *
 * Inner header: for the files that decide, leave residuals and explain.
 */
#pragma once

#include "cedar/compile.h"
#include "cedar/index.h"

enum { PC_NONE = UINT32_MAX }; /* no conditions: the scope decides alone */

struct rule {
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
bool scope_fits(const struct world *w, const struct seat *s, const struct cedar_scope *scope);
static inline bool rule_fits(const struct world *w, const struct rule *r)
{
	return scope_fits(w, &w->seats[CEDAR_VAR_PRINCIPAL], &r->policy->principal) &&
	       scope_fits(w, &w->seats[CEDAR_VAR_ACTION], &r->policy->action) &&
	       scope_fits(w, &w->seats[CEDAR_VAR_RESOURCE], &r->policy->resource);
}

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
