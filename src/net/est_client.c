#include "net/est_client.h"

#include "base/buf.h"
#include "base/mem.h"
#include "codec/base64.h"
#include "crypto/cert.h"
#include "crypto/csr.h"
#include "crypto/pkcs7.h"
#include "crypto/tls.h"
#include "net/http_client.h"
#include "net/problem.h"

enum { BODY_MAX = 64 * 1024, WAIT_MAX_S = 86400 };

struct est {
	struct loop *loop;
	struct http_client *http;
	struct tls_ctx *pinned; /* ours, at first enrolment */
	struct est_code code;
	bool is_first;
	uint8_t fingerprint[SHA256_LEN]; /* of the infra CA */
	struct buf csr, infra_ca, device_ca;
	est_done_fn *fn;
	void *ctx;
};

bool est_code_read(struct str text, struct est_code *out, struct err *e)
{
	struct str head;
	struct str id;
	struct str secret;
	struct str rest;

	text = str_trim(text);
	while (str_ends(text, STR("\n")) || str_ends(text, STR("\r")))
		text.len--;
	*out = (struct est_code){ 0 };
	if (!str_cut(text, '.', &head, &rest) || !str_eqz(head, "mc1"))
		return err_set(e, ERR_INPUT, "not a one-time code: it begins with 'mc1.'");
	/* The id may hold dots, the other two cannot: cut them off from the end. */
	size_t dot[2] = { 0 };
	size_t found = 0;
	for (size_t i = rest.len; i > 0 && found < 2; i--)
		if (rest.ptr[i - 1] == '.')
			dot[found++] = i - 1;
	if (found < 2)
		return err_set(e, ERR_INPUT, "not a whole one-time code");
	id = str_head(rest, dot[1]);
	secret = str_head(str_from(rest, dot[1] + 1), dot[0] - dot[1] - 1);
	if (id.len == 0 || id.len >= EST_ID_MAX || secret.len == 0 || secret.len >= EST_SECRET_MAX)
		return err_set(e, ERR_INPUT, "not a whole one-time code");
	memcpy(out->id, id.ptr, id.len);
	memcpy(out->secret, secret.ptr, secret.len);
	if (!base64_read_exact(str_from(rest, dot[0] + 1), BASE64_URL, out->fingerprint,
			       EST_FINGERPRINT, e))
		return err_in(e, "fingerprint of the one-time code");
	return true;
}

void est_free(struct est *s)
{
	if (!s)
		return;
	loop_forget(s->loop, s);
	http_client_free(s->http);
	tls_ctx_free(s->pinned);
	mem_wipe(&s->code, sizeof(s->code));
	buf_done(&s->csr);
	buf_done(&s->infra_ca);
	buf_done(&s->device_ca);
	free(s);
}

static void fail(struct est *s, const struct err *e, int64_t wait_ms)
{
	s->fn(s->ctx, NULL, e, wait_ms);
}

static int64_t wait_of(const struct http_reply *reply)
{
	uint64_t seconds;

	if (!reply || !str_u64(http_header(&reply->head->headers, "Retry-After"), &seconds))
		return 0;
	return (int64_t)(seconds < WAIT_MAX_S ? seconds : WAIT_MAX_S) * 1000;
}

/* The certificates of an answer, as views into mem. */
static bool read_bag(const struct http_reply *reply, struct arena *mem,
		     struct bytes certs[PKCS7_MAX_CERTS], size_t *count, struct err *e)
{
	struct bytes der;

	if (reply->status != 200)
		return problem_read(reply, e);
	return base64_read(str_bytes(reply->body), BASE64_EST, mem, &der, e) &&
	       pkcs7_read(der, certs, PKCS7_MAX_CERTS, count, e);
}

/* --- the certificate --- */

/* The one certificate that is of our key, signed by one of the two authorities, now valid. */
static bool check_certificate(struct est *s, struct bytes der, struct err *e)
{
	int64_t now = loop_wall_ms(s->loop);
	struct cert mine;
	struct cert infra;
	struct cert device;
	struct csr asked;

	if (!cert_read(der, &mine, e) || !csr_read(buf_bytes(&s->csr), &asked, e) ||
	    !cert_read(buf_bytes(&s->infra_ca), &infra, e) ||
	    !cert_read(buf_bytes(&s->device_ca), &device, e))
		return err_in(e, "certificate from the server");
	if (!bytes_eq(mine.spki, asked.spki))
		return err_set(e, ERR_INPUT, "the server sent a certificate of another key");
	const struct cert *by = bytes_eq(mine.issuer_key_id, infra.key_id) ? &infra : &device;
	return cert_verify(&mine, by, now, e);
}

static void on_certificate(void *ctx, const struct http_reply *reply, const struct err *why)
{
	struct est *s = ctx;
	struct bytes certs[PKCS7_MAX_CERTS] = { 0 };
	size_t count = 0;
	struct err e = { 0 };
	auto_arena struct arena *mem = arena_new(2 * (size_t)BODY_MAX);

	if (!reply) {
		fail(s, why, 0);
		return;
	}
	if (!read_bag(reply, mem, certs, &count, &e) || !check_certificate(s, certs[0], &e)) {
		fail(s, &e, wait_of(reply));
		return;
	}
	struct est_result got = { certs[0], buf_bytes(&s->infra_ca), buf_bytes(&s->device_ca) };
	s->fn(s->ctx, &got, NULL, 0);
}

