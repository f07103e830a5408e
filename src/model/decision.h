/* decision.h - the record of one decision: the same object everywhere.
 *
 * {id, time, gate, principal, action, resource, effect, stage, policy_version, because,
 * says, rules, facts, nearest, count}: docs/protocols/decision-record.md.  Made by the
 * gate (or core) from a request and its answer, sent up as JSON, stored and shown as it
 * is.  It replays to the same answer.
 */
#pragma once

#include "model/policy.h"

enum { DECISION_ID = 23 }; /* "d-", 20 base32 characters, NUL */

struct decision {
	struct str id;
	int64_t at_ms;
	struct str gate, principal, action, resource; /* resource: topic, filter or Type::"id" */
	struct str space;                             /* or empty */
	enum policy_effect effect;
	struct str stage; /* "enforce" or "observe" */
	struct str policy_version;
	enum policy_cause cause;
	struct str says; /* one sentence for a person */
	const struct policy_rule *rules;
	size_t rule_count;
	const struct policy_fact *facts;
	size_t fact_count;
	const struct str *nearest;
	size_t nearest_count;
	uint64_t count; /* how many times since the last record of its kind; at least 1 */
};

/* The id: time and a counter never used twice by one gate, in lower-case base32. */
void decision_id(int64_t at_ms, struct str gate, uint64_t counter, char out[DECISION_ID]);

/* Views into request and answer; `says` is made in mem. */
void decision_of(const struct policy_request *q, const struct policy_answer *a, struct str id,
		 struct str policy_version, struct arena *mem, struct decision *out);

bool decision_write(struct buf *out, const struct decision *d); /* JSON, one line, no newline */
bool decision_read(struct str json, struct arena *mem, struct decision *out, struct err *e);
