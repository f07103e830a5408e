/* policy.h - may this principal do this, now, and why?
 *
 * Pure: the same set, world and request give the same answer, with no clock, disk or
 * network.  Control plane and gate link this one file, so they cannot disagree.
 *
 * A *set* is policies in Cedar, a schema and topic spaces, compiled and immutable.  A
 * *world* is what is known of principals.  A *request* names who, what and where.  The
 * answer is deny unless something grants it.  In this order (DESIGN 3-4): the principal
 * is known and active; the ceiling of its grade (a floor no policy lifts); the topic is
 * in a space whose entities agree with the registry; Cedar; and an error while evaluating
 * a forbid is a denial.
 */
#pragma once

#include "model/principal.h"
#include "model/space.h"

enum policy_effect { POLICY_DENY, POLICY_ALLOW, POLICY_DEPENDS }; /* zero means no */

/* What decided; the words of `because` in the decision record. */
enum policy_cause {
	POLICY_NO_PERMIT, /* nothing grants it */
	POLICY_PERMIT,
	POLICY_FORBID,
	POLICY_ERROR,     /* a forbid could not be evaluated */
	POLICY_UNKNOWN,   /* no such principal, or not active */
	POLICY_GRADE,     /* the ceiling of the grade */
	POLICY_NO_SPACE,  /* the topic is in no space, or begins with '$' */
	POLICY_DISAGREES, /* the topic names things that the registry does not put together */
	POLICY_STALE,     /* the gate's state is too old for this */
	POLICY_TOO_WIDE,  /* a subscription of which only a part is granted */
	POLICY_CAUSES,
};

enum policy_age { POLICY_FRESH, POLICY_STALE_AGE, POLICY_OLD, POLICY_EXPIRED };

struct policy_context {
	int64_t now_ms;         /* wall time */
	struct str source_ip;   /* "10.0.0.7"; empty: not from the network */
	struct str gate;        /* id */
	struct str protocol;    /* "mqtt3", "mqtt5", "https" */
	struct str share_group; /* of a shared subscription */
	uint32_t payload_bytes; /* publish and receive */
	uint8_t qos;
	bool retain;
	enum policy_age age;  /* of the gate's state; core's own is always fresh */
	int64_t age_ms;       /* the same in time */
	int64_t allowance_ms; /* valid_until holds this much longer: an outage (DESIGN 3) */
};

struct policy_request {
	struct str principal; /* "device/pump-1", "device/pump-1/workload/logger", "service/x",
				 "user/x" */
	struct str action;    /* "connect", "publish", "subscribe", "receive", "device.read", ... */
	struct str topic;     /* publish, receive: a topic; subscribe: a filter without $share */
	struct str resource_type,
		resource_id; /* other actions: "Device" "pump-1", "PolicySet" "active" */
	struct policy_context context;
};

struct policy_rule {
	struct str id; /* @id, or "policy3" */
	struct str file;
	uint32_t line;
	bool is_forbid;
	struct str reason; /* @reason, or empty */
};

struct policy_fact {
	struct str path;  /* "principal.grade" */
	struct str value; /* as Cedar writes it */
	struct str evidence_id;
	int64_t at_ms; /* of the evidence; 0: registry */
};

/* What an answer rests on besides its request: it holds while none of this changed. */
enum { POLICY_BASIS = SPACE_PARAMS + 1 };
struct world_entry;

struct policy_basis {
	uint64_t epoch;     /* of the world, when it was given */
	int64_t expires_ms; /* as policy_answer's */
	int64_t allowance_ms;
	enum policy_age age;
	const struct world_entry *on[POLICY_BASIS]; /* the principals that were looked at */
	size_t count;
	bool on_all; /* on anybody: it ends with the next change of the world */
};

enum { POLICY_RULES = 8, POLICY_FACTS = 16, POLICY_NEAREST = 3 };

