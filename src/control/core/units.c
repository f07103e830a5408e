/* units.c - principals: their rows, what follows from them, and who hears of it.
 *
 * The database is the truth.  A unit is a copy of rows plus the profile; it is read again
 * after each change and when its time has come, so trust falls by timer, also for what
 * ran out while musterd was not running (units_load works everything out anew).
 */
#include "base/mem.h"
#include "codec/json.h"
#include "control/core/core.h"

enum {
	UNIT_MAX = 1 << 20,
	BODY_MAX = 256 << 10,
	SIGNALS_MAX = 256,
	LATER_MAX_MS = 1000 * 60 * 60 * 24, /* look again at least daily */
};

struct touched {
	struct touched *next;
	char name[2 * IDENTITY_ID_MAX];
};

/* ---- reading ---- */

static bool copy_signal(void *ctx, const struct store_signal *s)
{
	struct unit *u = ctx;
	struct arena *mem = u->mem;
	enum trust_source source;

	if (!str_eq(s->kind, u->row.kind) || !str_eq(s->id, u->row.id) ||
	    u->signal_count == SIGNALS_MAX || !trust_source_of(s->source, &source))
		return true;
	u->signals[u->signal_count++] = (struct trust_signal){
		.source = source,
		.kind = arena_dup(mem, s->name),
		.weight = s->weight < 0 ? 0 : (unsigned)(s->weight > 100 ? 100 : s->weight),
		.observed_ms = s->observed_ms,
		.expires_ms = s->expires_ms,
		.half_life_ms = s->half_life_ms,
		.evidence_id = arena_dup(mem, s->evidence_id),
	};
	return true;
}

static bool read_rows(struct unit *u, struct str kind, struct str id, struct err *e)
{
	struct core *c = u->core;
	struct err none = { 0 };

	u->signal_count = 0;
	u->signals = arena_alloc(u->mem, SIGNALS_MAX, sizeof(*u->signals));
	if (!u->signals)
		return err_set(e, ERR_RETRY, "no memory for a principal");
	if (!store_principal_get(c->store, kind, id, u->mem, &u->row, e) ||
	    !store_signal_of(c->store, kind, id, copy_signal, u, e))
		return false;
	u->has_tpm = store_tpm_get(c->store, kind, id, u->mem, &u->tpm, &none);
	if (!u->has_tpm && none.kind != ERR_MISSING) {
		*e = none;
		return false;
	}
	return true;
}

static struct trust_facts facts_of(const struct unit *u)
{
	struct trust_facts f = {
		.is_held = u->row.is_held,
		.is_pending = str_eqz(u->row.status, "pending"),
		.expects_attestation = u->has_tpm,
		.attested_ms = u->row.attested_ms,
		.attested_evidence = u->row.attested_evidence,
		.signals = u->signals,
		.signal_count = u->signal_count,
	};

	(void)trust_attested_of(u->row.attested, &f.attested);
	(void)trust_key_of(u->row.key_assurance, &f.key);
	return f;
}

static void evaluate(struct unit *u)
{
	const struct settings *set = &u->core->set;
	struct trust_rules rules = trust_rules_default;
	struct trust_facts facts = facts_of(u);
	int64_t now_ms = core_now_ms(u->core);

	rules.attest_valid_ms = set->attest_valid_s * 1000;
	rules.attest_grace_ms = set->attest_grace_s * 1000;
	u->profile = trust_evaluate(&facts, &rules, now_ms);
	int64_t wait_ms = u->profile.next_ms ? u->profile.next_ms - now_ms : 0;
	if (wait_ms > 0)
		timer_set(u->timer, wait_ms < LATER_MAX_MS ? wait_ms : LATER_MAX_MS);
	else
		timer_stop(u->timer);
}

/* ---- what the feed says of it ---- */

struct str unit_name(const struct unit *u, struct arena *mem)
{
	return arena_printf(mem, STR_FMT "/" STR_FMT, STR_ARG(u->row.kind), STR_ARG(u->row.id));
}

struct str unit_stream(const struct unit *u, struct arena *mem)
{
	if (!str_eqz(u->row.kind, "device"))
		return STR("global");
	return arena_printf(mem, "site:" STR_FMT, STR_ARG(u->row.site));
}

static size_t words(struct str text, struct arena *mem, const struct str **out)
{
	struct str *all = arena_alloc(mem, text.len / 2 + 1, sizeof(*all));
	size_t count = 0;
	bool more = all != NULL;

	while (more) {
		struct str word;
		more = str_cut(text, ' ', &word, &text);
		if (word.len)
			all[count++] = word;
	}
	*out = all;
	return count;
}

