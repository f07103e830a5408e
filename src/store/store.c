/* store.c - groups of operations, and the typed calls that are one statement each. */
#include "store/store.h"

#include "store/inside.h"

#include "base/mem.h"

/* ---- opening ---- */

static bool take_number(void *ctx, const struct store_value *columns, size_t count)
{
	(void)count;
	*(int64_t *)ctx = columns[0].num;
	return false;
}

static bool schema_version(struct store *s, int64_t *out, struct err *e)
{
	struct store_statement q = { .sql = "PRAGMA user_version", .fn = take_number, .ctx = out };

	*out = 0;
	return s->engine->run(s->engine, &q, e);
}

static bool apply_migration(struct store *s, size_t i, struct err *e)
{
	char set[64];

	(void)snprintf(set, sizeof(set), "PRAGMA user_version=%zu", i + 1);
	if (!s->engine->script(s->engine, store_migrations[i].sql, e) ||
	    !s->engine->script(s->engine, set, e))
		return err_in(e, "migration %s", store_migrations[i].name);
	return true;
}

/* All that are missing, or none of them. */
static bool migrate(struct store *s, struct err *e)
{
	int64_t have;
	struct err undo;

	if (!schema_version(s, &have, e))
		return false;
	if (have > (int64_t)store_migration_count)
		return err_set(e, ERR_CONFLICT,
			       "the database is of a newer Muster (schema %lld, ours is %zu)",
			       (long long)have, store_migration_count);
	if (have == (int64_t)store_migration_count)
		return true;
	bool is_good = s->engine->script(s->engine, "BEGIN IMMEDIATE", e);
	for (size_t i = (size_t)have; is_good && i < store_migration_count; i++)
		is_good = apply_migration(s, i, e);
	if (is_good && s->engine->script(s->engine, "COMMIT", e))
		return true;
	if (s->engine->is_open(s->engine))
		(void)s->engine->script(s->engine, "ROLLBACK", &undo);
	return false;
}

struct store *store_open(const char *path, const struct store_options *o, struct err *e)
{
	struct store_engine *engine = store_sqlite_open(path, o, e);
	struct store *s = mem_new(1, sizeof(*s));

	if (engine) {
		s->engine = store_fail_new(engine);
		s->realm = mem_text(o && o->realm ? o->realm : "default",
				    strlen(o && o->realm ? o->realm : "default"));
		s->rows = (struct store_rows){ s->engine, str_of(s->realm) };
	}
	if (engine && migrate(s, e) && store_log_load(s, e))
		return s;
	store_close(s);
	err_in(e, "%s", path);
	return NULL;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	if (s->engine)
		s->engine->close(s->engine);
	free(s->realm);
	free(s);
}

uint64_t store_fail(struct store *s, uint64_t nth, bool is_persistent)
{
	return store_fail_set(s->engine, nth, is_persistent);
}

/* ---- operations and groups ---- */

bool store_is_lost(const struct store *s)
{
	return s->is_lost;
}

size_t store_pending(const struct store *s)
{
	return s->pending;
}

/* SQLite ends the transaction by itself after some errors: then the group is gone. */
static bool look_for_loss(struct store *s)
{
	if (s->has_group && !s->engine->is_open(s->engine))
		s->is_lost = true;
	return false;
}

static bool refuse_lost(struct err *e)
{
	return err_set(e, ERR_SYSTEM, "the database lost a group of operations: start again");
}

bool store_begin(struct store *s, struct err *e)
{
	if (s->is_lost)
		return refuse_lost(e);
	if (s->in_operation)
		return err_set(e, ERR_SYSTEM, "an operation is open already");
	if (!s->has_group) {
		if (!s->engine->script(s->engine, "BEGIN IMMEDIATE", e))
			return false;
		s->has_group = true;
	}
	if (!s->engine->script(s->engine, "SAVEPOINT operation", e))
		return look_for_loss(s);
	s->before = s->now;
	s->in_operation = true;
	return true;
}

bool store_end(struct store *s, struct err *e)
{
	if (!s->in_operation)
		return err_set(e, ERR_SYSTEM, "no operation is open");
	if (!s->engine->script(s->engine, "RELEASE operation", e))
		return look_for_loss(s);
	s->in_operation = false;
	s->pending++;
	return true;
}

