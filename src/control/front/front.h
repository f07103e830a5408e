/* front.h - the room strangers talk to: what its files share.
 *
 * front ends TLS, reads HTTP, EST and JSON, and turns each request into a typed message for
 * core.  It knows no database and no CA key, and it decides nothing that core does not decide
 * again.  A call is one request: it lives in the arena of its exchange and ends with it.
 */
#pragma once

#include "base/err.h"
#include "base/log.h"
#include "control/walls.h"
#include "net/http_server.h"
#include "sys/ipc.h"
#include "sys/loop.h"

struct followers;
struct limit;

struct front {
	struct loop *loop;
	struct ipc *core;
	struct followers *followers;                   /* endless readers of the feed */
	struct limit *enrolments;                      /* refused codes per source */
	struct bytes device_ca, infra_ca, operator_ca; /* DER, owned by the process */
};

struct call {
	struct front *front;
	struct exchange *x;
	struct arena *mem;
	enum listener at;
	const struct route *route;
	struct route_match match;
	struct wall_peer peer;
	struct wall_values path, query, body;
	void (*on_answer)(struct call *c, const struct wall_answer *a); /* NULL: as it is */
	void (*on_refused)(struct call *c, const struct err *e);        /* told before the caller */
};

typedef void front_fn(struct call *c);

/* Reads what the route needs and hands it to its handler; answers a problem otherwise. */
void front_request(struct front *f, enum listener at, struct exchange *x);

/* Asks core; its answer goes to c->on_answer or straight out, its refusal as a problem. */
void front_ask(struct call *c, enum wall_type type, const void *message);

/* One error, told to the caller (RFC 9457) and, when it is ours, to the log. */
void front_refuse(struct call *c, const struct err *e);

/* The handlers, one per row of the route table. */
#define FRONT_HANDLER(id, m, p, at, who, perm, handler, ...) front_fn front_##handler;
ROUTES(FRONT_HANDLER)
