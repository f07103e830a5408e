/* api.h - one question to musterd's public API, and its answer.
 *
 * The connection is TLS 1.3 with the operator's certificate from home; the server is who it
 * says when its certificate is from ca.pem and names a server.  An answer that is a problem
 * (RFC 9457) becomes the err: its kind decides the exit code.
 */
#pragma once

#include "ctl/ctl.h"

struct json;

/* target: path and query, e.g. "/api/v1/devices".  body: JSON, or empty.  *out is NULL when
 * the answer is empty; the caller frees it. */
bool api_call(struct ctl *c, const char *method, struct str target, struct str body,
	      struct json **out, struct err *e) must_check;
bool api_get(struct ctl *c, struct str target, struct json **out, struct err *e) must_check;
/* An answer that is no JSON; lives in c->mem. */
bool api_get_text(struct ctl *c, struct str target, struct str *out, struct err *e) must_check;
/* All pages of a list up to `limit` items (0: all), as {"items": [...], "next": null}. */
bool api_list(struct ctl *c, struct str target, int64_t limit, struct json **out,
	      struct err *e) must_check;

/* An endless answer; `part` gets bytes as they come and ends it by returning false.  True when
 * part ended it. */
typedef bool api_part_fn(void *ctx, struct bytes part);
bool api_stream(struct ctl *c, struct str target, struct str last_event_id, api_part_fn *part,
		void *ctx, struct err *e) must_check;

/* "a path/" + one escaped segment; "?name=value" or "&name=value" appended, nothing when empty. */
struct str api_path(struct ctl *c, const char *path, struct str segment, const char *rest);
struct str api_query(struct ctl *c, struct str target, const char *name, struct str value);
