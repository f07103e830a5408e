/* attest.c - TPMs, challenges, evidence: what a device proves becomes what it may do.
 *
 * verify reads what the device sent and says what it proves; model/attest judges; the
 * result is stored, and the feed told when it changes anything.  When verify gives no
 * answer nothing is known: the old result stays until it runs out (V8).
 */
#include "model/attest.h"
#include "base/mem.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "control/core/core.h"
#include "control/core/refs.h"
#include "crypto/hash.h"
#include "crypto/tpmverify.h"
#include "sys/files.h"

enum { CHALLENGE_MS = 60000, ROW = 33 };

/* ---- challenges: one per device, used once ---- */

struct challenge {
	char id[32];
	uint8_t nonce[32], exporter[32];
	int64_t ends_ms; /* monotonic */
};

struct challenges {
	struct map *by_device;
};

struct challenges *challenges_new(void)
{
	struct challenges *all = mem_new(1, sizeof(*all));

	all->by_device = map_new();
	return all;
}

static bool device_of(struct ask *a, const struct wall_peer *peer, struct unit **out, struct err *e)
{
	struct identity who;

	if (!peer_admit(a->core, peer, KIND_BIT(IDENTITY_DEVICE), out, e) ||
	    !identity_read(peer->identity, &who, e))
		return false;
	return who.kind == IDENTITY_DEVICE ||
	       err_set(e, ERR_DENIED, "only the device itself attests");
}

static void put_base64(struct jw *w, const char *name, struct bytes data)
{
	auto_buf struct buf text = { 0 };

	buf_init(&text, 64 << 10);
	(void)base64_write(&text, data, BASE64_STD);
	jw_kv_str(w, name, buf_str(&text));
}

bool attest_challenge(struct ask *a, struct err *e)
{
	const struct wall_ask *q = a->message;
	auto_buf struct buf out = { 0 };
	struct unit *u;
	struct jw w;

	if (!device_of(a, &q->peer, &u, e))
		return false;
	if (q->peer.exporter.len != 32)
		return err_set(e, ERR_INPUT, "a challenge is bound to a TLS connection");
	struct challenge *ch = mem_new(1, sizeof(*ch));
	struct str id = core_id(a->core, "c-", a->mem);
	(void)snprintf(ch->id, sizeof(ch->id), STR_FMT, STR_ARG(id));
	random_bytes(ch->nonce, sizeof(ch->nonce));
	memcpy(ch->exporter, q->peer.exporter.ptr, 32);
	ch->ends_ms = loop_now_ms(a->core->loop) + CHALLENGE_MS;
	free(map_put(a->core->challenges->by_device, u->row.id, ch));

	buf_init(&out, 4096);
	jw_init(&w, &out, JW_COMPACT);
	jw_map(&w);
	jw_kv_text(&w, "id", ch->id);
	put_base64(&w, "nonce", bytes_of(ch->nonce, sizeof(ch->nonce)));
	jw_kv_int(&w, "ttl_ms", CHALLENGE_MS);
	jw_end(&w);
	ask_json(a, 200, &out);
	return true;
}

/* Taken out whatever follows: it is good for one answer. */
static bool take_challenge(struct ask *a, const struct unit *u, const struct wall_evidence *q,
			   uint8_t out_nonce[32])
{
	struct challenge *ch = map_take(a->core->challenges->by_device, u->row.id);
	bool is_good = ch && str_eqz(q->id, ch->id) && loop_now_ms(a->core->loop) < ch->ends_ms &&
		       bytes_eq_secret(q->peer.exporter, bytes_of(ch->exporter, 32));

	if (is_good)
		memcpy(out_nonce, ch->nonce, 32);
	free(ch);
	return is_good;
}

/* ---- registering a TPM ---- */

struct activation {
	struct ask *ask;
	struct unit *unit;
	const struct wall_tpm_register *q;
	struct wall_credential got;
	struct str ticket;
};

