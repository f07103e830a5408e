/* request.c - from an HTTP request to the handler of its row, and back from core. */
#include "control/front/front.h"

#include "codec/hex.h"
#include "control/front/events.h"
#include "control/front/fields.h"
#include "control/front/problem.h"
#include "crypto/tls.h"

#define FRONT_ROW(id, m, p, at, who, perm, handler, ...) [ROUTE_##id] = front_##handler,
static front_fn *const handlers[ROUTES_COUNT] = { ROUTES(FRONT_ROW) };

static struct str new_reference(struct arena *mem)
{
	uint8_t raw[8];

	crypto_random(raw, sizeof(raw));
	return hex_text((struct bytes){ raw, sizeof(raw) }, mem);
}

static void answer_problem(struct call *c, int status, const struct err *e)
{
	auto_buf struct buf body = { 0 };
	struct str reference = STR("");

	if (problem_status(status, e) >= 500 && e->kind != ERR_RETRY) {
		reference = new_reference(c->mem);
		log_event(&front_event_failed, LOG_STR("reference", reference),
			  LOG_TEXT("route", c->route ? c->route->name : "none"),
			  LOG_TEXT("error", e->text));
	}
	buf_init(&body, 4096);
	if (e->kind == ERR_RETRY)
		http_set_header(c->x, "Retry-After", STR("5"));
	(void)problem_write(&body, status, e, reference);
	http_answer(c->x, problem_status(status, e), TYPE_PROBLEM, buf_bytes(&body));
}

void front_refuse(struct call *c, const struct err *e)
{
	answer_problem(c, 0, e);
}

/* ---- who asks ---- */

/* spiffe://domain/device/pump-1 -> WHO_DEVICE.  The kind counts only below the authority that
 * issues it; a workload has no business with HTTP. */
static unsigned who_of(const struct wall_peer *p)
{
	static const struct {
		enum wall_authority authority;
		const char *kind;
		unsigned who;
	} kinds[] = {
		{ WALL_AUTHORITY_DEVICE, "device", WHO_DEVICE },
		{ WALL_AUTHORITY_DEVICE, "service", WHO_SERVICE },
		{ WALL_AUTHORITY_INFRA, "gate", WHO_GATE },
		{ WALL_AUTHORITY_OPERATOR, "user", WHO_USER },
	};
	struct str rest = p->identity, domain, kind, id;

	if (!str_starts(rest, STR("spiffe://")))
		return 0;
	rest = str_from(rest, 9);
	if (!str_cut(rest, '/', &domain, &rest) || !str_cut(rest, '/', &kind, &id) || !id.len ||
	    str_has(id, '/'))
		return 0;
	for (size_t i = 0; i < countof(kinds); i++)
		if (p->authority == (uint32_t)kinds[i].authority && str_eqz(kind, kinds[i].kind))
			return kinds[i].who;
	return 0;
}

static struct bytes keep(struct call *c, const uint8_t digest[SHA256_LEN])
{
	return arena_copy(c->mem, digest, SHA256_LEN);
}

/* Everything from the verified session; views into it or in the call's arena. */
static bool read_certificate(struct call *c, struct tls *tls, struct err *e)
{
	uint8_t digest[SHA256_LEN];
	struct tls_peer peer;

	if (!tls_peer(tls, &peer, e) || !tls_exporter(tls, TLS_EXPORTER_ATTEST, digest, e))
		return err_in(e, "client certificate");
	c->peer.authority = (uint32_t)peer.authority;
	c->peer.identity = peer.cert.uri;
	c->peer.serial = peer.cert.serial;
	c->peer.exporter = keep(c, digest);
	c->peer.cert_sha256 = keep(c, peer.sha256);
	c->peer.spki = peer.cert.spki;
	return true;
}

static bool read_peer(struct call *c, struct err *e)
{
	struct tls *tls = http_tls(c->x);

	c->peer.listener = (uint32_t)c->at;
	c->peer.address = http_source(c->x);
	if (c->at == LISTENER_ENROL)
		return true;
	if (!tls)
		return err_set(e, ERR_DENIED, "this listener speaks TLS only");
	return read_certificate(c, tls, e);
}

/* A credential of the wrong kind is told so here; core asks again, with policy. */
static bool may_ask(struct call *c, struct err *e)
{
	unsigned who = c->at == LISTENER_ENROL ? WHO_ANYONE | WHO_CODE : who_of(&c->peer);

	if (c->route->who & who)
		return true;
	return err_set(e, ERR_DENIED, "this credential has no use for %s", c->route->path);
}

/* ---- what is asked ---- */

