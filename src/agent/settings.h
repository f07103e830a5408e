/* settings.h - every option of agent.conf, as values; the table is in settings.c. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "codec/conf.h"

enum settings_kind { SETTINGS_DEVICE, SETTINGS_SERVICE };
enum settings_key { SETTINGS_FILE, SETTINGS_TPM };

struct settings {
	const char *state_dir;
	int sandbox;
	const char *enrol, *control;
	const char *id;
	int kind; /* enum settings_kind */
	const char *code_file;
	int key; /* enum settings_key */
	const char *tcti;
	int64_t interval_ms;
	const char *pcrs;
	struct conf_list files;
};

/* A row of workload.files: NAME:DIRECTORY[:OWNER[:MODE]]. */
struct settings_workload {
	struct str name;
	char dir[256];
	char owner[33]; /* "": as we are */
	unsigned mode;  /* of the key file; 0600 when not given */
};

extern const struct conf_option settings_table[];
extern const size_t settings_count;

bool settings_load(const char *path, struct arena *mem, struct settings *out,
		   struct err *e) must_check;
bool settings_workload(const char *row, struct settings_workload *out, struct err *e) must_check;
bool settings_pcrs(const char *text, uint32_t *out_mask, struct err *e) must_check;
