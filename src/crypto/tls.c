#include "crypto/tls.h"

#include <arpa/inet.h>
#include <errno.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "crypto/ossl.h"

enum { CHAIN_DEPTH = 2, CERT_LIST_MAX = 8192, HOST_MAX = 255, PATH_MAX_LEN = 64 };

struct anchor {
	uint8_t sha256[SHA256_LEN];
	int authority;
};

struct tls_ctx {
	SSL_CTX *ssl;
	unsigned refs; /* the owner and every connection */
	bool is_server, want_peer, has_pin;
	uint8_t pin[SHA256_LEN];
	char peer_path[PATH_MAX_LEN];
	struct anchor *anchors;
	size_t anchor_count;
};

struct tls {
	struct tls_ctx *ctx;
	SSL *ssl;
	bool is_done;
	struct tls_peer peer;                 /* authority 0: not known */
	unsigned char *peer_der, *pinned_der; /* OpenSSL's */
	size_t pinned_len;
};

SSL_CTX *ossl_tls(struct tls_ctx *ctx)
{
	return ctx->ssl;
}

void tls_ctx_free(struct tls_ctx *ctx)
{
	if (!ctx || --ctx->refs > 0)
		return;
	SSL_CTX_free(ctx->ssl);
	free(ctx->anchors);
	free(ctx);
}

static X509 *x509_of(struct bytes der)
{
	const unsigned char *p = der.ptr;
	X509 *x = d2i_X509(NULL, &p, (long)der.len);

	if (x && p != der.ptr + der.len) {
		X509_free(x);
		return NULL;
	}
	return x;
}

static bool digest_of(const X509 *x, uint8_t out[SHA256_LEN])
{
	unsigned int len = 0;

	return X509_digest(x, EVP_sha256(), out, &len) == 1 && len == SHA256_LEN;
}

/* The profile of FACTS and DESIGN 5: nothing that resumes, renegotiates or compresses. */
static bool set_profile(SSL_CTX *c, const struct tls_settings *s)
{
	SSL_CTX_set_options(c, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
				       SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				    SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_max_cert_list(c, CERT_LIST_MAX);
	return SSL_CTX_set_num_tickets(c, 0) == 1 &&
	       SSL_CTX_set_min_proto_version(c, s->allow_tls12 ? TLS1_2_VERSION : TLS1_3_VERSION) ==
		       1 &&
	       SSL_CTX_set_cipher_list(c, "ECDHE-ECDSA-AES128-GCM-SHA256:"
					  "ECDHE-ECDSA-AES256-GCM-SHA384:"
					  "ECDHE-ECDSA-CHACHA20-POLY1305") == 1 &&
	       SSL_CTX_set_ciphersuites(c, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
					   "TLS_CHACHA20_POLY1305_SHA256") == 1 &&
	       SSL_CTX_set1_groups_list(c, "X25519:P-256") == 1 &&
	       SSL_CTX_set1_sigalgs_list(c, "ECDSA+SHA256") == 1 &&
	       SSL_CTX_set1_client_sigalgs_list(c, "ECDSA+SHA256") == 1;
}

static bool set_own(SSL_CTX *c, const struct tls_settings *s, struct err *e)
{
	for (size_t i = 0; i < s->chain_count; i++) {
		ossl_auto(X509) *x = x509_of(s->chain[i]);
		if (!x)
			return ossl_fail(e, ERR_INPUT, "own certificate cannot be read");
		if ((i == 0 ? SSL_CTX_use_certificate(c, x) : SSL_CTX_add1_chain_cert(c, x)) != 1)
			return ossl_fail(e, ERR_INPUT, "own certificate cannot be used");
	}
	if (s->chain_count == 0)
		return !s->is_server || err_set(e, ERR_INPUT, "a server needs a certificate");
	struct cert own;
	if (!cert_read(s->chain[0], &own, e))
		return err_in(e, "own certificate");
	if (!s->key || !bytes_eq(own.spki, key_spki(s->key)))
		return err_set(e, ERR_INPUT, "own key and certificate do not belong together");
	EVP_PKEY *pkey = ossl_pkey(s->key);
	if (!pkey || SSL_CTX_use_PrivateKey(c, pkey) != 1)
		return ossl_fail(e, ERR_INPUT, "own key cannot be used");
	return true;
}

static bool set_anchors(struct tls_ctx *ctx, const struct tls_settings *s, struct err *e)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx->ssl);

	ctx->anchors = mem_new(s->anchor_count, sizeof(*ctx->anchors));
	for (size_t i = 0; i < s->anchor_count; i++) {
		ossl_auto(X509) *x = x509_of(s->anchors[i].der);
		struct anchor *a = &ctx->anchors[ctx->anchor_count++];
		if (!x || s->anchors[i].authority == 0)
			return ossl_fail(e, ERR_INPUT, "a trust anchor cannot be read");
		a->authority = s->anchors[i].authority;
		if (!digest_of(x, a->sha256) || X509_STORE_add_cert(store, x) != 1)
			return ossl_fail(e, ERR_SYSTEM, "a trust anchor cannot be used");
	}
	X509_VERIFY_PARAM *p = SSL_CTX_get0_param(ctx->ssl);
	X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_PARTIAL_CHAIN);
	X509_VERIFY_PARAM_set_depth(p, CHAIN_DEPTH);
	return true;
}

