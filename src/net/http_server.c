#include "net/http_server.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "codec/json.h"
#include "net/addr.h"
#include "net/stream.h"
#include "sys/files.h"

enum {
	HEADERS_MAX = 8192,
	HARD_OUT_MAX = 64 << 20, /* one answer; streams keep to max_out */
	ACCEPTS_PER_TURN = 32,
	REST_MS = 100, /* after accept failed for want of descriptors */
};

enum conn_state { IN_HEAD, IN_BODY, ANSWERING, STREAMING, LEAVING };

struct exchange {
	struct conn *conn;
	struct arena *mem;
	struct http_request request;
	struct http_chunks chunks;
	struct buf body;
	struct buf headers; /* of the answer */
	bool has_cache_control;
	void (*on_gone)(void *ctx);
	void *gone_ctx;
	void (*on_room)(void *ctx);
	void *room_ctx;
	void *ctx;
};

struct conn {
	struct http_server *server;
	struct conn *prev, *next;
	struct stream *stream;
	struct exchange *x; /* from a request's head to the end of its answer */
	uint64_t number;
	enum conn_state state;
	bool is_ready, is_head_begun, is_dropped;
	char source[ADDR_TEXT];
};

struct http_server {
	struct loop *loop;
	struct http_server_settings set;
	int fd;
	struct watch *watch;
	struct timer *rest;
	struct conn *conns;
	unsigned count, handshakes;
	uint64_t last_number;
	bool is_paused;
};

/* Life of a connection. */

static void listen_again(struct http_server *h)
{
	bool may = !h->is_paused && h->handshakes < h->set.max_handshakes && !timer_is_set(h->rest);

	watch_set(h->watch, may ? LOOP_READ : 0);
}

static void exchange_free(struct exchange *x)
{
	buf_done(&x->body);
	buf_done(&x->headers);
	arena_free(x->mem);
	free(x);
}

static void end_exchange(struct conn *c)
{
	struct exchange *x = c->x;

	c->x = NULL;
	if (!x)
		return;
	if (x->on_gone && (c->state == ANSWERING || c->state == STREAMING))
		x->on_gone(x->gone_ctx);
	exchange_free(x);
}

static void conn_free(struct conn *c)
{
	struct http_server *h = c->server;

	if (c->prev)
		c->prev->next = c->next;
	else
		h->conns = c->next;
	if (c->next)
		c->next->prev = c->prev;
	h->count--;
	h->handshakes -= !c->is_ready;
	end_exchange(c);
	loop_forget(h->loop, c);
	stream_free(c->stream);
	free(c);
	listen_again(h);
}

static void on_end(void *ctx, const struct err *why)
{
	(void)why;
	conn_free(ctx);
}

static void leave(struct conn *c)
{
	c->state = LEAVING;
	stream_finish(c->stream);
}

/* Answers. */

static void put_date(struct http_server *h, struct buf *out)
{
	time_t now = (time_t)(loop_wall_ms(h->loop) / 1000);
	struct tm tm;
	char text[64];

	(void)gmtime_r(&now, &tm);
	(void)strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	(void)buf_printf(out, "Date: %s\r\n", text);
}

static void put_head(struct exchange *x, int status, const char *content_type, struct buf *out)
{
	(void)buf_printf(out, "HTTP/1.1 %d %s\r\n", status, http_reason(status));
	put_date(x->conn->server, out);
	if (content_type)
		(void)buf_printf(out, "Content-Type: %s\r\n", content_type);
	if (!x->has_cache_control)
		(void)buf_puts(out, STR("Cache-Control: no-store\r\n"));
	(void)buf_puts(out, buf_str(&x->headers));
	if (!x->request.keep_alive)
		(void)buf_puts(out, STR("Connection: close\r\n"));
}

static void read_more(void *ctx);

/* The answer is on its way: the connection serves the next request, or ends. */
static void next_request(struct conn *c)
{
	struct http_server *h = c->server;
	bool stays = c->x->request.keep_alive && !h->is_paused;

	c->x->on_gone = NULL;
	end_exchange(c);
	if (!stays) {
		leave(c);
		return;
	}
	c->state = IN_HEAD;
	c->is_head_begun = false;
	stream_deadline(c->stream, h->set.idle_ms);
	if (stream_in(c->stream).len)
		loop_later(h->loop, read_more, c);
}

static void drop_now(void *ctx)
{
	conn_free(ctx);
}

