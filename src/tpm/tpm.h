/* tpm.h - this machine's TPM: its identity, keys that cannot leave it, and what it measured.
 *
 * The only door to tss2.  Every call opens the TPM, does one thing, frees every object it
 * loaded and closes it again: there may be no resource manager (three objects are all a TPM
 * holds), and others use the TPM too.  Keys live outside it as blobs, sealed to its storage
 * root key, which is made persistent at 0x81000001 (TCG provisioning guidance) when absent.
 *
 * Wire forms are those of crypto/tpmverify.h.  A TPM that does not answer is ERR_RETRY.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "crypto/tpmverify.h"

enum { TPM_BLOB_MAX = 1024, TPM_CERTIFICATE_MAX = 4096 };

/* "device:/dev/tpmrm0", "swtpm:path=/run/tpm.sock" or "swtpm:host=127.0.0.1,port=2321". */
bool tpm_address_ok(const char *tcti, struct err *e) must_check;

/* TPMT_PUBLIC of the endorsement key, and its certificate; empty when the maker gave none. */
bool tpm_read_ek(const char *tcti, struct buf *out_public, struct buf *out_certificate,
		 struct err *e) must_check;

enum tpm_key_use {
	TPM_KEY_ATTEST, /* restricted: signs only what this TPM made */
	TPM_KEY_TLS,    /* signs digests */
};

/* A new P-256 key, as a blob that only this TPM can use. */
bool tpm_key_new(const char *tcti, enum tpm_key_use use, struct buf *out_blob,
		 struct err *e) must_check;
/* The TPMT_PUBLIC inside a blob: a view. */
bool tpm_key_public(struct bytes blob, struct bytes *out_public, struct err *e) must_check;
/* raw r || s over a SHA-256 digest, by a TPM_KEY_TLS. */
bool tpm_key_sign(const char *tcti, struct bytes blob, const uint8_t digest[KEY_DIGEST],
		  uint8_t out_sig[KEY_SIG], struct err *e) must_check;

/* What MakeCredential hid for the EK and this attestation key. */
bool tpm_activate(const char *tcti, struct bytes ak_blob, struct bytes credential_blob,
		  struct bytes secret, struct buf *out, struct err *e) must_check;

struct tpm_evidence {
	struct buf quote, signature; /* caller's: buf_init(.., TPM_QUOTE_MAX) */
	struct tpm_pcrs pcrs;
};

/* A quote over the PCRs of the mask (SHA-256 bank), with their values. */
bool tpm_quote(const char *tcti, struct bytes ak_blob, const uint8_t extra[SHA256_LEN],
	       uint32_t pcr_mask, struct tpm_evidence *out, struct err *e) must_check;
