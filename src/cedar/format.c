/* format.c - tokens in, the same tokens out, at their places.
 *
 * A piece of text is put on one line when it fits and holds no comment.  Otherwise it is broken at
 * its loosest operator, or inside its brackets.  Line breaks are lazy: one is due, and written with
 * the indent in force when the next token comes, so a trailing comment still gets onto its line.
 */
#include "cedar/format.h"

#include "cedar/lex.h"
#include "cedar/parse.h"

enum { WIDTH = 80, INDENT = 4 };

struct formatter {
	struct cedar_token *tokens; /* the last is CEDAR_TOKEN_END */
	const uint32_t *closers;    /* of an opening bracket: its partner */
	struct buf *out;
	size_t column, indent;
	bool is_due;     /* a line break comes before the next token */
	bool is_fresh;   /* nothing but the indent is on this line */
	bool is_begun;   /* something was written */
	bool is_comment; /* the last thing written was a comment: its line is full */
	bool wants_gap;  /* blank lines between comments are kept (between policies) */
	bool is_end;     /* no policy follows */
};

static bool is_punct(const struct cedar_token *t, const char *text)
{
	return t->kind == CEDAR_TOKEN_PUNCT && str_eqz(t->text, text);
}

static bool is_word(const struct cedar_token *t, const char *text)
{
	return t->kind == CEDAR_TOKEN_IDENT && str_eqz(t->text, text);
}

static bool is_opener(const struct cedar_token *t)
{
	return is_punct(t, "(") || is_punct(t, "[") || is_punct(t, "{");
}

static bool is_closer(const struct cedar_token *t)
{
	return is_punct(t, ")") || is_punct(t, "]") || is_punct(t, "}");
}

/* Does an operand end here?  Then a minus after it is binary, and a bracket indexes it. */
static bool is_operand_end(const struct cedar_token *t)
{
	if (t->kind == CEDAR_TOKEN_IDENT)
		return !cedar_is_reserved(t->text) || is_word(t, "true") || is_word(t, "false");
	return t->kind == CEDAR_TOKEN_INT || t->kind == CEDAR_TOKEN_STRING ||
	       t->kind == CEDAR_TOKEN_SLOT || is_closer(t);
}

static bool has_comment(const struct cedar_token *t)
{
	return str_has(t->gap, '/');
}

/* A comma before a closing bracket is dropped; its comments are not. */
static bool is_dropped(const struct formatter *f, uint32_t i)
{
	return is_punct(&f->tokens[i], ",") && is_closer(&f->tokens[i + 1]);
}

static bool is_unary(const struct formatter *f, uint32_t i)
{
	const struct cedar_token *t = &f->tokens[i];

	return is_punct(t, "!") || (is_punct(t, "-") && (!i || !is_operand_end(t - 1)));
}

/* Is there a space between token i and the one before it on its line? */
static bool has_space(const struct formatter *f, uint32_t i)
{
	static const char *const tight[] = { ")", "]", "}", ",", ";", ".", "::", ":" };
	const struct cedar_token *t = &f->tokens[i], *before = t - 1;

	for (size_t k = 0; k < countof(tight); k++)
		if (is_punct(t, tight[k]))
			return false;
	if (is_punct(before, ".") || is_punct(before, "::") || is_punct(before, "@") ||
	    is_opener(before) || is_unary(f, i - 1))
		return false;
	if (is_punct(t, "("))
		return !is_operand_end(before) || before->kind != CEDAR_TOKEN_IDENT;
	return !is_punct(t, "[") || !is_operand_end(before);
}

/* Columns of tokens [from, to) on one line. */
static size_t width_of(const struct formatter *f, uint32_t from, uint32_t to)
{
	size_t width = 0;

	for (uint32_t i = from; i < to; i++)
		if (!is_dropped(f, i))
			width += f->tokens[i].text.len + (i > from && has_space(f, i));
	return width;
}

static bool has_comments(const struct formatter *f, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++)
		if (has_comment(&f->tokens[i]))
			return true;
	return false;
}

static void write_text(struct formatter *f, struct str text)
{
	(void)buf_puts(f->out, text);
	f->column += text.len;
	f->is_begun = true;
	f->is_comment = false;
	f->is_fresh = false;
}

