/* test_policy.c - the shipped policies let a fit plant run, and nothing else through.
 *
 * The set is read from policies/ itself, so what is tested is what is shipped.
 */
#include "test.h"

#include "model/policy.h"

enum { NOW = 1000000 };

static struct str slurp(struct arena *mem, const char *name)
{
	char path[512];
	static char text[1 << 18];

	(void)snprintf(path, sizeof(path), "%s/%s", getenv("POLICIES"), name);
	FILE *f = fopen(path, "rb");
	check(f != NULL, path);
	size_t len = fread(text, 1, sizeof(text), f);
	(void)fclose(f);
	return arena_str(mem, text, len);
}

static const char *const shipped[] = { "plant.cedar", "services.cedar", "operators.cedar" };

static struct policy *set_with(struct arena *mem, const char *more, struct err *e)
{
	struct policy_file files[countof(shipped) + 1];
	size_t count = 0;

	for (; count < countof(shipped); count++)
		files[count] =
			(struct policy_file){ str_of(shipped[count]), slurp(mem, shipped[count]) };
	if (more)
		files[count++] = (struct policy_file){ STR("more.cedar"), str_of(more) };
	struct policy_source src = {
		.version = STR("v1"),
		.schema = slurp(mem, "muster.cedarschema"),
		.spaces = { STR("plant.spaces"), slurp(mem, "plant.spaces") },
		.files = files,
		.count = count,
	};
	return policy_new(&src, e);
}

static const struct str pumps[] = { STR_INIT("pumps") }, historians[] = { STR_INIT("historians") },
			dispatchers[] = { STR_INIT("dispatchers") },
			admin[] = { STR_INIT("admin") };
static const struct principal_evidence proof[] = { { STR_INIT("attested"), STR_INIT("e-7"),
						     900000 } };

static struct principal device(const char *id, const char *site, enum grade grade)
{
	return (struct principal){ .kind = STR("device"),
				   .id = str_of(id),
				   .site = str_of(site),
				   .model = STR("p100"),
				   .status = STR("active"),
				   .assurance = STR("AL1-V"),
				   .groups = pumps,
				   .group_count = 1,
				   .attested = true,
				   .attested_at_ms = 900000,
				   .grade = grade,
				   .grade_then = GRADE_RESTRICTED,
				   .evidence = proof,
				   .evidence_count = 1 };
}

static struct world *plant(void)
{
	struct world *w = world_new();
	struct principal all[] = {
		device("p1", "north", GRADE_NORMAL),
		device("p2", "north", GRADE_NORMAL),
		device("p3", "south", GRADE_NORMAL),
		device("low", "north", GRADE_RESTRICTED),
		device("alert", "north", GRADE_ALERT_ONLY),
		device("out", "north", GRADE_ISOLATED),
		device("held", "north", GRADE_NORMAL),
		device("gone", "north", GRADE_NORMAL),
		device("lease", "north", GRADE_NORMAL),
		device("update", "north", GRADE_UPDATE_ONLY),
	};

	all[6].held = true;
	all[7].status = STR("retired");
	all[8].valid_until_ms = NOW + 500;
	for (size_t i = 0; i < countof(all); i++)
		world_put(w, &all[i]);
	struct principal service = { .kind = STR("service"),
				     .id = STR("historian"),
				     .status = STR("active"),
				     .groups = historians,
				     .group_count = 1,
				     .grade = GRADE_NORMAL };
	world_put(w, &service);
	service.id = STR("dispatcher");
	service.groups = dispatchers;
	world_put(w, &service);
	struct principal user = { .kind = STR("user"),
				  .id = STR("ann"),
				  .status = STR("active"),
				  .groups = admin,
				  .group_count = 1 };
	world_put(w, &user);
	user.id = STR("bob");
	user.group_count = 0;
	world_put(w, &user);
	return w;
}

struct want {
	const char *says, *who, *action, *topic;
	enum policy_effect effect;
	enum policy_cause cause;
};

