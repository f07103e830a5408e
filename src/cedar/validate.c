#include "cedar/validate.h"

#include <stdarg.h>

#include "cedar/lex.h"
#include "cedar/typecheck.h"

enum { SCRATCH_MAX = 64 << 20, PER_POLICY_MAX = 50 };

struct list {
	struct list *next, *next_mine;
	struct validate_finding finding;
};

struct validator {
	const struct schema *schema;
	struct arena *mem;     /* of the report */
	struct arena *scratch; /* of one policy on one kind of request */
	struct arena *scope;   /* of one policy: its scope as expressions */
	const struct cedar_policy *policy;
	const struct typecheck_env *env;
	struct list *first, *last; /* what is reported */
	struct list *mine;         /* what this policy was told, newest first */
	size_t kept, mine_count;
	const struct schema_action **named; /* by this policy's action scope; NULL: unknown */
	uint32_t named_count;
	bool is_list_wrong; /* that list is empty, names one unknown, or actions of two types */
	struct validate_report *out;
	bool is_full;
};

/* --- findings --- */

static bool is_noted(const struct validator *v, struct cedar_pos pos, struct str text)
{
	for (const struct list *l = v->mine; l; l = l->next_mine)
		if (l->finding.pos.line == pos.line && l->finding.pos.col == pos.col &&
		    l->finding.pos.source == pos.source && str_eq(l->finding.text, text))
			return true;
	return false;
}

static struct str where(const struct validator *v, struct arena *mem)
{
	if (!v->env)
		return STR("");
	return arena_printf(mem, STR_FMT ", " STR_FMT ", " STR_FMT,
			    STR_ARG(v->env->principal->name), STR_ARG(v->env->action->id),
			    STR_ARG(v->env->resource->name));
}

static void keep(struct validator *v, struct list *l)
{
	if (v->last)
		v->last->next = l;
	else
		v->first = l;
	v->last = l;
	v->kept++;
}

/* Past the maximum of all a finding is only counted, past that of one policy not even that. */
static void note(struct validator *v, bool is_warning, struct cedar_pos pos, struct str text)
{
	bool is_kept = v->kept < VALIDATE_FINDINGS_MAX;
	struct arena *mem = is_kept ? v->mem : v->scope;

	if (v->mine_count == PER_POLICY_MAX || is_noted(v, pos, text))
		return;
	struct list *l = arena_alloc(mem, 1, sizeof(*l));
	if (!l) {
		v->is_full = true;
		return;
	}
	l->finding = (struct validate_finding){ is_warning, pos, v->policy->id,
						arena_dup(mem, text), where(v, mem) };
	v->is_full |= arena_is_full(mem);
	if (is_warning)
		v->out->warning_count++;
	else
		v->out->error_count++;
	if (is_kept)
		keep(v, l);
	l->next_mine = v->mine;
	v->mine = l;
	v->mine_count++;
}

static void note_error(void *ctx, struct cedar_pos pos, struct str text)
{
	note(ctx, false, pos, text);
}

static void printf_like(3, 4) error(struct validator *v, struct cedar_pos pos, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	note(v, false, pos, str_of(text));
}

/* --- names: every entity type, action and enumerated entity must be declared --- */

static void check_type(struct validator *v, uint32_t num, struct cedar_pos pos)
{
	if (schema_is_action_num(v->schema, num) || schema_entity_of(v->schema, num))
		return;
	struct str name = cedar_names_text(v->schema->names, num);
	struct str near = schema_entity_nearest(v->schema, name);
	error(v, pos, "there is no entity type " STR_FMT "%s" STR_FMT "%s", STR_ARG(name),
	      near.len ? "; did you mean " : "", STR_ARG(near), near.len ? "?" : "");
}

static void check_action(struct validator *v, const struct cedar_uid *uid, struct cedar_pos pos)
{
	if (schema_action_of(v->schema, uid->type, uid->id))
		return;
	struct str type = cedar_names_text(v->schema->names, uid->type);
	struct str near = schema_action_nearest(v->schema, uid->id);
	error(v, pos, "there is no action " STR_FMT "::'" STR_FMT "'%s" STR_FMT "%s", STR_ARG(type),
	      STR_ARG(uid->id), near.len ? "; did you mean '" : "", STR_ARG(near),
	      near.len ? "'?" : "");
}

