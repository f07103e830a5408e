/* data_store.c - lists of entities into a store, the schema's actions among them. */
#include "cedar/data.h"

#include "cedar/lex.h"

static struct str uid_type(const struct cedar_reader *r, const struct cedar_uid *uid)
{
	return cedar_names_text(r->names, uid->type);
}

static bool same_record(const struct cedar_record *a, const struct cedar_record *b)
{
	static const struct cedar_record empty;
	struct cedar_value x = { .kind = CEDAR_RECORD, .record = a ? a : &empty };
	struct cedar_value y = { .kind = CEDAR_RECORD, .record = b ? b : &empty };

	return cedar_value_eq(x, y);
}

static bool has_uid(const struct cedar_uid *const *list, uint32_t count,
		    const struct cedar_uid *uid)
{
	for (uint32_t i = 0; i < count; i++)
		if (cedar_uid_eq(list[i], uid))
			return true;
	return false;
}

/* The store's parents are a set: each of them must be named, and nothing else. */
static bool same_parents(const struct cedar_entities *store, uint32_t slot,
			 const struct cedar_entity *entity)
{
	uint32_t count;
	const uint32_t *parents = cedar_entities_parents(store, slot, &count);

	for (uint32_t i = 0; i < count; i++)
		if (!has_uid(entity->parents, entity->parent_count,
			     cedar_entities_uid(store, parents[i])))
			return false;
	for (uint32_t i = 0; i < entity->parent_count; i++) {
		bool is_known = false;
		for (uint32_t k = 0; k < count && !is_known; k++)
			is_known = cedar_uid_eq(cedar_entities_uid(store, parents[k]),
						entity->parents[i]);
		if (!is_known)
			return false;
	}
	return true;
}

static bool put_new(struct cedar_entities *into, const struct cedar_entity *entity,
		    const struct cedar_json *json, struct err *e)
{
	uint32_t slot = cedar_entities_slot(into, entity->uid);

	if (slot == CEDAR_SLOT_NONE || !cedar_entities_is_present(into, slot))
		return cedar_entities_put(into, entity, e);
	if (same_record(cedar_entities_attrs(into, slot), entity->attrs) &&
	    same_record(cedar_entities_tags(into, slot), entity->tags) &&
	    same_parents(into, slot, entity))
		return true;
	return cedar_err_at(e, json->pos, "entity '" STR_FMT "' occurs twice, and differently",
			    STR_ARG(entity->uid->id));
}

static const struct cedar_uid *action_uid(const struct cedar_reader *r,
					  const struct schema_action *action)
{
	return cedar_uid_new(r->mem, action->type_num, action->id);
}

static bool put_action(const struct cedar_reader *r, const struct schema_action *action,
		       struct cedar_entities *into, struct err *e)
{
	const struct cedar_uid **parents =
		arena_alloc(r->mem, action->parent_count + 1, sizeof(*parents));
	struct cedar_entity entity = { .uid = action_uid(r, action), .parents = parents };

	if (!parents || !entity.uid)
		return err_set(e, ERR_INPUT, "too large");
	for (size_t i = 0; i < action->parent_count; i++) {
		parents[i] = action_uid(r, action->parents[i]);
		if (!parents[i])
			return err_set(e, ERR_INPUT, "too large");
	}
	entity.parent_count = (uint32_t)action->parent_count;
	return cedar_entities_put(into, &entity, e);
}

bool cedar_entities_put_actions(const struct cedar_reader *r, struct cedar_entities *into,
				struct err *e)
{
	for (size_t i = 0; r->schema && i < r->schema->action_count; i++)
		if (!put_action(r, &r->schema->actions[i], into, e))
			return false;
	return true;
}

static bool is_above(const struct schema_action *action, const struct cedar_uid *uid)
{
	for (size_t i = 0; i < action->ancestor_count; i++)
		if (action->ancestors[i]->type_num == uid->type &&
		    str_eq(action->ancestors[i]->id, uid->id))
			return true;
	return false;
}

/* Is `above` among the parents the data names, or above one of them? */
static bool reaches(const struct cedar_reader *r, const struct cedar_entity *entity,
		    const struct schema_action *above)
{
	for (uint32_t i = 0; i < entity->parent_count; i++) {
		const struct cedar_uid *uid = entity->parents[i];
		const struct schema_action *parent =
			schema_action_of(r->schema, uid->type, uid->id);
		if (parent == above || (parent && schema_action_is_below(parent, above)))
			return true;
	}
	return false;
}

/* An action in the data may only repeat the schema: parents that lead to its ancestors, all of them
 * and no others, and no attributes. */
static bool check_action(const struct cedar_reader *r, const struct cedar_entity *entity,
			 const struct cedar_json *json, struct err *e)
{
	const struct schema_action *action =
		schema_action_of(r->schema, entity->uid->type, entity->uid->id);

	if (!action)
		return cedar_err_at(e, json->pos,
				    "the schema has no action " STR_FMT "::'" STR_FMT "'",
				    STR_ARG(uid_type(r, entity->uid)), STR_ARG(entity->uid->id));
	bool is_same = entity->attrs->count == 0;
	for (uint32_t i = 0; i < entity->parent_count; i++)
		is_same = is_same && is_above(action, entity->parents[i]);
	for (size_t i = 0; i < action->ancestor_count; i++)
		is_same = is_same && reaches(r, entity, action->ancestors[i]);
	return is_same ||
	       cedar_err_at(e, json->pos, "action '" STR_FMT "' is not as the schema declares it",
			    STR_ARG(entity->uid->id));
}

bool cedar_entities_read(const struct cedar_reader *r, const struct cedar_json *json,
			 struct cedar_entities *into, struct err *e)
{
	if (!cedar_json_want(json, CEDAR_JSON_LIST, "entities", e))
		return false;
	for (uint32_t i = 0; i < json->count; i++) {
		struct cedar_entity entity;
		if (!cedar_entity_read(r, &json->items[i], &entity, e))
			return false;
		bool is_action = r->schema && schema_is_action_type(uid_type(r, entity.uid));
		if (is_action ? !check_action(r, &entity, &json->items[i], e)
			      : !put_new(into, &entity, &json->items[i], e))
			return false;
	}
	return cedar_entities_put_actions(r, into, e);
}
