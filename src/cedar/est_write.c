/* est_write.c - policies and sets as JSON. */
#include "base/buf.h"
#include "cedar/data.h"
#include "cedar/est.h"

struct est_writer {
	struct buf *out;
	const struct cedar_names *names;
};

static void put(const struct est_writer *w, const char *text)
{
	(void)buf_puts(w->out, str_of(text));
}

static void put_name(const struct est_writer *w, uint32_t name)
{
	cedar_json_put_text(w->out, cedar_names_text(w->names, name));
}

static void put_expr(const struct est_writer *w, const struct cedar_expr *e);

static void put_arg(const struct est_writer *w, const char *before, const struct cedar_expr *e)
{
	put(w, before);
	put_expr(w, e);
}

static size_t char_len(struct str s)
{
	size_t len = 1;

	while (len < s.len && (s.ptr[len] & 0xc0) == 0x80)
		len++;
	return len;
}

static void put_part(const struct est_writer *w, struct str part, bool *has_any)
{
	while (part.len) {
		struct str one = str_head(part, char_len(part));
		put(w, *has_any ? ",{\"Literal\":" : "{\"Literal\":");
		cedar_json_put_text(w->out, one);
		put(w, "}");
		*has_any = true;
		part = str_from(part, one.len);
	}
}

static void put_pattern(const struct est_writer *w, const struct cedar_pattern *pattern)
{
	bool has_any = false;

	put(w, "[");
	for (uint32_t i = 0; i < pattern->count; i++) {
		if (i) {
			put(w, has_any ? ",\"Wildcard\"" : "\"Wildcard\"");
			has_any = true;
		}
		put_part(w, pattern->parts[i], &has_any);
	}
	put(w, "]");
}

static void put_list(const struct est_writer *w, const struct cedar_expr *e)
{
	put(w, "[");
	for (uint32_t i = 0; i < e->count; i++)
		put_arg(w, i ? "," : "", e->args[i]);
	put(w, "]");
}

static void put_record(const struct est_writer *w, const struct cedar_expr *e)
{
	put(w, "{\"Record\":{");
	for (uint32_t i = 0; i < e->count; i++) {
		put(w, i ? "," : "");
		put_name(w, e->keys[i]);
		put_arg(w, ":", e->args[i]);
	}
	put(w, "}}");
}

static void put_op(const struct est_writer *w, const struct cedar_expr *e)
{
	const char *name = e->op == CEDAR_OP_NEG ? "neg" : cedar_op_name(e->op);

	(void)buf_printf(w->out, "{\"%s\":{", name);
	if (e->count == 1) {
		put_arg(w, "\"arg\":", e->args[0]);
	} else {
		put_arg(w, "\"left\":", e->args[0]);
		put_arg(w, ",\"right\":", e->args[1]);
	}
	put(w, "}}");
}

/* {"op": {"left": .., "attr": ..}} and its kin: one operand and something else. */
static void put_left(const struct est_writer *w, const struct cedar_expr *e, const char *what)
{
	(void)buf_printf(w->out, "{\"%s\":{", cedar_op_name(e->op));
	put_arg(w, "\"left\":", e->args[0]);
	(void)buf_printf(w->out, ",\"%s\":", what);
	if (e->op == CEDAR_OP_LIKE)
		put_pattern(w, &e->pattern);
	else
		put_name(w, e->name);
	if (e->count == 2)
		put_arg(w, ",\"in\":", e->args[1]);
	put(w, "}}");
}

static void put_if(const struct est_writer *w, const struct cedar_expr *e)
{
	put_arg(w, "{\"if-then-else\":{\"if\":", e->args[0]);
	put_arg(w, ",\"then\":", e->args[1]);
	put_arg(w, ",\"else\":", e->args[2]);
	put(w, "}}");
}

static void put_expr(const struct est_writer *w, const struct cedar_expr *e)
{
	switch (e->op) {
	case CEDAR_OP_LIT:
		put(w, "{\"Value\":");
		cedar_value_json(w->out, w->names, e->lit);
		put(w, "}");
		break;
	case CEDAR_OP_VAR:
		(void)buf_printf(w->out, "{\"Var\":\"%s\"}", cedar_var_name(e->var));
		break;
	case CEDAR_OP_SLOT:
		put(w, e->slot == CEDAR_SLOT_PRINCIPAL ? "{\"Slot\":\"?principal\"}"
						       : "{\"Slot\":\"?resource\"}");
		break;
	case CEDAR_OP_IF:
		put_if(w, e);
		break;
	case CEDAR_OP_GET:
	case CEDAR_OP_HAS:
		put_left(w, e, "attr");
		break;
	case CEDAR_OP_IS:
		put_left(w, e, "entity_type");
		break;
	case CEDAR_OP_LIKE:
		put_left(w, e, "pattern");
		break;
	case CEDAR_OP_SET:
		put(w, "{\"Set\":");
		put_list(w, e);
		put(w, "}");
		break;
	case CEDAR_OP_RECORD:
		put_record(w, e);
		break;
	case CEDAR_OP_CALL:
		(void)buf_printf(w->out, "{\"%s\":", cedar_fns[e->fn].name);
		put_list(w, e);
		put(w, "}");
		break;
	default:
		put_op(w, e);
		break;
	}
}

void cedar_expr_json(struct buf *out, const struct cedar_names *names,
		     const struct cedar_expr *expr)
{
	const struct est_writer w = { out, names };

	put_expr(&w, expr);
}

