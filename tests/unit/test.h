/* test.h - what every unit test says: check(claim, sentence), and how its main is made.
 *
 * A case is a row with a sentence; the sentence is what a failure prints.
 */
#pragma once

#include "base/attrs.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define check(claim, says)                                                                         \
	do {                                                                                       \
		if (!(claim))                                                                      \
			fail_msg("%s  [%s]", (says), #claim);                                      \
	} while (0)

#define RUN_TESTS(...)                                                                             \
	int main(void)                                                                             \
	{                                                                                          \
		const struct CMUnitTest tests[] = { __VA_ARGS__ };                                 \
		return cmocka_run_group_tests(tests, NULL, NULL);                                  \
	}
