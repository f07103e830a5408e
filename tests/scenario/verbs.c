/* verbs.c - every sentence a scenario may say.  A '*' stands for one word, given to the
 * verb in order; every other word must be there as it is. */
#include "plant.h"

#include "codec/conf.h"

typedef bool verb_fn(struct plant *p, const struct str *args, struct err *e);

static struct unit *named(struct plant *p, struct str id, struct err *e)
{
	struct unit *u = plant_unit(p, id);

	if (!u)
		(void)err_set(e, ERR_MISSING, "there is no '" STR_FMT "'", STR_ARG(id));
	return u;
}

static void put_text(char out[TEXT], struct str s)
{
	(void)snprintf(out, TEXT, STR_FMT, STR_ARG(s));
}

static bool enrol(struct plant *p, const struct str *args, enum trust_key key, struct err *e)
{
	struct unit *u = plant_add(p, args[0], e);

	if (!u)
		return false;
	put_text(u->site, args[1]);
	put_text(u->group, STR("pumps"));
	u->facts.key = key;
	u->facts.expects_attestation = key != TRUST_KEY_SOFTWARE;
	plant_judge(u);
	return true;
}

static bool enrol_with_tpm(struct plant *p, const struct str *args, struct err *e)
{
	return enrol(p, args, TRUST_KEY_VIRTUAL, e);
}

static bool enrol_with_file(struct plant *p, const struct str *args, struct err *e)
{
	return enrol(p, args, TRUST_KEY_SOFTWARE, e);
}

static bool add_service(struct plant *p, const struct str *args, struct err *e)
{
	struct unit *u = plant_add(p, args[0], e);

	if (!u)
		return false;
	u->is_service = true;
	put_text(u->group, args[1]);
	u->facts.key = TRUST_KEY_SOFTWARE;
	plant_judge(u);
	return true;
}

static bool attest(struct plant *p, const struct str *args, struct err *e)
{
	struct unit *u = named(p, args[0], e);

	if (u)
		plant_attest(u, true);
	return u;
}

static bool replay_quote(struct plant *p, const struct str *args, struct err *e)
{
	struct unit *u = named(p, args[0], e);

	if (u)
		plant_attest(u, false);
	return u;
}

static bool tamper(struct plant *p, const struct str *args, struct err *e)
{
	struct unit *u = named(p, args[0], e);

	if (u)
		u->pcr10 = 1;
	return u;
}

/* Its TPM starts again, in the state that was measured. */
static bool repair(struct plant *p, const struct str *args, struct err *e)
{
	struct unit *u = named(p, args[0], e);

	if (!u)
		return false;
	u->pcr10 = 0;
	u->resets++;
	return true;
}

static bool hold(struct plant *p, const struct str *args, bool is_held, struct err *e)
{
	struct unit *u = named(p, args[0], e);

	if (!u)
		return false;
	u->facts.is_held = is_held;
	plant_judge(u);
	return true;
}

static bool quarantine(struct plant *p, const struct str *args, struct err *e)
{
	return hold(p, args, true, e);
}

static bool restore(struct plant *p, const struct str *args, struct err *e)
{
	return hold(p, args, false, e);
}

static bool retire(struct plant *p, const struct str *args, struct err *e)
{
	struct unit *u = named(p, args[0], e);

	if (!u)
		return false;
	u->is_retired = true;
	plant_judge(u);
	return true;
}

/* <unit> <source> <kind> <weight> <half-life> */
static bool raise_signal(struct plant *p, const struct str *args, struct err *e)
{
	struct unit *u = named(p, args[0], e);
	uint64_t weight;
	size_t i = u ? u->facts.signal_count : 0;

	if (!u || !str_u64(args[3], &weight) || i == SIGNALS_MAX)
		return u && err_set(e, ERR_INPUT, "want a weight, and not too many signals");
	struct trust_signal *s = &u->signals[i];
	put_text(u->kinds[i], args[2]);
	*s = (struct trust_signal){ .kind = str_of(u->kinds[i]),
				    .weight = (unsigned)weight,
				    .observed_ms = plant_wall_ms(p) };
	if (!trust_source_of(args[1], &s->source) ||
	    !conf_duration_ms(args[4], &s->half_life_ms, e))
		return err_set(e, ERR_INPUT, "want a source and a half-life");
	u->facts.signal_count++;
	plant_judge(u);
	return true;
}

static bool core_stops(struct plant *p, const struct str *args, struct err *e)
{
	(void)args, (void)e;
	plant_core(p, true);
	return true;
}

static bool core_starts(struct plant *p, const struct str *args, struct err *e)
{
	(void)args, (void)e;
	plant_core(p, false);
	return true;
}

static bool cut_feed(struct plant *p, const struct str *args, struct err *e)
{
	(void)args, (void)e;
	p->feed.is_cut = true;
	return true;
}

static bool mend_feed(struct plant *p, const struct str *args, struct err *e)
{
	p->feed.is_cut = false;
	return core_starts(p, args, e); /* a gap is answered with a snapshot: all of it */
}

static bool withdraw_references(struct plant *p, const struct str *args, struct err *e)
{
	(void)args, (void)e;
	p->reference = 0;
	return true;
}

static bool step_clock(struct plant *p, const struct str *args, struct err *e)
{
	bool goes_back = str_starts(args[0], STR("-"));
	int64_t ms;

	if (!conf_duration_ms(str_from(args[0], goes_back), &ms, e))
		return false;
	sim_step_wall(p->sim, goes_back ? -ms : ms);
	return true;
}

