/* relay.h - the room that faces devices: what its files share.
 *
 *	main.c     listener, what link says, the clock's work
 *	state.c    policy set, world, revoked certificates, age of it all
 *	judge.c    one decision: cache, record, hold-off
 *	session.c  a session's life: accept, dial, cut, end
 *	down.c     packets of the client
 *	up.c       packets of the broker
 *	order.c    acknowledgements in order
 *	subs.c     subscriptions: granted, refused, taken back, given again
 *
 * One thread, one loop.  A session owns its two streams; relay owns the sessions.
 */
#pragma once

#include "base/log.h"
#include "base/map.h"
#include "codec/mqtt.h"
#include "gateway/settings.h"
#include "gateway/walls.h"
#include "model/decision.h"
#include "model/policy.h"
#include "net/addr.h"
#include "net/stream.h"
#include "sys/ipc.h"
#include "sys/loop.h"

struct key;
struct session;
struct tls_ctx;

enum {
	ALIASES = 16,       /* topic aliases each way */
	IN_FLIGHT = 1024,   /* packet ids a client may have open */
	CACHE_MAX = 4096,   /* decisions kept per session */
	RESIDUALS_MAX = 64, /* of them with what remains of the policies */
	NAME_ROOM = 160,    /* "device/<63>/workload/<63>" */
};

struct relay {
	struct loop *loop;
	struct settings set;
	struct mqtt_limits limits;
	struct addr upstream;
	struct ipc *link;
	int listener;
	struct watch *accepting;
	struct timer *tick, *hourly;
	struct key *key;
	struct tls_ctx *tls;

	struct world *world;
	struct policy *policy;
	struct map *revoked; /* serial -> int64_t, ms from which TLS refuses it */
	struct map *seen;    /* principals since GATE_BEGIN; NULL outside */
	struct map *touched; /* principals that changed in this turn */
	bool all_touched;    /* policy, revocation, age: everybody's matter */
	uint64_t epoch;      /* grows with what all_touched says; the world has its own */
	int64_t vouched_ms;  /* monotonic; INT64_MIN: never */
	enum policy_age age;
	bool has_state; /* link said all it knows, be it nothing */

	struct session *sessions; /* list */
	struct map *by_client;    /* client id -> session */
	struct map *holds;        /* client id -> struct hold */
	size_t shaking;           /* handshakes in flight */
	uint64_t counter;         /* of decision ids */
	struct gate_counters counters;
	struct arena *work; /* of one decision's explanation */
};

enum session_state {
	SESSION_HELLO,   /* TLS done or not; waits for CONNECT */
	SESSION_DIALING, /* authorised; the broker is being called */
	SESSION_OPENING, /* waits for CONNACK */
	SESSION_OPEN,
	SESSION_ENDING,
	SESSION_STATES,
};

struct alias {
	struct str topic; /* owned */
	bool is_known;    /* the other side has been told */
};

struct ids {
	uint16_t *at;
	size_t count, cap;
};

enum sub_state { SUB_ACTIVE, SUB_SUSPENDED };

struct sub {
	struct str text; /* as the client wrote it, $share and all; owned */
	uint8_t options;
	uint32_t subscription_id; /* 0: none */
	enum sub_state state;
	struct sub *next;
};

/* Acknowledgements that are due, oldest first: the broker's and ours. */
struct owed_line {
	struct owed *first, *last;
	size_t count;
};

/* A SUBSCRIBE of which a part went to the broker: codes of all, in the client's order. */
struct pending {
	uint16_t id;
	uint8_t codes[64];
	size_t count;
	struct pending *next;
};

struct session {
	struct relay *relay;
	struct session *next, *prev;
	struct stream *down, *up;
	enum session_state state;
	enum mqtt_version version;
	char principal[NAME_ROOM], client_id[NAME_ROOM], serial[48], source[64];
	bool clean, is_persistent, wants_reasons, has_will, id_assigned, is_shaking, hears_why;
	struct mqtt_packet will; /* topic, qos, retain, payload length only; topic owned */
	size_t will_bytes;
	uint16_t keep_alive_s; /* given to the client */
	bool keep_alive_capped;
	struct buf connect; /* the rewritten CONNECT, until it is sent */
	struct alias from_client[ALIASES + 1], from_broker[ALIASES + 1];
	uint16_t broker_aliases, client_aliases; /* maxima in force */
	struct ids in_flight;                    /* the client's own, towards the broker */
	struct owed_line owed[2];                /* for QoS 1 and QoS 2 publishes */
	struct ids refused;                      /* QoS 2 publishes ended here (3.1.1) */
	struct ids dropped;                      /* QoS 2 deliveries ended here */
	struct ids own;                          /* SUBSCRIBE and UNSUBSCRIBE we sent ourselves */
	struct sub *subs;
	size_t sub_count;
	struct pending *pending;
	struct map *cache;
	size_t residuals;   /* in it */
	int64_t recheck_ms; /* wall time at which the right to be connected may end; 0 */
	char last_denial[DECISION_ID];
	uint64_t last_denial_hash;
	int64_t last_denial_ms;
};

