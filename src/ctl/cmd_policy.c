/* cmd_policy.c - muster policy check|fmt|eval|explain: Cedar on plain files, without a server.
 *
 * For any user of Cedar: policies as text or JSON, schemas in both syntaxes, entities and requests
 * as the Cedar CLI reads them.  A folder stands for all its *.cedar, with its *.cedarschema and
 * *.spaces.  A denial ends with exit code 3.
 */
#include "base/mem.h"
#include "cedar/conform.h"
#include "cedar/data.h"
#include "cedar/est.h"
#include "cedar/explain.h"
#include "cedar/format.h"
#include "cedar/parse.h"
#include "cedar/validate.h"
#include "ctl/folder.h"
#include "ctl/print.h"
#include "model/policy.h"

enum { OUT_MAX = 64 << 20, FILES_MAX = 256, SPACES_TEXT_MAX = 1 << 20 };

/* Paths of one kind. */
struct files {
	struct str at[FILES_MAX];
	size_t count;
};

/* What the files said. */
struct desk {
	struct ctl *ctl;
	struct cedar_names *names;
	struct cedar_entities *store;
	struct files files, schemas, space_files; /* as given, and those of folders */
	bool has_folder;
	const struct schema *schema; /* NULL: none was given */
	const struct spaces *spaces; /* NULL: plain Cedar */
	struct cedar_policies policies;
	struct cedar_program *program;
	struct cedar_scratch *scratch;
	struct cedar_request request;
	struct buf out;
};

static void desk_init(struct desk *d, struct ctl *c)
{
	*d = (struct desk){ .ctl = c,
			    .names = cedar_names_new(),
			    .store = cedar_entities_new(),
			    .scratch = cedar_scratch_new() };
	buf_init(&d->out, OUT_MAX);
}

static void desk_done(struct desk *d)
{
	buf_done(&d->out);
	cedar_program_free(d->program);
	cedar_scratch_free(d->scratch);
	cedar_entities_free(d->store);
	cedar_names_free(d->names);
}

static bool desk_say(struct desk *d, struct err *e)
{
	if (d->out.is_full)
		return err_set(e, ERR_INPUT, "the answer is too large");
	if (d->ctl->is_json)
		return ctl_save(STR(""), buf_bytes(&d->out), 0644, e);
	print_block(buf_str(&d->out));
	return true;
}

/* --- files --- */

static bool read_source(struct ctl *c, struct str path, struct cedar_source **out, struct err *e)
{
	struct cedar_source *source = arena_alloc(c->mem, 1, sizeof(*source));

	if (!source)
		return err_set(e, ERR_INPUT, "the files are too large");
	source->name = arena_dup(c->mem, path);
	*out = source;
	return ctl_file(c, path, CEDAR_TEXT_MAX, &source->text, e);
}

static bool read_json(struct ctl *c, struct str path, const struct cedar_json **out, struct err *e)
{
	struct cedar_source *source;

	return read_source(c, path, &source, e) && cedar_json_parse(source, c->mem, out, e);
}

/* --- folders: all that is in them, each by its ending --- */

static bool add_file(struct files *to, struct str path, struct err *e)
{
	if (to->count == FILES_MAX)
		return err_set(e, ERR_INPUT, "more than %d files", FILES_MAX);
	to->at[to->count++] = path;
	return true;
}

static bool add_folder(struct desk *d, struct str path, struct err *e)
{
	struct {
		struct str ending;
		struct files *to;
	} const kinds[] = { { STR(".cedar"), &d->files },
			    { STR(".cedarschema"), &d->schemas },
			    { STR(".spaces"), &d->space_files } };
	size_t before = d->files.count;
	struct folder f;

	d->has_folder = true;
	if (str_ends(path, STR("/")))
		path.len--;
	if (!folder_list(d->ctl, path, &f, e))
		return false;
	for (size_t i = 0; i < f.count; i++) {
		struct str file = arena_printf(d->ctl->mem, STR_FMT "/" STR_FMT, STR_ARG(path),
					       STR_ARG(f.names[i]));
		for (size_t k = 0; k < countof(kinds); k++)
			if (str_ends(file, kinds[k].ending) && !add_file(kinds[k].to, file, e))
				return false;
	}
	return d->files.count > before ||
	       err_set(e, ERR_INPUT, "no file *.cedar in '" STR_FMT "'", STR_ARG(path));
}

