/* test_conf.c - settings are read as their table says, and mistakes are told with their place. */
#include "codec/conf.h"

#include "test.h"

struct settings {
	const char *listen, *dir;
	int64_t limit, lifetime_s, wait_ms, most_bytes;
	bool is_open;
	int sandbox;
	struct conf_list workloads;
};

#define FIELD(f) offsetof(struct settings, f)

static const char *const sandbox_words[] = { "required", "best-effort", NULL };

static const struct conf_option table[] = {
	{ "server.listen", CONF_TEXT, FIELD(listen), "127.0.0.1:8443", 0, 0, "Where we listen." },
	{ "server.state-dir", CONF_TEXT, FIELD(dir), NULL, 0, 0, "Where our state is." },
	{ "server.sandbox", CONF_CHOICE, FIELD(sandbox), "required", 0, 0, "What must be there.",
	  sandbox_words },
	{ "enrol.limit", CONF_COUNT, FIELD(limit), "60", 1, 1000, "Enrolments a minute." },
	{ "enrol.lifetime", CONF_SECONDS, FIELD(lifetime_s), "3d", 3600, 2592000, "How long." },
	{ "enrol.wait", CONF_MS, FIELD(wait_ms), "250ms", 0, 0, "How long to wait." },
	{ "enrol.most", CONF_BYTES, FIELD(most_bytes), "64K", 0, 0, "How much." },
	{ "enrol.open", CONF_SWITCH, FIELD(is_open), "off", 0, 0, "To strangers." },
	{ "enrol.workload", CONF_LIST, FIELD(workloads), "", 0, 0, "One of several." },
};

static bool load(const char *text, struct arena *mem, struct settings *out, struct err *e)
{
	*e = (struct err){ 0 };
	return conf_load("x.conf", str_of(text), table, countof(table), mem, out, e);
}

static void a_file_fills_the_struct(void **state)
{
	auto_arena struct arena *mem = arena_new(65536);
	struct settings s;
	struct err e;

	(void)state;
	check(load("# a comment\n[server]\n\tstate-dir = /var/lib/x # here\r\nlisten=[::1]:1\n\n"
		   "sandbox = best-effort\n[ enrol ]\nlifetime = 90m\nwait = 2s\nmost = 2M\n"
		   "open = on\nworkload = a:/b\nworkload = c#d\nlimit = 1000",
		   mem, &s, &e),
	      "is read");
	check(!strcmp(s.dir, "/var/lib/x") && !strcmp(s.listen, "[::1]:1"), "texts");
	check(s.sandbox == 1 && s.is_open && s.limit == 1000, "a choice, a switch, a number");
	check(s.lifetime_s == 5400 && s.wait_ms == 2000 && s.most_bytes == 2 << 20, "units");
	check(s.workloads.count == 2 && !strcmp(s.workloads.at[1], "c#d"), "a list");
}

static void what_is_absent_has_its_default(void **state)
{
	auto_arena struct arena *mem = arena_new(65536);
	struct settings s;
	struct err e;

	(void)state;
	check(load("[server]\nstate-dir=/x", mem, &s, &e), "is read");
	check(!strcmp(s.listen, "127.0.0.1:8443") && s.limit == 60 && !s.is_open, "defaults");
	check(s.lifetime_s == 259200 && s.wait_ms == 250 && s.most_bytes == 65536, "with units");
	check(s.workloads.count == 0 && s.sandbox == 0, "and empty ones");
}

