#include "store/rows.h"

#include <assert.h>

#include "base/buf.h"
#include "store/store.h"

enum { MAX_COLUMNS = 24, SQL_MAX = 2048 };

#define TEXT(s, f)                                                                                 \
	{                                                                                          \
#f, COLUMN_TEXT, offsetof(struct s, f)                                             \
	}
#define COL(kind, s, f)                                                                            \
	{                                                                                          \
#f, COLUMN_##kind, offsetof(struct s, f)                                           \
	}
#define TABLE(variable, table, type, columns_, keys_)                                              \
	const struct store_table variable = { .name = (table),                                     \
					      .row_size = sizeof(struct type),                     \
					      .columns = (columns_),                               \
					      .count = countof(columns_),                          \
					      .keys = (keys_) }

static const struct store_column principal_columns[] = {
	TEXT(store_principal, kind),
	TEXT(store_principal, id),
	TEXT(store_principal, site),
	TEXT(store_principal, model),
	TEXT(store_principal, groups),
	TEXT(store_principal, names),
	TEXT(store_principal, status),
	TEXT(store_principal, firmware),
	TEXT(store_principal, tags),
	TEXT(store_principal, posture),
	TEXT(store_principal, key_assurance),
	COL(BOOL, store_principal, is_held),
	TEXT(store_principal, held_by),
	TEXT(store_principal, held_why),
	COL(U64, store_principal, generation),
	COL(I64, store_principal, created_ms),
	TEXT(store_principal, attested),
	COL(I64, store_principal, attested_ms),
	TEXT(store_principal, attested_evidence),
};
TABLE(store_principals, "principal", store_principal, principal_columns, 2);

static const struct store_column code_columns[] = {
	COL(BLOB, store_code, secret_hash),
	TEXT(store_code, site),
	TEXT(store_code, kind),
	TEXT(store_code, id),
	COL(I64, store_code, expires_ms),
	COL(I64, store_code, used_ms),
	COL(BLOB, store_code, used_csr),
	COL(BLOB, store_code, certificate),
	TEXT(store_code, made_by),
};
TABLE(store_codes, "code", store_code, code_columns, 1);

static const struct store_column certificate_columns[] = {
	COL(BLOB, store_certificate, serial),
	TEXT(store_certificate, site),
	TEXT(store_certificate, kind),
	TEXT(store_certificate, id),
	TEXT(store_certificate, workload),
	COL(BLOB, store_certificate, spki_sha256),
	COL(BLOB, store_certificate, csr_sha256),
	COL(U64, store_certificate, generation),
	COL(I64, store_certificate, not_before_ms),
	COL(I64, store_certificate, not_after_ms),
	COL(I64, store_certificate, revoked_ms),
	TEXT(store_certificate, revoked_why),
	COL(BLOB, store_certificate, der),
};
TABLE(store_certificates, "certificate", store_certificate, certificate_columns, 1);

static const struct store_column tpm_columns[] = {
	TEXT(store_tpm, kind),
	TEXT(store_tpm, id),
	TEXT(store_tpm, site),
	TEXT(store_tpm, ticket),
	COL(BLOB, store_tpm, ek_public),
	COL(BLOB, store_tpm, ek_certificate),
	COL(BLOB, store_tpm, ak_public),
	COL(BLOB, store_tpm, ak_name),
	COL(BLOB, store_tpm, secret_hash),
	COL(I64, store_tpm, registered_ms),
	COL(I64, store_tpm, activated_ms),
	COL(BOOL, store_tpm, is_hardware),
	COL(BOOL, store_tpm, has_quote),
	COL(U64, store_tpm, clock),
	COL(U64, store_tpm, firmware),
	COL(U32, store_tpm, reset_count),
	COL(U32, store_tpm, restart_count),
};
TABLE(store_tpms, "tpm", store_tpm, tpm_columns, 2);

static const struct store_column reference_columns[] = {
	TEXT(store_reference, model),
	COL(U64, store_reference, version),
	COL(I64, store_reference, not_before_ms),
	COL(I64, store_reference, not_after_ms),
	TEXT(store_reference, line),
};
TABLE(store_references, "reference", store_reference, reference_columns, 2);

static const struct store_column release_key_columns[] = {
	TEXT(store_release_key, name),
	COL(BLOB, store_release_key, spki),
	COL(I64, store_release_key, at_ms),
	TEXT(store_release_key, made_by),
};
TABLE(store_release_keys, "release_key", store_release_key, release_key_columns, 1);

static const struct store_column evidence_columns[] = {
	TEXT(store_evidence, id),      TEXT(store_evidence, site),
	TEXT(store_evidence, kind),    TEXT(store_evidence, principal),
	TEXT(store_evidence, source),  COL(I64, store_evidence, at_ms),
	TEXT(store_evidence, verdict), TEXT(store_evidence, body),
};
TABLE(store_evidences, "evidence", store_evidence, evidence_columns, 1);

