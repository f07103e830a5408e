/* down.c - packets of the client: decided, then forwarded or answered here. */
#include "gateway/relay/relay.h"

#include "base/mem.h"
#include "codec/topic.h"

/* What a client may send, by state (CASES M1).  What is not here closes the session. */
static const bool may_send[SESSION_STATES][MQTT_TYPES] = {
	[SESSION_HELLO] = { [MQTT_CONNECT] = true },
	[SESSION_OPEN] = { [MQTT_PUBLISH] = true,
			   [MQTT_PUBACK] = true,
			   [MQTT_PUBREC] = true,
			   [MQTT_PUBREL] = true,
			   [MQTT_PUBCOMP] = true,
			   [MQTT_SUBSCRIBE] = true,
			   [MQTT_UNSUBSCRIBE] = true,
			   [MQTT_PINGREQ] = true,
			   [MQTT_DISCONNECT] = true },
};

/* ---- CONNECT ---- */

static uint32_t number_of(struct bytes props, uint8_t id, uint32_t absent)
{
	struct mqtt_prop p;

	return mqtt_prop_find(props, id, &p) ? p.number : absent;
}

/* User properties named muster-* are ours to set; a client's own are taken off. */
static bool is_ours(const struct mqtt_prop *p)
{
	return p->id == MQTT_P_USER && str_starts(p->text, STR("muster-"));
}

static void copy_props(struct session *s, struct bytes from, struct buf *out)
{
	struct mqtt_prop p;

	while (mqtt_prop_next(&from, &p)) {
		if (is_ours(&p))
			continue;
		if (p.id == MQTT_P_ALIAS_MAXIMUM && p.number > ALIASES)
			p.number = ALIASES;
		if (p.id == MQTT_P_MAXIMUM_PACKET && p.number > s->relay->limits.packet_bytes)
			p.number = s->relay->limits.packet_bytes;
		(void)mqtt_prop_put(out, &p);
	}
}

/* Absent or its own; anybody else's is refused (M7). */
static bool client_id_ok(struct session *s, struct str asked)
{
	return asked.len == 0 || str_eqz(asked, s->client_id);
}

/* A second session without a name of its own gets one beside the first. */
static void name_session(struct session *s, struct str asked)
{
	struct relay *r = s->relay;
	size_t len = strlen(s->client_id);

	s->id_assigned = asked.len == 0;
	for (unsigned n = 2; s->id_assigned && map_get(r->by_client, str_of(s->client_id)); n++)
		(void)snprintf(s->client_id + len, sizeof(s->client_id) - len, "~%u", n);
	/* One owner per client id: the newest; the broker hands the session over. */
	struct session *old = map_get(r->by_client, str_of(s->client_id));
	if (old) {
		session_cut(old, MQTT_TAKEN_OVER, NULL, "its client id connected again");
		r->counters.sessions--;
	}
	(void)map_put(r->by_client, str_of(s->client_id), s);
	r->counters.sessions++;
}

static void keep_will(struct session *s, const struct mqtt_packet *p)
{
	s->has_will = p->has_will;
	if (!p->has_will)
		return;
	s->will.topic =
		(struct str){ mem_text(p->will.topic.ptr, p->will.topic.len), p->will.topic.len };
	s->will.qos = p->will.qos;
	s->will.retain = p->will.retain;
	s->will_bytes = p->will.payload.len;
}

bool will_allowed(struct session *s)
{
	struct judged j;
	struct message m = { .bytes = (uint32_t)s->will_bytes,
			     .qos = s->will.qos,
			     .retain = s->will.retain };

	if (!s->has_will)
		return false;
	judge(s, "publish", s->will.topic, &m, &j);
	return j.allowed;
}

static void keep_terms(struct session *s, const struct mqtt_packet *p)
{
	uint16_t most = (uint16_t)s->relay->set.keep_alive_s;

	s->version = p->version;
	s->clean = p->clean;
	s->is_persistent = p->version == MQTT_V5 ? number_of(p->props, MQTT_P_SESSION_EXPIRY, 0) > 0
						 : !p->clean;
	s->wants_reasons = number_of(p->props, MQTT_P_REQUEST_PROBLEM, 1) != 0;
	s->client_aliases = (uint16_t)number_of(p->props, MQTT_P_ALIAS_MAXIMUM, 0);
	if (s->client_aliases > ALIASES)
		s->client_aliases = ALIASES;
	s->keep_alive_capped = p->keep_alive_s == 0 || p->keep_alive_s > most;
	s->keep_alive_s = s->keep_alive_capped ? most : p->keep_alive_s;
}

