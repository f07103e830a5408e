#include "net/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "crypto/tls.h"

enum {
	SCRATCH = 65536,
	LINGER_MS = 1000,
	LINGER_MAX = 1 << 18,
};

enum state {
	CONNECTING,
	SHAKING,
	OPEN,
	FINISHING, /* what is left goes out */
	LINGERING, /* the peer reads the rest; what it sends is thrown away */
	ENDED,
};

struct stream {
	struct loop *loop;
	struct stream_settings set;
	struct tls *tls;
	struct watch *watch;
	struct timer *timer; /* handshake, owner's deadline, lingering */
	int fd;
	enum state state;
	struct buf in, out;
	size_t out_at;     /* sent so far of out */
	struct bytes view; /* not yet eaten: in scratch during on_data, else all of in */
	bool is_scratch;
	size_t lingered;
	bool is_paused, is_full; /* nobody wants more input; no room for it */
	bool read_wants_write, write_wants_read, is_blocked;
	bool was_high;
	bool wants_flush, wants_read, was_resumed;
	bool is_inside, is_freed; /* a callback runs: freeing waits */
};

/* Input that is eaten at once never needs memory of its own: one place for all streams. */
static uint8_t scratch[SCRATCH];

static size_t or_else(size_t v, size_t fallback)
{
	return v ? v : fallback;
}

static void bury(struct stream *s)
{
	loop_forget(s->loop, s);
	tls_free(s->tls);
	timer_free(s->timer);
	buf_done(&s->in);
	buf_done(&s->out);
	free(s);
}

static void hang_up(struct stream *s)
{
	watch_free(s->watch);
	s->watch = NULL;
	if (s->timer)
		timer_stop(s->timer);
	if (s->fd >= 0)
		(void)close(s->fd);
	s->fd = -1;
	s->state = ENDED;
}

static void end(struct stream *s, const struct err *why)
{
	if (s->state == ENDED)
		return;
	hang_up(s);
	s->set.events->on_end(s->set.ctx, why);
}

void stream_free(struct stream *s)
{
	if (!s || s->is_freed)
		return;
	if (s->state != ENDED)
		hang_up(s);
	s->is_freed = true;
	if (!s->is_inside)
		bury(s);
}

/* What epoll shall tell us, by what each direction waits for. */
static void aim(struct stream *s)
{
	bool reads = s->state == SHAKING || s->state == LINGERING ||
		     (s->state == OPEN && !s->is_paused && !s->is_full);
	unsigned events = 0;

	if (s->state == ENDED)
		return;
	if (s->state == CONNECTING || s->is_blocked || s->read_wants_write)
		events |= LOOP_WRITE;
	if ((reads && !s->read_wants_write) || s->write_wants_read)
		events |= LOOP_READ;
	if (s->state == SHAKING)
		events = s->read_wants_write ? LOOP_WRITE : LOOP_READ;
	watch_set(s->watch, events);
}

/* One read or write, plain or TLS, told alike. */

static enum tls_result plain_result(ssize_t n, enum tls_result again, size_t *len, struct err *e)
{
	*len = n > 0 ? (size_t)n : 0;
	if (n >= 0)
		return TLS_OK;
	if (errno == EAGAIN || errno == EINTR)
		return again;
	(void)err_sys(e, "connection");
	return TLS_FAILED;
}

static enum tls_result read_some(struct stream *s, void *to, size_t cap, size_t *len, struct err *e)
{
	if (s->tls)
		return tls_read(s->tls, to, cap, len, e);
	enum tls_result r = plain_result(recv(s->fd, to, cap, MSG_DONTWAIT), TLS_WANT_READ, len, e);
	return r == TLS_OK && !*len ? TLS_CLOSED : r;
}

static enum tls_result write_some(struct stream *s, struct bytes data, size_t *len, struct err *e)
{
	if (s->tls)
		return tls_write(s->tls, data.ptr, data.len, len, e);
	return plain_result(send(s->fd, data.ptr, data.len, MSG_DONTWAIT | MSG_NOSIGNAL),
			    TLS_WANT_WRITE, len, e);
}

/* Out. */

size_t stream_waiting(const struct stream *s)
{
	return s->out.len - s->out_at;
}

bool stream_is_high(const struct stream *s)
{
	return stream_waiting(s) >= s->set.out_high;
}

static void forget_sent(struct stream *s)
{
	if (s->out_at == s->out.len) {
		size_t max = s->out.max;
		buf_done(&s->out); /* an idle connection holds no buffer */
		buf_init(&s->out, max);
		s->out_at = 0;
	} else if (s->out_at > s->out.len / 2) {
		buf_drop(&s->out, s->out_at);
		s->out_at = 0;
	}
}

/* Sends what it can; false when the connection is over. */
static bool send_waiting(struct stream *s, struct err *e)
{
	s->is_blocked = s->write_wants_read = false;
	while (stream_waiting(s)) {
		struct bytes rest = { s->out.ptr + s->out_at, stream_waiting(s) };
		size_t len = 0;
		enum tls_result r = write_some(s, rest, &len, e);
		if (r == TLS_OK) {
			s->out_at += len;
			continue;
		}
		s->is_blocked = r == TLS_WANT_WRITE;
		s->write_wants_read = r == TLS_WANT_READ;
		if (r == TLS_CLOSED || r == TLS_FAILED)
			return false;
		break;
	}
	forget_sent(s);
	return true;
}

