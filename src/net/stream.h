/* stream.h - bytes both ways over a socket on the loop, plain or TLS.
 *
 * Input gathers in a bounded buffer that the owner looks at and eats from; output gathers in
 * another and leaves at the end of the turn, many small puts in one write.  Nothing is
 * called from within stream_put or stream_eat: callbacks come from the loop.  A stream may
 * be freed in any of its callbacks.
 *
 * The end is told once, by on_end, and after it nothing but stream_free is of use.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "sys/loop.h"

struct stream;
struct tls;
struct tls_ctx;

struct stream_events {
	void (*on_ready)(void *ctx); /* connected and shaken hands: tls_peer can be asked */
	void (*on_data)(void *ctx);  /* more input is there */
	void (*on_room)(void *ctx);  /* output fell below half of its high-water mark again */
	/* kind ERR_NONE: the peer ended in order; ERR_RETRY: a deadline passed */
	void (*on_end)(void *ctx, const struct err *why);
};

struct stream_settings {
	struct tls_ctx *tls;  /* NULL: plain */
	struct str host;      /* TLS client: name or address the certificate must carry, or empty */
	bool is_connecting;   /* the fd is in connect(2) */
	size_t in_max;        /* input not yet eaten; reading stops there.  0: 64 KiB */
	size_t out_max;       /* output not yet sent; past it stream_put says no.  0: 256 KiB */
	size_t out_high;      /* stream_is_high from here on.  0: out_max / 2 */
	int64_t handshake_ms; /* connecting and TLS together.  0: 5 s */
	const struct stream_events *events; /* all may be NULL but on_end */
	void *ctx;
};

/* Takes the fd, also when it fails. */
struct stream *stream_new(struct loop *l, int fd, const struct stream_settings *s, struct err *e);
void stream_free(struct stream *s);   /* NULL is fine; closes at once, unsent output is lost */
void stream_finish(struct stream *s); /* sends what is left and close_notify, then on_end */

struct bytes stream_in(const struct stream *s); /* valid until the callback returns */
void stream_eat(struct stream *s, size_t len);
void stream_pause(struct stream *s); /* back-pressure: stop reading */
void stream_resume(struct stream *s);

bool stream_put(struct stream *s, struct bytes data); /* false: over out_max, nothing taken */
bool stream_put_str(struct stream *s, struct str text);
size_t stream_waiting(const struct stream *s); /* output not yet sent */
bool stream_is_high(const struct stream *s);   /* the peer is slow: pause whoever feeds it */

/* The stream ends with ERR_RETRY unless this is called again in time; 0: no deadline. */
void stream_deadline(struct stream *s, int64_t ms);

bool stream_is_ready(const struct stream *s);
struct tls *stream_tls(const struct stream *s); /* NULL: plain */
int stream_fd(const struct stream *s);