static bool list_files(struct desk *d, struct err *e)
{
	struct str path;

	for (size_t at = 0; ctl_each(d->ctl, "schema", &at, &path);)
		if (!add_file(&d->schemas, path, e))
			return false;
	for (size_t i = 0; i < d->ctl->arg_count; i++) {
		path = d->ctl->args[i];
		if (!(folder_is(d->ctl, path) ? add_folder(d, path, e)
					      : add_file(&d->files, path, e)))
			return false;
	}
	return true;
}

/* --- schema and spaces --- */

/* Topic spaces are entity types too: the schema's TopicSpace stands in for them. */
static bool read_spaces(struct desk *d, struct schema_source *out, struct err *e)
{
	struct cedar_source *text;
	auto_buf struct buf made = { 0 };

	if (d->space_files.count > 1)
		return err_set(e, ERR_INPUT, "more than one *.spaces: '" STR_FMT "'",
			       STR_ARG(d->space_files.at[1]));
	if (!read_source(d->ctl, d->space_files.at[0], &text, e) ||
	    !spaces_read(text->name, text->text, d->ctl->mem, &d->spaces, e))
		return false;
	buf_init(&made, SPACES_TEXT_MAX);
	if (!spaces_schema(d->spaces, &made))
		return err_set(e, ERR_INPUT, "too many spaces");
	*out = (struct schema_source){ .file = text->name,
				       .text = arena_dup(d->ctl->mem, buf_str(&made)),
				       .in_place_of = STR("TopicSpace") };
	return true;
}

static bool read_schema(struct desk *d, struct err *e)
{
	struct schema_source sources[FILES_MAX + 1];
	struct cedar_source *one;
	size_t count = 0;

	for (; count < d->schemas.count; count++) {
		struct str path = d->schemas.at[count];
		if (!read_source(d->ctl, path, &one, e))
			return false;
		sources[count] = (struct schema_source){ .file = one->name,
							 .text = one->text,
							 .syntax = str_ends(path, STR(".json"))
									   ? SCHEMA_JSON
									   : SCHEMA_CEDAR };
	}
	if (!count)
		return true;
	if (d->space_files.count && !read_spaces(d, &sources[count++], e))
		return false;
	d->schema = schema_read(sources, count, d->names, d->ctl->mem, e);
	return d->schema;
}

/* policy0 of one file is not policy0 of another; one with an @id has its name already. */
static bool name_by_file(struct desk *d, struct str file, struct cedar_policies *set, struct err *e)
{
	const struct cedar_policy **list =
		arena_alloc(d->ctl->mem, set->count, sizeof(const void *));
	struct cedar_policy *copies = arena_alloc(d->ctl->mem, set->count, sizeof(*copies));

	if (!list || !copies)
		return err_set(e, ERR_INPUT, "the files are too large");
	for (uint32_t i = 0; i < set->count; i++) {
		copies[i] = *set->policies[i];
		if (!cedar_policy_annotation(&copies[i], STR("id")))
			copies[i].id = arena_printf(d->ctl->mem, STR_FMT "#" STR_FMT, STR_ARG(file),
						    STR_ARG(copies[i].id));
		list[i] = &copies[i];
	}
	set->policies = list;
	return true;
}

static bool read_policies_of(struct desk *d, struct str path, struct cedar_policies *out,
			     struct err *e)
{
	struct cedar_source *source;
	const struct cedar_json *json;
	struct cedar_policies set;

	if (str_ends(path, STR(".json")))
		return read_json(d->ctl, path, &json, e) &&
		       cedar_policies_read(d->names, json, d->ctl->mem, out, e);
	return read_source(d->ctl, path, &source, e) &&
	       cedar_policies_parse(d->names, source, d->ctl->mem, &set, e) &&
	       cedar_policies_rename(&set, d->ctl->mem, out, e) &&
	       (d->files.count == 1 || name_by_file(d, path, out, e));
}