static const struct store_column signal_columns[] = {
	TEXT(store_signal, kind),
	TEXT(store_signal, id),
	TEXT(store_signal, source),
	TEXT(store_signal, name),
	TEXT(store_signal, site),
	COL(I64, store_signal, weight),
	COL(I64, store_signal, observed_ms),
	COL(I64, store_signal, expires_ms),
	COL(I64, store_signal, half_life_ms),
	TEXT(store_signal, evidence_id),
};
TABLE(store_signals, "signal", store_signal, signal_columns, 4);

static const struct store_column policy_columns[] = {
	COL(U64, store_policy, version), TEXT(store_policy, digest),  TEXT(store_policy, body),
	COL(I64, store_policy, at_ms),   TEXT(store_policy, made_by),
};
TABLE(store_policies, "policy", store_policy, policy_columns, 1);

static const struct store_column decision_columns[] = {
	TEXT(store_decision, id),        TEXT(store_decision, site),
	COL(I64, store_decision, at_ms), TEXT(store_decision, gate),
	TEXT(store_decision, principal), TEXT(store_decision, action),
	TEXT(store_decision, resource),  TEXT(store_decision, effect),
	TEXT(store_decision, record),
};
TABLE(store_decisions, "decision", store_decision, decision_columns, 1);

static const struct store_column gate_columns[] = {
	TEXT(store_gate, id),          TEXT(store_gate, site),      COL(U64, store_gate, acked),
	COL(U64, store_gate, dropped), COL(I64, store_gate, at_ms), TEXT(store_gate, counters),
};
TABLE(store_gates, "gate", store_gate, gate_columns, 1);

struct store_value value_int(int64_t v)
{
	return (struct store_value){ .kind = STORE_INT, .num = v };
}

struct store_value value_uint(uint64_t v)
{
	return value_int((int64_t)v);
}

struct store_value value_text(struct str s)
{
	return (struct store_value){ .kind = STORE_TEXT, .data = bytes_str(s) };
}

struct store_value value_blob(struct bytes b)
{
	return (struct store_value){ .kind = STORE_BLOB, .data = b };
}

static struct store_value value_of(const struct store_column *c, const void *row)
{
	const void *at = (const uint8_t *)row + c->offset;

	switch (c->kind) {
	case COLUMN_TEXT:
		return value_text(*(const struct str *)at);
	case COLUMN_BLOB:
		return value_blob(*(const struct bytes *)at);
	case COLUMN_I64:
		return value_int(*(const int64_t *)at);
	case COLUMN_U64:
		return value_uint(*(const uint64_t *)at);
	case COLUMN_U32:
		return value_int((int64_t) * (const uint32_t *)at);
	case COLUMN_BOOL:
		return value_int(*(const bool *)at);
	}
	return (struct store_value){ 0 };
}

/* With an arena the view is copied, without it ends with the step. */
static void set_field(const struct store_column *c, const struct store_value *v, struct arena *mem,
		      void *row)
{
	void *at = (uint8_t *)row + c->offset;
	struct bytes data = mem ? arena_copy(mem, v->data.ptr, v->data.len) : v->data;

	switch (c->kind) {
	case COLUMN_TEXT:
		*(struct str *)at = str_bytes(data);
		break;
	case COLUMN_BLOB:
		*(struct bytes *)at = data;
		break;
	case COLUMN_I64:
		*(int64_t *)at = v->num;
		break;
	case COLUMN_U64:
		*(uint64_t *)at = (uint64_t)v->num;
		break;
	case COLUMN_U32:
		*(uint32_t *)at = (uint32_t)v->num;
		break;
	case COLUMN_BOOL:
		*(bool *)at = v->num != 0;
		break;
	}
}

bool rows_run(const struct store_rows *r, const char *sql, const struct store_value *params,
	      size_t count, store_row_fn *fn, void *ctx, uint64_t *out_changes, struct err *e)
{
	struct store_value all[MAX_COLUMNS + 2] = { value_text(r->realm) };
	struct store_statement q = {
		.sql = sql, .params = all, .count = count + 1, .fn = fn, .ctx = ctx
	};

	if (count > MAX_COLUMNS)
		return err_set(e, ERR_SYSTEM, "statement has too many parameters");
	for (size_t i = 0; i < count; i++)
		all[i + 1] = params[i];
	bool is_good = r->engine->run(r->engine, &q, e);
	if (out_changes)
		*out_changes = q.changes;
	return is_good;
}

