/* est_expr.c - expressions from JSON: one table row per operator. */
#include "cedar/est_read.h"

#include "cedar/lex.h"

static void *no_room(struct est_reader *r, const struct cedar_json *json)
{
	(void)cedar_err_at(r->e, json->pos, "%s",
			   arena_is_full(r->data.mem) ? "too large" : "nested too deeply");
	return NULL;
}

static const struct cedar_expr *made(struct est_reader *r, const struct cedar_json *json,
				     const struct cedar_expr *expr)
{
	return expr ? expr : no_room(r, json);
}

/* How the object under an operator looks. */
enum est_shape {
	EST_ARG,    /* {"arg"} */
	EST_PAIR,   /* {"left", "right"} */
	EST_ATTR,   /* {"left", "attr"} */
	EST_IS,     /* {"left", "entity_type", "in"?} */
	EST_LIKE,   /* {"left", "pattern"} */
	EST_IF,     /* {"if", "then", "else"} */
	EST_SET,    /* [..] */
	EST_RECORD, /* {..} */
	EST_VALUE,
	EST_VAR,
	EST_SLOT,
};

static const struct {
	const char *name;
	enum est_shape shape;
	enum cedar_op op;
} rows[] = {
	{ "Value", EST_VALUE, CEDAR_OP_LIT },
	{ "Var", EST_VAR, CEDAR_OP_VAR },
	{ "Slot", EST_SLOT, CEDAR_OP_SLOT },
	{ "!", EST_ARG, CEDAR_OP_NOT },
	{ "neg", EST_ARG, CEDAR_OP_NEG },
	{ "isEmpty", EST_ARG, CEDAR_OP_IS_EMPTY },
	{ "==", EST_PAIR, CEDAR_OP_EQ },
	{ "!=", EST_PAIR, CEDAR_OP_NE },
	{ "<", EST_PAIR, CEDAR_OP_LT },
	{ "<=", EST_PAIR, CEDAR_OP_LE },
	{ ">", EST_PAIR, CEDAR_OP_GT },
	{ ">=", EST_PAIR, CEDAR_OP_GE },
	{ "&&", EST_PAIR, CEDAR_OP_AND },
	{ "||", EST_PAIR, CEDAR_OP_OR },
	{ "+", EST_PAIR, CEDAR_OP_ADD },
	{ "-", EST_PAIR, CEDAR_OP_SUB },
	{ "*", EST_PAIR, CEDAR_OP_MUL },
	{ "in", EST_PAIR, CEDAR_OP_IN },
	{ "contains", EST_PAIR, CEDAR_OP_CONTAINS },
	{ "containsAll", EST_PAIR, CEDAR_OP_CONTAINS_ALL },
	{ "containsAny", EST_PAIR, CEDAR_OP_CONTAINS_ANY },
	{ "hasTag", EST_PAIR, CEDAR_OP_HAS_TAG },
	{ "getTag", EST_PAIR, CEDAR_OP_GET_TAG },
	{ ".", EST_ATTR, CEDAR_OP_GET },
	{ "has", EST_ATTR, CEDAR_OP_HAS },
	{ "is", EST_IS, CEDAR_OP_IS },
	{ "like", EST_LIKE, CEDAR_OP_LIKE },
	{ "if-then-else", EST_IF, CEDAR_OP_IF },
	{ "Set", EST_SET, CEDAR_OP_SET },
	{ "Record", EST_RECORD, CEDAR_OP_RECORD },
};

/* An operand under a member's name. */
static const struct cedar_expr *operand(struct est_reader *r, const struct cedar_json *json,
					const char *name)
{
	const struct cedar_json *inner = cedar_json_get(json, name);

	if (inner)
		return est_expr(r, inner);
	(void)cedar_err_at(r->e, json->pos, "member '%s' is missing", name);
	return NULL;
}

