/* api_rest.c - policy, reference values, decisions, audit, certificates, status. */
#include "codec/hex.h"
#include "control/core/api.h"
#include "control/core/policyset.h"
#include "control/core/refs.h"
#include "crypto/key.h"
#include "crypto/note.h"

enum { FILES_MAX = 128 };

/* ---- status ---- */

static void put_grades(struct api_call *a)
{
	size_t counts[GRADES] = { 0 }, pending = 0, held = 0;
	struct str key;
	void *found;

	for (size_t at = 0; map_next(a->core->units, &at, &key, &found);) {
		const struct unit *u = found;
		if (!str_eqz(u->row.kind, "device") || str_eqz(u->row.status, "retired"))
			continue;
		pending += str_eqz(u->row.status, "pending");
		held += u->row.is_held;
		counts[u->profile.grade]++;
	}
	jw_key(&a->w, "devices");
	jw_map(&a->w);
	for (size_t i = 0; i < GRADES; i++)
		jw_kv_int(&a->w, grade_name((enum grade)i), (int64_t)counts[i]);
	jw_kv_int(&a->w, "pending", (int64_t)pending);
	jw_kv_int(&a->w, "held", (int64_t)held);
	jw_end(&a->w);
}

static void put_gates(struct api_call *a)
{
	struct str key;
	void *found;

	jw_key(&a->w, "gates");
	jw_map(&a->w);
	for (size_t at = 0; map_next(a->core->units, &at, &key, &found);) {
		const struct unit *u = found;

		if (!str_eqz(u->row.kind, "gate") || str_eqz(u->row.status, "retired"))
			continue;
		jw_key_str(&a->w, u->row.id);
		jw_uint(&a->w, api_gate(a, u->row.id).acked);
	}
	jw_end(&a->w);
}

bool api_status(struct api_call *a, struct err *e)
{
	struct core *c = a->core;

	(void)e;
	jw_map(&a->w);
	jw_kv_text(&a->w, "version", MUSTER_VERSION);
	jw_kv_str(&a->w, "domain", c->keys_public.domain);
	jw_kv_int(&a->w, "started", c->started_ms);
	jw_kv_int(&a->w, "head", (int64_t)store_feed_head(c->store));
	jw_kv_int(&a->w, "audit_size", (int64_t)store_audit_size(c->store));
	jw_kv_int(&a->w, "audit_sealed", (int64_t)c->sealed);
	put_grades(a);
	put_gates(a);
	jw_end(&a->w);
	return true;
}

/* ---- policy ---- */

static bool policy_text_of(struct api_call *a, struct policy_text *out, struct err *e)
{
	struct arena *mem = a->ask->mem;
	struct policy_file *files = arena_alloc(mem, FILES_MAX, sizeof(*files));

	*out = (struct policy_text){ .schema = wall_text(&a->q->body, "schema"),
				     .spaces = wall_text(&a->q->body, "spaces"),
				     .files = files };
	for (size_t i = 0; files && i < FILES_MAX; i++) {
		struct str name =
			wall_text(&a->q->body, arena_printf(mem, "policies.%zu.file", i).ptr);
		if (!name.len)
			return true;
		files[out->count++] = (struct policy_file){
			name,
			wall_text(&a->q->body, arena_printf(mem, "policies.%zu.text", i).ptr),
		};
	}
	return err_set(e, ERR_INPUT, "too many policy files");
}

bool api_policy(struct api_call *a, struct err *e)
{
	struct store_policy row;

	if (!store_policy_get(a->core->store, a->ask->mem, &row, e))
		return false;
	buf_puts(&a->out, row.body);
	return true;
}

static void put_digest(struct api_call *a, const struct policy_text *t)
{
	jw_map(&a->w);
	jw_kv_str(&a->w, "digest", policyset_digest(t, a->ask->mem));
	jw_kv_int(&a->w, "policies", (int64_t)t->count);
	jw_end(&a->w);
}

bool api_policy_check(struct api_call *a, struct err *e)
{
	struct policy_text t;

	if (!policy_text_of(a, &t, e))
		return false;
	struct policy *p = policyset_check(&t, STR("check"), e);
	if (!p)
		return false;
	policy_free(p);
	put_digest(a, &t);
	return true;
}

