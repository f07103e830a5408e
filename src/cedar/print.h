/* print.h - the pieces of Cedar text: how strings, patterns and whole policies are written.
 *
 * What these write, the parser reads back to the same tree.  Output goes to a buf, whose
 * is_full says at the end whether it all fitted.
 */
#pragma once

#include "base/buf.h"
#include "cedar/ast.h"

void cedar_print_string(struct buf *out, struct str text); /* quoted and escaped */
void cedar_print_pattern(struct buf *out, const struct cedar_pattern *pattern);

/* The shortest text that parses to this tree: for residuals, and policies that came as JSON.
 * Comments and layout are not in the tree; cedar/format.h keeps those. */
void cedar_expr_print(struct buf *out, const struct cedar_names *names,
		      const struct cedar_expr *expr);
void cedar_policy_print(struct buf *out, const struct cedar_names *names,
			const struct cedar_policy *policy);
