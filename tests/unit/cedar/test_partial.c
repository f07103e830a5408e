/* test_partial.c - answers when not all is known: wildcards, who-can, residuals. */
#include "counted.h"
#include "plant.h"

static const char *const fleet =
	"permit(principal is Device, action == Action::\"publish\", resource is Telemetry)\n"
	"  when { principal in resource.device && context.bytes <= 100 };\n"
	"permit(principal is Service in Group::\"apps\", action == Action::\"subscribe\",\n"
	"  resource is Telemetry);\n"
	"permit(principal, action == Action::\"subscribe\", resource in Group::\"public\");\n"
	"permit(principal is Device, action == Action::\"subscribe\", resource is Telemetry)\n"
	"  when { resource.site == principal.site };\n"
	"permit(principal == User::\"root\", action, resource) when { resource.device has id };\n"
	"forbid(principal is Device, action, resource) when { principal.grade == \"isolated\" };\n"
	"forbid(principal is Service, action, resource is Telemetry)\n"
	"  when { resource.site == Site::\"secret\" };\n";

static struct plant partial_plant(void)
{
	struct plant p = plant_new();

	plant_has(&p, "Device::\"a\"", "{grade: \"normal\", site: Site::\"n\"}", NULL);
	plant_has(&p, "Device::\"b\"", "{grade: \"isolated\", site: Site::\"n\"}", NULL);
	plant_has(&p, "Device::\"c\"", "{site: Site::\"s\"}", NULL);
	plant_has(&p, "Service::\"app\"", NULL, "Group::\"apps\"");
	plant_obeys(&p, fleet);
	return p;
}

/* A filter over a topic space: its site known or not, its device known or not. */
static const struct {
	const char *says, *principal, *action, *site, *device, *parent;
	enum cedar_verdict verdict;
	bool may_forbid_fail;
} cases[] = {
	{ "every device: one's own and others", "Device::\"a\"", "publish", "Site::\"n\"", NULL,
	  NULL, CEDAR_DEPENDS, false },
	{ "one's own, and only the message is open", "Device::\"a\"", "publish", "Site::\"n\"",
	  "Device::\"a\"", NULL, CEDAR_DEPENDS, false },
	{ "another's", "Device::\"a\"", "publish", "Site::\"n\"", "Device::\"c\"", NULL,
	  CEDAR_NEVER, false },
	{ "an isolated device never", "Device::\"b\"", "publish", "Site::\"n\"", "Device::\"b\"",
	  NULL, CEDAR_NEVER, false },
	{ "one without a grade may, as Cedar has it, and the gate is told", "Device::\"c\"",
	  "publish", "Site::\"n\"", "Device::\"c\"", NULL, CEDAR_DEPENDS, true },
	{ "a service in its group, on a site that is known", "Service::\"app\"", "subscribe",
	  "Site::\"n\"", NULL, NULL, CEDAR_ALWAYS, false },
	{ "on the secret site never", "Service::\"app\"", "subscribe", "Site::\"secret\"", NULL,
	  NULL, CEDAR_NEVER, false },
	{ "on any site it depends", "Service::\"app\"", "subscribe", NULL, NULL, NULL,
	  CEDAR_DEPENDS, false },
	{ "a device on its own site", "Device::\"a\"", "subscribe", "Site::\"n\"", NULL, NULL,
	  CEDAR_ALWAYS, false },
	{ "on another", "Device::\"a\"", "subscribe", "Site::\"s\"", NULL, NULL, CEDAR_NEVER,
	  false },
	{ "on any", "Device::\"a\"", "subscribe", NULL, NULL, NULL, CEDAR_DEPENDS, false },
	{ "anybody where the space is public", "User::\"eve\"", "subscribe", NULL, NULL,
	  "Group::\"public\"", CEDAR_ALWAYS, false },
	{ "nobody where it is not", "User::\"eve\"", "subscribe", NULL, NULL, "Group::\"other\"",
	  CEDAR_NEVER, false },
	{ "what is asked of an unknown device may fail", "User::\"root\"", "read", "Site::\"n\"",
	  NULL, NULL, CEDAR_DEPENDS, false },
};

