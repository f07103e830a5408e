#include "sys/ipc.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/cursor.h"
#include "base/mem.h"

enum { READ_PIECE = 65536 };

/* A question of ours that waits for its answer. */
struct question {
	struct question *next;
	uint32_t id;
	ipc_answer_fn *fn; /* NULL: nobody wants to know any more */
	void *ctx;
	bool is_unsent; /* there was no room for it */
};

/* How often the peer has used a row. */
struct use {
	bool was_used;
	int64_t since_ms; /* tokens were counted then */
	int64_t milli_tokens;
};

struct ipc {
	struct loop *loop;
	struct ipc_settings set;
	int fd; /* -1: lost */
	struct watch *watch;
	struct buf in, out;
	size_t out_at; /* sent so far of out */
	struct use *uses;
	struct question *first; /* newest first */
	uint32_t last_id;
	unsigned generation; /* of the descriptor */
	bool is_inside;      /* a handler runs: freeing waits */
	bool is_freed;
	bool is_stuck; /* an answer found no room: the peer does not read */
	bool wants_flush;
};

/* Frames. */

static bool read_frame(struct bytes in, size_t max_body, struct ipc_msg *out, size_t *len,
		       struct err *e)
{
	struct rd r = rd_of(in);
	size_t body_len = rd_u32(&r);

	*len = 0;
	out->body = (struct bytes){ 0 };
	out->type = rd_u16(&r);
	out->flags = rd_u16(&r);
	out->request = rd_u32(&r);
	if (!rd_ok(&r))
		return true; /* not all there */
	if (body_len > max_body)
		return err_set(e, ERR_INPUT, "message %u of %zu bytes is too long", out->type,
			       body_len);
	if (out->flags > IPC_REFUSAL || (out->flags == IPC_TELL) != (out->request == 0))
		return err_set(e, ERR_INPUT, "message %u: flags and request do not fit", out->type);
	out->body = rd_take(&r, body_len);
	if (rd_ok(&r))
		*len = IPC_HEADER + body_len;
	return true;
}

static void write_header(const struct ipc_msg *m, uint8_t out[IPC_HEADER])
{
	struct wr w = wr_of(out, IPC_HEADER);

	wr_u32(&w, (uint32_t)m->body.len);
	wr_u16(&w, m->type);
	wr_u16(&w, m->flags);
	wr_u32(&w, m->request);
}

struct bytes ipc_err_write(const struct err *why, uint8_t out[IPC_ERR_MAX])
{
	struct wr w = wr_of(out, IPC_ERR_MAX);

	wr_u8(&w, (uint8_t)why->kind);
	wr_str16(&w, str_of(why->text));
	wr_str16(&w, str_of(why->hint));
	return wr_bytes(&w);
}

void ipc_err_read(struct bytes body, struct err *out)
{
	struct rd r = rd_of(body);
	unsigned kind = rd_u8(&r);
	struct str text = rd_str16(&r), hint = rd_str16(&r);

	if (!rd_end(&r) || kind == ERR_NONE || kind >= ERR_KINDS) {
		(void)err_set(out, ERR_SYSTEM, "a refusal that cannot be read");
		return;
	}
	(void)err_set(out, kind, STR_FMT, STR_ARG(text));
	(void)err_hint(out, STR_FMT, STR_ARG(hint));
}

/* The end of a link. */

enum which { UNSENT_ONES, ALL };

/* An answer may ask again: that question is new and not among those. */
static void fail_questions(struct ipc *link, enum which which)
{
	struct err lost = { 0 };
	struct question *failed = NULL, **end = &failed;

	for (struct question **at = &link->first; *at;) {
		struct question *q = *at;
		if (which == UNSENT_ONES && !q->is_unsent) {
			at = &q->next;
			continue;
		}
		*at = q->next;
		q->next = NULL;
		*end = q;
		end = &q->next;
	}
	(void)err_set(&lost, ERR_RETRY, "the other room is not there or too busy");
	for (struct question *q = failed, *next; q; q = next) {
		next = q->next;
		if (q->fn)
			q->fn(q->ctx, &lost, (struct bytes){ 0 });
		free(q);
	}
}

static void hang_up(struct ipc *link)
{
	watch_free(link->watch);
	link->watch = NULL;
	if (link->fd >= 0)
		(void)close(link->fd);
	link->fd = -1;
	link->generation++;
	link->is_stuck = false;
	buf_clear(&link->in);
	buf_clear(&link->out);
	link->out_at = 0;
}

static void lose(struct ipc *link, const struct err *why)
{
	hang_up(link);
	fail_questions(link, ALL);
	if (link->set.on_lost)
		link->set.on_lost(link->set.ctx, link, why);
	else
		loop_stop(link->loop);
}

