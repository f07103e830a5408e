#include "gateway/relay/relay.h"

#include "base/mem.h"
#include "codec/json.h"
#include "crypto/tls.h"

enum {
	POLICY_FILES = 256,
	PRINCIPAL_ROOM = 1 << 18,
	DEVICE_CA = 1,
	REVOKED_MARGIN_MS = 3600000, /* past its notAfter TLS refuses it; clocks are set back */
};

/* Everything that was decided may be different now. */
static void changed(struct relay *r)
{
	r->epoch++;
	r->all_touched = true;
}

/* The world knows which answers rested on this one; only its own sessions are asked again. */
static void changed_one(struct relay *r, struct str kind, struct str id)
{
	char key[NAME_ROOM];
	int len = snprintf(key, sizeof(key), STR_FMT "/" STR_FMT, STR_ARG(kind), STR_ARG(id));

	if (len > 0 && (size_t)len < sizeof(key))
		(void)map_put(r->touched, (struct str){ key, (size_t)len }, r);
}

/* ---- the gate's own certificate ---- */

static bool make_tls(struct relay *r, const struct gate_identity *id, struct err *e)
{
	struct tls_anchor anchor = { id->device_ca, DEVICE_CA };
	struct tls_settings set = { .is_server = true,
				    .chain = &id->certificate,
				    .chain_count = 1,
				    .anchors = &anchor,
				    .anchor_count = 1,
				    .want_peer = true,
				    .allow_tls12 = true };
	struct key *key = key_read_pem(str_bytes(id->key_pem), e);

	if (!key)
		return false;
	set.key = key;
	struct tls_ctx *ctx = tls_ctx_new(&set, e);
	if (!ctx) {
		key_free(key);
		return false;
	}
	/* Live connections keep what they need of the old one. */
	tls_ctx_free(r->tls);
	key_free(r->key);
	r->tls = ctx;
	r->key = key;
	return true;
}

bool state_identity(struct relay *r, struct bytes body, struct err *e)
{
	struct gate_identity id;

	if (!gate_identity_read(body, &id))
		return err_set(e, ERR_INPUT, "identity: not decodable");
	if (!make_tls(r, &id, e))
		return err_in(e, "identity");
	log_event(&relay_events[EVENT_IDENTITY]);
	return true;
}

/* ---- policy ---- */

static bool read_files(const struct json *list, struct policy_file *files, size_t *out_count,
		       struct err *e)
{
	*out_count = json_count(list);
	if (*out_count > POLICY_FILES)
		return err_set(e, ERR_INPUT, "too many policy files");
	for (size_t i = 0; i < *out_count; i++)
		if (!json_text(json_item(list, i), "file", &files[i].name, e) ||
		    !json_text(json_item(list, i), "text", &files[i].text, e))
			return false;
	return true;
}

static struct policy *read_policy(const struct json *j, struct err *e)
{
	struct policy_file files[POLICY_FILES];
	struct policy_source src = { .spaces.name = STR("spaces"), .files = files };
	const struct json *list;
	int64_t version;
	char text[24];

	if (!json_int(j, "version", 1, INT64_MAX, &version, e) ||
	    !json_text(j, "schema", &src.schema, e) ||
	    !json_text(j, "spaces", &src.spaces.text, e) || !json_list(j, "policies", &list, e) ||
	    !read_files(list, files, &src.count, e))
		return NULL;
	(void)snprintf(text, sizeof(text), "%lld", (long long)version);
	src.version = str_of(text);
	return policy_new(&src, e);
}

/* A set that does not compile here is not put in force: the old one stands. */
bool state_policy(struct relay *r, struct bytes body, struct err *e)
{
	const struct json_limits limits = { .max_bytes = GATE_MAX_BODY };
	auto_json struct json *j = NULL;
	struct policy *made = json_read(body, &limits, &j, e) ? read_policy(j, e) : NULL;

	if (!made) {
		(void)err_in(e, "policy");
		log_fail(&relay_events[EVENT_FAILED], e);
		return true;
	}
	policy_free(r->policy);
	r->policy = made;
	changed(r);
	log_event(&relay_events[EVENT_POLICY], LOG_STR("version", policy_version(made)),
		  LOG_NUM("rules", policy_rule_count(made)));
	return true;
}

/* ---- principals ---- */

