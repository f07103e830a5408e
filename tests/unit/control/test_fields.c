/* test_fields.c - what a stranger may write into a body or a query (A4). */
#include "control/front/fields.h"

#include "test.h"

static const struct {
	const char *says;
	enum route_id route;
	const char *body;
	const char *error; /* part of the sentence; NULL: it is fine */
	const char *name, *text;
} bodies[] = {
	{ "a device is registered", ROUTE_DEVICE_CREATE, "{\"id\":\"p\",\"site\":\"n\"}", NULL,
	  "site", "n" },
	{ "lists are flat", ROUTE_DEVICE_CREATE,
	  "{\"id\":\"p\",\"site\":\"n\",\"groups\":[\"a\",\"b\"]}", NULL, "groups.1", "b" },
	{ "objects are flat", ROUTE_DEVICE_CREATE,
	  "{\"id\":\"p\",\"site\":\"n\",\"tags\":{\"room\":\"7\"}}", NULL, "tags.room", "7" },
	{ "files keep name and text", ROUTE_POLICY_CHECK,
	  "{\"schema\":\"s\",\"spaces\":\"t\",\"policies\":[{\"file\":\"a.cedar\",\"text\":"
	  "\"x\\n\"}]}",
	  NULL, "policies.0.text", "x\n" },
	{ "null is the same as absent", ROUTE_DEVICE_CREATE,
	  "{\"id\":\"p\",\"site\":\"n\",\"model\":null}", NULL, "id", "p" },
	{ "an empty body where nothing is required", ROUTE_DEVICE_QUARANTINE, "", NULL, NULL,
	  NULL },
	{ "bytes are decoded", ROUTE_TPM_ACTIVATE, "{\"id\":\"a\",\"secret\":\"aGk=\"}", NULL,
	  "secret", "hi" },
	{ "lines are handed on unread", ROUTE_GATE_REPORT,
	  "{\"acked\":3,\"decisions\":[{\"id\": \"d-1\"}]}", NULL, "decisions.0",
	  "{\"id\":\"d-1\"}" },

	{ "a typo is named with its nearest", ROUTE_DEVICE_CREATE,
	  "{\"id\":\"p\",\"site\":\"n\",\"modle\":\"x\"}", "'modle'", NULL, NULL },
	{ "a missing field is named", ROUTE_DEVICE_CREATE, "{\"id\":\"p\"}", "'site' is missing",
	  NULL, NULL },
	{ "null is no value for a required field", ROUTE_DEVICE_CREATE,
	  "{\"id\":null,\"site\":\"n\"}", "'id' is missing", NULL, NULL },
	{ "a number is no text", ROUTE_DEVICE_CREATE, "{\"id\":7,\"site\":\"n\"}",
	  "'id': want a string", NULL, NULL },
	{ "a list is no object", ROUTE_DEVICE_CREATE, "[]", "one JSON object", NULL, NULL },
	{ "a key twice is refused (A4)", ROUTE_DEVICE_CREATE,
	  "{\"id\":\"p\",\"id\":\"q\",\"site\":\"n\"}", "body", NULL, NULL },
	{ "two documents are refused", ROUTE_DEVICE_CREATE, "{\"id\":\"p\",\"site\":\"n\"}{}",
	  "body", NULL, NULL },
	{ "bad UTF-8 is refused", ROUTE_DEVICE_CREATE, "{\"id\":\"\xff\",\"site\":\"n\"}", "body",
	  NULL, NULL },
	{ "NUL is refused", ROUTE_DEVICE_CREATE, "{\"id\":\"a\\u0000b\",\"site\":\"n\"}", "", NULL,
	  NULL },
	{ "a huge number is refused", ROUTE_GATE_REPORT, "{\"acked\":99999999999999999999}", "",
	  NULL, NULL },
	{ "a negative number is refused", ROUTE_GATE_REPORT, "{\"acked\":-1}", "'acked'", NULL,
	  NULL },
	{ "a fraction is refused", ROUTE_GATE_REPORT, "{\"acked\":1.5}", "'acked'", NULL, NULL },
	{ "a long id is refused", ROUTE_DEVICE_CREATE,
	  "{\"id\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\","
	  "\"site\":\"n\"}",
	  "'id': longer", NULL, NULL },
	{ "bad base64 is refused", ROUTE_TPM_ACTIVATE, "{\"id\":\"a\",\"secret\":\"a*k=\"}",
	  "'secret'", NULL, NULL },
	{ "register 24 does not exist", ROUTE_EVIDENCE,
	  "{\"id\":\"a\",\"quote\":\"aGk=\",\"signature\":\"aGk=\",\"pcrs\":{\"24\":\"00\"}}",
	  "0 to 23", NULL, NULL },
	{ "a register has 32 bytes", ROUTE_EVIDENCE,
	  "{\"id\":\"a\",\"quote\":\"aGk=\",\"signature\":\"aGk=\",\"pcrs\":{\"4\":\"00ff\"}}",
	  "64 hex digits", NULL, NULL },
	{ "a file with another member is refused", ROUTE_POLICY_CHECK,
	  "{\"schema\":\"s\",\"spaces\":\"t\",\"policies\":[{\"file\":\"a\",\"text\":\"x\",\"y\":1}"
	  "]}",
	  "'policies'", NULL, NULL },
};

