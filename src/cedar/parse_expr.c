/* parse_expr.c - expressions, by recursive descent, one function per level of the grammar.
 *
 *	or > and > relation (one, not a chain) > + - > * > ! - (at most four) > . [] ()
 */
#include "cedar/parse_expr.h"

enum { UNARY_MAX = 4 };

static const char *const known_names[] = {
	"principal", "action", "resource", "context", "ip", "decimal", "datetime", "duration",
};

static const char *const known_methods[] = {
	"contains",  "containsAll",   "containsAny",     "hasTag",      "getTag",
	"isEmpty",   "lessThan",      "lessThanOrEqual", "greaterThan", "greaterThanOrEqual",
	"isIpv4",    "isIpv6",        "isLoopback",      "isMulticast", "isInRange",
	"offset",    "durationSince", "toDate",          "toTime",      "toMilliseconds",
	"toSeconds", "toMinutes",     "toHours",         "toDays",
};

static struct str name_at(const void *ctx, size_t i)
{
	const char *const *names = ctx;

	return str_of(names[i]);
}

void cedar_parse_suggest(struct cedar_parse *p, struct str typed, const char *const *names,
			 size_t count)
{
	struct str near = str_nearest(typed, count, name_at, names);

	if (near.len)
		(void)err_hint(p->lex.e, "did you mean `" STR_FMT "`?", STR_ARG(near));
}

void *cedar_parse_no_room(struct cedar_parse *p)
{
	(void)cedar_lex_fail(&p->lex, p->lex.token.pos, "%s",
			     arena_is_full(p->mem) ? "too large" : "nested too deeply");
	return NULL;
}

static const struct cedar_expr *made(struct cedar_parse *p, const struct cedar_expr *expr)
{
	return expr ? expr : cedar_parse_no_room(p);
}

static bool fail(struct cedar_parse *p, struct cedar_pos pos, const char *what, struct str name)
{
	return cedar_lex_fail(&p->lex, pos, "`" STR_FMT "` %s", STR_ARG(name), what);
}

const struct cedar_uid *cedar_parse_uid(struct cedar_parse *p)
{
	uint32_t type;
	struct str id;

	if (!cedar_lex_path(&p->lex, p->names, &type) || !cedar_lex_want(&p->lex, "::"))
		return NULL;
	struct cedar_token t = p->lex.token;
	if (t.kind != CEDAR_TOKEN_STRING) {
		(void)cedar_lex_expected(&p->lex, "a string, as in User::\"alice\"");
		return NULL;
	}
	if (!cedar_unescape(&p->lex, t, p->mem, &id))
		return NULL;
	cedar_lex_next(&p->lex);
	const struct cedar_uid *uid = cedar_uid_new(p->mem, type, id);
	return uid ? uid : cedar_parse_no_room(p);
}

/* The arguments between two brackets, a comma after the last allowed.  The opening one is taken. */
static bool parse_list(struct cedar_parse *p, const char *close, const struct cedar_expr ***items,
		       uint32_t *count)
{
	while (!cedar_lex_take(&p->lex, close)) {
		const struct cedar_expr *item = cedar_parse_expr(p);
		if (!item)
			return false;
		const struct cedar_expr **slot =
			cedar_list_add(p->mem, items, count, sizeof(*slot));
		if (!slot)
			return cedar_parse_no_room(p) != NULL;
		*slot = item;
		if (!cedar_lex_take(&p->lex, ",") && !cedar_lex_is(&p->lex, close))
			return cedar_lex_expected(&p->lex,
						  close[0] == ')' ? "`,` or `)`" : "`,` or `]`");
	}
	return true;
}

static const struct cedar_expr *parse_function(struct cedar_parse *p, struct cedar_token name)
{
	enum cedar_fn fn = cedar_fn_find(name.text);
	const struct cedar_expr **args = NULL;
	uint32_t count = 0;

	if (cedar_op_method(name.text) || (fn && cedar_fns[fn].is_method)) {
		(void)fail(p, name.pos,
			   "is a method: write e."
			   "name(...)",
			   name.text);
		return NULL;
	}
	if (!fn) {
		(void)fail(p, name.pos, "is not a function", name.text);
		cedar_parse_suggest(p, name.text, known_names + 4, 4);
		return NULL;
	}
	if (!cedar_lex_want(&p->lex, "(") || !parse_list(p, ")", &args, &count))
		return NULL;
	struct cedar_expr *call = cedar_expr_new(p->mem, CEDAR_OP_CALL, name.pos,
						 (const struct cedar_expr *const *)args, count);
	if (call)
		call->fn = fn;
	return made(p, call);
}

