/* test_schema.c - which schemas are read, what they come to mean, and why others are not. */
#include "test.h"

#include "cedar/schema.h"

enum { MEMORY = 16 << 20 };

static struct cedar_names *names;
static struct arena *mem;
static struct err why;

static int start(void **state)
{
	(void)state;
	names = cedar_names_new();
	mem = arena_new(MEMORY);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	arena_free(mem);
	cedar_names_free(names);
	return 0;
}

static const struct schema *read_as(const char *text, enum schema_syntax syntax)
{
	struct schema_source src = { STR_INIT("s"), str_of(text), syntax };

	why = (struct err){ 0 };
	return schema_read(&src, 1, names, mem, &why);
}

/* `want` is how the error begins; NULL when the text is good. */
static const struct {
	const char *says, *text, *want;
} in_cedar[] = {
	{ "nothing is a schema", "", NULL },
	{ "comments are skipped", "entity A; // the end", NULL },
	{ "a shape may have an equals sign", "entity A = { x: Long }; entity B { x: Long };",
	  NULL },
	{ "attributes may be optional and end in a comma", "entity A { x?: Long, };", NULL },
	{ "a word that is reserved may be quoted", "entity A { \"if\": Long };", NULL },
	{ "words of the grammar are names too", "entity entity, type, tags, namespace, Set;",
	  NULL },
	{ "an attribute written twice counts as written last", "entity A { x: Long, x: Bool };",
	  NULL },
	{ "several names share a declaration", "entity A, B in [A, B]; action x, \"y z\";", NULL },
	{ "types may be each other's parents", "entity A in B; entity B in A;", NULL },
	{ "an empty parent list is no parent", "entity A in [];", NULL },
	{ "enumerated entities", "entity A enum [\"a\", \"b\"]; entity B in A;", NULL },
	{ "tags stand after the shape", "entity A = {} tags Set<String>;", NULL },
	{ "common types build on each other", "type A = { b: B }; type B = Set<Long>;", NULL },
	{ "a context may be a common type",
	  "entity A; type C = {}; action x appliesTo { principal: A, resource: A, context: C };",
	  NULL },
	{ "annotations stand before anything",
	  "@a namespace N { @b(\"x\") entity A { @if(\"y\") x: Long }; }", NULL },
	{ "built-in types have full names", "entity A { x: __cedar::Long, y: __cedar::ipaddr };",
	  NULL },
	{ "an entity may hide a built-in type", "entity String; entity A { x: String };", NULL },
	{ "an action type is a type once there is an action", "entity A { x: Action }; action y;",
	  NULL },
	{ "actions name their groups", "action a in Action::\"b\"; action b;", NULL },
	{ "a group may be of another namespace",
	  "action y in N::Action::\"x\"; namespace N { action x; }", NULL },
	{ "old action attributes may be empty", "action x attributes {};", NULL },

	{ "types are declared once", "entity A;\nentity A;",
	  "s:2:8: entity type 'A' is declared twice" },
	{ "actions too", "action a, a;", "s:1:11: action 'a' is declared twice" },
	{ "reserved words are no names", "entity in;", "s:1:8: 'in' is a reserved word" },
	{ "keywords are no common types", "type Bool = Long;", "s:1:6: 'Bool' is a keyword" },
	{ "Action is not ours to declare", "entity Action;", "s:1:8: entity type 'Action'" },
	{ "nor is __cedar", "namespace A::__cedar {}", "s:1:11: 'A::__cedar' holds" },
	{ "a namespace is opened once in a text", "namespace N {} namespace N {}",
	  "s:1:26: namespace 'N' is opened twice" },
	{ "namespaces do not nest", "namespace N { namespace M {} }",
	  "s:1:15: expected entity, action, type or '}'" },
	{ "a misspelt type is told its nearest", "type Reading = Long; entity A { x: Readign };",
	  "s:1:36: no type is named 'Readign'; did you mean 'Reading'?" },
	{ "a misspelt built-in type as well", "entity A { x: Strng };",
	  "s:1:15: no type is named 'Strng'; did you mean 'String'?" },
	{ "a common type is no parent", "type T = {}; entity A in T;",
	  "s:1:26: no entity type is named 'T'" },
	{ "an entity type is no context",
	  "entity A; action x appliesTo { principal: A, resource: A, context: A };",
	  "s:1:68: no common type is named 'A'" },
	{ "a context is a record",
	  "type C = Long; entity A; action x appliesTo { principal: A, resource: A, context: C };",
	  "s:1:33: the context of an action is not a record" },
	{ "an action needs both ends", "entity A; action x appliesTo { principal: A };",
	  "s:1:30: appliesTo has no resource" },
	{ "and neither may be empty",
	  "entity A; action x appliesTo { principal: [], resource: A };",
	  "s:1:43: 'principal' is empty" },
	{ "each end is said once",
	  "entity A; action x appliesTo { principal: A, principal: A, resource: A };",
	  "s:1:57: 'principal' is given twice" },
	{ "common types do not hold themselves", "type A = { b?: B }; type B = Set<A>;",
	  "s:1:34: common type 'A' is defined by itself" },
	{ "no action is above itself", "action a in b; action b in a;",
	  "s:1:8: action 'a' is its own ancestor" },
	{ "an unknown group is told its nearest", "action read in reed; action read2;",
	  "s:1:16: no action is named Action::'reed'; did you mean 'read'?" },
	{ "nothing hides what is outside namespaces (RFC 70)",
	  "namespace N { entity A; } entity A;", "s:1:22: 'N::A' would hide 'A'" },
	{ "nor an action", "namespace N { action b; } action b;", "s:1:22: action 'b' would hide" },
	{ "names of inner namespaces are whole",
	  "namespace N::M { entity A; } namespace N { entity B in M::A; }",
	  "s:1:56: no entity type is named 'M::A'" },
	{ "an enumeration is not empty", "entity A enum [];", "s:1:16: expected a string" },
	{ "annotations are not repeated", "@a @a entity A;",
	  "s:1:5: annotation @a is given twice" },
	{ "a list does not end in a comma", "entity A in [A,];",
	  "s:1:16: expected an entity type" },
	{ "two commas are one too many", "entity A { x: Long,, };",
	  "s:1:20: expected the name of an attribute" },
	{ "there are no block comments", "/* a */ entity A;", "s:1:1: expected namespace" },
};

