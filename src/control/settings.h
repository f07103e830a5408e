/* settings.h - every option of musterd.conf, once.
 *
 * The parser, the defaults and musterd.conf(5) come from the table in settings.c.  The
 * parent opens the file once for each room that needs it; a room reads its descriptor.
 */
#pragma once

#include "base/arena.h"
#include "codec/conf.h"

struct settings {
	const char *enrol, *devices, *operators; /* host:port */
	const char *state_dir, *domain;
	struct conf_list names; /* of the server certificate, besides localhost */
	int sandbox;            /* enum sandbox_need */
	int64_t certificate_lifetime_s, workload_lifetime_s;
	int64_t attest_valid_s, attest_grace_s;
	int64_t decision_keep_s, decision_count;
};

extern const struct conf_option settings_table[];
extern const size_t settings_count;

/* path NULL: all defaults. */
bool settings_load(const char *path, struct arena *mem, struct settings *out,
		   struct err *e) must_check;
/* In a room: from the descriptor "settings", or defaults when there is none. */
bool settings_of_room(struct arena *mem, struct settings *out, struct err *e) must_check;
