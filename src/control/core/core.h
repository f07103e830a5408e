/* core.h - the room that decides and stores: what its files share.
 *
 * One thread, one loop.  A request of front is a struct ask; what it changes is one store
 * operation; operations of one turn of the loop are committed together at its end, and
 * only then are their answers sent, their feed entries signed by keys and told to front.
 *
 *	main.c     start, links, tables          change.c   operations, commit, answers
 *	units.c    principals and their trust    feed.c     signing, readers, snapshot
 *	enrol.c    certificates                  attest.c   TPM, challenges, evidence
 *	policy.c   the set in force, rights      api*.c     operators
 *	report.c   what gates send up
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/map.h"
#include "codec/json.h"
#include "control/core/events.h"
#include "control/settings.h"
#include "control/walls.h"
#include "model/audit.h"
#include "model/identity.h"
#include "model/policy.h"
#include "model/trust.h"
#include "store/store.h"
#include "sys/ipc.h"
#include "sys/loop.h"

struct core;
struct feed;
struct challenges;
struct touched;

/* A request in flight.  Freed when it is answered. */
struct ask {
	struct core *core;
	struct ipc *link;
	uint32_t request;
	enum wall_type type;
	struct arena *mem;   /* the message, what is made for it, the answer */
	const void *message; /* struct of its type */
	struct bytes answer; /* encoded, waits for the commit */
	struct ask *next;
	/* of handlers that go on after another room answered */
	void *more;
};

/* A principal as it stands: a copy of its rows, and what follows from them. */
struct unit {
	struct core *core;
	struct arena *mem; /* all views below */
	struct store_principal row;
	struct store_tpm tpm;
	bool has_tpm;
	struct trust_signal *signals;
	size_t signal_count;
	struct trust_profile profile;
	struct timer *timer;
	/* what the feed said last */
	char *told; /* body without times, or NULL */
	int64_t told_until_ms;
	enum grade told_grade;
};

struct core {
	struct loop *loop;
	struct settings set;
	struct store *store;
	struct ipc *front, *keys, *verify;
	struct wall_public keys_public; /* owned copies; lengths 0 until keys answered */
	struct map *units;              /* "device/pump-1" -> struct unit */
	struct touched *touched;        /* by the open operation */
	struct world *world;
	struct policy *policy;
	char *policy_body;          /* as in the feed */
	struct policy *policy_next; /* activated by the open operation */
	char *policy_next_body;
	struct feed *feed;
	struct challenges *challenges;
	struct ask *waiting, **waiting_end; /* answered at the next commit */
	struct timer *beat, *sealing, *tidying;
	uint64_t sealed; /* audit size of the last checkpoint */
	int64_t started_ms;
	bool has_given_up;
};

/* ---- change.c ---- */

/* The room ends, and the daemon with it: its supervisor starts it on what is on disk. */
void core_give_up(struct core *c, const struct err *why);

struct ask *ask_new(struct core *c, struct ipc *link, const struct ipc_msg *m, size_t message_size,
		    struct err *e);
void ask_free(struct ask *a);
void ask_refuse(struct ask *a, const struct err *why); /* now; frees */
/* Now, for what only reads; frees. */
void ask_answer(struct ask *a, enum wall_type type, const void *message);
/* When the operation just ended is durable; frees then. */
void ask_answer_committed(struct ask *a, enum wall_type type, const void *message);
void ask_json(struct ask *a, uint32_t status, const struct buf *json);           /* ask_answer */
void ask_json_committed(struct ask *a, uint32_t status, const struct buf *json); /* at the commit */

bool change_begin(struct core *c, struct err *e) must_check;
bool change_end(struct core *c, struct err *e) must_check; /* undone when it fails */
void change_undo(struct core *c);
bool change_flush(struct core *c, struct err *e) must_check; /* commits what has ended */
/* Record, in the open operation.  site may be empty. */
bool change_audit(struct core *c, const struct audit_record *r, struct str site,
		  struct err *e) must_check;
int64_t core_now_ms(const struct core *c);
struct str core_id(struct core *c, const char *prefix, struct arena *mem); /* "e-…": unique */

/* ---- units.c ---- */

bool units_load(struct core *c, struct err *e) must_check;
struct unit *unit_find(const struct core *c, struct str kind, struct str id); /* or NULL */
struct unit *unit_of(const struct core *c, const struct wall_peer *peer, struct err *e);
/* In an operation: reads the rows again, works out the profile, and tells the feed when it
 * differs from what was told. */
bool unit_changed(struct core *c, struct str kind, struct str id, struct str by,
		  struct err *e) must_check;
void units_ended(struct core *c);  /* the open operation became part of the group */
void units_undone(struct core *c); /* ... never was: what it touched is read again */
void unit_members(const struct unit *u, struct jw *w);
void unit_json(const struct unit *u, struct jw *w);            /* as the API shows it */
struct str unit_name(const struct unit *u, struct arena *mem); /* "device/pump-1" */
struct str unit_stream(const struct unit *u, struct arena *mem);
bool unit_entity(const struct unit *u, struct arena *mem, struct principal *out);

/* ---- feed.c ---- */

struct feed *feed_new(struct core *c);
/* In an operation: one entry. */
bool feed_add(struct core *c, struct str stream, struct str site, const char *kind, struct str body,
	      struct err *e) must_check;
bool feed_begin(struct core *c,
		struct err *e) must_check; /* with each operation: saves signatures */
void feed_ended(struct core *c);     /* the entries of the open operation wait for the commit */
void feed_undone(struct core *c);    /* the entries of the open operation never were */
void feed_committed(struct core *c); /* sign and tell what was added */
bool feed_recover(struct core *c, struct err *e) must_check; /* sign what a crash left unsigned */
void feed_beat(struct core *c);
bool feed_after(struct ask *a, struct err *e);
bool feed_snapshot(struct ask *a, struct err *e);

/* ---- the rooms' requests: false refuses the ask with *e ---- */

typedef bool ask_fn(struct ask *a, struct err *e);

bool enrol_start(struct ask *a, struct err *e); /* WALL_START */
bool enrol_first(struct ask *a, struct err *e);
bool enrol_renew(struct ask *a, struct err *e);
bool enrol_workload(struct ask *a, struct err *e);
bool enrol_revoke(struct core *c, const struct store_certificate *cert, struct str by,
		  struct str why, struct err *e) must_check; /* in an operation */
bool enrol_revoke_all(struct core *c, struct str kind, struct str id, struct str by, struct str why,
		      struct err *e) must_check;

struct challenges *challenges_new(void);
bool attest_register(struct ask *a, struct err *e);
bool attest_activate(struct ask *a, struct err *e);
bool attest_challenge(struct ask *a, struct err *e);
bool attest_evidence(struct ask *a, struct err *e);
bool attest_self(struct ask *a, struct err *e);

bool report_take(struct ask *a, struct err *e);

bool policy_load(struct core *c, struct err *e) must_check;
bool policy_allows(struct core *c, struct str user, const char *permission, const char *type,
		   struct str id, struct err *e) must_check;

bool api_call(struct ask *a, struct err *e);

/* Is this peer let in at all: certificate known, not revoked, principal active, right kind? */
bool peer_admit(struct core *c, const struct wall_peer *peer, unsigned kinds, struct unit **out,
		struct err *e) must_check;

#define KIND_BIT(k) (1u << (k))
