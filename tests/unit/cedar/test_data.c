/* test_data.c - entities, contexts and policies in JSON: what is taken, what it means. */
#include "cedar/data.h"

#include "test.h"

#include "base/buf.h"
#include "cedar/est.h"
#include "cedar/parse.h"

static const char schema_text[] =
	"entity U { e?: U, i?: ipaddr, t?: String };"
	"action b appliesTo { principal: U, resource: U, context: { e?: U, i?: ipaddr, s?: Set<U>,"
	" r?: { a: Long, b?: datetime }, d?: decimal, x?: String, dt?: datetime, n?: duration } };"
	"action c in [b] appliesTo { principal: U, resource: U };";

struct bench {
	struct cedar_reader r;
	struct cedar_reader with_schema;
};

static struct bench bench_new(void)
{
	const struct schema_source source = { STR("s"),
					      { schema_text, sizeof(schema_text) - 1 },
					      SCHEMA_CEDAR };
	struct bench b = { .r = { .names = cedar_names_new(), .mem = arena_new(16 << 20) } };
	struct err e = { 0 };

	b.with_schema = b.r;
	b.with_schema.schema = schema_read(&source, 1, b.r.names, b.r.mem, &e);
	check(b.with_schema.schema != NULL, e.text);
	return b;
}

static void bench_free(struct bench *b)
{
	arena_free(b->r.mem);
	cedar_names_free(b->r.names);
}

static const struct cedar_json *json_of(struct bench *b, const char *text, struct err *e)
{
	struct cedar_source *source = arena_alloc(b->r.mem, 1, sizeof(*source));
	const struct cedar_json *json;

	*source = (struct cedar_source){ STR("j"), str_of(text) };
	*e = (struct err){ 0 };
	return cedar_json_parse(source, b->r.mem, &json, e) ? json : NULL;
}

