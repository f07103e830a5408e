/* test_loop.c - events, timers and "later", on a clock that only moves when told. */
#include "sys/loop.h"

#include <unistd.h>

#include "still.h"
#include "test.h"

static char trace[64];

static void note(void *ctx)
{
	(void)snprintf(trace + strlen(trace), sizeof(trace) - strlen(trace), "%s",
		       (const char *)ctx);
}

static void *word(const char *w)
{
	return (void *)(uintptr_t)w;
}

static void timers_fire_in_order(void **state)
{
	struct loop *l = loop_new(&still);
	struct timer *b, *c;

	(void)state;
	trace[0] = '\0';
	c = loop_after(l, 30, note, word("c"));
	(void)loop_after(l, 10, note, word("a"));
	b = loop_after(l, 20, note, word("b"));
	(void)loop_after(l, 20, note, word("B"));
	check(loop_next_ms(l) == now_ms + 10, "the first is known");
	check(loop_turn(l, -1) && !trace[0], "nothing fires early");
	now_ms += 25;
	(void)loop_turn(l, -1);
	check(!strcmp(trace, "abB"), "what is due fires, equal times in the order they were set");
	check(!timer_is_set(b) && timer_is_set(c), "a fired timer is not armed");
	timer_set(b, 100);
	timer_set(c, 200);
	now_ms += 100;
	(void)loop_turn(l, -1);
	check(!strcmp(trace, "abBb"), "set again, it fires again; put off, it waits");
	timer_stop(c);
	now_ms += 1000;
	(void)loop_turn(l, -1);
	check(!strcmp(trace, "abBb") && loop_next_ms(l) == -1, "a stopped one does not");
	loop_free(l);
}

static void many_timers_keep_their_order(void **state)
{
	struct loop *l = loop_new(&still);
	struct timer *all[500];
	unsigned seed = 7;

	(void)state;
	for (size_t i = 0; i < countof(all); i++) {
		seed = seed * 1103515245 + 12345;
		all[i] = loop_after(l, seed >> 16 & 1023, note, word(""));
	}
	for (size_t i = 0; i < countof(all); i += 3)
		timer_free(all[i]);
	for (int64_t last = 0; loop_next_ms(l) >= 0;) {
		check(loop_next_ms(l) >= last, "never back in time");
		last = now_ms = loop_next_ms(l);
		(void)loop_turn(l, -1);
	}
	loop_free(l);
}

struct pair {
	struct watch *a, *b;
	int heard;
};

static void free_both(void *ctx, unsigned events)
{
	struct pair *p = ctx;

	(void)events;
	p->heard++;
	watch_free(p->a);
	watch_free(p->b);
	p->a = p->b = NULL;
}

static void a_freed_watch_is_silent(void **state)
{
	struct loop *l = loop_new(&still);
	struct pair p = { 0 };
	int one[2], two[2];

	(void)state;
	check(!pipe(one) && !pipe(two) && write(one[1], "x", 1) == 1 && write(two[1], "x", 1) == 1,
	      "two pipes with something in them");
	p.a = loop_watch(l, one[0], LOOP_READ, free_both, &p);
	p.b = loop_watch(l, two[0], LOOP_READ, free_both, &p);
	(void)loop_turn(l, 0);
	(void)loop_turn(l, 0);
	check(p.heard == 1, "the second event of the same turn is not told");
	loop_free(l);
	for (int i = 0; i < 2; i++) {
		(void)close(one[i]);
		(void)close(two[i]);
	}
}

static void count(void *ctx, unsigned events)
{
	*(unsigned *)ctx |= events;
}

static void a_watch_can_rest(void **state)
{
	struct loop *l = loop_new(&still);
	unsigned seen = 0;
	int p[2];

	(void)state;
	check(!pipe(p) && write(p[1], "x", 1) == 1, "a pipe");
	struct watch *w = loop_watch(l, p[0], 0, count, &seen);
	(void)close(p[1]);
	(void)loop_turn(l, 0);
	check(!seen, "a watch for nothing hears nothing, not even a hang-up");
	watch_set(w, LOOP_READ);
	(void)loop_turn(l, 0);
	check(seen & LOOP_READ, "and then all of it");
	loop_free(l);
	(void)close(p[0]);
}

static struct loop *again_loop;

static void again(void *ctx)
{
	note(ctx);
	loop_later(again_loop, note, word("z"));
}

static void later_is_once_per_turn(void **state)
{
	struct loop *l = loop_new(&still);
	char many[300];

	(void)state;
	trace[0] = '\0';
	again_loop = l;
	loop_later(l, note, word("a"));
	for (size_t i = 0; i < sizeof(many); i++) {
		many[i] = '\0';
		loop_later(l, note, &many[i]);
	}
	loop_later(l, again, word("b"));
	loop_later(l, note, word("a"));
	(void)loop_turn(l, -1);
	check(!strcmp(trace, "ab"), "asked twice, run once; asked meanwhile, run next turn");
	(void)loop_turn(l, -1);
	check(!strcmp(trace, "abz"), "the next turn");
	loop_later(l, note, trace);
	loop_forget(l, trace);
	(void)loop_turn(l, -1);
	check(!strcmp(trace, "abz"), "forgotten");
	loop_free(l);
}

static void stop(void *ctx)
{
	loop_stop(ctx);
}

static void a_real_clock_sleeps(void **state)
{
	struct loop *l = loop_new(clock_real());
	int64_t from = clock_mono_ms(clock_real());
	struct err e;

	(void)state;
	(void)loop_after(l, 30, stop, l);
	check(loop_run(l, &e), "runs until stopped");
	int64_t took = clock_mono_ms(clock_real()) - from;
	check(took >= 29 && took < 2000, "and not before its time");
	loop_free(l);
}

RUN_TESTS(cmocka_unit_test(timers_fire_in_order), cmocka_unit_test(many_timers_keep_their_order),
	  cmocka_unit_test(a_freed_watch_is_silent), cmocka_unit_test(a_watch_can_rest),
	  cmocka_unit_test(later_is_once_per_turn), cmocka_unit_test(a_real_clock_sleeps))
