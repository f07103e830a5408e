/* lex.h - text into tokens, for policies and for schemas alike.
 *
 * One token of look-ahead: lex->token is the current one, cedar_lex_next moves on.  Token texts
 * are views into the source.  `gap` is what stood before the token (white space and // comments):
 * the formatter keeps comments by it.  Errors are sticky: after the first the token is
 * CEDAR_TOKEN_END forever and cedar_lex_ok is false.
 * Messages read "file:line:col: expected ';', found `foo`".
 */
#pragma once

#include "cedar/ast.h"

enum cedar_token_kind {
	CEDAR_TOKEN_END,
	CEDAR_TOKEN_IDENT,  /* [_a-zA-Z][_a-zA-Z0-9]*; keywords too */
	CEDAR_TOKEN_INT,    /* [0-9]+ */
	CEDAR_TOKEN_STRING, /* text includes the quotes; see cedar_unescape */
	CEDAR_TOKEN_SLOT,   /* ?principal; text includes the '?' */
	CEDAR_TOKEN_PUNCT,  /* :: == != <= >= && || and the single characters @ . , ; : ( ) { } [ ]
			       < > + - * / % ! = ? */
};

struct cedar_token {
	enum cedar_token_kind kind;
	struct str text;
	struct str gap;
	struct cedar_pos pos;
};

struct cedar_lex {
	const struct cedar_source *source;
	struct cedar_token token; /* the current one */
	size_t at;                /* offset of what follows it */
	size_t line_at;           /* offset of the current line's first byte */
	uint32_t line;
	bool is_bad;
	struct err *e; /* first error; filled once */
};

/* Starts on the first token.  Refuses text over CEDAR_TEXT_MAX and text that is not UTF-8. */
void cedar_lex_init(struct cedar_lex *lex, const struct cedar_source *source, struct err *e);
void cedar_lex_next(struct cedar_lex *lex);
bool cedar_lex_ok(const struct cedar_lex *lex);

bool cedar_lex_is(const struct cedar_lex *lex, const char *text); /* ident or punct */
bool cedar_lex_take(struct cedar_lex *lex, const char *text);     /* moves on if it is */
bool cedar_lex_want(struct cedar_lex *lex, const char *text);     /* else an error */
struct cedar_token cedar_lex_peek(const struct cedar_lex *lex);   /* the token after this one */
/* "expected <what>, found <token>"; returns false. */
bool cedar_lex_expected(struct cedar_lex *lex, const char *what);
/* Any other error at a place; returns false.  Only the first of a lexer is kept. */
bool cedar_lex_fail(struct cedar_lex *lex, struct cedar_pos pos, const char *fmt, ...)
	printf_like(3, 4);

/* An identifier that may name things: not one of Cedar's reserved words (true false if then else
 * in is like has __cedar); *out is its text. */
bool cedar_lex_name(struct cedar_lex *lex, struct str *out);
/* Ident("::"Ident)*, each not reserved: the joined text, interned. */
bool cedar_lex_path(struct cedar_lex *lex, struct cedar_names *names, uint32_t *out);
bool cedar_is_ident(struct str s);    /* matches the identifier pattern */
bool cedar_is_reserved(struct str s); /* one of the words above */

/* The text a string token stands for: \n \r \t \\ \0 \' \" \xHH (to 7F) \u{H..HHHHHH}.  The second
 * reads a `like` pattern, where \* is a star that stands for itself. */
bool cedar_unescape(struct cedar_lex *lex, struct cedar_token t, struct arena *mem,
		    struct str *out);
bool cedar_unescape_pattern(struct cedar_lex *lex, struct cedar_token t, struct arena *mem,
			    struct cedar_pattern *out);

/* "file:line:col: " + message into *e; the form of every error of this folder that has a place. */
bool cedar_err_at(struct err *e, struct cedar_pos pos, const char *fmt, ...) printf_like(3, 4);
