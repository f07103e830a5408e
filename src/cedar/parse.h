/* parse.h - policy text into ast.h, and templates into policies.
 *
 * Grammar, precedence and limits as Cedar 4.10 (docs.cedarpolicy.com/policies/
 * syntax-grammar.html).  The tree lives in mem; so does everything it points to but names.
 */
#pragma once

#include "cedar/ast.h"

/* A whole file.  Policies get the ids policy0, policy1, ... in file order (templates count).
 * source must live as long as the tree; its text only during the call. */
bool cedar_policies_parse(struct cedar_names *names, const struct cedar_source *source,
			  struct arena *mem, struct cedar_policies *out, struct err *e);

/* One policy or template, which gets this id. */
bool cedar_policy_parse(struct cedar_names *names, const struct cedar_source *source, struct str id,
			struct arena *mem, const struct cedar_policy **out, struct err *e);

/* One expression, User::"alice" alone, and an entity type name. */
bool cedar_expr_parse(struct cedar_names *names, const struct cedar_source *source,
		      struct arena *mem, const struct cedar_expr **out, struct err *e);
bool cedar_uid_parse(struct cedar_names *names, struct str text, struct arena *mem,
		     const struct cedar_uid **out, struct err *e);

/* Fills a template's slots.  NULL for a slot it does not have; anything else is an error. */
bool cedar_policy_link(const struct cedar_policy *tmpl, struct str id,
		       const struct cedar_uid *principal, const struct cedar_uid *resource,
		       struct arena *mem, const struct cedar_policy **out, struct err *e);

/* a and b as one set; an id in both is an error. */
bool cedar_policies_join(const struct cedar_policies *a, const struct cedar_policies *b,
			 struct arena *mem, struct cedar_policies *out, struct err *e);
/* The same set with each policy's id replaced by its @id annotation where it has one. */
bool cedar_policies_rename(const struct cedar_policies *from, struct arena *mem,
			   struct cedar_policies *out, struct err *e);
