/* attest.c - proves this device's state to musterd, regularly and when asked.
 *
 *	register    who the TPM is          once per start
 *	activate    its AK lives in it      once per start
 *	challenge   a nonce                 each time
 *	evidence    a quote over it         each time, on the same connection
 */
#include "agent/events.h"
#include "agent/net/agent.h"
#include "base/mem.h"
#include "codec/base64.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "crypto/tls.h"
#include "crypto/tpmverify.h"
#include "net/problem.h"

enum { JSON_MAX = 65536 };

static void ended(struct agent *a, const struct err *why)
{
	struct attest_job *job = &a->attest;
	int64_t next_ms = a->set.interval_ms;

	job->is_busy = false;
	if (why) {
		int64_t soon_ms = backoff_next_ms(&job->backoff);
		(void)snprintf(job->error, sizeof(job->error), "%s", why->text);
		log_fail(&agent_event_not_attested, why);
		next_ms = soon_ms < next_ms ? soon_ms : next_ms;
		if (why->kind == ERR_MISSING || why->kind == ERR_CONFLICT)
			job->is_activated = false; /* the server forgot, or never knew */
	} else {
		job->backoff.failures = 0;
		job->error[0] = '\0';
	}
	timer_set(job->timer, next_ms);
	local_attested(a, why);
}

/* A reply of 2xx as JSON, or the reason there is none. */
static bool read_reply(const struct http_reply *reply, const struct err *why, struct json **out,
		       struct err *e)
{
	static const struct json_limits limits = { .max_bytes = AGENT_REPLY_MAX };

	*out = NULL;
	if (!reply) {
		*e = *why;
		return false;
	}
	if (reply->status / 100 != 2)
		return problem_read(reply, e);
	return json_read(reply->body, &limits, out, e);
}

static void put_base64(struct jw *w, const char *key, struct bytes data)
{
	auto_buf struct buf text = { 0 };

	buf_init(&text, JSON_MAX);
	(void)base64_write(&text, data, BASE64_STD);
	jw_kv_str(w, key, buf_str(&text));
}

static bool get_base64(const struct json *doc, const char *name, struct arena *mem,
		       struct bytes *out, struct err *e)
{
	struct str text;

	return json_text(doc, name, &text, e) &&
	       (base64_read(text, BASE64_STD, mem, out, e) || err_in(e, "%s", name));
}

/* --- evidence --- */

static void keep_text(const struct json *doc, const char *name, char *to, size_t cap)
{
	struct str text = { 0 };
	struct err ignored;

	(void)json_opt_text(doc, name, &text, &ignored);
	(void)snprintf(to, cap, STR_FMT, STR_ARG(text));
}

static void judged(void *ctx, const struct http_reply *reply, const struct err *why)
{
	struct agent *a = ctx;
	struct attest_job *job = &a->attest;
	struct err e = { 0 };
	auto_json struct json *doc = NULL;

	if (!read_reply(reply, why, &doc, &e)) {
		(void)err_in(&e, "evidence");
		ended(a, &e);
		return;
	}
	keep_text(doc, "verdict", job->verdict, sizeof(job->verdict));
	keep_text(doc, "grade", job->grade, sizeof(job->grade));
	job->at_ms = loop_wall_ms(a->loop);
	log_event(&agent_event_attested, LOG_TEXT("verdict", job->verdict),
		  LOG_TEXT("grade", job->grade));
	ended(a, NULL);
	workload_start(a); /* what a lower grade was refused may be had now */
}

static void put_pcrs(struct jw *w, struct bytes values)
{
	struct rd r = rd_of(values);
	uint32_t mask = rd_u32(&r);

	jw_key(w, "pcrs");
	jw_map(w);
	for (unsigned i = 0; i < TPM_PCRS; i++) {
		char name[4];
		if (!(mask & 1U << i))
			continue;
		(void)snprintf(name, sizeof(name), "%u", i);
		jw_key(w, name);
		jw_hex(w, rd_take(&r, SHA256_LEN));
	}
	jw_end(w);
}

static bool write_evidence(struct str id, struct bytes answer, struct buf *out, struct err *e)
{
	struct rd r = rd_of(answer);
	struct jw w;

	struct bytes quote = rd_bytes16(&r);
	struct bytes sig = rd_bytes16(&r);
	struct bytes pcrs = rd_bytes16(&r);
	jw_init(&w, out, JW_COMPACT);
	jw_map(&w);
	jw_kv_str(&w, "id", id);
	put_base64(&w, "quote", quote);
	put_base64(&w, "signature", sig);
	put_pcrs(&w, pcrs);
	jw_end(&w);
	return (rd_end(&r) && jw_ok(&w)) || err_set(e, ERR_SYSTEM, "quote from keys is malformed");
}

/* What the quote is over: this nonce, this connection, this key, this device. */
static bool qualify(struct agent *a, struct bytes nonce, uint8_t out[SHA256_LEN], struct err *e)
{
	uint8_t exporter[SHA256_LEN];
	struct tls *tls = http_client_tls(a->http);

	if (nonce.len != 32)
		return err_set(e, ERR_INPUT, "nonce of %zu bytes", nonce.len);
	if (!tls)
		return err_set(e, ERR_RETRY, "the connection is gone");
	if (!tls_exporter(tls, TLS_EXPORTER_ATTEST, exporter, e))
		return false;
	tpm_qualify(nonce.ptr, exporter, key_spki(a->slot[AGENT_CURRENT].key), str_of(a->set.id),
		    out);
	return true;
}

