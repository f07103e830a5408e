#include "model/policy_set.h"

#include "codec/topic.h"

/* ---- who asks ---- */

/* "device/pump-1/workload/logger": what comes after the id of a device. */
static bool read_workload(struct str below, struct str *out)
{
	struct str word;

	return str_cut(below, '/', &word, out) && str_eqz(word, "workload") && out->len > 0 &&
	       !str_has(*out, '/');
}

static bool put_workload(struct policy_ask *ask, struct str below)
{
	struct policy_subject *who = &ask->who;

	if (!str_eqz(who->p->kind, "device") || !read_workload(below, &who->workload))
		return false;
	who->id = arena_printf(ask->p->view->work, STR_FMT ":" STR_FMT, STR_ARG(who->p->id),
			       STR_ARG(who->workload));
	who->type = cedar_names_find(ask->p->names, STR("Workload"));
	return who->id.ptr && who->type;
}

static bool find_who(struct policy_ask *ask)
{
	struct policy_subject *who = &ask->who;
	struct str kind, rest, id, below;

	if (!str_cut(ask->q->principal, '/', &kind, &rest))
		return false;
	bool has_below = str_cut(rest, '/', &id, &below);
	who->p = world_get(ask->w, kind, id);
	if (!who->p || !str_eqz(who->p->status, "active"))
		return false;
	who->grade = principal_grade(who->p, ask->judged_ms);
	if (has_below)
		return put_workload(ask, below);
	const char *type = policy_kind_type(kind);
	who->id = who->p->id;
	who->type = type ? cedar_names_find(ask->p->names, str_of(type)) : CEDAR_NAME_NONE;
	return who->type != CEDAR_NAME_NONE;
}

/* ---- the ceiling of a grade (DESIGN 3): applied before policy, lifted by nobody ---- */

static const struct {
	const char *action;
	enum grade least; /* to be asked at all */
} ceilings[] = {
	{ "attest", GRADE_ISOLATED },         { "connect", GRADE_ALERT_ONLY },
	{ "renew", GRADE_ALERT_ONLY },        { "enrol", GRADE_UPDATE_ONLY },
	{ "fetchUpdate", GRADE_UPDATE_ONLY }, { "gate.follow", GRADE_UPDATE_ONLY },
	{ "gate.report", GRADE_UPDATE_ONLY },
};

static bool is_own_alert(const struct policy_ask *ask)
{
	const struct space *s = ask->at.space;

	if (!s || !s->alert || !str_eqz(ask->q->action, "publish"))
		return false;
	for (size_t i = 0; i < s->param_count; i++)
		if (str_eqz(s->params[i].type, "Device") &&
		    str_eq(ask->at.values[i], ask->who.p->id))
			return true;
	return false;
}

static enum grade least_grade(const struct policy_ask *ask)
{
	for (size_t i = 0; i < countof(ceilings); i++)
		if (str_eqz(ask->q->action, ceilings[i].action))
			return ceilings[i].least;
	return is_own_alert(ask) ? GRADE_ALERT_ONLY : GRADE_RESTRICTED;
}

/* People act under their roles; a held one is held all the same. */
static bool under_ceiling(const struct policy_ask *ask)
{
	if (str_eqz(ask->who.p->kind, "user"))
		return !ask->who.p->held;
	return ask->who.grade >= least_grade(ask);
}

/* ---- what a topic speaks of, and whether the registry agrees ---- */

const struct principal *policy_named(const struct policy_ask *ask, struct str type, struct str id)
{
	static const char *const kinds[] = { "device", "service", "gate", "sensor", "user" };

	for (size_t i = 0; i < countof(kinds); i++)
		if (str_eqz(type, policy_kind_type(str_of(kinds[i]))))
			return world_get(ask->w, str_of(kinds[i]), id);
	return NULL;
}

bool policy_is_principal_type(struct str type)
{
	static const char *const types[] = { "Device", "Service", "Gate", "Sensor", "User" };

	for (size_t i = 0; i < countof(types); i++)
		if (str_eqz(type, types[i]))
			return true;
	return false;
}

/* A place beside a principal must be that principal's; an unknown one becomes it. */
static bool agrees_with(struct space_binding *b, const char *type, struct str value)
{
	for (size_t i = 0; i < b->space->param_count; i++) {
		if (!str_eqz(b->space->params[i].type, type))
			continue;
		if (b->is_known[i] && !str_eq(b->values[i], value))
			return false;
		b->values[i] = value;
		b->is_known[i] = value.len > 0;
		if (value.len == 0)
			return false;
	}
	return true;
}

