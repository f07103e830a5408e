/* up.c - packets of the broker: every delivery decided, answers merged with ours. */
#include "gateway/relay/relay.h"

#include "base/mem.h"

/* What a broker may send, by state. */
static const bool may_send[SESSION_STATES][MQTT_TYPES] = {
	[SESSION_OPENING] = { [MQTT_CONNACK] = true },
	[SESSION_OPEN] = { [MQTT_PUBLISH] = true,
			   [MQTT_PUBACK] = true,
			   [MQTT_PUBREC] = true,
			   [MQTT_PUBREL] = true,
			   [MQTT_PUBCOMP] = true,
			   [MQTT_SUBACK] = true,
			   [MQTT_UNSUBACK] = true,
			   [MQTT_PINGRESP] = true,
			   [MQTT_DISCONNECT] = true },
};

/* ---- CONNACK ---- */

static void copy_terms(struct session *s, struct bytes from, struct buf *out)
{
	struct mqtt_prop p;

	while (mqtt_prop_next(&from, &p)) {
		if (p.id == MQTT_P_ALIAS_MAXIMUM) {
			s->broker_aliases = p.number > ALIASES ? ALIASES : (uint16_t)p.number;
			p.number = s->broker_aliases;
		}
		if (p.id == MQTT_P_SERVER_KEEP_ALIVE) {
			s->keep_alive_s = p.number && p.number < s->keep_alive_s
						  ? (uint16_t)p.number
						  : s->keep_alive_s;
			s->keep_alive_capped = true;
			continue;
		}
		if (p.id == MQTT_P_ASSIGNED_CLIENT_ID)
			continue;
		if (p.id == MQTT_P_MAXIMUM_PACKET && p.number > s->relay->limits.packet_bytes)
			p.number = s->relay->limits.packet_bytes;
		(void)mqtt_prop_put(out, &p);
	}
}

static void add_terms(struct session *s, struct bytes from, struct buf *out)
{
	struct mqtt_prop p;

	if (s->keep_alive_capped)
		(void)mqtt_prop_put(out, &(struct mqtt_prop){ .id = MQTT_P_SERVER_KEEP_ALIVE,
							      .number = s->keep_alive_s });
	if (s->id_assigned)
		(void)mqtt_prop_put(out, &(struct mqtt_prop){ .id = MQTT_P_ASSIGNED_CLIENT_ID,
							      .text = str_of(s->client_id) });
	if (!mqtt_prop_find(from, MQTT_P_MAXIMUM_PACKET, &p))
		(void)mqtt_prop_put(out,
				    &(struct mqtt_prop){ .id = MQTT_P_MAXIMUM_PACKET,
							 .number = s->relay->limits.packet_bytes });
}

static bool connack(struct session *s, const struct mqtt_packet *p, struct bytes frame)
{
	struct mqtt_packet down = *p;
	auto_buf struct buf props = { 0 };

	(void)frame;
	buf_init(&props, s->relay->limits.packet_bytes);
	copy_terms(s, p->props, &props);
	if (p->reason == 0)
		add_terms(s, p->props, &props);
	down.props = buf_bytes(&props);
	if (props.is_full || !send_down(s, &down))
		return false;
	if (p->reason == 0)
		return session_opened(s);
	log_event(&relay_events[EVENT_REFUSED], LOG_TEXT("principal", s->principal),
		  LOG_TEXT("why", "the broker refused it"), LOG_NUM("code", p->reason));
	session_end(s);
	return false;
}

/* ---- PUBLISH: a delivery ---- */

static bool malformed(struct session *s, const char *why)
{
	session_cut(s, MQTT_UNAVAILABLE, NULL, why);
	return false;
}

static bool resolve_alias(struct session *s, const struct mqtt_packet *p, uint16_t *out_alias,
			  struct str *out_topic)
{
	struct mqtt_prop alias;

	*out_alias = 0;
	*out_topic = p->topic;
	if (!mqtt_prop_find(p->props, MQTT_P_ALIAS, &alias))
		return true;
	if (alias.number > s->client_aliases)
		return malformed(s, "the broker used a topic alias past the maximum");
	*out_alias = (uint16_t)alias.number;
	struct alias *a = &s->from_broker[alias.number];
	if (p->topic.len > 0)
		alias_set(a, p->topic, false);
	*out_topic = a->topic;
	return a->topic.len > 0 || malformed(s, "the broker used a topic alias never set");
}