void store_undo(struct store *s)
{
	struct err e = { 0 };

	if (!s->in_operation)
		return;
	s->in_operation = false;
	s->now = s->before;
	if (!s->engine->script(s->engine, "ROLLBACK TO operation; RELEASE operation", &e))
		s->is_lost = true;
	look_for_loss(s);
}

bool store_commit(struct store *s, struct err *e)
{
	if (s->is_lost)
		return refuse_lost(e);
	if (s->in_operation)
		return err_set(e, ERR_SYSTEM, "an operation is open");
	if (!s->has_group)
		return true;
	if (!s->engine->script(s->engine, "COMMIT", e)) {
		s->is_lost = true;
		return false;
	}
	s->has_group = false;
	s->pending = 0;
	s->committed = s->now;
	return true;
}

bool store_checkpoint(struct store *s, struct err *e)
{
	return s->has_group || s->engine->checkpoint(s->engine, e);
}

static bool take_complaint(void *ctx, const struct store_value *columns, size_t count)
{
	struct err *e = ctx;

	(void)count;
	struct str says = str_bytes(columns[0].data);
	if (!str_eqz(says, "ok"))
		err_set(e, ERR_SYSTEM, "database: " STR_FMT, STR_ARG(says));
	return false;
}

bool store_check(struct store *s, struct err *e)
{
	struct err found = { 0 };
	struct store_statement q = { .sql = "PRAGMA integrity_check(1)",
				     .fn = take_complaint,
				     .ctx = &found };

	if (!s->engine->run(s->engine, &q, e))
		return false;
	if (found.kind)
		*e = found;
	return !found.kind;
}

/* ---- registry ---- */

bool store_principal_put(struct store *s, const struct store_principal *row, struct err *e)
{
	return rows_write(&s->rows, &store_principals, STORE_PUT, row, e);
}

bool store_principal_get(struct store *s, struct str kind, struct str id, struct arena *mem,
			 struct store_principal *out, struct err *e)
{
	struct store_value key[] = { value_text(kind), value_text(id) };

	return rows_get(&s->rows, &store_principals, "AND kind=?2 AND id=?3", key, countof(key),
			mem, out, e);
}

/* A row's own callback type differs from rows_fn only in the pointer it is given. */
#define EACH(type)                                                                                 \
	struct type##_call {                                                                       \
		type##_fn *fn;                                                                     \
		void *ctx;                                                                         \
	};                                                                                         \
	static bool type##_hand(void *ctx, const void *row)                                        \
	{                                                                                          \
		const struct type##_call *call = ctx;                                              \
		return call->fn(call->ctx, row);                                                   \
	}

EACH(store_principal)
EACH(store_certificate)
EACH(store_reference)
EACH(store_release_key)
EACH(store_evidence)
EACH(store_signal)
EACH(store_decision)

bool store_principal_each(struct store *s, store_principal_fn *fn, void *ctx, struct err *e)
{
	struct store_principal_call call = { fn, ctx };

	return rows_each(&s->rows, &store_principals, "ORDER BY kind,id", NULL, 0,
			 store_principal_hand, &call, e);
}

/* ---- one-time codes ---- */

bool store_code_put(struct store *s, const struct store_code *row, struct err *e)
{
	return rows_write(&s->rows, &store_codes, STORE_ADD, row, e);
}

bool store_code_get(struct store *s, struct bytes secret_hash, struct arena *mem,
		    struct store_code *out, struct err *e)
{
	struct store_value key[] = { value_blob(secret_hash) };

	return rows_get(&s->rows, &store_codes, "AND secret_hash=?2", key, countof(key), mem, out,
			e);
}

bool store_code_use(struct store *s, struct bytes secret_hash, int64_t now_ms, struct bytes csr,
		    struct bytes certificate, struct err *e)
{
	struct store_value params[] = { value_blob(secret_hash), value_int(now_ms), value_blob(csr),
					value_blob(certificate) };
	uint64_t changes;

