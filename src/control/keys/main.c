/* main.c - control-keys: holds the CA, statement and audit keys; hears only core.
 *
 * All it can do is a table of four rows.  It never signs bytes it was handed: it builds
 * certificates from a name and a public key under its own profiles, and statements and
 * checkpoints from their members, each written to the log (book.h) before it leaves (E8).
 */
#include "base/log.h"
#include "base/mem.h"
#include "control/keys/book.h"
#include "control/keys/ring.h"
#include "control/settings.h"
#include "control/walls.h"
#include "crypto/note.h"
#include "crypto/secret.h"
#include "sys/files.h"
#include "sys/ipc.h"
#include "sys/role.h"
#include "sys/sandbox.h"

enum { PATH_CAP = 4096, NAMES = 16, BACKDATE_MS = 60000, BODY_MAX = 8 << 20 };

static const struct log_event keys_started = {
	"keys.started", LOG_LEVEL_INFO, "The keys are read and the log of signatures is open."
};
static const struct log_event keys_refused = {
	"keys.refused", LOG_LEVEL_WARNING, "Core asked for a signature that may not be given."
};
static const struct log_event keys_stopped = { "keys.stopped", LOG_LEVEL_ERROR,
					       "Why this room ends, and the daemon with it." };

struct room {
	struct ring ring;
	struct book *book;
	struct arena *mem; /* one request */
};

/* ---- certificates ---- */

static const struct {
	enum cert_profile profile;
	const char *kind; /* in the URI; NULL: this is no profile */
	bool is_infra;
	int64_t longest_s;
} profiles[] = {
	[WALL_PROFILE_DEVICE] = { CERT_DEVICE, "device", false, 30 * 86400 },
	[WALL_PROFILE_WORKLOAD] = { CERT_WORKLOAD, "device", false, 3600 },
	[WALL_PROFILE_SERVICE] = { CERT_SERVICE, "service", false, 30 * 86400 },
	[WALL_PROFILE_GATE] = { CERT_GATE, "gate", true, 30 * 86400 },
	[WALL_PROFILE_SERVER] = { CERT_SERVER, "server", true, 30 * 86400 },
};

/* The same rule as model/identity.h, which this room may not link. */
static bool id_ok(struct str id)
{
	if (id.len < 1 || id.len > 63)
		return false;
	for (size_t i = 0; i < id.len; i++) {
		char c = id.ptr[i];
		bool is_alnum =
			(c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!is_alnum && (i == 0 || (c != '.' && c != '_' && c != '-')))
			return false;
	}
	return true;
}

static bool is_address(struct str name)
{
	for (size_t i = 0; i < name.len; i++)
		if (!((name.ptr[i] >= '0' && name.ptr[i] <= '9') || name.ptr[i] == '.') &&
		    !str_has(name, ':'))
			return false;
	return name.len > 0;
}

struct names {
	struct str dns[NAMES], ip[NAMES];
	size_t dns_count, ip_count;
};

static bool sort_names(const struct wall_issue *q, struct names *out, struct err *e)
{
	bool may_have = q->profile == WALL_PROFILE_GATE || q->profile == WALL_PROFILE_SERVER;

	*out = (struct names){ 0 };
	if (q->names.count > NAMES || (q->names.count && !may_have))
		return err_set(e, ERR_INPUT, "this profile does not have so many names");
	for (size_t i = 0; i < q->names.count; i++) {
		struct str name = str_bytes(q->names.items[i]);
		if (is_address(name))
			out->ip[out->ip_count++] = name;
		else
			out->dns[out->dns_count++] = name;
	}
	return true;
}

static struct str uri_of(struct room *r, const struct wall_issue *q)
{
	const char *kind = profiles[q->profile].kind;

	if (q->profile == WALL_PROFILE_WORKLOAD)
		return arena_printf(r->mem,
				    "spiffe://" STR_FMT "/device/" STR_FMT "/workload/" STR_FMT,
				    STR_ARG(r->ring.domain), STR_ARG(q->id), STR_ARG(q->workload));
	return arena_printf(r->mem, "spiffe://" STR_FMT "/%s/" STR_FMT, STR_ARG(r->ring.domain),
			    kind, STR_ARG(q->id));
}

