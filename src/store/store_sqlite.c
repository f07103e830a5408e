/* store_sqlite.c - the engine on one machine, and the only door to SQLite.
 *
 * One connection writes, reads and checkpoints, with the file locked for itself (which
 * also spares the shared-memory index).  WAL with synchronous FULL: a commit is one
 * fsync.  A failed fsync or a corrupt page ends the process (D2): what the disk holds is
 * then unknown to us, and recovery reads it again from the log.
 */
#include "store/engine.h"
#include "store/store.h"

#include <sqlite3.h>
#include <unistd.h>

#include "base/map.h"
#include "base/mem.h"

enum { CHECKPOINT_PAGES = 4000, COLUMNS = 32 };

struct sqlite {
	struct store_engine engine; /* first: is one */
	sqlite3 *db;
	struct map *statements; /* SQL text -> sqlite3_stmt */
	int wal_pages;
	void (*die)(const char *why);
};

static void die_for_good(const char *why)
{
	(void)dprintf(STDERR_FILENO, "level=error event=store.died text=\"%s\"\n", why);
	_exit(3);
}

static bool ends_us(int code)
{
	return code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC ||
	       (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
}

static enum err_kind kind_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_CONSTRAINT:
		return ERR_CONFLICT;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_FULL:
	case SQLITE_NOMEM:
		return ERR_RETRY;
	default:
		return ERR_SYSTEM;
	}
}

static bool refuse(struct sqlite *g, const char *doing, struct err *e)
{
	int code = g->db ? sqlite3_extended_errcode(g->db) : SQLITE_NOMEM;
	const char *why = sqlite3_errstr(code);

	if (ends_us(code))
		g->die(why);
	return err_set(e, kind_of(code), "database: %s: %s (%d)", doing, why, code);
}

