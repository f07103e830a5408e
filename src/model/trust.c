#include "model/trust.h"

const struct trust_rules trust_rules_default = {
	.attest_valid_ms = 10 * 60 * 1000,
	.attest_grace_ms = 10 * 60 * 1000,
	.restricted_risk = 40,
	.update_only_risk = 70,
	.isolated_risk = 90,
};

static const char *const assurances[TRUST_ASSURANCES] = {
	[TRUST_AL0] = "AL0", [TRUST_AL1_S] = "AL1-S", [TRUST_AL1_V] = "AL1-V",
	[TRUST_AL2] = "AL2", [TRUST_AL3] = "AL3",     [TRUST_AL4] = "AL4",
};
static const char *const sources[TRUST_SOURCES] = {
	[TRUST_SOURCE_NONE] = "none",
	[TRUST_ATTESTATION] = "attestation",
	[TRUST_CONFIGURATION] = "configuration",
	[TRUST_VULNERABILITY] = "vulnerability",
	[TRUST_CREDENTIAL] = "credential",
	[TRUST_BEHAVIOUR] = "behaviour",
};
static const char *const results[] = {
	[TRUST_NOT_ATTESTED] = "none",
	[TRUST_AFFIRMED] = "affirming",
	[TRUST_WARNED] = "warning",
	[TRUST_CONTRADICTED] = "contraindicated",
};
static const char *const key_names[] = {
	[TRUST_KEY_CLAIMED] = "claimed",
	[TRUST_KEY_SOFTWARE] = "software",
	[TRUST_KEY_VIRTUAL] = "virtual",
	[TRUST_KEY_HARDWARE] = "hardware",
};

static const char *word_at(const char *const *words, size_t count, size_t i)
{
	return words[i < count ? i : 0];
}

static bool word_find(const char *const *words, size_t count, struct str word, size_t *out)
{
	for (*out = 0; *out < count; ++*out)
		if (str_eqz(word, words[*out]))
			return true;
	*out = 0;
	return false;
}

/* ---- risk: noisy-or over families, the strongest signal of each, decayed ---- */

enum { WHOLE = 10000 };

/* 0-10000.  Halves every half-life, straight in between: the same everywhere, no reals. */
static int64_t decayed(const struct trust_signal *s, int64_t now_ms)
{
	int64_t weight = (int64_t)(s->weight > 100 ? 100 : s->weight) * (WHOLE / 100);
	int64_t age_ms = now_ms - s->observed_ms;

	if (s->expires_ms && now_ms >= s->expires_ms)
		return 0;
	if (!s->half_life_ms || age_ms <= 0)
		return weight;
	int64_t halves = age_ms / s->half_life_ms;
	if (halves >= 14)
		return 0;
	weight >>= halves;
	int64_t part = (age_ms % s->half_life_ms) * 1000 / s->half_life_ms;
	return weight - weight * part / 2000;
}

static void keep_top(struct trust_profile *p, const struct trust_signal *s, int64_t value)
{
	struct trust_contribution row = { s->source, s->kind, (unsigned)(value * 100 / WHOLE),
					  s->observed_ms, s->evidence_id };
	size_t at = p->top_count;

	if (!row.points)
		return;
	if (p->top_count < TRUST_TOP)
		p->top_count++;
	else if (p->top[--at].points >= row.points)
		return;
	for (; at > 0 && p->top[at - 1].points < row.points; at--)
		p->top[at] = p->top[at - 1];
	p->top[at] = row;
}

static void weigh_signals(const struct trust_facts *f, int64_t now_ms, struct trust_profile *p)
{
	int64_t family[TRUST_SOURCES] = { 0 };
	int64_t none_of_it = WHOLE;

	for (size_t i = 0; i < f->signal_count; i++) {
		const struct trust_signal *s = &f->signals[i];
		int64_t value = decayed(s, now_ms);

		if ((unsigned)s->source >= TRUST_SOURCES)
			continue;
		keep_top(p, s, value);
		if (value > family[s->source])
			family[s->source] = value;
	}
	for (size_t i = 1; i < TRUST_SOURCES; i++)
		none_of_it = none_of_it * (WHOLE - family[i]) / WHOLE;
	p->risk = (unsigned)((WHOLE - none_of_it + 50) * 100 / WHOLE);
	if (p->risk > 100)
		p->risk = 100;
}

/* ---- attestation ---- */

enum freshness { NEVER, FRESH, STALE, LAPSED };

static enum freshness freshness_of(const struct trust_facts *f, const struct trust_rules *r,
				   int64_t now_ms)
{
	if (f->attested == TRUST_NOT_ATTESTED)
		return NEVER;
	/* A result from the future was made under another clock: it vouches for nothing. */
	if (f->attested_ms > now_ms + r->attest_valid_ms)
		return LAPSED;
	if (now_ms < f->attested_ms + r->attest_valid_ms)
		return FRESH;
	if (now_ms < f->attested_ms + r->attest_valid_ms + r->attest_grace_ms)
		return STALE;
	return LAPSED;
}

static enum trust_assurance assurance_of(const struct trust_facts *f, bool is_attested)
{
	if (f->key == TRUST_KEY_SOFTWARE)
		return TRUST_AL1_S;
	if (f->key == TRUST_KEY_VIRTUAL)
		return TRUST_AL1_V;
	if (f->key != TRUST_KEY_HARDWARE)
		return TRUST_AL0;
	if (!is_attested)
		return TRUST_AL2;
	return f->has_runtime ? TRUST_AL4 : TRUST_AL3;
}

