#include "crypto/tpmverify.h"

#include <openssl/hmac.h>
#include <openssl/rsa.h>

#include "base/cursor.h"
#include "base/mem.h"
#include "codec/der.h"
#include "crypto/cert.h"
#include "crypto/ossl.h"

/* TPM_ALG_ID, part 2 table 9, and the other constants that can occur. */
enum {
	ALG_RSA = 0x0001,
	ALG_AES = 0x0006,
	ALG_SHA256 = 0x000b,
	ALG_SHA384 = 0x000c,
	ALG_NULL = 0x0010,
	ALG_RSAES = 0x0015,
	ALG_ECDSA = 0x0018,
	ALG_ECDAA = 0x001a,
	ALG_ECC = 0x0023,
	ALG_CFB = 0x0043,
	CURVE_P256 = 0x0003,
	CURVE_P384 = 0x0004,
	ST_ATTEST_QUOTE = 0x8018,
	POLICY_MAX = 64,
	MODULUS_MAX = 512,
	POINT_MAX = 48,
	EXTRA_MAX = 64,
	HASH_MAX = 48,
	DEFAULT_EXPONENT = 65537,
};
static const uint32_t GENERATED = 0xff544347; /* TPM_GENERATED_VALUE */

/* --- TPMT_PUBLIC, part 2 12.2.4 --- */

static void read_symmetric(struct rd *r, struct tpm_public *p)
{
	p->symmetric = rd_u16(r);
	if (p->symmetric == ALG_AES) {
		p->symmetric_bits = rd_u16(r);
		p->symmetric_mode = rd_u16(r);
	} else if (p->symmetric != ALG_NULL) {
		rd_fail(r);
	}
}

static void read_scheme(struct rd *r, struct tpm_public *p)
{
	p->scheme = rd_u16(r);
	if (p->scheme == ALG_NULL || p->scheme == ALG_RSAES)
		return;
	p->scheme_hash = rd_u16(r);
	if (p->scheme == ALG_ECDAA)
		(void)rd_u16(r);
}

static void read_rsa(struct rd *r, struct tpm_public *p)
{
	read_symmetric(r, p);
	read_scheme(r, p);
	uint16_t bits = rd_u16(r);
	p->exponent = rd_u32(r);
	if (p->exponent == 0)
		p->exponent = DEFAULT_EXPONENT;
	p->modulus = rd_bytes16(r);
	p->kind = KEY_RSA;
	if (p->modulus.len > MODULUS_MAX || p->modulus.len * 8 != bits)
		rd_fail(r);
}

static void read_ecc(struct rd *r, struct tpm_public *p)
{
	read_symmetric(r, p);
	read_scheme(r, p);
	uint16_t curve = rd_u16(r);
	if (rd_u16(r) != ALG_NULL) /* kdf */
		(void)rd_u16(r);
	p->x = rd_bytes16(r);
	p->y = rd_bytes16(r);
	p->kind = curve == CURVE_P256 ? KEY_P256 : curve == CURVE_P384 ? KEY_P384 : KEY_NONE;
	size_t size = p->kind == KEY_P256 ? 32 : 48;
	if (p->x.len == 0 || p->x.len > size || p->y.len == 0 || p->y.len > size)
		rd_fail(r);
}

static size_t hash_len(uint16_t alg)
{
	return alg == ALG_SHA256 ? 32 : alg == ALG_SHA384 ? 48 : 0;
}

static const EVP_MD *hash_of(uint16_t alg)
{
	return alg == ALG_SHA384 ? EVP_sha384() : EVP_sha256();
}

/* The name is the algorithm and the digest of everything (part 1, 16). */
static bool set_name(struct tpm_public *p, struct err *e)
{
	unsigned int len = 0;

	p->name[0] = (uint8_t)(p->name_hash >> 8);
	p->name[1] = (uint8_t)p->name_hash;
	if (EVP_Digest(p->raw.ptr, p->raw.len, p->name + 2, &len, hash_of(p->name_hash), NULL) != 1)
		return ossl_fail(e, ERR_SYSTEM, "name of a TPM key");
	p->name_len = 2 + len;
	return true;
}

