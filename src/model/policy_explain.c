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

static void nearest_of_cedar(const struct policy_ask *ask, struct arena *mem,
			     struct policy_answer *out)
{
	const struct cedar_near *near = NULL;
	uint32_t count = 0;

	cedar_explain_nearest(ask->p->program, ask->p->view->store, &ask->request, mem, &near,
			      &count);
	for (uint32_t i = 0; i < count; i++) {
		const struct cedar_policy *rule = ask->p->rules[near[i].policy];
		bool forbids = rule->effect == CEDAR_FORBID;
		add_nearest(out, arena_printf(mem, "%s " STR_FMT " (" STR_FMT ")",
					      forbids ? "were it not that" : "if",
					      STR_ARG(near[i].text), STR_ARG(rule->id)));
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