/* What a context says, as Cedar text; "" is a refusal. */
static const struct {
	bool has_schema;
	const char *says, *text, *want;
} contexts[] = {
	{ false, "plain values", "{\"a\":[1,\"x\",true,1],\"b\":{\"c\":-5}}",
	  "{\"a\": [true, 1, \"x\"], \"b\": {\"c\": -5}}" },
	{ false, "integers are exact", "{\"a\":[9007199254740993,-9223372036854775808]}",
	  "{\"a\": [-9223372036854775808, 9007199254740993]}" },
	{ false, "beyond 64 bits there are none", "{\"a\":9223372036854775808}", "" },
	{ false, "no reals", "{\"a\":1.5}", "" },
	{ false, "not even whole ones", "{\"a\":1.0}", "" },
	{ false, "no null", "{\"a\":null}", "" },
	{ false, "an entity", "{\"a\":{\"__entity\":{\"type\":\"N::A\",\"id\":\"b\"}}}",
	  "{\"a\": N::A::\"b\"}" },
	{ false, "an escape stands alone",
	  "{\"a\":{\"__entity\":{\"type\":\"A\",\"id\":\"b\"},\"x\":1}}",
	  "{\"a\": {\"__entity\": {\"type\": \"A\", \"id\": \"b\"}, \"x\": 1}}" },
	{ false, "and holds what it should", "{\"a\":{\"__entity\":5}}",
	  "{\"a\": {\"__entity\": 5}}" },
	{ false, "a type is a name", "{\"a\":{\"__entity\":{\"type\":\"A B\",\"id\":\"b\"}}}", "" },
	{ false, "written without spaces",
	  "{\"a\":{\"__entity\":{\"type\":\"A:: B\",\"id\":\"b\"}}}", "" },
	{ false, "and not reserved",
	  "{\"a\":{\"__entity\":{\"type\":\"__cedar::A\",\"id\":\"b\"}}}", "" },
	{ false, "without a schema type and id are a record",
	  "{\"a\":{\"type\":\"A\",\"id\":\"b\"}}", "{\"a\": {\"type\": \"A\", \"id\": \"b\"}}" },
	{ false, "an extension value", "{\"a\":{\"__extn\":{\"fn\":\"ip\",\"arg\":\"::1\"}}}",
	  "{\"a\": ip(\"::1\")}" },
	{ false, "with its arguments in a list",
	  "{\"a\":{\"__extn\":{\"fn\":\"ip\",\"args\":[\"::1\"]}}}", "{\"a\": ip(\"::1\")}" },
	{ false, "or two of them",
	  "{\"a\":{\"__extn\":{\"fn\":\"offset\",\"args\":[{\"__extn\":{\"fn\":\"datetime\","
	  "\"arg\":"
	  "\"1970-01-01\"}},{\"__extn\":{\"fn\":\"duration\",\"arg\":\"1d\"}}]}}}",
	  "{\"a\": datetime(\"1970-01-02\")}" },
	{ false, "too many", "{\"a\":{\"__extn\":{\"fn\":\"ip\",\"args\":[\"::1\",\"::1\"]}}}",
	  "" },
	{ false, "a bad one", "{\"a\":{\"__extn\":{\"fn\":\"ip\",\"arg\":\"x\"}}}", "" },
	{ false, "of no known function", "{\"a\":{\"__extn\":{\"fn\":\"no\",\"arg\":\"x\"}}}", "" },
	{ false, "of the wrong kind", "{\"a\":{\"__extn\":{\"fn\":\"ip\",\"arg\":5}}}", "" },
	{ false, "expressions are no data", "{\"a\":{\"__expr\":\"1\"}}", "" },
	{ false, "a context is a record", "[]", "" },
	{ false, "not an entity", "{\"__entity\":{\"type\":\"A\",\"id\":\"b\"}}", "" },
	{ false, "members occur once", "{\"a\":1,\"a\":2}", "" },
	{ false, "NUL is a character like others", "{\"\\u0000\":\"\\u0000\"}",
	  "{\"\\0\": \"\\0\"}" },
	{ false, "half a pair is none", "{\"a\":\"\\ud800\"}", "" },
	{ false, "a pair is one", "{\"a\":\"\\ud83d\\ude00\"}", "{\"a\": \"\xf0\x9f\x98\x80\"}" },
	{ false, "nothing follows", "{} {}", "" },
	{ true, "an entity without its escape", "{\"e\":{\"type\":\"U\",\"id\":\"b\"}}",
	  "{\"e\": U::\"b\"}" },
	{ true, "or with", "{\"e\":{\"__entity\":{\"type\":\"U\",\"id\":\"b\"}}}",
	  "{\"e\": U::\"b\"}" },
	{ true, "not as text", "{\"e\":\"U::\\\"b\\\"\"}", "" },
	{ true, "an address by its text", "{\"i\":\"1.1.1.1/8\"}", "{\"i\": ip(\"1.1.1.1/8\")}" },
	{ true, "or by its call", "{\"i\":{\"fn\":\"ip\",\"arg\":\"::1\"}}",
	  "{\"i\": ip(\"::1\")}" },
	{ true, "not by a number", "{\"i\":5}", "" },
	{ true, "all the types",
	  "{\"d\":\"1.50\",\"dt\":\"2024-01-01\",\"n\":\"90m\",\"s\":[{\"type\":\"U\",\"id\":\"a\"}"
	  "],"
	  "\"r\":{\"a\":1,\"b\":\"2024-01-01T00:00:00Z\"}}",
	  "{\"d\": decimal(\"1.5\"), \"dt\": datetime(\"2024-01-01\"), \"n\": duration(\"1h30m\"), "
	  "\"s\": [U::\"a\"], \"r\": {\"a\": 1, \"b\": datetime(\"2024-01-01\")}}" },
	{ true, "a set is a list", "{\"s\":{}}", "" },
	{ true, "what is required is there", "{\"r\":{}}", "" },
	{ true, "what is not declared is not", "{\"zz\":1}", "" },
	{ true, "nor inside", "{\"r\":{\"a\":1,\"c\":1}}", "" },
	{ true, "plain types are the validator's", "{\"x\":5}", "{\"x\": 5}" },
};

/* The value a literal expression stands for: of records and sets, calls and literals only. */
static struct cedar_value value_of(struct bench *b, const struct cedar_expr *expr)
{
	struct cedar_value items[8], out = { 0 };
	struct err e;

