/* test_decision.c - the record says who, what, why, and reads back the same. */
#include "test.h"

#include "model/decision.h"

static void a_record_comes_back_as_it_went(void **state)
{
	struct arena *mem = arena_new(65536);
	struct policy_request q = { .principal = STR("device/pump-1"),
				    .action = STR("publish"),
				    .topic = STR("plant/n/p2/telemetry/x"),
				    .context = { .now_ms = 5000, .gate = STR("gate-1") } };
	struct policy_answer a = {
		.cause = POLICY_FORBID,
		.rules = { { STR("own"), STR("plant.cedar"), 7, true, STR("not its own") } },
		.rule_count = 1,
		.facts = { { STR("principal.grade"), STR("\"normal\""), STR("e-1"), 4000 } },
		.fact_count = 1,
		.nearest = { STR("resource.device = Device::\"pump-1\"") },
		.nearest_count = 1,
	};
	struct decision d, back;
	struct err e = { 0 };
	char id[DECISION_ID];
	auto_buf struct buf one = { 0 }, two = { 0 };

	(void)state;
	buf_init(&one, 65536);
	buf_init(&two, 65536);
	decision_id(5000, STR("gate-1"), 1, id);
	decision_of(&q, &a, str_of(id), STR("v1"), mem, &d);
	check(str_eqz(d.says, "device/pump-1 may not publish: not its own"), "says why");
	check(decision_write(&one, &d), "written");
	check(decision_read(buf_str(&one), mem, &back, &e), e.text);
	check(back.rule_count == 1 && back.rules[0].line == 7 && back.facts[0].at_ms == 4000,
	      "rules and facts");
	check(decision_write(&two, &back) && str_eq(buf_str(&one), buf_str(&two)), "the same text");

	a.cause = POLICY_NO_PERMIT; /* the rule only came near: it decided nothing */
	a.rules[0].is_forbid = false;
	decision_of(&q, &a, str_of(id), STR("v1"), mem, &d);
	check(str_eqz(d.says, "device/pump-1 may not publish: no policy permits it"), "no permit");
	arena_free(mem);
}

static void a_record_cut_short_is_refused(void **state)
{
	struct arena *mem = arena_new(65536);
	struct decision d;
	struct err e = { 0 };

	(void)state;
	check(!decision_read(STR("{\"id\":\"d-1\"}"), mem, &d, &e), "fields are missing");
	check(!decision_read(STR("{"), mem, &d, &e), "no JSON");
	arena_free(mem);
}

static void no_two_ids_are_the_same(void **state)
{
	char a[DECISION_ID], b[DECISION_ID], c[DECISION_ID], d[DECISION_ID];

	(void)state;
	decision_id(1000, STR("gate-1"), 1, a);
	decision_id(1000, STR("gate-1"), 2, b);
	decision_id(1000, STR("gate-2"), 1, c);
	decision_id(1001, STR("gate-1"), 1, d);
	check(strlen(a) == DECISION_ID - 1 && strncmp(a, "d-", 2) == 0, "the form");
	check(strcmp(a, b) != 0 && strcmp(a, c) != 0 && strcmp(a, d) != 0, "counter, gate, time");
	check(strcmp(a, d) < 0, "later sorts later");
}

RUN_TESTS(cmocka_unit_test(a_record_comes_back_as_it_went),
	  cmocka_unit_test(a_record_cut_short_is_refused),
	  cmocka_unit_test(no_two_ids_are_the_same))