/* What the broker is told: our names, the client's terms. */
static bool write_connect(struct session *s, const struct mqtt_packet *p)
{
	struct mqtt_packet up = *p;
	auto_buf struct buf props = { 0 }, will = { 0 };

	buf_init(&props, s->relay->limits.packet_bytes);
	buf_init(&will, s->relay->limits.packet_bytes);
	copy_props(s, p->props, &props);
	copy_props(s, p->will.props, &will);
	up.props = buf_bytes(&props);
	up.will.props = buf_bytes(&will);
	up.client_id = str_of(s->client_id);
	up.has_username = true;
	up.username = str_of(s->principal);
	up.has_password = false;
	up.password = (struct bytes){ 0 };
	up.keep_alive_s = s->keep_alive_s;
	buf_init(&s->connect, s->relay->limits.packet_bytes + 4096);
	return !props.is_full && !will.is_full && mqtt_write(&s->connect, &up, s->version);
}

static bool refuse(struct session *s, uint8_t reason, const char *id)
{
	session_refuse(s, reason, id);
	return false;
}

static bool on_connect(struct session *s, const struct mqtt_packet *p, struct bytes frame)
{
	const struct message none = { 0 };
	struct mqtt_prop auth;
	struct judged j;

	(void)frame;
	keep_terms(s, p);
	if (mqtt_prop_find(p->props, MQTT_P_AUTH_METHOD, &auth))
		return refuse(s, 0x8c, NULL); /* bad authentication method: the certificate is it */
	if (!client_id_ok(s, p->client_id))
		return refuse(s, MQTT_BAD_CLIENT_ID, NULL);
	if (p->version == MQTT_V311 && p->client_id.len == 0 && !p->clean)
		return refuse(s, MQTT_BAD_CLIENT_ID, NULL); /* 3.1.1 3.1.3-8 */
	if (hold_left_ms(s->relay, str_of(s->client_id)) > 0)
		return refuse(s, MQTT_QUOTA, NULL);
	judge(s, "connect", (struct str){ 0 }, &none, &j);
	if (!j.allowed)
		return refuse(s, MQTT_NOT_AUTHORIZED, j.id);
	s->recheck_ms = j.expires_ms;
	keep_will(s, p);
	if (s->has_will && !will_allowed(s))
		return refuse(s, MQTT_NOT_AUTHORIZED, s->last_denial);
	name_session(s, p->client_id);
	if (!write_connect(s, p))
		return refuse(s, MQTT_TOO_LARGE, NULL);
	session_dial(s);
	return s->state != SESSION_ENDING;
}

/* ---- PUBLISH ---- */

static bool malformed(struct session *s, uint8_t reason, const char *why)
{
	session_cut(s, reason, NULL, why);
	return false;
}

/* The topic an alias stands for; remembers what the client sets. */
static bool resolve_alias(struct session *s, const struct mqtt_packet *p, uint16_t *out_alias,
			  struct str *out_topic)
{
	uint32_t alias = number_of(p->props, MQTT_P_ALIAS, 0);

	*out_alias = (uint16_t)alias;
	*out_topic = p->topic;
	if (alias == 0)
		return true;
	if (alias > s->broker_aliases)
		return malformed(s, MQTT_BAD_ALIAS, "a topic alias past the maximum");
	struct alias *a = &s->from_client[alias];
	if (p->topic.len > 0)
		alias_set(a, p->topic, false);
	*out_topic = a->topic;
	return a->topic.len > 0 || malformed(s, MQTT_BAD_ALIAS, "a topic alias never set");
}

/* A refused publish may have set an alias: the broker hears of it with the next allowed one. */
static bool forward_publish(struct session *s, const struct mqtt_packet *p, uint16_t alias,
			    struct bytes frame)
{
	struct mqtt_packet whole = *p;
	bool must_expand = alias && p->topic.len == 0 && !s->from_client[alias].is_known;

	if (alias)
		s->from_client[alias].is_known = true;
	if (!must_expand)
		return put_up(s, frame);
	whole.topic = s->from_client[alias].topic;
	return send_up(s, &whole);
}