bool api_policy_put(struct api_call *a, struct err *e)
{
	struct str replaces = wall_text(&a->q->body, "replaces");
	struct store_policy now;
	struct policy_text t;

	if (!policy_text_of(a, &t, e) || !store_policy_get(a->core->store, a->ask->mem, &now, e))
		return false;
	if (!replaces.len)
		replaces = a->q->if_match;
	if (replaces.len && !str_eq(replaces, now.digest))
		return err_set(e, ERR_CONFLICT, "the set in force is another: someone was faster");
	if (!policyset_activate(a->core, &t, a->by, e))
		return false;
	jw_map(&a->w);
	jw_kv_int(&a->w, "version", (int64_t)now.version + 1);
	jw_kv_str(&a->w, "digest", policyset_digest(&t, a->ask->mem));
	jw_kv_int(&a->w, "policies", (int64_t)t.count);
	jw_end(&a->w);
	return true;
}

/* ---- reference values ---- */

struct refs_page {
	struct api_call *call;
	struct str model;
};

static bool put_ref(void *ctx, const struct store_reference *row)
{
	struct refs_page *p = ctx;
	struct jw *w = &p->call->w;

	if (p->model.len && !str_eq(p->model, row->model))
		return true;
	jw_map(w);
	jw_kv_str(w, "model", row->model);
	jw_kv_int(w, "version", (int64_t)row->version);
	jw_kv_int(w, "not_before", row->not_before_ms);
	jw_kv_int(w, "not_after", row->not_after_ms);
	jw_kv_str(w, "statement", row->line);
	jw_end(w);
	return true;
}

bool api_refs(struct api_call *a, struct err *e)
{
	struct refs_page p = { a, wall_text(&a->q->query, "model") };

	jw_map(&a->w);
	jw_key(&a->w, "items");
	jw_list(&a->w);
	return store_reference_each(a->core->store, put_ref, &p, e) && api_page_end(a, STR(""));
}

static bool newest_version(void *ctx, const struct store_reference *row)
{
	struct store_reference *wanted = ctx;

	if (str_eq(row->model, wanted->model) && row->version > wanted->version)
		wanted->version = row->version;
	return true;
}

bool api_refs_add(struct api_call *a, struct err *e)
{
	struct core *c = a->core;
	struct attest_reference values;
	struct store_reference row;
	struct str line = str_trim(wall_text(&a->q->body, "statement"));

	if (!refs_read(c, line, a->ask->mem, &row, &values, e))
		return false;
	if (!values.is_signed) {
		err_set(e, ERR_DENIED, "no release key we believe signed these reference values");
		return err_hint(e, "muster refs trust KEY.pub");
	}
	struct store_reference newest = { .model = row.model };
	if (!store_reference_each(c->store, newest_version, &newest, e))
		return false;
	if (row.version <= newest.version)
		return err_set(e, ERR_CONFLICT,
			       "version %llu of '" STR_FMT "' is held: want a newer one",
			       (unsigned long long)newest.version, STR_ARG(row.model));
	struct audit_record r = {
		.kind = AUDIT_REFERENCE_ADDED,
		.by = a->by,
		.what = arena_printf(a->ask->mem, "model/" STR_FMT, STR_ARG(row.model)),
		.after = arena_printf(a->ask->mem, "%llu", (unsigned long long)row.version),
	};
	if (!store_reference_add(c->store, &row, e) || !change_audit(c, &r, STR(""), e))
		return false;
	jw_map(&a->w);
	jw_kv_str(&a->w, "model", row.model);
	jw_kv_int(&a->w, "version", (int64_t)row.version);
	jw_end(&a->w);
	a->status = 201;
	return true;
}

static bool put_release_key(void *ctx, const struct store_release_key *row)
{
	struct api_call *a = ctx;

	jw_map(&a->w);
	jw_kv_str(&a->w, "name", row->name);
	jw_key(&a->w, "public");
	jw_hex(&a->w, row->spki);
	jw_kv_int(&a->w, "since", row->at_ms);
	jw_kv_str(&a->w, "by", row->made_by);
	jw_end(&a->w);
	return true;
}

bool api_release_keys(struct api_call *a, struct err *e)
{
	jw_map(&a->w);
	jw_key(&a->w, "items");
	jw_list(&a->w);
	return store_release_key_each(a->core->store, put_release_key, a, e) &&
	       api_page_end(a, STR(""));
}

