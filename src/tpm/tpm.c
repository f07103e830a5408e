#include "tpm/tpm.h"

#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tcti_device.h>
#include <tss2/tss2_tcti_swtpm.h>

#include "base/mem.h"

enum { OBJECTS = 4, SRK_HANDLE = 0x81000001, NV_CHUNK = 512 };

/* One visit to the TPM: what was loaded is flushed when it ends. */
struct visit {
	TSS2_TCTI_CONTEXT *tcti;
	ESYS_CONTEXT *esys;
	ESYS_TR objects[OBJECTS]; /* transient: to be flushed */
	size_t count;
};

typedef TSS2_RC tcti_init_fn(TSS2_TCTI_CONTEXT *, size_t *, const char *);

static const struct {
	const char *prefix;
	tcti_init_fn *init;
} transports[] = {
	{ "device:", Tss2_Tcti_Device_Init },
	{ "swtpm:", Tss2_Tcti_Swtpm_Init },
};

/* Where endorsement keys are (TCG EK credential profile 2.2.1.4; swtpm's defaults). */
static const struct {
	TPM2_HANDLE key, certificate;
} endorsement[] = {
	{ 0x81010001, 0x01c00002 }, /* RSA 2048 */
	{ 0x81010016, 0x01c00016 }, /* P-384 */
	{ 0x81010002, 0x01c0000a }, /* P-256 */
};

/* Is the trouble that nothing answers, rather than what was asked? */
static bool is_transport(TSS2_RC rc)
{
	return (rc & TSS2_RC_LAYER_MASK) == TSS2_TCTI_RC_LAYER;
}

static bool tss_fail(struct err *e, TSS2_RC rc, const char *doing)
{
	return err_set(e, is_transport(rc) ? ERR_RETRY : ERR_SYSTEM, "TPM: %s: %s", doing,
		       Tss2_RC_Decode(rc));
}

static size_t transport_of(const char *tcti)
{
	size_t i = 0;

	while (i < countof(transports) &&
	       strncmp(tcti, transports[i].prefix, strlen(transports[i].prefix)) != 0)
		i++;
	return i;
}

bool tpm_address_ok(const char *tcti, struct err *e)
{
	if (transport_of(tcti) < countof(transports))
		return true;
	(void)err_set(e, ERR_INPUT, "'%s' is not the address of a TPM", tcti);
	return err_hint(e, "tcti = device:/dev/tpmrm0");
}

static void visit_end(struct visit *v)
{
	for (size_t i = v->count; v->esys && i > 0; i--)
		(void)Esys_FlushContext(v->esys, v->objects[i - 1]);
	if (v->esys)
		Esys_Finalize(&v->esys);
	if (v->tcti)
		Tss2_Tcti_Finalize(v->tcti);
	free(v->tcti);
	*v = (struct visit){ 0 };
}

#define auto_visit __attribute__((cleanup(visit_end))) struct visit

static bool visit_begin(struct visit *v, const char *tcti, struct err *e)
{
	size_t which = transport_of(tcti);
	size_t size = 0;

	if (!tpm_address_ok(tcti, e))
		return false;
	const char *where = tcti + strlen(transports[which].prefix);
	TSS2_RC rc = transports[which].init(NULL, &size, where);
	if (rc)
		return tss_fail(e, rc, "address");
	v->tcti = mem_new(1, size);
	rc = transports[which].init(v->tcti, &size, where);
	if (rc) {
		free(v->tcti); /* never begun: nothing to finalise */
		v->tcti = NULL;
		return err_set(e, ERR_RETRY, "TPM at %s does not answer", tcti);
	}
	rc = Esys_Initialize(&v->esys, v->tcti, NULL);
	return rc == 0 || tss_fail(e, rc, "start");
}

static void will_flush(struct visit *v, ESYS_TR object)
{
	if (v->count < OBJECTS)
		v->objects[v->count++] = object;
}

/* --- templates --- */

