/* identity.c - the way to a certificate and from one to the next.
 *
 *	no certificate:   enrol with the one-time code
 *	a new one:        use it once; only then keys drops the old one
 *	one in use:       renew at two thirds of its life
 */
#include "agent/events.h"
#include "agent/net/agent.h"
#include "base/mem.h"
#include "crypto/tls.h"
#include "net/est_client.h"

enum { CODE_MAX = 1024, FIRST_MS = 1000, MOST_MS = 300000, LEAST_MS = 50, NO_CODE_MS = 10000 };

static void step(void *ctx);

int64_t backoff_next_ms(struct backoff *b)
{
	int64_t span = FIRST_MS;
	uint32_t draw;

	for (unsigned i = 0; i < b->failures && span < MOST_MS; i++)
		span *= 2;
	if (span > MOST_MS)
		span = MOST_MS;
	b->failures++;
	crypto_random(&draw, sizeof(draw));
	return LEAST_MS + (int64_t)(draw % (uint32_t)span);
}

static bool is_usable(const struct agent *a, const struct slot *s)
{
	return s->tls && loop_wall_ms(a->loop) < s->not_after_ms;
}

static void try_again(struct agent *a, const struct err *why, int64_t wait_ms)
{
	int64_t ms = backoff_next_ms(&a->identity_backoff);

	(void)snprintf(a->identity_error, sizeof(a->identity_error), "%s", why->text);
	log_fail(why->kind == ERR_RETRY ? &agent_event_unreachable : &agent_event_refused, why);
	timer_set(a->identity_timer, wait_ms > ms ? wait_ms : ms);
}

/* --- in use --- */

/* At two thirds, a little earlier or later than others who began with us. */
static int64_t renewal_in_ms(const struct agent *a, const struct slot *s)
{
	int64_t life = s->not_after_ms - s->not_before_ms;
	int64_t at = s->not_after_ms - life / 3;
	uint32_t draw;

	crypto_random(&draw, sizeof(draw));
	at -= life / 20 > 0 ? (int64_t)draw % (life / 20) : 0;
	int64_t in = at - loop_wall_ms(a->loop);
	return in > LEAST_MS ? in : LEAST_MS;
}

static void use_current(struct agent *a)
{
	struct http_client_settings http = { .server = a->control,
					     .tls = a->slot[AGENT_CURRENT].tls,
					     .max_body = AGENT_REPLY_MAX };

	a->identity_error[0] = '\0';
	a->identity_backoff.failures = 0;
	if (a->is_once) {
		loop_stop(a->loop);
		return;
	}
	timer_set(a->identity_timer, renewal_in_ms(a, &a->slot[AGENT_CURRENT]));
	if (a->http) {
		/* Evidence is bound to the key of its connection: no old one may go on. */
		http_client_set_tls(a->http, a->slot[AGENT_CURRENT].tls);
		http_client_drop(a->http);
		return;
	}
	a->http = http_client_new(a->loop, &http);
	attest_start(a);
	workload_start(a);
}

/* --- a new certificate is used once --- */

static void adopted(struct agent *a)
{
	bool is_first = !a->slot[AGENT_CURRENT].tls;
	struct err e = { 0 };

	if (!agent_ask(a, AGENT_ADOPT, (struct bytes){ 0 }, NULL, &e)) {
		try_again(a, &e, 0);
		return;
	}
	log_event(is_first ? &agent_event_enrolled : &agent_event_renewed,
		  LOG_TEXT("id", a->set.id));
	loop_later(a->loop, step, a);
}

static void probe_done(void *ctx, const struct http_reply *reply, const struct err *why)
{
	struct agent *a = ctx;

	http_client_free(a->probe);
	a->probe = NULL;
	if (reply) { /* whatever the answer is: the new key opened the door */
		adopted(a);
		return;
	}
	try_again(a, why, 0);
	if (is_usable(a, &a->slot[AGENT_CURRENT]) && !a->http)
		use_current(a);
}

static void probe(struct agent *a)
{
	struct http_client_settings http = { .server = a->control,
					     .tls = a->slot[AGENT_NEXT].tls,
					     .max_body = AGENT_REPLY_MAX };
	struct http_call call = {
		.method = "GET", .target = STR("/device/v1/status"), .on_done = probe_done, .ctx = a
	};

	a->probe = http_client_new(a->loop, &http);
	http_client_call(a->probe, &call);
}

