/* test_conform.c - which requests and entities the schema allows, and why others are not. */
#include "test.h"

#include "cedar/conform.h"
#include "cedar/data.h"

enum { MEMORY = 16 << 20 };

static const char schema_text[] =
	"entity Group in [Top]; entity Top; entity Level enum [\"low\", \"high\"];\n"
	"entity User in [Group] = { name?: String, box?: { a?: Long, b: Long },\n"
	"  levels?: Set<Level>, last?: Action, at?: datetime } tags Level;\n"
	"entity Door;\n"
	"action open in [group] appliesTo { principal: User, resource: [Door, Level],\n"
	"  context: { at?: Long, level?: Level, by?: Action } };\n"
	"action group;";

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

/* Without the schema: what is wrong is for conform.h to find. */
static const struct cedar_json *json(const char *text)
{
	static struct cedar_source source = { .name = STR_INIT("j") };
	const struct cedar_json *out;
	struct err e = { 0 };

	source.text = str_of(text);
	if (!cedar_json_parse(&source, mem, &out, &e))
		fail_msg("%s: %s", text, e.text);
	return out;
}

#define UID(type, id) "{\"type\":\"" type "\",\"id\":\"" id "\"}"
#define REQUEST(p, a, r, c)                                                                        \
	"{\"principal\":" p ",\"action\":" a ",\"resource\":" r ",\"context\":" c "}"
#define OPEN(context)          REQUEST(UID("User", "a"), UID("Action", "open"), UID("Door", "d"), context)
#define ENTITY_VALUE(type, id) "{\"__entity\":" UID(type, id) "}"

static const struct {
	const char *says, *text, *want;
} requests[] = {
	{ "a request as declared", OPEN("{}"), NULL },
	{ "an enumerated resource",
	  REQUEST(UID("User", "a"), UID("Action", "open"), UID("Level", "low"), "{}"), NULL },
	{ "with all its context",
	  OPEN("{\"at\":1,\"level\":" ENTITY_VALUE("Level", "low") ",\"by\":" ENTITY_VALUE(
		  "Action", "group") "}"),
	  NULL },
	{ "an unknown principal type",
	  REQUEST(UID("Usr", "a"), UID("Action", "open"), UID("Door", "d"), "{}"),
	  "principal: there is no entity type Usr; did you mean User?" },
	{ "a principal the action does not take",
	  REQUEST(UID("Door", "a"), UID("Action", "open"), UID("Door", "d"), "{}"),
	  "action 'open' does not take a principal of type Door" },
	{ "a resource it does not take",
	  REQUEST(UID("User", "a"), UID("Action", "open"), UID("Group", "d"), "{}"),
	  "action 'open' does not take a resource of type Group" },
	{ "an id that is none",
	  REQUEST(UID("User", "a"), UID("Action", "open"), UID("Level", "mid"), "{}"),
	  "resource: Level::'mid': this is not one of the ids of its type" },
	{ "an unknown action",
	  REQUEST(UID("User", "a"), UID("Action", "opne"), UID("Door", "d"), "{}"),
	  "there is no action 'opne'; did you mean 'open'?" },
	{ "an action that applies to nothing",
	  REQUEST(UID("User", "a"), UID("Action", "group"), UID("Door", "d"), "{}"),
	  "action 'group' does not take" },
	{ "a context of another type", OPEN("{\"at\":\"x\"}"), "context: at: want Long, this is" },
	{ "a field nobody declared", OPEN("{\"att\":1}"),
	  "context: attribute 'att' is not declared; did you mean 'at'?" },
	{ "an id in the context", OPEN("{\"level\":" ENTITY_VALUE("Level", "mid") "}"),
	  "context: level: Level::'mid'" },
	{ "an entity of another type", OPEN("{\"level\":" ENTITY_VALUE("Door", "mid") "}"),
	  "context: level: want Level, this is an entity of type Door" },
	{ "an action in the context", OPEN("{\"by\":" ENTITY_VALUE("Action", "x") "}"),
	  "context: by: Action::'x': there is no such action" },
};

static void requests_conform(void **state)
{
	(void)state;
	const struct cedar_reader r = { names, NULL, mem };

	for (size_t i = 0; i < countof(requests); i++) {
		struct cedar_request_data q;
		struct err e = { 0 };
		assert_true(cedar_request_read(&r, json(requests[i].text), &q, &e));
		bool ok = cedar_conform_request(schema, q.principal, q.action, q.resource,
						q.context, &e);
		check(ok == !requests[i].want, requests[i].says);
		if (!ok && !str_starts(str_of(e.text), str_of(requests[i].want)))
			fail_msg("%s: got '%s'", requests[i].says, e.text);
	}
}

#define USER(attrs, parents, tags)                                                                 \
	"{\"uid\":" UID("User", "a") ",\"attrs\":" attrs ",\"parents\":" parents ",\"tags\":" tags \
				     "}"
#define BARE(type, id, attrs, parents)                                                             \
	"{\"uid\":" UID(type, id) ",\"attrs\":" attrs ",\"parents\":" parents "}"

