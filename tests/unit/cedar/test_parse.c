/* test_parse.c - what is Cedar and what is not, as version 4.10 draws the line. */
#include "cedar/parse.h"

#include "test.h"

#include "base/buf.h"
#include "cedar/print.h"

struct bench {
	struct cedar_names *names;
	struct arena *mem;
};

static struct bench bench_new(void)
{
	return (struct bench){ cedar_names_new(), arena_new(64 << 20) };
}

static void bench_free(struct bench *b)
{
	arena_free(b->mem);
	cedar_names_free(b->names);
}

static bool parse_policies(struct bench *b, const char *text, struct cedar_policies *out,
			   struct err *e)
{
	const struct cedar_source source = { STR("t.cedar"), str_of(text) };

	*e = (struct err){ 0 };
	return cedar_policies_parse(b->names, &source, b->mem, out, e);
}

static bool parse_expr(struct bench *b, const char *text, const struct cedar_expr **out,
		       struct err *e)
{
	struct cedar_source *source = arena_alloc(b->mem, 1, sizeof(*source));

	*source = (struct cedar_source){ .text = str_of(text) };
	*e = (struct err){ 0 };
	return cedar_expr_parse(b->names, source, b->mem, out, e);
}

/* What an expression means, or "" when it is refused.  Printing adds no parentheses that the tree
 * does not need, so precedence shows. */
