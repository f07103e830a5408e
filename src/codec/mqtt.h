/* mqtt.h - MQTT packets, 3.1.1 and 5: bytes to values and back.
 *
 * Pull readers over bounded buffers: nothing is allocated, every view points into
 * the bytes given, and a length is believed only when its bytes are there.  What
 * mqtt_read accepts is whole and well formed for its version (MQTT 5 chapters 1-3,
 * MQTT 3.1.1 chapters 2-3): lists and properties can be walked without checks.
 * A packet that is refused carries the reason code to close with.
 *
 * A proxy forwards the frame as it came, or changes fields of the packet and
 * writes it anew; mqtt_write(mqtt_read(x)) means the same as x.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

enum mqtt_type {
	MQTT_RESERVED, /* never valid on the wire */
	MQTT_CONNECT,
	MQTT_CONNACK,
	MQTT_PUBLISH,
	MQTT_PUBACK,
	MQTT_PUBREC,
	MQTT_PUBREL,
	MQTT_PUBCOMP,
	MQTT_SUBSCRIBE,
	MQTT_SUBACK,
	MQTT_UNSUBSCRIBE,
	MQTT_UNSUBACK,
	MQTT_PINGREQ,
	MQTT_PINGRESP,
	MQTT_DISCONNECT,
	MQTT_AUTH, /* MQTT 5 only */
	MQTT_TYPES,
};

enum mqtt_version { MQTT_V311 = 4, MQTT_V5 = 5 };

/* Reason codes we speak ourselves (MQTT 5 2.4). */
enum mqtt_reason {
	MQTT_OK = 0x00,
	MQTT_NO_SUBSCRIBERS = 0x10,
	MQTT_UNSPECIFIED = 0x80,
	MQTT_MALFORMED = 0x81,
	MQTT_PROTOCOL_ERROR = 0x82,
	MQTT_BAD_VERSION = 0x84,
	MQTT_BAD_CLIENT_ID = 0x85,
	MQTT_NOT_AUTHORIZED = 0x87,
	MQTT_UNAVAILABLE = 0x88,
	MQTT_BUSY = 0x89,
	MQTT_KEEP_ALIVE_TIMEOUT = 0x8d,
	MQTT_TAKEN_OVER = 0x8e,
	MQTT_BAD_FILTER = 0x8f,
	MQTT_BAD_TOPIC = 0x90,
	MQTT_ID_NOT_FOUND = 0x92,
	MQTT_RECEIVE_MAXIMUM = 0x93,
	MQTT_BAD_ALIAS = 0x94,
	MQTT_TOO_LARGE = 0x95,
	MQTT_RATE_TOO_HIGH = 0x96,
	MQTT_QUOTA = 0x97,
	MQTT_ADMINISTRATIVE = 0x98,
	MQTT_NO_SHARED = 0x9e,
};

/* CONNACK return codes of 3.1.1 (3.2.2.3). */
enum mqtt_return {
	MQTT_RETURN_ACCEPTED,
	MQTT_RETURN_BAD_VERSION,
	MQTT_RETURN_BAD_CLIENT_ID,
	MQTT_RETURN_UNAVAILABLE,
	MQTT_RETURN_BAD_USER,
	MQTT_RETURN_NOT_AUTHORIZED,
};

enum mqtt_prop_id {
	MQTT_P_FORMAT = 1,
	MQTT_P_MESSAGE_EXPIRY = 2,
	MQTT_P_CONTENT_TYPE = 3,
	MQTT_P_RESPONSE_TOPIC = 8,
	MQTT_P_CORRELATION = 9,
	MQTT_P_SUBSCRIPTION_ID = 11,
	MQTT_P_SESSION_EXPIRY = 17,
	MQTT_P_ASSIGNED_CLIENT_ID = 18,
	MQTT_P_SERVER_KEEP_ALIVE = 19,
	MQTT_P_AUTH_METHOD = 21,
	MQTT_P_AUTH_DATA = 22,
	MQTT_P_REQUEST_PROBLEM = 23,
	MQTT_P_WILL_DELAY = 24,
	MQTT_P_REQUEST_RESPONSE = 25,
	MQTT_P_RESPONSE_INFORMATION = 26,
	MQTT_P_SERVER_REFERENCE = 28,
	MQTT_P_REASON = 31,
	MQTT_P_RECEIVE_MAXIMUM = 33,
	MQTT_P_ALIAS_MAXIMUM = 34,
	MQTT_P_ALIAS = 35,
	MQTT_P_MAXIMUM_QOS = 36,
	MQTT_P_RETAIN_AVAILABLE = 37,
	MQTT_P_USER = 38,
	MQTT_P_MAXIMUM_PACKET = 39,
	MQTT_P_WILDCARD_AVAILABLE = 40,
	MQTT_P_SUBSCRIPTION_ID_AVAILABLE = 41,
	MQTT_P_SHARED_AVAILABLE = 42,
};

