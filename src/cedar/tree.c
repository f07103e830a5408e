#include "cedar/tree.h"

static struct part part_value(struct cedar_value v)
{
	return (struct part){ .kind = PART_VALUE, .value = v };
}

static struct part part_fault(enum cedar_fault_kind kind, uint32_t name, enum cedar_kind got,
			      struct cedar_pos pos)
{
	return (struct part){ .kind = PART_FAIL,
			      .may_fail = true,
			      .fault = { .kind = kind, .name = name, .got = got, .pos = pos } };
}

static struct part part_of(bool is_good, struct cedar_value v, struct cedar_fault f,
			   const struct cedar_expr *e)
{
	return is_good ? part_value(v) : part_fault(f.kind, f.name, f.got, e->pos);
}

bool part_is(const struct part *p, bool truth)
{
	return p->kind == PART_VALUE && p->value.kind == CEDAR_BOOL && p->value.truth == truth;
}

static bool is_bool_value(const struct part *p)
{
	return p->kind == PART_VALUE && p->value.kind == CEDAR_BOOL;
}

/* --- building what is left --- */

const struct cedar_expr *tree_node(struct tree *t, const struct part *p,
				   const struct cedar_expr *from)
{
	if (!t->is_building)
		return NULL;
	if (p->kind == PART_REST)
		return p->rest;
	if (from->op == CEDAR_OP_LIT)
		return from;
	struct cedar_expr *node = arena_alloc(t->mem, 1, sizeof(*node));
	if (!node)
		return from;
	node->pos = from->pos;
	if (p->kind == PART_VALUE) {
		node->op = CEDAR_OP_LIT;
		node->lit = p->value;
		return node;
	}
	node->op = CEDAR_OP_NONE;
	node->name = p->fault.name;
	node->pos = p->fault.pos;
	node->lit.kind = p->fault.got;
	node->lit.num = p->fault.kind;
	return node;
}

static bool is_unchanged(const struct cedar_expr *e, const struct part *args)
{
	for (uint32_t i = 0; i < e->count; i++) {
		bool is_rest = args[i].kind == PART_REST && args[i].rest == e->args[i];
		bool is_lit = args[i].kind == PART_VALUE && e->args[i]->op == CEDAR_OP_LIT;
		if (!is_rest && !is_lit)
			return false;
	}
	return true;
}

/* The same operator over what its arguments became. */
static const struct cedar_expr *rebuilt(struct tree *t, const struct cedar_expr *e,
					const struct part *args)
{
	if (!t->is_building)
		return NULL;
	if (is_unchanged(e, args))
		return e;
	struct cedar_expr *node = arena_alloc(t->mem, 1, sizeof(*node));
	const struct cedar_expr **list = arena_alloc(t->mem, e->count, sizeof(const void *));
	if (!node || !list)
		return e;
	*node = *e;
	for (uint32_t i = 0; i < e->count; i++)
		list[i] = tree_node(t, &args[i], e->args[i]);
	node->args = list;
	return node;
}

static struct part part_rest(const struct cedar_expr *rest, bool may_fail)
{
	return (struct part){ .kind = PART_REST, .rest = rest, .may_fail = may_fail };
}

static struct part part_bool_rest(const struct cedar_expr *rest, bool may_true, bool may_false,
				  bool may_fail)
{
	if (!may_fail && may_true != may_false)
		return part_value(cedar_bool(may_true));
	return (struct part){ .kind = PART_REST,
			      .rest = rest,
			      .is_bool = true,
			      .may_true = may_true,
			      .may_false = may_false,
			      .may_fail = may_fail };
}

/* What a part may do as an operand that must be a bool. */
struct outcome {
	bool is_true, is_false, is_fail;
};

static struct outcome outcome_of(const struct tree *t, const struct part *p)
{
	if (p->kind == PART_FAIL)
		return (struct outcome){ false, false, true };
	if (p->kind == PART_VALUE)
		return (struct outcome){ part_is(p, true), part_is(p, false), !is_bool_value(p) };
	if (p->is_bool)
		return (struct outcome){ p->may_true, p->may_false, p->may_fail };
	return (struct outcome){ true, true, p->may_fail || !t->is_typed };
}