static bool deliver(struct session *s, const struct mqtt_packet *p, uint16_t alias,
		    struct bytes frame)
{
	struct mqtt_packet whole = *p;
	bool must_expand = alias && p->topic.len == 0 && !s->from_broker[alias].is_known;

	if (alias)
		s->from_broker[alias].is_known = true;
	if (!must_expand)
		return put_down(s, frame);
	whole.topic = s->from_broker[alias].topic;
	return send_down(s, &whole);
}

/* Denied by policy: acknowledged for the client, or the broker's window would jam.
 * Denied by a grade that may recover: the queue is kept by ending the session. */
static bool withhold(struct session *s, const struct mqtt_packet *p, const struct judged *j)
{
	struct mqtt_packet ack = { .type = p->qos == 1 ? MQTT_PUBACK : MQTT_PUBREC, .id = p->id };

	if (p->qos == 0)
		return true;
	if (j->by_grade && s->is_persistent) {
		session_cut(s, MQTT_NOT_AUTHORIZED, j->id, "its grade does not allow a delivery");
		return false;
	}
	if (p->qos == 2 && !ids_add(&s->dropped, p->id))
		return malformed(s, "too many deliveries in flight");
	return send_up(s, &ack);
}

static bool publish(struct session *s, const struct mqtt_packet *p, struct bytes frame)
{
	struct message m = { .bytes = (uint32_t)p->payload.len,
			     .qos = p->qos,
			     .retain = p->retain };
	struct judged j;
	struct str topic;
	uint16_t alias;

	if (!resolve_alias(s, p, &alias, &topic))
		return false;
	s->relay->counters.deliveries++;
	judge(s, "receive", topic, &m, &j);
	return j.allowed ? deliver(s, p, alias, frame) : withhold(s, p, &j);
}

/* ---- acknowledgements ---- */

static bool forward(struct session *s, const struct mqtt_packet *p, struct bytes frame)
{
	(void)p;
	return put_down(s, frame);
}

static bool last_ack(struct session *s, const struct mqtt_packet *p, struct bytes frame)
{
	(void)ids_take(&s->in_flight, p->id);
	return put_down(s, frame);
}

static bool puback(struct session *s, const struct mqtt_packet *p, struct bytes frame)
{
	return last_ack(s, p, frame) && order_answered(s, 1, p->id);
}

static bool pubrec(struct session *s, const struct mqtt_packet *p, struct bytes frame)
{
	if (p->reason >= 0x80)
		(void)ids_take(&s->in_flight, p->id);
	return put_down(s, frame) && order_answered(s, 2, p->id);
}

/* Of a delivery that ended here: the client never saw it. */
static bool pubrel(struct session *s, const struct mqtt_packet *p, struct bytes frame)
{
	if (ids_take(&s->dropped, p->id))
		return send_up(s, &(struct mqtt_packet){ .type = MQTT_PUBCOMP, .id = p->id });
	return put_down(s, frame);
}

static bool disconnect(struct session *s, const struct mqtt_packet *p, struct bytes frame)
{
	(void)p;
	(void)put_down(s, frame);
	session_end(s);
	return false;
}

static bool (*const handlers[MQTT_TYPES])(struct session *, const struct mqtt_packet *,
					  struct bytes) = {
	[MQTT_CONNACK] = connack,       [MQTT_PUBLISH] = publish,        [MQTT_PUBACK] = puback,
	[MQTT_PUBREC] = pubrec,         [MQTT_PUBREL] = pubrel,          [MQTT_PUBCOMP] = last_ack,
	[MQTT_SUBACK] = subs_suback,    [MQTT_UNSUBACK] = subs_unsuback, [MQTT_PINGRESP] = forward,
	[MQTT_DISCONNECT] = disconnect,
};

bool up_packet(struct session *s, struct bytes frame)
{
	struct mqtt_limits limits = s->relay->limits;
	unsigned type = frame.ptr[0] >> 4;
	struct mqtt_packet p;
	uint8_t reason = MQTT_MALFORMED;
	struct err e = { 0 };

	limits.packet_bytes += 1 << 16;
	limits.props = UINT16_MAX;
	if (!may_send[s->state][type])
		return malformed(s, "the broker sent a packet that is not for now");
	if (!mqtt_read(frame, s->version, &limits, &p, &reason, &e))
		return malformed(s, e.text);
	return handlers[type](s, &p, frame);
}