static const struct want wants[] = {
	{ "a device reports", "device/p1", "publish", "plant/north/p1/telemetry/flow", POLICY_ALLOW,
	  POLICY_PERMIT },
	{ "its program reports", "device/p1/workload/logger", "publish",
	  "plant/north/p1/telemetry/flow", POLICY_ALLOW, POLICY_PERMIT },
	{ "nobody reports for a neighbour", "device/p1", "publish", "plant/north/p2/telemetry/flow",
	  POLICY_DENY, POLICY_NO_PERMIT },
	{ "a device is at its own site", "device/p1", "publish", "plant/south/p1/telemetry/flow",
	  POLICY_DENY, POLICY_DISAGREES },
	{ "an unregistered device is no place", "device/p1", "publish",
	  "plant/north/p9/telemetry/flow", POLICY_DENY, POLICY_DISAGREES },
	{ "a topic in no space is denied", "device/p1", "publish", "plant/north/p1/secret",
	  POLICY_DENY, POLICY_NO_SPACE },
	{ "$ topics are denied (M11)", "device/p1", "publish", "$SYS/x", POLICY_DENY,
	  POLICY_NO_SPACE },
	{ "$CONTROL is denied (M11)", "service/historian", "publish",
	  "$CONTROL/dynamic-security/v1", POLICY_DENY, POLICY_NO_SPACE },
	{ "a stranger is denied", "device/p9", "publish", "plant/north/p9/telemetry/x", POLICY_DENY,
	  POLICY_UNKNOWN },
	{ "a retired device is denied", "device/gone", "publish", "plant/north/gone/telemetry/x",
	  POLICY_DENY, POLICY_UNKNOWN },
	{ "a restricted device still reports", "device/low", "publish",
	  "plant/north/low/telemetry/x", POLICY_ALLOW, POLICY_PERMIT },
	{ "a restricted device is not commanded", "device/low", "receive", "plant/north/low/cmd/go",
	  POLICY_DENY, POLICY_FORBID },
	{ "a fit device is commanded", "device/p1", "receive", "plant/north/p1/cmd/go",
	  POLICY_ALLOW, POLICY_PERMIT },
	{ "alert-only: no telemetry", "device/alert", "publish", "plant/north/alert/telemetry/x",
	  POLICY_DENY, POLICY_GRADE },
	{ "alert-only: its own alert", "device/alert", "publish", "plant/north/alert/alert",
	  POLICY_ALLOW, POLICY_PERMIT },
	{ "alert-only: nobody else's alert", "device/alert", "publish", "plant/north/p1/alert",
	  POLICY_DENY, POLICY_GRADE },
	{ "alert-only: receives nothing", "device/alert", "receive", "plant/north/alert/cmd/go",
	  POLICY_DENY, POLICY_GRADE },
	{ "alert-only: stays connected", "device/alert", "connect", "", POLICY_ALLOW,
	  POLICY_PERMIT },
	{ "isolated: not even connected", "device/out", "connect", "", POLICY_DENY, POLICY_GRADE },
	{ "update-only: no telemetry", "device/update", "publish", "plant/north/update/telemetry/x",
	  POLICY_DENY, POLICY_GRADE },
	{ "held is isolated", "device/held", "connect", "", POLICY_DENY, POLICY_GRADE },
	{ "the historian listens to one topic", "service/historian", "subscribe",
	  "plant/north/p1/telemetry/x", POLICY_ALLOW, POLICY_PERMIT },
	{ "the historian listens to all telemetry", "service/historian", "subscribe",
	  "plant/+/+/telemetry/#", POLICY_ALLOW, POLICY_PERMIT },
	{ "the historian does not pull the bus", "service/historian", "subscribe", "#", POLICY_DENY,
	  POLICY_TOO_WIDE },
	{ "the historian hears no commands", "service/historian", "subscribe", "plant/+/+/cmd/+",
	  POLICY_DENY, POLICY_TOO_WIDE },
	{ "a device hears its own commands", "device/p1", "subscribe", "plant/north/p1/cmd/+",
	  POLICY_ALLOW, POLICY_PERMIT },
	{ "a device does not hear all commands", "device/p1", "subscribe", "plant/north/+/cmd/+",
	  POLICY_DENY, POLICY_TOO_WIDE },
	{ "a device does not hear a neighbour's", "device/p1", "subscribe", "plant/north/p2/cmd/go",
	  POLICY_DENY, POLICY_NO_PERMIT },
	{ "a restricted device may not subscribe either", "device/low", "subscribe",
	  "plant/north/low/cmd/+", POLICY_DENY, POLICY_NO_PERMIT },
	{ "the dispatcher commands", "service/dispatcher", "publish", "plant/south/p3/cmd/go",
	  POLICY_ALLOW, POLICY_PERMIT },
	{ "the historian does not", "service/historian", "publish", "plant/south/p3/cmd/go",
	  POLICY_DENY, POLICY_NO_PERMIT },
	{ "an unknown action is denied", "device/p1", "fly", "", POLICY_DENY, POLICY_NO_PERMIT },
	{ "who is nobody is denied", "", "connect", "", POLICY_DENY, POLICY_UNKNOWN },
	{ "a workload of nothing is denied", "device/p1/workload/", "connect", "", POLICY_DENY,
	  POLICY_UNKNOWN },
	{ "no other thing lies below a device", "device/p1/root/x", "connect", "", POLICY_DENY,
	  POLICY_UNKNOWN },
};

