/* test_key.c - keys: what is accepted as one, and what a signature is worth (E3). */
#include "test.h"

#include "crypto/hash.h"
#include "crypto/key.h"

static struct err e;

static const struct {
	const char *says;
	const char *key, *data;
	const char *want;
} hmacs[] = {
	{ "RFC 4231 case 2", "Jefe", "what do ya want for nothing?",
	  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
};

static void hashes_are_the_published_ones(void **state)
{
	uint8_t out[SHA256_LEN];
	char text[SHA256_TEXT];

	(void)state;
	sha256(bytes_str(STR("abc")), out);
	sha256_text(out, text);
	assert_string_equal(text,
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	struct sha256 *h = sha256_new();
	sha256_add(h, bytes_str(STR("a")));
	sha256_add(h, bytes_str(STR("bc")));
	uint8_t again[SHA256_LEN];
	sha256_end(h, again);
	assert_memory_equal(out, again, SHA256_LEN);
	sha256_free(h);
	for (size_t i = 0; i < countof(hmacs); i++) {
		hmac_sha256(bytes_str(str_of(hmacs[i].key)), bytes_str(str_of(hmacs[i].data)), out);
		sha256_text(out, text);
		check(strcmp(text, hmacs[i].want) == 0, hmacs[i].says);
	}
}

static void a_private_key_survives_its_file(void **state)
{
	static const enum key_kind kinds[] = { KEY_P256, KEY_P384, KEY_ED25519 };

	(void)state;
	for (size_t i = 0; i < countof(kinds); i++) {
		auto_key struct key *k = key_generate(kinds[i], &e);
		auto_buf struct buf pem = { 0 };
		buf_init(&pem, 4096);
		check(k && key_write_pem(k, &pem, &e), "written");
		auto_key struct key *same = key_read_pem(buf_str(&pem), &e);
		check(same && key_kind(same) == kinds[i], "read again");
		check(bytes_eq(key_spki(k), key_spki(same)), "the same public key");
		auto_key struct key *public = key_public(key_spki(k), &e);
		check(public && bytes_eq(key_spki(public), key_spki(k)), "also from its SPKI");
		check(!key_is_private(public), "which does not sign");
		check(!key_write_pem(public, &pem, &e), "and has no private half to write");
	}
}

static void a_signature_holds_for_one_digest_and_one_key(void **state)
{
	uint8_t digest[KEY_DIGEST] = { 1, 2, 3 };
	uint8_t sig[KEY_SIG];

	(void)state;
	auto_key struct key *k = key_generate(KEY_P256, &e);
	auto_key struct key *other = key_generate(KEY_P256, &e);
	check(key_sign_digest(k, digest, sig, &e), "signed");
	check(key_verify_digest(k, digest, sig, &e), "verifies");
	check(!key_verify_digest(other, digest, sig, &e), "not with another key");
	digest[0] ^= 1;
	check(!key_verify_digest(k, digest, sig, &e), "not for another digest");
	digest[0] ^= 1;
	for (size_t i = 0; i < KEY_SIG; i++) {
		sig[i] ^= 0x80;
		check(!key_verify_digest(k, digest, sig, &e), "not when changed");
		sig[i] ^= 0x80;
	}
	memset(sig, 0, sizeof(sig));
	check(!key_verify_digest(k, digest, sig, &e), "r = s = 0 is no signature (T3)");
	memset(sig, 0xff, sizeof(sig));
	check(!key_verify_digest(k, digest, sig, &e), "nor are numbers past the order (T3)");
}

static void der_signatures_have_one_form(void **state)
{
	uint8_t digest[KEY_DIGEST] = { 9 };
	uint8_t sig[KEY_SIG];
	uint8_t back[KEY_SIG];

	(void)state;
	auto_key struct key *k = key_generate(KEY_P256, &e);
	for (int i = 0; i < 50; i++) {
		auto_buf struct buf der = { 0 };
		buf_init(&der, 128);
		check(key_sign_digest(k, digest, sig, &e) && key_sig_to_der(sig, &der), "to DER");
		check(key_sig_from_der(buf_bytes(&der), back, &e), "from DER");
		assert_memory_equal(sig, back, KEY_SIG);
		check(buf_putc(&der, 0) && !key_sig_from_der(buf_bytes(&der), back, &e),
		      "a byte too many is refused");
	}
	static const uint8_t padded[] = { 0x30, 0x08, 0x02, 0x03, 0x00, 0x00, 0x01, 0x02, 0x01, 1 };
	check(!key_sig_from_der(bytes_of(padded, sizeof(padded)), back, &e),
	      "a padded integer is refused");
	static const uint8_t minus[] = { 0x30, 0x06, 0x02, 0x01, 0x81, 0x02, 0x01, 0x01 };
	check(!key_sig_from_der(bytes_of(minus, sizeof(minus)), back, &e), "a negative one too");
}

static void messages_verify_whatever_the_curve(void **state)
{
	static const enum key_kind kinds[] = { KEY_P256, KEY_P384 };

	(void)state;
	for (size_t i = 0; i < countof(kinds); i++) {
		auto_key struct key *k = key_generate(kinds[i], &e);
		auto_buf struct buf sig = { 0 };
		int bits = kinds[i] == KEY_P256 ? 256 : 384;
		buf_init(&sig, 256);
		check(key_sign_message(k, bytes_str(STR("hello")), &sig, &e), "signed");
		check(key_verify_message(k, bits, bytes_str(STR("hello")), buf_bytes(&sig), &e),
		      "verifies");
		check(!key_verify_message(k, bits, bytes_str(STR("hallo")), buf_bytes(&sig), &e),
		      "not another text");
		check(!key_verify_message(k, 160, bytes_str(STR("hello")), buf_bytes(&sig), &e),
		      "not with SHA-1");
	}
	auto_key struct key *ed = key_generate(KEY_ED25519, &e);
	uint8_t sig[64];
	check(key_sign_ed25519(ed, bytes_str(STR("hello")), sig, &e), "Ed25519 signs");
	check(key_verify_ed25519(ed, bytes_str(STR("hello")), sig, &e), "and verifies");
	check(!key_verify_ed25519(ed, bytes_str(STR("hallo")), sig, &e), "one text only");
}

/* E3: a point that is not on the curve would let its owner learn and forge. */
static void public_keys_that_are_none_are_refused(void **state)
{
	(void)state;
	auto_key struct key *k = key_generate(KEY_P256, &e);
	uint8_t spki[128];
	size_t len = key_spki(k).len;
	memcpy(spki, key_spki(k).ptr, len);

	spki[len - 1] ^= 1;
	check(!key_public(bytes_of(spki, len), &e), "a point off the curve");
	spki[len - 1] ^= 1;
	check(!key_public(bytes_of(spki, len - 1), &e), "a byte short");
	spki[len] = 0;
	check(!key_public(bytes_of(spki, len + 1), &e), "a byte too many");
	memset(spki + 27, 0, 64);
	check(!key_public(bytes_of(spki, len), &e), "the point at zero");
	check(!key_public((struct bytes){ 0 }, &e), "nothing");
	spki[26] = 2;
	check(!key_public(bytes_of(spki, len), &e), "a compressed point in a long coat");
}

static int asked;

static bool sign_elsewhere(void *ctx, const uint8_t digest[KEY_DIGEST], uint8_t out_sig[KEY_SIG],
			   struct err *why)
{
	asked++;
	return key_sign_digest(ctx, digest, out_sig, why);
}

static bool sign_never(void *ctx, const uint8_t digest[KEY_DIGEST], uint8_t out_sig[KEY_SIG],
		       struct err *why)
{
	(void)ctx;
	(void)digest;
	(void)out_sig;
	return err_set(why, ERR_RETRY, "the TPM is busy");
}

static void a_key_may_sign_elsewhere(void **state)
{
	uint8_t digest[KEY_DIGEST] = { 5 };
	uint8_t sig[KEY_SIG];
	struct buf out;

	(void)state;
	auto_key struct key *home = key_generate(KEY_P256, &e);
	auto_key struct key *k = key_external(key_spki(home), sign_elsewhere, home, &e);
	check(k && key_is_private(k), "it signs");
	check(key_sign_digest(k, digest, sig, &e) && asked == 1, "by asking");
	check(key_verify_digest(home, digest, sig, &e), "and the answer holds");
	buf_init(&out, 4096);
	check(!key_write_pem(k, &out, &e), "there is no private half to write");
	buf_done(&out);
	auto_key struct key *busy = key_external(key_spki(home), sign_never, NULL, &e);
	check(!key_sign_digest(busy, digest, sig, &e), "a refusal arrives");
	check(strcmp(e.text, "the TPM is busy") == 0 && e.kind == ERR_RETRY, "as it was said");
}

RUN_TESTS(cmocka_unit_test(hashes_are_the_published_ones),
	  cmocka_unit_test(a_private_key_survives_its_file),
	  cmocka_unit_test(a_signature_holds_for_one_digest_and_one_key),
	  cmocka_unit_test(der_signatures_have_one_form),
	  cmocka_unit_test(messages_verify_whatever_the_curve),
	  cmocka_unit_test(public_keys_that_are_none_are_refused),
	  cmocka_unit_test(a_key_may_sign_elsewhere))
