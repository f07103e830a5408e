/* secret.h - where do a room's private keys lie, so that neither swap nor a core dump takes them?
 *
 * OpenSSL puts private numbers, and what it computes from them, on its secure heap when there is
 * one: locked in memory, left out of core dumps, wiped when freed, between two guard pages.  What
 * else it frees is wiped too, since the steps between a PEM text and a number are plain memory.
 *
 * For rooms that hold keys and have few connections (R9).  The heap does not grow and each TLS
 * session takes a part of it, so a room with thousands of sessions has none: docs/decisions/020.
 */
#pragma once

#include "base/err.h"

/* Before the first use of OpenSSL and before the sandbox.  Refuses to go on with keys that could
 * be swapped out: the limit of locked memory must leave room for SECRET_HEAP_BYTES. */
bool secret_start(struct err *e) must_check;

enum { SECRET_HEAP_BYTES = 64 << 10 };
