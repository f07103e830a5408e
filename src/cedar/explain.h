/* explain.h - what did a decision rest on, and what would change it?
 *
 * For the decision record and `muster policy explain`; never on the path of a message.  Both walk
 * the tree again under the same program, store and request that were decided, so ask before any of
 * them changes.  Results live in mem; work and output are bounded.
 */
#pragma once

#include "cedar/authorize.h"

enum { CEDAR_FACTS_MAX = 64, CEDAR_NEAREST_MAX = 8 };

/* principal.grade = "restricted".  An attribute that is not there has kind CEDAR_NONE. */
struct cedar_fact {
	struct str path;
	struct cedar_value value;
};

struct cedar_facts {
	const struct cedar_fact *items; /* each path once, in the order read */
	uint32_t count;
	bool is_cut; /* there were more than CEDAR_FACTS_MAX, or mem was full */
};

/* What these policies read of the request and the store. */
void cedar_explain_facts(const struct cedar_program *program, const struct cedar_entities *store,
			 const struct cedar_request *request, const uint32_t *policies,
			 uint32_t count, struct arena *mem, struct cedar_facts *out);

/* One condition of one policy which, were it otherwise, would bring the policy to the other side:
 * a permit that failed names the first conjunct in its way, a forbid that held one that held. */
struct cedar_near {
	uint32_t policy;
	bool is_scope;            /* the head of the policy, not a when or unless */
	bool is_fault;            /* it failed to evaluate */
	bool must_be;             /* what the conjunct would have to be */
	struct str text;          /* the conjunct: context.payloadBytes <= 65536 */
	struct cedar_facts facts; /* what it read */
	struct cedar_pos pos;
	uint32_t others; /* further conditions of that policy that stand in the way as well */
};

/* Nearest first; at most CEDAR_NEAREST_MAX.  Empty for an allowed request.  Forbids that hold come
 * before permits that do not; permits of other actions or
 * types are not near. */
void cedar_explain_nearest(const struct cedar_program *program, const struct cedar_entities *store,
			   const struct cedar_request *request, struct arena *mem,
			   const struct cedar_near **out, uint32_t *out_count);
