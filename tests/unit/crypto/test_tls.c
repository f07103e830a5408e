/* test_tls.c - who gets in, and as what (T1, T4, T5, T6). */
#include "test.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/ossl.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "crypto/tls.h"

enum { DEVICE_CA = 7, INFRA_CA = 8 };

static struct err e, server_err, client_err;

/* An authority, and what it issued. */
struct ca {
	struct key *key;
	struct buf der;
	struct cert_issuer by;
};

struct id {
	struct key *key;
	struct buf der;
};

static struct ca device_ca, infra_ca, sibling_ca, stranger_ca;
static struct id server, pump, gate, sibling, stranger, self_signed, dangerous;

static const int64_t HOUR = 3600000;

static void make_ca(struct ca *ca, const char *name)
{
	int64_t now = clock_wall_ms(clock_real());
	struct cert_issuer self = { 0 };

	ca->key = key_generate(KEY_P256, &e);
	buf_init(&ca->der, CERT_MAX_BYTES);
	self.key = ca->key;
	struct cert_request q = { .profile = CERT_CA,
				  .common_name = str_of(name),
				  .spki = key_spki(ca->key),
				  .not_before_ms = now - HOUR,
				  .not_after_ms = now + HOUR };
	check(cert_issue(&q, &self, &ca->der, &e), "an authority");
	check(cert_issuer_read(buf_bytes(&ca->der), ca->key, &ca->by, &e), "that issues");
}

static void make_id(struct id *id, const struct ca *ca, enum cert_profile profile, const char *uri)
{
	static const struct str dns = STR_INIT("localhost");
	static const struct str ip = STR_INIT("127.0.0.1");
	int64_t now = clock_wall_ms(clock_real());
	bool has_hosts = profile == CERT_SERVER || profile == CERT_GATE;

	id->key = key_generate(KEY_P256, &e);
	buf_init(&id->der, CERT_MAX_BYTES);
	struct cert_request q = { .profile = profile,
				  .uri = str_of(uri),
				  .common_name = STR("x"),
				  .dns = &dns,
				  .ip = &ip,
				  .dns_count = has_hosts,
				  .ip_count = has_hosts,
				  .spki = key_spki(id->key),
				  .not_before_ms = now - HOUR,
				  .not_after_ms = now + HOUR };
	check(cert_issue(&q, &ca->by, &id->der, &e), "a certificate");
}

static EVP_PKEY *pkey_of(const struct key *k)
{
	auto_buf struct buf pem = { 0 };

	buf_init(&pem, 4096);
	check(key_write_pem(k, &pem, &e), "a key for OpenSSL");
	BIO *in = BIO_new_mem_buf(pem.ptr, (int)pem.len);
	EVP_PKEY *pkey = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
	BIO_free(in);
	return pkey;
}

/* A certificate no code of ours would issue, signed by our own authority. */
static void make_dangerous(struct id *id, const struct ca *ca, const char *uri)
{
	static const char *const extensions[][2] = { { "keyUsage", "critical,digitalSignature" },
						     { "extendedKeyUsage", "clientAuth" } };
	const unsigned char *p = ca->der.ptr;
	X509 *issuer = d2i_X509(NULL, &p, (long)ca->der.len);
	X509 *x = X509_new();
	X509V3_CTX ctx;

	id->key = key_generate(KEY_P256, &e);
	EVP_PKEY *own = pkey_of(id->key);
	EVP_PKEY *signer = pkey_of(ca->key);
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 99);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_issuer_name(x, X509_get_subject_name(issuer));
	X509_set_subject_name(x, X509_get_subject_name(issuer));
	X509_set_pubkey(x, own);
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	for (size_t i = 0; i < countof(extensions); i++) {
		X509_EXTENSION *ext =
			X509V3_EXT_conf(NULL, &ctx, extensions[i][0], extensions[i][1]);
		X509_add_ext(x, ext, -1);
		X509_EXTENSION_free(ext);
	}
	X509_EXTENSION *san = X509V3_EXT_conf(NULL, &ctx, "subjectAltName", uri);
	X509_add_ext(x, san, -1);
	X509_EXTENSION_free(san);
	X509_sign(x, signer, EVP_sha256());
	unsigned char *der = NULL;
	int len = i2d_X509(x, &der);
	buf_init(&id->der, CERT_MAX_BYTES);
	buf_put(&id->der, der, (size_t)len);
	OPENSSL_free(der);
	EVP_PKEY_free(own);
	EVP_PKEY_free(signer);
	X509_free(x);
	X509_free(issuer);
}