static const struct {
	const char *says, *text, *want;
} exprs[] = {
	{ "and binds tighter than or", "a || b && c", "" },
	{ "and binds tighter than or", "true || false && true", "true || false && true" },
	{ "parentheses that change nothing go", "true || (false && true)",
	  "true || false && true" },
	{ "parentheses that matter stay", "(true || false) && true", "(true || false) && true" },
	{ "and leans left", "true && (false && true)", "true && (false && true)" },
	{ "times binds tighter than plus", "1 + 2 * 3 - 4", "1 + 2 * 3 - 4" },
	{ "minus leans left", "1 - (2 - 3)", "1 - (2 - 3)" },
	{ "a sign belongs to its literal", "- 5 == --5", "-5 == --5" },
	{ "a sign before parentheses is an operator", "-(5)", "-(5)" },
	{ "four signs are the most", "!!!!true", "!!!!true" },
	{ "five are too many", "!!!!!true", "" },
	{ "five minus are too many", "-----1", "" },
	{ "mixed signs need parentheses", "!-1", "" },
	{ "the smallest integer", "-9223372036854775808", "-9223372036854775808" },
	{ "is not in parentheses", "-(9223372036854775808)", "" },
	{ "one more is too large", "-9223372036854775809", "" },
	{ "the largest integer", "9223372036854775807", "9223372036854775807" },
	{ "one more is too large", "9223372036854775808", "" },
	{ "far too large", "99999999999999999999999", "" },
	{ "comparisons do not chain", "1 < 2 < 3", "" },
	{ "nor do equalities", "1 == 2 == 3", "" },
	{ "unless in parentheses", "(1 < 2) == true", "(1 < 2) == true" },
	{ "has takes a name", "principal has a", "principal has a" },
	{ "has takes a string", "principal has \"b c\"", "principal has \"b c\"" },
	{ "has takes a path", "principal has a.b", "principal has a && principal.a has b" },
	{ "has takes no string path", "principal has \"a\".b", "" },
	{ "has takes no namespace", "principal has a::b", "" },
	{ "has takes no reserved word", "principal has if", "" },
	{ "a variable's name may be an attribute", "principal has principal",
	  "principal has principal" },
	{ "has does not chain", "principal has a == true", "" },
	{ "is takes a type", "principal is U::V", "principal is U::V" },
	{ "is may be followed by in", "principal is U in R::\"x\"", "principal is U in R::\"x\"" },
	{ "is takes no expression", "principal is (U)", "" },
	{ "is takes no reserved name", "principal is __cedar::U", "" },
	{ "like takes a pattern", "\"a\" like \"a*\\*\"", "\"a\" like \"a*\\*\"" },
	{ "like takes no expression", "\"a\" like (\"a\")", "" },
	{ "stars next to each other are one", "\"a\" like \"a**b*\"", "\"a\" like \"a*b*\"" },
	{ "if stands at the top", "if true then 1 else 2", "if true then 1 else 2" },
	{ "if needs parentheses inside", "true && if true then true else false", "" },
	{ "if swallows what follows", "if true then true else false && false",
	  "if true then true else false && false" },
	{ "no division", "1 / 2", "" },
	{ "no remainder", "1 % 2", "" },
	{ "no single equals sign", "1 = 1", "" },
	{ "an attribute by string is one by name", "principal[\"a\"].b", "principal.a.b" },
	{ "an attribute that is no name keeps its string", "principal[\"a b\"]",
	  "principal[\"a b\"]" },
	{ "an index is a string, not an expression", "principal[\"a\" + \"b\"]", "" },
	{ "a reserved word is no attribute", "principal.if", "" },
	{ "nor is __cedar", "principal.__cedar", "" },
	{ "any name may be an attribute of any value", "1.foo", "(1).foo" },
	{ "records take names and strings", "{a: 1, \"b c\": 2,}", "{a: 1, \"b c\": 2}" },
	{ "a key occurs once", "{a: 1, \"a\": 2}", "" },
	{ "a reserved word is no key", "{if: 1}", "" },
	{ "but a string may spell it", "{\"if\": 1}", "{\"if\": 1}" },
	{ "a set may end in a comma", "[1, 2,]", "[1, 2]" },
	{ "a set is not only a comma", "[,]", "" },
	{ "methods of sets count their arguments", "[1].contains(1, 2)", "" },
	{ "isEmpty takes none", "[1].isEmpty()", "[1].isEmpty()" },
	{ "isEmpty takes no argument", "[1].isEmpty(1)", "" },
	{ "extension functions are counted later", "ip()", "ip()" },
	{ "and so are extension methods", "principal.isIpv4(1, 2)", "principal.isIpv4(1, 2)" },
	{ "a method is no function", "contains(1)", "" },
	{ "a function is no method", "\"a\".ip()", "" },
	{ "there are no other functions", "foo(1)", "" },
	{ "functions have no namespace", "a::ip(\"::1\")", "" },
	{ "there are no other methods", "principal.foo()", "" },
	{ "variables are not called", "principal()", "" },
	{ "there are no other variables", "foo", "" },
	{ "entities have a type and a string", "U :: \"a\" == N::U::\"b\"",
	  "U::\"a\" == N::U::\"b\"" },
	{ "a type is not reserved", "N::in::\"a\"", "" },
	{ "a variable's name may be a type", "principal::\"a\"", "principal::\"a\"" },
	{ "entities are not records", "U::{a: 1}", "" },
	{ "slots stand in scopes only", "principal == ?principal", "" },
	{ "escapes of strings", "\"\\n\\t\\r\\\\\\0\\'\\\"\\x41\\u{1F600}\\u{4_1}\"",
	  "\"\\n\\t\\r\\\\\\0'\\\"A\xf0\x9f\x98\x80"
	  "A\"" },
	{ "hexadecimal escapes end at 7F", "\"\\x80\"", "" },
	{ "surrogates are no characters", "\"\\u{d800}\"", "" },
	{ "six digits at most", "\"\\u{0000041}\"", "" },
	{ "nothing past 10FFFF", "\"\\u{110000}\"", "" },
	{ "a star is escaped in patterns only", "\"\\*\"", "" },
	{ "there are no other escapes", "\"\\q\"", "" },
	{ "strings may span lines", "\"a\nb\"", "\"a\\nb\"" },
	{ "strings end", "\"abc", "" },
	{ "comments end with the line", "1 // one\n+ 2", "1 + 2" },
	{ "spaces of any script are spaces",
	  "1\xc2\xa0+\xe3\x80\x80"
	  "2",
	  "1 + 2" },
	{ "nothing follows", "1 2", "" },
	{ "nothing is no expression", "", "" },
	{ "bytes that are not UTF-8 are refused", "\"\xff\"", "" },
};

