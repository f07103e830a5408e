/* entities.h - the store of entities a decision looks into.
 *
 * Every uid the store has ever heard of (as an entity or as somebody's parent) has a slot, a small
 * number that stays its own while the store lives.  A slot may be vacant: a parent nobody described
 * still counts for `in`.  Slots are dense, so compiled policies and requests hold slots, not uids.
 *
 * One writer, in place: _put adds or replaces one entity and costs what that entity costs (other
 * entities' ancestor lists are touched only when its parents changed and somebody is below it).
 * Readers hold the store const and must not be in a decision meanwhile; pointers into an entity are
 * good until that entity is next put or removed.  The store copies all it is given.
 */
#pragma once

#include "cedar/value.h"

struct cedar_entities;

#define CEDAR_SLOT_NONE UINT32_MAX

/* One entity, as given to _put: everything borrowed for the call. */
struct cedar_entity {
	const struct cedar_uid *uid;
	const struct cedar_record *attrs; /* NULL: none */
	const struct cedar_record *tags;  /* NULL: none; keys are names too */
	const struct cedar_uid *const *parents;
	uint32_t parent_count;
};

struct cedar_entities *cedar_entities_new(void);
void cedar_entities_free(struct cedar_entities *store); /* NULL is fine */

/* Adds or replaces.  ERR_INPUT when an entity would be its own ancestor, or a value is nested
 * deeper than CEDAR_DEPTH_MAX. */
bool cedar_entities_put(struct cedar_entities *store, const struct cedar_entity *entity,
			struct err *e);
bool cedar_entities_remove(struct cedar_entities *store,
			   const struct cedar_uid *uid);         /* was there */
size_t cedar_entities_count(const struct cedar_entities *store); /* not counting vacant slots */

/* Gives a uid a (vacant) slot if it has none: for the literals of a policy set. */
uint32_t cedar_entities_reserve(struct cedar_entities *store, const struct cedar_uid *uid);
/* CEDAR_SLOT_NONE when never heard of.  No allocation. */
uint32_t cedar_entities_slot(const struct cedar_entities *store, const struct cedar_uid *uid);
/* Tells the machine that this uid will be looked for soon. */
void cedar_entities_prefetch(const struct cedar_entities *store, const struct cedar_uid *uid);
uint32_t cedar_entities_slot_count(const struct cedar_entities *store); /* slots are 0..count-1 */
size_t cedar_entities_bytes(const struct cedar_entities *store);        /* asked of the heap */

const struct cedar_uid *cedar_entities_uid(const struct cedar_entities *store, uint32_t slot);
bool cedar_entities_is_present(const struct cedar_entities *store, uint32_t slot); /* not vacant */
/* Never NULL for a present entity; NULL for a vacant slot. */
const struct cedar_record *cedar_entities_attrs(const struct cedar_entities *store, uint32_t slot);
const struct cedar_record *cedar_entities_tags(const struct cedar_entities *store, uint32_t slot);
/* Direct parents, as slots. */
const uint32_t *cedar_entities_parents(const struct cedar_entities *store, uint32_t slot,
				       uint32_t *out_count);
/* All ancestors, as slots, ascending; the entity itself is not among them. */
const uint32_t *cedar_entities_ancestors(const struct cedar_entities *store, uint32_t slot,
					 uint32_t *out_count);
/* Cedar's `in`: equal or an ancestor. */
bool cedar_entities_in(const struct cedar_entities *store, uint32_t slot, uint32_t ancestor);