static bool read_policies(struct desk *d, struct err *e)
{
	struct cedar_policies next, all;

	for (size_t i = 0; i < d->files.count; i++) {
		if (!read_policies_of(d, d->files.at[i], &next, e))
			return false;
		if (!i) {
			d->policies = next;
			continue;
		}
		if (!cedar_policies_join(&d->policies, &next, d->ctl->mem, &all, e))
			return false;
		d->policies = all;
	}
	return true;
}

/* --- check --- */

static void put_place(struct buf *out, struct cedar_pos pos)
{
	if (pos.source && pos.line)
		buf_printf(out, STR_FMT ":%u:%u: ", STR_ARG(pos.source->name), pos.line, pos.col);
}

static void put_place_json(struct buf *out, struct cedar_pos pos)
{
	if (!pos.source || !pos.line)
		return;
	buf_puts(out, STR(",\"file\":"));
	cedar_json_put_text(out, pos.source->name);
	buf_printf(out, ",\"line\":%u,\"column\":%u", pos.line, pos.col);
}

static void put_finding(struct desk *d, const struct validate_finding *f)
{
	put_place(&d->out, f->pos);
	buf_printf(&d->out, "%s: " STR_FMT ": ", f->is_warning ? "warning" : "error",
		   STR_ARG(f->policy));
	buf_puts(&d->out, f->text);
	if (f->where.len)
		buf_printf(&d->out, " (" STR_FMT ")", STR_ARG(f->where));
	buf_putc(&d->out, '\n');
}

static void put_finding_json(struct desk *d, const struct validate_finding *f)
{
	buf_printf(&d->out,
		   "{\"severity\":\"%s\",\"policy\":", f->is_warning ? "warning" : "error");
	cedar_json_put_text(&d->out, f->policy);
	put_place_json(&d->out, f->pos);
	buf_puts(&d->out, STR(",\"text\":"));
	cedar_json_put_text(&d->out, f->text);
	buf_puts(&d->out, STR(",\"request\":"));
	cedar_json_put_text(&d->out, f->where);
	buf_putc(&d->out, '}');
}

static void put_good(struct desk *d)
{
	unsigned policies = d->policies.count + d->policies.template_count;

	if (!d->has_folder) {
		buf_printf(&d->out, "%u policies are good%s.\n", policies,
			   d->schema ? "" : " as text; give --schema to check what they mean");
		return;
	}
	buf_printf(&d->out, "Good: %zu file%s, %u policies", d->files.count,
		   d->files.count == 1 ? "" : "s", policies);
	if (d->spaces)
		buf_printf(&d->out, ", %zu spaces", spaces_count(d->spaces));
	buf_puts(&d->out, d->schema ? STR(".\n") : STR("; no schema: as text only.\n"));
}

static void put_report_json(struct desk *d, const struct validate_report *report)
{
	buf_printf(&d->out,
		   "{\"files\":%zu,\"policies\":%u,\"spaces\":%zu,\"errors\":%zu,"
		   "\"warnings\":%zu,\"findings\":[",
		   d->files.count, d->policies.count + d->policies.template_count,
		   d->spaces ? spaces_count(d->spaces) : 0, report->error_count,
		   report->warning_count);
	for (size_t i = 0; i < report->count; i++) {
		if (i)
			buf_putc(&d->out, ',');
		put_finding_json(d, &report->findings[i]);
	}
	buf_puts(&d->out, STR("]}\n"));
}

static void put_report(struct desk *d, const struct validate_report *report)
{
	if (d->ctl->is_json) {
		put_report_json(d, report);
		return;
	}
	for (size_t i = 0; i < report->count; i++)
		put_finding(d, &report->findings[i]);
	if (!report->error_count)
		put_good(d);
}

static bool read_text(struct desk *d, struct str path, struct policy_file *out, struct err *e)
{
	struct cedar_source *source;

	if (!read_source(d->ctl, path, &source, e))
		return false;
	*out = (struct policy_file){ source->name, source->text };
	return true;
}