static struct str id_at(const void *ctx, size_t i)
{
	return ((const struct schema_entity *)ctx)->ids[i];
}

static void check_uid(struct validator *v, const struct cedar_uid *uid, struct cedar_pos pos)
{
	if (schema_is_action_num(v->schema, uid->type)) {
		check_action(v, uid, pos);
		return;
	}
	check_type(v, uid->type, pos);
	const struct schema_entity *n = schema_entity_of(v->schema, uid->type);
	if (!n || schema_entity_has_id(n, uid->id))
		return;
	struct str near = str_nearest(uid->id, n->id_count, id_at, n);
	error(v, pos, "'" STR_FMT "' is not one of the ids of " STR_FMT "%s" STR_FMT "%s",
	      STR_ARG(uid->id), STR_ARG(n->name), near.len ? "; did you mean '" : "", STR_ARG(near),
	      near.len ? "'?" : "");
}

/* Depth is capped by the parser: CEDAR_DEPTH_MAX. */
static void check_names(struct validator *v, const struct cedar_expr *e)
{
	if (e->op == CEDAR_OP_LIT && e->lit.kind == CEDAR_ENTITY)
		check_uid(v, e->lit.uid, e->pos);
	if (e->op == CEDAR_OP_IS)
		check_type(v, e->name, e->pos);
	for (uint32_t i = 0; i < e->count; i++)
		check_names(v, e->args[i]);
}

static void check_scope_names(struct validator *v, const struct cedar_scope *s)
{
	if (s->kind == CEDAR_SCOPE_IS || s->kind == CEDAR_SCOPE_IS_IN)
		check_type(v, s->type, s->pos);
	if (s->uid)
		check_uid(v, s->uid, s->pos);
	for (uint32_t i = 0; s->kind == CEDAR_SCOPE_IN_SET && i < s->count; i++)
		check_uid(v, s->uids[i], s->pos);
}

/* --- scopes: is there an action that may apply at all? --- */

/* The actions a scope names, looked up once for a policy. */
static void find_scope_actions(struct validator *v)
{
	const struct cedar_scope *s = &v->policy->action;
	const struct cedar_uid *const *uids = s->kind == CEDAR_SCOPE_IN_SET ? s->uids : &s->uid;
	uint32_t count = s->kind == CEDAR_SCOPE_IN_SET ? s->count : s->uid != NULL;

	v->named = arena_alloc(v->scope, count + 1u, sizeof(*v->named));
	v->named_count = v->named ? count : 0;
	v->is_full |= !v->named;
	v->is_list_wrong = s->kind == CEDAR_SCOPE_IN_SET && !count;
	for (uint32_t i = 0; i < v->named_count; i++) {
		v->named[i] = schema_action_of(v->schema, uids[i]->type, uids[i]->id);
		v->is_list_wrong |= s->kind == CEDAR_SCOPE_IN_SET &&
				    (!v->named[i] || uids[i]->type != uids[0]->type);
	}
}

/* As Cedar 4.10: an unknown action in a list makes the whole list apply to nothing. */
static bool action_in_scope(const struct validator *v, const struct schema_action *a)
{
	enum cedar_scope_kind kind = v->policy->action.kind;
	bool found = kind == CEDAR_SCOPE_ANY;

	for (uint32_t i = 0; i < v->named_count; i++) {
		const struct schema_action *b = v->named[i];
		if (!b)
			return false;
		found |= a == b || (kind != CEDAR_SCOPE_EQ && schema_action_is_below(a, b));
	}
	return found;
}

static bool entity_may_be_in(const struct validator *v, const struct schema_entity *n,
			     const struct cedar_uid *uid)
{
	const struct schema_entity *above = schema_entity_of(v->schema, uid->type);

	return above && (n == above || schema_entity_is_below(n, above));
}

static bool entity_in_scope(const struct validator *v, const struct cedar_scope *s,
			    const struct schema_entity *n)
{
	switch (s->kind) {
	case CEDAR_SCOPE_EQ:
		return s->is_slot || n->num == s->uid->type;
	case CEDAR_SCOPE_IN:
		return s->is_slot || entity_may_be_in(v, n, s->uid);
	case CEDAR_SCOPE_IS:
		return n->num == s->type;
	case CEDAR_SCOPE_IS_IN:
		return n->num == s->type && (s->is_slot || entity_may_be_in(v, n, s->uid));
	default:
		return true;
	}
}

