/* ast.c - making nodes, and the words for them. */
#include "cedar/ast.h"

struct cedar_expr *cedar_expr_new(struct arena *mem, enum cedar_op op, struct cedar_pos pos,
				  const struct cedar_expr *const *args, uint32_t count)
{
	uint32_t depth = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (!args[i])
			return NULL;
		if (args[i]->depth > depth)
			depth = args[i]->depth;
	}
	struct cedar_expr *expr =
		depth < CEDAR_DEPTH_MAX ? arena_alloc(mem, 1, sizeof(*expr)) : NULL;
	if (expr)
		*expr = (struct cedar_expr){
			.op = op, .count = count, .depth = depth + 1, .pos = pos, .args = args
		};
	return expr;
}

static struct cedar_expr *with_args(struct arena *mem, enum cedar_op op, struct cedar_pos pos,
				    const struct cedar_expr *const *args, uint32_t count)
{
	const struct cedar_expr **own = arena_alloc(mem, count, sizeof(*own));

	if (!own)
		return NULL;
	memcpy(own, args, count * sizeof(*own));
	return cedar_expr_new(mem, op, pos, own, count);
}

struct cedar_expr *cedar_expr_1(struct arena *mem, enum cedar_op op, struct cedar_pos pos,
				const struct cedar_expr *a)
{
	return with_args(mem, op, pos, &a, 1);
}

struct cedar_expr *cedar_expr_2(struct arena *mem, enum cedar_op op, struct cedar_pos pos,
				const struct cedar_expr *a, const struct cedar_expr *b)
{
	const struct cedar_expr *args[] = { a, b };

	return with_args(mem, op, pos, args, 2);
}

struct cedar_expr *cedar_expr_3(struct arena *mem, enum cedar_op op, struct cedar_pos pos,
				const struct cedar_expr *a, const struct cedar_expr *b,
				const struct cedar_expr *c)
{
	const struct cedar_expr *args[] = { a, b, c };

	return with_args(mem, op, pos, args, 3);
}

struct cedar_expr *cedar_expr_lit(struct arena *mem, struct cedar_pos pos, struct cedar_value lit)
{
	struct cedar_expr *expr = cedar_expr_new(mem, CEDAR_OP_LIT, pos, NULL, 0);

	if (expr)
		expr->lit = lit;
	return expr;
}

struct cedar_expr *cedar_expr_var(struct arena *mem, struct cedar_pos pos, enum cedar_var var)
{
	struct cedar_expr *expr = cedar_expr_new(mem, CEDAR_OP_VAR, pos, NULL, 0);

	if (expr)
		expr->var = var;
	return expr;
}

/* Grows when the count reaches a power of two. */
void *cedar_list_add(struct arena *mem, void *items_ptr, uint32_t *count, size_t size)
{
	char *items;

	memcpy(&items, items_ptr, sizeof(items));
	if ((*count & (*count - 1)) == 0) {
		char *bigger = arena_alloc(mem, *count ? *count * (size_t)2 : 1, size);
		if (!bigger)
			return NULL;
		if (*count)
			memcpy(bigger, items, *count * size);
		items = bigger;
		memcpy(items_ptr, &items, sizeof(items));
	}
	return items + size * (*count)++;
}

const struct cedar_annotation *cedar_policy_annotation(const struct cedar_policy *p, struct str key)
{
	for (uint32_t i = 0; i < p->annotation_count; i++)
		if (str_eq(p->annotations[i].key, key))
			return &p->annotations[i];
	return NULL;
}

static const char *const op_names[] = {
	[CEDAR_OP_NONE] = "",
	[CEDAR_OP_LIT] = "a literal",
	[CEDAR_OP_VAR] = "a variable",
	[CEDAR_OP_SLOT] = "a slot",
	[CEDAR_OP_IF] = "if-then-else",
	[CEDAR_OP_AND] = "&&",
	[CEDAR_OP_OR] = "||",
	[CEDAR_OP_EQ] = "==",
	[CEDAR_OP_NE] = "!=",
	[CEDAR_OP_LT] = "<",
	[CEDAR_OP_LE] = "<=",
	[CEDAR_OP_GT] = ">",
	[CEDAR_OP_GE] = ">=",
	[CEDAR_OP_ADD] = "+",
	[CEDAR_OP_SUB] = "-",
	[CEDAR_OP_MUL] = "*",
	[CEDAR_OP_IN] = "in",
	[CEDAR_OP_CONTAINS] = "contains",
	[CEDAR_OP_CONTAINS_ALL] = "containsAll",
	[CEDAR_OP_CONTAINS_ANY] = "containsAny",
	[CEDAR_OP_HAS_TAG] = "hasTag",
	[CEDAR_OP_GET_TAG] = "getTag",
	[CEDAR_OP_NOT] = "!",
	[CEDAR_OP_NEG] = "-",
	[CEDAR_OP_IS_EMPTY] = "isEmpty",
	[CEDAR_OP_GET] = ".",
	[CEDAR_OP_HAS] = "has",
	[CEDAR_OP_IS] = "is",
	[CEDAR_OP_LIKE] = "like",
	[CEDAR_OP_SET] = "a set",
	[CEDAR_OP_RECORD] = "a record",
	[CEDAR_OP_CALL] = "a call",
};

const char *cedar_op_name(enum cedar_op op)
{
	return op < countof(op_names) ? op_names[op] : "";
}

enum cedar_op cedar_op_method(struct str name)
{
	for (enum cedar_op op = CEDAR_OP_CONTAINS; op <= CEDAR_OP_GET_TAG; op++)
		if (str_eqz(name, op_names[op]))
			return op;
	return str_eqz(name, "isEmpty") ? CEDAR_OP_IS_EMPTY : CEDAR_OP_NONE;
}

const char *cedar_var_name(enum cedar_var var)
{
	static const char *const names[] = { "principal", "action", "resource", "context" };

	return var < countof(names) ? names[var] : "";
}
