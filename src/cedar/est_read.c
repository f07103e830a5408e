/* est_read.c - policies, templates, links and sets from JSON. */
#include "cedar/est_read.h"

#include "cedar/lex.h"
#include "cedar/parse.h"

static bool no_room(struct est_reader *r, const struct cedar_json *json)
{
	return cedar_err_at(r->e, json->pos, "too large");
}

static bool read_slot(struct est_reader *r, const struct cedar_json *slot, enum cedar_slot own,
		      struct cedar_policy *policy, struct cedar_scope *scope)
{
	const char *name = own == CEDAR_SLOT_PRINCIPAL ? "?principal" : "?resource";

	if (slot->kind != CEDAR_JSON_TEXT || !str_eqz(slot->text, name))
		return cedar_err_at(r->e, slot->pos, "the slot here is \"%s\"", name);
	scope->is_slot = true;
	policy->slots |= own;
	return true;
}

/* The members "entity" or "slot". */
static bool read_target(struct est_reader *r, const struct cedar_json *json, enum cedar_slot own,
			struct cedar_policy *policy, struct cedar_scope *scope)
{
	const struct cedar_json *entity = cedar_json_get(json, "entity");
	const struct cedar_json *slot = cedar_json_get(json, "slot");

	if (!entity == !slot)
		return cedar_err_at(r->e, json->pos, "expected 'entity' or 'slot'");
	return entity ? cedar_uid_read(&r->data, entity, &scope->uid, r->e)
		      : read_slot(r, slot, own, policy, scope);
}

static bool read_op(struct est_reader *r, const struct cedar_json *policy, const char *name,
		    const struct cedar_json **scope, struct str *op)
{
	static const char *const members[] = { "op",          "entity", "slot",
					       "entity_type", "in",     "entities" };
	const struct cedar_json *text;

	if (!cedar_json_member(policy, name, CEDAR_JSON_MAP, scope, r->e) ||
	    !cedar_json_member(*scope, "op", CEDAR_JSON_TEXT, &text, r->e) ||
	    !cedar_json_only(*scope, members, countof(members), r->e))
		return false;
	*op = text->text;
	return true;
}

static bool read_is(struct est_reader *r, const struct cedar_json *json, enum cedar_slot own,
		    struct cedar_policy *policy, struct cedar_scope *scope)
{
	const struct cedar_json *in = cedar_json_get(json, "in");

	scope->kind = in ? CEDAR_SCOPE_IS_IN : CEDAR_SCOPE_IS;
	return est_type(r, json, &scope->type) && (!in || read_target(r, in, own, policy, scope));
}

static bool read_scope(struct est_reader *r, const struct cedar_json *json, enum cedar_slot own,
		       struct cedar_policy *policy, struct cedar_scope *scope)
{
	const char *name = own == CEDAR_SLOT_PRINCIPAL ? "principal" : "resource";
	const struct cedar_json *inner;
	struct str op;

	if (!read_op(r, json, name, &inner, &op))
		return false;
	scope->pos = inner->pos;
	if (str_eqz(op, "All") || str_eqz(op, "all"))
		return true;
	if (str_eqz(op, "is"))
		return read_is(r, inner, own, policy, scope);
	if (!str_eqz(op, "==") && !str_eqz(op, "in"))
		return cedar_err_at(r->e, inner->pos,
				    "%s: expected All, ==, in or is, found '" STR_FMT "'", name,
				    STR_ARG(op));
	scope->kind = str_eqz(op, "==") ? CEDAR_SCOPE_EQ : CEDAR_SCOPE_IN;
	return read_target(r, inner, own, policy, scope);
}

static bool read_action_uid(struct est_reader *r, const struct cedar_json *json,
			    const struct cedar_uid **out)
{
	if (!cedar_uid_read(&r->data, json, out, r->e))
		return false;
	struct str type = cedar_names_text(r->data.names, (*out)->type);
	return schema_is_action_type(type) ||
	       cedar_err_at(r->e, json->pos, "expected an action, found a " STR_FMT, STR_ARG(type));
}

