/* print.h - how `muster` says things to a person: tables, pages, errors, ages.
 *
 * Text that came over the network is printed with control characters shown as '?', so that no
 * name can move a cursor or change a colour.
 */
#pragma once

#include "ctl/ctl.h"

struct json;

enum print_tone { TONE_PLAIN, TONE_GOOD, TONE_WARN, TONE_BAD, TONE_DIM, TONE_BOLD };

void print_failure(const struct ctl *c, const struct err *e); /* to standard error */
void print_note(const char *fmt, ...) printf_like(1, 2);      /* to standard error: advice */

void print_text(struct str text);
void print_block(struct str text); /* the same, but line ends and tabs are kept */
void print_toned(const struct ctl *c, enum print_tone tone, struct str text);
enum print_tone print_tone_of(struct str word); /* grades, effects, statuses */

/* "label       text"; nothing when text is empty or "-". */
void print_row(const struct ctl *c, const char *label, struct str text);

struct str print_age(struct ctl *c, int64_t then_ms);  /* "3 min ago"; "-" for 0 */
struct str print_time(struct ctl *c, int64_t then_ms); /* RFC 3339 */

/* ---- tables: columns as wide as their longest cell ---- */

enum { PRINT_COLUMNS = 8 };

struct print_table {
	struct ctl *ctl;
	const char *heads[PRINT_COLUMNS];
	size_t columns;
	struct str *cells; /* rows * columns, in ctl->mem */
	size_t rows, room;
};

void print_table_init(struct print_table *t, struct ctl *c, const char *const *heads,
		      size_t columns);
void print_table_add(struct print_table *t, const struct str *cells); /* as many as columns */
void print_table_end(const struct print_table *t);                    /* prints */

/* A JSON value as it is, one line.  Canonical form: keys sorted. */
bool print_json(const struct json *v, struct err *e) must_check;