static void break_line(struct formatter *f)
{
	if (f->is_begun)
		(void)buf_putc(f->out, '\n');
	for (size_t i = 0; i < f->indent; i++)
		(void)buf_putc(f->out, ' ');
	f->column = f->indent;
	f->is_due = false;
	f->is_fresh = true;
}

static void due(struct formatter *f)
{
	f->is_due = f->is_begun;
}

/* The next comment of a gap: its text without trailing space; what stood before it. */
static bool take_comment(struct str *gap, struct str *before, struct str *comment)
{
	size_t at = 0, end;

	while (at + 1 < gap->len && !(gap->ptr[at] == '/' && gap->ptr[at + 1] == '/'))
		at++;
	if (at + 1 >= gap->len) {
		*before = *gap;
		return false;
	}
	for (end = at; end < gap->len && gap->ptr[end] != '\n' && gap->ptr[end] != '\r';)
		end++;
	*before = str_head(*gap, at);
	*comment = str_trim(str_head(str_from(*gap, at), end - at));
	*gap = str_from(*gap, end);
	return true;
}

static size_t count_lines(struct str space)
{
	size_t lines = 0;

	for (size_t i = 0; i < space.len; i++)
		lines += space.ptr[i] == '\n';
	return lines;
}

static void blank_line(struct formatter *f)
{
	if (f->wants_gap && f->is_begun) {
		(void)buf_putc(f->out, '\n');
		f->is_due = true;
	}
}

/* Comments before a token: those on the line of what came before stay there. */
static void write_comments(struct formatter *f, struct str gap)
{
	struct str before, comment;
	bool is_first = true;

	for (; take_comment(&gap, &before, &comment); is_first = false) {
		if (is_first && f->is_begun && !f->is_comment && !count_lines(before)) {
			write_text(f, STR(" "));
		} else {
			/* the break that ended the last comment's line is in `before` */
			if (count_lines(before) > 1 && !(is_first && f->is_due))
				blank_line(f);
			break_line(f);
		}
		write_text(f, comment);
		f->is_comment = true;
		due(f);
	}
	if (!is_first && !f->is_end && count_lines(before) > 1)
		blank_line(f);
}

static void write_token(struct formatter *f, uint32_t i)
{
	const struct cedar_token *t = &f->tokens[i];

	write_comments(f, t->gap);
	if (is_dropped(f, i))
		return;
	if (f->is_due)
		break_line(f);
	else if (!f->is_fresh && f->is_begun && has_space(f, i))
		write_text(f, STR(" "));
	write_text(f, t->text);
}

/* An operator or comma stays with what it follows; comments before it come after it. */
static void write_hoisted(struct formatter *f, uint32_t i)
{
	const struct cedar_token *t = &f->tokens[i];

	if (!is_dropped(f, i)) {
		if (has_space(f, i))
			write_text(f, STR(" "));
		write_text(f, t->text);
	}
	write_comments(f, t->gap);
}

/* A closing bracket after broken lines: the comments before it are still inside. */
static void write_closer(struct formatter *f, uint32_t i)
{
	write_comments(f, f->tokens[i].gap);
	f->indent -= INDENT;
	break_line(f);
	write_text(f, f->tokens[i].text);
}

static void write_flat(struct formatter *f, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++)
		write_token(f, i);
}

static size_t start_column(const struct formatter *f)
{
	return f->is_due ? f->indent : f->column;
}

static bool fits(const struct formatter *f, uint32_t from, uint32_t to, size_t after)
{
	return !has_comments(f, from + 1, to) &&
	       start_column(f) + width_of(f, from, to) + after + 1 <= WIDTH;
}

/* The first token of [from, to) outside brackets that is this operator; `to` when none is. */
static uint32_t find_top(const struct formatter *f, uint32_t from, uint32_t to, const char *op)
{
	for (uint32_t i = from; i < to; i++) {
		if (is_punct(&f->tokens[i], op))
			return i;
		if (is_opener(&f->tokens[i]))
			i = f->closers[i];
	}
	return to;
}