static bool read_actions(struct est_reader *r, const struct cedar_json *list,
			 struct cedar_scope *scope)
{
	const struct cedar_uid **uids = arena_alloc(r->data.mem, list->count + 1u, sizeof(*uids));

	if (!uids)
		return no_room(r, list);
	for (uint32_t i = 0; i < list->count; i++)
		if (!read_action_uid(r, &list->items[i], &uids[i]))
			return false;
	scope->kind = CEDAR_SCOPE_IN_SET;
	scope->uids = (const struct cedar_uid *const *)uids;
	scope->count = list->count;
	return true;
}

static bool read_action(struct est_reader *r, const struct cedar_json *json,
			struct cedar_scope *scope)
{
	const struct cedar_json *inner, *entity;
	struct str op;

	if (!read_op(r, json, "action", &inner, &op))
		return false;
	scope->pos = inner->pos;
	if (str_eqz(op, "All") || str_eqz(op, "all"))
		return true;
	if (!str_eqz(op, "==") && !str_eqz(op, "in"))
		return cedar_err_at(r->e, inner->pos,
				    "action: expected All, == or in, found '" STR_FMT "'",
				    STR_ARG(op));
	scope->kind = str_eqz(op, "==") ? CEDAR_SCOPE_EQ : CEDAR_SCOPE_IN;
	const struct cedar_json *list = cedar_json_get(inner, "entities");
	if (scope->kind == CEDAR_SCOPE_IN && list)
		return cedar_json_want(list, CEDAR_JSON_LIST, "entities", r->e) &&
		       read_actions(r, list, scope);
	return cedar_json_member(inner, "entity", CEDAR_JSON_MAP, &entity, r->e) &&
	       read_action_uid(r, entity, &scope->uid);
}

static bool read_annotations(struct est_reader *r, const struct cedar_json *json,
			     struct cedar_policy *policy)
{
	const struct cedar_json *map = cedar_json_get(json, "annotations");

	if (!map)
		return true;
	if (!cedar_json_want(map, CEDAR_JSON_MAP, "annotations", r->e))
		return false;
	struct cedar_annotation *list = arena_alloc(r->data.mem, map->count + 1u, sizeof(*list));
	if (!list)
		return no_room(r, map);
	for (uint32_t i = 0; i < map->count; i++) {
		const struct cedar_json *value = &map->items[i];
		if (!cedar_is_ident(map->keys[i]))
			return cedar_err_at(r->e, value->pos, "'" STR_FMT "' is not an annotation",
					    STR_ARG(map->keys[i]));
		list[i].key = map->keys[i];
		list[i].pos = value->pos;
		list[i].has_value = value->kind != CEDAR_JSON_NULL;
		if (list[i].has_value &&
		    !cedar_json_want(value, CEDAR_JSON_TEXT, "an annotation", r->e))
			return false;
		list[i].value = list[i].has_value ? value->text : (struct str){ 0 };
	}
	policy->annotations = list;
	policy->annotation_count = map->count;
	return true;
}

static bool read_condition(struct est_reader *r, const struct cedar_json *json,
			   struct cedar_condition *out)
{
	static const char *const members[] = { "kind", "body" };
	const struct cedar_json *kind, *body;

	if (!cedar_json_want(json, CEDAR_JSON_MAP, "a condition", r->e) ||
	    !cedar_json_only(json, members, countof(members), r->e) ||
	    !cedar_json_member(json, "kind", CEDAR_JSON_TEXT, &kind, r->e) ||
	    !cedar_json_member(json, "body", CEDAR_JSON_MAP, &body, r->e))
		return false;
	out->pos = json->pos;
	out->is_unless = str_eqz(kind->text, "unless");
	if (!out->is_unless && !str_eqz(kind->text, "when"))
		return cedar_err_at(r->e, kind->pos, "expected when or unless, found '" STR_FMT "'",
				    STR_ARG(kind->text));
	out->body = est_expr(r, body);
	return out->body != NULL;
}

