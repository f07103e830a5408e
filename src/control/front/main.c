/* main.c - control-front: TLS, HTTP, EST and the API; knows no CA key and no database.
 *
 * It makes its own server key at every start and has core certify it; the key never leaves
 * this process.  Listeners come as descriptors from the parent: enrol, devices, operators.
 */
#include "base/mem.h"
#include "control/front/events.h"
#include "control/front/follow.h"
#include "control/front/front.h"
#include "control/front/limit.h"
#include "crypto/hash.h"
#include "crypto/tls.h"
#include "sys/role.h"
#include "sys/sandbox.h"

enum {
	ENROL_SOURCES = 4096,
	ENROL_BURST = 5, /* refused codes, then one each 12 s (E5) */
	ENROL_REFILL_MS = 12000,
	BODY_MAX = 1 << 20,
	OUT_MAX = WALLS_MAX_BODY + (1 << 20),
	MEMORY_MAX = 8 << 20,
};

/* One listener: what it is called and whom it believes. */
static const struct {
	const char *name;
	bool want_peer, allow_tls12;
	size_t max_body, max_out; /* a snapshot of a large fleet is the longest answer */
} doors[LISTENERS] = {
	[LISTENER_ENROL] = { "enrol", false, true, 64 << 10, 1 << 20 },
	[LISTENER_DEVICES] = { "devices", true, true, BODY_MAX, OUT_MAX },
	[LISTENER_OPERATORS] = { "operators", true, false, BODY_MAX, OUT_MAX },
};

struct door {
	struct front *front;
	enum listener at;
	struct http_server *server;
	struct tls_ctx *tls;
};

struct room {
	struct front front;
	struct door doors[LISTENERS];
	struct key *key;
	struct timer *renewal;
};

static void on_request(void *ctx, struct exchange *x)
{
	struct door *d = ctx;

	front_request(d->front, d->at, x);
}

/* ---- what core tells ---- */

static bool on_line(void *ctx, struct ipc *link, const struct ipc_msg *m, struct err *e)
{
	auto_arena struct arena *mem = arena_new(WALLS_MAX_BODY);
	struct wall_feed_line line;
	struct room *room = ctx;

	(void)link;
	if (!walls_read(WALL_FEED_LINE, m->body, mem, &line, e))
		return false;
	followers_line(room->front.followers, &line);
	return true;
}

static bool on_revoked(void *ctx, struct ipc *link, const struct ipc_msg *m, struct err *e)
{
	auto_arena struct arena *mem = arena_new(65536);
	struct wall_revoked who;
	struct room *room = ctx;

	(void)link;
	if (!walls_read(WALL_REVOKED, m->body, mem, &who, e))
		return false;
	followers_revoked(room->front.followers, &who);
	return true;
}

static const struct ipc_row core_says[] = {
	{ WALL_FEED_LINE, "feed-line", IPC_OFTEN, 0, on_line },
	{ WALL_REVOKED, "revoked", IPC_OFTEN, 0, on_revoked },
};

/* ---- the server certificate ---- */

static struct bytes own(struct bytes b)
{
	return (struct bytes){ mem_copy(b.ptr, b.len), b.len };
}

static void keep_authorities(struct front *f, const struct wall_anchors *a)
{
	if (f->infra_ca.len)
		return;
	f->device_ca = own(a->device_ca);
	f->infra_ca = own(a->infra_ca);
	f->operator_ca = own(a->operator_ca);
}

static struct tls_ctx *door_tls(const struct room *room, enum listener at, struct bytes server_cert,
				struct err *e)
{
	const struct front *f = &room->front;
	const struct bytes chain[] = { server_cert, f->infra_ca };
	const struct tls_anchor devices[] = { { f->device_ca, WALL_AUTHORITY_DEVICE },
					      { f->infra_ca, WALL_AUTHORITY_INFRA } };
	const struct tls_anchor operators[] = { { f->operator_ca, WALL_AUTHORITY_OPERATOR } };
	struct tls_settings s = {
		.is_server = true,
		.chain = chain,
		.chain_count = countof(chain),
		.key = room->key,
		.want_peer = doors[at].want_peer,
		.allow_tls12 = doors[at].allow_tls12,
	};

	if (at == LISTENER_DEVICES) {
		s.anchors = devices;
		s.anchor_count = countof(devices);
	} else if (at == LISTENER_OPERATORS) {
		s.anchors = operators;
		s.anchor_count = countof(operators);
	}
	return tls_ctx_new(&s, e);
}

