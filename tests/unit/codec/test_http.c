/* test_http.c - A4, E10: the shapes a strict server refuses, and the ones clients need. */
#include "codec/http.h"

#include "test.h"

#define GET  "GET / HTTP/1.1\r\n"
#define HOST "Host: a\r\n"

static const struct {
	const char *says, *text;
	size_t len; /* 0: all of text */
	enum http_result want;
	int status;
} requests[] = {
	{ "a request", GET HOST "\r\n", 0, HTTP_DONE, 0 },
	{ "a query", "GET /a/b?x=1&y=%20 HTTP/1.1\r\n" HOST "\r\n", 0, HTTP_DONE, 0 },
	{ "an escape in a path", "GET /a%20b HTTP/1.1\r\n" HOST "\r\n", 0, HTTP_DONE, 0 },
	{ "a body with a length", "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n", 0,
	  HTTP_DONE, 0 },
	{ "a chunked body", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n", 0,
	  HTTP_DONE, 0 },
	{ "half a head", GET HOST "\r", 0, HTTP_MORE, 0 },
	{ "nothing yet", "", 0, HTTP_MORE, 0 },

	{ "A4: two different lengths",
	  "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 0, HTTP_BAD,
	  400 },
	{ "A4: the same length twice",
	  "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 0, HTTP_BAD,
	  400 },
	{ "A4: a list of lengths", "POST / HTTP/1.1\r\n" HOST "Content-Length: 5, 5\r\n\r\n", 0,
	  HTTP_BAD, 400 },
	{ "A4: a length with a coding",
	  "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 0,
	  HTTP_BAD, 400 },
	{ "A4: a coding that is nearly chunked",
	  "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n", 0, HTTP_BAD, 400 },
	{ "A4: gzip, chunked",
	  "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", 0, HTTP_BAD, 400 },
	{ "A4: chunked twice",
	  "POST / HTTP/1.1\r\n" HOST
	  "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
	  0, HTTP_BAD, 400 },
	{ "A4: a negative length", "POST / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n", 0,
	  HTTP_BAD, 400 },
	{ "A4: a signed length", "POST / HTTP/1.1\r\n" HOST "Content-Length: +1\r\n\r\n", 0,
	  HTTP_BAD, 400 },
	{ "A4: a length past 64 bits",
	  "POST / HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551621\r\n\r\n", 0, HTTP_BAD,
	  400 },
	{ "A4: a hexadecimal length", "POST / HTTP/1.1\r\n" HOST "Content-Length: 0x5\r\n\r\n", 0,
	  HTTP_BAD, 400 },
	{ "A4: no length at all", "POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n", 0, HTTP_BAD,
	  400 },
	{ "A4: bare LF", "GET / HTTP/1.1\nHost: a\n\n", 0, HTTP_BAD, 400 },
	{ "A4: bare CR", "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", 0, HTTP_BAD, 400 },
	{ "A4: a space before the colon", GET "Host : a\r\n\r\n", 0, HTTP_BAD, 400 },
	{ "A4: no Host", GET "\r\n", 0, HTTP_BAD, 400 },
	{ "A4: two Hosts", GET HOST HOST "\r\n", 0, HTTP_BAD, 400 },
	{ "A4: an empty Host", GET "Host:\r\n\r\n", 0, HTTP_BAD, 400 },
	{ "A4: a Host with a path", GET "Host: a/b\r\n\r\n", 0, HTTP_BAD, 400 },
	{ "A4: a NUL", GET HOST "X: \0\r\n\r\n", sizeof(GET HOST "X: \0\r\n\r\n") - 1, HTTP_BAD,
	  400 },
	{ "A4: a control character", GET HOST "X: a\x08\r\n\r\n", 0, HTTP_BAD, 400 },
	{ "A4: a folded header", GET HOST "X: a\r\n b\r\n\r\n", 0, HTTP_BAD, 400 },
	{ "A4: a folded first header", GET " X: a\r\n" HOST "\r\n", 0, HTTP_BAD, 400 },
	{ "A4: a header without a name", GET HOST ": a\r\n\r\n", 0, HTTP_BAD, 400 },
	{ "A4: a header without a colon", GET HOST "X\r\n\r\n", 0, HTTP_BAD, 400 },
	{ "A4: encoded dots", "GET /a/%2e%2e/b HTTP/1.1\r\n" HOST "\r\n", 0, HTTP_BAD, 400 },
	{ "A4: half-encoded dots", "GET /a/.%2E/b HTTP/1.1\r\n" HOST "\r\n", 0, HTTP_BAD, 400 },
	{ "A4: plain dots", "GET /a/../b HTTP/1.1\r\n" HOST "\r\n", 0, HTTP_BAD, 400 },
	{ "A4: dots at the end", "GET /a/.. HTTP/1.1\r\n" HOST "\r\n", 0, HTTP_BAD, 400 },
	{ "A4: an encoded slash", "GET /a%2fb HTTP/1.1\r\n" HOST "\r\n", 0, HTTP_BAD, 400 },
	{ "A4: an encoded NUL", "GET /a%00 HTTP/1.1\r\n" HOST "\r\n", 0, HTTP_BAD, 400 },
	{ "A4: a broken escape", "GET /a%2 HTTP/1.1\r\n" HOST "\r\n", 0, HTTP_BAD, 400 },
	{ "A4: a fragment", "GET /a#b HTTP/1.1\r\n" HOST "\r\n", 0, HTTP_BAD, 400 },
	{ "A4: a backslash", "GET /a\\b HTTP/1.1\r\n" HOST "\r\n", 0, HTTP_BAD, 400 },
	{ "A4: a byte past ASCII", "GET /\xc3\xa4 HTTP/1.1\r\n" HOST "\r\n", 0, HTTP_BAD, 400 },
	{ "A4: an absolute target", "GET http://a/ HTTP/1.1\r\n" HOST "\r\n", 0, HTTP_BAD, 400 },
	{ "A4: a star", "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 0, HTTP_BAD, 400 },
	{ "A4: an unknown method", "BREW / HTTP/1.1\r\n" HOST "\r\n", 0, HTTP_BAD, 501 },
	{ "A4: CONNECT", "CONNECT a:1 HTTP/1.1\r\n" HOST "\r\n", 0, HTTP_BAD, 501 },
	{ "A4: a method in small letters", "get / HTTP/1.1\r\n" HOST "\r\n", 0, HTTP_BAD, 501 },
	{ "A4: two spaces", "GET  / HTTP/1.1\r\n" HOST "\r\n", 0, HTTP_BAD, 400 },
	{ "A4: no version", "GET /\r\n" HOST "\r\n", 0, HTTP_BAD, 400 },
	{ "A4: HTTP/1.0", "GET / HTTP/1.0\r\n" HOST "\r\n", 0, HTTP_BAD, 505 },
	{ "A4: HTTP/2.0", "GET / HTTP/2.0\r\n" HOST "\r\n", 0, HTTP_BAD, 505 },
	{ "A4: words after the version", "GET / HTTP/1.1 x\r\n" HOST "\r\n", 0, HTTP_BAD, 505 },
	{ "A4: an empty line first", "\r\n" GET HOST "\r\n", 0, HTTP_BAD, 400 },
	{ "A4: an expectation", GET HOST "Expect: coffee\r\n\r\n", 0, HTTP_BAD, 417 },
	{ "a TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11, HTTP_BAD, 400 },
};

static void only_plain_shapes_pass(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(requests); i++) {
		struct http_request q;
		struct err e = { 0 };
		size_t len;
		struct str text = str_of(requests[i].text);
		if (requests[i].len)
			text.len = requests[i].len;
		enum http_result r = http_request_read(bytes_str(text), &q, &len, &e);
		check(r == requests[i].want, requests[i].says);
		check(r != HTTP_BAD || (q.status == requests[i].status && e.kind),
		      requests[i].says);
	}
}

static void a_request_is_taken_apart(void **state)
{
	static const char text[] = "POST /api/v1/x?a=b HTTP/1.1\r\nHost: h:1\r\nX-A:  b c \r\n"
				   "Connection: foo, CLOSE\r\nExpect: 100-Continue\r\n"
				   "content-length: 7\r\nX-Empty:\r\n\r\nrest";
	struct http_request q;
	struct err e;
	size_t len;

	(void)state;
	struct bytes in = bytes_of(text, sizeof(text) - 1);
	check(http_request_read(in, &q, &len, &e) == HTTP_DONE, "read");
	check(len == sizeof(text) - 5, "up to its body");
	check(str_eqz(q.method, "POST") && str_eqz(q.path, "/api/v1/x") && str_eqz(q.query, "a=b"),
	      "its line");
	check(str_eqz(q.host, "h:1") && str_eqz(http_header(&q.headers, "x-a"), "b c"), "headers");
	check(http_header(&q.headers, "x-empty").ptr && !http_header(&q.headers, "x-none").ptr,
	      "empty is not absent");
	check(q.framing == HTTP_LENGTH && q.content_length == 7, "its body");
	check(!q.keep_alive && q.expect_continue, "its wishes");
	for (size_t n = 0; n < len; n++)
		check(http_request_read((struct bytes){ in.ptr, n }, &q, &len, &e) == HTTP_MORE,
		      "cut anywhere it asks for more");
}

static void heads_are_bounded(void **state)
{
	static char text[HTTP_HEAD_MAX + 100];
	struct http_request q;
	struct err e;
	size_t len, n;

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text, GET HOST "X: ", strlen(GET HOST "X: "));
	struct bytes in = bytes_of(text, sizeof(text));
	check(http_request_read(in, &q, &len, &e) == HTTP_BAD && q.status == 431,
	      "A4: a long head");
	n = (size_t)snprintf(text, sizeof(text), GET HOST);
	for (int i = 0; i < HTTP_HEADERS_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "X: a\r\n");
	n += (size_t)snprintf(text + n, sizeof(text) - n, "\r\n");
	in = bytes_of(text, n);
	check(http_request_read(in, &q, &len, &e) == HTTP_BAD && q.status == 431,
	      "A4: many headers");
	n = (size_t)snprintf(text, sizeof(text), "GET /");
	memset(text + n, 'a', HTTP_TARGET_MAX);
	n += HTTP_TARGET_MAX;
	n += (size_t)snprintf(text + n, sizeof(text) - n, " HTTP/1.1\r\n" HOST "\r\n");
	in = bytes_of(text, n);
	check(http_request_read(in, &q, &len, &e) == HTTP_BAD && q.status == 414,
	      "A4: a long target");
}

