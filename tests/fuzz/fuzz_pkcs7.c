/* fuzz_pkcs7.c - bags of certificates from a server. */
#include "crypto/pkcs7.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes certs[PKCS7_MAX_CERTS];
	size_t count = 0;
	struct err e = { 0 };

	if (!pkcs7_read(bytes_of(data, size), certs, PKCS7_MAX_CERTS, &count, &e))
		return 0;
	for (size_t i = 0; i < count; i++)
		if (certs[i].len < 2 || certs[i].ptr < data ||
		    certs[i].ptr + certs[i].len > data + size)
			abort();
	return 0;
}
