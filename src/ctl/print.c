/* print.c - words on a terminal. */
#include "ctl/print.h"

#include <stdarg.h>

#include "base/buf.h"
#include "base/clock.h"
#include "codec/json.h"

static const char *const tones[] = {
	[TONE_PLAIN] = "",       [TONE_GOOD] = "\033[32m", [TONE_WARN] = "\033[33m",
	[TONE_BAD] = "\033[31m", [TONE_DIM] = "\033[2m",   [TONE_BOLD] = "\033[1m",
};

static void put_safe(FILE *to, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		(void)fputc(c < 0x20 || c == 0x7f ? '?' : c, to);
	}
}

/* C1 controls are two bytes in UTF-8 (0xc2 0x80..0x9f): terminals obey them too. */
static bool has_c1(struct str text)
{
	for (size_t i = 0; i + 1 < text.len; i++)
		if ((unsigned char)text.ptr[i] == 0xc2 && (unsigned char)text.ptr[i + 1] < 0xa0)
			return true;
	return false;
}

void print_text(struct str text)
{
	if (!str_is_utf8(text) || has_c1(text))
		text = STR("?");
	put_safe(stdout, text);
}

void print_block(struct str text)
{
	struct str line;
	bool has_more;

	do {
		has_more = str_cut(text, '\n', &line, &text);
		for (bool in_line = true; in_line;) {
			struct str part;

			in_line = str_cut(line, '\t', &part, &line);
			print_text(part);
			if (in_line)
				(void)fputc('\t', stdout);
		}
		if (has_more)
			(void)fputc('\n', stdout);
	} while (has_more && text.len);
}

void print_toned(const struct ctl *c, enum print_tone tone, struct str text)
{
	bool has_tone = c->has_colour && tone != TONE_PLAIN;

	if (has_tone)
		(void)fputs(tones[tone], stdout);
	print_text(text);
	if (has_tone)
		(void)fputs("\033[0m", stdout);
}

enum print_tone print_tone_of(struct str word)
{
	static const struct {
		const char *word;
		enum print_tone tone;
	} words[] = {
		{ "normal", TONE_GOOD },      { "allow", TONE_GOOD },
		{ "active", TONE_GOOD },      { "affirming", TONE_GOOD },
		{ "attested", TONE_GOOD },    { "restricted", TONE_WARN },
		{ "pending", TONE_WARN },     { "warning", TONE_WARN },
		{ "update-only", TONE_WARN }, { "alert-only", TONE_WARN },
		{ "isolated", TONE_BAD },     { "deny", TONE_BAD },
		{ "held", TONE_BAD },         { "revoked", TONE_BAD },
		{ "retired", TONE_DIM },      { "contraindicated", TONE_BAD },
	};

	for (size_t i = 0; i < countof(words); i++)
		if (str_eqz(word, words[i].word))
			return words[i].tone;
	return TONE_PLAIN;
}

void print_failure(const struct ctl *c, const struct err *e)
{
	bool has_tone = c->has_colour;

	(void)fprintf(stderr, "%smuster:%s %s\n", has_tone ? "\033[31m" : "",
		      has_tone ? "\033[0m" : "", e->text);
	if (e->hint[0])
		(void)fprintf(stderr, "        %s\n", e->hint);
}

void print_note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
}

void print_row(const struct ctl *c, const char *label, struct str text)
{
	if (!text.len || str_eqz(text, "-"))
		return;
	printf("%-16s", label);
	print_toned(c, print_tone_of(text), text);
	(void)fputc('\n', stdout);
}

struct str print_age(struct ctl *c, int64_t then_ms)
{
	static const struct {
		int64_t ms;
		const char *word;
	} units[] = {
		{ 86400000, "d" },
		{ 3600000, "h" },
		{ 60000, "min" },
		{ 1000, "s" },
	};
	int64_t away = clock_wall_ms(clock_real()) - then_ms;
	bool is_ahead = away < 0;

	if (then_ms <= 0)
		return STR("-");
	away = is_ahead ? -away : away;
	for (size_t i = 0; i < countof(units); i++)
		if (away >= units[i].ms)
			return arena_printf(c->mem, "%s%lld %s%s", is_ahead ? "in " : "",
					    (long long)(away / units[i].ms), units[i].word,
					    is_ahead ? "" : " ago");
	return STR("now");
}

struct str print_time(struct ctl *c, int64_t then_ms)
{
	char text[CLOCK_TEXT];

	if (then_ms <= 0)
		return STR("-");
	clock_text(then_ms, text);
	return arena_printf(c->mem, "%s", text);
}

void print_table_init(struct print_table *t, struct ctl *c, const char *const *heads,
		      size_t columns)
{
	*t = (struct print_table){ .ctl = c, .columns = columns };
	for (size_t i = 0; i < columns && i < PRINT_COLUMNS; i++)
		t->heads[i] = heads[i];
}

void print_table_add(struct print_table *t, const struct str *cells)
{
	if (t->rows == t->room) {
		size_t room = t->room ? t->room * 2 : 32;
		struct str *more = arena_alloc(t->ctl->mem, room * t->columns, sizeof(*more));

		if (!more)
			return;
		if (t->rows)
			memcpy(more, t->cells, t->rows * t->columns * sizeof(*more));
		t->cells = more;
		t->room = room;
	}
	memcpy(t->cells + t->rows * t->columns, cells, t->columns * sizeof(*cells));
	t->rows++;
}

static size_t width_of(const struct print_table *t, size_t column)
{
	size_t width = strlen(t->heads[column]);

	for (size_t r = 0; r < t->rows; r++)
		if (t->cells[r * t->columns + column].len > width)
			width = t->cells[r * t->columns + column].len;
	return width;
}

static void pad(size_t from, size_t to)
{
	for (; from < to; from++)
		(void)fputc(' ', stdout);
}

void print_table_end(const struct print_table *t)
{
	size_t widths[PRINT_COLUMNS] = { 0 };

	for (size_t i = 0; i < t->columns; i++)
		widths[i] = width_of(t, i);
	for (size_t i = 0; i < t->columns; i++) {
		print_toned(t->ctl, TONE_DIM, str_of(t->heads[i]));
		if (i + 1 < t->columns)
			pad(strlen(t->heads[i]), widths[i] + 2);
	}
	(void)fputc('\n', stdout);
	for (size_t r = 0; r < t->rows; r++) {
		for (size_t i = 0; i < t->columns; i++) {
			struct str cell = t->cells[r * t->columns + i];

			if (!cell.len)
				cell = STR("-");
			print_toned(t->ctl, print_tone_of(cell), cell);
			if (i + 1 < t->columns)
				pad(cell.len, widths[i] + 2);
		}
		(void)fputc('\n', stdout);
	}
}

bool print_json(const struct json *v, struct err *e)
{
	auto_buf struct buf out = { 0 };
	struct jw w;

	buf_init(&out, 256UL << 20);
	jw_init(&w, &out, JW_COMPACT);
	jw_json(&w, v);
	if (!jw_ok(&w))
		return err_set(e, ERR_SYSTEM, "answer cannot be printed");
	(void)fwrite(out.ptr, 1, out.len, stdout);
	(void)fputc('\n', stdout);
	return true;
}
