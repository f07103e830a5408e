/* world.h - what is known of principals, and what of it is new? (inside of policy.h)
 *
 * A policy set keeps its own Cedar entities of the world and brings them up to date
 * from the newest change back to the epoch it has seen.
 */
#pragma once

#include "model/policy.h"

struct world_entry {
	struct arena *mem;
	struct principal p;
	uint64_t changed; /* epoch */
	bool is_gone;     /* kept so that followers learn of it */
	struct world_entry *newer, *older;
};

/* By name, gone or not; NULL: never heard of.  It stays where it is as long as the world. */
const struct world_entry *world_find(const struct world *w, struct str kind, struct str id);
const struct world_entry *world_newest(const struct world *w); /* NULL: empty */
