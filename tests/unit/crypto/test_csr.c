/* test_csr.c - requests give a public key and nothing else (E1, E2, E3); bags of certificates. */
#include "test.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "codec/der.h"
#include "crypto/cert.h"
#include "crypto/csr.h"
#include "crypto/pkcs7.h"

static struct err e;

static void a_request_is_read_back(void **state)
{
	static const enum key_kind kinds[] = { KEY_P256, KEY_P384 };

	(void)state;
	for (size_t i = 0; i < countof(kinds); i++) {
		auto_key struct key *k = key_generate(kinds[i], &e);
		auto_buf struct buf der = { 0 };
		struct csr csr;
		buf_init(&der, CSR_MAX_BYTES);
		check(csr_write(k, STR("pump-1"), STR("secret"), &der, &e), "written");
		check(csr_read(buf_bytes(&der), &csr, &e), "read");
		check(bytes_eq(csr.spki, key_spki(k)) && csr.kind == kinds[i], "its key");
		check(str_eqz(csr.common_name, "pump-1"), "its name, for the log");
		check(str_eqz(csr.challenge, "secret"), "its challenge password");
		const unsigned char *p = der.ptr;
		X509_REQ *x = d2i_X509_REQ(NULL, &p, (long)der.len);
		EVP_PKEY *public = x ? X509_REQ_get_pubkey(x) : NULL;
		check(public && X509_REQ_verify(x, public) == 1, "and OpenSSL agrees");
		EVP_PKEY_free(public);
		X509_REQ_free(x);
		for (size_t at = 0; at < der.len; at++) {
			der.ptr[at] ^= 0x04;
			check(!csr_read(buf_bytes(&der), &csr, &e),
			      "E3: no byte may change after signing");
			der.ptr[at] ^= 0x04;
			check(!csr_read(bytes_of(der.ptr, at), &csr, &e), "nor be missing");
		}
		check(buf_putc(&der, 0) && !csr_read(buf_bytes(&der), &csr, &e), "nor be added");
	}
}

static X509_REQ *foreign_request(EVP_PKEY *key, const char *extension, size_t pad)
{
	X509_REQ *x = X509_REQ_new();
	STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
	X509_NAME *name = X509_REQ_get_subject_name(x);

	X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const unsigned char *)"Evil", -1, -1,
				   0);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"admin", -1, -1,
				   0);
	X509_REQ_set_pubkey(x, key);
	if (extension)
		sk_X509_EXTENSION_push(
			list, X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, extension));
	if (pad) {
		char *text = mem_new(pad + 5, 1);
		memcpy(text, "URI:", 4);
		memset(text + 4, 'a', pad);
		sk_X509_EXTENSION_push(list,
				       X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, text));
		free(text);
	}
	if (sk_X509_EXTENSION_num(list))
		X509_REQ_add_extensions(x, list);
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	X509_REQ_sign(x, key, EVP_sha256());
	return x;
}

static bool read_foreign(EVP_PKEY *key, const char *extension, size_t pad, struct csr *out)
{
	static unsigned char *der;
	X509_REQ *x = foreign_request(key, extension, pad);

	OPENSSL_free(der);
	der = NULL;
	int len = i2d_X509_REQ(x, &der);
	X509_REQ_free(x);
	return csr_read(bytes_of(der, (size_t)len), out, &e);
}

/* E1, E2: nothing a request asks for can reach a certificate, because nothing of it is kept. */
static void wishes_are_ignored(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct csr csr;

	(void)state;
	check(read_foreign(key, "CA:TRUE", 0, &csr), "a request to be an authority is read");
	check(str_eqz(csr.common_name, "admin"), "whatever it calls itself");
	check(read_foreign(key, NULL, 4000, &csr), "so is one with a long name");
	check(!read_foreign(key, NULL, 65536, &csr), "but not one of 64 KiB");
	check(strstr(e.text, "too large"), "and it is told why");

	auto_key struct key *ca = key_generate(KEY_P256, &e);
	auto_buf struct buf der = { 0 };
	struct cert_issuer self = { .key = ca };
	struct cert_issuer by;
	struct cert_request q = { .profile = CERT_CA,
				  .common_name = STR("CA"),
				  .spki = key_spki(ca),
				  .not_after_ms = 1000000 };
	struct cert c;
	buf_init(&der, CERT_MAX_BYTES);
	check(cert_issue(&q, &self, &der, &e), "an authority");
	check(cert_issuer_read(buf_bytes(&der), ca, &by, &e), "that issues");
	check(read_foreign(key, "CA:TRUE", 0, &csr), "the greedy request again");
	q = (struct cert_request){ .profile = CERT_DEVICE,
				   .uri = STR("spiffe://muster.local/device/pump-1"),
				   .common_name = STR("pump-1"),
				   .spki = csr.spki,
				   .not_after_ms = 1000000 };
	auto_buf struct buf leaf = { 0 };
	buf_init(&leaf, CERT_MAX_BYTES);
	check(cert_issue(&q, &by, &leaf, &e) && cert_read(buf_bytes(&leaf), &c, &e), "issued");
	check(!c.is_ca && str_eqz(c.common_name, "pump-1"), "as the registry says, not as asked");
	EVP_PKEY_free(key);
}

static void keys_of_others_and_weak_ones(void **state)
{
	struct csr csr;

	(void)state;
	EVP_PKEY *rsa = EVP_RSA_gen(2048);
	check(read_foreign(rsa, NULL, 0, &csr) && csr.kind == KEY_RSA, "RSA 2048 is read");
	EVP_PKEY_free(rsa);
	EVP_PKEY *weak = EVP_RSA_gen(1024);
	check(!read_foreign(weak, NULL, 0, &csr), "E3: RSA 1024 is not");
	check(strstr(e.text, "too weak"), "and it is told why");
	EVP_PKEY_free(weak);
	EVP_PKEY *odd = EVP_EC_gen("secp256k1");
	check(!read_foreign(odd, NULL, 0, &csr), "E3: nor another curve");
	EVP_PKEY_free(odd);
}

static void a_bag_is_read_back(void **state)
{
	auto_buf struct buf bag = { 0 };
	struct bytes certs[] = { bytes_of("\x30\x01\x05", 3), bytes_of("\x30\x02\x05\x00", 4) };
	struct bytes got[2];
	size_t count;

	(void)state;
	buf_init(&bag, 4096);
	check(pkcs7_write(certs, 2, &bag), "written");
	check(pkcs7_read(buf_bytes(&bag), got, 2, &count, &e) && count == 2, "read");
	check(bytes_eq(got[0], certs[0]) && bytes_eq(got[1], certs[1]), "in order");
	check(!pkcs7_read(buf_bytes(&bag), got, 1, &count, &e), "more than there is room for");
	for (size_t len = 0; len < bag.len; len++)
		check(!pkcs7_read(bytes_of(bag.ptr, len), got, 2, &count, &e), "cut");
	buf_clear(&bag);
	check(pkcs7_write(certs, 0, &bag), "an empty bag is written");
	check(!pkcs7_read(buf_bytes(&bag), got, 2, &count, &e), "and of no use");
}

RUN_TESTS(cmocka_unit_test(a_request_is_read_back), cmocka_unit_test(wishes_are_ignored),
	  cmocka_unit_test(keys_of_others_and_weak_ones), cmocka_unit_test(a_bag_is_read_back))