static bool registry_agrees(const struct policy_ask *ask, struct space_binding *b)
{
	for (size_t i = 0; i < b->space->param_count; i++) {
		if (!b->is_known[i] || !policy_is_principal_type(b->space->params[i].type))
			continue;
		const struct principal *p =
			policy_named(ask, b->space->params[i].type, b->values[i]);
		if (!p || str_eqz(p->status, "retired") || !agrees_with(b, "Site", p->site) ||
		    !agrees_with(b, "Model", p->model))
			return false;
		policy_view_grade(ask->p, p, ask->judged_ms);
	}
	return true;
}

static bool stale_refuses(const struct policy_ask *ask)
{
	enum policy_age age = ask->q->context.age;

	if (age == POLICY_OLD)
		return ask->at.space && !ask->at.space->telemetry;
	return age != POLICY_FRESH && age != POLICY_STALE_AGE;
}

/* ---- asking Cedar ---- */

static void put_who(struct policy_ask *ask)
{
	ask->principal = cedar_uid_of(ask->who.type, ask->who.id);
	ask->request.principal = &ask->principal;
}

/* Described for this request alone: a workload, or somebody as of another grade. */
static bool describe_who(struct policy_ask *ask)
{
	struct cedar_entity *en = &ask->locals[ask->request.local_count];

	if (!policy_put_attrs(ask->p, &ask->who, &ask->who_attrs))
		return false;
	*en = (struct cedar_entity){ .uid = &ask->principal,
				     .attrs = &ask->who_attrs.record,
				     .parents = ask->parent_ptrs };
	en->parent_count = policy_put_parents(ask->p, &ask->who, ask->parents, ask->parent_ptrs);
	ask->request.local_count++;
	return true;
}

static struct cedar_value param_value(struct policy_ask *ask, const struct policy_space *types,
				      size_t i)
{
	struct cedar_uid *uid = &ask->where_attrs.uids[i];

	if (!ask->at.is_known[i])
		return (struct cedar_value){ .kind = CEDAR_UNKNOWN, .name = types->params[i] };
	if (types->types[i] == CEDAR_NAME_NONE)
		return cedar_string(ask->at.values[i]);
	*uid = cedar_uid_of(types->types[i], ask->at.values[i]);
	return cedar_entity(uid);
}

/* The entity a topic stands for: Space::telemetry::"plant/n/p1/telemetry". */
static void describe_topic(struct policy_ask *ask)
{
	const struct space *s = ask->at.space;
	const struct policy_space *types = &ask->p->space_types[s->index];
	struct policy_record *r = &ask->where_attrs;
	struct cedar_entity *en = &ask->locals[ask->request.local_count++];

	for (size_t i = 0; i < s->param_count; i++) {
		r->names[i] = types->params[i];
		r->values[i] = param_value(ask, types, i);
	}
	r->record = (struct cedar_record){ (uint32_t)s->param_count, r->names, r->values };
	(void)cedar_record_sort(r->names, r->values, (uint32_t)s->param_count);
	for (size_t i = 0; i < s->parent_count; i++) {
		ask->space_parents[i] = cedar_uid_of(ask->p->topic_space, s->parents[i]);
		ask->space_parent_ptrs[i] = &ask->space_parents[i];
	}
	ask->resource = cedar_uid_of(types->type, ask->q->topic);
	*en = (struct cedar_entity){ .uid = &ask->resource,
				     .attrs = &r->record,
				     .parents = ask->space_parent_ptrs,
				     .parent_count = (uint32_t)s->parent_count };
}

static void put_resource(struct policy_ask *ask)
{
	ask->request.resource = &ask->resource;
	if (ask->at.space) {
		describe_topic(ask);
		return;
	}
	/* Of a type no policy speaks of, nothing can be granted: name 0 is nobody's. */
	ask->resource = cedar_uid_of(cedar_names_find(ask->p->names, ask->q->resource_type),
				     ask->q->resource_id);
}

static bool put_request(struct policy_ask *ask)
{
	uint32_t type = cedar_names_find(ask->p->names, STR("Action"));
	const struct schema_action *action =
		schema_action_find(ask->p->schema, STR("Action"), ask->q->action);
	bool is_as_stored = ask->who.workload.len == 0 &&
			    ask->who.grade == principal_grade(ask->who.p, ask->judged_ms);

	if (!action)
		return false;
	ask->request = (struct cedar_request){ .action = &ask->action, .locals = ask->locals };
	ask->action = cedar_uid_of(type, ask->q->action);
	put_who(ask);
	if (!is_as_stored && !describe_who(ask))
		return false;
	put_resource(ask);
	ask->request.context = &ask->context.record;
	return policy_put_context(ask->p, action, &ask->q->context, &ask->context);
}

