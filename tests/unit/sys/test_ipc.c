/* test_ipc.c - what may be said across a wall, how often, and what ends the link. */
#include "sys/ipc.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "still.h"
#include "test.h"

enum { HELLO = 1, ADD = 2, SLOW = 3, PICKY = 4, RARE = 5 };

struct side {
	int hellos, lost;
	struct err why;
	uint32_t slow;
	bool leave; /* frees its link from within a handler */
};

static bool on_hello(void *ctx, struct ipc *link, const struct ipc_msg *m, struct err *e)
{
	struct side *s = ctx;

	(void)m, (void)e;
	s->hellos++;
	if (s->leave)
		ipc_free(link);
	return true;
}

static bool on_add(void *ctx, struct ipc *link, const struct ipc_msg *m, struct err *e)
{
	(void)ctx;
	if (m->body.len != 2)
		return err_set(e, ERR_INPUT, "want two bytes");
	uint8_t sum = (uint8_t)(m->body.ptr[0] + m->body.ptr[1]);
	return ipc_answer(link, m->request, (struct bytes){ &sum, 1 });
}

static bool on_slow(void *ctx, struct ipc *link, const struct ipc_msg *m, struct err *e)
{
	(void)link, (void)e;
	((struct side *)ctx)->slow = m->request;
	return true;
}

static bool on_picky(void *ctx, struct ipc *link, const struct ipc_msg *m, struct err *e)
{
	struct err why = { 0 };

	(void)ctx, (void)e;
	(void)err_set(&why, ERR_DENIED, "not you");
	(void)err_hint(&why, "ask your mother");
	return ipc_refuse(link, m->request, &why);
}

static const struct ipc_row rows[] = {
	{ HELLO, "hello", IPC_OFTEN, 0, on_hello }, { ADD, "add", IPC_OFTEN, 0, on_add },
	{ SLOW, "slow", IPC_ONCE, 0, on_slow },     { PICKY, "picky", IPC_OFTEN, 0, on_picky },
	{ RARE, "rare", IPC_RATE, 2, on_hello },
};

static void on_lost(void *ctx, struct ipc *link, const struct err *why)
{
	struct side *s = ctx;

	(void)link;
	s->lost++;
	s->why = *why;
}

struct wall {
	struct loop *loop;
	struct ipc *weak, *strong;
	struct side w, s;
	int raw; /* instead of weak: bytes as a stranger writes them */
};

enum weak_side { A_ROOM, RAW_BYTES };

/* x is where it stays: the links point into it. */
static void wall_init(struct wall *x, enum weak_side weak)
{
	int fd[2];

	*x = (struct wall){ .loop = loop_new(&still), .raw = -1 };
	struct ipc_settings w = { .max_body = 1000, .ctx = &x->w, .on_lost = on_lost };
	struct ipc_settings s = { .rows = rows,
				  .count = countof(rows),
				  .max_body = 1000,
				  .max_out = 5000,
				  .ctx = &x->s,
				  .on_lost = on_lost };
	check(!socketpair(AF_UNIX, SOCK_STREAM, 0, fd), "a socketpair");
	if (weak == RAW_BYTES)
		x->raw = fd[0];
	else
		x->weak = ipc_new(x->loop, fd[0], &w);
	x->strong = ipc_new(x->loop, fd[1], &s);
}

static void wall_turn(struct wall *x)
{
	for (int i = 0; i < 6; i++)
		(void)loop_turn(x->loop, 0);
}

static void wall_done(struct wall *x)
{
	ipc_free(x->weak);
	ipc_free(x->strong);
	if (x->raw >= 0)
		(void)close(x->raw);
	loop_free(x->loop);
}

struct answer {
	int count;
	bool refused;
	struct err why;
	uint8_t first;
};

static void on_answer(void *ctx, const struct err *refused, struct bytes body)
{
	struct answer *a = ctx;

	a->count++;
	a->refused = refused;
	if (refused)
		a->why = *refused;
	a->first = body.len ? body.ptr[0] : 0;
}

