/* est.c - enrolment and renewal over EST (RFC 7030): requests in, certificates out. */
#include "control/front/est.h"

#include "base/mem.h"
#include "codec/base64.h"
#include "control/front/events.h"
#include "control/front/front.h"
#include "control/front/limit.h"
#include "crypto/csr.h"
#include "crypto/tls.h"

static void answer_certs(struct call *c, const struct bytes *certs, size_t count)
{
	struct str agent = http_header(&http_request(c->x)->headers, "User-Agent");
	auto_buf struct buf body = { 0 };
	struct err e = { 0 };

	buf_init(&body, 256 * 1024);
	if (!est_certs_write(certs, count, agent, &body)) {
		err_set(&e, ERR_SYSTEM, "certificates cannot be encoded");
		front_refuse(c, &e);
		return;
	}
	http_set_header(c->x, "Content-Transfer-Encoding", STR("base64"));
	http_answer(c->x, 200, TYPE_CERTS "; smime-type=certs-only", buf_bytes(&body));
}

void front_est_cacerts(struct call *c)
{
	const struct bytes certs[] = { c->front->infra_ca, c->front->device_ca };

	answer_certs(c, certs, countof(certs));
}

static void certificate_issued(struct call *c, const struct wall_answer *a)
{
	answer_certs(c, &a->body, 1);
}

/* RFC 7030 3.5, RFC 9266: a request that carries channel binding must carry this channel's.
 * Under TLS 1.2 it would be tls-unique, which we do not compute. */
static bool check_binding(struct call *c, const struct csr *csr, struct err *e)
{
	uint8_t binding[SHA256_LEN];
	struct tls *tls = http_tls(c->x);

	if (!csr->challenge.len || !tls || strcmp(tls_version(tls), "TLSv1.3") != 0)
		return true;
	if (!tls_exporter(tls, TLS_EXPORTER_BINDING, binding, e))
		return false;
	struct str want =
		base64_text((struct bytes){ binding, sizeof(binding) }, BASE64_STD, c->mem);
	return bytes_eq_secret(bytes_str(want), bytes_str(csr->challenge)) ||
	       err_set(e, ERR_INPUT,
		       "challengePassword is not this connection's tls-exporter (RFC 9266)");
}

static bool read_csr(struct call *c, struct csr *out, struct err *e)
{
	const struct http_headers *h = &http_request(c->x)->headers;
	struct str type = http_header(h, "Content-Type"), main_type, rest;
	struct bytes der;

	(void)str_cut(type, ';', &main_type, &rest);
	if (!str_eq_nocase(str_trim(main_type), STR("application/pkcs10")))
		return err_set(e, ERR_INPUT,
			       "want Content-Type: application/pkcs10 (RFC 7030 4.2)");
	if (!est_body_read(http_body(c->x), c->mem, &der, e) || !csr_read(der, out, e) ||
	    !check_binding(c, out, e))
		return err_in(e, "certificate request");
	return true;
}

/* ---- first enrolment ---- */

static void ask_for_code(struct call *c)
{
	static const char text[] = "enrolment needs a one-time code as HTTP Basic id:secret\n";

	http_set_header(c->x, "WWW-Authenticate", STR("Basic realm=\"muster\""));
	http_answer(c->x, 401, TYPE_NOTE, bytes_of(text, sizeof(text) - 1));
}

static bool may_try(struct call *c, struct err *e)
{
	if (limit_is_open(c->front->enrolments, c->peer.address, loop_now_ms(c->front->loop)))
		return true;
	log_event(&front_event_guessing, LOG_STR("source", c->peer.address));
	return err_set(e, ERR_RETRY, "too many refused codes from this address; wait a minute");
}

static bool read_enrol(struct call *c, struct str authorization, struct wall_enrol *out,
		       uint8_t secret[16], struct err *e)
{
	struct str password;
	struct csr csr;

	if (!may_try(c, e) || !http_basic(authorization, c->mem, &out->id, &password, e) ||
	    !read_csr(c, &csr, e) || !est_secret_read(password, out->id, secret, e))
		return err_in(e, "enrol '" STR_FMT "'", STR_ARG(str_head(out->id, 63)));
	out->peer = c->peer;
	out->secret = (struct bytes){ secret, 16 };
	out->spki = csr.spki;
	out->csr_sha256 = arena_copy(c->mem, csr.digest, sizeof(csr.digest));
	return true;
}

static void enrol_refused(struct call *c, const struct err *e)
{
	if (e->kind == ERR_DENIED || e->kind == ERR_MISSING)
		limit_failed(c->front->enrolments, c->peer.address, loop_now_ms(c->front->loop));
}

void front_est_enrol(struct call *c)
{
	struct str authorization = http_header(&http_request(c->x)->headers, "Authorization");
	struct wall_enrol q = { 0 };
	uint8_t secret[16];
	struct err e = { 0 };

	if (!authorization.len) {
		ask_for_code(c);
		return;
	}
	if (!read_enrol(c, authorization, &q, secret, &e)) {
		enrol_refused(c, &e);
		front_refuse(c, &e);
		return;
	}
	c->on_answer = certificate_issued;
	c->on_refused = enrol_refused;
	front_ask(c, WALL_ENROL, &q);
	mem_wipe(secret, sizeof(secret));
}

/* ---- renewal, and programs on a device ---- */

void front_est_renew(struct call *c)
{
	struct err e = { 0 };
	struct csr csr;

	if (!read_csr(c, &csr, &e)) {
		front_refuse(c, &e);
		return;
	}
	struct wall_renew q = {
		.peer = c->peer,
		.spki = csr.spki,
		.csr_sha256 = { csr.digest, sizeof(csr.digest) },
	};
	c->on_answer = certificate_issued;
	front_ask(c, WALL_RENEW, &q);
}