static struct policy_request request(const struct want *c)
{
	return (struct policy_request){ .principal = str_of(c->who),
					.action = str_of(c->action),
					.topic = str_of(c->topic),
					.resource_type = STR("Gate"),
					.resource_id = STR("gw-1"),
					.context = { .now_ms = NOW,
						     .source_ip = STR("10.0.0.7"),
						     .gate = STR("gw-1"),
						     .protocol = STR("mqtt5"),
						     .payload_bytes = 10 } };
}

static void the_shipped_policies_let_a_fit_plant_run(void **state)
{
	struct arena *mem = arena_new(8 << 20);
	struct world *w = plant();
	struct err e = { 0 };
	struct policy *p = set_with(mem, NULL, &e);

	(void)state;
	check(p != NULL, e.text);
	for (size_t i = 0; i < countof(wants); i++) {
		struct policy_request q = request(&wants[i]);
		struct policy_answer fast, full;
		policy_decide(p, w, &q, &fast);
		if (fast.effect != wants[i].effect || fast.cause != wants[i].cause)
			fail_msg("%s: %s because %s", wants[i].says,
				 policy_effect_name(fast.effect), policy_cause_name(fast.cause));
		policy_explain(p, w, &q, mem, &full);
		check(full.effect == fast.effect && full.cause == fast.cause,
		      "explaining does not change the answer");
	}
	policy_free(p);
	world_free(w);
	arena_free(mem);
}

static const struct {
	const char *says, *who, *action, *type, *id;
	enum policy_effect effect;
} calls[] = {
	{ "an admin may do all", "user/ann", "device.quarantine", "Device", "p1", POLICY_ALLOW },
	{ "also on what is about no single thing", "user/ann", "policy.activate", "Muster",
	  "control", POLICY_ALLOW },
	{ "a user without a role may not", "user/bob", "device.read", "Device", "p1", POLICY_DENY },
	{ "a device is no operator (A1)", "device/p1", "device.quarantine", "Device", "p2",
	  POLICY_DENY },
	{ "an isolated device may attest again", "device/out", "attest", "Muster", "control",
	  POLICY_ALLOW },
	{ "and nothing more", "device/out", "renew", "Muster", "control", POLICY_DENY },
};

static void operators_act_by_role_A1(void **state)
{
	struct arena *mem = arena_new(8 << 20);
	struct world *w = plant();
	struct err e = { 0 };
	struct policy *p = set_with(mem, NULL, &e);

	(void)state;
	check(p != NULL, e.text);
	for (size_t i = 0; i < countof(calls); i++) {
		struct policy_request q = { .principal = str_of(calls[i].who),
					    .action = str_of(calls[i].action),
					    .resource_type = str_of(calls[i].type),
					    .resource_id = str_of(calls[i].id),
					    .context = { .now_ms = NOW } };
		struct policy_answer a;
		policy_decide(p, w, &q, &a);
		check(a.effect == calls[i].effect, calls[i].says);
	}
	policy_free(p);
	world_free(w);
	arena_free(mem);
}

static enum policy_effect ask(struct policy *p, const struct world *w, const char *who,
			      const char *action, const char *topic, const struct policy_context *c,
			      struct policy_answer *a)
{
	struct policy_request q = { .principal = str_of(who),
				    .action = str_of(action),
				    .topic = str_of(topic),
				    .resource_type = STR("Gate"),
				    .resource_id = STR("gw-1"),
				    .context = *c };
	policy_decide(p, w, &q, a);
	return a->effect;
}

static void trust_falls_by_timer_and_the_answer_says_when(void **state)
{
	struct arena *mem = arena_new(8 << 20);
	struct world *w = plant();
	struct err e = { 0 };
	struct policy *p = set_with(mem, NULL, &e);
	struct policy_context c = { .now_ms = NOW, .gate = STR("gw-1"), .protocol = STR("mqtt5") };
	struct policy_answer a;

	(void)state;
	check(p != NULL, e.text);
	check(ask(p, w, "device/lease", "receive", "plant/north/lease/cmd/go", &c, &a) ==
			      POLICY_ALLOW &&
		      a.expires_ms == NOW + 500,
	      "granted until its evidence ends");
	c.now_ms = NOW + 500;
	check(ask(p, w, "device/lease", "receive", "plant/north/lease/cmd/go", &c, &a) ==
			      POLICY_DENY &&
		      a.by_grade,
	      "then restricted, without anybody saying so");
	c.allowance_ms = 1000;
	check(ask(p, w, "device/lease", "receive", "plant/north/lease/cmd/go", &c, &a) ==
			      POLICY_ALLOW &&
		      a.expires_ms == NOW + 1500,
	      "an outage extends it by its allowance and no more (P3)");
	c.now_ms = NOW + 1500;
	check(ask(p, w, "device/lease", "receive", "plant/north/lease/cmd/go", &c, &a) ==
		      POLICY_DENY,
	      "then it ends (P3)");
	policy_free(p);
	world_free(w);
	arena_free(mem);
}

