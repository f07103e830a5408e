#include "model/policy_set.h"

#include "base/mem.h"
#include "cedar/parse.h"
#include "cedar/validate.h"

enum {
	SET_MAX = 64 << 20, /* memory of one compiled set */
	WORK_MAX = 4 << 20, /* of one decision */
	SCHEMA_MAX = 1 << 20,
	RULES_MAX = 100000,
};

/* ---- schema ---- */

static bool read_schema(struct policy *p, const struct policy_source *src, struct err *e)
{
	auto_buf struct buf generated = { 0 };

	buf_init(&generated, SCHEMA_MAX);
	if (!spaces_schema(p->spaces, &generated))
		return err_set(e, ERR_INPUT, "too many spaces");
	struct schema_source texts[] = {
		{ .file = STR("muster.cedarschema"), .text = src->schema },
		{ .file = src->spaces.name,
		  .text = buf_str(&generated),
		  .in_place_of = STR("TopicSpace") },
	};
	p->schema = schema_read(texts, countof(texts), p->names, p->mem, e);
	return p->schema && policy_schema_known(p->schema, e);
}

static void name_space(struct policy *p, const struct space *s)
{
	struct policy_space *to = &p->space_types[s->index];
	struct str type = arena_printf(p->mem, "Space::" STR_FMT, STR_ARG(s->name));

	to->type = cedar_names_put(p->names, type);
	for (size_t i = 0; i < s->param_count; i++) {
		to->params[i] = cedar_names_put(p->names, s->params[i].name);
		to->types[i] = str_eqz(s->params[i].type, "String")
				       ? CEDAR_NAME_NONE
				       : cedar_names_put(p->names, s->params[i].type);
	}
}

static bool read_spaces(struct policy *p, const struct policy_source *src, struct err *e)
{
	if (!spaces_read(src->spaces.name, src->spaces.text, p->mem, &p->spaces, e))
		return false;
	size_t count = spaces_count(p->spaces);
	p->space_types = arena_alloc(p->mem, count + 1, sizeof(*p->space_types));
	if (!p->space_types)
		return err_set(e, ERR_INPUT, "policy set is too large");
	for (size_t i = 0; i < count; i++)
		name_space(p, spaces_at(p->spaces, i));
	return true;
}

/* ---- policies ---- */

static struct str rule_id(struct policy *p, const struct cedar_policy *from)
{
	const struct cedar_annotation *id = cedar_policy_annotation(from, STR("id"));

	if (id && id->value.len > 0)
		return id->value;
	return arena_printf(p->mem, STR_FMT ":%u",
			    STR_ARG(from->pos.source ? from->pos.source->name : STR("?")),
			    from->pos.line);
}

static const struct cedar_policy *rule_called(const struct policy *p, struct str id)
{
	for (uint32_t i = 0; i < p->rule_count; i++)
		if (str_eq(p->rules[i]->id, id))
			return p->rules[i];
	return NULL;
}

static bool add_rule(struct policy *p, const struct cedar_policy *from, struct err *e)
{
	struct cedar_policy *rule = arena_alloc(p->mem, 1, sizeof(*rule));

	if (!rule)
		return err_set(e, ERR_INPUT, "policy set is too large");
	*rule = *from;
	rule->id = rule_id(p, from);
	const struct cedar_policy *other = rule_called(p, rule->id);
	if (other)
		return err_set(e, ERR_CONFLICT,
			       STR_FMT ":%u: two policies have the id '" STR_FMT "' (line %u)",
			       STR_ARG(from->pos.source->name), from->pos.line, STR_ARG(rule->id),
			       other->pos.line);
	p->rules[p->rule_count++] = rule;
	return true;
}

static bool no_templates(const struct cedar_policies *set, struct err *e)
{
	if (set->template_count == 0)
		return true;
	struct cedar_pos pos = set->templates[0]->pos;
	(void)err_set(e, ERR_INPUT, STR_FMT ":%u: a template, and nothing links it",
		      STR_ARG(pos.source->name), pos.line);
	return err_hint(e, "write the principal and resource out");
}

static bool read_file(struct policy *p, const struct policy_file *file, struct err *e)
{
	struct cedar_source *source = arena_alloc(p->mem, 1, sizeof(*source));
	struct cedar_policies set = { 0 };

	if (!source)
		return err_set(e, ERR_INPUT, "policy set is too large");
	source->name = arena_dup(p->mem, file->name);
	source->text = arena_dup(p->mem, file->text);
	if (!cedar_policies_parse(p->names, source, p->mem, &set, e) || !no_templates(&set, e))
		return false;
	if (set.count > RULES_MAX - p->rule_count)
		return err_set(e, ERR_INPUT, "too many policies");
	const struct cedar_policy **grown =
		arena_alloc(p->mem, p->rule_count + set.count + 1, sizeof(*grown));
	if (!grown)
		return err_set(e, ERR_INPUT, "policy set is too large");
	if (p->rule_count > 0)
		memcpy(grown, p->rules, p->rule_count * sizeof(*grown));
	p->rules = grown;
	for (uint32_t i = 0; i < set.count; i++)
		if (!add_rule(p, set.policies[i], e))
			return false;
	return true;
}