bool api_release_key_add(struct api_call *a, struct err *e)
{
	struct store_release_key row = { .name = wall_text(&a->q->body, "name"),
					 .spki = bytes_str(wall_text(&a->q->body, "public")),
					 .at_ms = core_now_ms(a->core),
					 .made_by = a->by };
	struct audit_record r = { .kind = AUDIT_RELEASE_KEY_TRUSTED,
				  .by = a->by,
				  .what = row.name };

	if (!identity_id_ok(row.name))
		return err_set(e, ERR_INPUT, "'" STR_FMT "' is not a name", STR_ARG(row.name));
	auto_key struct key *key = key_public(row.spki, e);
	if (!key)
		return err_in(e, "release key");
	if (key_kind(key) != KEY_P256)
		return err_set(e, ERR_INPUT, "release key: want a P-256 key");
	if (!store_release_key_put(a->core->store, &row, e) ||
	    !change_audit(a->core, &r, STR(""), e))
		return false;
	jw_map(&a->w);
	jw_kv_str(&a->w, "name", row.name);
	jw_end(&a->w);
	a->status = 201;
	return true;
}

/* ---- decisions ---- */

struct decision_page {
	struct api_call *call;
	size_t count;
	int64_t last_ms;
};

static bool put_decision(void *ctx, const struct store_decision *row)
{
	struct decision_page *p = ctx;

	jw_raw(&p->call->w, row->record);
	p->count++;
	p->last_ms = row->at_ms;
	return true;
}

bool api_decisions(struct api_call *a, struct err *e)
{
	struct str cursor = wall_text(&a->q->query, "cursor"), next = { 0 };
	struct store_decision_query q = { .principal = wall_text(&a->q->query, "principal"),
					  .effect = wall_text(&a->q->query, "effect"),
					  .max = api_limit(a) };
	struct decision_page p = { .call = a };

	if (cursor.len && !str_i64(cursor, &q.before_ms))
		return err_set(e, ERR_INPUT, "'cursor': not one of ours");
	jw_map(&a->w);
	jw_key(&a->w, "items");
	jw_list(&a->w);
	if (!store_decision_page(a->core->store, &q, put_decision, &p, e))
		return false;
	if (p.count == q.max)
		next = arena_printf(a->ask->mem, "%lld", (long long)p.last_ms);
	return api_page_end(a, next);
}

bool api_decision(struct api_call *a, struct err *e)
{
	struct store_decision row;

	if (!store_decision_get(a->core->store, api_param(a), a->ask->mem, &row, e))
		return err_in(e, "'" STR_FMT "'", STR_ARG(api_param(a)));
	buf_puts(&a->out, row.record);
	return true;
}

/* ---- audit ---- */

struct audit_page {
	struct api_call *call;
	uint64_t last;
	size_t count;
};

static bool put_record(void *ctx, const struct store_audit *row)
{
	struct audit_page *p = ctx;
	struct jw *w = &p->call->w;

	/* Only what is committed: the tail of an open group is nobody's yet. */
	if (row->index >= store_audit_size(p->call->core->store))
		return false;
	jw_map(w);
	jw_kv_int(w, "index", (int64_t)row->index);
	jw_key(w, "leaf");
	jw_hex(w, row->leaf);
	jw_kv_str(w, "record", row->record);
	jw_end(w);
	p->last = row->index;
	p->count++;
	return true;
}

static bool put_note(void *ctx, const struct store_checkpoint_row *row)
{
	struct audit_page *p = ctx;
	struct jw *w = &p->call->w;

	if (row->size > p->last + 1)
		return false;
	jw_map(w);
	jw_kv_int(w, "size", (int64_t)row->size);
	jw_kv_str(w, "note", row->note);
	jw_end(w);
	return true;
}

static bool put_origin(struct api_call *a, struct err *e)
{
	const struct wall_public *k = &a->core->keys_public;
	auto_buf struct buf text = { 0 };

	buf_init(&text, 1024);
	auto_key struct key *key =
		k->audit_key.len == 32 ? key_public_ed25519(k->audit_key.ptr, e) : NULL;
	if (!key || !note_key_write(k->audit_name, key, &text))
		return err_set(e, ERR_SYSTEM, "the audit key cannot be written");
	jw_kv_str(&a->w, "origin", k->audit_name);
	jw_kv_str(&a->w, "key", buf_str(&text));
	jw_kv_int(&a->w, "size", (int64_t)store_audit_size(a->core->store));
	return true;
}