static struct cedar_value or_unknown(struct plant *p, const char *uid)
{
	return uid ? cedar_entity(plant_uid(p, uid))
		   : (struct cedar_value){ .kind = CEDAR_UNKNOWN, .name = 1 };
}

static void a_filter_is_all_none_or_some(void **state)
{
	(void)state;
	struct plant p = partial_plant();

	for (size_t i = 0; i < countof(cases); i++) {
		const struct cedar_uid *parents[1];
		uint32_t names[] = { cedar_names_put(p.names, STR("site")),
				     cedar_names_put(p.names, STR("device")) };
		struct cedar_value values[] = { or_unknown(&p, cases[i].site),
						or_unknown(&p, cases[i].device) };
		check(cedar_record_sort(names, values, 2), "two names");
		struct cedar_record attrs = { 2, names, values };
		struct cedar_entity topic = { .uid = plant_uid(&p, "Telemetry::\"?\""),
					      .attrs = &attrs,
					      .parents = parents,
					      .parent_count = cases[i].parent ? 1 : 0 };
		if (cases[i].parent)
			parents[0] = plant_uid(&p, cases[i].parent);
		const char *action = arena_printf(p.mem, "Action::\"%s\"", cases[i].action).ptr;
		struct cedar_request r = { .principal = plant_uid(&p, cases[i].principal),
					   .action = plant_uid(&p, action),
					   .resource = topic.uid,
					   .locals = &topic,
					   .local_count = 1,
					   .unknown =
						   CEDAR_UNKNOWN_RESOURCE | CEDAR_UNKNOWN_CONTEXT };
		struct cedar_partial got;
		cedar_authorize_partial(p.program, p.store, &r, p.mem, &got);
		check(got.verdict == cases[i].verdict, cases[i].says);
		check(got.may_forbid_fail == cases[i].may_forbid_fail, cases[i].says);
	}
	plant_free(&p);
}

static void comparing_a_record_with_an_unknown_in_it_depends(void **state)
{
	(void)state;
	struct plant p = partial_plant();
	struct cedar_value unknown = { .kind = CEDAR_UNKNOWN, .name = 1 };
	uint32_t a = cedar_names_put(p.names, STR("a")), r = cedar_names_put(p.names, STR("r"));
	struct cedar_record inner = { 1, &a, &unknown };
	struct cedar_value outer = { .kind = CEDAR_RECORD, .record = &inner };
	struct cedar_record context = { 1, &r, &outer };
	struct cedar_request request =
		plant_request(&p, "Device::\"a\"", "Action::\"x\"", "Device::\"a\"", NULL);
	struct cedar_partial got;

	request.context = &context;
	plant_obeys(&p, "permit(principal, action, resource) when { context.r != {a: 1} };");
	cedar_authorize_partial(p.program, p.store, &request, p.mem, &got);
	check(got.verdict == CEDAR_DEPENDS, "it may be equal");
	plant_obeys(&p, "permit(principal, action, resource) when { context.r has a };");
	cedar_authorize_partial(p.program, p.store, &request, p.mem, &got);
	check(got.verdict == CEDAR_ALWAYS, "but it is there");
	plant_free(&p);
}

static bool count_found(void *ctx, const struct cedar_uid *who, enum cedar_verdict verdict)
{
	uint32_t *counts = ctx;

	counts[verdict]++;
	return who != NULL;
}

static void who_can_asks_everyone(void **state)
{
	(void)state;
	struct plant p = partial_plant();
	uint32_t counts[3] = { 0 };
	struct cedar_request r = { .action = plant_uid(&p, "Action::\"publish\""),
				   .resource = plant_uid(&p, "Telemetry::\"t\""),
				   .context = plant_record(&p, "{bytes: 7}") };
	struct cedar_who who = { &r, CEDAR_VAR_PRINCIPAL, cedar_names_find(p.names, STR("Device")),
				 count_found, counts };

	plant_has(&p, "Telemetry::\"t\"", "{device: Device::\"a\", site: Site::\"n\"}", NULL);
	check(cedar_who_can(p.program, p.store, &who, p.scratch) == 1, "one device may");
	check(counts[CEDAR_ALWAYS] == 1, "for sure");
	r.unknown = CEDAR_UNKNOWN_CONTEXT;
	counts[CEDAR_ALWAYS] = 0;
	check(cedar_who_can(p.program, p.store, &who, p.scratch) == 1, "one device");
	check(counts[CEDAR_DEPENDS] == 1, "depending on its message");
	plant_free(&p);
}

