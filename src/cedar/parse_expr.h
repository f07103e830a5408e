/* parse_expr.h - the parser's own state, shared by the two files that make it up. */
#pragma once

#include "cedar/lex.h"

struct cedar_parse {
	struct cedar_lex lex;
	struct cedar_names *names;
	struct arena *mem;
	uint32_t nesting; /* of the parser itself: parentheses, brackets, if */
};

/* One expression; NULL when the lexer has the error. */
const struct cedar_expr *cedar_parse_expr(struct cedar_parse *p);
/* User::"alice" */
const struct cedar_uid *cedar_parse_uid(struct cedar_parse *p);
/* An error for NULL from a maker of nodes: too deep, or the arena is full.  Returns NULL. */
void *cedar_parse_no_room(struct cedar_parse *p);
/* Adds "did you mean" to a fresh error when one of the names is near. */
void cedar_parse_suggest(struct cedar_parse *p, struct str typed, const char *const *names,
			 size_t count);