static bool quote(struct agent *a, struct bytes nonce, struct buf *out, struct err *e)
{
	uint8_t body[SHA256_LEN + 4];
	uint8_t extra[SHA256_LEN];
	struct wr w = wr_of(body, sizeof(body));

	if (!qualify(a, nonce, extra, e))
		return false;
	wr_put(&w, bytes_of(extra, SHA256_LEN));
	wr_u32(&w, a->pcr_mask);
	return agent_ask(a, AGENT_QUOTE, wr_bytes(&w), out, e);
}

static void challenged(void *ctx, const struct http_reply *reply, const struct err *why)
{
	struct agent *a = ctx;
	struct err e = { 0 };
	struct str id;
	struct bytes nonce;
	auto_json struct json *doc = NULL;
	auto_arena struct arena *mem = arena_new(4096);
	auto_buf struct buf quoted = { 0 };
	auto_buf struct buf body = { 0 };

	buf_init(&quoted, AGENT_BODY_MAX);
	buf_init(&body, JSON_MAX);
	if (!read_reply(reply, why, &doc, &e) || !json_text(doc, "id", &id, &e) ||
	    !get_base64(doc, "nonce", mem, &nonce, &e) || !quote(a, nonce, &quoted, &e) ||
	    !write_evidence(id, buf_bytes(&quoted), &body, &e)) {
		(void)err_in(&e, "challenge");
		ended(a, &e);
		return;
	}
	agent_post(a, "/device/v1/attest/evidence", &body, true, judged, a);
}

static void challenge(struct agent *a)
{
	agent_post(a, "/device/v1/attest/challenge", NULL, false, challenged, a);
}

/* --- register and activate --- */

static void activated(void *ctx, const struct http_reply *reply, const struct err *why)
{
	struct agent *a = ctx;
	struct err e = { 0 };
	auto_json struct json *doc = NULL;

	if (!read_reply(reply, why, &doc, &e)) {
		(void)err_in(&e, "activate TPM");
		ended(a, &e);
		return;
	}
	a->attest.is_activated = true;
	log_event(&agent_event_activated, LOG_TEXT("id", a->set.id));
	challenge(a);
}

static bool open_credential(struct agent *a, const struct json *doc, struct buf *out, struct err *e)
{
	auto_arena struct arena *mem = arena_new(16384);
	uint8_t body[8192];
	struct wr w = wr_of(body, sizeof(body));
	struct bytes blob;
	struct bytes secret;

	if (!get_base64(doc, "credential_blob", mem, &blob, e) ||
	    !get_base64(doc, "secret", mem, &secret, e))
		return false;
	wr_bytes16(&w, blob);
	wr_bytes16(&w, secret);
	if (!wr_ok(&w))
		return err_set(e, ERR_INPUT, "credential is too large");
	return agent_ask(a, AGENT_ACTIVATE, wr_bytes(&w), out, e);
}

static void registered(void *ctx, const struct http_reply *reply, const struct err *why)
{
	struct agent *a = ctx;
	struct err e = { 0 };
	struct str id;
	struct jw w;
	auto_json struct json *doc = NULL;
	auto_buf struct buf secret = { 0 };
	auto_buf struct buf body = { 0 };

	buf_init(&secret, 256);
	buf_init(&body, JSON_MAX);
	if (!read_reply(reply, why, &doc, &e) || !json_text(doc, "id", &id, &e) ||
	    !open_credential(a, doc, &secret, &e)) {
		(void)err_in(&e, "register TPM");
		ended(a, &e);
		return;
	}
	jw_init(&w, &body, JW_COMPACT);
	jw_map(&w);
	jw_kv_str(&w, "id", id);
	put_base64(&w, "secret", buf_bytes(&secret));
	jw_end(&w);
	mem_wipe(secret.ptr, secret.len);
	agent_post(a, "/device/v1/tpm/activate", &body, false, activated, a);
}

static bool write_tpm(struct agent *a, struct buf *out, struct err *e)
{
	auto_buf struct buf answer = { 0 };
	struct jw w;

	buf_init(&answer, AGENT_BODY_MAX);
	if (!agent_ask(a, AGENT_TPM, (struct bytes){ 0 }, &answer, e))
		return false;
	struct rd r = rd_of(buf_bytes(&answer));
	struct bytes ek = rd_bytes16(&r);
	struct bytes certificate = rd_bytes16(&r);
	struct bytes ak = rd_bytes16(&r);
	jw_init(&w, out, JW_COMPACT);
	jw_map(&w);
	put_base64(&w, "ek_public", ek);
	if (certificate.len)
		put_base64(&w, "ek_certificate", certificate);
	put_base64(&w, "ak_public", ak);
	jw_end(&w);
	return (rd_end(&r) && jw_ok(&w)) || err_set(e, ERR_SYSTEM, "TPM from keys is malformed");
}

static void attest(void *ctx)
{
	struct agent *a = ctx;
	struct err e = { 0 };
	auto_buf struct buf body = { 0 };

	if (a->attest.is_busy || !a->http)
		return;
	a->attest.is_busy = true;
	if (a->attest.is_activated) {
		challenge(a);
		return;
	}
	buf_init(&body, JSON_MAX);
	if (write_tpm(a, &body, &e))
		agent_post(a, "/device/v1/tpm/register", &body, false, registered, a);
	else
		ended(a, &e);
}

void attest_start(struct agent *a)
{
	a->attest.timer = loop_timer(a->loop, attest, a);
	if (a->set.key == SETTINGS_TPM)
		timer_set(a->attest.timer, 0);
}

void attest_now(struct agent *a)
{
	struct err e = { 0 };

	if (a->set.key != SETTINGS_TPM)
		(void)err_set(&e, ERR_INPUT, "this device has no TPM to attest with");
	else if (!a->http)
		(void)err_set(&e, ERR_RETRY, "not enrolled yet");
	if (e.kind)
		local_attested(a, &e);
	else
		attest(a);
}
