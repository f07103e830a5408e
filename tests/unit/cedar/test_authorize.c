/* test_authorize.c - who may do what, which policies say so, and what a decision costs (P6, P7). */
#include "counted.h"
#include "plant.h"

#include "cedar/program_in.h"

static const char *const plant_policies =
	"permit(principal in Group::\"pumps\", action == Action::\"publish\", resource is Space);\n"
	"permit(principal == Device::\"pump\", action in Action::\"all\", resource);\n"
	"forbid(principal, action, resource) when { principal.grade == \"isolated\" };\n"
	"permit(principal, action in [Action::\"read\", Action::\"write\"], "
	"  resource in Group::\"north\") when { context.size <= 10 };\n"
	"forbid(principal is Device, action == Action::\"write\", resource) "
	"  when { context.size > 5 };\n"
	"forbid(principal is User in Group::\"guests\", action, resource);\n";

static const struct {
	const char *says, *principal, *action, *resource, *context;
	enum cedar_decision decision;
	const char *reasons, *faults; /* policy numbers, ascending */
} cases[] = {
	{ "a pump publishes: both permits say so", "Device::\"pump\"", "Action::\"publish\"",
	  "Space::\"t\"", "{size: 1}", CEDAR_ALLOW, "01", "" },
	{ "nobody said a valve may", "Device::\"valve\"", "Action::\"publish\"", "Space::\"t\"",
	  "{size: 1}", CEDAR_DENY, "", "" },
	{ "an isolated device is refused whatever is permitted", "Device::\"bad\"",
	  "Action::\"publish\"", "Space::\"t\"", "{size: 1}", CEDAR_DENY, "2", "" },
	{ "a forbid that fails is skipped, and reported", "Device::\"new\"", "Action::\"publish\"",
	  "Space::\"t\"", "{size: 1}", CEDAR_ALLOW, "0", "2" },
	{ "an unknown principal has no grade", "Device::\"nobody\"", "Action::\"publish\"",
	  "Space::\"t\"", "{size: 1}", CEDAR_DENY, "", "2" },
	{ "action groups reach down", "Device::\"pump\"", "Action::\"other\"", "Space::\"t\"",
	  "{size: 1}", CEDAR_ALLOW, "1", "" },
	{ "one of several actions", "Device::\"valve\"", "Action::\"read\"", "Space::\"n\"",
	  "{size: 9}", CEDAR_ALLOW, "3", "" },
	{ "the same with too much", "Device::\"valve\"", "Action::\"read\"", "Space::\"n\"",
	  "{size: 11}", CEDAR_DENY, "", "" },
	{ "a forbid beats two permits", "Device::\"pump\"", "Action::\"write\"", "Space::\"n\"",
	  "{size: 9}", CEDAR_DENY, "4", "" },
	{ "no context, no answer from it", "Device::\"valve\"", "Action::\"write\"", "Space::\"n\"",
	  NULL, CEDAR_DENY, "", "34" },
	{ "a guest is a guest", "User::\"eve\"", "Action::\"read\"", "Space::\"n\"", "{size: 1}",
	  CEDAR_DENY, "5", "" },
	{ "a device of that group is none", "Device::\"odd\"", "Action::\"read\"", "Space::\"n\"",
	  "{size: 1}", CEDAR_ALLOW, "3", "" },
};

static struct plant authorize_plant(void)
{
	struct plant p = plant_new();

	plant_has(&p, "Group::\"north\"", NULL, NULL);
	plant_has(&p, "Device::\"pump\"", "{grade: \"normal\"}", "Group::\"pumps\"");
	plant_has(&p, "Device::\"valve\"", "{grade: \"normal\"}", NULL);
	plant_has(&p, "Device::\"bad\"", "{grade: \"isolated\"}", "Group::\"pumps\"");
	plant_has(&p, "Device::\"new\"", NULL, "Group::\"pumps\"");
	plant_has(&p, "Device::\"odd\"", "{grade: \"normal\"}", "Group::\"guests\"");
	plant_has(&p, "User::\"eve\"", "{grade: \"normal\"}", "Group::\"guests\"");
	plant_has(&p, "Action::\"publish\"", NULL, "Action::\"all\"");
	plant_has(&p, "Action::\"other\"", NULL, "Action::\"all\"");
	plant_has(&p, "Action::\"write\"", NULL, "Action::\"all\"");
	plant_has(&p, "Space::\"n\"", NULL, "Group::\"north\"");
	plant_obeys(&p, plant_policies);
	return p;
}

static bool are(const char *digits, const uint32_t *got, uint32_t count)
{
	bool same = strlen(digits) == count;

	for (uint32_t i = 0; same && i < count; i++)
		same = strchr(digits, (int)('0' + got[i])) != NULL;
	return same;
}

