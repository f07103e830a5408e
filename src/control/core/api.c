/* api.c - who may ask for it, and which handler answers. */
#include "control/core/api.h"

#include "control/core/policyset.h"

enum { ANSWER_MAX = 32 << 20, PAGE = 50, PAGE_MAX = 1000 };

static const struct {
	api_fn *fn;
	const char *type; /* Cedar entity asked about; its id is the {id} of the path */
	bool is_change;
} rows[ROUTES_COUNT] = {
	[ROUTE_STATUS] = { api_status, NULL, false },
	[ROUTE_DEVICES] = { api_units, NULL, false },
	[ROUTE_DEVICE] = { api_unit, "Device", false },
	[ROUTE_DEVICE_CREATE] = { api_create, NULL, true },
	[ROUTE_DEVICE_QUARANTINE] = { api_quarantine, "Device", true },
	[ROUTE_DEVICE_RESTORE] = { api_restore, "Device", true },
	[ROUTE_DEVICE_RETIRE] = { api_retire, "Device", true },
	[ROUTE_SERVICES] = { api_units, NULL, false },
	[ROUTE_SERVICE] = { api_unit, "Service", false },
	[ROUTE_SERVICE_CREATE] = { api_create, NULL, true },
	[ROUTE_SERVICE_QUARANTINE] = { api_quarantine, "Service", true },
	[ROUTE_SERVICE_RESTORE] = { api_restore, "Service", true },
	[ROUTE_SERVICE_RETIRE] = { api_retire, "Service", true },
	[ROUTE_GATES] = { api_units, NULL, false },
	[ROUTE_GATE] = { api_unit, "Gate", false },
	[ROUTE_GATE_CREATE] = { api_create, NULL, true },
	[ROUTE_GATE_RETIRE] = { api_retire, "Gate", true },
	[ROUTE_USERS] = { api_units, NULL, false },
	[ROUTE_USER_CREATE] = { api_create, NULL, true },
	[ROUTE_USER_RETIRE] = { api_retire, "User", true },
	[ROUTE_CODE_CREATE] = { api_code, NULL, true },
	[ROUTE_POLICY] = { api_policy, NULL, false },
	[ROUTE_POLICY_PUT] = { api_policy_put, NULL, true },
	[ROUTE_POLICY_CHECK] = { api_policy_check, NULL, false },
	[ROUTE_REFS] = { api_refs, NULL, false },
	[ROUTE_REFS_ADD] = { api_refs_add, NULL, true },
	[ROUTE_RELEASE_KEYS] = { api_release_keys, NULL, false },
	[ROUTE_RELEASE_KEY_ADD] = { api_release_key_add, NULL, true },
	[ROUTE_DECISIONS] = { api_decisions, NULL, false },
	[ROUTE_DECISION] = { api_decision, NULL, false },
	[ROUTE_AUDIT_EXPORT] = { api_audit_export, NULL, false },
	[ROUTE_AUDIT_CHECKPOINT] = { api_audit_checkpoint, NULL, false },
	[ROUTE_CERTIFICATES] = { api_certificates, NULL, false },
	[ROUTE_CERTIFICATE_REVOKE] = { api_certificate_revoke, NULL, true },
};

struct str api_param(const struct api_call *a)
{
	return a->q->path.count ? a->q->path.items[0].text : STR("");
}

uint32_t api_limit(const struct api_call *a)
{
	const struct wall_value *v = wall_value_find(&a->q->query, STR("limit"));
	int64_t want = v ? v->num : PAGE;

	return want < 1 ? 1 : want > PAGE_MAX ? PAGE_MAX : (uint32_t)want;
}

bool api_page_end(struct api_call *a, struct str next)
{
	jw_end(&a->w);
	jw_key(&a->w, "next");
	if (next.len)
		jw_str(&a->w, next);
	else
		jw_null(&a->w);
	jw_end(&a->w);
	return true;
}

struct str api_list(const struct api_call *a, const char *name, struct arena *mem)
{
	struct str all = { 0 };

