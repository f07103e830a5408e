/* err.h - one error, told from the inside out, fit to show to a person.
 *
 * A function that can fail returns false (or NULL) and fills the err it was
 * given.  Each caller adds what it was doing, so the result is a sentence:
 *
 *	enrol 'pump-7': certificate request: signature does not verify
 *
 * The text lives in the struct: reporting an error never allocates, and an err
 * crosses from one process to another as it is.  It may quote what a stranger
 * sent: double quotes and all but printable ASCII are stored as '?'.
 */
#pragma once

#include "base/attrs.h"

/* What the reader can do about it.  The values cross walls: only append. */
enum err_kind {
	ERR_NONE,
	ERR_INPUT,    /* fix the request     HTTP 400  exit 2 */
	ERR_DENIED,   /* policy said no      HTTP 403  exit 3 */
	ERR_MISSING,  /* no such thing       HTTP 404  exit 4 */
	ERR_CONFLICT, /* someone was faster  HTTP 409  exit 5 */
	ERR_RETRY,    /* try again later     HTTP 503  exit 6 */
	ERR_SYSTEM,   /* the machine failed  HTTP 500  exit 1 */
	ERR_KINDS,    /* how many there are */
};

struct err {
	enum err_kind kind;
	char text[256]; /* never holds a secret */
	char hint[128]; /* what to do next, or "" */
};

/* All return false, so that a failure is one line: return err_set(...); */
bool err_set(struct err *e, enum err_kind, const char *fmt, ...) printf_like(3, 4);
bool err_sys(struct err *e, const char *fmt, ...) printf_like(2, 3);  /* adds errno */
bool err_in(struct err *e, const char *fmt, ...) printf_like(2, 3);   /* "doing: " + text */
bool err_hint(struct err *e, const char *fmt, ...) printf_like(2, 3); /* what to do next */

/* The one mapping from kind to the outside world. */
int err_exit_code(enum err_kind kind);
int err_http_status(enum err_kind kind);
const char *err_kind_name(enum err_kind kind); /* "input", "denied", ... */
