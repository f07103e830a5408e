#include "cedar/compile.h"

#include "base/mem.h"

void code_free(struct code *code)
{
	free(code->insns);
	free(code->pos);
	free(code->consts);
	free(code->patterns);
	free(code->shapes);
	*code = (struct code){ 0 };
}

size_t code_bytes(const struct code *code)
{
	return code->cap * (sizeof(*code->insns) + sizeof(*code->pos)) +
	       code->const_cap * sizeof(*code->consts) +
	       code->pattern_cap * sizeof(*code->patterns) +
	       code->shape_cap * sizeof(*code->shapes);
}

uint8_t fields_bit(struct fields *fields, uint32_t name, bool may_add)
{
	for (uint32_t i = 0; i < fields->count; i++)
		if (fields->names[i] == name)
			return (uint8_t)i;
	if (!may_add || fields->count == CONTEXT_FIELDS)
		return CEDAR_CONTEXT_OTHER;
	fields->names[fields->count] = name;
	return (uint8_t)fields->count++;
}

/* --- what the code is made of --- */

static uint32_t grown(uint32_t cap)
{
	return cap ? cap * 2 : 16;
}

static uint32_t emit(struct compiler *c, struct insn in, struct cedar_pos pos)
{
	struct code *code = c->code;

	if (code->count == code->cap) {
		code->cap = grown(code->cap);
		code->insns = mem_grow(code->insns, code->cap, sizeof(*code->insns));
		code->pos = mem_grow(code->pos, code->cap, sizeof(*code->pos));
	}
	code->insns[code->count] = in;
	code->pos[code->count] = pos;
	return code->count++;
}

static uint32_t add_const(struct compiler *c, struct cedar_value v)
{
	struct code *code = c->code;

	if (code->const_count == code->const_cap) {
		code->const_cap = grown(code->const_cap);
		code->consts = mem_grow(code->consts, code->const_cap, sizeof(*code->consts));
	}
	if (c->keep) {
		v = cedar_value_copy(c->keep, v);
		c->is_bad |= v.kind == CEDAR_NONE;
	}
	code->consts[code->const_count] = v;
	return code->const_count++;
}

static uint32_t add_pattern(struct compiler *c, const struct cedar_pattern *pattern)
{
	struct code *code = c->code;

	if (code->pattern_count == code->pattern_cap) {
		code->pattern_cap = grown(code->pattern_cap);
		code->patterns =
			mem_grow(code->patterns, code->pattern_cap, sizeof(*code->patterns));
	}
	code->patterns[code->pattern_count] = pattern;
	return code->pattern_count++;
}

static uint32_t add_shape(struct compiler *c, const struct cedar_expr *e)
{
	struct code *code = c->code;

	if (code->shape_count == code->shape_cap) {
		code->shape_cap = grown(code->shape_cap);
		code->shapes = mem_grow(code->shapes, code->shape_cap, sizeof(*code->shapes));
	}
	code->shapes[code->shape_count] = (struct shape){ e->count, e->keys };
	return code->shape_count++;
}

/* count values go, one comes. */
static void stack_moves(struct compiler *c, uint32_t takes, uint32_t leaves)
{
	c->depth = c->depth - takes + leaves;
	if (c->depth > c->code->stack_max)
		c->code->stack_max = c->depth;
}

static void land(struct compiler *c, uint32_t jump)
{
	c->code->insns[jump].arg = c->code->count;
}

/* --- expressions: each leaves one value --- */

static void compile(struct compiler *c, const struct cedar_expr *e);

static bool is_lit(const struct cedar_expr *e, enum cedar_kind kind)
{
	return e->op == CEDAR_OP_LIT && e->lit.kind == kind;
}

static bool is_always_bool(const struct cedar_expr *e)
{
	switch (e->op) {
	case CEDAR_OP_VAR:
	case CEDAR_OP_IF:
	case CEDAR_OP_GET:
	case CEDAR_OP_GET_TAG:
	case CEDAR_OP_ADD:
	case CEDAR_OP_SUB:
	case CEDAR_OP_MUL:
	case CEDAR_OP_NEG:
	case CEDAR_OP_SET:
	case CEDAR_OP_RECORD:
		return false;
	case CEDAR_OP_LIT:
		return e->lit.kind == CEDAR_BOOL;
	case CEDAR_OP_CALL:
		return cedar_fns[e->fn].result == CEDAR_BOOL;
	default:
		return true;
	}
}

static uint8_t context_bit(struct compiler *c, const struct cedar_expr *var, uint32_t name)
{
	return var->var == CEDAR_VAR_CONTEXT ? fields_bit(c->fields, name, true) : 0;
}

/* An instruction on a variable of the request: reads count for context_read. */
static struct insn on_var(struct compiler *c, enum insn_op op, const struct cedar_expr *var,
			  uint32_t name)
{
	return (struct insn){ .op = (uint8_t)op,
			      .var = (uint8_t)var->var,
			      .bit = context_bit(c, var, name),
			      .arg = name };
}

