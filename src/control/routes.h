/* routes.h - what may be asked over HTTP, of which listener, by whom, with which right?
 *
 * One table.  front routes and checks by it, core authorises by it, and OpenAPI, the
 * matrix test and the manual are printed from it.  A row names its permission or it does
 * not compile (CASES A2): a right that everybody has is written down as "public".
 *
 * Used by front and core (core looks the permission up itself and takes no word of front
 * for it).  Everything here is constant data.
 */
#pragma once

#include "base/str.h"

/* Where a request came in.  The values cross walls: only append. */
enum listener {
	LISTENER_NONE,
	LISTENER_ENROL,     /* 8443: server-authenticated TLS */
	LISTENER_DEVICES,   /* 8444: mTLS, device CA and infra CA */
	LISTENER_OPERATORS, /* 8445: mTLS, operator CA */
	LISTENERS,
};

/* Whose credential a route is for: a set.  Roles and policy narrow it further. */
enum route_who {
	WHO_ANYONE = 1, /* no credential at all */
	WHO_CODE = 2,   /* a one-time code */
	WHO_DEVICE = 4,
	WHO_SERVICE = 8,
	WHO_GATE = 16,
	WHO_USER = 32,
};

enum field_type {
	FIELD_NONE,
	FIELD_TEXT,   /* a string of UTF-8 without NUL */
	FIELD_NUMBER, /* an integer, 0 or more */
	FIELD_SWITCH, /* true or false */
	FIELD_BYTES,  /* base64 in JSON, bytes afterwards */
	FIELD_TEXTS,  /* a list of strings: groups.0, groups.1, ... */
	FIELD_PAIRS,  /* an object of strings or integers: tags.room, ... */
	FIELD_FILES,  /* [{"file","text"}, ...]: policies.0.file, policies.0.text, ... */
	FIELD_PCRS,   /* {"0": "<64 hex>", ...}: register to SHA-256 value */
	FIELD_LINES,  /* a list of objects, handed on unread as compact JSON */
};

/* One field of a query or a body.  A list of them ends with a zero row. */
struct route_field {
	const char *name;
	enum field_type type;
	bool is_required;
	int64_t max;      /* longest text or bytes, largest number, most rows of a list */
	const char *help; /* one sentence */
};

struct route {
	const char *name;          /* "DEVICE_QUARANTINE": operationId, and what logs say */
	const char *method, *path; /* path: {name} stands for one segment */
	unsigned listeners;        /* set of 1 << enum listener */
	unsigned who;              /* set of enum route_who */
	const char *permission;    /* Cedar action, or "public" */
	const char *summary;
	const struct route_field *query, *body;
	const char *answer; /* media type of a good answer */
};

#define ON_ENROL     (1u << LISTENER_ENROL)
#define ON_DEVICES   (1u << LISTENER_DEVICES)
#define ON_OPERATORS (1u << LISTENER_OPERATORS)

#define TYPE_JSON    "application/json"
#define TYPE_CERTS   "application/pkcs7-mime"
#define TYPE_LINES   "application/x-ndjson"
#define TYPE_EVENTS  "text/event-stream"
#define TYPE_NOTE    "text/plain; charset=utf-8"
#define TYPE_PROBLEM "application/problem+json"

/* R(id, method, path, listeners, who, permission, handler in front, query, body, answer, summary)
 * The order is the order in the documents.  Lists answer {"items": [...], "next": "cursor" or null}
 * and take `limit` and `cursor`. */
