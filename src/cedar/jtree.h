/* jtree.h - a JSON document as Cedar needs it: any text, exact integers, places for messages.
 *
 * Entities, requests and policies in JSON may hold U+0000 in strings and in member names, and nest
 * as deeply as expressions do; codec/json (jansson) refuses the first and caps the second at what
 * wire formats need, so the language brings this small reader of its own (RFC 8259; decision 031).
 *
 * Strict: UTF-8, no trailing bytes, no duplicate members, no lone surrogates.  Integers are exact
 * over the 64-bit signed range; anything else that is a number is CEDAR_JSON_REAL and kept as text.
 * The tree lives in the arena; strings without escapes point into the source's text, which must
 * live as long.
 */
#pragma once

#include "cedar/ast.h"

enum {
	CEDAR_JSON_DEPTH_MAX = 3 * CEDAR_DEPTH_MAX,
	CEDAR_JSON_TEXT_MAX = 256 << 20, /* bytes; the arena is the closer limit */
};

enum cedar_json_kind {
	CEDAR_JSON_NULL,
	CEDAR_JSON_BOOL, /* num: 0 or 1 */
	CEDAR_JSON_INT,  /* num */
	CEDAR_JSON_REAL, /* text */
	CEDAR_JSON_TEXT, /* text */
	CEDAR_JSON_LIST, /* items, count */
	CEDAR_JSON_MAP,  /* keys, items, count; in the order written */
};

struct cedar_json {
	enum cedar_json_kind kind;
	uint32_t count;
	struct cedar_pos pos;
	union {
		int64_t num;
		struct str text;
		struct {
			const struct cedar_json *items;
			const struct str *keys;
		};
	};
};

bool cedar_json_parse(const struct cedar_source *source, struct arena *mem,
		      const struct cedar_json **out, struct err *e);

/* A member, or NULL; also NULL when it is not a map. */
const struct cedar_json *cedar_json_get(const struct cedar_json *map, const char *name);
/* NULL is nothing */
static inline bool cedar_json_is(const struct cedar_json *json, enum cedar_json_kind kind)
{
	return json && json->kind == kind;
}

const char *cedar_json_kind_name(enum cedar_json_kind kind);

/* Checked access for readers; errors carry the place and name what was expected. */
bool cedar_json_want(const struct cedar_json *json, enum cedar_json_kind kind, const char *what,
		     struct err *e);
bool cedar_json_member(const struct cedar_json *map, const char *name, enum cedar_json_kind kind,
		       const struct cedar_json **out, struct err *e);
/* Nothing but these members; the error suggests the nearest. */
bool cedar_json_only(const struct cedar_json *map, const char *const *names, size_t count,
		     struct err *e);

/* Writing: a quoted JSON string. */
struct buf;
void cedar_json_put_text(struct buf *out, struct str text);