static bool find_var(struct str name, enum cedar_var *out)
{
	for (enum cedar_var v = CEDAR_VAR_PRINCIPAL; v <= CEDAR_VAR_CONTEXT; v++)
		if (str_eqz(name, cedar_var_name(v))) {
			*out = v;
			return true;
		}
	return false;
}

static const struct cedar_expr *parse_variable(struct cedar_parse *p, struct cedar_token name)
{
	enum cedar_var var;

	if (!find_var(name.text, &var)) {
		(void)fail(p, name.pos,
			   "is not a variable: expected principal, action, resource or context",
			   name.text);
		cedar_parse_suggest(p, name.text, known_names, 4);
		return NULL;
	}
	if (cedar_lex_is(&p->lex, "(")) {
		(void)fail(p, name.pos, "is a variable and cannot be called", name.text);
		return NULL;
	}
	return made(p, cedar_expr_var(p->mem, name.pos, var));
}

static const struct cedar_expr *parse_entity(struct cedar_parse *p, struct cedar_token name)
{
	const struct cedar_uid *uid = cedar_parse_uid(p);

	return uid ? made(p, cedar_expr_lit(p->mem, name.pos, cedar_entity(uid))) : NULL;
}

/* What begins with a name: a literal, a variable, a function or an entity. */
static const struct cedar_expr *parse_named(struct cedar_parse *p)
{
	struct cedar_token name = p->lex.token, next = cedar_lex_peek(&p->lex);
	bool is_path = next.kind == CEDAR_TOKEN_PUNCT && str_eqz(next.text, "::");
	bool is_call = next.kind == CEDAR_TOKEN_PUNCT && str_eqz(next.text, "(");
	enum cedar_var var;

	if (str_eqz(name.text, "true") || str_eqz(name.text, "false")) {
		cedar_lex_next(&p->lex);
		struct cedar_value truth = cedar_bool(name.text.ptr[0] == 't');
		return made(p, cedar_expr_lit(p->mem, name.pos, truth));
	}
	if (is_path)
		return parse_entity(p, name);
	if (cedar_is_reserved(name.text)) {
		(void)cedar_lex_expected(&p->lex, "an expression");
		return NULL;
	}
	cedar_lex_next(&p->lex);
	if (is_call && !find_var(name.text, &var))
		return parse_function(p, name);
	return parse_variable(p, name);
}

static bool parse_u64(struct cedar_parse *p, uint64_t most, uint64_t *out)
{
	struct str text = p->lex.token.text;

	if (!str_u64(text, out) || *out > most)
		return cedar_lex_fail(&p->lex, p->lex.token.pos,
				      "integer literal `" STR_FMT "` is too large",
				      STR_ARG(str_head(text, 40)));
	return true;
}

static const struct cedar_expr *parse_int(struct cedar_parse *p)
{
	struct cedar_pos pos = p->lex.token.pos;
	uint64_t num;

	if (!parse_u64(p, INT64_MAX, &num))
		return NULL;
	cedar_lex_next(&p->lex);
	return made(p, cedar_expr_lit(p->mem, pos, cedar_long((int64_t)num)));
}

static const struct cedar_expr *parse_text(struct cedar_parse *p)
{
	struct cedar_token t = p->lex.token;
	struct str text;

	if (!cedar_unescape(&p->lex, t, p->mem, &text))
		return NULL;
	cedar_lex_next(&p->lex);
	return made(p, cedar_expr_lit(p->mem, t.pos, cedar_string(text)));
}

static const struct cedar_expr *parse_set(struct cedar_parse *p)
{
	struct cedar_pos pos = p->lex.token.pos;
	const struct cedar_expr **items = NULL;
	uint32_t count = 0;

	cedar_lex_next(&p->lex);
	if (!parse_list(p, "]", &items, &count))
		return NULL;
	return made(p, cedar_expr_new(p->mem, CEDAR_OP_SET, pos,
				      (const struct cedar_expr *const *)items, count));
}

