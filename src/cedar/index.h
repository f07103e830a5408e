/* index.h - which policies can this request concern at all?
 *
 * Inner header.  Each policy is filed once per action it names, under what its scope says of
 * principal and resource: nothing, a type, one entity, or everyone below one.  A request looks
 * under its own types, entities and ancestors.  Principal and resource are filed by hash: finding
 * too much is harmless, for a candidate's head is checked again; too little cannot happen.
 */
#pragma once

#include "cedar/world.h"

enum key_kind { KEY_ANY, KEY_TYPE, KEY_EQ, KEY_IN };

struct key {
	enum key_kind kind;
	uint32_t word; /* the type, or the uid's hash */
};

/* How one policy is to be filed. */
struct filing {
	struct key principal, resource;
	const struct cedar_uid *const *actions; /* NULL: any */
	uint32_t action_count;
	bool is_action_below; /* any of them or below it; else exactly that one */
};

struct index;

struct index *index_new(const struct filing *filings, uint32_t count);
void index_free(struct index *index); /* NULL is fine */
size_t index_bytes(const struct index *index);

/* Called with runs of policy numbers; a policy that names several actions may come more than once.
 * is_action_known: the head's action fits, and need not be looked at again. */
typedef void index_fn(void *ctx, const uint32_t *policies, uint32_t count, bool is_action_known);
void index_find(const struct index *index, struct world *w, index_fn *each, void *ctx);
