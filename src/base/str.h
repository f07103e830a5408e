/* str.h - borrowed views of text and bytes, passed by value.
 *
 * A view owns nothing and may hold any byte, NUL included.  It is valid as long
 * as what it points into.  A zero view is empty, and empty is not an error.
 */
#pragma once

#include "base/attrs.h"

struct str {
	const char *ptr;
	size_t len;
};

struct bytes {
	const uint8_t *ptr;
	size_t len;
};

#define STR(lit) ((struct str){ "" lit, sizeof(lit) - 1 })
#define STR_INIT(lit)                                                                              \
	{                                                                                          \
		"" lit, sizeof(lit) - 1                                                            \
	} /* for static tables */
#define STR_FMT    "%.*s"
#define STR_ARG(s) (int)((s).len < 4096 ? (s).len : 4096), (s).ptr ? (s).ptr : ""

struct str str_of(const char *z); /* NULL gives an empty view */
struct str str_bytes(struct bytes b);
struct bytes bytes_str(struct str s);
struct bytes bytes_of(const void *ptr, size_t len);

bool str_eq(struct str a, struct str b);
bool str_eqz(struct str a, const char *z);
bool str_eq_nocase(struct str a, struct str b); /* ASCII only */
int str_cmp(struct str a, struct str b);        /* by bytes, shorter first */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
bool str_has(struct str s, char c);
struct str str_from(struct str s, size_t start); /* the rest; empty past the end */
struct str str_head(struct str s, size_t len);   /* at most len bytes */
struct str str_trim(struct str s);               /* spaces and tabs off both ends */

/* Everything before the first `at` becomes *head, everything after it *rest.
 * False when there is no `at`: then *head is all of s and *rest is empty. */
bool str_cut(struct str s, char at, struct str *head, struct str *rest);

/* Decimal digits only, no sign (_u64) or an optional '-' (_i64); false on overflow. */
bool str_u64(struct str s, uint64_t *out);
bool str_i64(struct str s, int64_t *out);

bool bytes_eq(struct bytes a, struct bytes b);
bool bytes_eq_secret(struct bytes a, struct bytes b); /* time depends on the length alone */
int bytes_cmp(struct bytes a, struct bytes b);

bool str_is_utf8(struct str s); /* RFC 3629: shortest form, no surrogates */

/* The candidate closest to what was typed, or an empty view when none is close:
 * the "did you mean" of every table.  Candidate i is name(ctx, i). */
struct str str_nearest(struct str typed, size_t count,
		       struct str (*name)(const void *ctx, size_t i), const void *ctx);
