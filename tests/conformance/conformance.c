/* conformance.c - do we answer as the Cedar conformance suite says?
 *
 *	conformance --dir DIR [--only TEXT]
 *
 * DIR is a folder in the form of the public suite: any .json below it that holds "policies",
 * "entities", "schema", "shouldValidate" and "requests" is a test; the paths inside are relative
 * to DIR.  Checked are the validation verdict, and of each request: whether it validates, the
 * decision, the determining policies and the failing ones.  Every difference is a line; totals
 * follow.  Exit: 0 all the same, 1 differences, 2 usage, 77 no such folder (nothing was tested).
 */
#include "conformance.h"

#include <dirent.h>
#include <sys/stat.h>

enum { MEM_MAX = 1 << 30, NAMES_MAX = 100000, SKIPPED = 77 };

struct run {
	const char *dir, *only;
	char **names; /* of tests, relative to dir */
	size_t count;
	struct totals totals;
};

static bool read_file(const char *dir, const char *name, struct arena *mem,
		      const struct cedar_source **out)
{
	struct cedar_source *source = arena_alloc(mem, 1, sizeof(*source));
	struct str path = arena_printf(mem, "%s/%s", dir, name);
	FILE *f = fopen(path.ptr, "rb");
	struct stat st;

	if (!f)
		return false;
	if (fstat(fileno(f), &st) != 0)
		st.st_size = 0;
	char *text = arena_alloc(mem, (size_t)st.st_size + 1, 1);
	size_t len = fread(text, 1, (size_t)st.st_size, f);
	(void)fclose(f);
	*source = (struct cedar_source){ arena_dup(mem, str_of(name)), { text, len } };
	*out = source;
	return true;
}

bool test_file(const struct test *t, const struct cedar_json *test, const char *member,
	       const struct cedar_source **out)
{
	const struct cedar_json *name = cedar_json_get(test, member);

	if (!cedar_json_is(name, CEDAR_JSON_TEXT))
		return differs(t, "the test names no %s", member);
	return read_file(t->dir, arena_dup(t->mem, name->text).ptr, t->mem, out) ||
	       differs(t, "%s cannot be read", member);
}

bool differs(const struct test *t, const char *fmt, ...)
{
	va_list args;

	t->totals->differences++;
	printf("%s: ", t->name);
	va_start(args, fmt);
	(void)vprintf(fmt, args);
	va_end(args);
	(void)putchar('\n');
	return false;
}

static void run_one(struct run *run, const char *name)
{
	auto_arena struct arena *mem = arena_new(MEM_MAX);
	struct test t = { .dir = run->dir, .name = name, .mem = mem, .totals = &run->totals };
	const struct cedar_source *source;
	const struct cedar_json *json;
	struct err e = { 0 };

	if (!read_file(run->dir, name, mem, &source))
		return;
	if (!cedar_json_parse(source, mem, &json, &e)) {
		(void)differs(&t, "%s", e.text);
		return;
	}
	if (!cedar_json_get(json, "requests") || !cedar_json_get(json, "policies"))
		return; /* entities and the like */
	t.names = cedar_names_new();
	t.store = cedar_entities_new();
	run->totals.tests++;
	test_run(&t, json);
	cedar_entities_free(t.store);
	cedar_names_free(t.names);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void find_tests(struct run *run, const char *below)
{
	char path[4096], name[2048];

	(void)snprintf(path, sizeof(path), "%s/%s", run->dir, below);
	DIR *d = opendir(path);
	for (struct dirent *ent = d ? readdir(d) : NULL; ent; ent = readdir(d)) {
		if (ent->d_name[0] == '.' || run->count == NAMES_MAX)
			continue;
		(void)snprintf(name, sizeof(name), "%s%s%s", below, below[0] ? "/" : "",
			       ent->d_name);
		struct str text = str_of(name);
		if (ent->d_type == DT_DIR)
			find_tests(run, name);
		else if (str_ends(text, STR(".json")) && !str_ends(text, STR(".entities.json")) &&
			 (!run->only || strstr(name, run->only)))
			run->names[run->count++] = mem_text(name, text.len);
	}
	if (d)
		(void)closedir(d);
}

static int report(const struct totals *t)
{
	printf("%zu tests (%zu valid, %zu not), %zu requests (%zu allowed, %zu denied, %zu with "
	       "errors): %zu differences\n",
	       t->tests, t->valid, t->tests - t->valid, t->requests, t->allowed,
	       t->requests - t->allowed, t->failing, t->differences);
	if (!t->tests)
		printf("no tests there\n");
	return t->differences || !t->tests;
}

int main(int argc, char **argv)
{
	struct run run = { 0 };
	struct stat st;

	for (int i = 1; i + 1 < argc; i += 2) {
		run.dir = strcmp(argv[i], "--dir") == 0 ? argv[i + 1] : run.dir;
		run.only = strcmp(argv[i], "--only") == 0 ? argv[i + 1] : run.only;
	}
	if (!run.dir || argc % 2 == 0) {
		(void)fprintf(stderr, "usage: conformance --dir DIR [--only TEXT]\n");
		return 2;
	}
	if (stat(run.dir, &st) != 0) {
		printf("no %s: the suite was not run\n", run.dir);
		return SKIPPED;
	}
	run.names = mem_new(NAMES_MAX, sizeof(*run.names));
	find_tests(&run, "");
	qsort(run.names, run.count, sizeof(*run.names), by_name);
	for (size_t i = 0; i < run.count; i++) {
		run_one(&run, run.names[i]);
		free(run.names[i]);
	}
	free(run.names);
	return report(&run.totals);
}
