/* gen_man_conf.c - prints a daemon's .conf(5): what comes before (a file), then its settings.
 *
 * Linked with the settings.c of one daemon.
 */
#include "codec/conf.h"

extern const struct conf_option settings_table[];
extern const size_t settings_count;

static const char form[] =
	".Sh FORM\n"
	"The file has sections in brackets and lines of\n"
	".Ar key No = Ar value .\n"
	"A\n"
	".Sq #\n"
	"at the beginning of a line or after a space begins a comment.\n"
	"Durations have a unit\n"
	".Pq Cm ms , s , m , h , d , w ,\n"
	"sizes may have one\n"
	".Pq Cm K , M , G , No of 1024 .\n"
	"An unknown key is an error that names the file, the line and the nearest key.\n"
	"Below, a key is written with its section before the dot.\n"
	".Sh SETTINGS\n"
	".Bl -tag -width Ds\n";

/* mdoc wants each sentence on a line of its own. */
static void put_sentences(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		bool ends_one = text.ptr[i] == ' ' && i && text.ptr[i - 1] == '.';

		while (ends_one && i + 1 < text.len && text.ptr[i + 1] == ' ')
			i++;
		(void)fputc(ends_one ? '\n' : text.ptr[i], stdout);
	}
}

static bool copy(const char *path)
{
	FILE *in = fopen(path, "re");
	char part[4096];
	size_t len;

	if (!in)
		return false;
	while ((len = fread(part, 1, sizeof(part), in)) > 0)
		(void)fwrite(part, 1, len, stdout);
	return fclose(in) == 0;
}

int main(int argc, char **argv)
{
	struct buf out;

	buf_init(&out, 1 << 20);
	if (argc != 3 || !copy(argv[1]) || !conf_mdoc(settings_table, settings_count, &out))
		return 1;
	(void)fputs(form, stdout);
	put_sentences(buf_str(&out));
	(void)fputs(".El\n.Sh SEE ALSO\n", stdout);
	printf(".Xr muster 1 ,\n.Xr %s 8\n", argv[2]);
	buf_done(&out);
	return fflush(stdout) != 0;
}
