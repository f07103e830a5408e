#include "net/http_client.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "net/stream.h"

enum { REQUEST_MAX = 64 << 20, HEAD_MAX = 16384 };

/* A call, from http_client_call to its on_done. */
struct call {
	struct call *next;
	struct buf request; /* as it goes over the wire */
	char method[16];
	bool on_same_connection;
	uint64_t connection;
	int64_t answer_ms, quiet_ms;
	http_part_fn *on_body;
	http_done_fn *on_done;
	void *ctx;
};

enum reply_state { AT_HEAD, AT_BODY };

struct http_client {
	struct loop *loop;
	struct http_client_settings set;
	struct stream *stream;
	uint64_t connection;
	bool is_open;
	struct call *current, *waiting;
	bool is_sent; /* the current call is on the wire */
	enum reply_state state;
	struct buf head;
	struct http_response reply;
	struct http_chunks chunks;
	struct buf body;
	uint64_t got; /* body bytes */
	bool is_inside, is_freed;
};

static void kick(void *ctx);

static void kick_soon(struct http_client *c)
{
	loop_later(c->loop, kick, c);
}

static void call_free(struct call *call)
{
	if (!call)
		return;
	buf_done(&call->request);
	free(call);
}

static void bury(struct http_client *c)
{
	loop_forget(c->loop, c);
	buf_done(&c->head);
	buf_done(&c->body);
	free(c);
}

/* The end of the current call; what comes next is for the next turn. */
static void finish(struct http_client *c, const struct http_reply *reply, const struct err *e)
{
	struct call *call = c->current;

	c->current = NULL;
	if (call && call->on_done)
		call->on_done(call->ctx, reply, e);
	call_free(call);
	if (!c->is_freed)
		kick_soon(c);
}

static void hang_up(struct http_client *c)
{
	stream_free(c->stream);
	c->stream = NULL;
	c->is_open = false;
}

static void fail(struct http_client *c, const struct err *e)
{
	hang_up(c);
	if (c->current)
		finish(c, NULL, e);
	else if (!c->is_freed)
		kick_soon(c);
}

/* The answer. */

static void done(struct http_client *c)
{
	bool stays = c->reply.keep_alive;
	struct http_reply reply = { .status = c->reply.status,
				    .head = &c->reply,
				    .body = buf_bytes(&c->body) };

	if (stays)
		stream_deadline(c->stream, c->set.idle_ms);
	else
		hang_up(c);
	finish(c, &reply, NULL);
}

static bool is_streamed(const struct http_client *c)
{
	return c->current->on_body && c->reply.status / 100 == 2;
}

/* Body bytes to whom they are for; false when the call is over. */
static bool pass_on(struct http_client *c, struct bytes data)
{
	struct err e = { 0 };

	if (!data.len)
		return true;
	c->got += data.len;
	if (!is_streamed(c)) {
		if (buf_put(&c->body, data.ptr, data.len))
			return true;
		(void)err_set(&e, ERR_INPUT, "answer is too large");
	} else {
		stream_deadline(c->stream, c->current->quiet_ms);
		bool goes_on = c->current->on_body(c->current->ctx, data);
		if (c->is_freed || !c->stream)
			return false; /* the owner ended it from in there */
		if (goes_on)
			return true;
		(void)err_set(&e, ERR_INPUT, "answer was not wanted any further");
	}
	fail(c, &e);
	return false;
}

static bool take_sized(struct http_client *c)
{
	struct bytes in = stream_in(c->stream);
	uint64_t left = c->reply.content_length - c->got;
	size_t len = in.len < left ? in.len : (size_t)left;

	stream_eat(c->stream, len);
	if (!pass_on(c, (struct bytes){ in.ptr, len }))
		return false;
	if (c->got == c->reply.content_length)
		done(c);
	return false;
}

static bool take_chunks(struct http_client *c)
{
	struct err e = { 0 };
	struct bytes data;
	size_t used;
	enum http_result r = http_chunks_read(&c->chunks, stream_in(c->stream), &used, &data, &e);

	stream_eat(c->stream, used);
	if (r == HTTP_BAD)
		fail(c, &e);
	if (r == HTTP_DONE)
		done(c);
	return r == HTTP_DATA && pass_on(c, data);
}