/* --- leaves --- */

static struct part walk_var(struct tree *t, const struct cedar_expr *e)
{
	if (e->var == CEDAR_VAR_CONTEXT) {
		if (!(t->known & TREE_CONTEXT) || (t->unknown & CEDAR_UNKNOWN_CONTEXT))
			return part_rest(e, false);
		return part_value(
			(struct cedar_value){ .kind = CEDAR_RECORD, .record = t->world->context });
	}
	bool is_unknown =
		!(t->known & TREE_STORE) ||
		(e->var == CEDAR_VAR_PRINCIPAL && (t->unknown & CEDAR_UNKNOWN_PRINCIPAL)) ||
		(e->var == CEDAR_VAR_RESOURCE && (t->unknown & CEDAR_UNKNOWN_RESOURCE));
	if (is_unknown)
		return part_rest(e, false);
	return part_value(cedar_entity(t->world->seats[e->var].uid));
}

/* principal or resource, of which only the type is known (and what a local entity says). */
static struct seat *unknown_seat(const struct tree *t, const struct cedar_expr *e)
{
	if (!(t->known & TREE_STORE) || e->op != CEDAR_OP_VAR || e->var == CEDAR_VAR_CONTEXT)
		return NULL;
	if ((e->var == CEDAR_VAR_PRINCIPAL && (t->unknown & CEDAR_UNKNOWN_PRINCIPAL)) ||
	    (e->var == CEDAR_VAR_RESOURCE && (t->unknown & CEDAR_UNKNOWN_RESOURCE)))
		return &t->world->seats[e->var];
	return NULL;
}

/* --- and, or, if --- */

/* a && b, or a || b: `ends` is the value of a that decides alone. */
static struct part walk_logic(struct tree *t, const struct cedar_expr *e, bool ends)
{
	struct part args[2] = { tree_walk(t, e->args[0]) };
	struct part *a = &args[0], *b = &args[1];

	if (a->kind == PART_FAIL || part_is(a, ends))
		return *a;
	if (a->kind == PART_VALUE && a->value.kind != CEDAR_BOOL)
		return part_fault(CEDAR_FAULT_TYPE, 0, a->value.kind, e->args[0]->pos);
	*b = tree_walk(t, e->args[1]);
	if (b->kind == PART_VALUE && b->value.kind != CEDAR_BOOL)
		*b = part_fault(CEDAR_FAULT_TYPE, 0, b->value.kind, e->args[1]->pos);
	if (a->kind == PART_VALUE) {
		if (b->kind != PART_REST || b->is_bool)
			return *b;
		return part_bool_rest(rebuilt(t, e, args), true, true, b->may_fail || !t->is_typed);
	}
	if (part_is(b, !ends) && a->is_bool)
		return *a;
	struct outcome x = outcome_of(t, a), y = outcome_of(t, b);
	bool goes_on = ends ? x.is_false : x.is_true;
	bool stops = ends ? x.is_true : x.is_false;
	bool may_true = (goes_on && y.is_true) || (stops && ends);
	bool may_false = (goes_on && y.is_false) || (stops && !ends);
	return part_bool_rest(rebuilt(t, e, args), may_true, may_false,
			      x.is_fail || (goes_on && y.is_fail));
}

static struct part walk_if(struct tree *t, const struct cedar_expr *e)
{
	struct part args[3] = { tree_walk(t, e->args[0]) };

