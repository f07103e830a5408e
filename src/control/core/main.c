/* main.c - control-core: decides and stores; listens to nobody.
 *
 * Its links: front (strangers' requests, typed), keys (signs), verify (reads evidence).
 * When keys or this room ends, the daemon ends; front and verify may come and go.
 */
#include "base/mem.h"
#include "control/core/core.h"
#include "control/core/policyset.h"
#include "crypto/hash.h"
#include "sys/files.h"
#include "sys/role.h"
#include "sys/sandbox.h"

enum {
	PATH_CAP = 4096,
	ANSWERS_KEPT_MS = 24 * 3600 * 1000,
	FEED_KEPT = 100000, /* entries; older readers fetch a snapshot */
	TIDY_MS = 600000,
	SEAL_MS = 1000,
};

/* ---- front's requests ---- */

static const struct {
	enum wall_type type;
	size_t size;
	ask_fn *fn;
} handlers[] = {
	{ WALL_START, sizeof(struct wall_start), enrol_start },
	{ WALL_ENROL, sizeof(struct wall_enrol), enrol_first },
	{ WALL_RENEW, sizeof(struct wall_renew), enrol_renew },
	{ WALL_WORKLOAD, sizeof(struct wall_workload), enrol_workload },
	{ WALL_TPM_REGISTER, sizeof(struct wall_tpm_register), attest_register },
	{ WALL_TPM_ACTIVATE, sizeof(struct wall_tpm_activate), attest_activate },
	{ WALL_CHALLENGE, sizeof(struct wall_ask), attest_challenge },
	{ WALL_EVIDENCE, sizeof(struct wall_evidence), attest_evidence },
	{ WALL_SELF, sizeof(struct wall_ask), attest_self },
	{ WALL_FEED_AFTER, sizeof(struct wall_feed_after), feed_after },
	{ WALL_SNAPSHOT, sizeof(struct wall_ask), feed_snapshot },
	{ WALL_REPORT, sizeof(struct wall_report), report_take },
	{ WALL_API, sizeof(struct wall_api), api_call },
};

static bool on_front(void *ctx, struct ipc *link, const struct ipc_msg *m, struct err *e)
{
	struct core *c = ctx;
	size_t i = 0;

	while (i < countof(handlers) && handlers[i].type != m->type)
		i++;
	if (i == countof(handlers))
		return err_set(e, ERR_INPUT, "message %u has no handler", m->type);
	struct ask *a = ask_new(c, link, m, handlers[i].size, e);
	struct err why = { 0 };
	if (!a)
		return false;
	if (!handlers[i].fn(a, &why))
		ask_refuse(a, &why);
	return true;
}

#define ROW(type, name)                                                                            \
	{                                                                                          \
		type, name, IPC_OFTEN, 0, on_front                                                 \
	}

static const struct ipc_row front_says[] = {
	ROW(WALL_START, "start"),
	ROW(WALL_ENROL, "enrol"),
	ROW(WALL_RENEW, "renew"),
	ROW(WALL_WORKLOAD, "workload"),
	ROW(WALL_TPM_REGISTER, "tpm-register"),
	ROW(WALL_TPM_ACTIVATE, "tpm-activate"),
	ROW(WALL_CHALLENGE, "challenge"),
	ROW(WALL_EVIDENCE, "evidence"),
	ROW(WALL_SELF, "self"),
	ROW(WALL_FEED_AFTER, "feed-after"),
	ROW(WALL_SNAPSHOT, "snapshot"),
	ROW(WALL_REPORT, "report"),
	ROW(WALL_API, "api"),
};

/* A room that is restarted singly: the link waits for its next life. */
static void room_left(void *ctx, struct ipc *link, const struct err *why)
{
	(void)ctx, (void)link;
	if (why->kind)
		log_fail(&core_event_failed, why);
}

static void keys_left(void *ctx, struct ipc *link, const struct err *why)
{
	struct core *c = ctx;

	(void)link;
	core_give_up(c, why);
}

/* ---- the audit tree is sealed a second after a change, and at least each 1,024 records ---- */

struct seal {
	struct core *core;
	uint64_t size;
};

static bool save_note(struct core *c, uint64_t size, struct str note, struct err *e)
{
	auto_buf struct buf body = { 0 };
	struct jw w;

	buf_init(&body, 16 << 10);
	jw_init(&w, &body, JW_COMPACT);
	jw_map(&w);
	jw_kv_int(&w, "size", (int64_t)size);
	jw_kv_str(&w, "note", note);
	jw_end(&w);
	return store_audit_checkpoint_add(c->store, size, note, e) &&
	       feed_add(c, STR("global"), STR(""), "audit", buf_str(&body), e);
}