/* From the loop, not from within whatever the owner is doing. */
static void drop(struct conn *c)
{
	if (!c->is_dropped)
		loop_later(c->server->loop, drop_now, c);
	c->is_dropped = true;
}

void http_answer(struct exchange *x, int status, const char *content_type, struct bytes body)
{
	struct conn *c = x->conn;
	bool has_body = status / 100 != 1 && status != 204 && status != 304;
	auto_buf struct buf out = { 0 };

	buf_init(&out, HARD_OUT_MAX);
	put_head(x, status, content_type, &out);
	if (has_body)
		(void)buf_printf(&out, "Content-Length: %zu\r\n", body.len);
	(void)buf_puts(&out, STR("\r\n"));
	if (has_body && !str_eqz(x->request.method, "HEAD"))
		(void)buf_put(&out, body.ptr, body.len);
	if (out.is_full || !stream_put(c->stream, buf_bytes(&out))) {
		x->on_gone = NULL;
		drop(c);
		return;
	}
	next_request(c);
}

uint32_t http_answer_err(struct exchange *x, const struct err *e)
{
	int status = err_http_status(e->kind);
	bool is_ours = e->kind == ERR_SYSTEM || e->kind == ERR_NONE;
	uint32_t reference = 0;
	auto_buf struct buf body = { 0 };
	struct jw w;

	if (is_ours) {
		status = 500;
		random_bytes(&reference, sizeof(reference));
	}
	buf_init(&body, 4096);
	jw_init(&w, &body, JW_COMPACT);
	jw_map(&w);
	jw_kv_text(&w, "type", "about:blank");
	jw_kv_text(&w, "title", http_reason(status));
	jw_kv_int(&w, "status", status);
	jw_kv_text(&w, "detail", is_ours ? "internal error" : e->text);
	if (is_ours)
		jw_kv_int(&w, "reference", reference);
	else if (e->hint[0])
		jw_kv_text(&w, "hint", e->hint);
	jw_end(&w);
	if (e->kind == ERR_RETRY)
		http_set_header(x, "Retry-After", STR("1"));
	http_answer(x, status, "application/problem+json", buf_bytes(&body));
	return reference;
}

void http_set_header(struct exchange *x, const char *name, struct str value)
{
	(void)buf_printf(&x->headers, "%s: ", name);
	for (size_t i = 0; i < value.len; i++) {
		bool is_plain = (uint8_t)value.ptr[i] >= ' ' && value.ptr[i] != 0x7f;
		(void)buf_put(&x->headers, is_plain ? &value.ptr[i] : "?", 1);
	}
	(void)buf_puts(&x->headers, STR("\r\n"));
	if (!strcasecmp(name, "Cache-Control"))
		x->has_cache_control = true;
}

void http_stream(struct exchange *x, int status, const char *content_type)
{
	struct conn *c = x->conn;
	auto_buf struct buf out = { 0 };

	buf_init(&out, 2 * HEADERS_MAX);
	put_head(x, status, content_type, &out);
	(void)buf_puts(&out, STR("Transfer-Encoding: chunked\r\n\r\n"));
	c->state = STREAMING;
	stream_deadline(c->stream, 0);
	if (!stream_put(c->stream, buf_bytes(&out)))
		drop(c);
}

bool http_stream_put(struct exchange *x, struct bytes data)
{
	struct conn *c = x->conn;
	char size[24];
	int len = snprintf(size, sizeof(size), "%zx\r\n", data.len);

	if (c->is_dropped)
		return false;
	if (!data.len)
		return true; /* an empty chunk would be the end */
	bool fits = stream_waiting(c->stream) + data.len <= c->server->set.max_out &&
		    stream_put(c->stream, bytes_of(size, (size_t)len)) &&
		    stream_put(c->stream, data) && stream_put_str(c->stream, STR("\r\n"));
	if (!fits)
		drop(c);
	return fits;
}

size_t http_stream_waiting(const struct exchange *x)
{
	return stream_waiting(x->conn->stream);
}

void http_on_room(struct exchange *x, void (*fn)(void *ctx), void *ctx)
{
	x->on_room = fn;
	x->room_ctx = ctx;
}

void http_end(struct exchange *x)
{
	struct conn *c = x->conn;

	x->on_gone = NULL;
	if (c->is_dropped)
		return;
	if (!stream_put_str(c->stream, STR("0\r\n\r\n")))
		drop(c);
	else
		next_request(c);
}

/* Requests. */

static struct exchange *exchange_new(struct conn *c)
{
	struct exchange *x = mem_new(1, sizeof(*x));

