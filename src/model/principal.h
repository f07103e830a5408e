/* principal.h - what the registry and the trust profile say of one principal, now.
 *
 * The value that travels in the feed (kind `principal`, docs/protocols/feed.md), that
 * the gate keeps and that policy sees as a Cedar entity.  Core fills it from its tables;
 * gates read it from signed entries.  Views point into the arena or text given.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

/* What a principal may do at most; worst first, so zero grants nothing (DESIGN 3). */
enum grade {
	GRADE_ISOLATED,    /* nothing but attesting again */
	GRADE_ALERT_ONLY,  /* publish to its own alert topic */
	GRADE_UPDATE_ONLY, /* enrol, attest, report, fetch updates */
	GRADE_RESTRICTED,  /* what policy grants to a restricted principal */
	GRADE_NORMAL,      /* what policy grants */
	GRADES,
};

const char *grade_name(enum grade grade); /* "isolated", "alert-only", ... */
bool grade_read(struct str name, enum grade *out);

struct principal_tag {
	struct str name, value;
};

/* Which evidence stands behind an attribute, and when it was seen. */
struct principal_evidence {
	struct str attribute, id;
	int64_t at_ms;
};

struct principal {
	struct str kind; /* "device", "service", "gate", "user", "sensor" */
	struct str id, site, model, firmware;
	struct str status;                   /* "active", "pending", "retired" */
	struct str assurance, key_assurance; /* "AL0", "AL1-S", "AL1-V", "AL2", ... */
	const struct str *groups;            /* groups of a device or service, roles of a user */
	size_t group_count;
	bool attested;
	int64_t attested_at_ms;
	int64_t risk; /* 0-100 */
	enum grade grade;
	bool held;              /* an operator's quarantine: isolated, whatever else is said */
	int64_t valid_until_ms; /* from then on grade_then holds; 0: no limit */
	enum grade grade_then;
	int64_t generation; /* of its certificate */
	struct str posture; /* a JSON object, or empty */
	const struct principal_tag *tags;
	size_t tag_count;
	const struct principal_evidence *evidence;
	size_t evidence_count;
};

/* The body of a feed entry of kind `principal`: unknown fields are refused, missing
 * ones take the safe value (grade isolated, not attested). */
bool principal_read(struct str json, struct arena *mem, struct principal *out, struct err *e);
bool principal_write(struct buf *out, const struct principal *p);

/* The grade that holds at this moment: held and valid_until applied. */
enum grade principal_grade(const struct principal *p, int64_t now_ms);

/* Deep copy into an arena; false past its limit. */
bool principal_copy(const struct principal *from, struct arena *mem, struct principal *out);
