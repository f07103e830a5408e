/* man.h - muster(1) out of the command table. */
#pragma once

#include "base/buf.h"

/* mdoc, for mandoc and groff.  False when out is full. */
bool man_write(struct buf *out) must_check;

/* Words to complete after `muster`, for bash. */
bool man_completion(struct buf *out) must_check;
