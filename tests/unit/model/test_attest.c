/* test_attest.c - evidence judged: each check that must not be skipped, skipped (V1, V7, V8, V9).
 */
#include "test.h"

#include "model/attest.h"

enum { NOW = 1000000 };

static const struct attest_pcr_values want[] = {
	{ .index = 0, .count = 2, .allowed = { { 1 }, { 2 } } },
	{ .index = 4, .count = 1, .allowed = { { 4 } } },
};
static const struct attest_pcr_values other[] = {
	{ .index = 0, .count = 1, .allowed = { { 9 } } },
};
static const struct attest_pcr_values resettable[] = {
	{ .index = 16, .count = 1, .allowed = { { 0 } } },
};

#define REF(values, v)                                                                             \
	{                                                                                          \
		.is_signed = true, .version = (v), .pcrs = (values), .pcr_count = countof(values)  \
	}

static const struct attest_reference good_ref[] = { REF(want, 3) };
static const struct attest_reference unsigned_ref[] = {
	{ .version = 3, .pcrs = want, .pcr_count = countof(want) },
};
static const struct attest_reference future_ref[] = {
	{ .is_signed = true,
	  .version = 3,
	  .not_before_ms = NOW + 1,
	  .pcrs = want,
	  .pcr_count = countof(want) },
};
static const struct attest_reference past_ref[] = {
	{ .is_signed = true,
	  .version = 3,
	  .not_after_ms = NOW,
	  .pcrs = want,
	  .pcr_count = countof(want) },
};
static const struct attest_reference rollout[] = { REF(other, 4), REF(want, 3) };
static const struct attest_reference wrong_ref[] = { REF(other, 4) };
static const struct attest_reference soft_ref[] = { REF(resettable, 1) };
static const struct attest_reference empty_ref[] = { { .is_signed = true, .version = 1 } };

static struct attest_facts facts(void)
{
	return (struct attest_facts){ .is_readable = true,
				      .is_signed = true,
				      .is_fresh = true,
				      .is_sha256 = true,
				      .is_complete = true,
				      .digest_matches = true,
				      .clock_is_safe = true,
				      .selected = 1 << 0 | 1 << 4 | 1 << 16,
				      .clock = 50,
				      .firmware = 7,
				      .reset_count = 2,
				      .restart_count = 1,
				      .pcrs = { [0] = { 2 }, [4] = { 4 } } };
}

static struct attest_expected expected(void)
{
	return (struct attest_expected){ .is_ak_active = true,
					 .is_challenge_good = true,
					 .before = { true, 2, 1, 40, 7 } };
}

static const struct {
	const char *says;
	size_t fact; /* offset of a bool of the facts made false; or of the expectation */
	bool is_expectation;
	const char *code;
} skipped[] = {
	{ "what cannot be read", offsetof(struct attest_facts, is_readable), false, "unreadable" },
	{ "a signature by another key, or no quote", offsetof(struct attest_facts, is_signed),
	  false, "not-signed" },
	{ "V1: an old nonce", offsetof(struct attest_facts, is_fresh), false, "nonce" },
	{ "another bank", offsetof(struct attest_facts, is_sha256), false, "bank" },
	{ "values missing or too many", offsetof(struct attest_facts, is_complete), false,
	  "incomplete" },
	{ "a digest that is not of the values", offsetof(struct attest_facts, digest_matches),
	  false, "digest" },
	{ "an attestation key that was never activated",
	  offsetof(struct attest_expected, is_ak_active), true, "ak-not-active" },
	{ "V1: a challenge used before, or of another device",
	  offsetof(struct attest_expected, is_challenge_good), true, "challenge" },
};

static struct attest_result appraise(const struct attest_facts *f, const struct attest_expected *x,
				     const struct attest_reference *refs, size_t count)
{
	struct attest_references all = { refs, count, 2 };

	return attest_appraise(f, x, &all, NOW);
}