static const struct {
	const char *says, *text, *error, *hint;
} mistakes[] = {
	{ "an unknown key names the nearest", "[enrol]\nopne = on\n",
	  "x.conf:2: enrol.opne is not an option", "did you mean enrol.open?" },
	{ "so does one in another section", "[server]\n\nstate_dir = x\n",
	  "x.conf:3: server.state_dir is not an option", "did you mean server.state-dir?" },
	{ "a switch is on or off", "[enrol]\nopen = yes\n", "x.conf:2: enrol.open: want on or off",
	  "" },
	{ "bounds hold", "[enrol]\nlimit = 0\n", "x.conf:2: enrol.limit: want 1 to 1000", "" },
	{ "bounds of durations too", "[enrol]\nlifetime = 59m\n",
	  "x.conf:2: enrol.lifetime: want 3600 to 2592000 s", "" },
	{ "a duration has a unit", "[enrol]\nwait = 5\n",
	  "x.conf:2: enrol.wait: want a duration such as 90s, 15m or 3d, not '5'", "" },
	{ "and one only", "[enrol]\nwait = 1h30m\n",
	  "x.conf:2: enrol.wait: want a duration such as 90s, 15m or 3d, not '1h30m'", "" },
	{ "a size does not overflow", "[enrol]\nmost = 99999999999G\n",
	  "x.conf:2: enrol.most: want a size such as 512, 64K or 16M", "" },
	{ "a choice is one of its words", "[server]\nsandbox = requird\n",
	  "x.conf:2: server.sandbox: 'requird' is not a choice", "did you mean 'required'?" },
	{ "once is enough", "[enrol]\nopen = on\nopen = off\n", "x.conf:3: enrol.open is set twice",
	  "" },
	{ "a key needs a section", "open = on\n", "x.conf:1: a key before the first [section]",
	  "" },
	{ "a line is key = value", "[enrol]\nopen\n", "x.conf:2: want key = value", "" },
	{ "a section ends", "[enrol\n", "x.conf:1: a section is written [name]", "" },
	{ "controls do not belong", "[enrol]\nopen = o\x01n\n", "x.conf:2: not plain text", "" },
	{ "nor bytes that are no text", "[enrol]\n# \xff\n", "x.conf:2: not plain text", "" },
	{ "what must be set is asked for", "[enrol]\n", "x.conf: server.state-dir is not set", "" },
};

static void mistakes_are_told_with_their_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(mistakes); i++) {
		auto_arena struct arena *mem = arena_new(65536);
		struct settings s;
		struct err e;
		check(!load(mistakes[i].text, mem, &s, &e) && e.kind == ERR_INPUT,
		      mistakes[i].says);
		assert_string_equal(e.text, mistakes[i].error);
		assert_string_equal(e.hint, mistakes[i].hint);
	}
}

static void sizes_are_bounded(void **state)
{
	auto_arena struct arena *mem = arena_new(1 << 20);
	auto_buf struct buf text = { 0 };
	struct settings s;
	struct err e;

	(void)state;
	buf_init(&text, 1 << 20);
	(void)buf_puts(&text, STR("[enrol]\n"));
	for (int i = 0; i <= CONF_MAX_LIST; i++)
		(void)buf_puts(&text, STR("workload = x\n"));
	(void)buf_putc(&text, '\0');
	check(!load((const char *)text.ptr, mem, &s, &e), "a list has an end");
	buf_clear(&text);
	for (int i = 0; i <= CONF_MAX_BYTES; i++)
		(void)buf_putc(&text, '#');
	(void)buf_putc(&text, '\0');
	check(!load((const char *)text.ptr, mem, &s, &e), "a file has an end");
}

static void the_table_explains_itself(void **state)
{
	auto_arena struct arena *mem = arena_new(65536);
	auto_buf struct buf out = { 0 };
	struct settings s;
	struct err e;

	(void)state;
	buf_init(&out, 65536);
	check(conf_explain(table, countof(table), &out) && buf_putc(&out, '\0'), "explained");
	check(strstr((char *)out.ptr, "# (duration, 3600 to 2592000 s)\n# lifetime = 3d\n"), "so");
	check(!load((char *)out.ptr, mem, &s, &e) || !strcmp(s.dir, "..."), "and reads as a file");
	buf_clear(&out);
	check(conf_mdoc(table, countof(table), &out) && buf_putc(&out, '\0'), "as a manual");
	check(strstr((char *)out.ptr, ".It Cm enrol.open\nTo strangers.\n"), "so");
}

RUN_TESTS(cmocka_unit_test(a_file_fills_the_struct),
	  cmocka_unit_test(what_is_absent_has_its_default),
	  cmocka_unit_test(mistakes_are_told_with_their_place), cmocka_unit_test(sizes_are_bounded),
	  cmocka_unit_test(the_table_explains_itself))
