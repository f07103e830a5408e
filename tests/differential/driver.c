/* driver.c - our side of the differential test: one case per line in, one answer per line out.
 *
 *	in   {"policies": TEXT, "schema": TEXT or null, "entities": [..], "requests": [..]}
 *	out  {"results": [{"decision":..,"reason":[..],"errors":[..]}], "valid":.., "invalid": TEXT}
 *	     or  {"error": TEXT}
 *
 * Each request is also asked the other ways there are (a residual run with the context, a partial
 * answer with nothing unknown); a result that differs carries "self": what differed.
 */
#include "base/mem.h"
#include "cedar/authorize.h"
#include "cedar/data.h"
#include "cedar/parse.h"
#include "cedar/validate.h"

enum { CASE_BYTES = 64 << 20 };

struct job {
	struct arena *mem;
	struct cedar_names *names;
	struct cedar_entities *store;
	struct cedar_scratch *scratch;
	const struct schema *schema;
	struct cedar_policies policies;
	struct cedar_program *program;
	const struct cedar_json *json;
	struct buf *out;
};

static bool read_sources(struct job *j, struct err *e)
{
	const struct cedar_json *policies = cedar_json_get(j->json, "policies");
	const struct cedar_json *schema = cedar_json_get(j->json, "schema");
	struct cedar_source *source = arena_alloc(j->mem, 1, sizeof(*source));
	struct schema_source one = { STR("schema"), { 0 }, SCHEMA_CEDAR };

	if (!cedar_json_is(policies, CEDAR_JSON_TEXT))
		return err_set(e, ERR_INPUT, "no policies");
	*source = (struct cedar_source){ STR("policies"), policies->text };
	if (cedar_json_is(schema, CEDAR_JSON_TEXT)) {
		one.text = schema->text;
		j->schema = schema_read(&one, 1, j->names, j->mem, e);
		if (!j->schema)
			return err_in(e, "schema");
	}
	if (!cedar_policies_parse(j->names, source, j->mem, &j->policies, e))
		return err_in(e, "policies");
	return true;
}

static bool read_case(struct job *j, struct err *e)
{
	const struct cedar_json *entities = cedar_json_get(j->json, "entities");

	if (!read_sources(j, e))
		return false;
	const struct cedar_reader r = { j->names, j->schema, j->mem };
	if (!cedar_entities_read(&r, entities, j->store, e))
		return err_in(e, "entities");
	j->program = cedar_compile(&j->policies, j->names, e);
	if (!j->program)
		return false;
	cedar_scratch_fit(j->scratch, j->program);
	return true;
}

/* --- the other ways to ask --- */

struct copy {
	enum cedar_decision decision;
	uint32_t reasons, faults;
	uint64_t sum; /* of which policies, in any order */
};

static struct copy copy_of(const struct cedar_answer *a)
{
	struct copy c = { a->decision, a->reason_count, a->fault_count, 0 };

	for (uint32_t i = 0; i < a->reason_count; i++)
		c.sum += UINT64_C(1) << a->reasons[i] % 32;
	for (uint32_t i = 0; i < a->fault_count; i++)
		c.sum += (uint64_t)(a->faults[i].kind + 1) << (32 + a->faults[i].policy % 16);
	return c;
}

static bool copy_eq(struct copy a, struct copy b)
{
	return a.decision == b.decision && a.reasons == b.reasons && a.faults == b.faults &&
	       a.sum == b.sum;
}

static const char *ask_residual(struct job *j, const struct cedar_request *r, struct copy want)
{
	struct err e = { 0 };
	struct cedar_answer got;
	struct cedar_residual *rest = cedar_residual_new(j->program, j->store, r, &e);

	if (!rest)
		return "no residual";
	cedar_residual_decide(rest, j->store, r->context, j->scratch, &got);
	enum cedar_verdict verdict = cedar_residual_verdict(rest);
	bool is_same = copy_eq(copy_of(&got), want);
	bool is_sound = verdict == CEDAR_DEPENDS ||
			(verdict == CEDAR_ALWAYS) == (want.decision == CEDAR_ALLOW);
	bool is_told = !(got.context_read & ~cedar_residual_context(rest));
	cedar_residual_free(rest);
	if (!is_same)
		return "residual";
	return !is_sound ? "residual verdict" : !is_told ? "residual context" : NULL;
}