static void add_rule(const struct policy *p, uint32_t number, struct policy_answer *out)
{
	if (out->rule_count < POLICY_RULES)
		policy_rule_of(p->rules[number], &out->rules[out->rule_count++]);
}

static void name_failed_forbids(const struct policy *p, const struct cedar_answer *got,
				struct policy_answer *out)
{
	for (uint32_t i = 0; i < got->fault_count; i++)
		if (p->rules[got->faults[i].policy]->effect == CEDAR_FORBID)
			add_rule(p, got->faults[i].policy, out);
}

void policy_take_answer(const struct policy *p, const struct cedar_answer *got,
			struct policy_answer *out)
{
	out->reads_message = (got->context_read & p->message_bits) != 0;
	out->effect = POLICY_DENY;
	/* Cedar skips a forbid that fails; at the enforcement point that is a denial. */
	if (got->is_forbid_failed) {
		out->cause = POLICY_ERROR;
		name_failed_forbids(p, got, out);
		return;
	}
	for (uint32_t i = 0; i < got->reason_count; i++)
		add_rule(p, got->reasons[i], out);
	if (got->decision == CEDAR_ALLOW) {
		out->effect = POLICY_ALLOW;
		out->cause = POLICY_PERMIT;
		return;
	}
	out->cause = got->reason_count > 0 ? POLICY_FORBID : POLICY_NO_PERMIT;
}

static void ask_cedar(struct policy_ask *ask, struct policy_answer *out)
{
	struct cedar_answer got;

	cedar_authorize(ask->p->program, ask->p->view->store, &ask->request, ask->p->view->scratch,
			&got);
	policy_take_answer(ask->p, &got, out);
}

/* ---- a subscription: three-valued over every space the filter overlaps ---- */

struct overlap {
	size_t always, depends, count;
	bool whole, may_filter;
};

static bool filter_is_allowed(const struct policy_ask *ask)
{
	/* A service may be set to filter as a whole, by its tag. */
	for (size_t i = 0; i < ask->who.p->tag_count; i++)
		if (str_eqz(ask->who.p->tags[i].name, "subscribe"))
			return str_eqz(ask->who.p->tags[i].value, "filter") &&
			       str_eqz(ask->who.p->kind, "service");
	return ask->at.space->filter;
}

static enum cedar_verdict ask_partial(struct policy_ask *ask)
{
	struct cedar_partial got = { 0 };

	ask->request.unknown = topic_has_wildcard(ask->q->topic) ? CEDAR_UNKNOWN_RESOURCE : 0;
	cedar_authorize_partial(ask->p->program, ask->p->view->store, &ask->request,
				ask->p->view->work, &got);
	return got.may_forbid_fail && got.verdict == CEDAR_ALWAYS ? CEDAR_DEPENDS : got.verdict;
}

/* One overlapped space; false when the subscription is refused as a whole. */
static bool take_overlap(struct policy_ask *ask, struct overlap *o, struct policy_answer *out)
{
	bool one_topic = !topic_has_wildcard(ask->q->topic);

	if (stale_refuses(ask) || !registry_agrees(ask, &ask->at)) {
		out->cause = stale_refuses(ask) ? POLICY_STALE : POLICY_DISAGREES;
		return !one_topic;
	}
	if (!put_request(ask))
		return false;
	enum cedar_verdict v = ask_partial(ask);
	o->always += v == CEDAR_ALWAYS && ask->at.covers;
	o->depends += v == CEDAR_DEPENDS || (v == CEDAR_ALWAYS && !ask->at.covers);
	o->may_filter = o->may_filter && (v == CEDAR_NEVER || filter_is_allowed(ask));
	return true;
}

static void judge_overlaps(struct policy_ask *ask, const struct overlap *o,
			   struct policy_answer *out)
{
	if (o->whole && o->always > 0 && o->depends == 0) {
		out->effect = POLICY_ALLOW;
		out->cause = POLICY_PERMIT;
	} else if (o->always + o->depends > 0) {
		bool granted = o->may_filter && ask->q->context.share_group.len == 0;
		out->effect = granted ? POLICY_DEPENDS : POLICY_DENY;
		out->cause = POLICY_TOO_WIDE;
	}
}

/* The rules behind it: asked again as if its first space were all there is. */
static void name_rules(struct policy_ask *ask, struct policy_answer *out)
{
	struct policy_answer one = { 0 };

	ask->request.unknown = 0;
	ask_cedar(ask, &one);
	memcpy(out->rules, one.rules, sizeof(out->rules));
	out->rule_count = one.rule_count;
	if (out->cause == POLICY_NO_PERMIT)
		out->cause = one.cause == POLICY_PERMIT ? POLICY_NO_PERMIT : one.cause;
}

