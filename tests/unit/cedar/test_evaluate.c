/* test_evaluate.c - what an expression comes to, and how it fails (P5).
 *
 * Each row is the condition of one permit; the same row is also walked as a tree with everything
 * known, and the machine and the tree must agree.
 */
#include "plant.h"

static const struct {
	const char *says, *condition;
	enum cedar_fault_kind fault; /* NONE: `holds` says */
	bool holds;
} cases[] = {
	/* booleans */
	{ "true holds", "true", 0, true },
	{ "false does not", "false", 0, false },
	{ "not", "!context.no", 0, true },
	{ "and stops at the first false", "context.no && 1 + \"a\" == 2", 0, false },
	{ "or stops at the first true", "context.yes || 1 + \"a\" == 2", 0, true },
	{ "and wants a bool left", "context.n && true", CEDAR_FAULT_TYPE, false },
	{ "and wants a bool right", "context.yes && context.n", CEDAR_FAULT_TYPE, false },
	{ "or wants a bool right", "context.no || context.n", CEDAR_FAULT_TYPE, false },
	{ "a condition is a bool", "context.n", CEDAR_FAULT_TYPE, false },
	{ "if takes one branch", "if context.yes then true else 1 + \"a\" == 2", 0, true },
	{ "if takes the other", "if context.no then 1 + \"a\" == 2 else true", 0, true },
	{ "if wants a bool", "if context.n then true else true", CEDAR_FAULT_TYPE, false },
	{ "if gives what its branch gives", "(if context.yes then 1 else \"a\") == 1", 0, true },
	/* numbers */
	{ "addition", "context.n + 3 == 10", 0, true },
	{ "a sum that does not fit fails", "context.max + 1 == 0", CEDAR_FAULT_OVERFLOW, false },
	{ "a difference that does not fit fails", "context.min - 1 == 0", CEDAR_FAULT_OVERFLOW,
	  false },
	{ "a product that does not fit fails", "context.max * context.n == 0", CEDAR_FAULT_OVERFLOW,
	  false },
	{ "the smallest number has no opposite", "-context.min == 0", CEDAR_FAULT_OVERFLOW, false },
	{ "a constant overflow fails when run, not before", "9223372036854775807 + 1 == 0 || true",
	  CEDAR_FAULT_OVERFLOW, false },
	{ "and is skipped when not reached", "context.no && 9223372036854775807 + 1 == 0", 0,
	  false },
	{ "the smallest number can be written", "context.min == -9223372036854775808", 0, true },
	{ "less", "context.n < 8 && !(context.n < 7)", 0, true },
	{ "less or equal", "context.n <= 7 && !(context.n <= 6)", 0, true },
	{ "greater", "context.n > 6 && !(context.n > 7)", 0, true },
	{ "greater or equal", "context.n >= 7 && !(context.n >= 8)", 0, true },
	{ "only numbers are ordered", "context.s < \"z\"", CEDAR_FAULT_TYPE, false },
	{ "kinds are not mixed", "context.n < datetime(\"2024-01-01\")", CEDAR_FAULT_TYPE, false },
	{ "dates are ordered", "datetime(\"2024-01-01\") < datetime(\"2024-01-02\")", 0, true },
	{ "durations are ordered", "duration(\"1h\") >= duration(\"60m\")", 0, true },
	/* equality */
	{ "kinds differ, values differ", "context.n == \"7\"", 0, false },
	{ "and that is no failure", "context.n != \"7\"", 0, true },
	{ "sets have no order", "[1, 2, 3] == [3, 2, 1, 1]", 0, true },
	{ "records have no order", "{a: 1, b: [context.n]} == {b: [7], a: 1}", 0, true },
	{ "a set holds sets", "[[1], [context.n]].contains([7])", 0, true },
	/* sets */
	{ "contains", "[1, context.n].contains(7)", 0, true },
	{ "contains all", "context.set.containsAll([1, 2])", 0, true },
	{ "contains all fails one", "context.set.containsAll([1, 4])", 0, false },
	{ "contains any", "context.set.containsAny([4, 2])", 0, true },
	{ "contains none", "context.set.containsAny([4, 5])", 0, false },
	{ "is empty", "[].isEmpty() && !context.set.isEmpty()", 0, true },
	{ "contains wants a set", "context.n.contains(1)", CEDAR_FAULT_TYPE, false },
	{ "contains all wants two", "context.set.containsAll(1)", CEDAR_FAULT_TYPE, false },
	/* attributes */
	{ "an attribute", "principal.grade == \"normal\"", 0, true },
	{ "of a record in an entity", "principal.posture.score > 80", 0, true },
	{ "of an entity in an entity", "principal.site.name == \"north\"", 0, true },
	{ "missing", "principal.colour == \"red\"", CEDAR_FAULT_ATTR, false },
	{ "missing in a record", "context.inner.x == 1", CEDAR_FAULT_ATTR, false },
	{ "has", "principal has grade && !(principal has colour)", 0, true },
	{ "has, deep", "principal has posture.score && !(principal has posture.x)", 0, true },
	{ "has of an unknown entity is false", "Device::\"nobody\" has grade", 0, false },
	{ "an attribute of an unknown entity fails", "Device::\"nobody\".grade == \"x\"",
	  CEDAR_FAULT_ENTITY, false },
	{ "numbers have no attributes", "context.n.x == 1", CEDAR_FAULT_TYPE, false },
	{ "nor may one ask", "context.n has x", CEDAR_FAULT_TYPE, false },
	{ "of a record just made", "{a: context.n, b: 2}.a == 7", 0, true },
	/* the hierarchy */
	{ "in itself", "principal in Device::\"pump\"", 0, true },
	{ "in its parent", "principal in Group::\"pumps\"", 0, true },
	{ "in its parent's parent", "principal in Group::\"all\"", 0, true },
	{ "not in another", "principal in Group::\"valves\"", 0, false },
	{ "in a parent nobody described", "principal in Group::\"ghost\"", 0, true },
	{ "in one of a set", "principal in [Group::\"valves\", Group::\"all\"]", 0, true },
	{ "in an empty set", "principal in []", 0, false },
	{ "a set of other things fails", "principal in [Group::\"all\", 1]", CEDAR_FAULT_TYPE,
	  false },
	{ "in wants entities", "context.n in Group::\"all\"", CEDAR_FAULT_TYPE, false },
	{ "an unknown entity is in itself", "Device::\"nobody\" in Device::\"nobody\"", 0, true },
	{ "and in nobody else", "Device::\"nobody\" in Group::\"all\"", 0, false },
	{ "is", "principal is Device && !(principal is Group)", 0, true },
	{ "is in", "principal is Device in Group::\"all\"", 0, true },
	{ "is in stops at the type", "principal is Group in context.n", 0, false },
	{ "is wants an entity", "context.n is Device", CEDAR_FAULT_TYPE, false },
	{ "through the request's resource", "principal in resource.device", 0, true },
	/* tags */
	{ "has a tag", "principal.hasTag(\"line\") && !principal.hasTag(\"x\")", 0, true },
	{ "a tag", "principal.getTag(context.key) == 4", 0, true },
	{ "no such tag", "principal.getTag(\"x\") == 4", CEDAR_FAULT_TAG, false },
	{ "an unknown entity has no tags", "Device::\"nobody\".hasTag(\"line\")", 0, false },
	{ "and gives none", "Device::\"nobody\".getTag(\"line\") == 4", CEDAR_FAULT_ENTITY, false },
	{ "a tag's key is a string", "principal.hasTag(context.n)", CEDAR_FAULT_TYPE, false },
	/* like */
	{ "like exactly", "context.s like \"flow/7\"", 0, true },
	{ "like a beginning", "context.s like \"flow*\"", 0, true },
	{ "like an end", "context.s like \"*7\"", 0, true },
	{ "like around", "context.s like \"f*w*7\"", 0, true },
	{ "pieces do not overlap", "context.s like \"flow/*/7\"", 0, false },
	{ "a star may be nothing", "context.s like \"flow*/7*\"", 0, true },
	{ "a written star is a star", "context.s like \"flow\\*7\"", 0, false },
	{ "like wants a string", "context.n like \"7\"", CEDAR_FAULT_TYPE, false },
	{ "a long pattern on a long text is done at once",
	  "context.long like "
	  "\"*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b\"",
	  0, false },
	/* extensions */
	{ "an address in a range", "ip(\"10.1.2.3\").isInRange(ip(\"10.0.0.0/8\"))", 0, true },
	{ "made from what the request says", "ip(context.addr).isLoopback()", 0, true },
	{ "that is no address", "ip(context.s).isIpv4()", CEDAR_FAULT_EXTENSION, false },
	{ "a constant that is no address", "ip(\"10.1.2\").isIpv4()", CEDAR_FAULT_EXTENSION,
	  false },
	{ "decimals", "decimal(\"1.10\") == decimal(\"1.1000\")", 0, true },
	{ "compared by their own words", "decimal(\"1.1\").lessThan(decimal(\"1.2\"))", 0, true },
	{ "not by signs", "decimal(\"1.1\") < decimal(\"1.2\")", CEDAR_FAULT_TYPE, false },
	{ "dates move",
	  "datetime(\"2024-01-01\").offset(duration(\"1d\")) == datetime(\"2024-01-02\")", 0,
	  true },
	{ "and when they stand in the request",
	  "datetime(context.day).offset(duration(\"-1d\")) == datetime(\"2023-12-31\")", 0, true },
	{ "a date that does not fit fails",
	  "datetime(context.day).offset(duration(context.most)).toDate() == 1",
	  CEDAR_FAULT_EXTENSION, false },
	{ "a method of another type", "context.n.isIpv4()", CEDAR_FAULT_TYPE, false },
};

