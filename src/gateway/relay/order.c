/* order.c - acknowledgements leave in the order their publishes came (MQTT 5 and 3.1.1, 4.6).
 *
 * What was forwarded is acknowledged by the broker, what was refused by us: a refusal waits
 * until the broker has answered for all that came before it, in each quality of service.
 */
#include "base/mem.h"
#include "gateway/relay/relay.h"

struct owed {
	struct owed *next;
	uint16_t id;
	uint8_t reason;
	bool is_ours; /* ours to say; else the broker's */
	char decision[DECISION_ID];
};

static struct owed *line_put(struct owed_line *line, uint16_t id)
{
	struct owed *o = mem_new(1, sizeof(*o));

	o->id = id;
	if (line->last)
		line->last->next = o;
	else
		line->first = o;
	line->last = o;
	line->count++;
	return o;
}

static void line_take(struct owed_line *line, struct owed *before, struct owed *o)
{
	if (before)
		before->next = o->next;
	else
		line->first = o->next;
	if (line->last == o)
		line->last = before;
	line->count--;
	free(o);
}

/* What the broker owes for this id. */
static struct owed *line_find(const struct owed_line *line, uint16_t id, struct owed **before)
{
	*before = NULL;
	for (struct owed *o = line->first; o; *before = o, o = o->next)
		if (!o->is_ours && o->id == id)
			return o;
	return NULL;
}

static bool say(struct session *s, enum mqtt_type type, uint16_t id, uint8_t reason,
		const char *decision)
{
	uint8_t room[64];
	struct mqtt_packet p = { .type = type, .id = id, .reason = reason };

	if (reason >= 0x80)
		p.props = reason_props(s, decision, room);
	return send_down(s, &p);
}

static enum mqtt_type type_of(const struct session *s, const struct owed_line *line)
{
	return line == &s->owed[0] ? MQTT_PUBACK : MQTT_PUBREC;
}

bool order_forwarded(struct session *s, uint8_t qos, uint16_t id)
{
	struct owed_line *line = &s->owed[qos - 1];
	struct owed *before;

	/* Sent again before it was answered: it may be answered once. */
	if (line_find(line, id, &before))
		return true;
	if (line->count >= IN_FLIGHT)
		return false;
	(void)line_put(line, id);
	return true;
}

bool order_refused(struct session *s, uint8_t qos, uint16_t id, uint8_t reason,
		   const char *decision)
{
	struct owed_line *line = &s->owed[qos - 1];

	if (!line->first)
		return say(s, type_of(s, line), id, reason, decision);
	if (line->count >= IN_FLIGHT) {
		session_cut(s, MQTT_RECEIVE_MAXIMUM, NULL, "too many in flight");
		return false;
	}
	struct owed *o = line_put(line, id);
	o->reason = reason;
	o->is_ours = true;
	(void)snprintf(o->decision, sizeof(o->decision), "%s", decision ? decision : "");
	return true;
}

bool order_answered(struct session *s, uint8_t qos, uint16_t id)
{
	struct owed_line *line = &s->owed[qos - 1];
	struct owed *before, *o = line_find(line, id, &before);

	if (o)
		line_take(line, before, o);
	while (line->first && line->first->is_ours) {
		struct owed first = *line->first;
		line_take(line, NULL, line->first);
		if (!say(s, type_of(s, line), first.id, first.reason, first.decision))
			return false;
	}
	return true;
}

void order_free(struct session *s)
{
	for (size_t i = 0; i < countof(s->owed); i++)
		while (s->owed[i].first)
			line_take(&s->owed[i], NULL, s->owed[i].first);
}
