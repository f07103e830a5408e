#include "crypto/hash.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/mem.h"

struct sha256 {
	EVP_MD_CTX *ctx;
};

/* Fetched once: EVP_sha256() looks the algorithm up again at every use (openssl #19119). */
static const EVP_MD *algorithm(void)
{
	static EVP_MD *md;

	if (!md)
		md = EVP_MD_fetch(NULL, "SHA256", NULL);
	return md;
}

/* Nothing may be decided on a hash or a random number that was not made. */
static void must(int ok)
{
	if (ok != 1)
		abort();
}

void sha256_two(struct bytes a, struct bytes b, uint8_t out[SHA256_LEN])
{
	static EVP_MD_CTX *ctx; /* one thread per process */

	if (!ctx)
		ctx = EVP_MD_CTX_new();
	must(EVP_DigestInit_ex(ctx, algorithm(), NULL));
	must(EVP_DigestUpdate(ctx, a.ptr, a.len));
	must(EVP_DigestUpdate(ctx, b.ptr, b.len));
	must(EVP_DigestFinal_ex(ctx, out, NULL));
}

void sha256(struct bytes data, uint8_t out[SHA256_LEN])
{
	sha256_two(data, (struct bytes){ 0 }, out);
}

void sha256_text(const uint8_t digest[SHA256_LEN], char out[SHA256_TEXT])
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < SHA256_LEN; i++) {
		out[2 * i] = hex[digest[i] >> 4];
		out[2 * i + 1] = hex[digest[i] & 15];
	}
	out[SHA256_TEXT - 1] = '\0';
}

struct sha256 *sha256_new(void)
{
	struct sha256 *h = mem_new(1, sizeof(*h));

	h->ctx = EVP_MD_CTX_new();
	must(EVP_DigestInit_ex(h->ctx, algorithm(), NULL));
	return h;
}

void sha256_add(struct sha256 *h, struct bytes data)
{
	must(EVP_DigestUpdate(h->ctx, data.ptr, data.len));
}

void sha256_end(struct sha256 *h, uint8_t out[SHA256_LEN])
{
	must(EVP_DigestFinal_ex(h->ctx, out, NULL));
	must(EVP_DigestInit_ex(h->ctx, algorithm(), NULL));
}

void sha256_free(struct sha256 *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->ctx);
	free(h);
}

enum { BLOCK = 64 };

void hmac_sha256(struct bytes key, struct bytes data, uint8_t out[SHA256_LEN])
{
	uint8_t inner[BLOCK] = { 0 };
	uint8_t outer[BLOCK];

	if (key.len > BLOCK)
		sha256(key, inner);
	else if (key.len)
		memcpy(inner, key.ptr, key.len);
	for (size_t i = 0; i < BLOCK; i++) {
		outer[i] = inner[i] ^ 0x5c;
		inner[i] ^= 0x36;
	}
	sha256_two(bytes_of(inner, BLOCK), data, out);
	sha256_two(bytes_of(outer, BLOCK), bytes_of(out, SHA256_LEN), out);
	mem_wipe(inner, sizeof(inner));
	mem_wipe(outer, sizeof(outer));
}

void crypto_random(void *out, size_t len)
{
	must(len <= INT32_MAX && RAND_bytes(out, (int)len) == 1);
}

void crypto_start(void)
{
	uint8_t first[SHA256_LEN];

	must(OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL));
	crypto_random(first, sizeof(first));
	sha256(bytes_of(first, sizeof(first)), first);
}
