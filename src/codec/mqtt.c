#include "codec/mqtt.h"

#include "base/cursor.h"
#include "codec/topic.h"

enum { REMAINING_MAX = 268435455 };
#define WILL MQTT_RESERVED /* stands for the will's own properties in the table below */

/* One packet being read: where we are, and where a refusal is told. */
struct in {
	struct rd r;
	enum mqtt_version version;
	const struct mqtt_limits *limits;
	uint8_t *out_reason;
	struct err *e;
};

static const char *const type_names[MQTT_TYPES] = {
	"reserved", "CONNECT",  "CONNACK",    "PUBLISH", "PUBACK",      "PUBREC",
	"PUBREL",   "PUBCOMP",  "SUBSCRIBE",  "SUBACK",  "UNSUBSCRIBE", "UNSUBACK",
	"PINGREQ",  "PINGRESP", "DISCONNECT", "AUTH",
};

const char *mqtt_type_name(uint8_t type)
{
	return type < MQTT_TYPES ? type_names[type] : "reserved";
}

static const struct {
	uint8_t code;
	const char *name;
} reasons[] = {
	{ MQTT_OK, "success" },
	{ MQTT_NO_SUBSCRIBERS, "no matching subscribers" },
	{ MQTT_UNSPECIFIED, "unspecified error" },
	{ MQTT_MALFORMED, "malformed packet" },
	{ MQTT_PROTOCOL_ERROR, "protocol error" },
	{ MQTT_BAD_VERSION, "unsupported protocol version" },
	{ MQTT_BAD_CLIENT_ID, "client identifier not valid" },
	{ MQTT_NOT_AUTHORIZED, "not authorized" },
	{ MQTT_UNAVAILABLE, "server unavailable" },
	{ MQTT_BUSY, "server busy" },
	{ MQTT_KEEP_ALIVE_TIMEOUT, "keep alive timeout" },
	{ MQTT_TAKEN_OVER, "session taken over" },
	{ MQTT_BAD_FILTER, "topic filter invalid" },
	{ MQTT_BAD_TOPIC, "topic name invalid" },
	{ MQTT_ID_NOT_FOUND, "packet identifier not found" },
	{ MQTT_RECEIVE_MAXIMUM, "receive maximum exceeded" },
	{ MQTT_BAD_ALIAS, "topic alias invalid" },
	{ MQTT_TOO_LARGE, "packet too large" },
	{ MQTT_RATE_TOO_HIGH, "message rate too high" },
	{ MQTT_QUOTA, "quota exceeded" },
	{ MQTT_ADMINISTRATIVE, "administrative action" },
	{ MQTT_NO_SHARED, "shared subscriptions not supported" },
};

const char *mqtt_reason_name(uint8_t reason)
{
	for (size_t i = 0; i < countof(reasons); i++)
		if (reasons[i].code == reason)
			return reasons[i].name;
	return "reason";
}

static bool refuse(struct in *in, uint8_t reason, const char *why)
{
	*in->out_reason = reason;
	return err_set(in->e, ERR_INPUT, "%s", why);
}

static bool malformed(struct in *in, const char *why)
{
	return refuse(in, MQTT_MALFORMED, why);
}

/* Variable Byte Integer, MQTT 5 1.5.5: at most four bytes, shortest form. */
static uint32_t read_var(struct rd *r)
{
	uint32_t value = 0;

	for (unsigned shift = 0; shift <= 21; shift += 7) {
		uint8_t byte = rd_u8(r);
		value |= (uint32_t)(byte & 0x7f) << shift;
		if (byte & 0x80)
			continue;
		if (byte == 0 && shift > 0)
			rd_fail(r);
		return value;
	}
	rd_fail(r);
	return 0;
}

static size_t var_len(uint32_t value)
{
	return value < 128 ? 1 : value < 16384 ? 2 : value < 2097152 ? 3 : 4;
}

static bool put_var(struct buf *out, uint32_t value)
{
	uint8_t bytes[4];
	size_t len = 0;

	do {
		bytes[len] = (uint8_t)(value & 0x7f);
		value >>= 7;
		if (value)
			bytes[len] |= 0x80;
		len++;
	} while (value && len < sizeof(bytes));
	return buf_put(out, bytes, len);
}

/* ---- frames ---- */