struct policy_answer {
	/* DEPENDS: only of a subscription, granted because its spaces are set to `filter`:
	 * each delivery must be decided.  Any other that depends is DENY, POLICY_TOO_WIDE. */
	enum policy_effect effect;
	enum policy_cause cause;
	const struct space *space; /* NULL when no topic or none fits */
	bool by_grade;             /* denied by grade alone: comes back when the grade does */
	bool reads_message; /* qos, retain or size of the message was read: cache the residual only
			     */
	int64_t expires_ms; /* the answer may change then by itself; 0: never */
	struct policy_basis basis;
	struct policy_rule
		rules[POLICY_RULES]; /* determining; of NO_PERMIT explained: candidates */
	size_t rule_count;
	struct policy_fact facts[POLICY_FACTS]; /* filled by policy_explain */
	size_t fact_count;
	struct str nearest[POLICY_NEAREST]; /* "principal.grade = normal"; by policy_explain */
	size_t nearest_count;
};

struct policy_file {
	struct str name, text;
};

struct policy_source {
	struct str version;
	struct str schema; /* Cedar syntax, without the spaces */
	struct policy_file spaces;
	const struct policy_file *files;
	size_t count;
};

struct policy;

/* Parses, validates against the schema with the spaces added, compiles.  A set that does
 * not validate is refused; errors name file, line and column.  Copies what it keeps. */
struct policy *policy_new(const struct policy_source *src, struct err *e);
void policy_free(struct policy *p); /* NULL is fine */
struct str policy_version(const struct policy *p);
const struct spaces *policy_spaces(const struct policy *p);
size_t policy_rule_count(const struct policy *p);
bool policy_rule_at(const struct policy *p, size_t i, struct policy_rule *out);

/* What is known of principals: the state a feed builds. */
struct world;

struct world *world_new(void);
void world_free(struct world *w);
void world_put(struct world *w, const struct principal *p); /* copies; replaces the old one */
void world_take(struct world *w, struct str kind, struct str id);
const struct principal *world_get(const struct world *w, struct str kind, struct str id);
size_t world_count(const struct world *w);
bool world_next(const struct world *w, size_t *at, const struct principal **out);
uint64_t world_epoch(const struct world *w); /* grows with each put and take */

/* The principal of a device, workload (its device's), service, user, ...; NULL: unknown. */
const struct principal *world_principal(const struct world *w, struct str principal);

/* Fast: allocates nothing that outlives the call, fills no facts.  `p` NULL: deny all. */
void policy_decide(const struct policy *p, const struct world *w, const struct policy_request *q,
		   struct policy_answer *out);
/* Would the same request, with this context, be given this answer still?  Only while the same set
 * is in force; and where reads_message, only for the same message. */
bool policy_basis_holds(const struct policy_basis *b, const struct world *w,
			const struct policy_context *c);

/* What remains of the policies once principal, action, resource and what the basis names are known:
 * run on each message for as long as the basis holds.  Use it no longer than the set it was made
 * of. */
struct policy_residual;

/* NULL: it is not for the policies alone to say (a subscription; denied by something before
 * them), or what remains is too large.  The answer to q as it stands comes along in out. */
struct policy_residual *policy_residual_new(const struct policy *p, const struct world *w,
					    const struct policy_request *q,
					    struct policy_answer *out);
void policy_residual_free(struct policy_residual *r); /* NULL is fine; also after the set is gone */
/* Effect, cause and rules as policy_decide gives them; by_grade is policy_decide's to say. */
void policy_residual_decide(const struct policy_residual *r, const struct policy_context *c,
			    struct policy_answer *out);

/* The same answer with facts and the nearest change that would alter it; texts in mem. */
void policy_explain(const struct policy *p, const struct world *w, const struct policy_request *q,
		    struct arena *mem, struct policy_answer *out);

const char *policy_effect_name(enum policy_effect effect); /* "deny", "allow", "depends" */
const char *policy_cause_name(enum policy_cause cause);    /* "no-permit", "forbid", ... */
const char *policy_cause_text(enum policy_cause cause);    /* a sentence */
