/* policy_set.h - a compiled policy set from the inside: for the policy*.c files only.
 *
 * policy_set.c makes it, policy_facts.c puts principals and contexts into Cedar's terms,
 * policy.c decides, policy_explain.c says why.
 */
#pragma once

#include "cedar/authorize.h"
#include "cedar/schema.h"
#include "model/policy.h"
#include "model/world.h"

enum {
	POLICY_ATTRS = 24,   /* attributes of an entity or fields of a context */
	POLICY_PARENTS = 64, /* groups of a principal */
	POLICY_POSTURE = 16,
};

/* One space in Cedar's terms. */
struct policy_space {
	uint32_t type;                 /* Space::telemetry */
	uint32_t params[SPACE_PARAMS]; /* attribute names */
	uint32_t types[SPACE_PARAMS];  /* entity types; 0: String */
};

/* What changes while the set stands: its picture of a world, and working memory. */
struct policy_view {
	const struct world *world;
	uint64_t epoch;
	struct cedar_entities *store;
	struct cedar_scratch *scratch;
	struct arena *work;
};

struct policy {
	struct arena *mem;
	struct cedar_names *names;
	const struct schema *schema;
	const struct spaces *spaces;
	struct policy_space *space_types; /* by index of space */
	const struct cedar_policy **rules;
	uint32_t rule_count;
	struct cedar_program *program;
	struct str version;
	uint32_t topic_space, device, grade; /* names */
	bool names_principals; /* a condition names one: answers rest on more than who and where */
	uint64_t message_bits; /* context fields that differ from message to message */
	struct policy_view *view;
};

/* A record being put together on the stack. */
struct policy_record {
	uint32_t names[POLICY_ATTRS];
	struct cedar_value values[POLICY_ATTRS];
	struct cedar_uid uids[POLICY_ATTRS];
	struct cedar_record record;
	uint32_t count;
	struct cedar_ip ip;
	uint32_t posture_names[POLICY_POSTURE];
	struct cedar_value posture_values[POLICY_POSTURE];
	struct cedar_record posture;
};

/* Who asks, as policy sees it. */
struct policy_subject {
	const struct principal *p; /* a workload's device */
	struct str id;             /* of the entity: "pump-1", "pump-1:logger" */
	struct str workload;       /* or empty */
	uint32_t type;             /* name of its entity type */
	enum grade grade;          /* that holds now */
};

/* One question on its way through policy.c; all borrowed from the request. */
struct policy_ask {
	const struct policy *p;
	const struct world *w;
	const struct policy_request *q;
	struct policy_subject who;
	struct space_binding at; /* publish, receive, subscribe */
	int64_t judged_ms;       /* now, less the allowance of an outage */
	bool is_asked;           /* Cedar decided */
	struct cedar_uid principal, action, resource;
	struct policy_record who_attrs, where_attrs, context;
	struct cedar_uid parents[POLICY_PARENTS], space_parents[SPACE_PARAMS];
	const struct cedar_uid *parent_ptrs[POLICY_PARENTS], *space_parent_ptrs[SPACE_PARAMS];
	struct cedar_entity locals[2];
	struct cedar_request request;
};

/* The Cedar entity type of a kind of principal; NULL when it has none. */
const char *policy_kind_type(struct str kind);

/* Are all attributes the schema wants of principals and contexts known to us? */
bool policy_schema_known(const struct schema *s, struct err *e);

/* Fills r->record with the attributes the schema declares for the subject's type. */
bool policy_put_attrs(const struct policy *p, const struct policy_subject *who,
		      struct policy_record *r);
/* Parents the schema allows, into room for POLICY_PARENTS; returns how many. */
uint32_t policy_put_parents(const struct policy *p, const struct policy_subject *who,
			    struct cedar_uid *uids, const struct cedar_uid **ptrs);
bool policy_put_context(const struct policy *p, const struct schema_action *action,
			const struct policy_context *c, struct policy_record *r);

bool policy_put_actions(const struct policy *p, struct err *e); /* actions are entities too */

/* Brings the set's picture of the world up to date. */
void policy_view_follow(const struct policy *p, const struct world *w);
/* A grade may have ended since: puts the principal again when its grade differs. */
void policy_view_grade(const struct policy *p, const struct principal *who, int64_t judged_ms);

/* policy.c, for policy_explain.c: the whole way to an answer; ask keeps the Cedar request. */
void policy_decide_ask(struct policy_ask *ask, const struct policy *p, const struct world *w,
		       const struct policy_request *q, struct policy_answer *out);
/* The principal that a parameter or resource of this type and id is; NULL: none, or unknown. */
const struct principal *policy_named(const struct policy_ask *ask, struct str type, struct str id);
bool policy_is_principal_type(struct str type);
/* Cedar's answer as ours: what policy_decide and a residual have in common. */
void policy_take_answer(const struct policy *p, const struct cedar_answer *got,
			struct policy_answer *out);
/* policy_keep.c: what the answer rests on. */
void policy_basis_of(const struct policy_ask *ask, struct policy_basis *out);
void policy_rule_of(const struct cedar_policy *from, struct policy_rule *out);
