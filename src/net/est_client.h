/* est_client.h - a first certificate for a one-time code, later ones for the one before.
 *
 * The client half of EST (RFC 7030, 8951) as musterd's devices, services and gates use it.
 * Keys are not here: the caller brings a request its key has signed (crypto/csr.h) and gets
 * the certificate of exactly that key, signed by an authority the answer names.  Asking again
 * with the same request after a lost answer gives the same certificate.
 *
 * One operation, one connection of its own.  Exactly one callback, from the loop, unless
 * est_free came first.
 */
#pragma once

#include "base/err.h"
#include "net/addr.h"
#include "sys/loop.h"

struct tls_ctx;

enum { EST_ID_MAX = 64, EST_SECRET_MAX = 64, EST_FINGERPRINT = 32 };

/* "mc1.<id>.<secret>.<fingerprint>": whom to trust, and what to say. The secret is wiped by
 * whoever holds it. */
struct est_code {
	char id[EST_ID_MAX];
	char secret[EST_SECRET_MAX];
	uint8_t fingerprint[EST_FINGERPRINT]; /* SHA-256 of the infra CA's certificate */
};
bool est_code_read(struct str text, struct est_code *out, struct err *e) must_check;

struct est_result { /* DER; valid during the callback */
	struct bytes certificate, infra_ca, device_ca;
};
/* got is NULL when it failed; wait_ms: how long the server asks to wait, or 0. */
typedef void est_done_fn(void *ctx, const struct est_result *got, const struct err *e,
			 int64_t wait_ms);

struct est;

/* Over a connection that trusts nothing but the code's fingerprint. csr is copied. */
struct est *est_enrol(struct loop *l, const struct addr *server, const struct est_code *code,
		      struct bytes csr, est_done_fn *fn, void *ctx, struct err *e);

/* With the certificate in tls, which must outlive this; refreshes the authorities too. */
struct est *est_renew(struct loop *l, const struct addr *server, struct tls_ctx *tls,
		      struct bytes csr, struct bytes infra_ca, est_done_fn *fn, void *ctx);

void est_free(struct est *s); /* NULL is fine; also from within the callback */
