/* pem.h - DER between "-----BEGIN X-----" and "-----END X-----" (RFC 7468). */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

/* The next block of that label at or after *at (start at 0), past blocks of other labels and
 * text between; *at moves behind it.  No more is ERR_MISSING; a damaged one ERR_INPUT. */
bool pem_next(struct str text, const char *label, size_t *at, struct arena *mem, struct bytes *der,
	      struct err *e) must_check;
/* The first block of that label. */
bool pem_read(struct str text, const char *label, struct arena *mem, struct bytes *der,
	      struct err *e) must_check;
/* 64 columns, LF. */
bool pem_write(struct buf *out, const char *label, struct bytes der);
