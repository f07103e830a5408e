#include "control/verify/read.h"

#include "crypto/cert.h"
#include "crypto/tpmverify.h"
#include "sys/files.h"

enum { ROW = 33 };

/* Rows of u8 index, 32-byte value, ascending. */
static bool read_pcrs(struct bytes in, struct tpm_pcrs *out)
{
	int before = -1;

	*out = (struct tpm_pcrs){ 0 };
	if (in.len % ROW)
		return false;
	for (size_t at = 0; at < in.len; at += ROW) {
		uint8_t index = in.ptr[at];
		if (index >= TPM_PCRS || (int)index <= before)
			return false;
		before = index;
		out->mask |= 1U << index;
		memcpy(out->value[index], in.ptr + at + 1, SHA256_LEN);
	}
	return true;
}

static struct wall_facts facts_of(const struct tpm_quote_facts *f, struct bytes pcrs)
{
	return (struct wall_facts){
		.is_readable = true,
		.is_signed = f->is_signed,
		.is_fresh = f->is_fresh,
		.is_sha256 = f->is_sha256,
		.is_complete = f->is_complete,
		.digest_matches = f->digest_matches,
		.clock_is_safe = f->clock_is_safe,
		.selected = f->pcr_mask,
		.clock = f->clock_ms,
		.firmware = f->firmware_version,
		.reset_count = f->reset_count,
		.restart_count = f->restart_count,
		.pcrs = pcrs,
	};
}

bool verify_appraise(struct bytes body, struct arena *mem, struct buf *out, struct err *e)
{
	struct wall_appraise q;
	struct tpm_public ak;
	struct tpm_quote quote;
	struct tpm_quote_facts facts;
	struct wall_facts answer = { 0 };
	struct err unreadable = { 0 };

	if (!walls_read(WALL_APPRAISE, body, mem, &q, e))
		return false;
	if (q.expected.len != SHA256_LEN)
		return err_set(e, ERR_SYSTEM, "expected data has 32 bytes");
	quote = (struct tpm_quote){ .ak = &ak, .quote = q.quote, .signature = q.signature };
	memcpy(quote.expected, q.expected.ptr, SHA256_LEN);
	if (tpm_public_read(q.ak_public, &ak, &unreadable) && read_pcrs(q.pcrs, &quote.pcrs) &&
	    tpm_quote_verify(&quote, &facts, &unreadable))
		answer = facts_of(&facts, q.pcrs);
	return walls_write(WALL_FACTS, &answer, out, e);
}

/* The EK certificate is of this EK (V2); whether its maker is vouched for by an anchor marked
 * hw is asked only of the anchors given. */
static bool is_vouched(const struct wall_activation *q)
{
	struct cert authority, ek;
	struct err e = { 0 };

	for (size_t i = 0; i < q->anchors.count; i++)
		if (cert_read(q->anchors.items[i], &authority, &e) &&
		    cert_read(q->ek_certificate, &ek, &e) &&
		    cert_verify(&ek, &authority, ek.not_before_ms, &e))
			return true;
	return false;
}

bool verify_activation(struct bytes body, struct arena *mem, struct buf *out, struct err *e)
{
	struct wall_activation q;
	struct tpm_public ek, ak;
	uint8_t secret[TPM_SECRET];
	auto_buf struct buf blob = { 0 }, encrypted = { 0 };

	buf_init(&blob, 4096);
	buf_init(&encrypted, 4096);
	if (!walls_read(WALL_ACTIVATION, body, mem, &q, e))
		return false;
	if (!tpm_public_read(q.ek_public, &ek, e) || !tpm_ek_check(&ek, e))
		return err_in(e, "endorsement key");
	if (!tpm_public_read(q.ak_public, &ak, e) || !tpm_ak_check(&ak, e))
		return err_in(e, "attestation key");
	if (q.ek_certificate.len && !tpm_ek_has_certificate(&ek, q.ek_certificate, e))
		return err_in(e, "endorsement key");
	random_bytes(secret, sizeof(secret));
	if (!tpm_make_credential(&ek, bytes_of(ak.name, ak.name_len),
				 bytes_of(secret, sizeof(secret)), &blob, &encrypted, e))
		return false;
	struct wall_credential answer = {
		.blob = buf_bytes(&blob),
		.encrypted = buf_bytes(&encrypted),
		.secret = bytes_of(secret, sizeof(secret)),
		.ek_name = bytes_of(ek.name, ek.name_len),
		.ak_name = bytes_of(ak.name, ak.name_len),
		.is_hardware = is_vouched(&q),
	};
	return walls_write(WALL_CREDENTIAL, &answer, out, e);
}
