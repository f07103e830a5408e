#include "crypto/merkle.h"

#include <assert.h>

static const uint8_t LEAF_PREFIX = 0;
static const uint8_t NODE_PREFIX = 1;

struct merkle_hash merkle_leaf(struct bytes data)
{
	struct merkle_hash out;

	sha256_two(bytes_of(&LEAF_PREFIX, 1), data, out.b);
	return out;
}

static struct merkle_hash node(struct merkle_hash left, struct merkle_hash right)
{
	uint8_t both[1 + 2 * SHA256_LEN] = { NODE_PREFIX };
	struct merkle_hash out;

	memcpy(both + 1, left.b, SHA256_LEN);
	memcpy(both + 1 + SHA256_LEN, right.b, SHA256_LEN);
	sha256(bytes_of(both, sizeof(both)), out.b);
	return out;
}

bool merkle_eq(struct merkle_hash a, struct merkle_hash b)
{
	return memcmp(a.b, b.b, SHA256_LEN) == 0;
}

/* One complete subtree for each one bit of the size. */
size_t merkle_edges(uint64_t size)
{
	return (size_t)__builtin_popcountll(size);
}

void merkle_add(struct merkle *m, struct merkle_hash leaf)
{
	size_t n = merkle_edges(m->size);

	assert(m->size < UINT64_MAX);
	/* Two subtrees of one size become one twice as large, as carries do in addition. */
	for (uint64_t bits = m->size; bits & 1; bits >>= 1)
		leaf = node(m->edge[--n], leaf);
	m->edge[n] = leaf;
	m->size++;
}

struct merkle_hash merkle_root(const struct merkle *m)
{
	struct merkle_hash root;
	size_t n = merkle_edges(m->size);

	if (n == 0) {
		sha256((struct bytes){ 0 }, root.b); /* RFC 6962 2.1: of nothing */
		return root;
	}
	root = m->edge[--n];
	while (n > 0)
		root = node(m->edge[--n], root);
	return root;
}

/* Leaves as they come from the caller; stops asking after the first failure. */
struct source {
	merkle_leaf_fn *leaf_at;
	void *ctx;
	bool is_bad;
};

/* Root of leaves [from, to): the edge algorithm over a range. */
static struct merkle_hash range(struct source *s, uint64_t from, uint64_t to)
{
	struct merkle m = { 0 };

	for (uint64_t i = from; i < to && !s->is_bad; i++) {
		struct merkle_hash leaf = { 0 };
		if (!s->leaf_at(s->ctx, i, &leaf))
			s->is_bad = true;
		else
			merkle_add(&m, leaf);
	}
	return merkle_root(&m);
}

/* The largest power of two below n; n > 1. */
static uint64_t split(uint64_t n)
{
	return (uint64_t)1 << (63 - __builtin_clzll(n - 1));
}

static void reverse(struct merkle_proof *p)
{
	for (size_t i = 0; i < p->count / 2; i++) {
		struct merkle_hash h = p->path[i];
		p->path[i] = p->path[p->count - 1 - i];
		p->path[p->count - 1 - i] = h;
	}
}

/* RFC 6962 2.1.1 from the root down; the proof lists siblings from the leaf up. */
bool merkle_inclusion(uint64_t index, uint64_t size, merkle_leaf_fn *leaf_at, void *ctx,
		      struct merkle_proof *out)
{
	struct source s = { leaf_at, ctx, false };
	uint64_t from = 0;
	uint64_t to = size;

	*out = (struct merkle_proof){ 0 };
	if (index >= size)
		return false;
	while (to - from > 1 && !s.is_bad) {
		uint64_t middle = from + split(to - from);
		if (index < middle) {
			out->path[out->count++] = range(&s, middle, to);
			to = middle;
		} else {
			out->path[out->count++] = range(&s, from, middle);
			from = middle;
		}
	}
	reverse(out);
	return !s.is_bad;
}

/* RFC 6962 2.1.2: SUBPROOF(m, D[n], b), from the root down. */
bool merkle_consistency(uint64_t first, uint64_t size, merkle_leaf_fn *leaf_at, void *ctx,
			struct merkle_proof *out)
{
	struct source s = { leaf_at, ctx, false };
	uint64_t from = 0;
	uint64_t to = size;
	bool is_whole = true; /* the old tree is a complete subtree so far: its root is known */

	*out = (struct merkle_proof){ 0 };
	if (first == 0 || first > size)
		return false;
	while (first != to && !s.is_bad) {
		uint64_t middle = from + split(to - from);
		if (first <= middle) {
			out->path[out->count++] = range(&s, middle, to);
			to = middle;
		} else {
			out->path[out->count++] = range(&s, from, middle);
			from = middle;
			is_whole = false;
		}
	}
	if (!is_whole)
		out->path[out->count++] = range(&s, from, to);
	reverse(out);
	return !s.is_bad;
}

/* Up to where the path has a left neighbour again: levels at which there is no right one. */
static void climb(uint64_t *fn, uint64_t *sn)
{
	while (!(*fn & 1) && *fn) {
		*fn >>= 1;
		*sn >>= 1;
	}
}

/* RFC 9162 2.1.3.2. */
bool merkle_includes(struct merkle_hash leaf, uint64_t index, uint64_t size,
		     const struct merkle_proof *p, struct merkle_hash root)
{
	uint64_t fn = index;
	uint64_t sn = size - 1;
	struct merkle_hash r = leaf;

	if (index >= size || p->count > MERKLE_DEPTH)
		return false;
	for (size_t i = 0; i < p->count; i++) {
		if (sn == 0)
			return false;
		if (fn & 1 || fn == sn) {
			r = node(p->path[i], r);
			climb(&fn, &sn);
		} else {
			r = node(r, p->path[i]);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && merkle_eq(r, root);
}

/* RFC 9162 2.1.4.2, steps 4 to 7. */
static bool extends_from(struct merkle_hash start, const struct merkle_hash *path, size_t count,
			 uint64_t fn, uint64_t sn, struct merkle_hash first_root,
			 struct merkle_hash root)
{
	struct merkle_hash fr = start;
	struct merkle_hash sr = start;

	for (size_t i = 0; i < count; i++) {
		if (sn == 0)
			return false;
		if (fn & 1 || fn == sn) {
			fr = node(path[i], fr);
			sr = node(path[i], sr);
			climb(&fn, &sn);
		} else {
			sr = node(sr, path[i]);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && merkle_eq(fr, first_root) && merkle_eq(sr, root);
}

bool merkle_extends(uint64_t first, struct merkle_hash first_root, uint64_t size,
		    struct merkle_hash root, const struct merkle_proof *p)
{
	if (first == 0 || first > size || p->count > MERKLE_DEPTH)
		return false;
	if (first == size)
		return p->count == 0 && merkle_eq(first_root, root);
	/* A tree of a power of two leaves is itself the start of the path. */
	bool is_power = (first & (first - 1)) == 0;
	size_t skip = is_power ? 0 : 1;
	if (p->count < skip || p->count == 0)
		return false;
	uint64_t fn = first - 1;
	uint64_t sn = size - 1;
	while (fn & 1) {
		fn >>= 1;
		sn >>= 1;
	}
	return extends_from(is_power ? first_root : p->path[0], p->path + skip, p->count - skip, fn,
			    sn, first_root, root);
}