static bool sql_ready(const struct buf *sql, struct err *e)
{
	return !sql->is_full || err_set(e, ERR_SYSTEM, "statement is too long");
}

/* ON CONFLICT(realm,key...) DO UPDATE SET every other column. */
static void put_conflict(const struct store_table *t, enum store_verb verb, struct buf *sql)
{
	buf_printf(sql, " ON CONFLICT(realm");
	for (size_t i = 0; i < t->keys; i++)
		buf_printf(sql, ",%s", t->columns[i].name);
	buf_puts(sql, verb == STORE_KEEP ? STR(") DO NOTHING") : STR(") DO UPDATE SET "));
	for (size_t i = t->keys; verb == STORE_PUT && i < t->count; i++)
		buf_printf(sql, "%s%s=excluded.%s", i > t->keys ? "," : "", t->columns[i].name,
			   t->columns[i].name);
}

static bool has_site(const struct store_table *t)
{
	for (size_t i = 0; i < t->count; i++)
		if (strcmp(t->columns[i].name, "site") == 0)
			return true;
	return false;
}

bool rows_write(const struct store_rows *r, const struct store_table *t, enum store_verb verb,
		const void *row, struct err *e)
{
	struct store_value params[MAX_COLUMNS];
	auto_buf struct buf sql = { 0 };

	buf_init(&sql, SQL_MAX);
	/* What belongs to the whole realm has the empty site. */
	buf_printf(&sql, "INSERT INTO %s(realm%s", t->name, has_site(t) ? "" : ",site");
	for (size_t i = 0; i < t->count; i++)
		buf_printf(&sql, ",%s", t->columns[i].name);
	buf_printf(&sql, ") VALUES(?1%s", has_site(t) ? "" : ",''");
	for (size_t i = 0; i < t->count; i++) {
		buf_printf(&sql, ",?%zu", i + 2);
		params[i] = value_of(&t->columns[i], row);
	}
	buf_putc(&sql, ')');
	if (verb != STORE_ADD)
		put_conflict(t, verb, &sql);
	buf_putc(&sql, '\0');
	if (!sql_ready(&sql, e) ||
	    !rows_run(r, (const char *)sql.ptr, params, t->count, NULL, NULL, NULL, e))
		return err_in(e, "%s", t->name);
	return true;
}

struct walk {
	const struct store_table *table;
	struct arena *mem;
	void *row;
	rows_fn *fn;
	void *ctx;
	size_t seen;
};

static bool take_row(void *ctx, const struct store_value *columns, size_t count)
{
	struct walk *w = ctx;

	memset(w->row, 0, w->table->row_size);
	for (size_t i = 0; i < count && i < w->table->count; i++)
		set_field(&w->table->columns[i], &columns[i], w->mem, w->row);
	w->seen++;
	return w->fn && w->fn(w->ctx, w->row);
}

static bool select_rows(const struct store_rows *r, const char *tail,
			const struct store_value *params, size_t count, struct walk *w,
			struct err *e)
{
	auto_buf struct buf sql = { 0 };

	buf_init(&sql, SQL_MAX);
	for (size_t i = 0; i < w->table->count; i++)
		buf_printf(&sql, "%s%s", i ? "," : "SELECT ", w->table->columns[i].name);
	buf_printf(&sql, " FROM %s WHERE realm=?1 %s", w->table->name, tail);
	buf_putc(&sql, '\0');
	if (!sql_ready(&sql, e) ||
	    !rows_run(r, (const char *)sql.ptr, params, count, take_row, w, NULL, e))
		return err_in(e, "%s", w->table->name);
	return true;
}

bool rows_each(const struct store_rows *r, const struct store_table *t, const char *tail,
	       const struct store_value *params, size_t count, rows_fn *fn, void *ctx,
	       struct err *e)
{
	union { /* the largest row there is */
		struct store_principal principal;
		struct store_certificate certificate;
		struct store_tpm tpm;
		struct store_decision decision;
		struct store_evidence evidence;
		struct store_signal signal;
		struct store_code code;
	} row;
	struct walk w = { .table = t, .row = &row, .fn = fn, .ctx = ctx };

	assert(t->row_size <= sizeof(row));
	return select_rows(r, tail, params, count, &w, e);
}

bool rows_get(const struct store_rows *r, const struct store_table *t, const char *tail,
	      const struct store_value *params, size_t count, struct arena *mem, void *out,
	      struct err *e)
{
	struct walk w = { .table = t, .mem = mem, .row = out };

	if (!select_rows(r, tail, params, count, &w, e))
		return false;
	if (!w.seen)
		return err_set(e, ERR_MISSING, "no such %s", t->name);
	if (arena_is_full(mem))
		return err_set(e, ERR_INPUT, "%s is too large", t->name);
	return true;
}
