/* test_tpm.c - a real (software) TPM, and what a server believes of it (V1, V2, V3, V7). */
#include "test.h"

#include "tpm/swtpm.h"
#include "tpm/tpm.h"

static struct err e;
static struct swtpm a, b; /* two machines */

static int make(void **state)
{
	(void)state;
	return !(swtpm_make(&a) && swtpm_on(&a) && swtpm_make(&b) && swtpm_on(&b));
}

static int drop(void **state)
{
	(void)state;
	swtpm_drop(&a);
	swtpm_drop(&b);
	return 0;
}

/* What a device says about its TPM. */
struct device {
	struct buf ek_public, ek_certificate, ak_blob;
	struct tpm_public ek, ak;
};

static void meet(const struct swtpm *t, struct device *d)
{
	struct bytes public;

	buf_init(&d->ek_public, TPM_PUBLIC_MAX);
	buf_init(&d->ek_certificate, TPM_CERTIFICATE_MAX);
	buf_init(&d->ak_blob, TPM_BLOB_MAX);
	check(tpm_read_ek(t->tcti, &d->ek_public, &d->ek_certificate, &e), e.text);
	check(tpm_key_new(t->tcti, TPM_KEY_ATTEST, &d->ak_blob, &e), e.text);
	check(tpm_key_public(buf_bytes(&d->ak_blob), &public, &e), e.text);
	check(tpm_public_read(public, &d->ak, &e), e.text);
	check(tpm_public_read(buf_bytes(&d->ek_public), &d->ek, &e), e.text);
}

static void forget(struct device *d)
{
	buf_done(&d->ek_public);
	buf_done(&d->ek_certificate);
	buf_done(&d->ak_blob);
}

/* V2: the endorsement key, its certificate and the TPM belong together or nothing holds. */
static void a_tpm_is_who_its_maker_says(void **state)
{
	struct device x;
	struct device y;

	(void)state;
	meet(&a, &x);
	meet(&b, &y);
	check(tpm_ek_check(&x.ek, &e), e.text);
	check(tpm_ek_has_certificate(&x.ek, buf_bytes(&x.ek_certificate), &e), e.text);
	check(!tpm_ek_has_certificate(&x.ek, buf_bytes(&y.ek_certificate), &e),
	      "V2: the certificate of another TPM is refused");
	check(e.kind == ERR_DENIED, "as a lie, not as a mistake");
	check(!tpm_ek_check(&x.ak, &e), "an attestation key is no endorsement key");
	forget(&x);
	forget(&y);
}

static bool activates(const struct swtpm *t, const struct device *d, const struct tpm_public *ek,
		      struct bytes name)
{
	uint8_t secret[TPM_SECRET];
	struct buf blob;
	struct buf sealed;
	struct buf got;

	crypto_random(secret, sizeof(secret));
	buf_init(&blob, 1024);
	buf_init(&sealed, 1024);
	buf_init(&got, 64);
	check(tpm_make_credential(ek, name, bytes_of(secret, sizeof(secret)), &blob, &sealed, &e),
	      e.text);
	bool ok = tpm_activate(t->tcti, buf_bytes(&d->ak_blob), buf_bytes(&blob),
			       buf_bytes(&sealed), &got, &e) &&
		  bytes_eq(buf_bytes(&got), bytes_of(secret, sizeof(secret)));
	buf_done(&blob);
	buf_done(&sealed);
	buf_done(&got);
	return ok;
}

static void credentials_open_in_one_tpm_only(void **state)
{
	struct device x;
	struct device y;

	(void)state;
	meet(&a, &x);
	meet(&b, &y);
	check(activates(&a, &x, &x.ek, bytes_of(x.ak.name, x.ak.name_len)), e.text);
	check(!activates(&a, &x, &x.ek, bytes_of(y.ak.name, y.ak.name_len)),
	      "V2: the attestation key of another TPM is not vouched for");
	check(!activates(&a, &x, &y.ek, bytes_of(x.ak.name, x.ak.name_len)),
	      "V2: another endorsement key does not help");
	forget(&x);
	forget(&y);
}

/* swtpm's other endorsement key: P-384, SHA-384, AES-256, used with a password. */
static void credentials_open_with_the_large_curve_too(void **state)
{
	struct device x;

	(void)state;
	check(swtpm_run(&b, "tpm2_evictcontrol -C o -c 0x81010001"), "the RSA key is put away");
	meet(&b, &x);
	check(x.ek.kind == KEY_P384 && tpm_ek_check(&x.ek, &e), e.text);
	check(tpm_ek_has_certificate(&x.ek, buf_bytes(&x.ek_certificate), &e), e.text);
	check(activates(&b, &x, &x.ek, bytes_of(x.ak.name, x.ak.name_len)), e.text);
	forget(&x);
}

