/* subs.c - subscriptions: what was granted, taken back, and given again. */
#include "gateway/relay/relay.h"

#include "base/mem.h"
#include "codec/json.h"
#include "codec/topic.h"

enum { TO_BROKER = 0xff, WHY_MAX = 4096 };

/* ---- $muster/why/<client id>: answered here, and for that client alone ---- */

static bool is_why(const struct session *s, struct str text)
{
	struct str rest = str_from(text, strlen("$muster/why/"));

	return str_starts(text, STR("$muster/why/")) && str_eqz(rest, s->client_id);
}

void why_tell(struct session *s, const struct decision *d)
{
	auto_buf struct buf text = { 0 }, topic = { 0 };
	struct jw w;

	if (!s->hears_why || s->state != SESSION_OPEN)
		return;
	buf_init(&text, WHY_MAX);
	buf_init(&topic, WHY_MAX);
	jw_init(&w, &text, JW_COMPACT);
	jw_map(&w);
	jw_kv_str(&w, "id", d->id);
	jw_kv_str(&w, "action", d->action);
	jw_kv_str(&w, "resource", d->resource);
	jw_kv_text(&w, "because", policy_cause_name(d->cause));
	jw_end(&w);
	(void)buf_printf(&topic, "$muster/why/%s", s->client_id);
	if (jw_ok(&w))
		(void)send_down(s, &(struct mqtt_packet){ .type = MQTT_PUBLISH,
							  .topic = buf_str(&topic),
							  .payload = buf_bytes(&text) });
}

/* ---- the list ---- */

static struct sub **find(struct session *s, struct str text)
{
	struct sub **at = &s->subs;

	while (*at && !str_eq((*at)->text, text))
		at = &(*at)->next;
	return at;
}

static void drop(struct session *s, struct sub **at)
{
	struct sub *gone = *at;

	*at = gone->next;
	free((char *)(uintptr_t)gone->text.ptr);
	free(gone);
	s->sub_count--;
}

static struct sub *keep(struct session *s, const struct mqtt_filter *f, uint32_t subscription_id)
{
	struct sub **at = find(s, f->text);

	if (!*at) {
		*at = mem_new(1, sizeof(**at));
		(*at)->text = (struct str){ mem_text(f->text.ptr, f->text.len), f->text.len };
		s->sub_count++;
	}
	(*at)->options = f->options;
	(*at)->subscription_id = subscription_id;
	(*at)->state = SUB_ACTIVE;
	return *at;
}

void subs_free(struct session *s)
{
	while (s->subs)
		drop(s, &s->subs);
	while (s->pending) {
		struct pending *gone = s->pending;
		s->pending = gone->next;
		free(gone);
	}
}

/* ---- SUBSCRIBE ---- */

static void judge_filter(struct session *s, const struct mqtt_filter *f, struct judged *out)
{
	struct message m = { .qos = f->options & 3 };
	struct str filter;
	struct err ignored;

	*out = (struct judged){ 0 };
	if (topic_share(f->text, &m.share_group, &filter, &ignored))
		judge(s, "subscribe", filter, &m, out);
}

/* The answer for one filter, or TO_BROKER when the broker shall give it. */
static uint8_t take_filter(struct session *s, const struct mqtt_filter *f, uint32_t subscription_id,
			   char id[DECISION_ID])
{
	struct judged j;
	bool v5 = s->version == MQTT_V5;

	if (is_why(s, f->text)) {
		s->hears_why = true;
		return 0;
	}
	if (!*find(s, f->text) && s->sub_count >= (size_t)s->relay->set.subscriptions)
		return v5 ? MQTT_QUOTA : MQTT_UNSPECIFIED;
	judge_filter(s, f, &j);
	if (!j.allowed) {
		memcpy(id, j.id, DECISION_ID);
		return v5 ? MQTT_NOT_AUTHORIZED : MQTT_UNSPECIFIED;
	}
	(void)keep(s, f, subscription_id);
	return TO_BROKER;
}

static bool answer(struct session *s, uint16_t id, const struct pending *codes, const char *why)
{
	uint8_t room[64];
	struct mqtt_packet p = { .type = MQTT_SUBACK,
				 .id = id,
				 .list = bytes_of(codes->codes, codes->count) };

	(void)ids_take(&s->in_flight, id);
	p.props = reason_props(s, why, room);
	return send_down(s, &p);
}

static bool send_part(struct session *s, const struct mqtt_packet *p, const struct pending *codes,
		      struct buf *filters)
{
	struct mqtt_packet up = *p;
	struct pending *wait = mem_copy(codes, sizeof(*codes));

	wait->id = p->id;
	wait->next = s->pending;
	s->pending = wait;
	up.list = buf_bytes(filters);
	return send_up(s, &up);
}

