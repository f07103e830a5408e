/* test_format.c - the one layout: stable, and nothing lost. */
#include "cedar/format.h"

#include "test.h"

static const struct {
	const char *says, *text, *want;
} cases[] = {
	{ "nothing stays nothing", "", "" },
	{ "a file of comments", "\n\n// a\n// b\n\n\n// c\n\n", "// a\n// b\n\n// c\n" },
	{ "what fits is a line each",
	  "@id( \"x\" )permit( principal,action,resource )when{true}unless{1+2*-3==- 4};",
	  "@id(\"x\")\npermit (principal, action, resource)\nwhen { true }\nunless { 1 + 2 * -3 == "
	  "-4 "
	  "};\n" },
	{ "a blank line between policies",
	  "permit(principal,action,resource);permit(principal,action,resource);\n\n\n// of the "
	  "third\npermit(principal,action,resource);",
	  "permit (principal, action, resource);\n\npermit (principal, action, resource);\n\n// of "
	  "the "
	  "third\npermit (principal, action, resource);\n" },
	{ "a trailing comment stays with its policy",
	  "permit(principal,action,resource); // one\npermit(principal,action,resource); // two",
	  "permit (principal, action, resource); // one\n\npermit (principal, action, resource); "
	  "// "
	  "two\n" },
	{ "a long scope is a line each",
	  "permit(principal in UserGroup::\"aaaaaaaaaaaaaaaa\",action == "
	  "Action::\"bbbbbbbbbbbbbbb\","
	  "resource is Photo in Album::\"ccccc\",);",
	  "permit (\n    principal in UserGroup::\"aaaaaaaaaaaaaaaa\",\n    action == "
	  "Action::\"bbbbbbbbbbbbbbb\",\n    resource is Photo in Album::\"ccccc\"\n);\n" },
	{ "a long condition breaks at its loosest operator",
	  "permit(principal,action,resource) when { principal.aaaaaaaaaaaaaaaaaaaaaaaa == 1 && "
	  "(resource.bbbbbbbbbbbb like \"x*\" || context has c.d) };",
	  "permit (principal, action, resource)\nwhen {\n    principal.aaaaaaaaaaaaaaaaaaaaaaaa == "
	  "1 "
	  "&&\n    (resource.bbbbbbbbbbbb like \"x*\" || context has c.d)\n};\n" },
	{ "a comment breaks the line it stands on, and moves past an operator",
	  "permit(principal,action,resource) when { true // yes\n&& false };",
	  "permit (principal, action, resource)\nwhen {\n    true && // yes\n    false\n};\n" },
	{ "a comment before a bracket stays inside",
	  "permit(principal,action,resource) when { [1, // one\n2, // two\n].isEmpty() // no\n// "
	  "end\n};",
	  "permit (principal, action, resource)\nwhen {\n    [\n        1, // one\n        2 // "
	  "two\n    "
	  "].isEmpty() // no\n    // end\n};\n" },
	{ "records and indexes",
	  "permit(principal,action,resource) when { {a:1,\"b c\":[ ],}[\"b c\"].contains( - 1 ) };",
	  "permit (principal, action, resource)\nwhen { {a: 1, \"b c\": []}[\"b c\"].contains(-1) "
	  "};\n" },
	{ "a minus between operands is an operator",
	  "permit(principal,action,resource) when { principal.a-1 == [1].b-(-1) };",
	  "permit (principal, action, resource)\nwhen { principal.a - 1 == [1].b - (-1) };\n" },
	{ "spelling stays", "permit(principal,action,resource) when { \"\\u{41}\" == ((\"A\")) };",
	  "permit (principal, action, resource)\nwhen { \"\\u{41}\" == ((\"A\")) };\n" },
};

static void format(const char *says, struct str text, struct buf *out)
{
	auto_arena struct arena *mem = arena_new(1 << 20);
	const struct cedar_source source = { .text = text };
	struct err e = { 0 };

	buf_init(out, 8192);
	if (!cedar_format(&source, mem, out, &e))
		fail_msg("%s: %s", says, e.text);
}

static void layout_is_one_and_stable(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct buf once, twice;
		format(cases[i].says, str_of(cases[i].text), &once);
		if (!str_eqz(buf_str(&once), cases[i].want))
			fail_msg("%s:\n" STR_FMT, cases[i].says, STR_ARG(buf_str(&once)));
		format(cases[i].says, buf_str(&once), &twice);
		check(str_eq(buf_str(&once), buf_str(&twice)), cases[i].says);
		buf_done(&once);
		buf_done(&twice);
	}
}

static void what_does_not_parse_is_not_touched(void **state)
{
	auto_arena struct arena *mem = arena_new(1 << 20);
	const struct cedar_source source = { STR("p.cedar"), STR("permit(principal, action);") };
	struct err e = { 0 };
	struct buf out;

	(void)state;
	buf_init(&out, 8192);
	check(!cedar_format(&source, mem, &out, &e) && out.len == 0, "nothing is written");
	assert_string_equal(e.text, "p.cedar:1:25: expected `,`, found `)`");
	buf_done(&out);
}

RUN_TESTS(cmocka_unit_test(layout_is_one_and_stable),
	  cmocka_unit_test(what_does_not_parse_is_not_touched))
