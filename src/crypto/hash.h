/* hash.h - SHA-256, HMAC and random bytes: the three every other file of this folder needs.
 *
 * SHA-256 is FIPS 180-4, HMAC is RFC 2104.  None of these can fail on good arguments; a machine
 * whose random source is broken ends the process, since nothing may be signed or issued with it.
 */
#pragma once

#include "base/str.h"

enum { SHA256_LEN = 32, SHA256_TEXT = 65 };

void sha256(struct bytes data, uint8_t out[SHA256_LEN]);
void sha256_two(struct bytes a, struct bytes b, uint8_t out[SHA256_LEN]);  /* of a then b */
void sha256_text(const uint8_t digest[SHA256_LEN], char out[SHA256_TEXT]); /* lower-case hex */

/* A hash in parts.  Free it with sha256_free, also when it was never ended. */
struct sha256;
struct sha256 *sha256_new(void);
void sha256_add(struct sha256 *h, struct bytes data);
void sha256_end(struct sha256 *h, uint8_t out[SHA256_LEN]); /* h starts over */
void sha256_free(struct sha256 *h);

void hmac_sha256(struct bytes key, struct bytes data, uint8_t out[SHA256_LEN]);

void crypto_random(void *out, size_t len); /* for keys, nonces, serials */

/* OpenSSL reads its configuration at its first use: a room calls this before its sandbox. */
void crypto_start(void);
