/* fuzz_base64.c - any bytes as base64 in every form; what the exact forms read they write. */
#include "codec/base64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_bytes(bytes_of(data, size));

	for (enum base64_form form = BASE64_URL; form <= BASE64_EST; form++) {
		auto_arena struct arena *mem = arena_new(4 * size + 4096);
		struct bytes out;
		struct err e;
		if (!base64_read(text, form, mem, &out, &e) || form == BASE64_EST)
			continue;
		if (!str_eq(base64_text(out, form, mem), text))
			abort(); /* two texts for the same bytes */
	}
	return 0;
}