bool api_audit_export(struct api_call *a, struct err *e)
{
	const struct wall_value *after = wall_value_find(&a->q->query, STR("after"));
	uint64_t from = after && after->num > 0 ? (uint64_t)after->num : 0;
	struct audit_page p = { .call = a };
	uint32_t max = wall_value_find(&a->q->query, STR("limit")) ? api_limit(a) : 200;

	jw_map(&a->w);
	if (!put_origin(a, e))
		return false;
	jw_key(&a->w, "items");
	jw_list(&a->w);
	if (!store_audit_each(a->core->store, from, max, put_record, &p, e))
		return false;
	jw_end(&a->w);
	jw_key(&a->w, "checkpoints");
	jw_list(&a->w);
	if (p.count && !store_audit_checkpoint_each(a->core->store, from + 1, put_note, &p, e))
		return false;
	jw_end(&a->w);
	jw_key(&a->w, "next");
	if (p.count == max)
		jw_int(&a->w, (int64_t)p.last + 1);
	else
		jw_null(&a->w);
	jw_end(&a->w);
	return true;
}

static bool keep_note(void *ctx, const struct store_checkpoint_row *row)
{
	struct api_call *a = ctx;

	buf_clear(&a->out);
	buf_puts(&a->out, row->note);
	return true;
}

bool api_audit_checkpoint(struct api_call *a, struct err *e)
{
	if (!store_audit_checkpoint_each(a->core->store, a->core->sealed, keep_note, a, e))
		return false;
	return a->out.len || err_set(e, ERR_RETRY, "no checkpoint was signed yet");
}

/* ---- certificates ---- */

struct cert_page {
	struct api_call *call;
	size_t count;
	int64_t last_ms;
};

static const char *cert_status(const struct store_certificate *row, int64_t now_ms)
{
	return row->revoked_ms ? "revoked" : row->not_after_ms <= now_ms ? "expired" : "valid";
}

static bool put_certificate(void *ctx, const struct store_certificate *row)
{
	struct cert_page *p = ctx;
	struct arena *mem = p->call->ask->mem;
	struct jw *w = &p->call->w;

	jw_map(w);
	jw_key(w, "serial");
	jw_hex(w, row->serial);
	jw_kv_str(w, "principal",
		  arena_printf(mem, STR_FMT "/" STR_FMT "%s" STR_FMT, STR_ARG(row->kind),
			       STR_ARG(row->id), row->workload.len ? "/workload/" : "",
			       STR_ARG(row->workload)));
	jw_kv_text(w, "status", cert_status(row, core_now_ms(p->call->core)));
	jw_kv_int(w, "generation", (int64_t)row->generation);
	jw_kv_int(w, "not_before", row->not_before_ms);
	jw_kv_int(w, "not_after", row->not_after_ms);
	jw_kv_int(w, "revoked_at", row->revoked_ms);
	jw_kv_str(w, "revoked_why", row->revoked_why);
	jw_end(w);
	p->count++;
	p->last_ms = row->not_before_ms;
	return true;
}

bool api_certificates(struct api_call *a, struct err *e)
{
	struct str who = wall_text(&a->q->query, "principal"), next = { 0 };
	struct str cursor = wall_text(&a->q->query, "cursor");
	struct cert_page p = { .call = a };
	struct identity id;
	int64_t before_ms = 0;

	if (cursor.len && !str_i64(cursor, &before_ms))
		return err_set(e, ERR_INPUT, "'cursor': not one of ours");
	jw_map(&a->w);
	jw_key(&a->w, "items");
	jw_list(&a->w);
	if (who.len) {
		if (!identity_read_short(who, &id, e) ||
		    !store_certificate_of(a->core->store, str_of(identity_kind_name(id.kind)),
					  id.id, put_certificate, &p, e))
			return false;
		return api_page_end(a, STR(""));
	}
	if (!store_certificate_page(a->core->store, before_ms, api_limit(a), put_certificate, &p,
				    e))
		return false;
	if (p.count == api_limit(a))
		next = arena_printf(a->ask->mem, "%lld", (long long)p.last_ms);
	return api_page_end(a, next);
}

bool api_certificate_revoke(struct api_call *a, struct err *e)
{
	struct store_certificate cert;
	struct str why = wall_text(&a->q->body, "reason");
	struct bytes serial;

	if (!hex_read(api_param(a), a->ask->mem, &serial, e) ||
	    !store_certificate_get(a->core->store, serial, a->ask->mem, &cert, e))
		return err_in(e, "certificate '" STR_FMT "'", STR_ARG(api_param(a)));
	if (!enrol_revoke(a->core, &cert, a->by, why, e))
		return false;
	jw_map(&a->w);
	jw_kv_str(&a->w, "serial", api_param(a));
	jw_kv_text(&a->w, "status", "revoked");
	jw_end(&a->w);
	return true;
}
