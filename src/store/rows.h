/* rows.h - how do our row structs and their tables map to each other?
 *
 * Inside src/store only.  A table is its columns in order, the key first; statements are
 * made from it, so a column cannot be forgotten in one of them.  `realm` is a column of
 * every table and is always the first parameter.
 */
#pragma once

#include "base/arena.h"
#include "store/engine.h"

enum store_column_kind {
	COLUMN_TEXT,
	COLUMN_BLOB,
	COLUMN_I64,
	COLUMN_U64,
	COLUMN_U32,
	COLUMN_BOOL
};

struct store_column {
	const char *name;
	enum store_column_kind kind;
	size_t offset;
};

struct store_table {
	const char *name;
	size_t row_size;
	const struct store_column *columns;
	size_t count, keys;
};

extern const struct store_table store_principals, store_codes, store_certificates, store_tpms,
	store_references, store_release_keys, store_evidences, store_signals, store_policies,
	store_decisions, store_gates;

struct store_rows { /* where statements run */
	struct store_engine *engine;
	struct str realm;
};

enum store_verb { STORE_ADD, STORE_PUT, STORE_KEEP }; /* exists: conflict, replaced, kept */

bool rows_write(const struct store_rows *r, const struct store_table *t, enum store_verb verb,
		const void *row, struct err *e);

/* `tail` goes on after WHERE realm=?1, its own parameters from ?2.  mem NULL: views in *row are
 * valid during the call only. */
typedef bool rows_fn(void *ctx, const void *row);
bool rows_each(const struct store_rows *r, const struct store_table *t, const char *tail,
	       const struct store_value *params, size_t count, rows_fn *fn, void *ctx,
	       struct err *e);
/* Exactly the first; ERR_MISSING when there is none. */
bool rows_get(const struct store_rows *r, const struct store_table *t, const char *tail,
	      const struct store_value *params, size_t count, struct arena *mem, void *out,
	      struct err *e);

/* Any other statement: realm is ?1. */
bool rows_run(const struct store_rows *r, const char *sql, const struct store_value *params,
	      size_t count, store_row_fn *fn, void *ctx, uint64_t *out_changes, struct err *e);

struct store_value value_int(int64_t v);
struct store_value value_uint(uint64_t v); /* above 2^63: kept as its bits */
struct store_value value_text(struct str s);
struct store_value value_blob(struct bytes b);