static void linger(struct stream *s)
{
	struct err e = { 0 };

	if (s->tls)
		(void)!tls_shutdown(s->tls, &e);
	(void)shutdown(s->fd, SHUT_WR);
	s->state = LINGERING;
	s->write_wants_read = s->read_wants_write = false;
	timer_set(s->timer, LINGER_MS);
}

static void flush_now(struct stream *s)
{
	struct err e = { 0 };

	if (s->state != OPEN && s->state != FINISHING)
		return;
	if (!send_waiting(s, &e)) {
		end(s, &e);
		return;
	}
	if (s->state == FINISHING && !stream_waiting(s))
		linger(s);
	if (s->was_high && stream_waiting(s) < s->set.out_high / 2) {
		s->was_high = false;
		if (s->set.events->on_room)
			s->set.events->on_room(s->set.ctx);
	}
}

/* In. */

struct bytes stream_in(const struct stream *s)
{
	return s->view;
}

static void settle(struct stream *s)
{
	if (s->is_scratch) {
		(void)buf_put(&s->in, s->view.ptr, s->view.len);
		s->is_scratch = false;
	} else {
		buf_drop(&s->in, s->in.len - s->view.len);
	}
	if (!s->in.len && s->in.cap) {
		size_t max = s->in.max;
		buf_done(&s->in);
		buf_init(&s->in, max);
	}
	s->view = buf_bytes(&s->in);
	s->is_full = s->in.len >= s->in.max;
}

/* As much as there is and fits; what it ended with. */
static enum tls_result gather(struct stream *s, struct err *e)
{
	size_t most = s->in.max - s->in.len, have = 0;
	enum tls_result r = TLS_OK;

	if (most > SCRATCH)
		most = SCRATCH;
	while (r == TLS_OK && have < most) {
		size_t len = 0;
		r = read_some(s, scratch + have, most - have, &len, e);
		have += r == TLS_OK ? len : 0;
	}
	s->read_wants_write = r == TLS_WANT_WRITE;
	if (s->in.len) {
		(void)buf_put(&s->in, scratch, have);
		s->view = buf_bytes(&s->in);
	} else {
		s->view = (struct bytes){ scratch, have };
		s->is_scratch = true;
	}
	return r;
}

static void read_later(void *ctx);

static void read_again_soon(struct stream *s)
{
	if (!s->wants_read)
		loop_later(s->loop, read_later, s);
	s->wants_read = true;
}

static void read_now(struct stream *s)
{
	struct err e = { 0 };

	if (s->state != OPEN || s->is_paused || s->is_full)
		return;
	size_t before = s->in.len;
	enum tls_result r = gather(s, &e);
	bool is_news = s->view.len > before || (s->was_resumed && s->view.len);
	s->was_resumed = false;
	if (is_news && s->set.events->on_data)
		s->set.events->on_data(s->set.ctx);
	if (s->is_freed || s->state != OPEN)
		return;
	settle(s);
	if (r == TLS_CLOSED || r == TLS_FAILED) {
		end(s, &e);
		return;
	}
	/* TLS may hold bytes that epoll does not know of; and others have their turn. */
	if (r == TLS_OK)
		read_again_soon(s);
}

static void throw_away(struct stream *s)
{
	struct err none = { 0 };
	ssize_t got;

	do {
		got = recv(s->fd, scratch, sizeof(scratch), MSG_DONTWAIT);
		s->lingered += got > 0 ? (size_t)got : 0;
	} while (got > 0 && s->lingered < LINGER_MAX);
	if (got >= 0 || errno != EAGAIN)
		end(s, &none);
}

/* Life. */

static void be_ready(struct stream *s)
{
	s->state = OPEN;
	timer_stop(s->timer);
	if (s->set.events->on_ready)
		s->set.events->on_ready(s->set.ctx);
	if (!s->is_freed && s->state == OPEN)
		read_again_soon(s); /* data may have come with the handshake */
}

static void shake(struct stream *s)
{
	struct err e = { 0 };

	if (s->state != SHAKING)
		return;
	if (!s->tls) {
		be_ready(s);
		return;
	}
	enum tls_result r = tls_handshake(s->tls, &e);
	s->read_wants_write = r == TLS_WANT_WRITE;
	if (r == TLS_OK)
		be_ready(s);
	if (r == TLS_CLOSED || r == TLS_FAILED) {
		(void)err_in(&e, "TLS");
		end(s, &e);
	}
}

static void see_connected(struct stream *s)
{
	struct err e = { 0 };
	int why = 0;
	socklen_t len = sizeof(why);

	(void)getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &why, &len);
	if (why) {
		errno = why;
		(void)err_sys(&e, "connect");
		e.kind = ERR_RETRY;
		end(s, &e);
		return;
	}
	s->state = SHAKING;
	shake(s);
}

