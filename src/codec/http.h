/* http.h - a strict subset of HTTP/1.1 as values (RFC 9112): heads and chunked bodies.
 *
 * Refused, each with a sentence (A4, E10): bare LF, folded headers, space before the colon,
 * NUL and control characters, no Host or two, any second or malformed Content-Length,
 * Content-Length with Transfer-Encoding, a coding other than "chunked", unknown methods,
 * targets not in origin form or with encoded dots, slashes or controls, over-long heads, too
 * many headers, chunk extensions, chunk sizes past 2^31, trailers.
 *
 * Views point into the input.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum {
	HTTP_HEAD_MAX = 16384,
	HTTP_HEADERS_MAX = 64,
	HTTP_TARGET_MAX = 4096,
};

enum http_result {
	HTTP_BAD,  /* zero: err says why, status what to answer */
	HTTP_MORE, /* nothing wrong so far, not all there */
	HTTP_DATA, /* chunks: some body bytes; call again */
	HTTP_DONE,
};

enum http_framing { HTTP_NO_BODY, HTTP_LENGTH, HTTP_CHUNKED, HTTP_UNTIL_CLOSE };

struct http_header {
	struct str name, value;
};

struct http_headers {
	struct http_header at[HTTP_HEADERS_MAX];
	size_t count;
};

struct http_request {
	struct str method; /* GET HEAD POST PUT PATCH DELETE OPTIONS */
	struct str path;   /* starts with '/', no "." or ".." segment; still percent-encoded */
	struct str query;  /* after '?', or empty */
	struct str host;
	struct http_headers headers;
	enum http_framing framing;
	uint64_t content_length;
	bool keep_alive;
	bool expect_continue;
	int status; /* what to answer after HTTP_BAD: 400, 413, 414, 417, 431, 501, 505 */
};

struct http_response {
	int status;
	struct http_headers headers;
	enum http_framing framing;
	uint64_t content_length;
	bool keep_alive;
};

/* *out_len: how long the head is, its empty line included, after HTTP_DONE. */
enum http_result http_request_read(struct bytes in, struct http_request *out, size_t *out_len,
				   struct err *e) must_check;
/* method: of the request answered (a HEAD has no body). */
enum http_result http_response_read(struct bytes in, struct str method, struct http_response *out,
				    size_t *out_len, struct err *e) must_check;

/* The first of that name, case ignored; an empty view when absent. */
struct str http_header(const struct http_headers *h, const char *name);

/* A chunked body, piece by piece; zero is the start. */
struct http_chunks {
	uint64_t left; /* data bytes still to come in this chunk */
	int state;
	uint64_t total;
};
/* HTTP_DATA: *data is a view of body bytes.  *used bytes of the input are done with. */
enum http_result http_chunks_read(struct http_chunks *c, struct bytes in, size_t *used,
				  struct bytes *data, struct err *e) must_check;

/* %XX and (in queries) '+' undone into mem; false: malformed, or NUL, or not UTF-8. */
bool http_unescape(struct str in, struct arena *mem, struct str *out, struct err *e) must_check;
/* name=value&...: the value of `name`, decoded; absent is true with out->ptr NULL. */
bool http_query(struct str query, const char *name, struct arena *mem, struct str *out,
		struct err *e) must_check;

/* "Basic aWQ6c2VjcmV0" (RFC 7617) */
bool http_basic(struct str authorization, struct arena *mem, struct str *id, struct str *secret,
		struct err *e) must_check;

const char *http_reason(int status); /* "Not Found" */
