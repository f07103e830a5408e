/* test_validate.c - which policies could go wrong, and how a person is told.
 *
 * Verdicts were checked against Cedar 4.10; the sentences are ours.
 */
#include "test.h"

#include "cedar/lex.h"
#include "cedar/parse.h"
#include "cedar/validate.h"

enum { MEMORY = 16 << 20 };

static const char schema_text[] =
	"entity Group; entity Room; entity Level enum [\"low\", \"high\"];\n"
	"entity User in [Group] = { name: String, nick?: String, last: Action,\n"
	"  boss?: User, box: { a?: Long, b: Long }, ids: Set<Long> } tags String;\n"
	"entity Door in [Room] = { level: Level, since: datetime };\n"
	"action open in all appliesTo { principal: User, resource: [Door, Room],\n"
	"  context: { at?: Long, ip: ipaddr } };\n"
	"action all, idle; namespace N { action other in Action::\"all\"; }";

static struct cedar_names *names;
static struct arena *mem;
static const struct schema *schema;

static int start(void **state)
{
	(void)state;
	struct schema_source src = { STR_INIT("s"), str_of(schema_text), SCHEMA_CEDAR, { 0 } };
	struct err e = { 0 };

	names = cedar_names_new();
	mem = arena_new(MEMORY);
	schema = schema_read(&src, 1, names, mem, &e);
	return schema ? 0 : 1;
}

static int stop(void **state)
{
	(void)state;
	arena_free(mem);
	cedar_names_free(names);
	return 0;
}

static bool validate(const char *text, struct validate_report *out, struct err *e)
{
	static struct cedar_source source = { .name = STR_INIT("p") };
	struct cedar_policies set;

	source.text = str_of(text);
	if (!cedar_policies_parse(names, &source, mem, &set, e))
		fail_msg("%s: %s", text, e->text);
	return cedar_validate(schema, &set, mem, out, e);
}

/* Bodies of: permit (principal, action, resource) when { ... };
 * `want` is a part of the error; NULL is valid; "" is valid and can never be satisfied. */
static const struct {
	const char *says, *body, *want;
} bodies[] = {
	{ "attributes have types", "principal.name == \"ann\"", NULL },
	{ "a guard makes an optional attribute safe",
	  "principal has nick && principal.nick == \"a\"", NULL },
	{ "in either syntax", "context has \"at\" && context[\"at\"] == 1", NULL },
	{ "along a path", "principal has box.a && principal.box.a == 1", NULL },
	{ "and into the branch of an if",
	  "if principal has nick then principal.nick == \"a\" else true", NULL },
	{ "a guard holds for the same expression only",
	  "principal has boss && principal.boss.name == \"a\"", NULL },
	{ "tags are guarded by hasTag",
	  "principal.hasTag(\"site\") && principal.getTag(\"site\") == \"a\"", NULL },
	{ "with any text for a name",
	  "principal.hasTag(principal.name) && principal.getTag(principal.name) == \"a\"", NULL },
	{ "what is decided ends an and", "false && principal.nonsense", "" },
	{ "and an or", "true || principal.nonsense", NULL },
	{ "and a branch is left out", "if false then principal.nonsense else true", NULL },
	{ "literals may differ in type", "1 == \"a\"", "" },
	{ "entities of two types are never equal", "principal == resource", "" },
	{ "nor is one in the other", "resource in principal", "" },
	{ "actions have a hierarchy", "N::Action::\"other\" in Action::\"all\"", NULL },
	{ "that is known here", "action in N::Action::\"other\"", "" },
	{ "an action is a value like others", "principal.last == action", NULL },
	{ "without attributes", "action has anything", "" },
	{ "is decides", "principal is User && resource is Door", NULL },
	{ "a type that cannot be", "principal is Group", "" },
	{ "sets of one type", "[1, 2].contains(3) && principal.ids.containsAny([4])", NULL },
	{ "dates have an order", "resource is Door && resource.since < datetime(\"2024-01-01\")",
	  NULL },
	{ "addresses their functions", "context.ip.isInRange(ip(\"10.0.0.0/8\"))", NULL },
	{ "booleans are booleans whatever is known", "[true] == [false]", NULL },
	{ "an enumerated id", "resource is Door && resource.level == Level::\"low\"", NULL },
	{ "a difference is the negation of equality",
	  "(if principal != User::\"a\" then principal else principal) has nick &&"
	  "(if !(principal == User::\"a\") then principal else principal).nick == \"a\"",
	  NULL },

	{ "a typo is told its nearest", "principal.nam == \"a\"",
	  "there is no attribute 'nam' in User; did you mean 'name'?" },
	{ "an optional attribute needs a guard", "principal.nick == \"a\"",
	  "attribute 'nick' of User may be missing here; test with 'has' first" },
	{ "a guard after is no guard", "principal.nick == \"a\" && principal has nick",
	  "may be missing" },
	{ "nor on one side of an or", "!(principal has nick) || principal.nick == \"a\"",
	  "may be missing" },
	{ "nor when it need not hold", "(principal has nick || true) && principal.nick == \"a\"",
	  "may be missing" },
	{ "of another expression it is none", "principal has nick && User::\"a\".nick == \"a\"",
	  "may be missing" },
	{ "a tag needs a guard", "principal.getTag(\"site\") == \"a\"", "this tag may be missing" },
	{ "of the same name", "principal.hasTag(\"site\") && principal.getTag(\"other\") == \"a\"",
	  "this tag may be missing" },
	{ "conditions are booleans", "principal.name", "expected Bool, this is String" },
	{ "long and short", "principal.ids", "expected Bool, this is Set<Long>" },
	{ "sums are of numbers", "1 + principal.name == 2", "expected Long, this is String" },
	{ "text has no order", "\"a\" < \"b\"", "expected Long, datetime or duration" },
	{ "nor do two types", "1 < datetime(\"2024-01-01\")", "operands of a comparison" },
	{ "only one type is compared", "principal == \"ann\"", "operands of ==: User and String" },
	{ "records are compared whole", "principal.box == { b: 1 }", "are not one type" },
	{ "elements are of one type", "[1, \"a\"].contains(1)",
	  "elements of a set: Long and String" },
	{ "contains asks for an element", "[1].contains(\"a\")", "elements of contains" },
	{ "containsAll for a set", "[1].containsAll(1)", "expected a set, this is Long" },
	{ "branches are of one type", "(if context has at then 1 else \"a\") == 1",
	  "branches of if: Long and String" },
	{ "an empty set has no type", "[] == principal.ids", "an empty set has no type" },
	{ "like is for text", "principal like \"a*\"", "expected String, this is User" },
	{ "in is for entities", "principal in \"Group\"",
	  "expected an entity or a set of entities" },
	{ "has is not for numbers", "context.ip has b", "expected an entity or a record" },
	{ "constructors take literals", "ip(principal.name).isIpv4()", "takes a string literal" },
	{ "that are good", "decimal(\"x\").lessThan(decimal(\"1.0\"))",
	  "'x' is not a valid decimal" },
	{ "and text", "decimal(1).lessThan(decimal(\"1.0\"))", "expected String, this is Long" },
	{ "methods have their receiver", "principal.isIpv4()", "expected ipaddr, this is User" },
	{ "types must be declared", "principal is Usr",
	  "there is no entity type Usr; did you mean User?" },
	{ "wherever they are named", "false && principal in Grup::\"a\"",
	  "there is no entity type Grup; did you mean Group?" },
	{ "actions too", "action == Action::\"opne\"",
	  "there is no action Action::'opne'; did you mean 'open'?" },
	{ "and ids of an enumeration", "resource is Door && resource.level == Level::\"hihg\"",
	  "'hihg' is not one of the ids of Level; did you mean 'high'?" },
};