/* A folder with spaces is a set for musterd: also what it wants beyond Cedar's own rules. */
static bool would_be_taken(struct desk *d, struct err *e)
{
	struct policy_file files[FILES_MAX], schema;
	struct policy_source set = { .version = STR("0"), .files = files };

	if (d->schemas.count != 1)
		return err_set(e, ERR_INPUT, "%zu schemas, and spaces need one", d->schemas.count);
	if (!read_text(d, d->schemas.at[0], &schema, e) ||
	    !read_text(d, d->space_files.at[0], &set.spaces, e))
		return false;
	set.schema = schema.text;
	for (; set.count < d->files.count; set.count++)
		if (!read_text(d, d->files.at[set.count], &files[set.count], e))
			return false;
	struct policy *p = policy_new(&set, e);
	policy_free(p);
	return p;
}

static bool check(struct desk *d, struct err *e)
{
	struct validate_report report = { 0 };
	struct err bad = { 0 };

	if (!list_files(d, e) || !read_schema(d, e) || !read_policies(d, e))
		return false;
	if (d->schema && !cedar_validate(d->schema, &d->policies, d->ctl->mem, &report, &bad) &&
	    !report.error_count) {
		*e = bad;
		return false;
	}
	if (!report.error_count && d->space_files.count && !would_be_taken(d, e))
		return false;
	put_report(d, &report);
	if (!desk_say(d, e))
		return false;
	return !report.error_count ||
	       err_set(e, ERR_INPUT, "%zu errors in the policies", report.error_count);
}

bool cmd_policy_check(struct ctl *c, struct err *e)
{
	struct desk d;

	desk_init(&d, c);
	bool is_good = check(&d, e);
	desk_done(&d);
	return is_good;
}

/* --- fmt --- */

static bool format_file(struct ctl *c, struct str path, struct err *e)
{
	struct cedar_source *source;
	auto_buf struct buf out = { 0 };

	buf_init(&out, OUT_MAX);
	if (!read_source(c, path, &source, e) || !cedar_format(source, c->mem, &out, e))
		return false;
	bool is_same = str_eq(buf_str(&out), source->text);
	if (ctl_has(c, "check"))
		return is_same || err_set(e, ERR_INPUT, STR_FMT " is not formatted", STR_ARG(path));
	if (!ctl_has(c, "write"))
		return ctl_save(STR(""), buf_bytes(&out), 0644, e);
	return is_same || ctl_save(path, buf_bytes(&out), 0644, e);
}

bool cmd_policy_fmt(struct ctl *c, struct err *e)
{
	for (size_t i = 0; i < c->arg_count; i++)
		if (!format_file(c, c->args[i], e))
			return false;
	return true;
}

/* --- eval and explain: the question --- */

static bool read_entities(struct desk *d, struct err *e)
{
	const struct cedar_reader r = { d->names, d->schema, d->ctl->mem };
	const struct cedar_json *json;

	if (!ctl_has(d->ctl, "entities"))
		return !d->schema || cedar_entities_put_actions(&r, d->store, e);
	return read_json(d->ctl, ctl_text(d->ctl, "entities"), &json, e) &&
	       cedar_entities_read(&r, json, d->store, e) &&
	       (!d->schema || cedar_conform_entities(d->schema, d->store, e));
}

/* Each of the three by its option, over what --request said. */
static bool read_uid(struct desk *d, const char *option, const struct cedar_uid **out,
		     struct err *e)
{
	if (ctl_has(d->ctl, option) &&
	    !cedar_uid_parse(d->names, ctl_text(d->ctl, option), d->ctl->mem, out, e))
		return err_in(e, "--%s", option);
	return *out || err_set(e, ERR_INPUT, "--%s is missing", option);
}

static bool read_context(struct desk *d, struct err *e)
{
	const struct cedar_reader r = { d->names, d->schema, d->ctl->mem };
	const struct cedar_json *json;

	return !ctl_has(d->ctl, "context") ||
	       (read_json(d->ctl, ctl_text(d->ctl, "context"), &json, e) &&
		cedar_context_read(&r, json, d->request.action, &d->request.context, e));
}

