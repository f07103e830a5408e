/* One function per form of expression, as the rules of the Cedar specification
 * ("Validation") are written: what must be so, then the type, then the capabilities.
 * Both sides of an operator are checked even if one fails, to report both. */
#include "cedar/typecheck.h"

#include <stdarg.h>

#include "cedar/ext.h"

static bool printf_like(3, 4)
	fail(const struct typecheck *c, const struct cedar_expr *e, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->note(c->ctx, e->pos, arena_str(c->mem, text, strlen(text)));
	return false;
}

/* NOLINTBEGIN(clang-analyzer-core.NullDereference): fail() always returns false, which the
 * analyser cannot see as it looks into no variadic function.  So what typed has a type. */

static bool is(struct typed *out, const struct schema_type *type)
{
	*out = (struct typed){ type, NULL };
	return type;
}

static struct str text_of(const struct typecheck *c, const struct schema_type *t)
{
	return type_text(t, c->mem);
}

static bool fail_type(const struct typecheck *c, const struct cedar_expr *e, const char *want,
		      const struct schema_type *got)
{
	return fail(c, e, "expected %s, this is " STR_FMT, want, STR_ARG(text_of(c, got)));
}

static bool fail_bound(const struct typecheck *c, const struct cedar_expr *e, const char *what,
		       const struct schema_type *a, const struct schema_type *b)
{
	return fail(c, e, "%s: " STR_FMT " and " STR_FMT " are not one type", what,
		    STR_ARG(text_of(c, a)), STR_ARG(text_of(c, b)));
}

static bool want_kind(const struct typecheck *c, const struct cap *known,
		      const struct cedar_expr *e, enum schema_kind kind, const char *want,
		      struct typed *out)
{
	return typecheck_expr(c, known, e, out) &&
	       (out->type->kind == kind || fail_type(c, e, want, out->type));
}

static bool want_entity(const struct typecheck *c, const struct cap *known,
			const struct cedar_expr *e, struct typed *out)
{
	return want_kind(c, known, e, SCHEMA_ENTITY, "an entity", out);
}

static bool want_long(const struct typecheck *c, const struct cap *known,
		      const struct cedar_expr *e)
{
	struct typed t;

	return want_kind(c, known, e, SCHEMA_LONG, "Long", &t);
}

static bool want_string(const struct typecheck *c, const struct cap *known,
			const struct cedar_expr *e)
{
	struct typed t;

	return want_kind(c, known, e, SCHEMA_STRING, "String", &t);
}

static bool want_set(const struct typecheck *c, const struct cap *known, const struct cedar_expr *e,
		     struct typed *out)
{
	return want_kind(c, known, e, SCHEMA_SET, "a set", out);
}

bool typecheck_bool(const struct typecheck *c, const struct cap *known, const struct cedar_expr *e,
		    struct typed *out)
{
	return typecheck_expr(c, known, e, out) &&
	       (type_is_bool(out->type) || fail_type(c, e, "Bool", out->type));
}

/* --- leaves --- */

static const struct schema_type *entity_type(const struct typecheck *c, uint32_t num)
{
	struct schema_type *t = arena_alloc(c->mem, 1, sizeof(*t));

	if (t)
		*t = (struct schema_type){ .kind = SCHEMA_ENTITY,
					   .name = cedar_names_text(c->schema->names, num),
					   .num = num,
					   .nodes = 1,
					   .depth = 1 };
	return t;
}

/* A literal that the schema does not know fails here and is reported by validate.c. */
static bool uid_literal(const struct typecheck *c, const struct cedar_uid *uid, struct typed *out)
{
	const struct schema_entity *n = schema_entity_of(c->schema, uid->type);

	if (n)
		return is(out, n->type);
	return schema_action_of(c->schema, uid->type, uid->id) &&
	       is(out, entity_type(c, uid->type));
}

static bool literal(const struct typecheck *c, const struct cedar_expr *e, struct typed *out)
{
	switch (e->lit.kind) {
	case CEDAR_BOOL:
		return is(out, type_of_truth(e->lit.truth));
	case CEDAR_LONG:
		return is(out, &type_long);
	case CEDAR_STRING:
		return is(out, &type_string);
	case CEDAR_ENTITY:
		return uid_literal(c, e->lit.uid, out);
	default:
		return fail(c, e, "this literal has no type");
	}
}

