/* trust.h - how far is this principal trusted now, why, and until when?
 *
 * Pure: facts and signals in, a profile out; time is an argument.  Missing or stale
 * evidence lowers trust and never counts as good.  Every grade has a way back: a
 * profile says when it must be worked out again (next_ms), so that trust falls by
 * timer, also across a restart, and returns by itself when evidence recovers.
 */
#pragma once

#include "base/str.h"
#include "model/principal.h" /* enum grade */

/* Weakest first; zero is the safe value. */
enum trust_assurance {
	TRUST_AL0,   /* shared or claim credential: nothing device-unique proven */
	TRUST_AL1_S, /* device-unique key in software */
	TRUST_AL1_V, /* ... in a virtual TPM, or one whose maker nobody vouches for */
	TRUST_AL2,   /* key proven non-exportable in hardware an operator marked `hw` */
	TRUST_AL3,   /* AL2 and measured boot, fresh, matching reference values */
	TRUST_AL4,   /* AL3 and runtime integrity in its window */
	TRUST_ASSURANCES,
};

enum trust_source {
	TRUST_SOURCE_NONE,
	TRUST_ATTESTATION,
	TRUST_CONFIGURATION,
	TRUST_VULNERABILITY,
	TRUST_CREDENTIAL,
	TRUST_BEHAVIOUR,
	TRUST_SOURCES,
};

/* Where the identity key lives, as proven. */
enum trust_key { TRUST_KEY_CLAIMED, TRUST_KEY_SOFTWARE, TRUST_KEY_VIRTUAL, TRUST_KEY_HARDWARE };

enum trust_attested {
	TRUST_NOT_ATTESTED, /* no result yet */
	TRUST_AFFIRMED,     /* state matches the reference */
	TRUST_WARNED,       /* authentic, but nothing vouches for what it says */
	TRUST_CONTRADICTED, /* authentic, and not what the reference allows */
};

/* What one piece of evidence adds to the risk. */
struct trust_signal {
	enum trust_source source;
	struct str kind;      /* "cve-match", "weak-password"; unique within source */
	unsigned weight;      /* 0-100: risk on its own when fresh */
	int64_t observed_ms;  /* wall time */
	int64_t expires_ms;   /* 0: never; then it no longer counts */
	int64_t half_life_ms; /* 0: does not decay */
	struct str evidence_id;
};

struct trust_facts {
	enum trust_key key;
	bool is_held;    /* an operator's quarantine: isolated until the operator lifts it */
	bool is_pending; /* registered, never enrolled */
	bool expects_attestation; /* a TPM is registered for it, so silence says something */
	bool has_runtime;         /* runtime integrity within its window */
	enum trust_attested attested;
	int64_t attested_ms; /* when the last result was made */
	struct str attested_evidence;
	const struct trust_signal *signals;
	size_t signal_count;
};

/* Settings; TRUST_RULES_DEFAULT below. */
struct trust_rules {
	int64_t attest_valid_ms;  /* a result vouches for this long */
	int64_t attest_grace_ms;  /* after it: restricted, then alert-only */
	unsigned restricted_risk; /* from this risk on */
	unsigned update_only_risk;
	unsigned isolated_risk;
};

extern const struct trust_rules trust_rules_default; /* 10 min, 10 min, 40, 70, 90 */

enum { TRUST_TOP = 6 };

struct trust_contribution {
	enum trust_source source;
	struct str kind;
	unsigned points; /* 0-100, decayed */
	int64_t observed_ms;
	struct str evidence_id;
};

struct trust_profile {
	enum trust_assurance assurance;
	bool is_attested; /* evidence of state, fresh and matching: not how hard the identity is to
			     fake */
	unsigned risk;    /* 0-100: noisy-or over source families, the strongest of each */
	enum grade grade;
	const char *because;    /* one static sentence: what set the grade */
	int64_t valid_until_ms; /* 0: for ever; grade_then follows without new evidence */
	enum grade grade_then;
	int64_t next_ms; /* work it out again then; 0: only when facts change */
	struct trust_contribution top[TRUST_TOP]; /* heaviest first */
	size_t top_count;
};

struct trust_profile trust_evaluate(const struct trust_facts *f, const struct trust_rules *r,
				    int64_t now_ms);

/* One word each, as policy, feed and CLI show them: "AL1-V", "update-only", "attestation". */
const char *trust_assurance_name(enum trust_assurance a);
const char *trust_source_name(enum trust_source s);
const char *trust_attested_name(enum trust_attested a);
const char *trust_key_name(enum trust_key k);
/* False when the word is not one; *out is then the safe value. */
bool trust_assurance_of(struct str word, enum trust_assurance *out);
bool trust_source_of(struct str word, enum trust_source *out);
bool trust_attested_of(struct str word, enum trust_attested *out);
bool trust_key_of(struct str word, enum trust_key *out);
