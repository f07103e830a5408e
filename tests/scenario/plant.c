#include "plant.h"

#include "base/mem.h"

enum {
	BEAT_MS = 10000,
	FRESH_MS = 30000,
	STALE_MS = 3600000,
	OLD_MS = 86400000,
};

static const int64_t wall_at_0_ms = 1800000000000;

static bool slurp(struct arena *mem, const char *name, struct str *out, struct err *e)
{
	static char text[1 << 18];
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", getenv("POLICIES"), name);
	FILE *f = fopen(path, "rb");
	if (!f)
		return err_sys(e, "%s", path);
	size_t len = fread(text, 1, sizeof(text), f);
	(void)fclose(f);
	*out = arena_str(mem, text, len);
	return out->ptr || err_set(e, ERR_SYSTEM, "too large");
}

/* The policies that are shipped. */
static struct policy *load_policy(struct arena *mem, struct err *e)
{
	static const char *const names[] = { "plant.cedar", "services.cedar", "operators.cedar" };
	struct policy_file files[countof(names)];
	struct policy_source src = { .version = STR("v1"),
				     .files = files,
				     .count = countof(names) };

	for (size_t i = 0; i < countof(names); i++) {
		files[i].name = str_of(names[i]);
		if (!slurp(mem, names[i], &files[i].text, e))
			return NULL;
	}
	src.spaces.name = STR("plant.spaces");
	if (!slurp(mem, "muster.cedarschema", &src.schema, e) ||
	    !slurp(mem, "plant.spaces", &src.spaces.text, e))
		return NULL;
	return policy_new(&src, e);
}

int64_t plant_wall_ms(const struct plant *p)
{
	return clock_wall_ms(sim_clock(p->sim));
}

/* The feed: an entry holds its sequence number and a principal as the product writes it. */

static void close_lost_sessions(struct plant *p)
{
	for (size_t i = 0; i < p->count; i++) {
		struct unit *u = &p->units[i];
		struct policy_answer a;
		if (!u->is_connected)
			continue;
		plant_decide(p, u, STR("connect"), (struct str){ 0 }, &a);
		if (a.effect == POLICY_ALLOW)
			continue;
		u->is_connected = false;
		u->cut_ms = sim_now_ms(p->sim);
	}
}

/* Older entries than the newest seen come late and are refused (P2). */
static void at_the_gate(void *ctx, struct bytes entry)
{
	struct plant *p = ctx;
	struct str head, body;
	struct principal who;
	uint64_t seq;
	struct err e;

	(void)str_cut(str_bytes(entry), ' ', &head, &body);
	if (!str_u64(head, &seq) || (seq && seq <= p->seen_seq))
		return;
	p->fresh_ms = sim_now_ms(p->sim);
	if (!seq)
		return; /* a heartbeat */
	auto_arena struct arena *mem = arena_new(1 << 16);
	if (!principal_read(body, mem, &who, &e))
		return;
	p->seen_seq = seq;
	world_put(p->world, &who);
	close_lost_sessions(p);
}

static void tell_gate(struct plant *p, const struct unit *u)
{
	struct str group = str_of(u->group);
	struct principal who = { .kind = u->is_service ? STR("service") : STR("device"),
				 .id = str_of(u->id),
				 .site = str_of(u->site),
				 .model = STR("p100"),
				 .status = u->is_retired ? STR("retired") : STR("active"),
				 .assurance = str_of(trust_assurance_name(u->profile.assurance)),
				 .groups = &group,
				 .group_count = group.len ? 1 : 0,
				 .attested = u->profile.is_attested,
				 .attested_at_ms = u->facts.attested_ms,
				 .risk = (int64_t)u->profile.risk,
				 .grade = u->profile.grade,
				 .held = u->facts.is_held,
				 .valid_until_ms = u->profile.valid_until_ms,
				 .grade_then = u->profile.grade_then };
	auto_buf struct buf out = { 0 };

	buf_init(&out, 65536);
	(void)buf_printf(&out, "%llu ", (unsigned long long)++p->seq);
	(void)principal_write(&out, &who);
	if (!p->is_core_down)
		sim_send(&p->feed, buf_bytes(&out), at_the_gate, p);
}

static void beat(void *ctx)
{
	struct plant *p = ctx;

	if (!p->is_core_down)
		sim_send(&p->feed, bytes_of("0", 1), at_the_gate, p);
	timer_set(p->beat, BEAT_MS);
}

static void judge_again(void *ctx)
{
	struct unit *u = ctx;

	if (!u->plant->is_core_down)
		plant_judge(u);
}

void plant_judge(struct unit *u)
{
	struct plant *p = u->plant;
	int64_t now_ms = plant_wall_ms(p);

	u->profile = trust_evaluate(&u->facts, &p->rules, now_ms);
	timer_stop(u->again);
	if (u->profile.next_ms)
		timer_set(u->again, u->profile.next_ms - now_ms);
	tell_gate(p, u);
}

