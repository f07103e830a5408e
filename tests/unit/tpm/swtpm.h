/* swtpm.h - a software TPM of a test's own: made, switched on, switched off. */
#pragma once

#include "base/attrs.h"

#include <sys/types.h>

enum { SWTPM_TEXT = 256 };

struct swtpm {
	char folder[64];
	char tcti[SWTPM_TEXT];
	int port;
	pid_t pid;
};

/* The maker's factory: endorsement keys with certificates. False when swtpm is not there. */
bool swtpm_make(struct swtpm *t);
bool swtpm_on(struct swtpm *t);
void swtpm_off(struct swtpm *t);
void swtpm_drop(struct swtpm *t); /* off, and its folder is gone */

/* A shell command with TPM2TOOLS_TCTI set; true when it succeeded. */
bool swtpm_run(const struct swtpm *t, const char *command);
