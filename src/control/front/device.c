/* device.c - what an agent asks besides EST: TPM, attestation, workloads, itself.
 *
 * docs/protocols/device.md.  Evidence is handed on unread: room verify reads it.
 */
#include "base/mem.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "control/front/fields.h"
#include "control/front/front.h"
#include "crypto/csr.h"

void front_self(struct call *c)
{
	struct wall_ask q = { c->peer };

	front_ask(c, WALL_SELF, &q);
}

void front_tpm_register(struct call *c)
{
	struct wall_tpm_register q = {
		.peer = c->peer,
		.ek_public = fields_bytes(&c->body, "ek_public"),
		.ek_certificate = fields_bytes(&c->body, "ek_certificate"),
		.ak_public = fields_bytes(&c->body, "ak_public"),
	};

	front_ask(c, WALL_TPM_REGISTER, &q);
}

void front_tpm_activate(struct call *c)
{
	struct wall_tpm_activate q = {
		.peer = c->peer,
		.id = wall_text(&c->body, "id"),
		.secret = fields_bytes(&c->body, "secret"),
	};

	front_ask(c, WALL_TPM_ACTIVATE, &q);
}

void front_challenge(struct call *c)
{
	struct wall_ask q = { c->peer };

	front_ask(c, WALL_CHALLENGE, &q);
}

enum { PCRS = 24, PCR_ROW = 1 + 32 };

/* Rows of index and value, ascending, whatever order they came in. */
static struct bytes pcr_rows(struct call *c)
{
	uint8_t *rows = arena_alloc(c->mem, PCRS, PCR_ROW);
	size_t len = 0;

	if (!rows)
		return (struct bytes){ 0 };
	for (unsigned i = 0; i < PCRS; i++) {
		char name[16];

		snprintf(name, sizeof(name), "pcrs.%u", i);
		struct bytes value = fields_bytes(&c->body, name);
		if (value.len != PCR_ROW - 1)
			continue;
		rows[len] = (uint8_t)i;
		memcpy(rows + len + 1, value.ptr, value.len);
		len += PCR_ROW;
	}
	return (struct bytes){ rows, len };
}

void front_evidence(struct call *c)
{
	struct wall_evidence q = {
		.peer = c->peer,
		.id = wall_text(&c->body, "id"),
		.quote = fields_bytes(&c->body, "quote"),
		.signature = fields_bytes(&c->body, "signature"),
		.pcrs = pcr_rows(c),
		.log = fields_bytes(&c->body, "log"),
	};

	front_ask(c, WALL_EVIDENCE, &q);
}

static void workload_issued(struct call *c, const struct wall_answer *a)
{
	auto_buf struct buf body = { 0 };
	struct jw w;

	buf_init(&body, 16384);
	jw_init(&w, &body, JW_COMPACT);
	jw_map(&w);
	jw_kv_str(&w, "certificate", base64_text(a->body, BASE64_STD, c->mem));
	jw_end(&w);
	http_answer(c->x, 200, TYPE_JSON, buf_bytes(&body));
}

void front_workload(struct call *c)
{
	struct err e = { 0 };
	struct csr csr;

	if (!csr_read(fields_bytes(&c->body, "csr"), &csr, &e)) {
		err_in(&e, "certificate request");
		front_refuse(c, &e);
		return;
	}
	struct wall_workload q = {
		.peer = c->peer,
		.name = wall_text(&c->body, "name"),
		.spki = csr.spki,
		.csr_sha256 = { csr.digest, sizeof(csr.digest) },
	};
	c->on_answer = workload_issued;
	front_ask(c, WALL_WORKLOAD, &q);
}