static bool read_path(struct call *c, struct err *e)
{
	struct wall_value *items = arena_alloc(c->mem, ROUTE_PARAMS, sizeof(struct wall_value));

	if (!items)
		return err_set(e, ERR_INPUT, "too large");
	for (size_t i = 0; i < c->match.param_count; i++) {
		struct str text = c->match.params[i];

		if (text.len > 128 || str_has(text, '%'))
			return err_set(e, ERR_INPUT, "{" STR_FMT "}: not an id",
				       STR_ARG(c->match.param_names[i]));
		items[i] = (struct wall_value){ .name = c->match.param_names[i],
						.kind = WALL_VALUE_TEXT,
						.text = text };
	}
	c->path = (struct wall_values){ items, c->match.param_count };
	return true;
}

static bool is_est(const struct call *c)
{
	return str_starts(str_of(c->route->path), STR("/.well-known/est/"));
}

static bool read_body(struct call *c, struct err *e)
{
	const struct http_request *q = http_request(c->x);
	struct str type = http_header(&q->headers, "Content-Type"), main_type, rest;

	if (is_est(c)) /* its handler reads it */
		return true;
	if (!c->route->body->name && strcmp(c->route->method, "POST") != 0)
		return !http_body(c->x).len ||
		       err_set(e, ERR_INPUT, "%s carries no body", c->route->method);
	(void)str_cut(type, ';', &main_type, &rest);
	if (http_body(c->x).len && !str_eq_nocase(str_trim(main_type), STR(TYPE_JSON)))
		return err_set(e, ERR_INPUT, "want Content-Type: " TYPE_JSON);
	return fields_body(c->route->body, http_body(c->x), c->mem, &c->body, e);
}

static bool read_request(struct call *c, struct err *e)
{
	return read_peer(c, e) && may_ask(c, e) && read_path(c, e) &&
	       fields_query(c->route->query, http_request(c->x)->query, c->mem, &c->query, e) &&
	       read_body(c, e);
}

static void refuse_method(struct call *c)
{
	struct str allow = STR("");
	struct err e = { 0 };

	for (size_t i = 0; i < c->match.allow_count; i++)
		allow = arena_printf(c->mem, STR_FMT "%s" STR_FMT, STR_ARG(allow), i ? ", " : "",
				     STR_ARG(c->match.allow[i]));
	http_set_header(c->x, "Allow", allow);
	err_set(&e, ERR_INPUT, "this path answers " STR_FMT " only", STR_ARG(allow));
	answer_problem(c, 405, &e);
}

static void refuse_path(struct call *c, struct str path)
{
	struct err e = { 0 };

	err_set(&e, ERR_MISSING, "nothing at '" STR_FMT "' on this listener",
		STR_ARG(str_head(path, 128)));
	answer_problem(c, 0, &e);
}

void front_request(struct front *f, enum listener at, struct exchange *x)
{
	const struct http_request *q = http_request(x);
	struct call *c = arena_alloc(http_mem(x), 1, sizeof(*c));
	struct err e = { 0 };

	if (!c) {
		err_set(&e, ERR_INPUT, "too large");
		http_answer_err(x, &e);
		return;
	}
	*c = (struct call){ .front = f, .x = x, .mem = http_mem(x), .at = at };
	if (!route_find(at, q->method, q->path, &c->match)) {
		if (c->match.path_is_known)
			refuse_method(c);
		else
			refuse_path(c, q->path);
		return;
	}
	c->route = &routes[c->match.id];
	if (!read_request(c, &e)) {
		front_refuse(c, &e);
		return;
	}
	handlers[c->match.id](c);
}

/* ---- core ---- */

static void forget_call(void *ctx)
{
	struct call *c = ctx;

	ipc_forget(c->front->core, c);
}

static void send_answer(struct call *c, const struct wall_answer *a)
{
	struct str type = a->type.len ? arena_dup(c->mem, a->type) : str_of(c->route->answer);

	if (a->etag.len)
		http_set_header(c->x, "ETag", a->etag);
	if (!type.ptr)
		type = STR(TYPE_JSON);
	http_answer(c->x, a->status ? (int)a->status : 200, type.ptr, a->body);
}

static void core_answered(void *ctx, const struct err *refused, struct bytes body)
{
	struct call *c = ctx;
	struct wall_answer a;
	struct err e = { 0 };

	if (refused) {
		if (c->on_refused)
			c->on_refused(c, refused);
		front_refuse(c, refused);
		return;
	}
	if (!walls_read(WALL_ANSWER, body, c->mem, &a, &e)) {
		e.kind = ERR_SYSTEM;
		front_refuse(c, &e);
		return;
	}
	if (c->on_answer)
		c->on_answer(c, &a);
	else
		send_answer(c, &a);
}

void front_ask(struct call *c, enum wall_type type, const void *message)
{
	auto_buf struct buf body = { 0 };
	struct err e = { 0 };

	buf_init(&body, WALLS_MAX_BODY);
	if (!walls_write(type, message, &body, &e)) {
		front_refuse(c, &e);
		return;
	}
	http_on_gone(c->x, forget_call, c);
	ipc_ask(c->front->core, (uint16_t)type, buf_bytes(&body), core_answered, c);
}
