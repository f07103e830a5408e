/* validate.h - could these policies go wrong on any request the schema allows?
 *
 * The strict validator of Cedar 4.10 (Cedar guide, "Policy validation"): each policy is
 * typechecked once for every request the schema allows (principal type x action x
 * resource type; templates also for every type that may fill their slots).  Errors make a
 * set invalid; a policy that can never be satisfied is a warning, as in 4.10.
 *
 * Pure and total: what is not valid is reported, never crashed on.  Expressions are at
 * most CEDAR_DEPTH_MAX deep (ast.h), types SCHEMA_DEPTH_MAX (schema.h).
 */
#pragma once

#include "cedar/ast.h"
#include "cedar/schema.h"

enum { VALIDATE_FINDINGS_MAX = 1000 }; /* later ones are counted and not kept */

struct validate_finding {
	bool is_warning;
	struct cedar_pos pos; /* source NULL when the policy came from JSON */
	struct str policy;    /* id */
	struct str text;  /* "attribute 'grad' does not exist on Device; did you mean 'grade'?" */
	struct str where; /* the first request it goes wrong on: "Device, publish, Gate"; or "" */
};

struct validate_report {
	const struct validate_finding *findings; /* policies in order, errors as found */
	size_t count;
	size_t error_count, warning_count; /* may be more than are kept */
};

/* True when there is no error; else *e is the first one, with its place.  The report
 * lives in mem; a full arena is an error.  `s` and `p` share one struct cedar_names. */
bool cedar_validate(const struct schema *s, const struct cedar_policies *p, struct arena *mem,
		    struct validate_report *out, struct err *e);