static int make(void **state)
{
	(void)state;
	make_ca(&device_ca, "device CA");
	make_ca(&infra_ca, "infra CA");
	make_ca(&sibling_ca, "device CA");
	make_ca(&stranger_ca, "another CA");
	make_id(&server, &infra_ca, CERT_SERVER, "spiffe://muster.local/server/front");
	make_id(&gate, &infra_ca, CERT_GATE, "spiffe://muster.local/gate/g1");
	make_id(&pump, &device_ca, CERT_DEVICE, "spiffe://muster.local/device/pump-1");
	make_id(&sibling, &sibling_ca, CERT_DEVICE, "spiffe://muster.local/device/pump-1");
	make_id(&stranger, &stranger_ca, CERT_DEVICE, "spiffe://muster.local/device/pump-1");
	self_signed.key = key_generate(KEY_P256, &e);
	buf_init(&self_signed.der, CERT_MAX_BYTES);
	struct cert_issuer self = { .key = self_signed.key, .name = device_ca.by.name };
	struct cert_request q = { .profile = CERT_DEVICE,
				  .uri = STR("spiffe://muster.local/device/pump-1"),
				  .common_name = STR("pump-1"),
				  .spki = key_spki(self_signed.key),
				  .not_after_ms = clock_wall_ms(clock_real()) + HOUR };
	check(cert_issue(&q, &self, &self_signed.der, &e), "a self-made certificate");
	make_dangerous(&dangerous, &device_ca, "URI:spiffe://muster.local/device/#");
	return 0;
}

static struct tls_ctx *server_ctx(const struct id *own, bool want_peer)
{
	struct bytes chain[] = { buf_bytes(&own->der), buf_bytes(&infra_ca.der) };
	struct tls_anchor anchors[] = { { buf_bytes(&device_ca.der), DEVICE_CA },
					{ buf_bytes(&infra_ca.der), INFRA_CA } };
	struct tls_settings s = { .is_server = true,
				  .chain = chain,
				  .chain_count = 2,
				  .key = own->key,
				  .anchors = anchors,
				  .anchor_count = 2,
				  .want_peer = want_peer };
	struct tls_ctx *ctx = tls_ctx_new(&s, &e);

	check(ctx, "a server");
	return ctx;
}

static struct tls_ctx *client_ctx(const struct id *own)
{
	struct bytes chain = own ? buf_bytes(&own->der) : (struct bytes){ 0 };
	struct tls_anchor anchor = { buf_bytes(&infra_ca.der), INFRA_CA };
	struct tls_settings s = { .chain = &chain,
				  .chain_count = own ? 1 : 0,
				  .key = own ? own->key : NULL,
				  .anchors = &anchor,
				  .anchor_count = 1,
				  .peer_path = STR("/server/") };
	struct tls_ctx *ctx = tls_ctx_new(&s, &e);

	check(ctx, "a client");
	return ctx;
}

struct pair {
	int fd[2];
	struct tls *server, *client;
	enum tls_result s, c;
};

static bool is_waiting(enum tls_result r)
{
	return r == TLS_WANT_READ || r == TLS_WANT_WRITE;
}

/* Both ends in one process, until neither has anything more to do. True: both are content. */
static bool meet(struct pair *p, struct tls_ctx *sc, struct tls_ctx *cc, const char *host)
{
	char byte;
	size_t len;

	*p = (struct pair){ .s = TLS_WANT_READ, .c = TLS_WANT_READ };
	server_err = client_err = (struct err){ 0 };
	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p->fd) == 0, "a wire");
	p->server = tls_new(sc, p->fd[0], (struct str){ 0 }, &e);
	p->client = tls_new(cc, p->fd[1], str_of(host), &e);
	check(p->server && p->client, "two ends");
	for (int i = 0; i < 20; i++) {
		if (is_waiting(p->c))
			p->c = tls_handshake(p->client, &client_err);
		if (is_waiting(p->s))
			p->s = tls_handshake(p->server, &server_err);
	}
	/* In TLS 1.3 a client learns that it was refused when it reads. */
	if (p->c == TLS_OK && p->s == TLS_FAILED)
		p->c = tls_read(p->client, &byte, 1, &len, &client_err);
	tls_ctx_free(sc);
	tls_ctx_free(cc);
	return p->s == TLS_OK && p->c == TLS_OK;
}

