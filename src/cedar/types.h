/* types.h - how the types of the strict validator relate: below, upper bound, disjoint.
 *
 * Cedar specification, "Validation": in strict mode records and entities are below
 * themselves only, True and False are below Bool, sets and records go by their parts.
 * Results are shared parts or new types in mem; NULL when there is no bound.
 */
#pragma once

#include "cedar/schema.h"

extern const struct schema_type type_bool, type_true, type_false, type_long, type_string;

bool type_is_bool(const struct schema_type *t); /* Bool, True or False */
const struct schema_type *type_of_truth(bool truth);

bool type_is_below(const struct schema_type *a, const struct schema_type *b);
/* *is_full tells that the arena, not the types, is to blame for NULL. */
const struct schema_type *type_bound(const struct schema_type *a, const struct schema_type *b,
				     struct arena *mem, bool *is_full);
/* No value is of both: entities of different types. */
bool type_is_disjoint(const struct schema_type *a, const struct schema_type *b);

const struct schema_type *type_set_of(const struct schema_type *element, struct arena *mem);
/* For messages: in Cedar syntax, cut when long. */
struct str type_text(const struct schema_type *t, struct arena *mem);
