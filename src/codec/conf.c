#include "codec/conf.h"

#include <string.h>

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit durations[] = {
	{ "ms", 1 },      { "s", 1000 },     { "m", 60000 },
	{ "h", 3600000 }, { "d", 86400000 }, { "w", 604800000 },
};
static const struct unit sizes[] = {
	{ "", 1 },
	{ "K", 1 << 10 },
	{ "M", 1 << 20 },
	{ "G", 1 << 30 },
};

typedef bool conf_read_fn(struct str text, const struct conf_option *o, void *field,
			  struct arena *mem, struct err *e);

static bool read_number(struct str text, const struct unit *units, size_t count, int64_t *out)
{
	size_t digits = 0;
	uint64_t n;

	while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
		digits++;
	if (!str_u64(str_head(text, digits), &n))
		return false;
	struct str unit = str_from(text, digits);
	for (size_t i = 0; i < count; i++)
		if (str_eqz(unit, units[i].name)) {
			*out = (int64_t)n * units[i].factor;
			return n <= (uint64_t)(INT64_MAX / units[i].factor);
		}
	*out = 0;
	return n == 0 && !unit.len; /* nothing needs no unit */
}

bool conf_duration_ms(struct str text, int64_t *out_ms, struct err *e)
{
	return read_number(text, durations, countof(durations), out_ms) ||
	       err_set(e, ERR_INPUT, "want a duration such as 90s, 15m or 3d, not '" STR_FMT "'",
		       STR_ARG(text));
}

static bool in_bounds(int64_t v, const struct conf_option *o, const char *unit, struct err *e)
{
	if ((!o->least && !o->most) || (v >= o->least && v <= o->most))
		return true;
	return err_set(e, ERR_INPUT, "want %lld to %lld%s", (long long)o->least, (long long)o->most,
		       unit);
}

static bool read_text(struct str text, const struct conf_option *o, void *field, struct arena *mem,
		      struct err *e)
{
	struct str copy = arena_dup(mem, text);

	(void)o;
	*(const char **)field = copy.ptr;
	return copy.ptr || err_set(e, ERR_INPUT, "too large");
}

static bool read_count(struct str text, const struct conf_option *o, void *field, struct arena *mem,
		       struct err *e)
{
	(void)mem;
	if (!str_i64(text, field))
		return err_set(e, ERR_INPUT, "want a number");
	return in_bounds(*(int64_t *)field, o, "", e);
}

static bool read_ms(struct str text, const struct conf_option *o, void *field, struct arena *mem,
		    struct err *e)
{
	(void)mem;
	return conf_duration_ms(text, field, e) && in_bounds(*(int64_t *)field, o, " ms", e);
}

static bool read_seconds(struct str text, const struct conf_option *o, void *field,
			 struct arena *mem, struct err *e)
{
	int64_t ms;

	(void)mem;
	if (!conf_duration_ms(text, &ms, e))
		return false;
	if (ms % 1000)
		return err_set(e, ERR_INPUT, "want whole seconds");
	*(int64_t *)field = ms / 1000;
	return in_bounds(ms / 1000, o, " s", e);
}

static bool read_bytes(struct str text, const struct conf_option *o, void *field, struct arena *mem,
		       struct err *e)
{
	(void)mem;
	if (!read_number(text, sizes, countof(sizes), field))
		return err_set(e, ERR_INPUT, "want a size such as 512, 64K or 16M");
	return in_bounds(*(int64_t *)field, o, " bytes", e);
}

static bool read_switch(struct str text, const struct conf_option *o, void *field,
			struct arena *mem, struct err *e)
{
	(void)mem, (void)o;
	if (!str_eq(text, STR("on")) && !str_eq(text, STR("off")))
		return err_set(e, ERR_INPUT, "want on or off");
	*(bool *)field = str_eq(text, STR("on"));
	return true;
}

static size_t count_choices(const struct conf_option *o)
{
	size_t n = 0;

	while (o->choices[n])
		n++;
	return n;
}

static struct str choice_name(const void *ctx, size_t i)
{
	return str_of(((const char *const *)ctx)[i]);
}