static const TPM2B_SENSITIVE_CREATE nothing_sensitive = { .size = 0 };
static const TPML_PCR_SELECTION no_pcrs = { 0 };
static const TPM2B_DATA no_data = { 0 };

static TPM2B_PUBLIC curve_key(TPMA_OBJECT attributes)
{
	TPM2B_PUBLIC p = { 0 };

	p.publicArea.type = TPM2_ALG_ECC;
	p.publicArea.nameAlg = TPM2_ALG_SHA256;
	p.publicArea.objectAttributes = attributes | TPMA_OBJECT_FIXEDTPM |
					TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
					TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA;
	p.publicArea.parameters.eccDetail.symmetric.algorithm = TPM2_ALG_NULL;
	p.publicArea.parameters.eccDetail.scheme.scheme = TPM2_ALG_NULL;
	p.publicArea.parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
	p.publicArea.parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
	return p;
}

static TPM2B_PUBLIC storage_template(void)
{
	TPM2B_PUBLIC p = curve_key(TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT);
	TPMT_SYM_DEF_OBJECT *s = &p.publicArea.parameters.eccDetail.symmetric;

	s->algorithm = TPM2_ALG_AES;
	s->keyBits.aes = 128;
	s->mode.aes = TPM2_ALG_CFB;
	return p;
}

static TPM2B_PUBLIC signing_template(enum tpm_key_use use)
{
	bool is_restricted = use == TPM_KEY_ATTEST;
	TPM2B_PUBLIC p =
		curve_key(TPMA_OBJECT_SIGN_ENCRYPT | (is_restricted ? TPMA_OBJECT_RESTRICTED : 0));
	TPMT_ECC_SCHEME *s = &p.publicArea.parameters.eccDetail.scheme;

	s->scheme = TPM2_ALG_ECDSA;
	s->details.ecdsa.hashAlg = TPM2_ALG_SHA256;
	return p;
}

/* Template L-1 of the EK credential profile, for TPMs whose maker left none behind. */
static TPM2B_PUBLIC endorsement_template(void)
{
	static const uint8_t policy[32] = { 0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8,
					    0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24,
					    0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64,
					    0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa };
	TPM2B_PUBLIC p = { 0 };
	TPMS_RSA_PARMS *r = &p.publicArea.parameters.rsaDetail;

	p.publicArea.type = TPM2_ALG_RSA;
	p.publicArea.nameAlg = TPM2_ALG_SHA256;
	p.publicArea.objectAttributes =
		TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
		TPMA_OBJECT_ADMINWITHPOLICY | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT;
	p.publicArea.authPolicy.size = sizeof(policy);
	memcpy(p.publicArea.authPolicy.buffer, policy, sizeof(policy));
	r->symmetric.algorithm = TPM2_ALG_AES;
	r->symmetric.keyBits.aes = 128;
	r->symmetric.mode.aes = TPM2_ALG_CFB;
	r->scheme.scheme = TPM2_ALG_NULL;
	r->keyBits = 2048;
	p.publicArea.unique.rsa.size = 256;
	return p;
}

/* --- objects --- */

static bool primary(struct visit *v, ESYS_TR hierarchy, const TPM2B_PUBLIC *template, ESYS_TR *out,
		    struct err *e)
{
	TSS2_RC rc = Esys_CreatePrimary(v->esys, hierarchy, ESYS_TR_PASSWORD, ESYS_TR_NONE,
					ESYS_TR_NONE, &nothing_sensitive, template, &no_data,
					&no_pcrs, out, NULL, NULL, NULL, NULL);

	if (rc)
		return tss_fail(e, rc, "primary key");
	will_flush(v, *out);
	return true;
}

static bool persistent(struct visit *v, TPM2_HANDLE handle, ESYS_TR *out)
{
	return Esys_TR_FromTPMPublic(v->esys, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				     out) == 0;
}

/* The parent of our keys: the persistent one, or a new one made persistent when the owner's
 * authorisation allows it (it is empty until somebody takes ownership). */