/* MQTT 5 2.1.3: flags of the fixed header. */
static bool flags_ok(uint8_t first)
{
	uint8_t flags = first & 0x0f;

	switch (first >> 4) {
	case MQTT_PUBLISH:
		return (flags & 6) != 6 && (flags & 0x0e) != 8; /* QoS 3; DUP with QoS 0 */
	case MQTT_PUBREL:
	case MQTT_SUBSCRIBE:
	case MQTT_UNSUBSCRIBE:
		return flags == 2;
	default:
		return flags == 0;
	}
}

static enum mqtt_frame frame_bad(uint8_t reason, uint8_t *out_reason, struct err *e,
				 const char *why)
{
	*out_reason = reason;
	(void)err_set(e, ERR_INPUT, "%s", why);
	return MQTT_BAD;
}

enum mqtt_frame mqtt_frame(struct bytes in, const struct mqtt_limits *limits, size_t *out_len,
			   uint8_t *out_reason, struct err *e)
{
	uint32_t remaining = 0;
	size_t at = 1;

	if (in.len == 0)
		return MQTT_MORE;
	if (in.ptr[0] >> 4 == MQTT_RESERVED || !flags_ok(in.ptr[0]))
		return frame_bad(MQTT_MALFORMED, out_reason, e,
				 "fixed header is not one of MQTT's (2.1)");
	for (unsigned shift = 0;; shift += 7) {
		if (at >= in.len)
			return MQTT_MORE;
		uint8_t byte = in.ptr[at++];
		if ((shift == 21 && (byte & 0x80)) || (byte == 0 && shift > 0))
			return frame_bad(MQTT_MALFORMED, out_reason, e,
					 "remaining length is malformed (1.5.5)");
		remaining |= (uint32_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			break;
	}
	if (limits->packet_bytes && at + remaining > limits->packet_bytes)
		return frame_bad(MQTT_TOO_LARGE, out_reason, e, "packet is over the size limit");
	*out_len = at + remaining;
	return in.len < *out_len ? MQTT_MORE : MQTT_WHOLE;
}

/* ---- properties ---- */

enum prop_kind {
	PROP_NONE,
	PROP_BOOL,
	PROP_BYTE,
	PROP_U16,
	PROP_U32,
	PROP_VAR,
	PROP_TEXT,
	PROP_BYTES,
	PROP_PAIR
};

#define IN(type) (1u << (type))
#define ACKS                                                                                       \
	(IN(MQTT_CONNACK) | IN(MQTT_PUBACK) | IN(MQTT_PUBREC) | IN(MQTT_PUBREL) |                  \
	 IN(MQTT_PUBCOMP) | IN(MQTT_SUBACK) | IN(MQTT_UNSUBACK) | IN(MQTT_DISCONNECT) |            \
	 IN(MQTT_AUTH))

/* MQTT 5 2.2.2.2, table 2-4. */
static const struct {
	enum prop_kind kind;
	uint32_t where; /* packets it may be in */
	bool not_zero;
} prop_table[] = {
	[MQTT_P_FORMAT] = { PROP_BOOL, IN(MQTT_PUBLISH) | IN(WILL), false },
	[MQTT_P_MESSAGE_EXPIRY] = { PROP_U32, IN(MQTT_PUBLISH) | IN(WILL), false },
	[MQTT_P_CONTENT_TYPE] = { PROP_TEXT, IN(MQTT_PUBLISH) | IN(WILL), false },
	[MQTT_P_RESPONSE_TOPIC] = { PROP_TEXT, IN(MQTT_PUBLISH) | IN(WILL), false },
	[MQTT_P_CORRELATION] = { PROP_BYTES, IN(MQTT_PUBLISH) | IN(WILL), false },
	[MQTT_P_SUBSCRIPTION_ID] = { PROP_VAR, IN(MQTT_PUBLISH) | IN(MQTT_SUBSCRIBE), true },
	[MQTT_P_SESSION_EXPIRY] = { PROP_U32,
				    IN(MQTT_CONNECT) | IN(MQTT_CONNACK) | IN(MQTT_DISCONNECT),
				    false },
	[MQTT_P_ASSIGNED_CLIENT_ID] = { PROP_TEXT, IN(MQTT_CONNACK), false },
	[MQTT_P_SERVER_KEEP_ALIVE] = { PROP_U16, IN(MQTT_CONNACK), false },
	[MQTT_P_AUTH_METHOD] = { PROP_TEXT, IN(MQTT_CONNECT) | IN(MQTT_CONNACK) | IN(MQTT_AUTH),
				 false },
	[MQTT_P_AUTH_DATA] = { PROP_BYTES, IN(MQTT_CONNECT) | IN(MQTT_CONNACK) | IN(MQTT_AUTH),
			       false },
	[MQTT_P_REQUEST_PROBLEM] = { PROP_BOOL, IN(MQTT_CONNECT), false },
	[MQTT_P_WILL_DELAY] = { PROP_U32, IN(WILL), false },
	[MQTT_P_REQUEST_RESPONSE] = { PROP_BOOL, IN(MQTT_CONNECT), false },
	[MQTT_P_RESPONSE_INFORMATION] = { PROP_TEXT, IN(MQTT_CONNACK), false },
	[MQTT_P_SERVER_REFERENCE] = { PROP_TEXT, IN(MQTT_CONNACK) | IN(MQTT_DISCONNECT), false },
	[MQTT_P_REASON] = { PROP_TEXT, ACKS, false },
	[MQTT_P_RECEIVE_MAXIMUM] = { PROP_U16, IN(MQTT_CONNECT) | IN(MQTT_CONNACK), true },
	[MQTT_P_ALIAS_MAXIMUM] = { PROP_U16, IN(MQTT_CONNECT) | IN(MQTT_CONNACK), false },
	[MQTT_P_ALIAS] = { PROP_U16, IN(MQTT_PUBLISH), true },
	[MQTT_P_MAXIMUM_QOS] = { PROP_BOOL, IN(MQTT_CONNACK), false },
	[MQTT_P_RETAIN_AVAILABLE] = { PROP_BOOL, IN(MQTT_CONNACK), false },
	[MQTT_P_USER] = { PROP_PAIR,
			  ACKS | IN(MQTT_CONNECT) | IN(MQTT_PUBLISH) | IN(WILL) |
				  IN(MQTT_SUBSCRIBE) | IN(MQTT_UNSUBSCRIBE),
			  false },
	[MQTT_P_MAXIMUM_PACKET] = { PROP_U32, IN(MQTT_CONNECT) | IN(MQTT_CONNACK), true },
	[MQTT_P_WILDCARD_AVAILABLE] = { PROP_BOOL, IN(MQTT_CONNACK), false },
	[MQTT_P_SUBSCRIPTION_ID_AVAILABLE] = { PROP_BOOL, IN(MQTT_CONNACK), false },
	[MQTT_P_SHARED_AVAILABLE] = { PROP_BOOL, IN(MQTT_CONNACK), false },
};

static enum prop_kind prop_kind(uint32_t id)
{
	return id < countof(prop_table) ? prop_table[id].kind : PROP_NONE;
}

static void prop_value(struct rd *r, enum prop_kind kind, struct mqtt_prop *out)
{
	switch (kind) {
	case PROP_BOOL:
	case PROP_BYTE:
		out->number = rd_u8(r);
		break;
	case PROP_U16:
		out->number = rd_u16(r);
		break;
	case PROP_U32:
		out->number = rd_u32(r);
		break;
	case PROP_VAR:
		out->number = read_var(r);
		break;
	case PROP_TEXT:
	case PROP_BYTES:
		out->text = rd_str16(r);
		break;
	case PROP_PAIR:
		out->text = rd_str16(r);
		out->value = rd_str16(r);
		break;
	case PROP_NONE:
		rd_fail(r);
		break;
	}
}

static void prop_read(struct rd *r, struct mqtt_prop *out)
{
	*out = (struct mqtt_prop){ 0 };
	uint32_t id = read_var(r);
	prop_value(r, prop_kind(id), out);
	out->id = (uint8_t)id;
}

bool mqtt_prop_next(struct bytes *props, struct mqtt_prop *out)
{
	struct rd r = rd_of(*props);

	if (props->len == 0)
		return false;
	prop_read(&r, out);
	*props = rd_rest(&r);
	return rd_ok(&r);
}

bool mqtt_prop_find(struct bytes props, uint8_t id, struct mqtt_prop *out)
{
	while (mqtt_prop_next(&props, out))
		if (out->id == id)
			return true;
	*out = (struct mqtt_prop){ 0 };
	return false;
}

/* MQTT 5 1.5.4: UTF-8 without NUL; surrogates are not UTF-8. */
static bool text_ok(struct str s)
{
	return str_is_utf8(s) && !str_has(s, '\0');
}

static bool prop_ok(struct in *in, const struct mqtt_prop *p, enum mqtt_type where)
{
	enum prop_kind kind = prop_kind(p->id);

	if (p->id >= countof(prop_table) || !(prop_table[p->id].where & IN(where)))
		return refuse(in, MQTT_PROTOCOL_ERROR, "a property is in the wrong packet (2.2.2)");
	if (kind == PROP_BOOL && p->number > 1)
		return refuse(in, MQTT_PROTOCOL_ERROR, "a property is neither 0 nor 1 (2.2.2)");
	if (prop_table[p->id].not_zero && p->number == 0)
		return refuse(in, p->id == MQTT_P_ALIAS ? MQTT_BAD_ALIAS : MQTT_PROTOCOL_ERROR,
			      "a property that may not be zero is (2.2.2)");
	if ((kind == PROP_TEXT || kind == PROP_PAIR) && (!text_ok(p->text) || !text_ok(p->value)))
		return malformed(in, "a property is not UTF-8 (1.5.4)");
	if (p->id == MQTT_P_RESPONSE_TOPIC && (p->text.len == 0 || topic_has_wildcard(p->text)))
		return refuse(in, MQTT_PROTOCOL_ERROR, "response topic is not a topic (3.3.2.3.5)");
	return true;
}

static bool may_repeat(uint8_t id, enum mqtt_type where)
{
	return id == MQTT_P_USER || (id == MQTT_P_SUBSCRIPTION_ID && where == MQTT_PUBLISH);
}

static bool props_check(struct in *in, struct bytes props, enum mqtt_type where)
{
	struct rd r = rd_of(props);
	uint64_t seen = 0;
	size_t count = 0;

	while (r.len > 0) {
		struct mqtt_prop p;
		prop_read(&r, &p);
		if (!rd_ok(&r))
			return malformed(in, "properties are malformed (2.2.2)");
		if (!prop_ok(in, &p, where))
			return false;
		if (++count > in->limits->props)
			return refuse(in, MQTT_QUOTA, "too many properties");
		if ((seen & 1ull << p.id) && !may_repeat(p.id, where))
			return refuse(in, MQTT_PROTOCOL_ERROR, "a property is there twice (2.2.2)");
		seen |= 1ull << p.id;
	}
	if ((seen & 1ull << MQTT_P_AUTH_DATA) && !(seen & 1ull << MQTT_P_AUTH_METHOD))
		return refuse(in, MQTT_PROTOCOL_ERROR, "authentication data without a method");
	return true;
}

/* The property block of an MQTT 5 packet; nothing in 3.1.1. */
static bool read_props(struct in *in, enum mqtt_type where, struct bytes *out)
{
	if (in->version != MQTT_V5)
		return true;
	uint32_t len = read_var(&in->r);
	*out = rd_take(&in->r, len);
	if (!rd_ok(&in->r))
		return malformed(in, "properties run past the packet (2.2.2)");
	return props_check(in, *out, where);
}

bool mqtt_prop_put(struct buf *out, const struct mqtt_prop *p)
{
	uint8_t n[] = { (uint8_t)(p->number >> 24), (uint8_t)(p->number >> 16),
			(uint8_t)(p->number >> 8), (uint8_t)p->number };
	uint8_t len[] = { (uint8_t)(p->text.len >> 8), (uint8_t)p->text.len,
			  (uint8_t)(p->value.len >> 8), (uint8_t)p->value.len };
	enum prop_kind kind = prop_kind(p->id);

	if (p->text.len > UINT16_MAX || p->value.len > UINT16_MAX || !buf_put(out, &p->id, 1))
		return false;
	switch (kind) {
	case PROP_BOOL:
	case PROP_BYTE:
		return buf_put(out, n + 3, 1);
	case PROP_U16:
		return buf_put(out, n + 2, 2);
	case PROP_U32:
		return buf_put(out, n, 4);
	case PROP_VAR:
		return put_var(out, p->number);
	case PROP_TEXT:
	case PROP_BYTES:
		return buf_put(out, len, 2) && buf_puts(out, p->text);
	case PROP_PAIR:
		return buf_put(out, len, 2) && buf_puts(out, p->text) && buf_put(out, len + 2, 2) &&
		       buf_puts(out, p->value);
	case PROP_NONE:
		break;
	}
	return false;
}

/* ---- packets, read ---- */

static bool read_will(struct in *in, uint8_t flags, struct mqtt_packet *p)
{
	struct err ignored;

	p->has_will = true;
	p->will.qos = (flags >> 3) & 3;
	p->will.retain = (flags & 0x20) != 0;
	if (!read_props(in, WILL, &p->will.props))
		return false;
	p->will.topic = rd_str16(&in->r);
	p->will.payload = rd_bytes16(&in->r);
	if (!rd_ok(&in->r))
		return malformed(in, "will runs past the packet (3.1.3)");
	return topic_name_ok(p->will.topic, &ignored) ||
	       refuse(in, MQTT_BAD_TOPIC, "will topic is not a topic (3.1.3.3)");
}

/* MQTT 5 3.1.2.3: what the flags may not say. */
static bool connect_flags_ok(struct in *in, uint8_t flags)
{
	bool has_will = (flags & 4) != 0;

	if (flags & 1)
		return malformed(in, "a reserved connect flag is set (3.1.2.3)");
	if ((flags & 0x18) == 0x18 || (!has_will && (flags & 0x38)))
		return malformed(in, "will flags contradict each other (3.1.2)");
	if (in->version == MQTT_V311 && (flags & 0xc0) == 0x40)
		return malformed(in, "a password without a user name (3.1.1: 3.1.2.9)");
	return true;
}

static bool read_connect_head(struct in *in, uint8_t *out_flags)
{
	struct str protocol = rd_str16(&in->r);
	uint8_t level = rd_u8(&in->r);

	*out_flags = rd_u8(&in->r);
	if (!rd_ok(&in->r))
		return malformed(in, "CONNECT is cut short (3.1)");
	if (!str_eq(protocol, STR("MQTT")) && !str_eq(protocol, STR("MQIsdp")))
		return refuse(in, MQTT_BAD_VERSION, "protocol name is not MQTT (3.1.2.1)");
	if (str_eq(protocol, STR("MQIsdp")) || (level != MQTT_V311 && level != MQTT_V5))
		return refuse(in, MQTT_BAD_VERSION, "protocol version is neither 3.1.1 nor 5");
	in->version = (enum mqtt_version)level;
	return connect_flags_ok(in, *out_flags);
}

static bool read_connect(struct in *in, struct mqtt_packet *p)
{
	uint8_t flags;

	if (!read_connect_head(in, &flags))
		return false;
	p->version = in->version;
	p->clean = (flags & 2) != 0;
	p->keep_alive_s = rd_u16(&in->r);
	if (!read_props(in, MQTT_CONNECT, &p->props))
		return false;
	p->client_id = rd_str16(&in->r);
	if ((flags & 4) && !read_will(in, flags, p))
		return false;
	p->has_username = (flags & 0x80) != 0;
	p->has_password = (flags & 0x40) != 0;
	if (p->has_username)
		p->username = rd_str16(&in->r);
	if (p->has_password)
		p->password = rd_bytes16(&in->r);
	if (!rd_end(&in->r))
		return malformed(in, "CONNECT has another length than its fields (3.1)");
	return (text_ok(p->client_id) && text_ok(p->username)) ||
	       malformed(in, "client identifier or user name is not UTF-8 (1.5.4)");
}

static bool read_connack(struct in *in, struct mqtt_packet *p)
{
	uint8_t flags = rd_u8(&in->r);

	p->reason = rd_u8(&in->r);
	p->session_present = (flags & 1) != 0;
	if (flags > 1 || !rd_ok(&in->r))
		return malformed(in, "CONNACK is malformed (3.2.2)");
	return read_props(in, MQTT_CONNACK, &p->props);
}

static bool read_publish(struct in *in, struct mqtt_packet *p)
{
	struct mqtt_prop alias;
	struct err ignored;

	p->topic = rd_str16(&in->r);
	if (p->qos > 0)
		p->id = rd_u16(&in->r);
	if (!rd_ok(&in->r) || (p->qos > 0 && p->id == 0))
		return malformed(in, "PUBLISH is cut short, or its packet identifier is 0 (2.2.1)");
	if (!read_props(in, MQTT_PUBLISH, &p->props))
		return false;
	p->payload = rd_rest(&in->r);
	if (p->topic.len == 0 && mqtt_prop_find(p->props, MQTT_P_ALIAS, &alias))
		return true;
	if (p->topic.len == 0)
		return refuse(in, MQTT_PROTOCOL_ERROR, "topic is empty, with no alias (3.3.2.1)");
	if (topic_has_wildcard(p->topic))
		return refuse(in, MQTT_BAD_TOPIC, "topic has a wildcard (3.3.2.1)");
	return topic_name_ok(p->topic, &ignored) || malformed(in, "topic is not UTF-8 (1.5.4)");
}

/* PUBACK, PUBREC, PUBREL, PUBCOMP: MQTT 5 may leave out code and properties (3.4.2). */
static bool read_ack(struct in *in, struct mqtt_packet *p)
{
	p->id = rd_u16(&in->r);
	if (!rd_ok(&in->r) || p->id == 0)
		return malformed(in, "packet identifier is missing or 0 (2.2.1)");
	if (in->version == MQTT_V5 && in->r.len > 0)
		p->reason = rd_u8(&in->r);
	return in->version != MQTT_V5 || in->r.len == 0 || read_props(in, p->type, &p->props);
}

static bool filter_read(struct rd *r, enum mqtt_type type, struct mqtt_filter *out)
{
	out->text = rd_str16(r);
	out->options = type == MQTT_SUBSCRIBE ? rd_u8(r) : 0;
	return rd_ok(r);
}

/* MQTT 5 3.8.3.1: QoS 0-2, retain handling 0-2, no reserved bits; 3.1.1 has QoS alone. */
static bool options_ok(const struct in *in, const struct mqtt_filter *f)
{
	uint8_t reserved = in->version == MQTT_V5 ? 0xc0 : 0xfc;
	bool no_local = (f->options & 4) != 0;

	if ((f->options & reserved) || (f->options & 3) == 3 || (f->options & 0x30) == 0x30)
		return false;
	return !no_local || !str_starts(f->text, STR("$share/"));
}

static bool read_filters(struct in *in, struct mqtt_packet *p)
{
	struct err ignored;
	struct mqtt_filter f;
	size_t count = 0;

	p->id = rd_u16(&in->r);
	if (!rd_ok(&in->r) || p->id == 0)
		return malformed(in, "packet identifier is missing or 0 (2.2.1)");
	if (!read_props(in, p->type, &p->props))
		return false;
	p->list = bytes_of(in->r.ptr, in->r.len);
	while (in->r.len > 0) {
		if (!filter_read(&in->r, p->type, &f))
			return malformed(in, "filters run past the packet (3.8.3)");
		if (++count > in->limits->filters)
			return refuse(in, MQTT_QUOTA, "too many filters in one packet");
		if (!topic_filter_ok(f.text, &ignored))
			return refuse(in, MQTT_BAD_FILTER, "not a topic filter (4.7)");
		if (!options_ok(in, &f))
			return refuse(in, MQTT_PROTOCOL_ERROR, "subscription options (3.8.3.1)");
	}
	return count > 0 || refuse(in, MQTT_PROTOCOL_ERROR, "no filter at all (3.8.3)");
}

static bool read_codes(struct in *in, struct mqtt_packet *p)
{
	p->id = rd_u16(&in->r);
	if (!rd_ok(&in->r) || p->id == 0)
		return malformed(in, "packet identifier is missing or 0 (2.2.1)");
	if (!read_props(in, p->type, &p->props))
		return false;
	p->list = rd_rest(&in->r);
	if (p->type == MQTT_UNSUBACK && in->version == MQTT_V311)
		return p->list.len == 0 || malformed(in, "UNSUBACK has a payload (3.11)");
	return p->list.len > 0 || malformed(in, "no reason code at all (3.9.3)");
}

static bool read_nothing(struct in *in, struct mqtt_packet *p)
{
	(void)in;
	(void)p;
	return true;
}

/* DISCONNECT and AUTH: MQTT 5 may leave out code and properties (3.14.2, 3.15.2). */
static bool read_end(struct in *in, struct mqtt_packet *p)
{
	if (in->version != MQTT_V5 || in->r.len == 0)
		return true;
	p->reason = rd_u8(&in->r);
	return in->r.len == 0 || read_props(in, p->type, &p->props);
}

static bool read_auth(struct in *in, struct mqtt_packet *p)
{
	if (in->version != MQTT_V5)
		return malformed(in, "AUTH is not of 3.1.1");
	return read_end(in, p);
}

static bool (*const readers[MQTT_TYPES])(struct in *, struct mqtt_packet *) = {
	[MQTT_CONNECT] = read_connect,  [MQTT_CONNACK] = read_connack,
	[MQTT_PUBLISH] = read_publish,  [MQTT_PUBACK] = read_ack,
	[MQTT_PUBREC] = read_ack,       [MQTT_PUBREL] = read_ack,
	[MQTT_PUBCOMP] = read_ack,      [MQTT_SUBSCRIBE] = read_filters,
	[MQTT_SUBACK] = read_codes,     [MQTT_UNSUBSCRIBE] = read_filters,
	[MQTT_UNSUBACK] = read_codes,   [MQTT_PINGREQ] = read_nothing,
	[MQTT_PINGRESP] = read_nothing, [MQTT_DISCONNECT] = read_end,
	[MQTT_AUTH] = read_auth,
};

bool mqtt_read(struct bytes frame, enum mqtt_version version, const struct mqtt_limits *limits,
	       struct mqtt_packet *out, uint8_t *out_reason, struct err *e)
{
	struct in in = { .version = version, .limits = limits, .out_reason = out_reason, .e = e };
	size_t len = 0;

	*out = (struct mqtt_packet){ 0 };
	enum mqtt_frame got = mqtt_frame(frame, limits, &len, out_reason, e);
	if (got == MQTT_BAD)
		return false;
	if (got == MQTT_MORE || len != frame.len)
		return malformed(&in, "not one whole packet");
	in.r = rd_of(frame);
	uint8_t first = rd_u8(&in.r);
	(void)read_var(&in.r);
	out->type = (enum mqtt_type)(first >> 4);
	out->version = version;
	out->dup = out->type == MQTT_PUBLISH && (first & 8);
	out->retain = out->type == MQTT_PUBLISH && (first & 1);
	out->qos = out->type == MQTT_PUBLISH ? (first >> 1) & 3 : 0;
	if (!readers[out->type](&in, out))
		return err_in(e, "%s", mqtt_type_name((uint8_t)out->type));
	if (!rd_end(&in.r)) {
		(void)malformed(&in, "has bytes after its end (2.1.4)");
		return err_in(e, "%s", mqtt_type_name((uint8_t)out->type));
	}
	return true;
}

bool mqtt_filter_next(const struct mqtt_packet *p, struct bytes *list, struct mqtt_filter *out)
{
	struct rd r = rd_of(*list);

	if (list->len == 0 || !filter_read(&r, p->type, out))
		return false;
	*list = rd_rest(&r);
	return true;
}

/* ---- packets, written ---- */

static bool put_u16(struct buf *out, size_t v)
{
	uint8_t b[] = { (uint8_t)(v >> 8), (uint8_t)v };

	return v <= UINT16_MAX && buf_put(out, b, 2);
}

static bool put_u8(struct buf *out, unsigned v)
{
	uint8_t b = (uint8_t)v;

	return buf_put(out, &b, 1);
}

static bool put_text(struct buf *out, struct str s)
{
	return put_u16(out, s.len) && buf_puts(out, s);
}

static bool put_bytes(struct buf *out, struct bytes b)
{
	return put_u16(out, b.len) && buf_put(out, b.ptr, b.len);
}

static bool put_props(struct buf *out, struct bytes props, enum mqtt_version version)
{
	if (version != MQTT_V5)
		return true;
	return props.len <= REMAINING_MAX && put_var(out, (uint32_t)props.len) &&
	       buf_put(out, props.ptr, props.len);
}

bool mqtt_filter_put(struct buf *out, enum mqtt_type type, const struct mqtt_filter *f)
{
	return put_text(out, f->text) && (type != MQTT_SUBSCRIBE || put_u8(out, f->options));
}

static unsigned connect_flags(const struct mqtt_packet *p)
{
	unsigned flags = (p->clean ? 2u : 0u) | (p->has_username ? 0x80u : 0u) |
			 (p->has_password ? 0x40u : 0u);

	if (p->has_will)
		flags |= 4u | (unsigned)(p->will.qos & 3) << 3 | (p->will.retain ? 0x20u : 0u);
	return flags;
}

static bool write_connect(struct buf *out, const struct mqtt_packet *p, enum mqtt_version v)
{
	bool ok = put_text(out, STR("MQTT")) && put_u8(out, v) && put_u8(out, connect_flags(p)) &&
		  put_u16(out, p->keep_alive_s) && put_props(out, p->props, v) &&
		  put_text(out, p->client_id);

	if (ok && p->has_will)
		ok = put_props(out, p->will.props, v) && put_text(out, p->will.topic) &&
		     put_bytes(out, p->will.payload);
	if (ok && p->has_username)
		ok = put_text(out, p->username);
	if (ok && p->has_password)
		ok = put_bytes(out, p->password);
	return ok;
}

static bool write_connack(struct buf *out, const struct mqtt_packet *p, enum mqtt_version v)
{
	return put_u8(out, p->session_present) && put_u8(out, p->reason) &&
	       put_props(out, p->props, v);
}

static bool write_publish(struct buf *out, const struct mqtt_packet *p, enum mqtt_version v)
{
	return put_text(out, p->topic) && (p->qos == 0 || put_u16(out, p->id)) &&
	       put_props(out, p->props, v) && buf_put(out, p->payload.ptr, p->payload.len);
}

/* The short forms of MQTT 5 3.4.2.1 and 3.14.2.1: nothing to say is not said. */
static bool write_code(struct buf *out, const struct mqtt_packet *p, enum mqtt_version v)
{
	if (v != MQTT_V5 || (p->reason == 0 && p->props.len == 0))
		return true;
	return put_u8(out, p->reason) && (p->props.len == 0 || put_props(out, p->props, v));
}

static bool write_ack(struct buf *out, const struct mqtt_packet *p, enum mqtt_version v)
{
	return put_u16(out, p->id) && write_code(out, p, v);
}

static bool write_list(struct buf *out, const struct mqtt_packet *p, enum mqtt_version v)
{
	return put_u16(out, p->id) && put_props(out, p->props, v) &&
	       buf_put(out, p->list.ptr, p->list.len);
}

static bool write_nothing(struct buf *out, const struct mqtt_packet *p, enum mqtt_version v)
{
	(void)out;
	(void)p;
	(void)v;
	return true;
}

static bool (*const writers[MQTT_TYPES])(struct buf *, const struct mqtt_packet *,
					 enum mqtt_version) = {
	[MQTT_CONNECT] = write_connect,  [MQTT_CONNACK] = write_connack,
	[MQTT_PUBLISH] = write_publish,  [MQTT_PUBACK] = write_ack,
	[MQTT_PUBREC] = write_ack,       [MQTT_PUBREL] = write_ack,
	[MQTT_PUBCOMP] = write_ack,      [MQTT_SUBSCRIBE] = write_list,
	[MQTT_SUBACK] = write_list,      [MQTT_UNSUBSCRIBE] = write_list,
	[MQTT_UNSUBACK] = write_list,    [MQTT_PINGREQ] = write_nothing,
	[MQTT_PINGRESP] = write_nothing, [MQTT_DISCONNECT] = write_code,
	[MQTT_AUTH] = write_code,
};

static unsigned first_byte(const struct mqtt_packet *p)
{
	unsigned type = (unsigned)p->type << 4;

	switch (p->type) {
	case MQTT_PUBLISH:
		return type | (p->dup ? 8u : 0u) | (unsigned)(p->qos & 3) << 1 |
		       (p->retain ? 1u : 0u);
	case MQTT_PUBREL:
	case MQTT_SUBSCRIBE:
	case MQTT_UNSUBSCRIBE:
		return type | 2;
	default:
		return type;
	}
}

bool mqtt_write(struct buf *out, const struct mqtt_packet *p, enum mqtt_version version)
{
	enum { ROOM = 5 }; /* type, and the longest remaining length */
	size_t start = out->len;

	if (p->type == MQTT_RESERVED || p->type >= MQTT_TYPES || !buf_put(out, "\0\0\0\0\0", ROOM))
		return false;
	if (!writers[p->type](out, p, version) || out->len - start - ROOM > REMAINING_MAX) {
		out->len = start;
		return false;
	}
	uint32_t len = (uint32_t)(out->len - start - ROOM);
	size_t head = 1 + var_len(len);
	memmove(out->ptr + start + head, out->ptr + start + ROOM, len);
	out->len = start;
	return put_u8(out, first_byte(p)) && put_var(out, len) && (out->len += len, true);
}