bool tpm_public_read(struct bytes in, struct tpm_public *out, struct err *e)
{
	struct rd r = rd_of(in);

	*out = (struct tpm_public){ .raw = in };
	uint16_t type = rd_u16(&r);
	out->name_hash = rd_u16(&r);
	out->attributes = rd_u32(&r);
	out->policy = rd_bytes16(&r);
	if (type == ALG_RSA)
		read_rsa(&r, out);
	else if (type == ALG_ECC)
		read_ecc(&r, out);
	else
		return err_set(e, ERR_INPUT, "TPM public area of type 0x%04x is not used here",
			       type);
	if (!rd_end(&r) || in.len > TPM_PUBLIC_MAX || out->policy.len > POLICY_MAX)
		return err_set(e, ERR_INPUT, "TPM public area is malformed");
	if (out->kind == KEY_NONE)
		return err_set(e, ERR_INPUT, "TPM key is on a curve not used here");
	if (!hash_len(out->name_hash))
		return err_set(e, ERR_INPUT, "TPM key is named with a hash not used here");
	return set_name(out, e);
}

/* --- as keys --- */

static void put_padded(struct derw *w, struct bytes v, size_t size)
{
	static const uint8_t zeros[POINT_MAX];

	derw_raw(w, bytes_of(zeros, size - v.len));
	derw_raw(w, v);
}

static void put_curve_key(struct derw *w, const struct tpm_public *p)
{
	static const struct bytes ec = { (const uint8_t *)"\x2a\x86\x48\xce\x3d\x02\x01", 7 };
	static const struct bytes p256 = { (const uint8_t *)"\x2a\x86\x48\xce\x3d\x03\x01\x07", 8 };
	static const struct bytes p384 = { (const uint8_t *)"\x2b\x81\x04\x00\x22", 5 };
	size_t size = p->kind == KEY_P256 ? 32 : 48;

	derw_begin(w, DER_SEQUENCE);
	derw_oid(w, ec);
	derw_oid(w, p->kind == KEY_P256 ? p256 : p384);
	derw_end(w);
	derw_begin_bits(w);
	derw_raw(w, bytes_of("\x04", 1));
	put_padded(w, p->x, size);
	put_padded(w, p->y, size);
	derw_end(w);
}

static void put_rsa_key(struct derw *w, const struct tpm_public *p)
{
	static const struct bytes rsa = { (const uint8_t *)"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01",
					  9 };

	derw_begin(w, DER_SEQUENCE);
	derw_oid(w, rsa);
	derw_null(w);
	derw_end(w);
	derw_begin_bits(w);
	derw_begin(w, DER_SEQUENCE);
	derw_big_uint(w, p->modulus);
	derw_uint(w, p->exponent);
	derw_end(w);
	derw_end(w);
}

struct key *tpm_public_key(const struct tpm_public *p, struct err *e)
{
	auto_buf struct buf spki = { 0 };
	struct derw w;

	buf_init(&spki, TPM_PUBLIC_MAX);
	derw_init(&w, &spki);
	derw_begin(&w, DER_SEQUENCE);
	if (p->kind == KEY_RSA)
		put_rsa_key(&w, p);
	else
		put_curve_key(&w, p);
	derw_end(&w);
	if (!derw_ok(&w)) {
		(void)err_set(e, ERR_INPUT, "TPM key is too large");
		return NULL;
	}
	return key_public(buf_bytes(&spki), e);
}

/* --- what kind of key is it? --- */

static const struct {
	uint32_t bit;
	const char *name;
} attribute_names[] = {
	{ TPM_FIXED_TPM, "fixedTPM" },
	{ TPM_FIXED_PARENT, "fixedParent" },
	{ TPM_ORIGIN, "sensitiveDataOrigin" },
	{ TPM_RESTRICTED, "restricted" },
	{ TPM_DECRYPT, "decrypt" },
	{ TPM_SIGN, "sign" },
};

static bool check_attributes(const struct tpm_public *p, uint32_t want, uint32_t never,
			     const char *what, struct err *e)
{
	for (size_t i = 0; i < countof(attribute_names); i++) {
		uint32_t bit = attribute_names[i].bit;
		if (want & bit && !(p->attributes & bit))
			return err_set(e, ERR_DENIED, "%s is not %s", what,
				       attribute_names[i].name);
		if (never & bit && p->attributes & bit)
			return err_set(e, ERR_DENIED, "%s is also a %s key", what,
				       attribute_names[i].name);
	}
	return true;
}