static bool storage_root(struct visit *v, ESYS_TR *out, struct err *e)
{
	TPM2B_PUBLIC template = storage_template();
	ESYS_TR kept;

	if (persistent(v, SRK_HANDLE, out))
		return true;
	if (!primary(v, ESYS_TR_RH_OWNER, &template, out, e))
		return false;
	if (Esys_EvictControl(v->esys, ESYS_TR_RH_OWNER, *out, ESYS_TR_PASSWORD, ESYS_TR_NONE,
			      ESYS_TR_NONE, SRK_HANDLE, &kept) == 0)
		*out = kept;
	return true;
}

static bool read_blob(struct bytes blob, TPM2B_PUBLIC *public, TPM2B_PRIVATE *private,
		      struct err *e)
{
	size_t at = 0;

	if (Tss2_MU_TPM2B_PUBLIC_Unmarshal(blob.ptr, blob.len, &at, public) ||
	    Tss2_MU_TPM2B_PRIVATE_Unmarshal(blob.ptr, blob.len, &at, private) || at != blob.len)
		return err_set(e, ERR_INPUT, "TPM key file is damaged");
	return true;
}

static bool load(struct visit *v, struct bytes blob, ESYS_TR *out, struct err *e)
{
	TPM2B_PUBLIC public = { 0 };
	TPM2B_PRIVATE private = { 0 };
	ESYS_TR parent;

	if (!read_blob(blob, &public, &private, e) || !storage_root(v, &parent, e))
		return false;
	TSS2_RC rc = Esys_Load(v->esys, parent, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
			       &private, &public, out);
	if (rc)
		return tss_fail(e, rc, "load key (is it another TPM's?)");
	will_flush(v, *out);
	return true;
}

bool tpm_key_new(const char *tcti, enum tpm_key_use use, struct buf *out_blob, struct err *e)
{
	auto_visit v = { 0 };
	TPM2B_PUBLIC template = signing_template(use);
	TPM2B_PUBLIC *public = NULL;
	TPM2B_PRIVATE *private = NULL;
	uint8_t text[TPM_BLOB_MAX];
	size_t len = 0;
	ESYS_TR parent;

	if (!visit_begin(&v, tcti, e) || !storage_root(&v, &parent, e))
		return false;
	TSS2_RC rc = Esys_Create(v.esys, parent, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
				 &nothing_sensitive, &template, &no_data, &no_pcrs, &private,
				 &public, NULL, NULL, NULL);
	if (rc)
		return tss_fail(e, rc, "create key");
	bool ok = Tss2_MU_TPM2B_PUBLIC_Marshal(public, text, sizeof(text), &len) == 0 &&
		  Tss2_MU_TPM2B_PRIVATE_Marshal(private, text, sizeof(text), &len) == 0 &&
		  buf_put(out_blob, text, len);
	Esys_Free(public);
	Esys_Free(private);
	return ok || err_set(e, ERR_SYSTEM, "TPM: key is too large");
}

/* TPM2B_PUBLIC is a size and the TPMT_PUBLIC. */
bool tpm_key_public(struct bytes blob, struct bytes *out_public, struct err *e)
{
	size_t len = blob.len >= 2 ? (size_t)(blob.ptr[0] << 8 | blob.ptr[1]) : 0;

	if (len == 0 || len > blob.len - 2)
		return err_set(e, ERR_INPUT, "TPM key file is damaged");
	*out_public = bytes_of(blob.ptr + 2, len);
	return true;
}

static void put_half(const TPM2B_ECC_PARAMETER *half, uint8_t out[KEY_SIG / 2])
{
	size_t len = half->size < KEY_SIG / 2 ? half->size : KEY_SIG / 2;

	memcpy(out + KEY_SIG / 2 - len, half->buffer, len);
}

