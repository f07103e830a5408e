/* link.h - the room that follows musterd: what its files share.
 *
 *	main.c      start, timers, the wall to relay
 *	identity.c  the gate's key and certificate: first enrolment, renewal
 *	follow.c    snapshot and feed over mTLS, with back-off
 *	state.c     signed lines verified, kept on disk, told to relay
 *	report.c    decisions and counters up, from a bounded spool
 */
#pragma once

#include "base/log.h"
#include "base/map.h"
#include "gateway/settings.h"
#include "gateway/walls.h"
#include "net/addr.h"
#include "net/http_client.h"
#include "sys/ipc.h"
#include "sys/loop.h"

struct est;
struct key;
struct tls_ctx;

enum { LINK_PATH = 4096, LINK_CERT = 8192, LINE_MAX_BYTES = 8 << 20 };

/* Where a stream stands: the seq of its last entry. */
struct head {
	char name[80];
	uint64_t seq;
	struct head *next;
};

struct link {
	struct loop *loop;
	struct settings set;
	struct addr enrol, control;
	struct ipc *relay;

	/* identity.c */
	struct key *key, *next_key;
	struct buf certificate, infra_ca, device_ca; /* DER; empty: not yet */
	struct tls_ctx *tls;
	struct est *est;
	struct timer *enrolling;
	struct str code_text; /* read before the sandbox */

	/* state.c */
	struct key *statements; /* the feed is signed by this one */
	uint64_t seq, highest;  /* applied; ever applied (P2) */
	struct head *heads;
	struct buf lines;   /* snapshot and entries as they came, verified: what is on disk */
	int64_t vouched_ms; /* wall time of the newest signed heartbeat */
	bool has_state;

	/* follow.c */
	struct http_client *follower;
	struct timer *again;
	int64_t wait_ms;
	struct buf part; /* a feed line that is not whole yet */
	struct err feed_error;
	bool wants_snapshot;

	/* report.c */
	struct http_client *reporter;
	struct timer *reporting;
	int spool;
	uint64_t spool_len, spool_sent, sending_to, dropped;
	bool is_reporting;
	struct gate_counters counters;
	uint64_t told_seq;
};

extern const struct log_event link_events[];
enum link_event {
	LINK_STARTED,
	LINK_ENROLLED,
	LINK_ENROL_FAILED,
	LINK_SNAPSHOT,
	LINK_REFUSED,
	LINK_LOST,
	LINK_KEPT,
	LINK_FAILED,
	LINK_SANDBOX,
	LINK_REPORT,
	LINK_RELAY,
};

/* identity.c */
bool identity_load(struct link *l, struct err *e);
void identity_start(struct link *l); /* enrols, or arms renewal */
void identity_tell(struct link *l);

/* state.c: *e of kind ERR_CONFLICT says that a snapshot is needed */
bool state_load(struct link *l, struct err *e);
bool state_snapshot(struct link *l, struct bytes text, struct err *e);
bool state_line(struct link *l, struct str line, struct err *e);
void state_tell(struct link *l); /* everything, to a relay that is new */
void state_tell_age(struct link *l);

/* follow.c */
void follow_start(struct link *l);

/* report.c */
bool report_open(struct link *l, struct err *e);
void report_start(struct link *l);
void report_decision(struct link *l, struct bytes record);
