/* test_principal.c - what the feed says of a principal is read strictly, and worst by default. */
#include "test.h"

#include "model/principal.h"

static const char full[] =
	"{\"kind\":\"device\",\"id\":\"pump-1\",\"site\":\"north\",\"model\":\"p100\","
	"\"groups\":[\"pumps\",\"wet\"],\"status\":\"active\",\"firmware\":\"1.2\","
	"\"assurance\":\"AL1-V\",\"key_assurance\":\"AL1-V\",\"attested\":true,"
	"\"attested_at\":1000,\"risk\":7,\"grade\":\"normal\",\"held\":false,"
	"\"valid_until\":5000,\"grade_then\":\"restricted\",\"generation\":3,"
	"\"posture\":{\"ports\":[22],\"strong\":true},\"tags\":{\"hall\":\"b\"},"
	"\"evidence\":{\"attested\":{\"id\":\"e-1\",\"at\":1000}}}";

static void what_is_written_is_what_was_read(void **state)
{
	struct arena *mem = arena_new(65536);
	struct principal p;
	struct err e = { 0 };
	auto_buf struct buf out = { 0 };

	(void)state;
	buf_init(&out, 65536);
	check(principal_read(str_of(full), mem, &p, &e), e.text);
	check(str_eqz(p.id, "pump-1") && p.group_count == 2 && str_eqz(p.groups[1], "wet"),
	      "names and groups");
	check(p.grade == GRADE_NORMAL && p.grade_then == GRADE_RESTRICTED, "grades");
	check(p.evidence_count == 1 && p.evidence[0].at_ms == 1000, "evidence");
	check(principal_write(&out, &p) && str_eq(buf_str(&out), str_of(full)),
	      "the same text comes back");
	arena_free(mem);
}

static void what_is_missing_grants_nothing(void **state)
{
	struct arena *mem = arena_new(65536);
	struct principal p;
	struct err e = { 0 };

	(void)state;
	check(principal_read(STR("{\"kind\":\"device\",\"id\":\"x\"}"), mem, &p, &e), e.text);
	check(p.grade == GRADE_ISOLATED && !p.attested && p.status.len == 0, "worst by default");
	arena_free(mem);
}

static const struct {
	const char *says, *json;
} bad[] = {
	{ "no id", "{\"kind\":\"device\"}" },
	{ "a grade that is none", "{\"kind\":\"device\",\"id\":\"x\",\"grade\":\"good\"}" },
	{ "a field nobody knows", "{\"kind\":\"device\",\"id\":\"x\",\"trusted\":true}" },
	{ "a risk past 100", "{\"kind\":\"device\",\"id\":\"x\",\"risk\":101}" },
	{ "a group that is no text", "{\"kind\":\"device\",\"id\":\"x\",\"groups\":[1]}" },
	{ "evidence without a time",
	  "{\"kind\":\"device\",\"id\":\"x\",\"evidence\":{\"a\":{\"id\":\"e\"}}}" },
	{ "the same field twice", "{\"kind\":\"device\",\"id\":\"x\",\"id\":\"y\"}" },
	{ "no JSON", "grade=normal" },
};

static void a_strange_principal_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(bad); i++) {
		struct arena *mem = arena_new(65536);
		struct principal p;
		struct err e = { 0 };
		check(!principal_read(str_of(bad[i].json), mem, &p, &e), bad[i].says);
		check(e.kind == ERR_INPUT, bad[i].says);
		arena_free(mem);
	}
}

static const struct {
	const char *says;
	struct principal p;
	int64_t now_ms;
	enum grade want;
} grades[] = {
	{ "as it is said",
	  { .grade = GRADE_NORMAL, .valid_until_ms = 100, .grade_then = GRADE_RESTRICTED },
	  99,
	  GRADE_NORMAL },
	{ "silence lowers it at the moment (V9)",
	  { .grade = GRADE_NORMAL, .valid_until_ms = 100, .grade_then = GRADE_RESTRICTED },
	  100,
	  GRADE_RESTRICTED },
	{ "time never lifts a grade",
	  { .grade = GRADE_ALERT_ONLY, .valid_until_ms = 100, .grade_then = GRADE_NORMAL },
	  200,
	  GRADE_ALERT_ONLY },
	{ "an operator's hold is isolation",
	  { .grade = GRADE_NORMAL, .held = true },
	  0,
	  GRADE_ISOLATED },
	{ "no limit is no limit", { .grade = GRADE_NORMAL }, INT64_MAX, GRADE_NORMAL },
};

static void a_grade_holds_until_it_does_not(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(grades); i++)
		check(principal_grade(&grades[i].p, grades[i].now_ms) == grades[i].want,
		      grades[i].says);
}

RUN_TESTS(cmocka_unit_test(what_is_written_is_what_was_read),
	  cmocka_unit_test(what_is_missing_grants_nothing),
	  cmocka_unit_test(a_strange_principal_is_refused),
	  cmocka_unit_test(a_grade_holds_until_it_does_not))