static const char *ask_partial(struct job *j, const struct cedar_request *r, struct copy want)
{
	struct cedar_partial got;

	cedar_authorize_partial(j->program, j->store, r, j->mem, &got);
	return got.verdict == (want.decision == CEDAR_ALLOW ? CEDAR_ALWAYS : CEDAR_NEVER)
		       ? NULL
		       : "partial";
}

/* --- one request --- */

static void put_ids(struct job *j, const char *name, const struct cedar_answer *a, bool faults)
{
	uint32_t count = faults ? a->fault_count : a->reason_count;

	buf_printf(j->out, ",\"%s\":[", name);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t policy = faults ? a->faults[i].policy : a->reasons[i];
		if (i)
			buf_putc(j->out, ',');
		cedar_json_put_text(j->out, cedar_program_policy(j->program, policy)->id);
	}
	buf_putc(j->out, ']');
}

static void answer_request(struct job *j, const struct cedar_json *json)
{
	const struct cedar_reader r = { j->names, j->schema, j->mem };
	struct cedar_request_data data;
	struct cedar_answer got;
	struct err e = { 0 };

	if (!cedar_request_read(&r, json, &data, &e)) {
		buf_puts(j->out, STR("{\"error\":"));
		cedar_json_put_text(j->out, str_of(e.text));
		buf_putc(j->out, '}');
		return;
	}
	struct cedar_request q = {
		data.principal, data.action, data.resource, data.context, NULL, 0, 0
	};
	cedar_authorize(j->program, j->store, &q, j->scratch, &got);
	buf_printf(j->out, "{\"decision\":\"%s\"", got.decision == CEDAR_ALLOW ? "allow" : "deny");
	put_ids(j, "reason", &got, false);
	put_ids(j, "errors", &got, true);
	struct copy want = copy_of(&got);
	const char *differs = ask_residual(j, &q, want);
	differs = differs ? differs : ask_partial(j, &q, want);
	if (differs)
		buf_printf(j->out, ",\"self\":\"%s\"", differs);
	buf_putc(j->out, '}');
}

static void put_validity(struct job *j)
{
	struct validate_report report;
	struct err e = { 0 };

	if (!j->schema)
		return;
	bool is_valid = cedar_validate(j->schema, &j->policies, j->mem, &report, &e);
	buf_printf(j->out, ",\"valid\":%s,\"invalid\":", is_valid ? "true" : "false");
	cedar_json_put_text(j->out, str_of(e.text));
}

static void answer_case(struct job *j, struct str line)
{
	const struct cedar_source source = { STR("case"), line };
	struct err e = { 0 };

	if (!cedar_json_parse(&source, j->mem, &j->json, &e) || !read_case(j, &e)) {
		buf_puts(j->out, STR("{\"error\":"));
		cedar_json_put_text(j->out, str_of(e.text));
		buf_puts(j->out, STR("}\n"));
		return;
	}
	const struct cedar_json *requests = cedar_json_get(j->json, "requests");
	buf_puts(j->out, STR("{\"results\":["));
	for (uint32_t i = 0; requests && i < requests->count; i++) {
		if (i)
			buf_putc(j->out, ',');
		answer_request(j, &requests->items[i]);
	}
	buf_putc(j->out, ']');
	put_validity(j);
	buf_puts(j->out, STR("}\n"));
}

int main(void)
{
	struct job j = { .mem = arena_new(CASE_BYTES), .scratch = cedar_scratch_new() };
	struct buf out;
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	buf_init(&out, CASE_BYTES);
	j.out = &out;
	while ((len = getline(&line, &cap, stdin)) > 0) {
		j.names = cedar_names_new();
		j.store = cedar_entities_new();
		j.schema = NULL;
		answer_case(&j, (struct str){ line, (size_t)len });
		(void)fwrite(out.ptr, 1, out.len, stdout);
		(void)fflush(stdout);
		cedar_program_free(j.program);
		j.program = NULL;
		cedar_entities_free(j.store);
		cedar_names_free(j.names);
		arena_reset(j.mem);
		buf_clear(&out);
	}
	free(line);
	buf_done(&out);
	cedar_scratch_free(j.scratch);
	arena_free(j.mem);
	return 0;
}