bool tpm_key_sign(const char *tcti, struct bytes blob, const uint8_t digest[KEY_DIGEST],
		  uint8_t out_sig[KEY_SIG], struct err *e)
{
	static const TPMT_TK_HASHCHECK no_ticket = { .tag = TPM2_ST_HASHCHECK,
						     .hierarchy = TPM2_RH_NULL };
	static const TPMT_SIG_SCHEME scheme = { .scheme = TPM2_ALG_ECDSA,
						.details.ecdsa.hashAlg = TPM2_ALG_SHA256 };
	auto_visit v = { 0 };
	TPM2B_DIGEST in = { .size = KEY_DIGEST };
	TPMT_SIGNATURE *sig = NULL;
	ESYS_TR key;

	memcpy(in.buffer, digest, KEY_DIGEST);
	if (!visit_begin(&v, tcti, e) || !load(&v, blob, &key, e))
		return false;
	TSS2_RC rc = Esys_Sign(v.esys, key, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &in,
			       &scheme, &no_ticket, &sig);
	if (rc)
		return tss_fail(e, rc, "sign");
	memset(out_sig, 0, KEY_SIG);
	put_half(&sig->signature.ecdsa.signatureR, out_sig);
	put_half(&sig->signature.ecdsa.signatureS, out_sig + KEY_SIG / 2);
	Esys_Free(sig);
	return true;
}

/* --- the endorsement key --- */

/* The first that is there; else one made from the well-known template. */
static bool find_ek(struct visit *v, ESYS_TR *out, TPM2_HANDLE *out_certificate, struct err *e)
{
	TPM2B_PUBLIC template = endorsement_template();

	for (size_t i = 0; i < countof(endorsement); i++) {
		*out_certificate = endorsement[i].certificate;
		if (persistent(v, endorsement[i].key, out))
			return true;
	}
	*out_certificate = endorsement[0].certificate;
	return primary(v, ESYS_TR_RH_ENDORSEMENT, &template, out, e);
}

static bool read_nv(struct visit *v, ESYS_TR index, uint16_t size, struct buf *out, struct err *e)
{
	for (uint16_t at = 0; at < size;) {
		uint16_t want = size - at < NV_CHUNK ? (uint16_t)(size - at) : NV_CHUNK;
		TPM2B_MAX_NV_BUFFER *part = NULL;
		TSS2_RC rc = Esys_NV_Read(v->esys, ESYS_TR_RH_OWNER, index, ESYS_TR_PASSWORD,
					  ESYS_TR_NONE, ESYS_TR_NONE, want, at, &part);
		if (rc)
			return tss_fail(e, rc, "read endorsement certificate");
		bool ok = part->size == want && buf_put(out, part->buffer, part->size);
		Esys_Free(part);
		if (!ok)
			return err_set(e, ERR_SYSTEM, "TPM: endorsement certificate is too large");
		at = (uint16_t)(at + want);
	}
	return true;
}

/* No certificate is not an error: many TPMs have none, and what that is worth is judged
 * elsewhere. */
static bool read_certificate(struct visit *v, TPM2_HANDLE handle, struct buf *out, struct err *e)
{
	TPM2B_NV_PUBLIC *public = NULL;
	ESYS_TR index;

	if (!persistent(v, handle, &index))
		return true;
	TSS2_RC rc = Esys_NV_ReadPublic(v->esys, index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
					&public, NULL);
	if (rc)
		return tss_fail(e, rc, "endorsement certificate");
	uint16_t size = public->nvPublic.dataSize;
	Esys_Free(public);
	return read_nv(v, index, size, out, e);
}

bool tpm_read_ek(const char *tcti, struct buf *out_public, struct buf *out_certificate,
		 struct err *e)
{
	auto_visit v = { 0 };
	TPM2B_PUBLIC *public = NULL;
	TPM2_HANDLE certificate;
	uint8_t text[TPM_PUBLIC_MAX];
	size_t len = 0;
	ESYS_TR ek;