static void bodies_are_typed(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(bodies); i++) {
		char text[512];
		struct validate_report r;
		struct err e = { 0 };
		const char *want = bodies[i].want;
		(void)snprintf(text, sizeof(text),
			       "permit (principal, action, resource) when { %s };", bodies[i].body);
		bool ok = validate(text, &r, &e);
		check(ok == (!want || !*want), bodies[i].says);
		if (!ok && !strstr(e.text, want))
			fail_msg("%s: got '%s'", bodies[i].says, e.text);
		if (ok)
			check(r.warning_count == (want ? 1 : 0), bodies[i].says);
	}
}

static const struct {
	const char *says, *text, *want;
} policies[] = {
	{ "a scope that fits",
	  "permit (principal == User::\"a\", action == Action::\"open\", resource in Room::\"r\");",
	  NULL },
	{ "a group of actions", "permit (principal, action in Action::\"all\", resource);", NULL },
	{ "a list of them",
	  "permit (principal, action in [Action::\"all\", Action::\"idle\"], resource);", NULL },
	{ "a type in the scope",
	  "permit (principal is User in Group::\"g\", action, resource is Door);", NULL },
	{ "what the scope says is known below",
	  "forbid (principal, action, resource is Door) when { resource.level == Level::\"low\" };",
	  NULL },
	{ "a guard in one condition serves the next",
	  "permit (principal, action, resource) when { principal has nick } "
	  "when { principal.nick == \"a\" };",
	  NULL },
	{ "unless is no guard",
	  "permit (principal, action, resource) unless { principal has nick } "
	  "when { principal.nick == \"a\" };",
	  "may be missing" },
	{ "a template", "permit (principal in ?principal, action, resource == ?resource);", NULL },
	{ "with a type", "permit (principal is User in ?principal, action, resource);", NULL },
	{ "a template is typed for all that may fill it",
	  "permit (principal == ?principal, action, resource in ?resource) when { resource.level "
	  "== "
	  "Level::\"low\" };",
	  "there is no attribute 'level' in Room" },
	{ "what holds for one resource must hold for all",
	  "permit (principal, action, resource) when { resource.level == Level::\"low\" };",
	  "there is no attribute 'level' in Room" },
	{ "an action that applies to nothing",
	  "permit (principal, action == Action::\"idle\", resource);",
	  "no action of the schema applies" },
	{ "a principal no action takes", "permit (principal is Door, action, resource);",
	  "no action of the schema applies" },
	{ "an empty list", "permit (principal, action in [], resource);",
	  "no action of the schema" },
	{ "an unknown action in a list",
	  "permit (principal, action in [Action::\"all\", Action::\"al\"], resource);",
	  "there is no action Action::'al'; did you mean 'all'?" },
	{ "an unknown type in the scope", "permit (principal in Grop::\"a\", action, resource);",
	  "there is no entity type Grop; did you mean Group?" },
	{ "an id that is none", "permit (principal, action, resource is Door in Level::\"x\");",
	  "'x' is not one of the ids of Level" },
};

