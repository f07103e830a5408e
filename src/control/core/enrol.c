/* enrol.c - certificates: by a one-time code, by a valid certificate, for a program.
 *
 * Names come from the registry, never from the request (E1).  keys builds the certificate;
 * using up the code and recording the certificate is one operation (E5), and the answer
 * leaves after its commit.  The same request again gets the same certificate (E6).
 */
#include "codec/hex.h"
#include "control/core/core.h"
#include "crypto/hash.h"

enum { DIGEST = 32, NAMES = 16 };

/* ---- who may ask ---- */

static enum wall_authority authority_of(enum identity_kind kind)
{
	switch (kind) {
	case IDENTITY_DEVICE:
	case IDENTITY_SERVICE:
		return WALL_AUTHORITY_DEVICE;
	case IDENTITY_GATE:
	case IDENTITY_SENSOR:
		return WALL_AUTHORITY_INFRA;
	case IDENTITY_USER:
		return WALL_AUTHORITY_OPERATOR;
	default:
		return WALL_AUTHORITY_NONE;
	}
}

static bool certificate_good(struct core *c, const struct wall_peer *peer, struct err *e)
{
	auto_arena struct arena *mem = arena_new(64 << 10);
	struct store_certificate cert;
	struct err none = { 0 };

	if (store_certificate_get(c->store, peer->serial, mem, &cert, &none))
		return !cert.revoked_ms || err_set(e, ERR_DENIED, "this certificate was revoked");
	if (none.kind != ERR_MISSING) {
		*e = none;
		return false;
	}
	/* Operators' certificates are made by a local command and are not in the table. */
	return peer->authority == WALL_AUTHORITY_OPERATOR ||
	       err_set(e, ERR_DENIED, "this certificate is not one we issued");
}

/* A role is what the registry says, and the CA must be that role's; neither alone is enough. */
bool peer_admit(struct core *c, const struct wall_peer *peer, unsigned kinds, struct unit **out,
		struct err *e)
{
	struct unit *u = unit_of(c, peer, e);

	if (!u)
		return false;
	enum identity_kind kind = identity_kind_of(u->row.kind);
	if (!(kinds & KIND_BIT(kind)))
		return err_set(e, ERR_DENIED, "this is not for a %s", identity_kind_name(kind));
	if (peer->authority != (uint32_t)authority_of(kind))
		return err_set(e, ERR_DENIED, "this certificate is of the wrong authority");
	if (!str_eqz(u->row.status, "active"))
		return err_set(e, ERR_DENIED, "'" STR_FMT "' is " STR_FMT, STR_ARG(u->row.id),
			       STR_ARG(u->row.status));
	*out = u;
	return certificate_good(c, peer, e);
}

/* ---- asking keys ---- */

struct issue {
	struct ask *ask;
	struct store_principal row;
	struct str workload;
	struct bytes spki, csr;
	struct bytes code; /* hash, of a first enrolment */
	struct str idempotency;
	struct wall_certificate cert;
};

static enum wall_profile profile_of(const struct issue *i)
{
	if (i->workload.len)
		return WALL_PROFILE_WORKLOAD;
	switch (identity_kind_of(i->row.kind)) {
	case IDENTITY_DEVICE:
		return WALL_PROFILE_DEVICE;
	case IDENTITY_SERVICE:
		return WALL_PROFILE_SERVICE;
	case IDENTITY_GATE:
		return WALL_PROFILE_GATE;
	default:
		return WALL_PROFILE_NONE;
	}
}

static size_t split(struct str text, struct bytes *out, size_t max)
{
	size_t count = 0;
	bool more = true;

	while (more && count < max) {
		struct str word;
		more = str_cut(text, ' ', &word, &text);
		if (word.len)
			out[count++] = bytes_str(word);
	}
	return count;
}

static bool ask_issue(struct core *c, const struct wall_issue *q, ipc_answer_fn *fn, void *ctx,
		      struct err *e)
{
	auto_buf struct buf body = { 0 };