/* --- asking for one --- */

static bool install(struct agent *a, const struct est_result *got, struct err *e)
{
	auto_buf struct buf body = { 0 };
	size_t size = got->certificate.len + got->infra_ca.len + got->device_ca.len + 6;

	buf_init(&body, AGENT_BODY_MAX);
	uint8_t *room = buf_room(&body, size);
	struct wr w = wr_of(room, room ? size : 0);
	wr_bytes16(&w, got->certificate);
	wr_bytes16(&w, got->infra_ca);
	wr_bytes16(&w, got->device_ca);
	if (!wr_ok(&w))
		return err_set(e, ERR_INPUT, "certificate is too large");
	return agent_ask(a, AGENT_INSTALL, wr_bytes(&w), NULL, e);
}

static void est_done(void *ctx, const struct est_result *got, const struct err *why,
		     int64_t wait_ms)
{
	struct agent *a = ctx;
	struct err e = { 0 };

	bool ok = got && install(a, got, &e);
	if (!got)
		e = *why;
	est_free(a->est);
	a->est = NULL;
	if (ok)
		loop_later(a->loop, step, a);
	else
		try_again(a, &e, wait_ms);
}

static void enrol(struct agent *a, struct str text)
{
	struct est_code code;
	struct err e = { 0 };
	auto_buf struct buf csr = { 0 };

	buf_init(&csr, AGENT_BODY_MAX);
	if (text.len == 0) {
		log_event(&agent_event_no_code);
		(void)snprintf(a->identity_error, sizeof(a->identity_error),
			       "a one-time code is needed");
		timer_set(a->identity_timer, NO_CODE_MS);
		return;
	}
	if (est_code_read(text, &code, &e) && strcmp(code.id, a->set.id) != 0)
		(void)err_set(&e, ERR_INPUT, "the one-time code is for '%s'", code.id);
	if (!e.kind && agent_ask(a, AGENT_REQUEST, (struct bytes){ 0 }, &csr, &e))
		a->est = est_enrol(a->loop, &a->enrol, &code, buf_bytes(&csr), est_done, a, &e);
	mem_wipe(&code, sizeof(code));
	if (!a->est) {
		(void)err_in(&e, "enrol");
		try_again(a, &e, 0);
	}
}

static void renew(struct agent *a)
{
	struct err e = { 0 };
	auto_buf struct buf csr = { 0 };

	buf_init(&csr, AGENT_BODY_MAX);
	if (!agent_ask(a, AGENT_REQUEST, (struct bytes){ 0 }, &csr, &e)) {
		(void)err_in(&e, "renew");
		try_again(a, &e, 0);
		return;
	}
	a->est = est_renew(a->loop, &a->control, a->slot[AGENT_CURRENT].tls, buf_bytes(&csr),
			   buf_bytes(&a->infra_ca), est_done, a);
}

static bool is_due(const struct agent *a, const struct slot *s)
{
	int64_t life = s->not_after_ms - s->not_before_ms;

	/* renewal_in_ms draws between two thirds less a twentieth and two thirds */
	return loop_wall_ms(a->loop) >= s->not_after_ms - life / 3 - life / 20;
}

static void step(void *ctx)
{
	struct agent *a = ctx;
	struct err e = { 0 };
	auto_buf struct buf code = { 0 };

	if (a->est || a->probe)
		return;
	buf_init(&code, CODE_MAX);
	if (!agent_load(a, &code, &e)) {
		log_fail(&agent_event_failed, &e);
		loop_stop(a->loop);
		return;
	}
	if (is_usable(a, &a->slot[AGENT_NEXT]))
		probe(a);
	else if (!is_usable(a, &a->slot[AGENT_CURRENT]))
		enrol(a, buf_str(&code));
	else if (a->http && is_due(a, &a->slot[AGENT_CURRENT]))
		renew(a);
	else
		use_current(a);
	mem_wipe(code.ptr, code.len);
}

bool identity_renew(struct agent *a, struct err *e)
{
	if (!a->http)
		return err_set(e, ERR_RETRY, "not enrolled yet");
	if (a->est || a->probe)
		return err_set(e, ERR_RETRY, "busy with a certificate already");
	renew(a);
	return true;
}

void identity_start(struct agent *a)
{
	a->identity_timer = loop_timer(a->loop, step, a);
	loop_later(a->loop, step, a);
}
