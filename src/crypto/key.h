/* key.h - a key pair, a public key, or a key that signs somewhere else.
 *
 * Everyone who signs or verifies holds a struct key; nobody outside this folder sees what
 * OpenSSL makes of it.  Our own certificates, statements and TLS use P-256 with SHA-256;
 * P-384 and RSA (2048 bits and more) are there to verify what others bring (EK certificates,
 * CSRs), Ed25519 for audit checkpoints.
 *
 * P-256 points are read from their 65 raw bytes, checked to be on the curve, without OpenSSL's
 * decoders (8 times faster on 3.0).
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

enum key_kind { KEY_NONE, KEY_P256, KEY_P384, KEY_RSA, KEY_ED25519 };
enum { KEY_SIG = 64, KEY_POINT = 65, KEY_DIGEST = 32, KEY_SIG_DER_MAX = 72 };

struct key; /* owned by whoever made it; end with key_free */

/* A new private key: KEY_P256, KEY_P384 or KEY_ED25519. */
struct key *key_generate(enum key_kind kind, struct err *e);
void key_free(struct key *k);     /* NULL is fine; wipes a private part */
void key_free_at(struct key **k); /* for auto_key */
#define auto_key __attribute__((cleanup(key_free_at)))

/* Private key as PEM (PKCS#8 "PRIVATE KEY" or SEC 1 "EC PRIVATE KEY"), no passphrase.
 * The caller reads and writes the file (sys/files.h, 0600) and wipes the text. */
struct key *key_read_pem(struct str pem, struct err *e);
bool key_write_pem(const struct key *k, struct buf *out, struct err *e) must_check;

/* Public key from a DER SubjectPublicKeyInfo; refuses trailing bytes, weak keys, points off
 * the curve, RSA exponents that are even or tiny. */
struct key *key_public(struct bytes spki, struct err *e);
struct key *key_public_ed25519(const uint8_t raw[32], struct err *e);

/* A P-256 key whose private half is elsewhere (a TPM, another room).  `sign` is called during
 * TLS handshakes and CSR writing and must answer before it returns: 64 bytes, r then s,
 * big-endian, over the 32-byte digest. */
typedef bool key_sign_fn(void *ctx, const uint8_t digest[KEY_DIGEST], uint8_t out_sig[KEY_SIG],
			 struct err *e);
struct key *key_external(struct bytes spki, key_sign_fn *sign, void *ctx, struct err *e);

enum key_kind key_kind(const struct key *k);
bool key_is_private(const struct key *k);    /* can sign, here or elsewhere */
struct bytes key_spki(const struct key *k);  /* DER; lives as long as the key */
struct bytes key_point(const struct key *k); /* P-256: 0x04 x y; Ed25519: 32 bytes; else empty */
void key_id(const struct key *k, uint8_t out[20]); /* RFC 7093 2.1: SHA-256 of the key bits, 160 */

/* P-256 over a SHA-256 digest, signature raw r || s. */
bool key_sign_digest(const struct key *k, const uint8_t digest[KEY_DIGEST],
		     uint8_t out_sig[KEY_SIG], struct err *e) must_check;
bool key_verify_digest(const struct key *k, const uint8_t digest[KEY_DIGEST],
		       const uint8_t sig[KEY_SIG], struct err *e) must_check;

/* Ed25519 over the message itself. */
bool key_sign_ed25519(const struct key *k, struct bytes message, uint8_t out_sig[64],
		      struct err *e) must_check;
bool key_verify_ed25519(const struct key *k, struct bytes message, const uint8_t sig[64],
			struct err *e) must_check;

/* X.509 style: hashes the message (SHA-256; SHA-384 for P-384), signature DER (ECDSA) or
 * PKCS#1 v1.5 (RSA). */
bool key_sign_message(const struct key *k, struct bytes message, struct buf *out,
		      struct err *e) must_check;
bool key_verify_message(const struct key *k, int hash_bits, struct bytes message, struct bytes sig,
			struct err *e) must_check;

/* Between the two forms of an ECDSA P-256 signature: strict DER and raw. */
bool key_sig_to_der(const uint8_t sig[KEY_SIG], struct buf *out);
bool key_sig_from_der(struct bytes der, uint8_t out_sig[KEY_SIG], struct err *e) must_check;
