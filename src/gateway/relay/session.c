#include "gateway/relay/relay.h"

#include "base/mem.h"
#include "crypto/tls.h"
#include "model/identity.h"

enum { HELLO_MS = 5000, DIAL_MS = 5000, END_MS = 2000, STREAM_OUT = 1 << 20, FRAME_ROOM = 64 };

/* ---- small sets of packet ids, sorted ---- */

static size_t ids_find(const struct ids *set, uint16_t id)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t mid = (low + high) / 2;
		if (set->at[mid] < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

bool ids_has(const struct ids *set, uint16_t id)
{
	size_t i = ids_find(set, id);

	return i < set->count && set->at[i] == id;
}

bool ids_add(struct ids *set, uint16_t id)
{
	size_t i = ids_find(set, id);

	if (i < set->count && set->at[i] == id)
		return true;
	if (set->count == IN_FLIGHT)
		return false;
	if (set->count == set->cap) {
		set->cap = set->cap ? set->cap * 2 : 8;
		set->at = mem_grow(set->at, set->cap, sizeof(*set->at));
	}
	memmove(set->at + i + 1, set->at + i, (set->count - i) * sizeof(*set->at));
	set->at[i] = id;
	set->count++;
	return true;
}

bool ids_take(struct ids *set, uint16_t id)
{
	size_t i = ids_find(set, id);

	if (i == set->count || set->at[i] != id)
		return false;
	set->count--;
	memmove(set->at + i, set->at + i + 1, (set->count - i) * sizeof(*set->at));
	return true;
}

void alias_set(struct alias *a, struct str topic, bool is_known)
{
	char *copy = mem_text(topic.ptr, topic.len);

	free((char *)(uintptr_t)a->topic.ptr);
	a->topic = (struct str){ copy, topic.len };
	a->is_known = is_known;
}

/* ---- sending ---- */

bool put_down(struct session *s, struct bytes frame)
{
	if (!s->down || !stream_put(s->down, frame)) {
		/* Its queue is full although we stopped reading: it does not listen. */
		session_end(s);
		return false;
	}
	if (stream_is_high(s->down) && s->up)
		stream_pause(s->up);
	return true;
}

bool put_up(struct session *s, struct bytes frame)
{
	if (!s->up || !stream_put(s->up, frame)) {
		session_end(s);
		return false;
	}
	if (stream_is_high(s->up) && s->down)
		stream_pause(s->down);
	return true;
}

static bool send_to(struct session *s, const struct mqtt_packet *p,
		    bool (*put)(struct session *, struct bytes))
{
	auto_buf struct buf out = { 0 };

	buf_init(&out, s->relay->limits.packet_bytes + (1 << 17));
	if (mqtt_write(&out, p, s->version))
		return put(s, buf_bytes(&out));
	session_end(s);
	return false;
}

bool send_down(struct session *s, const struct mqtt_packet *p)
{
	return send_to(s, p, put_down);
}

bool send_up(struct session *s, const struct mqtt_packet *p)
{
	return send_to(s, p, put_up);
}

struct bytes reason_props(const struct session *s, const char *id, uint8_t room[64])
{
	size_t len = id ? strlen(id) : 0;

	if (s->version != MQTT_V5 || !s->wants_reasons || len == 0 || len > 48)
		return (struct bytes){ 0 };
	room[0] = MQTT_P_REASON;
	room[1] = 0;
	room[2] = (uint8_t)len;
	memcpy(room + 3, id, len);
	return bytes_of(room, len + 3);
}

/* ---- the end ---- */

static void free_aliases(struct alias *all)
{
	for (size_t i = 0; i <= ALIASES; i++)
		free((char *)(uintptr_t)all[i].topic.ptr);
}

static void unlist(struct session *s)
{
	struct relay *r = s->relay;

	if (map_get(r->by_client, str_of(s->client_id)) == s) {
		(void)map_take(r->by_client, str_of(s->client_id));
		r->counters.sessions--;
	}
	if (s->prev)
		s->prev->next = s->next;
	else if (r->sessions == s)
		r->sessions = s->next;
	if (s->next)
		s->next->prev = s->prev;
	r->shaking -= s->is_shaking;
}

static void session_free(struct session *s)
{
	log_event(&relay_events[EVENT_CLOSED], LOG_TEXT("principal", s->principal),
		  LOG_TEXT("client", s->client_id));
	unlist(s);
	loop_forget(s->relay->loop, s);
	stream_free(s->down);
	stream_free(s->up);
	free_aliases(s->from_client);
	free_aliases(s->from_broker);
	judge_forget(s);
	subs_free(s);
	order_free(s);
	buf_done(&s->connect);
	free(s->in_flight.at);
	free(s->refused.at);
	free(s->dropped.at);
	free(s->own.at);
	free((char *)(uintptr_t)s->will.topic.ptr);
	free(s);
}

/* A side has ended by itself: it must not be spoken to again. */
static void drop_side(struct stream **side)
{
	struct stream *gone = *side;

	*side = NULL;
	stream_free(gone);
}

/* One side is done; the session goes when both are. */
static void side_ended(struct session *s)
{
	if (s->state != SESSION_ENDING)
		session_end(s);
	if (!s->down && !s->up)
		session_free(s);
}

static void finish(struct stream *side)
{
	if (!side)
		return;
	stream_resume(side);
	stream_deadline(side, END_MS);
	stream_finish(side);
}

void session_end(struct session *s)
{
	if (s->state == SESSION_ENDING)
		return;
	s->state = SESSION_ENDING;
	finish(s->down);
	finish(s->up);
}

/* A clean DISCONNECT upstream: the broker keeps the will to itself. */
static void leave_broker(struct session *s)
{
	static const uint8_t disconnect[] = { 0xe0, 0 };

	if (s->up && (s->state == SESSION_OPEN || s->state == SESSION_OPENING))
		(void)stream_put(s->up, bytes_of(disconnect, sizeof(disconnect)));
}

void session_cut(struct session *s, uint8_t reason, const char *id, const char *why)
{
	uint8_t room[64];
	struct mqtt_packet bye = { .type = MQTT_DISCONNECT, .reason = reason };

	if (s->state == SESSION_ENDING)
		return;
	log_event(&relay_events[EVENT_CUT], LOG_TEXT("principal", s->principal),
		  LOG_TEXT("client", s->client_id), LOG_TEXT("why", why),
		  LOG_TEXT("decision", id ? id : ""));
	s->relay->counters.cut++;
	leave_broker(s);
	bye.props = reason_props(s, id, room);
	if (s->version == MQTT_V5 && s->down && s->state == SESSION_OPEN)
		(void)send_down(s, &bye);
	session_end(s);
}

static uint8_t return_code(uint8_t reason)
{
	switch (reason) {
	case MQTT_BAD_VERSION:
		return MQTT_RETURN_BAD_VERSION;
	case MQTT_BAD_CLIENT_ID:
		return MQTT_RETURN_BAD_CLIENT_ID;
	case MQTT_UNAVAILABLE:
	case MQTT_BUSY:
	case MQTT_QUOTA:
		return MQTT_RETURN_UNAVAILABLE;
	default:
		return MQTT_RETURN_NOT_AUTHORIZED;
	}
}

void session_refuse(struct session *s, uint8_t reason, const char *id)
{
	uint8_t room[64];
	struct mqtt_packet no = { .type = MQTT_CONNACK, .reason = reason };

	log_event(&relay_events[EVENT_REFUSED], LOG_TEXT("principal", s->principal),
		  LOG_TEXT("source", s->source), LOG_TEXT("why", mqtt_reason_name(reason)),
		  LOG_TEXT("decision", id ? id : ""));
	if (s->version != MQTT_V5)
		no.reason = return_code(reason);
	no.props = reason_props(s, id, room);
	if (s->version)
		(void)send_down(s, &no);
	session_end(s);
}

/* ---- the client's side ---- */

static void eat_packets(struct session *s, struct stream *side, bool is_down)
{
	struct relay *r = s->relay;
	size_t len = 0;
	uint8_t reason = MQTT_MALFORMED;
	struct err e = { 0 };

	while (s->state != SESSION_ENDING) {
		/* One packet before the answer to CONNECT; then as they come. */
		if (is_down && (s->state == SESSION_DIALING || s->state == SESSION_OPENING))
			return;
		/* Back-pressure: the other side must take what it was given. */
		struct stream *other = is_down ? s->up : s->down;
		if (other && stream_is_high(other))
			return;
		struct mqtt_limits limits = r->limits;
		limits.packet_bytes += is_down ? 0 : 1 << 16;
		enum mqtt_frame got = mqtt_frame(stream_in(side), &limits, &len, &reason, &e);
		if (got == MQTT_MORE)
			return;
		struct bytes frame = stream_in(side);
		frame.len = len;
		bool ok = got == MQTT_WHOLE &&
			  (is_down ? down_packet(s, frame) : up_packet(s, frame));
		if (got == MQTT_BAD)
			session_cut(s, reason, NULL, e.text);
		if (!ok)
			return;
		stream_eat(side, len);
	}
}

static void on_down_data(void *ctx)
{
	struct session *s = ctx;

	if (s->state == SESSION_OPEN)
		stream_deadline(s->down, s->keep_alive_s * INT64_C(1500));
	eat_packets(s, s->down, true);
}

static void on_up_data(void *ctx)
{
	struct session *s = ctx;

	eat_packets(s, s->up, false);
}

static void on_down_room(void *ctx)
{
	struct session *s = ctx;

	if (s->up && s->state != SESSION_ENDING) {
		stream_resume(s->up);
		eat_packets(s, s->up, false);
	}
}

static void on_up_room(void *ctx)
{
	struct session *s = ctx;

	if (s->down && s->state == SESSION_OPEN) {
		stream_resume(s->down);
		eat_packets(s, s->down, true);
	}
}

/* The client is gone without goodbye: the broker publishes its will, if it still may. */
static void on_down_end(void *ctx, const struct err *why)
{
	struct session *s = ctx;

	(void)why;
	drop_side(&s->down);
	if (s->state == SESSION_OPEN && s->up && will_allowed(s))
		drop_side(&s->up); /* no DISCONNECT: the will fires */
	else
		leave_broker(s);
	side_ended(s);
}

static void on_up_end(void *ctx, const struct err *why)
{
	struct session *s = ctx;

	drop_side(&s->up);
	if (s->state == SESSION_DIALING || s->state == SESSION_OPENING) {
		log_fail(&relay_events[EVENT_FAILED], why);
		session_refuse(s, MQTT_UNAVAILABLE, NULL);
	} else if (s->state == SESSION_OPEN && s->version == MQTT_V5) {
		(void)send_down(s, &(struct mqtt_packet){ .type = MQTT_DISCONNECT,
							  .reason = MQTT_UNAVAILABLE });
	}
	side_ended(s);
}

/* ---- who is it? ---- */

static bool name_client(struct session *s, const struct identity *id, struct err *e)
{
	auto_buf struct buf text = { 0 };

	buf_init(&text, NAME_ROOM - 1);
	if (id->kind != IDENTITY_DEVICE && id->kind != IDENTITY_WORKLOAD &&
	    id->kind != IDENTITY_SERVICE)
		return err_set(e, ERR_DENIED, "a %s is no client of a gate",
			       identity_kind_name(id->kind));
	if (!identity_write_short(id, &text, e))
		return false;
	(void)snprintf(s->principal, sizeof(s->principal), STR_FMT, STR_ARG(buf_str(&text)));
	if (id->kind == IDENTITY_WORKLOAD)
		(void)snprintf(s->client_id, sizeof(s->client_id), STR_FMT ":" STR_FMT,
			       STR_ARG(id->id), STR_ARG(id->workload));
	else
		(void)snprintf(s->client_id, sizeof(s->client_id), STR_FMT, STR_ARG(id->id));
	return true;
}

/* The certificate is there and verified (T1), its names are clean (T5), it is not revoked (T7). */
static bool identify(struct session *s, struct err *e)
{
	struct tls_peer peer;
	struct identity id;
	char serial[CERT_SERIAL_TEXT];

	if (!stream_tls(s->down) || !tls_peer(stream_tls(s->down), &peer, e) ||
	    !identity_read(peer.cert.uri, &id, e) || !name_client(s, &id, e))
		return false;
	cert_serial_text(peer.cert.serial, serial);
	(void)snprintf(s->serial, sizeof(s->serial), "%s", serial);
	if (map_get(s->relay->revoked, str_of(s->serial)))
		return err_set(e, ERR_DENIED, "certificate %s is revoked", s->serial);
	return true;
}

static void on_down_ready(void *ctx)
{
	struct session *s = ctx;
	struct err e = { 0 };

	s->relay->shaking -= s->is_shaking;
	s->is_shaking = false;
	if (!identify(s, &e)) {
		log_fail(&relay_events[EVENT_REFUSED], &e);
		session_end(s);
		return;
	}
	stream_deadline(s->down, HELLO_MS);
}

static const struct stream_events down_events = { on_down_ready, on_down_data, on_down_room,
						  on_down_end };

static void keep_source(struct session *s, int fd)
{
	char text[ADDR_TEXT];
	struct str ip = { 0 };

	addr_peer_text(fd, text);
	struct str all = str_of(text);
	/* "192.0.2.7:40112" or "[2001:db8::1]:40112": the address alone. */
	size_t end = all.len;
	while (end > 0 && all.ptr[end - 1] != ':')
		end--;
	ip = str_head(all, end ? end - 1 : 0);
	if (ip.len > 1 && ip.ptr[0] == '[')
		ip = str_head(str_from(ip, 1), ip.len - 2);
	(void)snprintf(s->source, sizeof(s->source), STR_FMT, STR_ARG(ip));
}

void session_accept(struct relay *r, int fd)
{
	struct session *s = mem_new(1, sizeof(*s));
	struct err e = { 0 };
	const struct stream_settings set = { .tls = r->tls,
					     .in_max = r->limits.packet_bytes + FRAME_ROOM,
					     .out_max = STREAM_OUT,
					     .handshake_ms = HELLO_MS,
					     .events = &down_events,
					     .ctx = s };

	s->relay = r;
	s->state = SESSION_HELLO;
	s->keep_alive_s = (uint16_t)r->set.keep_alive_s;
	keep_source(s, fd);
	s->down = stream_new(r->loop, fd, &set, &e);
	if (!s->down) {
		log_fail(&relay_events[EVENT_FAILED], &e);
		free(s);
		return;
	}
	s->is_shaking = true;
	r->shaking++;
	r->counters.connects++;
	s->next = r->sessions;
	if (r->sessions)
		r->sessions->prev = s;
	r->sessions = s;
}

/* ---- the broker's side ---- */

static void on_up_ready(void *ctx)
{
	struct session *s = ctx;

	if (s->state != SESSION_DIALING)
		return;
	s->state = SESSION_OPENING;
	stream_deadline(s->up, DIAL_MS);
	(void)put_up(s, buf_bytes(&s->connect));
	buf_done(&s->connect);
	s->connect = (struct buf){ 0 };
}

static const struct stream_events up_events = { on_up_ready, on_up_data, on_up_room, on_up_end };

/* Only now, after CONNECT was granted: strangers never touch the broker. */
void session_dial(struct session *s)
{
	struct relay *r = s->relay;
	struct err e = { 0 };
	const struct stream_settings set = { .is_connecting = true,
					     .in_max = r->limits.packet_bytes + (1 << 17),
					     .out_max = STREAM_OUT,
					     .handshake_ms = DIAL_MS,
					     .events = &up_events,
					     .ctx = s };
	int fd = addr_connect(&r->upstream, &e);

	s->state = SESSION_DIALING;
	stream_deadline(s->down, 0);
	s->up = fd < 0 ? NULL : stream_new(r->loop, fd, &set, &e);
	if (s->up)
		return;
	log_fail(&relay_events[EVENT_FAILED], &e);
	session_refuse(s, MQTT_UNAVAILABLE, NULL);
}

bool session_opened(struct session *s)
{
	s->state = SESSION_OPEN;
	stream_deadline(s->up, 0);
	stream_deadline(s->down, s->keep_alive_s * INT64_C(1500));
	log_event(&relay_events[EVENT_OPEN], LOG_TEXT("principal", s->principal),
		  LOG_TEXT("client", s->client_id), LOG_TEXT("source", s->source),
		  LOG_NUM("version", s->version));
	/* What came while the broker answered waits in the buffer. */
	loop_later(s->relay->loop, on_down_data, s);
	return true;
}

/* ---- as things stand now ---- */

static bool may_stay(struct session *s)
{
	const struct message none = { 0 };
	struct judged j;

	if (map_get(s->relay->revoked, str_of(s->serial))) {
		session_cut(s, MQTT_ADMINISTRATIVE, NULL, "its certificate was revoked");
		return false;
	}
	judge(s, "connect", (struct str){ 0 }, &none, &j);
	s->recheck_ms = j.expires_ms;
	if (j.allowed)
		return true;
	session_cut(s,
		    j.cause == POLICY_NO_PERMIT || j.cause == POLICY_FORBID ? MQTT_NOT_AUTHORIZED
									    : MQTT_ADMINISTRATIVE,
		    j.id, policy_cause_text(j.cause));
	return false;
}

void session_recheck(struct session *s)
{
	if (s->state == SESSION_OPENING || s->state == SESSION_DIALING) {
		(void)may_stay(s);
		return;
	}
	if (s->state == SESSION_OPEN && may_stay(s))
		subs_recheck(s);
}