static bool var(const struct typecheck *c, const struct cedar_expr *e, struct typed *out)
{
	switch (e->var) {
	case CEDAR_VAR_PRINCIPAL:
		return is(out, c->env->principal->type);
	case CEDAR_VAR_RESOURCE:
		return is(out, c->env->resource->type);
	case CEDAR_VAR_CONTEXT:
		return is(out, c->env->action->context);
	case CEDAR_VAR_ACTION:
		break;
	}
	return is(out, entity_type(c, c->env->action->type_num));
}

static bool slot(const struct typecheck *c, const struct cedar_expr *e, struct typed *out)
{
	return is(out, e->slot == CEDAR_SLOT_PRINCIPAL ? c->env->principal_slot
						       : c->env->resource_slot) ||
	       fail(c, e, "a slot may not stand here");
}

/* --- if, &&, ||, ! --- */

static bool is_false(const struct typed *t)
{
	return t->type->kind == SCHEMA_FALSE;
}

static bool is_true(const struct typed *t)
{
	return t->type->kind == SCHEMA_TRUE;
}

static bool bound(const struct typecheck *c, const struct cedar_expr *e, const char *what,
		  const struct schema_type *a, const struct schema_type *b,
		  const struct schema_type **out)
{
	bool is_full = false;

	*out = type_bound(a, b, c->mem, &is_full);
	return *out || (!is_full && fail_bound(c, e, what, a, b));
}

/* A branch that can never be taken is not looked at. */
static bool conditional(const struct typecheck *c, const struct cap *known,
			const struct cedar_expr *e, struct typed *out)
{
	struct typed test, yes = { 0 }, no = { 0 };
	bool ok = typecheck_bool(c, known, e->args[0], &test);

	if (ok && is_false(&test))
		return typecheck_expr(c, known, e->args[2], out);
	const struct cap *then = ok ? cap_union(known, test.caps, c->mem) : known;
	bool yes_ok = typecheck_expr(c, then, e->args[1], &yes);
	if (ok && is_true(&test)) {
		*out = (struct typed){ yes.type, cap_union(yes.caps, test.caps, c->mem) };
		return yes_ok;
	}
	bool no_ok = typecheck_expr(c, known, e->args[2], &no);
	if (!ok || !yes_ok || !no_ok ||
	    !bound(c, e, "branches of if", yes.type, no.type, &out->type))
		return false;
	out->caps = cap_both(no.caps, cap_union(yes.caps, test.caps, c->mem), c->mem);
	return true;
}

static bool conjunction(const struct typecheck *c, const struct cap *known,
			const struct cedar_expr *e, struct typed *out)
{
	struct typed left, right;
	bool ok = typecheck_bool(c, known, e->args[0], &left);

	if (ok && is_false(&left))
		return is(out, &type_false);
	const struct cap *then = ok ? cap_union(known, left.caps, c->mem) : known;
	if (!typecheck_bool(c, then, e->args[1], &right) || !ok)
		return false;
	if (is_false(&right))
		return is(out, &type_false);
	*out = (struct typed){ is_true(&right)  ? left.type
			       : is_true(&left) ? right.type
						: &type_bool,
			       cap_union(left.caps, right.caps, c->mem) };
	return true;
}

static bool disjunction(const struct typecheck *c, const struct cap *known,
			const struct cedar_expr *e, struct typed *out)
{
	struct typed left, right;
	bool ok = typecheck_bool(c, known, e->args[0], &left);

	if (ok && is_true(&left)) {
		*out = left;
		return true;
	}
	if (!typecheck_bool(c, known, e->args[1], &right) || !ok)
		return false;
	if (is_true(&right) || is_false(&left))
		*out = right;
	else if (is_false(&right))
		*out = left;
	else
		*out = (struct typed){ &type_bool, cap_both(right.caps, left.caps, c->mem) };
	return true;
}

static bool flip(struct typed *out)
{
	if (is_true(out))
		return is(out, &type_false);
	return is(out, is_false(out) ? &type_true : &type_bool);
}

static bool negation(const struct typecheck *c, const struct cap *known, const struct cedar_expr *e,
		     struct typed *out)
{
	return typecheck_bool(c, known, e->args[0], out) && flip(out);
}