bool tpm_ak_check(const struct tpm_public *ak, struct err *e)
{
	if (!check_attributes(
		    ak, TPM_FIXED_TPM | TPM_FIXED_PARENT | TPM_ORIGIN | TPM_RESTRICTED | TPM_SIGN,
		    TPM_DECRYPT, "attestation key", e))
		return false;
	if (ak->kind != KEY_P256 || ak->name_hash != ALG_SHA256 || ak->scheme != ALG_ECDSA ||
	    ak->scheme_hash != ALG_SHA256)
		return err_set(e, ERR_DENIED, "attestation key is not ECDSA P-256 with SHA-256");
	return true;
}

/* AES key length of the templates we can make credentials for; 0: none of them. */
static uint16_t storage_bits(const struct tpm_public *p)
{
	if (p->symmetric != ALG_AES || p->symmetric_mode != ALG_CFB)
		return 0;
	if (p->name_hash == ALG_SHA384)
		return p->kind == KEY_P384 && p->symmetric_bits == 256 ? 256 : 0;
	bool is_known = p->kind == KEY_P256 || (p->kind == KEY_RSA && p->modulus.len == 256);
	return is_known && p->symmetric_bits == 128 ? 128 : 0;
}

bool tpm_ek_check(const struct tpm_public *ek, struct err *e)
{
	if (!check_attributes(ek,
			      TPM_FIXED_TPM | TPM_FIXED_PARENT | TPM_ORIGIN | TPM_RESTRICTED |
				      TPM_DECRYPT,
			      TPM_SIGN, "endorsement key", e))
		return false;
	return storage_bits(ek) != 0 ||
	       err_set(e, ERR_DENIED, "endorsement key is of a template not known here");
}

bool tpm_ek_has_certificate(const struct tpm_public *ek, struct bytes certificate, struct err *e)
{
	struct bytes spki;

	auto_key struct key *key = tpm_public_key(ek, e);
	if (!key || !cert_read_spki(certificate, &spki, e))
		return err_in(e, "endorsement key");
	return bytes_eq(spki, key_spki(key)) ||
	       err_set(e, ERR_DENIED, "endorsement certificate is of another key");
}

/* --- MakeCredential, part 1 24 and annexes B.10 and C.6 --- */

static bool hmac(uint16_t alg, struct bytes key, struct bytes data, uint8_t out[HASH_MAX])
{
	unsigned int len = 0;

	return HMAC(hash_of(alg), key.ptr, (int)key.len, data.ptr, data.len, out, &len) != NULL &&
	       len == hash_len(alg);
}

/* KDFa for at most one block, which is all that is asked for: bits <= those of the hash. */
static bool kdfa(uint16_t alg, struct bytes seed, const char *label, struct bytes context,
		 uint16_t bits, uint8_t out[HASH_MAX])
{
	uint8_t text[128];
	struct wr w = wr_of(text, sizeof(text));

	wr_u32(&w, 1);
	wr_put(&w, bytes_of(label, strlen(label) + 1));
	wr_put(&w, context);
	wr_u32(&w, bits);
	return wr_ok(&w) && hmac(alg, seed, wr_bytes(&w), out);
}

/* KDFe likewise; x coordinates padded to the size of the curve. */
static bool kdfe(uint16_t alg, struct bytes z, struct bytes ephemeral_x, struct bytes static_x,
		 uint8_t out[HASH_MAX])
{
	uint8_t text[256];
	unsigned int len = 0;
	struct wr w = wr_of(text, sizeof(text));

	wr_u32(&w, 1);
	wr_put(&w, z);
	wr_put(&w, bytes_of("IDENTITY", 9));
	wr_put(&w, ephemeral_x);
	wr_put(&w, static_x);
	bool ok = wr_ok(&w) && EVP_Digest(text, w.len, out, &len, hash_of(alg), NULL) == 1;
	mem_wipe(text, sizeof(text));
	return ok;
}

static bool seed_by_rsa(const struct tpm_public *ek, struct key *key, uint8_t seed[HASH_MAX],
			struct buf *out_secret)
{
	static const char label[] = "IDENTITY"; /* with its NUL */
	uint8_t cipher[MODULUS_MAX];
	size_t len = sizeof(cipher);