static void answer_credential(struct activation *x)
{
	auto_buf struct buf out = { 0 };
	struct jw w;

	buf_init(&out, 64 << 10);
	jw_init(&w, &out, JW_COMPACT);
	jw_map(&w);
	jw_kv_str(&w, "id", x->ticket);
	put_base64(&w, "credential_blob", x->got.blob);
	put_base64(&w, "secret", x->got.encrypted);
	jw_end(&w);
	ask_json_committed(x->ask, 200, &out);
}

static bool save_tpm(struct activation *x, const struct store_tpm *row, struct err *e)
{
	struct core *c = x->ask->core;
	struct str name = arena_printf(x->ask->mem, "device/" STR_FMT, STR_ARG(row->id));
	struct audit_record r = { .kind = AUDIT_TPM_REGISTERED, .by = name, .what = name };

	return store_tpm_put(c->store, row, e) && change_audit(c, &r, row->site, e) &&
	       unit_changed(c, row->kind, row->id, name, e);
}

/* The row to write: a new attestation key must prove itself anew; the same one stays proven. */
static struct store_tpm tpm_row(struct activation *x, uint8_t secret[SHA256_LEN],
				const struct unit *u)
{
	bool is_same = u->has_tpm && bytes_eq(u->tpm.ak_public, x->q->ak_public);
	struct store_tpm row = { 0 };

	if (is_same)
		row = u->tpm;
	row.kind = STR("device");
	row.id = arena_dup(x->ask->mem, u->row.id);
	row.site = arena_dup(x->ask->mem, u->row.site);
	row.ticket = x->ticket;
	row.ek_public = x->q->ek_public;
	row.ek_certificate = x->q->ek_certificate;
	row.ak_public = x->q->ak_public;
	row.ak_name = x->got.ak_name;
	row.secret_hash = bytes_of(secret, SHA256_LEN);
	row.is_hardware = x->got.is_hardware;
	if (!row.registered_ms)
		row.registered_ms = core_now_ms(x->ask->core);
	return row;
}

static bool same_tpm(const struct unit *u, struct bytes ek_public, struct err *e)
{
	if (!u->has_tpm || bytes_eq(u->tpm.ek_public, ek_public))
		return true;
	err_set(e, ERR_CONFLICT, "another TPM is registered for '" STR_FMT "'", STR_ARG(u->row.id));
	return err_hint(e, "retire the device and register it under a new name");
}

static void credential_made(void *ctx, const struct err *refused, struct bytes body)
{
	struct activation *x = ctx;
	struct ask *a = x->ask;
	struct bytes own = arena_copy(a->mem, body.ptr, body.len);
	uint8_t secret[SHA256_LEN];
	struct err e = { 0 };

	if (refused) {
		ask_refuse(a, refused);
		return;
	}
	/* The registry may have changed while verify worked. */
	if (!walls_read(WALL_CREDENTIAL, own, a->mem, &x->got, &e) ||
	    !device_of(a, &x->q->peer, &x->unit, &e) || !same_tpm(x->unit, x->q->ek_public, &e) ||
	    !change_begin(a->core, &e)) {
		ask_refuse(a, &e);
		return;
	}
	sha256(x->got.secret, secret);
	x->ticket = core_id(a->core, "t-", a->mem);
	struct store_tpm row = tpm_row(x, secret, x->unit);
	bool is_good = save_tpm(x, &row, &e);
	if (!is_good)
		change_undo(a->core);
	if (is_good && change_end(a->core, &e))
		answer_credential(x);
	else
		ask_refuse(a, &e);
}

bool attest_register(struct ask *a, struct err *e)
{
	const struct wall_tpm_register *q = a->message;
	struct activation *x = arena_alloc(a->mem, 1, sizeof(*x));
	auto_buf struct buf body = { 0 };
	struct unit *u;

	if (!x)
		return err_set(e, ERR_RETRY, "no memory for a request");
	if (!device_of(a, &q->peer, &u, e) || !same_tpm(u, q->ek_public, e))
		return false;
	*x = (struct activation){ .ask = a, .q = q };
	struct wall_activation m = { .ek_public = q->ek_public,
				     .ek_certificate = q->ek_certificate,
				     .ak_public = q->ak_public };
	buf_init(&body, 1 << 20);
	if (!walls_write(WALL_ACTIVATION, &m, &body, e))
		return false;
	ipc_ask(a->core->verify, WALL_ACTIVATION, buf_bytes(&body), credential_made, x);
	return true;
}