static bool script(struct store_engine *engine, const char *sql, struct err *e)
{
	struct sqlite *g = (struct sqlite *)engine;

	if (sqlite3_exec(g->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return refuse(g, "script", e);
	return true;
}

static sqlite3_stmt *statement(struct sqlite *g, const char *sql, struct err *e)
{
	sqlite3_stmt *s = map_get(g->statements, str_of(sql));

	if (s)
		return s;
	if (sqlite3_prepare_v3(g->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s, NULL) != SQLITE_OK) {
		refuse(g, "prepare", e);
		return NULL;
	}
	map_put(g->statements, str_of(sql), s);
	return s;
}

/* Bound by reference: the caller's values outlive the step. */
static int bind_value(sqlite3_stmt *s, int at, const struct store_value *v)
{
	const void *ptr = v->data.ptr ? (const void *)v->data.ptr : "";

	switch (v->kind) {
	case STORE_INT:
		return sqlite3_bind_int64(s, at, v->num);
	case STORE_TEXT:
		return sqlite3_bind_text64(s, at, ptr, v->data.len, SQLITE_STATIC, SQLITE_UTF8);
	case STORE_BLOB:
		return sqlite3_bind_blob64(s, at, ptr, v->data.len, SQLITE_STATIC);
	case STORE_NULL:
		break;
	}
	return sqlite3_bind_null(s, at);
}

static struct store_value column(sqlite3_stmt *s, int at)
{
	size_t len = (size_t)sqlite3_column_bytes(s, at);

	switch (sqlite3_column_type(s, at)) {
	case SQLITE_INTEGER:
		return (struct store_value){ .kind = STORE_INT,
					     .num = sqlite3_column_int64(s, at) };
	case SQLITE_TEXT:
		return (struct store_value){ .kind = STORE_TEXT,
					     .data = { sqlite3_column_text(s, at), len } };
	case SQLITE_BLOB:
		return (struct store_value){ .kind = STORE_BLOB,
					     .data = { sqlite3_column_blob(s, at), len } };
	default:
		return (struct store_value){ 0 };
	}
}

static bool hand_over(sqlite3_stmt *s, const struct store_statement *q)
{
	struct store_value columns[COLUMNS];
	int count = sqlite3_column_count(s);

	if (!q->fn || count > COLUMNS)
		return false;
	for (int i = 0; i < count; i++)
		columns[i] = column(s, i);
	return q->fn(q->ctx, columns, (size_t)count);
}

static bool run(struct store_engine *engine, struct store_statement *q, struct err *e)
{
	struct sqlite *g = (struct sqlite *)engine;
	sqlite3_stmt *s = statement(g, q->sql, e);
	int code;

	if (!s)
		return false;
	for (size_t i = 0; i < q->count; i++)
		if (bind_value(s, (int)i + 1, &q->params[i]) != SQLITE_OK) {
			sqlite3_clear_bindings(s);
			return refuse(g, "bind", e);
		}
	do
		code = sqlite3_step(s);
	while (code == SQLITE_ROW && hand_over(s, q));
	bool is_good = code == SQLITE_DONE || code == SQLITE_ROW;
	q->changes = (uint64_t)sqlite3_changes64(g->db);
	if (!is_good)
		refuse(g, "step", e);
	(void)sqlite3_reset(s); /* says the step's code again */
	(void)sqlite3_clear_bindings(s);
	return is_good;
}

static bool checkpoint(struct store_engine *engine, struct err *e)
{
	struct sqlite *g = (struct sqlite *)engine;

	if (sqlite3_wal_checkpoint_v2(g->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) !=
	    SQLITE_OK)
		return refuse(g, "checkpoint", e);
	g->wal_pages = 0;
	return true;
}

static bool is_open(struct store_engine *engine)
{
	return !sqlite3_get_autocommit(((struct sqlite *)engine)->db);
}

static void close_engine(struct store_engine *engine)
{
	struct sqlite *g = (struct sqlite *)engine;
	struct str key;
	void *s;

	for (size_t at = 0; map_next(g->statements, &at, &key, &s);)
		(void)sqlite3_finalize(s);
	map_free(g->statements);
	(void)sqlite3_close(g->db);
	free(g);
}

/* Called after each commit with the log's length: a long one goes into the file now, also
 * when core never finds an idle moment. */
static int after_commit(void *ctx, sqlite3 *db, const char *name, int pages)
{
	struct sqlite *g = ctx;

	(void)name;
	g->wal_pages = pages;
	if (pages < CHECKPOINT_PAGES)
		return SQLITE_OK;
	int code = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	if (ends_us(sqlite3_extended_errcode(db)) && code != SQLITE_OK)
		g->die("checkpoint");
	return SQLITE_OK;
}

static bool settle(struct sqlite *g, struct err *e)
{
	int on;

	(void)sqlite3_extended_result_codes(g->db, 1);
	(void)sqlite3_db_config(g->db, SQLITE_DBCONFIG_DEFENSIVE, 1, &on);
	(void)sqlite3_db_config(g->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, &on);
	(void)sqlite3_limit(g->db, SQLITE_LIMIT_LENGTH, 64 << 20);
	if (!script(&g->engine,
		    "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL;"
		    "PRAGMA synchronous=FULL; PRAGMA trusted_schema=OFF;"
		    "PRAGMA cell_size_check=ON; PRAGMA foreign_keys=ON;"
		    "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-16000;",
		    e))
		return false;
	(void)sqlite3_wal_hook(g->db, after_commit, g);
	return true;
}

struct store_engine *store_sqlite_open(const char *path, const struct store_options *o,
				       struct err *e)
{
	struct sqlite *g = mem_new(1, sizeof(*g));

	*g = (struct sqlite){ .engine = { run, script, checkpoint, is_open, close_engine },
			      .statements = map_new(),
			      .die = o && o->die ? o->die : die_for_good };
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW |
		    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	if (sqlite3_open_v2(path, &g->db, flags, o ? o->vfs : NULL) != SQLITE_OK) {
		refuse(g, "open", e);
		close_engine(&g->engine);
		return NULL;
	}
	if (!settle(g, e)) {
		close_engine(&g->engine);
		return NULL;
	}
	return &g->engine;
}
