/* test_trust.c - what follows from facts, and when it must be worked out again. */
#include "test.h"

#include "model/trust.h"

enum { MIN = 60000, NOW = 100 * MIN };

#define TPM .expects_attestation = true, .key = TRUST_KEY_VIRTUAL

static const struct {
	const char *says;
	struct trust_facts facts;
	enum grade grade, then;
	enum trust_assurance assurance;
	bool is_attested;
	int64_t valid_until_ms;
} cases[] = {
	{ "nothing known is isolated only by being pending",
	  { .is_pending = true },
	  GRADE_ISOLATED,
	  GRADE_ISOLATED,
	  TRUST_AL0,
	  false,
	  0 },
	{ "a key in a file is AL1-S and may be normal",
	  { .key = TRUST_KEY_SOFTWARE },
	  GRADE_NORMAL,
	  GRADE_NORMAL,
	  TRUST_AL1_S,
	  false,
	  0 },
	{ "a device with a TPM that never attested may only raise its alert",
	  { TPM },
	  GRADE_ALERT_ONLY,
	  GRADE_ALERT_ONLY,
	  TRUST_AL1_V,
	  false,
	  0 },
	{ "a fresh good result makes it normal, for a while",
	  { TPM, .attested = TRUST_AFFIRMED, .attested_ms = NOW - 1 },
	  GRADE_NORMAL,
	  GRADE_RESTRICTED,
	  TRUST_AL1_V,
	  true,
	  NOW - 1 + 10 * MIN },
	{ "a software TPM is never AL3, however well attested",
	  { TPM, .attested = TRUST_AFFIRMED, .attested_ms = NOW, .has_runtime = true },
	  GRADE_NORMAL,
	  GRADE_RESTRICTED,
	  TRUST_AL1_V,
	  true,
	  NOW + 10 * MIN },
	{ "hardware and attested is AL3",
	  { .key = TRUST_KEY_HARDWARE,
	    .expects_attestation = true,
	    .attested = TRUST_AFFIRMED,
	    .attested_ms = NOW },
	  GRADE_NORMAL,
	  GRADE_RESTRICTED,
	  TRUST_AL3,
	  true,
	  NOW + 10 * MIN },
	{ "hardware unattested is AL2",
	  { .key = TRUST_KEY_HARDWARE },
	  GRADE_NORMAL,
	  GRADE_NORMAL,
	  TRUST_AL2,
	  false,
	  0 },
	{ "runtime integrity makes AL4",
	  { .key = TRUST_KEY_HARDWARE,
	    .expects_attestation = true,
	    .attested = TRUST_AFFIRMED,
	    .attested_ms = NOW,
	    .has_runtime = true },
	  GRADE_NORMAL,
	  GRADE_RESTRICTED,
	  TRUST_AL4,
	  true,
	  NOW + 10 * MIN },
	{ "a result that ran out restricts, then leaves only the alert",
	  { TPM, .attested = TRUST_AFFIRMED, .attested_ms = NOW - 10 * MIN },
	  GRADE_RESTRICTED,
	  GRADE_ALERT_ONLY,
	  TRUST_AL1_V,
	  false,
	  NOW + 10 * MIN },
	{ "and after the grace nothing else is left",
	  { TPM, .attested = TRUST_AFFIRMED, .attested_ms = NOW - 20 * MIN },
	  GRADE_ALERT_ONLY,
	  GRADE_ALERT_ONLY,
	  TRUST_AL1_V,
	  false,
	  0 },
	{ "a contradicted state leaves only the alert, at once",
	  { TPM, .attested = TRUST_CONTRADICTED, .attested_ms = NOW },
	  GRADE_ALERT_ONLY,
	  GRADE_ALERT_ONLY,
	  TRUST_AL1_V,
	  false,
	  NOW + 10 * MIN },
	{ "and silence afterwards does not make it better",
	  { TPM, .attested = TRUST_CONTRADICTED, .attested_ms = NOW - 100 * MIN },
	  GRADE_ALERT_ONLY,
	  GRADE_ALERT_ONLY,
	  TRUST_AL1_V,
	  false,
	  0 },
	{ "a warning restricts",
	  { TPM, .attested = TRUST_WARNED, .attested_ms = NOW },
	  GRADE_RESTRICTED,
	  GRADE_RESTRICTED,
	  TRUST_AL1_V,
	  false,
	  NOW + 10 * MIN },
	{ "a result from the future vouches for nothing",
	  { TPM, .attested = TRUST_AFFIRMED, .attested_ms = NOW + 60 * MIN },
	  GRADE_ALERT_ONLY,
	  GRADE_ALERT_ONLY,
	  TRUST_AL1_V,
	  false,
	  0 },
	{ "an operator's hold stands above a good result",
	  { TPM, .attested = TRUST_AFFIRMED, .attested_ms = NOW, .is_held = true },
	  GRADE_ISOLATED,
	  GRADE_ISOLATED,
	  TRUST_AL1_V,
	  true,
	  NOW + 10 * MIN },
};

