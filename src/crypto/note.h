/* note.h - a signed statement of how long the log is and what its root hash is.
 *
 * C2SP tlog-checkpoint in a C2SP signed-note, Ed25519 (type 1):
 *
 *	<origin> LF <size> LF <base64 root> LF LF
 *	EM-DASH SP <key name> SP <base64 of key id (4) and signature (64)> LF
 *
 * Keys writes them, `muster audit verify` and gates read them.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "crypto/key.h"
#include "crypto/merkle.h"

enum { NOTE_MAX_BYTES = 4096 };

struct note {              /* a checkpoint */
	struct str origin; /* "muster.local/audit": printable ASCII without spaces */
	uint64_t size;
	struct merkle_hash root;
};

/* One note appended to out; the key's name is the origin. */
bool note_write(const struct note *n, const struct key *signer, struct buf *out,
		struct err *e) must_check;

/* Requires a good signature by `by`, named `origin`; signatures by others are ignored.
 * out->origin is a view into text. */
bool note_read(struct str text, struct str origin, const struct key *by, struct note *out,
	       struct err *e) must_check;

/* C2SP verifier key text: "<name>+<hex key id>+<base64 of 0x01 and the public key>". */
bool note_key_write(struct str name, const struct key *k, struct buf *out) must_check;
struct key *note_key_read(struct str text, struct str *out_name, struct err *e);
