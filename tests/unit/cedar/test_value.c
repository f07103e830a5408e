/* test_value.c - names, canonical sets and records, equality, text of values. */
#include "cedar/value.h"

#include "test.h"

#include "base/buf.h"

struct bench {
	struct cedar_names *names;
	struct arena *mem;
};

static struct bench bench_new(void)
{
	return (struct bench){ cedar_names_new(), arena_new(1 << 20) };
}

static void bench_free(struct bench *b)
{
	arena_free(b->mem);
	cedar_names_free(b->names);
}

static struct cedar_value set_of(struct bench *b, const struct cedar_value *items, uint32_t count)
{
	return (struct cedar_value){ .kind = CEDAR_SET,
				     .set = cedar_set_new(b->mem, items, count) };
}

static struct cedar_value entity_of(struct bench *b, const char *type, const char *id)
{
	return cedar_entity(
		cedar_uid_new(b->mem, cedar_names_put(b->names, str_of(type)), str_of(id)));
}

static void a_name_is_one_number(void **state)
{
	struct bench b = bench_new();
	uint32_t a = cedar_names_put(b.names, STR("a")), nul = cedar_names_put(b.names, STR("\0"));

	(void)state;
	check(a && cedar_names_put(b.names, STR("a")) == a, "however often it is put");
	check(cedar_names_find(b.names, STR("b")) == CEDAR_NAME_NONE, "unknown is none");
	check(nul != a && cedar_names_text(b.names, nul).len == 1, "NUL is a character");
	check(cedar_names_put(b.names, STR("")) != CEDAR_NAME_NONE, "the empty text is a name");
	check(cedar_names_text(b.names, 99).len == 0, "no such name has no text");
	bench_free(&b);
}

static void sets_have_no_order_and_no_doubles(void **state)
{
	struct bench b = bench_new();
	struct cedar_value x[] = { cedar_long(3), cedar_string(STR("a")), cedar_bool(true),
				   cedar_long(3), entity_of(&b, "U", "a") };
	struct cedar_value y[] = { entity_of(&b, "U", "a"), cedar_bool(true), cedar_long(3),
				   cedar_string(STR("a")) };

	(void)state;
	struct cedar_value s = set_of(&b, x, countof(x)), t = set_of(&b, y, countof(y));
	check(s.set->count == 4 && cedar_value_eq(s, t), "the same members are the same set");
	for (size_t i = 0; i < countof(y); i++)
		check(cedar_set_has(s.set, y[i]), "each is found");
	check(!cedar_set_has(s.set, cedar_long(4)) && !cedar_set_has(s.set, cedar_bool(false)),
	      "others are not");
	struct cedar_value few = set_of(&b, y, 2), none = set_of(&b, NULL, 0);
	check(cedar_set_has_all(s.set, few.set) && !cedar_set_has_all(few.set, s.set), "a part");
	check(cedar_set_has_all(s.set, none.set) && !cedar_set_has_any(s.set, none.set),
	      "the empty set is a part of all, and meets none");
	check(cedar_set_has_any(few.set, s.set) && cedar_set_has_any(s.set, few.set), "they meet");
	bench_free(&b);
}

static void values_of_different_kinds_differ(void **state)
{
	struct bench b = bench_new();
	struct cedar_value all[] = { cedar_long(1),
				     cedar_bool(true),
				     cedar_string(STR("1")),
				     { .kind = CEDAR_DECIMAL, .num = 1 },
				     { .kind = CEDAR_DATETIME, .num = 1 },
				     { .kind = CEDAR_DURATION, .num = 1 },
				     entity_of(&b, "U", "1"),
				     entity_of(&b, "V", "1"),
				     set_of(&b, NULL, 0) };

	(void)state;
	for (size_t i = 0; i < countof(all); i++)
		for (size_t k = 0; k < countof(all); k++)
			check(cedar_value_eq(all[i], all[k]) == (i == k), "each is its own");
	bench_free(&b);
}

static void records_are_found_by_name(void **state)
{
	struct bench b = bench_new();
	uint32_t names[40], twice[] = { 1, 2, 1 };
	struct cedar_value values[40];

	(void)state;
	for (uint32_t i = 0; i < 40; i++) {
		char text[8];
		(void)snprintf(text, sizeof(text), "n%u", i);
		names[i] = cedar_names_put(b.names, str_of(text));
		values[i] = cedar_long(i);
	}
	for (uint32_t i = 0; i < 20; i++) { /* not in order */
		uint32_t name = names[i];
		names[i] = names[39 - i];
		names[39 - i] = name;
	}
	const struct cedar_record *r = cedar_record_new(b.mem, names, values, 40);
	for (uint32_t i = 0; i < 40; i++)
		check(cedar_record_get(r, names[i]).num == i, "each under its name");
	check(cedar_record_get(r, 4000).kind == CEDAR_NONE, "nothing under others");
	check(cedar_record_get(NULL, 1).kind == CEDAR_NONE, "nothing in no record");
	check(!cedar_record_new(b.mem, twice, values, 3), "a name occurs once");
	bench_free(&b);
}

static void a_copy_outlives_its_source(void **state)
{
	struct bench b = bench_new();
	auto_arena struct arena *mem = arena_new(1 << 16);
	struct cedar_ip ip = { .prefix = 8, .addr = { 10 } };
	struct cedar_value items[] = { cedar_string(STR("x")),
				       entity_of(&b, "U", "a"),
				       { .kind = CEDAR_IP, .ip = &ip } };
	uint32_t name = cedar_names_put(b.names, STR("a b"));

	(void)state;
	struct cedar_value set = set_of(&b, items, 3);
	struct cedar_value v = { .kind = CEDAR_RECORD,
				 .record = cedar_record_new(b.mem, &name, &set, 1) };
	struct cedar_value copy = cedar_value_copy(mem, v);
	check(cedar_value_eq(v, copy), "it is the same");
	arena_reset(b.mem);
	struct buf out;
	buf_init(&out, 256);
	cedar_value_print(&out, b.names, copy);
	check(str_eqz(buf_str(&out), "{\"a b\": [\"x\", U::\"a\", ip(\"10.0.0.0/8\")]}"),
	      "and is there when the other is gone");
	buf_done(&out);
	auto_arena struct arena *tiny = arena_new(64);
	check(cedar_value_copy(tiny, copy).kind == CEDAR_NONE, "what does not fit is nothing");
	bench_free(&b);
}

RUN_TESTS(cmocka_unit_test(a_name_is_one_number),
	  cmocka_unit_test(sets_have_no_order_and_no_doubles),
	  cmocka_unit_test(values_of_different_kinds_differ),
	  cmocka_unit_test(records_are_found_by_name), cmocka_unit_test(a_copy_outlives_its_source))