static bool read_conditions(struct est_reader *r, const struct cedar_json *json,
			    struct cedar_policy *policy)
{
	const struct cedar_json *list;

	if (!cedar_json_member(json, "conditions", CEDAR_JSON_LIST, &list, r->e))
		return false;
	struct cedar_condition *conditions =
		arena_alloc(r->data.mem, list->count + 1u, sizeof(*conditions));
	if (!conditions)
		return no_room(r, list);
	for (uint32_t i = 0; i < list->count; i++)
		if (!read_condition(r, &list->items[i], &conditions[i]))
			return false;
	policy->conditions = conditions;
	policy->condition_count = list->count;
	return true;
}

static bool read_effect(struct est_reader *r, const struct cedar_json *json,
			struct cedar_policy *policy)
{
	const struct cedar_json *effect;

	if (!cedar_json_member(json, "effect", CEDAR_JSON_TEXT, &effect, r->e))
		return false;
	policy->effect = str_eqz(effect->text, "permit") ? CEDAR_PERMIT : CEDAR_FORBID;
	return policy->effect == CEDAR_PERMIT || str_eqz(effect->text, "forbid") ||
	       cedar_err_at(r->e, effect->pos, "expected permit or forbid, found '" STR_FMT "'",
			    STR_ARG(effect->text));
}

static const struct cedar_policy *read_policy(struct est_reader *r, const struct cedar_json *json,
					      struct str id)
{
	static const char *const members[] = { "effect",   "principal",  "action",
					       "resource", "conditions", "annotations" };
	struct cedar_policy *policy = arena_alloc(r->data.mem, 1, sizeof(*policy));

	if (!policy) {
		(void)no_room(r, json);
		return NULL;
	}
	policy->pos = json->pos;
	policy->id = id;
	bool ok = cedar_json_want(json, CEDAR_JSON_MAP, "a policy", r->e) &&
		  cedar_json_only(json, members, countof(members), r->e) &&
		  read_effect(r, json, policy) &&
		  read_scope(r, json, CEDAR_SLOT_PRINCIPAL, policy, &policy->principal) &&
		  read_action(r, json, &policy->action) &&
		  read_scope(r, json, CEDAR_SLOT_RESOURCE, policy, &policy->resource) &&
		  read_conditions(r, json, policy) && read_annotations(r, json, policy);
	return ok ? policy : NULL;
}

bool cedar_policy_read(struct cedar_names *names, const struct cedar_json *json, struct str id,
		       struct arena *mem, const struct cedar_policy **out, struct err *e)
{
	struct est_reader r = { .data = { .names = names, .mem = mem }, .e = e };
	struct str own = arena_dup(mem, id);

	*out = own.ptr ? read_policy(&r, json, own) : NULL;
	return *out || (!own.ptr && no_room(&r, json));
}

/* A map from ids to policies, or to templates. */
static bool read_map(struct est_reader *r, const struct cedar_json *set, const char *name,
		     bool are_templates, const struct cedar_policy *const **out, uint32_t *count)
{
	const struct cedar_json *map = cedar_json_get(set, name);

	*count = map ? map->count : 0;
	if (!map)
		return true;
	if (!cedar_json_want(map, CEDAR_JSON_MAP, name, r->e))
		return false;
	const struct cedar_policy **list = arena_alloc(r->data.mem, map->count + 1u, sizeof(*list));
	if (!list)
		return no_room(r, map);
	for (uint32_t i = 0; i < map->count; i++) {
		list[i] = read_policy(r, &map->items[i], map->keys[i]);
		if (!list[i])
			return err_in(r->e, "'" STR_FMT "'", STR_ARG(map->keys[i]));
		if (!list[i]->slots == are_templates)
			return cedar_err_at(r->e, map->items[i].pos,
					    "'" STR_FMT "' has %s slot: it belongs in '%s'",
					    STR_ARG(map->keys[i]), are_templates ? "no" : "a",
					    are_templates ? "staticPolicies" : "templates");
	}
	*out = (const struct cedar_policy *const *)list;
	return true;
}