	if (expr->op == CEDAR_OP_LIT)
		return expr->lit;
	for (uint32_t i = 0; i < expr->count; i++)
		items[i] = value_of(b, expr->args[i]);
	if (expr->op == CEDAR_OP_CALL)
		check(cedar_ext_make(expr->fn, cedar_value_text(items[0]), b->r.mem, &out, &e),
		      e.text);
	else if (expr->op == CEDAR_OP_SET)
		out = (struct cedar_value){ .kind = CEDAR_SET,
					    .set = cedar_set_new(b->r.mem, items, expr->count) };
	else
		out = (struct cedar_value){ .kind = CEDAR_RECORD,
					    .record = cedar_record_new(b->r.mem, expr->keys, items,
								       expr->count) };
	return out;
}

static void check_context(struct bench *b, size_t i)
{
	const struct cedar_reader *r = contexts[i].has_schema ? &b->with_schema : &b->r;
	const struct cedar_source source = { .text = str_of(contexts[i].want) };
	const struct cedar_record *record;
	const struct cedar_uid *action;
	const struct cedar_expr *want;
	struct err e;

	check(cedar_uid_parse(b->r.names, STR("Action::\"b\""), b->r.mem, &action, &e), "b");
	const struct cedar_json *json = json_of(b, contexts[i].text, &e);
	bool ok = json && cedar_context_read(r, json, action, &record, &e);
	check(ok == (contexts[i].want[0] != 0), contexts[i].says);
	check(ok || e.kind == ERR_INPUT, contexts[i].says);
	if (!ok)
		return;
	struct cedar_value got = { .kind = CEDAR_RECORD, .record = record };
	check(cedar_expr_parse(b->r.names, &source, b->r.mem, &want, &e), contexts[i].says);
	check(cedar_value_eq(got, value_of(b, want)), contexts[i].says);
}

static void contexts_say_what_cedar_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(contexts); i++) {
		struct bench b = bench_new();
		check_context(&b, i);
		bench_free(&b);
	}
}

static const struct {
	bool has_schema;
	const char *says, *text;
	int want; /* entities in the store; -1: refused */
} lists[] = {
	{ false, "none", "[]", 0 },
	{ false, "the same twice is one",
	  "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"t\":\"x\"},\"parents\":[]},"
	  "{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"t\":\"x\"},\"parents\":[]}]",
	  1 },
	{ false, "twice and different",
	  "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"t\":\"x\"},\"parents\":[]},"
	  "{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{},\"parents\":[]}]",
	  -1 },
	{ false, "its own parent",
	  "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{},\"parents\":[{\"type\":\"U\","
	  "\"id\":"
	  "\"a\"}]}]",
	  -1 },
	{ false, "a ring of parents",
	  "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{},\"parents\":[{\"type\":\"U\","
	  "\"id\":"
	  "\"b\"}]},{\"uid\":{\"type\":\"U\",\"id\":\"b\"},\"attrs\":{},\"parents\":[{\"type\":"
	  "\"U\",\"id\":\"a\"}]}]",
	  -1 },
	{ false, "attributes are named", "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"parents\":[]}]",
	  -1 },
	{ false, "and parents", "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{}}]", -1 },
	{ false, "a uid is not text", "[{\"uid\":\"U\",\"attrs\":{},\"parents\":[]}]", -1 },
	{ false, "a list of them", "{}", -1 },
	{ false, "only actions stand above actions",
	  "[{\"uid\":{\"type\":\"Action\",\"id\":\"a\"},\"attrs\":{},\"parents\":[{\"type\":"
	  "\"U\",\"id\":\"b\"}]}]",
	  -1 },
	{ true, "the schema's actions come with it", "[]", 2 },
	{ true, "an action may be repeated",
	  "[{\"uid\":{\"type\":\"Action\",\"id\":\"c\"},\"attrs\":{},\"parents\":[{\"type\":"
	  "\"Action\",\"id\":\"b\"}]}]",
	  2 },
	{ true, "not changed",
	  "[{\"uid\":{\"type\":\"Action\",\"id\":\"c\"},\"attrs\":{},\"parents\":[]}]", -1 },
	{ true, "nor invented",
	  "[{\"uid\":{\"type\":\"Action\",\"id\":\"z\"},\"attrs\":{},\"parents\":[]}]", -1 },
	{ true, "types are the schema's",
	  "[{\"uid\":{\"type\":\"V\",\"id\":\"a\"},\"attrs\":{},\"parents\":[]}]", -1 },
	{ true, "attributes too",
	  "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"zz\":1},\"parents\":[]}]", -1 },
	{ true, "implicit forms",
	  "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"e\":{\"type\":\"U\",\"id\":\"b\"},"
	  "\"i\":\"::1\"},\"parents\":[]}]",
	  3 },
};