static struct plant evaluation_plant(void)
{
	struct plant p = plant_new();
	struct err e = { 0 };

	plant_has(&p, "Site::\"north\"", "{name: \"north\"}", NULL);
	plant_has(&p, "Group::\"all\"", NULL, NULL);
	plant_has(&p, "Group::\"pumps\"", NULL, "Group::\"all\"");
	check(plant_put(&p, "Device::\"pump\"",
			"{grade: \"normal\", posture: {score: 90}, site: Site::\"north\"}",
			"{line: 4}", "Group::\"pumps\" Group::\"ghost\"", &e),
	      "the pump is there");
	plant_has(&p, "Space::\"t\"", "{device: Device::\"pump\"}", NULL);
	return p;
}

static const char *long_context(struct plant *p)
{
	char *a = arena_alloc(p->mem, 20001, 1);

	memset(a, 'a', 20000);
	return arena_printf(p->mem,
			    "{yes: true, no: false, n: 7, s: \"flow/7\", set: [1, 2, 3], "
			    "max: 9223372036854775807, min: -9223372036854775808, "
			    "inner: {y: 1}, key: \"line\", day: \"2024-01-01\", "
			    "most: \"9223372036854775807ms\", addr: \"127.0.0.1\", long: \"%s\"}",
			    a)
		.ptr;
}