	crypto_random(seed, hash_len(ek->name_hash));
	ossl_auto(EVP_PKEY_CTX) *ctx = EVP_PKEY_CTX_new(ossl_pkey(key), NULL);
	void *copy = OPENSSL_memdup(label, sizeof(label));
	bool ok = ctx && copy && EVP_PKEY_encrypt_init(ctx) == 1 &&
		  EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
		  EVP_PKEY_CTX_set_rsa_oaep_md(ctx, hash_of(ek->name_hash)) == 1 &&
		  EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, hash_of(ek->name_hash)) == 1;
	if (!ok || EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, copy, sizeof(label)) != 1) {
		OPENSSL_free(copy);
		return false;
	}
	if (EVP_PKEY_encrypt(ctx, cipher, &len, seed, hash_len(ek->name_hash)) != 1)
		return false;
	uint8_t size[2] = { (uint8_t)(len >> 8), (uint8_t)len };
	return buf_put(out_secret, size, 2) && buf_put(out_secret, cipher, len);
}

/* The point of a curve key: what follows 0x04 in its SPKI. */
static struct bytes point_of(const struct key *k, size_t size)
{
	struct bytes spki = key_spki(k);

	return bytes_of(spki.ptr + spki.len - 2 * size, 2 * size);
}

static bool put_point(struct buf *out, struct bytes point, size_t size)
{
	uint8_t text[2 + 2 * (2 + POINT_MAX)];
	struct wr w = wr_of(text, sizeof(text));

	wr_u16(&w, (uint16_t)(2 * (2 + size)));
	wr_bytes16(&w, bytes_of(point.ptr, size));
	wr_bytes16(&w, bytes_of(point.ptr + size, size));
	return wr_ok(&w) && buf_put(out, text, w.len);
}

static bool seed_by_curve(const struct tpm_public *ek, struct key *key, uint8_t seed[HASH_MAX],
			  struct buf *out_secret, struct err *e)
{
	size_t size = ek->kind == KEY_P256 ? 32 : 48;
	uint8_t z[POINT_MAX];
	size_t z_len = sizeof(z);

	auto_key struct key *ephemeral = key_generate(ek->kind, e);
	if (!ephemeral)
		return false;
	ossl_auto(EVP_PKEY_CTX) *ctx = EVP_PKEY_CTX_new(ossl_pkey(ephemeral), NULL);
	struct bytes mine = point_of(ephemeral, size);
	bool ok = ctx && EVP_PKEY_derive_init(ctx) == 1 &&
		  EVP_PKEY_derive_set_peer(ctx, ossl_pkey(key)) == 1 &&
		  EVP_PKEY_derive(ctx, z, &z_len) == 1 && z_len == size &&
		  kdfe(ek->name_hash, bytes_of(z, size), bytes_of(mine.ptr, size),
		       bytes_of(point_of(key, size).ptr, size), seed) &&
		  put_point(out_secret, mine, size);
	mem_wipe(z, sizeof(z));
	return ok;
}

static bool encrypt(const struct tpm_public *ek, struct bytes seed, struct bytes name,
		    struct bytes plain, uint8_t *out)
{
	static const uint8_t iv[16];
	uint16_t bits = storage_bits(ek);
	uint8_t key[HASH_MAX];
	int len = 0;

	ossl_auto(EVP_CIPHER_CTX) *ctx = EVP_CIPHER_CTX_new();
	bool ok = ctx && kdfa(ek->name_hash, seed, "STORAGE", name, bits, key) &&
		  EVP_EncryptInit_ex(ctx, bits == 256 ? EVP_aes_256_cfb128() : EVP_aes_128_cfb128(),
				     NULL, key, iv) == 1 &&
		  EVP_EncryptUpdate(ctx, out, &len, plain.ptr, (int)plain.len) == 1 &&
		  (size_t)len == plain.len;
	mem_wipe(key, sizeof(key));
	return ok;
}

