/* analyser.h - what clang's analyser cannot see from within one file: these always return false.
 *
 * tools/analyse puts it before every file, so that "if (!f(&x, e)) return false;" is known to
 * leave x set.
 */
#pragma once

#include "base/err.h"

#define err_set(...)            (err_set(__VA_ARGS__), false)
#define err_sys(...)            (err_sys(__VA_ARGS__), false)
#define err_in(...)             (err_in(__VA_ARGS__), false)
#define err_hint(...)           (err_hint(__VA_ARGS__), false)

#ifdef ANALYSER_CEDAR
#include "cedar/lex.h"
#include "cedar/schema_raw.h"

#define cedar_lex_fail(...)     (cedar_lex_fail(__VA_ARGS__), false)
#define cedar_lex_expected(...) (cedar_lex_expected(__VA_ARGS__), false)
#define cedar_err_at(...)       (cedar_err_at(__VA_ARGS__), false)
#define raw_full(...)           (raw_full(__VA_ARGS__), false)
#define raw_fail(...)           (raw_fail(__VA_ARGS__), false)
#endif
