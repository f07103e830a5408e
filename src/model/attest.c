#include "model/attest.h"

#include <string.h>

/* Every reason there is.  What it does to the verdict: NONE means "this is no evidence". */
enum reason {
	CHALLENGE,
	UNREADABLE,
	NOT_ACTIVE,
	NOT_SIGNED,
	NOT_FRESH,
	WRONG_BANK,
	INCOMPLETE,
	WRONG_DIGEST,
	NO_REFERENCE,
	REFERENCE_UNSIGNED,
	REFERENCE_OLD,
	REFERENCE_NOT_NOW,
	REFERENCE_EMPTY,
	REFERENCE_RESETTABLE,
	PCR_NOT_QUOTED,
	PCR_MISMATCH,
	COUNTER_BACK,
	CLOCK_BACK,
	FIRMWARE_BACK,
};

static const struct {
	const char *code;
	enum attest_verdict verdict;
	const char *says;
} reasons[] = {
	[CHALLENGE] = { "challenge", ATTEST_NONE,
			"the challenge is not ours, not this device's and connection's, used, or "
			"old" },
	[UNREADABLE] = { "unreadable", ATTEST_NONE, "the evidence cannot be read" },
	[NOT_ACTIVE] = { "ak-not-active", ATTEST_NONE,
			 "the attestation key has not proven that it lives in the registered TPM" },
	[NOT_SIGNED] = { "not-signed", ATTEST_NONE,
			 "this is no quote signed by the device's attestation key" },
	[NOT_FRESH] = { "nonce", ATTEST_NONE, "the quote does not answer this challenge" },
	[WRONG_BANK] = { "bank", ATTEST_NONE, "the quote is not over the SHA-256 bank alone" },
	[INCOMPLETE] = { "incomplete", ATTEST_NONE,
			 "the values sent are not those of the selected registers" },
	[WRONG_DIGEST] = { "digest", ATTEST_NONE,
			   "the values sent do not give the digest that was signed" },
	[NO_REFERENCE] = { "no-reference", ATTEST_WARNING,
			   "there are no reference values for this model" },
	[REFERENCE_UNSIGNED] = { "reference-unsigned", ATTEST_WARNING,
				 "no release key signed the reference values" },
	[REFERENCE_OLD] = { "reference-old", ATTEST_WARNING,
			    "the reference values were withdrawn by a later version" },
	[REFERENCE_NOT_NOW] = { "reference-not-valid-now", ATTEST_WARNING,
				"the reference values are not valid at this time" },
	[REFERENCE_EMPTY] = { "reference-empty", ATTEST_WARNING,
			      "the reference values name no register" },
	[REFERENCE_RESETTABLE] = { "pcr-resettable", ATTEST_WARNING,
				   "anyone can reset this register, so it proves nothing" },
	[PCR_NOT_QUOTED] = { "pcr-not-quoted", ATTEST_CONTRAINDICATED,
			     "a register that has a reference value was not quoted" },
	[PCR_MISMATCH] = { "pcr-mismatch", ATTEST_CONTRAINDICATED,
			   "a register holds a value that the reference does not allow" },
	[COUNTER_BACK] = { "counter-back", ATTEST_WARNING,
			   "the TPM's reset or restart counter went backwards" },
	[CLOCK_BACK] = { "clock-back", ATTEST_WARNING,
			 "the TPM's clock went backwards without a reset" },
	[FIRMWARE_BACK] = { "firmware-back", ATTEST_WARNING,
			    "the TPM's firmware is older than it was" },
};

static const char *const verdicts[] = {
	[ATTEST_NONE] = "none",
	[ATTEST_AFFIRMING] = "affirming",
	[ATTEST_WARNING] = "warning",
	[ATTEST_CONTRAINDICATED] = "contraindicated",
};

const char *attest_verdict_name(enum attest_verdict v)
{
	return (unsigned)v < countof(verdicts) ? verdicts[v] : verdicts[0];
}

static void add(struct attest_result *out, enum reason why, int pcr)
{
	if (out->reason_count < ATTEST_REASONS)
		out->reasons[out->reason_count++] =
			(struct attest_reason){ reasons[why].code, reasons[why].says, pcr };
}

static void worsen(struct attest_result *out, enum reason why, int pcr)
{
	add(out, why, pcr);
	if (reasons[why].verdict > out->verdict)
		out->verdict = reasons[why].verdict;
}

/* ---- is it evidence at all? ---- */

static bool is_authentic(const struct attest_facts *f, const struct attest_expected *x,
			 struct attest_result *out)
{
	const struct {
		bool holds;
		enum reason why;
	} checks[] = {
		{ x->is_challenge_good, CHALLENGE }, { f->is_readable, UNREADABLE },
		{ x->is_ak_active, NOT_ACTIVE },     { f->is_signed, NOT_SIGNED },
		{ f->is_fresh, NOT_FRESH },          { f->is_sha256, WRONG_BANK },
		{ f->is_complete, INCOMPLETE },      { f->digest_matches, WRONG_DIGEST },
	};

