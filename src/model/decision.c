#include "model/decision.h"

#include "codec/json.h"

void decision_id(int64_t at_ms, struct str gate, uint64_t counter, char out[DECISION_ID])
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	uint64_t hash = 0xcbf29ce484222325ull; /* FNV-1a: sets gates apart, hides nothing */
	uint64_t parts[2];

	for (size_t i = 0; i < gate.len; i++)
		hash = (hash ^ (uint8_t)gate.ptr[i]) * 0x100000001b3ull;
	/* 100 bits: 45 of time, 20 of gate, 35 of counter. */
	parts[0] = ((uint64_t)at_ms & 0x1fffffffffffull) << 5 | (hash >> 15 & 0x1f);
	parts[1] = (hash & 0x7fff) << 35 | (counter & 0x7ffffffffull);
	memcpy(out, "d-", 2);
	for (size_t i = 0; i < 20; i++) {
		size_t shift = 5 * (9 - i % 10);
		out[2 + i] = digits[parts[i / 10] >> shift & 31];
	}
	out[DECISION_ID - 1] = '\0';
}

static struct str resource_text(const struct policy_request *q, struct arena *mem)
{
	if (q->topic.len > 0 || q->resource_type.len == 0)
		return q->topic;
	return arena_printf(mem, STR_FMT "::" STR_FMT, STR_ARG(q->resource_type),
			    STR_ARG(q->resource_id));
}

static struct str sentence(const struct policy_request *q, const struct policy_answer *a,
			   struct arena *mem)
{
	/* Of a denial for want of a permit the rules are only those that came near. */
	bool is_decided = a->rule_count > 0 && a->cause != POLICY_NO_PERMIT;
	const struct policy_rule *r = is_decided ? &a->rules[0] : NULL;
	const char *verb = a->effect == POLICY_ALLOW ? "may" : "may not";

	if (r && r->reason.len > 0)
		return arena_printf(mem, STR_FMT " %s " STR_FMT ": " STR_FMT, STR_ARG(q->principal),
				    verb, STR_ARG(q->action), STR_ARG(r->reason));
	if (r)
		return arena_printf(mem, STR_FMT " %s " STR_FMT ": rule " STR_FMT " %s it",
				    STR_ARG(q->principal), verb, STR_ARG(q->action), STR_ARG(r->id),
				    r->is_forbid ? "forbids" : "permits");
	return arena_printf(mem, STR_FMT " %s " STR_FMT ": %s", STR_ARG(q->principal), verb,
			    STR_ARG(q->action), policy_cause_text(a->cause));
}

void decision_of(const struct policy_request *q, const struct policy_answer *a, struct str id,
		 struct str policy_version, struct arena *mem, struct decision *out)
{
	*out = (struct decision){
		.id = id,
		.at_ms = q->context.now_ms,
		.gate = q->context.gate,
		.principal = q->principal,
		.action = q->action,
		.resource = resource_text(q, mem),
		.space = a->space ? a->space->name : (struct str){ 0 },
		.effect = a->effect,
		.stage = STR("enforce"),
		.policy_version = policy_version,
		.cause = a->cause,
		.says = sentence(q, a, mem),
		.rules = a->rules,
		.rule_count = a->rule_count,
		.facts = a->facts,
		.fact_count = a->fact_count,
		.nearest = a->nearest,
		.nearest_count = a->nearest_count,
		.count = 1,
	};
}

/* ---- JSON ---- */

static void put_rules(struct jw *w, const struct decision *d)
{
	jw_key(w, "rules");
	jw_list(w);
	for (size_t i = 0; i < d->rule_count; i++) {
		const struct policy_rule *r = &d->rules[i];
		jw_map(w);
		jw_kv_str(w, "id", r->id);
		jw_kv_str(w, "file", r->file);
		jw_kv_int(w, "line", r->line);
		jw_kv_bool(w, "forbid", r->is_forbid);
		if (r->reason.len > 0)
			jw_kv_str(w, "reason", r->reason);
		jw_end(w);
	}
	jw_end(w);
}

