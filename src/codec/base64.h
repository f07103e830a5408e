/* base64.h - bytes as text and back (RFC 4648).
 *
 * BASE64_EST is what EST clients send (RFC 8951): the standard alphabet with spaces, tabs,
 * CR and LF anywhere, padding optional.  The other forms are exact: no stray character, no
 * bits set beyond the last byte.  Work and memory are bounded by the input's length.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum base64_form {
	BASE64_URL, /* '-' and '_', no padding */
	BASE64_STD, /* '+' and '/', padded */
	BASE64_EST, /* read only: tolerant */
};

#define BASE64_URL_LEN(bytes) (((bytes)*8 + 5) / 6)

bool base64_read(struct str text, enum base64_form form, struct arena *mem, struct bytes *out,
		 struct err *e) must_check;
/* Exactly len bytes, into the caller's array. */
bool base64_read_exact(struct str text, enum base64_form form, void *out, size_t len,
		       struct err *e) must_check;
bool base64_write(struct buf *out, struct bytes data, enum base64_form form);
struct str base64_text(struct bytes data, enum base64_form form, struct arena *mem);
