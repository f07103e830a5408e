/* api_units.c - devices, services, gates and users: listed, registered, held, retired. */
#include "codec/base64.h"
#include "control/core/api.h"
#include "crypto/hash.h"
#include "sys/files.h"

enum { DAY_S = 86400, MORE = 1000 };

static const struct {
	enum route_id route;
	const char *kind;
} kinds[] = {
	{ ROUTE_DEVICES, "device" },
	{ ROUTE_DEVICE, "device" },
	{ ROUTE_DEVICE_CREATE, "device" },
	{ ROUTE_DEVICE_QUARANTINE, "device" },
	{ ROUTE_DEVICE_RESTORE, "device" },
	{ ROUTE_DEVICE_RETIRE, "device" },
	{ ROUTE_SERVICES, "service" },
	{ ROUTE_SERVICE, "service" },
	{ ROUTE_SERVICE_CREATE, "service" },
	{ ROUTE_SERVICE_QUARANTINE, "service" },
	{ ROUTE_SERVICE_RESTORE, "service" },
	{ ROUTE_SERVICE_RETIRE, "service" },
	{ ROUTE_GATES, "gate" },
	{ ROUTE_GATE, "gate" },
	{ ROUTE_GATE_CREATE, "gate" },
	{ ROUTE_GATE_RETIRE, "gate" },
	{ ROUTE_USERS, "user" },
	{ ROUTE_USER_CREATE, "user" },
	{ ROUTE_USER_RETIRE, "user" },
};

static struct str kind_of(const struct api_call *a)
{
	for (size_t i = 0; i < countof(kinds); i++)
		if (kinds[i].route == a->q->route)
			return str_of(kinds[i].kind);
	return STR("none");
}

/* ---- reading ---- */

struct store_gate api_gate(struct api_call *a, struct str id)
{
	struct store_gate row = { 0 };
	struct err none = { 0 };

	if (!store_gate_get(a->core->store, id, a->ask->mem, &row, &none))
		row = (struct store_gate){ .id = id };
	return row;
}

static void gate_members(struct api_call *a, const struct unit *u)
{
	struct store_gate row = api_gate(a, u->row.id);
	uint64_t head = store_feed_head(a->core->store);

	jw_kv_int(&a->w, "acked", (int64_t)row.acked);
	jw_kv_int(&a->w, "behind", (int64_t)(head - row.acked));
	jw_kv_int(&a->w, "dropped", (int64_t)row.dropped);
	jw_kv_int(&a->w, "seen_at", row.at_ms);
	jw_key(&a->w, "counters");
	jw_raw(&a->w, row.counters.len ? row.counters : STR("{}"));
}

static void put_unit(struct api_call *a, const struct unit *u)
{
	jw_map(&a->w);
	unit_members(u, &a->w);
	if (str_eqz(u->row.kind, "gate"))
		gate_members(a, u);
	jw_end(&a->w);
}

static bool has_word(struct str text, struct str word)
{
	bool more = true;

	while (more) {
		struct str one;
		more = str_cut(text, ' ', &one, &text);
		if (str_eq(one, word))
			return true;
	}
	return false;
}

static bool matches(const struct api_call *a, const struct unit *u)
{
	const struct {
		const char *name;
		struct str value;
	} filters[] = {
		{ "site", u->row.site },
		{ "model", u->row.model },
		{ "status", u->row.status },
		{ "grade", str_of(grade_name(u->profile.grade)) },
	};
	struct str group = wall_text(&a->q->query, "group");

	for (size_t i = 0; i < countof(filters); i++) {
		struct str want = wall_text(&a->q->query, filters[i].name);
		if (want.len && !str_eq(want, filters[i].value))
			return false;
	}
	return str_eq(u->row.kind, kind_of(a)) && (!group.len || has_word(u->row.groups, group));
}

static int by_id(const void *x, const void *y)
{
	const struct unit *const *a = x, *const *b = y;

	return str_cmp((*a)->row.id, (*b)->row.id);
}

bool api_units(struct api_call *a, struct err *e)
{
	struct core *c = a->core;
	const struct unit **all =
		arena_alloc(a->ask->mem, map_count(c->units) + 1, sizeof(struct unit *));
	struct str cursor = wall_text(&a->q->query, "cursor"), next = { 0 }, key;
	size_t count = 0, given = 0;
	void *u;

	if (!all)
		return err_set(e, ERR_RETRY, "no memory for a list");
	for (size_t at = 0; map_next(c->units, &at, &key, &u);)
		if (matches(a, u))
			all[count++] = u;
	qsort(all, count, sizeof(struct unit *), by_id);
	jw_map(&a->w);
	jw_key(&a->w, "items");
	jw_list(&a->w);
	for (size_t i = 0; i < count; i++) {
		if (cursor.len && str_cmp(all[i]->row.id, cursor) <= 0)
			continue;
		if (given == api_limit(a)) {
			next = all[i - 1]->row.id;
			break;
		}
		put_unit(a, all[i]);
		given++;
	}
	return api_page_end(a, next);
}