static const struct {
	const char *says, *who, *action, *topic;
	enum policy_age age;
	enum policy_effect want;
} ladder[] = {
	{ "stale: as before", "device/p1", "receive", "plant/north/p1/cmd/go", POLICY_STALE_AGE,
	  POLICY_ALLOW },
	{ "old: telemetry yes", "device/p1", "publish", "plant/north/p1/telemetry/x", POLICY_OLD,
	  POLICY_ALLOW },
	{ "old: commands no", "device/p1", "receive", "plant/north/p1/cmd/go", POLICY_OLD,
	  POLICY_DENY },
	{ "old: no commands subscribed", "device/p1", "subscribe", "plant/north/p1/cmd/+",
	  POLICY_OLD, POLICY_DENY },
	{ "old: connect yes", "device/p1", "connect", "", POLICY_OLD, POLICY_ALLOW },
	{ "expired: nothing", "device/p1", "publish", "plant/north/p1/telemetry/x", POLICY_EXPIRED,
	  POLICY_DENY },
	{ "expired: no connect", "device/p1", "connect", "", POLICY_EXPIRED, POLICY_DENY },
};

static void the_staleness_ladder_P3(void **state)
{
	struct arena *mem = arena_new(8 << 20);
	struct world *w = plant();
	struct err e = { 0 };
	struct policy *p = set_with(mem, NULL, &e);

	(void)state;
	check(p != NULL, e.text);
	for (size_t i = 0; i < countof(ladder); i++) {
		struct policy_context c = { .now_ms = NOW,
					    .gate = STR("gw-1"),
					    .protocol = STR("mqtt5"),
					    .age = ladder[i].age };
		struct policy_answer a;
		check(ask(p, w, ladder[i].who, ladder[i].action, ladder[i].topic, &c, &a) ==
			      ladder[i].want,
		      ladder[i].says);
		check(a.effect == POLICY_ALLOW || a.cause == POLICY_STALE, ladder[i].says);
	}
	policy_free(p);
	world_free(w);
	arena_free(mem);
}

static void what_is_known_changes_and_the_answer_with_it_M12(void **state)
{
	struct arena *mem = arena_new(8 << 20);
	struct world *w = plant();
	struct err e = { 0 };
	struct policy *p = set_with(mem, NULL, &e);
	struct policy_context c = { .now_ms = NOW, .gate = STR("gw-1"), .protocol = STR("mqtt5") };
	struct principal p1 = device("p1", "north", GRADE_ALERT_ONLY);
	struct policy_answer a;

	(void)state;
	check(p != NULL, e.text);
	check(ask(p, w, "device/p1", "publish", "plant/north/p1/telemetry/x", &c, &a) ==
			      POLICY_ALLOW &&
		      a.reads_message,
	      "granted, and its size was read");
	world_put(w, &p1);
	check(ask(p, w, "device/p1", "publish", "plant/north/p1/telemetry/x", &c, &a) ==
			      POLICY_DENY &&
		      a.by_grade,
	      "tampered with");
	p1.grade = GRADE_NORMAL;
	world_put(w, &p1);
	check(ask(p, w, "device/p1", "publish", "plant/north/p1/telemetry/x", &c, &a) ==
		      POLICY_ALLOW,
	      "fit again");
	world_take(w, STR("device"), STR("p1"));
	check(ask(p, w, "device/p1", "publish", "plant/north/p1/telemetry/x", &c, &a) ==
			      POLICY_DENY &&
		      a.cause == POLICY_UNKNOWN,
	      "gone");
	struct world *other = plant();
	check(ask(p, other, "device/p1", "publish", "plant/north/p1/telemetry/x", &c, &a) ==
		      POLICY_ALLOW,
	      "another world is another world");
	policy_free(p);
	world_free(w);
	world_free(other);
	arena_free(mem);
}

