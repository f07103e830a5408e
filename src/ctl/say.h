/* say.h - what most commands do with an answer: print it whole for scripts, or say it. */
#pragma once

#include "ctl/api.h"
#include "ctl/print.h"

struct json;
struct jw;

/* One column of a list: where its text comes from. */
enum say_form {
	SAY_TEXT,
	SAY_NUMBER,
	SAY_YES,   /* "yes" or "-" */
	SAY_AGE,   /* a time in ms as an age */
	SAY_TEXTS, /* a list of strings, joined by commas */
};

struct say_column {
	const char *head, *member;
	enum say_form form;
};

struct say_list {
	const char *path;                 /* "/api/v1/devices" */
	const struct say_column *columns; /* ends with a zero row */
	const char *const *filters;       /* options passed on as query, ends with NULL */
	const char *empty;                /* what to do when there is nothing */
	int64_t limit;                    /* when --limit is absent; 0: all */
};

bool say_list(struct ctl *c, const struct say_list *l, struct err *e) must_check;

/* The member as text for a person; empty when absent. */
struct str say_member(struct ctl *c, const struct json *map, const char *member,
		      enum say_form form);

/* Gets one thing; with --json prints it and *out is NULL. */
bool say_get(struct ctl *c, struct str target, struct json **out, struct err *e) must_check;

/* Sends a body (empty: none) with a method; prints the answer with --json, else the sentence. */
bool say_done(struct ctl *c, const char *method, struct str target, struct str body,
	      struct str sentence, struct err *e) must_check;

/* Writes "member": [every value of the option]. */
void say_values(struct ctl *c, struct jw *w, const char *member, const char *option);

/* {"reason": "..."} of --reason; "{}" when absent. */
struct str say_reason(struct ctl *c);