static void what_is_not_authentic_is_no_evidence(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(skipped); i++) {
		struct attest_facts f = facts();
		struct attest_expected x = expected();
		uint8_t *base = skipped[i].is_expectation ? (uint8_t *)&x : (uint8_t *)&f;

		*(bool *)(base + skipped[i].fact) = false;
		struct attest_result r = appraise(&f, &x, good_ref, 1);
		check(r.verdict == ATTEST_NONE && r.identity == ATTEST_TIER_NONE, skipped[i].says);
		check(r.reason_count == 1 && strcmp(r.reasons[0].code, skipped[i].code) == 0,
		      skipped[i].says);
	}
	struct attest_facts none = { 0 };
	struct attest_expected x = expected();
	check(appraise(&none, &x, good_ref, 1).verdict == ATTEST_NONE,
	      "V8: a verifier that said nothing proves nothing");
}

static const struct {
	const char *says;
	const struct attest_reference *refs;
	size_t count;
	enum attest_verdict verdict;
	const char *code;
} judged[] = {
	{ "values that the reference allows", good_ref, 1, ATTEST_AFFIRMING, NULL },
	{ "one of two references during a rollout", rollout, 2, ATTEST_AFFIRMING, NULL },
	{ "V9: no reference for this model", NULL, 0, ATTEST_WARNING, "no-reference" },
	{ "V9: an unsigned reference", unsigned_ref, 1, ATTEST_WARNING, "reference-unsigned" },
	{ "V9: a withdrawn reference", soft_ref, 1, ATTEST_WARNING, "reference-old" },
	{ "a reference not valid yet", future_ref, 1, ATTEST_WARNING, "reference-not-valid-now" },
	{ "a reference no longer valid", past_ref, 1, ATTEST_WARNING, "reference-not-valid-now" },
	{ "V9: an empty reference below the oldest", empty_ref, 1, ATTEST_WARNING,
	  "reference-old" },
	{ "values that no reference allows", wrong_ref, 1, ATTEST_CONTRAINDICATED, "pcr-mismatch" },
};

static void references_decide(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(judged); i++) {
		struct attest_facts f = facts();
		struct attest_expected x = expected();
		struct attest_result r = appraise(&f, &x, judged[i].refs, judged[i].count);

		check(r.verdict == judged[i].verdict, judged[i].says);
		check(!judged[i].code || strcmp(r.reasons[0].code, judged[i].code) == 0,
		      judged[i].says);
		check((r.verdict == ATTEST_AFFIRMING) == (r.reason_count == 0), judged[i].says);
	}
}

static void registers_that_anyone_resets_prove_nothing(void **state)
{
	static const struct attest_reference soft = REF(resettable, 5);
	struct attest_facts f = facts();
	struct attest_expected x = expected();

	(void)state;
	check(appraise(&f, &x, &soft, 1).verdict == ATTEST_WARNING, "PCR 16 affirms nothing");
	f.selected = 1 << 4;
	check(appraise(&f, &x, good_ref, 1).verdict == ATTEST_CONTRAINDICATED,
	      "a register with a reference must be quoted");
}

static const struct {
	const char *says;
	uint32_t reset, restart;
	uint64_t clock, firmware;
	bool is_fine;
} counters[] = {
	{ "time goes on", 2, 1, 41, 7, true },
	{ "a reset starts the clock anew", 3, 0, 1, 7, true },
	{ "a resume counts", 2, 2, 1, 7, true },
	{ "V7: the reset counter goes back", 1, 1, 60, 7, false },
	{ "V7: the restart counter goes back", 2, 0, 60, 7, false },
	{ "V7: the clock goes back", 2, 1, 39, 7, false },
	{ "V7: the firmware is older", 2, 1, 41, 6, false },
};

static void counters_only_go_forward(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(counters); i++) {
		struct attest_facts f = facts();
		struct attest_expected x = expected();

		f.reset_count = counters[i].reset;
		f.restart_count = counters[i].restart;
		f.clock = counters[i].clock;
		f.firmware = counters[i].firmware;
		struct attest_result r = appraise(&f, &x, good_ref, 1);
		check((r.verdict == ATTEST_AFFIRMING) == counters[i].is_fine, counters[i].says);
		x.before.is_known = false;
		check(appraise(&f, &x, good_ref, 1).verdict == ATTEST_AFFIRMING,
		      "a first quote has nothing before it");
	}
}

RUN_TESTS(cmocka_unit_test(what_is_not_authentic_is_no_evidence),
	  cmocka_unit_test(references_decide),
	  cmocka_unit_test(registers_that_anyone_resets_prove_nothing),
	  cmocka_unit_test(counters_only_go_forward))
