/* fuzz_csr.c - certificate requests from strangers (E1-E3). */
#include "crypto/csr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct csr csr;
	struct err e = { 0 };

	if (csr_read(bytes_of(data, size), &csr, &e) && (csr.spki.len == 0 || csr.kind == KEY_NONE))
		abort();
	return 0;
}
