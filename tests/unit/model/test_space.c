/* test_space.c - a topic is in one space or in none, and says whom it speaks of. */
#include "test.h"

#include "model/space.h"

static const char text[] =
	"# the plant\n"
	"space telemetry mqtt \"plant/{site:Site}/{device:Device}/telemetry/#\" telemetry\r\n"
	"space commands\tmqtt \"plant/{site:Site}/{device:Device}/cmd/{verb}\" filter acknowledge\n"
	"\n"
	"space alerts mqtt \"plant/{site:Site}/{device:Device}/alert\" alert in urgent in owned\n"
	"space shared mqtt \"fleet/+/news\"\n"
	"space hall mqtt \"fleet/hall/doors/{door}\"\n";

static const struct spaces *plant(struct arena *mem)
{
	const struct spaces *set = NULL;
	struct err e = { 0 };

	check(spaces_read(STR("plant.spaces"), str_of(text), mem, &set, &e), e.text);
	return set;
}

static const struct {
	const char *says, *topic, *space, *site, *device;
} binds[] = {
	{ "telemetry below its level", "plant/n/p1/telemetry/a/b", "telemetry", "n", "p1" },
	{ "# covers its own level", "plant/n/p1/telemetry", "telemetry", "n", "p1" },
	{ "a verb is a parameter", "plant/n/p1/cmd/open", "commands", "n", "p1" },
	{ "a verb is one level", "plant/n/p1/cmd/open/now", NULL, NULL, NULL },
	{ "alerts end there", "plant/n/p1/alert", "alerts", "n", "p1" },
	{ "nothing is at plant", "plant", NULL, NULL, NULL },
	{ "nothing is elsewhere", "other/n/p1/alert", NULL, NULL, NULL },
	{ "nothing is under $ (M11)", "$SYS/broker", NULL, NULL, NULL },
	{ "an empty site is a site that no device has", "plant//p1/alert", "alerts", "", "p1" },
	{ "a literal beside a wildcard", "fleet/hall/doors/7", "hall", "7", NULL },
	{ "the wildcard still works", "fleet/hall/news", "shared", NULL, NULL },
};

static void a_topic_is_in_one_space_or_in_none(void **state)
{
	struct arena *mem = arena_new(1 << 16);
	const struct spaces *set = plant(mem);

	(void)state;
	for (size_t i = 0; i < countof(binds); i++) {
		struct space_binding b;
		bool got = spaces_bind(set, str_of(binds[i].topic), &b);
		check(got == (binds[i].space != NULL), binds[i].says);
		if (!got)
			continue;
		check(str_eqz(b.space->name, binds[i].space), binds[i].says);
		check(!binds[i].site || str_eqz(b.values[0], binds[i].site), binds[i].says);
		check(!binds[i].device || str_eqz(b.values[1], binds[i].device), binds[i].says);
	}
	arena_free(mem);
}

static const struct {
	const char *says, *filter;
	size_t count;
	bool whole, knows_device;
} overlaps[] = {
	{ "a space's own filter", "plant/+/+/telemetry/#", 1, true, false },
	{ "one device's commands", "plant/n/p1/cmd/#", 1, false, true },
	{ "one device's commands, one level", "plant/n/p1/cmd/+", 1, true, true },
	{ "all of one device", "plant/n/p1/#", 3, false, true },
	{ "everything", "#", 5, false, false },
	{ "plant/+ is not plant/# (M11)", "plant/+", 0, false, false },
	{ "the site unknown", "plant/+/p1/alert", 1, true, true },
	{ "no space", "other/#", 0, false, false },
};

static void a_filter_is_a_set_of_spaces(void **state)
{
	struct arena *mem = arena_new(1 << 16);
	const struct spaces *set = plant(mem);

	(void)state;
	for (size_t i = 0; i < countof(overlaps); i++) {
		struct space_binding b[8];
		bool whole;
		size_t count =
			spaces_overlap(set, str_of(overlaps[i].filter), b, countof(b), &whole);
		check(count == overlaps[i].count && whole == overlaps[i].whole, overlaps[i].says);
		for (size_t k = 0; k < count && overlaps[i].count == 1; k++)
			check(b[k].is_known[1] == overlaps[i].knows_device, overlaps[i].says);
	}
	arena_free(mem);
}