static void schemas_in_cedar(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(in_cedar); i++) {
		const struct schema *s = read_as(in_cedar[i].text, SCHEMA_CEDAR);
		check((s != NULL) == (in_cedar[i].want == NULL), in_cedar[i].says);
		if (in_cedar[i].want && !str_starts(str_of(why.text), str_of(in_cedar[i].want)))
			fail_msg("%s: got '%s'", in_cedar[i].says, why.text);
	}
}

#define ENTITIES(inner) "{\"\":{\"entityTypes\":{" inner "},\"actions\":{}}}"
#define ACTIONS(inner)  "{\"\":{\"entityTypes\":{\"A\":{}},\"actions\":{" inner "}}}"
#define X(inner)                                                                                   \
	ENTITIES("\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":" inner "}}}")

static const struct {
	const char *says, *text, *want;
} in_json[] = {
	{ "nothing is a schema", "{}", NULL },
	{ "attributes may be optional", X("{\"type\":\"Long\",\"required\":false}"), NULL },
	{ "attributes may have annotations", X("{\"type\":\"Long\",\"annotations\":{\"a\":\"b\"}}"),
	  NULL },
	{ "entities refer to each other", X("{\"type\":\"Entity\",\"name\":\"A\"}"), NULL },
	{ "a name may be either", X("{\"type\":\"EntityOrCommon\",\"name\":\"Long\"}"), NULL },
	{ "built-in types by short name", X("{\"type\":\"ipaddr\"}"), NULL },
	{ "extensions", X("{\"type\":\"Extension\",\"name\":\"decimal\"}"), NULL },
	{ "enumerated entities", ENTITIES("\"A\":{\"enum\":[\"a\"]}"), NULL },
	{ "an action may apply to nothing",
	  ACTIONS("\"x\":{\"appliesTo\":{\"principalTypes\":[],\"resourceTypes\":[]}}"), NULL },
	{ "what an action applies to may be null", ACTIONS("\"x\":{\"appliesTo\":null}"), NULL },
	{ "groups of actions", ACTIONS("\"x\":{\"memberOf\":[{\"id\":\"y\"}]},\"y\":{}"), NULL },

	{ "any text is an id", ACTIONS("\"\\u0000\":{}"), NULL },

	{ "both lists of a namespace must be there", "{\"\":{\"entityTypes\":{}}}",
	  "actions: this is missing" },
	{ "a record says its attributes", ENTITIES("\"A\":{\"shape\":{\"type\":\"Record\"}}"),
	  "entityTypes.A.shape: want an object" },
	{ "a shape is a record", ENTITIES("\"A\":{\"shape\":{\"type\":\"Long\"}}"),
	  "entityTypes.A: the shape of an entity type is not a record" },
	{ "required is true or false", X("{\"type\":\"Long\",\"required\":null}"),
	  "entityTypes.A.shape.x: 'required' must be" },
	{ "only attributes are required",
	  X("{\"type\":\"Set\",\"element\":{\"type\":\"Long\",\"required\":true}}"),
	  "entityTypes.A.shape.x.element: " },
	{ "records are closed",
	  ENTITIES("\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{},"
		   "\"additionalAttributes\":true}}"),
	  "entityTypes.A.shape: records with additional attributes" },
	{ "an entity type is no common type", X("{\"type\":\"A\"}"),
	  "entityTypes.A.shape.x: no common type is named 'A'" },
	{ "an unknown extension", X("{\"type\":\"Extension\",\"name\":\"foo\"}"),
	  "entityTypes.A.shape.x: no extension type is named 'foo'" },
	{ "an enumeration has nothing else", ENTITIES("\"A\":{\"enum\":[\"a\"],\"tags\":{}}"),
	  "entityTypes.A: 'tags'" },
	{ "actions have no attributes", ACTIONS("\"x\":{\"attributes\":{}}"),
	  "actions.x: attributes of actions" },
	{ "names are names", ENTITIES("\"A::B\":{}"), "entityTypes.A::B: 'A::B' cannot name" },
	{ "namespaces too", "{\"A B\":{\"entityTypes\":{},\"actions\":{}}}",
	  "A B: 'A B' is not a namespace name" },
	{ "it is JSON", "{", "s:1:" },
};

