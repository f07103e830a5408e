/* walls.h - what may be asked across each wall of musterd?
 *
 * One row per message in walls.c: its number, the struct it travels as, and the
 * fields in wire order.  Both sides encode and decode by that row, so they cannot
 * disagree; a message that is not a row, or does not decode, ends the role.
 *
 *	front -> core	strangers' requests, parsed and typed by front
 *	core -> front	answers core has rendered; feed lines as they are committed
 *	core -> verify	evidence nobody else reads
 *	core -> keys	names, public keys and digests; never bytes to be signed
 *
 * A decoded struct holds views into the body it was read from (lists live in the
 * arena).  Protocol in docs/protocols/rooms.md.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "control/routes.h"

/* Of one message on any wall: a snapshot of a large fleet is the longest. */
enum { WALLS_MAX_BODY = 64 << 20 };

/* Message numbers.  Each wall has its own table (walls_rows), so a room accepts only its own. */
enum wall_type {
	WALL_NONE,

	/* front -> core: asks */
	WALL_START,        /* wall_start         -> wall_anchors: once, before listening */
	WALL_ENROL,        /* wall_enrol         -> wall_answer, body: certificate DER */
	WALL_RENEW,        /* wall_renew         -> wall_answer, body: certificate DER */
	WALL_WORKLOAD,     /* wall_workload      -> wall_answer, body: certificate DER */
	WALL_TPM_REGISTER, /* wall_tpm_register  -> wall_answer, JSON */
	WALL_TPM_ACTIVATE, /* wall_tpm_activate  -> wall_answer, JSON */
	WALL_CHALLENGE,    /* wall_ask           -> wall_answer, JSON */
	WALL_EVIDENCE,     /* wall_evidence      -> wall_answer, JSON */
	WALL_SELF,         /* wall_ask           -> wall_answer, JSON: own grade and why */
	WALL_FEED_AFTER,   /* wall_feed_after    -> wall_lines */
	WALL_SNAPSHOT,     /* wall_ask           -> wall_answer, body: snapshot */
	WALL_REPORT,       /* wall_report        -> wall_answer, JSON */
	WALL_API,          /* wall_api           -> wall_answer, JSON or text */

	/* core -> front: tells */
	WALL_FEED_LINE = 64, /* wall_feed_line: one signed line, just committed */
	WALL_REVOKED,        /* wall_revoked: close connections of this certificate */

	/* core -> verify: ask */
	WALL_APPRAISE = 96, /* wall_appraise -> wall_facts */
	WALL_ACTIVATION,    /* wall_activation -> wall_credential: EK, AK -> MakeCredential */

	/* core -> keys: asks */
	WALL_ISSUE = 128, /* wall_issue      -> wall_certificate */
	WALL_SIGN,        /* wall_statements -> wall_signatures */
	WALL_CHECKPOINT,  /* wall_checkpoint -> wall_note */
	WALL_PUBLIC,      /* wall_none       -> wall_public */
	WALL_STATEMENT,   /* one item of WALL_SIGN; never a message of its own */

	/* answers have numbers too, so that they decode by the same table */
	WALL_ANCHORS = 192,
	WALL_ANSWER,
	WALL_LINES,
	WALL_FACTS,
	WALL_CREDENTIAL,
	WALL_CERTIFICATE,
	WALL_SIGNATURES,
	WALL_NOTE,
	WALL_PUBLIC_KEYS,
};

enum wall_listener {
	WALL_LISTENER_NONE,
	WALL_LISTENER_ENROL,
	WALL_LISTENER_DEVICES,
	WALL_LISTENER_OPERATORS
};

/* Which anchor the peer's certificate matched; never told from a name. */
enum wall_authority {
	WALL_AUTHORITY_NONE,
	WALL_AUTHORITY_DEVICE,
	WALL_AUTHORITY_INFRA,
	WALL_AUTHORITY_OPERATOR
};

enum wall_method { WALL_GET, WALL_POST, WALL_PUT, WALL_DELETE };

