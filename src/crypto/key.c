#include "crypto/key.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/mem.h"
#include "crypto/hash.h"
#include "crypto/ossl.h"

enum {
	POINT_P384 = 97,
	RAW_ED25519 = 32,
	RSA_MIN_BITS = 2048,
	RSA_MAX_BITS = 4096,
	PEM_MAX = 8192
};

struct key {
	enum key_kind kind;
	bool is_private;
	EC_KEY *ec;     /* P-256, P-384 */
	EVP_PKEY *pkey; /* RSA, Ed25519; for curves made when TLS asks */
	struct buf spki;
	key_sign_fn *sign; /* the private half is elsewhere */
	void *ctx;
};

/* DER of everything in a SubjectPublicKeyInfo before the key's raw bytes: for these kinds there
 * is exactly one good encoding (RFC 5480 2, RFC 8410 4). */
static const struct {
	enum key_kind kind;
	int nid;
	size_t raw_len;
	struct bytes prefix;
} forms[] = {
	{ KEY_P256,
	  NID_X9_62_prime256v1,
	  KEY_POINT,
	  { (const uint8_t *)"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86"
			     "\x48\xce\x3d\x03\x01\x07\x03\x42\x00",
	    26 } },
	{ KEY_P384,
	  NID_secp384r1,
	  POINT_P384,
	  { (const uint8_t *)"\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81"
			     "\x04\x00\x22\x03\x62\x00",
	    23 } },
	{ KEY_ED25519,
	  NID_ED25519,
	  RAW_ED25519,
	  { (const uint8_t *)"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", 12 } },
};

static size_t form_of(enum key_kind kind)
{
	size_t i = 0;

	while (i < countof(forms) && forms[i].kind != kind)
		i++;
	return i;
}

static struct key *new_key(enum key_kind kind)
{
	struct key *k = mem_new(1, sizeof(*k));

	k->kind = kind;
	buf_init(&k->spki, 2048);
	return k;
}

void key_free(struct key *k)
{
	if (!k)
		return;
	EC_KEY_free(k->ec);
	EVP_PKEY_free(k->pkey);
	buf_done(&k->spki);
	free(k);
}

void key_free_at(struct key **k)
{
	key_free(*k);
}

static struct key *give_up(struct key *k, struct err *e, enum err_kind kind, const char *why)
{
	key_free(k);
	(void)ossl_fail(e, kind, why);
	return NULL;
}

/* The group is built once: looking a curve up by name costs more than a signature. */
static EC_GROUP *group_of(int nid)
{
	static EC_GROUP *p256;
	static EC_GROUP *p384;
	EC_GROUP **g = nid == NID_secp384r1 ? &p384 : &p256;

	if (!*g)
		*g = EC_GROUP_new_by_curve_name(nid);
	return *g;
}

static EC_KEY *new_ec(size_t form)
{
	EC_KEY *ec = EC_KEY_new();

	if (ec && EC_KEY_set_group(ec, group_of(forms[form].nid)) != 1) {
		EC_KEY_free(ec);
		return NULL;
	}
	return ec;
}

static void set_spki(struct key *k, size_t form, struct bytes raw)
{
	buf_put(&k->spki, forms[form].prefix.ptr, forms[form].prefix.len);
	buf_put(&k->spki, raw.ptr, raw.len);
}

/* Takes ec, which has its public half. */
static struct key *of_ec(size_t form, EC_KEY *ec, bool is_private)
{
	uint8_t raw[POINT_P384];
	struct key *k = new_key(forms[form].kind);
	size_t len = EC_POINT_point2oct(EC_KEY_get0_group(ec), EC_KEY_get0_public_key(ec),
					POINT_CONVERSION_UNCOMPRESSED, raw, sizeof(raw), NULL);

	k->ec = ec;
	k->is_private = is_private;
	set_spki(k, form, bytes_of(raw, len));
	return k;
}

/* Takes pkey. */
static struct key *of_ed25519(EVP_PKEY *pkey, bool is_private)
{
	uint8_t raw[RAW_ED25519];
	size_t len = sizeof(raw);
	struct key *k = new_key(KEY_ED25519);

	k->pkey = pkey;
	k->is_private = is_private;
	if (EVP_PKEY_get_raw_public_key(pkey, raw, &len) == 1)
		set_spki(k, form_of(KEY_ED25519), bytes_of(raw, len));
	return k;
}

struct key *key_generate(enum key_kind kind, struct err *e)
{
	size_t form = form_of(kind);