static bool save_activation(struct ask *a, struct unit *u, struct err *e)
{
	struct core *c = a->core;
	struct store_tpm row = u->tpm;
	struct store_principal p = u->row;
	struct str name = unit_name(u, a->mem);
	struct audit_record r = { .kind = AUDIT_TPM_ACTIVATED, .by = name, .what = name };

	row.ticket = STR("");
	row.secret_hash = (struct bytes){ 0 };
	row.activated_ms = core_now_ms(c);
	p.key_assurance =
		str_of(trust_key_name(row.is_hardware ? TRUST_KEY_HARDWARE : TRUST_KEY_VIRTUAL));
	return store_tpm_put(c->store, &row, e) && store_principal_put(c->store, &p, e) &&
	       change_audit(c, &r, p.site, e) && unit_changed(c, p.kind, p.id, name, e);
}

static bool run_change(struct ask *a, struct unit *u,
		       bool (*fn)(struct ask *, struct unit *, struct err *), struct err *e)
{
	if (!change_begin(a->core, e))
		return false;
	if (fn(a, u, e))
		return change_end(a->core, e);
	change_undo(a->core);
	return false;
}

bool attest_activate(struct ask *a, struct err *e)
{
	const struct wall_tpm_activate *q = a->message;
	uint8_t secret[SHA256_LEN];
	auto_buf struct buf out = { 0 };
	struct unit *u;

	if (!device_of(a, &q->peer, &u, e))
		return false;
	sha256(q->secret, secret);
	if (!u->has_tpm || !u->tpm.ticket.len || !str_eq(u->tpm.ticket, q->id) ||
	    !bytes_eq_secret(u->tpm.secret_hash, bytes_of(secret, sizeof(secret))))
		return err_set(e, ERR_DENIED, "this TPM did not prove that it holds the key");
	if (!run_change(a, u, save_activation, e))
		return false;
	buf_init(&out, 64);
	buf_puts(&out, STR("{}"));
	ask_json_committed(a, 200, &out);
	return true;
}

/* ---- evidence ---- */

struct appraisal {
	struct ask *ask;
	struct attest_expected expected;
	struct attest_facts facts;
	struct attest_result result;
};

static void facts_from(const struct wall_facts *m, struct attest_facts *out)
{
	*out = (struct attest_facts){
		.is_readable = m->is_readable,
		.is_signed = m->is_signed,
		.is_fresh = m->is_fresh,
		.is_sha256 = m->is_sha256,
		.is_complete = m->is_complete,
		.digest_matches = m->digest_matches,
		.clock_is_safe = m->clock_is_safe,
		.selected = m->selected,
		.clock = m->clock,
		.firmware = m->firmware,
		.reset_count = m->reset_count,
		.restart_count = m->restart_count,
	};
	for (size_t at = 0; at + ROW <= m->pcrs.len; at += ROW)
		if (m->pcrs.ptr[at] < ATTEST_PCRS)
			memcpy(out->pcrs[m->pcrs.ptr[at]], m->pcrs.ptr + at + 1, 32);
}

static enum trust_attested attested_of(enum attest_verdict v)
{
	return v == ATTEST_AFFIRMING         ? TRUST_AFFIRMED
	       : v == ATTEST_WARNING         ? TRUST_WARNED
	       : v == ATTEST_CONTRAINDICATED ? TRUST_CONTRADICTED
					     : TRUST_NOT_ATTESTED;
}

static void put_reasons(struct jw *w, const struct attest_result *r)
{
	char text[160];

	jw_key(w, "reasons");
	jw_list(w);
	for (size_t i = 0; i < r->reason_count; i++) {
		if (r->reasons[i].pcr >= 0)
			(void)snprintf(text, sizeof(text), "%s: PCR %d: %s", r->reasons[i].code,
				       r->reasons[i].pcr, r->reasons[i].says);
		else
			(void)snprintf(text, sizeof(text), "%s: %s", r->reasons[i].code,
				       r->reasons[i].says);
		jw_text(w, text);
	}
	jw_end(w);
}