	if (args[0].kind == PART_FAIL)
		return args[0];
	if (args[0].kind == PART_VALUE) {
		if (args[0].value.kind != CEDAR_BOOL)
			return part_fault(CEDAR_FAULT_TYPE, 0, args[0].value.kind, e->args[0]->pos);
		return tree_walk(t, e->args[args[0].value.truth ? 1 : 2]);
	}
	struct outcome c = outcome_of(t, &args[0]);
	bool may_fail = c.is_fail;
	bool is_bool = true, may_true = false, may_false = false;
	for (int i = 1; i <= 2; i++) {
		bool is_taken = i == 1 ? c.is_true : c.is_false;
		args[i] = tree_walk(t, e->args[i]);
		struct outcome o = outcome_of(t, &args[i]);
		is_bool &= args[i].kind == PART_FAIL || is_bool_value(&args[i]) ||
			   (args[i].kind == PART_REST && args[i].is_bool);
		may_true |= is_taken && o.is_true;
		may_false |= is_taken && o.is_false;
		may_fail |= is_taken && args[i].may_fail;
	}
	if (is_bool)
		return part_bool_rest(rebuilt(t, e, args), may_true, may_false, may_fail);
	return part_rest(rebuilt(t, e, args), may_fail);
}

/* --- operators whose operands are all evaluated first --- */

enum { ARGS_FEW = 4 };

/* A VALUE of kind CEDAR_UNKNOWN is a rest that cannot fail. */
static struct part settle(const struct cedar_expr *e, struct part p)
{
	if (p.kind == PART_VALUE && p.value.kind == CEDAR_UNKNOWN)
		return part_rest(e, false);
	return p;
}

static bool gives_bool(const struct cedar_expr *e)
{
	switch (e->op) {
	case CEDAR_OP_CALL:
		return cedar_fns[e->fn].result == CEDAR_BOOL;
	case CEDAR_OP_GET:
	case CEDAR_OP_GET_TAG:
	case CEDAR_OP_ADD:
	case CEDAR_OP_SUB:
	case CEDAR_OP_MUL:
	case CEDAR_OP_NEG:
	case CEDAR_OP_SET:
	case CEDAR_OP_RECORD:
		return false;
	default:
		return true;
	}
}

/* Can the operator itself fail, given operands of the kinds the schema says? */
static bool may_fail_typed(const struct tree *t, const struct cedar_expr *e)
{
	switch (e->op) {
	case CEDAR_OP_ADD:
	case CEDAR_OP_SUB:
	case CEDAR_OP_MUL:
	case CEDAR_OP_NEG:
		return true;
	case CEDAR_OP_GET: /* the validator has seen a guard; but is the entity there at all? */
	case CEDAR_OP_GET_TAG:
		return e->args[0]->op != CEDAR_OP_VAR || e->args[0]->var != CEDAR_VAR_CONTEXT ||
		       !(t->known & TREE_STORE);
	case CEDAR_OP_CALL:
		return e->fn <= CEDAR_FN_DURATION || cedar_fns[e->fn].args[0] == CEDAR_DATETIME ||
		       e->count != cedar_fns[e->fn].arity;
	default:
		return false;
	}
}

static bool may_fail_ever(const struct cedar_expr *e)
{
	return e->op != CEDAR_OP_EQ && e->op != CEDAR_OP_NE && e->op != CEDAR_OP_SET &&
	       e->op != CEDAR_OP_RECORD;
}

/* has on the context, is and in on a variable of the request cannot fail. */
static bool is_safe_on_var(const struct cedar_expr *e)
{
	if (e->count < 1 || e->args[0]->op != CEDAR_OP_VAR)
		return false;
	if (e->op == CEDAR_OP_HAS)
		return true;
	if (e->args[0]->var == CEDAR_VAR_CONTEXT)
		return false;
	return e->op == CEDAR_OP_IS || (e->op == CEDAR_OP_IN && e->args[1]->op == CEDAR_OP_LIT &&
					e->args[1]->lit.kind == CEDAR_ENTITY);
}

static struct part rest_of(struct tree *t, const struct cedar_expr *e, const struct part *args)
{
	bool may_fail = false;

	for (uint32_t i = 0; i < e->count; i++)
		may_fail |= args[i].may_fail;
	if (t->is_typed)
		may_fail |= may_fail_typed(t, e);
	else
		may_fail |= may_fail_ever(e) && !is_safe_on_var(e);
	const struct cedar_expr *rest = rebuilt(t, e, args);
	if (gives_bool(e))
		return part_bool_rest(rest, true, true, may_fail);
	return part_rest(rest, may_fail);
}

