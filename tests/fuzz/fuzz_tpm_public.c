/* fuzz_tpm_public.c - public areas of TPM keys (V2, V3). */
#include "crypto/tpmverify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_credential(const struct tpm_public *ek)
{
	static const uint8_t secret[TPM_SECRET] = { 1 };
	struct err e = { 0 };
	auto_buf struct buf blob = { 0 };
	auto_buf struct buf sealed = { 0 };

	buf_init(&blob, 4096);
	buf_init(&sealed, 4096);
	if (tpm_make_credential(ek, bytes_of(ek->name, ek->name_len),
				bytes_of(secret, sizeof(secret)), &blob, &sealed, &e) &&
	    (!blob.len || !sealed.len))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tpm_public p;
	struct err e = { 0 };

	if (!tpm_public_read(bytes_of(data, size), &p, &e))
		return 0;
	if (p.name_len < 34 || p.name_len > TPM_NAME_MAX)
		abort();
	key_free(tpm_public_key(&p, &e));
	if (tpm_ak_check(&p, &e) && tpm_ek_check(&p, &e))
		abort(); /* no key is both */
	check_credential(&p);
	return 0;
}
