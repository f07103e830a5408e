/* conformance.h - one test of the suite, as conformance.c finds it and test.c runs it. */
#pragma once

#include "base/mem.h"
#include "cedar/authorize.h"
#include "cedar/data.h"
#include "cedar/parse.h"

#include <stdarg.h>

struct totals {
	size_t tests, valid, requests, allowed, failing, differences;
};

struct test {
	const char *dir, *name;
	struct arena *mem;
	struct cedar_names *names;
	struct cedar_entities *store;
	const struct schema *schema;
	struct totals *totals;
};

/* A file the test names, read whole into its arena. */
bool test_file(const struct test *t, const struct cedar_json *test, const char *member,
	       const struct cedar_source **out);
/* Counts and prints one difference; returns false. */
bool differs(const struct test *t, const char *fmt, ...) printf_like(2, 3);

void test_run(struct test *t, const struct cedar_json *json);
