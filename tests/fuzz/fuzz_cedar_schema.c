/* fuzz_cedar_schema.c - any text is a Cedar schema or refused; what is printed reads the same. */
#include "base/mem.h"
#include "cedar/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY = 16 << 20, PRINTED_MAX = 4 << 20 };

static const struct schema *read_text(struct str text, struct cedar_names *names, struct arena *mem)
{
	struct schema_source src = { STR_INIT("fuzz"), text, SCHEMA_CEDAR, { 0 } };
	struct err e = { 0 };

	return schema_read(&src, 1, names, mem, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *mem = arena_new(MEMORY);
	struct cedar_names *names = cedar_names_new();
	struct err e = { 0 };
	struct buf once, twice;

	buf_init(&once, PRINTED_MAX);
	buf_init(&twice, PRINTED_MAX);
	const struct schema *s = read_text((struct str){ (const char *)data, size }, names, mem);
	if (s && schema_print(s, &once, &e)) {
		const struct schema *again = read_text(buf_str(&once), names, mem);
		if (!again && !arena_is_full(mem))
			abort();
		if (again && schema_print(again, &twice, &e) &&
		    !str_eq(buf_str(&once), buf_str(&twice)))
			abort();
	}
	buf_done(&once);
	buf_done(&twice);
	cedar_names_free(names);
	arena_free(mem);
	return 0;
}
