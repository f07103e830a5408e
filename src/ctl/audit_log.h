/* audit_log.h - is this exported audit log whole and unchanged?  Offline (docs/protocols/audit.md).
 *
 * Each record must carry its own number and hash to its leaf (RFC 6962); at each note the tree
 * of all records so far must have the note's size and root, and the note must be signed by the
 * key the caller trusts.  The first record that does not hold is named; where only a note can
 * tell, the range since the note before it.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct audit_report {
	uint64_t records; /* that are good */
	uint64_t size;    /* how many of them a note vouches for */
	struct str key;   /* what verified the notes */
	char root[65];    /* of the newest note, hex */
};

/* key: C2SP verifier key from a source that is trusted; empty: the export's own word.  What is
 * wrong with a log is ERR_CONFLICT; what is no log at all is ERR_INPUT. */
bool audit_log_verify(struct str text, struct str key, struct audit_report *out,
		      struct err *e) must_check;