/* Who asks.  Filled by front from the TLS session; empty identity: no certificate. */
struct wall_peer {
	uint32_t listener;        /* enum wall_listener */
	uint32_t authority;       /* enum wall_authority */
	struct str identity;      /* the URI SAN, as it stands in the certificate */
	struct bytes serial;      /* big-endian, no leading zeros */
	struct bytes cert_sha256; /* 32 */
	struct bytes spki;        /* of its certificate, DER */
	struct bytes exporter;    /* 32: EXPORTER-muster-attest, empty context */
	struct str address;       /* "192.0.2.7:4711" */
};

struct wall_list { /* of struct bytes */
	const struct bytes *items;
	size_t count;
};

/* ---- front -> core ---- */

struct wall_start {
	struct bytes server_spki; /* front's key, made at its start: core has it certified */
};

/* What front needs to listen: everything public. */
struct wall_anchors {
	struct bytes device_ca, infra_ca, operator_ca; /* certificate DER */
	struct bytes server_cert;                      /* DER, issued for server_spki */
	int64_t server_cert_until;                     /* wall ms: ask WALL_START again before */
	struct str domain;
};

struct wall_none {
	uint32_t unused;
};

struct wall_ask { /* just who asks */
	struct wall_peer peer;
};

struct wall_enrol {
	struct wall_peer peer;
	struct str id;           /* HTTP Basic user */
	struct bytes secret;     /* 16 bytes, decoded from base64url */
	struct bytes spki;       /* the CSR contributes this and nothing else (E1) */
	struct bytes csr_sha256; /* 32: tells a retry from a second use (E6) */
};

struct wall_renew {
	struct wall_peer peer;
	struct bytes spki;
	struct bytes csr_sha256;
};

struct wall_workload {
	struct wall_peer peer;
	struct str name;
	struct bytes spki; /* proof of possession verified by front (a CSR) */
	struct bytes csr_sha256;
};

struct wall_tpm_register {
	struct wall_peer peer;
	struct bytes ek_public;      /* TPMT_PUBLIC */
	struct bytes ek_certificate; /* DER or empty */
	struct bytes ak_public;      /* TPMT_PUBLIC */
};

struct wall_tpm_activate {
	struct wall_peer peer;
	struct str id;       /* from the register answer */
	struct bytes secret; /* what TPM2_ActivateCredential gave */
};

struct wall_evidence {
	struct wall_peer peer;
	struct str id;          /* of the challenge */
	struct bytes quote;     /* TPMS_ATTEST */
	struct bytes signature; /* TPMT_SIGNATURE */
	struct bytes pcrs;      /* rows of u8 index, 32-byte value: SHA-256 bank, ascending */
	struct bytes log;       /* event log or empty */
};

struct wall_feed_after {
	struct wall_peer peer;
	uint64_t after;         /* give entries with seq above this */
	uint32_t max;           /* at most so many lines */
	struct wall_list kinds; /* empty: all */
};

/* Lines as they go on the wire, each ending in LF; `head` is the newest seq there is.  is_gone:
 * `after` is before what is kept (or ahead of us): fetch a snapshot. */
struct wall_lines {
	struct wall_list lines;
	uint64_t last; /* seq of the last line given, or `after` */
	uint64_t head;
	bool is_gone;
};

struct wall_feed_line {
	struct str stream; /* "global", "site:<id>"; empty: every reader (heartbeat) */
	struct str kind;   /* "principal", "policy", "fresh", ... */
	uint64_t seq;
	struct bytes line; /* `<base64url signature> <json>\n` */
};

struct wall_revoked {
	struct bytes serial; /* empty: every certificate of the identity */
	struct str identity; /* URI SAN */
};

struct wall_report {
	struct wall_peer peer;
	uint64_t acked;                  /* feed seq applied by the gate */
	uint64_t dropped;                /* records its spool had to drop, ever */
	struct wall_list decisions;      /* each one decision record, JSON, at most 16 KiB */
	struct wall_list counter_names;  /* pairs with counter_values, same order */
	struct wall_list counter_values; /* u64 big-endian */
};

/* A value out of a JSON body, a query or a path.  A body is flattened: nested members become
 * `tags.room`, array elements `groups.0`, `policies.1.text`. */
enum wall_value_kind { WALL_VALUE_NULL, WALL_VALUE_TEXT, WALL_VALUE_INT, WALL_VALUE_BOOL };