static bool take_body(struct http_client *c)
{
	struct bytes in = stream_in(c->stream);

	switch (c->reply.framing) {
	case HTTP_NO_BODY:
		done(c);
		return false;
	case HTTP_LENGTH:
		return take_sized(c);
	case HTTP_CHUNKED:
		return take_chunks(c);
	case HTTP_UNTIL_CLOSE:
		stream_eat(c->stream, in.len);
		(void)pass_on(c, in);
		return false;
	}
	return false;
}

static bool take_head(struct http_client *c)
{
	struct bytes in = stream_in(c->stream);
	struct str method = str_of(c->current->method);
	struct err e = { 0 };
	size_t len;
	enum http_result r = http_response_read(in, method, &c->reply, &len, &e);

	if (r == HTTP_BAD)
		fail(c, &e);
	if (r != HTTP_DONE)
		return false;
	buf_clear(&c->head);
	(void)buf_put(&c->head, in.ptr, len);
	stream_eat(c->stream, len);
	if (http_response_read(buf_bytes(&c->head), method, &c->reply, &len, &e) != HTTP_DONE)
		return false; /* it was read a moment ago */
	if (c->reply.status / 100 == 1)
		return true;
	c->state = AT_BODY;
	c->chunks = (struct http_chunks){ 0 };
	c->got = 0;
	buf_clear(&c->body);
	if (is_streamed(c))
		stream_deadline(c->stream, c->current->quiet_ms);
	return true;
}

static void take_input(struct http_client *c)
{
	struct err e = { 0 };
	bool goes_on = true;

	if (!c->current || !c->is_sent) {
		(void)err_set(&e, ERR_INPUT, "an answer to nothing we asked");
		fail(c, &e);
		return;
	}
	while (goes_on && c->stream && c->current && !c->is_freed)
		goes_on = c->state == AT_HEAD ? take_head(c) : take_body(c);
}

/* The connection. */

static void inside(struct http_client *c, void (*fn)(struct http_client *c))
{
	bool was_inside = c->is_inside;

	c->is_inside = true;
	fn(c);
	c->is_inside = was_inside;
	if (c->is_freed && !was_inside)
		bury(c);
}

static void on_data(void *ctx)
{
	inside(ctx, take_input);
}

static void on_ready(void *ctx)
{
	struct http_client *c = ctx;

	c->is_open = true;
	c->connection++;
	kick_soon(c);
}

static void on_end(void *ctx, const struct err *why)
{
	struct http_client *c = ctx;
	struct err e = *why;
	bool was_whole = c->current && c->state == AT_BODY &&
			 c->reply.framing == HTTP_UNTIL_CLOSE && !why->kind;

	c->is_inside = true;
	if (was_whole) {
		done(c);
	} else {
		if (!e.kind)
			(void)err_set(&e, ERR_RETRY, "the server ended the connection");
		fail(c, &e);
	}
	c->is_inside = false;
	if (c->is_freed)
		bury(c);
}

static const struct stream_events events = { on_ready, on_data, NULL, on_end };

static bool dial(struct http_client *c, struct err *e)
{
	int fd = addr_connect(&c->set.server, e);

	if (fd < 0)
		return false;
	c->is_open = false;
	c->stream = stream_new(c->loop, fd,
			       &(struct stream_settings){ .tls = c->set.tls,
							  .host = c->set.host,
							  .is_connecting = true,
							  .out_max = REQUEST_MAX + HEAD_MAX,
							  .handshake_ms = c->set.connect_ms,
							  .events = &events,
							  .ctx = c },
			       e);
	return c->stream;
}

static void send_current(struct http_client *c)
{
	struct err e = { 0 };

	c->state = AT_HEAD;
	c->is_sent = true;
	stream_deadline(c->stream, c->current->answer_ms);
	if (stream_put(c->stream, buf_bytes(&c->current->request)))
		return;
	(void)err_set(&e, ERR_RETRY, "the connection is gone");
	fail(c, &e);
}

static void go_on(struct http_client *c)
{
	struct err e = { 0 };

	if (!c->current) {
		c->current = c->waiting;
		c->waiting = c->current ? c->current->next : NULL;
		c->is_sent = false;
	}
	if (!c->current || c->is_sent)
		return;
	if (c->current->on_same_connection &&
	    (!c->is_open || c->connection != c->current->connection)) {
		(void)err_set(&e, ERR_RETRY, "the connection it belongs to is gone");
		finish(c, NULL, &e);
	} else if (c->is_open) {
		send_current(c);
	} else if (!c->stream && !dial(c, &e)) {
		finish(c, NULL, &e);
	}
}

