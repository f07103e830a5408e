/* openapi.c - one path item per path, one operation per row. */
#include "control/front/openapi.h"

#include "codec/json.h"
#include "control/routes.h"

struct schema {
	const char *type, *format, *items; /* items: of a list; "object" maps have none */
};

static const struct schema schemas[] = {
	[FIELD_NONE] = { "null", NULL, NULL },         [FIELD_TEXT] = { "string", NULL, NULL },
	[FIELD_NUMBER] = { "integer", "int64", NULL }, [FIELD_SWITCH] = { "boolean", NULL, NULL },
	[FIELD_BYTES] = { "string", "byte", NULL },    [FIELD_TEXTS] = { "array", NULL, "string" },
	[FIELD_PAIRS] = { "object", NULL, NULL },      [FIELD_FILES] = { "array", NULL, "object" },
	[FIELD_PCRS] = { "object", NULL, NULL },       [FIELD_LINES] = { "array", NULL, "object" },
};

static const struct {
	unsigned who;
	const char *name;
} whos[] = {
	{ WHO_ANYONE, "anyone" },   { WHO_CODE, "code" }, { WHO_DEVICE, "device" },
	{ WHO_SERVICE, "service" }, { WHO_GATE, "gate" }, { WHO_USER, "user" },
};

static const char *const listeners[] = {
	[LISTENER_ENROL] = "enrol",
	[LISTENER_DEVICES] = "devices",
	[LISTENER_OPERATORS] = "operators",
};

static const char *max_of(enum field_type type)
{
	switch (type) {
	case FIELD_NUMBER:
		return "maximum";
	case FIELD_TEXT:
		return "maxLength";
	case FIELD_TEXTS:
	case FIELD_FILES:
	case FIELD_LINES:
		return "maxItems";
	case FIELD_PAIRS:
	case FIELD_PCRS:
		return "maxProperties";
	case FIELD_NONE:
	case FIELD_SWITCH:
	case FIELD_BYTES:
		break;
	}
	return NULL;
}

static void write_schema(struct jw *w, const struct route_field *f)
{
	const struct schema *s = &schemas[f->type];

	jw_map(w);
	jw_kv_text(w, "type", s->type);
	if (s->format)
		jw_kv_text(w, "format", s->format);
	if (s->items) {
		jw_key(w, "items");
		jw_map(w);
		jw_kv_text(w, "type", s->items);
		jw_end(w);
	}
	if (f->type == FIELD_NUMBER)
		jw_kv_int(w, "minimum", 0);
	if (max_of(f->type))
		jw_kv_int(w, max_of(f->type), f->max);
	jw_kv_text(w, "description", f->help);
	jw_end(w);
}

static void write_parameter(struct jw *w, const char *in, struct str name, bool is_required)
{
	jw_kv_str(w, "name", name);
	jw_kv_text(w, "in", in);
	jw_kv_bool(w, "required", is_required);
}

static void write_parameters(struct jw *w, const struct route *r)
{
	struct str rest = str_of(r->path), segment;

	jw_key(w, "parameters");
	jw_list(w);
	while (rest.len) {
		(void)str_cut(rest, '/', &segment, &rest);
		if (!str_starts(segment, STR("{")))
			continue;
		jw_map(w);
		write_parameter(w, "path", (struct str){ segment.ptr + 1, segment.len - 2 }, true);
		jw_key(w, "schema");
		jw_map(w);
		jw_kv_text(w, "type", "string");
		jw_end(w);
		jw_end(w);
	}
	for (const struct route_field *f = r->query; f->name; f++) {
		jw_map(w);
		write_parameter(w, "query", str_of(f->name), f->is_required);
		jw_key(w, "schema");
		write_schema(w, f);
		jw_end(w);
	}
	jw_end(w);
}

static void write_body(struct jw *w, const struct route *r)
{
	jw_key(w, "requestBody");
	jw_map(w);
	jw_key(w, "content");
	jw_map(w);
	jw_key(w, TYPE_JSON);
	jw_map(w);
	jw_key(w, "schema");
	jw_map(w);
	jw_kv_text(w, "type", "object");
	jw_kv_bool(w, "additionalProperties", false);
	jw_key(w, "properties");
	jw_map(w);
	for (const struct route_field *f = r->body; f->name; f++) {
		jw_key(w, f->name);
		write_schema(w, f);
	}
	jw_end(w);
	jw_key(w, "required");
	jw_list(w);
	for (const struct route_field *f = r->body; f->name; f++)
		if (f->is_required)
			jw_text(w, f->name);
	jw_end(w);
	for (int i = 0; i < 4; i++) /* schema, media type, content, requestBody */
		jw_end(w);
}

