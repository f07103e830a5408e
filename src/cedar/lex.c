/* lex.c - tokens, places and the errors that name them. */
#include "cedar/lex.h"

#include <stdarg.h>

#include "base/buf.h"

static const struct str reserved[] = {
	STR_INIT("true"), STR_INIT("false"),   STR_INIT("if"), STR_INIT("then"),
	STR_INIT("else"), STR_INIT("in"),      STR_INIT("is"), STR_INIT("like"),
	STR_INIT("has"),  STR_INIT("__cedar"),
};

static bool is_ident_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool cedar_is_ident(struct str s)
{
	if (!s.len || !is_ident_start(s.ptr[0]))
		return false;
	for (size_t i = 1; i < s.len; i++)
		if (!is_ident_start(s.ptr[i]) && !is_digit(s.ptr[i]))
			return false;
	return true;
}

bool cedar_is_reserved(struct str s)
{
	for (size_t i = 0; i < countof(reserved); i++)
		if (str_eq(s, reserved[i]))
			return true;
	return false;
}

static bool printf_like(3, 0)
	err_at(struct err *e, struct cedar_pos pos, const char *fmt, va_list args)
{
	char text[sizeof(e->text)];

	(void)vsnprintf(text, sizeof(text), fmt, args);
	if (!pos.line)
		return err_set(e, ERR_INPUT, "%s", text);
	if (!pos.source || !pos.source->name.len)
		return err_set(e, ERR_INPUT, "%u:%u: %s", pos.line, pos.col, text);
	return err_set(e, ERR_INPUT, STR_FMT ":%u:%u: %s", STR_ARG(pos.source->name), pos.line,
		       pos.col, text);
}

bool cedar_err_at(struct err *e, struct cedar_pos pos, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)err_at(e, pos, fmt, args);
	va_end(args);
	return false;
}

/* The token becomes END, so that every loop over tokens stops. */
static void stop(struct cedar_lex *lex)
{
	lex->is_bad = true;
	lex->token.kind = CEDAR_TOKEN_END;
	lex->token.text = (struct str){ 0 };
}

bool cedar_lex_fail(struct cedar_lex *lex, struct cedar_pos pos, const char *fmt, ...)
{
	va_list args;

	if (lex->is_bad)
		return false;
	va_start(args, fmt);
	(void)err_at(lex->e, pos, fmt, args);
	va_end(args);
	stop(lex);
	return false;
}

bool cedar_lex_expected(struct cedar_lex *lex, const char *what)
{
	struct str found = str_head(lex->token.text, 40);

	if (lex->token.kind == CEDAR_TOKEN_END)
		return cedar_lex_fail(lex, lex->token.pos, "expected %s, found the end", what);
	return cedar_lex_fail(lex, lex->token.pos, "expected %s, found `" STR_FMT "`", what,
			      STR_ARG(found));
}

/* Bytes of the white space character at the front, 0 when it is none (Unicode White_Space). */
static size_t space_len(struct str s)
{
	static const struct str wide[] = {
		STR_INIT("\xc2\x85"),     STR_INIT("\xc2\xa0"),     STR_INIT("\xe1\x9a\x80"),
		STR_INIT("\xe2\x80\xa8"), STR_INIT("\xe2\x80\xa9"), STR_INIT("\xe2\x80\xaf"),
		STR_INIT("\xe2\x81\x9f"), STR_INIT("\xe3\x80\x80"),
	};
	unsigned char c = (unsigned char)s.ptr[0];

	if (c == ' ' || (c >= 9 && c <= 13))
		return 1;
	if (c < 0xc2)
		return 0;
	for (size_t i = 0; i < countof(wide); i++)
		if (str_starts(s, wide[i]))
			return wide[i].len;
	/* U+2000 to U+200A */
	bool is_quad = str_starts(s, STR("\xe2\x80")) && s.len > 2 &&
		       (unsigned char)s.ptr[2] >= 0x80 && (unsigned char)s.ptr[2] <= 0x8a;
	return is_quad ? 3 : 0;
}

static struct str rest(const struct cedar_lex *lex)
{
	return str_from(lex->source->text, lex->at);
}

static void advance(struct cedar_lex *lex, size_t len)
{
	for (size_t end = lex->at + len; lex->at < end; lex->at++)
		if (lex->source->text.ptr[lex->at] == '\n') {
			lex->line++;
			lex->line_at = lex->at + 1;
		}
}

static void skip_comment(struct cedar_lex *lex)
{
	struct str s = rest(lex);
	size_t len = 0;

	while (len < s.len && s.ptr[len] != '\n' && s.ptr[len] != '\r')
		len++;
	advance(lex, len);
}

static struct cedar_pos here(const struct cedar_lex *lex)
{
	return (struct cedar_pos){ lex->source, lex->line, (uint32_t)(lex->at - lex->line_at) + 1 };
}

static void skip_gap(struct cedar_lex *lex)
{
	for (struct str s = rest(lex); s.len; s = rest(lex)) {
		size_t len = space_len(s);
		if (len)
			advance(lex, len);
		else if (str_starts(s, STR("//")))
			skip_comment(lex);
		else
			return;
	}
}

static size_t ident_len(struct str s)
{
	size_t len = 0;

	while (len < s.len && (is_ident_start(s.ptr[len]) || (len && is_digit(s.ptr[len]))))
		len++;
	return len;
}

/* A string's bytes with both quotes; 0 when it does not end.  A backslash takes any one character
 * but a line feed with it. */
static size_t string_len(struct str s)
{
	for (size_t i = 1; i < s.len; i++) {
		if (s.ptr[i] == '"')
			return i + 1;
		if (s.ptr[i] == '\\' && (++i == s.len || s.ptr[i] == '\n'))
			return 0;
	}
	return 0;
}

