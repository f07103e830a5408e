/* conf.h - what does this configuration file say?  One table of options per daemon.
 *
 *	[section]
 *	key = value        # a comment begins a line or follows a space
 *
 * The table is all there is: parser, defaults, `explain` and the manual page are derived
 * from it.  An unknown key names the file, the line and the nearest option.  No includes, no
 * variables.  Durations have units (ms s m h d w), sizes too (K M G, of 1024).
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum conf_kind {
	CONF_TEXT,    /* const char *: in the arena, never NULL */
	CONF_COUNT,   /* int64_t */
	CONF_SECONDS, /* int64_t */
	CONF_MS,      /* int64_t */
	CONF_BYTES,   /* int64_t */
	CONF_SWITCH,  /* bool: on, off */
	CONF_CHOICE,  /* int: place in choices */
	CONF_LIST,    /* struct conf_list: the key may be given several times */
};

struct conf_list {
	const char **at;
	size_t count;
};

struct conf_option {
	const char *name; /* "section.key" */
	enum conf_kind kind;
	size_t field;               /* offset in the daemon's struct settings */
	const char *initial;        /* as it would be written; NULL: must be set */
	int64_t least, most;        /* in the kind's unit; both 0: no bounds */
	const char *help;           /* sentences for the manual */
	const char *const *choices; /* CONF_CHOICE: words, ended by NULL */
};

enum { CONF_MAX_BYTES = 256 * 1024, CONF_MAX_LIST = 256 };

/* file is for messages.  Every field of out is set, by the text or by its default. */
bool conf_load(const char *file, struct str text, const struct conf_option *table, size_t count,
	       struct arena *mem, void *out, struct err *e) must_check;

/* Every option with default, bounds and help: as a commented file, and as mdoc list items. */
bool conf_explain(const struct conf_option *table, size_t count, struct buf *out);
bool conf_mdoc(const struct conf_option *table, size_t count, struct buf *out);

/* "1h30m" is not a duration, "90m" is. */
bool conf_duration_ms(struct str text, int64_t *out_ms, struct err *e);