static const struct {
	const char *says, *text, *want;
} entities[] = {
	{ "nothing is required", USER("{}", "[]", "{}"), NULL },
	{ "attributes and tags as declared",
	  USER("{\"box\":{\"b\":1},\"levels\":[" ENTITY_VALUE("Level", "low") "]}",
	       "[" UID("Group", "g") "]", "{\"x\":" ENTITY_VALUE("Level", "high") "}"),
	  NULL },
	{ "a set may be empty", USER("{\"levels\":[]}", "[]", "{}"), NULL },
	{ "an ancestor may be given as a parent", USER("{}", "[" UID("Top", "t") "]", "{}"), NULL },
	{ "an enumerated entity", BARE("Level", "low", "{}", "[]"), NULL },
	{ "an action with all above it",
	  BARE("Action", "open", "{}", "[" UID("Action", "group") "]"), NULL },
	{ "an unknown type", BARE("Usr", "a", "{}", "[]"),
	  "Usr::'a': entity: there is no entity type Usr; did you mean User?" },
	{ "an attribute of another type", USER("{\"name\":1}", "[]", "{}"),
	  "User::'a': name: want String, this is" },
	{ "inside a record", USER("{\"box\":{\"b\":\"x\"}}", "[]", "{}"),
	  "User::'a': box: b: want Long" },
	{ "a required attribute", USER("{\"box\":{\"a\":1}}", "[]", "{}"),
	  "User::'a': box: attribute 'b' is missing" },
	{ "an attribute nobody declared", USER("{\"nam\":\"x\"}", "[]", "{}"),
	  "User::'a': attribute 'nam' is not declared; did you mean 'name'?" },
	{ "an id in a set", USER("{\"levels\":[" ENTITY_VALUE("Level", "mid") "]}", "[]", "{}"),
	  "User::'a': levels: an element: Level::'mid'" },
	{ "an extension of another type",
	  USER("{\"at\":{\"__extn\":{\"fn\":\"duration\",\"arg\":\"1d\"}}}", "[]", "{}"),
	  "User::'a': at: want datetime, this is duration" },
	{ "a tag of another type", USER("{}", "[]", "{\"x\":1}"),
	  "User::'a': tag 'x': want Level" },
	{ "tags where there are none",
	  "{\"uid\":" UID("Door", "d") ",\"attrs\":{},\"parents\":[],\"tags\":{\"x\":1}}",
	  "Door::'d': a Door has no tags" },
	{ "a parent of the wrong type", USER("{}", "[" UID("Door", "d") "]", "{}"),
	  "User::'a': a User has no ancestor of type Door" },
	{ "an id that is none", BARE("Level", "mid", "{}", "[]"), "Level::'mid': this is not one" },
	{ "an action without what is above it", BARE("Action", "open", "{}", "[]"),
	  "Action::'open': this action is not as the schema declares it" },
	{ "an action with more", BARE("Action", "group", "{}", "[" UID("Action", "open") "]"),
	  "Action::'group': this action is not as" },
	{ "an action nobody declared", BARE("Action", "x", "{}", "[]"),
	  "Action::'x': there is no such action" },
};

static void entities_conform(void **state)
{
	(void)state;
	const struct cedar_reader r = { names, NULL, mem };

	for (size_t i = 0; i < countof(entities); i++) {
		struct cedar_entities *store = cedar_entities_new();
		struct cedar_entity n;
		struct err e = { 0 };
		assert_true(cedar_entity_read(&r, json(entities[i].text), &n, &e));
		bool ok = cedar_conform_entity(schema, &n, &e);
		check(ok == !entities[i].want, entities[i].says);
		if (!ok && !str_starts(str_of(e.text), str_of(entities[i].want)))
			fail_msg("%s: got '%s'", entities[i].says, e.text);
		assert_true(cedar_entities_put(store, &n, &e));
		check(cedar_conform_entities(schema, store, &e) == ok, "a store says the same");
		cedar_entities_free(store);
	}
}

/* A parent's parents are the child's ancestors: only a store sees them. */
static void ancestors_conform(void **state)
{
	(void)state;
	const struct cedar_reader r = { names, NULL, mem };
	struct cedar_entities *store = cedar_entities_new();
	struct cedar_entity n;
	struct err e = { 0 };

	assert_true(
		cedar_entity_read(&r, json(USER("{}", "[" UID("Group", "g") "]", "{}")), &n, &e));
	assert_true(cedar_entities_put(store, &n, &e));
	assert_true(cedar_entity_read(&r, json(BARE("Group", "g", "{}", "[" UID("Top", "t") "]")),
				      &n, &e));
	assert_true(cedar_entities_put(store, &n, &e));
	check(cedar_conform_entities(schema, store, &e), e.text);
	assert_true(cedar_entity_read(&r, json(BARE("Top", "t", "{}", "[" UID("Door", "d") "]")),
				      &n, &e));
	assert_true(cedar_entities_put(store, &n, &e));
	check(!cedar_conform_entities(schema, store, &e), "a door is above nobody");
	cedar_entities_free(store);
}

static void what_is_unknown_may_be_anything(void **state)
{
	(void)state;
	const struct schema_entity *user = schema_entity_find(schema, STR("User"));
	const struct schema_attr *name = schema_attr_find(user->shape, STR("name"));
	struct err e = { 0 };

	check(cedar_conform_value(schema, name->type, (struct cedar_value){ .kind = CEDAR_UNKNOWN },
				  &e),
	      "an unknown is of its type");
	check(!cedar_conform_value(schema, name->type, (struct cedar_value){ 0 }, &e),
	      "no value is no value");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_conform),
		cmocka_unit_test(entities_conform),
		cmocka_unit_test(ancestors_conform),
		cmocka_unit_test(what_is_unknown_may_be_anything),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