static size_t int_len(struct str s)
{
	size_t len = 0;

	while (len < s.len && is_digit(s.ptr[len]))
		len++;
	return len;
}

static size_t punct_len(struct str s)
{
	static const struct str two[] = { STR_INIT("::"), STR_INIT("=="), STR_INIT("!="),
					  STR_INIT("<="), STR_INIT(">="), STR_INIT("&&"),
					  STR_INIT("||") };

	for (size_t i = 0; i < countof(two); i++)
		if (str_starts(s, two[i]))
			return 2;
	return str_has(STR("@.,;:(){}[]<>+-*/%!=?"), s.ptr[0]);
}

static size_t token_len(struct str s, enum cedar_token_kind *kind)
{
	if (is_ident_start(s.ptr[0])) {
		*kind = CEDAR_TOKEN_IDENT;
		return ident_len(s);
	}
	if (is_digit(s.ptr[0])) {
		*kind = CEDAR_TOKEN_INT;
		return int_len(s);
	}
	if (s.ptr[0] == '"') {
		*kind = CEDAR_TOKEN_STRING;
		return string_len(s);
	}
	if (s.ptr[0] == '?' && s.len > 1 && is_ident_start(s.ptr[1])) {
		*kind = CEDAR_TOKEN_SLOT;
		return 1 + ident_len(str_from(s, 1));
	}
	*kind = CEDAR_TOKEN_PUNCT;
	return punct_len(s);
}

void cedar_lex_next(struct cedar_lex *lex)
{
	if (lex->is_bad)
		return;
	size_t from = lex->at;
	skip_gap(lex);
	struct str s = rest(lex);
	lex->token = (struct cedar_token){
		.gap = { lex->source->text.ptr + from, lex->at - from },
		.pos = here(lex),
	};
	if (!s.len)
		return;
	size_t len = token_len(s, &lex->token.kind);
	if (!len && s.ptr[0] == '"') {
		(void)cedar_lex_fail(lex, lex->token.pos, "this string does not end");
		return;
	}
	if (!len) {
		(void)cedar_lex_fail(lex, lex->token.pos, "unexpected character 0x%02x",
				     (unsigned char)s.ptr[0]);
		return;
	}
	lex->token.text = str_head(s, len);
	advance(lex, len);
}

void cedar_lex_init(struct cedar_lex *lex, const struct cedar_source *source, struct err *e)
{
	*lex = (struct cedar_lex){ .source = source, .line = 1, .e = e };
	lex->token.pos = here(lex);
	if (source->text.len > CEDAR_TEXT_MAX)
		(void)cedar_lex_fail(lex, (struct cedar_pos){ source, 0, 0 },
				     "too large: more than %d bytes", CEDAR_TEXT_MAX);
	else if (!str_is_utf8(source->text))
		(void)cedar_lex_fail(lex, (struct cedar_pos){ source, 0, 0 }, "not UTF-8 text");
	cedar_lex_next(lex);
}

bool cedar_lex_ok(const struct cedar_lex *lex)
{
	return !lex->is_bad;
}

bool cedar_lex_is(const struct cedar_lex *lex, const char *text)
{
	return (lex->token.kind == CEDAR_TOKEN_IDENT || lex->token.kind == CEDAR_TOKEN_PUNCT) &&
	       str_eqz(lex->token.text, text);
}

bool cedar_lex_take(struct cedar_lex *lex, const char *text)
{
	if (!cedar_lex_is(lex, text))
		return false;
	cedar_lex_next(lex);
	return true;
}

bool cedar_lex_want(struct cedar_lex *lex, const char *text)
{
	char what[32];

	if (cedar_lex_is(lex, text)) {
		cedar_lex_next(lex);
		return true;
	}
	(void)snprintf(what, sizeof(what), "`%s`", text);
	return cedar_lex_expected(lex, what);
}

struct cedar_token cedar_lex_peek(const struct cedar_lex *lex)
{
	struct err ignored;
	struct cedar_lex ahead = *lex;

	ahead.e = &ignored;
	cedar_lex_next(&ahead);
	return ahead.token;
}

bool cedar_lex_name(struct cedar_lex *lex, struct str *out)
{
	if (lex->token.kind != CEDAR_TOKEN_IDENT)
		return cedar_lex_expected(lex, "a name");
	if (cedar_is_reserved(lex->token.text))
		return cedar_lex_fail(lex, lex->token.pos,
				      "`" STR_FMT "` is reserved and cannot be used as a name",
				      STR_ARG(lex->token.text));
	*out = lex->token.text;
	cedar_lex_next(lex);
	return true;
}

enum { PATH_MAX_BYTES = 4096 };

/* Text written without spaces inside is its own name; otherwise the parts are joined. */
bool cedar_lex_path(struct cedar_lex *lex, struct cedar_names *names, uint32_t *out)
{
	char joined[PATH_MAX_BYTES];
	struct cedar_pos pos = lex->token.pos;
	size_t len = 0;
	struct str part = { 0 };

	do {
		if (!cedar_lex_name(lex, &part))
			return false;
		size_t sep = len ? 2 : 0;
		if (part.len > sizeof(joined) - len - sep)
			return cedar_lex_fail(lex, pos, "this name is too long");
		memcpy(joined + len, "::", sep);
		/* A name was taken. NOLINTNEXTLINE(clang-analyzer-core*) */
		memcpy(joined + len + sep, part.ptr, part.len);
		len += sep + part.len;
	} while (cedar_lex_is(lex, "::") && cedar_lex_peek(lex).kind == CEDAR_TOKEN_IDENT &&
		 cedar_lex_take(lex, "::"));
	*out = cedar_names_put(names, (struct str){ joined, len });
	return true;
}
