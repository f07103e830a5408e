/* compile.h - conditions into instructions of machine.h.
 *
 * Inner header.  A compiler fills one struct code, policy after policy.  The code borrows literals
 * and patterns from the trees it is given, unless keep is set: then it copies literals there.
 */
#pragma once

#include "cedar/machine.h"

enum { CONTEXT_FIELDS = 63 };

/* Which context fields exist, and which bit each has. */
struct fields {
	uint32_t names[CONTEXT_FIELDS];
	uint32_t count;
};

struct compiler {
	struct code *code;
	struct fields *fields; /* grows as fields are met */
	struct arena *keep;    /* may be NULL */
	uint32_t depth;        /* values on the stack here */
	size_t room;           /* bytes this policy builds so far */
	bool is_bad;           /* keep was full, or a tree is larger than an instruction can say */
};

/* One policy is begin, any number of conditions that must all hold, end.  Returns its pc. */
uint32_t compile_begin(struct compiler *c);
void compile_condition(struct compiler *c, const struct cedar_expr *e, bool wanted);
void compile_end(struct compiler *c);

void code_free(struct code *code); /* what it owns; not the struct */
size_t code_bytes(const struct code *code);
/* The bit a field has, or CEDAR_CONTEXT_OTHER; adds it when there is room and may_add. */
uint8_t fields_bit(struct fields *fields, uint32_t name, bool may_add);
