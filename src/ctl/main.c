/* main.c - muster: find the command, run it, tell how it ended. */
#include <locale.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/print.h"

static const char *home_dir(struct arena *mem)
{
	const char *given = getenv("MUSTER_HOME"), *home = getenv("HOME");

	if (given && given[0])
		return given;
	return arena_printf(mem, "%s/.config/muster", home ? home : ".").ptr;
}

static bool wants_colour(void)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && !(no && no[0]) && term && strcmp(term, "dumb") != 0;
}

int main(int argc, char **argv)
{
	auto_arena struct arena *mem = arena_new(256UL << 20);
	struct ctl c = { .mem = mem, .home = home_dir(mem), .has_colour = wants_colour() };
	const struct ctl_command *row = NULL;
	struct err e = { 0 };

	(void)setlocale(LC_CTYPE, "");
	if (!ctl_parse(&c, argc, argv, &row, &e)) {
		print_failure(&c, &e);
		return err_exit_code(e.kind);
	}
	if (!row || ctl_has(&c, "help")) {
		ctl_help(row);
		return 0;
	}
	if (!row->run(&c, &e)) {
		print_failure(&c, &e);
		return err_exit_code(e.kind);
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		err_sys(&e, "standard output");
		print_failure(&c, &e);
		return err_exit_code(e.kind);
	}
	return 0;
}
