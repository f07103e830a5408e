/* parse.c - command lines, and help, by the table. */
#include <unistd.h>

#include "base/buf.h"
#include "ctl/ctl.h"
#include "sys/files.h"

static struct str command_text(const void *ctx, size_t i)
{
	static char texts[64][40];
	const struct ctl_command *rows = ctx;

	if (i >= countof(texts))
		return STR("");
	int len = snprintf(texts[i], sizeof(texts[i]), "%s%s%s", rows[i].noun,
			   rows[i].verb ? " " : "", rows[i].verb ? rows[i].verb : "");
	return (struct str){ texts[i], (size_t)len };
}

static bool refuse_command(struct ctl *c, const char *noun, const char *verb, struct err *e)
{
	struct str typed = arena_printf(c->mem, "%s%s%s", noun, verb ? " " : "", verb ? verb : "");
	struct str near = str_nearest(typed, ctl_command_count, command_text, ctl_commands);

	err_set(e, ERR_INPUT, "'" STR_FMT "' is no command", STR_ARG(typed));
	if (near.len)
		return err_hint(e, "did you mean 'muster " STR_FMT "'?", STR_ARG(near));
	return err_hint(e, "muster help lists them all");
}

/* How many words the command's name took; 0: there is none. */
static int find_command(int argc, char **argv, const struct ctl_command **out)
{
	for (size_t i = 0; i < ctl_command_count; i++) {
		const struct ctl_command *row = &ctl_commands[i];

		if (strcmp(argv[0], row->noun) != 0)
			continue;
		if (!row->verb || (argc > 1 && !strcmp(argv[1], row->verb))) {
			*out = row;
			return row->verb ? 2 : 1;
		}
	}
	return 0;
}

static const struct ctl_option *find_option(const struct ctl_option *options, struct str name)
{
	for (; options && options->name; options++)
		if (str_eqz(name, options->name))
			return options;
	return NULL;
}

static struct str option_name(const void *ctx, size_t i)
{
	return str_of(((const struct ctl_option *)ctx)[i].name);
}

static bool refuse_option(const struct ctl_option *options, struct str name, struct err *e)
{
	size_t count = 0;

	while (options && options[count].name)
		count++;
	struct str near = str_nearest(name, count, option_name, options);

	err_set(e, ERR_INPUT, "--" STR_FMT ": no such option here", STR_ARG(name));
	if (near.len)
		err_hint(e, "did you mean --" STR_FMT "?", STR_ARG(near));
	return false;
}

static bool keep_option(struct ctl *c, const struct ctl_option *o, struct str value, struct err *e)
{
	if (c->given_count == CTL_GIVEN_MAX)
		return err_set(e, ERR_INPUT, "too many options");
	if (o->often == CTL_ONCE && ctl_has(c, o->name) && o->value)
		return err_set(e, ERR_INPUT, "--%s is given twice", o->name);
	c->given[c->given_count++] = (struct ctl_given){ o, value };
	return true;
}

/* One "--name", "--name=value" or "--name value"; *at moves over what it took. */
static bool read_option(struct ctl *c, const struct ctl_command *row, int argc, char **argv,
			int *at, struct err *e)
{
	const struct ctl_option *own = row ? row->options : NULL;
	struct str name, value;
	bool has_value = str_cut(str_of(argv[*at] + 2), '=', &name, &value);
	const struct ctl_option *o = find_option(own, name);

	if (!o)
		o = find_option(ctl_global_options, name);
	if (!o)
		return refuse_option(own, name, e);
	if (!o->value && has_value)
		return err_set(e, ERR_INPUT, "--%s takes no value", o->name);
	if (o->value && !has_value) {
		if (*at + 1 >= argc)
			return err_set(e, ERR_INPUT, "--%s wants %s", o->name, o->value);
		value = str_of(argv[++*at]);
	}
	return keep_option(c, o, value, e);
}

static bool check_args(const struct ctl *c, const struct ctl_command *row, struct err *e)
{
	const char *verb = row->verb ? row->verb : "";

	if (ctl_has(c, "help") || (c->arg_count >= row->least && c->arg_count <= row->most))
		return true;
	err_set(e, ERR_INPUT, "%s%s%s: %s", row->noun, row->verb ? " " : "", verb,
		c->arg_count < row->least ? "something is missing" : "that is one word too many");
	return err_hint(e, "muster %s%s%s %s", row->noun, row->verb ? " " : "", verb, row->args);
}

static void take_globals(struct ctl *c)
{
	c->is_json = ctl_has(c, "json");
	if (ctl_has(c, "home"))
		c->home = ctl_text(c, "home").ptr;
	if (ctl_has(c, "server"))
		c->server = ctl_text(c, "server").ptr;
}

static bool read_words(struct ctl *c, const struct ctl_command *row, int argc, char **argv,
		       struct err *e)
{
	bool is_over = false; /* "--": only arguments follow */

	for (int i = 0; i < argc; i++) {
		if (!is_over && !strcmp(argv[i], "--")) {
			is_over = true;
		} else if (!is_over && !strncmp(argv[i], "--", 2)) {
			if (!read_option(c, row, argc, argv, &i, e))
				return false;
		} else if (!is_over && !strcmp(argv[i], "-h")) {
			if (!keep_option(c, find_option(ctl_global_options, STR("help")), STR(""),
					 e))
				return false;
		} else {
			if (c->arg_count == CTL_ARGS_MAX)
				return err_set(e, ERR_INPUT, "too many words");
			c->args[c->arg_count++] = str_of(argv[i]);
		}
	}
	return true;
}

