/* world.h - what a decision can see: the request, and the store behind it.
 *
 * Inner header of the evaluator.  A world is set up once per decision and holds, for principal,
 * action and resource, what every policy asks about them: their attributes and, from when it is
 * first asked for, who is above them.  It borrows store and request and allocates nothing.
 */
#pragma once

#include "cedar/authorize.h"

enum { WORLD_ABOVE_MAX = 64 }; /* ancestors kept at hand; more are looked up in the store */

/* One entity of the request, resolved. */
struct seat {
	const struct cedar_uid *uid;
	bool is_found;    /* the next three are known: looked up when first asked for */
	bool is_gathered; /* and so is all that follows */
	bool is_cut;      /* more are above it than were kept */
	uint32_t slot;
	const struct cedar_entity *local; /* as described for this request; NULL: as stored */
	const struct cedar_record *attrs; /* NULL: no such entity */
	uint32_t above_count;
	const struct cedar_uid *above[WORLD_ABOVE_MAX];
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
const struct cedar_record *world_attrs(struct world *w, const struct cedar_uid *uid);
const struct cedar_record *world_tags(struct world *w, const struct cedar_uid *uid);
/* Cedar's `in`: equal, or below.  An entity nobody described is below nothing. */
bool world_in(struct world *w, const struct cedar_uid *uid, const struct cedar_uid *above);

void seat_find(struct world *w, struct seat *s);
void seat_gather(struct world *w, struct seat *s);

/* NULL: there is no such entity. */
static inline const struct cedar_record *seat_attrs(struct world *w, struct seat *s)
{
	if (!s->is_found)
		seat_find(w, s);
	return s->attrs;
}

/* Ids are short: two loads that may overlap compare up to 16 bytes. */
static inline bool id_same(const char *a, const char *b, size_t len)
{
	uint64_t x, y, v, w;

	if (len < 8 || len > 16)
		return memcmp(a, b, len) == 0;
	memcpy(&x, a, 8);
	memcpy(&y, b, 8);
	memcpy(&v, a + len - 8, 8);
	memcpy(&w, b + len - 8, 8);
	return x == y && v == w;
}

/* cedar_uid_eq without a call; most uids that differ do so in their hash. */
static inline bool uid_same(const struct cedar_uid *a, const struct cedar_uid *b)
{
	if (a == b)
		return true;
	if (a->hash != b->hash || a->type != b->type || a->id.len != b->id.len)
		return false;
	return a->id.ptr == b->id.ptr || id_same(a->id.ptr, b->id.ptr, a->id.len);
}

/* world_in for one of the request's own, without a look-up. */
static inline bool seat_in(struct world *w, struct seat *s, const struct cedar_uid *above)
{
	if (uid_same(s->uid, above))
		return true;
	if (!s->is_gathered)
		seat_gather(w, s);
	for (uint32_t i = 0; i < s->above_count; i++)
		if (uid_same(s->above[i], above))
			return true;
	return s->is_cut && world_in(w, s->uid, above);
}
