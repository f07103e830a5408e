/* man.c - the manual page and the completion, written from the rows. */
#include "ctl/man.h"

#include "ctl/ctl.h"

static const char head[] =
	".\\\" Made from src/ctl/commands.c; do not edit.\n"
	".Dd November 22, 2026\n"
	".Dt MUSTER 1\n"
	".Os\n"
	".Sh NAME\n"
	".Nm muster\n"
	".Nd who may do what on your devices, and why\n"
	".Sh SYNOPSIS\n"
	".Nm\n"
	".Op Fl -json\n"
	".Op Fl -home Ar DIR\n"
	".Op Fl -server Ar HOST:PORT\n"
	".Ar command ...\n"
	".Sh DESCRIPTION\n"
	".Nm\n"
	"talks to\n"
	".Xr musterd 8\n"
	"over its public API, with the operator's certificate found in its home folder.\n"
	"Commands that work on files\n"
	".Pq Cm refs sign , audit verify\n"
	"need no server.\n"
	".Pp\n"
	"What a script may read goes to standard output, all else to standard error.\n"
	"Options may stand before or after the command.\n";

static const char tail[] = ".Sh ENVIRONMENT\n"
			   ".Bl -tag -width MUSTER_HOME\n"
			   ".It Ev MUSTER_HOME\n"
			   "The home folder when\n"
			   ".Fl -home\n"
			   "is absent; else\n"
			   ".Pa ~/.config/muster .\n"
			   ".It Ev NO_COLOR\n"
			   "No colours, also on a terminal.\n"
			   ".El\n"
			   ".Sh FILES\n"
			   "In the home folder:\n"
			   ".Bl -tag -width audit.key\n"
			   ".It Pa cert.pem , key.pem\n"
			   "The operator's certificate and private key (mode 0600).\n"
			   ".It Pa ca.pem\n"
			   "The authority that vouches for the server.\n"
			   ".It Pa server\n"
			   "Host and port of the operators' listener.\n"
			   ".It Pa audit.key\n"
			   "Verifier key of the audit log.\n"
			   ".El\n"
			   ".Sh EXIT STATUS\n"
			   ".Bl -tag -width 0\n"
			   ".It 0\n"
			   "Done.\n"
			   ".It 1\n"
			   "The machine failed, here or at the server.\n"
			   ".It 2\n"
			   "The command, an option or the input is wrong.\n"
			   ".It 3\n"
			   "Denied by policy.\n"
			   ".It 4\n"
			   "There is no such thing.\n"
			   ".It 5\n"
			   "Conflict: it exists, somebody was faster, or a log does not verify.\n"
			   ".It 6\n"
			   "Try again later.\n"
			   ".El\n"
			   ".Sh EXAMPLES\n"
			   "Register a device and make its one-time code:\n"
			   ".Bd -literal -offset indent\n"
			   "muster device add pump-1 --site north --model px-200\n"
			   "muster enrol code pump-1\n"
			   ".Ed\n"
			   ".Pp\n"
			   "Why was it refused?\n"
			   ".Dl muster why pump-1\n"
			   ".Sh SEE ALSO\n"
			   ".Xr muster-agent 8 ,\n"
			   ".Xr muster-gate 8 ,\n"
			   ".Xr musterd 8\n";

/* mdoc wants each sentence on a line of its own. */
static void put_sentences(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		bool ends_one = text.ptr[i] == ' ' && i && text.ptr[i - 1] == '.';

		if (ends_one)
			buf_putc(out, '\n');
		while (ends_one && i + 1 < text.len && text.ptr[i + 1] == ' ')
			i++;
		if (!ends_one)
			buf_putc(out, text.ptr[i]);
	}
	buf_putc(out, '\n');
}

/* "[FILE]" -> Op Ar FILE; "COMMAND..." -> Ar COMMAND ... */
static void put_args(struct buf *out, const char *args)
{
	struct str text = str_of(args);
	bool is_optional = str_starts(text, STR("["));

	if (!text.len)
		return;
	if (is_optional)
		text = (struct str){ text.ptr + 1, text.len - 2 };
	bool is_many = str_ends(text, STR("..."));
	if (is_many)
		text = str_head(text, text.len - 3);
	buf_printf(out, " %sAr " STR_FMT "%s%s", is_optional ? "Oo " : "", STR_ARG(text),
		   is_many ? " ..." : "", is_optional ? " Oc" : "");
}

static void put_option(struct buf *out, const struct ctl_option *o)
{
	buf_printf(out, ".It Fl -%s", o->name);
	if (o->value)
		buf_printf(out, " Ar %s", o->value);
	buf_putc(out, '\n');
	put_sentences(out, str_of(o->help));
	if (o->often == CTL_REPEATED)
		buf_puts(out, STR("May be given several times.\n"));
}

static void put_options(struct buf *out, const struct ctl_option *options)
{
	buf_puts(out, STR(".Bl -tag -width Ds\n"));
	for (; options->name; options++)
		put_option(out, options);
	buf_puts(out, STR(".El\n"));
}

bool man_write(struct buf *out)
{
	buf_puts(out, str_of(head));
	put_options(out, ctl_global_options);
	buf_puts(out, STR(".Sh COMMANDS\n.Bl -tag -width Ds\n"));
	for (size_t i = 0; i < ctl_command_count; i++) {
		const struct ctl_command *row = &ctl_commands[i];

		buf_printf(out, ".It Cm %s%s%s", row->noun, row->verb ? " " : "",
			   row->verb ? row->verb : "");
		put_args(out, row->args);
		buf_putc(out, '\n');
		put_sentences(out, str_of(row->summary));
		if (row->options->name)
			put_options(out, row->options);
	}
	buf_puts(out, STR(".El\n"));
	return buf_puts(out, str_of(tail));
}

static bool is_first_of_noun(size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (!strcmp(ctl_commands[j].noun, ctl_commands[i].noun))
			return false;
	return true;
}

static void put_verbs(struct buf *out, const char *noun)
{
	buf_printf(out, "\t%s) words='", noun);
	for (size_t i = 0; i < ctl_command_count; i++)
		if (!strcmp(ctl_commands[i].noun, noun) && ctl_commands[i].verb)
			buf_printf(out, "%s ", ctl_commands[i].verb);
	buf_puts(out, STR("' ;;\n"));
}

bool man_completion(struct buf *out)
{
	buf_puts(out, STR("# bash completion for muster; made from src/ctl/commands.c\n"
			  "_muster()\n{\n\tlocal words=''\n"
			  "\tcase ${COMP_WORDS[1]} in\n"));
	for (size_t i = 0; i < ctl_command_count; i++)
		if (is_first_of_noun(i) && ctl_commands[i].verb)
			put_verbs(out, ctl_commands[i].noun);
	buf_puts(out, STR("\tesac\n\tif [ \"$COMP_CWORD\" = 1 ]; then words='"));
	for (size_t i = 0; i < ctl_command_count; i++)
		if (is_first_of_noun(i))
			buf_printf(out, "%s ", ctl_commands[i].noun);
	return buf_puts(out, STR("'; fi\n"
				 "\t[ \"$COMP_CWORD\" -gt 2 ] && words=''\n"
				 "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- "
				 "\"${COMP_WORDS[COMP_CWORD]}\")\n}\n"
				 "complete -o default -F _muster muster\n"));
}
