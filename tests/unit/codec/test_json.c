/* test_json.c - what the JSON door lets in, what it says about the rest, and what we write. */
#include "codec/json.h"

#include "test.h"

static const struct {
	const char *says, *text;
	size_t len; /* 0: all of text */
	bool want;
} documents[] = {
	{ "an object is read", "{\"a\":1}", 0, true },
	{ "a bare value is a document", "7", 0, true },
	{ "64 bits are exact", "9223372036854775807", 0, true },
	{ "A4: an integer past 64 bits is refused", "9223372036854775808", 0, false },
	{ "A4: a huge exponent is refused", "1e999999", 0, false },
	{ "A4: duplicate keys are refused", "{\"a\":1,\"a\":2}", 0, false },
	{ "A4: a NUL character in a text is refused", "[\"\\u0000\"]", 0, false },
	{ "a raw NUL is refused", "[1,\0]", 5, false },
	{ "A4: bad UTF-8 is refused", "[\"\xc0\xaf\"]", 0, false },
	{ "a lone surrogate is refused", "[\"\\ud800\"]", 0, false },
	{ "bytes after the document are refused", "{} {}", 0, false },
	{ "a trailing comma is refused", "[1,]", 0, false },
	{ "nothing is not a document", "", 0, false },
	{ "R8: 32 levels are read",
	  "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", 0, true },
	{ "R8: 33 levels are refused",
	  "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", 0, false },
	{ "brackets inside a text do not count", "\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[\"",
	  0, true },
};

static void the_door_is_strict(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(documents); i++) {
		struct str text = str_of(documents[i].text);
		struct err e = { 0 };
		auto_json struct json *doc = NULL;
		if (documents[i].len)
			text.len = documents[i].len;
		bool got = json_read(bytes_str(text), NULL, &doc, &e);
		check(got == documents[i].want, documents[i].says);
		check(got == !e.kind && got == !!doc, "a refusal says why and leaves no document");
	}
}

static void caps_hold(void **state)
{
	struct json_limits tight = { .max_bytes = 10, .max_depth = 2, .max_values = 4 };
	struct json *doc;
	struct err e = { 0 };

	(void)state;
	check(!json_read(bytes_str(STR("[1,2,3,4,5,6]")), &tight, &doc, &e), "too long");
	check(!json_read(bytes_str(STR("[[[]]]")), &tight, &doc, &e), "too deep");
	check(!json_read(bytes_str(STR("[1,2,3,4]")), &tight, &doc, &e), "too many values");
	check(json_read(bytes_str(STR("[1,2,3]")), &tight, &doc, &e), "just right");
	json_free(doc);
}

static void getters_name_the_member(void **state)
{
	auto_json struct json *doc = NULL;
	const struct json *list;
	struct str text = { 0 };
	int64_t num = 42;
	bool flag = true;
	struct err e = { 0 };

	(void)state;
	check(json_read(bytes_str(STR("{\"id\":\"pump-7\",\"qos\":3,\"on\":false,\"l\":[1,2],"
				      "\"none\":null}")),
			NULL, &doc, &e),
	      "reads");
	check(json_text(doc, "id", &text, &e) && str_eqz(text, "pump-7"), "a text is got");
	check(!json_text(doc, "qos", &text, &e), "an integer is no text");
	check(!strcmp(e.text, "'qos': want a text"), "and the member is named");
	check(!json_text(doc, "name", &text, &e), "an absent member is refused");
	check(!strcmp(e.text, "'name' is missing"), "and named");
	check(!json_int(doc, "qos", 0, 2, &num, &e), "a range is kept");
	check(!strcmp(e.text, "'qos': want an integer 0 to 2"), "and told");
	check(json_opt_int(doc, "retain", 0, 1, &num, &e) && num == 42, "absent may be fine");
	check(json_opt_int(doc, "none", 0, 1, &num, &e) && num == 42, "null is absent");
	check(!json_opt_int(doc, "id", 0, 1, &num, &e), "but not of another kind");
	check(json_bool(doc, "on", &flag, &e) && !flag, "false is got");
	check(json_list(doc, "l", &list, &e) && json_count(list) == 2, "a list is got");
	check(!json_text(list, "x", &text, &e), "a list has no members");
	static const char *const names[] = { "id", "qos", "on", "list", "none" };
	check(!json_only(doc, names, countof(names), &e), "an unknown member is refused");
	check(!json_only(list, names, countof(names), &e), "a list is no object");
}