static bool put_blob(const struct tpm_public *ek, struct bytes seed, struct bytes name,
		     struct bytes secret, struct buf *out)
{
	uint8_t plain[2 + HASH_MAX];
	uint8_t sealed[2 + HASH_MAX + TPM_NAME_MAX]; /* the name follows, for the HMAC */
	uint8_t key[HASH_MAX];
	uint8_t mac[HASH_MAX];
	uint8_t blob[2 + 2 + HASH_MAX + 2 + HASH_MAX];
	struct wr p = wr_of(plain, sizeof(plain));
	struct wr w = wr_of(blob, sizeof(blob));
	size_t hash = hash_len(ek->name_hash);

	wr_bytes16(&p, secret);
	if (!wr_ok(&p) || name.len > TPM_NAME_MAX || !encrypt(ek, seed, name, wr_bytes(&p), sealed))
		return false;
	memcpy(sealed + p.len, name.ptr, name.len);
	if (!kdfa(ek->name_hash, seed, "INTEGRITY", (struct bytes){ 0 }, (uint16_t)(hash * 8),
		  key) ||
	    !hmac(ek->name_hash, bytes_of(key, hash), bytes_of(sealed, p.len + name.len), mac))
		return false;
	wr_u16(&w, (uint16_t)(2 + hash + p.len));
	wr_bytes16(&w, bytes_of(mac, hash));
	wr_put(&w, bytes_of(sealed, p.len));
	mem_wipe(key, sizeof(key));
	mem_wipe(plain, sizeof(plain));
	return wr_ok(&w) && buf_put(out, blob, w.len);
}

bool tpm_make_credential(const struct tpm_public *ek, struct bytes ak_name, struct bytes secret,
			 struct buf *out_blob, struct buf *out_secret, struct err *e)
{
	uint8_t seed[HASH_MAX];

	if (!tpm_ek_check(ek, e))
		return false;
	if (secret.len == 0 || secret.len > 32)
		return err_set(e, ERR_INPUT, "a credential of %zu bytes", secret.len);
	auto_key struct key *key = tpm_public_key(ek, e);
	if (!key)
		return false;
	bool ok = ek->kind == KEY_RSA ? seed_by_rsa(ek, key, seed, out_secret)
				      : seed_by_curve(ek, key, seed, out_secret, e);
	ok = ok && put_blob(ek, bytes_of(seed, hash_len(ek->name_hash)), ak_name, secret, out_blob);
	mem_wipe(seed, sizeof(seed));
	return ok || ossl_fail(e, ERR_SYSTEM, "a credential cannot be made");
}

/* --- TPMS_ATTEST and TPMT_SIGNATURE, part 2 10.12.8 and 11.3.4 --- */

struct attest {
	bool is_quote; /* magic and type */
	struct bytes extra, digest;
	bool is_sha256; /* one selection, of the SHA-256 bank */
};

static uint32_t read_mask(struct rd *r)
{
	struct bytes select = rd_take(r, rd_u8(r));
	uint32_t mask = 0;

	if (select.len > TPM_PCRS / 8)
		rd_fail(r);
	for (size_t i = 0; i < select.len && rd_ok(r); i++)
		mask |= (uint32_t)select.ptr[i] << (8 * i);
	return mask;
}

/* Parts of a quote are read only when it is one: other types go on differently. */
static void read_selection(struct rd *r, struct attest *a, struct tpm_quote_facts *out)
{
	uint32_t count = rd_u32(r);

	if (count > 16)
		rd_fail(r);
	a->is_sha256 = count == 1;
	for (uint32_t i = 0; i < count && rd_ok(r); i++) {
		if (rd_u16(r) != ALG_SHA256)
			a->is_sha256 = false;
		out->pcr_mask = read_mask(r);
	}
	a->digest = rd_bytes16(r);
}

static bool read_attest(struct bytes in, struct attest *a, struct tpm_quote_facts *out,
			struct err *e)
{
	struct rd r = rd_of(in);