	if (kind == KEY_ED25519) {
		EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		return pkey ? of_ed25519(pkey, true)
			    : give_up(NULL, e, ERR_SYSTEM, "a key cannot be made");
	}
	if (form == countof(forms))
		return give_up(NULL, e, ERR_INPUT, "keys of this kind are not made here");
	EC_KEY *ec = new_ec(form);
	if (!ec || EC_KEY_generate_key(ec) != 1) {
		EC_KEY_free(ec);
		return give_up(NULL, e, ERR_SYSTEM, "a key cannot be made");
	}
	return of_ec(form, ec, true);
}

static struct key *private_ec(EVP_PKEY *pkey, struct err *e)
{
	ossl_auto(EC_KEY) *ec = EVP_PKEY_get1_EC_KEY(pkey);
	const EC_GROUP *g = ec ? EC_KEY_get0_group(ec) : NULL;
	int nid = g ? EC_GROUP_get_curve_name(g) : NID_undef;
	size_t form = 0;

	while (form < countof(forms) && forms[form].nid != nid)
		form++;
	if (form == countof(forms))
		return give_up(NULL, e, ERR_INPUT, "this curve is not used here: want P-256");
	if (EC_KEY_check_key(ec) != 1)
		return give_up(NULL, e, ERR_INPUT,
			       "public and private half do not belong together");
	EC_KEY_up_ref(ec);
	return of_ec(form, ec, true);
}

struct key *key_read_pem(struct str pem, struct err *e)
{
	if (pem.len == 0 || pem.len > PEM_MAX)
		return give_up(NULL, e, ERR_INPUT, "not a private key in PEM");
	ossl_auto(BIO) *in = BIO_new_mem_buf(pem.ptr, (int)pem.len);
	/* An empty passphrase: never ask a terminal for one. */
	ossl_auto(EVP_PKEY) *pkey = in ? PEM_read_bio_PrivateKey(in, NULL, NULL, (void *)"") : NULL;
	if (!pkey)
		return give_up(NULL, e, ERR_INPUT, "not a private key in PEM");
	if (EVP_PKEY_get_base_id(pkey) == EVP_PKEY_EC)
		return private_ec(pkey, e);
	if (EVP_PKEY_get_base_id(pkey) != EVP_PKEY_ED25519)
		return give_up(NULL, e, ERR_INPUT, "this kind of private key is not used here");
	EVP_PKEY_up_ref(pkey);
	return of_ed25519(pkey, true);
}

bool key_write_pem(const struct key *k, struct buf *out, struct err *e)
{
	if (!k->is_private || k->sign)
		return err_set(e, ERR_INPUT, "the private half of this key is not here");
	ossl_auto(EVP_PKEY) *pkey = k->pkey ? k->pkey : EVP_PKEY_new();
	if (k->pkey)
		EVP_PKEY_up_ref(pkey);
	else if (!pkey || EVP_PKEY_set1_EC_KEY(pkey, k->ec) != 1)
		return ossl_fail(e, ERR_SYSTEM, "a key cannot be written");
	ossl_auto(BIO) *to = BIO_new(BIO_s_secmem());
	char *text = NULL;
	if (!to || PEM_write_bio_PKCS8PrivateKey(to, pkey, NULL, NULL, 0, NULL, NULL) != 1)
		return ossl_fail(e, ERR_SYSTEM, "a key cannot be written");
	long len = BIO_get_mem_data(to, &text);
	return (len > 0 && buf_put(out, text, (size_t)len)) ||
	       err_set(e, ERR_SYSTEM, "a key cannot be written: no room");
}

static struct key *public_ec(size_t form, struct bytes raw, struct err *e)
{
	EC_KEY *ec = new_ec(form);

	/* Uncompressed only; oct2key refuses points that are not on the curve. */
	if (!ec || raw.ptr[0] != POINT_CONVERSION_UNCOMPRESSED ||
	    EC_KEY_oct2key(ec, raw.ptr, raw.len, NULL) != 1) {
		EC_KEY_free(ec);
		return give_up(NULL, e, ERR_INPUT, "public key is not a point on its curve");
	}
	return of_ec(form, ec, false);
}

struct key *key_public_ed25519(const uint8_t raw[32], struct err *e)
{
	EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, raw, RAW_ED25519);

	if (!pkey)
		return give_up(NULL, e, ERR_INPUT, "not an Ed25519 public key");
	return of_ed25519(pkey, false);
}

