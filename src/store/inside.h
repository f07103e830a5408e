/* inside.h - what store.c and store_log.c share of an open store. */
#pragma once

#include "crypto/merkle.h"
#include "store/rows.h"
#include "store/store.h"

/* What is counted in memory.  Undone with the operation that moved it. */
struct store_heads {
	uint64_t seq; /* of the whole feed */
	struct merkle audit;
};

struct store {
	struct store_engine *engine;
	char *realm;
	struct store_rows rows;
	struct store_heads now, before, committed; /* before: of the open operation */
	bool has_group, in_operation, is_lost;
	size_t pending;
};

bool store_log_load(struct store *s, struct err *e);