static bool any_in_scope(const struct validator *v, const struct cedar_scope *s,
			 const struct schema_entity **list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (entity_in_scope(v, s, list[i]))
			return true;
	return false;
}

static void check_application(struct validator *v)
{
	const struct cedar_policy *p = v->policy;

	for (size_t i = 0; i < v->schema->action_count; i++) {
		const struct schema_action *a = &v->schema->actions[i];
		if (any_in_scope(v, &p->principal, a->principals, a->principal_count) &&
		    any_in_scope(v, &p->resource, a->resources, a->resource_count) &&
		    action_in_scope(v, a))
			return;
	}
	error(v, p->pos, "no action of the schema applies to such a principal and resource");
}

/* --- scopes as expressions, so that they are typed like any other --- */

static struct cedar_expr *node(struct validator *v, enum cedar_op op, struct cedar_pos pos,
			       uint32_t count)
{
	struct cedar_expr *e = arena_alloc(v->scope, 1, sizeof(*e));
	const struct cedar_expr **args = arena_alloc(v->scope, count + 1, sizeof(*args));

	if (!e || !args)
		return NULL;
	e->op = op;
	e->pos = pos;
	e->count = count;
	e->args = args;
	return e;
}

static void set_arg(const struct cedar_expr *e, uint32_t i, const struct cedar_expr *arg)
{
	((const struct cedar_expr **)e->args)[i] = arg;
}

static struct cedar_expr *uid_node(struct validator *v, struct cedar_pos pos,
				   const struct cedar_uid *uid)
{
	struct cedar_expr *e = node(v, CEDAR_OP_LIT, pos, 0);

	if (e)
		e->lit = cedar_entity(uid);
	return e;
}

static struct cedar_expr *target_node(struct validator *v, const struct cedar_scope *s,
				      enum cedar_var var)
{
	struct cedar_expr *e;

	if (s->kind == CEDAR_SCOPE_IN_SET) {
		e = node(v, CEDAR_OP_SET, s->pos, s->count);
		for (uint32_t i = 0; e && i < s->count; i++)
			set_arg(e, i, uid_node(v, s->pos, s->uids[i]));
		return e;
	}
	if (!s->is_slot)
		return s->uid ? uid_node(v, s->pos, s->uid) : NULL;
	e = node(v, CEDAR_OP_SLOT, s->pos, 0);
	if (e)
		e->slot = var == CEDAR_VAR_PRINCIPAL ? CEDAR_SLOT_PRINCIPAL : CEDAR_SLOT_RESOURCE;
	return e;
}

/* NULL for a scope that asks nothing. */
static const struct cedar_expr *scope_node(struct validator *v, const struct cedar_scope *s,
					   enum cedar_var var)
{
	static const enum cedar_op ops[] = {
		[CEDAR_SCOPE_EQ] = CEDAR_OP_EQ,     [CEDAR_SCOPE_IN] = CEDAR_OP_IN,
		[CEDAR_SCOPE_IN_SET] = CEDAR_OP_IN, [CEDAR_SCOPE_IS] = CEDAR_OP_IS,
		[CEDAR_SCOPE_IS_IN] = CEDAR_OP_IS,
	};

	if (s->kind == CEDAR_SCOPE_ANY)
		return NULL;
	struct cedar_expr *e = node(v, ops[s->kind], s->pos, s->kind == CEDAR_SCOPE_IS ? 1 : 2);
	struct cedar_expr *subject = node(v, CEDAR_OP_VAR, s->pos, 0);
	if (!e || !subject)
		return NULL;
	subject->var = var;
	set_arg(e, 0, subject);
	if (e->op == CEDAR_OP_IS)
		e->name = s->type;
	if (s->kind != CEDAR_SCOPE_IS)
		set_arg(e, 1, target_node(v, s, var));
	return e;
}

/* --- one policy on all kinds of requests --- */

struct scopes {
	const struct cedar_expr *exprs[3];
};

static void make_scopes(struct validator *v, struct scopes *out)
{
	const struct cedar_policy *p = v->policy;

	*out = (struct scopes){ { scope_node(v, &p->principal, CEDAR_VAR_PRINCIPAL),
				  scope_node(v, &p->action, CEDAR_VAR_ACTION),
				  scope_node(v, &p->resource, CEDAR_VAR_RESOURCE) } };
	v->is_full |= arena_is_full(v->scope);
}

