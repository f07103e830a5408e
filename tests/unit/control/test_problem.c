/* test_problem.c - what the outside is told of an error, and what it is not. */
#include "codec/json.h"
#include "control/front/openapi.h"
#include "control/front/problem.h"
#include "control/routes.h"

#include "test.h"

static const struct {
	enum err_kind kind;
	int status;
	const char *title, *name;
} kinds[] = {
	{ ERR_INPUT, 400, "Bad Request", "input" },
	{ ERR_DENIED, 403, "Forbidden", "denied" },
	{ ERR_MISSING, 404, "Not Found", "missing" },
	{ ERR_CONFLICT, 409, "Conflict", "conflict" },
	{ ERR_RETRY, 503, "Service Unavailable", "retry" },
	{ ERR_SYSTEM, 500, "Internal Server Error", "system" },
};

static struct json *problem_of(enum err_kind kind, const char *text, const char *hint)
{
	auto_buf struct buf out = { 0 };
	struct json *doc = NULL;
	struct err e = { 0 };

	err_set(&e, kind, "%s", text);
	if (hint)
		err_hint(&e, "%s", hint);
	buf_init(&out, 4096);
	check(problem_write(&out, 0, &e, kind == ERR_SYSTEM ? STR("ref-1") : STR("")), "written");
	check(json_read(buf_bytes(&out), NULL, &doc, &e), "and it is JSON");
	return doc;
}

static void every_kind_has_its_status_and_title(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(kinds); i++) {
		auto_json struct json *doc = problem_of(kinds[i].kind, "some text", "do this");

		check(json_value_int(json_member(doc, "status")) == kinds[i].status,
		      kinds[i].title);
		check(str_eqz(json_value_text(json_member(doc, "title")), kinds[i].title),
		      kinds[i].title);
		check(str_eqz(json_value_text(json_member(doc, "kind")), kinds[i].name),
		      kinds[i].title);
	}
}

static void our_own_failures_stay_inside(void **state)
{
	auto_json struct json *doc =
		problem_of(ERR_SYSTEM, "cannot open /var/lib/muster/secret.db", "look there");

	(void)state;
	check(str_eqz(json_value_text(json_member(doc, "detail")), "internal error"),
	      "no text of ours");
	check(!json_member(doc, "hint"), "no hint of ours");
	check(str_eqz(json_value_text(json_member(doc, "reference")), "ref-1"),
	      "but a reference that the log has too");
}

static void a_hint_says_what_to_do(void **state)
{
	auto_json struct json *doc =
		problem_of(ERR_DENIED, "device is retired", "muster device list");

	(void)state;
	check(str_eqz(json_value_text(json_member(doc, "hint")), "muster device list"), "hint");
	check(str_eqz(json_value_text(json_member(doc, "detail")), "device is retired"), "detail");
}

static void openapi_lists_every_route_with_its_permission(void **state)
{
	auto_json struct json *doc = NULL;
	const struct json *paths;
	auto_buf struct buf out = { 0 };
	struct err e = { 0 };

	(void)state;
	buf_init(&out, 1 << 20);
	check(openapi_write(&out) && json_read(buf_bytes(&out), NULL, &doc, &e), "it is JSON");
	check(str_eqz(json_value_text(json_member(doc, "openapi")), "3.1.0"), "OpenAPI 3.1");
	paths = json_member(doc, "paths");
	for (size_t i = ROUTE_NONE + 1; i < ROUTES_COUNT; i++) {
		char method[8] = { 0 };

		for (size_t c = 0; routes[i].method[c] && c < sizeof(method) - 1; c++)
			method[c] = (char)(routes[i].method[c] | 0x20);
		const struct json *op = json_member(json_member(paths, routes[i].path), method);
		check(op, routes[i].path);
		check(str_eqz(json_value_text(json_member(op, "x-muster-permission")),
			      routes[i].permission),
		      routes[i].path);
		check(str_eqz(json_value_text(json_member(op, "operationId")), routes[i].name),
		      routes[i].path);
	}
}

RUN_TESTS(cmocka_unit_test(every_kind_has_its_status_and_title),
	  cmocka_unit_test(our_own_failures_stay_inside), cmocka_unit_test(a_hint_says_what_to_do),
	  cmocka_unit_test(openapi_lists_every_route_with_its_permission))
