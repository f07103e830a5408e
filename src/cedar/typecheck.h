/* typecheck.h - the type of an expression, on one kind of request.
 *
 * The inner half of the strict validator; validate.c walks policies and request kinds.
 * A failure is either noted through `note` or is a name the schema does not know, which
 * validate.c reports once for the whole policy.
 */
#pragma once

#include "cedar/caps.h"
#include "cedar/types.h"

/* One kind of request: all that typing may know of it. */
struct typecheck_env {
	const struct schema_entity *principal, *resource;
	const struct schema_action *action;
	const struct schema_type *principal_slot, *resource_slot; /* of a template, else NULL */
};

struct typecheck {
	const struct schema *schema;
	const struct typecheck_env *env;
	struct arena *mem; /* scratch: types and capabilities of one run */
	/* Takes one error; `text` lives in mem. */
	void (*note)(void *ctx, struct cedar_pos pos, struct str text);
	void *ctx;
};

/* What is known of an expression that types: its type, and what holds once it is true. */
struct typed {
	const struct schema_type *type;
	const struct cap *caps;
};

/* False when it does not type.  `known` holds at this place. */
bool typecheck_expr(const struct typecheck *c, const struct cap *known, const struct cedar_expr *e,
		    struct typed *out);
/* The same, and it must be a Bool. */
bool typecheck_bool(const struct typecheck *c, const struct cap *known, const struct cedar_expr *e,
		    struct typed *out);