static void compile_logic(struct compiler *c, const struct cedar_expr *e)
{
	enum insn_op op = e->op == CEDAR_OP_AND ? INSN_AND : INSN_OR;

	compile(c, e->args[0]);
	uint32_t jump = emit(c, (struct insn){ .op = (uint8_t)op }, e->args[0]->pos);
	stack_moves(c, 1, 0);
	compile(c, e->args[1]);
	if (!is_always_bool(e->args[1]))
		emit(c, (struct insn){ .op = INSN_BOOL }, e->args[1]->pos);
	land(c, jump);
}

static void compile_if(struct compiler *c, const struct cedar_expr *e)
{
	compile(c, e->args[0]);
	uint32_t to_else = emit(c, (struct insn){ .op = INSN_ELSE }, e->args[0]->pos);
	stack_moves(c, 1, 0);
	compile(c, e->args[1]);
	uint32_t to_end = emit(c, (struct insn){ .op = INSN_JUMP }, e->pos);
	stack_moves(c, 1, 0);
	land(c, to_else);
	compile(c, e->args[2]);
	land(c, to_end);
}

/* Leaves the operands, then the instruction that takes them all. */
static void compile_operands(struct compiler *c, const struct cedar_expr *e, struct insn in)
{
	for (uint32_t i = 0; i < e->count; i++)
		compile(c, e->args[i]);
	emit(c, in, e->pos);
	stack_moves(c, e->count, 1);
}

static void compile_attr(struct compiler *c, const struct cedar_expr *e, enum insn_op on_var_op,
			 enum insn_op op)
{
	if (e->args[0]->op == CEDAR_OP_VAR) {
		emit(c, on_var(c, on_var_op, e->args[0], e->name), e->pos);
		stack_moves(c, 0, 1);
		return;
	}
	compile_operands(c, e, (struct insn){ .op = (uint8_t)op, .arg = e->name });
}

static void compile_in(struct compiler *c, const struct cedar_expr *e)
{
	const struct cedar_expr *of = e->args[0], *in = e->args[1];

	if (in->op != CEDAR_OP_LIT) {
		compile_operands(c, e, (struct insn){ .op = INSN_IN });
		return;
	}
	uint32_t lit = add_const(c, in->lit);
	if (of->op == CEDAR_OP_VAR && of->var != CEDAR_VAR_CONTEXT) {
		emit(c, (struct insn){ .op = INSN_VAR_IN, .var = (uint8_t)of->var, .arg = lit },
		     e->pos);
		stack_moves(c, 0, 1);
		return;
	}
	compile(c, of);
	emit(c, (struct insn){ .op = INSN_IN_LIT, .arg = lit }, e->pos);
}

static void compile_binary(struct compiler *c, const struct cedar_expr *e)
{
	if (e->op == CEDAR_OP_CONTAINS && is_lit(e->args[0], CEDAR_SET)) {
		compile(c, e->args[1]);
		emit(c, (struct insn){ .op = INSN_MEMBER, .arg = add_const(c, e->args[0]->lit) },
		     e->pos);
		return;
	}
	if (e->args[1]->op == CEDAR_OP_LIT) {
		compile(c, e->args[0]);
		emit(c,
		     (struct insn){ .op = INSN_BINARY_LIT,
				    .var = (uint8_t)e->op,
				    .arg = add_const(c, e->args[1]->lit) },
		     e->pos);
		return;
	}
	compile_operands(c, e, (struct insn){ .op = INSN_BINARY, .var = (uint8_t)e->op });
}

static void compile_build(struct compiler *c, const struct cedar_expr *e)
{
	if (e->op == CEDAR_OP_SET) {
		c->room += machine_set_room(e->count);
		compile_operands(c, e, (struct insn){ .op = INSN_SET, .arg = e->count });
	} else if (e->op == CEDAR_OP_RECORD) {
		c->room += machine_record_room(e->count);
		compile_operands(c, e, (struct insn){ .op = INSN_RECORD, .arg = add_shape(c, e) });
	} else {
		c->room += machine_call_room(e->fn);
		compile_operands(
			c, e,
			(struct insn){ .op = INSN_CALL, .var = (uint8_t)e->fn, .arg = e->count });
	}
}

static void compile_is(struct compiler *c, const struct cedar_expr *e)
{
	struct cedar_expr in = { .op = CEDAR_OP_IN, .count = 2, .pos = e->pos, .args = e->args };

	compile(c, e->args[0]);
	emit(c, (struct insn){ .op = INSN_IS, .arg = e->name }, e->pos);
	if (e->count == 1)
		return;
	uint32_t jump = emit(c, (struct insn){ .op = INSN_AND }, e->pos);
	stack_moves(c, 1, 0);
	compile_in(c, &in);
	land(c, jump);
}