static void entities_are_stored_or_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(lists); i++) {
		struct bench b = bench_new();
		struct cedar_entities *store = cedar_entities_new();
		struct err e;
		const struct cedar_json *json = json_of(&b, lists[i].text, &e);
		bool ok = json && cedar_entities_read(lists[i].has_schema ? &b.with_schema : &b.r,
						      json, store, &e);
		int got = ok ? (int)cedar_entities_count(store) : -1;
		if (got != lists[i].want)
			fail_msg("%s: %d (%s)", lists[i].says, got, e.text);
		cedar_entities_free(store);
		bench_free(&b);
	}
}

/* Policy text, and its JSON as Cedar writes it. */
static const struct {
	const char *text, *json;
} policies[] = {
	{ "@a @b(\"x\") permit(principal == U::\"a\", action in [Action::\"x\"], resource is T) "
	  "when "
	  "{ true } unless { !false };",
	  "{\"effect\":\"permit\",\"principal\":{\"op\":\"==\",\"entity\":{\"type\":\"U\",\"id\":"
	  "\"a\"}},\"action\":{\"op\":\"in\",\"entity\":{\"type\":\"Action\",\"id\":\"x\"}},"
	  "\"resource\":{\"op\":\"is\",\"entity_type\":\"T\"},\"conditions\":[{\"kind\":\"when\","
	  "\"body\":{\"Value\":true}},{\"kind\":\"unless\",\"body\":{\"!\":{\"arg\":{\"Value\":"
	  "false}}"
	  "}}],\"annotations\":{\"a\":null,\"b\":\"x\"}}" },
	{ "forbid(principal in ?principal, action == N::Action::\"x\", resource is T in "
	  "?resource);",
	  "{\"effect\":\"forbid\",\"principal\":{\"op\":\"in\",\"slot\":\"?principal\"},\"action\":"
	  "{"
	  "\"op\":\"==\",\"entity\":{\"type\":\"N::Action\",\"id\":\"x\"}},\"resource\":{\"op\":"
	  "\"is\","
	  "\"entity_type\":\"T\",\"in\":{\"slot\":\"?resource\"}},\"conditions\":[]}" },
	{ "permit(principal, action, resource) when { principal has a.b && -5 - -(5) == 1 };",
	  "{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},"
	  "\"resource\":{\"op\":\"All\"},\"conditions\":[{\"kind\":\"when\",\"body\":{\"&&\":{"
	  "\"left\":"
	  "{\"&&\":{\"left\":{\"has\":{\"left\":{\"Var\":\"principal\"},\"attr\":\"a\"}},\"right\":"
	  "{"
	  "\"has\":{\"left\":{\".\":{\"left\":{\"Var\":\"principal\"},\"attr\":\"a\"}},\"attr\":"
	  "\"b\"}}"
	  "}},\"right\":{\"==\":{\"left\":{\"-\":{\"left\":{\"Value\":-5},\"right\":{\"neg\":{"
	  "\"arg\":"
	  "{\"Value\":5}}}}},\"right\":{\"Value\":1}}}}}}]}" },
	{ "permit(principal, action, resource) when { \"a\" like \"ab*\\*\" };",
	  "{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},"
	  "\"resource\":{\"op\":\"All\"},\"conditions\":[{\"kind\":\"when\",\"body\":{\"like\":{"
	  "\"left\":{\"Value\":\"a\"},\"pattern\":[{\"Literal\":\"a\"},{\"Literal\":\"b\"},"
	  "\"Wildcard\",{\"Literal\":\"*\"}]}}}]}" },
	{ "permit(principal, action, resource) when { ip(\"::1\").isInRange(context.a) || {\"b "
	  "c\": "
	  "[1]}.a is U in U::\"x\" };",
	  "{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},"
	  "\"resource\":{\"op\":\"All\"},\"conditions\":[{\"kind\":\"when\",\"body\":{\"||\":{"
	  "\"left\":"
	  "{\"isInRange\":[{\"ip\":[{\"Value\":\"::1\"}]},{\".\":{\"left\":{\"Var\":\"context\"},"
	  "\"attr\":\"a\"}}]},\"right\":{\"is\":{\"left\":{\".\":{\"left\":{\"Record\":{\"b c\":{"
	  "\"Set\":[{\"Value\":1}]}}},\"attr\":\"a\"}},\"entity_type\":\"U\",\"in\":{\"Value\":{"
	  "\"__entity\":{\"type\":\"U\",\"id\":\"x\"}}}}}}}}]}" },
};

