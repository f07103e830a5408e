/* limit.c - a token bucket per source, in a fixed table. */
#include "control/front/limit.h"

#include <arpa/inet.h>

#include "base/map.h"
#include "base/mem.h"

struct bucket {
	uint8_t key[16];
	unsigned failures;
	int64_t since_ms; /* when failures was last brought up to date */
	bool is_used;
};

struct limit {
	size_t count;
	unsigned burst;
	int64_t refill_ms;
	struct bucket *buckets;
};

struct limit *limit_new(size_t sources, unsigned burst, int64_t refill_ms)
{
	struct limit *l = mem_new(1, sizeof(*l));

	*l = (struct limit){ .count = sources, .burst = burst, .refill_ms = refill_ms };
	l->buckets = mem_new(sources, sizeof(*l->buckets));
	return l;
}

void limit_free(struct limit *l)
{
	if (!l)
		return;
	free(l->buckets);
	free(l);
}

static struct str host_of(struct str source)
{
	size_t end = source.len;

	while (end && source.ptr[end - 1] != ':')
		end--;
	struct str host = str_head(source, end ? end - 1 : source.len);
	if (host.len > 1 && host.ptr[0] == '[')
		host = (struct str){ host.ptr + 1, host.len - 2 };
	return host;
}

static void key_of(struct str source, uint8_t out[16])
{
	struct str host = host_of(source);
	char text[INET6_ADDRSTRLEN] = { 0 };

	memset(out, 0, 16);
	memcpy(text, host.ptr, host.len < sizeof(text) - 1 ? host.len : sizeof(text) - 1);
	if (inet_pton(AF_INET, text, out) == 1)
		out[15] = 4;
	else if (inet_pton(AF_INET6, text, out) == 1)
		memset(out + 8, 0, 8);
}

static void refill(const struct limit *l, struct bucket *b, int64_t now_ms)
{
	int64_t back = (now_ms - b->since_ms) / l->refill_ms;

	if (back <= 0)
		return;
	b->failures = back >= b->failures ? 0 : b->failures - (unsigned)back;
	b->since_ms += back * l->refill_ms;
}

enum { WAYS = 8 };

/* A source's bucket is one of WAYS neighbours chosen by a keyed hash. */
static struct bucket *bucket_of(struct limit *l, const uint8_t key[16], int64_t now_ms)
{
	size_t start = map_hash((struct bytes){ key, 16 }) % l->count;
	struct bucket *oldest = NULL;

	for (size_t i = 0; i < WAYS; i++) {
		struct bucket *b = &l->buckets[(start + i) % l->count];

		if (b->is_used && !memcmp(b->key, key, 16)) {
			refill(l, b, now_ms);
			return b;
		}
		if (!oldest || !b->is_used || (oldest->is_used && b->since_ms < oldest->since_ms))
			oldest = b;
	}
	*oldest = (struct bucket){ .is_used = true, .since_ms = now_ms };
	memcpy(oldest->key, key, 16);
	return oldest;
}

bool limit_is_open(struct limit *l, struct str source, int64_t now_ms)
{
	uint8_t key[16];

	key_of(source, key);
	return bucket_of(l, key, now_ms)->failures < l->burst;
}

void limit_failed(struct limit *l, struct str source, int64_t now_ms)
{
	uint8_t key[16];

	key_of(source, key);
	struct bucket *b = bucket_of(l, key, now_ms);
	if (b->failures < l->burst)
		b->failures++;
}