/* An attribute: a name that is not reserved, or a string. */
static bool parse_attr(struct cedar_parse *p, uint32_t *out)
{
	struct str text;

	if (p->lex.token.kind == CEDAR_TOKEN_STRING) {
		if (!cedar_unescape(&p->lex, p->lex.token, p->mem, &text))
			return false;
		cedar_lex_next(&p->lex);
	} else if (p->lex.token.kind != CEDAR_TOKEN_IDENT) {
		return cedar_lex_expected(&p->lex, "an attribute name or a string");
	} else if (!cedar_lex_name(&p->lex, &text)) {
		return false;
	}
	*out = cedar_names_put(p->names, text);
	return true;
}

static int by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The key that occurs twice, or CEDAR_NAME_NONE. */
static uint32_t repeated_key(struct cedar_parse *p, const uint32_t *keys, uint32_t count)
{
	uint32_t *sorted = arena_alloc(p->mem, count + 1u, sizeof(*sorted));

	if (!sorted || !count)
		return CEDAR_NAME_NONE;
	memcpy(sorted, keys, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), by_number);
	for (uint32_t i = 1; i < count; i++)
		if (sorted[i - 1] == sorted[i])
			return sorted[i];
	return CEDAR_NAME_NONE;
}

static const struct cedar_expr *record_of(struct cedar_parse *p, struct cedar_pos pos,
					  const uint32_t *keys, uint32_t count,
					  const struct cedar_expr *const *values)
{
	uint32_t twice = repeated_key(p, keys, count);

	if (twice) {
		(void)fail(p, pos, "occurs twice in this record",
			   cedar_names_text(p->names, twice));
		return NULL;
	}
	struct cedar_expr *record = cedar_expr_new(p->mem, CEDAR_OP_RECORD, pos, values, count);
	if (record)
		record->keys = keys;
	return made(p, record);
}

static const struct cedar_expr *parse_record(struct cedar_parse *p)
{
	struct cedar_pos pos = p->lex.token.pos;
	const struct cedar_expr **values = NULL;
	uint32_t *keys = NULL, count = 0, key_count = 0, name;

	cedar_lex_next(&p->lex);
	while (!cedar_lex_take(&p->lex, "}")) {
		if (!parse_attr(p, &name) || !cedar_lex_want(&p->lex, ":"))
			return NULL;
		const struct cedar_expr *value = cedar_parse_expr(p);
		if (!value)
			return NULL;
		uint32_t *key = cedar_list_add(p->mem, &keys, &key_count, sizeof(*key));
		const struct cedar_expr **slot =
			cedar_list_add(p->mem, &values, &count, sizeof(*slot));
		if (!key || !slot)
			return cedar_parse_no_room(p);
		*key = name;
		*slot = value;
		if (!cedar_lex_take(&p->lex, ",") && !cedar_lex_is(&p->lex, "}")) {
			(void)cedar_lex_expected(&p->lex, "`,` or `}`");
			return NULL;
		}
	}
	return record_of(p, pos, keys, count, (const struct cedar_expr *const *)values);
}

static const struct cedar_expr *parse_paren(struct cedar_parse *p)
{
	cedar_lex_next(&p->lex);
	const struct cedar_expr *inner = cedar_parse_expr(p);
	return inner && cedar_lex_want(&p->lex, ")") ? inner : NULL;
}

static const struct cedar_expr *parse_slot(struct cedar_parse *p)
{
	(void)fail(p, p->lex.token.pos, "is a slot: slots stand in the scope of a template only",
		   p->lex.token.text);
	return NULL;
}

static const struct cedar_expr *parse_primary(struct cedar_parse *p)
{
	switch (p->lex.token.kind) {
	case CEDAR_TOKEN_IDENT:
		return parse_named(p);
	case CEDAR_TOKEN_INT:
		return parse_int(p);
	case CEDAR_TOKEN_STRING:
		return parse_text(p);
	case CEDAR_TOKEN_SLOT:
		return parse_slot(p);
	default:
		break;
	}
	if (cedar_lex_is(&p->lex, "("))
		return parse_paren(p);
	if (cedar_lex_is(&p->lex, "["))
		return parse_set(p);
	if (cedar_lex_is(&p->lex, "{"))
		return parse_record(p);
	(void)cedar_lex_expected(&p->lex, "an expression");
	return NULL;
}

/* contains(x) and its kin take a fixed number of arguments; extension methods are counted when
 * they are validated or run, as Cedar's parser does. */