static void bury(struct ipc *link)
{
	loop_forget(link->loop, link);
	buf_done(&link->in);
	buf_done(&link->out);
	free(link->uses);
	free(link);
}

/* Out: gathered during a turn, sent at its end. */

/* Empty, and without the memory that one long message left behind.  What it held may have been a
 * key on its way to the room that uses it. */
static void shrink(struct buf *b)
{
	size_t max = b->max;

	mem_wipe(b->ptr, b->len);
	if (b->cap <= READ_PIECE) {
		buf_clear(b);
		return;
	}
	buf_done(b);
	buf_init(b, max);
}

/* Long messages leave in many pieces: what was sent is dropped once, not each time. */
static void forget_sent(struct ipc *link)
{
	if (link->out_at == link->out.len) {
		shrink(&link->out);
		link->out_at = 0;
	} else if (link->out_at > link->out.len / 2) {
		buf_drop(&link->out, link->out_at);
		link->out_at = 0;
	}
}

static void flush_out(struct ipc *link, struct err *e)
{
	while (link->out_at < link->out.len) {
		ssize_t put = send(link->fd, link->out.ptr + link->out_at,
				   link->out.len - link->out_at, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0 && errno != EAGAIN)
			(void)err_sys(e, "send");
		if (put < 0)
			break;
		link->out_at += (size_t)put;
	}
	forget_sent(link);
	watch_set(link->watch, link->out.len ? LOOP_READ | LOOP_WRITE : LOOP_READ);
}

static void flush_later(void *ctx)
{
	struct ipc *link = ctx;
	struct err e = { 0 };
	bool was_inside = link->is_inside;

	link->wants_flush = false;
	link->is_inside = true;
	if (link->fd >= 0)
		flush_out(link, &e);
	/* A peer that is gone is told by the reading side, after what it said last. */
	if (link->is_stuck) {
		(void)err_set(&e, ERR_SYSTEM, "the other room does not read");
		lose(link, &e);
	}
	fail_questions(link, UNSENT_ONES);
	link->is_inside = was_inside;
	if (link->is_freed && !was_inside)
		bury(link);
}

static void flush_soon(struct ipc *link)
{
	if (!link->wants_flush)
		loop_later(link->loop, flush_later, link);
	link->wants_flush = true;
}

static bool put_frame(struct ipc *link, const struct ipc_msg *m)
{
	uint8_t header[IPC_HEADER];

	if (link->fd < 0 || m->body.len > link->set.max_body)
		return false;
	if (ipc_waiting(link) + IPC_HEADER + m->body.len > link->set.max_out)
		return false;
	write_header(m, header);
	(void)buf_put(&link->out, header, sizeof(header));
	(void)buf_put(&link->out, m->body.ptr, m->body.len);
	flush_soon(link);
	return true;
}

/* In. */

static bool within_rate(struct use *u, unsigned per_second, int64_t now_ms)
{
	int64_t full = (int64_t)per_second * 1000;

	if (!u->was_used)
		u->milli_tokens = full;
	else
		u->milli_tokens += (now_ms - u->since_ms) * per_second;
	if (u->milli_tokens > full)
		u->milli_tokens = full;
	u->since_ms = now_ms;
	u->milli_tokens -= 1000;
	return u->milli_tokens >= 0;
}

static bool may_use(struct ipc *link, const struct ipc_row *row, struct err *e)
{
	struct use *u = &link->uses[row - link->set.rows];
	bool fits = row->often == IPC_OFTEN || (row->often == IPC_ONCE && !u->was_used) ||
		    (row->often == IPC_RATE &&
		     within_rate(u, row->per_second, loop_now_ms(link->loop)));

	u->was_used = true;
	return fits || err_set(e, ERR_DENIED, "message '%s' comes too often", row->name);
}

static bool handle_row(struct ipc *link, const struct ipc_msg *m, struct err *e)
{
	for (size_t i = 0; i < link->set.count; i++) {
		const struct ipc_row *row = &link->set.rows[i];
		if (row->type != m->type)
			continue;
		return may_use(link, row, e) &&
		       (row->handler(link->set.ctx, link, m, e) || err_in(e, "%s", row->name));
	}
	return err_set(e, ERR_DENIED, "message %u is not in the table", m->type);
}

static bool handle_answer(struct ipc *link, const struct ipc_msg *m, struct err *e)
{
	struct err refused = { 0 };

	for (struct question **at = &link->first; *at; at = &(*at)->next) {
		struct question *q = *at;
		if (q->id != m->request)
			continue;
		*at = q->next;
		if (m->flags == IPC_REFUSAL)
			ipc_err_read(m->body, &refused);
		if (q->fn && refused.kind)
			q->fn(q->ctx, &refused, (struct bytes){ 0 });
		else if (q->fn)
			q->fn(q->ctx, NULL, m->body);
		free(q);
		return true;
	}
	return err_set(e, ERR_INPUT, "an answer to nothing we asked");
}