static void a_body_fits_its_route_or_is_refused_with_a_sentence(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(bodies); i++) {
		auto_arena struct arena *mem = arena_new(1 << 20);
		struct wall_values values = { 0 };
		struct err e = { 0 };
		bool is_good = fields_body(routes[bodies[i].route].body,
					   bytes_str(str_of(bodies[i].body)), mem, &values, &e);

		check(is_good == !bodies[i].error, bodies[i].says);
		check(is_good || (e.kind == ERR_INPUT && strstr(e.text, bodies[i].error)),
		      bodies[i].says);
		check(!bodies[i].name ||
			      str_eqz(wall_text(&values, bodies[i].name), bodies[i].text),
		      bodies[i].says);
	}
}

static void a_typo_is_told_what_was_meant(void **state)
{
	auto_arena struct arena *mem = arena_new(65536);
	struct wall_values values;
	struct err e = { 0 };

	(void)state;
	check(!fields_body(routes[ROUTE_DEVICE_CREATE].body,
			   bytes_str(STR("{\"id\":\"p\",\"site\":\"n\",\"modle\":\"x\"}")), mem,
			   &values, &e),
	      "refused");
	check(!strcmp(e.hint, "did you mean 'model'?"), e.hint);
}

static const struct {
	const char *says, *query;
	bool is_good;
	const char *name, *text;
} queries[] = {
	{ "nothing", "", true, NULL, NULL },
	{ "a filter", "site=north", true, "site", "north" },
	{ "percent and plus are undone", "site=a%2Eb&group=a+b", true, "group", "a b" },
	{ "a number", "limit=10", true, "limit", "10" },
	{ "an unknown parameter", "sight=north", false, NULL, NULL },
	{ "a parameter twice", "site=a&site=b", false, NULL, NULL },
	{ "a number over its maximum", "limit=201", false, NULL, NULL },
	{ "a negative number", "limit=-1", false, NULL, NULL },
	{ "no number at all", "limit=ten", false, NULL, NULL },
	{ "NUL", "site=a%00b", false, NULL, NULL },
	{ "half an escape", "site=a%2", false, NULL, NULL },
	{ "bad UTF-8", "site=%ff", false, NULL, NULL },
};

static void a_query_fits_its_route_or_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(queries); i++) {
		auto_arena struct arena *mem = arena_new(65536);
		struct wall_values values = { 0 };
		struct err e = { 0 };
		bool is_good = fields_query(routes[ROUTE_DEVICES].query, str_of(queries[i].query),
					    mem, &values, &e);

		check(is_good == queries[i].is_good, queries[i].says);
		check(!queries[i].name ||
			      str_eqz(wall_text(&values, queries[i].name), queries[i].text),
		      queries[i].says);
	}
}

static void a_million_parameters_cost_thirty_three(void **state)
{
	auto_arena struct arena *mem = arena_new(65536);
	static char query[200000];
	struct wall_values values;
	struct err e = { 0 };

	(void)state;
	memset(query, '&', sizeof(query));
	check(!fields_query(routes[ROUTE_DEVICES].query, (struct str){ query, sizeof(query) }, mem,
			    &values, &e),
	      "refused (A4)");
	check(arena_used(mem) < 16384, "with little memory");
}

RUN_TESTS(cmocka_unit_test(a_body_fits_its_route_or_is_refused_with_a_sentence),
	  cmocka_unit_test(a_typo_is_told_what_was_meant),
	  cmocka_unit_test(a_query_fits_its_route_or_is_refused),
	  cmocka_unit_test(a_million_parameters_cost_thirty_three))
