/* fuzz_tpm_quote.c - quotes and their signatures (V1, V4, V6): u16 length, quote, signature. */
#include "base/cursor.h"
#include "crypto/tpmverify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd r = rd_of(bytes_of(data, size));
	struct tpm_public ak = { .kind = KEY_P256 }; /* passes no check */
	struct tpm_quote q = { .ak = &ak };
	struct tpm_quote_facts facts;
	struct err e = { 0 };

	q.quote = rd_bytes16(&r);
	q.signature = rd_rest(&r);
	if (tpm_quote_verify(&q, &facts, &e) && facts.is_signed)
		abort();
	if (facts.digest_matches && !facts.is_complete)
		abort();
	return 0;
}
