#include "gateway/relay/relay.h"

#include "base/mem.h"

enum {
	RECORD_MAX = 65536,
	HOLD_FIRST_MS = 1000,
	HOLD_MAX_MS = 300000,
	HOLD_CLEAN_MS = 60000,
	SAME_DENIAL_MS = 1000,
	KEY_ROOM = 1024
};

/* What was granted: recorded once.  Used again while what it rests on stands: as it is when no
 * message was read, else what remains of it is run. */
struct cached {
	enum policy_effect effect;
	uint64_t epoch; /* of what is everybody's matter */
	struct policy_basis basis;
	bool reads_message;
	struct policy_residual *rest; /* made when it is asked a second time */
};

/* A client id that was shown the door, and for how long. */
struct hold {
	int64_t until_ms, length_ms; /* monotonic */
};

/* ---- cache ---- */

static void drop_rest(struct session *s, struct cached *c)
{
	s->residuals -= c->rest != NULL;
	policy_residual_free(c->rest);
	c->rest = NULL;
}

void judge_forget(struct session *s)
{
	struct str key;
	void *value;

	for (size_t at = 0; s->cache && map_next(s->cache, &at, &key, &value);) {
		drop_rest(s, value);
		free(value);
	}
	map_free(s->cache);
	s->cache = NULL;
}

static struct str cache_key(char room[KEY_ROOM], const char *action, struct str topic)
{
	int len = snprintf(room, KEY_ROOM, "%s %.*s", action, (int)topic.len, topic.ptr);

	return (struct str){ room, len > 0 && len < KEY_ROOM ? (size_t)len : 0 };
}

/* What was granted before, if it still holds. */
static struct cached *cache_get(struct session *s, struct str key, const struct policy_context *now)
{
	struct cached *c = s->cache && key.len > 0 ? map_get(s->cache, key) : NULL;
	bool holds = c && c->epoch == s->relay->epoch &&
		     policy_basis_holds(&c->basis, s->relay->world, now);

	return holds ? c : NULL;
}

static bool grants(const struct cached *c, const struct policy_context *now)
{
	struct policy_answer a;

	if (!c->reads_message)
		return true;
	if (!c->rest)
		return false;
	policy_residual_decide(c->rest, now, &a);
	return a.effect == POLICY_ALLOW;
}

/* True when it is the first of its kind in this session. */
static bool cache_put(struct session *s, struct str key, const struct policy_answer *a,
		      struct policy_residual *rest)
{
	if (s->cache && map_count(s->cache) >= CACHE_MAX)
		judge_forget(s);
	if (!s->cache)
		s->cache = map_new();
	struct cached *c = map_get(s->cache, key);
	bool is_new = !c;

	if (is_new) {
		c = mem_new(1, sizeof(*c));
		(void)map_put(s->cache, key, c);
	}
	drop_rest(s, c);
	*c = (struct cached){ a->effect, s->relay->epoch, a->basis, a->reads_message, rest };
	s->residuals += rest != NULL;
	return is_new;
}

/* ---- records ---- */

static void record(struct session *s, const struct policy_request *q, const struct policy_answer *a,
		   char id[DECISION_ID])
{
	struct relay *r = s->relay;
	struct decision d;
	auto_buf struct buf out = { 0 };

	buf_init(&out, RECORD_MAX);
	decision_id(q->context.now_ms, q->context.gate, ++r->counter, id);
	decision_of(q, a, str_of(id), policy_version(r->policy), r->work, &d);
	if (!decision_write(&out, &d) || !ipc_tell(r->link, GATE_DECISION, buf_bytes(&out)))
		r->counters.dropped_records++;
	if (a->effect == POLICY_DENY)
		why_tell(s, &d);
}

/* The same refusal again and again is one record a second, not a flood. */
static bool is_same_denial(struct session *s, struct str key, int64_t now_ms)
{
	uint64_t hash = map_hash(bytes_str(key));
	bool same = s->last_denial[0] && hash == s->last_denial_hash &&
		    now_ms - s->last_denial_ms < SAME_DENIAL_MS;

	if (!same) {
		s->last_denial_hash = hash;
		s->last_denial_ms = now_ms;
	}
	return same;
}

/* ---- one decision ---- */

