/* log.h - one line per event, on standard error.
 *
 *	level=info event=device.enrolled role=core device=pump-7 days=3
 *
 * Events are rows of a table (one per program, in its events.h), each with a
 * sentence that the manual prints.  Values are quoted where they must be, so that
 * nobody's name can forge a field or a line.  Libraries do not log: they return
 * errors, and a role logs each error once, where it stops travelling.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

struct log_event {
	const char *name; /* "device.enrolled" */
	enum log_level level;
	const char *help; /* what it means to an operator, one sentence */
};

struct log_field {
	const char *key;
	struct str text; /* used when text.ptr is set */
	int64_t num;     /* used otherwise */
};

#define LOG_STR(k, s)                                                                              \
	{                                                                                          \
		.key = (k), .text = (s)                                                            \
	}
#define LOG_TEXT(k, z)                                                                             \
	{                                                                                          \
		.key = (k), .text = str_of(z)                                                      \
	}
#define LOG_NUM(k, n)                                                                              \
	{                                                                                          \
		.key = (k), .num = (int64_t)(n)                                                    \
	}

/* log_event(&event, LOG_STR("device", id), LOG_NUM("days", 3)); */
#define log_event(ev, ...)                                                                         \
	log_write((ev), (const struct log_field[]){ { 0 }, ##__VA_ARGS__ },                        \
		  countof(((const struct log_field[]){ { 0 }, ##__VA_ARGS__ })))

void log_write(const struct log_event *ev, const struct log_field *fields, size_t count);
void log_fail(const struct log_event *ev, const struct err *e); /* adds kind, text and hint */

void log_role(const char *name);         /* added to every line as role=; must stay valid */
void log_set_level(enum log_level most); /* default LOG_LEVEL_INFO */