static const struct {
	const char *says, *text;
	const char *want; /* the body; NULL: refused */
} chunked[] = {
	{ "two chunks", "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n", "abc0123456789" },
	{ "none", "0\r\n\r\n", "" },
	{ "leading zeros", "0003\r\nabc\r\n00\r\n\r\n", "abc" },
	{ "E10: a huge size", "FFFFFFFF\r\n", NULL },
	{ "E10: a size of nine digits", "000000001\r\na", NULL },
	{ "E10: an extension", "3;x=y\r\nabc\r\n0\r\n\r\n", NULL },
	{ "E10: a negative size", "-3\r\nabc\r\n0\r\n\r\n", NULL },
	{ "E10: a prefix", "0x3\r\nabc\r\n0\r\n\r\n", NULL },
	{ "E10: no size", "\r\nabc", NULL },
	{ "E10: bare LF", "3\nabc\n0\n\n", NULL },
	{ "E10: a chunk longer than it says", "3\r\nabcd\r\n0\r\n\r\n", NULL },
	{ "E10: a trailer", "0\r\nX: a\r\n\r\n", NULL },
	{ "E10: a space after the size", "3 \r\nabc\r\n0\r\n\r\n", NULL },
};

/* The whole text at once, and byte by byte: the same answer. */
static enum http_result read_chunks(struct str text, size_t step, struct buf *body, size_t *done)
{
	struct http_chunks c = { 0 };
	struct err e = { 0 };
	size_t have = step < text.len ? step : text.len;