static void write_answer(struct jw *w, const char *status, const char *says, const char *type)
{
	jw_key(w, status);
	jw_map(w);
	jw_kv_text(w, "description", says);
	jw_key(w, "content");
	jw_map(w);
	jw_key(w, type);
	jw_map(w);
	if (!strcmp(type, TYPE_PROBLEM)) {
		jw_key(w, "schema");
		jw_map(w);
		jw_kv_text(w, "$ref", "#/components/schemas/Problem");
		jw_end(w);
	}
	jw_end(w);
	jw_end(w);
	jw_end(w);
}

static void write_set(struct jw *w, const struct route *r)
{
	jw_key(w, "x-muster-listeners");
	jw_list(w);
	for (size_t i = LISTENER_ENROL; i < countof(listeners); i++)
		if (r->listeners & (1u << i))
			jw_text(w, listeners[i]);
	jw_end(w);
	jw_key(w, "x-muster-credentials");
	jw_list(w);
	for (size_t i = 0; i < countof(whos); i++)
		if (r->who & whos[i].who)
			jw_text(w, whos[i].name);
	jw_end(w);
	jw_kv_text(w, "x-muster-permission", r->permission);
}

static void write_operation(struct jw *w, const struct route *r)
{
	struct str method = str_of(r->method);
	char lower[16] = { 0 };

	for (size_t i = 0; i < method.len && i < sizeof(lower) - 1; i++)
		lower[i] = (char)(method.ptr[i] | 0x20);
	jw_key(w, lower);
	jw_map(w);
	jw_kv_text(w, "operationId", r->name);
	jw_kv_text(w, "summary", r->summary);
	write_set(w, r);
	write_parameters(w, r);
	if (r->body->name)
		write_body(w, r);
	jw_key(w, "responses");
	jw_map(w);
	write_answer(w, "2XX", "What was asked for.", r->answer);
	write_answer(w, "default", "A problem (RFC 9457).", TYPE_PROBLEM);
	jw_end(w);
	jw_end(w);
}

static bool is_first_of_path(size_t i)
{
	for (size_t j = ROUTE_NONE + 1; j < i; j++)
		if (!strcmp(routes[j].path, routes[i].path))
			return false;
	return true;
}

static void write_paths(struct jw *w)
{
	jw_key(w, "paths");
	jw_map(w);
	for (size_t i = ROUTE_NONE + 1; i < ROUTES_COUNT; i++) {
		if (!is_first_of_path(i))
			continue;
		jw_key(w, routes[i].path);
		jw_map(w);
		for (size_t j = i; j < ROUTES_COUNT; j++)
			if (!strcmp(routes[j].path, routes[i].path))
				write_operation(w, &routes[j]);
		jw_end(w);
	}
	jw_end(w);
}

static void write_problem_schema(struct jw *w)
{
	static const char *const members[] = { "type",   "title", "kind",
					       "detail", "hint",  "reference" };

	jw_key(w, "components");
	jw_map(w);
	jw_key(w, "schemas");
	jw_map(w);
	jw_key(w, "Problem");
	jw_map(w);
	jw_kv_text(w, "type", "object");
	jw_key(w, "properties");
	jw_map(w);
	for (size_t i = 0; i < countof(members); i++) {
		jw_key(w, members[i]);
		jw_map(w);
		jw_kv_text(w, "type", "string");
		jw_end(w);
	}
	jw_key(w, "status");
	jw_map(w);
	jw_kv_text(w, "type", "integer");
	jw_end(w);
	for (int i = 0; i < 4; i++) /* properties, Problem, schemas, components */
		jw_end(w);
}

bool openapi_write(struct buf *out)
{
	struct jw w;

	jw_init(&w, out, JW_COMPACT);
	jw_map(&w);
	jw_kv_text(&w, "openapi", "3.1.0");
	jw_key(&w, "info");
	jw_map(&w);
	jw_kv_text(&w, "title", "Muster");
	jw_kv_text(&w, "version", MUSTER_VERSION);
	jw_kv_text(&w, "description",
		   "Every route of musterd.  A list answers {items, next}; pass next as cursor.");
	jw_end(&w);
	write_paths(&w);
	write_problem_schema(&w);
	jw_end(&w);
	return jw_ok(&w);
}
