/* fuzz_cert.c - certificates, and names in them (T3-T5). */
#include "crypto/cert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever is accepted as a name can be put into a topic, a log line or a file name. */
static void check_name(struct str uri)
{
	for (size_t i = 0; i < uri.len; i++)
		if (uri.ptr[i] <= ' ' || uri.ptr[i] > '~' || uri.ptr[i] == '#' || uri.ptr[i] == '+')
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cert c;
	struct bytes spki;
	struct err e = { 0 };

	if (cert_read(bytes_of(data, size), &c, &e)) {
		check_name(c.uri);
		if (c.is_ca == (c.uri.len > 0))
			abort();
		if (!c.is_ca && cert_verify(&c, &c, c.not_before_ms, &e))
			abort();
	}
	if (cert_read_spki(bytes_of(data, size), &spki, &e) && spki.len > size)
		abort();
	return 0;
}