static void part(struct pair *p)
{
	tls_free(p->server);
	tls_free(p->client);
	close(p->fd[0]);
	close(p->fd[1]);
}

static void a_device_and_a_server_meet(void **state)
{
	struct pair p;
	struct tls_peer peer;
	uint8_t a[SHA256_LEN];
	uint8_t b[SHA256_LEN];
	char text[8];
	size_t len;

	(void)state;
	check(meet(&p, server_ctx(&server, true), client_ctx(&pump), "localhost"), "they meet");
	check(strcmp(tls_version(p.server), "TLSv1.3") == 0, "in TLS 1.3");
	check(tls_peer(p.server, &peer, &e), "the server knows who it is");
	check(peer.authority == DEVICE_CA, "by the authority that signed");
	check(str_eqz(peer.cert.uri, "spiffe://muster.local/device/pump-1"), "by its name");
	sha256(buf_bytes(&pump.der), a);
	check(memcmp(a, peer.sha256, SHA256_LEN) == 0, "and by its certificate's fingerprint");
	check(tls_peer(p.client, &peer, &e) && peer.authority == INFRA_CA, "so does the device");
	check(tls_exporter(p.server, TLS_EXPORTER_ATTEST, a, &e) &&
		      tls_exporter(p.client, TLS_EXPORTER_ATTEST, b, &e) &&
		      memcmp(a, b, SHA256_LEN) == 0,
	      "both name the channel alike");
	check(tls_exporter(p.client, TLS_EXPORTER_BINDING, b, &e) && memcmp(a, b, SHA256_LEN) != 0,
	      "another label is another name");
	check(tls_write(p.client, "hello", 5, &len, &e) == TLS_OK && len == 5, "said");
	check(tls_read(p.server, text, sizeof(text), &len, &e) == TLS_OK && len == 5, "heard");
	check(memcmp(text, "hello", 5) == 0, "as said");
	check(tls_read(p.server, text, sizeof(text), &len, &e) == TLS_WANT_READ, "no more");
	check(tls_shutdown(p.client, &e) == TLS_OK, "goodbye");
	check(tls_read(p.server, text, sizeof(text), &len, &e) == TLS_CLOSED, "is understood");
	part(&p);
}

static void a_cut_is_not_a_goodbye(void **state)
{
	struct pair p;
	char text[8];
	size_t len;

	(void)state;
	check(meet(&p, server_ctx(&server, true), client_ctx(&pump), ""), "they meet");
	shutdown(p.fd[1], SHUT_RDWR);
	check(tls_read(p.server, text, sizeof(text), &len, &e) == TLS_FAILED, "it failed");
	check(e.kind == ERR_RETRY, "and may be tried again");
	part(&p);
}

/* T6 and the strangers of the plant: what decides is who signed, not what is written. */
static void strangers_stay_outside(void **state)
{
	static const struct {
		const char *says;
		const struct id *id;
	} strangers[] = {
		{ "T6: another CA", &stranger },
		{ "T6: a sibling CA of the same name", &sibling },
		{ "T6: a self-made certificate that names our CA", &self_signed },
		{ "T4: a server's certificate is not a client's", &server },
		{ "T5: a wildcard as a name, signed by our own CA", &dangerous },
	};
	struct pair p;
	struct tls_peer peer;

	(void)state;
	for (size_t i = 0; i < countof(strangers); i++) {
		/* Made without the client's own checks: a stranger's program has none. */
		struct tls_ctx *cc = client_ctx(&pump);
		const unsigned char *at = strangers[i].id->der.ptr;
		X509 *x = d2i_X509(NULL, &at, (long)strangers[i].id->der.len);
		EVP_PKEY *pkey = pkey_of(strangers[i].id->key);
		check(SSL_CTX_use_cert_and_key(ossl_tls(cc), x, pkey, NULL, 1) == 1, "a disguise");
		check(!meet(&p, server_ctx(&server, true), cc, ""), strangers[i].says);
		check(p.s == TLS_FAILED, strangers[i].says);
		check(!tls_peer(p.server, &peer, &e), strangers[i].says);
		part(&p);
		X509_free(x);
		EVP_PKEY_free(pkey);
	}
}