static bool add_evidence(struct appraisal *x, struct store_principal *row, struct err *e)
{
	struct ask *a = x->ask;
	struct core *c = a->core;
	auto_buf struct buf body = { 0 };
	struct jw w;

	buf_init(&body, 64 << 10);
	jw_init(&w, &body, JW_COMPACT);
	jw_map(&w);
	jw_kv_text(&w, "verdict", attest_verdict_name(x->result.verdict));
	jw_kv_int(&w, "identity", (int64_t)x->result.identity);
	jw_kv_int(&w, "hardware", (int64_t)x->result.hardware);
	jw_kv_int(&w, "executables", (int64_t)x->result.executables);
	jw_kv_int(&w, "configuration", (int64_t)x->result.configuration);
	jw_kv_int(&w, "reference", (int64_t)x->result.reference_version);
	jw_kv_int(&w, "reset_count", x->facts.reset_count);
	put_reasons(&w, &x->result);
	jw_end(&w);
	row->attested_evidence = core_id(c, "e-", a->mem);
	struct store_evidence evidence = {
		.id = row->attested_evidence,
		.site = row->site,
		.kind = row->kind,
		.principal = row->id,
		.source = STR("attestation"),
		.at_ms = row->attested_ms,
		.verdict = str_of(attest_verdict_name(x->result.verdict)),
		.body = buf_str(&body),
	};
	struct str name = arena_printf(a->mem, "device/" STR_FMT, STR_ARG(row->id));
	struct audit_record r = { .kind = AUDIT_ATTESTED,
				  .by = name,
				  .what = name,
				  .why = x->result.reason_count
						 ? str_of(x->result.reasons[0].says)
						 : STR("its state matches its reference values"),
				  .before = row->attested,
				  .after = evidence.verdict,
				  .detail = evidence.id };
	return store_evidence_add(c->store, &evidence, e) && change_audit(c, &r, row->site, e);
}

static bool save_result(struct appraisal *x, struct unit *u, struct err *e)
{
	struct core *c = x->ask->core;
	struct store_principal row = u->row;
	struct store_tpm tpm = u->tpm;
	struct str attested = str_of(trust_attested_name(attested_of(x->result.verdict)));
	bool is_new = !str_eq(attested, row.attested);

	row.attested_ms = core_now_ms(c);
	tpm.has_quote = true;
	tpm.clock = x->facts.clock;
	tpm.firmware = x->facts.firmware;
	tpm.reset_count = x->facts.reset_count;
	tpm.restart_count = x->facts.restart_count;
	/* The same result again only makes the lease longer. */
	if (is_new && !add_evidence(x, &row, e))
		return false;
	row.attested = attested;
	return store_tpm_put(c->store, &tpm, e) && store_principal_put(c->store, &row, e) &&
	       unit_changed(c, row.kind, row.id, STR(""), e);
}

static void answer_verdict(struct appraisal *x, const struct unit *u)
{
	auto_buf struct buf out = { 0 };
	struct jw w;

	buf_init(&out, 64 << 10);
	jw_init(&w, &out, JW_COMPACT);
	jw_map(&w);
	jw_kv_text(&w, "verdict", attest_verdict_name(x->result.verdict));
	jw_kv_text(&w, "grade", grade_name(u->profile.grade));
	put_reasons(&w, &x->result);
	jw_end(&w);
	ask_json_committed(x->ask, 200, &out);
}

static bool judge(struct appraisal *x, struct unit *u, struct err *e)
{
	struct attest_references refs;

	if (!refs_of(x->ask->core, u->row.model, x->ask->mem, &refs, e))
		return false;
	x->result = attest_appraise(&x->facts, &x->expected, &refs, core_now_ms(x->ask->core));
	return true;
}