/* --- comparison and arithmetic --- */

/* Cedar 4.10 folds && and || of boolean literals as it reads them, so they are literals
 * to the rules below. */
static bool fold(const struct cedar_expr *e, struct cedar_value *out)
{
	struct cedar_value a, b;

	*out = e->lit;
	if (e->op == CEDAR_OP_LIT)
		return true;
	if (e->op != CEDAR_OP_AND && e->op != CEDAR_OP_OR)
		return false;
	if (!fold(e->args[0], &a) || !fold(e->args[1], &b) || a.kind != CEDAR_BOOL ||
	    b.kind != CEDAR_BOOL)
		return false;
	*out = cedar_bool(e->op == CEDAR_OP_AND ? a.truth && b.truth : a.truth || b.truth);
	return true;
}

/* The literal an expression is, where `action` is the request's; false: it is none. */
static bool as_literal(const struct typecheck *c, const struct cedar_expr *e,
		       struct cedar_uid *action, struct cedar_value *out)
{
	if (e->op != CEDAR_OP_VAR || e->var != CEDAR_VAR_ACTION)
		return fold(e, out);
	*action = cedar_uid_of(c->env->action->type_num, c->env->action->id);
	*out = cedar_entity(action);
	return true;
}

static bool equal(const struct typecheck *c, const struct cap *known, const struct cedar_expr *e,
		  struct typed *out)
{
	struct typed a, b;
	struct cedar_uid actions[2];
	struct cedar_value x, y;
	const struct schema_type *unused;
	bool ok = typecheck_expr(c, known, e->args[0], &a);

	if (!typecheck_expr(c, known, e->args[1], &b) || !ok)
		return false;
	if (type_is_disjoint(a.type, b.type))
		return is(out, &type_false);
	if (as_literal(c, e->args[0], &actions[0], &x) &&
	    as_literal(c, e->args[1], &actions[1], &y))
		return is(out, type_of_truth(cedar_value_eq(x, y)));
	return bound(c, e, "operands of ==", a.type, b.type, &unused) && is(out, &type_bool);
}

static bool has_order(const struct schema_type *t)
{
	return t->kind == SCHEMA_LONG ||
	       (t->kind == SCHEMA_EXTENSION &&
		(str_eqz(t->name, "datetime") || str_eqz(t->name, "duration")));
}

static bool less(const struct typecheck *c, const struct cap *known, const struct cedar_expr *e,
		 struct typed *out)
{
	struct typed a, b;
	bool ok = typecheck_expr(c, known, e->args[0], &a);

	if (!typecheck_expr(c, known, e->args[1], &b) || !ok)
		return false;
	if (!has_order(a.type))
		return fail_type(c, e->args[0], "Long, datetime or duration", a.type);
	if (!schema_type_eq(a.type, b.type))
		return fail_bound(c, e, "operands of a comparison", a.type, b.type);
	return is(out, &type_bool);
}

static bool arithmetic(const struct typecheck *c, const struct cap *known,
		       const struct cedar_expr *e, struct typed *out)
{
	bool ok = true;

	for (uint32_t i = 0; i < e->count; i++)
		ok &= want_long(c, known, e->args[i]);
	return ok && is(out, &type_long);
}

/* --- hierarchy --- */

/* Action types are not entity types of the schema: they have a hierarchy of actions. */
static bool action_type_may_be_in(const struct schema *s, uint32_t type, uint32_t above)
{
	for (size_t i = 0; i < s->action_count; i++)
		if (s->actions[i].type_num == type)
			for (size_t k = 0; k < s->actions[i].ancestor_count; k++)
				if (s->actions[i].ancestors[k]->type_num == above)
					return true;
	return false;
}

static bool type_may_be_in(const struct schema *s, uint32_t type, uint32_t above)
{
	const struct schema_entity *of = schema_entity_of(s, type);
	const struct schema_entity *in = schema_entity_of(s, above);

	return type == above || (of && in && schema_entity_is_below(of, in)) ||
	       action_type_may_be_in(s, type, above);
}

static bool literal_uid(const struct typecheck *c, const struct cedar_expr *e,
			struct cedar_uid *scratch, const struct cedar_uid **out)
{
	struct cedar_value v;