static void schemas_in_json(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(in_json); i++) {
		const struct schema *s = read_as(in_json[i].text, SCHEMA_JSON);
		check((s != NULL) == (in_json[i].want == NULL), in_json[i].says);
		if (in_json[i].want && !strstr(why.text, in_json[i].want))
			fail_msg("%s: got '%s'", in_json[i].says, why.text);
	}
}

static void the_model_answers(void **state)
{
	(void)state;
	const struct schema *s = read_as(
		"namespace N { type Place = { name: String, at?: P };"
		"  entity P enum [\"north\", \"south\"];"
		"  entity Top; entity Mid in Top; entity Low in [Mid] = { place: Place } tags Long;"
		"  action all; action some in all; action one in [some] appliesTo"
		"    { principal: [Low, Low], resource: Mid, context: Place }; }",
		SCHEMA_CEDAR);
	check(s, why.text);
	const struct schema_entity *low = schema_entity_find(s, STR("N::Low"));
	const struct schema_entity *top = schema_entity_find(s, STR("N::Top"));
	const struct schema_entity *p = schema_entity_find(s, STR("N::P"));

	check(low && top && p && !schema_entity_find(s, STR("Low")), "names are full names");
	check(schema_entity_of(s, low->num) == low, "and found by number");
	check(schema_entity_is_below(low, top), "ancestors are closed");
	check(!schema_entity_is_below(top, low), "and have a direction");
	check(low->parent_count == 1 && low->ancestor_count == 2 && top->descendant_count == 2,
	      "parents are as declared, descendants closed");
	check(low->tags && low->tags->kind == SCHEMA_LONG && !top->tags, "tags have a type");
	check(schema_entity_has_id(p, STR("south")) && !schema_entity_has_id(p, STR("west")),
	      "an enumeration is a list");
	check(schema_entity_has_id(top, STR("west")), "others have any id");

	const struct schema_attr *place = schema_attr_find(low->shape, STR("place"));
	check(place && place->type->kind == SCHEMA_RECORD && !place->is_optional,
	      "common types are expanded");
	const struct schema_attr *at = schema_attr_find(place->type, STR("at"));
	check(at && at->is_optional && at->type == p->type, "inner names are resolved");

	const struct schema_action *one = schema_action_find(s, STR("N::Action"), STR("one"));
	const struct schema_action *all = schema_action_find(s, STR("N::Action"), STR("all"));
	check(one && all && schema_action_is_below(one, all), "groups are closed");
	check(one->principal_count == 1 && one->principals[0] == low && one->resource_count == 1,
	      "a type counts once");
	check(schema_type_eq(one->context, place->type), "equal types are equal");
}

