/* store_log.c - what has an order: the feed, the audit tree and its checkpoints. */
#include "store/inside.h"

#include "codec/json.h"

enum { ENTRY_MAX = 4 << 20, RECORD_MAX = 64 << 10 };

static bool take_uint(void *ctx, const struct store_value *columns, size_t count)
{
	(void)count;
	*(uint64_t *)ctx = (uint64_t)columns[0].num;
	return false;
}

static bool read_uint(struct store *s, const char *sql, const struct store_value *params,
		      size_t count, uint64_t *out, struct err *e)
{
	*out = 0;
	return rows_run(&s->rows, sql, params, count, take_uint, out, NULL, e);
}

static bool load_leaf(void *ctx, const struct store_value *columns, size_t count)
{
	struct merkle *tree = ctx;
	struct merkle_hash leaf;

	(void)count;
	if ((uint64_t)columns[0].num != tree->size || columns[1].data.len != sizeof(leaf.b))
		return false;
	memcpy(leaf.b, columns[1].data.ptr, sizeof(leaf.b));
	merkle_add(tree, leaf);
	return true;
}

bool store_log_load(struct store *s, struct err *e)
{
	struct store_value whole[] = { value_text(STR("")) };
	uint64_t records;

	if (!read_uint(s, "SELECT seq FROM head WHERE realm=?1 AND stream=?2", whole, 1,
		       &s->now.seq, e) ||
	    !read_uint(s, "SELECT count(*) FROM audit WHERE realm=?1", NULL, 0, &records, e) ||
	    !rows_run(&s->rows, "SELECT idx,leaf FROM audit WHERE realm=?1 ORDER BY idx", NULL, 0,
		      load_leaf, &s->now.audit, NULL, e))
		return false;
	if (s->now.audit.size != records)
		return err_set(e, ERR_SYSTEM, "audit record %llu is missing or has no leaf hash",
			       (unsigned long long)s->now.audit.size);
	s->committed = s->now;
	return true;
}

/* ---- the feed ---- */

static bool move_head(struct store *s, struct str stream, struct str site, uint64_t seq,
		      struct err *e)
{
	struct store_value params[] = { value_text(stream), value_text(site), value_uint(seq) };

	return rows_run(&s->rows,
			"INSERT INTO head(realm,stream,site,seq) VALUES(?1,?2,?3,?4)"
			" ON CONFLICT(realm,stream) DO UPDATE SET seq=excluded.seq",
			params, countof(params), NULL, NULL, NULL, e);
}

static struct str entry_json(const struct store_entry *x, struct str realm, struct str body,
			     struct arena *mem)
{
	auto_buf struct buf out = { 0 };
	struct jw w;

	buf_init(&out, ENTRY_MAX);
	jw_init(&w, &out, JW_COMPACT);
	jw_map(&w);
	jw_key(&w, "seq");
	jw_uint(&w, x->seq);
	jw_key(&w, "prev");
	jw_uint(&w, x->prev);
	jw_kv_str(&w, "stream", x->stream);
	jw_kv_str(&w, "realm", realm);
	jw_kv_str(&w, "site", x->site);
	jw_kv_int(&w, "at", x->at_ms);
	jw_kv_str(&w, "kind", x->kind);
	jw_key(&w, "body");
	jw_raw(&w, body);
	jw_end(&w);
	return jw_ok(&w) ? arena_dup(mem, buf_str(&out)) : (struct str){ 0 };
}

static bool insert_entry(struct store *s, const struct store_entry *x, struct err *e)
{
	struct store_value params[] = { value_uint(x->seq),    value_uint(x->prev),
					value_text(x->stream), value_text(x->site),
					value_text(x->kind),   value_int(x->at_ms),
					value_text(x->json),   value_blob(x->signature) };

	return rows_run(&s->rows,
			"INSERT INTO feed(realm,seq,prev,stream,site,kind,at_ms,json,signature)"
			" VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)",
			params, countof(params), NULL, NULL, NULL, e);
}

bool store_feed_add(struct store *s, struct store_entry *x, struct str body, struct arena *mem,
		    struct err *e)
{
	struct store_value key[] = { value_text(x->stream) };