static void put_facts(struct jw *w, const struct decision *d)
{
	jw_key(w, "facts");
	jw_list(w);
	for (size_t i = 0; i < d->fact_count; i++) {
		const struct policy_fact *f = &d->facts[i];
		jw_map(w);
		jw_kv_str(w, "path", f->path);
		jw_kv_str(w, "value", f->value);
		if (f->evidence_id.len > 0) {
			jw_kv_str(w, "evidence_id", f->evidence_id);
			jw_kv_int(w, "at", f->at_ms);
			jw_kv_int(w, "age_ms", d->at_ms > f->at_ms ? d->at_ms - f->at_ms : 0);
		}
		jw_end(w);
	}
	jw_end(w);
}

static void put_nearest(struct jw *w, const struct decision *d)
{
	jw_key(w, "nearest");
	jw_list(w);
	for (size_t i = 0; i < d->nearest_count; i++)
		jw_str(w, d->nearest[i]);
	jw_end(w);
}

bool decision_write(struct buf *out, const struct decision *d)
{
	struct jw w;

	jw_init(&w, out, JW_COMPACT);
	jw_map(&w);
	jw_kv_str(&w, "id", d->id);
	jw_kv_int(&w, "time", d->at_ms);
	jw_kv_str(&w, "gate", d->gate);
	jw_kv_str(&w, "principal", d->principal);
	jw_kv_str(&w, "action", d->action);
	jw_kv_str(&w, "resource", d->resource);
	jw_kv_str(&w, "space", d->space);
	jw_kv_text(&w, "effect", policy_effect_name(d->effect));
	jw_kv_str(&w, "stage", d->stage);
	jw_kv_str(&w, "policy_version", d->policy_version);
	jw_kv_text(&w, "because", policy_cause_name(d->cause));
	jw_kv_str(&w, "says", d->says);
	put_rules(&w, d);
	put_facts(&w, d);
	put_nearest(&w, d);
	jw_kv_int(&w, "count", (int64_t)d->count);
	jw_end(&w);
	return jw_ok(&w);
}

static bool read_rule(const struct json *v, struct arena *mem, struct policy_rule *r, struct err *e)
{
	int64_t line = 0;

	if (!json_text(v, "id", &r->id, e) || !json_text(v, "file", &r->file, e) ||
	    !json_int(v, "line", 0, UINT32_MAX, &line, e) ||
	    !json_bool(v, "forbid", &r->is_forbid, e) || !json_opt_text(v, "reason", &r->reason, e))
		return err_in(e, "'rules'");
	r->line = (uint32_t)line;
	r->id = arena_dup(mem, r->id);
	r->file = arena_dup(mem, r->file);
	r->reason = arena_dup(mem, r->reason);
	return true;
}

static bool read_rules(const struct json *j, struct arena *mem, struct decision *out, struct err *e)
{
	const struct json *list;

	if (!json_list(j, "rules", &list, e))
		return false;
	struct policy_rule *rules = arena_alloc(mem, json_count(list) + 1, sizeof(*rules));
	if (!rules)
		return err_set(e, ERR_INPUT, "decision is too large");
	for (size_t i = 0; i < json_count(list); i++)
		if (!read_rule(json_item(list, i), mem, &rules[i], e))
			return false;
	out->rules = rules;
	out->rule_count = json_count(list);
	return true;
}

static bool read_fact(const struct json *v, struct arena *mem, struct policy_fact *f, struct err *e)
{
	if (!json_text(v, "path", &f->path, e) || !json_text(v, "value", &f->value, e) ||
	    !json_opt_text(v, "evidence_id", &f->evidence_id, e) ||
	    !json_opt_int(v, "at", 0, INT64_MAX, &f->at_ms, e))
		return err_in(e, "'facts'");
	f->path = arena_dup(mem, f->path);
	f->value = arena_dup(mem, f->value);
	f->evidence_id = arena_dup(mem, f->evidence_id);
	return true;
}