static const struct cedar_expr *method_of(struct cedar_parse *p, const struct cedar_expr *on,
					  struct cedar_token name,
					  const struct cedar_expr *const *args, uint32_t count)
{
	enum cedar_op op = cedar_op_method(name.text);
	enum cedar_fn fn = cedar_fn_find(name.text);

	if (op) {
		uint32_t want = op == CEDAR_OP_IS_EMPTY ? 1 : 2;
		if (count == want)
			return made(p, cedar_expr_new(p->mem, op, on->pos, args, count));
		(void)cedar_lex_fail(&p->lex, name.pos, "`" STR_FMT "` takes %u argument%s, not %u",
				     STR_ARG(name.text), want - 1, want == 2 ? "" : "s", count - 1);
		return NULL;
	}
	if (fn && cedar_fns[fn].is_method) {
		struct cedar_expr *call =
			cedar_expr_new(p->mem, CEDAR_OP_CALL, on->pos, args, count);
		if (call)
			call->fn = fn;
		return made(p, call);
	}
	(void)fail(p, name.pos, fn ? "is a function, not a method" : "is not a method", name.text);
	cedar_parse_suggest(p, name.text, known_methods, countof(known_methods));
	return NULL;
}

static const struct cedar_expr *parse_method(struct cedar_parse *p, const struct cedar_expr *on,
					     struct cedar_token name)
{
	const struct cedar_expr **args = NULL;
	uint32_t count = 0;
	const struct cedar_expr **first = cedar_list_add(p->mem, &args, &count, sizeof(*first));

	if (!first)
		return cedar_parse_no_room(p);
	*first = on;
	if (!cedar_lex_want(&p->lex, "(") || !parse_list(p, ")", &args, &count))
		return NULL;
	return method_of(p, on, name, (const struct cedar_expr *const *)args, count);
}

static const struct cedar_expr *attr_of(struct cedar_parse *p, const struct cedar_expr *on,
					enum cedar_op op, uint32_t name)
{
	struct cedar_expr *get = cedar_expr_1(p->mem, op, on->pos, on);

	if (get)
		get->name = name;
	return made(p, get);
}

static const struct cedar_expr *parse_dot(struct cedar_parse *p, const struct cedar_expr *on)
{
	struct cedar_token name = p->lex.token;
	struct str text;

	if (name.kind != CEDAR_TOKEN_IDENT) {
		(void)cedar_lex_expected(&p->lex, "an attribute or method name");
		return NULL;
	}
	if (!cedar_lex_name(&p->lex, &text))
		return NULL;
	if (cedar_lex_is(&p->lex, "("))
		return parse_method(p, on, name);
	return attr_of(p, on, CEDAR_OP_GET, cedar_names_put(p->names, text));
}

static const struct cedar_expr *parse_index(struct cedar_parse *p, const struct cedar_expr *on)
{
	uint32_t name;

	if (p->lex.token.kind != CEDAR_TOKEN_STRING) {
		(void)cedar_lex_expected(&p->lex, "a string");
		return NULL;
	}
	if (!parse_attr(p, &name) || !cedar_lex_want(&p->lex, "]"))
		return NULL;
	return attr_of(p, on, CEDAR_OP_GET, name);
}

static const struct cedar_expr *parse_member(struct cedar_parse *p)
{
	const struct cedar_expr *e = parse_primary(p);

	while (e) {
		if (cedar_lex_take(&p->lex, "."))
			e = parse_dot(p, e);
		else if (cedar_lex_take(&p->lex, "["))
			e = parse_index(p, e);
		else if (cedar_lex_is(&p->lex, "(")) {
			(void)cedar_lex_fail(&p->lex, p->lex.token.pos,
					     "only functions and methods can be called");
			return NULL;
		} else
			break;
	}
	return e;
}

/* An integer right after '-', with nothing hanging on it: then the sign belongs to it. */
static bool is_negative_literal(struct cedar_parse *p)
{
	if (p->lex.token.kind != CEDAR_TOKEN_INT)
		return false;
	struct cedar_token next = cedar_lex_peek(&p->lex);
	return next.kind != CEDAR_TOKEN_PUNCT || !str_has(STR(".[("), next.text.ptr[0]);
}

static const struct cedar_expr *parse_negative(struct cedar_parse *p, struct cedar_pos pos)
{
	uint64_t num;

	if (!parse_u64(p, (uint64_t)1 << 63, &num))
		return NULL;
	cedar_lex_next(&p->lex);
	return made(p, cedar_expr_lit(p->mem, pos, cedar_long((int64_t)(0 - num))));
}

