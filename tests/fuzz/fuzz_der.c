/* fuzz_der.c - any bytes as DER: walked as deep as it goes, and each value read as all kinds. */
#include "codec/der.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DEPTH = 32, CONSTRUCTED = 0x20 };

static void read_as_all(struct bytes whole)
{
	struct der d;

	d = der_of(whole), (void)der_uint(&d);
	d = der_of(whole), (void)der_big_uint(&d);
	d = der_of(whole), (void)der_bool(&d);
	d = der_of(whole), (void)der_bits(&d);
	d = der_of(whole), (void)der_oid(&d, bytes_of("\x2a", 1));
	d = der_of(whole);
	int64_t ms = der_time(&d);
	if (der_end(&d) && ms >= 0) { /* a time that is read is written, and read again */
		auto_buf struct buf out = { 0 };
		struct derw w;
		buf_init(&out, 64);
		derw_init(&w, &out);
		derw_time(&w, ms);
		d = der_of(buf_bytes(&out));
		if (!derw_ok(&w) || der_time(&d) != ms || !der_end(&d))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct der level[DEPTH] = { der_of(bytes_of(data, size)) };
	size_t depth = 0, steps = 0;

	while (steps++ < 10000) {
		struct der *d = &level[depth];
		if (!der_more(d)) {
			if (!depth)
				break;
			depth--;
			continue;
		}
		unsigned tag = d->ptr[0];
		struct bytes whole = der_whole(d, tag);
		read_as_all(whole);
		struct der inside = der_of(whole);
		if (tag & CONSTRUCTED && whole.len && depth + 1 < DEPTH)
			level[++depth] = der_of(der_take(&inside, tag));
	}
	return 0;
}
