/* http_client.h - requests to one server over one kept connection, on the loop.
 *
 * One request at a time is on the wire; others wait in order.  The connection is made when
 * first needed and made again when it was lost between requests; a request that was cut in
 * its middle fails with ERR_RETRY and is the caller's to repeat.
 */
#pragma once

#include "base/err.h"
#include "codec/http.h"
#include "net/addr.h"
#include "sys/loop.h"

struct http_client;
struct tls;
struct tls_ctx;

struct http_client_settings {
	struct addr server;
	struct tls_ctx *tls; /* NULL: plain */
	struct str host; /* what the certificate must carry; empty: the context's peer_path or pin
			  * decides.  Kept by the caller */
	size_t max_body; /* of an answer that is gathered whole; 0: 1 MiB */
	int64_t connect_ms, answer_ms, idle_ms; /* 0: 5,000, 30,000, 45,000 */
};

struct http_reply {
	int status;
	const struct http_response *head;
	struct bytes body; /* gathered; empty when it was streamed to on_body */
};

/* Exactly one on_done per call: reply is NULL when it failed.  Valid during the call. */
typedef void http_done_fn(void *ctx, const struct http_reply *reply, const struct err *e);
/* Status 2xx only (others are gathered for on_done); false ends the connection. */
typedef bool http_part_fn(void *ctx, struct bytes part);

struct http_call {
	const char *method;       /* "GET" */
	struct str target;        /* "/api/v1/devices"; copied */
	const char *content_type; /* NULL: none */
	struct bytes body;        /* copied */
	struct str authorization; /* header value, or empty; copied */
	struct str last_event_id; /* header value, or empty; copied */
	bool on_same_connection;  /* fail with ERR_RETRY rather than use a new connection */
	int64_t answer_ms;        /* for the head; 0: the client's.  A stream has none after that */
	int64_t quiet_ms;         /* a stream silent this long has failed; 0: never */
	http_part_fn *on_body;    /* NULL: gather */
	http_done_fn *on_done;
	void *ctx;
};

struct http_client *http_client_new(struct loop *l, const struct http_client_settings *s);
void http_client_free(struct http_client *c); /* open calls are dropped without on_done */
void http_client_call(struct http_client *c, const struct http_call *from); /* copied */
void http_client_drop(struct http_client *c); /* close the connection; open calls fail */
void http_client_set_tls(struct http_client *c, struct tls_ctx *tls); /* renewed certificate: from
								       * the next connection on */
struct tls *http_client_tls(const struct http_client *c);             /* NULL: not connected */
uint64_t http_client_connection(const struct http_client *c);         /* counts connections made */