static bool only(struct est_reader *r, const struct cedar_json *json, const char *const *names,
		 size_t count)
{
	return cedar_json_want(json, CEDAR_JSON_MAP, "an expression", r->e) &&
	       cedar_json_only(json, names, count, r->e);
}

static const struct cedar_expr *read_arg(struct est_reader *r, enum cedar_op op,
					 const struct cedar_json *json)
{
	static const char *const members[] = { "arg" };

	if (!only(r, json, members, countof(members)))
		return NULL;
	const struct cedar_expr *arg = operand(r, json, "arg");
	return arg ? made(r, json, cedar_expr_1(r->data.mem, op, json->pos, arg)) : NULL;
}

static const struct cedar_expr *read_pair(struct est_reader *r, enum cedar_op op,
					  const struct cedar_json *json)
{
	static const char *const members[] = { "left", "right" };

	if (!only(r, json, members, countof(members)))
		return NULL;
	const struct cedar_expr *left = operand(r, json, "left");
	const struct cedar_expr *right = left ? operand(r, json, "right") : NULL;
	return right ? made(r, json, cedar_expr_2(r->data.mem, op, json->pos, left, right)) : NULL;
}

static const struct cedar_expr *attr_of(struct est_reader *r, enum cedar_op op,
					const struct cedar_json *attr,
					const struct cedar_expr *left)
{
	struct cedar_expr *get = cedar_expr_1(r->data.mem, op, attr->pos, left);

	if (get)
		get->name = cedar_names_put(r->data.names, attr->text);
	return made(r, attr, get);
}

/* {"has": {"left": e, "attr": ["a", "b"]}} is  e has a && e.a has b. */
static const struct cedar_expr *has_path(struct est_reader *r, const struct cedar_json *path,
					 const struct cedar_expr *on)
{
	const struct cedar_expr *all = NULL;

	for (uint32_t i = 0; i < path->count; i++) {
		const struct cedar_json *attr = &path->items[i];
		if (!cedar_json_want(attr, CEDAR_JSON_TEXT, "attr", r->e))
			return NULL;
		on = i ? attr_of(r, CEDAR_OP_GET, attr - 1, on) : on;
		const struct cedar_expr *step = on ? attr_of(r, CEDAR_OP_HAS, attr, on) : NULL;
		if (!step)
			return NULL;
		all = all ? made(r, path,
				 cedar_expr_2(r->data.mem, CEDAR_OP_AND, path->pos, all, step))
			  : step;
		if (!all)
			return NULL;
	}
	if (!all)
		(void)cedar_err_at(r->e, path->pos, "attr: an empty path");
	return all;
}

static const struct cedar_expr *read_attr(struct est_reader *r, enum cedar_op op,
					  const struct cedar_json *json)
{
	static const char *const members[] = { "left", "attr" };
	const struct cedar_json *attr = cedar_json_get(json, "attr");

	if (!only(r, json, members, countof(members)))
		return NULL;
	const struct cedar_expr *left = operand(r, json, "left");
	if (!left)
		return NULL;
	if (op == CEDAR_OP_HAS && cedar_json_is(attr, CEDAR_JSON_LIST))
		return has_path(r, attr, left);
	if (!cedar_json_member(json, "attr", CEDAR_JSON_TEXT, &attr, r->e))
		return NULL;
	return attr_of(r, op, attr, left);
}

bool est_type(struct est_reader *r, const struct cedar_json *json, uint32_t *out)
{
	const struct cedar_json *type;

	if (!cedar_json_member(json, "entity_type", CEDAR_JSON_TEXT, &type, r->e))
		return false;
	if (!cedar_is_type_name(type->text))
		return cedar_err_at(r->e, type->pos, "'" STR_FMT "' is not an entity type",
				    STR_ARG(type->text));
	*out = cedar_names_put(r->data.names, type->text);
	return true;
}