	*done = 0;
	for (;;) {
		struct bytes data, in = bytes_of(text.ptr + *done, have - *done);
		size_t used;
		enum http_result r = http_chunks_read(&c, in, &used, &data, &e);
		*done += used;
		(void)buf_put(body, data.ptr, data.len);
		if (r == HTTP_DONE || r == HTTP_BAD || (r == HTTP_MORE && have == text.len))
			return r;
		if (r == HTTP_MORE)
			have = have + step < text.len ? have + step : text.len;
	}
}

static void chunks_are_strict_however_they_come(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(chunked); i++)
		for (size_t step = 1; step < 40; step += 3) {
			auto_buf struct buf body = { 0 };
			size_t done;
			buf_init(&body, 100);
			struct str text = str_of(chunked[i].text);
			enum http_result r = read_chunks(text, step, &body, &done);
			check(r == (chunked[i].want ? HTTP_DONE : HTTP_BAD), chunked[i].says);
			check(r == HTTP_BAD || (str_eqz(buf_str(&body), chunked[i].want) &&
						done == text.len),
			      chunked[i].says);
		}
}

static const struct {
	const char *says, *text, *method;
	enum http_result want;
	enum http_framing framing;
	bool keep_alive;
} responses[] = {
	{ "a length", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "GET", HTTP_DONE, HTTP_LENGTH,
	  true },
	{ "chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "GET", HTTP_DONE,
	  HTTP_CHUNKED, true },
	{ "until the end", "HTTP/1.1 200 OK\r\nX: y\r\n\r\n", "GET", HTTP_DONE, HTTP_UNTIL_CLOSE,
	  false },
	{ "no content", "HTTP/1.1 204 No Content\r\nX: y\r\n\r\n", "GET", HTTP_DONE, HTTP_NO_BODY,
	  true },
	{ "of a HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "HEAD", HTTP_DONE,
	  HTTP_NO_BODY, true },
	{ "it closes", "HTTP/1.1 200\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "GET",
	  HTTP_DONE, HTTP_LENGTH, false },
	{ "a status of two digits", "HTTP/1.1 20 OK\r\n\r\n", "GET", HTTP_BAD, 0, false },
	{ "a status of 999", "HTTP/1.1 999 OK\r\n\r\n", "GET", HTTP_BAD, 0, false },
	{ "another version", "HTTP/1.0 200 OK\r\n\r\n", "GET", HTTP_BAD, 0, false },
	{ "framed twice",
	  "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", "GET",
	  HTTP_BAD, 0, false },
};

