/* problem.h - what went wrong, in the words of the server that refused (RFC 9457).
 *
 * For whoever is a client of musterd: an answer that is not 2xx becomes an err of the same
 * kind, text and hint the server's room had.
 */
#pragma once

#include "base/err.h"
#include "net/http_client.h"

/* Always false, so that a refusal is one line. */
bool problem_read(const struct http_reply *reply, struct err *e);