static void kick(void *ctx)
{
	inside(ctx, go_on);
}

/* Calls. */

static void put_host(const struct http_client *c, struct buf *out)
{
	struct str host = c->set.host.len ? c->set.host : addr_host(&c->set.server);
	bool is_v6 = str_has(host, ':');

	if (!host.len)
		host = STR("localhost");
	(void)buf_printf(out, "Host: %s" STR_FMT "%s\r\n", is_v6 ? "[" : "", STR_ARG(host),
			 is_v6 ? "]" : "");
}

static void put_header(struct buf *out, const char *name, struct str value)
{
	if (!value.len)
		return;
	(void)buf_printf(out, "%s: ", name);
	for (size_t i = 0; i < value.len; i++)
		(void)buf_put(out, (uint8_t)value.ptr[i] >= ' ' ? &value.ptr[i] : "?", 1);
	(void)buf_puts(out, STR("\r\n"));
}

static void write_request(const struct http_client *c, const struct http_call *from,
			  struct buf *out)
{
	bool has_body =
		from->body.len || !strcmp(from->method, "POST") || !strcmp(from->method, "PUT");

	(void)buf_printf(out, "%s ", from->method);
	(void)buf_puts(out, from->target);
	(void)buf_puts(out, STR(" HTTP/1.1\r\n"));
	put_host(c, out);
	put_header(out, "Content-Type", str_of(from->content_type));
	put_header(out, "Authorization", from->authorization);
	put_header(out, "Last-Event-ID", from->last_event_id);
	if (has_body)
		(void)buf_printf(out, "Content-Length: %zu\r\n", from->body.len);
	(void)buf_puts(out, STR("\r\n"));
	(void)buf_put(out, from->body.ptr, from->body.len);
}

void http_client_call(struct http_client *c, const struct http_call *from)
{
	struct call *call = mem_new(1, sizeof(*call));
	struct call **end = &c->waiting;

	*call = (struct call){ .on_same_connection = from->on_same_connection,
			       .connection = c->connection,
			       .answer_ms = from->answer_ms ? from->answer_ms : c->set.answer_ms,
			       .quiet_ms = from->quiet_ms,
			       .on_body = from->on_body,
			       .on_done = from->on_done,
			       .ctx = from->ctx };
	buf_init(&call->request, REQUEST_MAX);
	(void)snprintf(call->method, sizeof(call->method), "%s", from->method);
	write_request(c, from, &call->request);
	while (*end)
		end = &(*end)->next;
	*end = call;
	kick_soon(c);
}

struct http_client *http_client_new(struct loop *l, const struct http_client_settings *s)
{
	struct http_client *c = mem_new(1, sizeof(*c));

	*c = (struct http_client){ .loop = l, .set = *s };
	c->set.connect_ms = s->connect_ms ? s->connect_ms : 5000;
	c->set.answer_ms = s->answer_ms ? s->answer_ms : 30000;
	c->set.idle_ms = s->idle_ms ? s->idle_ms : 45000; /* before the server's 60 s */
	buf_init(&c->head, HTTP_HEAD_MAX);
	buf_init(&c->body, s->max_body ? s->max_body : 1 << 20);
	return c;
}

void http_client_free(struct http_client *c)
{
	if (!c || c->is_freed)
		return;
	hang_up(c);
	call_free(c->current);
	c->current = NULL;
	for (struct call *call = c->waiting, *next; call; call = next) {
		next = call->next;
		call_free(call);
	}
	c->waiting = NULL;
	c->is_freed = true;
	if (!c->is_inside)
		bury(c);
}

static void drop_connection(struct http_client *c)
{
	struct err e = { 0 };

	(void)err_set(&e, ERR_RETRY, "the connection was closed");
	fail(c, &e);
}

void http_client_drop(struct http_client *c)
{
	inside(c, drop_connection);
}

void http_client_set_tls(struct http_client *c, struct tls_ctx *tls)
{
	c->set.tls = tls;
}

struct tls *http_client_tls(const struct http_client *c)
{
	return c->is_open ? stream_tls(c->stream) : NULL;
}

uint64_t http_client_connection(const struct http_client *c)
{
	return c->connection;
}
