/* index.h - which policies can this request concern at all?
 *
 * Inner header.  Each policy is filed once per action it names, under what its scope says of
 * principal and resource: nothing, a type, one entity, or everyone below one.  A request looks
 * under its own types, entities and ancestors.  Finding too much is harmless, for a candidate's
 * scope is checked again; finding too little cannot happen.
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
};

struct index;

struct index *index_new(const struct filing *filings, uint32_t count);
void index_free(struct index *index); /* NULL is fine */
size_t index_bytes(const struct index *index);

/* Called with runs of policy numbers; a policy may come more than once. */
typedef void index_fn(void *ctx, const uint32_t *policies, uint32_t count);
void index_find(const struct index *index, const struct world *w, index_fn *each, void *ctx);