	if (!as_literal(c, e, scratch, &v) || v.kind != CEDAR_ENTITY)
		return false;
	*out = v.uid;
	return true;
}

/* 1: `of` is `in` or below it; 0: not; -1: `in` is an action the schema does not know. */
static int action_in(const struct typecheck *c, const struct cedar_uid *of,
		     const struct cedar_expr *in)
{
	struct cedar_uid scratch;
	const struct cedar_uid *above = NULL;

	if (!literal_uid(c, in, &scratch, &above) || !schema_is_action_num(c->schema, above->type))
		return 0;
	const struct schema_action *a = schema_action_of(c->schema, of->type, of->id);
	const struct schema_action *b = schema_action_of(c->schema, above->type, above->id);
	if (!b)
		return -1;
	return a == b || (a && schema_action_is_below(a, b));
}

static bool all_are_literals(const struct typecheck *c, const struct cedar_expr *set)
{
	struct cedar_uid scratch;
	const struct cedar_uid *uid;

	for (uint32_t i = 0; i < set->count; i++)
		if (!literal_uid(c, set->args[i], &scratch, &uid))
			return false;
	return true;
}

/* `action in X` and `Action::"a" in X` with X literal are decided here.  False: they are
 * not of that form.  *out NULL: a name is unknown, which is reported elsewhere. */
static bool decide_action_in(const struct typecheck *c, const struct cedar_expr *e,
			     const struct schema_type **out)
{
	const struct cedar_expr *in = e->args[1];
	struct cedar_uid scratch[2];
	const struct cedar_uid *of, *one;
	int found = 0;

	if (!literal_uid(c, e->args[0], &scratch[0], &of) ||
	    !schema_is_action_num(c->schema, of->type))
		return false;
	if (literal_uid(c, in, &scratch[1], &one)) {
		found = action_in(c, of, in);
	} else {
		if (in->op != CEDAR_OP_SET || !all_are_literals(c, in))
			return false;
		for (uint32_t i = 0; i < in->count && found >= 0; i++) {
			int this_one = action_in(c, of, in->args[i]);
			found = this_one < 0 ? -1 : found | this_one;
		}
	}
	*out = found < 0 ? NULL : type_of_truth(found);
	return true;
}

static bool in(const struct typecheck *c, const struct cap *known, const struct cedar_expr *e,
	       struct typed *out)
{
	struct typed of, above;
	const struct schema_type *decided, *t;
	bool ok = want_entity(c, known, e->args[0], &of);

	if (!typecheck_expr(c, known, e->args[1], &above))
		return false;
	t = above.type->kind == SCHEMA_SET ? above.type->element : above.type;
	if (t->kind != SCHEMA_ENTITY)
		return fail_type(c, e->args[1], "an entity or a set of entities", above.type);
	if (!ok)
		return false;
	if (decide_action_in(c, e, &decided))
		return is(out, decided);
	return is(out, type_may_be_in(c->schema, of.type->num, t->num) ? &type_bool : &type_false);
}

/* `e is T in x` is `e is T && e in x`. */
static bool is_type(const struct typecheck *c, const struct cap *known, const struct cedar_expr *e,
		    struct typed *out)
{
	struct typed of;

	if (!want_entity(c, known, e->args[0], &of))
		return false;
	if (of.type->num != e->name)
		return is(out, &type_false);
	return e->count == 2 ? in(c, known, e, out) : is(out, &type_true);
}

/* --- attributes and tags --- */

/* NULL when the type has no attributes at all: action types. */
static const struct schema_type *attrs_of(const struct typecheck *c, const struct schema_type *t)
{
	if (t->kind == SCHEMA_RECORD)
		return t;
	const struct schema_entity *n = schema_entity_of(c->schema, t->num);
	return n ? n->shape : NULL;
}

static bool want_attrs(const struct typecheck *c, const struct cap *known,
		       const struct cedar_expr *e, struct typed *out)
{
	if (!typecheck_expr(c, known, e, out))
		return false;
	return out->type->kind == SCHEMA_ENTITY || out->type->kind == SCHEMA_RECORD ||
	       fail_type(c, e, "an entity or a record", out->type);
}

