/* limit.h - may this source try again yet?  A bounded memory of failures per address.
 *
 * Each source has `burst` failures and gets one back every `refill_ms`.  When the table is
 * full the one that has waited longest is forgotten: an attacker with many addresses gains
 * guesses, never memory.
 */
#pragma once

#include "base/str.h"

struct limit;

struct limit *limit_new(size_t sources, unsigned burst, int64_t refill_ms);
void limit_free(struct limit *l);

/* source: "192.0.2.7:4711" or "[2001:db8::1]:4711"; v6 is judged by its /64. */
bool limit_is_open(struct limit *l, struct str source, int64_t now_ms);
void limit_failed(struct limit *l, struct str source, int64_t now_ms);