static const struct {
	const char *says, *text, *error;
} bad[] = {
	{ "overlap", "space a mqtt \"p/{x}\"\nspace b mqtt \"p/q\"\n",
	  "x.spaces:2: space 'b' overlaps 'a' of line 1" },
	{ "overlap by #", "space a mqtt \"p/#\"\nspace b mqtt \"p/q/{r}/s\"\n",
	  "x.spaces:2: space 'b' overlaps 'a' of line 1" },
	{ "twice the same name", "space a mqtt \"p/q\"\nspace a mqtt \"p/r\"\n",
	  "x.spaces:2: a space is there twice: 'a'" },
	{ "an unknown option", "space a mqtt \"p/q\" fliter\n",
	  "x.spaces:1: not an option of a space: 'fliter'" },
	{ "no quotes", "space a mqtt p/q\n",
	  "x.spaces:1: want a pattern in quotes after the protocol of 'a'" },
	{ "no protocol we know", "space a coap \"p/q\"\n",
	  "x.spaces:1: a space is for mqtt, not for 'coap'" },
	{ "no keyword", "sapce a mqtt \"p/q\"\n",
	  "x.spaces:1: want 'space NAME mqtt ?PATTERN?', not 'sapce'" },
	{ "a name that is none", "space 1a mqtt \"p/q\"\n",
	  "x.spaces:1: not a name for a space: '1a'" },
	{ "a parameter twice", "space a mqtt \"p/{x}/{x}\"\n",
	  "x.spaces:1: a parameter is there twice: 'x'" },
	{ "a parameter without a name", "space a mqtt \"p/{:Site}\"\n",
	  "x.spaces:1: want {name} or {name:Type}, not '{:Site}'" },
	{ "# in the middle", "space a mqtt \"p/#/q\"\n",
	  "x.spaces:1: not a level of a topic: '#'" },
	{ "a brace inside a level", "space a mqtt \"p/x{y}\"\n",
	  "x.spaces:1: not a level of a topic: 'x{y}'" },
	{ "a parameter in front", "space a mqtt \"{x}/q\"\n",
	  "x.spaces:1: the first level must be written out in '{x}/q'" },
	{ "a $ topic", "space a mqtt \"$SYS/q\"\n",
	  "x.spaces:1: a space is not for topics like '$SYS/q'" },
};

static void a_mistake_names_file_and_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(bad); i++) {
		struct arena *mem = arena_new(1 << 16);
		const struct spaces *set;
		struct err e = { 0 };
		check(!spaces_read(STR("x.spaces"), str_of(bad[i].text), mem, &set, &e),
		      bad[i].says);
		if (strcmp(e.text, bad[i].error) != 0)
			fail_msg("%s: %s", bad[i].says, e.text);
		arena_free(mem);
	}
}

static void a_set_larger_than_its_arena_is_refused(void **state)
{
	(void)state;
	for (size_t limit = 64; limit < 16384; limit *= 2) {
		struct arena *mem = arena_new(limit);
		const struct spaces *set;
		struct err e = { 0 };
		if (!spaces_read(STR("x"), str_of(text), mem, &set, &e))
			check(e.kind == ERR_INPUT, "too large is the input's fault");
		arena_free(mem);
	}
}

static void the_schema_has_a_type_for_each(void **state)
{
	struct arena *mem = arena_new(1 << 16);
	auto_buf struct buf out = { 0 };

	(void)state;
	buf_init(&out, 4096);
	check(spaces_schema(plant(mem), &out), "it fits");
	check(str_starts(
		      buf_str(&out),
		      STR("namespace Space {\n"
			  "\tentity telemetry in [TopicSpace] = { site: Site, device: Device };\n"
			  "\tentity commands in [TopicSpace] = "
			  "{ site: Site, device: Device, verb: String };\n")),
	      "types and parameters");
	arena_free(mem);
}

RUN_TESTS(cmocka_unit_test(a_topic_is_in_one_space_or_in_none),
	  cmocka_unit_test(a_filter_is_a_set_of_spaces),
	  cmocka_unit_test(a_mistake_names_file_and_line),
	  cmocka_unit_test(a_set_larger_than_its_arena_is_refused),
	  cmocka_unit_test(the_schema_has_a_type_for_each))
