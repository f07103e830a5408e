/* test_explain.c - the facts behind an answer, and what would change it. */
#include "cedar/explain.h"

#include "plant.h"

static const char *const policies =
	"permit(principal in Group::\"pumps\", action == Action::\"publish\", resource is Space)\n"
	"  when { principal in resource.device && context.bytes <= 100 && !context.retain };\n"
	"permit(principal is User, action == Action::\"publish\", resource)\n"
	"  unless { context.bytes > 10 || principal.posture.score < 50 };\n"
	"forbid(principal, action, resource)\n"
	"  when { principal has grade && principal.grade == \"restricted\" };\n"
	"permit(principal, action == Action::\"read\", resource);\n";

static struct plant explain_plant(void)
{
	struct plant p = plant_new();

	plant_has(&p, "Device::\"a\"", "{grade: \"normal\"}", "Group::\"pumps\"");
	plant_has(&p, "Device::\"b\"", "{grade: \"restricted\"}", "Group::\"pumps\"");
	plant_has(&p, "Device::\"c\"", NULL, NULL);
	plant_has(&p, "User::\"u\"", "{posture: {score: 40}}", NULL);
	plant_has(&p, "Space::\"a\"", "{device: Device::\"a\"}", NULL);
	plant_obeys(&p, policies);
	return p;
}

static const struct cedar_fact *fact_of(const struct cedar_facts *facts, const char *path)
{
	for (uint32_t i = 0; i < facts->count; i++)
		if (str_eqz(facts->items[i].path, path))
			return &facts->items[i];
	return NULL;
}

static void the_facts_of_an_answer_are_what_its_policies_read(void **state)
{
	(void)state;
	struct plant p = explain_plant();
	struct cedar_answer got;
	struct cedar_facts facts;
	struct cedar_request r = plant_request(&p, "Device::\"a\"", "Action::\"publish\"",
					       "Space::\"a\"", "{bytes: 7, retain: false}");

	cedar_authorize(p.program, p.store, &r, p.scratch, &got);
	check(got.decision == CEDAR_ALLOW, "it may");
	cedar_explain_facts(p.program, p.store, &r, got.reasons, got.reason_count, p.mem, &facts);
	const struct cedar_fact *bytes = fact_of(&facts, "context.bytes");
	check(bytes && bytes->value.kind == CEDAR_LONG && bytes->value.num == 7, "its size");
	check(fact_of(&facts, "context.retain"), "that it is not kept");
	check(fact_of(&facts, "resource.device"), "whose topic it is");
	check(!facts.is_cut && !fact_of(&facts, "principal.grade"),
	      "nothing of policies that did not decide");
	r.principal = plant_uid(&p, "Device::\"b\"");
	cedar_authorize(p.program, p.store, &r, p.scratch, &got);
	cedar_explain_facts(p.program, p.store, &r, got.reasons, got.reason_count, p.mem, &facts);
	const struct cedar_fact *grade = fact_of(&facts, "principal.grade");
	check(grade && str_eqz(cedar_value_text(grade->value), "restricted"), "and why it may not");
	plant_free(&p);
}

static void a_path_is_told_once_and_whole(void **state)
{
	(void)state;
	struct plant p = explain_plant();
	struct cedar_facts facts;
	uint32_t policy = 1;
	struct cedar_request r = plant_request(&p, "User::\"u\"", "Action::\"publish\"",
					       "Space::\"a\"", "{bytes: 7}");

	cedar_explain_facts(p.program, p.store, &r, &policy, 1, p.mem, &facts);
	check(facts.count == 2, "the size and the score");
	check(fact_of(&facts, "principal.posture.score"), "by its whole path");
	plant_free(&p);
}

static const struct {
	const char *says, *principal, *resource, *context;
	uint32_t policy;
	const char *text; /* of the nearest; NULL: there is none */
	bool must_be, is_scope, is_fault;
	uint32_t others;
} cases[] = {
	{ "a smaller message would pass", "Device::\"a\"", "Space::\"a\"",
	  "{bytes: 700, retain: false}", 0, "context.bytes <= 100", true, false, false, 0 },
	{ "one that is not kept would", "Device::\"a\"", "Space::\"a\"", "{bytes: 7, retain: true}",
	  0, "context.retain", false, false, false, 0 },
	{ "two things stand in the way", "Device::\"a\"", "Space::\"a\"",
	  "{bytes: 700, retain: true}", 0, "context.bytes <= 100", true, false, false, 1 },
	{ "a better score would do", "User::\"u\"", "Space::\"a\"", "{bytes: 1}", 1,
	  "principal.posture.score < 50", false, false, false, 0 },
	{ "what is missing is a fault", "Device::\"a\"", "Space::\"a\"", "{bytes: 7}", 0,
	  "context.retain", false, false, true, 0 },
	{ "a forbid names what made it hold", "Device::\"b\"", "Space::\"a\"",
	  "{bytes: 7, retain: false}", 2, "principal.grade == \"restricted\"", false, false, false,
	  0 },
	{ "the wrong group is named", "Device::\"c\"", "Space::\"a\"", "{bytes: 7, retain: false}",
	  0, "principal in Group::\"pumps\"", true, true, false, 1 },
	{ "nothing is near what is allowed", "Device::\"a\"", "Space::\"a\"",
	  "{bytes: 7, retain: false}", 0, NULL, false, false, false, 0 },
};

static void the_nearest_is_the_condition_in_the_way(void **state)
{
	(void)state;
	struct plant p = explain_plant();

	for (size_t i = 0; i < countof(cases); i++) {
		const struct cedar_near *near;
		uint32_t count;
		struct cedar_request r =
			plant_request(&p, cases[i].principal, "Action::\"publish\"",
				      cases[i].resource, cases[i].context);
		cedar_explain_nearest(p.program, p.store, &r, p.mem, &near, &count);
		check((count == 0) == (cases[i].text == NULL), cases[i].says);
		if (!count)
			continue;
		check(near->policy == cases[i].policy, cases[i].says);
		check(str_eqz(near->text, cases[i].text), cases[i].says);
		check(near->must_be == cases[i].must_be, cases[i].says);
		check(near->is_scope == cases[i].is_scope, cases[i].says);
		check(near->is_fault == cases[i].is_fault, cases[i].says);
		check(near->others == cases[i].others, cases[i].says);
	}
	plant_free(&p);
}

RUN_TESTS(cmocka_unit_test(the_facts_of_an_answer_are_what_its_policies_read),
	  cmocka_unit_test(a_path_is_told_once_and_whole),
	  cmocka_unit_test(the_nearest_is_the_condition_in_the_way))