static void answers_are_read_as_strictly(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(responses); i++) {
		struct http_response a;
		struct err e;
		size_t len;
		enum http_result r = http_response_read(bytes_str(str_of(responses[i].text)),
							str_of(responses[i].method), &a, &len, &e);
		check(r == responses[i].want, responses[i].says);
		check(r != HTTP_DONE || (a.framing == responses[i].framing &&
					 a.keep_alive == responses[i].keep_alive),
		      responses[i].says);
	}
}

static void texts_are_decoded(void **state)
{
	auto_arena struct arena *mem = arena_new(4096);
	struct str out, id, secret;
	struct err e;

	(void)state;
	check(http_query(STR("a=1&b=x%20y+z&c"), "b", mem, &out, &e) && str_eqz(out, "x y z"),
	      "a parameter");
	check(http_query(STR("a=1"), "b", mem, &out, &e) && !out.ptr, "an absent one");
	check(http_query(STR("a=1&c"), "c", mem, &out, &e) && out.ptr && !out.len, "an empty one");
	check(!http_query(STR("a=1&a=2"), "a", mem, &out, &e), "A4: twice is refused");
	check(!http_query(STR("a=%00"), "a", mem, &out, &e), "A4: NUL is refused");
	check(!http_query(STR("a=%ff"), "a", mem, &out, &e), "A4: bad UTF-8 is refused");
	check(http_unescape(STR("p%C3%A4+"), mem, &out, &e) && str_eqz(out, "p\xc3\xa4+"), "path");
	check(http_basic(STR("Basic cHVtcC03OnM6dA=="), mem, &id, &secret, &e) &&
		      str_eqz(id, "pump-7") && str_eqz(secret, "s:t"),
	      "Basic");
	check(!http_basic(STR("Bearer cHVtcC03OnM6dA=="), mem, &id, &secret, &e), "another scheme");
	check(!http_basic(STR("Basic cHVtcC03"), mem, &id, &secret, &e), "no colon");
	check(!http_basic(STR("Basic ???"), mem, &id, &secret, &e), "not base64");
	check(!http_basic((struct str){ 0 }, mem, &id, &secret, &e), "nothing");
}

RUN_TESTS(cmocka_unit_test(only_plain_shapes_pass), cmocka_unit_test(a_request_is_taken_apart),
	  cmocka_unit_test(heads_are_bounded),
	  cmocka_unit_test(chunks_are_strict_however_they_come),
	  cmocka_unit_test(answers_are_read_as_strictly), cmocka_unit_test(texts_are_decoded))
