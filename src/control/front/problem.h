/* problem.h - an error as the outside sees it: RFC 9457, with a hint what to do.
 *
 *	{"type":"about:blank","title":"Forbidden","status":403,"kind":"denied",
 *	 "detail":"enrol 'pump-7': device is retired","hint":"muster device list"}
 *
 * Errors of ours (kind system) say "internal error" and a reference that the log has too.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

/* status 0: what the kind says.  reference: for kind system, else empty. */
bool problem_write(struct buf *out, int status, const struct err *e, struct str reference);
int problem_status(int status, const struct err *e);
