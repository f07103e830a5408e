#include "crypto/csr.h"

#include "codec/der.h"
#include "crypto/oid.h"

enum { CHALLENGE_MAX = 255, NAME_LOG_MAX = 64 };

/* Which hash each signature algorithm uses, and for which keys. */
static const struct {
	const struct bytes *oid;
	int hash_bits;
	bool is_rsa;
} algorithms[] = {
	{ &OID_ECDSA_SHA256, 256, false }, { &OID_ECDSA_SHA384, 384, false },
	{ &OID_ECDSA_SHA512, 512, false }, { &OID_RSA_SHA256, 256, true },
	{ &OID_RSA_SHA384, 384, true },    { &OID_RSA_SHA512, 512, true },
};

/* A common name to write into a log; whatever else the subject holds is nobody's business. */
static struct str find_common_name(struct bytes name)
{
	struct der whole = der_of(name);
	struct der rdns;
	struct str found = { 0 };

	der_enter(&whole, DER_SEQUENCE, &rdns);
	while (der_more(&rdns)) {
		struct der set;
		struct der pair;
		unsigned tag;
		der_enter(&rdns, DER_SET, &set);
		der_enter(&set, DER_SEQUENCE, &pair);
		bool is_cn = bytes_eq(der_take(&pair, DER_OID), OID_COMMON_NAME);
		struct str value = str_bytes(der_any(&pair, &tag));
		if (is_cn && value.len <= NAME_LOG_MAX)
			found = value;
	}
	return found;
}

static bool read_challenge(struct der *values, struct csr *out, struct err *e)
{
	unsigned tag;
	struct str text = str_bytes(der_any(values, &tag));

	if (!der_end(values) || out->challenge.len || text.len == 0 || text.len > CHALLENGE_MAX ||
	    (tag != DER_UTF8 && tag != DER_PRINTABLE && tag != DER_IA5))
		return err_set(e, ERR_INPUT, "challenge password is malformed");
	out->challenge = text;
	return true;
}

/* Only the challenge password means anything here: requested extensions are read past (E2). */
static bool read_attributes(struct der *info, struct csr *out, struct err *e)
{
	struct der in;

	if (!der_more(info)) /* some leave out an empty set */
		return true;
	der_enter(info, DER_CONTEXT_CONSTRUCTED | 0, &in);
	while (der_more(&in)) {
		struct der pair;
		struct der values;
		der_enter(&in, DER_SEQUENCE, &pair);
		struct bytes oid = der_take(&pair, DER_OID);
		der_enter(&pair, DER_SET, &values);
		if (!der_end(&pair))
			return err_set(e, ERR_INPUT, "an attribute is malformed");
		if (bytes_eq(oid, OID_CHALLENGE_PASSWORD) && !read_challenge(&values, out, e))
			return false;
	}
	der_leave(info, &in);
	return true;
}

static bool read_info(struct bytes whole, struct csr *out, struct err *e)
{
	struct der d = der_of(whole);
	struct der in;

	der_enter(&d, DER_SEQUENCE, &in);
	if (der_uint(&in) != 0)
		return err_set(e, ERR_INPUT, "not a version 1 certificate request");
	struct bytes subject = der_whole(&in, DER_SEQUENCE);
	out->spki = der_whole(&in, DER_SEQUENCE);
	if (!der_ok(&in))
		return err_set(e, ERR_INPUT, "certificate request is malformed");
	if (!read_attributes(&in, out, e))
		return false;
	der_leave(&d, &in);
	if (!der_end(&d))
		return err_set(e, ERR_INPUT, "certificate request is malformed");
	out->common_name = find_common_name(subject);
	return true;
}

/* False with hash_bits 0 when it is none of ours. */
static bool read_algorithm(struct bytes whole, bool is_rsa, int *hash_bits)
{
	struct der d = der_of(whole);
	struct der in;

	der_enter(&d, DER_SEQUENCE, &in);
	struct bytes oid = der_take(&in, DER_OID);
	if (is_rsa)
		(void)der_skip(&in, DER_NULL);
	*hash_bits = 0;
	for (size_t i = 0; i < countof(algorithms); i++)
		if (der_end(&in) && algorithms[i].is_rsa == is_rsa &&
		    bytes_eq(oid, *algorithms[i].oid))
			*hash_bits = algorithms[i].hash_bits;
	return *hash_bits != 0;
}