/* The `then` or `else` that belongs to the `if` at from. */
static uint32_t find_branch(const struct formatter *f, uint32_t from, uint32_t to, const char *word)
{
	uint32_t nested = 0;

	for (uint32_t i = from + 1; i < to; i++) {
		const struct cedar_token *t = &f->tokens[i];
		if (is_opener(t)) {
			i = f->closers[i];
			continue;
		}
		if (is_word(t, word) && !nested)
			return i;
		nested += is_word(t, "if");
		nested -= is_word(t, "else") && nested;
	}
	return to;
}

static void write_range(struct formatter *f, uint32_t from, uint32_t to, size_t after);

static void write_deeper(struct formatter *f, uint32_t from, uint32_t to, size_t after)
{
	f->indent += INDENT;
	write_range(f, from, to, after);
	f->indent -= INDENT;
}

static void write_if(struct formatter *f, uint32_t from, uint32_t to, size_t after)
{
	uint32_t then = find_branch(f, from, to, "then"), other = find_branch(f, from, to, "else");

	write_token(f, from);
	write_deeper(f, from + 1, then, 0);
	due(f);
	write_token(f, then);
	write_deeper(f, then + 1, other, 0);
	due(f);
	write_token(f, other);
	write_deeper(f, other + 1, to, after);
}

static void write_chain(struct formatter *f, uint32_t from, uint32_t to, const char *op,
			size_t after)
{
	for (uint32_t end = find_top(f, from, to, op); from < to;
	     from = end + 1, end = find_top(f, from, to, op)) {
		write_range(f, from, end, end < to ? 3 : after);
		if (end == to)
			return;
		write_hoisted(f, end);
		due(f);
	}
}

/* The items between two brackets, one to a line, and the closing one, which is at `to`. */
static void write_items(struct formatter *f, uint32_t from, uint32_t to)
{
	f->indent += INDENT;
	due(f);
	while (from < to) {
		uint32_t end = find_top(f, from, to, ",");
		uint32_t colon = find_top(f, from, end, ":");
		if (colon < end) { /* key: value */
			write_flat(f, from, colon + 1);
			from = colon + 1;
		}
		write_range(f, from, end, 1);
		if (end < to)
			write_hoisted(f, end);
		due(f);
		from = end + 1;
	}
	write_closer(f, to);
}

/* No logic at the top: token by token, breaking those brackets that do not fit. */
static void write_plain(struct formatter *f, uint32_t from, uint32_t to, size_t after)
{
	for (uint32_t i = from; i < to; i++) {
		uint32_t close = is_opener(&f->tokens[i]) ? f->closers[i] : 0;
		write_token(f, i);
		if (!close || close == i + 1)
			continue;
		size_t rest = close + 1 == to ? after : 0;
		if (!has_comments(f, i + 1, close + 1) &&
		    f->column + width_of(f, i + 1, close + 1) + rest <= WIDTH) {
			write_flat(f, i + 1, close + 1);
		} else {
			write_items(f, i + 1, close);
		}
		i = close;
	}
}

static void write_range(struct formatter *f, uint32_t from, uint32_t to, size_t after)
{
	if (from >= to)
		return;
	if (fits(f, from, to, after))
		write_flat(f, from, to);
	else if (is_word(&f->tokens[from], "if"))
		write_if(f, from, to, after);
	else if (find_top(f, from, to, "||") < to)
		write_chain(f, from, to, "||", after);
	else if (find_top(f, from, to, "&&") < to)
		write_chain(f, from, to, "&&", after);
	else
		write_plain(f, from, to, after);
}

/* @key or @key("value"), a line each. */
static uint32_t write_annotations(struct formatter *f, uint32_t at)
{
	while (is_punct(&f->tokens[at], "@")) {
		uint32_t end = at + 2;
		if (is_punct(&f->tokens[end], "("))
			end = f->closers[end] + 1;
		write_flat(f, at, end);
		due(f);
		f->wants_gap = false;
		at = end;
	}
	return at;
}

/* permit (principal, action, resource) */
static uint32_t write_head(struct formatter *f, uint32_t at)
{
	uint32_t close = f->closers[at + 1];

	write_token(f, at);
	f->wants_gap = false;
	write_comments(f, f->tokens[at + 1].gap);
	if (f->is_due)
		break_line(f);
	write_text(f, f->is_fresh ? STR("(") : STR(" ("));
	if (!has_comments(f, at + 2, close + 1) &&
	    f->column + width_of(f, at + 2, close + 1) <= WIDTH) {
		write_flat(f, at + 2, close + 1);
	} else {
		write_items(f, at + 2, close);
	}
	return close + 1;
}