bool subs_subscribe(struct session *s, const struct mqtt_packet *p)
{
	struct bytes list = p->list;
	struct mqtt_filter f;
	struct mqtt_prop prop;
	struct pending codes = { 0 };
	char why[DECISION_ID] = "";
	auto_buf struct buf filters = { 0 };
	uint32_t sub_id = mqtt_prop_find(p->props, MQTT_P_SUBSCRIPTION_ID, &prop) ? prop.number : 0;

	buf_init(&filters, s->relay->limits.packet_bytes);
	while (mqtt_filter_next(p, &list, &f)) {
		uint8_t code = take_filter(s, &f, sub_id, why);
		codes.codes[codes.count++] = code;
		if (code == TO_BROKER)
			(void)mqtt_filter_put(&filters, MQTT_SUBSCRIBE, &f);
	}
	return filters.len == 0 ? answer(s, p->id, &codes, why) : send_part(s, p, &codes, &filters);
}

/* The broker's codes go where its filters stood, in the client's order. */
static bool merge(struct pending *codes, struct bytes got)
{
	size_t at = 0;

	for (size_t i = 0; i < codes->count; i++) {
		if (codes->codes[i] != TO_BROKER)
			continue;
		if (at == got.len)
			return false;
		codes->codes[i] = got.ptr[at++];
	}
	return at == got.len;
}

bool subs_suback(struct session *s, const struct mqtt_packet *p, struct bytes frame)
{
	struct pending **at = &s->pending;

	(void)frame;
	if (ids_take(&s->own, p->id))
		return true;
	while (*at && (*at)->id != p->id)
		at = &(*at)->next;
	struct pending *codes = *at;
	if (!codes || !merge(codes, p->list)) {
		session_cut(s, MQTT_UNAVAILABLE, NULL, "the broker answered another SUBSCRIBE");
		return false;
	}
	*at = codes->next;
	struct mqtt_packet down = *p;
	down.list = bytes_of(codes->codes, codes->count);
	(void)ids_take(&s->in_flight, p->id);
	bool ok = send_down(s, &down);
	free(codes);
	return ok;
}

/* ---- UNSUBSCRIBE ---- */

bool subs_unsubscribe(struct session *s, const struct mqtt_packet *p, struct bytes frame)
{
	struct bytes list = p->list;
	struct mqtt_filter f;

	while (mqtt_filter_next(p, &list, &f)) {
		struct sub **at = find(s, f.text);
		if (*at)
			drop(s, at);
		if (is_why(s, f.text))
			s->hears_why = false;
	}
	return put_up(s, frame);
}

bool subs_unsuback(struct session *s, const struct mqtt_packet *p, struct bytes frame)
{
	if (ids_take(&s->own, p->id))
		return true;
	(void)ids_take(&s->in_flight, p->id);
	return put_down(s, frame);
}

/* ---- as things stand now: what is denied is taken back, and given again when it may ---- */

/* Packet ids are shared with the client: ours come from the top, where none of its are open. */
static uint16_t own_id(struct session *s)
{
	for (uint16_t id = UINT16_MAX; id > 0; id--)
		if (!ids_has(&s->in_flight, id) && !ids_has(&s->own, id) &&
		    !ids_has(&s->refused, id))
			return ids_add(&s->own, id) ? id : 0;
	return 0;
}

static void tell_broker(struct session *s, const struct sub *sub, enum mqtt_type type)
{
	struct mqtt_filter f = { sub->text, sub->options };
	struct mqtt_packet p = { .type = type, .id = own_id(s) };
	auto_buf struct buf list = { 0 }, props = { 0 };

	buf_init(&list, UINT16_MAX + 16);
	buf_init(&props, 16);
	if (p.id == 0 || !mqtt_filter_put(&list, type, &f))
		return;
	if (type == MQTT_SUBSCRIBE && sub->subscription_id)
		(void)mqtt_prop_put(&props, &(struct mqtt_prop){ .id = MQTT_P_SUBSCRIPTION_ID,
								 .number = sub->subscription_id });
	p.list = buf_bytes(&list);
	p.props = buf_bytes(&props);
	(void)send_up(s, &p);
}

void subs_recheck(struct session *s)
{
	for (struct sub *sub = s->subs; sub && s->state == SESSION_OPEN; sub = sub->next) {
		struct mqtt_filter f = { sub->text, sub->options };
		struct judged j;

		judge_filter(s, &f, &j);
		if (j.allowed == (sub->state == SUB_ACTIVE))
			continue;
		sub->state = j.allowed ? SUB_ACTIVE : SUB_SUSPENDED;
		tell_broker(s, sub, j.allowed ? MQTT_SUBSCRIBE : MQTT_UNSUBSCRIBE);
	}
}