	x->seq = s->now.seq + 1;
	if (!s->in_operation)
		return err_set(e, ERR_SYSTEM, "no operation is open");
	if (!read_uint(s, "SELECT seq FROM head WHERE realm=?1 AND stream=?2", key, 1, &x->prev, e))
		return err_in(e, "feed");
	x->json = entry_json(x, s->rows.realm, body, mem);
	if (!x->json.ptr)
		return err_set(e, ERR_INPUT, "feed entry is too large");
	if (!move_head(s, STR(""), STR(""), x->seq, e) ||
	    !move_head(s, x->stream, x->site, x->seq, e) || !insert_entry(s, x, e))
		return err_in(e, "feed");
	s->now.seq = x->seq;
	return true;
}

bool store_feed_sign(struct store *s, uint64_t seq, struct bytes signature, struct err *e)
{
	struct store_value params[] = { value_uint(seq), value_blob(signature) };

	return rows_run(&s->rows, "UPDATE feed SET signature=?3 WHERE realm=?1 AND seq=?2", params,
			countof(params), NULL, NULL, NULL, e);
}

struct entry_call {
	store_entry_fn *fn;
	void *ctx;
};

static bool hand_entry(void *ctx, const struct store_value *c, size_t count)
{
	const struct entry_call *call = ctx;
	struct store_entry x = { .seq = (uint64_t)c[0].num,
				 .prev = (uint64_t)c[1].num,
				 .stream = str_bytes(c[2].data),
				 .site = str_bytes(c[3].data),
				 .kind = str_bytes(c[4].data),
				 .at_ms = c[5].num,
				 .json = str_bytes(c[6].data),
				 .signature = c[7].data };

	(void)count;
	return call->fn(call->ctx, &x);
}

#define ENTRY_COLUMNS "seq,prev,stream,site,kind,at_ms,json,signature"

bool store_feed_after(struct store *s, uint64_t after, uint32_t max, store_entry_fn *fn, void *ctx,
		      struct err *e)
{
	struct store_value params[] = { value_uint(after), value_int(max) };
	struct entry_call call = { fn, ctx };

	return rows_run(&s->rows,
			"SELECT " ENTRY_COLUMNS
			" FROM feed WHERE realm=?1 AND seq>?2 ORDER BY seq LIMIT ?3",
			params, countof(params), hand_entry, &call, NULL, e);
}

bool store_feed_unsigned(struct store *s, store_entry_fn *fn, void *ctx, struct err *e)
{
	struct entry_call call = { fn, ctx };

	return rows_run(&s->rows,
			"SELECT " ENTRY_COLUMNS
			" FROM feed WHERE realm=?1 AND length(signature)=0 ORDER BY seq",
			NULL, 0, hand_entry, &call, NULL, e);
}

uint64_t store_feed_head(const struct store *s)
{
	return s->now.seq;
}

uint64_t store_feed_floor(struct store *s)
{
	struct err e = { 0 };
	uint64_t first;

	if (!read_uint(s, "SELECT min(seq) FROM feed WHERE realm=?1", NULL, 0, &first, &e))
		return s->now.seq;
	return first ? first - 1 : s->now.seq;
}

bool store_feed_compact(struct store *s, uint64_t below, struct err *e)
{
	struct store_value params[] = { value_uint(below) };

	return rows_run(&s->rows, "DELETE FROM feed WHERE realm=?1 AND seq<?2", params,
			countof(params), NULL, NULL, NULL, e);
}

struct head_call {
	store_head_fn *fn;
	void *ctx;
};

static bool hand_head(void *ctx, const struct store_value *c, size_t count)
{
	const struct head_call *call = ctx;

	(void)count;
	return call->fn(call->ctx, str_bytes(c[0].data), (uint64_t)c[1].num);
}

bool store_feed_heads(struct store *s, store_head_fn *fn, void *ctx, struct err *e)
{
	struct head_call call = { fn, ctx };

	return rows_run(&s->rows,
			"SELECT stream,seq FROM head WHERE realm=?1 AND stream<>'' ORDER BY stream",
			NULL, 0, hand_head, &call, NULL, e);
}