static size_t tags_of(struct str json, struct arena *mem, const struct principal_tag **out)
{
	auto_json struct json *doc = NULL;
	const struct json *value;
	struct err e = { 0 };
	struct str name;
	size_t count = 0;

	if (!json.len || !json_read(bytes_str(json), NULL, &doc, &e))
		return 0;
	struct principal_tag *all = arena_alloc(mem, json_count(doc), sizeof(*all));
	for (void *at = NULL; all && json_next(doc, &at, &name, &value); count++)
		all[count] = (struct principal_tag){ arena_dup(mem, name),
						     arena_dup(mem, json_value_text(value)) };
	*out = all;
	return count;
}

bool unit_entity(const struct unit *u, struct arena *mem, struct principal *out)
{
	const struct trust_profile *t = &u->profile;
	struct principal_evidence *evidence = arena_alloc(mem, 1, sizeof(*evidence));

	if (!evidence)
		return false;
	*evidence = (struct principal_evidence){ STR("attested"), u->row.attested_evidence,
						 u->row.attested_ms };
	*out = (struct principal){
		.kind = u->row.kind,
		.id = u->row.id,
		.site = u->row.site,
		.model = u->row.model,
		.firmware = u->row.firmware,
		.status = u->row.status,
		.assurance = str_of(trust_assurance_name(t->assurance)),
		.key_assurance = u->row.key_assurance,
		.attested = t->is_attested,
		.attested_at_ms = u->row.attested_ms,
		.risk = t->risk,
		.grade = t->grade,
		.held = u->row.is_held,
		.valid_until_ms = t->valid_until_ms,
		.grade_then = t->grade_then,
		.generation = (int64_t)u->row.generation,
		.posture = u->row.posture,
		.evidence = evidence,
		.evidence_count = u->row.attested_evidence.len ? 1 : 0,
	};
	out->group_count = words(u->row.groups, mem, &out->groups);
	out->tag_count = tags_of(u->row.tags, mem, &out->tags);
	return !arena_is_full(mem);
}

/* The body with its times taken out: what must differ for the feed to say it again. */
static char *timeless(const struct principal *p)
{
	struct principal_evidence evidence[8];
	struct principal q = *p;
	auto_buf struct buf out = { 0 };

	buf_init(&out, BODY_MAX);
	q.attested_at_ms = 0;
	q.valid_until_ms = 0;
	q.evidence_count =
		p->evidence_count < countof(evidence) ? p->evidence_count : countof(evidence);
	for (size_t i = 0; i < q.evidence_count; i++)
		evidence[i] = (struct principal_evidence){ .attribute = p->evidence[i].attribute,
							   .id = p->evidence[i].id };
	q.evidence = evidence;
	return principal_write(&out, &q) ? mem_text((const char *)out.ptr, out.len) : NULL;
}

static void set_told(struct unit *u, char *told, int64_t until_ms, enum grade grade)
{
	free(u->told);
	u->told = told;
	u->told_until_ms = until_ms;
	u->told_grade = grade;
}

/* A lease that has more than half of its time left is not told again. */
static bool lease_is_long(const struct unit *u)
{
	int64_t half_ms = u->core->set.attest_valid_s * 500;

	return u->profile.valid_until_ms == u->told_until_ms ||
	       (u->told_until_ms && u->told_until_ms - core_now_ms(u->core) > half_ms);
}

static bool note_grade(struct unit *u, struct arena *mem, struct str by, struct err *e)
{
	struct audit_record r = {
		.kind = AUDIT_GRADE_CHANGED,
		.by = by,
		.what = unit_name(u, mem),
		.why = str_of(u->profile.because),
		.before = str_of(grade_name(u->told_grade)),
		.after = str_of(grade_name(u->profile.grade)),
		.detail = u->row.attested_evidence,
	};

	if (u->profile.grade == u->told_grade)
		return true;
	log_event(&core_event_grade, LOG_STR("principal", r.what), LOG_STR("before", r.before),
		  LOG_STR("after", r.after), LOG_STR("because", r.why));
	return change_audit(u->core, &r, u->row.site, e);
}

static bool tell_gone(struct unit *u, struct arena *mem, struct err *e)
{
	struct str body = arena_printf(mem, "{\"kind\":\"" STR_FMT "\",\"id\":\"" STR_FMT "\"}",
				       STR_ARG(u->row.kind), STR_ARG(u->row.id));

	world_take(u->core->world, u->row.kind, u->row.id);
	timer_stop(u->timer);
	set_told(u, NULL, 0, GRADE_ISOLATED);
	return feed_add(u->core, unit_stream(u, mem), u->row.site, "principal-gone", body, e);
}

