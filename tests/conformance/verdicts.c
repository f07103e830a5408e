/* verdicts.c - one test of the suite: what it expects against what we say. */
#include "conformance.h"

#include "cedar/conform.h"
#include "cedar/validate.h"

static bool load_schema(struct test *t, const struct cedar_json *json)
{
	const struct cedar_source *source;
	struct err e = { 0 };

	if (!test_file(t, json, "schema", &source))
		return false;
	struct schema_source one = { source->name, source->text,
				     str_ends(source->name, STR(".json")) ? SCHEMA_JSON
									  : SCHEMA_CEDAR };
	t->schema = schema_read(&one, 1, t->names, t->mem, &e);
	return t->schema || differs(t, "schema: %s", e.text);
}

static bool load_policies(struct test *t, const struct cedar_json *json, struct cedar_policies *out)
{
	const struct cedar_source *source;
	struct cedar_policies set;
	struct err e = { 0 };

	if (!test_file(t, json, "policies", &source))
		return false;
	if (!cedar_policies_parse(t->names, source, t->mem, &set, &e))
		return differs(t, "policies: %s", e.text);
	if (!cedar_policies_rename(&set, t->mem, out, &e))
		*out = set;
	return true;
}

static bool load_entities(struct test *t, const struct cedar_json *json)
{
	const struct cedar_reader r = { t->names, t->schema, t->mem };
	const struct cedar_source *source;
	const struct cedar_json *list;
	struct err e = { 0 };

	if (!test_file(t, json, "entities", &source))
		return false;
	if (!cedar_json_parse(source, t->mem, &list, &e) ||
	    !cedar_entities_read(&r, list, t->store, &e) ||
	    !cedar_conform_entities(t->schema, t->store, &e))
		return differs(t, "entities: %s", e.text);
	return true;
}

static void validate(struct test *t, const struct cedar_json *json,
		     const struct cedar_policies *policies)
{
	const struct cedar_json *want = cedar_json_get(json, "shouldValidate");
	struct validate_report report;
	struct err e = { 0 };
	bool is_valid = cedar_validate(t->schema, policies, t->mem, &report, &e);

	t->totals->valid += is_valid;
	if (!cedar_json_is(want, CEDAR_JSON_BOOL))
		(void)differs(t, "the test says no shouldValidate");
	else if (is_valid != (want->num != 0))
		(void)differs(t, "validation: we say %s", is_valid ? "valid" : e.text);
}

static bool lists(const struct cedar_json *want, struct str id)
{
	for (uint32_t i = 0; i < want->count; i++)
		if (str_eq(want->items[i].text, id))
			return true;
	return false;
}

/* Both say the same ids, in any order. */
static void compare_ids(const struct test *t, uint32_t request, const char *what,
			const struct cedar_json *want, const struct str *got, uint32_t count)
{
	if (!cedar_json_is(want, CEDAR_JSON_LIST)) {
		(void)differs(t, "request %u: the test lists no %s", request, what);
		return;
	}
	for (uint32_t i = 0; i < count; i++)
		if (!lists(want, got[i]))
			(void)differs(t, "request %u: %s: we add " STR_FMT, request, what,
				      STR_ARG(got[i]));
	if (count < want->count)
		(void)differs(t, "request %u: %s: want %u, got %u", request, what, want->count,
			      count);
}

static void compare(const struct test *t, uint32_t number, const struct cedar_json *want,
		    const struct cedar_program *program, const struct cedar_answer *got)
{
	const struct cedar_json *decision = cedar_json_get(want, "decision");
	struct str *ids =
		arena_alloc(t->mem, got->reason_count + got->fault_count + 1u, sizeof(*ids));
	const char *word = got->decision == CEDAR_ALLOW ? "allow" : "deny";

	if (!decision || !str_eqz(decision->text, word))
		(void)differs(t, "request %u: decision: we say %s", number, word);
	for (uint32_t i = 0; i < got->reason_count; i++)
		ids[i] = cedar_program_policy(program, got->reasons[i])->id;
	compare_ids(t, number, "reason", cedar_json_get(want, "reason"), ids, got->reason_count);
	for (uint32_t i = 0; i < got->fault_count; i++)
		ids[i] = cedar_program_policy(program, got->faults[i].policy)->id;
	compare_ids(t, number, "errors", cedar_json_get(want, "errors"), ids, got->fault_count);
}

static bool read_request(const struct test *t, uint32_t number, const struct cedar_json *json,
			 struct cedar_request_data *out)
{
	const struct cedar_json *validate = cedar_json_get(json, "validateRequest");
	struct cedar_reader r = { t->names, t->schema, t->mem };
	const struct cedar_json *context = cedar_json_get(json, "context");
	struct err e = { 0 };

	*out = (struct cedar_request_data){ 0 };
	if (!cedar_uid_read(&r, cedar_json_get(json, "principal"), &out->principal, &e) ||
	    !cedar_uid_read(&r, cedar_json_get(json, "action"), &out->action, &e) ||
	    !cedar_uid_read(&r, cedar_json_get(json, "resource"), &out->resource, &e))
		return differs(t, "request %u: %s", number, e.text);
	/* A request that is not to be validated may ask for anything. */
	if (validate && !validate->num &&
	    !schema_action_of(t->schema, out->action->type, out->action->id))
		r.schema = NULL;
	return cedar_context_read(&r, context, out->action, &out->context, &e) ||
	       differs(t, "request %u: %s", number, e.text);
}

/* "validateRequest": true (or absent) asks that the request validates; false asks nothing. */
static void validate_request(const struct test *t, uint32_t number, const struct cedar_json *json,
			     const struct cedar_request_data *data)
{
	const struct cedar_json *want = cedar_json_get(json, "validateRequest");
	struct err e = { 0 };

	if ((want && !want->num) || cedar_conform_request(t->schema, data->principal, data->action,
							  data->resource, data->context, &e))
		return;
	(void)differs(t, "request %u: it does not validate: %s", number, e.text);
}

static void run_request(struct test *t, uint32_t number, const struct cedar_json *json,
			const struct cedar_program *program, struct cedar_scratch *scratch)
{
	struct cedar_request_data data;
	struct cedar_answer answer;

	t->totals->requests++;
	if (!read_request(t, number, json, &data))
		return;
	const struct cedar_request request = { .principal = data.principal,
					       .action = data.action,
					       .resource = data.resource,
					       .context = data.context };
	validate_request(t, number, json, &data);
	cedar_authorize(program, t->store, &request, scratch, &answer);
	t->totals->allowed += answer.decision == CEDAR_ALLOW;
	t->totals->failing += answer.fault_count > 0;
	compare(t, number, json, program, &answer);
}

static void run_requests(struct test *t, const struct cedar_json *requests,
			 const struct cedar_policies *policies)
{
	struct err e = { 0 };
	struct cedar_program *program = cedar_compile(policies, t->names, &e);
	struct cedar_scratch *scratch = cedar_scratch_new();

	if (program)
		cedar_scratch_fit(scratch, program);
	else
		(void)differs(t, "compile: %s", e.text);
	for (uint32_t i = 0; program && i < requests->count; i++)
		run_request(t, i, &requests->items[i], program, scratch);
	cedar_scratch_free(scratch);
	cedar_program_free(program);
}

void test_run(struct test *t, const struct cedar_json *json)
{
	struct cedar_policies policies;

	if (!load_schema(t, json) || !load_policies(t, json, &policies))
		return;
	validate(t, json, &policies);
	if (load_entities(t, json))
		run_requests(t, cedar_json_get(json, "requests"), &policies);
}