static struct part make_set(struct tree *t, const struct cedar_expr *e, const struct part *args)
{
	struct cedar_value *items = arena_alloc(t->mem, e->count + 1, sizeof(*items));
	struct cedar_set *set = arena_alloc(t->mem, 1, sizeof(*set));

	if (!items || !set)
		return part_rest(e, true);
	for (uint32_t i = 0; i < e->count; i++)
		items[i] = args[i].value;
	*set = (struct cedar_set){ cedar_set_sort(items, e->count), items };
	return part_value((struct cedar_value){ .kind = CEDAR_SET, .set = set });
}

static struct part make_record(struct tree *t, const struct cedar_expr *e, const struct part *args)
{
	struct cedar_value *values = arena_alloc(t->mem, e->count + 1, sizeof(*values));
	uint32_t *names = arena_alloc(t->mem, e->count + 1, sizeof(*names));
	struct cedar_record *record = arena_alloc(t->mem, 1, sizeof(*record));

	if (!values || !names || !record)
		return part_rest(e, true);
	for (uint32_t i = 0; i < e->count; i++) {
		values[i] = args[i].value;
		names[i] = e->keys[i];
	}
	if (!cedar_record_sort(names, values, e->count))
		return part_rest(e, true);
	*record = (struct cedar_record){ e->count, names, values };
	return part_value((struct cedar_value){ .kind = CEDAR_RECORD, .record = record });
}

static struct part call(struct tree *t, const struct cedar_expr *e, const struct part *args)
{
	struct cedar_value values[ARGS_FEW] = { 0 }, out = { 0 };
	struct cedar_fault fault = { 0 };
	struct cedar_ip *ip = NULL;

	if (e->fn == CEDAR_FN_IP) {
		ip = arena_alloc(t->mem, 1, sizeof(*ip));
		if (!ip)
			return part_rest(e, true);
	}
	for (uint32_t i = 0; i < e->count && i < ARGS_FEW; i++)
		values[i] = args[i].value;
	bool is_good = op_call(e->fn, values, e->count, ip, &out, &fault);
	return part_of(is_good, out, fault, e);
}

/* Operators that look into the store: constants alone do not decide them. */
static bool needs_store(const struct cedar_expr *e, const struct part *args)
{
	switch (e->op) {
	case CEDAR_OP_IN:
	case CEDAR_OP_HAS_TAG:
	case CEDAR_OP_GET_TAG:
		return true;
	case CEDAR_OP_GET:
	case CEDAR_OP_HAS:
		/* GET and HAS have one operand. NOLINTNEXTLINE(clang-analyzer-core*) */
		return args[0].value.kind == CEDAR_ENTITY;
	default:
		return false;
	}
}

/* All operands are values. */
static struct part apply(struct tree *t, const struct cedar_expr *e, const struct part *args)
{
	struct cedar_value out = { 0 }, a = e->count ? args[0].value : out;
	struct cedar_value b = e->count > 1 ? args[1].value : out;
	struct cedar_fault f = { 0 };
	bool is_good;

	if (!(t->known & TREE_STORE) && needs_store(e, args))
		return rest_of(t, e, args);
	switch (e->op) {
	case CEDAR_OP_SET:
		return make_set(t, e, args);
	case CEDAR_OP_RECORD:
		return make_record(t, e, args);
	case CEDAR_OP_CALL:
		return call(t, e, args);
	case CEDAR_OP_NOT:
	case CEDAR_OP_NEG:
	case CEDAR_OP_IS_EMPTY:
		is_good = op_unary(e->op, a, &out, &f);
		break;
	case CEDAR_OP_IN:
		is_good = op_in(t->world, a, b, &out, &f);
		break;
	case CEDAR_OP_HAS_TAG:
		is_good = op_has_tag(t->world, t->names, a, b, &out, &f);
		break;
	case CEDAR_OP_GET_TAG:
		is_good = op_get_tag(t->world, t->names, a, b, &out, &f);
		break;
	case CEDAR_OP_GET:
		is_good = op_get(t->world, a, e->name, &out, &f);
		break;
	case CEDAR_OP_HAS:
		is_good = op_has(t->world, a, e->name, &out, &f);
		break;
	case CEDAR_OP_LIKE:
		is_good = op_like(a, &e->pattern, &out, &f);
		break;
	default:
		is_good = op_binary(e->op, a, b, &out, &f);
		break;
	}
	return part_of(is_good, out, f, e);
}