static const struct cedar_expr *parse_unary(struct cedar_parse *p)
{
	struct cedar_pos pos = p->lex.token.pos;
	const char *sign = cedar_lex_is(&p->lex, "!") ? "!" : "-";
	unsigned count = 0;

	while (cedar_lex_take(&p->lex, sign))
		count++;
	if (count > UNARY_MAX) {
		(void)cedar_lex_fail(&p->lex, pos, "more than %d `%s` in a row", UNARY_MAX, sign);
		return NULL;
	}
	const struct cedar_expr *e;
	if (count && sign[0] == '-' && is_negative_literal(p)) {
		e = parse_negative(p, pos);
		count--;
	} else {
		e = parse_member(p);
	}
	for (; e && count; count--)
		e = made(p, cedar_expr_1(p->mem, sign[0] == '!' ? CEDAR_OP_NOT : CEDAR_OP_NEG, pos,
					 e));
	return e;
}

static const struct cedar_expr *parse_mul(struct cedar_parse *p)
{
	const struct cedar_expr *e = parse_unary(p);

	while (e && (cedar_lex_is(&p->lex, "*") || cedar_lex_is(&p->lex, "/") ||
		     cedar_lex_is(&p->lex, "%"))) {
		if (!cedar_lex_is(&p->lex, "*")) {
			(void)fail(p, p->lex.token.pos, "is not an operator of Cedar",
				   p->lex.token.text);
			return NULL;
		}
		cedar_lex_next(&p->lex);
		const struct cedar_expr *right = parse_unary(p);
		e = right ? made(p, cedar_expr_2(p->mem, CEDAR_OP_MUL, e->pos, e, right)) : NULL;
	}
	return e;
}

static const struct cedar_expr *parse_add(struct cedar_parse *p)
{
	const struct cedar_expr *e = parse_mul(p);

	while (e && (cedar_lex_is(&p->lex, "+") || cedar_lex_is(&p->lex, "-"))) {
		enum cedar_op op = cedar_lex_is(&p->lex, "+") ? CEDAR_OP_ADD : CEDAR_OP_SUB;
		cedar_lex_next(&p->lex);
		const struct cedar_expr *right = parse_mul(p);
		e = right ? made(p, cedar_expr_2(p->mem, op, e->pos, e, right)) : NULL;
	}
	return e;
}

/* e has a.b.c is  e has a && e.a has b && e.a.b has c. */
static const struct cedar_expr *parse_has(struct cedar_parse *p, const struct cedar_expr *on)
{
	bool is_path = p->lex.token.kind == CEDAR_TOKEN_IDENT;
	uint32_t name;

	if (!parse_attr(p, &name))
		return NULL;
	const struct cedar_expr *all = attr_of(p, on, CEDAR_OP_HAS, name);
	while (all && is_path && cedar_lex_take(&p->lex, ".")) {
		on = attr_of(p, on, CEDAR_OP_GET, name);
		if (p->lex.token.kind != CEDAR_TOKEN_IDENT)
			(void)cedar_lex_expected(&p->lex, "an attribute name");
		if (!on || !parse_attr(p, &name))
			return NULL;
		const struct cedar_expr *step = attr_of(p, on, CEDAR_OP_HAS, name);
		all = step ? made(p, cedar_expr_2(p->mem, CEDAR_OP_AND, all->pos, all, step))
			   : NULL;
	}
	return all;
}

static const struct cedar_expr *parse_like(struct cedar_parse *p, const struct cedar_expr *on)
{
	struct cedar_token t = p->lex.token;
	struct cedar_pattern pattern;

	if (t.kind != CEDAR_TOKEN_STRING) {
		(void)cedar_lex_expected(&p->lex, "a pattern in quotes");
		return NULL;
	}
	if (!cedar_unescape_pattern(&p->lex, t, p->mem, &pattern))
		return NULL;
	cedar_lex_next(&p->lex);
	struct cedar_expr *like = cedar_expr_1(p->mem, CEDAR_OP_LIKE, on->pos, on);
	if (like)
		like->pattern = pattern;
	return made(p, like);
}

