/* test_routes.c - what may be asked, of whom; nothing without a permission (CASES A2). */
#include "control/routes.h"

#include "test.h"

static void every_route_says_who_and_with_which_right(void **state)
{
	(void)state;
	for (size_t i = ROUTE_NONE + 1; i < ROUTES_COUNT; i++) {
		const struct route *r = &routes[i];

		check(r->permission && r->permission[0], r->path);
		check(r->who && r->listeners, r->path);
		check(r->summary && r->summary[0] && r->answer && r->query && r->body, r->path);
		check(!(r->who & WHO_USER) == !(r->listeners & ON_OPERATORS),
		      "operators, and only they, come in at the operators' listener");
		check(!(r->who & (WHO_ANYONE | WHO_CODE)) || (r->listeners & ON_ENROL),
		      "who has no certificate is served at the enrolment listener only");
		check(!(r->who & WHO_ANYONE) || !strcmp(r->permission, "public"),
		      "what anyone may have is written down as public");
	}
}

static void every_field_is_bounded_and_explained(void **state)
{
	(void)state;
	for (size_t i = ROUTE_NONE + 1; i < ROUTES_COUNT; i++) {
		const struct route_field *lists[] = { routes[i].query, routes[i].body };

		for (size_t l = 0; l < countof(lists); l++)
			for (const struct route_field *f = lists[l]; f->name; f++)
				check(f->type && f->max > 0 && f->help && f->help[0], f->name);
		check(!strcmp(routes[i].method, "POST") || !strcmp(routes[i].method, "PUT") ||
			      !routes[i].body->name,
		      "only POST and PUT carry a body");
	}
}

static const struct {
	const char *says;
	enum listener at;
	const char *method, *path;
	bool found, path_is_known;
	enum route_id want;
	const char *param;
} cases[] = {
	{ "a device is found by its id", LISTENER_OPERATORS, "GET", "/api/v1/devices/pump-1", true,
	  true, ROUTE_DEVICE, "pump-1" },
	{ "a verb under an id is its own route", LISTENER_OPERATORS, "POST",
	  "/api/v1/devices/pump-1/quarantine", true, true, ROUTE_DEVICE_QUARANTINE, "pump-1" },
	{ "a list has no parameter", LISTENER_OPERATORS, "GET", "/api/v1/devices", true, true,
	  ROUTE_DEVICES, "" },
	{ "a slash at the end is another path", LISTENER_OPERATORS, "GET", "/api/v1/devices/",
	  false, false, 0, "" },
	{ "a known path with another method is 405", LISTENER_OPERATORS, "DELETE",
	  "/api/v1/devices", false, true, 0, "" },
	{ "methods are case-sensitive", LISTENER_OPERATORS, "get", "/api/v1/devices", false, true,
	  0, "" },
	{ "an operator's route is unknown to devices (A1)", LISTENER_DEVICES, "GET",
	  "/api/v1/devices", false, false, 0, "" },
	{ "a gate's route is unknown to operators (A1)", LISTENER_OPERATORS, "GET", "/gate/v1/feed",
	  false, false, 0, "" },
	{ "EST enrols at the enrolment listener", LISTENER_ENROL, "POST",
	  "/.well-known/est/simpleenroll", true, true, ROUTE_EST_ENROL, "" },
	{ "EST renews where the client has shown its certificate", LISTENER_DEVICES, "POST",
	  "/.well-known/est/simplereenroll", true, true, ROUTE_EST_RENEW, "" },
	{ "nobody enrols by code at the devices' listener", LISTENER_DEVICES, "POST",
	  "/.well-known/est/simpleenroll", false, false, 0, "" },
	{ "a prefix is not a path", LISTENER_OPERATORS, "GET", "/api/v1", false, false, 0, "" },
	{ "an empty path is nothing", LISTENER_OPERATORS, "GET", "", false, false, 0, "" },
	{ "more segments than the pattern", LISTENER_OPERATORS, "GET", "/api/v1/devices/a/b", false,
	  false, 0, "" },
	{ "no listener, no route", LISTENER_NONE, "GET", "/api/v1/status", false, false, 0, "" },
};

static void a_request_finds_its_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct route_match m;
		bool found =
			route_find(cases[i].at, str_of(cases[i].method), str_of(cases[i].path), &m);

		check(found == cases[i].found, cases[i].says);
		check(m.path_is_known == cases[i].path_is_known, cases[i].says);
		if (!found)
			continue;
		check(m.id == cases[i].want, cases[i].says);
		check(str_eqz(m.param_count ? m.params[0] : STR(""), cases[i].param),
		      cases[i].says);
	}
}

static void a_refused_method_names_those_allowed(void **state)
{
	struct route_match m;

	(void)state;
	check(!route_find(LISTENER_OPERATORS, STR("PUT"), STR("/api/v1/devices/x"), &m), "no PUT");
	check(m.allow_count == 2 && str_eqz(m.allow[0], "GET") && str_eqz(m.allow[1], "DELETE"),
	      "Allow lists GET and DELETE");
}

RUN_TESTS(cmocka_unit_test(every_route_says_who_and_with_which_right),
	  cmocka_unit_test(every_field_is_bounded_and_explained),
	  cmocka_unit_test(a_request_finds_its_row),
	  cmocka_unit_test(a_refused_method_names_those_allowed))