/* Global options may stand before the command as well. */
static bool skip_globals(struct ctl *c, int argc, char **argv, int *at, struct err *e)
{
	if (*at < argc && !strcmp(argv[*at], "-h")) {
		*at = argc;
		return keep_option(c, find_option(ctl_global_options, STR("help")), STR(""), e);
	}
	for (; *at < argc && argv[*at][0] == '-'; (*at)++) {
		if (strncmp(argv[*at], "--", 2) != 0 || !argv[*at][2])
			return err_set(e, ERR_INPUT, "%s: options are long here", argv[*at]);
		if (!read_option(c, NULL, argc, argv, at, e))
			return false;
	}
	return true;
}

bool ctl_parse(struct ctl *c, int argc, char **argv, const struct ctl_command **out, struct err *e)
{
	int at = 1;

	*out = NULL;
	if (!skip_globals(c, argc, argv, &at, e))
		return false;
	if (at >= argc)
		return true;
	int words = find_command(argc - at, argv + at, out);
	if (!words)
		return refuse_command(c, argv[at], at + 1 < argc ? argv[at + 1] : NULL, e);
	if (!read_words(c, *out, argc - at - words, argv + at + words, e) ||
	    !check_args(c, *out, e))
		return false;
	take_globals(c);
	return true;
}

/* ---- what a command asks ---- */

bool ctl_each(const struct ctl *c, const char *option, size_t *at, struct str *value)
{
	while (*at < c->given_count) {
		const struct ctl_given *g = &c->given[(*at)++];

		if (!strcmp(g->option->name, option)) {
			*value = g->value;
			return true;
		}
	}
	return false;
}

bool ctl_has(const struct ctl *c, const char *option)
{
	struct str ignored;
	size_t at = 0;

	return ctl_each(c, option, &at, &ignored);
}

struct str ctl_text(const struct ctl *c, const char *option)
{
	struct str value = STR("");
	size_t at = 0;

	(void)ctl_each(c, option, &at, &value);
	return value;
}

bool ctl_number(const struct ctl *c, const char *option, int64_t or_else, int64_t *out,
		struct err *e)
{
	struct str text = ctl_text(c, option);

	*out = or_else;
	if (!ctl_has(c, option) || (str_i64(text, out) && *out >= 0))
		return true;
	return err_set(e, ERR_INPUT, "--%s: '" STR_FMT "' is no number", option, STR_ARG(text));
}

bool ctl_file(struct ctl *c, struct str path, size_t max_bytes, struct str *out, struct err *e)
{
	auto_buf struct buf text = { 0 };
	struct str name = arena_dup(c->mem, path);

	buf_init(&text, max_bytes);
	if (!(str_eqz(path, "-") ? file_read_fd(STDIN_FILENO, &text, e)
				 : file_read(name.ptr, &text, e)))
		return false;
	*out = arena_dup(c->mem, buf_str(&text));
	return out->ptr || err_set(e, ERR_INPUT, "'" STR_FMT "' is too large", STR_ARG(path));
}

bool ctl_save(struct str path, struct bytes data, unsigned mode, struct err *e)
{
	char name[4096];

	if (!path.len || str_eqz(path, "-"))
		return fwrite(data.ptr, 1, data.len, stdout) == data.len ||
		       err_sys(e, "standard output");
	if (path.len >= sizeof(name))
		return err_set(e, ERR_INPUT, "file name is too long");
	snprintf(name, sizeof(name), STR_FMT, STR_ARG(path));
	return file_write(name, data, mode, e);
}

/* ---- help ---- */

static void help_options(const struct ctl_option *o)
{
	for (; o->name; o++) {
		char name[64];

		snprintf(name, sizeof(name), "--%s%s%s", o->name, o->value ? " " : "",
			 o->value ? o->value : "");
		printf("  %-22s %s\n", name, o->help);
	}
}

static void help_one(const struct ctl_command *row)
{
	printf("muster %s%s%s%s%s%s\n\n%s\n", row->noun, row->verb ? " " : "",
	       row->verb ? row->verb : "", row->args[0] ? " " : "", row->args,
	       row->options->name ? " [options]" : "", row->summary);
	if (row->options->name) {
		printf("\n");
		help_options(row->options);
	}
	printf("\nEverywhere:\n");
	help_options(ctl_global_options);
}

void ctl_help(const struct ctl_command *only)
{
	if (only) {
		help_one(only);
		return;
	}
	printf("muster: who may do what on your devices, and why\n\n");
	for (size_t i = 0; i < ctl_command_count; i++) {
		const struct ctl_command *row = &ctl_commands[i];
		char name[64];

		if (i && strcmp(row->noun, ctl_commands[i - 1].noun) != 0 &&
		    (row->verb || ctl_commands[i - 1].verb))
			printf("\n");
		snprintf(name, sizeof(name), "%s%s%s%s%s", row->noun, row->verb ? " " : "",
			 row->verb ? row->verb : "", row->args[0] ? " " : "", row->args);
		printf("  %-26s %s\n", name, row->summary);
	}
	printf("\nEverywhere:\n");
	help_options(ctl_global_options);
	printf("\nmuster help COMMAND says more.  Exit codes: 0 done, 1 failed, 2 asked wrongly, "
	       "3 denied,\n4 not found, 5 conflict, 6 try again later.\n");
}
