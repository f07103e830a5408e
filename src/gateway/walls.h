/* walls.h - what link and relay may say to each other (docs/protocols/gate-rooms.md).
 *
 * link holds what musterd said, verified; relay faces strangers and only decides.
 */
#pragma once

#include "base/cursor.h"

enum gate_msg {
	GATE_NONE,
	/* link -> relay */
	GATE_IDENTITY, /* gate_identity: certificate, key, the device CA */
	GATE_BEGIN,    /* the whole state follows; what is not in it is gone */
	GATE_END,
	GATE_POLICY,    /* JSON body of a feed entry of kind `policy` */
	GATE_PRINCIPAL, /* JSON body of kind `principal` */
	GATE_GONE,      /* str16 kind, str16 id */
	GATE_REVOKED,   /* str16 serial in lower-case hex, u64 ms of its notAfter; 0: for good */
	GATE_AGE,       /* u64: ms since musterd last vouched for the state */
	/* relay -> link */
	GATE_DECISION, /* JSON, one decision record */
	GATE_COUNTERS, /* gate_counters, once a second */
};

enum { GATE_MAX_BODY = 8 << 20 };

struct gate_identity {
	struct bytes certificate, key_pem, device_ca; /* DER, PEM, DER */
};

struct gate_counters {
	uint64_t sessions, connects, messages, deliveries, denied, cut, dropped_records;
};

void gate_identity_write(struct wr *w, const struct gate_identity *m);
bool gate_identity_read(struct bytes body, struct gate_identity *out);
void gate_counters_write(struct wr *w, const struct gate_counters *m);
bool gate_counters_read(struct bytes body, struct gate_counters *out);
