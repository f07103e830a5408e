/* read.h - what does this evidence prove?  Bytes in, facts out; nothing is remembered. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "control/walls.h"

typedef bool verify_fn(struct bytes body, struct arena *mem, struct buf *out, struct err *e);

verify_fn verify_appraise;   /* WALL_APPRAISE -> WALL_FACTS */
verify_fn verify_activation; /* WALL_ACTIVATION -> WALL_CREDENTIAL */
