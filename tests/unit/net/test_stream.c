/* test_stream.c - bytes both ways: bounds, back-pressure, endings.  TLS is tested with the
 * HTTP server. */
#include "net/stream.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "still.h"
#include "test.h"

struct side {
	struct stream *s;
	int ready, data, room, ended;
	struct err why;
	size_t eat; /* how much of what comes; SIZE_MAX: all */
	size_t eaten;
	bool free_on_data, free_on_end;
};

static void on_ready(void *ctx)
{
	((struct side *)ctx)->ready++;
}

static void on_data(void *ctx)
{
	struct side *x = ctx;
	size_t len = stream_in(x->s).len;

	x->data++;
	len = len < x->eat ? len : x->eat;
	stream_eat(x->s, len);
	x->eaten += len;
	if (x->free_on_data) {
		stream_free(x->s);
		x->s = NULL;
	}
}

static void on_room(void *ctx)
{
	((struct side *)ctx)->room++;
}

static void on_end(void *ctx, const struct err *why)
{
	struct side *x = ctx;

	x->ended++;
	x->why = *why;
	if (x->free_on_end) {
		stream_free(x->s);
		x->s = NULL;
	}
}

static const struct stream_events events = { on_ready, on_data, on_room, on_end };

static struct loop *loop;
static struct side a, b;
static int raw;

static void turns(int n)
{
	for (int i = 0; i < n; i++)
		(void)loop_turn(loop, 0);
}

static struct stream *open_side(struct side *x, int fd)
{
	struct err e;
	struct stream_settings set = {
		.in_max = 1000, .out_max = 1 << 20, .out_high = 100000, .events = &events, .ctx = x
	};

	*x = (struct side){ .eat = SIZE_MAX };
	return x->s = stream_new(loop, fd, &set, &e);
}

static void start(bool with_b)
{
	int fd[2];

	loop = loop_new(&still);
	raw = -1;
	check(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), "a pair");
	check(open_side(&a, fd[0]), "one side");
	if (with_b)
		check(open_side(&b, fd[1]), "the other");
	else
		raw = fd[1];
	turns(3);
	check(a.ready == 1 && stream_is_ready(a.s), "ready");
}

static void stop(void)
{
	stream_free(a.s);
	if (raw < 0)
		stream_free(b.s);
	else
		(void)close(raw);
	loop_free(loop);
}

static void bytes_cross(void **state)
{
	(void)state;
	start(true);
	for (int i = 0; i < 100; i++)
		check(stream_put_str(a.s, STR("hello")), "put");
	check(!b.data, "nothing is told from within");
	turns(5);
	check(b.eaten == 500 && b.data == 1, "many small puts arrive as one");
	stream_finish(a.s);
	turns(5);
	check(b.ended == 1 && !b.why.kind, "an end in order");
	stream_free(b.s);
	b.s = NULL;
	turns(5);
	check(a.ended == 1 && !a.why.kind, "for both");
	stop();
}

static void what_is_not_eaten_waits(void **state)
{
	char many[3000] = { 0 };

	(void)state;
	start(true);
	b.eat = 0;
	check(stream_put(a.s, bytes_of(many, sizeof(many))), "put");
	turns(10);
	check(stream_in(b.s).len == 1000, "input stops at its bound");
	stream_eat(b.s, 400);
	turns(10);
	check(stream_in(b.s).len == 1000, "and goes on as it is eaten");
	b.eat = SIZE_MAX;
	stream_eat(b.s, 1000);
	turns(10);
	check(b.eaten == 1600, "to the last byte");
	stop();
}

static void a_paused_stream_is_silent(void **state)
{
	(void)state;
	start(true);
	stream_pause(b.s);
	check(stream_put_str(a.s, STR("x")), "put");
	turns(10);
	check(!b.data, "paused");
	stream_resume(b.s);
	turns(5);
	check(b.eaten == 1, "resumed");
	b.eat = 0;
	check(stream_put_str(a.s, STR("y")), "put");
	turns(5);
	stream_pause(b.s);
	turns(5);
	int before = b.data;
	stream_resume(b.s);
	turns(5);
	check(b.data == before + 1, "what waited is told again");
	stop();
}

static void a_slow_peer_is_bounded(void **state)
{
	static char piece[10000];
	int put = 0;

	(void)state;
	start(false);
	while (stream_put(a.s, bytes_of(piece, sizeof(piece)))) {
		put++;
		turns(1);
		check(put < 1000, "M15: there is a bound");
	}
	check(stream_is_high(a.s) && !a.room, "it is told to be slow");
	static char sink[1 << 16];
	for (int i = 0; i < 100; i++) {
		while (read(raw, sink, sizeof(sink)) > 0)
			;
		turns(2);
	}
	check(!stream_waiting(a.s) && a.room == 1 && !stream_is_high(a.s), "and to have room");
	stop();
}

static void deadlines_end_it(void **state)
{
	(void)state;
	start(true);
	stream_deadline(a.s, 100);
	now_ms += 99;
	turns(3);
	check(!a.ended, "in time");
	stream_deadline(a.s, 100);
	now_ms += 99;
	turns(3);
	check(!a.ended, "put off");
	now_ms += 2;
	turns(3);
	check(a.ended == 1 && a.why.kind == ERR_RETRY, "O3: over");
	check(!stream_put_str(a.s, STR("x")), "nothing can be put");
	stop();
}

static void it_may_be_freed_anywhere(void **state)
{
	(void)state;
	start(true);
	b.free_on_data = true;
	a.free_on_end = true;
	check(stream_put_str(a.s, STR("x")), "put");
	turns(10);
	check(b.data == 1 && a.ended == 1 && !a.s && !b.s, "in on_data, in on_end");
	stop();
}

static void what_is_left_goes_out_first(void **state)
{
	static char big[200000];
	size_t got = 0;
	static char sink[1 << 16];

	(void)state;
	start(false);
	check(stream_put(a.s, bytes_of(big, sizeof(big))), "put");
	stream_finish(a.s);
	for (int i = 0; i < 100; i++) {
		ssize_t len;
		turns(2);
		while ((len = read(raw, sink, sizeof(sink))) > 0)
			got += (size_t)len;
	}
	check(got == sizeof(big) && !a.ended, "all of it, and then it waits for the peer");
	now_ms += 1100;
	turns(3);
	check(a.ended == 1 && !a.why.kind, "a second");
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_cross),
		cmocka_unit_test(what_is_not_eaten_waits),
		cmocka_unit_test(a_paused_stream_is_silent),
		cmocka_unit_test(a_slow_peer_is_bounded),
		cmocka_unit_test(deadlines_end_it),
		cmocka_unit_test(it_may_be_freed_anywhere),
		cmocka_unit_test(what_is_left_goes_out_first),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
