/* world.h - what a decision can see: the request, and the store behind it.
 *
 * Inner header of the evaluator.  A world is set up once per decision and holds, for principal,
 * action and resource, what every policy asks about them: their attributes and who is above them.
 * It borrows store and request and allocates nothing.
 */
#pragma once

#include "cedar/authorize.h"

enum { WORLD_ABOVE_MAX = 64 }; /* ancestors kept at hand; more are looked up in the store */

/* One entity of the request, resolved. */
struct seat {
	const struct cedar_uid *uid;
	const struct cedar_record *attrs; /* NULL: no such entity */
	const struct cedar_uid *above[WORLD_ABOVE_MAX];
	uint32_t above_count;
	bool is_cut; /* more are above it than were kept */
};

struct world {
	const struct cedar_entities *store;
	const struct cedar_request *request;
	const struct cedar_record *context; /* never NULL */
	struct seat seats[3];               /* by CEDAR_VAR_PRINCIPAL, _ACTION, _RESOURCE */
};

void world_init(struct world *w, const struct cedar_entities *store,
		const struct cedar_request *request);
/* Puts another entity in a place: any, or one known to be in the store. */
void world_seat(struct world *w, enum cedar_var var, const struct cedar_uid *uid);
void world_seat_stored(struct world *w, enum cedar_var var, uint32_t slot);

/* NULL: there is no such entity. */
const struct cedar_record *world_attrs(const struct world *w, const struct cedar_uid *uid);
const struct cedar_record *world_tags(const struct world *w, const struct cedar_uid *uid);
/* Cedar's `in`: equal, or below.  An entity nobody described is below nothing. */
bool world_in(const struct world *w, const struct cedar_uid *uid, const struct cedar_uid *above);

/* The same for one of the request's own, without a look-up. */
static inline bool seat_in(const struct world *w, const struct seat *s,
			   const struct cedar_uid *above)
{
	if (cedar_uid_eq(s->uid, above))
		return true;
	for (uint32_t i = 0; i < s->above_count; i++)
		if (s->above[i]->hash == above->hash && cedar_uid_eq(s->above[i], above))
			return true;
	return s->is_cut && world_in(w, s->uid, above);
}