static bool read_choice(struct str text, const struct conf_option *o, void *field,
			struct arena *mem, struct err *e)
{
	(void)mem;
	for (int i = 0; o->choices[i]; i++)
		if (str_eqz(text, o->choices[i])) {
			*(int *)field = i;
			return true;
		}
	struct str near = str_nearest(text, count_choices(o), choice_name, o->choices);
	err_set(e, ERR_INPUT, "'" STR_FMT "' is not a choice", STR_ARG(text));
	return near.len ? err_hint(e, "did you mean '" STR_FMT "'?", STR_ARG(near))
			: err_hint(e, "one of them is '%s'", o->choices[0]);
}

static bool read_item(struct str text, const struct conf_option *o, void *field, struct arena *mem,
		      struct err *e)
{
	struct conf_list *list = field;
	struct str copy = arena_dup(mem, text);

	(void)o;
	if (!list->at)
		list->at = arena_alloc(mem, CONF_MAX_LIST, sizeof(*list->at));
	if (!list->at || !copy.ptr || list->count == CONF_MAX_LIST)
		return err_set(e, ERR_INPUT, "too many");
	list->at[list->count++] = copy.ptr;
	return true;
}

static conf_read_fn *const readers[] = {
	[CONF_TEXT] = read_text,     [CONF_COUNT] = read_count, [CONF_SECONDS] = read_seconds,
	[CONF_MS] = read_ms,         [CONF_BYTES] = read_bytes, [CONF_SWITCH] = read_switch,
	[CONF_CHOICE] = read_choice, [CONF_LIST] = read_item,
};

/* One load: where we are, and which options were seen. */
struct load {
	const char *file;
	unsigned line;
	const struct conf_option *table;
	size_t count;
	struct arena *mem;
	uint8_t *out;
	bool *seen;
	struct str section;
};

static bool read_value(struct load *l, size_t i, struct str text, struct err *e)
{
	const struct conf_option *o = &l->table[i];

	return readers[o->kind](text, o, l->out + o->field, l->mem, e) || err_in(e, "%s", o->name);
}

static bool is_named(const struct conf_option *o, struct str section, struct str key)
{
	struct str have, rest;

	return str_cut(str_of(o->name), '.', &have, &rest) && str_eq(have, section) &&
	       str_eq(rest, key);
}

static struct str option_name(const void *ctx, size_t i)
{
	return str_of(((const struct conf_option *)ctx)[i].name);
}

static bool unknown(const struct load *l, struct str key, struct err *e)
{
	char typed[128];
	int len = snprintf(typed, sizeof(typed), STR_FMT "." STR_FMT, STR_ARG(l->section),
			   STR_ARG(key));
	size_t used = len < (int)sizeof(typed) ? (size_t)len : sizeof(typed) - 1;

	err_set(e, ERR_INPUT, "%s is not an option", typed);
	struct str near = str_nearest((struct str){ typed, used }, l->count, option_name, l->table);
	return near.len ? err_hint(e, "did you mean " STR_FMT "?", STR_ARG(near)) : false;
}

static bool read_key(struct load *l, struct str key, struct str value, struct err *e)
{
	for (size_t i = 0; i < l->count; i++) {
		if (!is_named(&l->table[i], l->section, key))
			continue;
		if (l->seen[i] && l->table[i].kind != CONF_LIST)
			return err_set(e, ERR_INPUT, "%s is set twice", l->table[i].name);
		l->seen[i] = true;
		return read_value(l, i, value, e);
	}
	return unknown(l, key, e);
}

/* What stands before a '#' that begins the line or follows a space. */
static struct str without_comment(struct str line)
{
	for (size_t i = 0; i < line.len; i++)
		if (line.ptr[i] == '#' &&
		    (i == 0 || line.ptr[i - 1] == ' ' || line.ptr[i - 1] == '\t'))
			return str_head(line, i);
	return line;
}

static bool is_plain(struct str line)
{
	for (size_t i = 0; i < line.len; i++)
		if ((uint8_t)line.ptr[i] < ' ' && line.ptr[i] != '\t')
			return false;
	return str_is_utf8(line);
}

static bool read_line(struct load *l, struct str line, struct err *e)
{
	struct str key, value;

	if (str_ends(line, STR("\r")))
		line.len--;
	if (!is_plain(line))
		return err_set(e, ERR_INPUT, "not plain text");
	line = str_trim(without_comment(line));
	if (!line.len)
		return true;
	if (line.ptr[0] == '[') {
		if (!str_ends(line, STR("]")))
			return err_set(e, ERR_INPUT, "a section is written [name]");
		l->section = str_trim((struct str){ line.ptr + 1, line.len - 2 });
		return true;
	}
	if (!str_cut(line, '=', &key, &value))
		return err_set(e, ERR_INPUT, "want key = value");
	if (!l->section.len)
		return err_set(e, ERR_INPUT, "a key before the first [section]");
	return read_key(l, str_trim(key), str_trim(value), e);
}