enum outcome { IMPOSSIBLE, POSSIBLE, WRONG };

static enum outcome outcome_of(bool ok, const struct typed *t, bool is_negated)
{
	enum schema_kind never = is_negated ? SCHEMA_TRUE : SCHEMA_FALSE;

	if (!ok)
		return WRONG;
	return t->type->kind == never ? IMPOSSIBLE : POSSIBLE;
}

/* What the typechecker would find of most kinds of requests, at a glance: the head asks for another
 * type or another action. */
static bool head_is_of(const struct cedar_scope *s, const struct schema_entity *n)
{
	if (s->kind == CEDAR_SCOPE_IS || s->kind == CEDAR_SCOPE_IS_IN)
		return s->type == n->num;
	return s->kind != CEDAR_SCOPE_EQ || s->is_slot || s->uid->type == n->num;
}

static bool head_may_hold(const struct cedar_policy *p, const struct typecheck_env *env)
{
	const struct cedar_scope *a = &p->action;

	return head_is_of(&p->principal, env->principal) &&
	       head_is_of(&p->resource, env->resource) &&
	       (a->kind != CEDAR_SCOPE_EQ || str_eq(a->uid->id, env->action->id));
}

/* Scope and conditions are one conjunction: what cannot hold ends it. */
static enum outcome check_env(struct validator *v, const struct scopes *scopes,
			      const struct typecheck_env *env)
{
	struct typecheck c = { v->schema, env, v->scratch, note_error, v };
	const struct cap *known = NULL;
	enum outcome whole = POSSIBLE;
	struct typed t;

	if (!head_may_hold(v->policy, env))
		return IMPOSSIBLE;
	arena_reset(v->scratch);
	v->env = env;
	for (size_t i = 0; i < countof(scopes->exprs); i++)
		if (scopes->exprs[i]) {
			enum outcome o = outcome_of(typecheck_bool(&c, NULL, scopes->exprs[i], &t),
						    &t, false);
			if (o == IMPOSSIBLE)
				return o;
			whole = o == WRONG ? WRONG : whole;
		}
	for (uint32_t i = 0; i < v->policy->condition_count; i++) {
		const struct cedar_condition *cond = &v->policy->conditions[i];
		enum outcome o =
			outcome_of(typecheck_bool(&c, known, cond->body, &t), &t, cond->is_unless);
		if (o == IMPOSSIBLE)
			return o;
		whole = o == WRONG ? WRONG : whole;
		if (o == POSSIBLE && !cond->is_unless)
			known = cap_union(known, t.caps, v->scratch);
	}
	v->is_full |= arena_is_full(v->scratch);
	return whole;
}

/* A template is checked with every type that could make its scope hold: that of the
 * variable and, unless the scope says ==, all above it. */
static size_t slot_types(const struct validator *v, enum cedar_slot slot,
			 const struct cedar_scope *s, const struct schema_entity *n)
{
	return v->policy->slots & slot && s->kind != CEDAR_SCOPE_EQ ? n->ancestor_count + 1 : 1;
}

static const struct schema_type *slot_type(const struct schema_entity *n, size_t i)
{
	return i ? n->ancestors[i - 1]->type : n->type;
}

static void check_slots(struct validator *v, const struct scopes *scopes, struct typecheck_env *env,
			bool *is_possible)
{
	const struct cedar_policy *p = v->policy;
	size_t principals = slot_types(v, CEDAR_SLOT_PRINCIPAL, &p->principal, env->principal);
	size_t resources = slot_types(v, CEDAR_SLOT_RESOURCE, &p->resource, env->resource);

	for (size_t i = 0; i < principals; i++)
		for (size_t k = 0; k < resources && !v->is_full; k++) {
			env->principal_slot = slot_type(env->principal, i);
			env->resource_slot = slot_type(env->resource, k);
			*is_possible |= check_env(v, scopes, env) != IMPOSSIBLE;
		}
}

/* An action outside the scope makes it False without a look; but a list that is empty, or
 * has an unknown name or actions of two types, is an error to be found. */
static bool may_skip(const struct validator *v, const struct schema_action *a)
{
	return !v->is_list_wrong && !action_in_scope(v, a);
}