	buf_init(&body, 64 << 10);
	if (!walls_write(WALL_ISSUE, q, &body, e))
		return false;
	ipc_ask(c->keys, WALL_ISSUE, buf_bytes(&body), fn, ctx);
	return true;
}

static bool copy_row(struct arena *mem, struct store_principal *row)
{
	struct str *const texts[] = { &row->kind,
				      &row->id,
				      &row->site,
				      &row->model,
				      &row->groups,
				      &row->names,
				      &row->status,
				      &row->firmware,
				      &row->tags,
				      &row->posture,
				      &row->key_assurance,
				      &row->held_by,
				      &row->held_why,
				      &row->attested,
				      &row->attested_evidence };

	for (size_t i = 0; i < countof(texts); i++)
		*texts[i] = arena_dup(mem, *texts[i]);
	return !arena_is_full(mem);
}

static void issued(void *ctx, const struct err *refused, struct bytes body);

static bool issue(struct ask *a, const struct issue *from, struct err *e)
{
	struct issue *i = arena_alloc(a->mem, 1, sizeof(*i));
	struct bytes names[NAMES];

	if (!i)
		return err_set(e, ERR_RETRY, "no memory for a certificate");
	*i = *from;
	i->ask = a;
	if (!copy_row(a->mem, &i->row))
		return err_set(e, ERR_RETRY, "no memory for a certificate");
	struct wall_issue q = {
		.profile = (uint32_t)profile_of(i),
		.id = i->row.id,
		.workload = i->workload,
		.spki = i->spki,
		.names = { names, split(i->row.names, names, NAMES) },
		.lifetime_s = i->workload.len ? a->core->set.workload_lifetime_s
					      : a->core->set.certificate_lifetime_s,
	};
	return ask_issue(a->core, &q, issued, i, e);
}

/* ---- recording ---- */

static bool record(struct issue *i, enum audit_kind kind, struct err *e)
{
	struct core *c = i->ask->core;
	uint8_t spki[SHA256_LEN];
	struct store_certificate cert = {
		.serial = i->cert.serial,
		.site = i->row.site,
		.kind = i->row.kind,
		.id = i->row.id,
		.workload = i->workload,
		.spki_sha256 = bytes_of(spki, sizeof(spki)),
		.csr_sha256 = i->csr,
		.generation = i->row.generation,
		.not_before_ms = i->cert.not_before,
		.not_after_ms = i->cert.not_after,
		.der = i->cert.der,
	};
	struct str name = arena_printf(i->ask->mem, STR_FMT "/" STR_FMT "%s" STR_FMT,
				       STR_ARG(i->row.kind), STR_ARG(i->row.id),
				       i->workload.len ? "/workload/" : "", STR_ARG(i->workload));
	struct audit_record r = { .kind = kind,
				  .by = name,
				  .what = name,
				  .detail = hex_text(i->cert.serial, i->ask->mem) };

	sha256(i->spki, spki);
	return store_certificate_add(c->store, &cert, e) && change_audit(c, &r, i->row.site, e);
}

/* The row as it stands now, not as it stood when keys was asked. */
static bool new_generation(struct issue *i, struct err *e)
{
	struct core *c = i->ask->core;
	struct store_principal *row = &i->row;

	if (!store_principal_get(c->store, row->kind, row->id, i->ask->mem, row, e))
		return false;
	if (str_eqz(row->status, "retired"))
		return err_set(e, ERR_DENIED, "'" STR_FMT "' is retired", STR_ARG(row->id));
	row->status = STR("active");
	row->generation++;
	if (!row->key_assurance.len || str_eqz(row->key_assurance, "claimed"))
		row->key_assurance = STR("software");
	return store_principal_put(c->store, row, e);
}