static bool rsa_is_good(const EVP_PKEY *pkey, struct err *e)
{
	BIGNUM *found = NULL;
	int bits = EVP_PKEY_get_bits(pkey);

	if (EVP_PKEY_get_bn_param(pkey, "e", &found) != 1)
		return err_set(e, ERR_INPUT, "public key cannot be read");
	ossl_auto(BIGNUM) *exponent = found;
	if (bits < RSA_MIN_BITS)
		return err_set(e, ERR_INPUT, "public key is too weak: RSA with %d bits", bits);
	if (bits > RSA_MAX_BITS)
		return err_set(e, ERR_INPUT, "public key is too large: RSA with %d bits", bits);
	if (!BN_is_odd(exponent) || BN_is_one(exponent) || BN_num_bits(exponent) > 64)
		return err_set(e, ERR_INPUT, "public key has a bad RSA exponent");
	return true;
}

static struct key *public_rsa(struct bytes spki, struct err *e)
{
	const unsigned char *end = spki.ptr;
	ossl_auto(EVP_PKEY) *pkey = d2i_PUBKEY(NULL, &end, (long)spki.len);

	if (!pkey || end != spki.ptr + spki.len)
		return give_up(NULL, e, ERR_INPUT, "public key cannot be read");
	if (EVP_PKEY_get_base_id(pkey) != EVP_PKEY_RSA)
		return give_up(NULL, e, ERR_INPUT, "public key is of a kind not used here");
	if (!rsa_is_good(pkey, e))
		return NULL;
	struct key *k = new_key(KEY_RSA);
	EVP_PKEY_up_ref(pkey);
	k->pkey = pkey;
	buf_put(&k->spki, spki.ptr, spki.len);
	return k;
}

struct key *key_public(struct bytes spki, struct err *e)
{
	for (size_t i = 0; i < countof(forms); i++) {
		struct bytes prefix = forms[i].prefix;
		if (spki.len != prefix.len + forms[i].raw_len ||
		    memcmp(spki.ptr, prefix.ptr, prefix.len) != 0)
			continue;
		const uint8_t *raw = spki.ptr + prefix.len;
		if (forms[i].kind == KEY_ED25519)
			return key_public_ed25519(raw, e);
		return public_ec(i, bytes_of(raw, forms[i].raw_len), e);
	}
	if (spki.len == 0 || spki.len > 2048)
		return give_up(NULL, e, ERR_INPUT, "public key cannot be read");
	return public_rsa(spki, e);
}

enum key_kind key_kind(const struct key *k)
{
	return k->kind;
}

bool key_is_private(const struct key *k)
{
	return k->is_private;
}

struct bytes key_spki(const struct key *k)
{
	return buf_bytes(&k->spki);
}

struct bytes key_point(const struct key *k)
{
	size_t form = form_of(k->kind);
	struct bytes all = buf_bytes(&k->spki);

	if (k->kind == KEY_P384 || form == countof(forms))
		return (struct bytes){ 0 };
	size_t skip = forms[form].prefix.len;
	return bytes_of(all.ptr + skip, all.len - skip);
}

/* The bits inside the BIT STRING; for RSA, which has no fixed prefix, the whole SPKI serves. */
void key_id(const struct key *k, uint8_t out[20])
{
	size_t form = form_of(k->kind);
	struct bytes bits = buf_bytes(&k->spki);
	uint8_t digest[SHA256_LEN];

	if (form < countof(forms)) {
		bits.ptr += forms[form].prefix.len;
		bits.len = forms[form].raw_len;
	}
	sha256(bits, digest);
	memcpy(out, digest, 20);
}

EVP_PKEY *ossl_pkey(struct key *k)
{
	if (k->pkey || !k->ec)
		return k->pkey;
	EVP_PKEY *pkey = EVP_PKEY_new();
	if (pkey && EVP_PKEY_set1_EC_KEY(pkey, k->ec) != 1) {
		EVP_PKEY_free(pkey);
		return NULL;
	}
	k->pkey = pkey;
	return pkey;
}

/* --- keys that sign elsewhere --- */

static int external_index(void)
{
	static int index = -1;

	if (index < 0)
		index = EC_KEY_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	return index;
}

/* What OpenSSL calls during a handshake. There is no way to hand an err through it: its text is
 * lost, the handshake fails. */
