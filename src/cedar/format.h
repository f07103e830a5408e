/* format.h - the one way to lay out policies.
 *
 * Works on tokens, so comments, the spelling of strings and every parenthesis stay as written; only
 * white space changes (and a comma before a closing bracket goes).  Formatting twice changes
 * nothing, and what comes out parses to the tree of what went in.  Lines aim at 80 columns.
 */
#pragma once

#include "base/buf.h"
#include "cedar/ast.h"

/* The source must be a whole file of policies and templates: otherwise the parser's error. */
bool cedar_format(const struct cedar_source *source, struct arena *mem, struct buf *out,
		  struct err *e);