static void a_denial_says_what_would_change_it(void **state)
{
	struct arena *mem = arena_new(8 << 20);
	struct world *w = plant();
	struct err e = { 0 };
	struct policy *p = set_with(mem, NULL, &e);
	struct want neighbour = { .who = "device/p1",
				  .action = "publish",
				  .topic = "plant/north/p2/telemetry/flow" };
	struct want command = { .who = "device/low",
				.action = "receive",
				.topic = "plant/north/low/cmd/go" };
	struct want member = { .who = "service/historian",
			       .action = "publish",
			       .topic = "plant/north/p1/cmd/go" };
	struct policy_request q = request(&neighbour);
	struct policy_answer a;

	(void)state;
	check(p != NULL, e.text);
	policy_explain(p, w, &q, mem, &a);
	check(a.nearest_count > 0 &&
		      str_eqz(a.nearest[0], "its own topic is plant/north/p1/telemetry/#"),
	      "a neighbour's topic: one's own is named");
	check(a.nearest_count == 2,
	      "and the one rule for such a request; no role is near a device");
	check(str_starts(a.nearest[1], STR("report-telemetry at plant.cedar:")) &&
		      str_ends(a.nearest[1],
			       STR(" would permit it if principal in resource.device")),
	      "with its file, line and the condition in the way");
	check(a.rule_count == 1 && str_eqz(a.rules[0].id, "report-telemetry") &&
		      a.rules[0].line > 0 && !a.rules[0].is_forbid,
	      "it is the candidate");
	q = request(&command);
	policy_explain(p, w, &q, mem, &a);
	check(a.rule_count == 1 && str_eqz(a.rules[0].id, "commands-need-fitness") &&
		      str_eqz(a.rules[0].file, "plant.cedar") && a.rules[0].line > 0,
	      "the rule, its file and line");
	check(a.nearest_count > 0 && str_eqz(a.nearest[0], "principal.grade = normal"),
	      "the grade is what stands in the way");
	check(a.fact_count > 0 && str_eqz(a.facts[0].path, "principal.grade"), "the fact read");
	check(a.nearest_count > 1 &&
		      str_starts(a.nearest[1], STR("commands-need-fitness at plant.cedar:")) &&
		      str_ends(a.nearest[1],
			       STR(" forbids it while principal.grade != \"normal\"")),
	      "the forbid and what made it hold");
	q = request(&member);
	policy_explain(p, w, &q, mem, &a);
	check(a.rule_count == 1 && str_eqz(a.rules[0].id, "send-commands") && a.nearest_count > 0 &&
		      str_ends(a.nearest[0], STR(" would permit it if principal in "
						 "Group::\"dispatchers\"")),
	      "a group that it could be in is named");
	policy_free(p);
	world_free(w);
	arena_free(mem);
}

static const struct {
	const char *says, *more;
	enum policy_effect want;
	enum policy_cause cause;
} hard[] = {
	{ "a forbid that fails denies (P5)",
	  "forbid (principal, action == Action::\"publish\", resource is Space::telemetry)\n"
	  "when { context.qos + 9223372036854775807 > 0 };",
	  POLICY_DENY, POLICY_ERROR },
	{ "a permit that fails grants nothing and harms nothing (P5)",
	  "permit (principal, action == Action::\"publish\", resource is Space::telemetry)\n"
	  "when { context.qos + 9223372036854775807 > 0 };",
	  POLICY_ALLOW, POLICY_PERMIT },
};

static void an_error_in_a_forbid_is_a_denial_P5(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(hard); i++) {
		struct arena *mem = arena_new(8 << 20);
		struct world *w = plant();
		struct err e = { 0 };
		struct policy *p = set_with(mem, hard[i].more, &e);
		struct policy_context c = {
			.now_ms = NOW, .gate = STR("gw-1"), .protocol = STR("mqtt5"), .qos = 1
		};
		struct policy_answer a;
		check(p != NULL, e.text);
		check(ask(p, w, "device/p1", "publish", "plant/north/p1/telemetry/x", &c, &a) ==
				      hard[i].want &&
			      a.cause == hard[i].cause,
		      hard[i].says);
		policy_free(p);
		world_free(w);
		arena_free(mem);
	}
}