static uint64_t context_bits(const struct policy *p)
{
	static const char *const names[] = { "now", "qos", "retain", "payloadBytes", "shareGroup" };
	uint64_t bits = UINT64_C(1) << CEDAR_CONTEXT_OTHER;

	for (size_t i = 0; i < countof(names); i++) {
		uint32_t name = cedar_names_find(p->names, str_of(names[i]));
		bits |= name ? cedar_program_context_bit(p->program, name) : 0;
	}
	return bits;
}

/* Device::"p9".grade: somebody who is neither the asker nor bound by the topic. */
static bool names_principal(const struct policy *p, const struct cedar_expr *ex)
{
	bool is_uid = ex->op == CEDAR_OP_LIT && ex->lit.kind == CEDAR_ENTITY;
	bool found =
		is_uid && policy_is_principal_type(cedar_names_text(p->names, ex->lit.uid->type));

	for (uint32_t i = 0; i < ex->count && !found; i++)
		found = names_principal(p, ex->args[i]);
	return found;
}

static bool names_principals(const struct policy *p)
{
	for (uint32_t i = 0; i < p->rule_count; i++)
		for (uint32_t c = 0; c < p->rules[i]->condition_count; c++)
			if (names_principal(p, p->rules[i]->conditions[c].body))
				return true;
	return false;
}

static bool compile(struct policy *p, struct err *e)
{
	struct cedar_policies set = { .policies = p->rules, .count = p->rule_count };
	struct validate_report report;

	if (!cedar_validate(p->schema, &set, p->mem, &report, e))
		return false;
	p->program = cedar_compile(&set, p->names, e);
	if (!p->program)
		return false;
	p->message_bits = context_bits(p);
	p->names_principals = names_principals(p);
	cedar_scratch_fit(p->view->scratch, p->program);
	return true;
}

/* ---- actions are entities too: `action in Action::"readers"` ---- */

static bool put_action(const struct policy *p, const struct schema_action *a, struct err *e)
{
	struct cedar_uid uid = cedar_uid_of(a->type_num, a->id);
	struct cedar_uid uids[POLICY_PARENTS];
	const struct cedar_uid *ptrs[POLICY_PARENTS];
	uint32_t count = 0;

	for (; count < a->parent_count && count < POLICY_PARENTS; count++) {
		uids[count] = cedar_uid_of(a->parents[count]->type_num, a->parents[count]->id);
		ptrs[count] = &uids[count];
	}
	return cedar_entities_put(
		p->view->store,
		&(struct cedar_entity){ .uid = &uid, .parents = ptrs, .parent_count = count }, e);
}

bool policy_put_actions(const struct policy *p, struct err *e)
{
	for (size_t i = 0; i < p->schema->action_count; i++)
		if (!put_action(p, &p->schema->actions[i], e))
			return false;
	return true;
}

/* ---- the whole ---- */

static bool build(struct policy *p, const struct policy_source *src, struct err *e)
{
	p->version = arena_dup(p->mem, src->version);
	p->topic_space = cedar_names_put(p->names, STR("TopicSpace"));
	p->device = cedar_names_put(p->names, STR("Device"));
	p->grade = cedar_names_put(p->names, STR("grade"));
	if (!read_spaces(p, src, e) || !read_schema(p, src, e))
		return false;
	for (size_t i = 0; i < src->count; i++)
		if (!read_file(p, &src->files[i], e))
			return false;
	return compile(p, e) && policy_put_actions(p, e);
}

struct policy *policy_new(const struct policy_source *src, struct err *e)
{
	struct policy *p = mem_new(1, sizeof(*p));

	p->mem = arena_new(SET_MAX);
	p->names = cedar_names_new();
	p->view = mem_new(1, sizeof(*p->view));
	p->view->store = cedar_entities_new();
	p->view->scratch = cedar_scratch_new();
	p->view->work = arena_new(WORK_MAX);
	if (build(p, src, e))
		return p;
	policy_free(p);
	(void)err_in(e, "policy set");
	return NULL;
}

void policy_free(struct policy *p)
{
	if (!p)
		return;
	cedar_program_free(p->program);
	cedar_entities_free(p->view->store);
	cedar_scratch_free(p->view->scratch);
	arena_free(p->view->work);
	free(p->view);
	cedar_names_free(p->names);
	arena_free(p->mem);
	free(p);
}

struct str policy_version(const struct policy *p)
{
	return p ? p->version : (struct str){ 0 };
}

const struct spaces *policy_spaces(const struct policy *p)
{
	return p->spaces;
}

size_t policy_rule_count(const struct policy *p)
{
	return p->rule_count;
}

void policy_rule_of(const struct cedar_policy *from, struct policy_rule *out)
{
	const struct cedar_annotation *reason = cedar_policy_annotation(from, STR("reason"));

	*out = (struct policy_rule){
		.id = from->id,
		.file = from->pos.source ? from->pos.source->name : (struct str){ 0 },
		.line = from->pos.line,
		.is_forbid = from->effect == CEDAR_FORBID,
		.reason = reason ? reason->value : (struct str){ 0 },
	};
}

bool policy_rule_at(const struct policy *p, size_t i, struct policy_rule *out)
{
	if (i >= p->rule_count)
		return false;
	policy_rule_of(p->rules[i], out);
	return true;
}