/* ---- audit ---- */

static struct str audit_json(uint64_t index, int64_t at_ms, struct str members, struct arena *mem)
{
	return arena_printf(mem, "{\"index\":%llu,\"at\":%lld%s" STR_FMT "}",
			    (unsigned long long)index, (long long)at_ms, members.len ? "," : "",
			    STR_ARG(members));
}

bool store_audit_add(struct store *s, int64_t at_ms, struct str site, struct str members,
		     struct err *e)
{
	auto_arena struct arena *mem = arena_new(RECORD_MAX);

	if (!s->in_operation)
		return err_set(e, ERR_SYSTEM, "no operation is open");
	struct str record = audit_json(s->now.audit.size, at_ms, members, mem);
	if (!record.ptr)
		return err_set(e, ERR_INPUT, "audit record is too large");
	struct merkle_hash leaf = merkle_leaf(bytes_str(record));
	struct store_value params[] = { value_uint(s->now.audit.size), value_text(site),
					value_int(at_ms), value_text(record),
					value_blob(bytes_of(leaf.b, sizeof(leaf.b))) };
	if (!rows_run(
		    &s->rows,
		    "INSERT INTO audit(realm,idx,site,at_ms,record,leaf) VALUES(?1,?2,?3,?4,?5,?6)",
		    params, countof(params), NULL, NULL, NULL, e))
		return err_in(e, "audit");
	merkle_add(&s->now.audit, leaf);
	return true;
}

uint64_t store_audit_size(const struct store *s)
{
	return s->committed.audit.size;
}

void store_audit_root(const struct store *s, uint8_t out[32])
{
	struct merkle_hash root = merkle_root(&s->committed.audit);

	memcpy(out, root.b, sizeof(root.b));
}

struct audit_call {
	store_audit_fn *fn;
	void *ctx;
};

static bool hand_audit(void *ctx, const struct store_value *c, size_t count)
{
	const struct audit_call *call = ctx;
	struct store_audit x = { .index = (uint64_t)c[0].num,
				 .at_ms = c[1].num,
				 .record = str_bytes(c[2].data),
				 .leaf = c[3].data };

	(void)count;
	return call->fn(call->ctx, &x);
}

bool store_audit_each(struct store *s, uint64_t from, uint32_t max, store_audit_fn *fn, void *ctx,
		      struct err *e)
{
	struct store_value params[] = { value_uint(from), value_int(max) };
	struct audit_call call = { fn, ctx };

	return rows_run(&s->rows,
			"SELECT idx,at_ms,record,leaf FROM audit WHERE realm=?1 AND idx>=?2"
			" ORDER BY idx LIMIT ?3",
			params, countof(params), hand_audit, &call, NULL, e);
}

bool store_audit_checkpoint_add(struct store *s, uint64_t size, struct str note, struct err *e)
{
	struct store_value params[] = { value_uint(size), value_text(note) };

	return rows_run(&s->rows,
			"INSERT INTO checkpoint(realm,site,size,note) VALUES(?1,'',?2,?3)"
			" ON CONFLICT(realm,size) DO UPDATE SET note=excluded.note",
			params, countof(params), NULL, NULL, NULL, e);
}

struct checkpoint_call {
	store_checkpoint_fn *fn;
	void *ctx;
};

static bool hand_checkpoint(void *ctx, const struct store_value *c, size_t count)
{
	const struct checkpoint_call *call = ctx;
	struct store_checkpoint_row x = { (uint64_t)c[0].num, str_bytes(c[1].data) };

	(void)count;
	return call->fn(call->ctx, &x);
}

bool store_audit_checkpoint_each(struct store *s, uint64_t from, store_checkpoint_fn *fn, void *ctx,
				 struct err *e)
{
	struct store_value params[] = { value_uint(from) };
	struct checkpoint_call call = { fn, ctx };

	return rows_run(
		&s->rows,
		"SELECT size,note FROM checkpoint WHERE realm=?1 AND size>=?2 ORDER BY size",
		params, countof(params), hand_checkpoint, &call, NULL, e);
}