static bool read_request(struct desk *d, struct err *e)
{
	const struct cedar_reader r = { d->names, d->schema, d->ctl->mem };
	struct cedar_request_data data = { 0 };
	const struct cedar_json *json;

	if (ctl_has(d->ctl, "request") &&
	    (!read_json(d->ctl, ctl_text(d->ctl, "request"), &json, e) ||
	     !cedar_request_read(&r, json, &data, e)))
		return false;
	d->request = (struct cedar_request){ .principal = data.principal,
					     .action = data.action,
					     .resource = data.resource,
					     .context = data.context };
	if (!read_uid(d, "principal", &d->request.principal, e) ||
	    !read_uid(d, "action", &d->request.action, e) ||
	    !read_uid(d, "resource", &d->request.resource, e) || !read_context(d, e))
		return false;
	return !d->schema ||
	       cedar_conform_request(d->schema, d->request.principal, d->request.action,
				     d->request.resource, d->request.context, e);
}

static bool read_question(struct desk *d, struct err *e)
{
	if (!list_files(d, e) || !read_schema(d, e) || !read_policies(d, e) ||
	    !read_entities(d, e) || !read_request(d, e))
		return false;
	d->program = cedar_compile(&d->policies, d->names, e);
	if (d->program)
		cedar_scratch_fit(d->scratch, d->program);
	return d->program;
}

/* --- and the answer --- */

static const struct cedar_policy *policy_of(const struct desk *d, uint32_t policy)
{
	return cedar_program_policy(d->program, policy);
}

static void put_answer(struct desk *d, const struct cedar_answer *a)
{
	buf_printf(&d->out, "%s\n", a->decision == CEDAR_ALLOW ? "allow" : "deny");
	for (uint32_t i = 0; i < a->reason_count; i++) {
		const struct cedar_policy *p = policy_of(d, a->reasons[i]);
		buf_puts(&d->out, STR("  because  "));
		put_place(&d->out, p->pos);
		buf_puts(&d->out, p->id);
		buf_putc(&d->out, '\n');
	}
	for (uint32_t i = 0; i < a->fault_count; i++) {
		buf_puts(&d->out, STR("  failed   "));
		cedar_fault_print(&d->out, d->program, &a->faults[i]);
		buf_putc(&d->out, '\n');
	}
}

static void put_answer_json(struct desk *d, const struct cedar_answer *a)
{
	buf_printf(&d->out, "{\"decision\":\"%s\",\"policies\":[",
		   a->decision == CEDAR_ALLOW ? "allow" : "deny");
	for (uint32_t i = 0; i < a->reason_count; i++) {
		const struct cedar_policy *p = policy_of(d, a->reasons[i]);
		buf_puts(&d->out, i ? STR(",{\"id\":") : STR("{\"id\":"));
		cedar_json_put_text(&d->out, p->id);
		put_place_json(&d->out, p->pos);
		buf_putc(&d->out, '}');
	}
	buf_puts(&d->out, STR("],\"errors\":["));
	for (uint32_t i = 0; i < a->fault_count; i++) {
		const struct cedar_fault *f = &a->faults[i];
		buf_puts(&d->out, i ? STR(",{\"id\":") : STR("{\"id\":"));
		cedar_json_put_text(&d->out, policy_of(d, f->policy)->id);
		put_place_json(&d->out, f->pos);
		buf_printf(&d->out, ",\"kind\":\"%s\"}", cedar_fault_name(f->kind));
	}
	buf_putc(&d->out, ']');
}

static void put_value(struct desk *d, struct cedar_value v)
{
	if (v.kind == CEDAR_NONE)
		buf_puts(&d->out, STR("nothing"));
	else
		cedar_value_print(&d->out, d->names, v);
}

static void put_facts(struct desk *d, const char *before, const struct cedar_facts *facts)
{
	for (uint32_t i = 0; i < facts->count; i++) {
		buf_printf(&d->out, "%s" STR_FMT " = ", before, STR_ARG(facts->items[i].path));
		put_value(d, facts->items[i].value);
		buf_putc(&d->out, '\n');
	}
}

