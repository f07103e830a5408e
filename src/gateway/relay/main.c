/* main.c - gateway-relay: listens, learns from link, and looks after the clock. */
#include "gateway/relay/relay.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "crypto/key.h"
#include "sys/role.h"
#include "sys/sandbox.h"

enum {
	TICK_MS = 250,
	HOUR_MS = 3600000,
	ACCEPTS_A_TURN = 64,
	PROPS_MAX = 64,
	WORK_BYTES = 1 << 20
};

const struct log_event relay_events[] = {
	[EVENT_STARTED] = { "relay.started", LOG_LEVEL_INFO, "The gate takes connections." },
	[EVENT_IDENTITY] = { "relay.identity", LOG_LEVEL_INFO,
			     "The gate has a certificate to show." },
	[EVENT_POLICY] = { "relay.policy", LOG_LEVEL_INFO, "A policy set is in force." },
	[EVENT_AGE] = { "relay.age", LOG_LEVEL_WARNING,
			"The state of the gate moved on the staleness ladder." },
	[EVENT_OPEN] = { "session.open", LOG_LEVEL_INFO, "A client is connected to the broker." },
	[EVENT_REFUSED] = { "session.refused", LOG_LEVEL_INFO, "A client was not let in." },
	[EVENT_CUT] = { "session.cut", LOG_LEVEL_INFO, "A live session was ended by the gate." },
	[EVENT_CLOSED] = { "session.closed", LOG_LEVEL_INFO, "A session has ended." },
	[EVENT_FAILED] = { "relay.failed", LOG_LEVEL_ERROR, "Something the gate needs is wrong." },
	[EVENT_SANDBOX] = { "relay.sandbox", LOG_LEVEL_ERROR, "The sandbox cannot be entered." },
	[EVENT_LINK] = { "relay.link-lost", LOG_LEVEL_WARNING,
			 "The link room ended; decisions go on with what is known." },
};

/* ---- what link says ---- */

/* "device/pump-1" of "device/pump-1/workload/logger". */
static struct str owner_of(const struct session *s)
{
	struct str name = str_of(s->principal), kind, id, rest;

	(void)str_cut(name, '/', &kind, &rest);
	(void)str_cut(rest, '/', &id, &rest);
	return str_head(name, kind.len + 1 + id.len);
}

/* After any change: who is touched by it hears of it from the next message on. */
static void recheck(void *ctx)
{
	struct relay *r = ctx;

	for (struct session *s = r->sessions, *next; s; s = next) {
		next = s->next;
		if (r->all_touched || map_get(r->touched, owner_of(s)))
			session_recheck(s);
	}
	map_free(r->touched);
	r->touched = map_new();
	r->all_touched = false;
}

/* Not before link has said all it knows: a fit device would be turned away. */
static void start_accepting(struct relay *r)
{
	if (r->tls && r->has_state)
		watch_set(r->accepting, LOOP_READ);
}

static bool hear(struct relay *r, bool ok)
{
	if (ok && !r->seen)
		loop_later(r->loop, recheck, r);
	start_accepting(r);
	return ok;
}

static bool on_identity(void *ctx, struct ipc *link, const struct ipc_msg *m, struct err *e)
{
	(void)link;
	return hear(ctx, state_identity(ctx, m->body, e));
}

static bool on_begin(void *ctx, struct ipc *link, const struct ipc_msg *m, struct err *e)
{
	(void)link;
	(void)m;
	(void)e;
	state_begin(ctx);
	return true;
}

static bool on_end(void *ctx, struct ipc *link, const struct ipc_msg *m, struct err *e)
{
	(void)link;
	(void)m;
	(void)e;
	state_end(ctx);
	return hear(ctx, true);
}

static bool on_policy(void *ctx, struct ipc *link, const struct ipc_msg *m, struct err *e)
{
	(void)link;
	return hear(ctx, state_policy(ctx, m->body, e));
}

static bool on_principal(void *ctx, struct ipc *link, const struct ipc_msg *m, struct err *e)
{
	(void)link;
	return hear(ctx, state_principal(ctx, m->body, e));
}

static bool on_gone(void *ctx, struct ipc *link, const struct ipc_msg *m, struct err *e)
{
	(void)link;
	return hear(ctx, state_gone(ctx, m->body, e));
}

static bool on_revoked(void *ctx, struct ipc *link, const struct ipc_msg *m, struct err *e)
{
	(void)link;
	return hear(ctx, state_revoked(ctx, m->body, e));
}

static bool on_age(void *ctx, struct ipc *link, const struct ipc_msg *m, struct err *e)
{
	(void)link;
	return state_age(ctx, m->body, e);
}

static const struct ipc_row from_link[] = {
	{ GATE_IDENTITY, "identity", IPC_OFTEN, 0, on_identity },
	{ GATE_BEGIN, "begin", IPC_OFTEN, 0, on_begin },
	{ GATE_END, "end", IPC_OFTEN, 0, on_end },
	{ GATE_POLICY, "policy", IPC_OFTEN, 0, on_policy },
	{ GATE_PRINCIPAL, "principal", IPC_OFTEN, 0, on_principal },
	{ GATE_GONE, "gone", IPC_OFTEN, 0, on_gone },
	{ GATE_REVOKED, "revoked", IPC_OFTEN, 0, on_revoked },
	{ GATE_AGE, "age", IPC_OFTEN, 0, on_age },
};

