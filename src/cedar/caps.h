/* caps.h - what is known to be there: the capabilities of the strict validator.
 *
 * `principal has site` evaluated to true gives the capability (principal, site), and
 * `resource.hasTag(t)` gives (resource, tag t).  Sets are immutable lists in an arena; a
 * NULL set is empty.  Two expressions are the same when they mean the same tree: places
 * do not count, and `a != b` is `!(a == b)` (ast.h).
 */
#pragma once

#include "cedar/ast.h"

struct cap {
	const struct cap *next;
	size_t count; /* of this and all after it */
	uint32_t hash;
	const struct cedar_expr *on;
	uint32_t attr;                /* name; 0: a tag */
	const struct cedar_expr *tag; /* NULL: an attribute */
};

bool cap_has_attr(const struct cap *set, const struct cedar_expr *on, uint32_t attr);
bool cap_has_tag(const struct cap *set, const struct cedar_expr *on, const struct cedar_expr *tag);

/* One-element sets, union and intersection; NULL also when the arena is full (look there). */
const struct cap *cap_attr(const struct cedar_expr *on, uint32_t attr, struct arena *mem);
const struct cap *cap_tag(const struct cedar_expr *on, const struct cedar_expr *tag,
			  struct arena *mem);
const struct cap *cap_union(const struct cap *a, const struct cap *b, struct arena *mem);
const struct cap *cap_both(const struct cap *a, const struct cap *b, struct arena *mem);

bool cap_same_expr(const struct cedar_expr *a, const struct cedar_expr *b);