static void expressions_mean_what_cedar_says(void **state)
{
	struct bench b = bench_new();

	(void)state;
	for (size_t i = 0; i < countof(exprs); i++) {
		const struct cedar_expr *expr;
		struct err e;
		struct buf out;
		buf_init(&out, 4096);
		bool ok = parse_expr(&b, exprs[i].text, &expr, &e);
		if (ok)
			cedar_expr_print(&out, b.names, expr);
		if (!str_eqz(buf_str(&out), exprs[i].want))
			fail_msg("%s: %s => " STR_FMT " (%s)", exprs[i].says, exprs[i].text,
				 STR_ARG(buf_str(&out)), e.text);
		check(ok || e.kind == ERR_INPUT, exprs[i].says);
		buf_done(&out);
	}
	bench_free(&b);
}

static const struct {
	const char *says, *text;
	int want; /* policies and templates; -1: refused */
} sets[] = {
	{ "an empty file is an empty set (P7)", "", 0 },
	{ "comments are not policies", "// nothing\n", 0 },
	{ "a scope without limits", "permit(principal, action, resource);", 1 },
	{ "a comma may end the scope", "permit(principal, action, resource,);", 1 },
	{ "all scopes",
	  "forbid(principal is A::B in G::\"g\", action in [Action::\"a\", N::Action::\"b\"], "
	  "resource == R::\"r\") when { true } unless { false };",
	  1 },
	{ "parentheses around a scope's entity",
	  "permit(principal == ((U::\"a\")), action == (Action::\"a\"), resource);", 1 },
	{ "templates count too",
	  "permit(principal == ?principal, action, resource in ?resource);"
	  "permit(principal is T in ?principal, action, resource);",
	  2 },
	{ "an empty list of actions", "permit(principal, action in [], resource);", 1 },
	{ "annotations with and without a value, any word as key",
	  "@id(\"a\") @if @b(\"\\n\") permit(principal, action, resource);", 1 },
	{ "an annotation occurs once", "@a @a permit(principal, action, resource);", -1 },
	{ "an annotation is a string", "@a(1) permit(principal, action, resource);", -1 },
	{ "a slot fits its scope", "permit(principal == ?resource, action, resource);", -1 },
	{ "actions have no slot", "permit(principal, action == ?action, resource);", -1 },
	{ "slots stand in scopes only",
	  "permit(principal == ?principal, action, resource) when { ?principal == 1 };", -1 },
	{ "is and == do not go together", "permit(principal is T == U::\"a\", action, resource);",
	  -1 },
	{ "actions have no is", "permit(principal, action is Action, resource);", -1 },
	{ "an action's type is Action", "permit(principal, action == U::\"a\", resource);", -1 },
	{ "a list is for in", "permit(principal, action == [Action::\"a\"], resource);", -1 },
	{ "a list is for actions", "permit(principal in [U::\"a\"], action, resource);", -1 },
	{ "types do not follow a colon", "permit(principal: T, action, resource);", -1 },
	{ "the order is fixed", "permit(action, principal, resource);", -1 },
	{ "three of them", "permit(principal, action);", -1 },
	{ "not four", "permit(principal, action, resource, context);", -1 },
	{ "a clause is not empty", "permit(principal, action, resource) when { };", -1 },
	{ "a policy ends", "permit(principal, action, resource)", -1 },
	{ "one semicolon ends it", "permit(principal, action, resource);;", -1 },
	{ "an effect is permit or forbid", "allow(principal, action, resource);", -1 },
	{ "one bad policy refuses the file",
	  "permit(principal, action, resource); permit(principal);", -1 },
};

