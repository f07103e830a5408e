/* fuzz_cedar_schema_json.c - any text is a schema in JSON or refused; in Cedar it says the same. */
#include "base/mem.h"
#include "cedar/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY = 16 << 20, PRINTED_MAX = 4 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *mem = arena_new(MEMORY);
	struct cedar_names *names = cedar_names_new();
	struct schema_source src = {
		STR_INIT("fuzz"), { (const char *)data, size }, SCHEMA_JSON, { 0 }
	};
	struct err e = { 0 };
	struct buf b;

	buf_init(&b, PRINTED_MAX);
	const struct schema *s = schema_read(&src, 1, names, mem, &e);
	if (s && schema_print(s, &b, &e)) {
		src.text = buf_str(&b);
		src.syntax = SCHEMA_CEDAR;
		const struct schema *again = schema_read(&src, 1, names, mem, &e);
		if (!again && !arena_is_full(mem))
			abort();
		if (again && (again->entity_count != s->entity_count ||
			      again->action_count != s->action_count))
			abort();
	}
	buf_done(&b);
	cedar_names_free(names);
	arena_free(mem);
	return 0;
}