static void door_open(struct door *d)
{
	const struct http_server_settings s = {
		.tls = d->tls,
		.max_body = doors[d->at].max_body,
		.max_memory = MEMORY_MAX,
		.max_out = doors[d->at].max_out,
		.on_request = on_request,
		.ctx = d,
	};

	d->server = http_server_new(d->front->loop, role_fd(doors[d->at].name), &s);
	log_event(&front_event_started, LOG_TEXT("listener", doors[d->at].name));
}

static bool put_in_force(struct room *room, const struct wall_anchors *a, struct err *e)
{
	keep_authorities(&room->front, a);
	for (enum listener at = LISTENER_ENROL; at < LISTENERS; at++) {
		struct door *d = &room->doors[at];
		struct tls_ctx *old = d->tls;

		d->tls = door_tls(room, at, a->server_cert, e);
		if (!d->tls)
			return err_in(e, "listener %s", doors[at].name);
		if (d->server)
			http_server_set_tls(d->server, d->tls);
		else
			door_open(d);
		tls_ctx_free(old);
	}
	return true;
}

static void renew_at(struct room *room, int64_t until_ms)
{
	int64_t left_ms = until_ms - loop_wall_ms(room->front.loop);

	timer_set(room->renewal, left_ms > 120000 ? left_ms / 2 : 60000);
}

static void certified(void *ctx, const struct err *refused, struct bytes body)
{
	auto_arena struct arena *mem = arena_new(WALLS_MAX_BODY);
	bool is_first = false;
	struct wall_anchors a;
	struct room *room = ctx;
	struct err e = { 0 };

	is_first = !room->front.infra_ca.len;
	if (refused)
		e = *refused;
	if (refused || !walls_read(WALL_ANCHORS, body, mem, &a, &e) ||
	    !put_in_force(room, &a, &e)) {
		err_in(&e, "server certificate");
		log_fail(&front_event_stopped, &e);
		if (is_first)
			loop_stop(room->front.loop);
		else
			timer_set(room->renewal, 60000);
		return;
	}
	if (!is_first)
		log_event(&front_event_renewed);
	renew_at(room, a.server_cert_until);
}

static void ask_certificate(void *ctx)
{
	struct room *room = ctx;
	struct wall_start q = { key_spki(room->key) };
	auto_buf struct buf body = { 0 };
	struct err e = { 0 };

	buf_init(&body, 65536);
	if (walls_write(WALL_START, &q, &body, &e))
		ipc_ask(room->front.core, WALL_START, buf_bytes(&body), certified, room);
}

/* ---- start ---- */

static void on_link(void *ctx, struct str name, int fd)
{
	struct room *room = ctx;

	if (str_eqz(name, "core"))
		ipc_replace(room->front.core, fd);
}

static void room_init(struct room *room)
{
	const struct ipc_settings link = { .rows = core_says,
					   .count = countof(core_says),
					   .max_body = WALLS_MAX_BODY,
					   .ctx = room };
	struct front *f = &room->front;

	f->loop = loop_new(clock_real());
	f->core = ipc_new(f->loop, role_fd("core"), &link);
	f->followers = followers_new(f);
	f->enrolments = limit_new(ENROL_SOURCES, ENROL_BURST, ENROL_REFILL_MS);
	room->renewal = loop_timer(f->loop, ask_certificate, room);
	for (enum listener at = LISTENER_ENROL; at < LISTENERS; at++)
		room->doors[at] = (struct door){ .front = f, .at = at };
	role_on_link(f->loop, on_link, room);
}

static bool run(struct room *room, enum sandbox_need need, struct err *e)
{
	const struct sandbox box = { .promises = "stdio sock fdpass", .need = need };

	room->key = key_generate(KEY_P256, e);
	if (!room->key || !sandbox_enter(&box, e))
		return false;
	ask_certificate(room);
	return loop_run(room->front.loop, e);
}

int main(int argc, char **argv)
{
	enum sandbox_need need = SANDBOX_REQUIRED;
	static struct room room;
	struct err e = { 0 };

	role_start("front");
	crypto_start();
	if (argc > 1 && !sandbox_need_read(argv[1], &need)) {
		err_set(&e, ERR_INPUT, "sandbox: want required or best-effort");
		log_fail(&front_event_stopped, &e);
		return err_exit_code(e.kind);
	}
	room_init(&room);
	if (run(&room, need, &e))
		return 0;
	log_fail(&front_event_stopped, &e);
	return err_exit_code(e.kind);
}