static bool save(struct issue *i, struct err *e)
{
	struct core *c = i->ask->core;
	int64_t now_ms = core_now_ms(c);

	if (i->code.len && !store_code_use(c->store, i->code, now_ms, i->csr, i->cert.der, e))
		return false;
	if (!i->workload.len && !new_generation(i, e))
		return false;
	if (!i->code.len && !store_answer_put(c->store, i->idempotency, i->cert.der, now_ms, e))
		return false;
	if (!record(i,
		    i->code.len       ? AUDIT_ENROLLED
		    : i->workload.len ? AUDIT_WORKLOAD_ISSUED
				      : AUDIT_RENEWED,
		    e))
		return false;
	return i->workload.len || unit_changed(c, i->row.kind, i->row.id, STR(""), e);
}

static void answer_der(struct ask *a, struct bytes der, bool is_committed)
{
	struct wall_answer answer = { .status = 200,
				      .type = STR("application/pkix-cert"),
				      .body = der };

	if (is_committed)
		ask_answer(a, WALL_ANSWER, &answer);
	else
		ask_answer_committed(a, WALL_ANSWER, &answer);
}

static void issued(void *ctx, const struct err *refused, struct bytes body)
{
	struct issue *i = ctx;
	struct ask *a = i->ask;
	struct err e = { 0 };
	struct bytes own = arena_copy(a->mem, body.ptr, body.len);

	if (refused) {
		ask_refuse(a, refused);
		return;
	}
	if (!walls_read(WALL_CERTIFICATE, own, a->mem, &i->cert, &e) ||
	    !change_begin(a->core, &e)) {
		ask_refuse(a, &e);
		return;
	}
	if (!save(i, &e)) {
		change_undo(a->core);
		ask_refuse(a, &e);
		return;
	}
	if (!change_end(a->core, &e)) {
		ask_refuse(a, &e);
		return;
	}
	if (i->code.len)
		log_event(&core_event_enrolled, LOG_STR("kind", i->row.kind),
			  LOG_STR("id", i->row.id));
	answer_der(a, i->cert.der, false);
}

/* ---- first enrolment ---- */

static bool bad_code(struct err *e)
{
	return err_set(e, ERR_DENIED, "this code is not valid for that name");
}

bool enrol_first(struct ask *a, struct err *e)
{
	const struct wall_enrol *q = a->message;
	struct core *c = a->core;
	uint8_t hash[SHA256_LEN];
	struct store_code code;
	struct err none = { 0 };

	if (!identity_id_ok(q->id) || q->secret.len < 16 || q->csr_sha256.len != DIGEST)
		return bad_code(e);
	sha256(q->secret, hash);
	if (!store_code_get(c->store, bytes_of(hash, sizeof(hash)), a->mem, &code, &none)) {
		if (none.kind == ERR_MISSING)
			return bad_code(e);
		*e = none;
		return false;
	}
	if (!str_eq(code.id, q->id))
		return bad_code(e);
	if (code.used_ms && bytes_eq(code.used_csr, q->csr_sha256)) {
		answer_der(a, code.certificate, true); /* the reply was lost: E6 */
		return true;
	}
	if (code.used_ms || core_now_ms(c) >= code.expires_ms)
		return bad_code(e);
	struct issue i = { .spki = q->spki, .csr = q->csr_sha256, .code = code.secret_hash };
	if (!store_principal_get(c->store, code.kind, code.id, a->mem, &i.row, e))
		return false;
	if (str_eqz(i.row.status, "retired"))
		return bad_code(e);
	return issue(a, &i, e);
}

/* ---- renewal and workloads ---- */

/* True when it was answered before: *out is the certificate. */
static bool answered_before(struct ask *a, struct str key, struct bytes *out, struct err *e)
{
	struct err none = { 0 };

	if (store_answer_get(a->core->store, key, a->mem, out, &none))
		return true;
	if (none.kind != ERR_MISSING)
		*e = none;
	return false;
}

static bool newest_generation(struct ask *a, const struct unit *u, const struct wall_peer *peer,
			      struct err *e)
{
	struct store_certificate cert;

	if (!store_certificate_get(a->core->store, peer->serial, a->mem, &cert, e))
		return false;
	/* One behind: the newer one may have been lost on its way. */
	if (cert.generation + 1 < u->row.generation)
		return err_set(e, ERR_DENIED,
			       "a newer certificate of '" STR_FMT "' is in use: is this a copy?",
			       STR_ARG(u->row.id));
	return true;
}

