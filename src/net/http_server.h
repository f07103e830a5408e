/* http_server.h - strict HTTP/1.1 over TLS on the loop (RFC 9112, the parser is codec/http).
 *
 * One call per request, when its whole body is there; the answer may come now or later, at
 * once or as an endless stream.  A struct exchange belongs to the server and is valid until
 * it is answered (http_answer, http_end) or its on_gone was called; then forget it.
 *
 * Bounds: header 5 s, body 10 s, idle keep-alive 60 s; head 16 KiB, body as configured;
 * connections and handshakes in flight capped; a reader too slow for max_out is dropped.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "codec/http.h"
#include "sys/loop.h"

struct http_server;
struct exchange;
struct tls;
struct tls_ctx;

typedef void http_request_fn(void *ctx, struct exchange *x);

struct http_server_settings {
	struct tls_ctx *tls;                 /* NULL: plain (tests, unix sockets) */
	size_t max_body;                     /* 0: 64 KiB */
	size_t max_memory;                   /* arena of one exchange; 0: 1 MiB */
	size_t max_out;                      /* unsent bytes of one connection; 0: 1 MiB */
	unsigned max_connections;            /* 0: 1,000 */
	unsigned max_handshakes;             /* 0: 200 */
	int64_t header_ms, body_ms, idle_ms; /* 0: 5,000, 10,000, 60,000 */
	http_request_fn *on_request;
	void *ctx;
};

/* Takes the listening descriptor. */
struct http_server *http_server_new(struct loop *l, int listen_fd,
				    const struct http_server_settings *s);
void http_server_free(struct http_server *h); /* drops every connection; on_gone is called */
unsigned http_server_connections(const struct http_server *h);
void http_server_pause(struct http_server *h); /* accept nobody new (draining) */
void http_server_set_tls(struct http_server *h, struct tls_ctx *tls); /* for new connections */

/* The request. */
const struct http_request *http_request(const struct exchange *x);
struct bytes http_body(const struct exchange *x);
struct arena *http_mem(struct exchange *x);         /* ends with the exchange */
struct tls *http_tls(const struct exchange *x);     /* tls_peer, tls_exporter; NULL: plain */
struct str http_source(const struct exchange *x);   /* "192.0.2.7:40112" */
uint64_t http_connection(const struct exchange *x); /* number of its connection, never reused */
void http_set_ctx(struct exchange *x, void *ctx);
void *http_ctx(const struct exchange *x);

/* Called once when the connection ends before the exchange does. */
void http_on_gone(struct exchange *x, void (*fn)(void *ctx), void *ctx);

/* The answer: headers first, then one of http_answer or http_stream. Date, Content-Length and
 * Connection are ours; Cache-Control: no-store is added unless given. */
void http_set_header(struct exchange *x, const char *name, struct str value);
void http_answer(struct exchange *x, int status, const char *content_type, struct bytes body);
/* RFC 9457 application/problem+json from an err.  Our own failures are told as "internal
 * error" and a reference number, returned for the log; else 0. */
uint32_t http_answer_err(struct exchange *x, const struct err *e);

/* Endless: chunked. http_stream_put is false when the reader is too slow: the connection is
 * dropped and on_gone follows from the loop. */
void http_stream(struct exchange *x, int status, const char *content_type);
bool http_stream_put(struct exchange *x, struct bytes data);
size_t http_stream_waiting(const struct exchange *x); /* unsent bytes: hold back early */
void http_on_room(struct exchange *x, void (*fn)(void *ctx), void *ctx); /* drained to half */
void http_end(struct exchange *x);