static void check_answer(const struct cedar_answer *got, size_t i)
{
	uint32_t faults[8];

	for (uint32_t f = 0; f < got->fault_count; f++)
		faults[f] = got->faults[f].policy;
	check(got->decision == cases[i].decision, cases[i].says);
	check(are(cases[i].reasons, got->reasons, got->reason_count), cases[i].says);
	check(are(cases[i].faults, faults, got->fault_count), cases[i].says);
}

/* P6: a forbid stands above every permit, and each policy stands alone. */
static void every_answer_names_its_policies(void **state)
{
	(void)state;
	struct plant p = authorize_plant();

	for (size_t i = 0; i < countof(cases); i++) {
		struct cedar_request r = plant_request(&p, cases[i].principal, cases[i].action,
						       cases[i].resource, cases[i].context);
		struct cedar_answer got;
		cedar_authorize(p.program, p.store, &r, p.scratch, &got);
		check_answer(&got, i);
	}
	plant_free(&p);
}

/* P7: nothing said is nothing permitted. */
static void an_empty_set_denies(void **state)
{
	(void)state;
	struct plant p = plant_new();
	struct cedar_answer got;

	plant_obeys(&p, "// nothing\n");
	struct cedar_request r =
		plant_request(&p, "User::\"a\"", "Action::\"b\"", "Thing::\"c\"", NULL);
	cedar_authorize(p.program, p.store, &r, p.scratch, &got);
	check(got.decision == CEDAR_DENY, "no policy, no permission");
	check(!got.reason_count && !got.fault_count, "and nobody to name for it");
	plant_free(&p);
}

static void a_failed_forbid_is_flagged(void **state)
{
	(void)state;
	struct plant p = authorize_plant();
	struct cedar_answer got;
	struct cedar_request r = plant_request(&p, "Device::\"new\"", "Action::\"publish\"",
					       "Space::\"t\"", "{size: 1}");

	cedar_authorize(p.program, p.store, &r, p.scratch, &got);
	check(got.decision == CEDAR_ALLOW && got.is_forbid_failed, "the gate can tell");
	check(got.faults[0].kind == CEDAR_FAULT_ATTR, "and why");
	struct buf text;
	buf_init(&text, 1000);
	cedar_fault_print(&text, p.program, &got.faults[0]);
	check(str_starts(buf_str(&text), STR("policy2: test.cedar:3:")) &&
		      str_ends(buf_str(&text), STR(": there is no such attribute: grade")),
	      "in words, with its place");
	buf_done(&text);
	plant_free(&p);
}

static void reading_the_context_is_told(void **state)
{
	(void)state;
	struct plant p = authorize_plant();
	struct cedar_answer got;
	uint64_t size =
		cedar_program_context_bit(p.program, cedar_names_find(p.names, STR("size")));
	struct cedar_request r = plant_request(&p, "Device::\"pump\"", "Action::\"publish\"",
					       "Space::\"t\"", "{size: 1}");

	cedar_authorize(p.program, p.store, &r, p.scratch, &got);
	check(got.context_read == 0, "publishing depends on no message");
	r.action = plant_uid(&p, "Action::\"write\"");
	cedar_authorize(p.program, p.store, &r, p.scratch, &got);
	check(size && got.context_read == size, "writing depends on its size");
	plant_obeys(&p, "permit(principal, action, resource) when { context == {} };");
	cedar_authorize(p.program, p.store, &r, p.scratch, &got);
	check(got.context_read == UINT64_C(1) << CEDAR_CONTEXT_OTHER, "or on all there is");
	plant_free(&p);
}

static void a_resource_may_exist_for_one_request(void **state)
{
	(void)state;
	struct plant p = authorize_plant();
	struct cedar_answer got;
	const struct cedar_uid *parents[] = { plant_uid(&p, "Spaces::\"reports\"") };
	struct cedar_entity topic = {
		.uid = plant_uid(&p, "Space::telemetry::\"plant/7/flow\""),
		.attrs = plant_record(&p, "{device: Device::\"pump\"}"),
		.parents = parents,
		.parent_count = 1,
	};
	struct cedar_request r = { .principal = plant_uid(&p, "Device::\"pump\""),
				   .action = plant_uid(&p, "Action::\"publish\""),
				   .resource = topic.uid,
				   .locals = &topic,
				   .local_count = 1 };

	plant_has(&p, "Spaces::\"reports\"", NULL, "Spaces::\"all\"");
	plant_obeys(&p, "permit(principal, action, resource is Space::telemetry in Spaces::\"all\")"
			"when { principal in resource.device };");
	cedar_authorize(p.program, p.store, &r, p.scratch, &got);
	check(got.decision == CEDAR_ALLOW, "its attributes and its parents count");
	r.principal = plant_uid(&p, "Device::\"valve\"");
	cedar_authorize(p.program, p.store, &r, p.scratch, &got);
	check(got.decision == CEDAR_DENY && !got.fault_count, "for the device it names alone");
	r.local_count = 0;
	cedar_authorize(p.program, p.store, &r, p.scratch, &got);
	check(got.decision == CEDAR_DENY, "and without it there is none");
	check(cedar_entities_slot(p.store, topic.uid) == CEDAR_SLOT_NONE, "the store never knew");
	plant_free(&p);
}

