/* ctl.h - what every command of `muster` gets, and what it may use.
 *
 * A command is a row of the table in commands.c: noun, verb, arguments, options, one function in
 * cmd_<noun>.c.  Parsing, help, completion, "did you mean" and muster(1) come from the rows.
 * A command talks to musterd over the public API only (ctl/api.h), or works on files.
 *
 * What a script may read goes to standard output, all else to standard error.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct api;

enum ctl_often { CTL_ONCE, CTL_REPEATED };

struct ctl_option {        /* a list ends with a zero row */
	const char *name;  /* without "--" */
	const char *value; /* what the value is called in help; NULL: a switch */
	enum ctl_often often;
	const char *help;
};

struct ctl_given {
	const struct ctl_option *option;
	struct str value; /* empty for a switch */
};

enum { CTL_GIVEN_MAX = 256, CTL_ARGS_MAX = 16 };

struct ctl {
	bool is_json;       /* --json: one JSON value on standard output */
	bool has_colour;    /* standard output is a terminal that wants it */
	const char *home;   /* credentials: cert.pem key.pem ca.pem server */
	const char *server; /* host:port, or NULL: as in home/server */
	struct arena *mem;  /* lives as long as the command */
	struct api *api;    /* opened by the first call (api.c) */
	struct ctl_given given[CTL_GIVEN_MAX];
	size_t given_count;
	struct str args[CTL_ARGS_MAX];
	size_t arg_count;
};

typedef bool ctl_fn(struct ctl *c, struct err *e);

struct ctl_command {
	const char *noun, *verb; /* verb NULL: the noun stands alone (status, watch, why) */
	const char *args;        /* "ID", "FILE...", "[FOLDER]" or "" */
	size_t least, most;      /* how many arguments */
	const struct ctl_option *options;
	ctl_fn *run;
	const char *summary; /* one sentence */
};

extern const struct ctl_command ctl_commands[];
extern const size_t ctl_command_count;
extern const struct ctl_option ctl_global_options[];

/* The value of an option; empty when it was not given. */
struct str ctl_text(const struct ctl *c, const char *option);
bool ctl_has(const struct ctl *c, const char *option);
/* Values of a repeated option:  for (size_t at = 0; ctl_each(c, "group", &at, &value);) */
bool ctl_each(const struct ctl *c, const char *option, size_t *at, struct str *value);
/* A number option, `or_else` when absent. */
bool ctl_number(const struct ctl *c, const char *option, int64_t or_else, int64_t *out,
		struct err *e) must_check;

/* Reads a whole file ("-": standard input) into c->mem. */
bool ctl_file(struct ctl *c, struct str path, size_t max_bytes, struct str *out,
	      struct err *e) must_check;
/* Writes a file (mode as for chmod), or standard output when path is empty or "-". */
bool ctl_save(struct str path, struct bytes data, unsigned mode, struct err *e) must_check;

bool ctl_parse(struct ctl *c, int argc, char **argv, const struct ctl_command **out,
	       struct err *e) must_check;
void ctl_help(const struct ctl_command *only); /* NULL: all of it */

/* One function per row. */
ctl_fn cmd_device_add, cmd_device_list, cmd_device_show, cmd_device_quarantine, cmd_device_restore,
	cmd_device_retire;
ctl_fn cmd_service_add, cmd_service_list, cmd_service_show, cmd_service_quarantine,
	cmd_service_restore, cmd_service_retire;
ctl_fn cmd_gate_add, cmd_gate_list, cmd_gate_status, cmd_gate_retire;
ctl_fn cmd_user_add, cmd_user_list, cmd_user_retire;
ctl_fn cmd_enrol_code;
ctl_fn cmd_policy_show, cmd_policy_put;
ctl_fn cmd_policy_check, cmd_policy_fmt, cmd_policy_eval, cmd_policy_explain;
ctl_fn cmd_refs_keygen, cmd_refs_trust, cmd_refs_sign, cmd_refs_publish, cmd_refs_list;
ctl_fn cmd_audit_export, cmd_audit_verify, cmd_audit_checkpoint;
ctl_fn cmd_decisions_list, cmd_why;
ctl_fn cmd_certificate_list, cmd_certificate_revoke;
ctl_fn cmd_watch, cmd_status, cmd_version, cmd_help;