	x->conn = c;
	x->mem = arena_new(c->server->set.max_memory);
	buf_init(&x->body, c->server->set.max_body);
	buf_init(&x->headers, HEADERS_MAX);
	return x;
}

/* What cannot be served: one answer, and the connection ends. */
static bool refuse(struct conn *c, int status, const char *why)
{
	struct err e = { 0 };
	auto_buf struct buf body = { 0 };
	struct jw w;

	(void)err_set(&e, ERR_INPUT, "%s", why);
	if (!c->x)
		c->x = exchange_new(c);
	c->x->request.keep_alive = false;
	buf_init(&body, 1024);
	jw_init(&w, &body, JW_COMPACT);
	jw_map(&w);
	jw_kv_text(&w, "type", "about:blank");
	jw_kv_text(&w, "title", http_reason(status));
	jw_kv_int(&w, "status", status);
	jw_kv_text(&w, "detail", e.text);
	jw_end(&w);
	http_answer(c->x, status, "application/problem+json", buf_bytes(&body));
	return false;
}

static bool serve(struct conn *c)
{
	struct http_server *h = c->server;

	c->state = ANSWERING;
	stream_deadline(c->stream, 0);
	h->set.on_request(h->set.ctx, c->x);
	return true;
}

/* False: nothing more can be done with what is here.  The views of the request point into
 * a copy: its answer may come long after these bytes are gone. */
static bool take_head(struct conn *c)
{
	struct bytes in = stream_in(c->stream);
	struct http_server *h = c->server;
	struct err e = { 0 };
	struct http_request q;
	size_t len = 0;

	if (in.len && !c->is_head_begun)
		stream_deadline(c->stream, h->set.header_ms);
	c->is_head_begun = c->is_head_begun || in.len;
	enum http_result r = in.len ? http_request_read(in, &q, &len, &e) : HTTP_MORE;
	if (r == HTTP_MORE)
		return false;
	if (r == HTTP_BAD)
		return refuse(c, q.status, e.text);
	struct exchange *x = c->x = exchange_new(c);
	struct bytes head = arena_copy(x->mem, in.ptr, len);
	if (!head.ptr || http_request_read(head, &x->request, &len, &e) != HTTP_DONE)
		return refuse(c, 431, "head is too large");
	stream_eat(c->stream, len);
	if (x->request.content_length > h->set.max_body)
		return refuse(c, 413, "body is too large");
	if (x->request.expect_continue)
		(void)stream_put_str(c->stream, STR("HTTP/1.1 100 Continue\r\n\r\n"));
	c->state = IN_BODY;
	stream_deadline(c->stream, h->set.body_ms);
	return true;
}

static bool take_sized(struct conn *c)
{
	struct exchange *x = c->x;
	struct bytes in = stream_in(c->stream);
	size_t want = (size_t)x->request.content_length - x->body.len;
	size_t len = in.len < want ? in.len : want;

	(void)buf_put(&x->body, in.ptr, len);
	stream_eat(c->stream, len);
	return len == want ? serve(c) : false;
}

static bool take_chunks(struct conn *c)
{
	struct exchange *x = c->x;
	struct err e = { 0 };

	for (;;) {
		struct bytes data;
		size_t used;
		enum http_result r =
			http_chunks_read(&x->chunks, stream_in(c->stream), &used, &data, &e);
		bool fits = !data.len || buf_put(&x->body, data.ptr, data.len);
		stream_eat(c->stream, used);
		if (!fits)
			return refuse(c, 413, "body is too large");
		if (r == HTTP_BAD)
			return refuse(c, 400, e.text);
		if (r == HTTP_MORE)
			return false;
		if (r == HTTP_DONE)
			return serve(c);
	}
}

static bool take_body(struct conn *c)
{
	if (c->x->request.framing == HTTP_CHUNKED)
		return take_chunks(c);
	return take_sized(c);
}

/* One request at a time: what came behind it waits for its answer. */
static void take_input(struct conn *c)
{
	bool goes_on = true;

	while (goes_on && !c->is_dropped && (c->state == IN_HEAD || c->state == IN_BODY)) {
		if (c->state == IN_HEAD)
			goes_on = take_head(c);
		else
			goes_on = take_body(c) && c->state == IN_HEAD;
	}
}

static void read_more(void *ctx)
{
	take_input(ctx);
}

static void on_data(void *ctx)
{
	take_input(ctx);
}

