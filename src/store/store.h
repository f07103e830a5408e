/* store.h - what does Muster know, and in which order did it learn it?
 *
 * One writer.  Everything accepted is one operation: state rows, the audit record,
 * the feed entry and the idempotency row together, all or none.  Operations are
 * gathered into a group that is committed at once (core: 2 ms or 256 operations);
 * nothing may leave the process before store_commit() has returned true.
 *
 *	store_begin -> put/add ... -> store_end        one operation
 *	               or store_undo                   as if it never was
 *	store_commit                                   all ended operations are durable
 *
 * A failing call leaves the operation to be undone by its caller; when the engine
 * lost the whole group store_is_lost() says so and only store_close() is left.  A
 * failed fsync or a corrupt page ends the process: what was acknowledged is in the
 * log, and nobody may go on from a state that is not.
 *
 * Views in rows read live in the arena given; in rows put they are borrowed.
 * `realm` is a column of every table; calls work in the realm the store was opened
 * for.  Time is wall time in ms.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "model/identity.h"

struct store;

struct store_options {
	const char *realm;            /* NULL: "default" */
	const char *vfs;              /* NULL: the engine's own; tests name theirs */
	void (*die)(const char *why); /* NULL: log to stderr and _exit(3) */
};

/* Opens or makes the database at path and brings its schema up to date in one transaction;
 * a schema newer than ours is refused. */
struct store *store_open(const char *path, const struct store_options *o, struct err *e) must_check;
void store_close(struct store *s); /* NULL is fine; an open group is rolled back */

bool store_begin(struct store *s, struct err *e) must_check;
bool store_end(struct store *s, struct err *e) must_check;
void store_undo(struct store *s);
bool store_commit(struct store *s, struct err *e) must_check; /* true when there was nothing */
size_t store_pending(const struct store *s);                  /* operations ended, not committed */
bool store_is_lost(const struct store *s);
bool store_checkpoint(struct store *s, struct err *e) must_check; /* WAL into the file; when idle */

/* Every page and index, read through; ERR_SYSTEM names the first thing wrong. */
bool store_check(struct store *s, struct err *e) must_check;

/* ---- registry ---- */

struct store_principal {
	struct str kind; /* identity_kind_name() */
	struct str id, site, model;
	struct str groups; /* ids, separated by spaces; roles of a user */
	struct str names;  /* DNS names and addresses of a gate, separated by spaces */
	struct str status; /* "pending", "active", "retired" */
	struct str firmware;
	struct str tags;          /* canonical JSON object of text */
	struct str posture;       /* canonical JSON object */
	struct str key_assurance; /* trust_key_name(): where its newest key lives */
	bool is_held;
	struct str held_by, held_why;
	uint64_t generation; /* of certificates: only the newest renews */
	int64_t created_ms;
	/* the last attestation result */
	struct str attested; /* trust_attested_name() */
	int64_t attested_ms;
	struct str attested_evidence;
};

typedef bool store_principal_fn(void *ctx, const struct store_principal *row);

bool store_principal_put(struct store *s, const struct store_principal *row,
			 struct err *e) must_check;
/* ERR_MISSING when there is none. */
bool store_principal_get(struct store *s, struct str kind, struct str id, struct arena *mem,
			 struct store_principal *out, struct err *e) must_check;
bool store_principal_each(struct store *s, store_principal_fn *fn, void *ctx,
			  struct err *e) must_check;

/* ---- one-time codes ---- */

struct store_code {
	struct bytes secret_hash; /* SHA-256 of the 16 bytes: the key */
	struct str site;
	struct str kind, id; /* for whom */
	int64_t expires_ms;
	int64_t used_ms; /* 0: not yet */
	struct bytes
		used_csr; /* SHA-256 of the CSR that used it: a retry gets the same certificate */
	struct bytes certificate;
	struct str made_by;
};

bool store_code_put(struct store *s, const struct store_code *row, struct err *e) must_check;
bool store_code_get(struct store *s, struct bytes secret_hash, struct arena *mem,
		    struct store_code *out, struct err *e) must_check;
/* Uses it up.  ERR_CONFLICT when it was used: the database decides, not the caller (E5). */
bool store_code_use(struct store *s, struct bytes secret_hash, int64_t now_ms, struct bytes csr,
		    struct bytes certificate, struct err *e) must_check;

/* ---- certificates ---- */

struct store_certificate {
	struct bytes serial; /* the key */
	struct str site;
	struct str kind, id, workload;
	struct bytes spki_sha256, csr_sha256;
	uint64_t generation;
	int64_t not_before_ms, not_after_ms;
	int64_t revoked_ms; /* 0: not revoked */
	struct str revoked_why;
	struct bytes der;
};

typedef bool store_certificate_fn(void *ctx, const struct store_certificate *row);

bool store_certificate_add(struct store *s, const struct store_certificate *row,
			   struct err *e) must_check;
