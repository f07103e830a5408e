/* statement.h - the one thing keys signs that is not a certificate.
 *
 *	"muster-statement-v1" NUL, u8 type, str16 stream, u64 seq, u64 prev, 32-byte SHA-256
 *
 * signed with ECDSA P-256 over its SHA-256, signature raw r || s.  Typed and domain-separated:
 * a signature for one purpose is worth nothing for another.  The line form is what feeds and
 * reference value files are made of: base64url of the signature, a space, JSON text, LF; the
 * digest is of the JSON text.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "crypto/key.h"

enum statement_type {
	STATEMENT_NONE,
	STATEMENT_FEED = 1,     /* one feed entry */
	STATEMENT_SNAPSHOT = 2, /* stream: names joined by ","; seq: the head */
	STATEMENT_FRESH = 3,    /* seq: wall ms; prev: the head's seq */
	STATEMENT_TIME = 4,     /* seq: wall ms */
	STATEMENT_REFS = 16,    /* reference values; stream: model, seq: version; release key */
};

struct statement {
	enum statement_type type;
	struct str stream; /* at most 255 bytes */
	uint64_t seq, prev;
	uint8_t digest[KEY_DIGEST]; /* SHA-256 of what it is about */
};

bool statement_sign(const struct statement *s, const struct key *by, uint8_t out_sig[KEY_SIG],
		    struct err *e) must_check;
bool statement_verify(const struct statement *s, const struct key *by, const uint8_t sig[KEY_SIG],
		      struct err *e) must_check;

enum { STATEMENT_SIG_TEXT = 86 }; /* base64url of 64 bytes, no padding */

/* "<signature> <json>\n" and its halves; the LF is optional when reading. json is a view. */
bool statement_line_write(const uint8_t sig[KEY_SIG], struct str json, struct buf *out);
bool statement_line_read(struct str line, uint8_t out_sig[KEY_SIG], struct str *out_json,
			 struct err *e) must_check;