static const struct cedar_expr *read_is(struct est_reader *r, enum cedar_op op,
					const struct cedar_json *json)
{
	static const char *const members[] = { "left", "entity_type", "in" };
	uint32_t type;

	if (!only(r, json, members, countof(members)) || !est_type(r, json, &type))
		return NULL;
	bool has_in = cedar_json_get(json, "in") != NULL;
	const struct cedar_expr *left = operand(r, json, "left");
	const struct cedar_expr *in = left && has_in ? operand(r, json, "in") : NULL;
	if (!left || (has_in && !in))
		return NULL;
	struct cedar_expr *is = in ? cedar_expr_2(r->data.mem, op, json->pos, left, in)
				   : cedar_expr_1(r->data.mem, op, json->pos, left);
	if (is)
		is->name = type;
	return made(r, json, is);
}

static bool is_wildcard(const struct cedar_json *json)
{
	return json->kind == CEDAR_JSON_TEXT && str_eqz(json->text, "Wildcard");
}

static const struct cedar_json *literal_of(const struct cedar_json *json)
{
	const struct cedar_json *text = cedar_json_get(json, "Literal");

	return json->count == 1 && cedar_json_is(text, CEDAR_JSON_TEXT) ? text : NULL;
}

/* ["Wildcard", {"Literal": "a"}, ..] into pieces between stars; stars in a row are one. */
static bool read_pattern(struct est_reader *r, const struct cedar_json *json,
			 struct cedar_pattern *out)
{
	struct str *parts = arena_alloc(r->data.mem, json->count + 1u, sizeof(*parts));
	uint32_t count = 0;
	struct buf text;

	buf_init(&text, CEDAR_TEXT_MAX);
	for (uint32_t i = 0; parts && i < json->count; i++) {
		const struct cedar_json *item = &json->items[i];
		if (is_wildcard(item)) {
			if (text.len || !count)
				parts[count++] = arena_dup(r->data.mem, buf_str(&text));
			buf_clear(&text);
		} else if (literal_of(item)) {
			(void)buf_puts(&text, literal_of(item)->text);
		} else {
			buf_done(&text);
			return cedar_err_at(r->e, item->pos,
					    "expected \"Wildcard\" or {\"Literal\": ...}");
		}
	}
	if (parts)
		parts[count++] = arena_dup(r->data.mem, buf_str(&text));
	bool ok = parts && !text.is_full && !arena_is_full(r->data.mem);
	buf_done(&text);
	*out = (struct cedar_pattern){ count, parts };
	return ok || no_room(r, json) != NULL;
}

static const struct cedar_expr *read_like(struct est_reader *r, enum cedar_op op,
					  const struct cedar_json *json)
{
	static const char *const members[] = { "left", "pattern" };
	const struct cedar_json *list;
	struct cedar_pattern pattern;

	if (!only(r, json, members, countof(members)) ||
	    !cedar_json_member(json, "pattern", CEDAR_JSON_LIST, &list, r->e) ||
	    !read_pattern(r, list, &pattern))
		return NULL;
	const struct cedar_expr *left = operand(r, json, "left");
	struct cedar_expr *like = left ? cedar_expr_1(r->data.mem, op, json->pos, left) : NULL;
	if (like)
		like->pattern = pattern;
	return left ? made(r, json, like) : NULL;
}

static const struct cedar_expr *read_if(struct est_reader *r, enum cedar_op op,
					const struct cedar_json *json)
{
	static const char *const members[] = { "if", "then", "else" };

	if (!only(r, json, members, countof(members)))
		return NULL;
	const struct cedar_expr *test = operand(r, json, "if");
	const struct cedar_expr *yes = test ? operand(r, json, "then") : NULL;
	const struct cedar_expr *no = yes ? operand(r, json, "else") : NULL;
	return no ? made(r, json, cedar_expr_3(r->data.mem, op, json->pos, test, yes, no)) : NULL;
}

typedef const struct cedar_expr *item_fn(struct est_reader *r, const struct cedar_json *json);