static bool may_renew(const struct unit *u, struct err *e)
{
	if (u->profile.grade > GRADE_ISOLATED)
		return true;
	err_set(e, ERR_DENIED, "'" STR_FMT "' is isolated: %s", STR_ARG(u->row.id),
		u->profile.because);
	return err_hint(e, "muster device restore " STR_FMT, STR_ARG(u->row.id));
}

static bool again(struct ask *a, struct unit *u, struct issue *i, struct err *e)
{
	struct bytes before;

	if (i->csr.len != DIGEST)
		return err_set(e, ERR_INPUT, "request has no digest");
	if (answered_before(a, i->idempotency, &before, e)) {
		answer_der(a, before, true);
		return true;
	}
	if (e->kind || !may_renew(u, e))
		return false;
	i->row = u->row;
	return issue(a, i, e);
}

bool enrol_renew(struct ask *a, struct err *e)
{
	const struct wall_renew *q = a->message;
	const unsigned kinds =
		KIND_BIT(IDENTITY_DEVICE) | KIND_BIT(IDENTITY_SERVICE) | KIND_BIT(IDENTITY_GATE);
	struct identity who;
	struct unit *u;

	if (!peer_admit(a->core, &q->peer, kinds, &u, e) ||
	    !identity_read(q->peer.identity, &who, e))
		return false;
	if (who.kind == IDENTITY_WORKLOAD)
		return err_set(e, ERR_DENIED, "a workload's certificate is renewed by its device");
	if (!newest_generation(a, u, &q->peer, e))
		return false;
	struct issue i = {
		.spki = q->spki,
		.csr = q->csr_sha256,
		.idempotency = arena_printf(a->mem, "renew " STR_FMT " " STR_FMT,
					    STR_ARG(hex_text(q->peer.serial, a->mem)),
					    STR_ARG(hex_text(q->csr_sha256, a->mem))),
	};
	return again(a, u, &i, e);
}

bool enrol_workload(struct ask *a, struct err *e)
{
	const struct wall_workload *q = a->message;
	const unsigned kinds = KIND_BIT(IDENTITY_DEVICE);
	struct identity who;
	struct unit *u;

	if (!peer_admit(a->core, &q->peer, kinds, &u, e) ||
	    !identity_read(q->peer.identity, &who, e))
		return false;
	if (who.kind != IDENTITY_DEVICE)
		return err_set(e, ERR_DENIED, "only a device asks for its workloads");
	if (!identity_id_ok(q->name))
		return err_set(e, ERR_INPUT, "'" STR_FMT "' is not a name for a workload",
			       STR_ARG(q->name));
	struct issue i = {
		.spki = q->spki,
		.csr = q->csr_sha256,
		.workload = q->name,
		.idempotency =
			arena_printf(a->mem, "workload " STR_FMT " " STR_FMT, STR_ARG(u->row.id),
				     STR_ARG(hex_text(q->csr_sha256, a->mem))),
	};
	return again(a, u, &i, e);
}

/* ---- front's own certificate ---- */

static void server_issued(void *ctx, const struct err *refused, struct bytes body)
{
	struct ask *a = ctx;
	const struct wall_public *k = &a->core->keys_public;
	struct bytes own = arena_copy(a->mem, body.ptr, body.len);
	struct wall_certificate cert;
	struct err e = { 0 };

	if (refused || !walls_read(WALL_CERTIFICATE, own, a->mem, &cert, &e)) {
		ask_refuse(a, refused ? refused : &e);
		return;
	}
	struct wall_anchors answer = {
		.device_ca = k->device_ca,
		.infra_ca = k->infra_ca,
		.operator_ca = k->operator_ca,
		.server_cert = cert.der,
		.server_cert_until = cert.not_after,
		.domain = k->domain,
	};
	ask_answer(a, WALL_ANCHORS, &answer);
}