static bool fail_no_attr(const struct typecheck *c, const struct cedar_expr *e,
			 const struct schema_type *t, struct str name)
{
	const struct schema_type *attrs = attrs_of(c, t);
	struct str near = attrs ? schema_attr_nearest(attrs, name) : STR("");

	return fail(c, e, "there is no attribute '" STR_FMT "' in " STR_FMT "%s" STR_FMT "%s",
		    STR_ARG(name), STR_ARG(text_of(c, t)), near.len ? "; did you mean '" : "",
		    STR_ARG(near), near.len ? "'?" : "");
}

static bool get(const struct typecheck *c, const struct cap *known, const struct cedar_expr *e,
		struct typed *out)
{
	struct str name = cedar_names_text(c->schema->names, e->name);
	struct typed of;

	if (!want_attrs(c, known, e->args[0], &of))
		return false;
	const struct schema_type *attrs = attrs_of(c, of.type);
	const struct schema_attr *a = attrs ? schema_attr_find(attrs, name) : NULL;
	if (!a)
		return fail_no_attr(c, e, of.type, name);
	if (a->is_optional && !cap_has_attr(known, e->args[0], e->name))
		return fail(c, e,
			    "attribute '" STR_FMT "' of " STR_FMT
			    " may be missing here; test with 'has' first",
			    STR_ARG(name), STR_ARG(text_of(c, of.type)));
	return is(out, a->type);
}

/* An entity may be missing from the store, so `has` of a required attribute is not true
 * by itself; of a record it is. */
static bool has(const struct typecheck *c, const struct cap *known, const struct cedar_expr *e,
		struct typed *out)
{
	struct typed of;

	if (!want_attrs(c, known, e->args[0], &of))
		return false;
	const struct schema_type *attrs = attrs_of(c, of.type);
	const struct schema_attr *a =
		attrs ? schema_attr_find(attrs, cedar_names_text(c->schema->names, e->name)) : NULL;
	if (!a)
		return is(out, &type_false);
	bool is_sure = (!a->is_optional && of.type->kind == SCHEMA_RECORD) ||
		       cap_has_attr(known, e->args[0], e->name);
	*out = (struct typed){ is_sure ? &type_true : &type_bool,
			       cap_attr(e->args[0], e->name, c->mem) };
	return true;
}

static const struct schema_type *tags_of(const struct typecheck *c, const struct schema_type *t)
{
	const struct schema_entity *n = schema_entity_of(c->schema, t->num);

	return n ? n->tags : NULL;
}

static bool tag_operands(const struct typecheck *c, const struct cap *known,
			 const struct cedar_expr *e, struct typed *of)
{
	bool ok = want_entity(c, known, e->args[0], of);

	return want_string(c, known, e->args[1]) && ok;
}

static bool has_tag(const struct typecheck *c, const struct cap *known, const struct cedar_expr *e,
		    struct typed *out)
{
	struct typed of;

	if (!tag_operands(c, known, e, &of))
		return false;
	bool is_sure = cap_has_tag(known, e->args[0], e->args[1]);
	*out = (struct typed){ !tags_of(c, of.type) ? &type_false
			       : is_sure            ? &type_true
						    : &type_bool,
			       cap_tag(e->args[0], e->args[1], c->mem) };
	return true;
}

static bool get_tag(const struct typecheck *c, const struct cap *known, const struct cedar_expr *e,
		    struct typed *out)
{
	struct typed of;

	if (!tag_operands(c, known, e, &of))
		return false;
	if (!cap_has_tag(known, e->args[0], e->args[1]))
		return fail(c, e, "this tag may be missing here; test with 'hasTag' first");
	return is(out, tags_of(c, of.type)) ||
	       fail(c, e, STR_FMT " has no tags", STR_ARG(text_of(c, of.type)));
}

/* --- sets, records, strings --- */

static bool set(const struct typecheck *c, const struct cap *known, const struct cedar_expr *e,
		struct typed *out)
{
	const struct schema_type *all = NULL;
	struct typed t;
	bool ok = true;

	if (!e->count)
		return fail(c, e, "an empty set has no type and may not be written in a policy");
	for (uint32_t i = 0; i < e->count; i++) {
		bool this_ok = typecheck_expr(c, known, e->args[i], &t);
		if (ok && this_ok && all)
			this_ok = bound(c, e, "elements of a set", all, t.type, &all);
		else if (this_ok)
			all = t.type;
		ok &= this_ok;
	}
	return ok && is(out, type_set_of(all, c->mem));
}