static void check_action_envs(struct validator *v, const struct scopes *scopes,
			      const struct schema_action *a, bool *is_possible)
{
	const struct cedar_policy *policy = v->policy;

	/* A type outside the scope makes it False, whatever the rest. */
	for (size_t r = 0; r < a->resource_count; r++) {
		if (!entity_in_scope(v, &policy->resource, a->resources[r]))
			continue;
		for (size_t p = 0; p < a->principal_count && !v->is_full; p++) {
			struct typecheck_env env = { .principal = a->principals[p],
						     .resource = a->resources[r],
						     .action = a };
			if (entity_in_scope(v, &policy->principal, env.principal))
				check_slots(v, scopes, &env, is_possible);
		}
	}
}

static void check_envs(struct validator *v)
{
	struct scopes scopes;
	bool is_possible = false;

	make_scopes(v, &scopes);
	for (size_t i = 0; i < v->schema->action_count && !v->is_full; i++)
		if (!may_skip(v, &v->schema->actions[i]))
			check_action_envs(v, &scopes, &v->schema->actions[i], &is_possible);
	v->env = NULL;
	if (!is_possible)
		note(v, true, v->policy->pos,
		     STR("this policy can never be satisfied: on every request the schema allows, "
			 "some part of it is false"));
}

static void begin(struct validator *v, const struct cedar_policy *p)
{
	v->policy = p;
	v->env = NULL;
	v->mine = NULL;
	v->mine_count = 0;
	arena_reset(v->scope);
	find_scope_actions(v);
}

static void check_policy(struct validator *v, const struct cedar_policy *p)
{
	begin(v, p);
	check_scope_names(v, &p->principal);
	check_scope_names(v, &p->action);
	check_scope_names(v, &p->resource);
	for (uint32_t i = 0; i < p->condition_count; i++)
		check_names(v, p->conditions[i].body);
	check_application(v);
	check_envs(v);
}

/* A link: its template is checked for all types, so what is left is what fills it. */
static void check_link(struct validator *v, const struct cedar_policy *p)
{
	begin(v, p);
	if (p->bound_principal)
		check_type(v, p->bound_principal->type, p->pos);
	if (p->bound_resource)
		check_type(v, p->bound_resource->type, p->pos);
	check_application(v);
}

static void first_error(const struct validator *v, struct err *e)
{
	const struct list *l = v->first;

	while (l && l->finding.is_warning)
		l = l->next;
	if (!l) {
		err_set(e, ERR_INPUT, "policies do not validate");
		return;
	}
	const struct validate_finding *f = &l->finding;
	if (f->pos.source)
		cedar_err_at(e, f->pos, STR_FMT, STR_ARG(f->text));
	else
		err_set(e, ERR_INPUT, "policy '" STR_FMT "': " STR_FMT, STR_ARG(f->policy),
			STR_ARG(f->text));
	if (f->where.len)
		err_hint(e, "when asked: " STR_FMT, STR_ARG(f->where));
}

static bool finish(struct validator *v, struct err *e)
{
	struct validate_finding *all = arena_alloc(v->mem, v->kept + 1, sizeof(*all));
	size_t n = 0;

	if (!all || v->is_full)
		return err_set(e, ERR_INPUT, "policies are too large to validate");
	for (const struct list *l = v->first; l; l = l->next)
		all[n++] = l->finding;
	v->out->findings = all;
	v->out->count = n;
	if (v->out->error_count)
		first_error(v, e);
	return v->out->error_count == 0;
}

bool cedar_validate(const struct schema *s, const struct cedar_policies *p, struct arena *mem,
		    struct validate_report *out, struct err *e)
{
	struct validator v = { .schema = s,
			       .mem = mem,
			       .scratch = arena_new(SCRATCH_MAX),
			       .scope = arena_new(SCRATCH_MAX),
			       .out = out };

	*out = (struct validate_report){ 0 };
	for (uint32_t i = 0; i < p->template_count && !v.is_full; i++)
		check_policy(&v, p->templates[i]);
	for (uint32_t i = 0; i < p->count && !v.is_full; i++) {
		if (p->policies[i]->template_of)
			check_link(&v, p->policies[i]);
		else
			check_policy(&v, p->policies[i]);
	}
	arena_free(v.scratch);
	arena_free(v.scope);
	return finish(&v, e);
}
