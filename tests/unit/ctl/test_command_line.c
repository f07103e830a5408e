/* test_command_line.c - command lines: what is taken, and what is said when it is not. */
#include "ctl/ctl.h"
#include "ctl/man.h"

#include "test.h"

enum { WORDS = 12 };

static const struct {
	const char *says;
	const char *argv[WORDS];
	const char *error, *hint; /* error NULL: fine */
} cases[] = {
	{ "a command of one word", { "muster", "status" }, NULL, NULL },
	{ "noun and verb", { "muster", "device", "list" }, NULL, NULL },
	{ "an option with its value behind",
	  { "muster", "device", "list", "--site", "n" },
	  NULL,
	  NULL },
	{ "an option with its value in it",
	  { "muster", "device", "list", "--site=n" },
	  NULL,
	  NULL },
	{ "global options in front", { "muster", "--json", "--home", "/x", "status" }, NULL, NULL },
	{ "global options behind", { "muster", "status", "--json" }, NULL, NULL },
	{ "an option several times",
	  { "muster", "device", "add", "p", "--site", "n", "--group", "a", "--group", "b" },
	  NULL,
	  NULL },
	{ "-- ends the options", { "muster", "device", "show", "--", "--odd" }, NULL, NULL },
	{ "nothing at all is help", { "muster" }, NULL, NULL },
	{ "help of a command needs no argument",
	  { "muster", "device", "show", "--help" },
	  NULL,
	  NULL },

	{ "a verb mistyped",
	  { "muster", "device", "lits" },
	  "'device lits' is no command",
	  "did you mean 'muster device list'?" },
	{ "a noun mistyped",
	  { "muster", "stauts" },
	  "is no command",
	  "did you mean 'muster status'?" },
	{ "nothing near",
	  { "muster", "frobnicate", "it" },
	  "is no command",
	  "muster help lists them all" },
	{ "an option mistyped",
	  { "muster", "device", "list", "--sits", "n" },
	  "--sits",
	  "did you mean --site?" },
	{ "a value is missing", { "muster", "device", "list", "--site" }, "--site wants ID", "" },
	{ "a switch takes no value", { "muster", "status", "--json=yes" }, "takes no value", "" },
	{ "an option twice",
	  { "muster", "device", "list", "--site", "a", "--site", "b" },
	  "given twice",
	  "" },
	{ "an argument is missing",
	  { "muster", "device", "show" },
	  "something is missing",
	  "muster device show ID" },
	{ "an argument too many",
	  { "muster", "device", "show", "a", "b" },
	  "one word too many",
	  "muster device show ID" },
	{ "another command's option", { "muster", "status", "--site", "n" }, "no such option", "" },
};

static void a_command_line_is_taken_or_told_why_not(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		auto_arena struct arena *mem = arena_new(65536);
		struct ctl c = { .mem = mem, .home = "" };
		const struct ctl_command *row;
		char *argv[WORDS + 1] = { 0 };
		struct err e = { 0 };
		int argc = 0;

		for (; argc < WORDS && cases[i].argv[argc]; argc++)
			argv[argc] = (char *)(uintptr_t)cases[i].argv[argc];
		bool is_good = ctl_parse(&c, argc, argv, &row, &e);
		check(is_good == !cases[i].error, cases[i].says);
		check(is_good || strstr(e.text, cases[i].error), cases[i].says);
		check(is_good || !strcmp(e.hint, cases[i].hint), cases[i].says);
		check(is_good || e.kind == ERR_INPUT, cases[i].says);
	}
}

static void every_command_is_explained(void **state)
{
	(void)state;
	for (size_t i = 0; i < ctl_command_count; i++) {
		const struct ctl_command *row = &ctl_commands[i];

		check(row->summary && row->summary[0] && row->run && row->options, row->noun);
		check(row->least <= row->most && row->most <= CTL_ARGS_MAX, row->noun);
		for (const struct ctl_option *o = row->options; o->name; o++)
			check(o->help && o->help[0], o->name);
	}
}

static void the_manual_has_every_command(void **state)
{
	auto_buf struct buf out = { 0 };

	(void)state;
	buf_init(&out, 1 << 20);
	check(man_write(&out), "written");
	buf_putc(&out, '\0');
	for (size_t i = 0; i < ctl_command_count; i++) {
		char line[80];

		snprintf(line, sizeof(line), ".It Cm %s%s%s", ctl_commands[i].noun,
			 ctl_commands[i].verb ? " " : "",
			 ctl_commands[i].verb ? ctl_commands[i].verb : "");
		check(strstr((char *)out.ptr, line), line);
	}
}

RUN_TESTS(cmocka_unit_test(a_command_line_is_taken_or_told_why_not),
	  cmocka_unit_test(every_command_is_explained),
	  cmocka_unit_test(the_manual_has_every_command))