static bool handle_frames(struct ipc *link, struct err *e)
{
	size_t done = 0, len;
	unsigned generation = link->generation;

	for (;;) {
		struct bytes in = { link->in.ptr + done, link->in.len - done };
		struct ipc_msg m;
		if (!read_frame(in, link->set.max_body, &m, &len, e))
			return false;
		if (!len)
			break;
		bool fine = m.flags >= IPC_ANSWER ? handle_answer(link, &m, e)
						  : handle_row(link, &m, e);
		if (!fine)
			return false;
		if (link->is_freed || link->generation != generation)
			return true; /* the handler ended this link: the buffer is another's */
		done += len;
	}
	if (done == link->in.len)
		shrink(&link->in);
	else
		buf_drop(&link->in, done);
	return true;
}

/* True when something came; false with e->kind ERR_NONE when the peer left. */
static bool fill_in(struct ipc *link, struct err *e)
{
	uint8_t *room = buf_room(&link->in, READ_PIECE);

	assert(room); /* in.max leaves room for one piece beside the longest frame */
	ssize_t got = recv(link->fd, room, READ_PIECE, MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (got < 0 && errno != ECONNRESET)
		return err_sys(e, "receive");
	if (got <= 0)
		return false;
	buf_added(&link->in, (size_t)got);
	return true;
}

static void on_socket(void *ctx, unsigned events)
{
	struct ipc *link = ctx;
	struct err e = { 0 };

	if (events & LOOP_WRITE)
		flush_out(link, &e);
	if (!(events & (LOOP_READ | LOOP_HANGUP)))
		return;
	link->is_inside = true;
	bool is_good = fill_in(link, &e) && handle_frames(link, &e);
	if (!is_good && !link->is_freed)
		lose(link, &e);
	link->is_inside = false;
	if (link->is_freed)
		bury(link);
}

/* Life. */

static void attach(struct ipc *link, int fd)
{
	int flags = fcntl(fd, F_GETFL);

	(void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	link->fd = fd;
	link->watch = loop_watch(link->loop, fd, LOOP_READ, on_socket, link);
}

struct ipc *ipc_new(struct loop *l, int fd, const struct ipc_settings *s)
{
	struct ipc *link = mem_new(1, sizeof(*link));

	*link = (struct ipc){ .loop = l, .set = *s, .fd = -1 };
	if (!link->set.max_body)
		link->set.max_body = IPC_MAX_BODY;
	if (!link->set.max_out)
		link->set.max_out = 8 * link->set.max_body;
	buf_init(&link->in, link->set.max_body + IPC_HEADER + READ_PIECE);
	buf_init(&link->out, 2 * link->set.max_out); /* half may be sent and not yet dropped */
	link->uses = mem_new(s->count + 1, sizeof(*link->uses));
	if (fd >= 0)
		attach(link, fd);
	return link;
}

void ipc_free(struct ipc *link)
{
	if (!link || link->is_freed)
		return;
	hang_up(link);
	link->is_freed = true;
	fail_questions(link, ALL);
	if (!link->is_inside)
		bury(link);
}

void ipc_replace(struct ipc *link, int fd)
{
	hang_up(link);
	fail_questions(link, ALL);
	for (size_t i = 0; i < link->set.count; i++)
		link->uses[i] = (struct use){ 0 };
	attach(link, fd);
}

bool ipc_is_up(const struct ipc *link)
{
	return link->fd >= 0;
}

size_t ipc_waiting(const struct ipc *link)
{
	return link->out.len - link->out_at;
}

bool ipc_tell(struct ipc *link, uint16_t type, struct bytes body)
{
	return put_frame(link, &(struct ipc_msg){ .type = type, .body = body });
}

void ipc_ask(struct ipc *link, uint16_t type, struct bytes body, ipc_answer_fn *fn, void *ctx)
{
	struct question *q = mem_new(1, sizeof(*q));

	if (!++link->last_id)
		link->last_id = 1;
	*q = (struct question){ .next = link->first, .id = link->last_id, .fn = fn, .ctx = ctx };
	link->first = q;
	struct ipc_msg m = { .type = type, .flags = IPC_ASK, .request = q->id, .body = body };
	q->is_unsent = !put_frame(link, &m);
	if (q->is_unsent)
		flush_soon(link); /* answered from the loop, never from in here */
}

void ipc_forget(struct ipc *link, const void *ctx)
{
	for (struct question *q = link->first; q; q = q->next)
		if (q->ctx == ctx)
			q->fn = NULL;
}

/* The asker waits: an answer that finds no room ends the link rather than being lost. */
static bool put_answer(struct ipc *link, const struct ipc_msg *m)
{
	if (put_frame(link, m))
		return true;
	link->is_stuck = link->fd >= 0;
	if (link->is_stuck)
		flush_soon(link);
	return false;
}

bool ipc_answer(struct ipc *link, uint32_t request, struct bytes body)
{
	struct err e = { 0 };

	if (body.len > link->set.max_body) {
		(void)err_set(&e, ERR_SYSTEM, "the answer of %zu bytes is too long", body.len);
		return ipc_refuse(link, request, &e);
	}
	return put_answer(
		link, &(struct ipc_msg){ .flags = IPC_ANSWER, .request = request, .body = body });
}

bool ipc_refuse(struct ipc *link, uint32_t request, const struct err *why)
{
	uint8_t body[IPC_ERR_MAX];

	return put_answer(link, &(struct ipc_msg){ .flags = IPC_REFUSAL,
						   .request = request,
						   .body = ipc_err_write(why, body) });
}

/* Blocking. */

static bool wait_for(int fd, short events, struct err *e)
{
	struct pollfd p = { .fd = fd, .events = events };

	while (poll(&p, 1, -1) < 0)
		if (errno != EINTR)
			return err_sys(e, "poll");
	return true;
}

/* Exactly len bytes; false with ERR_NONE when the peer left before the first. */
static bool recv_all(int fd, uint8_t *to, size_t len, struct err *e)
{
	size_t have = 0;

	while (have < len) {
		ssize_t got = read(fd, to + have, len - have);
		if (got < 0 && errno == EAGAIN && !wait_for(fd, POLLIN, e))
			return false;
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return err_sys(e, "receive");
		if (got == 0)
			return have && err_set(e, ERR_SYSTEM, "the other room left in mid-word");
		have += got > 0 ? (size_t)got : 0;
	}
	return true;
}

bool ipc_recv(int fd, size_t max_body, struct arena *mem, struct ipc_msg *out, struct err *e)
{
	uint8_t header[IPC_HEADER];
	size_t len;

	*e = (struct err){ 0 };
	if (!recv_all(fd, header, sizeof(header), e))
		return false;
	struct rd r = rd_of(bytes_of(header, sizeof(header)));
	size_t body_len = rd_u32(&r);
	if (!read_frame(bytes_of(header, sizeof(header)), max_body, out, &len, e))
		return false;
	uint8_t *body = arena_alloc(mem, body_len ? body_len : 1, 1);
	if (!body)
		return err_set(e, ERR_INPUT, "message %u is too large", out->type);
	if (body_len && !recv_all(fd, body, body_len, e)) {
		if (!e->kind)
			(void)err_set(e, ERR_SYSTEM, "the other room left in mid-word");
		return false;
	}
	out->body = (struct bytes){ body, body_len };
	return true;
}

static bool send_all(int fd, struct bytes data, struct err *e)
{
	while (data.len) {
		ssize_t put = write(fd, data.ptr, data.len);
		if (put < 0 && errno == EAGAIN && !wait_for(fd, POLLOUT, e))
			return false;
		if (put < 0 && errno != EAGAIN && errno != EINTR)
			return err_sys(e, "send");
		data.ptr += put > 0 ? put : 0;
		data.len -= put > 0 ? (size_t)put : 0;
	}
	return true;
}

bool ipc_send(int fd, const struct ipc_msg *m, struct err *e)
{
	uint8_t header[IPC_HEADER];

	write_header(m, header);
	return send_all(fd, bytes_of(header, sizeof(header)), e) && send_all(fd, m->body, e);
}

bool ipc_call(int fd, uint16_t type, struct bytes body, size_t max_body, struct arena *mem,
	      struct bytes *out, struct err *e)
{
	struct ipc_msg ask = { .type = type, .flags = IPC_ASK, .request = 1, .body = body };
	struct ipc_msg got;

	*out = (struct bytes){ 0 };
	if (!ipc_send(fd, &ask, e))
		return false;
	if (!ipc_recv(fd, max_body, mem, &got, e))
		return e->kind ? false : err_set(e, ERR_RETRY, "the other room left");
	if (got.request != ask.request || got.flags < IPC_ANSWER)
		return err_set(e, ERR_INPUT, "not an answer to what was asked");
	if (got.flags == IPC_REFUSAL) {
		ipc_err_read(got.body, e);
		return false;
	}
	*out = got.body;
	return true;
}