static int cmp_attr(const void *a, const void *b)
{
	return str_cmp(((const struct schema_attr *)a)->name,
		       ((const struct schema_attr *)b)->name);
}

static bool record(const struct typecheck *c, const struct cap *known, const struct cedar_expr *e,
		   struct typed *out)
{
	struct schema_attr *attrs = arena_alloc(c->mem, e->count + 1, sizeof(*attrs));
	struct schema_type *t = arena_alloc(c->mem, 1, sizeof(*t));
	bool ok = attrs && t;

	for (uint32_t i = 0; attrs && i < e->count; i++) {
		struct typed value = { 0 };
		ok &= typecheck_expr(c, known, e->args[i], &value);
		attrs[i] = (struct schema_attr){ cedar_names_text(c->schema->names, e->keys[i]),
						 e->keys[i], value.type, false };
	}
	if (!ok)
		return false;
	qsort(attrs, e->count, sizeof(*attrs), cmp_attr);
	*t = (struct schema_type){ .kind = SCHEMA_RECORD,
				   .attrs = attrs,
				   .attr_count = e->count,
				   .nodes = 1,
				   .depth = 1 };
	for (uint32_t i = 0; i < e->count; i++)
		t->nodes += attrs[i].type->nodes;
	return is(out, t);
}

static bool like(const struct typecheck *c, const struct cap *known, const struct cedar_expr *e,
		 struct typed *out)
{
	return want_string(c, known, e->args[0]) && is(out, &type_bool);
}

static bool is_empty(const struct typecheck *c, const struct cap *known, const struct cedar_expr *e,
		     struct typed *out)
{
	return want_set(c, known, e->args[0], out) && is(out, &type_bool);
}

static bool contains(const struct typecheck *c, const struct cap *known, const struct cedar_expr *e,
		     struct typed *out)
{
	struct typed s, one;
	const struct schema_type *unused;
	bool ok = want_set(c, known, e->args[0], &s);

	if (!typecheck_expr(c, known, e->args[1], &one) || !ok)
		return false;
	return bound(c, e, "elements of contains", s.type->element, one.type, &unused) &&
	       is(out, &type_bool);
}

static bool contains_many(const struct typecheck *c, const struct cap *known,
			  const struct cedar_expr *e, struct typed *out)
{
	struct typed a, b;
	const struct schema_type *unused;
	bool ok = want_set(c, known, e->args[0], &a);

	if (!want_set(c, known, e->args[1], &b) || !ok)
		return false;
	return bound(c, e, "the two sets", a.type, b.type, &unused) && is(out, &type_bool);
}

/* --- extension functions --- */

/* What a value of this kind has for a type; only kinds that cedar_fns speaks of. */
static const struct schema_type *type_of_kind(const struct typecheck *c, enum cedar_kind kind)
{
	static const char *const names[] = {
		[CEDAR_DECIMAL] = "decimal",
		[CEDAR_DATETIME] = "datetime",
		[CEDAR_DURATION] = "duration",
		[CEDAR_IP] = "ipaddr",
	};

	if (kind == CEDAR_BOOL)
		return &type_bool;
	if (kind == CEDAR_LONG)
		return &type_long;
	if (kind == CEDAR_STRING)
		return &type_string;
	struct schema_type *t = arena_alloc(c->mem, 1, sizeof(*t));
	if (t)
		*t = (struct schema_type){ .kind = SCHEMA_EXTENSION,
					   .name = str_of(names[kind]),
					   .nodes = 1,
					   .depth = 1 };
	return t;
}

static bool want_arg(const struct typecheck *c, const struct cap *known, const struct cedar_expr *e,
		     enum cedar_kind kind)
{
	const struct schema_type *want = type_of_kind(c, kind);
	struct typed got;

	if (!want || !typecheck_expr(c, known, e, &got))
		return false;
	if (got.type->kind == want->kind && str_eq(got.type->name, want->name))
		return true;
	return fail(c, e, "expected " STR_FMT ", this is " STR_FMT, STR_ARG(text_of(c, want)),
		    STR_ARG(text_of(c, got.type)));
}