static void several_texts_are_one_schema(void **state)
{
	(void)state;
	const struct schema_source both[] = {
		{ STR_INIT("base"),
		  STR_INIT("entity TopicSpace, Site; action publish appliesTo "
			   "{ principal: Site, resource: Space::telemetry };"),
		  SCHEMA_CEDAR },
		{ STR_INIT("spaces"),
		  STR_INIT(
			  "namespace Space { entity telemetry in [TopicSpace] = { site: Site }; }"),
		  SCHEMA_CEDAR },
		{ STR_INIT("more"),
		  STR_INIT("{\"Space\":{\"entityTypes\":{\"state\":{}},\"actions\":{}}}"),
		  SCHEMA_JSON },
		{ STR_INIT("again"), STR_INIT("namespace Space { entity telemetry; }"),
		  SCHEMA_CEDAR },
	};

	const struct schema *s = schema_read(both, 3, names, mem, &why);
	check(s && s->entity_count == 4, "a name of one text is used in another");
	check(!schema_read(both, 4, names, mem, &why), "declared twice is twice wherever it is");
	check(str_starts(str_of(why.text), STR("again:1:26: ")) ||
		      str_starts(str_of(why.text), STR("spaces:1:26: ")),
	      "the text is named");
}

static void a_generated_text_adds_what_actions_apply_to(void **state)
{
	(void)state;
	const struct schema_source both[] = {
		{ STR_INIT("base"),
		  STR_INIT(
			  "entity User, Top; action a appliesTo { principal: User, resource: [Top, "
			  "User] };"),
		  SCHEMA_CEDAR,
		  { 0 } },
		{ STR_INIT("more"), STR_INIT("namespace S { entity x, y in [Top]; }"), SCHEMA_CEDAR,
		  STR_INIT("Top") },
		{ STR_INIT("none"), STR_INIT("type T = Long;"), SCHEMA_CEDAR, STR_INIT("Top") },
	};
	const struct schema_source without[] = { both[0], both[2] };

	const struct schema *s = schema_read(both, 3, names, mem, &why);
	check(s, why.text);
	const struct schema_action *a = schema_action_find(s, STR("Action"), STR("a"));
	check(a->resource_count == 3 && str_eqz(a->resources[0]->name, "S::x") &&
		      str_eqz(a->resources[1]->name, "S::y") &&
		      str_eqz(a->resources[2]->name, "User"),
	      "its types stand in the place of the one they are for");
	s = schema_read(without, 2, names, mem, &why);
	check(s, why.text);
	a = schema_action_find(s, STR("Action"), STR("a"));
	check(a->resource_count == 2 && str_eqz(a->resources[0]->name, "Top"),
	      "a text that declares none leaves it as it was");
}

