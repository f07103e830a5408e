/* print_tree.c - expressions and policies as Cedar text, with no parentheses to spare. */
#include "cedar/print.h"

#include "cedar/lex.h"

/* How tightly a thing binds; a lower one inside a higher place needs parentheses. */
enum level {
	LEVEL_IF,
	LEVEL_OR,
	LEVEL_AND,
	LEVEL_RELATION,
	LEVEL_ADD,
	LEVEL_MUL,
	LEVEL_UNARY,
	LEVEL_MEMBER
};

struct printer {
	struct buf *out;
	const struct cedar_names *names;
};

static void put(const struct printer *p, const char *text)
{
	(void)buf_puts(p->out, str_of(text));
}

static enum level level_of(const struct cedar_expr *e)
{
	switch (e->op) {
	case CEDAR_OP_IF:
		return LEVEL_IF;
	case CEDAR_OP_OR:
		return LEVEL_OR;
	case CEDAR_OP_AND:
		return LEVEL_AND;
	case CEDAR_OP_ADD:
	case CEDAR_OP_SUB:
		return LEVEL_ADD;
	case CEDAR_OP_MUL:
		return LEVEL_MUL;
	case CEDAR_OP_NOT:
	case CEDAR_OP_NEG:
		return LEVEL_UNARY;
	case CEDAR_OP_EQ:
	case CEDAR_OP_NE:
	case CEDAR_OP_LT:
	case CEDAR_OP_LE:
	case CEDAR_OP_GT:
	case CEDAR_OP_GE:
	case CEDAR_OP_IN:
	case CEDAR_OP_HAS:
	case CEDAR_OP_IS:
	case CEDAR_OP_LIKE:
		return LEVEL_RELATION;
	case CEDAR_OP_LIT:
		/* -5 hangs together only where a sign may stand. */
		return e->lit.kind == CEDAR_LONG && e->lit.num < 0 ? LEVEL_UNARY : LEVEL_MEMBER;
	default:
		return LEVEL_MEMBER;
	}
}

static void print(const struct printer *p, const struct cedar_expr *e);

static void print_at(const struct printer *p, const struct cedar_expr *e, enum level least)
{
	bool needs = level_of(e) < least;

	put(p, needs ? "(" : "");
	print(p, e);
	put(p, needs ? ")" : "");
}

static void print_list(const struct printer *p, const struct cedar_expr *e, uint32_t from)
{
	for (uint32_t i = from; i < e->count; i++) {
		put(p, i > from ? ", " : "");
		print(p, e->args[i]);
	}
}

/* The left operand of the same level needs none: operators lean left. */
static void print_binary(const struct printer *p, const struct cedar_expr *e)
{
	enum level own = level_of(e);

	print_at(p, e->args[0], own == LEVEL_RELATION ? LEVEL_ADD : own);
	(void)buf_printf(p->out, " %s ", cedar_op_name(e->op));
	print_at(p, e->args[1], own + 1);
}

/* Signs of one kind may stand in a row up to four; a literal that swallowed its sign counts. */
static unsigned signs_of(const struct cedar_expr *e, enum cedar_op op)
{
	unsigned count = 0;

	for (; e->op == op; e = e->args[0])
		count++;
	bool is_negative = op == CEDAR_OP_NEG && e->op == CEDAR_OP_LIT &&
			   e->lit.kind == CEDAR_LONG && e->lit.num < 0;
	return count + is_negative;
}

static bool is_long(const struct cedar_expr *e)
{
	return e->op == CEDAR_OP_LIT && e->lit.kind == CEDAR_LONG;
}

static void print_unary(const struct printer *p, const struct cedar_expr *e)
{
	const struct cedar_expr *arg = e->args[0];
	bool is_same = arg->op == e->op || (e->op == CEDAR_OP_NEG && is_long(arg));
	/* -(5) is an operator, -5 a literal: the parentheses tell them apart. */
	bool needs = level_of(arg) < LEVEL_UNARY || (level_of(arg) == LEVEL_UNARY && !is_same) ||
		     (e->op == CEDAR_OP_NEG && is_long(arg) && arg->lit.num >= 0) ||
		     (is_same && signs_of(arg, e->op) >= 4);

	put(p, cedar_op_name(e->op));
	put(p, needs ? "(" : "");
	print(p, arg);
	put(p, needs ? ")" : "");
}