/* NOLINTNEXTLINE(readability-function-size): its shape is OpenSSL's */
static int external_sign(int type, const unsigned char *digest, int len, unsigned char *sig,
			 unsigned int *sig_len, const BIGNUM *kinv, const BIGNUM *r, EC_KEY *ec)
{
	struct key *k = EC_KEY_get_ex_data(ec, external_index());
	uint8_t raw[KEY_SIG];
	struct err e = { 0 };
	struct buf der;

	(void)type;
	(void)kinv;
	(void)r;
	if (!k || len != KEY_DIGEST || !k->sign(k->ctx, digest, raw, &e))
		return 0;
	buf_init(&der, KEY_SIG_DER_MAX);
	bool ok = key_sig_to_der(raw, &der);
	if (ok) {
		memcpy(sig, der.ptr, der.len);
		*sig_len = (unsigned int)der.len;
	}
	buf_done(&der);
	return ok;
}

static const EC_KEY_METHOD *external_method(void)
{
	static EC_KEY_METHOD *method;

	if (!method) {
		method = EC_KEY_METHOD_new(EC_KEY_OpenSSL());
		if (method)
			EC_KEY_METHOD_set_sign(method, external_sign, NULL, NULL);
	}
	return method;
}

struct key *key_external(struct bytes spki, key_sign_fn *sign, void *ctx, struct err *e)
{
	struct key *k = key_public(spki, e);

	if (!k)
		return NULL;
	if (k->kind != KEY_P256)
		return give_up(k, e, ERR_INPUT, "an external key must be P-256");
	if (EC_KEY_set_method(k->ec, external_method()) != 1 ||
	    EC_KEY_set_ex_data(k->ec, external_index(), k) != 1)
		return give_up(k, e, ERR_SYSTEM, "an external key cannot be made");
	k->sign = sign;
	k->ctx = ctx;
	k->is_private = true;
	return k;
}

/* --- signatures --- */

static bool raw_of(const ECDSA_SIG *sig, uint8_t out[KEY_SIG])
{
	return sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, KEY_SIG / 2) == KEY_SIG / 2 &&
	       BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + KEY_SIG / 2, KEY_SIG / 2) == KEY_SIG / 2;
}

static ECDSA_SIG *sig_of(const uint8_t raw[KEY_SIG])
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw, KEY_SIG / 2, NULL);
	BIGNUM *s = BN_bin2bn(raw + KEY_SIG / 2, KEY_SIG / 2, NULL);

	if (sig && r && s && ECDSA_SIG_set0(sig, r, s) == 1)
		return sig;
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(sig);
	return NULL;
}

bool key_sig_to_der(const uint8_t raw[KEY_SIG], struct buf *out)
{
	ossl_auto(ECDSA_SIG) *sig = sig_of(raw);
	uint8_t der[KEY_SIG_DER_MAX];
	uint8_t *end = der;
	int len = sig ? i2d_ECDSA_SIG(sig, &end) : 0;

	return len > 0 && buf_put(out, der, (size_t)len);
}

bool key_sig_from_der(struct bytes der, uint8_t out_sig[KEY_SIG], struct err *e)
{
	const uint8_t *end = der.ptr;
	uint8_t again[KEY_SIG_DER_MAX + 8];
	uint8_t *to = again;
	ossl_auto(ECDSA_SIG) *sig = der.len && der.len <= KEY_SIG_DER_MAX
					    ? d2i_ECDSA_SIG(NULL, &end, (long)der.len)
					    : NULL;

	/* Only the one encoding DER allows, and numbers that fit: writing it again must agree. */
	if (!raw_of(sig, out_sig) || i2d_ECDSA_SIG(sig, NULL) != (int)der.len ||
	    i2d_ECDSA_SIG(sig, &to) <= 0 || memcmp(again, der.ptr, der.len) != 0)
		return ossl_fail(e, ERR_INPUT, "not an ECDSA P-256 signature");
	return true;
}

bool key_sign_digest(const struct key *k, const uint8_t digest[KEY_DIGEST],
		     uint8_t out_sig[KEY_SIG], struct err *e)
{
	if (k->kind != KEY_P256 || !k->is_private)
		return err_set(e, ERR_INPUT, "not a P-256 private key");
	if (k->sign)
		return k->sign(k->ctx, digest, out_sig, e);
	ossl_auto(ECDSA_SIG) *sig = ECDSA_do_sign(digest, KEY_DIGEST, k->ec);
	return raw_of(sig, out_sig) || ossl_fail(e, ERR_SYSTEM, "signing failed");
}