static void we_write_what_we_read(void **state)
{
	static const char *const text = "{\"a\":[1,-2,-0.0,0.5,3.0,true,null,"
					"\"\\\"\\\\\\n\\u0001\xc3\xa4\"],\"b\":{},\"c\":[]}";
	auto_json struct json *doc = NULL;
	auto_buf struct buf out = { 0 };
	struct jw w;
	struct err e;

	(void)state;
	buf_init(&out, 1000);
	check(json_read(bytes_str(str_of(text)), NULL, &doc, &e), "reads");
	jw_init(&w, &out, JW_COMPACT);
	jw_json(&w, doc);
	check(jw_ok(&w) && str_eqz(buf_str(&out), text), "what went in comes out");
}

static void pretty_is_for_people(void **state)
{
	auto_buf struct buf out = { 0 };
	struct jw w;

	(void)state;
	buf_init(&out, 1000);
	jw_init(&w, &out, JW_PRETTY);
	jw_map(&w);
	jw_kv_int(&w, "a", 1);
	jw_key(&w, "b");
	jw_list(&w);
	jw_bool(&w, false);
	jw_end(&w);
	jw_end(&w);
	check(jw_ok(&w), "writes");
	check(str_eqz(buf_str(&out), "{\n\t\"a\": 1,\n\t\"b\": [\n\t\tfalse\n\t]\n}"), "indents");
}

static bool canonical(const char *text, struct buf *out)
{
	auto_json struct json *doc = NULL;
	struct jw w;
	struct err e;

	buf_clear(out);
	check(json_read(bytes_str(str_of(text)), NULL, &doc, &e), "reads");
	jw_init(&w, out, JW_CANONICAL);
	jw_json(&w, doc);
	return jw_ok(&w);
}

static void the_canonical_form_has_one_way(void **state)
{
	auto_buf struct buf out = { 0 };
	struct jw w;

	(void)state;
	buf_init(&out, 1000);
	check(canonical("{ \"b\": \"x\\ty\", \"a\": {\"d\":1,\"c\":\"\\/\"} }", &out), "writes");
	check(str_eqz(buf_str(&out), "{\"a\":{\"c\":\"/\",\"d\":1},\"b\":\"x\ty\"}"), "sorted");
	check(!canonical("[1.5]", &out), "a real has no canonical form");

	buf_clear(&out);
	jw_init(&w, &out, JW_CANONICAL);
	jw_map(&w);
	jw_kv_int(&w, "b", 1);
	jw_kv_int(&w, "a", 2);
	jw_end(&w);
	check(!jw_ok(&w), "keys out of order are refused while streaming");
	buf_clear(&out);
	jw_init(&w, &out, JW_CANONICAL);
	jw_str(&w, STR("\xff"));
	check(!jw_ok(&w), "bytes that are no text are refused");
}

static void mistakes_of_the_caller_are_found(void **state)
{
	auto_buf struct buf out = { 0 };
	struct jw w;

	(void)state;
	buf_init(&out, 200);
	jw_init(&w, &out, JW_COMPACT);
	jw_map(&w);
	jw_int(&w, 1);
	jw_end(&w);
	check(!jw_ok(&w), "a value without a key");
	buf_clear(&out);
	jw_init(&w, &out, JW_COMPACT);
	jw_map(&w);
	check(!jw_ok(&w), "something left open");
	jw_end(&w);
	check(jw_ok(&w), "closed");
	jw_int(&w, 1);
	check(!jw_ok(&w), "a second document");
	buf_clear(&out);
	jw_init(&w, &out, JW_COMPACT);
	for (int i = 0; i < 40; i++)
		jw_list(&w);
	for (int i = 0; i < 40; i++)
		jw_end(&w);
	check(!jw_ok(&w), "R8: too deep");
	buf_clear(&out);
	jw_init(&w, &out, JW_COMPACT);
	jw_list(&w);
	for (int i = 0; i < 100; i++)
		jw_int(&w, i);
	jw_end(&w);
	check(!jw_ok(&w), "a full buffer is not a text");
	buf_clear(&out);
	jw_init(&w, &out, JW_COMPACT);
	jw_str(&w, STR("a\xff\xc3z"));
	check(jw_ok(&w) && str_eqz(buf_str(&out), "\"a\xef\xbf\xbd\xef\xbf\xbdz\""),
	      "bytes that are no text become U+FFFD");
}

RUN_TESTS(cmocka_unit_test(the_door_is_strict), cmocka_unit_test(caps_hold),
	  cmocka_unit_test(getters_name_the_member), cmocka_unit_test(we_write_what_we_read),
	  cmocka_unit_test(pretty_is_for_people), cmocka_unit_test(the_canonical_form_has_one_way),
	  cmocka_unit_test(mistakes_of_the_caller_are_found))