static void policies_are_checked(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(policies); i++) {
		struct validate_report r;
		struct err e = { 0 };
		bool ok = validate(policies[i].text, &r, &e);
		check(ok == !policies[i].want, policies[i].says);
		if (!ok && !strstr(e.text, policies[i].want))
			fail_msg("%s: got '%s'", policies[i].says, e.text);
	}
}

static void a_report_names_every_place(void **state)
{
	(void)state;
	struct validate_report r;
	struct err e = { 0 };

	check(!validate("permit (principal, action, resource) when { true };\n"
			"permit (principal, action, resource)\n"
			"when { principal.nam == \"a\" && [1, \"a\"].contains(principal.nick) };\n"
			"permit (principal, action, resource) when { false };",
			&r, &e),
	      "two of three are wrong");
	check(r.error_count == 3 && r.warning_count == 1 && r.count == 4, "each once");
	check(str_starts(str_of(e.text), STR("p:3:8: ")), e.text);
	check(str_eqz(r.findings[0].policy, "policy1") && r.findings[0].pos.line == 3,
	      "policy and place are told");
	check(str_eqz(r.findings[0].where, "User, open, Door"), "and the request it went wrong on");
	check(r.findings[3].is_warning && str_eqz(r.findings[3].policy, "policy2"),
	      "what can never be is a warning");
}

static void links_are_checked_for_what_fills_them(void **state)
{
	(void)state;
	static const struct cedar_source source = {
		.name = STR_INIT("t"),
		.text = STR_INIT("permit (principal == ?principal, action, resource);")
	};
	struct validate_report r;
	struct err e = { 0 };
	const struct cedar_policy *tmpl, *good, *bad;
	const struct cedar_uid *user, *door, *ghost;

	assert_true(cedar_policy_parse(names, &source, STR("t"), mem, &tmpl, &e));
	assert_true(cedar_uid_parse(names, STR("User::\"a\""), mem, &user, &e));
	assert_true(cedar_uid_parse(names, STR("Door::\"a\""), mem, &door, &e));
	assert_true(cedar_uid_parse(names, STR("Usr::\"a\""), mem, &ghost, &e));
	const struct {
		const char *says;
		const struct cedar_uid *with;
		bool want;
	} rows[] = {
		{ "a user opens doors", user, true },
		{ "a door opens nothing", door, false },
		{ "nobody is a Usr", ghost, false },
	};
	for (size_t i = 0; i < countof(rows); i++) {
		assert_true(cedar_policy_link(tmpl, STR("l"), rows[i].with, NULL, mem, &good, &e));
		bad = good;
		const struct cedar_policies set = { &bad, 1, &tmpl, 1 };
		check(cedar_validate(schema, &set, mem, &r, &e) == rows[i].want, rows[i].says);
	}
}

/* P6: long chains and deep nesting end. */
static void size_is_no_weapon(void **state)
{
	(void)state;
	struct validate_report r;
	struct err e = { 0 };
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_puts(&b, STR("permit (principal, action, resource) when { true"));
	for (unsigned i = 0; i < 900; i++)
		buf_printf(&b, " && principal.hasTag(\"t%u\")", i);
	buf_puts(&b, STR(" && principal.getTag(\"t7\") == \"a\" };"));
	buf_putc(&b, '\0');
	check(validate((const char *)b.ptr, &r, &e), e.text);
	buf_clear(&b);
	for (unsigned i = 0; i < 1500; i++)
		buf_puts(&b, STR("permit (principal, action, resource) when { principal.x };\n"));
	buf_putc(&b, '\0');
	check(!validate((const char *)b.ptr, &r, &e), "all are wrong");
	check(r.error_count == 1500 && r.count == VALIDATE_FINDINGS_MAX,
	      "all are counted, not all kept");
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_are_typed),
		cmocka_unit_test(policies_are_checked),
		cmocka_unit_test(a_report_names_every_place),
		cmocka_unit_test(links_are_checked_for_what_fills_them),
		cmocka_unit_test(size_is_no_weapon),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
