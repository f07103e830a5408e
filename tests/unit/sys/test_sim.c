/* test_sim.c - one seed, one history. */
#include "sys/sim.h"

#include "test.h"

static char history[4096];

static void note(void *ctx, struct bytes message)
{
	struct sim *s = ctx;
	size_t len = strlen(history);

	(void)snprintf(history + len, sizeof(history) - len, "%lld:%.*s ", (long long)sim_now_ms(s),
		       (int)message.len, (const char *)message.ptr);
}

static void run(uint64_t seed, char out[sizeof(history)])
{
	struct sim *s = sim_new(seed, 0);
	struct sim_link k = { .sim = s, .least_ms = 1, .most_ms = 50, .lost = 200, .doubled = 100 };

	history[0] = '\0';
	for (char c = 'a'; c <= 'z'; c++)
		sim_send(&k, bytes_of(&c, 1), note, s);
	sim_run_until(s, 1000);
	check(sim_now_ms(s) == 1000, "time has passed");
	memcpy(out, history, sizeof(history));
	sim_free(s);
}

static void a_seed_is_a_history(void **state)
{
	char first[sizeof(history)], again[sizeof(history)], other[sizeof(history)];

	(void)state;
	run(7, first);
	run(7, again);
	run(8, other);
	check(!strcmp(first, again), "the same seed, the same history");
	check(strcmp(first, other), "another seed, another");
	check(strlen(first) > 20, "and something happened");
}

static void a_stream_keeps_its_order(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 50; seed++) {
		struct sim *s = sim_new(seed, 0);
		struct sim_link k = { .sim = s, .most_ms = 50, .keeps_order = true };
		history[0] = '\0';
		for (char c = 'a'; c <= 'd'; c++)
			sim_send(&k, bytes_of(&c, 1), note, s);
		sim_run_until(s, 1000);
		const char *at = history;
		for (char c = 'a'; c <= 'd'; c++) {
			at = strchr(at, c);
			check(at, "first sent, first there");
		}
		sim_free(s);
	}
}

static void a_cut_link_is_silent(void **state)
{
	struct sim *s = sim_new(1, 0);
	struct sim_link k = { .sim = s, .least_ms = 10, .most_ms = 10 };

	(void)state;
	history[0] = '\0';
	sim_send(&k, bytes_of("a", 1), note, s);
	sim_run_until(s, 5);
	k.is_cut = true;
	sim_send(&k, bytes_of("b", 1), note, s);
	sim_run_until(s, 50);
	check(!history[0], "neither what was under way nor what is sent arrives");
	k.is_cut = false;
	sim_send(&k, bytes_of("c", 1), note, s);
	sim_run_until(s, 100);
	check(!strcmp(history, "60:c "), "whole again, it carries, and on time");
	sim_free(s);
}

static void tick(void *ctx)
{
	++*(int *)ctx;
}

static void clocks_are_two(void **state)
{
	struct sim *s = sim_new(1, 1000000);
	int ticks = 0;

	(void)state;
	(void)loop_after(sim_loop(s), 100, tick, &ticks);
	sim_step_wall(s, -900000);
	check(clock_wall_ms(sim_clock(s)) == 100000, "C1: somebody sets the wall clock back");
	sim_run_until(s, 99);
	check(!ticks, "C1: timers do not care");
	sim_run_until(s, 100);
	check(ticks == 1, "and come when they are due");
	(void)loop_after(sim_loop(s), 10, tick, &ticks);
	(void)loop_after(sim_loop(s), 20, tick, &ticks);
	sim_sleep(s, 5000);
	sim_run_until(s, sim_now_ms(s));
	check(ticks == 3, "C5: after a sleep each late timer comes once");
	sim_free(s);
}

RUN_TESTS(cmocka_unit_test(a_seed_is_a_history), cmocka_unit_test(a_stream_keeps_its_order),
	  cmocka_unit_test(a_cut_link_is_silent), cmocka_unit_test(clocks_are_two))
