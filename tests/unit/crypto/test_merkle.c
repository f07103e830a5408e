/* test_merkle.c - what the tree proves, and what it refuses to prove (L1). */
#include "test.h"

#include "crypto/merkle.h"

enum { LEAVES = 70 };

static struct merkle_hash leaves[LEAVES];
static struct merkle_hash roots[LEAVES + 1];

static bool leaf_at(void *ctx, uint64_t index, struct merkle_hash *out)
{
	const uint64_t *gone = ctx;

	if (gone && index == *gone)
		return false;
	*out = leaves[index];
	return true;
}

static void grow(void)
{
	struct merkle m = { 0 };

	roots[0] = merkle_root(&m);
	for (uint8_t i = 0; i < LEAVES; i++) {
		leaves[i] = merkle_leaf(bytes_of(&i, 1));
		merkle_add(&m, leaves[i]);
		roots[i + 1] = merkle_root(&m);
	}
}

/* The vectors of the certificate-transparency project: 8 leaves, from "" to 16 bytes. */
static const struct {
	const char *leaf;
	size_t len;
	const char *root;
} vectors[] = {
	{ "", 0, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d" },
	{ "\x00", 1, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125" },
	{ "\x10", 1, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77" },
	{ "\x20\x21", 2, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7" },
	{ "\x30\x31", 2, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4" },
	{ "\x40\x41\x42\x43", 4,
	  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef" },
	{ "\x50\x51\x52\x53\x54\x55\x56\x57", 8,
	  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c" },
	{ "\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16,
	  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328" },
};

static void roots_are_those_of_certificate_transparency(void **state)
{
	struct merkle m = { 0 };

	(void)state;
	for (size_t i = 0; i < countof(vectors); i++) {
		char text[SHA256_TEXT];
		merkle_add(&m, merkle_leaf(bytes_of(vectors[i].leaf, vectors[i].len)));
		struct merkle_hash root = merkle_root(&m);
		sha256_text(root.b, text);
		assert_string_equal(text, vectors[i].root);
	}
	struct merkle none = { 0 };
	struct merkle_hash empty = merkle_root(&none);
	char text[SHA256_TEXT];
	sha256_text(empty.b, text);
	assert_string_equal(text,
			    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void every_leaf_is_proved_in_every_tree(void **state)
{
	(void)state;
	grow();
	for (uint64_t size = 1; size <= LEAVES; size++)
		for (uint64_t i = 0; i < size; i++) {
			struct merkle_proof p;
			check(merkle_inclusion(i, size, leaf_at, NULL, &p), "a proof is made");
			check(merkle_includes(leaves[i], i, size, &p, roots[size]),
			      "it proves the leaf");
			check(!merkle_includes(leaves[(i + 1) % LEAVES], i, size, &p, roots[size]),
			      "another leaf is not proved by it");
			check(!merkle_includes(leaves[i], i, size, &p, roots[size - 1]),
			      "nor is it in another tree");
			check(size == 1 || !merkle_includes(leaves[i], (i + 1) % size, size, &p,
							    roots[size]),
			      "nor at another place");
		}
}

static void every_tree_extends_every_older_one(void **state)
{
	(void)state;
	grow();
	for (uint64_t size = 1; size <= LEAVES; size++)
		for (uint64_t first = 1; first <= size; first++) {
			struct merkle_proof p;
			check(merkle_consistency(first, size, leaf_at, NULL, &p),
			      "a proof is made");
			check(merkle_extends(first, roots[first], size, roots[size], &p),
			      "it proves that nothing old was changed");
			check(!merkle_extends(first, roots[first - 1], size, roots[size], &p),
			      "another old root is refused");
			check(!merkle_extends(first, roots[first], size, roots[size - 1], &p) ||
				      first == size - 1,
			      "another new root is refused");
		}
}

/* L1: one byte anywhere in the proof, and it proves nothing. */
static void a_changed_proof_proves_nothing(void **state)
{
	struct merkle_proof p;

	(void)state;
	grow();
	check(merkle_inclusion(37, LEAVES, leaf_at, NULL, &p), "a proof is made");
	for (size_t i = 0; i < p.count; i++) {
		p.path[i].b[i % SHA256_LEN] ^= 1;
		check(!merkle_includes(leaves[37], 37, LEAVES, &p, roots[LEAVES]), "bit flipped");
		p.path[i].b[i % SHA256_LEN] ^= 1;
	}
	p.count--;
	check(!merkle_includes(leaves[37], 37, LEAVES, &p, roots[LEAVES]), "one hash short");
	p.count += 2;
	check(!merkle_includes(leaves[37], 37, LEAVES, &p, roots[LEAVES]), "one hash too many");
	check(!merkle_extends(37, roots[37], LEAVES, roots[LEAVES], &p), "not this kind of proof");
	p.count = SIZE_MAX;
	check(!merkle_includes(leaves[37], 37, LEAVES, &p, roots[LEAVES]), "an absurd length");
	check(!merkle_extends(37, roots[37], LEAVES, roots[LEAVES], &p), "an absurd length");
}

static void what_cannot_be_proved_is_refused(void **state)
{
	struct merkle_proof p;
	uint64_t gone = 5;

	(void)state;
	grow();
	check(!merkle_inclusion(8, 8, leaf_at, NULL, &p), "a leaf past the end");
	check(!merkle_inclusion(0, 0, leaf_at, NULL, &p), "a leaf of nothing");
	check(!merkle_consistency(9, 8, leaf_at, NULL, &p), "an older tree that is larger");
	check(!merkle_consistency(0, 8, leaf_at, NULL, &p), "an older tree of nothing");
	check(!merkle_inclusion(0, 8, leaf_at, &gone, &p), "a leaf that cannot be fetched");
	p = (struct merkle_proof){ 0 };
	check(!merkle_includes(leaves[0], 0, 0, &p, roots[0]), "a proof about nothing");
	check(!merkle_extends(0, roots[0], 8, roots[8], &p), "everything extends nothing");
}

RUN_TESTS(cmocka_unit_test(roots_are_those_of_certificate_transparency),
	  cmocka_unit_test(every_leaf_is_proved_in_every_tree),
	  cmocka_unit_test(every_tree_extends_every_older_one),
	  cmocka_unit_test(a_changed_proof_proves_nothing),
	  cmocka_unit_test(what_cannot_be_proved_is_refused))