static void put_target(const struct est_writer *w, const struct cedar_scope *scope,
		       const char *slot)
{
	if (scope->is_slot) {
		(void)buf_printf(w->out, "\"slot\":\"%s\"", slot);
		return;
	}
	put(w, "\"entity\":");
	cedar_uid_json(w->out, w->names, scope->uid);
}

/* A list of one is written as Cedar writes it, without the list. */
static void put_uids(const struct est_writer *w, const struct cedar_scope *scope)
{
	if (scope->count == 1) {
		put(w, "\"op\":\"in\",\"entity\":");
		cedar_uid_json(w->out, w->names, scope->uids[0]);
		return;
	}
	put(w, "\"op\":\"in\",\"entities\":[");
	for (uint32_t i = 0; i < scope->count; i++) {
		put(w, i ? "," : "");
		cedar_uid_json(w->out, w->names, scope->uids[i]);
	}
	put(w, "]");
}

static void put_scope(const struct est_writer *w, const struct cedar_scope *scope,
		      enum cedar_var var)
{
	const char *slot = var == CEDAR_VAR_PRINCIPAL ? "?principal" : "?resource";

	(void)buf_printf(w->out, ",\"%s\":{", cedar_var_name(var));
	switch (scope->kind) {
	case CEDAR_SCOPE_ANY:
		put(w, "\"op\":\"All\"");
		break;
	case CEDAR_SCOPE_IN_SET:
		put_uids(w, scope);
		break;
	case CEDAR_SCOPE_EQ:
	case CEDAR_SCOPE_IN:
		put(w, scope->kind == CEDAR_SCOPE_EQ ? "\"op\":\"==\"," : "\"op\":\"in\",");
		put_target(w, scope, slot);
		break;
	default:
		put(w, "\"op\":\"is\",\"entity_type\":");
		put_name(w, scope->type);
		if (scope->kind == CEDAR_SCOPE_IS)
			break;
		put(w, ",\"in\":{");
		put_target(w, scope, slot);
		put(w, "}");
		break;
	}
	put(w, "}");
}

static void put_annotations(const struct est_writer *w, const struct cedar_policy *policy)
{
	put(w, ",\"annotations\":{");
	for (uint32_t i = 0; i < policy->annotation_count; i++) {
		const struct cedar_annotation *a = &policy->annotations[i];
		put(w, i ? "," : "");
		cedar_json_put_text(w->out, a->key);
		put(w, ":");
		if (a->has_value)
			cedar_json_put_text(w->out, a->value);
		else
			put(w, "null");
	}
	put(w, "}");
}

static void put_policy(const struct est_writer *w, const struct cedar_policy *policy)
{
	put(w,
	    policy->effect == CEDAR_PERMIT ? "{\"effect\":\"permit\"" : "{\"effect\":\"forbid\"");
	put_scope(w, &policy->principal, CEDAR_VAR_PRINCIPAL);
	put_scope(w, &policy->action, CEDAR_VAR_ACTION);
	put_scope(w, &policy->resource, CEDAR_VAR_RESOURCE);
	put(w, ",\"conditions\":[");
	for (uint32_t i = 0; i < policy->condition_count; i++) {
		put(w, i ? "," : "");
		put(w, policy->conditions[i].is_unless ? "{\"kind\":\"unless\",\"body\":"
						       : "{\"kind\":\"when\",\"body\":");
		put_expr(w, policy->conditions[i].body);
		put(w, "}");
	}
	put(w, "]");
	if (policy->annotation_count)
		put_annotations(w, policy);
	put(w, "}");
}

void cedar_policy_json(struct buf *out, const struct cedar_names *names,
		       const struct cedar_policy *policy)
{
	const struct est_writer w = { out, names };

	put_policy(&w, policy);
}

static void put_map(const struct est_writer *w, const struct cedar_policy *const *list,
		    uint32_t count)
{
	bool has_any = false;

	put(w, "{");
	for (uint32_t i = 0; i < count; i++) {
		if (list[i]->template_of)
			continue; /* links stand apart */
		put(w, has_any ? ",\n" : "\n");
		has_any = true;
		cedar_json_put_text(w->out, list[i]->id);
		put(w, ":");
		put_policy(w, list[i]);
	}
	put(w, "}");
}

static void put_link(const struct est_writer *w, const struct cedar_policy *link)
{
	put(w, "{\"templateId\":");
	cedar_json_put_text(w->out, link->template_of->id);
	put(w, ",\"newId\":");
	cedar_json_put_text(w->out, link->id);
	put(w, ",\"values\":{");
	if (link->bound_principal) {
		put(w, "\"?principal\":");
		cedar_uid_json(w->out, w->names, link->bound_principal);
	}
	put(w, link->bound_principal && link->bound_resource ? "," : "");
	if (link->bound_resource) {
		put(w, "\"?resource\":");
		cedar_uid_json(w->out, w->names, link->bound_resource);
	}
	put(w, "}}");
}

void cedar_policies_json(struct buf *out, const struct cedar_names *names,
			 const struct cedar_policies *set)
{
	const struct est_writer w = { out, names };
	bool has_any = false;

	put(&w, "{\"staticPolicies\":");
	put_map(&w, set->policies, set->count);
	put(&w, ",\n\"templates\":");
	put_map(&w, set->templates, set->template_count);
	put(&w, ",\n\"templateLinks\":[");
	for (uint32_t i = 0; i < set->count; i++) {
		if (!set->policies[i]->template_of)
			continue;
		put(&w, has_any ? ",\n" : "\n");
		has_any = true;
		put_link(&w, set->policies[i]);
	}
	put(&w, "]}\n");
}