static bool is_plain_name(struct str s)
{
	return cedar_is_ident(s) && !cedar_is_reserved(s);
}

static void print_attr(const struct printer *p, struct str name)
{
	if (is_plain_name(name))
		(void)buf_puts(p->out, name);
	else
		cedar_print_string(p->out, name);
}

/* What hangs on a dot; an integer literal takes parentheses for the reader's sake. */
static void print_receiver(const struct printer *p, const struct cedar_expr *e)
{
	print_at(p, e, is_long(e) ? LEVEL_MEMBER + 1 : LEVEL_MEMBER);
}

static void print_get(const struct printer *p, const struct cedar_expr *e)
{
	struct str name = cedar_names_text(p->names, e->name);

	print_receiver(p, e->args[0]);
	put(p, is_plain_name(name) ? "." : "[");
	print_attr(p, name);
	put(p, is_plain_name(name) ? "" : "]");
}

static void print_method(const struct printer *p, const struct cedar_expr *e, const char *name)
{
	print_receiver(p, e->args[0]);
	(void)buf_printf(p->out, ".%s(", name);
	print_list(p, e, 1);
	put(p, ")");
}

static void print_call(const struct printer *p, const struct cedar_expr *e)
{
	if (cedar_fns[e->fn].is_method && e->count) {
		print_method(p, e, cedar_fns[e->fn].name);
		return;
	}
	(void)buf_printf(p->out, "%s(", cedar_fns[e->fn].name);
	print_list(p, e, 0);
	put(p, ")");
}

static void print_record(const struct printer *p, const struct cedar_expr *e)
{
	put(p, "{");
	for (uint32_t i = 0; i < e->count; i++) {
		put(p, i ? ", " : "");
		print_attr(p, cedar_names_text(p->names, e->keys[i]));
		put(p, ": ");
		print(p, e->args[i]);
	}
	put(p, "}");
}

static void print_is(const struct printer *p, const struct cedar_expr *e)
{
	print_at(p, e->args[0], LEVEL_ADD);
	(void)buf_printf(p->out, " is " STR_FMT, STR_ARG(cedar_names_text(p->names, e->name)));
	if (e->count < 2)
		return;
	put(p, " in ");
	print_at(p, e->args[1], LEVEL_ADD);
}

static void print_if(const struct printer *p, const struct cedar_expr *e)
{
	put(p, "if ");
	print(p, e->args[0]);
	put(p, " then ");
	print(p, e->args[1]);
	put(p, " else ");
	print(p, e->args[2]);
}

static void print_word(const struct printer *p, const struct cedar_expr *e)
{
	print_at(p, e->args[0], LEVEL_ADD);
	(void)buf_printf(p->out, " %s ", cedar_op_name(e->op));
	if (e->op == CEDAR_OP_LIKE)
		cedar_print_pattern(p->out, &e->pattern);
	else
		print_attr(p, cedar_names_text(p->names, e->name));
}