static struct unit *find(struct api_call *a, struct err *e)
{
	struct unit *u = unit_find(a->core, kind_of(a), api_param(a));

	if (!u)
		err_set(e, ERR_MISSING, "no " STR_FMT " '" STR_FMT "'", STR_ARG(kind_of(a)),
			STR_ARG(api_param(a)));
	return u;
}

bool api_unit(struct api_call *a, struct err *e)
{
	const struct unit *u = find(a, e);

	if (u)
		put_unit(a, u);
	return u != NULL;
}

/* ---- registering ---- */

static struct str tags_json(struct api_call *a)
{
	auto_buf struct buf out = { 0 };
	struct jw w;

	buf_init(&out, 64 << 10);
	jw_init(&w, &out, JW_COMPACT);
	jw_map(&w);
	for (size_t i = 0; i < a->q->body.count; i++) {
		const struct wall_value *v = &a->q->body.items[i];
		if (str_starts(v->name, STR("tags.")))
			jw_kv_str(&w, arena_dup(a->ask->mem, str_from(v->name, 5)).ptr, v->text);
	}
	jw_end(&w);
	return arena_dup(a->ask->mem, buf_str(&out));
}

static bool words_ok(struct str text, const char *what, struct err *e)
{
	bool more = text.len > 0;

	while (more) {
		struct str one;
		more = str_cut(text, ' ', &one, &text);
		if (!identity_id_ok(one))
			return err_set(e, ERR_INPUT, "'" STR_FMT "' is not a name for a %s",
				       STR_ARG(one), what);
	}
	return true;
}

static bool new_row(struct api_call *a, struct store_principal *out, struct err *e)
{
	struct arena *mem = a->ask->mem;
	struct str kind = kind_of(a), site = wall_text(&a->q->body, "site");
	bool is_user = str_eqz(kind, "user");

	*out = (struct store_principal){
		.kind = kind,
		.id = wall_text(&a->q->body, "id"),
		.site = site,
		.model = wall_text(&a->q->body, "model"),
		.groups = api_list(a, is_user ? "roles" : "groups", mem),
		.names = api_list(a, "names", mem),
		.status = is_user ? STR("active") : STR("pending"),
		.tags = tags_json(a),
		.posture = STR("{}"),
		.key_assurance = STR("claimed"),
		.attested = STR("none"),
		.created_ms = core_now_ms(a->core),
	};
	if (!identity_id_ok(out->id))
		return err_set(e, ERR_INPUT, "'" STR_FMT "' is not an id", STR_ARG(out->id));
	if (site.len && !identity_id_ok(site))
		return err_set(e, ERR_INPUT, "'" STR_FMT "' is not a site", STR_ARG(site));
	if (out->model.len && !identity_id_ok(out->model))
		return err_set(e, ERR_INPUT, "'" STR_FMT "' is not a model", STR_ARG(out->model));
	if (!site.len && str_eqz(kind, "device"))
		return err_set(e, ERR_INPUT, "a device has a site");
	return words_ok(out->groups, is_user ? "role" : "group", e);
}

bool api_create(struct api_call *a, struct err *e)
{
	struct core *c = a->core;
	struct store_principal row;

	if (!new_row(a, &row, e))
		return false;
	/* A retired name stays taken: records speak of it. */
	if (unit_find(c, row.kind, row.id))
		return err_set(e, ERR_CONFLICT, STR_FMT " '" STR_FMT "' exists", STR_ARG(row.kind),
			       STR_ARG(row.id));
	struct audit_record r = {
		.kind = AUDIT_REGISTERED,
		.by = a->by,
		.what = arena_printf(a->ask->mem, STR_FMT "/" STR_FMT, STR_ARG(row.kind),
				     STR_ARG(row.id)),
	};
	if (!store_principal_put(c->store, &row, e) || !change_audit(c, &r, row.site, e) ||
	    !unit_changed(c, row.kind, row.id, a->by, e))
		return false;
	put_unit(a, unit_find(c, row.kind, row.id));
	a->status = 201;
	return true;
}

/* ---- holding, restoring, retiring ---- */

