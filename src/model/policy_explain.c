#include "cedar/explain.h"
#include "codec/topic.h"
#include "model/policy_set.h"

enum { VALUE_MAX = 512 };

static struct str value_text(const struct policy *p, struct cedar_value v, struct arena *mem)
{
	auto_buf struct buf out = { 0 };

	buf_init(&out, VALUE_MAX);
	if (v.kind == CEDAR_NONE)
		return STR("(absent)");
	cedar_value_print(&out, p->names, v);
	return arena_dup(mem, buf_str(&out));
}

/* ---- facts, with the evidence behind them ---- */

static const struct principal_evidence *evidence_for(const struct principal *p, struct str attr)
{
	for (size_t i = 0; p && i < p->evidence_count; i++)
		if (str_eq(p->evidence[i].attribute, attr))
			return &p->evidence[i];
	return NULL;
}

static const struct principal *device_of(const struct policy_ask *ask)
{
	const struct space *s = ask->at.space;

	for (size_t i = 0; s && i < s->param_count; i++)
		if (str_eqz(s->params[i].type, "Device") && ask->at.is_known[i])
			return world_get(ask->w, STR("device"), ask->at.values[i]);
	return NULL;
}

/* "principal.grade" is the principal's, "resource.device.grade" the bound device's. */
static const struct principal_evidence *behind(const struct policy_ask *ask, struct str path)
{
	if (str_starts(path, STR("principal.")))
		return evidence_for(ask->who.p, str_from(path, strlen("principal.")));
	if (str_starts(path, STR("resource.device.")))
		return evidence_for(device_of(ask), str_from(path, strlen("resource.device.")));
	return NULL;
}

static bool has_fact(const struct policy_answer *out, struct str path)
{
	for (size_t i = 0; i < out->fact_count; i++)
		if (str_eq(out->facts[i].path, path))
			return true;
	return false;
}

static void add_fact(const struct policy_ask *ask, struct str path, struct str value,
		     struct policy_answer *out)
{
	if (out->fact_count == POLICY_FACTS || has_fact(out, path))
		return;
	const struct principal_evidence *ev = behind(ask, path);
	struct policy_fact *f = &out->facts[out->fact_count++];
	*f = (struct policy_fact){ .path = path, .value = value };
	if (!ev)
		return;
	f->evidence_id = ev->id;
	f->at_ms = ev->at_ms;
}

static void add_facts(const struct policy_ask *ask, const struct cedar_facts *facts,
		      struct arena *mem, struct policy_answer *out)
{
	for (uint32_t i = 0; i < facts->count; i++)
		add_fact(ask, facts->items[i].path, value_text(ask->p, facts->items[i].value, mem),
			 out);
}

static uint32_t rule_number(const struct policy *p, struct str id)
{
	for (uint32_t i = 0; i < p->rule_count; i++)
		if (str_eq(p->rules[i]->id, id))
			return i;
	return UINT32_MAX;
}

static void facts_of_rules(const struct policy_ask *ask, struct arena *mem,
			   struct policy_answer *out)
{
	uint32_t numbers[POLICY_RULES];
	uint32_t count = 0;
	struct cedar_facts facts = { 0 };

	for (size_t i = 0; i < out->rule_count; i++) {
		uint32_t number = rule_number(ask->p, out->rules[i].id);
		if (number != UINT32_MAX)
			numbers[count++] = number;
	}
	if (count == 0)
		return;
	cedar_explain_facts(ask->p->program, ask->p->view->store, &ask->request, numbers, count,
			    mem, &facts);
	add_facts(ask, &facts, mem, out);
}

/* ---- what would change the answer ---- */

static void add_nearest(struct policy_answer *out, struct str text)
{
	if (text.len > 0 && out->nearest_count < POLICY_NEAREST)
		out->nearest[out->nearest_count++] = text;
}

/* Could anything of this type be in such a scope?  A device is in no role. */
static bool scope_may_fit(const struct policy *p, const struct cedar_scope *scope, uint32_t type)
{
	const struct schema_entity *of = schema_entity_of(p->schema, type);
	bool has_above = scope->kind == CEDAR_SCOPE_IN || scope->kind == CEDAR_SCOPE_IS_IN;
	const struct schema_entity *above =
		has_above && scope->uid ? schema_entity_of(p->schema, scope->uid->type) : NULL;

	if (!has_above)
		return true; /* of another type: not near to begin with */
	return of && above && (of == above || schema_entity_is_below(of, above));
}

static bool is_for_such(const struct policy_ask *ask, const struct cedar_policy *rule)
{
	return scope_may_fit(ask->p, &rule->principal, ask->principal.type) &&
	       scope_may_fit(ask->p, &rule->resource, ask->resource.type);
}

/* "report-telemetry at plant.cedar:10 would permit it if principal in resource.device". */
static struct str near_text(const struct cedar_near *near, const struct cedar_policy *rule,
			    struct arena *mem)
{
	struct policy_rule r;
	const char *verb = "would permit it", *when = near->must_be ? "if" : "if not";