/* T1: no certificate, with OpenSSL's own check and with that check broken. */
static void nobody_comes_without_a_certificate(void **state)
{
	struct pair p;
	struct tls_peer peer;
	char byte;
	size_t len;

	(void)state;
	check(!meet(&p, server_ctx(&server, true), client_ctx(NULL), ""), "refused");
	check(p.s == TLS_FAILED && strstr(server_err.text, "did not return a certificate"),
	      "by the handshake");
	check(strstr(client_err.text, "certificate required"), "and the client is told");
	part(&p);

	struct tls_ctx *sc = server_ctx(&server, true);
	SSL_CTX_set_verify(ossl_tls(sc), SSL_VERIFY_NONE, NULL);
	check(!meet(&p, sc, client_ctx(NULL), ""), "refused");
	check(strstr(server_err.text, "has no certificate"), "by our own assertion");
	check(tls_read(p.server, &byte, 1, &len, &e) == TLS_FAILED, "nothing can be read");
	check(!tls_peer(p.server, &peer, &e), "nobody is known");
	part(&p);
}

static int believe_all(int ok, X509_STORE_CTX *ctx)
{
	(void)ok;
	(void)ctx;
	return 1;
}

/* T1: a certificate of another CA, and a verification that was patched to believe it. */
static void a_broken_verification_is_noticed(void **state)
{
	struct pair p;

	(void)state;
	struct tls_ctx *sc = server_ctx(&server, true);
	SSL_CTX_set_verify(ossl_tls(sc), SSL_VERIFY_PEER, believe_all);
	check(!meet(&p, sc, client_ctx(&stranger), ""), "refused");
	check(p.s == TLS_FAILED && server_err.kind == ERR_DENIED, "by our own assertion");
	part(&p);
}

static void an_enrolling_device_needs_no_certificate(void **state)
{
	struct pair p;
	struct tls_peer peer;

	(void)state;
	check(meet(&p, server_ctx(&server, false), client_ctx(NULL), "127.0.0.1"), "they meet");
	check(!tls_peer(p.server, &peer, &e), "but nobody is known");
	part(&p);
}

static void a_client_knows_its_server(void **state)
{
	struct pair p;

	(void)state;
	check(!meet(&p, server_ctx(&server, true), client_ctx(&pump), "example.org"),
	      "another host is refused");
	check(p.c == TLS_FAILED, "by the client");
	part(&p);
	check(!meet(&p, server_ctx(&server, true), client_ctx(&pump), "127.0.0.2"),
	      "another address too");
	part(&p);
	check(!meet(&p, server_ctx(&gate, true), client_ctx(&pump), "localhost"),
	      "a gate is not musterd, although one CA signed both");
	check(strstr(client_err.text, "want /server/"), "which is said");
	part(&p);
}

static struct tls_ctx *pinned_ctx(const uint8_t pin[SHA256_LEN])
{
	struct tls_settings s = { .pin = pin, .peer_path = STR("/server/"), .allow_tls12 = true };
	struct tls_ctx *ctx = tls_ctx_new(&s, &e);

	check(ctx, "a pinned client");
	return ctx;
}

static void a_fingerprint_tells_whom_to_trust(void **state)
{
	struct pair p;
	uint8_t pin[SHA256_LEN];
	struct tls_peer peer;

	(void)state;
	sha256(buf_bytes(&infra_ca.der), pin);
	check(meet(&p, server_ctx(&server, false), pinned_ctx(pin), "localhost"), "they meet");
	check(bytes_eq(tls_pinned(p.client), buf_bytes(&infra_ca.der)), "the CA can be kept");
	check(tls_peer(p.client, &peer, &e) && peer.authority == TLS_AUTHORITY_PINNED, "known");
	part(&p);
	pin[0] ^= 1;
	check(!meet(&p, server_ctx(&server, false), pinned_ctx(pin), "localhost"),
	      "another fingerprint is refused");
	part(&p);
	/* The right CA in the chain does not help a server it did not sign. */
	sha256(buf_bytes(&device_ca.der), pin);
	check(!meet(&p, server_ctx(&server, false), pinned_ctx(pin), "localhost"),
	      "nor a CA that is not in the chain");
	part(&p);
}

