/* workload.h - credential files for local programs: cert.pem, key.pem and ca.pem in a folder.
 *
 * Each file is replaced whole.  A workload's key stays while its certificates come and go, so
 * the two always belong together; delete key.pem to have a new one.  For a service the files
 * are its own credential, written again whenever that was renewed.
 */
#pragma once

#include "agent/settings.h"
#include "base/buf.h"
#include "crypto/key.h"

enum { WORKLOADS_MAX = 32 };

struct workload {
	struct settings_workload row;
	unsigned uid, gid;
	bool has_owner;
	struct key *key; /* NULL until the first request */
};

struct workloads {
	struct workload at[WORKLOADS_MAX];
	size_t count;
};

/* Reads the rows, looks the owners up and makes the folders: before the sandbox. */
bool workloads_open(const struct settings *s, struct workloads *out, struct err *e) must_check;
struct workload *workloads_find(struct workloads *all, struct str name); /* NULL: none */

bool workload_request(struct workload *w, struct buf *out, struct err *e) must_check;
bool workload_install(struct workload *w, struct bytes certificate, struct bytes infra_ca,
		      struct err *e) must_check;
/* A service's own: key, certificate and CA. */
bool workload_export(struct workload *w, const struct key *key, struct bytes certificate,
		     struct bytes infra_ca, struct err *e) must_check;
