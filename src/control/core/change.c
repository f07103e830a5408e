/* change.c - one operation per request, one commit per turn, answers after it. */
#include "base/mem.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "control/core/core.h"
#include "sys/files.h"

enum {
	ASK_MAX = 64 << 20, /* of one request and its answer */
	GROUP_MAX = 256,    /* operations in one commit */
	AUDIT_MAX = 16 << 10,
};

/* ---- asks ---- */

struct ask *ask_new(struct core *c, struct ipc *link, const struct ipc_msg *m, size_t message_size,
		    struct err *e)
{
	struct arena *mem = arena_new(ASK_MAX);
	struct ask *a = arena_alloc(mem, 1, sizeof(*a));
	void *message = arena_alloc(mem, 1, message_size);
	struct bytes body = arena_copy(mem, m->body.ptr, m->body.len);

	if (!a || !message || !body.ptr ||
	    !walls_read((enum wall_type)m->type, body, mem, message, e)) {
		if (!e->kind)
			err_set(e, ERR_INPUT, "request is too large");
		arena_free(mem);
		return NULL;
	}
	*a = (struct ask){ .core = c,
			   .link = link,
			   .request = m->request,
			   .type = (enum wall_type)m->type,
			   .mem = mem,
			   .message = message };
	return a;
}

void ask_free(struct ask *a)
{
	arena_free(a->mem);
}

void ask_refuse(struct ask *a, const struct err *why)
{
	if (why->kind == ERR_SYSTEM)
		log_fail(&core_event_failed, why);
	(void)ipc_refuse(a->link, a->request, why);
	ask_free(a);
}

static bool encode(struct ask *a, enum wall_type type, const void *message)
{
	auto_buf struct buf out = { 0 };
	struct err e = { 0 };

	buf_init(&out, WALLS_MAX_BODY);
	if (!walls_write(type, message, &out, &e)) {
		ask_refuse(a, &e);
		return false;
	}
	a->answer = arena_copy(a->mem, out.ptr, out.len);
	if (out.len && !a->answer.ptr) {
		err_set(&e, ERR_INPUT, "answer is too large");
		ask_refuse(a, &e);
		return false;
	}
	return true;
}

void ask_answer(struct ask *a, enum wall_type type, const void *message)
{
	if (!encode(a, type, message))
		return;
	(void)ipc_answer(a->link, a->request, a->answer);
	ask_free(a);
}

void ask_answer_committed(struct ask *a, enum wall_type type, const void *message)
{
	struct core *c = a->core;

	if (!encode(a, type, message))
		return;
	a->next = NULL;
	*c->waiting_end = a;
	c->waiting_end = &a->next;
}

static struct wall_answer json_answer(uint32_t status, const struct buf *json)
{
	return (struct wall_answer){ .status = status,
				     .type = STR("application/json"),
				     .body = buf_bytes(json) };
}

void ask_json(struct ask *a, uint32_t status, const struct buf *json)
{
	struct wall_answer answer = json_answer(status, json);

	ask_answer(a, WALL_ANSWER, &answer);
}

void ask_json_committed(struct ask *a, uint32_t status, const struct buf *json)
{
	struct wall_answer answer = json_answer(status, json);

	ask_answer_committed(a, WALL_ANSWER, &answer);
}

/* ---- operations ---- */

/* A store that lost a group cannot be trusted to say what it holds: the daemon ends, its
 * supervisor starts it on what is on disk. */
static no_return void end_now(const struct err *why)
{
	log_fail(&core_event_stopped, why);
	_Exit(err_exit_code(ERR_SYSTEM));
}

void core_give_up(struct core *c, const struct err *why)
{
	if (why->kind)
		log_fail(&core_event_stopped, why);
	c->has_given_up = true;
	loop_stop(c->loop);
}

static void send_answers(struct core *c)
{
	struct ask *a = c->waiting;

	c->waiting = NULL;
	c->waiting_end = &c->waiting;
	while (a) {
		struct ask *next = a->next;
		(void)ipc_answer(a->link, a->request, a->answer);
		ask_free(a);
		a = next;
	}
}

static void commit(void *ctx)
{
	struct core *c = ctx;
	struct err e = { 0 };

	if (!store_commit(c->store, &e))
		end_now(&e);
	/* Feed entries first: a gate shall hear of it no later than who asked. */
	feed_committed(c);
	send_answers(c);
	if (store_audit_size(c->store) != c->sealed && !timer_is_set(c->sealing))
		timer_set(c->sealing, 1000);
}

bool change_begin(struct core *c, struct err *e)
{
	if (!store_begin(c->store, e)) {
		if (store_is_lost(c->store))
			end_now(e);
		return false;
	}
	if (feed_begin(c, e))
		return true;
	change_undo(c);
	return false;
}

bool change_flush(struct core *c, struct err *e)
{
	(void)e;
	if (store_pending(c->store))
		commit(c);
	return true;
}

void change_undo(struct core *c)
{
	struct err e = { 0 };

	store_undo(c->store);
	feed_undone(c);
	if (store_is_lost(c->store)) {
		err_set(&e, ERR_SYSTEM, "the database lost a group of operations");
		end_now(&e);
	}
	units_undone(c);
	loop_later(c->loop, commit, c);
}

bool change_end(struct core *c, struct err *e)
{
	if (!store_end(c->store, e)) {
		change_undo(c);
		return false;
	}
	units_ended(c);
	feed_ended(c);
	if (store_pending(c->store) >= GROUP_MAX)
		commit(c);
	else
		loop_later(c->loop, commit, c);
	return true;
}

bool change_audit(struct core *c, const struct audit_record *r, struct str site, struct err *e)
{
	auto_buf struct buf out = { 0 };

	buf_init(&out, AUDIT_MAX);
	if (!audit_write(r, &out))
		return err_set(e, ERR_INPUT, "audit record is too large");
	return store_audit_add(c->store, core_now_ms(c), site, buf_str(&out), e);
}

int64_t core_now_ms(const struct core *c)
{
	return loop_wall_ms(c->loop);
}

struct str core_id(struct core *c, const char *prefix, struct arena *mem)
{
	uint8_t raw[15];

	(void)c;
	random_bytes(raw, sizeof(raw));
	struct str text = base64_text(bytes_of(raw, sizeof(raw)), BASE64_URL, mem);
	return arena_printf(mem, "%s" STR_FMT, prefix, STR_ARG(text));
}