/* --- nothing is allocated --- */

static void a_decision_allocates_nothing(void **state)
{
	(void)state;
	struct plant p = authorize_plant();
	struct cedar_answer got;
	struct cedar_request r = plant_request(&p, "Device::\"pump\"", "Action::\"write\"",
					       "Space::\"n\"", "{size: 1, a: \"10.0.0.1\"}");

	plant_obeys(&p, "permit(principal, action, resource) when {"
			" [context.size, 2, {x: [context.a]}].contains({x: [context.a]}) &&"
			" ip(context.a).isInRange(ip(\"10.0.0.0/8\")) && context.a like \"*.*\" &&"
			" principal.grade == \"normal\" };"
			"forbid(principal, action, resource) when { context.missing };");
	size_t before = allocations;
	check(before > 0, "allocations are counted");
	cedar_authorize(p.program, p.store, &r, p.scratch, &got);
	check(allocations == before, "none for a decision");
	check(got.decision == CEDAR_ALLOW && got.fault_count == 1, "which was a real one");
	plant_free(&p);
}

static void put_numbered(struct buf *out, const char *before, const char *pattern, int digit)
{
	buf_puts(out, str_of(before));
	for (; *pattern; pattern++)
		buf_putc(out, *pattern == '#' ? (char)digit : *pattern);
}

/* The index must find what a walk over every policy finds. */
static void a_candidate_is_never_lost(void **state)
{
	(void)state;
	static const char *const principals[] = { "principal", "principal == U::\"#\"",
						  "principal in G::\"#\"", "principal is U",
						  "principal is V in G::\"#\"" };
	static const char *const actions[] = { "action", "action == Action::\"#\"",
					       "action in Action::\"g#\"",
					       "action in [Action::\"g#\", Action::\"1\"]",
					       "action in []" };
	static const char *const resources[] = { "resource", "resource == U::\"#\"",
						 "resource in G::\"#\"", "resource is V",
						 "resource is U in G::\"#\"" };
	struct plant p = plant_new();
	struct buf text;

	buf_init(&text, 1 << 20);
	for (int i = 0; i < 500; i++) {
		put_numbered(&text, "permit(", principals[i % 5], '0' + i % 3);
		put_numbered(&text, ", ", actions[i / 5 % 5], '0' + i % 2);
		put_numbered(&text, ", ", resources[i / 25 % 5], '0' + i % 4);
		buf_puts(&text, STR(");"));
	}
	buf_putc(&text, 0);
	plant_obeys(&p, (const char *)text.ptr);
	plant_has(&p, "G::\"1\"", NULL, "G::\"0\"");
	plant_has(&p, "U::\"1\"", NULL, "G::\"1\"");
	plant_has(&p, "V::\"1\"", NULL, "G::\"1\" G::\"2\"");
	plant_has(&p, "Action::\"1\"", NULL, "Action::\"g1\" Action::\"g0\"");
	static const char *const who[] = { "U::\"1\"", "U::\"2\"", "V::\"1\"", "V::\"9\"" };
	for (size_t i = 0; i < 32; i++) {
		struct cedar_request r =
			plant_request(&p, who[i % 4], i & 16 ? "Action::\"1\"" : "Action::\"g1\"",
				      who[i / 4 % 4], NULL);
		struct cedar_answer got;
		struct world w;
		uint32_t want = 0;
		cedar_authorize(p.program, p.store, &r, p.scratch, &got);
		world_init(&w, p.store, &r);
		for (uint32_t k = 0; k < p.policies.count; k++) {
			const struct cedar_policy *policy = p.policies.policies[k];
			want += scope_fits(&w, &w.seats[0], &policy->principal) &&
				scope_fits(&w, &w.seats[1], &policy->action) &&
				scope_fits(&w, &w.seats[2], &policy->resource);
		}
		check(got.reason_count == want, "as many as fit");
		check(got.candidates < 500, "without looking at all");
	}
	buf_done(&text);
	plant_free(&p);
}

RUN_TESTS(cmocka_unit_test(every_answer_names_its_policies), cmocka_unit_test(an_empty_set_denies),
	  cmocka_unit_test(a_failed_forbid_is_flagged),
	  cmocka_unit_test(reading_the_context_is_told),
	  cmocka_unit_test(a_resource_may_exist_for_one_request),
	  cmocka_unit_test(a_decision_allocates_nothing),
	  cmocka_unit_test(a_candidate_is_never_lost))
