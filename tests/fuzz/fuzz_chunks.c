/* fuzz_chunks.c - any bytes as a chunked body: whole and in pieces must read the same.  The
 * first byte says how large the pieces are. */
#include "codec/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum http_result read_all(struct bytes in, size_t step, struct buf *body)
{
	struct http_chunks c = { 0 };
	size_t done = 0, have = step < in.len ? step : in.len;

	buf_init(body, 1 << 20);
	for (;;) {
		struct bytes part = { in.ptr + done, have - done }, got;
		struct err e;
		size_t used = 0;
		enum http_result r = http_chunks_read(&c, part, &used, &got, &e);
		done += used;
		(void)buf_put(body, got.ptr, got.len);
		if (r == HTTP_DONE || r == HTTP_BAD || (r == HTTP_MORE && have == in.len))
			return r;
		if (r == HTTP_MORE)
			have = have + step < in.len ? have + step : in.len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf whole = { 0 }, pieces = { 0 };
	size_t step = size ? (size_t)data[0] % 16 + 1 : 1;
	struct bytes in = bytes_of(data + (size > 0), size - (size > 0));

	enum http_result a = read_all(in, in.len + 1, &whole);
	enum http_result b = read_all(in, step, &pieces);
	if (a != b || (a == HTTP_DONE && !bytes_eq(buf_bytes(&whole), buf_bytes(&pieces))))
		abort();
	return 0;
}
