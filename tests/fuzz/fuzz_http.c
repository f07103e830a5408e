/* fuzz_http.c - any bytes as an HTTP request, an answer, a query and credentials. */
#include "codec/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_into(const struct http_request *q, struct arena *mem)
{
	struct str out, id, secret;
	struct err e;

	(void)!http_query(q->query, "x", mem, &out, &e);
	(void)!http_unescape(q->path, mem, &out, &e);
	(void)!http_basic(http_header(&q->headers, "Authorization"), mem, &id, &secret, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *mem = arena_new(1 << 16);
	struct bytes in = bytes_of(data, size);
	struct http_request q;
	struct http_response a;
	struct err e = { 0 };
	size_t len = 0;

	enum http_result r = http_request_read(in, &q, &len, &e);
	if (r == HTTP_BAD && (!e.kind || q.status < 400))
		abort(); /* a refusal has a reason and a status */
	if (r == HTTP_DONE) {
		if (len > size)
			abort();
		look_into(&q, mem);
	}
	if (http_response_read(in, STR("GET"), &a, &len, &e) == HTTP_DONE && len > size)
		abort();
	return 0;
}
