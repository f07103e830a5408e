/* json.h - what does this JSON say, and how do we say something in it?
 *
 * Reading: the one door to jansson.  A document is loaded whole under caps on bytes, depth
 * and number of values; duplicate keys, NUL characters, bad UTF-8, trailing bytes and
 * integers beyond 64 bits are refused.  Views point into the document and live until
 * json_free.  Getters name the member that is wrong: "'qos': want an integer 0 to 2".
 *
 * Writing: struct jw streams into a buf, without a tree.  Errors are sticky: one jw_ok at
 * the end decides.  The canonical form (JW_CANONICAL) is the OLPC one: no space, only '"'
 * and '\' escaped, keys ascending by bytes (the writer goes bad when they are not), no
 * reals (there are none here anyway).
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

struct json; /* a value inside a loaded document */

struct json_limits {
	size_t max_bytes;  /* 0: 1 MiB */
	size_t max_depth;  /* 0: 32 */
	size_t max_values; /* 0: 100,000 */
};

enum json_kind {
	JSON_KIND_NONE, /* there is no such value: what json_kind(NULL) says */
	JSON_KIND_NULL,
	JSON_KIND_BOOL,
	JSON_KIND_INT,
	JSON_KIND_REAL,
	JSON_KIND_TEXT,
	JSON_KIND_LIST,
	JSON_KIND_MAP,
};

/* limits may be NULL.  *out is freed by json_free; NULL after a failure. */
bool json_read(struct bytes text, const struct json_limits *limits, struct json **out,
	       struct err *e) must_check;
void json_free(struct json *doc); /* NULL is fine */
void json_free_at(struct json **doc);
#define auto_json __attribute__((cleanup(json_free_at)))

/* Without judgement: a wrong kind reads as empty, 0, false or NULL. */
enum json_kind json_kind(const struct json *v);
struct str json_value_text(const struct json *v);
int64_t json_value_int(const struct json *v);
double json_value_real(const struct json *v);
bool json_value_bool(const struct json *v);
size_t json_count(const struct json *v);                                  /* items or members */
const struct json *json_item(const struct json *list, size_t i);          /* NULL past the end */
const struct json *json_member(const struct json *map, const char *name); /* NULL when absent */

/* Members in the order they were written.
 *	for (void *at = NULL; json_next(map, &at, &key, &value);) */
bool json_next(const struct json *map, void **at, struct str *key, const struct json **value);

/* With judgement: absent or of another kind is ERR_INPUT, naming the member. */
bool json_text(const struct json *map, const char *name, struct str *out, struct err *e);
bool json_int(const struct json *map, const char *name, int64_t least, int64_t most, int64_t *out,
	      struct err *e);
bool json_bool(const struct json *map, const char *name, bool *out, struct err *e);
bool json_list(const struct json *map, const char *name, const struct json **out, struct err *e);
bool json_map(const struct json *map, const char *name, const struct json **out, struct err *e);

/* The same for members that may be absent (or null): then *out stays as it was. */
bool json_opt_text(const struct json *map, const char *name, struct str *out, struct err *e);
bool json_opt_int(const struct json *map, const char *name, int64_t least, int64_t most,
		  int64_t *out, struct err *e);
bool json_opt_bool(const struct json *map, const char *name, bool *out, struct err *e);
bool json_opt_list(const struct json *map, const char *name, const struct json **out,
		   struct err *e);
bool json_opt_map(const struct json *map, const char *name, const struct json **out, struct err *e);

/* Is v a map, and does it hold nothing but these names?  Names the stranger and its nearest. */
bool json_only(const struct json *v, const char *const *names, size_t count, struct err *e);

enum jw_form { JW_COMPACT, JW_PRETTY, JW_CANONICAL };
enum { JW_DEPTH = 32 };

struct jw {
	struct buf *out;
	enum jw_form form;
	unsigned depth;
	bool is_bad;
	bool has_key; /* a key waits for its value */
	struct {
		bool is_map, has_any;
		size_t key_at, key_len; /* last key as written in out, for the canonical order */
	} level[JW_DEPTH + 1];
};

void jw_init(struct jw *w, struct buf *out, enum jw_form form); /* appends to out */
void jw_map(struct jw *w);
void jw_list(struct jw *w);
void jw_end(struct jw *w); /* closes the innermost map or list */
void jw_key(struct jw *w, const char *name);
void jw_key_str(struct jw *w, struct str name);
void jw_str(struct jw *w, struct str text); /* bad UTF-8 is written as U+FFFD */
void jw_text(struct jw *w, const char *text);
void jw_int(struct jw *w, int64_t v);
void jw_uint(struct jw *w, uint64_t v);
void jw_bool(struct jw *w, bool v);
void jw_null(struct jw *w);
void jw_base64url(struct jw *w, struct bytes v);  /* as text, without padding */
void jw_hex(struct jw *w, struct bytes v);        /* as text, lower case */
void jw_raw(struct jw *w, struct str json);       /* one value that is JSON already, unchecked */
void jw_json(struct jw *w, const struct json *v); /* canonical: members sorted; reals refused */

/* key and value in one call, which is most of what is written */
void jw_kv_str(struct jw *w, const char *key, struct str v);
void jw_kv_text(struct jw *w, const char *key, const char *v);
void jw_kv_int(struct jw *w, const char *key, int64_t v);
void jw_kv_bool(struct jw *w, const char *key, bool v);

/* Everything closed, nothing lost: the text is complete. */
bool jw_ok(const struct jw *w);