/* ---- state.c ---- */
bool state_identity(struct relay *r, struct bytes body, struct err *e);
bool state_policy(struct relay *r, struct bytes body, struct err *e);
bool state_principal(struct relay *r, struct bytes body, struct err *e);
bool state_gone(struct relay *r, struct bytes body, struct err *e);
bool state_revoked(struct relay *r, struct bytes body, struct err *e);
void state_forget_revoked(struct relay *r); /* those of certificates long expired */
bool state_age(struct relay *r, struct bytes body, struct err *e);
void state_begin(struct relay *r);
void state_end(struct relay *r);
enum policy_age state_age_now(const struct relay *r, int64_t *out_age_ms);

/* ---- judge.c ---- */
struct judged {
	bool allowed, by_grade;
	enum policy_effect effect;
	enum policy_cause cause;
	enum space_refusal refusal;
	char id[DECISION_ID]; /* of a denial's record */
	int64_t expires_ms;
};

struct message {
	uint32_t bytes;
	uint8_t qos;
	bool retain;
	struct str share_group;
};

void judge(struct session *s, const char *action, struct str topic, const struct message *m,
	   struct judged *out);
void judge_forget(struct session *s); /* the decisions it keeps */
int64_t hold_left_ms(struct relay *r, struct str client_id);
void hold_off(struct relay *r, struct str client_id);

/* ---- session.c ---- */
void session_accept(struct relay *r, int fd);
void session_recheck(struct session *s); /* connect and subscriptions, as things stand now */
void session_cut(struct session *s, uint8_t reason, const char *id, const char *why);
void session_end(struct session *s);                                    /* both sides, orderly */
void session_refuse(struct session *s, uint8_t reason, const char *id); /* before CONNACK */
void session_dial(struct session *s);
bool session_opened(struct session *s); /* CONNACK went down: it is live */
bool send_down(struct session *s, const struct mqtt_packet *p);
bool send_up(struct session *s, const struct mqtt_packet *p);
bool put_down(struct session *s, struct bytes frame);
bool put_up(struct session *s, struct bytes frame);
/* "d-..." as the reason string of an answer, where the client wants such. */
struct bytes reason_props(const struct session *s, const char *id, uint8_t room[64]);
bool ids_has(const struct ids *set, uint16_t id);
bool ids_add(struct ids *set, uint16_t id); /* false: full */
bool ids_take(struct ids *set, uint16_t id);
void alias_set(struct alias *a, struct str topic, bool is_known);

/* ---- down.c, up.c: one packet; false: the session was ended ---- */
bool down_packet(struct session *s, struct bytes frame);
bool up_packet(struct session *s, struct bytes frame);
/* Does the gate still grant what the client left as its will? */
bool will_allowed(struct session *s);

/* ---- order.c: of a publish with QoS 1 or 2 ---- */
bool order_forwarded(struct session *s, uint8_t qos, uint16_t id); /* false: too many */
/* Says it now, or when all before it is answered; false: the session was ended. */
bool order_refused(struct session *s, uint8_t qos, uint16_t id, uint8_t reason,
		   const char *decision);
/* The broker's PUBACK or PUBREC went down; false: the session was ended. */
bool order_answered(struct session *s, uint8_t qos, uint16_t id);
void order_free(struct session *s);

/* ---- subs.c ---- */
bool subs_subscribe(struct session *s, const struct mqtt_packet *p);
bool subs_unsubscribe(struct session *s, const struct mqtt_packet *p, struct bytes frame);
bool subs_suback(struct session *s, const struct mqtt_packet *p, struct bytes frame);
bool subs_unsuback(struct session *s, const struct mqtt_packet *p, struct bytes frame);
void subs_recheck(struct session *s);
void subs_free(struct session *s);
/* The denial, on the client's own $muster/why topic when it listens there. */
void why_tell(struct session *s, const struct decision *d);

extern const struct log_event relay_events[];
enum relay_event {
	EVENT_STARTED,
	EVENT_IDENTITY,
	EVENT_POLICY,
	EVENT_AGE,
	EVENT_OPEN,
	EVENT_REFUSED,
	EVENT_CUT,
	EVENT_CLOSED,
	EVENT_FAILED,
	EVENT_SANDBOX,
	EVENT_LINK,
};