static void policies_are_the_same_in_json(void **state)
{
	struct bench b = bench_new();

	(void)state;
	for (size_t i = 0; i < countof(policies); i++) {
		const struct cedar_source source = { .text = str_of(policies[i].text) };
		const struct cedar_policy *from_text, *from_json;
		struct buf json;
		struct err e;
		buf_init(&json, 8192);
		check(cedar_policy_parse(b.r.names, &source, STR("p"), b.r.mem, &from_text, &e),
		      policies[i].text);
		cedar_policy_json(&json, b.r.names, from_text);
		if (!str_eqz(buf_str(&json), policies[i].json))
			fail_msg("%s => " STR_FMT, policies[i].text, STR_ARG(buf_str(&json)));
		check(cedar_policy_read(b.r.names, json_of(&b, policies[i].json, &e), STR("p"),
					b.r.mem, &from_json, &e),
		      e.text);
		buf_clear(&json);
		cedar_policy_json(&json, b.r.names, from_json);
		check(str_eqz(buf_str(&json), policies[i].json), "and back");
		buf_done(&json);
	}
	bench_free(&b);
}

#define ALL                                                                                        \
	"\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":\"All\"}"
#define WHEN(body)                                                                                 \
	"{\"staticPolicies\":{\"p\":{\"effect\":\"permit\"," ALL                                   \
	",\"conditions\":[{\"kind\":\"when\",\"body\":" body "}]}}}"
#define TEMPLATE                                                                                   \
	"\"templates\":{\"t\":{\"effect\":\"permit\",\"principal\":{\"op\":\"==\",\"slot\":"       \
	"\"?principal\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":\"All\"},"               \
	"\"conditions\":[]}}"