static const struct {
	const char *says, *more, *error;
} bad[] = {
	{ "a set that does not parse is refused (P7)", "permit (principal, action",
	  "more.cedar:1" },
	{ "an attribute nobody has is refused",
	  "permit (principal is Device, action == Action::\"connect\", resource)\n"
	  "when { principal.grad == \"normal\" };",
	  "more.cedar:2" },
	{ "a space that is none is refused",
	  "permit (principal, action == Action::\"publish\", resource is Space::telemetri);",
	  "more.cedar:1" },
	{ "an id twice is refused", "@id(\"connect\") permit (principal, action, resource);",
	  "two policies have the id 'connect'" },
	{ "a template is refused", "permit (principal == ?principal, action, resource);",
	  "a template" },
};

static void a_set_that_is_not_valid_is_refused_P7(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(bad); i++) {
		struct arena *mem = arena_new(8 << 20);
		struct err e = { 0 };
		struct policy *p = set_with(mem, bad[i].more, &e);
		check(p == NULL, bad[i].says);
		if (!strstr(e.text, bad[i].error))
			fail_msg("%s: %s", bad[i].says, e.text);
		arena_free(mem);
	}
}

static void no_policy_is_no_right_P7(void **state)
{
	struct arena *mem = arena_new(8 << 20);
	struct world *w = plant();
	struct policy_context c = { .now_ms = NOW, .gate = STR("gw-1"), .protocol = STR("mqtt5") };
	struct policy_answer a;
	struct policy_source src = { .version = STR("empty"),
				     .schema = slurp(mem, "muster.cedarschema"),
				     .spaces = { STR("plant.spaces"),
						 slurp(mem, "plant.spaces") } };
	struct err e = { 0 };
	struct policy *p = policy_new(&src, &e);

	(void)state;
	check(p != NULL, e.text);
	check(ask(p, w, "device/p1", "connect", "", &c, &a) == POLICY_DENY, "zero rules");
	check(ask(p, w, "user/ann", "device.read", "", &c, &a) == POLICY_DENY, "for admins too");
	check(ask(NULL, w, "device/p1", "connect", "", &c, &a) == POLICY_DENY, "no set at all");
	policy_free(p);
	world_free(w);
	arena_free(mem);
}

/* ---- answers that are used again ---- */

static const char *const open_rules =
	"permit (principal, action == Action::\"publish\", resource is Space::telemetry)\n"
	"when { context.qos == 2 };\n"
	"forbid (principal, action == Action::\"publish\", resource is Space::telemetry)\n"
	"when { context.retain && principal.risk > 10 };\n"
	"forbid (principal, action == Action::\"publish\", resource is Space::commands)\n"
	"when { context.qos + 9223372036854775807 > 9223372036854775807 };\n"
	"forbid (principal, action, resource is Space::telemetry)\n"
	"when { context.now > datetime(\"1970-01-01T00:16:41Z\") && context.stateAge == \"stale\" "
	"};\n";

/* A residual and the whole decision, asked side by side over every context. */
static const struct policy_context contexts[] = {
	{ .now_ms = NOW, .payload_bytes = 10 },
	{ .now_ms = NOW, .payload_bytes = 65536 },
	{ .now_ms = NOW, .payload_bytes = 65537 },
	{ .now_ms = NOW, .payload_bytes = 65537, .qos = 2 },
	{ .now_ms = NOW, .payload_bytes = 10, .retain = true },
	{ .now_ms = NOW, .payload_bytes = 10, .retain = true, .qos = 2 },
	{ .now_ms = NOW, .payload_bytes = 4294967295, .qos = 1 },
	{ .now_ms = NOW + 5000, .payload_bytes = 10, .qos = 1 },
};

static const struct {
	const char *says, *who, *action, *topic;
} kept[] = {
	{ "telemetry", "device/p1", "publish", "plant/north/p1/telemetry/x" },
	{ "of a program", "device/p1/workload/logger", "publish", "plant/north/p1/telemetry/x" },
	{ "a neighbour's", "device/p1", "publish", "plant/north/p2/telemetry/x" },
	{ "of a restricted device", "device/low", "publish", "plant/north/low/telemetry/x" },
	{ "a command", "service/dispatcher", "publish", "plant/south/p3/cmd/go" },
	{ "a delivery", "device/p1", "receive", "plant/north/p1/cmd/go" },
	{ "a delivery to an unfit device", "device/low", "receive", "plant/north/low/cmd/go" },
	{ "the right to be connected", "device/p1", "connect", "" },
};

static struct policy_request asked(const char *who, const char *action, const char *topic,
				   const struct policy_context *c)
{
	return (struct policy_request){ .principal = str_of(who),
					.action = str_of(action),
					.topic = str_of(topic),
					.resource_type = STR("Gate"),
					.resource_id = STR("gw-1"),
					.context = *c };
}