static void what_is_printed_reads_the_same(void **state)
{
	(void)state;
	static const char text[] = "entity String, \nA in [A, N::B] = { \"a b\": __cedar::String, "
				   "c?: Set<Long>, s: String }"
				   " tags ipaddr; action x in N::Action::\"g\" appliesTo { "
				   "principal: A, resource: N::B };"
				   " namespace N { entity B enum [\"q\\\"\\n\"]; action g; }";
	struct buf once, twice;

	buf_init(&once, 1 << 16);
	buf_init(&twice, 1 << 16);
	const struct schema *s = read_as(text, SCHEMA_CEDAR);
	check(s && schema_print(s, &once, &why), why.text);
	buf_putc(&once, '\0');
	const struct schema *again = read_as((const char *)once.ptr, SCHEMA_CEDAR);
	check(again && schema_print(again, &twice, &why), why.text);
	buf_putc(&twice, '\0');
	check(str_eq(buf_str(&once), buf_str(&twice)), "printing is a fixed point");
	buf_done(&once);
	buf_done(&twice);
}

/* A type of `n` levels: Set<Set<...Long...>>. */
static void nested(struct buf *b, size_t n)
{
	buf_puts(b, STR("entity A { x: "));
	for (size_t i = 0; i < n; i++)
		buf_puts(b, STR("Set<"));
	buf_puts(b, STR("Long"));
	for (size_t i = 0; i < n; i++)
		buf_puts(b, STR(">"));
	buf_puts(b, STR(" };"));
	buf_putc(b, '\0');
}

/* P5, P6: depth and expansion are refused, never crashed on. */
static void depth_and_growth_are_capped(void **state)
{
	(void)state;
	struct buf b;

	buf_init(&b, 1 << 20);
	nested(&b, SCHEMA_DEPTH_MAX - 2);
	check(read_as((const char *)b.ptr, SCHEMA_CEDAR), "deep is fine up to the cap");
	buf_clear(&b);
	nested(&b, 100000);
	check(!read_as((const char *)b.ptr, SCHEMA_CEDAR), "deeper is refused");
	buf_clear(&b);
	for (unsigned i = 0; i < 40; i++)
		buf_printf(&b, "type T%u = { a: T%u, b: T%u };\n", i, i + 1, i + 1);
	buf_puts(&b, STR("type T40 = Long;"));
	buf_putc(&b, '\0');
	check(!read_as((const char *)b.ptr, SCHEMA_CEDAR), "doubling forty times is refused");
	check(strstr(why.text, "has more than"), why.text);
	buf_done(&b);
}

static void a_small_arena_refuses_cleanly(void **state)
{
	(void)state;
	struct schema_source src = { STR_INIT("s"),
				     STR_INIT("entity A { x: Set<Long> }; action y;"),
				     SCHEMA_CEDAR };

	for (size_t limit = 16; limit < 400; limit += 16) {
		struct arena *small = arena_new(limit);
		struct err e = { 0 };
		const struct schema *s = schema_read(&src, 1, names, small, &e);
		check(s || e.kind == ERR_INPUT, "it is the request that is too large");
		arena_free(small);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schemas_in_cedar),
		cmocka_unit_test(schemas_in_json),
		cmocka_unit_test(the_model_answers),
		cmocka_unit_test(several_texts_are_one_schema),
		cmocka_unit_test(a_generated_text_adds_what_actions_apply_to),
		cmocka_unit_test(what_is_printed_reads_the_same),
		cmocka_unit_test(depth_and_growth_are_capped),
		cmocka_unit_test(a_small_arena_refuses_cleanly),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