static void questions_get_their_answers(void **state)
{
	struct wall x;
	struct answer sum = { 0 }, no = { 0 }, late = { 0 };

	(void)state;
	wall_init(&x, A_ROOM);
	ipc_ask(x.weak, SLOW, (struct bytes){ 0 }, on_answer, &late);
	ipc_ask(x.weak, ADD, bytes_of("\x02\x03", 2), on_answer, &sum);
	ipc_ask(x.weak, PICKY, (struct bytes){ 0 }, on_answer, &no);
	check(ipc_tell(x.weak, HELLO, (struct bytes){ 0 }), "told");
	check(!sum.count, "nothing is answered from within ipc_ask");
	wall_turn(&x);
	check(sum.count == 1 && !sum.refused && sum.first == 5, "an answer");
	check(no.count == 1 && no.refused && no.why.kind == ERR_DENIED, "a refusal");
	check(!strcmp(no.why.text, "not you") && !strcmp(no.why.hint, "ask your mother"),
	      "with its words");
	check(x.s.hellos == 1 && !late.count, "a later answer keeps nobody waiting");
	check(ipc_answer(x.strong, x.s.slow, bytes_of("\x09", 1)), "answered later");
	wall_turn(&x);
	check(late.count == 1 && late.first == 9, "and it comes");
	wall_done(&x);
}

static void a_lost_link_answers_with_retry(void **state)
{
	struct wall x;
	struct answer late = { 0 }, after = { 0 };
	int fd[2];

	(void)state;
	wall_init(&x, A_ROOM);
	ipc_ask(x.weak, SLOW, (struct bytes){ 0 }, on_answer, &late);
	wall_turn(&x);
	ipc_free(x.strong);
	wall_turn(&x);
	check(late.count == 1 && late.refused && late.why.kind == ERR_RETRY, "try again later");
	check(x.w.lost == 1 && !x.w.why.kind && !ipc_is_up(x.weak), "lost in order");
	ipc_ask(x.weak, ADD, (struct bytes){ 0 }, on_answer, &after);
	check(!after.count, "never from within ipc_ask");
	wall_turn(&x);
	check(after.count == 1 && after.why.kind == ERR_RETRY, "a link that is down says so");

	check(!socketpair(AF_UNIX, SOCK_STREAM, 0, fd), "a new pair");
	x.strong = ipc_new(
		x.loop, fd[1],
		&(struct ipc_settings){
			.rows = rows, .count = countof(rows), .ctx = &x.s, .on_lost = on_lost });
	ipc_replace(x.weak, fd[0]);
	ipc_ask(x.weak, ADD, bytes_of("\x01\x01", 2), on_answer, &after);
	wall_turn(&x);
	check(after.count == 2 && after.first == 2, "R5: a restarted room is asked again");
	wall_done(&x);
}

static void forgotten_questions_are_silent(void **state)
{
	struct wall x;
	struct answer a = { 0 };

	(void)state;
	wall_init(&x, A_ROOM);
	ipc_ask(x.weak, ADD, bytes_of("\x01\x01", 2), on_answer, &a);
	ipc_forget(x.weak, &a);
	wall_turn(&x);
	check(!a.count && ipc_is_up(x.weak), "the answer is dropped, the link is fine");
	wall_done(&x);
}

static const struct {
	const char *says;
	uint8_t bytes[16];
	size_t len;
	bool ends;
} frames[] = {
	{ "a hello is fine", { 0, 0, 0, 0, 0, HELLO, 0, 0, 0, 0, 0, 0 }, 12, false },
	{ "half a header is not wrong yet", { 0, 0, 0, 0, 0 }, 5, false },
	{ "a type that is not in the table", { 0, 0, 0, 0, 0, 99, 0, 0, 0, 0, 0, 0 }, 12, true },
	{ "a body past the maximum, before it is there",
	  { 0, 0, 3, 0xe9, 0, HELLO, 0, 0, 0, 0, 0, 0 },
	  12,
	  true },
	{ "4 GiB allocate nothing",
	  { 0xff, 0xff, 0xff, 0xff, 0, HELLO, 0, 0, 0, 0, 0, 0 },
	  12,
	  true },
	{ "unknown flags", { 0, 0, 0, 0, 0, HELLO, 0, 9, 0, 0, 0, 1 }, 12, true },
	{ "a question without a number", { 0, 0, 0, 0, 0, ADD, 0, 1, 0, 0, 0, 0 }, 12, true },
	{ "a statement with one", { 0, 0, 0, 0, 0, HELLO, 0, 0, 0, 0, 0, 1 }, 12, true },
	{ "an answer to nothing", { 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1 }, 12, true },
	{ "a body that is not decodable", { 0, 0, 0, 1, 0, ADD, 0, 1, 0, 0, 0, 1, 5 }, 13, true },
};

