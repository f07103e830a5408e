/* parse.c - policies and templates: annotations, scope, conditions; linking and sets. */
#include "cedar/parse.h"

#include "base/map.h"
#include "cedar/parse_expr.h"

static bool no_room(struct cedar_parse *p)
{
	return cedar_parse_no_room(p) != NULL;
}

static bool has_annotation(const struct cedar_policy *policy, struct str key)
{
	return cedar_policy_annotation(policy, key) != NULL;
}

/* @key("value") or @key; any word may be a key. */
static bool parse_annotation(struct cedar_parse *p, struct cedar_annotation *a)
{
	struct cedar_token key = p->lex.token;

	if (key.kind != CEDAR_TOKEN_IDENT)
		return cedar_lex_expected(&p->lex, "the name of an annotation");
	a->pos = key.pos;
	a->key = arena_dup(p->mem, key.text);
	cedar_lex_next(&p->lex);
	if (!cedar_lex_take(&p->lex, "("))
		return a->key.ptr || no_room(p);
	a->has_value = true;
	if (p->lex.token.kind != CEDAR_TOKEN_STRING)
		return cedar_lex_expected(&p->lex, "a string");
	if (!cedar_unescape(&p->lex, p->lex.token, p->mem, &a->value))
		return false;
	cedar_lex_next(&p->lex);
	return cedar_lex_want(&p->lex, ")") && (a->key.ptr || no_room(p));
}

static bool parse_annotations(struct cedar_parse *p, struct cedar_policy *policy)
{
	struct cedar_annotation *list = NULL;

	while (cedar_lex_take(&p->lex, "@")) {
		struct cedar_annotation a = { 0 };
		if (!parse_annotation(p, &a))
			return false;
		if (has_annotation(policy, a.key))
			return cedar_lex_fail(&p->lex, a.pos,
					      "annotation @" STR_FMT " occurs twice",
					      STR_ARG(a.key));
		struct cedar_annotation *slot =
			cedar_list_add(p->mem, &list, &policy->annotation_count, sizeof(*slot));
		if (!slot)
			return no_room(p);
		*slot = a;
		policy->annotations = list;
	}
	return true;
}

static bool parse_effect(struct cedar_parse *p, struct cedar_policy *policy)
{
	static const char *const effects[] = { "forbid", "permit" };
	struct cedar_token t = p->lex.token;

	policy->pos = t.pos;
	if (cedar_lex_take(&p->lex, "permit")) {
		policy->effect = CEDAR_PERMIT;
		return true;
	}
	if (cedar_lex_take(&p->lex, "forbid"))
		return true;
	(void)cedar_lex_expected(&p->lex, "permit or forbid");
	if (t.kind == CEDAR_TOKEN_IDENT)
		cedar_parse_suggest(p, t.text, effects, countof(effects));
	return false;
}

static bool parse_slot(struct cedar_parse *p, enum cedar_slot own, struct cedar_policy *policy,
		       struct cedar_scope *scope)
{
	const char *name = own == CEDAR_SLOT_PRINCIPAL ? "?principal" : "?resource";

	if (!str_eqz(p->lex.token.text, name))
		return cedar_lex_fail(&p->lex, p->lex.token.pos,
				      "expected %s or an entity here, found `" STR_FMT "`", name,
				      STR_ARG(p->lex.token.text));
	cedar_lex_next(&p->lex);
	scope->is_slot = true;
	policy->slots |= own;
	return true;
}

/* User::"alice" or ?principal, in any number of parentheses. */
static bool parse_target(struct cedar_parse *p, enum cedar_slot own, struct cedar_policy *policy,
			 struct cedar_scope *scope)
{
	uint32_t parens = 0;

	while (cedar_lex_take(&p->lex, "("))
		parens++;
	if (p->lex.token.kind == CEDAR_TOKEN_SLOT) {
		if (!parse_slot(p, own, policy, scope))
			return false;
	} else {
		if (p->lex.token.kind != CEDAR_TOKEN_IDENT)
			return cedar_lex_expected(&p->lex, "an entity, as in User::\"alice\"");
		scope->uid = cedar_parse_uid(p);
		if (!scope->uid)
			return false;
	}
	for (; parens; parens--)
		if (!cedar_lex_want(&p->lex, ")"))
			return false;
	return true;
}

