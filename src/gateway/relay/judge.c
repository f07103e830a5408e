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

/* What was granted: recorded once, used again while nothing changed and no message was read. */
struct cached {
	enum policy_effect effect;
	int64_t expires_ms;
	uint64_t epoch;
	bool is_reusable;
};

/* A client id that was shown the door, and for how long. */
struct hold {
	int64_t until_ms, length_ms; /* monotonic */
};

/* ---- cache ---- */

static void cache_clear(struct session *s)
{
	struct str key;
	void *value;

	for (size_t at = 0; s->cache && map_next(s->cache, &at, &key, &value);)
		free(value);
	map_free(s->cache);
	s->cache = map_new();
}

static struct str cache_key(char room[KEY_ROOM], const char *action, struct str topic)
{
	int len = snprintf(room, KEY_ROOM, "%s %.*s", action, (int)topic.len, topic.ptr);

	return (struct str){ room, len > 0 && len < KEY_ROOM ? (size_t)len : 0 };
}

static const struct cached *cache_get(struct session *s, struct str key, int64_t now_ms)
{
	if (!s->cache || map_count(s->cache) >= CACHE_MAX)
		cache_clear(s);
	const struct cached *c = key.len > 0 ? map_get(s->cache, key) : NULL;
	bool holds = c && c->is_reusable && c->epoch == s->relay->epoch &&
		     (c->expires_ms == 0 || now_ms < c->expires_ms);
	return holds ? c : NULL;
}

/* True when it is the first of its kind in this session. */
static bool cache_put(struct session *s, struct str key, const struct policy_answer *a)
{
	struct cached *c = key.len > 0 ? map_get(s->cache, key) : NULL;
	bool is_new = key.len > 0 && !c;

	if (is_new) {
		c = mem_new(1, sizeof(*c));
		(void)map_put(s->cache, key, c);
	}
	if (c)
		*c = (struct cached){ a->effect, a->expires_ms, s->relay->epoch,
				      !a->reads_message };
	return is_new;
}

/* ---- records ---- */

static void record(struct session *s, const struct policy_request *q, const struct policy_answer *a,
		   char id[DECISION_ID])
{
	struct relay *r = s->relay;
	struct decision d;
	auto_buf struct buf out;

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
		    const struct policy_answer *a)
{
	char id[DECISION_ID];

	if (!cache_put(s, key, a))
		return;
	arena_reset(s->relay->work);
	record(s, q, a, id);
}

void judge(struct session *s, const char *action, struct str topic, const struct message *m,
	   struct judged *out)
{
	struct relay *r = s->relay;
	char room[KEY_ROOM];
	struct str key = cache_key(room, action, topic);
	const struct cached *c = cache_get(s, key, loop_wall_ms(r->loop));
	struct policy_answer a;

	*out = (struct judged){ 0 };
	if (c) {
		out->effect = c->effect;
		out->allowed = true;
		return;
	}
	struct policy_request q = request(s, action, topic, m);
	policy_decide(r->policy, r->world, &q, &a);
	out->effect = a.effect;
	out->cause = a.cause;
	out->allowed = a.effect != POLICY_DENY;
	out->by_grade = a.by_grade;
	out->refusal = a.space ? a.space->refusal : SPACE_CLOSE;
	out->expires_ms = a.expires_ms;
	if (out->allowed)
		granted(s, &q, key, &a);
	else
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
