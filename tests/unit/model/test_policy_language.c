/* test_policy_language.c - every example of docs/policy-language.md does what the page says.
 *
 * Blocks marked `cedar` are accepted with the shipped schema and the page's spaces; blocks
 * marked `cedar wrong` are refused with the `text` block that follows them.
 */
#include "test.h"

#include "model/policy.h"

enum { MEMORY = 4 << 20, TEXT_MAX = 1 << 18, EXAMPLES_MAX = 64 };

struct example {
	struct str text, want; /* want: of a wrong one, what it is told */
	bool is_wrong;
};

struct page {
	struct str schema, spaces;
	struct example examples[EXAMPLES_MAX];
	size_t count;
};

static struct arena *mem;
static struct page page;

static struct str slurp(const char *name)
{
	char path[512];
	static char text[TEXT_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s", getenv("POLICIES"), name);
	FILE *f = fopen(path, "rb");
	check(f != NULL, path);
	size_t len = fread(text, 1, sizeof(text), f);
	(void)fclose(f);
	return arena_str(mem, text, len);
}

static void take_block(struct str kind, struct str body)
{
	if (str_eqz(kind, "spaces"))
		page.spaces = body;
	else if (str_eqz(kind, "text") && page.count)
		page.examples[page.count - 1].want = str_trim(body);
	else if (str_starts(kind, STR("cedar")) && page.count < EXAMPLES_MAX)
		page.examples[page.count++] =
			(struct example){ .text = body, .is_wrong = str_eqz(kind, "cedar wrong") };
}

/* Fenced blocks: ```kind, lines, ```. */
static void read_page(struct str text)
{
	struct str line, kind = { 0 };
	const char *from = NULL;

	while (text.len) {
		str_cut(text, '\n', &line, &text);
		if (!str_starts(line, STR("```")))
			continue;
		if (from) {
			take_block(kind, (struct str){ from, (size_t)(line.ptr - from) });
			from = NULL;
		} else {
			kind = str_from(line, 3);
			from = text.ptr;
		}
	}
}

static int start(void **state)
{
	(void)state;
	mem = arena_new(MEMORY);
	page.schema = slurp("muster.cedarschema");
	read_page(slurp("../docs/policy-language.md"));
	return page.spaces.len && page.count ? 0 : 1;
}

static int stop(void **state)
{
	(void)state;
	arena_free(mem);
	return 0;
}

static struct policy *set_of(struct str text, struct err *e)
{
	const struct policy_file file = { STR("page.cedar"), text };
	const struct policy_source src = { .version = STR("v1"),
					   .schema = page.schema,
					   .spaces = { STR("page.spaces"), page.spaces },
					   .files = &file,
					   .count = 1 };

	return policy_new(&src, e);
}

static struct str first_line(struct str s)
{
	struct str line, rest;

	str_cut(s, '\n', &line, &rest);
	return line;
}

static void the_examples_are_true(void **state)
{
	(void)state;
	size_t wrong = 0;

	for (size_t i = 0; i < page.count; i++) {
		const struct example *x = &page.examples[i];
		struct err e = { 0 };
		struct policy *p = set_of(x->text, &e);
		struct str want = first_line(x->want);
		bool told = want.len && memmem(e.text, strlen(e.text), want.ptr, want.len);
		policy_free(p);
		if (!x->is_wrong && !p)
			fail_msg("%.*s\nis refused: %s", STR_ARG(x->text), e.text);
		if (x->is_wrong && (p || !told))
			fail_msg("%.*s\nsays: %s", STR_ARG(x->text), e.text);
		wrong += x->is_wrong;
	}
	check(page.count >= 15 && wrong >= 5, "the page has examples of both sorts");
}

static const struct {
	const char *says, *topic;
	uint32_t bytes;
	enum policy_effect want;
	enum policy_cause because;
} asked[] = {
	{ "a message of no bytes is reported", "plant/north/p7/telemetry/flow", 0, POLICY_ALLOW,
	  POLICY_PERMIT },
	{ "one that the forbid fails on is denied", "plant/north/p7/telemetry/flow", 2, POLICY_DENY,
	  POLICY_ERROR },
	{ "a neighbour's topic was never granted", "plant/north/p8/telemetry/flow", 0, POLICY_DENY,
	  POLICY_NO_PERMIT },
};

/* Section 10: the page's own failing forbid, beside its first permit. */
static void a_forbid_that_fails_denies(void **state)
{
	(void)state;
	struct str failing = { 0 };
	struct err e = { 0 };

	for (size_t i = 0; i < page.count; i++)
		if (str_starts(page.examples[i].text, STR("@id(\"overflows\")")))
			failing = page.examples[i].text;
	struct policy *p = set_of(arena_printf(mem, STR_FMT "\n" STR_FMT,
					       STR_ARG(page.examples[0].text), STR_ARG(failing)),
				  &e);
	check(p, e.text);
	struct world *w = world_new();
	struct principal device = { .kind = STR("device"),
				    .id = STR("p7"),
				    .site = STR("north"),
				    .model = STR("p100"),
				    .status = STR("active"),
				    .grade = GRADE_NORMAL,
				    .grade_then = GRADE_NORMAL };
	world_put(w, &device);
	device.id = STR("p8");
	world_put(w, &device);
	for (size_t i = 0; i < countof(asked); i++) {
		struct policy_request q = { .principal = STR("device/p7"),
					    .action = STR("publish"),
					    .topic = str_of(asked[i].topic),
					    .context = { .now_ms = 1000,
							 .gate = STR("g1"),
							 .protocol = STR("mqtt5"),
							 .payload_bytes = asked[i].bytes } };
		struct policy_answer got = { 0 };
		policy_decide(p, w, &q, &got);
		check(got.effect == asked[i].want && got.cause == asked[i].because, asked[i].says);
	}
	world_free(w);
	policy_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_examples_are_true),
		cmocka_unit_test(a_forbid_that_fails_denies),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