static struct policy_request request(struct session *s, const char *action, struct str topic,
				     const struct message *m)
{
	struct relay *r = s->relay;
	struct policy_request q = {
		.principal = str_of(s->principal),
		.action = str_of(action),
		.topic = topic,
		.context = { .now_ms = loop_wall_ms(r->loop),
			     .source_ip = str_of(s->source),
			     .gate = str_of(r->set.id),
			     .protocol = s->version == MQTT_V5 ? STR("mqtt5") : STR("mqtt3"),
			     .share_group = m->share_group,
			     .payload_bytes = m->bytes,
			     .qos = m->qos,
			     .retain = m->retain },
	};

	q.context.age = state_age_now(r, &q.context.age_ms);
	if (q.context.age != POLICY_FRESH)
		q.context.allowance_ms = q.context.age_ms < r->set.allowance_ms
						 ? q.context.age_ms
						 : r->set.allowance_ms;
	if (topic.len == 0) {
		q.resource_type = STR("Gate");
		q.resource_id = str_of(r->set.id);
	}
	return q;
}

static void denied(struct session *s, const struct policy_request *q, struct str key,
		   struct policy_answer *a, struct judged *out)
{
	struct relay *r = s->relay;

	r->counters.denied++;
	if (!is_same_denial(s, key, q->context.now_ms)) {
		arena_reset(r->work);
		policy_explain(r->policy, r->world, q, r->work, a);
		record(s, q, a, s->last_denial);
	}
	memcpy(out->id, s->last_denial, sizeof(out->id));
}

static void granted(struct session *s, const struct policy_request *q, struct str key,
		    const struct policy_answer *a, struct policy_residual *rest)
{
	char id[DECISION_ID];

	if (key.len == 0 || !cache_put(s, key, a, rest))
		return;
	arena_reset(s->relay->work);
	record(s, q, a, id);
}

/* In full; what is asked again for each message leaves its residual. */
static struct policy_residual *decide(struct session *s, const struct cached *before,
				      const struct policy_request *q, struct policy_answer *out)
{
	struct relay *r = s->relay;

	if (before && !before->rest && s->residuals < RESIDUALS_MAX)
		return policy_residual_new(r->policy, r->world, q, out);
	policy_decide(r->policy, r->world, q, out);
	return NULL;
}

static void say(const struct policy_answer *a, struct judged *out)
{
	out->effect = a->effect;
	out->cause = a->cause;
	out->allowed = a->effect != POLICY_DENY;
	out->by_grade = a->by_grade;
	out->refusal = a->space ? a->space->refusal : SPACE_CLOSE;
	out->expires_ms = a->expires_ms;
}

void judge(struct session *s, const char *action, struct str topic, const struct message *m,
	   struct judged *out)
{
	char room[KEY_ROOM];
	struct str key = cache_key(room, action, topic);
	struct policy_request q = request(s, action, topic, m);
	const struct cached *c = cache_get(s, key, &q.context);
	struct policy_answer a;

	*out = (struct judged){ 0 };
	if (c && grants(c, &q.context)) {
		out->effect = c->effect;
		out->allowed = true;
		out->expires_ms = c->basis.expires_ms;
		return;
	}
	struct policy_residual *rest = decide(s, c, &q, &a);
	say(&a, out);
	if (out->allowed) {
		granted(s, &q, key, &a, rest);
		return;
	}
	policy_residual_free(rest);
	denied(s, &q, key, &a, out);
}

/* ---- hold-off: 1 s, doubling to 5 min, forgotten after a clean minute ---- */

int64_t hold_left_ms(struct relay *r, struct str client_id)
{
	struct hold *h = map_get(r->holds, client_id);
	int64_t now = loop_now_ms(r->loop);

	if (!h)
		return 0;
	if (now > h->until_ms + HOLD_CLEAN_MS) {
		free(map_take(r->holds, client_id));
		return 0;
	}
	return h->until_ms > now ? h->until_ms - now : 0;
}

void hold_off(struct relay *r, struct str client_id)
{
	struct hold *h = map_get(r->holds, client_id);

	if (!h) {
		h = mem_new(1, sizeof(*h));
		(void)map_put(r->holds, client_id, h);
	}
	h->length_ms = h->length_ms == 0                ? HOLD_FIRST_MS
		       : h->length_ms * 2 > HOLD_MAX_MS ? HOLD_MAX_MS
							: h->length_ms * 2;
	h->until_ms = loop_now_ms(r->loop) + h->length_ms;
}
