/* still.h - a clock that moves only when a test says so. */
#pragma once

#include "base/clock.h"

static int64_t now_ms = 1000;

static int64_t the_time(void *ctx)
{
	(void)ctx;
	return now_ms;
}

static const struct clock still = { the_time, the_time, NULL };