static bool read_slots(struct est_reader *r, const struct cedar_json *link,
		       const struct cedar_uid **principal, const struct cedar_uid **resource)
{
	static const char *const slots[] = { "?principal", "?resource" };
	const struct cedar_json *values;

	if (!cedar_json_member(link, "values", CEDAR_JSON_MAP, &values, r->e) ||
	    !cedar_json_only(values, slots, countof(slots), r->e))
		return false;
	const struct cedar_json *p = cedar_json_get(values, slots[0]);
	const struct cedar_json *q = cedar_json_get(values, slots[1]);
	return (!p || cedar_uid_read(&r->data, p, principal, r->e)) &&
	       (!q || cedar_uid_read(&r->data, q, resource, r->e));
}

static const struct cedar_policy *find_template(const struct cedar_policies *set, struct str id)
{
	for (uint32_t i = 0; i < set->template_count; i++)
		if (str_eq(set->templates[i]->id, id))
			return set->templates[i];
	return NULL;
}

static bool read_link(struct est_reader *r, const struct cedar_json *json,
		      const struct cedar_policies *set, const struct cedar_policy **out)
{
	static const char *const members[] = { "templateId", "newId", "values" };
	const struct cedar_uid *principal = NULL, *resource = NULL;
	const struct cedar_json *of, *id;

	if (!cedar_json_want(json, CEDAR_JSON_MAP, "a link", r->e) ||
	    !cedar_json_only(json, members, countof(members), r->e) ||
	    !cedar_json_member(json, "templateId", CEDAR_JSON_TEXT, &of, r->e) ||
	    !cedar_json_member(json, "newId", CEDAR_JSON_TEXT, &id, r->e) ||
	    !read_slots(r, json, &principal, &resource))
		return false;
	const struct cedar_policy *tmpl = find_template(set, of->text);
	if (!tmpl)
		return cedar_err_at(r->e, of->pos, "there is no template '" STR_FMT "'",
				    STR_ARG(of->text));
	return cedar_policy_link(tmpl, id->text, principal, resource, r->data.mem, out, r->e);
}

static bool read_links(struct est_reader *r, const struct cedar_json *json,
		       const struct cedar_policies *set, struct cedar_policies *out)
{
	const struct cedar_json *list = cedar_json_get(json, "templateLinks");

	*out = (struct cedar_policies){ 0 };
	if (!list)
		return true;
	if (!cedar_json_want(list, CEDAR_JSON_LIST, "templateLinks", r->e))
		return false;
	const struct cedar_policy **links =
		arena_alloc(r->data.mem, list->count + 1u, sizeof(*links));
	if (!links)
		return no_room(r, list);
	for (uint32_t i = 0; i < list->count; i++)
		if (!read_link(r, &list->items[i], set, &links[i]))
			return false;
	out->policies = (const struct cedar_policy *const *)links;
	out->count = list->count;
	return true;
}

bool cedar_policies_read(struct cedar_names *names, const struct cedar_json *json,
			 struct arena *mem, struct cedar_policies *out, struct err *e)
{
	static const char *const members[] = { "staticPolicies", "templates", "templateLinks" };
	struct est_reader r = { .data = { .names = names, .mem = mem }, .e = e };
	struct cedar_policies set = { 0 }, links;

	return cedar_json_want(json, CEDAR_JSON_MAP, "a policy set", e) &&
	       cedar_json_only(json, members, countof(members), e) &&
	       read_map(&r, json, "staticPolicies", false, &set.policies, &set.count) &&
	       read_map(&r, json, "templates", true, &set.templates, &set.template_count) &&
	       read_links(&r, json, &set, &links) && cedar_policies_join(&set, &links, mem, out, e);
}