static void same_rules(const struct policy_answer *a, const struct policy_answer *b,
		       const char *says)
{
	check(a->rule_count == b->rule_count, says);
	for (size_t i = 0; i < a->rule_count; i++) {
		bool found = false;
		for (size_t k = 0; k < b->rule_count; k++)
			found |= str_eq(a->rules[i].id, b->rules[k].id);
		check(found, says);
	}
}

static void what_remains_gives_the_whole_answer(void **state)
{
	struct arena *mem = arena_new(8 << 20);
	struct world *w = plant();
	struct err e = { 0 };
	struct policy *p = set_with(mem, open_rules, &e);
	size_t allowed = 0, denied = 0;

	(void)state;
	check(p != NULL, e.text);
	for (size_t i = 0; i < countof(kept); i++) {
		struct policy_request q =
			asked(kept[i].who, kept[i].action, kept[i].topic, &contexts[0]);
		struct policy_answer first, whole, rest;
		struct policy_residual *r = policy_residual_new(p, w, &q, &first);
		check(r != NULL, kept[i].says);
		for (size_t k = 0; k < countof(contexts); k++) {
			q.context = contexts[k];
			policy_decide(p, w, &q, &whole);
			policy_residual_decide(r, &contexts[k], &rest);
			if (rest.effect != whole.effect || rest.cause != whole.cause)
				fail_msg("%s, context %zu: %s, in full %s", kept[i].says, k,
					 policy_cause_name(rest.cause),
					 policy_cause_name(whole.cause));
			same_rules(&rest, &whole, kept[i].says);
			check(rest.space == whole.space, kept[i].says);
			allowed += whole.effect == POLICY_ALLOW;
			denied += whole.effect == POLICY_DENY;
		}
		policy_residual_free(r);
	}
	check(allowed > 10 && denied > 10, "the table says yes and no");
	policy_free(p);
	world_free(w);
	arena_free(mem);
}

static void not_everything_leaves_something(void **state)
{
	static const struct want none[] = {
		{ .says = "a subscription",
		  .who = "device/p1",
		  .action = "subscribe",
		  .topic = "plant/north/p1/cmd/+" },
		{ .says = "a stranger",
		  .who = "device/p9",
		  .action = "publish",
		  .topic = "plant/north/p9/telemetry/x" },
		{ .says = "no space", .who = "device/p1", .action = "publish", .topic = "x" },
		{ .says = "the registry says no",
		  .who = "device/p1",
		  .action = "publish",
		  .topic = "plant/south/p1/telemetry/x" },
		{ .says = "the grade says no",
		  .who = "device/alert",
		  .action = "publish",
		  .topic = "plant/north/alert/telemetry/x" },
	};
	struct arena *mem = arena_new(8 << 20);
	struct world *w = plant();
	struct err e = { 0 };
	struct policy *p = set_with(mem, NULL, &e);
	struct policy_answer a;

	(void)state;
	check(p != NULL, e.text);
	for (size_t i = 0; i < countof(none); i++) {
		struct policy_request q = request(&none[i]);
		check(!policy_residual_new(p, w, &q, &a), none[i].says);
		check(a.effect == POLICY_DENY || str_eqz(q.action, "subscribe"), none[i].says);
	}
	struct policy_request q = request(&none[0]);
	check(!policy_residual_new(NULL, w, &q, &a) && a.effect == POLICY_DENY, "no set, no right");
	policy_residual_free(NULL);
	q = request(&wants[0]);
	struct policy_residual *last = policy_residual_new(p, w, &q, &a);
	check(last && a.effect == POLICY_ALLOW, "what a fit device asks leaves something");
	policy_free(p);
	policy_residual_free(last); /* a cache is emptied after the set it was made of */
	world_free(w);
	arena_free(mem);
}

/* What was asked, whom a change is told of, and whether the answer may be used after it. */
static const struct {
	const char *says, *who, *action, *topic, *more;
	const char *changed; /* a device; NULL: none */
	bool holds;
} bases[] = {
	{ "nothing changed", "device/p1", "publish", "plant/north/p1/telemetry/x", NULL, NULL,
	  true },
	{ "the asker changed", "device/p1", "publish", "plant/north/p1/telemetry/x", NULL, "p1",
	  false },
	{ "the device of the program changed", "device/p1/workload/logger", "publish",
	  "plant/north/p1/telemetry/x", NULL, "p1", false },
	{ "somebody else changed", "device/p1", "publish", "plant/north/p1/telemetry/x", NULL, "p2",
	  true },
	{ "a newcomer", "device/p1", "publish", "plant/north/p1/telemetry/x", NULL, "p7", true },
	{ "the device commanded changed", "service/dispatcher", "publish", "plant/south/p3/cmd/go",
	  NULL, "p3", false },
	{ "another device than the one commanded", "service/dispatcher", "publish",
	  "plant/south/p3/cmd/go", NULL, "p1", true },
	{ "a device that a rule names outright", "device/p1", "publish",
	  "plant/north/p1/telemetry/x",
	  "forbid (principal, action, resource) when { Device::\"p2\" has grade && "
	  "Device::\"p2\".grade == \"isolated\" };",
	  "p2", false },
	{ "a subscription, whoever changed", "service/historian", "subscribe",
	  "plant/+/+/telemetry/#", NULL, "p2", false },
};

