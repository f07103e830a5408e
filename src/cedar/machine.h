/* machine.h - the small stack machine that conditions are compiled for.
 *
 * Inner header.  An instruction is 8 bytes; jumps go forward only, so a run takes at most as many
 * steps as the policy has instructions, and what it may push or build is known when it is compiled.
 * A run allocates nothing: stack and room for sets, records and addresses made on the way come with
 * the call.
 */
#pragma once

#include "cedar/ops.h"

enum insn_op {
	INSN_HOLDS,      /* end: the policy is satisfied */
	INSN_FAIL,       /* with the fault of kind var, got flag, name arg */
	INSN_CONST,      /* push consts[arg] */
	INSN_VAR,        /* push var */
	INSN_VAR_GET,    /* push var.arg */
	INSN_VAR_HAS,    /* push var has arg */
	INSN_GET,        /* top = top.arg */
	INSN_HAS,        /* top = top has arg */
	INSN_IS,         /* top = top is arg */
	INSN_LIKE,       /* top = top like patterns[arg] */
	INSN_UNARY,      /* top = op top */
	INSN_BINARY,     /* pop b; top = top op b */
	INSN_BINARY_LIT, /* top = top op consts[arg] */
	INSN_MEMBER,     /* top = consts[arg].contains(top) */
	INSN_IN,         /* pop b; top = top in b */
	INSN_IN_LIT,     /* top = top in consts[arg] */
	INSN_VAR_IN,     /* push var in consts[arg] */
	INSN_HAS_TAG,    /* pop key; top = top.hasTag(key) */
	INSN_GET_TAG,    /* pop key; top = top.getTag(key) */
	INSN_SET,        /* pop arg values, push the set of them */
	INSN_RECORD,     /* pop as many values as shapes[arg] has keys, push the record */
	INSN_CALL,       /* pop arg values, push fn of them */
	INSN_BOOL,       /* top must be a bool */
	INSN_ELSE,       /* pop a bool; false: jump to arg */
	INSN_AND,        /* top must be a bool; false: jump to arg, true: pop */
	INSN_OR,         /* top must be a bool; true: jump to arg, false: pop */
	INSN_JUMP,       /* to arg */
	INSN_TEST,       /* pop a bool; unless it is `flag`, the policy does not hold */
	INSN_TEST_EQ,    /* var.arg == consts[next.arg] must be `flag`: two words */
	INSN_TEST_CMP,   /* var.arg op consts[next.arg], next.op being op: two words */
	INSN_DATA,       /* the second word of another */
};

struct insn {
	uint8_t op;
	uint8_t var;  /* enum cedar_var, or of an operator enum cedar_op, or of a call enum cedar_fn
		       */
	uint8_t flag; /* TEST*: what is wanted */
	uint8_t bit;  /* reading the context: which bit of context_read */
	uint32_t arg;
};

struct shape {
	uint32_t count;
	const uint32_t *keys; /* as written */
};

/* The conditions of one or many policies. */
struct code {
	struct insn *insns;
	struct cedar_pos *pos; /* of each instruction */
	uint32_t count, cap;
	struct cedar_value *consts;
	uint32_t const_count, const_cap;
	const struct cedar_pattern **patterns;
	uint32_t pattern_count, pattern_cap;
	struct shape *shapes;
	uint32_t shape_count, shape_cap;
	uint32_t stack_max; /* values */
	size_t room_max;    /* bytes any one policy may build */
};

struct machine {
	struct world *world;
	const struct cedar_names *names;
	struct cedar_value *stack;
	char *room;
	uint64_t context_read; /* grows run by run */
};

enum run_result { RUN_FAILS, RUN_NOT, RUN_HOLDS };

/* Runs from pc to the end of that policy.  On RUN_FAILS *fault says why; policy is the caller's. */
enum run_result machine_run(struct machine *m, const struct code *code, uint32_t pc,
			    struct cedar_fault *fault);

size_t machine_set_room(uint32_t count);
size_t machine_record_room(uint32_t count);
size_t machine_call_room(enum cedar_fn fn);
