#include "cedar/conform.h"

static struct str name_of(const struct schema *s, uint32_t num)
{
	return cedar_names_text(s->names, num);
}

static bool in_uid(const struct schema *s, const struct cedar_uid *uid, struct err *e)
{
	struct str type = name_of(s, uid->type);

	return err_in(e, STR_FMT "::'" STR_FMT "'", STR_ARG(type), STR_ARG(uid->id));
}

/* --- values --- */

/* An entity that is named: enumerated ids and actions must be declared. */
static bool check_uid(const struct schema *s, const struct cedar_uid *uid, struct err *e)
{
	if (schema_is_action_num(s, uid->type)) {
		if (schema_action_of(s, uid->type, uid->id))
			return true;
		err_set(e, ERR_INPUT, "there is no such action");
		return in_uid(s, uid, e);
	}
	const struct schema_entity *n = schema_entity_of(s, uid->type);
	if (!n || schema_entity_has_id(n, uid->id))
		return true;
	err_set(e, ERR_INPUT, "this is not one of the ids of its type");
	return in_uid(s, uid, e);
}

static bool want(const struct schema_type *type, const char *got, struct err *e)
{
	enum { LONGEST = 80 };
	auto_buf struct buf b = { 0 };

	buf_init(&b, LONGEST);
	schema_type_print(type, &b);
	return err_set(e, ERR_INPUT, "want " STR_FMT "%s, this is %s", STR_ARG(buf_str(&b)),
		       b.is_full ? "..." : "", got);
}

static bool check_set(const struct schema *s, const struct schema_type *type,
		      const struct cedar_set *set, struct err *e)
{
	for (uint32_t i = 0; i < set->count; i++)
		if (!cedar_conform_value(s, type->element, set->items[i], e))
			return err_in(e, "an element");
	return true;
}

static bool check_required(const struct schema_type *type, const struct cedar_record *record,
			   struct err *e)
{
	for (size_t i = 0; i < type->attr_count; i++) {
		const struct schema_attr *a = &type->attrs[i];
		if (!a->is_optional && cedar_record_get(record, a->num).kind == CEDAR_NONE)
			return err_set(e, ERR_INPUT, "attribute '" STR_FMT "' is missing",
				       STR_ARG(a->name));
	}
	return true;
}

static bool fail_unexpected(const struct schema_type *type, struct str name, struct err *e)
{
	struct str near = schema_attr_nearest(type, name);

	return err_set(e, ERR_INPUT, "attribute '" STR_FMT "' is not declared%s" STR_FMT "%s",
		       STR_ARG(name), near.len ? "; did you mean '" : "", STR_ARG(near),
		       near.len ? "'?" : "");
}

/* NULL is an empty record. */
static bool check_record(const struct schema *s, const struct schema_type *type,
			 const struct cedar_record *record, struct err *e)
{
	for (uint32_t i = 0; record && i < record->count; i++) {
		struct str name = name_of(s, record->names[i]);
		const struct schema_attr *a = schema_attr_find(type, name);
		if (!a)
			return fail_unexpected(type, name, e);
		if (!cedar_conform_value(s, a->type, record->values[i], e))
			return err_in(e, STR_FMT, STR_ARG(name));
	}
	return check_required(type, record, e);
}

static bool check_entity_value(const struct schema *s, const struct schema_type *type,
			       const struct cedar_uid *uid, struct err *e)
{
	char got[128];

	if (uid->type == type->num)
		return check_uid(s, uid, e);
	(void)snprintf(got, sizeof(got), "an entity of type " STR_FMT,
		       STR_ARG(name_of(s, uid->type)));
	return want(type, got, e);
}

/* The kind a value of this type has, for types that say no more than that. */
static enum cedar_kind kind_of(const struct schema_type *type)
{
	static const struct {
		const char *name;
		enum cedar_kind kind;
	} extensions[] = {
		{ "ipaddr", CEDAR_IP },
		{ "decimal", CEDAR_DECIMAL },
		{ "datetime", CEDAR_DATETIME },
		{ "duration", CEDAR_DURATION },
	};
	static const enum cedar_kind kinds[] = {
		[SCHEMA_BOOL] = CEDAR_BOOL,     [SCHEMA_LONG] = CEDAR_LONG,
		[SCHEMA_STRING] = CEDAR_STRING, [SCHEMA_SET] = CEDAR_SET,
		[SCHEMA_RECORD] = CEDAR_RECORD, [SCHEMA_ENTITY] = CEDAR_ENTITY,
	};

