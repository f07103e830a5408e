/* policyset.h - the policy set in force: checked, stored, compiled, told. */
#pragma once

#include "control/core/core.h"

struct policy_text {
	struct str schema, spaces;
	const struct policy_file *files;
	size_t count;
};

/* Compiles; NULL with file, line and column in *e.  The caller frees it. */
struct policy *policyset_check(const struct policy_text *t, struct str version, struct err *e);

/* In an operation: refuses a set in which `user` could not activate the next one. */
bool policyset_activate(struct core *c, const struct policy_text *t, struct str user,
			struct err *e) must_check;
/* After its end: the new set decides from here on. */
void policyset_swap(struct core *c);

struct str policyset_digest(const struct policy_text *t, struct arena *mem);