static void sets_parse_whole_or_not_at_all(void **state)
{
	struct bench b = bench_new();

	(void)state;
	for (size_t i = 0; i < countof(sets); i++) {
		struct cedar_policies out;
		struct err e;
		bool ok = parse_policies(&b, sets[i].text, &out, &e);
		int got = ok ? (int)(out.count + out.template_count) : -1;
		if (got != sets[i].want)
			fail_msg("%s: %d (%s)", sets[i].says, got, e.text);
	}
	bench_free(&b);
}

static const struct {
	const char *text, *want, *hint;
} errors[] = {
	{ "permit(principal, action, resource)\nwhen { principal.ok };\npermt(principal, action, "
	  "resource);",
	  "t.cedar:3:1: expected permit or forbid, found `permt`", "did you mean `permit`?" },
	{ "permit(principal, action, resource) when { pricipal.ok };",
	  "t.cedar:1:44: `pricipal` is not a variable: expected principal, action, resource or "
	  "context",
	  "did you mean `principal`?" },
	{ "permit(principal, action, resource) when { [1].containsall([1]) };",
	  "t.cedar:1:48: `containsall` is not a method", "did you mean `containsAll`?" },
	{ "permit(principal, action, resource) when { dceimal(\"1.0\") == 1 };",
	  "t.cedar:1:44: `dceimal` is not a function", "did you mean `decimal`?" },
	{ "permit(principal, action, resource)\n\twen { true };",
	  "t.cedar:2:2: expected when, unless or `;`, found `wen`", "did you mean `when`?" },
	{ "permit(principal, action, resource) when { 1 = 1 };",
	  "t.cedar:1:46: `=` is not an operator of Cedar", "did you mean `==`?" },
	{ "permit(principal, action, resource) when { true",
	  "t.cedar:1:48: expected `}`, found the end", "" },
	{ "permit(principal, action, resource) when { # };",
	  "t.cedar:1:44: unexpected character 0x23", "" },
};

static void errors_name_place_and_remedy(void **state)
{
	struct bench b = bench_new();

	(void)state;
	for (size_t i = 0; i < countof(errors); i++) {
		struct cedar_policies out;
		struct err e;
		check(!parse_policies(&b, errors[i].text, &out, &e), errors[i].text);
		assert_string_equal(e.text, errors[i].want);
		assert_string_equal(e.hint, errors[i].hint);
	}
	bench_free(&b);
}

/* R8: nesting is refused cleanly, far from the end of the stack. */
static void nesting_has_a_cap(void **state)
{
	static const struct {
		const char *open, *middle, *close;
		int levels;
		bool want;
	} nests[] = {
		{ "(", "1", ")", 900, true },
		{ "(", "1", ")", 1100, false },
		{ "[", "1", "]", 900, true },
		{ "[", "1", "]", 100000, false },
		{ "{a:", "1", "}", 900, true },
		{ "{a:", "1", "}", 100000, false },
		{ "true&&", "true", "", 900, true },
		{ "true&&", "true", "", 100000, false },
		{ "!(", "true", ")", 100000, false },
		{ "ip(", "1", ")", 100000, false },
		{ "if true then 1 else ", "1", "", 900, true },
		{ "if true then 1 else ", "1", "", 100000, false },
		{ "", "1", ".a", 900, true },
		{ "", "1", ".a", 100000, false },
	};
	struct bench b = bench_new();

	(void)state;
	for (size_t i = 0; i < countof(nests); i++) {
		const struct cedar_expr *expr;
		struct err e;
		struct buf text;
		buf_init(&text, 8 << 20);
		for (int n = 0; n < nests[i].levels; n++)
			(void)buf_puts(&text, str_of(nests[i].open));
		(void)buf_puts(&text, str_of(nests[i].middle));
		for (int n = 0; n < nests[i].levels; n++)
			(void)buf_puts(&text, str_of(nests[i].close));
		(void)buf_putc(&text, '\0');
		bool ok = parse_expr(&b, (const char *)text.ptr, &expr, &e);
		if (ok != nests[i].want)
			fail_msg("%s x %d: %s", nests[i].open, nests[i].levels, e.text);
		buf_done(&text);
	}
	bench_free(&b);
}