	for (size_t i = 0; type->kind == SCHEMA_EXTENSION && i < countof(extensions); i++)
		if (str_eqz(type->name, extensions[i].name))
			return extensions[i].kind;
	return (size_t)type->kind < countof(kinds) ? kinds[type->kind] : CEDAR_NONE;
}

/* Depth ends with the type's: SCHEMA_DEPTH_MAX. */
bool cedar_conform_value(const struct schema *s, const struct schema_type *type,
			 struct cedar_value v, struct err *e)
{
	if (v.kind == CEDAR_UNKNOWN)
		return true;
	if (v.kind == CEDAR_NONE || v.kind != kind_of(type))
		return want(type, cedar_kind_name(v.kind), e);
	switch (v.kind) {
	case CEDAR_SET:
		return check_set(s, type, v.set, e);
	case CEDAR_RECORD:
		return check_record(s, type, v.record, e);
	case CEDAR_ENTITY:
		return check_entity_value(s, type, v.uid, e);
	default:
		return true;
	}
}

/* --- requests --- */

static bool applies(const struct schema_entity **list, size_t count, const struct schema_entity *n)
{
	for (size_t i = 0; i < count; i++)
		if (list[i] == n)
			return true;
	return false;
}

static bool fail_type(const struct schema *s, const struct cedar_uid *uid, const char *what,
		      struct err *e)
{
	struct str type = name_of(s, uid->type), near = schema_entity_nearest(s, type);

	return err_set(e, ERR_INPUT, "%s: there is no entity type " STR_FMT "%s" STR_FMT "%s", what,
		       STR_ARG(type), near.len ? "; did you mean " : "", STR_ARG(near),
		       near.len ? "?" : "");
}

static bool check_party(const struct schema *s, const struct cedar_uid *uid, const char *what,
			const struct schema_entity **out, struct err *e)
{
	*out = schema_entity_of(s, uid->type);
	if (!*out)
		return fail_type(s, uid, what, e);
	return check_uid(s, uid, e) || err_in(e, "%s", what);
}

static const struct schema_action *find_action(const struct schema *s, const struct cedar_uid *uid,
					       struct err *e)
{
	const struct schema_action *a = schema_action_of(s, uid->type, uid->id);

	if (!a) {
		struct str near = schema_action_nearest(s, uid->id);
		err_set(e, ERR_INPUT, "there is no action '" STR_FMT "'%s" STR_FMT "%s",
			STR_ARG(uid->id), near.len ? "; did you mean '" : "", STR_ARG(near),
			near.len ? "'?" : "");
	}
	return a;
}

static bool fail_applies(const struct schema_action *a, const struct schema_entity *n,
			 const char *what, struct err *e)
{
	return err_set(e, ERR_INPUT, "action '" STR_FMT "' does not take a %s of type " STR_FMT,
		       STR_ARG(a->id), what, STR_ARG(n->name));
}

bool cedar_conform_context(const struct schema *s, const struct cedar_uid *action,
			   const struct cedar_record *context, struct err *e)
{
	const struct schema_action *a = find_action(s, action, e);

	return a && (check_record(s, a->context, context, e) || err_in(e, "context"));
}

bool cedar_conform_request(const struct schema *s, const struct cedar_uid *principal,
			   const struct cedar_uid *action, const struct cedar_uid *resource,
			   const struct cedar_record *context, struct err *e)
{
	const struct schema_entity *p, *r;

	if (!check_party(s, principal, "principal", &p, e) ||
	    !check_party(s, resource, "resource", &r, e))
		return false;
	const struct schema_action *a = find_action(s, action, e);
	if (!a)
		return false;
	if (!applies(a->principals, a->principal_count, p))
		return fail_applies(a, p, "principal", e);
	if (!applies(a->resources, a->resource_count, r))
		return fail_applies(a, r, "resource", e);
	return cedar_conform_context(s, action, context, e);
}

/* --- entities --- */

/* The entities above one: from a list, or by the store's slots. */
struct above {
	const struct cedar_uid *const *uids;
	const struct cedar_entities *store;
	const uint32_t *slots;
	uint32_t count;
};