	policy_rule_of(rule, &r);
	if (r.is_forbid) {
		verb = near->text.len > 0 ? "forbids it" : "forbids it always";
		when = near->must_be ? "until" : "while";
	}
	struct str head = arena_printf(mem, STR_FMT " at " STR_FMT ":%u %s", STR_ARG(r.id),
				       STR_ARG(r.file), r.line, verb);
	if (near->text.len == 0)
		return head;
	if (near->others == 0)
		return arena_printf(mem, STR_FMT " %s " STR_FMT, STR_ARG(head), when,
				    STR_ARG(near->text));
	return arena_printf(mem, STR_FMT " %s " STR_FMT ", and %u more", STR_ARG(head), when,
			    STR_ARG(near->text), near->others);
}

/* Nothing granted it: the rules that are for such a request are the ones to look at. */
static void add_candidate(const struct cedar_policy *rule, struct policy_answer *out)
{
	if (out->cause == POLICY_NO_PERMIT && rule->effect == CEDAR_PERMIT &&
	    out->rule_count < POLICY_RULES)
		policy_rule_of(rule, &out->rules[out->rule_count++]);
}

static void nearest_of_cedar(const struct policy_ask *ask, struct arena *mem,
			     struct policy_answer *out)
{
	const struct cedar_near *near = NULL;
	uint32_t count = 0;

	cedar_explain_nearest(ask->p->program, ask->p->view->store, &ask->request, mem, &near,
			      &count);
	for (uint32_t i = 0; i < count; i++) {
		const struct cedar_policy *rule = ask->p->rules[near[i].policy];
		if (!is_for_such(ask, rule))
			continue;
		add_candidate(rule, out);
		add_nearest(out, near_text(&near[i], rule, mem));
		add_facts(ask, &near[i].facts, mem, out);
	}
}

/* The asker's own place in the same space: the neighbour's topic with its names replaced. */
static struct str own_topic(const struct policy_ask *ask, struct arena *mem)
{
	const struct space *s = ask->at.space;
	auto_buf struct buf out = { 0 };

	buf_init(&out, VALUE_MAX);
	for (size_t i = 0; i < s->level_count; i++) {
		const struct space_level *v = &s->levels[i];
		struct str text = v->text;
		if (v->kind == SPACE_PARAM && str_eqz(s->params[v->param].type, "Device"))
			text = ask->who.p->id;
		else if (v->kind == SPACE_PARAM && str_eqz(s->params[v->param].type, "Site"))
			text = ask->who.p->site;
		else if (v->kind == SPACE_PARAM)
			text = ask->at.values[v->param];
		else if (v->kind != SPACE_LITERAL)
			text = v->kind == SPACE_REST ? STR("#") : STR("+");
		(void)buf_puts(&out, text);
		(void)(i + 1 == s->level_count || buf_putc(&out, '/'));
	}
	return arena_printf(mem, "its own topic is " STR_FMT, STR_ARG(buf_str(&out)));
}

static bool is_neighbours(const struct policy_ask *ask)
{
	const struct space *s = ask->at.space;

	for (size_t i = 0; s && i < s->param_count; i++)
		if (str_eqz(s->params[i].type, "Device") && ask->at.is_known[i] &&
		    str_eqz(ask->who.p->kind, "device") &&
		    !str_eq(ask->at.values[i], ask->who.p->id))
			return true;
	return false;
}

static void add_grade(const struct policy_ask *ask, struct policy_answer *out)
{
	const struct principal_evidence *ev = evidence_for(ask->who.p, STR("attested"));

	add_fact(ask, STR("principal.grade"), str_of(grade_name(ask->who.grade)), out);
	if (out->fact_count > 0 && out->facts[out->fact_count - 1].evidence_id.len == 0 && ev) {
		out->facts[out->fact_count - 1].evidence_id = ev->id;
		out->facts[out->fact_count - 1].at_ms = ev->at_ms;
	}
}

static void explain_denial(const struct policy_ask *ask, struct arena *mem,
			   struct policy_answer *out)
{
	if (out->by_grade) {
		add_grade(ask, out);
		add_nearest(out, ask->who.p->held ? STR("an operator restores it")
						  : STR("principal.grade = normal"));
	}
	if (is_neighbours(ask))
		add_nearest(out, own_topic(ask, mem));
	if (ask->is_asked && out->cause != POLICY_TOO_WIDE)
		nearest_of_cedar(ask, mem, out);
	if (out->cause == POLICY_NO_SPACE)
		add_nearest(out, STR("a topic that is in a space: muster policy show"));
	if (out->cause == POLICY_TOO_WIDE)
		add_nearest(out, STR("a narrower filter, or the space set to `filter`"));
}

void policy_explain(const struct policy *p, const struct world *w, const struct policy_request *q,
		    struct arena *mem, struct policy_answer *out)
{
	struct policy_ask ask;

	if (!p) {
		*out = (struct policy_answer){ 0 };
		return;
	}
	policy_decide_ask(&ask, p, w, q, out);
	if (ask.is_asked)
		facts_of_rules(&ask, mem, out);
	if (out->effect != POLICY_ALLOW && ask.who.p)
		explain_denial(&ask, mem, out);
}
