/* ops.h - what one operator of Cedar makes of its operands: the one place that knows.
 *
 * Inner header: the machine, which runs compiled policies, and the tree walker, which folds,
 * explains and leaves residuals, both call these, so they cannot disagree.  All are pure; false
 * means the evaluation fails, and *fault says why (policy and pos are the caller's).
 *
 * Cedar: docs.cedarpolicy.com/policies/syntax-operators.html.
 */
#pragma once

#include "cedar/world.h"

/* Returns false, so that failing is one line. */
bool fault_type(struct cedar_fault *fault, enum cedar_kind got);
bool fault_set(struct cedar_fault *fault, enum cedar_fault_kind kind, uint32_t name);

/* -x and !x and x.isEmpty(). */
bool op_unary(enum cedar_op op, struct cedar_value x, struct cedar_value *out,
	      struct cedar_fault *fault);
/* CEDAR_OP_EQ to CEDAR_OP_MUL, CONTAINS to CONTAINS_ANY. */
bool op_binary(enum cedar_op op, struct cedar_value a, struct cedar_value b,
	       struct cedar_value *out, struct cedar_fault *fault);
bool op_in(struct world *w, struct cedar_value a, struct cedar_value b, struct cedar_value *out,
	   struct cedar_fault *fault);
bool op_get(struct world *w, struct cedar_value of, uint32_t name, struct cedar_value *out,
	    struct cedar_fault *fault);
bool op_has(struct world *w, struct cedar_value of, uint32_t name, struct cedar_value *out,
	    struct cedar_fault *fault);
/* The key's name number is found in names: a key nobody ever named is nobody's tag. */
bool op_has_tag(struct world *w, const struct cedar_names *names, struct cedar_value of,
		struct cedar_value key, struct cedar_value *out, struct cedar_fault *fault);
bool op_get_tag(struct world *w, const struct cedar_names *names, struct cedar_value of,
		struct cedar_value key, struct cedar_value *out, struct cedar_fault *fault);
bool op_is(struct cedar_value of, uint32_t type, struct cedar_value *out,
	   struct cedar_fault *fault);
bool op_like(struct cedar_value of, const struct cedar_pattern *pattern, struct cedar_value *out,
	     struct cedar_fault *fault);
/* An address is written to *ip, which must live as long as the result. */
bool op_call(enum cedar_fn fn, const struct cedar_value *args, uint32_t count, struct cedar_ip *ip,
	     struct cedar_value *out, struct cedar_fault *fault);

static inline bool record_find(const struct cedar_record *r, uint32_t name, struct cedar_value *out)
{
	if (r->count > 16) {
		*out = cedar_record_get(r, name);
		return out->kind != CEDAR_NONE;
	}
	for (uint32_t i = 0; i < r->count; i++) {
		if (r->names[i] == name) {
			*out = r->values[i];
			return true;
		}
	}
	return false;
}