/* ---- the grade: the lowest ceiling that any fact sets ---- */

static void cap(struct trust_profile *p, enum grade grade, const char *because)
{
	if (grade >= p->grade)
		return;
	p->grade = grade;
	p->because = because;
}

static void cap_by_attestation(const struct trust_facts *f, enum freshness fresh,
			       struct trust_profile *p)
{
	if (f->attested == TRUST_CONTRADICTED)
		cap(p, GRADE_ALERT_ONLY,
		    "its measured state is not one its reference values allow");
	else if (!f->expects_attestation)
		return;
	else if (fresh == NEVER)
		cap(p, GRADE_ALERT_ONLY, "it has a TPM and has not been attested yet");
	else if (fresh == LAPSED)
		cap(p, GRADE_ALERT_ONLY, "its attestation ran out and the time to repeat it too");
	else if (fresh == STALE)
		cap(p, GRADE_RESTRICTED, "its attestation ran out");
	else if (f->attested == TRUST_WARNED)
		cap(p, GRADE_RESTRICTED, "its attestation could not vouch for its state");
}

static void cap_by_risk(const struct trust_rules *r, struct trust_profile *p)
{
	if (p->risk >= r->isolated_risk)
		cap(p, GRADE_ISOLATED, "its risk is at the limit of isolation");
	else if (p->risk >= r->update_only_risk)
		cap(p, GRADE_UPDATE_ONLY, "its risk leaves only updates");
	else if (p->risk >= r->restricted_risk)
		cap(p, GRADE_RESTRICTED, "its risk is raised");
}

/* ---- until when ---- */

static void sooner(int64_t *at_ms, int64_t candidate_ms, int64_t now_ms)
{
	if (candidate_ms > now_ms && (!*at_ms || candidate_ms < *at_ms))
		*at_ms = candidate_ms;
}

/* Decay moves the risk all the time; looking again each tenth of a half-life is close enough. */
static void next_by_signals(const struct trust_facts *f, int64_t now_ms, struct trust_profile *p)
{
	for (size_t i = 0; i < f->signal_count; i++) {
		const struct trust_signal *s = &f->signals[i];

		if (!decayed(s, now_ms))
			continue;
		if (s->expires_ms)
			sooner(&p->next_ms, s->expires_ms, now_ms);
		if (s->half_life_ms)
			sooner(&p->next_ms, now_ms + s->half_life_ms / 10 + 1, now_ms);
	}
}

static void set_times(const struct trust_facts *f, const struct trust_rules *r,
		      enum freshness fresh, int64_t now_ms, struct trust_profile *p)
{
	int64_t ends_ms = f->attested_ms + r->attest_valid_ms;

	p->grade_then = p->grade;
	next_by_signals(f, now_ms, p);
	if (!f->expects_attestation || fresh == NEVER || fresh == LAPSED)
		return;
	bool is_stale = fresh == STALE;
	enum grade then = is_stale ? GRADE_ALERT_ONLY : GRADE_RESTRICTED;
	p->valid_until_ms = is_stale ? ends_ms + r->attest_grace_ms : ends_ms;
	if (then < p->grade_then)
		p->grade_then = then;
	sooner(&p->next_ms, p->valid_until_ms, now_ms);
}

struct trust_profile trust_evaluate(const struct trust_facts *f, const struct trust_rules *r,
				    int64_t now_ms)
{
	struct trust_profile p = { .grade = GRADE_NORMAL, .because = "nothing speaks against it" };
	enum freshness fresh = freshness_of(f, r, now_ms);

	p.is_attested = fresh == FRESH && f->attested == TRUST_AFFIRMED;
	p.assurance = assurance_of(f, p.is_attested);
	weigh_signals(f, now_ms, &p);
	cap_by_attestation(f, fresh, &p);
	cap_by_risk(r, &p);
	if (f->is_pending)
		cap(&p, GRADE_ISOLATED, "it is registered and has not enrolled yet");
	if (f->is_held) {
		p.grade = GRADE_ISOLATED;
		p.because = "an operator holds it in quarantine";
	}
	set_times(f, r, fresh, now_ms, &p);
	return p;
}

/* ---- words ---- */

const char *trust_assurance_name(enum trust_assurance a)
{
	return word_at(assurances, countof(assurances), (size_t)a);
}

const char *trust_source_name(enum trust_source s)
{
	return word_at(sources, countof(sources), (size_t)s);
}

const char *trust_attested_name(enum trust_attested a)
{
	return word_at(results, countof(results), (size_t)a);
}

const char *trust_key_name(enum trust_key k)
{
	return word_at(key_names, countof(key_names), (size_t)k);
}

bool trust_assurance_of(struct str word, enum trust_assurance *out)
{
	size_t i;
	bool is_word = word_find(assurances, countof(assurances), word, &i);

	*out = (enum trust_assurance)i;
	return is_word;
}

bool trust_source_of(struct str word, enum trust_source *out)
{
	size_t i;
	bool is_word = word_find(sources, countof(sources), word, &i);

	*out = (enum trust_source)i;
	return is_word;
}

bool trust_attested_of(struct str word, enum trust_attested *out)
{
	size_t i;
	bool is_word = word_find(results, countof(results), word, &i);

	*out = (enum trust_attested)i;
	return is_word;
}

bool trust_key_of(struct str word, enum trust_key *out)
{
	size_t i;
	bool is_word = word_find(key_names, countof(key_names), word, &i);

	*out = (enum trust_key)i;
	return is_word;
}
