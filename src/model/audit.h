/* audit.h - what happened, who caused it, and why: one record of the audit log.
 *
 * The kinds are one table, each with a sentence.  audit_write gives the members that
 * follow "index" and "at" (docs/protocols/audit.md); the store adds those two.
 */
#pragma once

#include "base/buf.h"
#include "base/str.h"

enum audit_kind {
	AUDIT_STARTED,
	AUDIT_REGISTERED,
	AUDIT_RETIRED,
	AUDIT_CODE_MADE,
	AUDIT_ENROLLED,
	AUDIT_RENEWED,
	AUDIT_WORKLOAD_ISSUED,
	AUDIT_REVOKED,
	AUDIT_TPM_REGISTERED,
	AUDIT_TPM_ACTIVATED,
	AUDIT_ATTESTED,
	AUDIT_GRADE_CHANGED,
	AUDIT_QUARANTINED,
	AUDIT_RESTORED,
	AUDIT_POLICY_ACTIVATED,
	AUDIT_REFERENCE_ADDED,
	AUDIT_RELEASE_KEY_TRUSTED,
	AUDIT_REFUSED,
	AUDIT_KINDS,
};

struct audit_record {
	enum audit_kind kind;
	struct str by;   /* "user/admin"; empty: muster itself */
	struct str what; /* "device/pump-1" */
	struct str why;
	struct str before, after; /* words; empty: left out */
	struct str detail;        /* evidence id, serial in hex, digest */
};

const char *audit_kind_name(enum audit_kind kind); /* "device.enrolled" */
const char *audit_kind_help(enum audit_kind kind);

bool audit_write(const struct audit_record *r, struct buf *out); /* false: did not fit */