static bool check_issue(const struct wall_issue *q, struct err *e)
{
	bool is_workload = q->profile == WALL_PROFILE_WORKLOAD;

	if (q->profile >= countof(profiles) || !profiles[q->profile].kind)
		return err_set(e, ERR_DENIED, "there is no profile %u", q->profile);
	if (!id_ok(q->id) || is_workload != id_ok(q->workload) || (!is_workload && q->workload.len))
		return err_set(e, ERR_INPUT, "'" STR_FMT "' is not a name", STR_ARG(q->id));
	return true;
}

static bool issue(struct room *r, struct bytes body, struct buf *out, struct err *e)
{
	struct wall_issue q;
	struct names names;
	auto_buf struct buf der = { 0 };
	struct cert made;

	if (!walls_read(WALL_ISSUE, body, r->mem, &q, e) || !check_issue(&q, e) ||
	    !sort_names(&q, &names, e))
		return false;
	int64_t longest_s = profiles[q.profile].longest_s;
	int64_t life_s = q.lifetime_s < 1 || q.lifetime_s > longest_s ? longest_s : q.lifetime_s;
	int64_t now_ms = clock_wall_ms(clock_real());
	struct cert_request request = {
		.profile = profiles[q.profile].profile,
		.uri = uri_of(r, &q),
		.common_name = q.id,
		.dns = names.dns,
		.dns_count = names.dns_count,
		.ip = names.ip,
		.ip_count = names.ip_count,
		.spki = q.spki,
		.not_before_ms = now_ms - BACKDATE_MS,
		.not_after_ms = now_ms + life_s * 1000,
	};
	buf_init(&der, CERT_MAX_BYTES);
	if (!cert_issue(&request, profiles[q.profile].is_infra ? &r->ring.infra : &r->ring.device,
			&der, e) ||
	    !cert_read(buf_bytes(&der), &made, e) ||
	    !book_certificate(r->book, made.serial, made.uri, made.not_after_ms, e))
		return false;
	struct wall_certificate answer = { buf_bytes(&der), made.serial, made.not_before_ms,
					   made.not_after_ms };
	return walls_write(WALL_CERTIFICATE, &answer, out, e);
}

/* ---- statements ---- */

static bool sign_one(struct room *r, struct bytes item, uint8_t sig[KEY_SIG], struct err *e)
{
	struct wall_statement m;

	if (!walls_read(WALL_STATEMENT, item, r->mem, &m, e))
		return false;
	struct statement s = { .type = (enum statement_type)m.type,
			       .stream = m.stream,
			       .seq = m.seq,
			       .prev = m.prev };
	if (m.digest.len != KEY_DIGEST)
		return err_set(e, ERR_INPUT, "a statement is about a SHA-256 digest");
	memcpy(s.digest, m.digest.ptr, KEY_DIGEST);
	return book_statement(r->book, &s, e) && statement_sign(&s, r->ring.statement, sig, e);
}

static bool sign(struct room *r, struct bytes body, struct buf *out, struct err *e)
{
	struct wall_statements q;

	if (!walls_read(WALL_SIGN, body, r->mem, &q, e))
		return false;
	struct bytes *sigs = arena_alloc(r->mem, q.items.count, sizeof(*sigs));
	uint8_t *raw = arena_alloc(r->mem, q.items.count, KEY_SIG);
	if (!sigs || !raw)
		return err_set(e, ERR_INPUT, "too many statements");
	for (size_t i = 0; i < q.items.count; i++) {
		sigs[i] = bytes_of(raw + i * KEY_SIG, KEY_SIG);
		if (!sign_one(r, q.items.items[i], raw + i * KEY_SIG, e))
			return false;
	}
	struct wall_signatures answer = { { sigs, q.items.count } };
	return walls_write(WALL_SIGNATURES, &answer, out, e);
}

/* ---- checkpoints ---- */

static struct str audit_name(struct room *r)
{
	return arena_printf(r->mem, STR_FMT "/audit", STR_ARG(r->ring.domain));
}

