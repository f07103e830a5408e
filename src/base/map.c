#include "base/map.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/mem.h"

struct slot {
	uint64_t hash;
	struct str key; /* owned; ptr NULL: never used or taken */
	void *value;
	bool was_used;
};

struct map {
	struct slot *slots;
	size_t size, count, used; /* size is a power of two; used counts the taken ones too */
};

static uint64_t secret[2];

static void draw_secret(void)
{
	if (secret[0] | secret[1])
		return;
	if (getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret))
		abort();
	secret[0] |= 1;
}

static uint64_t rotl(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

static inline __attribute__((always_inline)) void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

uint64_t map_hash(struct bytes b)
{
	draw_secret();
	uint64_t v[4] = { secret[0] ^ 0x736f6d6570736575U, secret[1] ^ 0x646f72616e646f6dU,
			  secret[0] ^ 0x6c7967656e657261U, secret[1] ^ 0x7465646279746573U };
	uint64_t last = (uint64_t)b.len << 56;
	size_t i = 0;

	for (; i + 8 <= b.len; i += 8) {
		uint64_t word;
		memcpy(&word, b.ptr + i, 8);
		v[3] ^= word;
		sip_round(v);
		sip_round(v);
		v[0] ^= word;
	}
	for (unsigned shift = 0; i < b.len; i++, shift += 8)
		last |= (uint64_t)b.ptr[i] << shift;
	v[3] ^= last;
	sip_round(v);
	sip_round(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	for (int k = 0; k < 4; k++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

struct map *map_new(void)
{
	struct map *m = mem_new(1, sizeof(*m));

	m->size = 16;
	m->slots = mem_new(m->size, sizeof(*m->slots));
	return m;
}

void map_free(struct map *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->size; i++)
		free((void *)(uintptr_t)m->slots[i].key.ptr);
	free(m->slots);
	free(m);
}

/* The slot that holds key, or the first never-used one on its path. */
static struct slot *find(const struct map *m, struct str key, uint64_t hash)
{
	for (size_t i = hash & (m->size - 1);; i = (i + 1) & (m->size - 1)) {
		struct slot *s = &m->slots[i];
		if (!s->was_used)
			return s;
		if (s->key.ptr && s->hash == hash && str_eq(s->key, key))
			return s;
	}
}

void *map_get(const struct map *m, struct str key)
{
	return find(m, key, map_hash(bytes_str(key)))->value;
}

static void grow(struct map *m)
{
	struct slot *old = m->slots;
	size_t old_size = m->size;

	m->size = m->count * 2 >= old_size ? old_size * 2 : old_size;
	m->slots = mem_new(m->size, sizeof(*m->slots));
	m->used = m->count;
	for (size_t i = 0; i < old_size; i++)
		if (old[i].key.ptr)
			*find(m, old[i].key, old[i].hash) = old[i];
	free(old);
}

void *map_put(struct map *m, struct str key, void *value)
{
	uint64_t hash = map_hash(bytes_str(key));
	struct slot *s = find(m, key, hash);
	void *was = s->value;

	if (!s->key.ptr) {
		*s = (struct slot){ .hash = hash,
				    .key = { mem_text(key.ptr, key.len), key.len },
				    .was_used = true };
		m->count++;
		m->used++;
	}
	s->value = value;
	if (m->used * 4 >= m->size * 3)
		grow(m);
	return was;
}

void *map_take(struct map *m, struct str key)
{
	struct slot *s = find(m, key, map_hash(bytes_str(key)));
	void *was = s->value;

	if (!s->key.ptr)
		return NULL;
	free((void *)(uintptr_t)s->key.ptr);
	s->key = (struct str){ 0 };
	s->value = NULL;
	m->count--;
	return was;
}

size_t map_count(const struct map *m)
{
	return m->count;
}

bool map_next(const struct map *m, size_t *at, struct str *key, void **value)
{
	while (*at < m->size) {
		struct slot *s = &m->slots[(*at)++];
		if (s->key.ptr) {
			*key = s->key;
			*value = s->value;
			return true;
		}
	}
	return false;
}