	if (!visit_begin(&v, tcti, e) || !find_ek(&v, &ek, &certificate, e))
		return false;
	TSS2_RC rc = Esys_ReadPublic(v.esys, ek, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &public,
				     NULL, NULL);
	if (rc)
		return tss_fail(e, rc, "endorsement key");
	rc = Tss2_MU_TPMT_PUBLIC_Marshal(&public->publicArea, text, sizeof(text), &len);
	Esys_Free(public);
	if (rc || !buf_put(out_public, text, len))
		return err_set(e, ERR_SYSTEM, "TPM: endorsement key is too large");
	return read_certificate(&v, certificate, out_certificate, e);
}

/* --- activation --- */

/* Endorsement keys that a user may not use with a password want PolicySecret of the
 * endorsement hierarchy; those that may refuse the policy (0x9d). */
static bool ek_session(struct visit *v, ESYS_TR ek, ESYS_TR *out, struct err *e)
{
	static const TPMT_SYM_DEF none = { .algorithm = TPM2_ALG_NULL };
	TPM2B_PUBLIC *public = NULL;

	*out = ESYS_TR_PASSWORD;
	TSS2_RC rc = Esys_ReadPublic(v->esys, ek, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &public,
				     NULL, NULL);
	if (rc)
		return tss_fail(e, rc, "endorsement key");
	bool by_password = public->publicArea.objectAttributes & TPMA_OBJECT_USERWITHAUTH;
	Esys_Free(public);
	if (by_password)
		return true;
	rc = Esys_StartAuthSession(v->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				   ESYS_TR_NONE, NULL, TPM2_SE_POLICY, &none, TPM2_ALG_SHA256, out);
	if (rc)
		return tss_fail(e, rc, "session");
	will_flush(v, *out);
	rc = Esys_PolicySecret(v->esys, ESYS_TR_RH_ENDORSEMENT, *out, ESYS_TR_PASSWORD,
			       ESYS_TR_NONE, ESYS_TR_NONE, NULL, NULL, NULL, 0, NULL, NULL);
	return rc == 0 || tss_fail(e, rc, "endorsement policy");
}

static bool read_credential(struct bytes blob, struct bytes secret, TPM2B_ID_OBJECT *id,
			    TPM2B_ENCRYPTED_SECRET *sealed, struct err *e)
{
	size_t at = 0;

	if (Tss2_MU_TPM2B_ID_OBJECT_Unmarshal(blob.ptr, blob.len, &at, id) || at != blob.len)
		return err_set(e, ERR_INPUT, "credential is malformed");
	at = 0;
	if (Tss2_MU_TPM2B_ENCRYPTED_SECRET_Unmarshal(secret.ptr, secret.len, &at, sealed) ||
	    at != secret.len)
		return err_set(e, ERR_INPUT, "secret of the credential is malformed");
	return true;
}

bool tpm_activate(const char *tcti, struct bytes ak_blob, struct bytes credential_blob,
		  struct bytes secret, struct buf *out, struct err *e)
{
	auto_visit v = { 0 };
	TPM2B_ID_OBJECT id = { 0 };
	TPM2B_ENCRYPTED_SECRET sealed = { 0 };
	TPM2B_DIGEST *got = NULL;
	TPM2_HANDLE ignored;
	ESYS_TR ak;
	ESYS_TR ek;
	ESYS_TR session;

	if (!read_credential(credential_blob, secret, &id, &sealed, e) ||
	    !visit_begin(&v, tcti, e) || !load(&v, ak_blob, &ak, e) ||
	    !find_ek(&v, &ek, &ignored, e) || !ek_session(&v, ek, &session, e))
		return false;
	TSS2_RC rc = Esys_ActivateCredential(v.esys, ak, ek, ESYS_TR_PASSWORD, session,
					     ESYS_TR_NONE, &id, &sealed, &got);
	if (rc)
		return tss_fail(e, rc, "activate credential");
	bool ok = buf_put(out, got->buffer, got->size);
	Esys_Free(got);
	return ok || err_set(e, ERR_SYSTEM, "TPM: credential is too large");
}

/* --- quotes --- */