static const struct {
	const char *says, *text;
	int want; /* policies and links; -1: refused */
} json_sets[] = {
	{ "nothing is a set", "{}", 0 },
	{ "a policy", WHEN("{\"Value\":true}"), 1 },
	{ "a path", WHEN("{\"has\":{\"left\":{\"Var\":\"context\"},\"attr\":[\"a\",\"b\"]}}"), 1 },
	{ "any attribute", WHEN("{\".\":{\"left\":{\"Var\":\"context\"},\"attr\":\"if\"}}"), 1 },
	{ "values inside values",
	  WHEN("{\"Value\":[1,{\"a\":{\"__extn\":{\"fn\":\"ip\",\"arg\":\"x\"}"
	       "}}]}"),
	  1 },
	{ "a link",
	  "{" TEMPLATE ",\"templateLinks\":[{\"templateId\":\"t\",\"newId\":\"l\","
	  "\"values\":{\"?principal\":{\"type\":\"U\",\"id\":\"a\"}}}]}",
	  1 },
	{ "an id is one policy",
	  "{" TEMPLATE ",\"templateLinks\":[{\"templateId\":\"t\",\"newId\":\"t\","
	  "\"values\":{\"?principal\":{\"type\":\"U\",\"id\":\"a\"}}}]}",
	  -1 },
	{ "a link fills all slots",
	  "{" TEMPLATE ",\"templateLinks\":[{\"templateId\":\"t\",\"newId\":\"l\",\"values\":{}}]}",
	  -1 },
	{ "and no others",
	  "{" TEMPLATE ",\"templateLinks\":[{\"templateId\":\"t\",\"newId\":\"l\","
	  "\"values\":{\"?principal\":{\"type\":\"U\",\"id\":\"a\"},\"?resource\":{\"type\":\"U\","
	  "\"id\":\"a\"}}}]}",
	  -1 },
	{ "of a template that is there",
	  "{\"templateLinks\":[{\"templateId\":\"t\",\"newId\":\"l\",\"values\":{}}]}", -1 },
	{ "a template is no policy",
	  "{\"staticPolicies\":{\"p\":{\"effect\":\"permit\",\"principal\":{\"op\":\"==\",\"slot\":"
	  "\"?principal\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":\"All\"},"
	  "\"conditions\":[]}}}",
	  -1 },
	{ "a policy is no template",
	  "{\"templates\":{\"p\":{\"effect\":\"permit\"," ALL ",\"conditions\":[]}}}", -1 },
	{ "no slots in conditions", WHEN("{\"Slot\":\"?principal\"}"), -1 },
	{ "no unknowns", WHEN("{\"Unknown\":{\"name\":\"x\"}}"), -1 },
	{ "known operators", WHEN("{\"nope\":[]}"), -1 },
	{ "one of them", WHEN("{\"ip\":[],\"isIpv4\":[]}"), -1 },
	{ "with its members", WHEN("{\"==\":{\"left\":{\"Value\":1}}}"), -1 },
	{ "and no others", WHEN("{\"!\":{\"arg\":{\"Value\":true},\"x\":1}}"), -1 },
	{ "patterns are lists", WHEN("{\"like\":{\"left\":{\"Value\":\"a\"},\"pattern\":\"a*\"}}"),
	  -1 },
	{ "variables are four", WHEN("{\"Var\":\"foo\"}"), -1 },
	{ "no null", WHEN("{\"Value\":null}"), -1 },
	{ "no real", WHEN("{\"Value\":1.5}"), -1 },
	{ "actions have the type Action",
	  "{\"staticPolicies\":{\"p\":{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},"
	  "\"action\":{\"op\":\"==\",\"entity\":{\"type\":\"U\",\"id\":\"x\"}},\"resource\":{"
	  "\"op\":"
	  "\"All\"},\"conditions\":[]}}}",
	  -1 },
	{ "conditions are named", "{\"staticPolicies\":{\"p\":{\"effect\":\"permit\"," ALL "}}}",
	  -1 },
	{ "annotations are names",
	  "{\"staticPolicies\":{\"p\":{\"effect\":\"permit\"," ALL
	  ",\"conditions\":[],\"annotations\":{\"a b\":\"x\"}}}}",
	  -1 },
	{ "unknown members are errors",
	  "{\"staticPolicies\":{\"p\":{\"effect\":\"permit\"," ALL ",\"conditions\":[],\"z\":1}}}",
	  -1 },
};

static void json_sets_are_read_whole_or_not_at_all(void **state)
{
	struct bench b = bench_new();

	(void)state;
	for (size_t i = 0; i < countof(json_sets); i++) {
		struct cedar_policies set;
		struct err e;
		const struct cedar_json *json = json_of(&b, json_sets[i].text, &e);
		bool ok = json && cedar_policies_read(b.r.names, json, b.r.mem, &set, &e);
		int got = ok ? (int)set.count : -1;
		if (got != json_sets[i].want || (!ok && e.kind != ERR_INPUT))
			fail_msg("%s: %d (%s)", json_sets[i].says, got, e.text);
	}
	bench_free(&b);
}

/* R8: deep documents are refused, not followed. */
static void json_nesting_has_a_cap(void **state)
{
	static const char *const opens[] = { "[", "{\"a\":", "{\"!\":{\"arg\":" };
	struct bench b = bench_new();

	(void)state;
	for (size_t i = 0; i < countof(opens); i++) {
		struct buf text;
		struct err e;
		buf_init(&text, 4 << 20);
		for (int n = 0; n < 100000; n++)
			(void)buf_puts(&text, str_of(opens[i]));
		(void)buf_putc(&text, '\0');
		check(!json_of(&b, (const char *)text.ptr, &e), opens[i]);
		check(strstr(e.text, "nested too deeply") != NULL, e.text);
		buf_done(&text);
	}
	bench_free(&b);
}

RUN_TESTS(cmocka_unit_test(contexts_say_what_cedar_says),
	  cmocka_unit_test(entities_are_stored_or_refused),
	  cmocka_unit_test(policies_are_the_same_in_json),
	  cmocka_unit_test(json_sets_are_read_whole_or_not_at_all),
	  cmocka_unit_test(json_nesting_has_a_cap))