/* Trust exactly the certificate of that fingerprint, which the server must have sent. */
static int verify_pinned(X509_STORE_CTX *check, void *arg)
{
	struct tls_ctx *ctx = arg;
	STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(check);
	STACK_OF(X509) *trusted = sk_X509_new_null();
	uint8_t digest[SHA256_LEN];

	for (int i = 0; trusted && i < sk_X509_num(sent); i++)
		if (digest_of(sk_X509_value(sent, i), digest) &&
		    memcmp(digest, ctx->pin, SHA256_LEN) == 0)
			sk_X509_push(trusted, sk_X509_value(sent, i));
	X509_STORE_CTX_set0_trusted_stack(check, trusted);
	int ok = sk_X509_num(trusted) > 0 ? X509_verify_cert(check) : 0;
	if (sk_X509_num(trusted) <= 0)
		X509_STORE_CTX_set_error(check, X509_V_ERR_CERT_UNTRUSTED);
	sk_X509_free(trusted);
	return ok > 0;
}

static bool set_peer_rules(struct tls_ctx *ctx, const struct tls_settings *s, struct err *e)
{
	ctx->is_server = s->is_server;
	ctx->want_peer = s->want_peer || !s->is_server;
	if (s->peer_path.len >= PATH_MAX_LEN)
		return err_set(e, ERR_INPUT, "path of the peer's name is too long");
	if (s->peer_path.len)
		memcpy(ctx->peer_path, s->peer_path.ptr, s->peer_path.len);
	if (s->pin && !s->is_server) {
		ctx->has_pin = true;
		memcpy(ctx->pin, s->pin, SHA256_LEN);
		SSL_CTX_set_cert_verify_callback(ctx->ssl, verify_pinned, ctx);
	} else if (ctx->want_peer && s->anchor_count == 0) {
		return err_set(e, ERR_INPUT, "nobody to trust: no authority was given");
	}
	SSL_CTX_set_verify(ctx->ssl,
			   ctx->want_peer ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
					  : SSL_VERIFY_NONE,
			   NULL);
	return true;
}

struct tls_ctx *tls_ctx_new(const struct tls_settings *s, struct err *e)
{
	struct tls_ctx *ctx = mem_new(1, sizeof(*ctx));

	ctx->refs = 1;
	ctx->ssl = SSL_CTX_new(s->is_server ? TLS_server_method() : TLS_client_method());
	bool ok = ctx->ssl && set_profile(ctx->ssl, s);
	if (!ok)
		(void)ossl_fail(e, ERR_SYSTEM, "TLS cannot be set up");
	ok = ok && set_own(ctx->ssl, s, e) && set_anchors(ctx, s, e) && set_peer_rules(ctx, s, e);
	if (ok)
		return ctx;
	tls_ctx_free(ctx);
	return NULL;
}