/* The oracle: tpm2-tools seals, our door opens. */
static void credentials_of_others_open_as_well(void **state)
{
	struct device x;
	struct buf got;
	char command[512];
	char name[2 * TPM_NAME_MAX + 1];

	(void)state;
	meet(&a, &x);
	for (size_t i = 0; i < x.ak.name_len; i++)
		(void)snprintf(name + 2 * i, 3, "%02x", x.ak.name[i]);
	(void)snprintf(command, sizeof(command), "tpm2_readpublic -c 0x81010001 -o %s/ek.pub",
		       a.folder);
	check(swtpm_run(&a, command), "the endorsement key");
	(void)snprintf(
		command, sizeof(command),
		"sh -c 'cd %s && printf 0123456789abcdef >s && tpm2_makecredential -T none -u "
		"ek.pub -s s -n %s -o cred'",
		a.folder, name);
	check(swtpm_run(&a, command), "a credential by tpm2-tools");
	(void)snprintf(command, sizeof(command), "%s/cred", a.folder);
	FILE *f = fopen(command, "rb");
	uint8_t file[2048];
	size_t len = f ? fread(file, 1, sizeof(file), f) : 0;
	check(len > 8, "which is a file with a header of eight bytes");
	(void)fclose(f);
	size_t blob = 2 + (size_t)(file[8] << 8 | file[9]);
	buf_init(&got, 64);
	check(tpm_activate(a.tcti, buf_bytes(&x.ak_blob), bytes_of(file + 8, blob),
			   bytes_of(file + 8 + blob, len - 8 - blob), &got, &e),
	      e.text);
	check(str_eqz(buf_str(&got), "0123456789abcdef"), "and says what was sealed");
	buf_done(&got);
	forget(&x);
}

static struct tpm_quote_facts quote(const struct swtpm *t, struct device *d, uint32_t mask,
				    const uint8_t *expected, struct tpm_pcrs *pcrs)
{
	struct tpm_quote_facts facts = { 0 };
	struct tpm_quote q = { .ak = &d->ak };
	uint8_t extra[SHA256_LEN] = { 42 };
	struct tpm_evidence got = { 0 };

	buf_init(&got.quote, TPM_QUOTE_MAX);
	buf_init(&got.signature, TPM_QUOTE_MAX);
	check(tpm_quote(t->tcti, buf_bytes(&d->ak_blob), extra, mask, &got, &e), e.text);
	q.quote = buf_bytes(&got.quote);
	q.signature = buf_bytes(&got.signature);
	q.pcrs = got.pcrs;
	memcpy(q.expected, expected ? expected : extra, SHA256_LEN);
	if (pcrs && pcrs->mask)
		q.pcrs = *pcrs;
	check(tpm_quote_verify(&q, &facts, &e), e.text);
	if (pcrs)
		*pcrs = q.pcrs;
	buf_done(&got.quote);
	buf_done(&got.signature);
	return facts;
}

static void a_quote_proves_the_registers(void **state)
{
	struct tpm_pcrs pcrs = { 0 };
	struct device x;

	(void)state;
	meet(&a, &x);
	struct tpm_quote_facts f = quote(&a, &x, 0x0010ff, NULL, &pcrs);
	check(f.is_signed && f.is_fresh && f.is_sha256 && f.is_complete && f.digest_matches,
	      "everything holds");
	check(f.pcr_mask == 0x0010ff && pcrs.mask == 0x0010ff, "for the registers asked for");
	uint8_t other[SHA256_LEN] = { 43 };
	f = quote(&a, &x, 0x0010ff, other, NULL);
	check(f.is_signed && !f.is_fresh, "V1: an answer to another question is not fresh");
	struct tpm_pcrs lie = pcrs;
	lie.value[4][0] ^= 1;
	f = quote(&a, &x, 0x0010ff, NULL, &lie);
	check(f.is_signed && !f.digest_matches, "V4: registers told otherwise than quoted");
	lie = pcrs;
	lie.mask &= ~(1U << 4);
	f = quote(&a, &x, 0x0010ff, NULL, &lie);
	check(!f.is_complete && !f.digest_matches, "V4: a register kept quiet");
	check(swtpm_run(&a, "tpm2_pcrextend 4:sha256=000102030405060708090a0b0c0d0e0f"
			    "101112131415161718191a1b1c1d1e1f"),
	      "a register is extended");
	f = quote(&a, &x, 0x0010ff, NULL, &pcrs);
	check(!f.digest_matches, "the old values no longer hold");
	forget(&x);
}