	for (size_t i = 0; i < countof(checks); i++)
		if (!checks[i].holds)
			add(out, checks[i].why, -1);
	return out->reason_count == 0;
}

/* ---- does a reference vouch for it? ---- */

/* PCRs 16 and 23 can be reset by anyone: they never count as measured. */
static bool is_resettable(uint8_t pcr)
{
	return pcr == 16 || pcr == 23 || pcr >= ATTEST_PCRS;
}

static bool value_allowed(const struct attest_pcr_values *want, const uint8_t got[32])
{
	for (size_t i = 0; i < want->count && i < ATTEST_ALTERNATIVES; i++)
		if (memcmp(want->allowed[i], got, 32) == 0)
			return true;
	return false;
}

/* Verdict and reasons of one reference that may be used now. */
static struct attest_result compare(const struct attest_facts *f,
				    const struct attest_reference *ref)
{
	struct attest_result one = { .verdict = ATTEST_AFFIRMING };

	if (!ref->pcr_count)
		worsen(&one, REFERENCE_EMPTY, -1);
	for (size_t i = 0; i < ref->pcr_count; i++) {
		uint8_t pcr = ref->pcrs[i].index;

		if (is_resettable(pcr))
			worsen(&one, REFERENCE_RESETTABLE, pcr);
		else if (!(f->selected >> pcr & 1))
			worsen(&one, PCR_NOT_QUOTED, pcr);
		else if (!value_allowed(&ref->pcrs[i], f->pcrs[pcr]))
			worsen(&one, PCR_MISMATCH, pcr);
	}
	one.reference_version = ref->version;
	return one;
}

static bool usable(const struct attest_reference *ref, uint64_t oldest, int64_t now_ms,
		   enum reason *why)
{
	*why = !ref->is_signed         ? REFERENCE_UNSIGNED
	       : ref->version < oldest ? REFERENCE_OLD
	       : now_ms < ref->not_before_ms || (ref->not_after_ms && now_ms >= ref->not_after_ms)
		       ? REFERENCE_NOT_NOW
		       : NO_REFERENCE;
	return *why == NO_REFERENCE;
}

static bool is_better(const struct attest_result *a, const struct attest_result *b)
{
	return a->verdict < b->verdict ||
	       (a->verdict == b->verdict && a->reference_version > b->reference_version);
}

/* The reference that fits best decides: a release in rollout is no alarm (DESIGN 7). */
static struct attest_result vouch(const struct attest_facts *f,
				  const struct attest_references *refs, int64_t now_ms)
{
	struct attest_result best = { 0 };
	enum reason why = NO_REFERENCE, last = NO_REFERENCE;

	for (size_t i = 0; i < refs->count; i++) {
		if (!usable(&refs->items[i], refs->oldest_version, now_ms, &why)) {
			last = why;
			continue;
		}
		struct attest_result one = compare(f, &refs->items[i]);
		if (best.verdict == ATTEST_NONE || is_better(&one, &best))
			best = one;
	}
	if (best.verdict == ATTEST_NONE)
		worsen(&best, last, -1);
	return best;
}

/* ---- does it go on from where it was? ---- */

static void check_counters(const struct attest_facts *f, const struct attest_counters *before,
			   struct attest_result *out)
{
	if (!before->is_known)
		return;
	bool same_boot = f->reset_count == before->reset_count;
	if (f->reset_count < before->reset_count ||
	    (same_boot && f->restart_count < before->restart_count))
		worsen(out, COUNTER_BACK, -1);
	if (same_boot && f->restart_count == before->restart_count && f->clock < before->clock)
		worsen(out, CLOCK_BACK, -1);
	if (f->firmware < before->firmware)
		worsen(out, FIRMWARE_BACK, -1);
}

static enum attest_tier tier(enum attest_verdict v)
{
	return v == ATTEST_AFFIRMING         ? ATTEST_TIER_AFFIRMING
	       : v == ATTEST_WARNING         ? ATTEST_TIER_WARNING
	       : v == ATTEST_CONTRAINDICATED ? ATTEST_TIER_CONTRAINDICATED
					     : ATTEST_TIER_NONE;
}

struct attest_result attest_appraise(const struct attest_facts *f, const struct attest_expected *x,
				     const struct attest_references *refs, int64_t now_ms)
{
	struct attest_result out = { 0 };

	if (!is_authentic(f, x, &out))
		return out;
	out = vouch(f, refs, now_ms);
	enum attest_verdict state = out.verdict;
	check_counters(f, &x->before, &out);
	out.identity = ATTEST_TIER_AFFIRMING;
	out.executables = out.configuration = tier(state);
	out.hardware = out.verdict == state ? ATTEST_TIER_AFFIRMING : tier(out.verdict);
	return out;
}