/* The items of a list or the values of a map, each read by `read`. */
static const struct cedar_expr *const *read_items(struct est_reader *r,
						  const struct cedar_json *json, item_fn *read)
{
	const struct cedar_expr **args = arena_alloc(r->data.mem, json->count + 1u, sizeof(*args));

	if (!args)
		return no_room(r, json);
	for (uint32_t i = 0; i < json->count; i++) {
		args[i] = read(r, &json->items[i]);
		if (!args[i])
			return NULL;
	}
	return (const struct cedar_expr *const *)args;
}

static const struct cedar_expr *set_of(struct est_reader *r, const struct cedar_json *json,
				       item_fn *read)
{
	if (!cedar_json_want(json, CEDAR_JSON_LIST, "Set", r->e))
		return NULL;
	const struct cedar_expr *const *args = read_items(r, json, read);
	return args ? made(r, json,
			   cedar_expr_new(r->data.mem, CEDAR_OP_SET, json->pos, args, json->count))
		    : NULL;
}

static const struct cedar_expr *record_of(struct est_reader *r, const struct cedar_json *json,
					  item_fn *read)
{
	if (!cedar_json_want(json, CEDAR_JSON_MAP, "Record", r->e))
		return NULL;
	const struct cedar_expr *const *args = read_items(r, json, read);
	uint32_t *keys = arena_alloc(r->data.mem, json->count + 1u, sizeof(*keys));
	if (!args)
		return NULL;
	for (uint32_t i = 0; keys && i < json->count; i++)
		keys[i] = cedar_names_put(r->data.names, json->keys[i]);
	struct cedar_expr *record =
		keys ? cedar_expr_new(r->data.mem, CEDAR_OP_RECORD, json->pos, args, json->count)
		     : NULL;
	if (record)
		record->keys = keys;
	return made(r, json, record);
}

static const struct cedar_expr *call_of(struct est_reader *r, const struct cedar_json *json,
					enum cedar_fn fn, const struct cedar_expr *const *args,
					uint32_t count)
{
	struct cedar_expr *call =
		cedar_expr_new(r->data.mem, CEDAR_OP_CALL, json->pos, args, count);

	if (call)
		call->fn = fn;
	return made(r, json, call);
}

static enum cedar_fn find_fn(struct est_reader *r, const struct cedar_json *json, struct str name)
{
	enum cedar_fn fn = cedar_fn_find(name);

	if (!fn)
		(void)cedar_err_at(r->e, json->pos,
				   "there is no operator or function '" STR_FMT "'", STR_ARG(name));
	return fn;
}

static const struct cedar_expr *read_value(struct est_reader *r, const struct cedar_json *json);

/* {"__extn": {"fn", "arg"}} inside a value is a call. */
static const struct cedar_expr *read_extn(struct est_reader *r, const struct cedar_json *json)
{
	const struct cedar_json *name, *one = cedar_json_get(json, "arg");
	const struct cedar_json *many = cedar_json_get(json, "args");

	if (!cedar_json_member(json, "fn", CEDAR_JSON_TEXT, &name, r->e))
		return NULL;
	enum cedar_fn fn = find_fn(r, name, name->text);
	if (!fn)
		return NULL;
	if (!one && !cedar_json_is(many, CEDAR_JSON_LIST)) {
		(void)cedar_err_at(r->e, json->pos, "expected 'arg' or 'args'");
		return NULL;
	}
	const struct cedar_expr **args = arena_alloc(r->data.mem, 1, sizeof(*args));
	if (!one) {
		const struct cedar_expr *const *list = read_items(r, many, read_value);
		return list ? call_of(r, json, fn, list, many->count) : NULL;
	}
	if (!args)
		return no_room(r, json);
	args[0] = read_value(r, one);
	return args[0] ? call_of(r, json, fn, (const struct cedar_expr *const *)args, 1) : NULL;
}

static const struct cedar_expr *read_literal(struct est_reader *r, const struct cedar_json *json)
{
	struct cedar_value value;

	if (!cedar_value_read(&r->data, json, NULL, &value, r->e))
		return NULL;
	return made(r, json, cedar_expr_lit(r->data.mem, json->pos, value));
}