bool store_certificate_get(struct store *s, struct bytes serial, struct arena *mem,
			   struct store_certificate *out, struct err *e) must_check;
bool store_certificate_revoke(struct store *s, struct bytes serial, int64_t now_ms, struct str why,
			      struct err *e) must_check;
/* Of one principal (its workloads included), newest first. */
bool store_certificate_of(struct store *s, struct str kind, struct str id, store_certificate_fn *fn,
			  void *ctx, struct err *e) must_check;
/* Not expired at now_ms and revoked: the deny list of a snapshot. */
bool store_certificate_revoked(struct store *s, int64_t now_ms, store_certificate_fn *fn, void *ctx,
			       struct err *e) must_check;
/* All, by not_before descending, at most max, starting below before_ms (0: newest). */
bool store_certificate_page(struct store *s, int64_t before_ms, uint32_t max,
			    store_certificate_fn *fn, void *ctx, struct err *e) must_check;

/* ---- TPM and attestation ---- */

struct store_tpm {
	struct str kind, id; /* the principal: the key */
	struct str site;
	struct str ticket; /* id of the pending activation */
	struct bytes ek_public, ek_certificate, ak_public, ak_name;
	struct bytes secret_hash;            /* what the TPM must give back; empty once activated */
	int64_t registered_ms, activated_ms; /* activated_ms 0: not proven */
	bool is_hardware;
	/* counters of the newest accepted quote */
	bool has_quote;
	uint64_t clock, firmware;
	uint32_t reset_count, restart_count;
};

bool store_tpm_put(struct store *s, const struct store_tpm *row, struct err *e) must_check;
bool store_tpm_get(struct store *s, struct str kind, struct str id, struct arena *mem,
		   struct store_tpm *out, struct err *e) must_check;

struct store_reference {
	struct str model;
	uint64_t version;
	int64_t not_before_ms, not_after_ms;
	struct str line; /* the signed statement, feed line form */
};

typedef bool store_reference_fn(void *ctx, const struct store_reference *row);

bool store_reference_add(struct store *s, const struct store_reference *row,
			 struct err *e) must_check;
bool store_reference_each(struct store *s, store_reference_fn *fn, void *ctx,
			  struct err *e) must_check;

struct store_release_key {
	struct str name; /* the key */
	struct bytes spki;
	int64_t at_ms;
	struct str made_by;
};

typedef bool store_release_key_fn(void *ctx, const struct store_release_key *row);

bool store_release_key_put(struct store *s, const struct store_release_key *row,
			   struct err *e) must_check;
bool store_release_key_each(struct store *s, store_release_key_fn *fn, void *ctx,
			    struct err *e) must_check;

/* ---- evidence and signals ---- */

struct store_evidence {
	struct str id; /* "e-…" */
	struct str site;
	struct str kind, principal; /* of whom */
	struct str source;          /* trust_source_name() */
	int64_t at_ms;
	struct str verdict;
	struct str body; /* JSON */
};

typedef bool store_evidence_fn(void *ctx, const struct store_evidence *row);

bool store_evidence_add(struct store *s, const struct store_evidence *row,
			struct err *e) must_check;
bool store_evidence_of(struct store *s, struct str kind, struct str principal, uint32_t max,
		       store_evidence_fn *fn, void *ctx, struct err *e) must_check;

struct store_signal {
	struct str kind, id; /* of whom */
	struct str site;
	struct str source, name; /* unique together per principal */
	int64_t weight;
	int64_t observed_ms, expires_ms, half_life_ms;
	struct str evidence_id;
};

typedef bool store_signal_fn(void *ctx, const struct store_signal *row);

bool store_signal_put(struct store *s, const struct store_signal *row, struct err *e) must_check;
bool store_signal_drop(struct store *s, const struct store_signal *key, struct err *e) must_check;
bool store_signal_of(struct store *s, struct str kind, struct str id, store_signal_fn *fn,
		     void *ctx, struct err *e) must_check;
bool store_signal_each(struct store *s, store_signal_fn *fn, void *ctx, struct err *e) must_check;

/* ---- policy ---- */

struct store_policy {
	uint64_t version;
	struct str digest; /* hex SHA-256 */
	struct str body;   /* {"version","digest","schema","spaces","policies":[…]} */
	int64_t at_ms;
	struct str made_by;
};

bool store_policy_add(struct store *s, const struct store_policy *row, struct err *e) must_check;
/* The newest; ERR_MISSING when there is none. */
bool store_policy_get(struct store *s, struct arena *mem, struct store_policy *out,
		      struct err *e) must_check;

/* ---- the feed ---- */

struct store_entry {
	uint64_t seq, prev;
	struct str stream, site, kind;
	int64_t at_ms;
	struct str json;        /* the whole line's JSON, as signed */
	struct bytes signature; /* 64 bytes; empty: not signed yet */
};

typedef bool store_entry_fn(void *ctx, const struct store_entry *row);