static bool save(struct api_call *a, const struct store_principal *row, enum audit_kind kind,
		 struct err *e)
{
	struct core *c = a->core;
	struct audit_record r = {
		.kind = kind,
		.by = a->by,
		.what = arena_printf(a->ask->mem, STR_FMT "/" STR_FMT, STR_ARG(row->kind),
				     STR_ARG(row->id)),
		.why = wall_text(&a->q->body, "reason"),
	};

	if (!store_principal_put(c->store, row, e) || !change_audit(c, &r, row->site, e) ||
	    !unit_changed(c, row->kind, row->id, a->by, e))
		return false;
	put_unit(a, unit_find(c, row->kind, row->id));
	return true;
}

static bool row_to_change(struct api_call *a, struct store_principal *out, struct err *e)
{
	const struct unit *u = find(a, e);

	if (!u || !store_principal_get(a->core->store, u->row.kind, u->row.id, a->ask->mem, out, e))
		return false;
	return !str_eqz(out->status, "retired") ||
	       err_set(e, ERR_CONFLICT, "'" STR_FMT "' is retired", STR_ARG(out->id));
}

bool api_quarantine(struct api_call *a, struct err *e)
{
	struct store_principal row;

	if (!row_to_change(a, &row, e))
		return false;
	row.is_held = true;
	row.held_by = a->by;
	row.held_why = wall_text(&a->q->body, "reason");
	return save(a, &row, AUDIT_QUARANTINED, e);
}

bool api_restore(struct api_call *a, struct err *e)
{
	struct store_principal row;

	if (!row_to_change(a, &row, e))
		return false;
	row.is_held = false;
	row.held_by = row.held_why = STR("");
	return save(a, &row, AUDIT_RESTORED, e);
}

bool api_retire(struct api_call *a, struct err *e)
{
	struct store_principal row;

	if (!row_to_change(a, &row, e))
		return false;
	if (str_eqz(row.kind, "user") && str_eq(row.id, a->user->row.id))
		return err_set(e, ERR_CONFLICT, "nobody retires themselves");
	row.status = STR("retired");
	return enrol_revoke_all(a->core, row.kind, row.id, a->by, STR("retired"), e) &&
	       save(a, &row, AUDIT_RETIRED, e);
}

/* ---- one-time codes ---- */

static void put_code(struct api_call *a, struct str id, const uint8_t secret[16], int64_t until_ms)
{
	struct arena *mem = a->ask->mem;
	uint8_t print[SHA256_LEN];

	sha256(a->core->keys_public.infra_ca, print);
	struct str secret_text = base64_text(bytes_of(secret, 16), BASE64_URL, mem);
	struct str print_text = base64_text(bytes_of(print, sizeof(print)), BASE64_URL, mem);
	jw_map(&a->w);
	jw_kv_str(&a->w, "id", id);
	jw_kv_str(&a->w, "code",
		  arena_printf(mem, "mc1." STR_FMT "." STR_FMT "." STR_FMT, STR_ARG(id),
			       STR_ARG(secret_text), STR_ARG(print_text)));
	jw_kv_int(&a->w, "expires_at", until_ms);
	jw_end(&a->w);
	a->status = 201;
}

bool api_code(struct api_call *a, struct err *e)
{
	struct str kind = wall_text(&a->q->body, "kind"), id = wall_text(&a->q->body, "id");
	const struct wall_value *ttl = wall_value_find(&a->q->body, STR("ttl_s"));
	uint8_t secret[16], hash[SHA256_LEN];

	if (!kind.len)
		kind = STR("device");
	const struct unit *u = unit_find(a->core, kind, id);
	if (!u || str_eqz(kind, "user"))
		return err_set(e, ERR_MISSING, "no " STR_FMT " '" STR_FMT "'", STR_ARG(kind),
			       STR_ARG(id));
	if (str_eqz(u->row.status, "retired"))
		return err_set(e, ERR_CONFLICT, "'" STR_FMT "' is retired", STR_ARG(id));
	random_bytes(secret, sizeof(secret));
	sha256(bytes_of(secret, sizeof(secret)), hash);
	struct store_code row = {
		.secret_hash = bytes_of(hash, sizeof(hash)),
		.site = u->row.site,
		.kind = u->row.kind,
		.id = u->row.id,
		.expires_ms =
			core_now_ms(a->core) + (ttl && ttl->num > 0 ? ttl->num : DAY_S) * 1000,
		.made_by = a->by,
	};
	struct audit_record r = { .kind = AUDIT_CODE_MADE,
				  .by = a->by,
				  .what = unit_name(u, a->ask->mem) };
	if (!store_code_put(a->core->store, &row, e) || !change_audit(a->core, &r, u->row.site, e))
		return false;
	put_code(a, u->row.id, secret, row.expires_ms);
	return true;
}