/* Core ends, or starts again: then it works out everything anew and tells it all. */
void plant_core(struct plant *p, bool is_down)
{
	p->is_core_down = is_down;
	for (size_t i = 0; !is_down && i < p->count; i++)
		plant_judge(&p->units[i]);
	if (!is_down)
		timer_set(p->beat, 0);
}

static enum trust_attested attested_of(enum attest_verdict v)
{
	return v == ATTEST_AFFIRMING ? TRUST_AFFIRMED
	       : v == ATTEST_WARNING ? TRUST_WARNED
				     : TRUST_CONTRADICTED;
}

/* A quote over PCR 10, proven by crypto, judged by model/attest. */
void plant_attest(struct unit *u, bool is_fresh)
{
	struct plant *p = u->plant;
	struct attest_facts f = { .is_readable = true,
				  .is_signed = true,
				  .is_fresh = is_fresh,
				  .is_sha256 = true,
				  .is_complete = true,
				  .digest_matches = true,
				  .clock_is_safe = true,
				  .selected = 1 << 10,
				  .clock = (uint64_t)sim_now_ms(p->sim) + 1,
				  .reset_count = u->resets };
	struct attest_expected x = { .is_ak_active = true,
				     .is_challenge_good = true,
				     .before = u->before };
	static const struct attest_pcr_values good = { .index = 10, .count = 1 };
	struct attest_reference ref = {
		.is_signed = true, .version = p->reference, .pcrs = &good, .pcr_count = 1
	};
	struct attest_references refs = { &ref, p->reference ? 1 : 0, p->reference };

	f.pcrs[10][0] = u->pcr10;
	if (p->is_core_down)
		return;
	struct attest_result r = attest_appraise(&f, &x, &refs, plant_wall_ms(p));
	if (r.verdict == ATTEST_NONE)
		return; /* no evidence: what was known runs out by its timer */
	u->before = (struct attest_counters){ .is_known = true,
					      .reset_count = f.reset_count,
					      .clock = f.clock };
	u->facts.attested = attested_of(r.verdict);
	u->facts.attested_ms = plant_wall_ms(p);
	plant_judge(u);
}

static enum policy_age age_of(int64_t age_ms)
{
	return age_ms <= FRESH_MS   ? POLICY_FRESH
	       : age_ms <= STALE_MS ? POLICY_STALE_AGE
	       : age_ms <= OLD_MS   ? POLICY_OLD
				    : POLICY_EXPIRED;
}

void plant_decide(struct plant *p, const struct unit *u, struct str action, struct str topic,
		  struct policy_answer *out)
{
	char who[2 * TEXT];
	int64_t age_ms = sim_now_ms(p->sim) - p->fresh_ms;

	(void)snprintf(who, sizeof(who), "%s/%s", u->is_service ? "service" : "device", u->id);
	struct policy_request q = {
		.principal = str_of(who),
		.action = action,
		.topic = topic,
		.resource_type = STR("Gate"),
		.resource_id = STR("gw-1"),
		.context = { .now_ms = plant_wall_ms(p),
			     .source_ip = STR("10.0.0.7"),
			     .gate = STR("gw-1"),
			     .protocol = STR("mqtt5"),
			     .payload_bytes = 10,
			     .age = age_of(age_ms),
			     .age_ms = age_ms,
			     .allowance_ms = age_ms > FRESH_MS ? STALE_MS : 0 },
	};
	policy_decide(p->policy, p->world, &q, out);
}

struct unit *plant_unit(struct plant *p, struct str id)
{
	for (size_t i = 0; i < p->count; i++)
		if (str_eqz(id, p->units[i].id))
			return &p->units[i];
	return NULL;
}

struct unit *plant_add(struct plant *p, struct str id, struct err *e)
{
	struct unit *u = &p->units[p->count];

	if (p->count == UNITS_MAX || plant_unit(p, id) || id.len >= TEXT) {
		(void)err_set(e, ERR_INPUT, "'" STR_FMT "' is there already", STR_ARG(id));
		return NULL;
	}
	p->count++;
	*u = (struct unit){ .plant = p };
	memcpy(u->id, id.ptr, id.len);
	u->facts.signals = u->signals;
	u->again = loop_timer(sim_loop(p->sim), judge_again, u);
	return u;
}

struct plant *plant_new(uint64_t seed, struct err *e)
{
	struct plant *p = mem_new(1, sizeof(*p));

	p->sim = sim_new(seed, wall_at_0_ms);
	p->feed = (struct sim_link){
		.sim = p->sim, .least_ms = 1, .most_ms = 5, .doubled = 100, .keeps_order = true
	};
	p->mem = arena_new(1 << 22);
	p->rules = trust_rules_default;
	p->reference = 1;
	p->world = world_new();
	p->beat = loop_after(sim_loop(p->sim), 0, beat, p);
	p->policy = load_policy(p->mem, e);
	if (p->policy)
		return p;
	plant_free(p);
	return NULL;
}

void plant_free(struct plant *p)
{
	if (!p)
		return;
	policy_free(p->policy);
	world_free(p->world);
	arena_free(p->mem);
	sim_free(p->sim);
	free(p);
}
