/* pkcs7.h - a bag of certificates the way EST wants it (RFC 7030 4.1.3, RFC 5652 5.1).
 *
 * Degenerate SignedData: no content (eContent absent, not empty: Bouncy Castle insists), no
 * signers, no CRLs.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

enum { PKCS7_MAX_CERTS = 16 };

bool pkcs7_write(const struct bytes *certs, size_t count, struct buf *out) must_check;

/* Views into der, in the order sent. */
bool pkcs7_read(struct bytes der, struct bytes *out, size_t max, size_t *out_count,
		struct err *e) must_check;