static void print(const struct printer *p, const struct cedar_expr *e)
{
	switch (e->op) {
	case CEDAR_OP_LIT:
		cedar_value_print(p->out, p->names, e->lit);
		break;
	case CEDAR_OP_VAR:
		put(p, cedar_var_name(e->var));
		break;
	case CEDAR_OP_SLOT:
		put(p, e->slot == CEDAR_SLOT_PRINCIPAL ? "?principal" : "?resource");
		break;
	case CEDAR_OP_IF:
		print_if(p, e);
		break;
	case CEDAR_OP_NOT:
	case CEDAR_OP_NEG:
		print_unary(p, e);
		break;
	case CEDAR_OP_CONTAINS:
	case CEDAR_OP_CONTAINS_ALL:
	case CEDAR_OP_CONTAINS_ANY:
	case CEDAR_OP_HAS_TAG:
	case CEDAR_OP_GET_TAG:
	case CEDAR_OP_IS_EMPTY:
		print_method(p, e, cedar_op_name(e->op));
		break;
	case CEDAR_OP_GET:
		print_get(p, e);
		break;
	case CEDAR_OP_HAS:
	case CEDAR_OP_LIKE:
		print_word(p, e);
		break;
	case CEDAR_OP_IS:
		print_is(p, e);
		break;
	case CEDAR_OP_SET:
		put(p, "[");
		print_list(p, e, 0);
		put(p, "]");
		break;
	case CEDAR_OP_RECORD:
		print_record(p, e);
		break;
	case CEDAR_OP_CALL:
		print_call(p, e);
		break;
	case CEDAR_OP_NONE:
		break;
	default:
		print_binary(p, e);
		break;
	}
}

void cedar_expr_print(struct buf *out, const struct cedar_names *names,
		      const struct cedar_expr *expr)
{
	const struct printer p = { out, names };

	print(&p, expr);
}

static void print_target(const struct printer *p, const struct cedar_scope *scope, const char *slot)
{
	if (scope->is_slot)
		put(p, slot);
	else
		cedar_uid_print(p->out, p->names, scope->uid);
}

static void print_actions(const struct printer *p, const struct cedar_scope *scope)
{
	put(p, " in [");
	for (uint32_t i = 0; i < scope->count; i++) {
		put(p, i ? ", " : "");
		cedar_uid_print(p->out, p->names, scope->uids[i]);
	}
	put(p, "]");
}

static void print_scope(const struct printer *p, const struct cedar_scope *scope,
			enum cedar_var var)
{
	const char *slot = var == CEDAR_VAR_PRINCIPAL ? "?principal" : "?resource";

	put(p, cedar_var_name(var));
	if (scope->kind == CEDAR_SCOPE_IS || scope->kind == CEDAR_SCOPE_IS_IN)
		(void)buf_printf(p->out, " is " STR_FMT,
				 STR_ARG(cedar_names_text(p->names, scope->type)));
	if (scope->kind == CEDAR_SCOPE_IN_SET)
		print_actions(p, scope);
	if (scope->kind == CEDAR_SCOPE_EQ)
		put(p, " == ");
	if (scope->kind == CEDAR_SCOPE_IN || scope->kind == CEDAR_SCOPE_IS_IN)
		put(p, " in ");
	if (scope->kind == CEDAR_SCOPE_EQ || scope->kind == CEDAR_SCOPE_IN ||
	    scope->kind == CEDAR_SCOPE_IS_IN)
		print_target(p, scope, slot);
}

void cedar_policy_print(struct buf *out, const struct cedar_names *names,
			const struct cedar_policy *policy)
{
	const struct printer p = { out, names };

	for (uint32_t i = 0; i < policy->annotation_count; i++) {
		const struct cedar_annotation *a = &policy->annotations[i];
		put(&p, "@");
		(void)buf_puts(out, a->key);
		if (a->has_value) {
			put(&p, "(");
			cedar_print_string(out, a->value);
			put(&p, ")");
		}
		put(&p, "\n");
	}
	put(&p, policy->effect == CEDAR_PERMIT ? "permit (" : "forbid (");
	print_scope(&p, &policy->principal, CEDAR_VAR_PRINCIPAL);
	put(&p, ", ");
	print_scope(&p, &policy->action, CEDAR_VAR_ACTION);
	put(&p, ", ");
	print_scope(&p, &policy->resource, CEDAR_VAR_RESOURCE);
	put(&p, ")");
	for (uint32_t i = 0; i < policy->condition_count; i++) {
		put(&p, policy->conditions[i].is_unless ? "\nunless { " : "\nwhen { ");
		print(&p, policy->conditions[i].body);
		put(&p, " }");
	}
	put(&p, ";\n");
}