/* clang-format off */
#define ROUTES(R)                                                                                 \
	R(EST_CACERTS, "GET", "/.well-known/est/cacerts", ON_ENROL | ON_DEVICES,                  \
	  WHO_ANYONE | WHO_DEVICE | WHO_SERVICE | WHO_GATE, "public", est_cacerts, none, none,    \
	  TYPE_CERTS, "The device CA and the infra CA (RFC 7030 4.1).")                           \
	R(EST_ENROL, "POST", "/.well-known/est/simpleenroll", ON_ENROL, WHO_CODE, "enrol",        \
	  est_enrol, none, none, TYPE_CERTS,                                                      \
	  "A first certificate for a one-time code, sent as HTTP Basic id:secret (RFC 7030 4.2).") \
	R(EST_RENEW, "POST", "/.well-known/est/simplereenroll", ON_DEVICES,                       \
	  WHO_DEVICE | WHO_SERVICE | WHO_GATE, "renew", est_renew, none, none, TYPE_CERTS,        \
	  "A new certificate for the holder of a valid one (RFC 7030 4.2.2).")                    \
	R(TPM_REGISTER, "POST", "/device/v1/tpm/register", ON_DEVICES, WHO_DEVICE, "attest",      \
	  tpm_register, none, tpm_register, TYPE_JSON,                                            \
	  "Register a TPM: answers a credential that only this TPM can open.")                    \
	R(TPM_ACTIVATE, "POST", "/device/v1/tpm/activate", ON_DEVICES, WHO_DEVICE, "attest",      \
	  tpm_activate, none, tpm_activate, TYPE_JSON,                                            \
	  "Prove possession of the attestation key with the opened secret.")                      \
	R(CHALLENGE, "POST", "/device/v1/attest/challenge", ON_DEVICES, WHO_DEVICE, "attest",     \
	  challenge, none, none, TYPE_JSON, "A nonce for one quote, bound to this connection.")   \
	R(EVIDENCE, "POST", "/device/v1/attest/evidence", ON_DEVICES, WHO_DEVICE, "attest",       \
	  evidence, none, evidence, TYPE_JSON,                                                    \
	  "Hand in a quote: answers the verdict, its reasons and the grade that follows.")        \
	R(WORKLOAD, "POST", "/device/v1/workload", ON_DEVICES, WHO_DEVICE, "renew", workload,     \
	  none, workload, TYPE_JSON, "A short-lived certificate for a program on this device.")   \
	R(SELF, "GET", "/device/v1/status", ON_DEVICES, WHO_DEVICE | WHO_SERVICE, "attest", self, \
	  none, none, TYPE_JSON, "The caller's own grade, and why.")                              \
	R(GATE_FEED, "GET", "/gate/v1/feed", ON_DEVICES, WHO_GATE, "gate.follow", gate_feed,      \
	  feed_after, none, TYPE_LINES,                                                           \
	  "Signed feed lines after a sequence number; never ends (docs/protocols/feed.md).")      \
	R(GATE_SNAPSHOT, "GET", "/gate/v1/snapshot", ON_DEVICES, WHO_GATE, "gate.follow",         \
	  gate_snapshot, none, none, TYPE_LINES, "The signed state of the gate's sites, whole.")  \
	R(GATE_REPORT, "POST", "/gate/v1/report", ON_DEVICES, WHO_GATE, "gate.report",            \
	  gate_report, none, gate_report, TYPE_JSON,                                              \
	  "A batch of decisions, counters and the acknowledged sequence number.")                 \
	R(STATUS, "GET", "/api/v1/status", ON_OPERATORS, WHO_USER, "status.read", api, none,      \
	  none, TYPE_JSON, "How Muster is: counts by grade, gates, feed head, versions.")         \
	R(OPENAPI, "GET", "/api/v1/openapi.json", ON_OPERATORS, WHO_USER, "public", openapi,      \
	  none, none, TYPE_JSON, "This table as an OpenAPI 3.1 document.")                        \
	R(DEVICES, "GET", "/api/v1/devices", ON_OPERATORS, WHO_USER, "device.read", api,          \
	  device_list, none, TYPE_JSON, "Devices with grade, risk and attestation.")              \
	R(DEVICE_CREATE, "POST", "/api/v1/devices", ON_OPERATORS, WHO_USER, "device.register",    \
	  api, none, device_create, TYPE_JSON,                                                    \
	  "Register a device; it stays pending until it enrols.")                                 \
	R(DEVICE, "GET", "/api/v1/devices/{id}", ON_OPERATORS, WHO_USER, "device.read", api,      \
	  none, none, TYPE_JSON, "One device with its trust profile and what contributed to it.") \
	R(DEVICE_QUARANTINE, "POST", "/api/v1/devices/{id}/quarantine", ON_OPERATORS, WHO_USER,   \
	  "device.quarantine", api, none, reason, TYPE_JSON,                                      \
	  "Hold a device: isolated until an operator restores it.")                               \
	R(DEVICE_RESTORE, "POST", "/api/v1/devices/{id}/restore", ON_OPERATORS, WHO_USER,         \
	  "device.restore", api, none, reason, TYPE_JSON,                                         \
	  "Lift an operator's hold; the grade follows from evidence again.")                      \
	R(DEVICE_RETIRE, "DELETE", "/api/v1/devices/{id}", ON_OPERATORS, WHO_USER,                \
	  "device.retire", api, none, none, TYPE_JSON,                                            \
	  "Retire a device: certificates revoked, its id stays taken.")                           \
	R(SERVICES, "GET", "/api/v1/services", ON_OPERATORS, WHO_USER, "service.read", api, page, \
	  none, TYPE_JSON, "Back-end applications.")                                              \
	R(SERVICE_CREATE, "POST", "/api/v1/services", ON_OPERATORS, WHO_USER, "service.register", \
	  api, none, service_create, TYPE_JSON, "Register a service.")                            \
	R(SERVICE, "GET", "/api/v1/services/{id}", ON_OPERATORS, WHO_USER, "service.read", api,   \
	  none, none, TYPE_JSON, "One service.")                                                  \
	R(SERVICE_QUARANTINE, "POST", "/api/v1/services/{id}/quarantine", ON_OPERATORS, WHO_USER, \
	  "service.quarantine", api, none, reason, TYPE_JSON,                                     \
	  "Hold a service: isolated until an operator restores it.")                              \
	R(SERVICE_RESTORE, "POST", "/api/v1/services/{id}/restore", ON_OPERATORS, WHO_USER,       \
	  "service.restore", api, none, reason, TYPE_JSON,                                        \
	  "Lift an operator's hold on a service.")                                                \
	R(SERVICE_RETIRE, "DELETE", "/api/v1/services/{id}", ON_OPERATORS, WHO_USER,              \
	  "service.retire", api, none, none, TYPE_JSON,                                           \
	  "Retire a service: certificates revoked, its id stays taken.")                          \
	R(GATES, "GET", "/api/v1/gates", ON_OPERATORS, WHO_USER, "gate.read", api, page, none,    \
	  TYPE_JSON, "Gates, and how far each has applied the feed.")                             \
	R(GATE_CREATE, "POST", "/api/v1/gates", ON_OPERATORS, WHO_USER, "gate.register", api,     \
	  none, gate_create, TYPE_JSON, "Register a gate and the site it serves.")                \
	R(GATE, "GET", "/api/v1/gates/{id}", ON_OPERATORS, WHO_USER, "gate.read", api, none,      \
	  none, TYPE_JSON, "One gate: site, acknowledged sequence number, counters.")             \
	R(GATE_RETIRE, "DELETE", "/api/v1/gates/{id}", ON_OPERATORS, WHO_USER, "gate.retire",     \
	  api, none, none, TYPE_JSON, "Retire a gate: certificates revoked, its id stays taken.") \
	R(USERS, "GET", "/api/v1/users", ON_OPERATORS, WHO_USER, "user.read", api, page, none,    \
	  TYPE_JSON, "Operators and their roles.")                                                \
	R(USER_CREATE, "POST", "/api/v1/users", ON_OPERATORS, WHO_USER, "user.register", api,     \
	  none, user_create, TYPE_JSON,                                                           \
	  "Register an operator; the certificate is made on the server.")                         \
	R(USER_RETIRE, "DELETE", "/api/v1/users/{id}", ON_OPERATORS, WHO_USER, "user.retire",     \
	  api, none, none, TYPE_JSON, "Retire an operator: certificates of theirs are refused.")  \
	R(CODE_CREATE, "POST", "/api/v1/codes", ON_OPERATORS, WHO_USER, "device.enrol", api,      \
	  none, code_create, TYPE_JSON,                                                           \
	  "A one-time code for one registered device, service or gate.")                          \
	R(POLICY, "GET", "/api/v1/policy", ON_OPERATORS, WHO_USER, "policy.read", api, none,      \
	  none, TYPE_JSON, "The policy set in force: schema, spaces and policies.")               \
	R(POLICY_PUT, "PUT", "/api/v1/policy", ON_OPERATORS, WHO_USER, "policy.activate", api,    \
	  none, policy, TYPE_JSON,                                                                \
	  "Put a policy set in force; refused unless it validates. Honours If-Match.")            \
	R(POLICY_CHECK, "POST", "/api/v1/policy/check", ON_OPERATORS, WHO_USER, "policy.read",    \
	  api, none, policy, TYPE_JSON, "Validate a policy set; nothing changes.")                \
	R(REFS, "GET", "/api/v1/refs", ON_OPERATORS, WHO_USER, "refs.read", api, refs_list, none, \
	  TYPE_JSON, "Reference values by model and version.")                                    \
	R(REFS_ADD, "POST", "/api/v1/refs", ON_OPERATORS, WHO_USER, "refs.write", api, none,      \
	  refs_add, TYPE_JSON, "Publish reference values signed by the release key.")             \
	R(RELEASE_KEYS, "GET", "/api/v1/refs/keys", ON_OPERATORS, WHO_USER, "refs.read", api,     \
	  page, none, TYPE_JSON, "Release keys whose reference values are believed.")             \
	R(RELEASE_KEY_ADD, "POST", "/api/v1/refs/keys", ON_OPERATORS, WHO_USER, "refs.write",     \
	  api, none, release_key_add, TYPE_JSON, "Believe reference values signed by this key.")  \
	R(DECISIONS, "GET", "/api/v1/decisions", ON_OPERATORS, WHO_USER, "decision.read", api,    \
	  decision_list, none, TYPE_JSON, "Decision records, newest first.")                      \
	R(DECISION, "GET", "/api/v1/decisions/{id}", ON_OPERATORS, WHO_USER, "decision.read",     \
	  api, none, none, TYPE_JSON, "One decision: rules, facts, and what would change it.")    \
	R(AUDIT_EXPORT, "GET", "/api/v1/audit/export", ON_OPERATORS, WHO_USER, "audit.read", api, \
	  audit_list, none, TYPE_JSON,                                                            \
	  "Audit records in order of their leaf index, to be verified offline.")                  \
	R(AUDIT_CHECKPOINT, "GET", "/api/v1/audit/checkpoint", ON_OPERATORS, WHO_USER,            \
	  "audit.read", api, none, none, TYPE_NOTE,                                               \
	  "The newest signed checkpoint (C2SP tlog-checkpoint).")                                 \
	R(FEED, "GET", "/api/v1/feed", ON_OPERATORS, WHO_USER, "feed.read", feed_events,          \
	  feed_after, none, TYPE_EVENTS,                                                          \
	  "Changes as they happen (server-sent events; honours Last-Event-ID).")                  \
	R(CERTIFICATES, "GET", "/api/v1/certificates", ON_OPERATORS, WHO_USER,                    \
	  "certificate.read", api, certificate_list, none, TYPE_JSON, "Certificates we issued.")  \
	R(CERTIFICATE_REVOKE, "POST", "/api/v1/certificates/{serial}/revoke", ON_OPERATORS,       \
	  WHO_USER, "certificate.revoke", api, none, reason, TYPE_JSON,                           \
	  "Revoke one certificate; gates cut its session.")
/* clang-format on */

/* Crosses the wall as a number; both sides are built together. */
enum route_id {
	ROUTE_NONE,
#define ROUTE_ID(id, ...) ROUTE_##id,
	ROUTES(ROUTE_ID)
#undef ROUTE_ID
		ROUTES_COUNT,
};

extern const struct route routes[ROUTES_COUNT];

enum { ROUTE_PARAMS = 4 }; /* most {names} in one path */

/* What was asked, matched against the table.  Views point into the path. */
struct route_match {
	enum route_id id;
	bool path_is_known;              /* some method of this listener has it */
	struct str params[ROUTE_PARAMS]; /* percent-decoding is the caller's: segments are raw */
	struct str param_names[ROUTE_PARAMS]; /* "id" */
	size_t param_count;
	struct str allow[8]; /* the methods that this path has here (RFC 9110 15.5.6) */
	size_t allow_count;
};

/* False: no such route on this listener; path_is_known tells 405 from 404. */
bool route_find(enum listener at, struct str method, struct str path, struct route_match *out);

const struct route_field *route_field_find(const struct route_field *fields, struct str name);