/* --- an entity of the request whose id is not known --- */

/* Whom an unknown entity is below is known as far as it was described for the request. */
static bool unknown_in(const struct tree *t, struct seat *s, const struct cedar_value *of,
		       bool *out)
{
	bool is_described = seat_attrs(t->world, s) != NULL;
	uint32_t count = of->kind == CEDAR_SET ? of->set->count : 1;
	const struct cedar_value *items = of->kind == CEDAR_SET ? of->set->items : of;

	*out = false;
	for (uint32_t i = 0; i < count; i++) {
		if (items[i].kind != CEDAR_ENTITY)
			return false;
		if (items[i].uid->type == s->uid->type)
			return false;
		if (!is_described)
			return false;
		*out |= seat_in(t->world, s, items[i].uid);
	}
	return true;
}

/* True when the answer is in *out all the same. */
static bool walk_unknown(struct tree *t, const struct cedar_expr *e, struct seat *s,
			 const struct part *args, struct part *out)
{
	struct cedar_value v;
	bool truth;

	switch (e->op) {
	case CEDAR_OP_IN:
		if (args[1].kind != PART_VALUE || !unknown_in(t, s, &args[1].value, &truth))
			return false;
		*out = part_value(cedar_bool(truth));
		return true;
	case CEDAR_OP_EQ:
	case CEDAR_OP_NE:
		if (args[1].kind != PART_VALUE ||
		    (args[1].value.kind == CEDAR_ENTITY && args[1].value.uid->type == s->uid->type))
			return false;
		*out = part_value(cedar_bool(e->op == CEDAR_OP_NE));
		return true;
	case CEDAR_OP_GET:
		if (!seat_attrs(t->world, s) || !record_find(s->attrs, e->name, &v))
			return false;
		*out = settle(e, part_value(v));
		return true;
	case CEDAR_OP_HAS:
		if (!seat_attrs(t->world, s))
			return false;
		*out = part_value(cedar_bool(record_find(s->attrs, e->name, &v)));
		return true;
	default:
		return false;
	}
}

/* --- the walk --- */

static struct part walk_is(struct tree *t, const struct cedar_expr *e)
{
	struct part of = tree_walk(t, e->args[0]);
	struct seat *s = unknown_seat(t, e->args[0]);
	struct cedar_value v;
	struct cedar_fault fault = { 0 };

	if (of.kind == PART_FAIL)
		return of;
	if (s)
		return part_value(cedar_bool(s->uid->type == e->name));
	if (of.kind == PART_REST)
		return rest_of(t, e, &of);
	bool is_good = op_is(of.value, e->name, &v, &fault);
	return part_of(is_good, v, fault, e);
}

/* e is T in x as  e is T && e in x. */
struct is_in {
	struct cedar_expr is, in, both;
	const struct cedar_expr *halves[2];
};

/* The second half only when the first holds.  What is left must not point to this frame. */
static struct part walk_is_in(struct tree *t, const struct cedar_expr *e)
{
	struct is_in here, *x = t->is_building ? arena_alloc(t->mem, 1, sizeof(*x)) : &here;

	if (!x)
		return part_rest(e, true);
	*x = (struct is_in){
		.is = { CEDAR_OP_IS, .name = e->name, .count = 1, .pos = e->pos, .args = e->args },
		.in = { CEDAR_OP_IN, .count = 2, .pos = e->pos, .args = e->args },
		.both = { CEDAR_OP_AND, .count = 2, .pos = e->pos, .args = x->halves },
		.halves = { &x->is, &x->in },
	};
	return walk_logic(t, &x->both, false);
}

