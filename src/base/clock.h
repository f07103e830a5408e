/* clock.h - what time is it, and who says so?
 *
 * Time is int64_t milliseconds: wall time since 1970 (UTC), monotonic time since
 * some start.  Pure code takes it as an argument; everything else asks a struct
 * clock, which a test or the simulator replaces.
 */
#pragma once

#include "base/str.h"

struct clock {
	int64_t (*wall_ms)(void *ctx);
	int64_t (*mono_ms)(void *ctx); /* CLOCK_MONOTONIC: timers */
	void *ctx;
};

const struct clock *clock_real(void);
int64_t clock_wall_ms(const struct clock *c);
int64_t clock_mono_ms(const struct clock *c);

enum { CLOCK_TEXT = 25 }; /* "2026-11-22T16:43:59.123Z" and NUL */

/* RFC 3339, UTC, milliseconds.  Years outside 1970-9999 are clamped. */
void clock_text(int64_t wall_ms, char out[CLOCK_TEXT]);
/* RFC 3339 with 'Z', with or without a fraction; false when it is anything else. */
bool clock_parse(struct str text, int64_t *out_wall_ms);
