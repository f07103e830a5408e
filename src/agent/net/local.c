/* local.c - `muster-agent status`, `attest` and `renew`, over a socket only we can open.
 *
 * One line in, the word; one line of JSON out, and the connection ends.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "agent/net/agent.h"
#include "base/clock.h"
#include "base/mem.h"
#include "codec/json.h"

enum { CALLERS_MAX = 16, LINE_LEN = 64, CALL_MS = 60000 };

struct caller {
	struct local *local;
	int fd; /* -1: free */
	struct watch *watch;
	struct timer *deadline;
	bool waits; /* for the end of an attestation */
};

struct local {
	struct agent *agent;
	int fd;
	struct watch *watch;
	struct caller callers[CALLERS_MAX];
};

static void hang_up(struct caller *c)
{
	watch_free(c->watch);
	timer_free(c->deadline);
	if (c->fd >= 0)
		(void)close(c->fd);
	*c = (struct caller){ .local = c->local, .fd = -1 };
}

static void hang_up_late(void *ctx)
{
	hang_up(ctx);
}

static void put_time(struct jw *w, const char *key, int64_t at_ms)
{
	char text[CLOCK_TEXT];

	clock_text(at_ms, text);
	jw_kv_text(w, key, at_ms ? text : "");
}

static void put_attest(struct jw *w, const struct agent *a)
{
	jw_key(w, "attestation");
	jw_map(w);
	jw_kv_text(w, "verdict", a->attest.verdict);
	put_time(w, "at", a->attest.at_ms);
	if (a->attest.error[0])
		jw_kv_text(w, "error", a->attest.error);
	jw_end(w);
}

static void put_workloads(struct jw *w, const struct agent *a)
{
	jw_key(w, "workloads");
	jw_list(w);
	for (size_t i = 0; i < a->workload_count; i++) {
		jw_map(w);
		jw_kv_str(w, "name", a->workloads[i].name);
		put_time(w, "until", a->workloads[i].until_ms);
		jw_end(w);
	}
	jw_end(w);
}

static void put_serial(struct jw *w, const struct slot *s)
{
	char text[CERT_SERIAL_TEXT] = "";
	struct cert c;
	struct err ignored;

	if (s->certificate.len && cert_read(buf_bytes(&s->certificate), &c, &ignored))
		cert_serial_text(c.serial, text);
	jw_kv_text(w, "serial", text);
}

static void put_status(struct jw *w, const struct agent *a)
{
	jw_map(w);
	jw_kv_text(w, "id", a->set.id);
	jw_kv_bool(w, "enrolled", a->http != NULL);
	put_serial(w, &a->slot[AGENT_CURRENT]);
	put_time(w, "certificate_until", a->slot[AGENT_CURRENT].not_after_ms);
	jw_kv_text(w, "key", a->set.key == SETTINGS_TPM ? "tpm" : "file");
	jw_kv_text(w, "grade", a->attest.grade);
	if (a->identity_error[0])
		jw_kv_text(w, "error", a->identity_error);
	if (a->set.key == SETTINGS_TPM)
		put_attest(w, a);
	put_workloads(w, a);
	jw_end(w);
}

static void put_error(struct jw *w, const struct err *e)
{
	jw_map(w);
	jw_kv_text(w, "kind", err_kind_name(e->kind));
	jw_kv_text(w, "error", e->text);
	if (e->hint[0])
		jw_kv_text(w, "hint", e->hint);
	jw_end(w);
}

/* A few hundred bytes into an empty socket: it all goes at once, or the caller is gone. */
static void answer(struct caller *c, const struct err *e)
{
	auto_buf struct buf out = { 0 };
	struct jw w;

	buf_init(&out, AGENT_STATUS_MAX);
	jw_init(&w, &out, JW_COMPACT);
	if (e)
		put_error(&w, e);
	else
		put_status(&w, c->local->agent);
	(void)buf_putc(&out, '\n');
	ssize_t ignored = write(c->fd, out.ptr, out.len);
	(void)ignored;
	hang_up(c);
}

static void on_line(struct caller *c, struct str line)
{
	struct err e = { 0 };

	if (str_eqz(line, "status\n")) {
		answer(c, NULL);
	} else if (str_eqz(line, "attest\n")) {
		c->waits = true;
		watch_set(c->watch, 0);
		attest_now(c->local->agent);
	} else if (str_eqz(line, "renew\n")) {
		answer(c, identity_renew(c->local->agent, &e) ? NULL : &e);
	} else {
		(void)err_set(&e, ERR_INPUT, "want status, attest or renew");
		answer(c, &e);
	}
}

static void on_caller(void *ctx, unsigned events)
{
	struct caller *c = ctx;
	char line[LINE_LEN];
	ssize_t len = c->waits || !(events & LOOP_READ) ? 0 : read(c->fd, line, sizeof(line));

	if (len > 0)
		on_line(c, (struct str){ line, (size_t)len });
	else
		hang_up(c);
}

static void on_connection(void *ctx, unsigned events)
{
	struct local *l = ctx;
	int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	for (size_t i = 0; i < CALLERS_MAX && fd >= 0; i++) {
		struct caller *c = &l->callers[i];
		if (c->fd >= 0)
			continue;
		c->fd = fd;
		c->watch = loop_watch(l->agent->loop, fd, LOOP_READ, on_caller, c);
		c->deadline = loop_after(l->agent->loop, CALL_MS, hang_up_late, c);
		return;
	}
	if (fd >= 0)
		(void)close(fd);
}

void local_start(struct agent *a, int listen_fd)
{
	struct local *l = mem_new(1, sizeof(*l));

	l->agent = a;
	l->fd = listen_fd;
	for (size_t i = 0; i < CALLERS_MAX; i++)
		l->callers[i] = (struct caller){ .local = l, .fd = -1 };
	a->local = l;
	if (listen_fd >= 0)
		l->watch = loop_watch(a->loop, listen_fd, LOOP_READ, on_connection, l);
}

void local_attested(struct agent *a, const struct err *why)
{
	for (size_t i = 0; a->local && i < CALLERS_MAX; i++)
		if (a->local->callers[i].waits)
			answer(&a->local->callers[i], why);
}