/* V3: a key that signs anything can sign a quote that was never made. */
static void a_key_that_signs_anything_attests_nothing(void **state)
{
	struct device x;
	struct device y;
	struct bytes public;

	(void)state;
	meet(&a, &x);
	meet(&a, &y);
	buf_clear(&x.ak_blob);
	check(tpm_key_new(a.tcti, TPM_KEY_TLS, &x.ak_blob, &e), e.text);
	check(tpm_key_public(buf_bytes(&x.ak_blob), &public, &e), e.text);
	check(tpm_public_read(public, &x.ak, &e), e.text);
	check(!tpm_ak_check(&x.ak, &e) && strstr(e.text, "not restricted"), "V3: it is refused");
	struct tpm_quote_facts f = quote(&a, &x, 0xff, NULL, NULL);
	check(!f.is_signed, "V3: and so are its quotes, though the signature is good");
	/* A good key, but another's quote. */
	x.ak = y.ak;
	f = quote(&a, &x, 0xff, NULL, NULL);
	check(!f.is_signed && f.is_fresh, "V3: a quote by another key is not this key's");
	forget(&x);
	forget(&y);
}

static void a_key_in_the_tpm_signs(void **state)
{
	uint8_t digest[KEY_DIGEST] = { 7 };
	uint8_t sig[KEY_SIG];
	struct tpm_public p;
	struct buf blob;
	struct bytes public;

	(void)state;
	buf_init(&blob, TPM_BLOB_MAX);
	check(tpm_key_new(a.tcti, TPM_KEY_TLS, &blob, &e), e.text);
	check(tpm_key_public(buf_bytes(&blob), &public, &e) && tpm_public_read(public, &p, &e),
	      e.text);
	auto_key struct key *key = tpm_public_key(&p, &e);
	/* More often than there is room for objects: every visit leaves the TPM as it was. */
	for (int i = 0; i < 12; i++) {
		digest[1] = (uint8_t)i;
		check(tpm_key_sign(a.tcti, buf_bytes(&blob), digest, sig, &e), e.text);
		check(key_verify_digest(key, digest, sig, &e), e.text);
	}
	check(!tpm_key_sign(b.tcti, buf_bytes(&blob), digest, sig, &e),
	      "another TPM cannot use it");
	blob.ptr[blob.len - 1] ^= 1;
	check(!tpm_key_sign(a.tcti, buf_bytes(&blob), digest, sig, &e),
	      "nor this one, once changed");
	buf_done(&blob);
}

/* V7: a power cycle is seen, and keys survive it. */
static void a_power_cycle_is_seen(void **state)
{
	struct device x;

	(void)state;
	meet(&a, &x);
	struct tpm_quote_facts before = quote(&a, &x, 0xff, NULL, NULL);
	swtpm_off(&a);
	struct tpm_evidence got = { 0 };
	uint8_t extra[SHA256_LEN] = { 0 };
	check(!tpm_quote(a.tcti, buf_bytes(&x.ak_blob), extra, 1, &got, &e),
	      "while it is off nothing is quoted");
	check(e.kind == ERR_RETRY, "which is worth another try");
	check(swtpm_on(&a), "it is on again");
	struct tpm_quote_facts after = quote(&a, &x, 0xff, NULL, NULL);
	check(after.is_signed && after.reset_count > before.reset_count, "V7: and it counted");
	forget(&x);
}

static void addresses_are_checked(void **state)
{
	(void)state;
	check(tpm_address_ok("device:/dev/tpmrm0", &e), "a device");
	check(tpm_address_ok("swtpm:path=/run/x", &e), "a software TPM");
	check(!tpm_address_ok("/dev/tpm0", &e) && e.hint[0], "a path alone, with a hint");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_checked),
		cmocka_unit_test(a_tpm_is_who_its_maker_says),
		cmocka_unit_test(credentials_open_in_one_tpm_only),
		cmocka_unit_test(credentials_of_others_open_as_well),
		cmocka_unit_test(a_quote_proves_the_registers),
		cmocka_unit_test(a_key_that_signs_anything_attests_nothing),
		cmocka_unit_test(a_key_in_the_tpm_signs),
		cmocka_unit_test(a_power_cycle_is_seen),
		cmocka_unit_test(credentials_open_with_the_large_curve_too),
	};
	(void)setenv("TSS2_LOG", "all+NONE", 1); /* refusals are what is tested */
	return cmocka_run_group_tests(tests, make, drop);
}
