#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { CHUNK_MIN = 4096 };

struct chunk {
	struct chunk *older;
	size_t size, used;
	alignas(max_align_t) uint8_t data[];
};

struct arena {
	struct chunk *newest;
	size_t limit, used;
	bool is_full;
};

struct arena *arena_new(size_t limit_bytes)
{
	struct arena *mem = mem_new(1, sizeof(*mem));

	mem->limit = limit_bytes;
	return mem;
}

static void free_chunks(struct chunk *c)
{
	while (c) {
		struct chunk *older = c->older;
		free(c);
		c = older;
	}
}

void arena_free(struct arena *mem)
{
	if (!mem)
		return;
	free_chunks(mem->newest);
	free(mem);
}

void arena_free_at(struct arena **mem)
{
	arena_free(*mem);
}

/* The newest chunk stays for the next request when it is a small one. */
void arena_reset(struct arena *mem)
{
	struct chunk *keep = mem->newest;

	if (keep) {
		free_chunks(keep->older);
		keep->older = NULL;
		keep->used = 0;
		if (keep->size > 16 * CHUNK_MIN) {
			free(keep);
			mem->newest = NULL;
		}
	}
	mem->used = 0;
	mem->is_full = false;
}

bool arena_is_full(const struct arena *mem)
{
	return mem->is_full;
}

size_t arena_used(const struct arena *mem)
{
	return mem->used;
}

static struct chunk *chunk_for(struct arena *mem, size_t need)
{
	struct chunk *c = mem->newest;

	if (c && c->size - c->used >= need)
		return c;
	size_t size = c ? c->size * 2 : CHUNK_MIN;
	if (size > 1U << 20)
		size = 1U << 20;
	if (size < need)
		size = need;
	c = malloc(sizeof(*c) + size);
	if (!c)
		return NULL;
	*c = (struct chunk){ .older = mem->newest, .size = size };
	mem->newest = c;
	return c;
}

void *arena_alloc(struct arena *mem, size_t count, size_t size)
{
	size_t need;

	if (__builtin_mul_overflow(count, size, &need) || need > SIZE_MAX / 2) {
		mem->is_full = true;
		return NULL;
	}
	need = (need + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	if (need == 0)
		need = alignof(max_align_t);
	struct chunk *c = need <= mem->limit - mem->used ? chunk_for(mem, need) : NULL;
	if (!c) {
		mem->is_full = true;
		return NULL;
	}
	void *p = c->data + c->used;
	c->used += need;
	mem->used += need;
	memset(p, 0, need);
	return p;
}

struct str arena_str(struct arena *mem, const char *text, size_t len)
{
	char *p = len < SIZE_MAX ? arena_alloc(mem, len + 1, 1) : NULL;

	if (!p)
		return (struct str){ 0 };
	if (len)
		memcpy(p, text, len);
	return (struct str){ p, len };
}

struct str arena_dup(struct arena *mem, struct str s)
{
	return arena_str(mem, s.ptr, s.len);
}

struct bytes arena_copy(struct arena *mem, const void *ptr, size_t len)
{
	return bytes_str(arena_str(mem, ptr, len));
}

struct str arena_printf(struct arena *mem, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	char *p = len >= 0 ? arena_alloc(mem, (size_t)len + 1, 1) : NULL;
	if (!p)
		return (struct str){ 0 };
	va_start(ap, fmt);
	(void)vsnprintf(p, (size_t)len + 1, fmt, ap);
	va_end(ap);
	return (struct str){ p, (size_t)len };
}