bool csr_read(struct bytes der, struct csr *out, struct err *e)
{
	struct der d = der_of(der);
	struct der in;
	int hash_bits;

	*out = (struct csr){ 0 };
	if (der.len > CSR_MAX_BYTES)
		return err_set(e, ERR_INPUT, "certificate request is too large");
	der_enter(&d, DER_SEQUENCE, &in);
	struct bytes info = der_whole(&in, DER_SEQUENCE);
	struct bytes algorithm = der_whole(&in, DER_SEQUENCE);
	struct bytes sig = der_bits(&in);
	der_leave(&d, &in);
	if (!der_end(&d))
		return err_set(e, ERR_INPUT, "not one DER certificate request");
	if (!read_info(info, out, e))
		return false;
	auto_key struct key *key = key_public(out->spki, e);
	if (!key)
		return err_hint(e, "use a P-256 key");
	out->kind = key_kind(key);
	if (out->kind == KEY_ED25519 ||
	    !read_algorithm(algorithm, out->kind == KEY_RSA, &hash_bits))
		return err_set(e, ERR_INPUT, "signature algorithm of the request is not used here");
	if (!key_verify_message(key, hash_bits, info, sig, e)) /* RFC 7030 3.5: it has the key */
		return err_in(e, "certificate request");
	sha256(der, out->digest);
	return true;
}

static void put_attributes(struct derw *w, struct str challenge)
{
	derw_begin(w, DER_CONTEXT_CONSTRUCTED | 0);
	if (challenge.len) {
		derw_begin(w, DER_SEQUENCE);
		derw_oid(w, OID_CHALLENGE_PASSWORD);
		derw_begin(w, DER_SET);
		derw_put(w, DER_UTF8, bytes_str(challenge));
		derw_end(w);
		derw_end(w);
	}
	derw_end(w);
}

static bool put_info(const struct key *key, struct str common_name, struct str challenge,
		     struct buf *out)
{
	struct derw w;

	derw_init(&w, out);
	derw_begin(&w, DER_SEQUENCE);
	derw_uint(&w, 0);
	derw_begin(&w, DER_SEQUENCE);
	derw_begin(&w, DER_SET);
	derw_begin(&w, DER_SEQUENCE);
	derw_oid(&w, OID_COMMON_NAME);
	derw_put(&w, DER_UTF8, bytes_str(common_name));
	derw_end(&w);
	derw_end(&w);
	derw_end(&w);
	derw_raw(&w, key_spki(key));
	put_attributes(&w, challenge);
	derw_end(&w);
	return derw_ok(&w);
}

bool csr_write(const struct key *key, struct str common_name, struct str challenge, struct buf *out,
	       struct err *e)
{
	auto_buf struct buf info = { 0 };
	auto_buf struct buf sig = { 0 };
	struct derw w;

	buf_init(&info, 2048);
	buf_init(&sig, 256);
	if (!put_info(key, common_name, challenge, &info))
		return err_set(e, ERR_INPUT, "certificate request would be too large");
	if (!key_sign_message(key, buf_bytes(&info), &sig, e))
		return err_in(e, "certificate request");
	derw_init(&w, out);
	derw_begin(&w, DER_SEQUENCE);
	derw_raw(&w, buf_bytes(&info));
	derw_begin(&w, DER_SEQUENCE);
	derw_oid(&w, key_kind(key) == KEY_P384 ? OID_ECDSA_SHA384 : OID_ECDSA_SHA256);
	derw_end(&w);
	derw_bits(&w, buf_bytes(&sig));
	derw_end(&w);
	return derw_ok(&w) || err_set(e, ERR_INPUT, "certificate request would be too large");
}
