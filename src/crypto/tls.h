/* tls.h - TLS over a connected, non-blocking socket: who is at the other end, and bytes.
 *
 * A tls_ctx is one listener's or one client's rules; a tls is one connection.  TLS 1.3 (1.2
 * with ECDHE and AEAD where asked for), P-256 certificates, no tickets, no resumption, no
 * renegotiation, no compression, no early data.  The process ignores SIGPIPE (role_start does).
 *
 * A peer is known only through tls_peer, which asserts again what the handshake promised: a
 * certificate is there, it verified, its key and names are as cert.h wants them (T1).  Its
 * authority is the number the caller gave to the trust anchor that matched, never a name (T6).
 */
#pragma once

#include "base/err.h"
#include "crypto/cert.h"
#include "crypto/hash.h"
#include "crypto/key.h"

struct tls_anchor {
	struct bytes der; /* an authority's certificate; copied */
	int authority;    /* what a peer below it is: the caller's enum, never 0 */
};

struct tls_settings {
	bool is_server;
	const struct bytes *chain; /* own certificate first, then what else is sent; copied */
	size_t chain_count;        /* a client without a certificate: 0 */
	struct key *key;           /* borrowed: must outlive the context */
	const struct tls_anchor *anchors;
	size_t anchor_count;
	bool want_peer; /* server: refuse clients without a certificate */
	bool allow_tls12;
	struct str peer_path; /* client: path the peer's SPIFFE ID must start with, "/server/" */
	const uint8_t *pin;   /* client at first enrolment: SHA-256 of the authority's DER, which
			       * the server must send in its chain; replaces anchors */
};

struct tls_ctx;
struct tls_ctx *tls_ctx_new(const struct tls_settings *s, struct err *e);
void tls_ctx_free(struct tls_ctx *ctx); /* NULL is fine; live connections keep what they need */

enum tls_result {
	TLS_FAILED, /* zero: over, err says why */
	TLS_OK,
	TLS_WANT_READ,
	TLS_WANT_WRITE,
	TLS_CLOSED, /* the peer said goodbye (close_notify) */
};

struct tls;
/* The fd stays the caller's. host: client only, the DNS name or address the certificate must
 * carry; empty: none is asked for. */
struct tls *tls_new(struct tls_ctx *ctx, int fd, struct str host, struct err *e);
void tls_free(struct tls *t); /* NULL is fine; sends nothing */

/* TLS_OK only when the peer is acceptable by all the rules above. */
enum tls_result tls_handshake(struct tls *t, struct err *e) must_check;
enum tls_result tls_read(struct tls *t, void *out, size_t cap, size_t *out_len,
			 struct err *e) must_check;
/* May write less; after a WANT call again, the bytes may have moved. */
enum tls_result tls_write(struct tls *t, const void *data, size_t len, size_t *out_len,
			  struct err *e) must_check;
enum tls_result tls_shutdown(struct tls *t, struct err *e); /* sends close_notify, does not wait */
bool tls_has_pending(const struct tls *t); /* decrypted bytes wait: read before polling */

enum { TLS_AUTHORITY_PINNED = -1 };

struct tls_peer {
	int authority;              /* the anchor's, or TLS_AUTHORITY_PINNED; never 0 */
	struct cert cert;           /* views that live as long as the tls */
	uint8_t sha256[SHA256_LEN]; /* of the certificate's DER */
};
/* False when the peer has no certificate, or before the handshake is done. */
bool tls_peer(struct tls *t, struct tls_peer *out, struct err *e) must_check;

/* The authority's certificate that a pinned client trusted; empty before the handshake. */
struct bytes tls_pinned(const struct tls *t);

/* RFC 8446 7.5 and RFC 9266; context is empty. */
#define TLS_EXPORTER_BINDING "EXPORTER-Channel-Binding"
#define TLS_EXPORTER_ATTEST  "EXPORTER-muster-attest"
bool tls_exporter(struct tls *t, const char *label, uint8_t out[SHA256_LEN],
		  struct err *e) must_check;
const char *tls_version(const struct tls *t); /* "TLSv1.3" */
