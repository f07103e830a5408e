#include "cedar/world.h"

static const struct cedar_record nothing;

static const struct cedar_entity *local_find(struct world *w, const struct cedar_uid *uid)
{
	for (uint32_t i = 0; i < w->request->local_count; i++)
		if (uid_same(w->request->locals[i].uid, uid))
			return &w->request->locals[i];
	return NULL;
}

const struct cedar_record *world_attrs(struct world *w, const struct cedar_uid *uid)
{
	const struct cedar_entity *local = local_find(w, uid);

	if (local)
		return local->attrs ? local->attrs : &nothing;
	uint32_t slot = cedar_entities_slot(w->store, uid);
	return slot == CEDAR_SLOT_NONE ? NULL : cedar_entities_attrs(w->store, slot);
}

const struct cedar_record *world_tags(struct world *w, const struct cedar_uid *uid)
{
	const struct cedar_entity *local = local_find(w, uid);

	if (local)
		return local->tags ? local->tags : &nothing;
	uint32_t slot = cedar_entities_slot(w->store, uid);
	return slot == CEDAR_SLOT_NONE ? NULL : cedar_entities_tags(w->store, slot);
}

static bool stored_in(struct world *w, const struct cedar_uid *uid, const struct cedar_uid *above)
{
	uint32_t low = cedar_entities_slot(w->store, uid);
	uint32_t high = cedar_entities_slot(w->store, above);

	return low != CEDAR_SLOT_NONE && high != CEDAR_SLOT_NONE &&
	       cedar_entities_in(w->store, low, high);
}

/* Locals may stand on one another; a chain is no longer than there are locals. */
static bool in_by(struct world *w, const struct cedar_uid *uid, const struct cedar_uid *above,
		  uint32_t left)
{
	if (cedar_uid_eq(uid, above))
		return true;
	const struct cedar_entity *local = local_find(w, uid);
	if (!local)
		return stored_in(w, uid, above);
	for (uint32_t i = 0; left && i < local->parent_count; i++)
		if (in_by(w, local->parents[i], above, left - 1))
			return true;
	return false;
}

bool world_in(struct world *w, const struct cedar_uid *uid, const struct cedar_uid *above)
{
	return in_by(w, uid, above, w->request->local_count);
}

static void seat_add(struct seat *s, const struct cedar_uid *uid)
{
	if (s->above_count == WORLD_ABOVE_MAX)
		s->is_cut = true;
	else
		s->above[s->above_count++] = uid;
}

static void seat_add_stored(struct world *w, struct seat *s, uint32_t slot)
{
	uint32_t count;
	const uint32_t *above = cedar_entities_ancestors(w->store, slot, &count);

	for (uint32_t i = 0; i < count && !s->is_cut; i++)
		seat_add(s, cedar_entities_uid(w->store, above[i]));
}

static void seat_add_local(struct world *w, struct seat *s, const struct cedar_entity *local,
			   uint32_t left)
{
	for (uint32_t i = 0; i < local->parent_count && !s->is_cut; i++) {
		const struct cedar_uid *parent = local->parents[i];
		seat_add(s, parent);
		const struct cedar_entity *next = local_find(w, parent);
		if (next && left) {
			seat_add_local(w, s, next, left - 1);
			continue;
		}
		uint32_t slot = cedar_entities_slot(w->store, parent);
		if (!next && slot != CEDAR_SLOT_NONE)
			seat_add_stored(w, s, slot);
	}
}

void seat_find(struct world *w, struct seat *s)
{
	s->is_found = true;
	s->local = local_find(w, s->uid);
	if (s->local) {
		s->attrs = s->local->attrs ? s->local->attrs : &nothing;
		return;
	}
	s->slot = cedar_entities_slot(w->store, s->uid);
	s->attrs = s->slot == CEDAR_SLOT_NONE ? NULL : cedar_entities_attrs(w->store, s->slot);
}

void seat_gather(struct world *w, struct seat *s)
{
	if (!s->is_found)
		seat_find(w, s);
	s->is_gathered = true;
	s->is_cut = false;
	s->above_count = 0;
	if (s->local)
		seat_add_local(w, s, s->local, w->request->local_count);
	else if (s->slot != CEDAR_SLOT_NONE)
		seat_add_stored(w, s, s->slot);
}

void world_seat(struct world *w, enum cedar_var var, const struct cedar_uid *uid)
{
	struct seat *s = &w->seats[var];

	s->uid = uid;
	s->is_found = false;
	s->is_gathered = false;
}

void world_seat_stored(struct world *w, enum cedar_var var, uint32_t slot)
{
	struct seat *s = &w->seats[var];

	s->uid = cedar_entities_uid(w->store, slot);
	s->local = NULL;
	s->slot = slot;
	s->attrs = cedar_entities_attrs(w->store, slot);
	s->is_found = true;
	s->is_gathered = false;
}

void world_init(struct world *w, const struct cedar_entities *store,
		const struct cedar_request *request)
{
	w->store = store;
	w->request = request;
	w->context = request->context ? request->context : &nothing;
	world_seat(w, CEDAR_VAR_PRINCIPAL, request->principal);
	world_seat(w, CEDAR_VAR_ACTION, request->action);
	world_seat(w, CEDAR_VAR_RESOURCE, request->resource);
}