static void put_facts_json(struct desk *d, const struct cedar_facts *facts)
{
	buf_puts(&d->out, STR(",\"facts\":["));
	for (uint32_t i = 0; i < facts->count; i++) {
		buf_puts(&d->out, i ? STR(",{\"path\":") : STR("{\"path\":"));
		cedar_json_put_text(&d->out, facts->items[i].path);
		buf_puts(&d->out, STR(",\"value\":"));
		if (facts->items[i].value.kind == CEDAR_NONE)
			buf_puts(&d->out, STR("null"));
		else
			cedar_value_json(&d->out, d->names, facts->items[i].value);
		buf_putc(&d->out, '}');
	}
	buf_putc(&d->out, ']');
}

static void put_near(struct desk *d, const struct cedar_near *n)
{
	buf_printf(&d->out, "  nearest  " STR_FMT, STR_ARG(policy_of(d, n->policy)->id));
	if (n->text.len)
		buf_printf(&d->out, ": " STR_FMT " %s be %s", STR_ARG(n->text),
			   n->is_fault ? "failed; it must" : "must", n->must_be ? "true" : "false");
	if (n->others)
		buf_printf(&d->out, ", and %u more", n->others);
	buf_putc(&d->out, '\n');
	put_facts(d, "             ", &n->facts);
}

static void put_near_json(struct desk *d, const struct cedar_near *n)
{
	buf_puts(&d->out, STR("{\"id\":"));
	cedar_json_put_text(&d->out, policy_of(d, n->policy)->id);
	put_place_json(&d->out, n->pos);
	buf_puts(&d->out, STR(",\"condition\":"));
	cedar_json_put_text(&d->out, n->text);
	buf_printf(&d->out, ",\"mustBe\":%s,\"others\":%u", n->must_be ? "true" : "false",
		   n->others);
	put_facts_json(d, &n->facts);
	buf_putc(&d->out, '}');
}

static void put_explanation(struct desk *d, const struct cedar_answer *a)
{
	const struct cedar_near *near;
	struct cedar_facts facts;
	uint32_t count;

	cedar_explain_facts(d->program, d->store, &d->request, a->reasons, a->reason_count,
			    d->ctl->mem, &facts);
	cedar_explain_nearest(d->program, d->store, &d->request, d->ctl->mem, &near, &count);
	if (!d->ctl->is_json) {
		put_facts(d, "  fact     ", &facts);
		for (uint32_t i = 0; i < count; i++)
			put_near(d, &near[i]);
		return;
	}
	put_facts_json(d, &facts);
	buf_puts(&d->out, STR(",\"nearest\":["));
	for (uint32_t i = 0; i < count; i++) {
		if (i)
			buf_putc(&d->out, ',');
		put_near_json(d, &near[i]);
	}
	buf_putc(&d->out, ']');
}

enum telling { TELL_ANSWER, TELL_WHY };

static bool answer(struct desk *d, enum telling how, struct err *e)
{
	struct cedar_answer a;

	if (!read_question(d, e))
		return false;
	cedar_authorize(d->program, d->store, &d->request, d->scratch, &a);
	if (d->ctl->is_json)
		put_answer_json(d, &a);
	else
		put_answer(d, &a);
	if (how == TELL_WHY)
		put_explanation(d, &a);
	if (d->ctl->is_json)
		buf_puts(&d->out, STR("}\n"));
	if (!desk_say(d, e))
		return false;
	if (a.decision == CEDAR_ALLOW)
		return true;
	err_set(e, ERR_DENIED, "%s",
		a.reason_count ? "a policy forbids it" : "no policy permits it");
	return how == TELL_ANSWER && err_hint(e, "muster policy explain says what would change it");
}

static bool ask(struct ctl *c, enum telling how, struct err *e)
{
	struct desk d;

	desk_init(&d, c);
	bool is_allowed = answer(&d, how, e);
	desk_done(&d);
	return is_allowed;
}

bool cmd_policy_eval(struct ctl *c, struct err *e)
{
	return ask(c, TELL_ANSWER, e);
}

bool cmd_policy_explain(struct ctl *c, struct err *e)
{
	return ask(c, TELL_WHY, e);
}