static bool tell(struct unit *u, struct str by, struct err *e)
{
	auto_arena struct arena *mem = arena_new(UNIT_MAX);
	struct core *c = u->core;
	struct principal p;
	auto_buf struct buf body = { 0 };

	if (str_eqz(u->row.status, "retired"))
		return tell_gone(u, mem, e);
	buf_init(&body, BODY_MAX);
	if (!unit_entity(u, mem, &p) || !principal_write(&body, &p))
		return err_set(e, ERR_INPUT, "principal is too large");
	world_put(c->world, &p);
	char *now = timeless(&p);
	if (now && u->told && strcmp(now, u->told) == 0 && lease_is_long(u)) {
		free(now);
		return true;
	}
	if (!note_grade(u, mem, by, e) ||
	    !feed_add(c, unit_stream(u, mem), u->row.site, "principal", buf_str(&body), e) ||
	    !store_attributes_add(c->store, u->row.kind, u->row.id, u->row.site,
				  store_feed_head(c->store), buf_str(&body), e)) {
		free(now);
		return false;
	}
	set_told(u, now, p.valid_until_ms, u->profile.grade);
	return true;
}

/* What the feed said last, from the newest attributes kept for replay. */
static void recall_told(struct unit *u)
{
	auto_arena struct arena *mem = arena_new(UNIT_MAX);
	struct err e = { 0 };
	struct principal p;
	struct str body;

	if (store_attributes_at(u->core->store, u->row.kind, u->row.id, INT64_MAX, mem, &body,
				&e) &&
	    principal_read(body, mem, &p, &e))
		set_told(u, timeless(&p), p.valid_until_ms, p.grade);
}

/* ---- units ---- */

static void time_has_come(void *ctx)
{
	struct unit *u = ctx;
	struct core *c = u->core;
	struct err e = { 0 };

	evaluate(u);
	if (!change_begin(c, &e)) {
		log_fail(&core_event_failed, &e);
		timer_set(u->timer, 1000);
		return;
	}
	if (tell(u, STR(""), &e)) {
		if (!change_end(c, &e))
			log_fail(&core_event_failed, &e);
		return;
	}
	change_undo(c);
	log_fail(&core_event_failed, &e);
	timer_set(u->timer, 1000);
}

static struct unit *unit_new(struct core *c)
{
	struct unit *u = mem_new(1, sizeof(*u));

	u->core = c;
	u->mem = arena_new(UNIT_MAX);
	u->timer = loop_timer(c->loop, time_has_come, u);
	return u;
}

static void name_of(struct str kind, struct str id, struct buf *out)
{
	buf_init(out, 256);
	buf_printf(out, STR_FMT "/" STR_FMT, STR_ARG(kind), STR_ARG(id));
}

struct unit *unit_find(const struct core *c, struct str kind, struct str id)
{
	auto_buf struct buf name = { 0 };

	name_of(kind, id, &name);
	return map_get(c->units, buf_str(&name));
}

/* kind and id may be views into the unit's own rows. */
static struct unit *reread(struct core *c, struct str kind, struct str id, struct err *e)
{
	auto_buf struct buf name = { 0 };

	name_of(kind, id, &name);
	struct str key = buf_str(&name), own_kind, own_id;
	struct unit *u = map_get(c->units, key);
	bool is_new = !u;

	str_cut(key, '/', &own_kind, &own_id);
	if (is_new)
		u = unit_new(c);
	arena_reset(u->mem);
	if (!read_rows(u, own_kind, own_id, e)) {
		(void)map_take(c->units, key);
		timer_free(u->timer);
		arena_free(u->mem);
		free(u->told);
		free(u);
		return NULL;
	}
	if (is_new)
		(void)map_put(c->units, key, u);
	evaluate(u);
	return u;
}

static void touch(struct core *c, const struct unit *u)
{
	struct touched *t = mem_new(1, sizeof(*t));

	(void)snprintf(t->name, sizeof(t->name), STR_FMT "/" STR_FMT, STR_ARG(u->row.kind),
		       STR_ARG(u->row.id));
	t->next = c->touched;
	c->touched = t;
}

bool unit_changed(struct core *c, struct str kind, struct str id, struct str by, struct err *e)
{
	struct unit *u = reread(c, kind, id, e);

	if (!u)
		return false;
	touch(c, u);
	return tell(u, by, e);
}

void units_ended(struct core *c)
{
	while (c->touched) {
		struct touched *next = c->touched->next;
		free(c->touched);
		c->touched = next;
	}
}

void units_undone(struct core *c)
{
	for (const struct touched *t = c->touched; t; t = t->next) {
		struct str kind, id;
		struct err e = { 0 };

		str_cut(str_of(t->name), '/', &kind, &id);
		struct unit *u = reread(c, kind, id, &e);
		if (u)
			set_told(u, NULL, 0, u->told_grade); /* said again at the next change */
		else
			world_take(c->world, kind, id);
	}
	units_ended(c);
}