	for (size_t i = 0;; i++) {
		struct str item = wall_text(&a->q->body, arena_printf(mem, "%s.%zu", name, i).ptr);
		if (!item.len)
			return all.len ? all : STR("");
		all = arena_printf(mem, STR_FMT "%s" STR_FMT, STR_ARG(all), all.len ? " " : "",
				   STR_ARG(item));
	}
}

static struct wall_answer answer_of(const struct api_call *a)
{
	return (struct wall_answer){ .status = a->status ? a->status : 200,
				     .body = buf_bytes(&a->out) };
}

void api_answer(struct api_call *a)
{
	struct wall_answer answer = answer_of(a);

	ask_answer(a->ask, WALL_ANSWER, &answer);
}

void api_answer_committed(struct api_call *a)
{
	struct wall_answer answer = answer_of(a);

	ask_answer_committed(a->ask, WALL_ANSWER, &answer);
}

static struct str kept_key(const struct api_call *a)
{
	return arena_printf(a->ask->mem, "api " STR_FMT " %u " STR_FMT, STR_ARG(a->user->row.id),
			    a->q->route, STR_ARG(a->q->idempotency_key));
}

/* A request with a key that was served before gets the same answer, in one operation with it. */
static bool keep_answer(struct api_call *a, struct err *e)
{
	return !a->q->idempotency_key.len ||
	       store_answer_put(a->core->store, kept_key(a), buf_bytes(&a->out),
				core_now_ms(a->core), e);
}

static bool change(struct api_call *a, api_fn *fn, struct err *e)
{
	if (!change_begin(a->core, e))
		return false;
	if (!fn(a, e) || !keep_answer(a, e)) {
		change_undo(a->core);
		return false;
	}
	if (!change_end(a->core, e))
		return false;
	policyset_swap(a->core);
	api_answer_committed(a);
	return true;
}

static bool served_before(struct api_call *a, struct err *e)
{
	struct bytes body;
	struct err none = { 0 };

	if (!a->q->idempotency_key.len)
		return false;
	if (!store_answer_get(a->core->store, kept_key(a), a->ask->mem, &body, &none)) {
		if (none.kind != ERR_MISSING)
			*e = none;
		return false;
	}
	buf_put(&a->out, body.ptr, body.len);
	api_answer(a);
	return true;
}

static bool serve(struct api_call *a, struct err *e)
{
	uint32_t route = a->q->route;

	jw_init(&a->w, &a->out, JW_COMPACT);
	if (rows[route].is_change)
		return served_before(a, e) || (!e->kind && change(a, rows[route].fn, e));
	if (!rows[route].fn(a, e))
		return false;
	api_answer(a);
	return true;
}

static bool note_refusal(struct api_call *a, const struct err *why)
{
	struct core *c = a->core;
	struct err e = { 0 };
	struct audit_record r = { .kind = AUDIT_REFUSED,
				  .by = a->by,
				  .what = str_of(routes[a->q->route].permission),
				  .why = str_of(why->text) };

	if (!change_begin(c, &e))
		return false;
	if (change_audit(c, &r, STR(""), &e))
		return change_end(c, &e);
	change_undo(c);
	return false;
}

bool api_call(struct ask *ask, struct err *e)
{
	const struct wall_api *q = ask->message;
	struct core *c = ask->core;
	struct api_call a = { .ask = ask, .core = c, .q = q };
	struct unit *user;

	if (q->route >= ROUTES_COUNT || !rows[q->route].fn)
		return err_set(e, ERR_MISSING, "no such route");
	/* Listener, CA and registry must all say it is an operator (A1). */
	if (q->peer.listener != LISTENER_OPERATORS)
		return err_set(e, ERR_DENIED, "operators have a listener of their own");
	if (!peer_admit(c, &q->peer, KIND_BIT(IDENTITY_USER), &user, e))
		return false;
	a.user = user;
	a.by = unit_name(user, ask->mem);
	bool is_one = rows[q->route].type != NULL;
	if (!policy_allows(c, user->row.id, routes[q->route].permission,
			   is_one ? rows[q->route].type : "Muster",
			   is_one ? api_param(&a) : STR("control"), e)) {
		(void)note_refusal(&a, e);
		return false;
	}
	buf_init(&a.out, ANSWER_MAX);
	bool is_good = serve(&a, e);
	buf_done(&a.out);
	return is_good;
}