static void a_change_ends_reuse_of_what_rested_on_it_M12(void **state)
{
	struct arena *mem = arena_new(64 << 20);
	struct policy_context c = { .now_ms = NOW, .payload_bytes = 10 };

	(void)state;
	for (size_t i = 0; i < countof(bases); i++) {
		struct world *w = plant();
		struct err e = { 0 };
		struct policy *p = set_with(mem, bases[i].more, &e);
		struct policy_answer a;
		check(p != NULL, e.text);
		struct policy_request q = asked(bases[i].who, bases[i].action, bases[i].topic, &c);
		policy_decide(p, w, &q, &a);
		check(a.effect == POLICY_ALLOW, bases[i].says);
		check(policy_basis_holds(&a.basis, w, &c), "before any change");
		struct principal was = device("p1", "north", GRADE_ISOLATED);
		if (bases[i].changed) {
			was.id = str_of(bases[i].changed);
			world_put(w, &was);
		}
		check(policy_basis_holds(&a.basis, w, &c) == bases[i].holds, bases[i].says);
		if (bases[i].changed)
			world_take(w, STR("device"), was.id);
		check(policy_basis_holds(&a.basis, w, &c) == bases[i].holds, "nor does it return");
		policy_free(p);
		world_free(w);
	}
	arena_free(mem);
}

static void time_and_age_end_reuse_P3(void **state)
{
	struct arena *mem = arena_new(8 << 20);
	struct world *w = plant();
	struct err e = { 0 };
	struct policy *p = set_with(mem, NULL, &e);
	struct policy_context c = { .now_ms = NOW, .payload_bytes = 10, .allowance_ms = 100 };
	struct policy_request own =
		asked("device/lease", "publish", "plant/north/lease/telemetry/x", &c);
	struct policy_request other =
		asked("service/dispatcher", "publish", "plant/north/lease/cmd/go", &c);
	struct policy_answer a, b;

	(void)state;
	check(p != NULL, e.text);
	policy_decide(p, w, &own, &a);
	policy_decide(p, w, &other, &b);
	check(a.expires_ms == NOW + 600 && b.expires_ms == NOW + 600,
	      "the asker's lease, and that of the device commanded");
	c.now_ms = NOW + 599;
	check(policy_basis_holds(&a.basis, w, &c), "up to its end");
	c.now_ms = NOW + 600;
	check(!policy_basis_holds(&a.basis, w, &c), "and no longer");
	c.now_ms = NOW;
	c.age = POLICY_STALE_AGE;
	check(!policy_basis_holds(&a.basis, w, &c), "the state of the gate has aged");
	c.age = POLICY_FRESH;
	c.allowance_ms = 0;
	check(!policy_basis_holds(&a.basis, w, &c), "the outage is over, and its allowance");
	policy_free(p);
	world_free(w);
	arena_free(mem);
}

RUN_TESTS(cmocka_unit_test(the_shipped_policies_let_a_fit_plant_run),
	  cmocka_unit_test(operators_act_by_role_A1),
	  cmocka_unit_test(trust_falls_by_timer_and_the_answer_says_when),
	  cmocka_unit_test(the_staleness_ladder_P3),
	  cmocka_unit_test(what_is_known_changes_and_the_answer_with_it_M12),
	  cmocka_unit_test(what_remains_gives_the_whole_answer),
	  cmocka_unit_test(not_everything_leaves_something),
	  cmocka_unit_test(a_change_ends_reuse_of_what_rested_on_it_M12),
	  cmocka_unit_test(time_and_age_end_reuse_P3),
	  cmocka_unit_test(a_denial_says_what_would_change_it),
	  cmocka_unit_test(an_error_in_a_forbid_is_a_denial_P5),
	  cmocka_unit_test(a_set_that_is_not_valid_is_refused_P7),
	  cmocka_unit_test(no_policy_is_no_right_P7))