static void ask_certificate(struct est *s)
{
	auto_buf struct buf body = { 0 };
	auto_buf struct buf basic = { 0 };
	auto_buf struct buf pair = { 0 };
	struct http_call call = { .method = "POST",
				  .target = STR("/.well-known/est/simplereenroll"),
				  .content_type = "application/pkcs10",
				  .on_done = on_certificate,
				  .ctx = s };

	buf_init(&body, BODY_MAX);
	buf_init(&basic, 512);
	buf_init(&pair, 256);
	base64_write(&body, buf_bytes(&s->csr), BASE64_STD);
	buf_putc(&body, '\n');
	if (s->is_first) {
		call.target = STR("/.well-known/est/simpleenroll");
		buf_printf(&pair, "%s:%s", s->code.id, s->code.secret);
		buf_puts(&basic, STR("Basic "));
		base64_write(&basic, buf_bytes(&pair), BASE64_STD);
		call.authorization = buf_str(&basic);
	}
	call.body = buf_bytes(&body);
	http_client_call(s->http, &call);
	mem_wipe(pair.ptr, pair.len);
	mem_wipe(basic.ptr, basic.len);
}

/* --- the authorities --- */

static bool keep_authorities(struct est *s, const struct bytes *certs, size_t count, struct err *e)
{
	uint8_t digest[SHA256_LEN];

	buf_clear(&s->infra_ca);
	buf_clear(&s->device_ca);
	for (size_t i = 0; i < count; i++) {
		struct cert c;
		if (!cert_read(certs[i], &c, e) || !c.is_ca)
			return err_set(e, ERR_INPUT, "the server's authorities cannot be read");
		sha256(certs[i], digest);
		bool is_infra = memcmp(digest, s->fingerprint, SHA256_LEN) == 0;
		struct buf *to = is_infra ? &s->infra_ca : &s->device_ca;
		if (to->len == 0 && !buf_put(to, certs[i].ptr, certs[i].len))
			return err_set(e, ERR_INPUT, "an authority is too large");
	}
	if (s->infra_ca.len && s->device_ca.len)
		return true;
	return err_set(e, ERR_DENIED, "the server's authorities are not those we trust");
}

static void on_authorities(void *ctx, const struct http_reply *reply, const struct err *why)
{
	struct est *s = ctx;
	struct bytes certs[PKCS7_MAX_CERTS] = { 0 };
	size_t count = 0;
	struct err e = { 0 };
	auto_arena struct arena *mem = arena_new(2 * (size_t)BODY_MAX);

	if (!reply) {
		fail(s, why, 0);
		return;
	}
	if (!read_bag(reply, mem, certs, &count, &e) || !keep_authorities(s, certs, count, &e)) {
		(void)err_in(&e, "cacerts");
		fail(s, &e, wait_of(reply));
		return;
	}
	ask_certificate(s);
}

static struct est *begin(struct loop *l, const struct addr *server, struct tls_ctx *tls,
			 struct bytes csr, est_done_fn *fn, void *ctx)
{
	struct est *s = mem_new(1, sizeof(*s));
	struct http_client_settings http = { .server = *server, .tls = tls, .max_body = BODY_MAX };

	s->loop = l;
	s->fn = fn;
	s->ctx = ctx;
	buf_init(&s->csr, CSR_MAX_BYTES);
	buf_init(&s->infra_ca, CERT_MAX_BYTES);
	buf_init(&s->device_ca, CERT_MAX_BYTES);
	(void)buf_put(&s->csr, csr.ptr, csr.len);
	s->http = http_client_new(l, &http);
	struct http_call call = { .method = "GET",
				  .target = STR("/.well-known/est/cacerts"),
				  .on_done = on_authorities,
				  .ctx = s };
	http_client_call(s->http, &call);
	return s;
}

struct est *est_enrol(struct loop *l, const struct addr *server, const struct est_code *code,
		      struct bytes csr, est_done_fn *fn, void *ctx, struct err *e)
{
	struct tls_settings tls = { .pin = code->fingerprint,
				    .peer_path = STR("/server/"),
				    .allow_tls12 = true };
	struct tls_ctx *pinned = tls_ctx_new(&tls, e);

	if (!pinned)
		return NULL;
	struct est *s = begin(l, server, pinned, csr, fn, ctx);
	s->is_first = true;
	s->pinned = pinned;
	s->code = *code;
	memcpy(s->fingerprint, code->fingerprint, EST_FINGERPRINT);
	return s;
}

struct est *est_renew(struct loop *l, const struct addr *server, struct tls_ctx *tls,
		      struct bytes csr, struct bytes infra_ca, est_done_fn *fn, void *ctx)
{
	struct est *s = begin(l, server, tls, csr, fn, ctx);

	sha256(infra_ca, s->fingerprint);
	return s;
}