struct wall_value {
	struct str name;
	uint32_t kind; /* enum wall_value_kind */
	struct str text;
	int64_t num; /* also the bool */
};

struct wall_values {
	const struct wall_value *items;
	size_t count;
};

struct wall_api {
	struct wall_peer peer;
	uint32_t route;           /* enum route_id: routes[route].permission is what to ask Cedar */
	struct wall_values path;  /* {id} -> "id" */
	struct wall_values query; /* decoded; always text */
	struct wall_values body;
	struct str idempotency_key; /* or empty */
	struct str if_match;        /* or empty */
};

struct wall_answer {
	uint32_t status; /* HTTP: 200, 201, 202, 204 */
	struct str type; /* content type */
	struct str etag; /* or empty */
	struct bytes body;
};

/* ---- core -> verify ---- */

struct wall_appraise {
	struct bytes quote, signature, pcrs, log;
	struct bytes ak_public; /* TPMT_PUBLIC of the activated AK */
	struct bytes expected;  /* 32: what extraData must be */
};

struct wall_facts { /* becomes struct attest_facts */
	bool is_readable, is_signed, is_fresh, is_sha256, is_complete, digest_matches,
		clock_is_safe;
	uint32_t selected;
	uint64_t clock, firmware;
	uint32_t reset_count, restart_count;
	struct bytes pcrs; /* rows of u8 index, 32-byte value */
};

struct wall_activation {
	struct bytes ek_public, ek_certificate, ak_public;
	struct wall_list anchors; /* EK CA certificates an operator marked hw */
};

struct wall_credential {
	struct bytes blob, encrypted; /* TPM2B_ID_OBJECT, TPM2B_ENCRYPTED_SECRET */
	struct bytes secret;          /* what the TPM must give back; stays in core */
	struct bytes ek_name, ak_name;
	bool is_hardware; /* the EK certificate chains to an anchor marked hw */
};

/* ---- core -> keys ---- */

enum wall_profile {
	WALL_PROFILE_NONE,
	WALL_PROFILE_DEVICE,
	WALL_PROFILE_WORKLOAD,
	WALL_PROFILE_SERVICE,
	WALL_PROFILE_GATE,
	WALL_PROFILE_SERVER
};

struct wall_issue {
	uint32_t profile; /* enum wall_profile: fixes CA, EKU and the longest lifetime */
	struct str id;    /* keys writes the URI itself from profile, id and workload */
	struct str workload;
	struct bytes spki;
	struct wall_list names; /* DNS names and addresses: gate and server only */
	int64_t lifetime_s;     /* keys caps it by its profile */
};

struct wall_certificate {
	struct bytes der, serial;
	int64_t not_before, not_after; /* wall ms */
};

struct wall_statement {
	uint32_t type; /* crypto/statement.h */
	struct str stream;
	uint64_t seq, prev;
	struct bytes digest; /* 32 */
};

struct wall_statements {
	struct wall_list items; /* each one a wall_statement, written by its own row */
};

struct wall_signatures {
	struct wall_list items; /* 64 bytes each, in order */
};

struct wall_checkpoint {
	uint64_t size;
	struct bytes root; /* 32 */
};

struct wall_note {
	struct str note; /* C2SP signed note */
};

struct wall_public {
	struct bytes device_ca, infra_ca, operator_ca; /* certificate DER */
	struct bytes statement_spki;                   /* ECDSA P-256 */
	struct bytes audit_key;                        /* Ed25519, 32 bytes */
	struct str audit_name;                         /* of the note signer */
	struct str domain;
};

/* Writes one message by its row; false only when it does not fit (ERR_INPUT). */
bool walls_write(enum wall_type type, const void *message, struct buf *out,
		 struct err *e) must_check;

/* Reads a whole body by its row into *out (the struct of that row, zeroed first).  Views point
 * into body; lists live in mem. */
bool walls_read(enum wall_type type, struct bytes body, struct arena *mem, void *out,
		struct err *e) must_check;

const char *walls_name(enum wall_type type);

/* The value of that name, or NULL. */
const struct wall_value *wall_value_find(const struct wall_values *values, struct str name);
struct str wall_text(const struct wall_values *values, const char *name); /* empty when absent */
