/* fuzz_cedar_entities.c - entities in JSON, with and without a schema: refused, or stored and
 * written back to what reads the same (R8). */
#include "cedar/data.h"

#include <assert.h>

enum { MEM_MAX = 64 << 20, TEXT_MAX = 4 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char schema_text[] =
	"entity User in [Group] = { name?: String, boss?: User, seen?: datetime, from?: ipaddr,"
	" limit?: decimal, wait?: duration, ids?: Set<Long>, where?: { site: String, on?: Group } }"
	" tags Set<String>;"
	"entity Group in [Group];"
	"action view appliesTo { principal: User, resource: User };"
	"action look in [view] appliesTo { principal: User, resource: User };";

static bool read_store(const struct cedar_reader *r, struct str text, struct cedar_entities *store)
{
	struct cedar_source *source = arena_alloc(r->mem, 1, sizeof(*source));
	const struct cedar_json *json;
	struct err e = { 0 };

	if (!source)
		return false;
	*source = (struct cedar_source){ STR("fuzz"), text };
	bool ok = cedar_json_parse(source, r->mem, &json, &e) &&
		  cedar_entities_read(r, json, store, &e);
	assert(ok || e.kind == ERR_INPUT);
	return ok;
}

static void check(const struct cedar_reader *r, struct str text)
{
	struct cedar_entities *first = cedar_entities_new(), *second = cedar_entities_new();
	auto_buf struct buf once = { 0 }, twice = { 0 };

	buf_init(&once, TEXT_MAX);
	buf_init(&twice, TEXT_MAX);
	if (read_store(r, text, first)) {
		cedar_entities_json(&once, r->names, first);
		bool ok = !once.is_full && read_store(r, buf_str(&once), second);
		assert(ok || once.is_full || arena_is_full(r->mem));
		if (ok) {
			cedar_entities_json(&twice, r->names, second);
			assert(once.len == twice.len);
		}
	}
	cedar_entities_free(first);
	cedar_entities_free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct schema_source source = { STR("schema"),
					      { schema_text, sizeof(schema_text) - 1 },
					      SCHEMA_CEDAR };
	struct cedar_reader r = { .names = cedar_names_new(), .mem = arena_new(MEM_MAX) };
	struct str text = { (const char *)data, size };
	struct err e = { 0 };

	check(&r, text);
	r.schema = schema_read(&source, 1, r.names, r.mem, &e);
	assert(r.schema || arena_is_full(r.mem));
	if (r.schema)
		check(&r, text);
	arena_free(r.mem);
	cedar_names_free(r.names);
	return 0;
}