	if (!rows_run(&s->rows,
		      "UPDATE code SET used_ms=?3,used_csr=?4,certificate=?5"
		      " WHERE realm=?1 AND secret_hash=?2 AND used_ms=0",
		      params, countof(params), NULL, NULL, &changes, e))
		return false;
	if (changes != 1)
		return err_set(e, ERR_CONFLICT, "this code was used");
	return true;
}

/* ---- certificates ---- */

bool store_certificate_add(struct store *s, const struct store_certificate *row, struct err *e)
{
	return rows_write(&s->rows, &store_certificates, STORE_ADD, row, e);
}

bool store_certificate_get(struct store *s, struct bytes serial, struct arena *mem,
			   struct store_certificate *out, struct err *e)
{
	struct store_value key[] = { value_blob(serial) };

	return rows_get(&s->rows, &store_certificates, "AND serial=?2", key, countof(key), mem, out,
			e);
}

bool store_certificate_revoke(struct store *s, struct bytes serial, int64_t now_ms, struct str why,
			      struct err *e)
{
	struct store_value params[] = { value_blob(serial), value_int(now_ms), value_text(why) };
	uint64_t changes;

	if (!rows_run(&s->rows,
		      "UPDATE certificate SET revoked_ms=?3,revoked_why=?4"
		      " WHERE realm=?1 AND serial=?2 AND revoked_ms=0",
		      params, countof(params), NULL, NULL, &changes, e))
		return false;
	if (changes != 1)
		return err_set(e, ERR_CONFLICT, "no such certificate, or revoked already");
	return true;
}

bool store_certificate_of(struct store *s, struct str kind, struct str id, store_certificate_fn *fn,
			  void *ctx, struct err *e)
{
	struct store_certificate_call call = { fn, ctx };
	struct store_value params[] = { value_text(kind), value_text(id) };

	return rows_each(&s->rows, &store_certificates,
			 "AND kind=?2 AND id=?3 ORDER BY not_before_ms DESC,serial", params,
			 countof(params), store_certificate_hand, &call, e);
}

bool store_certificate_revoked(struct store *s, int64_t now_ms, store_certificate_fn *fn, void *ctx,
			       struct err *e)
{
	struct store_certificate_call call = { fn, ctx };
	struct store_value params[] = { value_int(now_ms) };

	return rows_each(&s->rows, &store_certificates,
			 "AND revoked_ms>0 AND not_after_ms>?2 ORDER BY serial", params,
			 countof(params), store_certificate_hand, &call, e);
}

bool store_certificate_page(struct store *s, int64_t before_ms, uint32_t max,
			    store_certificate_fn *fn, void *ctx, struct err *e)
{
	struct store_certificate_call call = { fn, ctx };
	struct store_value params[] = { value_int(before_ms ? before_ms : INT64_MAX),
					value_int(max) };

	return rows_each(&s->rows, &store_certificates,
			 "AND not_before_ms<?2 ORDER BY not_before_ms DESC LIMIT ?3", params,
			 countof(params), store_certificate_hand, &call, e);
}

/* ---- TPM, references, release keys ---- */

bool store_tpm_put(struct store *s, const struct store_tpm *row, struct err *e)
{
	return rows_write(&s->rows, &store_tpms, STORE_PUT, row, e);
}

bool store_tpm_get(struct store *s, struct str kind, struct str id, struct arena *mem,
		   struct store_tpm *out, struct err *e)
{
	struct store_value key[] = { value_text(kind), value_text(id) };

	return rows_get(&s->rows, &store_tpms, "AND kind=?2 AND id=?3", key, countof(key), mem, out,
			e);
}

bool store_reference_add(struct store *s, const struct store_reference *row, struct err *e)
{
	return rows_write(&s->rows, &store_references, STORE_ADD, row, e);
}

bool store_reference_each(struct store *s, store_reference_fn *fn, void *ctx, struct err *e)
{
	struct store_reference_call call = { fn, ctx };

	return rows_each(&s->rows, &store_references, "ORDER BY model,version", NULL, 0,
			 store_reference_hand, &call, e);
}

bool store_release_key_put(struct store *s, const struct store_release_key *row, struct err *e)
{
	return rows_write(&s->rows, &store_release_keys, STORE_PUT, row, e);
}