/* when { body }, on one line or three and more. */
static uint32_t write_condition(struct formatter *f, uint32_t at)
{
	uint32_t close = f->closers[at + 1];
	bool is_last = is_punct(&f->tokens[close + 1], ";");

	due(f);
	write_token(f, at);
	write_comments(f, f->tokens[at + 1].gap);
	if (f->is_due)
		break_line(f);
	write_text(f, f->is_fresh ? STR("{") : STR(" {"));
	if (!has_comments(f, at + 2, close + 1) &&
	    f->column + width_of(f, at + 2, close) + 3 + is_last <= WIDTH) {
		write_text(f, STR(" "));
		for (uint32_t i = at + 2; i < close; i++) {
			if (i > at + 2 && has_space(f, i))
				write_text(f, STR(" "));
			if (!is_dropped(f, i))
				write_text(f, f->tokens[i].text);
		}
		write_text(f, STR(" }"));
		return close + 1;
	}
	f->indent += INDENT;
	due(f);
	write_range(f, at + 2, close, 0);
	write_closer(f, close);
	return close + 1;
}

static uint32_t write_policy(struct formatter *f, uint32_t at)
{
	at = write_annotations(f, at);
	at = write_head(f, at);
	while (!is_punct(&f->tokens[at], ";"))
		at = write_condition(f, at);
	write_token(f, at);
	due(f);
	return at + 1;
}

/* A comment on the line a policy ends on is that policy's. */
static void write_trailing(struct formatter *f, struct cedar_token *next)
{
	struct str gap = next->gap, before, comment;

	if (!f->is_begun || !take_comment(&gap, &before, &comment) || count_lines(before))
		return;
	write_text(f, STR(" "));
	write_text(f, comment);
	f->is_comment = true;
	due(f);
	next->gap = gap;
}

/* One blank line between policies, before the comments that lead the next. */
static void write_file(struct formatter *f)
{
	uint32_t at = 0;

	for (;;) {
		struct cedar_token *next = &f->tokens[at];
		bool is_end = next->kind == CEDAR_TOKEN_END;
		write_trailing(f, next);
		if (f->is_begun && (!is_end || has_comment(next)))
			(void)buf_putc(f->out, '\n');
		f->wants_gap = true;
		if (is_end)
			break;
		at = write_policy(f, at);
	}
	f->is_end = true;
	write_comments(f, f->tokens[at].gap);
	if (f->is_begun)
		(void)buf_putc(f->out, '\n');
}

static bool read_tokens(struct formatter *f, const struct cedar_source *source, struct arena *mem,
			struct err *e)
{
	struct cedar_token *tokens = NULL, *slot;
	struct cedar_lex lex;
	uint32_t count = 0;

	cedar_lex_init(&lex, source, e);
	do {
		slot = cedar_list_add(mem, &tokens, &count, sizeof(*slot));
		if (!slot)
			return err_set(e, ERR_INPUT, "too large");
		*slot = lex.token;
		cedar_lex_next(&lex);
	} while (slot->kind != CEDAR_TOKEN_END);
	f->tokens = tokens;
	uint32_t *closers = arena_alloc(mem, count, sizeof(*closers));
	uint32_t *open = arena_alloc(mem, count, sizeof(*open)), depth = 0;
	if (!closers || !open)
		return err_set(e, ERR_INPUT, "too large");
	for (uint32_t i = 0; i < count; i++) {
		if (is_opener(&tokens[i]))
			open[depth++] = i;
		else if (is_closer(&tokens[i]) && depth)
			closers[open[--depth]] = i;
	}
	f->closers = closers;
	return cedar_lex_ok(&lex);
}

bool cedar_format(const struct cedar_source *source, struct arena *mem, struct buf *out,
		  struct err *e)
{
	struct formatter f = { .out = out };
	struct cedar_policies set;
	struct cedar_names *names = cedar_names_new();
	bool ok = cedar_policies_parse(names, source, mem, &set, e);

	cedar_names_free(names);
	if (!ok || !read_tokens(&f, source, mem, e))
		return false;
	write_file(&f);
	return !out->is_full || err_set(e, ERR_INPUT, "too large");
}