static TPML_PCR_SELECTION selection_of(uint32_t mask)
{
	TPML_PCR_SELECTION s = { .count = 1 };

	s.pcrSelections[0].hash = TPM2_ALG_SHA256;
	s.pcrSelections[0].sizeofSelect = 3;
	for (size_t i = 0; i < 3; i++)
		s.pcrSelections[0].pcrSelect[i] = (uint8_t)(mask >> (8 * i));
	return s;
}

static uint32_t mask_of(const TPML_PCR_SELECTION *s)
{
	const uint8_t *b = s->pcrSelections[0].pcrSelect;

	return s->count == 1 ? (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 : 0;
}

/* The lowest registers of `got` become values; false when the TPM gave something else. */
static bool keep_pcrs(uint32_t got, const TPML_DIGEST *values, struct tpm_pcrs *out)
{
	uint32_t at = 0;

	for (size_t i = 0; i < TPM_PCRS; i++) {
		if (!(got & 1U << i))
			continue;
		if (at >= values->count || values->digests[at].size != SHA256_LEN)
			return false;
		memcpy(out->value[i], values->digests[at++].buffer, SHA256_LEN);
		out->mask |= 1U << i;
	}
	return at == values->count && at > 0;
}

/* A TPM gives as many as fit into one answer: ask until all are there. */
static bool read_pcrs(struct visit *v, uint32_t mask, struct tpm_pcrs *out, struct err *e)
{
	*out = (struct tpm_pcrs){ 0 };
	while (out->mask != mask) {
		TPML_PCR_SELECTION want = selection_of(mask & ~out->mask);
		TPML_PCR_SELECTION *got = NULL;
		TPML_DIGEST *values = NULL;
		uint32_t update = 0;
		TSS2_RC rc = Esys_PCR_Read(v->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &want,
					   &update, &got, &values);
		if (rc)
			return tss_fail(e, rc, "read PCRs");
		bool ok = keep_pcrs(mask_of(got) & mask, values, out);
		Esys_Free(got);
		Esys_Free(values);
		if (!ok)
			return err_set(e, ERR_SYSTEM, "TPM has no SHA-256 PCR bank");
	}
	return true;
}

static bool put_quote(const TPM2B_ATTEST *quote, const TPMT_SIGNATURE *sig,
		      struct tpm_evidence *out, struct err *e)
{
	uint8_t text[TPM_QUOTE_MAX];
	size_t len = 0;

	if (!buf_put(&out->quote, quote->attestationData, quote->size) ||
	    Tss2_MU_TPMT_SIGNATURE_Marshal(sig, text, sizeof(text), &len) ||
	    !buf_put(&out->signature, text, len))
		return err_set(e, ERR_SYSTEM, "TPM: quote is too large");
	return true;
}

bool tpm_quote(const char *tcti, struct bytes ak_blob, const uint8_t extra[SHA256_LEN],
	       uint32_t pcr_mask, struct tpm_evidence *out, struct err *e)
{
	static const TPMT_SIG_SCHEME as_created = { .scheme = TPM2_ALG_NULL };
	TPML_PCR_SELECTION selection = selection_of(pcr_mask);
	TPM2B_DATA data = { .size = SHA256_LEN };
	auto_visit v = { 0 };
	TPM2B_ATTEST *quote = NULL;
	TPMT_SIGNATURE *sig = NULL;
	ESYS_TR ak;

	memcpy(data.buffer, extra, SHA256_LEN);
	if (!visit_begin(&v, tcti, e) || !load(&v, ak_blob, &ak, e))
		return false;
	TSS2_RC rc = Esys_Quote(v.esys, ak, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &data,
				&as_created, &selection, &quote, &sig);
	if (rc)
		return tss_fail(e, rc, "quote");
	bool ok = put_quote(quote, sig, out, e);
	Esys_Free(quote);
	Esys_Free(sig);
	return ok && read_pcrs(&v, pcr_mask, &out->pcrs, e);
}