static bool read_lines(struct load *l, struct str text, struct err *e)
{
	while (text.len) {
		struct str line;
		l->line++;
		(void)str_cut(text, '\n', &line, &text);
		if (!read_line(l, line, e))
			return err_in(e, "%s:%u", l->file, l->line);
	}
	return true;
}

static bool fill_defaults(struct load *l, struct err *e)
{
	for (size_t i = 0; i < l->count; i++) {
		const struct conf_option *o = &l->table[i];
		if (l->seen[i] || (o->kind == CONF_LIST && o->initial && !*o->initial))
			continue;
		if (!o->initial)
			return err_set(e, ERR_INPUT, "%s: %s is not set", l->file, o->name);
		if (!read_value(l, i, str_of(o->initial), e))
			return err_in(e, "%s: default", l->file);
	}
	return true;
}

bool conf_load(const char *file, struct str text, const struct conf_option *table, size_t count,
	       struct arena *mem, void *out, struct err *e)
{
	struct load l = { .file = file, .table = table, .count = count, .mem = mem, .out = out };

	for (size_t i = 0; i < count; i++)
		if (table[i].kind == CONF_LIST)
			memset(l.out + table[i].field, 0, sizeof(struct conf_list));
	l.seen = arena_alloc(mem, count + 1, sizeof(*l.seen));
	if (!l.seen || text.len > CONF_MAX_BYTES)
		return err_set(e, ERR_INPUT, "%s: too large", file);
	return read_lines(&l, text, e) && fill_defaults(&l, e);
}

static const char *kind_word(enum conf_kind kind)
{
	static const char *const words[] = {
		[CONF_TEXT] = "text",        [CONF_COUNT] = "number",
		[CONF_SECONDS] = "duration", [CONF_MS] = "duration",
		[CONF_BYTES] = "size",       [CONF_SWITCH] = "on | off",
		[CONF_CHOICE] = "choice",    [CONF_LIST] = "text, may be repeated",
	};
	return words[kind];
}

static void put_bounds(const struct conf_option *o, struct buf *out)
{
	static const char *const units[] = { [CONF_SECONDS] = " s",
					     [CONF_MS] = " ms",
					     [CONF_BYTES] = " bytes",
					     [CONF_LIST] = NULL };

	if (o->least || o->most)
		(void)buf_printf(out, ", %lld to %lld%s", (long long)o->least, (long long)o->most,
				 units[o->kind] ? units[o->kind] : "");
	for (size_t i = 0; o->kind == CONF_CHOICE && o->choices[i]; i++)
		(void)buf_printf(out, "%s%s", i ? " | " : ": ", o->choices[i]);
}

bool conf_explain(const struct conf_option *table, size_t count, struct buf *out)
{
	struct str section = { 0 };

	for (size_t i = 0; i < count; i++) {
		const struct conf_option *o = &table[i];
		struct str here, key;
		(void)str_cut(str_of(o->name), '.', &here, &key);
		if (!str_eq(here, section))
			(void)buf_printf(out, "%s[" STR_FMT "]\n", i ? "\n" : "", STR_ARG(here));
		section = here;
		(void)buf_printf(out, "# %s\n# (%s", o->help, kind_word(o->kind));
		put_bounds(o, out);
		(void)buf_printf(out, ")\n%s" STR_FMT " = %s\n", o->initial ? "# " : "",
				 STR_ARG(key), o->initial ? o->initial : "...");
	}
	return !out->is_full;
}

bool conf_mdoc(const struct conf_option *table, size_t count, struct buf *out)
{
	for (size_t i = 0; i < count; i++) {
		const struct conf_option *o = &table[i];
		(void)buf_printf(out, ".It Cm %s\n%s\n.Pq %s", o->name, o->help,
				 kind_word(o->kind));
		put_bounds(o, out);
		if (!o->initial)
			(void)buf_puts(out, STR("; must be set\n"));
		else
			(void)buf_printf(out, "; default: %s\n", *o->initial ? o->initial : "none");
	}
	return !out->is_full;
}
