/* workload.c - keeps a fresh certificate for every local program that has a row. */
#include "agent/events.h"
#include "agent/net/agent.h"
#include "base/arena.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "net/problem.h"

enum { JSON_MAX = 65536, NOW_MS = 1 };

static void failed(struct workload_job *job, struct err *e)
{
	(void)err_in(e, "workload '" STR_FMT "'", STR_ARG(job->name));
	log_fail(e->kind == ERR_RETRY ? &agent_event_unreachable : &agent_event_refused, e);
	timer_set(job->timer, backoff_next_ms(&job->backoff));
}

static bool install(struct workload_job *job, struct bytes der, struct err *e)
{
	uint8_t body[2 + 64 + 2 + CERT_MAX_BYTES];
	struct wr w = wr_of(body, sizeof(body));
	struct cert c;

	if (!cert_read(der, &c, e))
		return false;
	wr_str16(&w, job->name);
	wr_bytes16(&w, der);
	if (!wr_ok(&w))
		return err_set(e, ERR_INPUT, "certificate is too large");
	if (!agent_ask(job->agent, AGENT_WORKLOAD_INSTALL, wr_bytes(&w), NULL, e))
		return false;
	job->until_ms = c.not_after_ms;
	job->backoff.failures = 0;
	int64_t left_ms = c.not_after_ms - loop_wall_ms(job->agent->loop);
	timer_set(job->timer, left_ms > 3000 ? left_ms * 2 / 3 : 1000);
	log_event(&agent_event_workload, LOG_STR("name", job->name),
		  LOG_NUM("lifetime_s", left_ms / 1000));
	return true;
}

static void issued(void *ctx, const struct http_reply *reply, const struct err *why)
{
	struct workload_job *job = ctx;
	auto_arena struct arena *mem = arena_new(JSON_MAX);
	struct err e = { 0 };
	struct str text;
	struct bytes der;
	auto_json struct json *doc = NULL;

	if (!reply) {
		e = *why;
		failed(job, &e);
		return;
	}
	bool ok = reply->status / 100 == 2 ? json_read(reply->body, NULL, &doc, &e)
					   : problem_read(reply, &e);
	if (!ok || !json_text(doc, "certificate", &text, &e) ||
	    !base64_read(text, BASE64_STD, mem, &der, &e) || !install(job, der, &e))
		failed(job, &e);
}

static bool write_request(struct workload_job *job, struct buf *out, struct err *e)
{
	uint8_t body[2 + 64];
	struct wr r = wr_of(body, sizeof(body));
	auto_buf struct buf csr = { 0 };
	auto_buf struct buf text = { 0 };
	struct jw w;

	buf_init(&csr, AGENT_BODY_MAX);
	buf_init(&text, JSON_MAX);
	wr_str16(&r, job->name);
	if (!agent_ask(job->agent, AGENT_WORKLOAD_REQUEST, wr_bytes(&r), &csr, e))
		return false;
	(void)base64_write(&text, buf_bytes(&csr), BASE64_STD);
	jw_init(&w, out, JW_COMPACT);
	jw_map(&w);
	jw_kv_str(&w, "name", job->name);
	jw_kv_str(&w, "csr", buf_str(&text));
	jw_end(&w);
	return jw_ok(&w) || err_set(e, ERR_SYSTEM, "request is too large");
}

static void ask(void *ctx)
{
	struct workload_job *job = ctx;
	struct err e = { 0 };
	auto_buf struct buf body = { 0 };

	buf_init(&body, JSON_MAX);
	if (!write_request(job, &body, &e)) {
		failed(job, &e);
		return;
	}
	agent_post(job->agent, "/device/v1/workload", &body, false, issued, job);
}

/* A service's rows are copies of its own credential: keys writes them when it is adopted. */
bool workload_init(struct agent *a, struct err *e)
{
	if (a->set.kind == SETTINGS_SERVICE)
		return true;
	if (a->set.files.count > AGENT_WORKLOADS)
		return err_set(e, ERR_INPUT, "workload.files: more than %d", AGENT_WORKLOADS);
	for (size_t i = 0; i < a->set.files.count; i++) {
		struct workload_job *job = &a->workloads[a->workload_count++];
		struct settings_workload row;
		if (!settings_workload(a->set.files.at[i], &row, e))
			return false;
		job->agent = a;
		job->name = row.name;
		job->timer = loop_timer(a->loop, ask, job);
	}
	return true;
}

void workload_start(struct agent *a)
{
	int64_t now = loop_wall_ms(a->loop);

	for (size_t i = 0; i < a->workload_count; i++)
		if (a->workloads[i].until_ms <= now)
			timer_set(a->workloads[i].timer, NOW_MS);
}