/* principal | principal == e | principal in e | principal is T | principal is T in e */
static bool parse_scope(struct cedar_parse *p, enum cedar_var var, struct cedar_policy *policy,
			struct cedar_scope *scope)
{
	enum cedar_slot own =
		var == CEDAR_VAR_PRINCIPAL ? CEDAR_SLOT_PRINCIPAL : CEDAR_SLOT_RESOURCE;

	scope->pos = p->lex.token.pos;
	if (!cedar_lex_want(&p->lex, cedar_var_name(var)))
		return false;
	if (cedar_lex_take(&p->lex, "==")) {
		scope->kind = CEDAR_SCOPE_EQ;
		return parse_target(p, own, policy, scope);
	}
	if (cedar_lex_take(&p->lex, "is")) {
		scope->kind = CEDAR_SCOPE_IS;
		if (!cedar_lex_path(&p->lex, p->names, &scope->type))
			return false;
	}
	if (!cedar_lex_take(&p->lex, "in"))
		return true;
	scope->kind = scope->kind == CEDAR_SCOPE_IS ? CEDAR_SCOPE_IS_IN : CEDAR_SCOPE_IN;
	return parse_target(p, own, policy, scope);
}

static bool is_action_type(struct str type)
{
	return str_eqz(type, "Action") || str_ends(type, STR("::Action"));
}

static const struct cedar_uid *parse_action(struct cedar_parse *p)
{
	struct cedar_pos pos = p->lex.token.pos;
	uint32_t parens = 0;

	while (cedar_lex_take(&p->lex, "("))
		parens++;
	const struct cedar_uid *uid = cedar_parse_uid(p);
	for (; uid && parens; parens--)
		if (!cedar_lex_want(&p->lex, ")"))
			return NULL;
	if (uid && !is_action_type(cedar_names_text(p->names, uid->type))) {
		(void)cedar_lex_fail(&p->lex, pos,
				     "expected an action, as in Action::\"view\", found a " STR_FMT,
				     STR_ARG(cedar_names_text(p->names, uid->type)));
		return NULL;
	}
	return uid;
}

static bool parse_actions(struct cedar_parse *p, struct cedar_scope *scope)
{
	const struct cedar_uid **uids = NULL;

	scope->kind = CEDAR_SCOPE_IN_SET;
	while (!cedar_lex_take(&p->lex, "]")) {
		const struct cedar_uid *uid = parse_action(p);
		const struct cedar_uid **slot =
			uid ? cedar_list_add(p->mem, &uids, &scope->count, sizeof(*slot)) : NULL;
		if (!slot)
			return no_room(p);
		*slot = uid;
		if (!cedar_lex_take(&p->lex, ",") && !cedar_lex_is(&p->lex, "]"))
			return cedar_lex_expected(&p->lex, "`,` or `]`");
	}
	scope->uids = (const struct cedar_uid *const *)uids;
	return true;
}

static bool parse_action_scope(struct cedar_parse *p, struct cedar_scope *scope)
{
	scope->pos = p->lex.token.pos;
	if (!cedar_lex_want(&p->lex, "action"))
		return false;
	if (cedar_lex_take(&p->lex, "=="))
		scope->kind = CEDAR_SCOPE_EQ;
	else if (cedar_lex_take(&p->lex, "in"))
		scope->kind = CEDAR_SCOPE_IN;
	else
		return true;
	if (scope->kind == CEDAR_SCOPE_IN && cedar_lex_take(&p->lex, "["))
		return parse_actions(p, scope);
	scope->uid = parse_action(p);
	return scope->uid != NULL;
}

static bool parse_head(struct cedar_parse *p, struct cedar_policy *policy)
{
	if (!cedar_lex_want(&p->lex, "(") ||
	    !parse_scope(p, CEDAR_VAR_PRINCIPAL, policy, &policy->principal) ||
	    !cedar_lex_want(&p->lex, ",") || !parse_action_scope(p, &policy->action) ||
	    !cedar_lex_want(&p->lex, ",") ||
	    !parse_scope(p, CEDAR_VAR_RESOURCE, policy, &policy->resource))
		return false;
	(void)cedar_lex_take(&p->lex, ",");
	return cedar_lex_want(&p->lex, ")");
}

static bool parse_condition(struct cedar_parse *p, struct cedar_condition *c)
{
	c->pos = p->lex.token.pos;
	c->is_unless = cedar_lex_is(&p->lex, "unless");
	cedar_lex_next(&p->lex);
	if (!cedar_lex_want(&p->lex, "{"))
		return false;
	c->body = cedar_parse_expr(p);
	return c->body && cedar_lex_want(&p->lex, "}");
}

