/* ossl.h - how this folder holds OpenSSL's objects; nobody else includes it.
 *
 * EC_KEY is "deprecated" in 3.0 (hence OPENSSL_SUPPRESS_DEPRECATED in meson.build) and the only
 * way to a key that signs elsewhere and to points read without the slow decoders.
 */
#pragma once

#ifndef OPENSSL_SUPPRESS_DEPRECATED
#define OPENSSL_SUPPRESS_DEPRECATED
#endif

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/err.h"
#include "crypto/key.h"

/* ossl_auto(X509) *c = ...;  freed when its scope ends. */
/* NOLINTBEGIN(bugprone-macro-parentheses): a type cannot be in parentheses */
#define OSSL_AUTO(type)                                                                            \
	static inline void ossl_free_##type(type **p)                                              \
	{                                                                                          \
		type##_free(*p);                                                                   \
	}
/* NOLINTEND(bugprone-macro-parentheses) */
OSSL_AUTO(X509)
OSSL_AUTO(EVP_PKEY)
OSSL_AUTO(EVP_PKEY_CTX)
OSSL_AUTO(EVP_MD_CTX)
OSSL_AUTO(EVP_CIPHER_CTX)
OSSL_AUTO(EC_KEY)
OSSL_AUTO(EC_POINT)
OSSL_AUTO(ECDSA_SIG)
OSSL_AUTO(BIO)
static inline void ossl_free_BIGNUM(BIGNUM **p)
{
	BN_free(*p);
}
#define ossl_auto(type) __attribute__((cleanup(ossl_free_##type))) type

/* err_set with OpenSSL's reason added; empties its queue. */
bool ossl_fail(struct err *e, enum err_kind kind, const char *doing);

/* The EVP form of a key, made when first asked for; the key keeps it. */
EVP_PKEY *ossl_pkey(struct key *k);

/* What a tls_ctx is made of: for tests that break OpenSSL's own checks to see ours hold (T1). */
struct tls_ctx;
SSL_CTX *ossl_tls(struct tls_ctx *ctx);