/* 3.1.1 cannot say no: the space says whether it is told yes or shown the door. */
static bool refuse_old(struct session *s, const struct mqtt_packet *p, const struct judged *j)
{
	if (j->refusal == SPACE_CLOSE) {
		hold_off(s->relay, str_of(s->client_id));
		return malformed(s, MQTT_NOT_AUTHORIZED, "a publish was refused");
	}
	if (p->qos == 2 && !ids_add(&s->refused, p->id))
		return malformed(s, MQTT_RECEIVE_MAXIMUM, "too many in flight");
	return order_refused(s, p->qos, p->id, 0, NULL);
}

static bool refuse_publish(struct session *s, const struct mqtt_packet *p, const struct judged *j)
{
	if (p->qos == 0)
		return true;
	if (s->version != MQTT_V5)
		return refuse_old(s, p, j);
	return order_refused(s, p->qos, p->id, MQTT_NOT_AUTHORIZED, j->id);
}

static bool publish(struct session *s, const struct mqtt_packet *p, struct bytes frame)
{
	struct message m = { .bytes = (uint32_t)p->payload.len,
			     .qos = p->qos,
			     .retain = p->retain };
	struct mqtt_prop prop;
	struct judged j;
	struct str topic;
	uint16_t alias;

	if (mqtt_prop_find(p->props, MQTT_P_SUBSCRIPTION_ID, &prop))
		return malformed(s, MQTT_PROTOCOL_ERROR, "a subscription id from a client");
	if (!resolve_alias(s, p, &alias, &topic))
		return false;
	s->relay->counters.messages++;
	judge(s, "publish", topic, &m, &j);
	if (!j.allowed)
		return refuse_publish(s, p, &j);
	if (p->qos > 0 && (!ids_add(&s->in_flight, p->id) || !order_forwarded(s, p->qos, p->id)))
		return malformed(s, MQTT_RECEIVE_MAXIMUM, "too many in flight");
	return forward_publish(s, p, alias, frame);
}

/* ---- acknowledgements ---- */

static bool pubrel(struct session *s, const struct mqtt_packet *p, struct bytes frame)
{
	if (ids_take(&s->refused, p->id))
		return send_down(s, &(struct mqtt_packet){ .type = MQTT_PUBCOMP, .id = p->id });
	return put_up(s, frame);
}

static bool forward(struct session *s, const struct mqtt_packet *p, struct bytes frame)
{
	(void)p;
	return put_up(s, frame);
}

static bool subscribe(struct session *s, const struct mqtt_packet *p, struct bytes frame)
{
	(void)frame;
	if (!ids_add(&s->in_flight, p->id))
		return malformed(s, MQTT_RECEIVE_MAXIMUM, "too many in flight");
	return subs_subscribe(s, p);
}

static bool unsubscribe(struct session *s, const struct mqtt_packet *p, struct bytes frame)
{
	if (!ids_add(&s->in_flight, p->id))
		return malformed(s, MQTT_RECEIVE_MAXIMUM, "too many in flight");
	return subs_unsubscribe(s, p, frame);
}

static bool disconnect(struct session *s, const struct mqtt_packet *p, struct bytes frame)
{
	(void)p;
	(void)put_up(s, frame);
	session_end(s);
	return false;
}

static bool (*const handlers[MQTT_TYPES])(struct session *, const struct mqtt_packet *,
					  struct bytes) = {
	[MQTT_CONNECT] = on_connect,    [MQTT_PUBLISH] = publish,         [MQTT_PUBACK] = forward,
	[MQTT_PUBREC] = forward,        [MQTT_PUBREL] = pubrel,           [MQTT_PUBCOMP] = forward,
	[MQTT_SUBSCRIBE] = subscribe,   [MQTT_UNSUBSCRIBE] = unsubscribe, [MQTT_PINGREQ] = forward,
	[MQTT_DISCONNECT] = disconnect,
};

bool down_packet(struct session *s, struct bytes frame)
{
	enum mqtt_version version = s->version ? s->version : MQTT_V5;
	unsigned type = frame.ptr[0] >> 4;
	struct mqtt_packet p;
	uint8_t reason = MQTT_MALFORMED;
	struct err e = { 0 };

	if (!may_send[s->state][type])
		return malformed(s, MQTT_PROTOCOL_ERROR, "a packet that is not for now");
	if (mqtt_read(frame, version, &s->relay->limits, &p, &reason, &e))
		return handlers[type](s, &p, frame);
	if (s->state == SESSION_HELLO && reason == MQTT_BAD_VERSION) {
		/* Told in the form every version reads. */
		s->version = MQTT_V311;
		return refuse(s, reason, NULL);
	}
	return malformed(s, reason, e.text);
}