/* What is made from text is made from text written in the policy, and from good text. */
static bool maker_arg(const struct typecheck *c, const struct cedar_expr *e)
{
	const struct cedar_expr *arg = e->count ? e->args[0] : NULL;
	struct cedar_value unused;
	struct err why = { 0 };

	if (cedar_fns[e->fn].is_method || !arg)
		return true;
	if (arg->op != CEDAR_OP_LIT)
		return fail(c, e, "%s() takes a string literal and nothing else",
			    cedar_fns[e->fn].name);
	if (arg->lit.kind != CEDAR_STRING ||
	    cedar_ext_make(e->fn, cedar_value_text(arg->lit), c->mem, &unused, &why))
		return true;
	return fail(c, e, "%s", why.text);
}

static bool call(const struct typecheck *c, const struct cap *known, const struct cedar_expr *e,
		 struct typed *out)
{
	const struct cedar_fn_info *fn = &cedar_fns[e->fn];
	bool ok = maker_arg(c, e);

	if (e->count != fn->arity)
		return fail(c, e, "%s() takes %u argument%s, not %u", fn->name,
			    fn->arity - fn->is_method, fn->arity - fn->is_method == 1 ? "" : "s",
			    e->count - fn->is_method);
	for (uint32_t i = 0; i < e->count; i++)
		ok &= want_arg(c, known, e->args[i], fn->args[i]);
	return ok && is(out, type_of_kind(c, fn->result));
}

static bool differ(const struct typecheck *c, const struct cap *known, const struct cedar_expr *e,
		   struct typed *out)
{
	return equal(c, known, e, out) && flip(out);
}

/* --- dispatch --- */

static bool leaf(const struct typecheck *c, const struct cap *known, const struct cedar_expr *e,
		 struct typed *out)
{
	(void)known;
	if (e->op == CEDAR_OP_LIT)
		return literal(c, e, out);
	return e->op == CEDAR_OP_VAR ? var(c, e, out) : slot(c, e, out);
}

typedef bool rule_fn(const struct typecheck *c, const struct cap *known, const struct cedar_expr *e,
		     struct typed *out);

static rule_fn *const rules[] = {
	[CEDAR_OP_LIT] = leaf,
	[CEDAR_OP_VAR] = leaf,
	[CEDAR_OP_SLOT] = leaf,
	[CEDAR_OP_IF] = conditional,
	[CEDAR_OP_AND] = conjunction,
	[CEDAR_OP_OR] = disjunction,
	[CEDAR_OP_EQ] = equal,
	[CEDAR_OP_NE] = differ,
	[CEDAR_OP_LT] = less,
	[CEDAR_OP_LE] = less,
	[CEDAR_OP_GT] = less,
	[CEDAR_OP_GE] = less,
	[CEDAR_OP_ADD] = arithmetic,
	[CEDAR_OP_SUB] = arithmetic,
	[CEDAR_OP_MUL] = arithmetic,
	[CEDAR_OP_IN] = in,
	[CEDAR_OP_CONTAINS] = contains,
	[CEDAR_OP_CONTAINS_ALL] = contains_many,
	[CEDAR_OP_CONTAINS_ANY] = contains_many,
	[CEDAR_OP_HAS_TAG] = has_tag,
	[CEDAR_OP_GET_TAG] = get_tag,
	[CEDAR_OP_NOT] = negation,
	[CEDAR_OP_NEG] = arithmetic,
	[CEDAR_OP_IS_EMPTY] = is_empty,
	[CEDAR_OP_GET] = get,
	[CEDAR_OP_HAS] = has,
	[CEDAR_OP_IS] = is_type,
	[CEDAR_OP_LIKE] = like,
	[CEDAR_OP_SET] = set,
	[CEDAR_OP_RECORD] = record,
	[CEDAR_OP_CALL] = call,
};

/* Depth is capped by the parser: CEDAR_DEPTH_MAX. */
bool typecheck_expr(const struct typecheck *c, const struct cap *known, const struct cedar_expr *e,
		    struct typed *out)
{
	*out = (struct typed){ 0 };
	if ((size_t)e->op >= countof(rules) || !rules[e->op])
		return fail(c, e, "this expression has no type");
	return rules[e->op](c, known, e, out);
}

/* NOLINTEND(clang-analyzer-core.NullDereference) */
