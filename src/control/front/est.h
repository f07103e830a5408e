/* est.h - the encodings of EST that its clients agree on (RFC 7030, RFC 8951).
 *
 * Measured: one line and a LF is read by strongSwan, Bouncy Castle and GlobalSign; libest wants
 * lines of 64.  Requests come wrapped, unwrapped, with CRLF, or as DER.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

/* The DER of a request body in any of those forms. */
bool est_body_read(struct bytes body, struct arena *mem, struct bytes *out,
		   struct err *e) must_check;

/* Certificates as the client of that name reads them; false when they do not fit. */
bool est_certs_write(const struct bytes *certs, size_t count, struct str user_agent,
		     struct buf *out) must_check;

/* The 16 bytes of a one-time code: the secret alone, or the whole code text, whose id must then
 * be this one. */
bool est_secret_read(struct str password, struct str id, uint8_t out[16], struct err *e) must_check;
