/* arena.h - memory that lives as long as one request, message or packet.
 *
 * An arena has a hard limit.  Past it every allocation returns NULL and
 * arena_is_full() says so: the request is refused as ERR_INPUT "too large".
 * Nothing is freed alone; arena_reset() ends everything at once.
 */
#pragma once

#include "base/str.h"

struct arena;

struct arena *arena_new(size_t limit_bytes); /* aborts when the machine has none */
void arena_free(struct arena *mem);          /* NULL is fine */
void arena_free_at(struct arena **mem);      /* for auto_arena */
void arena_reset(struct arena *mem);         /* everything handed out is gone */
bool arena_is_full(const struct arena *mem); /* an allocation was refused since the reset */
size_t arena_used(const struct arena *mem);

/* Zeroed, aligned for any type.  NULL past the limit. */
void *arena_alloc(struct arena *mem, size_t count, size_t size);

/* Copies; ptr is NULL past the limit.  arena_str adds a NUL after the text. */
struct str arena_str(struct arena *mem, const char *text, size_t len);
struct str arena_dup(struct arena *mem, struct str s);
struct bytes arena_copy(struct arena *mem, const void *ptr, size_t len);
struct str arena_printf(struct arena *mem, const char *fmt, ...) printf_like(2, 3);

#define auto_arena __attribute__((cleanup(arena_free_at)))