static void grades_follow_from_facts(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct trust_profile p = trust_evaluate(&cases[i].facts, &trust_rules_default, NOW);

		check(p.grade == cases[i].grade, cases[i].says);
		check(p.grade_then == cases[i].then, cases[i].says);
		check(p.assurance == cases[i].assurance, cases[i].says);
		check(p.is_attested == cases[i].is_attested, cases[i].says);
		check(p.valid_until_ms == cases[i].valid_until_ms, cases[i].says);
		check(p.because && p.because[0], cases[i].says);
		check(p.next_ms == 0 || p.next_ms > NOW, cases[i].says);
	}
}

#define SIGNAL(from, name, points)                                                                 \
	{                                                                                          \
		.source = (from), .kind = STR_INIT(name), .weight = (points), .observed_ms = NOW   \
	}

static void families_add_up_and_members_do_not(void **state)
{
	static const struct trust_signal one[] = { SIGNAL(TRUST_VULNERABILITY, "a", 50) };
	static const struct trust_signal family[] = { SIGNAL(TRUST_VULNERABILITY, "a", 50),
						      SIGNAL(TRUST_VULNERABILITY, "b", 40) };
	static const struct trust_signal two[] = { SIGNAL(TRUST_VULNERABILITY, "a", 50),
						   SIGNAL(TRUST_BEHAVIOUR, "b", 50) };
	struct trust_facts f = { .key = TRUST_KEY_SOFTWARE, .signals = one, .signal_count = 1 };

	(void)state;
	struct trust_profile p = trust_evaluate(&f, &trust_rules_default, NOW);
	check(p.risk == 50 && p.grade == GRADE_RESTRICTED, "one signal is its own weight");
	f.signals = family;
	f.signal_count = 2;
	p = trust_evaluate(&f, &trust_rules_default, NOW);
	check(p.risk == 50, "the strongest of a family counts");
	check(p.top_count == 2 && str_eqz(p.top[0].kind, "a"), "the heaviest is named first");
	f.signals = two;
	p = trust_evaluate(&f, &trust_rules_default, NOW);
	check(p.risk == 75 && p.grade == GRADE_UPDATE_ONLY, "1 - 0.5 * 0.5");
}

static void risk_decays_and_the_grade_comes_back(void **state)
{
	static const struct trust_signal s[] = {
		{ TRUST_BEHAVIOUR, STR_INIT("scan"), 80, NOW, 0, 10 * MIN, { NULL, 0 } },
	};
	struct trust_facts f = { .key = TRUST_KEY_SOFTWARE, .signals = s, .signal_count = 1 };
	unsigned before = 101;

	(void)state;
	for (int64_t at = NOW; at < NOW + 200 * MIN; at += MIN) {
		struct trust_profile p = trust_evaluate(&f, &trust_rules_default, at);
		check(p.risk <= before, "it never grows");
		check(!p.risk || (p.next_ms > at && p.next_ms < at + 10 * MIN),
		      "it is looked at again while it counts");
		before = p.risk;
	}
	check(trust_evaluate(&f, &trust_rules_default, NOW).grade == GRADE_UPDATE_ONLY, "80 now");
	check(trust_evaluate(&f, &trust_rules_default, NOW + 10 * MIN).risk == 40, "40 later");
	check(trust_evaluate(&f, &trust_rules_default, NOW + 200 * MIN).grade == GRADE_NORMAL,
	      "and normal in the end");
}

static void an_expired_signal_is_gone(void **state)
{
	static const struct trust_signal s[] = {
		{ TRUST_CREDENTIAL, STR_INIT("leak"), 95, NOW, NOW + MIN, 0, { NULL, 0 } },
	};
	struct trust_facts f = { .key = TRUST_KEY_SOFTWARE, .signals = s, .signal_count = 1 };

	(void)state;
	struct trust_profile p = trust_evaluate(&f, &trust_rules_default, NOW);
	check(p.grade == GRADE_ISOLATED && p.next_ms == NOW + MIN, "it isolates until then");
	p = trust_evaluate(&f, &trust_rules_default, NOW + MIN);
	check(p.grade == GRADE_NORMAL && p.risk == 0, "then it says nothing");
}

RUN_TESTS(cmocka_unit_test(grades_follow_from_facts),
	  cmocka_unit_test(families_add_up_and_members_do_not),
	  cmocka_unit_test(risk_decays_and_the_grade_comes_back),
	  cmocka_unit_test(an_expired_signal_is_gone))