static bool connect_unit(struct plant *p, const struct str *args, struct err *e)
{
	struct unit *u = named(p, args[0], e);
	struct policy_answer a;

	if (!u)
		return false;
	plant_decide(p, u, STR("connect"), (struct str){ 0 }, &a);
	u->is_connected = a.effect == POLICY_ALLOW;
	return true;
}

/* Expectations. */

static bool differs(struct err *e, const char *what, const char *got)
{
	return err_set(e, ERR_CONFLICT, "%s is %s", what, got);
}

static bool expect_grade(struct plant *p, const struct str *args, struct err *e)
{
	const struct unit *u = named(p, args[0], e);

	if (!u)
		return false;
	const char *got = grade_name(u->profile.grade);
	return str_eqz(args[1], got) || differs(e, "grade", got);
}

static bool expect_assurance(struct plant *p, const struct str *args, struct err *e)
{
	const struct unit *u = named(p, args[0], e);

	if (!u)
		return false;
	const char *got = trust_assurance_name(u->profile.assurance);
	return str_eqz(args[1], got) || differs(e, "assurance", got);
}

static bool expect_attested(struct plant *p, const struct str *args, struct err *e)
{
	const struct unit *u = named(p, args[0], e);

	return u && (u->profile.is_attested || differs(e, args[0].ptr ? "it" : "", "not attested"));
}

static bool expect_not_attested(struct plant *p, const struct str *args, struct err *e)
{
	const struct unit *u = named(p, args[0], e);

	return u && (!u->profile.is_attested || differs(e, "it", "attested"));
}

static bool expect_may(struct plant *p, const struct str *args, struct err *e)
{
	const struct unit *u = named(p, args[0], e);
	struct policy_answer a;

	if (!u)
		return false;
	plant_decide(p, u, args[1], args[2], &a);
	return a.effect == POLICY_ALLOW ||
	       differs(e, "it: denied because", policy_cause_name(a.cause));
}

static bool expect_may_not(struct plant *p, const struct str *args, struct err *e)
{
	const struct unit *u = named(p, args[0], e);
	struct policy_answer a;

	if (!u)
		return false;
	plant_decide(p, u, args[1], args[2], &a);
	return a.effect != POLICY_ALLOW || differs(e, "it", "allowed");
}

static bool expect_denied(struct plant *p, const struct str *args, struct err *e)
{
	const struct unit *u = named(p, args[0], e);
	struct policy_answer a;

	if (!u)
		return false;
	plant_decide(p, u, args[1], args[2], &a);
	if (a.effect == POLICY_ALLOW)
		return differs(e, "it", "allowed");
	return str_eqz(args[3], policy_cause_name(a.cause)) ||
	       differs(e, "the cause", policy_cause_name(a.cause));
}

static bool expect_connected(struct plant *p, const struct str *args, struct err *e)
{
	const struct unit *u = named(p, args[0], e);

	return u && (u->is_connected || differs(e, "its session", "cut"));
}

static bool expect_cut(struct plant *p, const struct str *args, struct err *e)
{
	const struct unit *u = named(p, args[0], e);

	return u && (!u->is_connected || differs(e, "its session", "open"));
}

/* The table. */

static const struct {
	const char *says;
	verb_fn *fn;
} verbs[] = {
	{ "* enrols in * with a tpm", enrol_with_tpm },
	{ "* enrols in * with a file", enrol_with_file },
	{ "* is a service in *", add_service },
	{ "* attests", attest },
	{ "* replays an old quote", replay_quote },
	{ "* is tampered with", tamper },
	{ "* is repaired", repair },
	{ "* connects", connect_unit },
	{ "* shows * * of weight * halving each *", raise_signal },
	{ "an operator quarantines *", quarantine },
	{ "an operator restores *", restore },
	{ "an operator retires *", retire },
	{ "the references are withdrawn", withdraw_references },
	{ "the control plane stops", core_stops },
	{ "the control plane starts", core_starts },
	{ "the feed is cut", cut_feed },
	{ "the feed is mended", mend_feed },
	{ "the clock steps *", step_clock },
	{ "expect * grade *", expect_grade },
	{ "expect * assurance *", expect_assurance },
	{ "expect * attested", expect_attested },
	{ "expect * not attested", expect_not_attested },
	{ "expect * may * *", expect_may },
	{ "expect * may not * *", expect_may_not },
	{ "expect * denied * * because *", expect_denied },
	{ "expect * connected", expect_connected },
	{ "expect * cut", expect_cut },
};

/* Does the sentence fit?  Its free words go to args. */
static bool fits(const char *says, const struct str *words, size_t count, struct str *args)
{
	struct str rest = str_of(says), want;
	size_t i = 0, n = 0;

	for (; rest.len && i < count; i++) {
		(void)str_cut(rest, ' ', &want, &rest);
		if (str_eqz(want, "*"))
			args[n++] = words[i];
		else if (!str_eq(want, words[i]))
			return false;
	}
	return !rest.len && i == count;
}

bool verb_run(struct plant *p, const struct str *words, size_t count, struct err *e)
{
	struct str args[WORDS_MAX];

	for (size_t i = 0; i < countof(verbs); i++)
		if (fits(verbs[i].says, words, count, args))
			return verbs[i].fn(p, args, e) || err_in(e, "%s", verbs[i].says);
	return err_set(e, ERR_INPUT, "no verb fits; see scenario --verbs");
}

void verb_list(FILE *out)
{
	for (size_t i = 0; i < countof(verbs); i++)
		(void)fprintf(out, "%s\n", verbs[i].says);
}