static void what_does_not_belong_ends_the_link(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(frames); i++) {
		struct wall x;
		wall_init(&x, RAW_BYTES);
		check(write(x.raw, frames[i].bytes, frames[i].len) == (ssize_t)frames[i].len,
		      "sent");
		wall_turn(&x);
		check(x.s.lost == frames[i].ends, frames[i].says);
		check(!frames[i].ends || x.s.why.kind, "and the reason is told");
		wall_done(&x);
	}
}

static void once_is_once_and_a_rate_a_rate(void **state)
{
	struct wall x;
	struct answer a = { 0 };

	(void)state;
	wall_init(&x, A_ROOM);
	for (int i = 0; i < 2; i++)
		(void)ipc_tell(x.weak, RARE, (struct bytes){ 0 });
	wall_turn(&x);
	now_ms += 1000;
	for (int i = 0; i < 2; i++)
		(void)ipc_tell(x.weak, RARE, (struct bytes){ 0 });
	wall_turn(&x);
	check(!x.s.lost && x.s.hellos == 4, "two a second are fine");
	(void)ipc_tell(x.weak, RARE, (struct bytes){ 0 });
	wall_turn(&x);
	check(x.s.lost == 1, "a third is not");

	wall_done(&x);
	wall_init(&x, A_ROOM);
	ipc_ask(x.weak, SLOW, (struct bytes){ 0 }, on_answer, &a);
	wall_turn(&x);
	check(!x.s.lost, "once is fine");
	ipc_ask(x.weak, SLOW, (struct bytes){ 0 }, on_answer, &a);
	wall_turn(&x);
	check(x.s.lost == 1, "twice is not");
	wall_done(&x);
}

static void a_peer_that_does_not_read_is_left(void **state)
{
	struct wall x;
	uint8_t body[900] = { 0 };
	size_t told = 0;

	(void)state;
	wall_init(&x, RAW_BYTES);
	while (told < 10000 && ipc_tell(x.strong, HELLO, bytes_of(body, sizeof(body)))) {
		told++;
		(void)loop_turn(x.loop, 0);
	}
	check(told < 10000, "what it does not take is bounded");
	check(!ipc_answer(x.strong, 7, bytes_of(body, sizeof(body))), "an answer finds no room");
	wall_turn(&x);
	check(x.s.lost == 1 && x.s.why.kind, "and the link ends rather than lose it");
	wall_done(&x);
}

static void a_handler_may_free_its_link(void **state)
{
	struct wall x;

	(void)state;
	wall_init(&x, A_ROOM);
	x.s.leave = true;
	(void)ipc_tell(x.weak, HELLO, (struct bytes){ 0 });
	(void)ipc_tell(x.weak, HELLO, (struct bytes){ 0 });
	wall_turn(&x);
	check(x.s.hellos == 1 && x.w.lost == 1, "nothing more is handled");
	x.strong = NULL;
	wall_done(&x);
}