struct mqtt_prop {
	uint8_t id;       /* enum mqtt_prop_id */
	uint32_t number;  /* for those that are numbers */
	struct str text;  /* for those that are text or bytes; the name of a user property */
	struct str value; /* of a user property */
};

struct mqtt_will {
	struct str topic;
	struct bytes payload;
	struct bytes props;
	uint8_t qos;
	bool retain;
};

struct mqtt_packet {
	enum mqtt_type type;
	uint8_t qos; /* PUBLISH */
	bool dup, retain;
	struct str topic; /* PUBLISH; empty when an alias stands for it */
	struct bytes payload;
	uint16_t id;          /* packet identifier, where the type has one */
	uint8_t reason;       /* CONNACK, PUBACK-PUBCOMP, DISCONNECT, AUTH */
	bool session_present; /* CONNACK */
	struct bytes props;   /* checked; walk with mqtt_prop_next */
	struct bytes list;    /* SUBSCRIBE, UNSUBSCRIBE: filters; SUBACK, UNSUBACK: codes */

	/* CONNECT */
	enum mqtt_version version;
	bool clean, has_username, has_password, has_will;
	uint16_t keep_alive_s;
	struct str client_id, username;
	struct bytes password;
	struct mqtt_will will;
};

struct mqtt_filter {
	struct str text;
	uint8_t options; /* SUBSCRIBE: QoS in bits 0-1; MQTT 5 adds no-local, retain handling */
};

struct mqtt_limits {
	uint32_t packet_bytes; /* whole packet; 0 is the format's own 268435460 */
	uint16_t props;        /* in one packet, user properties included; 0 is none allowed */
	uint16_t filters;      /* in one SUBSCRIBE or UNSUBSCRIBE */
};

enum mqtt_frame { MQTT_BAD, MQTT_MORE, MQTT_WHOLE }; /* zero is the safe value */

/* Is there one whole packet at the start of `in`?  *out_len is its length (WHOLE).
 * BAD comes at the first byte that cannot be right; *out_reason says which code. */
enum mqtt_frame mqtt_frame(struct bytes in, const struct mqtt_limits *limits, size_t *out_len,
			   uint8_t *out_reason, struct err *e);

/* Reads one whole frame.  `version` is the connection's; a CONNECT states its own.
 * On failure *out_reason is the reason code to close with. */
bool mqtt_read(struct bytes frame, enum mqtt_version version, const struct mqtt_limits *limits,
	       struct mqtt_packet *out, uint8_t *out_reason, struct err *e);
/* Appends one packet; false when it does not fit in the buffer or the format. */
bool mqtt_write(struct buf *out, const struct mqtt_packet *p, enum mqtt_version version);

/* Walks checked properties and lists: takes one off the front, false at the end. */
bool mqtt_prop_next(struct bytes *props, struct mqtt_prop *out);
bool mqtt_prop_find(struct bytes props, uint8_t id, struct mqtt_prop *out);
bool mqtt_prop_put(struct buf *out, const struct mqtt_prop *prop);
bool mqtt_filter_next(const struct mqtt_packet *p, struct bytes *list, struct mqtt_filter *out);
bool mqtt_filter_put(struct buf *out, enum mqtt_type, const struct mqtt_filter *f);

const char *mqtt_type_name(uint8_t type);     /* "PUBLISH", ...; "reserved" outside */
const char *mqtt_reason_name(uint8_t reason); /* "not authorized", ...; "reason" outside */