static const struct cedar_expr *parse_is(struct cedar_parse *p, const struct cedar_expr *on)
{
	uint32_t type;

	if (p->lex.token.kind != CEDAR_TOKEN_IDENT) {
		(void)cedar_lex_expected(&p->lex, "an entity type");
		return NULL;
	}
	if (!cedar_lex_path(&p->lex, p->names, &type))
		return NULL;
	struct cedar_expr *is;
	if (cedar_lex_take(&p->lex, "in")) {
		const struct cedar_expr *in = parse_add(p);
		is = in ? cedar_expr_2(p->mem, CEDAR_OP_IS, on->pos, on, in) : NULL;
		if (!in)
			return NULL;
	} else {
		is = cedar_expr_1(p->mem, CEDAR_OP_IS, on->pos, on);
	}
	if (is)
		is->name = type;
	return made(p, is);
}

static const struct {
	const char *text;
	enum cedar_op op;
} relations[] = {
	{ "==", CEDAR_OP_EQ }, { "!=", CEDAR_OP_NE }, { "<", CEDAR_OP_LT },  { "<=", CEDAR_OP_LE },
	{ ">", CEDAR_OP_GT },  { ">=", CEDAR_OP_GE }, { "in", CEDAR_OP_IN },
};

static enum cedar_op relation_at(const struct cedar_parse *p)
{
	for (size_t i = 0; i < countof(relations); i++)
		if (cedar_lex_is(&p->lex, relations[i].text))
			return relations[i].op;
	return CEDAR_OP_NONE;
}

static const struct cedar_expr *parse_compare(struct cedar_parse *p, const struct cedar_expr *left,
					      enum cedar_op op)
{
	cedar_lex_next(&p->lex);
	const struct cedar_expr *right = parse_add(p);
	if (!right)
		return NULL;
	if (relation_at(p)) {
		(void)cedar_lex_fail(&p->lex, p->lex.token.pos,
				     "comparisons do not chain: put one in parentheses");
		return NULL;
	}
	return made(p, cedar_expr_2(p->mem, op, left->pos, left, right));
}

static const struct cedar_expr *parse_relation(struct cedar_parse *p)
{
	const struct cedar_expr *left = parse_add(p);

	if (!left)
		return NULL;
	if (cedar_lex_take(&p->lex, "has"))
		return parse_has(p, left);
	if (cedar_lex_take(&p->lex, "like"))
		return parse_like(p, left);
	if (cedar_lex_take(&p->lex, "is"))
		return parse_is(p, left);
	if (cedar_lex_is(&p->lex, "=")) {
		(void)cedar_lex_fail(&p->lex, p->lex.token.pos, "`=` is not an operator of Cedar");
		(void)err_hint(p->lex.e, "did you mean `==`?");
		return NULL;
	}
	enum cedar_op op = relation_at(p);
	return op ? parse_compare(p, left, op) : left;
}

static const struct cedar_expr *parse_and(struct cedar_parse *p)
{
	const struct cedar_expr *e = parse_relation(p);

	while (e && cedar_lex_take(&p->lex, "&&")) {
		const struct cedar_expr *right = parse_relation(p);
		e = right ? made(p, cedar_expr_2(p->mem, CEDAR_OP_AND, e->pos, e, right)) : NULL;
	}
	return e;
}

static const struct cedar_expr *parse_or(struct cedar_parse *p)
{
	const struct cedar_expr *e = parse_and(p);

	while (e && cedar_lex_take(&p->lex, "||")) {
		const struct cedar_expr *right = parse_and(p);
		e = right ? made(p, cedar_expr_2(p->mem, CEDAR_OP_OR, e->pos, e, right)) : NULL;
	}
	return e;
}

static const struct cedar_expr *parse_if(struct cedar_parse *p)
{
	struct cedar_pos pos = p->lex.token.pos;

	cedar_lex_next(&p->lex);
	const struct cedar_expr *test = cedar_parse_expr(p);
	if (!test || !cedar_lex_want(&p->lex, "then"))
		return NULL;
	const struct cedar_expr *yes = cedar_parse_expr(p);
	if (!yes || !cedar_lex_want(&p->lex, "else"))
		return NULL;
	const struct cedar_expr *no = cedar_parse_expr(p);
	return no ? made(p, cedar_expr_3(p->mem, CEDAR_OP_IF, pos, test, yes, no)) : NULL;
}

const struct cedar_expr *cedar_parse_expr(struct cedar_parse *p)
{
	if (p->nesting >= CEDAR_DEPTH_MAX)
		return cedar_parse_no_room(p);
	p->nesting++;
	const struct cedar_expr *e = cedar_lex_is(&p->lex, "if") ? parse_if(p) : parse_or(p);
	p->nesting--;
	return e;
}