static void link_lost(void *ctx, struct ipc *link, const struct err *why)
{
	(void)ctx;
	(void)link;
	log_fail(&relay_events[EVENT_LINK], why);
}

static void new_link(void *ctx, struct str name, int fd)
{
	struct relay *r = ctx;

	if (str_eqz(name, "link"))
		ipc_replace(r->link, fd);
	else
		(void)close(fd);
}

/* ---- the clock ---- */

static void watch_age(struct relay *r)
{
	static const char *const names[] = { "fresh", "stale", "old", "expired" };
	int64_t age_ms;
	enum policy_age now = state_age_now(r, &age_ms);

	if (now == r->age)
		return;
	r->age = now;
	r->epoch++;
	r->all_touched = true;
	log_event(&relay_events[EVENT_AGE], LOG_TEXT("state", names[now]),
		  LOG_NUM("age_ms", age_ms));
	recheck(r);
}

static void end_leases(struct relay *r)
{
	int64_t now = loop_wall_ms(r->loop);

	for (struct session *s = r->sessions, *next; s; s = next) {
		next = s->next;
		if (s->recheck_ms == 0 || now < s->recheck_ms)
			continue;
		session_recheck(s);
	}
}

static void tell_counters(struct relay *r)
{
	uint8_t room[128];
	struct wr w = wr_of(room, sizeof(room));

	gate_counters_write(&w, &r->counters);
	(void)ipc_tell(r->link, GATE_COUNTERS, wr_bytes(&w));
}

static void on_tick(void *ctx)
{
	struct relay *r = ctx;

	watch_age(r);
	end_leases(r);
	tell_counters(r);
	timer_set(r->tick, TICK_MS);
}

static void on_hour(void *ctx)
{
	struct relay *r = ctx;

	state_forget_revoked(r);
	timer_set(r->hourly, HOUR_MS);
}

/* ---- the listener ---- */

static void on_accept(void *ctx, unsigned events)
{
	struct relay *r = ctx;

	(void)events;
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		int fd = accept4(r->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			return;
		if (map_count(r->by_client) >= (size_t)r->set.sessions ||
		    r->shaking >= (size_t)r->set.handshakes)
			(void)close(fd);
		else
			session_accept(r, fd);
	}
}

static bool start(struct relay *r, const char *config, struct err *e)
{
	struct arena *mem = arena_new(1 << 20); /* settings stay for good */
	const struct ipc_settings wall = { .rows = from_link,
					   .count = countof(from_link),
					   .max_body = GATE_MAX_BODY,
					   .max_out = 16 << 20,
					   .ctx = r,
					   .on_lost = link_lost };

	if (!settings_load(config, mem, &r->set, e) ||
	    !addr_read(str_of(r->set.upstream), &r->upstream, e))
		return false;
	r->limits = (struct mqtt_limits){ (uint32_t)r->set.packet_bytes, PROPS_MAX,
					  (uint16_t)r->set.filters };
	r->loop = loop_new(clock_real());
	r->world = world_new();
	r->revoked = map_new();
	r->touched = map_new();
	r->by_client = map_new();
	r->holds = map_new();
	r->work = arena_new(WORK_BYTES);
	r->vouched_ms = loop_now_ms(r->loop) - r->set.expired_ms;
	r->age = POLICY_EXPIRED;
	r->listener = role_fd("listen");
	r->accepting = loop_watch(r->loop, r->listener, 0, on_accept, r);
	r->link = ipc_new(r->loop, role_fd("link"), &wall);
	r->tick = loop_after(r->loop, TICK_MS, on_tick, r);
	r->hourly = loop_after(r->loop, HOUR_MS, on_hour, r);
	role_on_link(r->loop, new_link, r);
	return true;
}

static int fail(enum relay_event event, const struct err *e)
{
	log_fail(&relay_events[event], e);
	return 1;
}

int main(int argc, char **argv)
{
	struct relay *r = mem_new(1, sizeof(*r));
	struct err e = { 0 };

	role_start("relay");
	if (argc != 2)
		return 2;
	if (!start(r, argv[1], &e))
		return fail(EVENT_FAILED, &e);
	/* OpenSSL reads its configuration at first use: before the sandbox. */
	auto_key struct key *first_use = key_generate(KEY_P256, &e);
	if (!first_use)
		return fail(EVENT_FAILED, &e);
	if (!sandbox_enter(&(struct sandbox){ .promises = "stdio sock dial fdpass",
					      .need = (enum sandbox_need)r->set.sandbox },
			   &e))
		return fail(EVENT_SANDBOX, &e);
	log_event(&relay_events[EVENT_STARTED]);
	return loop_run(r->loop, &e) ? 0 : fail(EVENT_FAILED, &e);
}