static bool answer_subscribe(struct policy_ask *ask, struct policy_answer *out)
{
	struct space_binding all[SPACES_MAX];
	struct overlap o = { .may_filter = true };

	o.count = spaces_overlap(ask->p->spaces, ask->q->topic, all, countof(all), &o.whole);
	if (o.count == 0 || !topic_depth_ok(ask->q->topic)) {
		out->cause = POLICY_NO_SPACE;
		return false;
	}
	for (size_t i = 0; i < o.count; i++) {
		arena_reset(ask->p->view->work);
		if (!find_who(ask))
			return false;
		ask->at = all[i];
		out->space = all[i].space;
		if (!take_overlap(ask, &o, out))
			return false;
	}
	judge_overlaps(ask, &o, out);
	bool was_asked = out->cause != POLICY_STALE && out->cause != POLICY_DISAGREES;
	if (was_asked && !topic_has_wildcard(ask->q->topic))
		name_rules(ask, out);
	return was_asked;
}

/* ---- the whole way ---- */

static bool is_topic_action(struct str action)
{
	return str_eqz(action, "publish") || str_eqz(action, "receive");
}

static bool refuse(struct policy_answer *out, enum policy_cause cause)
{
	out->effect = POLICY_DENY;
	out->cause = cause;
	return false;
}

/* Puts the topic into its space; false with the cause when that fails. */
static bool place(struct policy_ask *ask, struct policy_answer *out)
{
	if (!is_topic_action(ask->q->action))
		return true;
	if (!spaces_bind(ask->p->spaces, ask->q->topic, &ask->at))
		return refuse(out, POLICY_NO_SPACE);
	out->space = ask->at.space;
	return true;
}

static bool answer(struct policy_ask *ask, struct policy_answer *out)
{
	if (!find_who(ask))
		return refuse(out, POLICY_UNKNOWN);
	policy_view_grade(ask->p, ask->who.p, ask->judged_ms);
	bool has_place = place(ask, out);
	if (!under_ceiling(ask))
		return refuse(out, POLICY_GRADE);
	if (!has_place)
		return false;
	if (stale_refuses(ask))
		return refuse(out, POLICY_STALE);
	if (str_eqz(ask->q->action, "subscribe"))
		return answer_subscribe(ask, out);
	if (ask->at.space && !registry_agrees(ask, &ask->at))
		return refuse(out, POLICY_DISAGREES);
	if (!put_request(ask))
		return refuse(out, POLICY_NO_PERMIT);
	ask_cedar(ask, out);
	return true;
}

/* Would it be granted, were the principal of this grade? */
static bool allowed_as(struct policy_ask *ask, enum grade grade)
{
	struct policy_answer other = { 0 };
	enum grade was = ask->who.grade;

	if (was >= grade || !ask->at.space || str_eqz(ask->q->action, "subscribe"))
		return false;
	ask->who.grade = grade;
	bool asked = registry_agrees(ask, &ask->at) && put_request(ask);
	if (asked)
		ask_cedar(ask, &other);
	ask->who.grade = was;
	(void)put_request(ask);
	return other.effect == POLICY_ALLOW;
}

static void start(struct policy_ask *ask, const struct policy *p, const struct world *w,
		  const struct policy_request *q, struct policy_answer *out)
{
	memset(out, 0, sizeof(*out));
	memset(ask, 0, sizeof(*ask));
	ask->p = p;
	ask->w = w;
	ask->q = q;
	ask->judged_ms = q->context.now_ms - q->context.allowance_ms;
	arena_reset(p->view->work);
	policy_view_follow(p, w);
}

void policy_decide_ask(struct policy_ask *ask, const struct policy *p, const struct world *w,
		       const struct policy_request *q, struct policy_answer *out)
{
	start(ask, p, w, q, out);
	ask->is_asked = answer(ask, out);
	policy_basis_of(ask, &out->basis);
	out->expires_ms = out->basis.expires_ms;
	if (out->effect == POLICY_DENY && ask->who.p && ask->who.grade < GRADE_NORMAL)
		out->by_grade = out->cause == POLICY_GRADE || allowed_as(ask, GRADE_NORMAL);
}

void policy_decide(const struct policy *p, const struct world *w, const struct policy_request *q,
		   struct policy_answer *out)
{
	struct policy_ask ask;

	if (p)
		policy_decide_ask(&ask, p, w, q, out);
	else
		*out = (struct policy_answer){ 0 };
}