	uint32_t magic = rd_u32(&r);
	uint16_t type = rd_u16(&r);
	if (rd_ok(&r) && (magic != GENERATED || type != ST_ATTEST_QUOTE))
		return err_set(e, ERR_INPUT, "not a quote: magic %08x, type %04x", magic, type);
	(void)rd_bytes16(
		&r); /* qualifiedSigner: a name under the primary, nothing to compare with */
	a->extra = rd_bytes16(&r);
	out->clock_ms = rd_u64(&r);
	out->reset_count = rd_u32(&r);
	out->restart_count = rd_u32(&r);
	out->clock_is_safe = rd_u8(&r) == 1;
	out->firmware_version = rd_u64(&r);
	read_selection(&r, a, out);
	if (!rd_end(&r) || in.len > TPM_QUOTE_MAX || a->extra.len > EXTRA_MAX)
		return err_set(e, ERR_INPUT, "quote is malformed");
	a->is_quote = true;
	return true;
}

static bool read_signature(struct bytes in, uint8_t out[KEY_SIG], struct err *e)
{
	struct rd r = rd_of(in);
	uint16_t alg = rd_u16(&r);
	uint16_t hash = rd_u16(&r);
	struct bytes half[2];

	half[0] = rd_bytes16(&r);
	half[1] = rd_bytes16(&r);
	if (!rd_end(&r) || alg != ALG_ECDSA || hash != ALG_SHA256)
		return err_set(e, ERR_INPUT, "quote is not signed with ECDSA and SHA-256");
	memset(out, 0, KEY_SIG);
	for (size_t i = 0; i < 2; i++) {
		if (half[i].len == 0 || half[i].len > KEY_SIG / 2)
			return err_set(e, ERR_INPUT, "signature of the quote is malformed");
		memcpy(out + (i + 1) * (KEY_SIG / 2) - half[i].len, half[i].ptr, half[i].len);
	}
	return true;
}

static bool is_signed(const struct tpm_quote *q, const uint8_t sig[KEY_SIG])
{
	uint8_t digest[SHA256_LEN];
	struct err ignored;

	if (!tpm_ak_check(q->ak, &ignored))
		return false;
	auto_key struct key *key = tpm_public_key(q->ak, &ignored);
	sha256(q->quote, digest);
	return key && key_verify_digest(key, digest, sig, &ignored);
}

static bool digest_matches(const struct tpm_quote *q, struct bytes quoted)
{
	uint8_t digest[SHA256_LEN];
	struct sha256 *h = sha256_new();

	for (size_t i = 0; i < TPM_PCRS; i++)
		if (q->pcrs.mask & 1U << i)
			sha256_add(h, bytes_of(q->pcrs.value[i], SHA256_LEN));
	sha256_end(h, digest);
	sha256_free(h);
	return bytes_eq(quoted, bytes_of(digest, SHA256_LEN));
}

bool tpm_quote_verify(const struct tpm_quote *q, struct tpm_quote_facts *out, struct err *e)
{
	struct tpm_quote_facts facts = { 0 };
	struct attest a = { 0 };
	uint8_t sig[KEY_SIG];

	*out = (struct tpm_quote_facts){ 0 };
	if (!read_attest(q->quote, &a, &facts, e) || !read_signature(q->signature, sig, e))
		return false;
	facts.is_signed = a.is_quote && is_signed(q, sig);
	facts.is_fresh = bytes_eq_secret(a.extra, bytes_of(q->expected, SHA256_LEN));
	facts.is_sha256 = a.is_sha256 && facts.pcr_mask != 0;
	facts.is_complete = q->pcrs.mask == facts.pcr_mask;
	facts.digest_matches = facts.is_sha256 && facts.is_complete && digest_matches(q, a.digest);
	*out = facts;
	return true;
}

void tpm_qualify(const uint8_t nonce[32], const uint8_t exporter[32], struct bytes tls_spki,
		 struct str device, uint8_t out[SHA256_LEN])
{
	static const char domain[] = "muster-attest-v1"; /* its NUL is part of it */
	uint8_t key[SHA256_LEN];
	uint8_t len[2] = { (uint8_t)(device.len >> 8), (uint8_t)device.len };
	struct sha256 *h = sha256_new();

	sha256(tls_spki, key);
	sha256_add(h, bytes_of(domain, sizeof(domain)));
	sha256_add(h, bytes_of(nonce, 32));
	sha256_add(h, bytes_of(exporter, 32));
	sha256_add(h, bytes_of(key, SHA256_LEN));
	sha256_add(h, bytes_of(len, 2));
	sha256_add(h, bytes_str(device));
	sha256_end(h, out);
	sha256_free(h);
}