static void compile_leaf(struct compiler *c, const struct cedar_expr *e)
{
	if (e->op == CEDAR_OP_LIT) {
		emit(c, (struct insn){ .op = INSN_CONST, .arg = add_const(c, e->lit) }, e->pos);
	} else if (e->op == CEDAR_OP_VAR) {
		emit(c,
		     (struct insn){
			     .op = INSN_VAR, .var = (uint8_t)e->var, .bit = CEDAR_CONTEXT_OTHER },
		     e->pos);
	} else {
		emit(c,
		     (struct insn){ .op = INSN_FAIL,
				    .var = (uint8_t)e->lit.num,
				    .flag = (uint8_t)e->lit.kind,
				    .arg = e->name },
		     e->pos);
	}
	stack_moves(c, 0, 1);
}

static void compile(struct compiler *c, const struct cedar_expr *e)
{
	switch (e->op) {
	case CEDAR_OP_NONE:
	case CEDAR_OP_SLOT:
	case CEDAR_OP_LIT:
	case CEDAR_OP_VAR:
		compile_leaf(c, e);
		return;
	case CEDAR_OP_IF:
		compile_if(c, e);
		return;
	case CEDAR_OP_AND:
	case CEDAR_OP_OR:
		compile_logic(c, e);
		return;
	case CEDAR_OP_IN:
		compile_in(c, e);
		return;
	case CEDAR_OP_HAS_TAG:
		compile_operands(c, e, (struct insn){ .op = INSN_HAS_TAG });
		return;
	case CEDAR_OP_GET_TAG:
		compile_operands(c, e, (struct insn){ .op = INSN_GET_TAG });
		return;
	case CEDAR_OP_NOT:
	case CEDAR_OP_NEG:
	case CEDAR_OP_IS_EMPTY:
		compile_operands(c, e, (struct insn){ .op = INSN_UNARY, .var = (uint8_t)e->op });
		return;
	case CEDAR_OP_GET:
		compile_attr(c, e, INSN_VAR_GET, INSN_GET);
		return;
	case CEDAR_OP_HAS:
		compile_attr(c, e, INSN_VAR_HAS, INSN_HAS);
		return;
	case CEDAR_OP_IS:
		compile_is(c, e);
		return;
	case CEDAR_OP_LIKE:
		compile_operands(
			c, e, (struct insn){ .op = INSN_LIKE, .arg = add_pattern(c, &e->pattern) });
		return;
	case CEDAR_OP_SET:
	case CEDAR_OP_RECORD:
	case CEDAR_OP_CALL:
		compile_build(c, e);
		return;
	default:
		compile_binary(c, e);
		return;
	}
}

/* --- conditions --- */

/* var.attr op literal, the commonest condition of all, is one step. */
static bool compile_test_attr(struct compiler *c, const struct cedar_expr *e, bool wanted)
{
	bool is_eq = e->op == CEDAR_OP_EQ || e->op == CEDAR_OP_NE;

	if (!is_eq && (e->op < CEDAR_OP_LT || e->op > CEDAR_OP_GE))
		return false;
	const struct cedar_expr *get = e->args[0], *lit = e->args[1];
	if (get->op != CEDAR_OP_GET || get->args[0]->op != CEDAR_OP_VAR || lit->op != CEDAR_OP_LIT)
		return false;
	struct insn in = on_var(c, is_eq ? INSN_TEST_EQ : INSN_TEST_CMP, get->args[0], get->name);
	in.flag = wanted == (e->op != CEDAR_OP_NE);
	emit(c, in, get->pos);
	emit(c,
	     (struct insn){ .op = INSN_DATA, .var = (uint8_t)e->op, .arg = add_const(c, lit->lit) },
	     e->pos);
	return true;
}

/* e must be `wanted`; an && that must hold, or an || that must not, is one test after another. */
void compile_condition(struct compiler *c, const struct cedar_expr *e, bool wanted)
{
	if (e->op == CEDAR_OP_NOT) {
		compile_condition(c, e->args[0], !wanted);
		return;
	}
	if (e->op == (wanted ? CEDAR_OP_AND : CEDAR_OP_OR)) {
		compile_condition(c, e->args[0], wanted);
		compile_condition(c, e->args[1], wanted);
		return;
	}
	if (is_lit(e, CEDAR_BOOL) && e->lit.truth == wanted)
		return;
	if (compile_test_attr(c, e, wanted))
		return;
	compile(c, e);
	emit(c, (struct insn){ .op = INSN_TEST, .flag = wanted }, e->pos);
	stack_moves(c, 1, 0);
}

uint32_t compile_begin(struct compiler *c)
{
	c->depth = 0;
	c->room = 0;
	return c->code->count;
}

void compile_end(struct compiler *c)
{
	emit(c, (struct insn){ .op = INSN_HOLDS }, (struct cedar_pos){ 0 });
	if (c->room > c->code->room_max)
		c->code->room_max = c->room;
}