static void sealed(void *ctx, const struct err *refused, struct bytes body)
{
	auto_arena struct arena *mem = arena_new(64 << 10);
	struct seal *s = ctx;
	struct core *c = s->core;
	uint64_t size = s->size;
	struct wall_note got;
	struct err e = { 0 };

	free(s);
	/* keys remembers more than the database does: a restore is a rollback until proven
	 * otherwise. */
	if (refused && refused->kind == ERR_CONFLICT) {
		core_give_up(c, refused);
		return;
	}
	if (refused || !walls_read(WALL_NOTE, body, mem, &got, &e) || !change_begin(c, &e)) {
		log_fail(&core_event_failed, refused ? refused : &e);
		return;
	}
	c->sealed = size;
	if (!save_note(c, size, got.note, &e))
		change_undo(c);
	else if (change_end(c, &e))
		return;
	log_fail(&core_event_failed, &e);
}

static void seal(void *ctx)
{
	struct core *c = ctx;
	struct seal *s = mem_new(1, sizeof(*s));
	auto_buf struct buf body = { 0 };
	uint8_t root[32];
	struct err e = { 0 };

	*s = (struct seal){ c, store_audit_size(c->store) };
	store_audit_root(c->store, root);
	struct wall_checkpoint q = { s->size, bytes_of(root, sizeof(root)) };
	buf_init(&body, 4096);
	if (walls_write(WALL_CHECKPOINT, &q, &body, &e))
		ipc_ask(c->keys, WALL_CHECKPOINT, buf_bytes(&body), sealed, s);
	else
		free(s);
}

/* ---- housekeeping ---- */

static void beat(void *ctx)
{
	feed_beat(ctx);
}

static bool tidy_up(struct core *c, struct err *e)
{
	int64_t now_ms = core_now_ms(c);
	uint64_t head = store_feed_head(c->store);

	return store_decision_trim(c->store, now_ms - c->set.decision_keep_s * 1000,
				   (uint64_t)c->set.decision_count, e) &&
	       store_answer_trim(c->store, now_ms - ANSWERS_KEPT_MS, e) &&
	       (head <= FEED_KEPT || store_feed_compact(c->store, head - FEED_KEPT, e));
}

static void tidy(void *ctx)
{
	struct core *c = ctx;
	struct err e = { 0 };

	timer_set(c->tidying, TIDY_MS);
	if (!change_begin(c, &e)) {
		log_fail(&core_event_failed, &e);
		return;
	}
	bool is_good = tidy_up(c, &e);
	if (!is_good)
		change_undo(c);
	if (!is_good || !change_end(c, &e) || !change_flush(c, &e) ||
	    !store_checkpoint(c->store, &e))
		log_fail(&core_event_failed, &e);
}

/* ---- start ---- */

static struct bytes own(struct bytes b)
{
	return (struct bytes){ mem_copy(b.ptr, b.len), b.len };
}

/* Before the loop runs: who are we, says keys. */
static bool ask_public(struct core *c, int fd, struct err *e)
{
	auto_arena struct arena *mem = arena_new(1 << 20), *parts auto_arena = arena_new(1 << 20);
	struct wall_none q = { 0 };
	auto_buf struct buf body = { 0 };
	struct wall_public got;
	struct bytes answer;

	buf_init(&body, 64);
	if (!walls_write(WALL_PUBLIC, &q, &body, e) ||
	    !ipc_call(fd, WALL_PUBLIC, buf_bytes(&body), WALLS_MAX_BODY, mem, &answer, e) ||
	    !walls_read(WALL_PUBLIC_KEYS, answer, parts, &got, e))
		return err_in(e, "keys");
	c->keys_public = (struct wall_public){
		.device_ca = own(got.device_ca),
		.infra_ca = own(got.infra_ca),
		.operator_ca = own(got.operator_ca),
		.statement_spki = own(got.statement_spki),
		.audit_key = own(got.audit_key),
		.audit_name = str_bytes(own(bytes_str(got.audit_name))),
		.domain = str_bytes(own(bytes_str(got.domain))),
	};
	return true;
}

static bool make_admin(struct core *c, struct err *e)
{
	struct store_principal row = {
		.kind = STR("user"),
		.id = STR("admin"),
		.groups = STR("admin"),
		.status = STR("active"),
		.tags = STR("{}"),
		.posture = STR("{}"),
		.attested = STR("none"),
		.key_assurance = STR("software"),
		.created_ms = core_now_ms(c),
	};
	struct audit_record r = { .kind = AUDIT_REGISTERED,
				  .what = STR("user/admin"),
				  .why = STR("first run") };

	if (!change_begin(c, e))
		return false;
	if (store_principal_put(c->store, &row, e) && change_audit(c, &r, STR(""), e) &&
	    unit_changed(c, row.kind, row.id, STR(""), e))
		return change_end(c, e);
	change_undo(c);
	return false;
}