static void refuse_evidence(struct appraisal *x)
{
	const struct attest_reason *why = &x->result.reasons[0];
	struct err e = { 0 };

	err_set(&e, ERR_DENIED, "evidence: %s", why->says);
	ask_refuse(x->ask, &e);
}

static void appraised(void *ctx, const struct err *refused, struct bytes body)
{
	struct appraisal *x = ctx;
	struct ask *a = x->ask;
	const struct wall_evidence *q = a->message;
	struct bytes own = arena_copy(a->mem, body.ptr, body.len);
	struct wall_facts facts;
	struct unit *u;
	struct err e = { 0 };

	if (refused) { /* V8: unknown is not trusted, and not distrusted either */
		log_fail(&core_event_verify, refused);
		ask_refuse(a, refused);
		return;
	}
	if (!walls_read(WALL_FACTS, own, a->mem, &facts, &e) || !device_of(a, &q->peer, &u, &e)) {
		ask_refuse(a, &e);
		return;
	}
	facts_from(&facts, &x->facts);
	if (!judge(x, u, &e)) {
		ask_refuse(a, &e);
		return;
	}
	if (x->result.verdict == ATTEST_NONE) {
		refuse_evidence(x);
		return;
	}
	if (!change_begin(a->core, &e)) {
		ask_refuse(a, &e);
		return;
	}
	bool is_good = save_result(x, u, &e);
	if (!is_good)
		change_undo(a->core);
	if (is_good && change_end(a->core, &e))
		answer_verdict(x, unit_find(a->core, u->row.kind, u->row.id));
	else
		ask_refuse(a, &e);
}

bool attest_evidence(struct ask *a, struct err *e)
{
	const struct wall_evidence *q = a->message;
	struct appraisal *x = arena_alloc(a->mem, 1, sizeof(*x));
	uint8_t nonce[32] = { 0 }, qualified[SHA256_LEN];
	auto_buf struct buf body = { 0 };
	struct unit *u;

	if (!x)
		return err_set(e, ERR_RETRY, "no memory for a request");
	if (!device_of(a, &q->peer, &u, e))
		return false;
	*x = (struct appraisal){ .ask = a };
	x->expected.is_challenge_good = take_challenge(a, u, q, nonce);
	if (!x->expected.is_challenge_good)
		return err_set(e, ERR_DENIED,
			       "this challenge is used, old, or not of this connection");
	if (!u->has_tpm)
		return err_set(e, ERR_CONFLICT, "no TPM is registered for '" STR_FMT "'",
			       STR_ARG(u->row.id));
	x->expected.is_ak_active = u->tpm.activated_ms != 0;
	x->expected.before =
		(struct attest_counters){ u->tpm.has_quote, u->tpm.reset_count,
					  u->tpm.restart_count, u->tpm.clock, u->tpm.firmware };
	tpm_qualify(nonce, q->peer.exporter.ptr, q->peer.spki, u->row.id, qualified);
	struct wall_appraise m = { .quote = q->quote,
				   .signature = q->signature,
				   .pcrs = q->pcrs,
				   .log = q->log,
				   .ak_public = u->tpm.ak_public,
				   .expected = bytes_of(qualified, sizeof(qualified)) };
	buf_init(&body, 2 << 20);
	if (!walls_write(WALL_APPRAISE, &m, &body, e))
		return false;
	ipc_ask(a->core->verify, WALL_APPRAISE, buf_bytes(&body), appraised, x);
	return true;
}

/* ---- the device's own view ---- */

bool attest_self(struct ask *a, struct err *e)
{
	const struct wall_ask *q = a->message;
	const unsigned kinds = KIND_BIT(IDENTITY_DEVICE) | KIND_BIT(IDENTITY_SERVICE);
	auto_buf struct buf out = { 0 };
	struct unit *u;
	struct jw w;

	if (!peer_admit(a->core, &q->peer, kinds, &u, e))
		return false;
	buf_init(&out, 256 << 10);
	jw_init(&w, &out, JW_COMPACT);
	unit_json(u, &w);
	ask_json(a, 200, &out);
	return true;
}