static void note_seen(struct relay *r, struct str kind, struct str id)
{
	char key[NAME_ROOM];
	int len = snprintf(key, sizeof(key), STR_FMT "/" STR_FMT, STR_ARG(kind), STR_ARG(id));

	if (r->seen && len > 0 && (size_t)len < sizeof(key))
		(void)map_put(r->seen, (struct str){ key, (size_t)len }, r);
}

bool state_principal(struct relay *r, struct bytes body, struct err *e)
{
	struct arena *mem = arena_new(PRINCIPAL_ROOM);
	struct principal p;
	bool ok = principal_read(str_bytes(body), mem, &p, e);

	if (ok) {
		world_put(r->world, &p);
		note_seen(r, p.kind, p.id);
		changed_one(r, p.kind, p.id);
	} else {
		/* Signed, and yet not ours to understand: who is not known is denied. */
		log_fail(&relay_events[EVENT_FAILED], e);
	}
	arena_free(mem);
	return true;
}

bool state_gone(struct relay *r, struct bytes body, struct err *e)
{
	struct rd rd = rd_of(body);
	struct str kind = rd_str16(&rd), id = rd_str16(&rd);

	if (!rd_end(&rd))
		return err_set(e, ERR_INPUT, "gone: not decodable");
	world_take(r->world, kind, id);
	changed_one(r, kind, id);
	return true;
}

bool state_revoked(struct relay *r, struct bytes body, struct err *e)
{
	struct rd rd = rd_of(body);
	struct str serial = rd_str16(&rd);
	uint64_t until = rd_u64(&rd);

	if (!rd_end(&rd))
		return err_set(e, ERR_INPUT, "revoked: not decodable");
	int64_t *until_ms = mem_new(1, sizeof(*until_ms));
	*until_ms = until > 0 && until < INT64_MAX ? (int64_t)until : INT64_MAX;
	free(map_put(r->revoked, serial, until_ms));
	changed(r);
	return true;
}

static bool one_expired(const struct map *revoked, int64_t now_ms, struct str *out)
{
	void *until_ms;

	for (size_t at = 0; map_next(revoked, &at, out, &until_ms);)
		if (now_ms > *(const int64_t *)until_ms + REVOKED_MARGIN_MS)
			return true;
	return false;
}

void state_forget_revoked(struct relay *r)
{
	struct str serial;

	while (one_expired(r->revoked, loop_wall_ms(r->loop), &serial))
		free(map_take(r->revoked, serial));
}

/* ---- the whole state at once ---- */

void state_begin(struct relay *r)
{
	map_free(r->seen);
	r->seen = map_new();
}

static bool was_seen(const struct relay *r, const struct principal *p)
{
	char key[NAME_ROOM];
	int len = snprintf(key, sizeof(key), STR_FMT "/" STR_FMT, STR_ARG(p->kind), STR_ARG(p->id));

	return len > 0 && (size_t)len < sizeof(key) &&
	       map_get(r->seen, (struct str){ key, (size_t)len });
}

static const struct principal *one_not_seen(const struct relay *r)
{
	const struct principal *p;

	for (size_t at = 0; world_next(r->world, &at, &p);)
		if (!was_seen(r, p))
			return p;
	return NULL;
}

void state_end(struct relay *r)
{
	r->has_state = true;
	state_forget_revoked(r);
	if (!r->seen)
		return;
	for (const struct principal *p; (p = one_not_seen(r));)
		world_take(r->world, p->kind, p->id);
	map_free(r->seen);
	r->seen = NULL;
	changed(r);
}

/* ---- how old is all this? ---- */

bool state_age(struct relay *r, struct bytes body, struct err *e)
{
	struct rd rd = rd_of(body);
	uint64_t age = rd_u64(&rd);

	if (!rd_end(&rd))
		return err_set(e, ERR_INPUT, "age: not decodable");
	int64_t capped = age > (uint64_t)r->set.expired_ms ? r->set.expired_ms : (int64_t)age;
	r->vouched_ms = loop_now_ms(r->loop) - capped;
	return true;
}

enum policy_age state_age_now(const struct relay *r, int64_t *out_age_ms)
{
	int64_t age = loop_now_ms(r->loop) - r->vouched_ms;

	*out_age_ms = age;
	return age < r->set.stale_ms     ? POLICY_FRESH
	       : age < r->set.old_ms     ? POLICY_STALE_AGE
	       : age < r->set.expired_ms ? POLICY_OLD
					 : POLICY_EXPIRED;
}