bool key_verify_digest(const struct key *k, const uint8_t digest[KEY_DIGEST],
		       const uint8_t raw[KEY_SIG], struct err *e)
{
	ossl_auto(ECDSA_SIG) *sig = sig_of(raw);

	if (k->kind != KEY_P256)
		return err_set(e, ERR_INPUT, "not a P-256 key");
	if (!sig || ECDSA_do_verify(digest, KEY_DIGEST, sig, k->ec) != 1) {
		ERR_clear_error();
		return err_set(e, ERR_INPUT, "signature does not verify");
	}
	return true;
}

bool key_sign_ed25519(const struct key *k, struct bytes message, uint8_t out_sig[64], struct err *e)
{
	size_t len = 64;

	if (k->kind != KEY_ED25519 || !k->is_private)
		return err_set(e, ERR_INPUT, "not an Ed25519 private key");
	ossl_auto(EVP_MD_CTX) *ctx = EVP_MD_CTX_new();
	if (!ctx || EVP_DigestSignInit(ctx, NULL, NULL, NULL, k->pkey) != 1 ||
	    EVP_DigestSign(ctx, out_sig, &len, message.ptr, message.len) != 1 || len != 64)
		return ossl_fail(e, ERR_SYSTEM, "signing failed");
	return true;
}

bool key_verify_ed25519(const struct key *k, struct bytes message, const uint8_t sig[64],
			struct err *e)
{
	if (k->kind != KEY_ED25519)
		return err_set(e, ERR_INPUT, "not an Ed25519 key");
	ossl_auto(EVP_MD_CTX) *ctx = EVP_MD_CTX_new();
	if (!ctx || EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, k->pkey) != 1)
		return ossl_fail(e, ERR_SYSTEM, "verifying failed");
	if (EVP_DigestVerify(ctx, sig, 64, message.ptr, message.len) != 1) {
		ERR_clear_error();
		return err_set(e, ERR_INPUT, "signature does not verify");
	}
	return true;
}

static int hash_message(int hash_bits, struct bytes message, uint8_t out[EVP_MAX_MD_SIZE])
{
	const EVP_MD *md = hash_bits == 384 ? EVP_sha384() : hash_bits == 512 ? EVP_sha512() : NULL;
	unsigned int len = 0;

	if (hash_bits == 256) {
		sha256(message, out);
		return SHA256_LEN;
	}
	if (!md || EVP_Digest(message.ptr, message.len, out, &len, md, NULL) != 1)
		return 0;
	return (int)len;
}

bool key_sign_message(const struct key *k, struct bytes message, struct buf *out, struct err *e)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	uint8_t raw[KEY_SIG];

	if (k->kind == KEY_P256) {
		sha256(message, digest);
		return key_sign_digest(k, digest, raw, e) &&
		       (key_sig_to_der(raw, out) || err_set(e, ERR_SYSTEM, "signature: no room"));
	}
	if (k->kind != KEY_P384 || !k->is_private)
		return err_set(e, ERR_INPUT, "this key does not sign certificates or requests");
	uint8_t der[128];
	unsigned int len = 0;
	int digest_len = hash_message(384, message, digest);
	if (ECDSA_sign(0, digest, digest_len, der, &len, k->ec) != 1)
		return ossl_fail(e, ERR_SYSTEM, "signing failed");
	return buf_put(out, der, len) || err_set(e, ERR_SYSTEM, "signature: no room");
}

static bool verify_rsa(const struct key *k, int hash_bits, struct bytes digest, struct bytes sig)
{
	ossl_auto(EVP_PKEY_CTX) *ctx = EVP_PKEY_CTX_new(k->pkey, NULL);
	const EVP_MD *md = hash_bits == 384   ? EVP_sha384()
			   : hash_bits == 512 ? EVP_sha512()
					      : EVP_sha256();

	return ctx && EVP_PKEY_verify_init(ctx) == 1 &&
	       EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_signature_md(ctx, md) == 1 &&
	       EVP_PKEY_verify(ctx, sig.ptr, sig.len, digest.ptr, digest.len) == 1;
}

bool key_verify_message(const struct key *k, int hash_bits, struct bytes message, struct bytes sig,
			struct err *e)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	int len = hash_message(hash_bits, message, digest);
	bool ok = false;

	if (len == 0)
		return err_set(e, ERR_INPUT, "hash of %d bits is not used here", hash_bits);
	if (k->kind == KEY_RSA)
		ok = verify_rsa(k, hash_bits, bytes_of(digest, (size_t)len), sig);
	else if (k->ec && sig.len && sig.len < 256)
		ok = ECDSA_verify(0, digest, len, sig.ptr, (int)sig.len, k->ec) == 1;
	ERR_clear_error();
	return ok || err_set(e, ERR_INPUT, "signature does not verify");
}