static bool read_facts(const struct json *j, struct arena *mem, struct decision *out, struct err *e)
{
	const struct json *list;

	if (!json_list(j, "facts", &list, e))
		return false;
	struct policy_fact *facts = arena_alloc(mem, json_count(list) + 1, sizeof(*facts));
	if (!facts)
		return err_set(e, ERR_INPUT, "decision is too large");
	for (size_t i = 0; i < json_count(list); i++)
		if (!read_fact(json_item(list, i), mem, &facts[i], e))
			return false;
	out->facts = facts;
	out->fact_count = json_count(list);
	return true;
}

static bool read_nearest(const struct json *j, struct arena *mem, struct decision *out,
			 struct err *e)
{
	const struct json *list;

	if (!json_list(j, "nearest", &list, e))
		return false;
	struct str *texts = arena_alloc(mem, json_count(list) + 1, sizeof(*texts));
	if (!texts)
		return err_set(e, ERR_INPUT, "decision is too large");
	for (size_t i = 0; i < json_count(list); i++)
		texts[i] = arena_dup(mem, json_value_text(json_item(list, i)));
	out->nearest = texts;
	out->nearest_count = json_count(list);
	return true;
}

static bool read_effect(const struct json *j, struct decision *out, struct err *e)
{
	struct str word;

	if (!json_text(j, "effect", &word, e))
		return false;
	for (unsigned i = POLICY_DENY; i <= POLICY_DEPENDS; i++)
		if (str_eqz(word, policy_effect_name((enum policy_effect)i))) {
			out->effect = (enum policy_effect)i;
			return true;
		}
	return err_set(e, ERR_INPUT, "no such effect '" STR_FMT "'", STR_ARG(word));
}

static bool read_cause(const struct json *j, struct decision *out, struct err *e)
{
	struct str word;

	if (!json_text(j, "because", &word, e))
		return false;
	for (unsigned i = 0; i < POLICY_CAUSES; i++)
		if (str_eqz(word, policy_cause_name((enum policy_cause)i))) {
			out->cause = (enum policy_cause)i;
			return true;
		}
	return err_set(e, ERR_INPUT, "no such cause '" STR_FMT "'", STR_ARG(word));
}

static bool read_texts(const struct json *j, struct arena *mem, struct decision *out, struct err *e)
{
	const struct {
		const char *name;
		struct str *to;
	} texts[] = {
		{ "id", &out->id },
		{ "gate", &out->gate },
		{ "principal", &out->principal },
		{ "action", &out->action },
		{ "resource", &out->resource },
		{ "space", &out->space },
		{ "stage", &out->stage },
		{ "policy_version", &out->policy_version },
		{ "says", &out->says },
	};

	for (size_t i = 0; i < countof(texts); i++) {
		if (!json_text(j, texts[i].name, texts[i].to, e))
			return false;
		*texts[i].to = arena_dup(mem, *texts[i].to);
	}
	return true;
}

bool decision_read(struct str json, struct arena *mem, struct decision *out, struct err *e)
{
	auto_json struct json *j = NULL;
	int64_t count = 0;

	*out = (struct decision){ 0 };
	if (!json_read(bytes_str(json), NULL, &j, e) || !read_texts(j, mem, out, e) ||
	    !json_int(j, "time", 0, INT64_MAX, &out->at_ms, e) || !read_effect(j, out, e) ||
	    !read_cause(j, out, e) || !read_rules(j, mem, out, e) || !read_facts(j, mem, out, e) ||
	    !read_nearest(j, mem, out, e) || !json_int(j, "count", 1, INT64_MAX, &count, e))
		return err_in(e, "decision record");
	out->count = (uint64_t)count;
	return !arena_is_full(mem) || err_set(e, ERR_INPUT, "decision record is too large");
}