/* x comes with stream, site, kind and at_ms; it is given its seq and prev under the head rows,
 * and its JSON, which lives in mem: {"seq","prev","stream","realm","site","at","kind","body"}.
 * `body` is JSON.
 */
bool store_feed_add(struct store *s, struct store_entry *x, struct str body, struct arena *mem,
		    struct err *e) must_check;
bool store_feed_sign(struct store *s, uint64_t seq, struct bytes signature,
		     struct err *e) must_check;
bool store_feed_after(struct store *s, uint64_t after, uint32_t max, store_entry_fn *fn, void *ctx,
		      struct err *e) must_check;
bool store_feed_unsigned(struct store *s, store_entry_fn *fn, void *ctx, struct err *e) must_check;
uint64_t store_feed_head(const struct store *s);
uint64_t store_feed_floor(struct store *s); /* entries at and below were compacted away */
bool store_feed_compact(struct store *s, uint64_t below, struct err *e) must_check;
/* The head of every stream, for a snapshot's header. */
typedef bool store_head_fn(void *ctx, struct str stream, uint64_t seq);
bool store_feed_heads(struct store *s, store_head_fn *fn, void *ctx, struct err *e) must_check;

/* The attributes policy sees, as they stood from `seq` on. */
bool store_attributes_add(struct store *s, struct str kind, struct str id, struct str site,
			  uint64_t seq, struct str body, struct err *e) must_check;
/* As of seq: the newest version at or before it. */
bool store_attributes_at(struct store *s, struct str kind, struct str id, uint64_t seq,
			 struct arena *mem, struct str *out, struct err *e) must_check;

/* ---- audit (docs/protocols/audit.md) ---- */

struct store_audit {
	uint64_t index;
	int64_t at_ms;
	struct str record; /* JSON, as hashed */
	struct bytes leaf; /* 32: RFC 6962 leaf hash */
};

struct store_checkpoint_row {
	uint64_t size;
	struct str note;
};

typedef bool store_audit_fn(void *ctx, const struct store_audit *row);
typedef bool store_checkpoint_fn(void *ctx, const struct store_checkpoint_row *row);

/* `members` are the JSON members that follow "index" and "at", without braces. */
bool store_audit_add(struct store *s, int64_t at_ms, struct str site, struct str members,
		     struct err *e) must_check;
uint64_t store_audit_size(const struct store *s);
void store_audit_root(const struct store *s, uint8_t out[32]); /* of committed records */
bool store_audit_each(struct store *s, uint64_t from, uint32_t max, store_audit_fn *fn, void *ctx,
		      struct err *e) must_check;
bool store_audit_checkpoint_add(struct store *s, uint64_t size, struct str note,
				struct err *e) must_check;
bool store_audit_checkpoint_each(struct store *s, uint64_t from, store_checkpoint_fn *fn, void *ctx,
				 struct err *e) must_check; /* by size, from that on */

/* ---- decisions, gates, idempotency ---- */

struct store_decision {
	struct str id;
	struct str site; /* of the gate */
	int64_t at_ms;
	struct str gate, principal, action, resource, effect;
	struct str record; /* JSON as it came */
};

typedef bool store_decision_fn(void *ctx, const struct store_decision *row);

bool store_decision_add(struct store *s, const struct store_decision *row,
			struct err *e) must_check; /* known id: kept as it is */
bool store_decision_get(struct store *s, struct str id, struct arena *mem,
			struct store_decision *out, struct err *e) must_check;

struct store_decision_query {
	struct str principal, effect; /* empty: any */
	int64_t before_ms;            /* 0: from the newest */
	uint32_t max;
};

bool store_decision_page(struct store *s, const struct store_decision_query *q,
			 store_decision_fn *fn, void *ctx, struct err *e) must_check;
/* Retention: at most keep records, none older than oldest_ms. */
bool store_decision_trim(struct store *s, int64_t oldest_ms, uint64_t keep,
			 struct err *e) must_check;

struct store_gate {
	struct str id;
	struct str site;
	uint64_t acked, dropped;
	int64_t at_ms;
	struct str counters; /* JSON object */
};

bool store_gate_put(struct store *s, const struct store_gate *row, struct err *e) must_check;
bool store_gate_get(struct store *s, struct str id, struct arena *mem, struct store_gate *out,
		    struct err *e) must_check;

/* An answer already given to the same request.  ERR_MISSING: do it. */
bool store_answer_get(struct store *s, struct str key, struct arena *mem, struct bytes *out,
		      struct err *e) must_check;
bool store_answer_put(struct store *s, struct str key, struct bytes answer, int64_t now_ms,
		      struct err *e) must_check; /* ERR_CONFLICT when there is one */
bool store_answer_trim(struct store *s, int64_t oldest_ms, struct err *e) must_check;

/* ---- for tests: D1 ---- */

/* Makes the nth call to the engine from now on fail (1: the next); persistent: and all after it.
 * 0 turns it off.  Returns how many calls were made since it was last set. */
uint64_t store_fail(struct store *s, uint64_t nth, bool is_persistent);