static size_t server_names(const struct settings *set, struct bytes *out)
{
	size_t count = 0;

	out[count++] = bytes_str(STR("localhost"));
	out[count++] = bytes_str(STR("127.0.0.1"));
	for (size_t i = 0; i < set->names.count && count < NAMES; i++)
		out[count++] = bytes_str(str_of(set->names.at[i]));
	return count;
}

bool enrol_start(struct ask *a, struct err *e)
{
	const struct wall_start *q = a->message;
	struct bytes names[NAMES];
	struct wall_issue issue_q = {
		.profile = WALL_PROFILE_SERVER,
		.id = STR("control"),
		.spki = q->server_spki,
		.names = { names, server_names(&a->core->set, names) },
		.lifetime_s = a->core->set.certificate_lifetime_s,
	};

	return ask_issue(a->core, &issue_q, server_issued, a, e);
}

/* ---- revocation ---- */

/* Its connections end now; that costs nobody anything if the revocation is then refused. */
static void tell_front(struct core *c, const struct store_certificate *cert)
{
	struct wall_revoked m = { .serial = cert->serial };
	auto_buf struct buf body = { 0 };
	struct err e = { 0 };

	buf_init(&body, 4096);
	if (walls_write(WALL_REVOKED, &m, &body, &e))
		(void)ipc_tell(c->front, WALL_REVOKED, buf_bytes(&body));
}

bool enrol_revoke(struct core *c, const struct store_certificate *cert, struct str by,
		  struct str why, struct err *e)
{
	auto_arena struct arena *mem = arena_new(64 << 10);
	struct str serial = hex_text(cert->serial, mem);
	struct str name = arena_printf(mem, STR_FMT "/" STR_FMT "%s" STR_FMT, STR_ARG(cert->kind),
				       STR_ARG(cert->id), cert->workload.len ? "/workload/" : "",
				       STR_ARG(cert->workload));
	struct audit_record r = {
		.kind = AUDIT_REVOKED, .by = by, .what = name, .why = why, .detail = serial
	};
	struct str body = arena_printf(
		mem, "{\"serial\":\"" STR_FMT "\",\"principal\":\"" STR_FMT "\",\"until\":%lld}",
		STR_ARG(serial), STR_ARG(name), (long long)cert->not_after_ms);

	tell_front(c, cert);
	return store_certificate_revoke(c->store, cert->serial, core_now_ms(c), why, e) &&
	       change_audit(c, &r, cert->site, e) &&
	       feed_add(c, STR("global"), cert->site, "revoked", body, e);
}

struct gather {
	struct arena *mem;
	struct store_certificate certs[256];
	size_t count;
	int64_t now_ms;
};

static bool gather_valid(void *ctx, const struct store_certificate *row)
{
	struct gather *g = ctx;

	if (row->revoked_ms || row->not_after_ms <= g->now_ms)
		return true;
	struct store_certificate *out = &g->certs[g->count++];
	*out = (struct store_certificate){ .serial = arena_copy(g->mem, row->serial.ptr,
								row->serial.len),
					   .site = arena_dup(g->mem, row->site),
					   .kind = arena_dup(g->mem, row->kind),
					   .id = arena_dup(g->mem, row->id),
					   .workload = arena_dup(g->mem, row->workload),
					   .not_after_ms = row->not_after_ms };
	return g->count < countof(g->certs);
}

bool enrol_revoke_all(struct core *c, struct str kind, struct str id, struct str by, struct str why,
		      struct err *e)
{
	auto_arena struct arena *mem = arena_new(1 << 20);
	struct gather *g = arena_alloc(mem, 1, sizeof(*g));

	do {
		g->mem = mem;
		g->now_ms = core_now_ms(c);
		g->count = 0;
		if (!store_certificate_of(c->store, kind, id, gather_valid, g, e))
			return false;
		for (size_t i = 0; i < g->count; i++)
			if (!enrol_revoke(c, &g->certs[i], by, why, e))
				return false;
	} while (g->count == countof(g->certs));
	return true;
}
