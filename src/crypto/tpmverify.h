/* tpmverify.h - what a TPM says about itself, read and checked without a TPM.
 *
 * The server's half of TPM 2.0 (library specification 1.59, parts 1 and 2): bounded readers of
 * TPMT_PUBLIC, TPMS_ATTEST and TPMT_SIGNATURE, MakeCredential, and verification of a quote.
 * No tss2: this parses what strangers send (room verify; V2, V3).  Verification returns facts,
 * which model/attest.h judges.
 *
 * Wire forms: ek_public and ak_public are TPMT_PUBLIC without a size in front; quote is
 * TPMS_ATTEST; signature is TPMT_SIGNATURE; credential_blob is TPM2B_ID_OBJECT and secret
 * TPM2B_ENCRYPTED_SECRET, each with its size in front, as TPM2_ActivateCredential takes them.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "crypto/hash.h"
#include "crypto/key.h"

enum {
	TPM_NAME_MAX = 2 + 48, /* algorithm and SHA-384 */
	TPM_PCRS = 24,
	TPM_PUBLIC_MAX = 1024,
	TPM_QUOTE_MAX = 1024,
	TPM_SECRET = 32, /* length of the secret MakeCredential protects */
};

/* TPMA_OBJECT, part 2 table 31. */
enum {
	TPM_FIXED_TPM = 1 << 1,
	TPM_FIXED_PARENT = 1 << 4,
	TPM_ORIGIN = 1 << 5, /* sensitiveDataOrigin */
	TPM_USER_WITH_AUTH = 1 << 6,
	TPM_RESTRICTED = 1 << 16,
	TPM_DECRYPT = 1 << 17,
	TPM_SIGN = 1 << 18,
};

struct tpm_public { /* views into what was read */
	struct bytes raw;
	enum key_kind kind; /* KEY_RSA, KEY_P256 or KEY_P384 */
	uint16_t name_hash; /* TPM_ALG: 0x000b SHA-256, 0x000c SHA-384 */
	uint32_t attributes;
	struct bytes policy;
	uint16_t symmetric, symmetric_bits, symmetric_mode; /* of a storage key; else NULL alg */
	uint16_t scheme, scheme_hash;
	struct bytes x, y;    /* elliptic curve point */
	struct bytes modulus; /* RSA */
	uint32_t exponent;
	uint8_t name[TPM_NAME_MAX]; /* name algorithm and digest of raw */
	size_t name_len;
};

bool tpm_public_read(struct bytes in, struct tpm_public *out, struct err *e) must_check;
struct key *tpm_public_key(const struct tpm_public *p, struct err *e);

/* Is this a key that signs only what its TPM made? ECC P-256, ECDSA with SHA-256, restricted,
 * fixedTPM, fixedParent, sensitiveDataOrigin, sign, not decrypt. */
bool tpm_ak_check(const struct tpm_public *ak, struct err *e) must_check;
/* Is this an endorsement key: restricted, decrypt, fixedTPM, fixedParent, not sign, and a
 * template MakeCredential knows (RSA-2048 or P-256 with SHA-256 and AES-128; P-384 with
 * SHA-384 and AES-256)? */
bool tpm_ek_check(const struct tpm_public *ek, struct err *e) must_check;
/* The certificate is of this very key (V2). */
bool tpm_ek_has_certificate(const struct tpm_public *ek, struct bytes certificate,
			    struct err *e) must_check;

/* Part 1, 24: only the TPM that holds ek and an object of that name can recover the secret. */
bool tpm_make_credential(const struct tpm_public *ek, struct bytes ak_name, struct bytes secret,
			 struct buf *out_blob, struct buf *out_secret, struct err *e) must_check;

struct tpm_pcrs {      /* SHA-256 bank */
	uint32_t mask; /* bit n: value n is present */
	uint8_t value[TPM_PCRS][SHA256_LEN];
};

struct tpm_quote {
	const struct tpm_public *ak;
	struct bytes quote, signature;
	uint8_t expected[SHA256_LEN]; /* extraData must be this, see tpm_qualify */
	struct tpm_pcrs pcrs;         /* as the device reports them */
};

/* What the quote proves. Every claim is false until shown; counters mean something only when
 * is_signed. */
struct tpm_quote_facts {
	bool is_signed;      /* by ak, which passes tpm_ak_check; magic and type are a quote's */
	bool is_fresh;       /* extraData is exactly what was expected */
	bool is_sha256;      /* only SHA-256 PCRs are selected, and at least one */
	bool is_complete;    /* pcrs holds exactly the selected ones */
	bool digest_matches; /* their digest is the quoted one */
	bool clock_is_safe;
	uint32_t pcr_mask; /* selected in the quote */
	uint32_t reset_count, restart_count;
	uint64_t clock_ms, firmware_version;
};

/* False: the structures cannot be read (err says where); then no fact is set. */
bool tpm_quote_verify(const struct tpm_quote *q, struct tpm_quote_facts *out,
		      struct err *e) must_check;

/* What a device puts into extraData: SHA-256 of "muster-attest-v1" NUL, nonce, exporter, SHA-256
 * of the SPKI of its TLS certificate, str16 device id. Both ends call this. */
void tpm_qualify(const uint8_t nonce[32], const uint8_t exporter[32], struct bytes tls_spki,
		 struct str device, uint8_t out[SHA256_LEN]);