static void a_residual_holds_what_it_was_made_from(void **state)
{
	(void)state;
	struct plant p = partial_plant();
	struct err e = { 0 };
	struct cedar_answer got;
	struct cedar_entity topic = { .uid = plant_uid(&p, "Telemetry::\"x\""),
				      .attrs = plant_record(&p, "{device: Device::\"a\"}") };
	struct cedar_request r =
		plant_request(&p, "Device::\"a\"", "Action::\"publish\"", "Telemetry::\"x\"", NULL);

	r.locals = &topic;
	r.local_count = 1;
	struct cedar_residual *rest = cedar_residual_new(p.program, p.store, &r, &e);
	check(cedar_residual_verdict(rest) == CEDAR_DEPENDS, "the size is open");
	check(cedar_residual_context(rest) ==
		      cedar_program_context_bit(p.program, cedar_names_find(p.names, STR("bytes"))),
	      "and nothing else");
	cedar_residual_decide(rest, p.store, plant_record(&p, "{bytes: 100}"), p.scratch, &got);
	check(got.decision == CEDAR_ALLOW && got.reason_count == 1, "small enough");
	cedar_residual_decide(rest, p.store, plant_record(&p, "{bytes: 101}"), p.scratch, &got);
	check(got.decision == CEDAR_DENY && !got.fault_count, "too large");
	cedar_residual_decide(rest, p.store, NULL, p.scratch, &got);
	check(got.decision == CEDAR_DENY && got.fault_count == 1, "without a size, a fault");
	plant_has(&p, "Device::\"a\"", "{grade: \"isolated\"}", NULL);
	cedar_residual_decide(rest, p.store, plant_record(&p, "{bytes: 1}"), p.scratch, &got);
	check(got.decision == CEDAR_ALLOW, "it knows the facts as they were: its owner drops it");
	cedar_residual_free(rest);
	rest = cedar_residual_new(p.program, p.store, &r, &e);
	check(cedar_residual_verdict(rest) == CEDAR_NEVER, "made again, it knows them as they are");
	check(cedar_residual_context(rest) ==
		      cedar_program_context_bit(p.program, cedar_names_find(p.names, STR("bytes"))),
	      "and still names the policies message by message");
	cedar_residual_free(rest);
	plant_free(&p);
}

/* --- nothing is allocated --- */

static void a_residual_allocates_nothing_per_message(void **state)
{
	(void)state;
	struct plant p = partial_plant();
	struct err e = { 0 };
	struct cedar_answer got;
	const struct cedar_record *context = plant_record(&p, "{bytes: 1, a: \"10.0.0.1\"}");
	struct cedar_request r =
		plant_request(&p, "Device::\"a\"", "Action::\"x\"", "Telemetry::\"x\"", NULL);

	plant_obeys(&p, "permit(principal, action, resource) when {"
			" [context.bytes, principal.site].contains(1) && "
			" ip(context.a).isIpv4() && {a: context.bytes} != {} };");
	struct cedar_residual *rest = cedar_residual_new(p.program, p.store, &r, &e);
	size_t before = allocations;
	check(before > 0, "allocations are counted");
	cedar_residual_decide(rest, p.store, context, p.scratch, &got);
	check(allocations == before && got.decision == CEDAR_ALLOW, "none for a message");
	cedar_residual_free(rest);
	plant_free(&p);
}

RUN_TESTS(cmocka_unit_test(a_filter_is_all_none_or_some),
	  cmocka_unit_test(comparing_a_record_with_an_unknown_in_it_depends),
	  cmocka_unit_test(who_can_asks_everyone),
	  cmocka_unit_test(a_residual_holds_what_it_was_made_from),
	  cmocka_unit_test(a_residual_allocates_nothing_per_message))
