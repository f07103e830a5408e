#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	int http, exit_code;
} kinds[ERR_KINDS] = {
	[ERR_NONE] = { "none", 200, 0 },         [ERR_INPUT] = { "input", 400, 2 },
	[ERR_DENIED] = { "denied", 403, 3 },     [ERR_MISSING] = { "missing", 404, 4 },
	[ERR_CONFLICT] = { "conflict", 409, 5 }, [ERR_RETRY] = { "retry", 503, 6 },
	[ERR_SYSTEM] = { "system", 500, 1 },
};

/* Strangers' bytes end here: nothing stored can end a log line or a JSON string. */
static void launder(char *text)
{
	for (char *c = text; *c; c++)
		if (*c < ' ' || *c > '~' || *c == '"' || *c == '\\')
			*c = '?';
}

bool err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
{
	va_list ap;

	e->kind = kind;
	e->hint[0] = '\0';
	va_start(ap, fmt);
	(void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	launder(e->text);
	return false;
}

bool err_sys(struct err *e, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	e->kind = ERR_SYSTEM;
	e->hint[0] = '\0';
	va_start(ap, fmt);
	(void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	size_t used = strlen(e->text);
	(void)snprintf(e->text + used, sizeof(e->text) - used, ": %s", strerror(saved));
	launder(e->text);
	return false;
}

bool err_in(struct err *e, const char *fmt, ...)
{
	char doing[sizeof(e->text)];
	char was[sizeof(e->text)];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(doing, sizeof(doing), fmt, ap);
	va_end(ap);
	memcpy(was, e->text, sizeof(was));
	int used = snprintf(e->text, sizeof(e->text), "%.*s: ", (int)sizeof(doing) - 3, doing);
	if (used > 0 && (size_t)used < sizeof(e->text))
		(void)snprintf(e->text + used, sizeof(e->text) - (size_t)used, "%.*s",
			       (int)(sizeof(e->text) - (size_t)used - 1), was);
	launder(e->text);
	return false;
}

bool err_hint(struct err *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(e->hint, sizeof(e->hint), fmt, ap);
	va_end(ap);
	launder(e->hint);
	return false;
}

static enum err_kind known(enum err_kind kind)
{
	return (unsigned)kind < ERR_KINDS ? kind : ERR_SYSTEM;
}

int err_exit_code(enum err_kind kind)
{
	return kinds[known(kind)].exit_code;
}

int err_http_status(enum err_kind kind)
{
	return kinds[known(kind)].http;
}

const char *err_kind_name(enum err_kind kind)
{
	return kinds[known(kind)].name;
}