static bool load_one(void *ctx, const struct store_principal *row)
{
	struct core *c = ctx;
	struct unit *u = unit_new(c);
	auto_buf struct buf name = { 0 };

	name_of(row->kind, row->id, &name);
	(void)map_put(c->units, buf_str(&name), u);
	return true;
}

bool units_load(struct core *c, struct err *e)
{
	struct str key, kind, id;
	void *found;

	if (!store_principal_each(c->store, load_one, c, e))
		return false;
	for (size_t at = 0; map_next(c->units, &at, &key, &found);) {
		struct unit *u = found;

		str_cut(key, '/', &kind, &id);
		if (!read_rows(u, kind, id, e))
			return false;
		recall_told(u);
		if (str_eqz(u->row.status, "retired"))
			continue;
		evaluate(u);
		/* What ran out meanwhile is told in the first turn of the loop. */
		timer_set(u->timer, 0);
	}
	return true;
}

/* ---- who asks ---- */

struct unit *unit_of(const struct core *c, const struct wall_peer *peer, struct err *e)
{
	struct identity who;

	if (!identity_read(peer->identity, &who, e))
		return NULL;
	if (!str_eq(who.domain, c->keys_public.domain)) {
		err_set(e, ERR_DENIED, "this certificate is of another trust domain");
		return NULL;
	}
	enum identity_kind kind = who.kind == IDENTITY_WORKLOAD ? IDENTITY_DEVICE : who.kind;
	struct unit *u = unit_find(c, str_of(identity_kind_name(kind)), who.id);
	if (!u)
		err_set(e, ERR_DENIED, "'" STR_FMT "' is not registered", STR_ARG(who.id));
	return u;
}

static void write_top(const struct unit *u, struct jw *w)
{
	jw_key(w, "contributions");
	jw_list(w);
	for (size_t i = 0; i < u->profile.top_count; i++) {
		const struct trust_contribution *t = &u->profile.top[i];

		jw_map(w);
		jw_kv_text(w, "source", trust_source_name(t->source));
		jw_kv_str(w, "name", t->kind);
		jw_kv_int(w, "weight", t->points);
		jw_kv_int(w, "observed_at", t->observed_ms);
		jw_kv_str(w, "evidence_id", t->evidence_id);
		jw_end(w);
	}
	jw_end(w);
}

static void write_words(struct jw *w, const char *key, struct str text)
{
	auto_arena struct arena *mem = arena_new(64 << 10);
	const struct str *all;
	size_t count = words(text, mem, &all);

	jw_key(w, key);
	jw_list(w);
	for (size_t i = 0; i < count; i++)
		jw_str(w, all[i]);
	jw_end(w);
}

void unit_members(const struct unit *u, struct jw *w)
{
	const struct trust_profile *t = &u->profile;

	jw_kv_str(w, "kind", u->row.kind);
	jw_kv_str(w, "id", u->row.id);
	jw_kv_str(w, "site", u->row.site);
	jw_kv_str(w, "model", u->row.model);
	write_words(w, str_eqz(u->row.kind, "user") ? "roles" : "groups", u->row.groups);
	if (str_eqz(u->row.kind, "gate"))
		write_words(w, "names", u->row.names);
	jw_kv_str(w, "status", u->row.status);
	jw_kv_text(w, "grade", grade_name(t->grade));
	jw_kv_text(w, "because", t->because);
	jw_kv_int(w, "risk", t->risk);
	jw_kv_text(w, "assurance", trust_assurance_name(t->assurance));
	jw_kv_str(w, "key_assurance", u->row.key_assurance);
	jw_kv_bool(w, "attested", t->is_attested);
	jw_kv_str(w, "verdict", u->row.attested);
	jw_kv_int(w, "attested_at", u->row.attested_ms);
	jw_kv_str(w, "evidence", u->row.attested_evidence);
	jw_kv_int(w, "valid_until", t->valid_until_ms);
	jw_kv_text(w, "grade_then", grade_name(t->grade_then));
	jw_kv_bool(w, "has_tpm", u->has_tpm);
	jw_kv_bool(w, "held", u->row.is_held);
	jw_kv_str(w, "held_by", u->row.held_by);
	jw_kv_str(w, "held_why", u->row.held_why);
	jw_kv_int(w, "generation", (int64_t)u->row.generation);
	jw_kv_int(w, "created", u->row.created_ms);
	jw_kv_str(w, "firmware", u->row.firmware);
	jw_key(w, "tags");
	jw_raw(w, u->row.tags.len ? u->row.tags : STR("{}"));
	jw_key(w, "posture");
	jw_raw(w, u->row.posture.len ? u->row.posture : STR("{}"));
	write_top(u, w);
}

void unit_json(const struct unit *u, struct jw *w)
{
	jw_map(w);
	unit_members(u, w);
	jw_end(w);
}