bool store_release_key_each(struct store *s, store_release_key_fn *fn, void *ctx, struct err *e)
{
	struct store_release_key_call call = { fn, ctx };

	return rows_each(&s->rows, &store_release_keys, "ORDER BY name", NULL, 0,
			 store_release_key_hand, &call, e);
}

/* ---- evidence and signals ---- */

bool store_evidence_add(struct store *s, const struct store_evidence *row, struct err *e)
{
	return rows_write(&s->rows, &store_evidences, STORE_ADD, row, e);
}

bool store_evidence_of(struct store *s, struct str kind, struct str principal, uint32_t max,
		       store_evidence_fn *fn, void *ctx, struct err *e)
{
	struct store_evidence_call call = { fn, ctx };
	struct store_value params[] = { value_text(kind), value_text(principal), value_int(max) };

	return rows_each(&s->rows, &store_evidences,
			 "AND kind=?2 AND principal=?3 ORDER BY at_ms DESC,id LIMIT ?4", params,
			 countof(params), store_evidence_hand, &call, e);
}

bool store_signal_put(struct store *s, const struct store_signal *row, struct err *e)
{
	return rows_write(&s->rows, &store_signals, STORE_PUT, row, e);
}

bool store_signal_drop(struct store *s, const struct store_signal *key, struct err *e)
{
	struct store_value params[] = { value_text(key->kind), value_text(key->id),
					value_text(key->source), value_text(key->name) };

	return rows_run(&s->rows,
			"DELETE FROM signal WHERE realm=?1 AND kind=?2 AND id=?3 AND source=?4"
			" AND name=?5",
			params, countof(params), NULL, NULL, NULL, e);
}

bool store_signal_of(struct store *s, struct str kind, struct str id, store_signal_fn *fn,
		     void *ctx, struct err *e)
{
	struct store_signal_call call = { fn, ctx };
	struct store_value params[] = { value_text(kind), value_text(id) };

	return rows_each(&s->rows, &store_signals, "AND kind=?2 AND id=?3 ORDER BY source,name",
			 params, countof(params), store_signal_hand, &call, e);
}

bool store_signal_each(struct store *s, store_signal_fn *fn, void *ctx, struct err *e)
{
	struct store_signal_call call = { fn, ctx };

	return rows_each(&s->rows, &store_signals, "ORDER BY kind,id,source,name", NULL, 0,
			 store_signal_hand, &call, e);
}

/* ---- policy ---- */

bool store_policy_add(struct store *s, const struct store_policy *row, struct err *e)
{
	return rows_write(&s->rows, &store_policies, STORE_ADD, row, e);
}

bool store_policy_get(struct store *s, struct arena *mem, struct store_policy *out, struct err *e)
{
	return rows_get(&s->rows, &store_policies, "ORDER BY version DESC LIMIT 1", NULL, 0, mem,
			out, e);
}

/* ---- decisions, gates, answers ---- */

bool store_decision_add(struct store *s, const struct store_decision *row, struct err *e)
{
	return rows_write(&s->rows, &store_decisions, STORE_KEEP, row, e);
}

bool store_decision_get(struct store *s, struct str id, struct arena *mem,
			struct store_decision *out, struct err *e)
{
	struct store_value key[] = { value_text(id) };

	return rows_get(&s->rows, &store_decisions, "AND id=?2", key, countof(key), mem, out, e);
}

bool store_decision_page(struct store *s, const struct store_decision_query *q,
			 store_decision_fn *fn, void *ctx, struct err *e)
{
	struct store_decision_call call = { fn, ctx };
	struct store_value params[] = { value_text(q->principal), value_text(q->effect),
					value_int(q->before_ms ? q->before_ms : INT64_MAX),
					value_int(q->max) };
	const char *tail = q->principal.len
				   ? "AND principal=?2 AND (?3='' OR effect=?3) AND at_ms<?4"
				     " ORDER BY at_ms DESC,id DESC LIMIT ?5"
				   : "AND (?2='' OR ?2='') AND (?3='' OR effect=?3) AND at_ms<?4"
				     " ORDER BY at_ms DESC,id DESC LIMIT ?5";

	return rows_each(&s->rows, &store_decisions, tail, params, countof(params),
			 store_decision_hand, &call, e);
}

