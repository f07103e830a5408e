/* fuzz_cedar_est.c - policies in JSON: refused, or written back to what reads the same (R8). */
#include "cedar/est.h"
#include "cedar/print.h"

#include <assert.h>

enum { MEM_MAX = 64 << 20, TEXT_MAX = 4 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool read_set(struct cedar_names *names, struct arena *mem, struct str text,
		     struct cedar_policies *out)
{
	struct cedar_source *source = arena_alloc(mem, 1, sizeof(*source));
	const struct cedar_json *json;
	struct err e = { 0 };

	if (!source)
		return false;
	*source = (struct cedar_source){ STR("fuzz"), text };
	bool ok = cedar_json_parse(source, mem, &json, &e) &&
		  cedar_policies_read(names, json, mem, out, &e);
	assert(ok || e.kind == ERR_INPUT);
	return ok;
}

static void check_again(struct cedar_names *names, struct arena *mem,
			const struct cedar_policies *set)
{
	auto_buf struct buf once = { 0 }, twice = { 0 }, text = { 0 };
	struct cedar_policies again;

	buf_init(&once, TEXT_MAX);
	buf_init(&twice, TEXT_MAX);
	buf_init(&text, TEXT_MAX);
	cedar_policies_json(&once, names, set);
	for (uint32_t i = 0; i < set->count; i++)
		cedar_policy_print(&text, names, set->policies[i]);
	if (once.is_full)
		return;
	bool ok = read_set(names, mem, buf_str(&once), &again);
	assert(ok || arena_is_full(mem));
	if (!ok)
		return;
	cedar_policies_json(&twice, names, &again);
	assert(str_eq(buf_str(&once), buf_str(&twice)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cedar_names *names = cedar_names_new();
	struct arena *mem = arena_new(MEM_MAX);
	struct cedar_policies set;

	if (read_set(names, mem, (struct str){ (const char *)data, size }, &set))
		check_again(names, mem, &set);
	arena_free(mem);
	cedar_names_free(names);
	return 0;
}
