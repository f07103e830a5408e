/* csr.h - certificate requests (PKCS#10, RFC 2986): a public key, and proof that its owner asks.
 *
 * A request contributes its public key and nothing else: subject, SANs and extensions it asks
 * for are checked to be well-formed and then ignored (E1, E2).  The signature is verified here
 * (E3).  Front reads strangers' requests; the agent and the gate's link write their own.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "crypto/hash.h"
#include "crypto/key.h"

enum { CSR_MAX_BYTES = 16384 };

struct csr { /* views into the DER */
	enum key_kind kind;
	struct bytes spki;
	struct str common_name;     /* as asked for: for logs only, may be empty */
	struct str challenge;       /* challengePassword (RFC 7030 3.5), may be empty */
	uint8_t digest[SHA256_LEN]; /* of the whole DER: what makes a retry the same request */
};

bool csr_read(struct bytes der, struct csr *out, struct err *e) must_check;

/* One DER request appended to out; challenge may be empty. */
bool csr_write(const struct key *key, struct str common_name, struct str challenge, struct buf *out,
	       struct err *e) must_check;
