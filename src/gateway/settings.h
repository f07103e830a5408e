/* settings.h - every option of gate.conf, once (gate.conf(5) is made from the table). */
#pragma once

#include "codec/conf.h"

struct settings {
	const char *id, *listen, *state_dir, *code_file;
	const char *enrol, *control;
	const char *upstream;
	int sandbox; /* place in settings_sandbox: enum sandbox_need */
	int64_t packet_bytes, filters, subscriptions, sessions, handshakes;
	int64_t keep_alive_s;
	int64_t stale_ms, old_ms, expired_ms, allowance_ms;
	int64_t spool_bytes;
};

extern const struct conf_option settings_table[];
extern const size_t settings_count;

/* Everything lives in mem. */
bool settings_load(const char *path, struct arena *mem, struct settings *out, struct err *e);
