/* fuzz_json.c - any bytes as JSON; what is read is written, read again and equal. */
#include "codec/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool write_form(const struct json *doc, enum jw_form form, struct buf *out)
{
	struct jw w;

	buf_init(out, 1 << 22);
	jw_init(&w, out, form);
	jw_json(&w, doc);
	return jw_ok(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_json struct json *doc = NULL, *again = NULL;
	auto_buf struct buf first = { 0 }, second = { 0 }, canonical = { 0 };
	struct err e = { 0 };

	buf_init(&first, 0), buf_init(&second, 0), buf_init(&canonical, 0);
	if (!json_read(bytes_of(data, size), NULL, &doc, &e))
		return e.kind ? 0 : (abort(), 0);
	(void)write_form(doc, JW_CANONICAL, &canonical);
	if (!write_form(doc, JW_COMPACT, &first))
		abort();
	if (!json_read(buf_bytes(&first), NULL, &again, &e) ||
	    !write_form(again, JW_COMPACT, &second) ||
	    !bytes_eq(buf_bytes(&first), buf_bytes(&second)))
		abort();
	return 0;
}