static void tell_fact(struct tree *t, const struct cedar_expr *e, const struct part *p)
{
	if (t->fact && p->kind != PART_REST)
		t->fact(t->ctx, e, p->kind == PART_VALUE ? p->value : (struct cedar_value){ 0 });
}

static bool holds_unknown(struct cedar_value v, int depth)
{
	if (v.kind == CEDAR_UNKNOWN || depth > CEDAR_DEPTH_MAX)
		return true;
	if (v.kind == CEDAR_SET)
		for (uint32_t i = 0; i < v.set->count; i++)
			if (holds_unknown(v.set->items[i], depth + 1))
				return true;
	if (v.kind == CEDAR_RECORD)
		for (uint32_t i = 0; i < v.record->count; i++)
			if (holds_unknown(v.record->values[i], depth + 1))
				return true;
	return false;
}

/* Looking into a record with an unknown field is fine; comparing it is not. */
static bool is_about_unknown(const struct cedar_expr *e, const struct part *args)
{
	if (e->op == CEDAR_OP_GET || e->op == CEDAR_OP_HAS || e->op == CEDAR_OP_SET ||
	    e->op == CEDAR_OP_RECORD)
		return false;
	for (uint32_t i = 0; i < e->count; i++)
		if (args[i].kind == PART_VALUE && holds_unknown(args[i].value, 0))
			return true;
	return false;
}

static struct part walk_strict(struct tree *t, const struct cedar_expr *e, struct part *args)
{
	bool is_rest = false;

	for (uint32_t i = 0; i < e->count; i++) {
		args[i] = settle(e->args[i], tree_walk(t, e->args[i]));
		if (args[i].kind == PART_FAIL && !is_rest)
			return args[i];
		is_rest |= args[i].kind != PART_VALUE;
	}
	is_rest |= t->is_typed && is_about_unknown(e, args);
	struct seat *s = e->count ? unknown_seat(t, e->args[0]) : NULL;
	struct part out;
	if (s && walk_unknown(t, e, s, args, &out))
		return out;
	if (is_rest) {
		struct part p = rest_of(t, e, args);
		if (e->op == CEDAR_OP_NOT && args[0].kind == PART_REST && args[0].is_bool) {
			p.may_true = args[0].may_false;
			p.may_false = args[0].may_true;
			p.may_fail = args[0].may_fail;
		}
		return p;
	}
	out = settle(e, apply(t, e, args));
	if (e->op == CEDAR_OP_GET || e->op == CEDAR_OP_HAS || e->op == CEDAR_OP_IN ||
	    e->op == CEDAR_OP_GET_TAG || e->op == CEDAR_OP_HAS_TAG)
		tell_fact(t, e, &out);
	return out;
}

/* Sets, records and wrongly long calls have any number of arguments. */
static struct part walk_many(struct tree *t, const struct cedar_expr *e)
{
	struct part *args = arena_alloc(t->mem, e->count, sizeof(*args));

	return args ? walk_strict(t, e, args) : part_rest(e, true);
}

struct part tree_walk(struct tree *t, const struct cedar_expr *e)
{
	struct part few[ARGS_FEW];

	switch (e->op) {
	case CEDAR_OP_NONE:
		return part_fault((enum cedar_fault_kind)e->lit.num, e->name, e->lit.kind, e->pos);
	case CEDAR_OP_LIT:
		return part_value(e->lit);
	case CEDAR_OP_VAR:
		return walk_var(t, e);
	case CEDAR_OP_AND:
		return walk_logic(t, e, false);
	case CEDAR_OP_OR:
		return walk_logic(t, e, true);
	case CEDAR_OP_IF:
		return walk_if(t, e);
	case CEDAR_OP_IS:
		return e->count == 2 ? walk_is_in(t, e) : walk_is(t, e);
	default:
		return e->count > ARGS_FEW ? walk_many(t, e) : walk_strict(t, e, few);
	}
}