static bool checkpoint(struct room *r, struct bytes body, struct buf *out, struct err *e)
{
	struct wall_checkpoint q;
	auto_buf struct buf text = { 0 };

	if (!walls_read(WALL_CHECKPOINT, body, r->mem, &q, e))
		return false;
	struct note n = { .origin = audit_name(r), .size = q.size };
	if (q.root.len != sizeof(n.root.b))
		return err_set(e, ERR_INPUT, "a root has 32 bytes");
	memcpy(n.root.b, q.root.ptr, sizeof(n.root.b));
	buf_init(&text, NOTE_MAX_BYTES);
	if (!book_checkpoint(r->book, n.size, n.root, e) ||
	    !note_write(&n, r->ring.audit, &text, e))
		return false;
	struct wall_note answer = { buf_str(&text) };
	return walls_write(WALL_NOTE, &answer, out, e);
}

static bool public_keys(struct room *r, struct bytes body, struct buf *out, struct err *e)
{
	struct wall_none q;
	const struct wall_public answer = {
		.device_ca = r->ring.device_ca,
		.infra_ca = r->ring.infra_ca,
		.operator_ca = r->ring.operator_ca,
		.statement_spki = key_spki(r->ring.statement),
		.audit_key = key_point(r->ring.audit),
		.audit_name = audit_name(r),
		.domain = r->ring.domain,
	};

	return walls_read(WALL_PUBLIC, body, r->mem, &q, e) &&
	       walls_write(WALL_PUBLIC_KEYS, &answer, out, e);
}

/* ---- all this process can do ---- */

static const struct {
	enum wall_type type;
	bool (*fn)(struct room *r, struct bytes body, struct buf *out, struct err *e);
} requests[] = {
	{ WALL_ISSUE, issue },
	{ WALL_SIGN, sign },
	{ WALL_CHECKPOINT, checkpoint },
	{ WALL_PUBLIC, public_keys },
};

static bool refuse(int core, const struct ipc_msg *m, const struct err *why, struct err *e)
{
	uint8_t body[IPC_ERR_MAX];
	struct ipc_msg answer = { m->type, IPC_REFUSAL, m->request, ipc_err_write(why, body) };

	log_fail(&keys_refused, why);
	return ipc_send(core, &answer, e);
}

static bool serve(struct room *r, int core, const struct ipc_msg *m, struct err *e)
{
	auto_buf struct buf out = { 0 };
	struct err why = { 0 };
	size_t i = 0;

	while (i < countof(requests) && requests[i].type != m->type)
		i++;
	if (i == countof(requests) || m->flags != IPC_ASK)
		return err_set(e, ERR_DENIED, "request %u is not ours to answer", m->type);
	buf_init(&out, BODY_MAX);
	bool is_good = requests[i].fn(r, m->body, &out, &why);
	/* Also what a refused batch noted before its bad item: it is in memory, so on disk. */
	if (!book_sync(r->book, e))
		return false;
	if (!is_good)
		return refuse(core, m, &why, e);
	struct ipc_msg answer = { m->type, IPC_ANSWER, m->request, buf_bytes(&out) };
	return ipc_send(core, &answer, e);
}

static bool start(struct room *r, struct arena *mem, struct err *e)
{
	struct settings set;
	char keys[PATH_CAP], log[PATH_CAP];

	if (!secret_start(e) || !settings_of_room(mem, &set, e) ||
	    !path_join(keys, sizeof(keys), set.state_dir, "keys", e) ||
	    !path_join(log, sizeof(log), keys, "signed.log", e) ||
	    !ring_read(keys, mem, &r->ring, e))
		return false;
	r->book = book_open(log, e);
	const struct sandbox box = { .promises = "stdio", .need = (enum sandbox_need)set.sandbox };
	return r->book && sandbox_enter(&box, e);
}

int main(void)
{
	struct arena *mem = arena_new(1 << 20), *body = arena_new(BODY_MAX);
	struct room r = { .mem = arena_new(BODY_MAX) };
	struct err e = { 0 };
	struct ipc_msg m;
	int core;

	role_start("keys");
	core = role_fd("core");
	if (!start(&r, mem, &e)) {
		log_fail(&keys_stopped, &e);
		return err_exit_code(e.kind);
	}
	log_event(&keys_started);
	while (ipc_recv(core, BODY_MAX, body, &m, &e) && serve(&r, core, &m, &e)) {
		arena_reset(r.mem);
		arena_reset(body);
	}
	if (e.kind)
		log_fail(&keys_stopped, &e);
	return e.kind != ERR_NONE;
}