/* Only the exact shape of an escape is one; anything else is a record, as in entity data. */
static bool is_entity(const struct cedar_json *json)
{
	return cedar_json_is(cedar_json_get(json, "type"), CEDAR_JSON_TEXT) &&
	       cedar_json_is(cedar_json_get(json, "id"), CEDAR_JSON_TEXT);
}

static const struct cedar_expr *read_value(struct est_reader *r, const struct cedar_json *json)
{
	bool is_one = json->kind == CEDAR_JSON_MAP && json->count == 1;
	const struct cedar_json *extn = is_one ? cedar_json_get(json, "__extn") : NULL;

	if (json->kind == CEDAR_JSON_LIST)
		return set_of(r, json, read_value);
	if (json->kind != CEDAR_JSON_MAP ||
	    (is_one && is_entity(cedar_json_get(json, "__entity"))) ||
	    (is_one && cedar_json_is(cedar_json_get(json, "__expr"), CEDAR_JSON_TEXT)))
		return read_literal(r, json);
	if (extn && cedar_json_is(cedar_json_get(extn, "fn"), CEDAR_JSON_TEXT))
		return read_extn(r, extn);
	return record_of(r, json, read_value);
}

static const struct cedar_expr *read_var(struct est_reader *r, const struct cedar_json *json)
{
	if (!cedar_json_want(json, CEDAR_JSON_TEXT, "Var", r->e))
		return NULL;
	for (enum cedar_var v = CEDAR_VAR_PRINCIPAL; v <= CEDAR_VAR_CONTEXT; v++)
		if (str_eqz(json->text, cedar_var_name(v)))
			return made(r, json, cedar_expr_var(r->data.mem, json->pos, v));
	(void)cedar_err_at(r->e, json->pos, "there is no variable '" STR_FMT "'",
			   STR_ARG(json->text));
	return NULL;
}

static const struct cedar_expr *read_call(struct est_reader *r, struct str name,
					  const struct cedar_json *json)
{
	enum cedar_fn fn = find_fn(r, json, name);

	if (!fn || !cedar_json_want(json, CEDAR_JSON_LIST, "arguments", r->e))
		return NULL;
	const struct cedar_expr *const *args = read_items(r, json, est_expr);
	return args ? call_of(r, json, fn, args, json->count) : NULL;
}

static const struct cedar_expr *read_row(struct est_reader *r, size_t row,
					 const struct cedar_json *json)
{
	enum cedar_op op = rows[row].op;

	switch (rows[row].shape) {
	case EST_ARG:
		return read_arg(r, op, json);
	case EST_PAIR:
		return read_pair(r, op, json);
	case EST_ATTR:
		return read_attr(r, op, json);
	case EST_IS:
		return read_is(r, op, json);
	case EST_LIKE:
		return read_like(r, op, json);
	case EST_IF:
		return read_if(r, op, json);
	case EST_SET:
		return set_of(r, json, est_expr);
	case EST_RECORD:
		return record_of(r, json, est_expr);
	case EST_VALUE:
		return read_value(r, json);
	case EST_VAR:
		return read_var(r, json);
	default:
		(void)cedar_err_at(r->e, json->pos, "slots stand in the scope of a template only");
		return NULL;
	}
}

const struct cedar_expr *est_expr(struct est_reader *r, const struct cedar_json *json)
{
	if (!cedar_json_want(json, CEDAR_JSON_MAP, "an expression", r->e))
		return NULL;
	if (json->count != 1) {
		(void)cedar_err_at(r->e, json->pos, "an expression has one member, this has %u",
				   json->count);
		return NULL;
	}
	for (size_t i = 0; i < countof(rows); i++)
		if (str_eqz(json->keys[0], rows[i].name))
			return read_row(r, i, &json->items[0]);
	return read_call(r, json->keys[0], &json->items[0]);
}
