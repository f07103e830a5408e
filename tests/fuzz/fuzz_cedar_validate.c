/* fuzz_cedar_validate.c - any policies are valid or told why not, against one rich schema. */
#include "base/mem.h"
#include "cedar/parse.h"
#include "cedar/validate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY = 16 << 20 };

static const char schema_text[] =
	"entity G in [G]; entity E enum [\"a\", \"b\"];\n"
	"entity U in [G] = { s: String, o?: Long, r: { a?: Long, u: U }, x: Set<Long>,\n"
	"  ip: ipaddr, d: decimal, t: datetime, p: duration, act: Action, e: E } tags String;\n"
	"action a in b appliesTo { principal: [U, G], resource: [U], context: { o?: Long, u?: U } "
	"};\n"
	"action b; namespace N { action c in Action::\"b\" appliesTo\n"
	"  { principal: U, resource: G, context: {} }; }";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *mem = arena_new(MEMORY);
	struct cedar_names *names = cedar_names_new();
	struct schema_source src = { STR_INIT("s"), str_of(schema_text), SCHEMA_CEDAR, { 0 } };
	struct cedar_source text = { STR_INIT("fuzz"), { (const char *)data, size } };
	struct cedar_policies set;
	struct validate_report r;
	struct err e = { 0 };
	const struct schema *s = schema_read(&src, 1, names, mem, &e);

	if (!s)
		abort();
	if (cedar_policies_parse(names, &text, mem, &set, &e) &&
	    cedar_validate(s, &set, mem, &r, &e) && r.error_count)
		abort();
	cedar_names_free(names);
	arena_free(mem);
	return 0;
}