static void old_versions_only_where_allowed(void **state)
{
	struct pair p;

	(void)state;
	struct tls_ctx *old = client_ctx(&pump);
	SSL_CTX_set_min_proto_version(ossl_tls(old), TLS1_2_VERSION);
	SSL_CTX_set_max_proto_version(ossl_tls(old), TLS1_2_VERSION);
	check(!meet(&p, server_ctx(&server, true), old, ""), "TLS 1.2 is refused");
	part(&p);
	old = client_ctx(&pump);
	SSL_CTX_set_min_proto_version(ossl_tls(old), TLS1_2_VERSION);
	SSL_CTX_set_max_proto_version(ossl_tls(old), TLS1_2_VERSION);
	struct bytes chain = buf_bytes(&server.der);
	struct tls_anchor anchor = { buf_bytes(&device_ca.der), DEVICE_CA };
	struct tls_settings s = { .is_server = true,
				  .chain = &chain,
				  .chain_count = 1,
				  .key = server.key,
				  .anchors = &anchor,
				  .anchor_count = 1,
				  .want_peer = true,
				  .allow_tls12 = true };
	struct tls_ctx *sc = tls_ctx_new(&s, &e);
	check(sc && meet(&p, sc, old, ""), "or taken, where the listener says so");
	check(strcmp(tls_version(p.server), "TLSv1.2") == 0, "as it is");
	part(&p);
}

static int asked;

static bool sign_elsewhere(void *ctx, const uint8_t digest[KEY_DIGEST], uint8_t out_sig[KEY_SIG],
			   struct err *why)
{
	asked++;
	return ctx ? key_sign_digest(ctx, digest, out_sig, why)
		   : err_set(why, ERR_RETRY, "the TPM is busy");
}

static void a_key_that_signs_elsewhere_serves_tls(void **state)
{
	struct pair p;
	struct id away = { .der = pump.der };

	(void)state;
	away.key = key_external(key_spki(pump.key), sign_elsewhere, pump.key, &e);
	check(meet(&p, server_ctx(&server, true), client_ctx(&away), ""), "they meet");
	check(asked == 1, "after one signature");
	part(&p);
	key_free(away.key);
	away.key = key_external(key_spki(pump.key), sign_elsewhere, NULL, &e);
	check(!meet(&p, server_ctx(&server, true), client_ctx(&away), ""),
	      "no signature, no entry");
	part(&p);
	key_free(away.key);
}

static void a_context_that_cannot_be_right_is_refused(void **state)
{
	struct bytes chain = buf_bytes(&server.der);
	struct tls_settings s = { .is_server = true, .chain = &chain, .key = server.key };

	(void)state;
	check(!tls_ctx_new(&s, &e), "a server without a certificate");
	s.chain_count = 1;
	s.want_peer = true;
	check(!tls_ctx_new(&s, &e), "one that trusts nobody and wants certificates");
	s.want_peer = false;
	s.key = pump.key;
	check(!tls_ctx_new(&s, &e), "T14: one whose key is another's");
	s.key = NULL;
	check(!tls_ctx_new(&s, &e), "T14: one without a key");
	struct tls_settings c = { 0 };
	check(!tls_ctx_new(&c, &e), "a client that trusts nobody");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_and_a_server_meet),
		cmocka_unit_test(a_cut_is_not_a_goodbye),
		cmocka_unit_test(strangers_stay_outside),
		cmocka_unit_test(nobody_comes_without_a_certificate),
		cmocka_unit_test(a_broken_verification_is_noticed),
		cmocka_unit_test(an_enrolling_device_needs_no_certificate),
		cmocka_unit_test(a_client_knows_its_server),
		cmocka_unit_test(a_fingerprint_tells_whom_to_trust),
		cmocka_unit_test(old_versions_only_where_allowed),
		cmocka_unit_test(a_key_that_signs_elsewhere_serves_tls),
		cmocka_unit_test(a_context_that_cannot_be_right_is_refused),
	};
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, make, NULL);
}
