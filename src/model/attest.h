/* attest.h - is this the device, and is it in a state we vouch for?
 *
 * Pure: crypto proves (signatures, digests, names), this judges.  The facts of a
 * quote, what was expected of it, and the reference values go in; a verdict with
 * every reason comes out (RFC 9334 appraisal; tiers after draft-ietf-rats-ar4si).
 * Evidence that is not authentic is no evidence: verdict none, nothing changes and
 * the old result runs out by its timer.  Authentic evidence that nothing vouches
 * for is a warning, never affirming.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum { ATTEST_PCRS = 24, ATTEST_ALTERNATIVES = 8, ATTEST_REASONS = 16 };

enum attest_verdict {
	ATTEST_NONE, /* nothing can be said: keep the old result until it runs out */
	ATTEST_AFFIRMING,
	ATTEST_WARNING,
	ATTEST_CONTRAINDICATED,
};

/* AR4SI tiers. */
enum attest_tier {
	ATTEST_TIER_NONE = 0,
	ATTEST_TIER_AFFIRMING = 2,
	ATTEST_TIER_WARNING = 32,
	ATTEST_TIER_CONTRAINDICATED = 96,
};

/* What the verify room read and proved.  Zero: nothing was. */
struct attest_facts {
	bool is_readable; /* every structure was well formed, no byte left over */
	bool is_signed; /* magic and type are a quote's; signed by the AK, whose attributes hold */
	bool is_fresh;  /* qualifyingData is exactly what was expected */
	bool is_sha256; /* the selection names the SHA-256 bank and no other */
	bool is_complete;    /* a value came for each selected PCR and for no other */
	bool digest_matches; /* SHA-256 over the values equals the quoted digest */
	bool clock_is_safe;
	uint32_t selected; /* bit i: PCR i is quoted */
	uint64_t clock, firmware;
	uint32_t reset_count, restart_count;
	uint8_t pcrs[ATTEST_PCRS][32]; /* valid where selected */
};

struct attest_counters {
	bool is_known; /* a quote was accepted before */
	uint32_t reset_count, restart_count;
	uint64_t clock, firmware;
};

struct attest_expected {
	bool is_ak_active;      /* the AK proved that it lives beside the registered EK */
	bool is_challenge_good; /* ours, unused, this device's, this connection's, within its time
				 */
	struct attest_counters before;
};

struct attest_pcr_values {
	uint8_t index;
	size_t count;
	uint8_t allowed[ATTEST_ALTERNATIVES][32];
};

/* One reference statement.  Several may be valid at once while a release rolls out. */
struct attest_reference {
	bool is_signed; /* by the release key */
	uint64_t version;
	int64_t not_before_ms, not_after_ms; /* 0: no end */
	const struct attest_pcr_values *pcrs;
	size_t pcr_count;
};

struct attest_references {
	const struct attest_reference *items;
	size_t count;
	uint64_t oldest_version; /* a reference below this was withdrawn */
};

struct attest_reason {
	const char *code; /* "pcr-mismatch": static, one of attest.c's table */
	const char *says; /* the sentence */
	int pcr;          /* -1 when it is not about one */
};

struct attest_result {
	enum attest_verdict verdict;
	enum attest_tier identity, hardware, executables, configuration; /* AR4SI vector */
	uint64_t reference_version; /* what vouched for it; 0 when none did */
	struct attest_reason reasons[ATTEST_REASONS];
	size_t reason_count; /* at least one unless affirming */
};

struct attest_result attest_appraise(const struct attest_facts *f, const struct attest_expected *x,
				     const struct attest_references *refs, int64_t now_ms);

const char *attest_verdict_name(enum attest_verdict v); /* "affirming" */