static void on_ready(void *ctx)
{
	struct conn *c = ctx;

	c->is_ready = true;
	c->server->handshakes--;
	stream_deadline(c->stream, c->server->set.header_ms);
	listen_again(c->server);
}

static void on_room(void *ctx)
{
	struct conn *c = ctx;

	if (c->x && c->x->on_room && c->state == STREAMING)
		c->x->on_room(c->x->room_ctx);
}

static const struct stream_events events = { on_ready, on_data, on_room, on_end };

/* The listener. */

static void accept_one(struct http_server *h, int fd)
{
	struct err e = { 0 };

	if (h->count >= h->set.max_connections) {
		(void)close(fd); /* sooner shed than starve those who are here */
		return;
	}
	struct conn *c = mem_new(1, sizeof(*c));
	*c = (struct conn){ .server = h, .next = h->conns, .number = ++h->last_number };
	addr_peer_text(fd, c->source);
	c->stream = stream_new(h->loop, fd,
			       &(struct stream_settings){ .tls = h->set.tls,
							  .out_max = HARD_OUT_MAX,
							  .out_high = h->set.max_out / 2,
							  .events = &events,
							  .ctx = c },
			       &e);
	if (!c->stream) {
		free(c);
		return;
	}
	if (h->conns)
		h->conns->prev = c;
	h->conns = c;
	h->count++;
	h->handshakes++;
}

static void on_listener(void *ctx, unsigned unused)
{
	struct http_server *h = ctx;

	(void)unused;
	for (int i = 0; i < ACCEPTS_PER_TURN && h->handshakes < h->set.max_handshakes; i++) {
		int fd = accept4(h->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			accept_one(h, fd);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			timer_set(h->rest, REST_MS);
		break;
	}
	listen_again(h);
}

static void rested(void *ctx)
{
	listen_again(ctx);
}

struct http_server *http_server_new(struct loop *l, int listen_fd,
				    const struct http_server_settings *s)
{
	struct http_server *h = mem_new(1, sizeof(*h));
	const int on = 1;

	/* What is accepted inherits it: small answers must not wait for an acknowledgement. */
	(void)setsockopt(listen_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	*h = (struct http_server){ .loop = l, .set = *s, .fd = listen_fd };
	h->set.max_body = s->max_body ? s->max_body : 64 * 1024;
	h->set.max_memory = s->max_memory ? s->max_memory : 1 << 20;
	h->set.max_out = s->max_out ? s->max_out : 1 << 20;
	h->set.max_connections = s->max_connections ? s->max_connections : 1000;
	h->set.max_handshakes = s->max_handshakes ? s->max_handshakes : 200;
	h->set.header_ms = s->header_ms ? s->header_ms : 5000;
	h->set.body_ms = s->body_ms ? s->body_ms : 10000;
	h->set.idle_ms = s->idle_ms ? s->idle_ms : 60000;
	h->rest = loop_timer(l, rested, h);
	h->watch = loop_watch(l, listen_fd, LOOP_READ, on_listener, h);
	return h;
}

void http_server_free(struct http_server *h)
{
	if (!h)
		return;
	for (struct conn *c = h->conns, *next; c; c = next) {
		next = c->next;
		conn_free(c);
	}
	watch_free(h->watch);
	timer_free(h->rest);
	(void)close(h->fd);
	free(h);
}

unsigned http_server_connections(const struct http_server *h)
{
	return h->count;
}

void http_server_pause(struct http_server *h)
{
	h->is_paused = true;
	listen_again(h);
}

void http_server_set_tls(struct http_server *h, struct tls_ctx *tls)
{
	h->set.tls = tls;
}

/* What a handler may know. */

const struct http_request *http_request(const struct exchange *x)
{
	return &x->request;
}

struct bytes http_body(const struct exchange *x)
{
	return buf_bytes(&x->body);
}

struct arena *http_mem(struct exchange *x)
{
	return x->mem;
}

struct tls *http_tls(const struct exchange *x)
{
	return stream_tls(x->conn->stream);
}

struct str http_source(const struct exchange *x)
{
	return str_of(x->conn->source);
}

uint64_t http_connection(const struct exchange *x)
{
	return x->conn->number;
}

void http_set_ctx(struct exchange *x, void *ctx)
{
	x->ctx = ctx;
}

void *http_ctx(const struct exchange *x)
{
	return x->ctx;
}

void http_on_gone(struct exchange *x, void (*fn)(void *ctx), void *ctx)
{
	x->on_gone = fn;
	x->gone_ctx = ctx;
}