static bool note_start(struct core *c, struct err *e)
{
	struct audit_record r = { .kind = AUDIT_STARTED,
				  .what = STR("muster"),
				  .detail = STR(MUSTER_VERSION) };

	if (!change_begin(c, e))
		return false;
	if (change_audit(c, &r, STR(""), e))
		return change_end(c, e);
	change_undo(c);
	return false;
}

static bool keep_size(void *ctx, const struct store_checkpoint_row *row)
{
	*(uint64_t *)ctx = row->size;
	return true;
}

static bool load(struct core *c, struct err *e)
{
	bool is_first = store_feed_head(c->store) == 0;

	if (!units_load(c, e) || !feed_recover(c, e) || !policy_load(c, e))
		return false;
	if (is_first) {
		if (!make_admin(c, e))
			return false;
		log_event(&core_event_first_run);
	}
	return store_audit_checkpoint_each(c->store, 0, keep_size, &c->sealed, e) &&
	       note_start(c, e);
}

static void on_link(void *ctx, struct str name, int fd)
{
	struct core *c = ctx;

	if (str_eqz(name, "front"))
		ipc_replace(c->front, fd);
	else if (str_eqz(name, "verify"))
		ipc_replace(c->verify, fd);
}

static void make_links(struct core *c)
{
	const struct ipc_settings front = { .rows = front_says,
					    .count = countof(front_says),
					    .max_body = WALLS_MAX_BODY,
					    .ctx = c,
					    .on_lost = room_left };
	const struct ipc_settings verify = { .max_body = WALLS_MAX_BODY,
					     .ctx = c,
					     .on_lost = room_left };
	const struct ipc_settings keys = { .max_body = WALLS_MAX_BODY,
					   .ctx = c,
					   .on_lost = keys_left };

	c->keys = ipc_new(c->loop, role_fd("keys"), &keys);
	c->verify = ipc_new(c->loop, role_fd("verify"), &verify);
	c->front = ipc_new(c->loop, role_fd("front"), &front);
	role_on_link(c->loop, on_link, c);
}

static void core_init(struct core *c)
{
	c->loop = loop_new(clock_real());
	c->units = map_new();
	c->world = world_new();
	c->feed = feed_new(c);
	c->challenges = challenges_new();
	c->waiting_end = &c->waiting;
	c->beat = loop_timer(c->loop, beat, c);
	c->sealing = loop_timer(c->loop, seal, c);
	c->tidying = loop_timer(c->loop, tidy, c);
	c->started_ms = core_now_ms(c);
}

static bool enter(const struct settings *set, struct err *e)
{
	const struct sandbox_path paths[] = {
		{ set->state_dir, SANDBOX_READ | SANDBOX_WRITE },
	};
	const struct sandbox box = { .promises = "stdio files fdpass",
				     .paths = paths,
				     .path_count = countof(paths),
				     .need = (enum sandbox_need)set->sandbox };

	return sandbox_enter(&box, e);
}

static bool start(struct core *c, struct arena *mem, struct err *e)
{
	char path[PATH_CAP];

	if (!settings_of_room(mem, &c->set, e) ||
	    !path_join(path, sizeof(path), c->set.state_dir, "core/muster.db", e))
		return false;
	core_init(c);
	if (!enter(&c->set, e) || !ask_public(c, role_fd("keys"), e))
		return false;
	c->store = store_open(path, NULL, e);
	if (!c->store)
		return false;
	make_links(c);
	if (!load(c, e))
		return false;
	timer_set(c->beat, 1000);
	timer_set(c->tidying, TIDY_MS);
	log_event(&core_event_started, LOG_NUM("head", store_feed_head(c->store)),
		  LOG_NUM("audit", store_audit_size(c->store)),
		  LOG_NUM("principals", map_count(c->units)));
	return true;
}

int main(void)
{
	struct arena *mem = arena_new(1 << 20);
	static struct core core;
	struct err e = { 0 };

	role_start("core");
	if (start(&core, mem, &e) && loop_run(core.loop, &e)) {
		store_close(core.store);
		return core.has_given_up ? err_exit_code(ERR_SYSTEM) : 0;
	}
	log_fail(&core_event_stopped, &e);
	return err_exit_code(e.kind ? e.kind : ERR_SYSTEM);
}