static void a_full_arena_is_an_error(void **state)
{
	struct bench b = { cedar_names_new(), arena_new(1024) };
	const char *text = "permit(principal, action, resource) when { [1,2,3,4,5,6,7,8,9,0,1,2,3,"
			   "4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9] == [] };";
	struct cedar_policies out;
	struct err e;

	(void)state;
	check(!parse_policies(&b, text, &out, &e), "it does not fit");
	check(strstr(e.text, "too large") != NULL, "and says so");
	bench_free(&b);
}

static void templates_are_linked(void **state)
{
	struct bench b = bench_new();
	struct cedar_policies set;
	const struct cedar_policy *link, *tmpl;
	const struct cedar_uid *alice;
	struct err e;

	(void)state;
	check(parse_policies(&b, "permit(principal is U in ?principal, action, resource);", &set,
			     &e) &&
		      set.template_count == 1,
	      "a template");
	tmpl = set.templates[0];
	check(cedar_uid_parse(b.names, STR("U::\"alice\""), b.mem, &alice, &e), "a uid");
	check(cedar_policy_link(tmpl, STR("l"), alice, NULL, b.mem, &link, &e), "it links");
	check(link->slots == 0 && link->principal.uid == alice && !link->principal.is_slot &&
		      link->principal.kind == CEDAR_SCOPE_IS_IN && link->template_of == tmpl,
	      "the slot is filled");
	check(tmpl->principal.is_slot && tmpl->slots == CEDAR_SLOT_PRINCIPAL,
	      "the template is as before");
	check(!cedar_policy_link(tmpl, STR("l"), NULL, NULL, b.mem, &link, &e),
	      "a slot is not left open");
	check(!cedar_policy_link(tmpl, STR("l"), alice, alice, b.mem, &link, &e),
	      "nothing is filled that is no slot");
	bench_free(&b);
}

static void ids_come_from_the_file_or_the_annotation(void **state)
{
	struct bench b = bench_new();
	struct cedar_policies set, named, joined;
	struct err e;

	(void)state;
	check(parse_policies(&b,
			     "@id(\"a\") permit(principal, action, resource);"
			     "forbid(principal == ?principal, action, resource);"
			     "permit(principal, action, resource);",
			     &set, &e),
	      "three");
	check(str_eqz(set.policies[0]->id, "policy0") && str_eqz(set.policies[1]->id, "policy2") &&
		      str_eqz(set.templates[0]->id, "policy1"),
	      "numbered in file order, templates included");
	check(cedar_policies_rename(&set, b.mem, &named, &e) &&
		      str_eqz(named.policies[0]->id, "a") &&
		      str_eqz(named.policies[1]->id, "policy2"),
	      "@id renames");
	check(!cedar_policies_join(&set, &set, b.mem, &joined, &e), "one id is one policy");
	check(cedar_policies_parse(
		      b.names,
		      &(struct cedar_source){ .text = STR("@id(\"x\") permit(principal, "
							  "action, resource); @id(\"x\") "
							  "permit(principal, action, "
							  "resource);") },
		      b.mem, &set, &e) &&
		      !cedar_policies_rename(&set, b.mem, &named, &e),
	      "also after renaming");
	bench_free(&b);
}

RUN_TESTS(cmocka_unit_test(expressions_mean_what_cedar_says),
	  cmocka_unit_test(sets_parse_whole_or_not_at_all),
	  cmocka_unit_test(errors_name_place_and_remedy), cmocka_unit_test(nesting_has_a_cap),
	  cmocka_unit_test(a_full_arena_is_an_error), cmocka_unit_test(templates_are_linked),
	  cmocka_unit_test(ids_come_from_the_file_or_the_annotation))
