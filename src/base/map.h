/* map.h - find a value by its name: a hash table keyed by bytes.
 *
 * Keys are copied.  Hashing is keyed with a secret per process (SipHash-2-4), so
 * that names chosen by a stranger cannot pile up in one bucket.  Values are the
 * caller's: the map never frees them.
 */
#pragma once

#include "base/str.h"

struct map;

struct map *map_new(void);
void map_free(struct map *m); /* NULL is fine; values stay the caller's */

void *map_get(const struct map *m, struct str key);        /* NULL when absent */
void *map_put(struct map *m, struct str key, void *value); /* value not NULL; returns the old one */
void *map_take(struct map *m, struct str key);             /* removes; NULL when absent */
size_t map_count(const struct map *m);

/* Walks in no order; *at starts at 0.  Nothing may be put or taken meanwhile. */
bool map_next(const struct map *m, size_t *at, struct str *key, void **value);

uint64_t map_hash(struct bytes b); /* the keyed hash itself */
