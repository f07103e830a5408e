/* test_limit.c - a source that guesses codes must wait; others need not (E5). */
#include "control/front/limit.h"

#include "test.h"

enum { BURST = 5, REFILL_MS = 12000 };

static void fail_times(struct limit *l, const char *source, int times, int64_t now_ms)
{
	for (int i = 0; i < times; i++)
		limit_failed(l, str_of(source), now_ms);
}

static void five_guesses_then_one_each_twelve_seconds(void **state)
{
	struct limit *l = limit_new(64, BURST, REFILL_MS);

	(void)state;
	fail_times(l, "192.0.2.7:1000", BURST - 1, 0);
	check(limit_is_open(l, STR("192.0.2.7:1001"), 0), "four failures leave one guess");
	fail_times(l, "192.0.2.7:1002", 1, 0);
	check(!limit_is_open(l, STR("192.0.2.7:1003"), 0), "the fifth closes, on any port");
	check(!limit_is_open(l, STR("192.0.2.7:1003"), REFILL_MS - 1), "until twelve seconds on");
	check(limit_is_open(l, STR("192.0.2.7:1003"), REFILL_MS), "then one guess is back");
	fail_times(l, "192.0.2.7:1003", 1, REFILL_MS);
	check(!limit_is_open(l, STR("192.0.2.7:1003"), REFILL_MS), "and only one");
	check(limit_is_open(l, STR("192.0.2.8:1003"), REFILL_MS), "a neighbour is not concerned");
	limit_free(l);
}

static void a_network_of_v6_is_one_source(void **state)
{
	struct limit *l = limit_new(64, BURST, REFILL_MS);

	(void)state;
	fail_times(l, "[2001:db8:1:2::1]:9", BURST, 0);
	check(!limit_is_open(l, STR("[2001:db8:1:2:ffff::9]:9"), 0), "the same /64");
	check(limit_is_open(l, STR("[2001:db8:1:3::1]:9"), 0), "another /64");
	limit_free(l);
}

static void many_sources_never_grow_the_table(void **state)
{
	struct limit *l = limit_new(16, BURST, REFILL_MS);
	char source[32];

	(void)state;
	for (int i = 0; i < 10000; i++) {
		snprintf(source, sizeof(source), "10.%d.%d.1:1", i / 250, i % 250);
		fail_times(l, source, 1, i);
	}
	check(limit_is_open(l, STR("10.0.0.1:1"), 10000), "the oldest was forgotten");
	limit_free(l);
}

RUN_TESTS(cmocka_unit_test(five_guesses_then_one_each_twelve_seconds),
	  cmocka_unit_test(a_network_of_v6_is_one_source),
	  cmocka_unit_test(many_sources_never_grow_the_table))
