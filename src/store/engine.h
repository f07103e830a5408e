/* engine.h - what the typed calls need of a database: run one statement.
 *
 * Inside src/store only.  An engine (SQLite now) turns statements into rows; the typed
 * calls above it and store_fail.c, which fails them in turn, are the same for all.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

enum store_value_kind { STORE_NULL, STORE_INT, STORE_TEXT, STORE_BLOB };

struct store_value {
	enum store_value_kind kind;
	int64_t num;
	struct bytes data; /* text and blob */
};

typedef bool store_row_fn(void *ctx, const struct store_value *columns, size_t count);

/* The engine keeps the prepared statement by its text.  fn may be NULL; false from it ends the
 * walk. */
struct store_statement {
	const char *sql;
	const struct store_value *params;
	size_t count;
	store_row_fn *fn;
	void *ctx;
	uint64_t changes; /* out: rows changed */
};

struct store_engine {
	bool (*run)(struct store_engine *g, struct store_statement *q, struct err *e);
	bool (*script)(struct store_engine *g, const char *sql, struct err *e); /* several */
	bool (*checkpoint)(struct store_engine *g, struct err *e);
	bool (*is_open)(struct store_engine *g); /* a transaction is */
	void (*close)(struct store_engine *g);
};

struct store_options;
struct store_engine *store_sqlite_open(const char *path, const struct store_options *o,
				       struct err *e);

/* Wraps an engine and owns it from then on. */
struct store_engine *store_fail_new(struct store_engine *real);
uint64_t store_fail_set(struct store_engine *g, uint64_t nth, bool is_persistent);

struct store_migration {
	const char *name, *sql;
};

extern const struct store_migration store_migrations[];
extern const size_t store_migration_count;
