/* scenario.c - play a plant from a text file: the real decisions on a virtual clock.
 *
 *	at 0s	pump-7 enrols in north with a tpm
 *	at 1s	pump-7 attests
 *	at 2s	expect pump-7 may publish plant/north/pump-7/telemetry/flow
 *	at 5s	pump-7 is tampered with
 *	at 6s	pump-7 attests
 *	at 7s	expect pump-7 grade alert-only
 *
 * Trust, attestation and policy are the product's own modules (src/model), fed as core and
 * gate feed them; the way between the two is a link of sys/sim.h.  Verbs are one table in
 * verbs.c; `scenario --verbs` prints it.  Each file is played under several seeds.
 */
#include "plant.h"

#include "codec/conf.h"

enum { FILE_MAX = 1 << 18, LINES_MAX = 2000, SEEDS = 10 };

struct line {
	unsigned number;
	int64_t at_ms;
	struct str words[WORDS_MAX];
	size_t count;
};

static struct line lines[LINES_MAX];
static size_t line_count;
static char text[FILE_MAX];

static bool split(struct str from, struct line *l)
{
	l->count = 0;
	for (struct str word; from.len;) {
		(void)str_cut(from, ' ', &word, &from);
		if (!word.len)
			continue;
		if (l->count == WORDS_MAX)
			return false;
		l->words[l->count++] = word;
	}
	return true;
}

static bool read_line(struct str from, unsigned number, struct err *e)
{
	struct line *l = &lines[line_count];

	for (size_t i = 0; i < from.len; i++)
		if (from.ptr[i] == '\t')
			text[&from.ptr[i] - text] = ' ';
	if (!split(from, l) || line_count + 1 == LINES_MAX)
		return err_set(e, ERR_INPUT, "too long");
	if (!l->count || l->words[0].ptr[0] == '#')
		return true;
	if (l->count < 3 || !str_eqz(l->words[0], "at"))
		return err_set(e, ERR_INPUT, "want: at <time> <what happens>");
	if (!conf_duration_ms(l->words[1], &l->at_ms, e))
		return false;
	if (line_count && l->at_ms < lines[line_count - 1].at_ms)
		return err_set(e, ERR_INPUT, "time goes back");
	l->number = number;
	line_count++;
	return true;
}

static bool read_file(const char *name, struct err *e)
{
	FILE *f = fopen(name, "rb");
	unsigned number = 0;

	if (!f)
		return err_sys(e, "%s", name);
	size_t len = fread(text, 1, sizeof(text), f);
	(void)fclose(f);
	for (struct str rest = { text, len }, one; rest.len;) {
		(void)str_cut(rest, '\n', &one, &rest);
		if (!read_line(one, ++number, e))
			return err_in(e, "%s:%u", name, number);
	}
	return line_count > 0 || err_set(e, ERR_INPUT, "%s: nothing happens", name);
}

static bool play(const char *name, uint64_t seed, struct err *e)
{
	struct plant *p = plant_new(seed, e);
	bool good = p;

	for (size_t i = 0; good && i < line_count; i++) {
		const struct line *l = &lines[i];
		sim_run_until(p->sim, l->at_ms);
		good = verb_run(p, l->words + 2, l->count - 2, e) ||
		       err_in(e, "%s:%u: seed %llu", name, l->number, (unsigned long long)seed);
	}
	plant_free(p);
	return good;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };

	if (argc == 2 && !strcmp(argv[1], "--verbs")) {
		verb_list(stdout);
		return 0;
	}
	if (argc != 2) {
		(void)fprintf(stderr, "usage: scenario FILE | --verbs\n");
		return 2;
	}
	bool good = read_file(argv[1], &e);
	for (uint64_t seed = 1; good && seed <= SEEDS; seed++)
		good = play(argv[1], seed, &e);
	if (!good)
		(void)fprintf(stderr, "%s\n", e.text);
	return !good;
}
