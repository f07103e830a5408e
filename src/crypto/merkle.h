/* merkle.h - the tree of RFC 6962: what was logged, in which order, provably.
 *
 * Hashes are SHA-256 with the prefixes of RFC 6962 2.1 (0x00 leaf, 0x01 node).  The writer
 * keeps only the right edge; proofs are made from leaf hashes fetched by number; verifying
 * needs neither.  Pure.
 */
#pragma once

#include "base/str.h"
#include "crypto/hash.h"

enum { MERKLE_DEPTH = 64 };

struct merkle_hash {
	uint8_t b[SHA256_LEN];
};

/* Roots of the complete subtrees of `size` leaves, largest first; zero is the empty tree. Store
 * size and the first merkle_edges() entries to go on later. */
struct merkle {
	uint64_t size;
	struct merkle_hash edge[MERKLE_DEPTH];
};

struct merkle_proof {
	size_t count;
	struct merkle_hash path[MERKLE_DEPTH];
};

struct merkle_hash merkle_leaf(struct bytes data);
size_t merkle_edges(uint64_t size); /* how many edge hashes a tree of that size keeps */
void merkle_add(struct merkle *m, struct merkle_hash leaf);
struct merkle_hash merkle_root(const struct merkle *m);
bool merkle_eq(struct merkle_hash a, struct merkle_hash b);

/* Leaf hash number `index`; false when it cannot be had. */
typedef bool merkle_leaf_fn(void *ctx, uint64_t index, struct merkle_hash *out);

/* False when leaf_at fails or the numbers make no sense (index < size; 0 < first <= size). */
bool merkle_inclusion(uint64_t index, uint64_t size, merkle_leaf_fn *leaf_at, void *ctx,
		      struct merkle_proof *out) must_check;
bool merkle_consistency(uint64_t first, uint64_t size, merkle_leaf_fn *leaf_at, void *ctx,
			struct merkle_proof *out) must_check;

/* RFC 9162 2.1.3.2 and 2.1.4.2. */
bool merkle_includes(struct merkle_hash leaf, uint64_t index, uint64_t size,
		     const struct merkle_proof *p, struct merkle_hash root) must_check;
bool merkle_extends(uint64_t first, struct merkle_hash first_root, uint64_t size,
		    struct merkle_hash root, const struct merkle_proof *p) must_check;