static void check_machine(struct plant *p, const struct cedar_request *r, size_t i)
{
	struct cedar_answer got;

	cedar_authorize(p->program, p->store, r, p->scratch, &got);
	check(got.decision == (cases[i].holds ? CEDAR_ALLOW : CEDAR_DENY), cases[i].says);
	check(got.fault_count == (cases[i].fault ? 1 : 0), cases[i].says);
	check(!got.fault_count || got.faults[0].kind == cases[i].fault, cases[i].says);
}

static void check_tree(struct plant *p, const struct cedar_request *r, size_t i)
{
	struct world w;
	struct tree t = {
		.world = &w, .names = p->names, .mem = p->mem, .known = TREE_STORE | TREE_CONTEXT
	};

	world_init(&w, p->store, r);
	struct part got = tree_walk(&t, p->policies.policies[0]->conditions[0].body);
	check(got.kind != PART_REST, cases[i].says);
	if (cases[i].fault && got.kind == PART_VALUE)
		check(got.value.kind != CEDAR_BOOL, cases[i].says);
	else if (cases[i].fault)
		check(got.fault.kind == cases[i].fault, cases[i].says);
	else
		check(part_is(&got, cases[i].holds), cases[i].says);
}

/* A residual, made before the context is known, gives the answer it would have given after. */
static void check_residual(struct plant *p, const struct cedar_request *r, size_t i)
{
	struct cedar_answer got;
	struct err e = { 0 };
	struct cedar_residual *rest = cedar_residual_new(p->program, p->store, r, &e);

	check(rest, cases[i].says);
	cedar_residual_decide(rest, p->store, r->context, p->scratch, &got);
	check(got.decision == (cases[i].holds ? CEDAR_ALLOW : CEDAR_DENY), cases[i].says);
	check(got.fault_count == (cases[i].fault ? 1 : 0), cases[i].says);
	check(!got.fault_count || got.faults[0].kind == cases[i].fault, cases[i].says);
	check((got.context_read & ~cedar_residual_context(rest)) == 0, cases[i].says);
	enum cedar_verdict verdict = cedar_residual_verdict(rest);
	check(verdict != CEDAR_ALWAYS || cases[i].holds, cases[i].says);
	check(verdict != CEDAR_NEVER || !cases[i].holds, cases[i].says);
	cedar_residual_free(rest);
}

