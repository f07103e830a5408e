/* report.c - the way up: decisions from a bounded spool on disk, counters, what was applied. */
#include "gateway/link/link.h"

#include <fcntl.h>
#include <unistd.h>

#include "codec/json.h"
#include "sys/files.h"

enum {
	SOON_MS = 20,
	IDLE_MS = 2000,
	RETRY_MS = 3000,
	BATCH_BYTES = 256 << 10,
	BATCH_COUNT = 200,
	REPORT_MAX = 1 << 20
};

bool report_open(struct link *l, struct err *e)
{
	char path[LINK_PATH];

	if (!path_join(path, sizeof(path), l->set.state_dir, "spool", e))
		return false;
	l->spool = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (l->spool < 0)
		return err_sys(e, "%s", path);
	off_t len = lseek(l->spool, 0, SEEK_END);
	l->spool_len = len > 0 ? (uint64_t)len : 0;
	return true;
}

void report_decision(struct link *l, struct bytes record)
{
	auto_buf struct buf line = { 0 };

	buf_init(&line, GATE_MAX_BODY);
	(void)(buf_put(&line, record.ptr, record.len) && buf_putc(&line, '\n'));
	/* What does not fit is counted, and said. */
	if (l->spool_len + line.len > (uint64_t)l->set.spool_bytes ||
	    pwrite(l->spool, line.ptr, line.len, (off_t)l->spool_len) != (ssize_t)line.len) {
		l->dropped++;
		return;
	}
	l->spool_len += line.len;
	if (l->reporter && !l->is_reporting)
		timer_set(l->reporting, SOON_MS);
}

/* ---- one batch ---- */

static void put_decisions(struct link *l, struct jw *w)
{
	static uint8_t room[BATCH_BYTES];
	ssize_t got = pread(l->spool, room, sizeof(room), (off_t)l->spool_sent);
	struct str rest = { (const char *)room, got > 0 ? (size_t)got : 0 }, line;
	size_t count = 0;

	l->sending_to = l->spool_sent;
	jw_key(w, "decisions");
	jw_list(w);
	while (count < BATCH_COUNT && str_cut(rest, '\n', &line, &rest)) {
		/* A line torn by a power cut is not JSON and is left out. */
		auto_json struct json *j = NULL;
		struct err ignored;
		if (json_read(bytes_str(line), NULL, &j, &ignored))
			jw_raw(w, line);
		l->sending_to += line.len + 1;
		count++;
	}
	jw_end(w);
}

static void put_counters(struct link *l, struct jw *w)
{
	const struct gate_counters *c = &l->counters;

	jw_key(w, "counters");
	jw_map(w);
	jw_kv_int(w, "sessions", (int64_t)c->sessions);
	jw_kv_int(w, "connects", (int64_t)c->connects);
	jw_kv_int(w, "messages", (int64_t)c->messages);
	jw_kv_int(w, "deliveries", (int64_t)c->deliveries);
	jw_kv_int(w, "denied", (int64_t)c->denied);
	jw_kv_int(w, "cut", (int64_t)c->cut);
	jw_end(w);
}

static void sent(struct link *l)
{
	l->spool_sent = l->sending_to;
	if (l->spool_sent < l->spool_len)
		return;
	if (ftruncate(l->spool, 0) == 0)
		l->spool_sent = l->spool_len = 0;
}

static void on_reported(void *ctx, const struct http_reply *reply, const struct err *e)
{
	struct link *l = ctx;
	bool ok = reply && reply->status >= 200 && reply->status < 300;
	struct err why = { 0 };

	l->is_reporting = false;
	if (ok) {
		sent(l);
	} else if (reply) {
		(void)err_set(&why, ERR_RETRY, "the report was answered %d", reply->status);
		log_fail(&link_events[LINK_REPORT], &why);
		/* What cannot be read up there will not be the next time either. */
		if (reply->status == 400 || reply->status == 413)
			sent(l);
	} else {
		log_fail(&link_events[LINK_REPORT], e);
	}
	timer_set(l->reporting, !ok ? RETRY_MS : l->spool_sent < l->spool_len ? SOON_MS : IDLE_MS);
}

static void report(void *ctx)
{
	struct link *l = ctx;
	auto_buf struct buf body = { 0 };
	struct jw w;

	if (l->is_reporting)
		return;
	buf_init(&body, REPORT_MAX);
	jw_init(&w, &body, JW_COMPACT);
	jw_map(&w);
	jw_kv_int(&w, "acked", (int64_t)l->seq);
	jw_kv_int(&w, "dropped", (int64_t)(l->dropped + l->counters.dropped_records));
	put_counters(l, &w);
	put_decisions(l, &w);
	jw_end(&w);
	if (!jw_ok(&w)) {
		timer_set(l->reporting, RETRY_MS);
		return;
	}
	l->is_reporting = true;
	http_client_call(l->reporter, &(struct http_call){ .method = "POST",
							   .target = STR("/gate/v1/report"),
							   .content_type = "application/json",
							   .body = buf_bytes(&body),
							   .on_done = on_reported,
							   .ctx = l });
}

void report_start(struct link *l)
{
	const struct http_client_settings set = { .server = l->control, .tls = l->tls };

	if (l->reporter)
		return;
	l->reporter = http_client_new(l->loop, &set);
	l->reporting = loop_after(l->loop, SOON_MS, report, l);
}