static bool set_host(SSL *ssl, struct str host, struct err *e)
{
	X509_VERIFY_PARAM *p = SSL_get0_param(ssl);
	char name[HOST_MAX + 1] = { 0 };
	uint8_t raw[16];

	if (host.len == 0)
		return true;
	if (host.len > HOST_MAX)
		return err_set(e, ERR_INPUT, "host name is too long");
	memcpy(name, host.ptr, host.len);
	if (inet_pton(AF_INET, name, raw) == 1 || inet_pton(AF_INET6, name, raw) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(p, name) == 1 ||
		       ossl_fail(e, ERR_SYSTEM, "host address");
	X509_VERIFY_PARAM_set_hostflags(p, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return (X509_VERIFY_PARAM_set1_host(p, name, host.len) == 1 &&
		SSL_set_tlsext_host_name(ssl, name) == 1) ||
	       ossl_fail(e, ERR_SYSTEM, "host name");
}

struct tls *tls_new(struct tls_ctx *ctx, int fd, struct str host, struct err *e)
{
	struct tls *t = mem_new(1, sizeof(*t));

	t->ctx = ctx;
	ctx->refs++;
	t->ssl = SSL_new(ctx->ssl);
	bool ok = t->ssl && SSL_set_fd(t->ssl, fd) == 1;
	if (!ok)
		(void)ossl_fail(e, ERR_SYSTEM, "TLS connection");
	if (!ok || (!ctx->is_server && !set_host(t->ssl, host, e))) {
		tls_free(t);
		return NULL;
	}
	if (ctx->is_server)
		SSL_set_accept_state(t->ssl);
	else
		SSL_set_connect_state(t->ssl);
	return t;
}

void tls_free(struct tls *t)
{
	if (!t)
		return;
	SSL_free(t->ssl);
	OPENSSL_free(t->peer_der);
	OPENSSL_free(t->pinned_der);
	tls_ctx_free(t->ctx);
	free(t);
}

static enum tls_result fail_cut(struct err *e, int saved)
{
	ERR_clear_error();
	if (saved)
		(void)err_set(e, ERR_RETRY, "connection lost: %s", strerror(saved));
	else
		(void)err_set(e, ERR_RETRY, "connection was cut");
	return TLS_FAILED;
}

static bool is_cut(unsigned long code)
{
	return ERR_GET_LIB(code) == ERR_LIB_SSL &&
	       ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
}

/* What OpenSSL's return value means for the caller. */
static enum tls_result result_of(struct tls *t, int returned, int saved, struct err *e)
{
	switch (SSL_get_error(t->ssl, returned)) {
	case SSL_ERROR_NONE:
		return TLS_OK;
	case SSL_ERROR_WANT_READ:
		return TLS_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WANT_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_CLOSED;
	case SSL_ERROR_SYSCALL:
		return fail_cut(e, saved);
	default:
		break;
	}
	if (is_cut(ERR_peek_error()))
		return fail_cut(e, 0);
	long why = SSL_get_verify_result(t->ssl);
	if (!t->is_done && why != X509_V_OK) {
		ERR_clear_error();
		(void)err_set(e, ERR_DENIED, "TLS: certificate of the peer: %s",
			      X509_verify_cert_error_string(why));
		return TLS_FAILED;
	}
	(void)ossl_fail(e, ERR_INPUT, "TLS");
	return TLS_FAILED;
}

/* --- who is it? --- */

static int authority_of(const struct tls_ctx *ctx, const X509 *anchor)
{
	uint8_t digest[SHA256_LEN];

	if (!anchor || !digest_of(anchor, digest))
		return 0;
	if (ctx->has_pin)
		return memcmp(digest, ctx->pin, SHA256_LEN) == 0 ? TLS_AUTHORITY_PINNED : 0;
	for (size_t i = 0; i < ctx->anchor_count; i++)
		if (memcmp(digest, ctx->anchors[i].sha256, SHA256_LEN) == 0)
			return ctx->anchors[i].authority;
	return 0;
}

static bool path_is_good(struct str uri, const char *path)
{
	struct str rest = str_from(uri, 9); /* cert_read has seen "spiffe://" */
	const char *slash = rest.len ? memchr(rest.ptr, '/', rest.len) : NULL;

	return slash && str_starts(str_from(rest, (size_t)(slash - rest.ptr)), str_of(path));
}

static bool check_signature(struct tls *t, struct err *e)
{
	int type = NID_undef;
	int hash = NID_undef;

	if (SSL_get_peer_signature_type_nid(t->ssl, &type) != 1 || type != EVP_PKEY_EC ||
	    SSL_get_peer_signature_nid(t->ssl, &hash) != 1 || hash != NID_sha256)
		return err_set(e, ERR_DENIED, "the peer did not sign with its P-256 key");
	return true;
}

static bool check_cert(struct tls *t, const struct cert *c, struct err *e)
{
	unsigned want = t->ctx->is_server ? CERT_CLIENT_AUTH : CERT_SERVER_AUTH;

	if (c->is_ca)
		return err_set(e, ERR_DENIED, "the peer's certificate is an authority's");
	if (!(c->eku & want))
		return err_set(e, ERR_DENIED, "the peer's certificate is not for a %s",
			       t->ctx->is_server ? "client" : "server");
	if (t->ctx->peer_path[0] && !path_is_good(c->uri, t->ctx->peer_path))
		return err_set(e, ERR_DENIED, "the peer is '" STR_FMT "': want %s", STR_ARG(c->uri),
			       t->ctx->peer_path);
	return true;
}

/* T1: whatever the handshake did or was told to skip, nobody passes here without a
 * certificate that is there, verified, ours in form, and used by who has its key. */
static bool meet_peer(struct tls *t, struct err *e)
{
	X509 *x = SSL_get0_peer_certificate(t->ssl);
	STACK_OF(X509) *chain = SSL_get0_verified_chain(t->ssl);
	int len;

	if (!x)
		return err_set(e, ERR_DENIED, "the peer has no certificate");
	if (SSL_get_verify_result(t->ssl) != X509_V_OK || sk_X509_num(chain) < 1)
		return err_set(e, ERR_DENIED, "the peer's certificate was not verified");
	X509 *anchor = sk_X509_value(chain, sk_X509_num(chain) - 1);
	int authority = authority_of(t->ctx, anchor);
	if (!authority)
		return err_set(e, ERR_DENIED, "the peer's authority is none of ours");
	len = i2d_X509(x, &t->peer_der);
	if (len <= 0 || !digest_of(x, t->peer.sha256))
		return ossl_fail(e, ERR_SYSTEM, "the peer's certificate");
	if (!cert_read(bytes_of(t->peer_der, (size_t)len), &t->peer.cert, e))
		return err_in(e, "the peer's certificate");
	if (!check_cert(t, &t->peer.cert, e) || !check_signature(t, e))
		return false;
	if (t->ctx->has_pin)
		t->pinned_len = (size_t)i2d_X509(anchor, &t->pinned_der);
	t->peer.authority = authority;
	return true;
}

enum tls_result tls_handshake(struct tls *t, struct err *e)
{
	ERR_clear_error();
	errno = 0;
	int returned = SSL_do_handshake(t->ssl);
	enum tls_result r = result_of(t, returned, errno, e);

	if (r != TLS_OK)
		return r;
	if (t->ctx->want_peer && !meet_peer(t, e))
		return TLS_FAILED;
	t->is_done = true;
	return TLS_OK;
}

enum tls_result tls_read(struct tls *t, void *out, size_t cap, size_t *out_len, struct err *e)
{
	*out_len = 0;
	if (!t->is_done) {
		(void)err_set(e, ERR_INPUT, "TLS: the handshake is not done");
		return TLS_FAILED;
	}
	ERR_clear_error();
	errno = 0;
	int returned = SSL_read_ex(t->ssl, out, cap, out_len);
	return result_of(t, returned, errno, e);
}

enum tls_result tls_write(struct tls *t, const void *data, size_t len, size_t *out_len,
			  struct err *e)
{
	*out_len = 0;
	if (!t->is_done) {
		(void)err_set(e, ERR_INPUT, "TLS: the handshake is not done");
		return TLS_FAILED;
	}
	if (len == 0)
		return TLS_OK;
	ERR_clear_error();
	errno = 0;
	int returned = SSL_write_ex(t->ssl, data, len, out_len);
	return result_of(t, returned, errno, e);
}

enum tls_result tls_shutdown(struct tls *t, struct err *e)
{
	if (!t->is_done || SSL_get_shutdown(t->ssl) & SSL_SENT_SHUTDOWN)
		return TLS_OK;
	ERR_clear_error();
	errno = 0;
	int returned = SSL_shutdown(t->ssl);
	return returned >= 0 ? TLS_OK : result_of(t, returned, errno, e);
}

bool tls_has_pending(const struct tls *t)
{
	return SSL_has_pending(t->ssl);
}

bool tls_peer(struct tls *t, struct tls_peer *out, struct err *e)
{
	*out = (struct tls_peer){ 0 };
	if (!t->is_done || t->peer.authority == 0)
		return err_set(e, ERR_DENIED, "the peer has no certificate");
	*out = t->peer;
	return true;
}

struct bytes tls_pinned(const struct tls *t)
{
	return bytes_of(t->pinned_der, t->pinned_len);
}

bool tls_exporter(struct tls *t, const char *label, uint8_t out[SHA256_LEN], struct err *e)
{
	if (!t->is_done || SSL_export_keying_material(t->ssl, out, SHA256_LEN, label, strlen(label),
						      NULL, 0, 0) != 1)
		return ossl_fail(e, ERR_SYSTEM, "TLS exporter");
	return true;
}

const char *tls_version(const struct tls *t)
{
	return SSL_get_version(t->ssl);
}