/* Whatever brought us here: run it with freeing held back, then look what to wait for. */
static void inside(struct stream *s, void (*fn)(struct stream *s))
{
	s->is_inside = true;
	fn(s);
	s->is_inside = false;
	if (s->is_freed) {
		bury(s);
		return;
	}
	if (s->is_scratch || s->view.len != s->in.len)
		settle(s);
	aim(s);
}

static void go_on(struct stream *s)
{
	if (s->state == CONNECTING)
		see_connected(s);
	else if (s->state == SHAKING)
		shake(s);
	else if (s->state == LINGERING)
		throw_away(s);
	if (s->is_freed || (s->state != OPEN && s->state != FINISHING))
		return;
	if (s->is_blocked || s->write_wants_read)
		flush_now(s);
	if (!s->is_freed)
		read_now(s);
}

static void on_socket(void *ctx, unsigned events)
{
	(void)events;
	inside(ctx, go_on);
}

static void read_later(void *ctx)
{
	struct stream *s = ctx;

	s->wants_read = false;
	inside(s, read_now);
}

static void flush_later(void *ctx)
{
	struct stream *s = ctx;

	s->wants_flush = false;
	inside(s, flush_now);
}

static void flush_soon(struct stream *s)
{
	if (!s->wants_flush)
		loop_later(s->loop, flush_later, s);
	s->wants_flush = true;
}

static void too_late(struct stream *s)
{
	struct err e = { 0 };

	if (s->state != LINGERING)
		(void)err_set(&e, ERR_RETRY,
			      s->state < OPEN ? "no connection in time"
					      : "the other side is too slow");
	end(s, &e);
}

static void on_timer(void *ctx)
{
	inside(ctx, too_late);
}

static void start(void *ctx)
{
	inside(ctx, shake);
}

struct stream *stream_new(struct loop *l, int fd, const struct stream_settings *set, struct err *e)
{
	struct tls *tls = set->tls ? tls_new(set->tls, fd, set->host, e) : NULL;

	if (set->tls && !tls) {
		(void)close(fd);
		return NULL;
	}
	struct stream *s = mem_new(1, sizeof(*s));
	*s = (struct stream){ .loop = l, .set = *set, .tls = tls, .fd = fd };
	s->set.out_max = or_else(set->out_max, 256 * 1024);
	s->set.out_high = or_else(set->out_high, s->set.out_max / 2);
	buf_init(&s->in, or_else(set->in_max, 64 * 1024));
	buf_init(&s->out, s->set.out_max);
	s->state = set->is_connecting ? CONNECTING : SHAKING;
	s->watch = loop_watch(l, fd, 0, on_socket, s);
	s->timer = loop_after(l, set->handshake_ms ? set->handshake_ms : 5000, on_timer, s);
	if (set->is_connecting)
		aim(s);
	else
		loop_later(l, start, s);
	return s;
}

void stream_finish(struct stream *s)
{
	if (s->state == ENDED || s->state == FINISHING || s->state == LINGERING)
		return;
	if (s->state != OPEN) { /* nobody is there yet to finish with */
		timer_set(s->timer, 0);
		return;
	}
	s->state = FINISHING;
	timer_set(s->timer, 10 * LINGER_MS);
	flush_soon(s);
	if (!s->is_inside)
		aim(s);
}

void stream_eat(struct stream *s, size_t len)
{
	s->view.ptr += len;
	s->view.len -= len;
	if (s->is_inside)
		return; /* settled when the callback is over */
	settle(s);
	if (s->state == OPEN)
		read_again_soon(s);
	aim(s);
}

void stream_pause(struct stream *s)
{
	s->is_paused = true;
	if (!s->is_inside)
		aim(s);
}

void stream_resume(struct stream *s)
{
	if (!s->is_paused)
		return;
	s->is_paused = false;
	s->was_resumed = true; /* what waited is told again */
	read_again_soon(s);
	if (!s->is_inside)
		aim(s);
}

bool stream_put(struct stream *s, struct bytes data)
{
	if (s->state != OPEN)
		return false;
	if (s->out_at && data.len > s->out.max - s->out.len) {
		buf_drop(&s->out, s->out_at);
		s->out_at = 0;
	}
	if (data.len > s->out.max - s->out.len)
		return false;
	(void)buf_put(&s->out, data.ptr, data.len);
	s->was_high = s->was_high || stream_is_high(s);
	if (!s->is_blocked)
		flush_soon(s);
	return true;
}

bool stream_put_str(struct stream *s, struct str text)
{
	return stream_put(s, bytes_str(text));
}

void stream_deadline(struct stream *s, int64_t ms)
{
	if (s->state != OPEN)
		return;
	if (ms)
		timer_set(s->timer, ms);
	else
		timer_stop(s->timer);
}

bool stream_is_ready(const struct stream *s)
{
	return s->state == OPEN;
}

struct tls *stream_tls(const struct stream *s)
{
	return s->tls;
}

int stream_fd(const struct stream *s)
{
	return s->fd;
}