static bool parse_conditions(struct cedar_parse *p, struct cedar_policy *policy)
{
	static const char *const words[] = { "when", "unless" };
	struct cedar_condition *list = NULL;

	while (cedar_lex_is(&p->lex, "when") || cedar_lex_is(&p->lex, "unless")) {
		struct cedar_condition *c =
			cedar_list_add(p->mem, &list, &policy->condition_count, sizeof(*c));
		if (!c)
			return no_room(p);
		if (!parse_condition(p, c))
			return false;
	}
	policy->conditions = list;
	struct cedar_token t = p->lex.token;
	if (cedar_lex_take(&p->lex, ";"))
		return true;
	(void)cedar_lex_expected(&p->lex, "when, unless or `;`");
	if (t.kind == CEDAR_TOKEN_IDENT)
		cedar_parse_suggest(p, t.text, words, countof(words));
	return false;
}

/* The id stays empty: the caller knows it. */
static struct cedar_policy *parse_policy(struct cedar_parse *p)
{
	struct cedar_policy *policy = arena_alloc(p->mem, 1, sizeof(*policy));

	if (!policy)
		return cedar_parse_no_room(p);
	if (!parse_annotations(p, policy) || !parse_effect(p, policy) || !parse_head(p, policy) ||
	    !parse_conditions(p, policy))
		return NULL;
	return policy;
}

static void start(struct cedar_parse *p, struct cedar_names *names,
		  const struct cedar_source *source, struct arena *mem, struct err *e)
{
	*p = (struct cedar_parse){ .names = names, .mem = mem };
	cedar_lex_init(&p->lex, source, e);
}

static bool at_end(struct cedar_parse *p)
{
	return cedar_lex_ok(&p->lex) &&
	       (p->lex.token.kind == CEDAR_TOKEN_END || cedar_lex_expected(&p->lex, "the end"));
}

bool cedar_policies_parse(struct cedar_names *names, const struct cedar_source *source,
			  struct arena *mem, struct cedar_policies *out, struct err *e)
{
	struct cedar_parse p;
	const struct cedar_policy **policies = NULL, **templates = NULL;

	*out = (struct cedar_policies){ 0 };
	start(&p, names, source, mem, e);
	while (cedar_lex_ok(&p.lex) && p.lex.token.kind != CEDAR_TOKEN_END) {
		struct cedar_policy *policy = parse_policy(&p);
		if (!policy)
			return false;
		policy->id = arena_printf(mem, "policy%u", out->count + out->template_count);
		const struct cedar_policy **slot =
			policy->slots ? cedar_list_add(mem, &templates, &out->template_count,
						       sizeof(*slot))
				      : cedar_list_add(mem, &policies, &out->count, sizeof(*slot));
		if (!slot || !policy->id.ptr)
			return no_room(&p);
		*slot = policy;
	}
	out->policies = policies;
	out->templates = templates;
	return cedar_lex_ok(&p.lex);
}

bool cedar_policy_parse(struct cedar_names *names, const struct cedar_source *source, struct str id,
			struct arena *mem, const struct cedar_policy **out, struct err *e)
{
	struct cedar_parse p;

	start(&p, names, source, mem, e);
	struct cedar_policy *policy = parse_policy(&p);
	if (!policy || !at_end(&p))
		return false;
	policy->id = arena_dup(mem, id);
	*out = policy;
	return policy->id.ptr || no_room(&p);
}

bool cedar_expr_parse(struct cedar_names *names, const struct cedar_source *source,
		      struct arena *mem, const struct cedar_expr **out, struct err *e)
{
	struct cedar_parse p;

	start(&p, names, source, mem, e);
	*out = cedar_parse_expr(&p);
	return *out && at_end(&p);
}

bool cedar_uid_parse(struct cedar_names *names, struct str text, struct arena *mem,
		     const struct cedar_uid **out, struct err *e)
{
	const struct cedar_source source = { .text = text };
	struct cedar_parse p;

	start(&p, names, &source, mem, e);
	*out = cedar_parse_uid(&p);
	return *out && at_end(&p);
}

