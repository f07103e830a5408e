/* fuzz_cedar_policy.c - policy text: what parses also prints, formats and becomes JSON, and each of
 * those reads back to the same (P5, R8). */
#include "cedar/est.h"
#include "cedar/format.h"
#include "cedar/parse.h"
#include "cedar/print.h"

#include <assert.h>

enum { MEM_MAX = 64 << 20, TEXT_MAX = 4 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bench {
	struct cedar_names *names;
	struct arena *mem;
};

static bool parse(const struct bench *b, struct str text, struct cedar_policies *out)
{
	struct cedar_source *source = arena_alloc(b->mem, 1, sizeof(*source));
	struct err e = { 0 };

	if (!source)
		return false;
	*source = (struct cedar_source){ STR("fuzz"), text };
	bool ok = cedar_policies_parse(b->names, source, b->mem, out, &e);
	assert(ok || e.kind == ERR_INPUT);
	return ok;
}

static void print_all(const struct bench *b, const struct cedar_policies *set, struct buf *out)
{
	for (uint32_t i = 0; i < set->count; i++)
		cedar_policy_print(out, b->names, set->policies[i]);
	for (uint32_t i = 0; i < set->template_count; i++)
		cedar_policy_print(out, b->names, set->templates[i]);
}

/* Printing a tree and reading it back is a tree that prints the same. */
static void check_print(const struct bench *b, const struct cedar_policies *set)
{
	auto_buf struct buf once = { 0 }, twice = { 0 };
	struct cedar_policies again;

	buf_init(&once, TEXT_MAX);
	buf_init(&twice, TEXT_MAX);
	print_all(b, set, &once);
	if (once.is_full)
		return;
	bool ok = parse(b, buf_str(&once), &again);
	assert(ok || arena_is_full(b->mem));
	if (!ok)
		return;
	print_all(b, &again, &twice);
	assert(str_eq(buf_str(&once), buf_str(&twice)));
}

static void check_json(const struct bench *b, const struct cedar_policies *set)
{
	auto_buf struct buf once = { 0 }, twice = { 0 };
	const struct cedar_json *json;
	struct cedar_policies again;
	struct err e = { 0 };

	buf_init(&once, TEXT_MAX);
	buf_init(&twice, TEXT_MAX);
	cedar_policies_json(&once, b->names, set);
	if (once.is_full)
		return;
	const struct cedar_source source = { .text = buf_str(&once) };
	bool ok = cedar_json_parse(&source, b->mem, &json, &e) &&
		  cedar_policies_read(b->names, json, b->mem, &again, &e);
	assert(ok || arena_is_full(b->mem));
	if (!ok)
		return;
	cedar_policies_json(&twice, b->names, &again);
	assert(str_eq(buf_str(&once), buf_str(&twice)));
}

static void check_format(const struct bench *b, struct str text, const struct cedar_policies *set)
{
	auto_buf struct buf once = { 0 }, twice = { 0 }, before = { 0 }, after = { 0 };
	struct cedar_source source = { .text = text };
	struct cedar_policies again;
	struct err e = { 0 };

	buf_init(&once, TEXT_MAX);
	buf_init(&twice, TEXT_MAX);
	buf_init(&before, TEXT_MAX);
	buf_init(&after, TEXT_MAX);
	bool ok = cedar_format(&source, b->mem, &once, &e);
	assert(ok || once.is_full || arena_is_full(b->mem));
	if (!ok || !parse(b, buf_str(&once), &again))
		return;
	print_all(b, set, &before);
	print_all(b, &again, &after);
	assert(str_eq(buf_str(&before), buf_str(&after)));
	source.text = buf_str(&once);
	if (cedar_format(&source, b->mem, &twice, &e))
		assert(str_eq(buf_str(&once), buf_str(&twice)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bench b = { cedar_names_new(), arena_new(MEM_MAX) };
	struct str text = { (const char *)data, size };
	struct cedar_policies set;

	if (parse(&b, text, &set)) {
		check_print(&b, &set);
		check_json(&b, &set);
		check_format(&b, text, &set);
	}
	arena_free(b.mem);
	cedar_names_free(b.names);
	return 0;
}
