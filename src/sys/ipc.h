/* ipc.h - typed messages between two rooms, over one socketpair.
 *
 * Frame (docs/protocols/rooms.md): u32 body length, u16 type, u16 flags, u32 request id, body.
 * A link has a table of what its peer may say and how often.  A frame that is too long, not
 * in the table, too often or not decodable closes the link: the peer room ends, its parent
 * starts a clean one.  Bodies are bytes; walls.h says how they are read and written.
 *
 * Asking is asynchronous: every ipc_ask gets exactly one answer callback, with ERR_RETRY when
 * the link is lost first.  A handler answers now or later, by the request's id.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "sys/loop.h"

struct ipc;

enum {
	IPC_HEADER = 12,
	IPC_MAX_BODY = 1 << 20, /* unless the settings say otherwise */
	IPC_ERR_MAX = 512,
};

enum ipc_flag {
	IPC_TELL = 0,    /* no answer is wanted */
	IPC_ASK = 1,     /* request id is the asker's, never 0 */
	IPC_ANSWER = 2,  /* of that request id */
	IPC_REFUSAL = 3, /* of that request id; the body is a struct err */
};

enum ipc_often {
	IPC_ONCE, /* zero: a second time closes the link */
	IPC_OFTEN,
	IPC_RATE, /* at most per_second, with a burst of as many */
};

struct ipc_msg {
	uint16_t type;
	uint16_t flags;
	uint32_t request;  /* for ipc_answer; 0 when none is wanted */
	struct bytes body; /* valid during the call */
};

/* False means "not decodable": closes the link.  A request that is refused is
 * ipc_refuse and true. */
typedef bool ipc_fn(void *ctx, struct ipc *link, const struct ipc_msg *m, struct err *e);

struct ipc_row {
	uint16_t type;
	const char *name;
	enum ipc_often often;
	unsigned per_second;
	ipc_fn *handler;
};

struct ipc_settings {
	const struct ipc_row *rows; /* what the peer may say; must outlive the link */
	size_t count;
	size_t max_body; /* of one message, either way; 0: IPC_MAX_BODY */
	size_t max_out;  /* bytes waiting for a peer that does not read; 0: 8 * max_body */
	void *ctx;       /* for the rows and on_lost */
	/* The link is closed (kind ERR_NONE: the peer left).  NULL: the loop is stopped. */
	void (*on_lost)(void *ctx, struct ipc *link, const struct err *why);
};

/* Takes the fd.  Both ends may ask. */
struct ipc *ipc_new(struct loop *l, int fd, const struct ipc_settings *s);
void ipc_free(struct ipc *link); /* NULL is fine; open questions are answered ERR_RETRY */
void ipc_replace(struct ipc *link, int fd); /* a restarted peer: fresh counters, old asks fail */
bool ipc_is_up(const struct ipc *link);
size_t ipc_waiting(const struct ipc *link); /* bytes not yet taken by the peer */

bool ipc_tell(struct ipc *link, uint16_t type, struct bytes body); /* false: lost or full */

/* refused is NULL when the peer answered; the body is valid during the call. */
typedef void ipc_answer_fn(void *ctx, const struct err *refused, struct bytes body);
void ipc_ask(struct ipc *link, uint16_t type, struct bytes body, ipc_answer_fn *fn, void *ctx);
void ipc_forget(struct ipc *link, const void *ctx); /* answers for ctx are dropped */

bool ipc_answer(struct ipc *link, uint32_t request, struct bytes body);
bool ipc_refuse(struct ipc *link, uint32_t request, const struct err *why);

/* Blocking, for rooms that only ever wait on one pipe (keys, verify).  mem holds the body and
 * must be empty (arena_reset) before each message.  False with kind ERR_NONE: the peer left. */
struct arena;
bool ipc_recv(int fd, size_t max_body, struct arena *mem, struct ipc_msg *out,
	      struct err *e) must_check;
bool ipc_send(int fd, const struct ipc_msg *m, struct err *e) must_check;
/* Sends an IPC_ASK and waits for its answer; a refusal is false with the peer's err. */
bool ipc_call(int fd, uint16_t type, struct bytes body, size_t max_body, struct arena *mem,
	      struct bytes *out, struct err *e) must_check;

/* A struct err as a body, and back. */
struct bytes ipc_err_write(const struct err *why, uint8_t out[IPC_ERR_MAX]);
void ipc_err_read(struct bytes body, struct err *out);