static bool fill_slot(struct cedar_scope *scope, const struct cedar_uid *uid, const char *name,
		      struct str id, struct err *e)
{
	if (scope->is_slot && !uid)
		return err_set(e, ERR_INPUT, "link '" STR_FMT "': slot %s is not filled",
			       STR_ARG(id), name);
	if (!scope->is_slot && uid)
		return err_set(e, ERR_INPUT, "link '" STR_FMT "': the template has no slot %s",
			       STR_ARG(id), name);
	scope->uid = scope->is_slot ? uid : scope->uid;
	scope->is_slot = false;
	return true;
}

bool cedar_policy_link(const struct cedar_policy *tmpl, struct str id,
		       const struct cedar_uid *principal, const struct cedar_uid *resource,
		       struct arena *mem, const struct cedar_policy **out, struct err *e)
{
	struct cedar_policy *link = arena_alloc(mem, 1, sizeof(*link));

	if (!link)
		return err_set(e, ERR_INPUT, "too large");
	if (!tmpl->slots)
		return err_set(e, ERR_INPUT, "link '" STR_FMT "': '" STR_FMT "' is not a template",
			       STR_ARG(id), STR_ARG(tmpl->id));
	*link = *tmpl;
	link->id = arena_dup(mem, id);
	link->template_of = tmpl;
	link->bound_principal = principal;
	link->bound_resource = resource;
	link->slots = 0;
	*out = link;
	if (!link->id.ptr)
		return err_set(e, ERR_INPUT, "too large");
	return fill_slot(&link->principal, principal, "?principal", id, e) &&
	       fill_slot(&link->resource, resource, "?resource", id, e);
}

static bool add_ids(struct map *ids, const struct cedar_policy *const *list, uint32_t count,
		    struct err *e)
{
	for (uint32_t i = 0; i < count; i++)
		if (map_put(ids, list[i]->id, (void *)(uintptr_t)list[i]))
			return err_set(e, ERR_INPUT, "two policies have the id '" STR_FMT "'",
				       STR_ARG(list[i]->id));
	return true;
}

static bool ids_differ(const struct cedar_policies *set, struct err *e)
{
	struct map *ids = map_new();
	bool ok = add_ids(ids, set->policies, set->count, e) &&
		  add_ids(ids, set->templates, set->template_count, e);

	map_free(ids);
	return ok;
}

static const struct cedar_policy *const *join(const struct cedar_policy *const *a, uint32_t a_count,
					      const struct cedar_policy *const *b, uint32_t b_count,
					      struct arena *mem)
{
	const struct cedar_policy **all =
		arena_alloc(mem, (size_t)a_count + b_count + 1, sizeof(*all));

	if (all && a_count)
		memcpy(all, a, a_count * sizeof(*all));
	if (all && b_count)
		memcpy(all + a_count, b, b_count * sizeof(*all));
	return all;
}

bool cedar_policies_join(const struct cedar_policies *a, const struct cedar_policies *b,
			 struct arena *mem, struct cedar_policies *out, struct err *e)
{
	*out = (struct cedar_policies){
		.policies = join(a->policies, a->count, b->policies, b->count, mem),
		.count = a->count + b->count,
		.templates =
			join(a->templates, a->template_count, b->templates, b->template_count, mem),
		.template_count = a->template_count + b->template_count,
	};
	if (!out->policies || !out->templates)
		return err_set(e, ERR_INPUT, "too large");
	return ids_differ(out, e);
}

static bool rename_list(const struct cedar_policy *const *from, uint32_t count, struct arena *mem,
			const struct cedar_policy *const **out, struct err *e)
{
	const struct cedar_policy **list = arena_alloc(mem, count + 1u, sizeof(*list));

	for (uint32_t i = 0; list && i < count; i++) {
		const struct cedar_annotation *id = cedar_policy_annotation(from[i], STR("id"));
		struct cedar_policy *copy = arena_alloc(mem, 1, sizeof(*copy));
		if (!copy)
			return err_set(e, ERR_INPUT, "too large");
		*copy = *from[i];
		copy->id = id ? id->value : copy->id;
		list[i] = copy;
	}
	*out = (const struct cedar_policy *const *)list;
	return list || err_set(e, ERR_INPUT, "too large");
}

bool cedar_policies_rename(const struct cedar_policies *from, struct arena *mem,
			   struct cedar_policies *out, struct err *e)
{
	*out = *from;
	return rename_list(from->policies, from->count, mem, &out->policies, e) &&
	       rename_list(from->templates, from->template_count, mem, &out->templates, e) &&
	       ids_differ(out, e);
}