static void big_bodies_cross_in_pieces(void **state)
{
	struct loop *l = loop_new(&still);
	struct side s = { 0 };
	static uint8_t body[IPC_MAX_BODY];
	int fd[2];

	(void)state;
	check(!socketpair(AF_UNIX, SOCK_STREAM, 0, fd), "a pair");
	struct ipc_settings set = {
		.rows = rows, .count = countof(rows), .ctx = &s, .on_lost = on_lost
	};
	struct ipc *a = ipc_new(l, fd[0], &set), *b = ipc_new(l, fd[1], &set);
	for (int i = 0; i < 3; i++)
		check(ipc_tell(a, HELLO, bytes_of(body, sizeof(body))), "a MiB is told");
	check(!ipc_tell(a, HELLO, bytes_of(body, sizeof(body) + 1)), "a byte more is not");
	for (int i = 0; i < 300; i++)
		(void)loop_turn(l, 0);
	check(s.hellos == 3 && !s.lost && !ipc_waiting(a), "all arrive");
	ipc_free(a);
	ipc_free(b);
	loop_free(l);
}

static void small_rooms_may_block(void **state)
{
	auto_arena struct arena *mem = arena_new(2000);
	struct ipc_msg got;
	struct bytes out;
	struct err e, no = { 0 };
	uint8_t text[IPC_ERR_MAX];
	int fd[2];

	(void)state;
	check(!socketpair(AF_UNIX, SOCK_STREAM, 0, fd), "a pair");
	struct ipc_msg answer = { .flags = IPC_ANSWER, .request = 1, .body = bytes_of("ok", 2) };
	check(ipc_send(fd[1], &answer, &e), "the answer waits already");
	check(ipc_call(fd[0], ADD, bytes_of("ab", 2), 1000, mem, &out, &e) && out.len == 2, "call");
	check(ipc_recv(fd[1], 1000, mem, &got, &e) && got.type == ADD && got.body.len == 2 &&
		      got.flags == IPC_ASK && got.request == 1,
	      "and this was asked");
	(void)err_set(&no, ERR_CONFLICT, "twice");
	answer = (struct ipc_msg){ .flags = IPC_REFUSAL,
				   .request = 1,
				   .body = ipc_err_write(&no, text) };
	check(ipc_send(fd[1], &answer, &e), "a refusal waits");
	check(!ipc_call(fd[0], ADD, (struct bytes){ 0 }, 1000, mem, &out, &e), "refused");
	check(e.kind == ERR_CONFLICT && !strcmp(e.text, "twice"), "with its words");
	(void)close(fd[0]);
	(void)close(fd[1]);
}

static void leaving_is_told_from_breaking(void **state)
{
	auto_arena struct arena *mem = arena_new(2000);
	struct ipc_msg got;
	struct err e;
	int fd[2];

	(void)state;
	check(!socketpair(AF_UNIX, SOCK_STREAM, 0, fd), "a pair");
	(void)close(fd[0]);
	check(!ipc_recv(fd[1], 1000, mem, &got, &e) && !e.kind, "left between messages: no error");
	(void)close(fd[1]);
	check(!socketpair(AF_UNIX, SOCK_STREAM, 0, fd), "a pair");
	check(write(fd[0], "\0\0\0\4\0\1\0\0\0\0\0\0ab", 14) == 14, "half a message");
	(void)close(fd[0]);
	check(!ipc_recv(fd[1], 1000, mem, &got, &e) && e.kind, "left within one: an error");
	(void)close(fd[1]);
	check(!socketpair(AF_UNIX, SOCK_STREAM, 0, fd), "a pair");
	check(write(fd[0], "\xff\0\0\4\0\1\0\0\0\0\0\0", 12) == 12, "a long one");
	check(!ipc_recv(fd[1], 1000, mem, &got, &e) && e.kind, "too long");
	(void)close(fd[0]);
	(void)close(fd[1]);
}

RUN_TESTS(cmocka_unit_test(questions_get_their_answers),
	  cmocka_unit_test(a_lost_link_answers_with_retry),
	  cmocka_unit_test(forgotten_questions_are_silent),
	  cmocka_unit_test(what_does_not_belong_ends_the_link),
	  cmocka_unit_test(once_is_once_and_a_rate_a_rate),
	  cmocka_unit_test(a_peer_that_does_not_read_is_left),
	  cmocka_unit_test(a_handler_may_free_its_link),
	  cmocka_unit_test(big_bodies_cross_in_pieces), cmocka_unit_test(small_rooms_may_block),
	  cmocka_unit_test(leaving_is_told_from_breaking))