/* Unknowns may make an answer less sharp, never another one; they are taken to be well typed. */
static void check_partial(struct plant *p, struct cedar_request r, size_t i)
{
	for (unsigned unknown = 0; unknown < (cases[i].fault == CEDAR_FAULT_TYPE ? 1 : 8);
	     unknown++) {
		struct cedar_partial got;
		r.unknown = unknown;
		cedar_authorize_partial(p->program, p->store, &r, p->mem, &got);
		check(got.verdict != CEDAR_ALWAYS || cases[i].holds, cases[i].says);
		check(got.verdict != CEDAR_NEVER || !cases[i].holds, cases[i].says);
		check(unknown || got.verdict == (cases[i].holds ? CEDAR_ALWAYS : CEDAR_NEVER),
		      cases[i].says);
	}
}

static void every_condition_comes_to_what_cedar_says(void **state)
{
	(void)state;
	struct plant p = evaluation_plant();
	const char *context = long_context(&p);

	for (size_t i = 0; i < countof(cases); i++) {
		plant_obeys(&p,
			    arena_printf(p.mem, "permit(principal, action, resource) when {%s};",
					 cases[i].condition)
				    .ptr);
		struct cedar_request r = plant_request(
			&p, "Device::\"pump\"", "Action::\"publish\"", "Space::\"t\"", context);
		check_machine(&p, &r, i);
		check_tree(&p, &r, i);
		check_residual(&p, &r, i);
		check_partial(&p, r, i);
	}
	plant_free(&p);
}

/* The same under `unless`: what held does not, what failed still fails. */
static void unless_turns_it_round(void **state)
{
	(void)state;
	struct plant p = evaluation_plant();
	const char *context = long_context(&p);

	for (size_t i = 0; i < countof(cases); i++) {
		plant_obeys(&p,
			    arena_printf(p.mem, "permit(principal, action, resource) unless {%s};",
					 cases[i].condition)
				    .ptr);
		struct cedar_request r = plant_request(
			&p, "Device::\"pump\"", "Action::\"publish\"", "Space::\"t\"", context);
		struct cedar_answer got;
		cedar_authorize(p.program, p.store, &r, p.scratch, &got);
		bool holds = !cases[i].fault && !cases[i].holds;
		check(got.decision == (holds ? CEDAR_ALLOW : CEDAR_DENY), cases[i].says);
		check(got.fault_count == (cases[i].fault ? 1 : 0), cases[i].says);
	}
	plant_free(&p);
}

RUN_TESTS(cmocka_unit_test(every_condition_comes_to_what_cedar_says),
	  cmocka_unit_test(unless_turns_it_round))
