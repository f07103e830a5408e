/* api.c - operators' routes: handed to core by their number, but for the table itself. */
#include "base/mem.h"
#include "control/front/front.h"
#include "control/front/openapi.h"

void front_api(struct call *c)
{
	const struct http_headers *h = &http_request(c->x)->headers;
	struct wall_api q = {
		.peer = c->peer,
		.route = (uint32_t)c->match.id,
		.path = c->path,
		.query = c->query,
		.body = c->body,
		.idempotency_key = http_header(h, "Idempotency-Key"),
		.if_match = http_header(h, "If-Match"),
	};

	front_ask(c, WALL_API, &q);
}

void front_openapi(struct call *c)
{
	auto_buf struct buf body = { 0 };
	struct err e = { 0 };

	buf_init(&body, 1 << 20);
	if (!openapi_write(&body)) {
		err_set(&e, ERR_SYSTEM, "the route table cannot be written");
		front_refuse(c, &e);
		return;
	}
	http_answer(c->x, 200, TYPE_JSON, buf_bytes(&body));
}