static const struct cedar_uid *above_at(const struct above *a, uint32_t i)
{
	return a->uids ? a->uids[i] : cedar_entities_uid(a->store, a->slots[i]);
}

static bool has_above(const struct above *a, uint32_t type, struct str id)
{
	struct cedar_uid want_uid = cedar_uid_of(type, id);

	for (uint32_t i = 0; i < a->count; i++)
		if (cedar_uid_eq(above_at(a, i), &want_uid))
			return true;
	return false;
}

static bool is_empty(const struct cedar_record *record)
{
	return !record || !record->count;
}

static bool check_action(const struct schema *s, const struct cedar_entity *n,
			 const struct above *above, struct err *e)
{
	const struct schema_action *a = schema_action_of(s, n->uid->type, n->uid->id);
	bool is_same = a && is_empty(n->attrs) && is_empty(n->tags);

	if (!a)
		return err_set(e, ERR_INPUT, "there is no such action");
	for (size_t i = 0; is_same && i < a->ancestor_count; i++)
		is_same = has_above(above, a->ancestors[i]->type_num, a->ancestors[i]->id);
	for (uint32_t i = 0; is_same && i < above->count; i++) {
		const struct cedar_uid *uid = above_at(above, i);
		const struct schema_action *b = schema_action_of(s, uid->type, uid->id);
		is_same = b && schema_action_is_below(a, b);
	}
	return is_same || err_set(e, ERR_INPUT, "this action is not as the schema declares it");
}

static bool check_above(const struct schema *s, const struct schema_entity *n,
			const struct above *above, struct err *e)
{
	for (uint32_t i = 0; i < above->count; i++) {
		const struct cedar_uid *uid = above_at(above, i);
		const struct schema_entity *up = schema_entity_of(s, uid->type);
		if (!up || !schema_entity_is_below(n, up))
			return err_set(e, ERR_INPUT,
				       "a " STR_FMT " has no ancestor of type " STR_FMT,
				       STR_ARG(n->name), STR_ARG(name_of(s, uid->type)));
		if (!check_uid(s, uid, e))
			return err_in(e, "parent");
	}
	return true;
}

static bool check_tags(const struct schema *s, const struct schema_entity *n,
		       const struct cedar_record *tags, struct err *e)
{
	if (!is_empty(tags) && !n->tags)
		return err_set(e, ERR_INPUT, "a " STR_FMT " has no tags", STR_ARG(n->name));
	for (uint32_t i = 0; tags && i < tags->count; i++)
		if (!cedar_conform_value(s, n->tags, tags->values[i], e))
			return err_in(e, "tag '" STR_FMT "'", STR_ARG(name_of(s, tags->names[i])));
	return true;
}

static bool check_entity(const struct schema *s, const struct cedar_entity *entity,
			 const struct above *above, struct err *e)
{
	const struct schema_entity *n;

	if (schema_is_action_num(s, entity->uid->type))
		return check_action(s, entity, above, e);
	n = schema_entity_of(s, entity->uid->type);
	if (!n)
		return fail_type(s, entity->uid, "entity", e);
	if (!schema_entity_has_id(n, entity->uid->id))
		return err_set(e, ERR_INPUT, "this is not one of the ids of its type");
	return check_record(s, n->shape, entity->attrs, e) && check_tags(s, n, entity->tags, e) &&
	       check_above(s, n, above, e);
}

bool cedar_conform_entity(const struct schema *s, const struct cedar_entity *entity, struct err *e)
{
	const struct above above = { .uids = entity->parents, .count = entity->parent_count };

	return check_entity(s, entity, &above, e) || in_uid(s, entity->uid, e);
}

bool cedar_conform_entities(const struct schema *s, const struct cedar_entities *store,
			    struct err *e)
{
	for (uint32_t i = 0; i < cedar_entities_slot_count(store); i++) {
		if (!cedar_entities_is_present(store, i))
			continue;
		struct above above = { .store = store };
		above.slots = cedar_entities_ancestors(store, i, &above.count);
		const struct cedar_entity n = { .uid = cedar_entities_uid(store, i),
						.attrs = cedar_entities_attrs(store, i),
						.tags = cedar_entities_tags(store, i) };
		if (!check_entity(s, &n, &above, e))
			return in_uid(s, n.uid, e);
	}
	return true;
}