bool store_decision_trim(struct store *s, int64_t oldest_ms, uint64_t keep, struct err *e)
{
	struct store_value old[] = { value_int(oldest_ms) };
	struct store_value most[] = { value_uint(keep) };

	return rows_run(&s->rows, "DELETE FROM decision WHERE realm=?1 AND at_ms<?2", old,
			countof(old), NULL, NULL, NULL, e) &&
	       rows_run(&s->rows,
			"DELETE FROM decision WHERE realm=?1 AND at_ms<(SELECT at_ms FROM decision"
			" WHERE realm=?1 ORDER BY at_ms DESC,id DESC LIMIT 1 OFFSET ?2)",
			most, countof(most), NULL, NULL, NULL, e);
}

bool store_gate_put(struct store *s, const struct store_gate *row, struct err *e)
{
	return rows_write(&s->rows, &store_gates, STORE_PUT, row, e);
}

bool store_gate_get(struct store *s, struct str id, struct arena *mem, struct store_gate *out,
		    struct err *e)
{
	struct store_value key[] = { value_text(id) };

	return rows_get(&s->rows, &store_gates, "AND id=?2", key, countof(key), mem, out, e);
}

struct copied {
	struct arena *mem;
	struct bytes data;
	bool is_there;
};

static bool copy_first(void *ctx, const struct store_value *columns, size_t count)
{
	struct copied *c = ctx;

	(void)count;
	c->data = arena_copy(c->mem, columns[0].data.ptr, columns[0].data.len);
	c->is_there = true;
	return false;
}

bool store_answer_get(struct store *s, struct str key, struct arena *mem, struct bytes *out,
		      struct err *e)
{
	struct store_value params[] = { value_text(key) };
	struct copied c = { .mem = mem };

	if (!rows_run(&s->rows, "SELECT body FROM answer WHERE realm=?1 AND key=?2", params,
		      countof(params), copy_first, &c, NULL, e))
		return false;
	if (!c.is_there)
		return err_set(e, ERR_MISSING, "not answered yet");
	*out = c.data;
	return true;
}

bool store_answer_put(struct store *s, struct str key, struct bytes answer, int64_t now_ms,
		      struct err *e)
{
	struct store_value params[] = { value_text(key), value_blob(answer), value_int(now_ms) };

	return rows_run(&s->rows,
			"INSERT INTO answer(realm,site,key,body,at_ms) VALUES(?1,'',?2,?3,?4)",
			params, countof(params), NULL, NULL, NULL, e);
}

bool store_answer_trim(struct store *s, int64_t oldest_ms, struct err *e)
{
	struct store_value params[] = { value_int(oldest_ms) };

	return rows_run(&s->rows, "DELETE FROM answer WHERE realm=?1 AND at_ms<?2", params,
			countof(params), NULL, NULL, NULL, e);
}

/* ---- attributes, as they stood ---- */

bool store_attributes_add(struct store *s, struct str kind, struct str id, struct str site,
			  uint64_t seq, struct str body, struct err *e)
{
	struct store_value params[] = { value_text(kind), value_text(id), value_uint(seq),
					value_text(site), value_text(body) };

	return rows_run(&s->rows,
			"INSERT INTO attributes(realm,kind,id,seq,site,body)"
			" VALUES(?1,?2,?3,?4,?5,?6)",
			params, countof(params), NULL, NULL, NULL, e);
}

bool store_attributes_at(struct store *s, struct str kind, struct str id, uint64_t seq,
			 struct arena *mem, struct str *out, struct err *e)
{
	struct store_value params[] = { value_text(kind), value_text(id), value_uint(seq) };
	struct copied c = { .mem = mem };

	if (!rows_run(&s->rows,
		      "SELECT body FROM attributes WHERE realm=?1 AND kind=?2 AND id=?3 AND seq<=?4"
		      " ORDER BY seq DESC LIMIT 1",
		      params, countof(params), copy_first, &c, NULL, e))
		return false;
	if (!c.is_there)
		return err_set(e, ERR_MISSING, "nothing was known of it then");
	*out = str_bytes(c.data);
	return true;
}
