#include "control/walls.h"

#include "base/cursor.h"

/* How a field lies on the wire; numbers are big-endian, lengths and counts are u32. */
enum kind { BOOL, U32, U64, I64, TEXT, BYTES, PEER, LIST, VALUES };

struct field {
	enum kind kind;
	size_t offset;
};

struct row {
	enum wall_type type;
	const char *name;
	size_t size;
	const struct field *fields;
	size_t count;
};

#define F(kind, struct_name, member)                                                               \
	{                                                                                          \
		kind, offsetof(struct struct_name, member)                                         \
	}
#define ROW(type, struct_name, fields)                                                             \
	{                                                                                          \
		type, #type, sizeof(struct struct_name), fields, countof(fields)                   \
	}

static const struct field peer_fields[] = {
	F(U32, wall_peer, listener),      F(U32, wall_peer, authority),
	F(TEXT, wall_peer, identity),     F(BYTES, wall_peer, serial),
	F(BYTES, wall_peer, cert_sha256), F(BYTES, wall_peer, spki),
	F(BYTES, wall_peer, exporter),    F(TEXT, wall_peer, address),
};
static const struct field start_fields[] = { F(BYTES, wall_start, server_spki) };
static const struct field anchors_fields[] = {
	F(BYTES, wall_anchors, device_ca),       F(BYTES, wall_anchors, infra_ca),
	F(BYTES, wall_anchors, operator_ca),     F(BYTES, wall_anchors, server_cert),
	F(I64, wall_anchors, server_cert_until), F(TEXT, wall_anchors, domain),
};
static const struct field none_fields[] = { F(U32, wall_none, unused) };
static const struct field ask_fields[] = { F(PEER, wall_ask, peer) };
static const struct field enrol_fields[] = {
	F(PEER, wall_enrol, peer),  F(TEXT, wall_enrol, id),          F(BYTES, wall_enrol, secret),
	F(BYTES, wall_enrol, spki), F(BYTES, wall_enrol, csr_sha256),
};
static const struct field renew_fields[] = {
	F(PEER, wall_renew, peer),
	F(BYTES, wall_renew, spki),
	F(BYTES, wall_renew, csr_sha256),
};
static const struct field workload_fields[] = {
	F(PEER, wall_workload, peer),
	F(TEXT, wall_workload, name),
	F(BYTES, wall_workload, spki),
	F(BYTES, wall_workload, csr_sha256),
};
static const struct field register_fields[] = {
	F(PEER, wall_tpm_register, peer),
	F(BYTES, wall_tpm_register, ek_public),
	F(BYTES, wall_tpm_register, ek_certificate),
	F(BYTES, wall_tpm_register, ak_public),
};
static const struct field activate_fields[] = {
	F(PEER, wall_tpm_activate, peer),
	F(TEXT, wall_tpm_activate, id),
	F(BYTES, wall_tpm_activate, secret),
};
static const struct field evidence_fields[] = {
	F(PEER, wall_evidence, peer),   F(TEXT, wall_evidence, id),
	F(BYTES, wall_evidence, quote), F(BYTES, wall_evidence, signature),
	F(BYTES, wall_evidence, pcrs),  F(BYTES, wall_evidence, log),
};
static const struct field feed_after_fields[] = {
	F(PEER, wall_feed_after, peer),
	F(U64, wall_feed_after, after),
	F(U32, wall_feed_after, max),
	F(LIST, wall_feed_after, kinds),
};
static const struct field lines_fields[] = {
	F(LIST, wall_lines, lines),
	F(U64, wall_lines, last),
	F(U64, wall_lines, head),
	F(BOOL, wall_lines, is_gone),
};
static const struct field feed_line_fields[] = {
	F(TEXT, wall_feed_line, stream),
	F(TEXT, wall_feed_line, kind),
	F(U64, wall_feed_line, seq),
	F(BYTES, wall_feed_line, line),
};
static const struct field revoked_fields[] = {
	F(BYTES, wall_revoked, serial),
	F(TEXT, wall_revoked, identity),
};
static const struct field report_fields[] = {
	F(PEER, wall_report, peer),          F(U64, wall_report, acked),
	F(U64, wall_report, dropped),        F(LIST, wall_report, decisions),
	F(LIST, wall_report, counter_names), F(LIST, wall_report, counter_values),
};
static const struct field api_fields[] = {
	F(PEER, wall_api, peer),     F(U32, wall_api, route),   F(VALUES, wall_api, path),
	F(VALUES, wall_api, query),  F(VALUES, wall_api, body), F(TEXT, wall_api, idempotency_key),
	F(TEXT, wall_api, if_match),
};
static const struct field answer_fields[] = {
	F(U32, wall_answer, status),
	F(TEXT, wall_answer, type),
	F(TEXT, wall_answer, etag),
	F(BYTES, wall_answer, body),
};
static const struct field appraise_fields[] = {
	F(BYTES, wall_appraise, quote),     F(BYTES, wall_appraise, signature),
	F(BYTES, wall_appraise, pcrs),      F(BYTES, wall_appraise, log),
	F(BYTES, wall_appraise, ak_public), F(BYTES, wall_appraise, expected),
};
static const struct field facts_fields[] = {
	F(BOOL, wall_facts, is_readable),   F(BOOL, wall_facts, is_signed),
	F(BOOL, wall_facts, is_fresh),      F(BOOL, wall_facts, is_sha256),
	F(BOOL, wall_facts, is_complete),   F(BOOL, wall_facts, digest_matches),
	F(BOOL, wall_facts, clock_is_safe), F(U32, wall_facts, selected),
	F(U64, wall_facts, clock),          F(U64, wall_facts, firmware),
	F(U32, wall_facts, reset_count),    F(U32, wall_facts, restart_count),
	F(BYTES, wall_facts, pcrs),
};
static const struct field activation_fields[] = {
	F(BYTES, wall_activation, ek_public),
	F(BYTES, wall_activation, ek_certificate),
	F(BYTES, wall_activation, ak_public),
	F(LIST, wall_activation, anchors),
};
static const struct field credential_fields[] = {
	F(BYTES, wall_credential, blob),    F(BYTES, wall_credential, encrypted),
	F(BYTES, wall_credential, secret),  F(BYTES, wall_credential, ek_name),
	F(BYTES, wall_credential, ak_name), F(BOOL, wall_credential, is_hardware),
};
static const struct field issue_fields[] = {
	F(U32, wall_issue, profile), F(TEXT, wall_issue, id),    F(TEXT, wall_issue, workload),
	F(BYTES, wall_issue, spki),  F(LIST, wall_issue, names), F(I64, wall_issue, lifetime_s),
};
static const struct field certificate_fields[] = {
	F(BYTES, wall_certificate, der),
	F(BYTES, wall_certificate, serial),
	F(I64, wall_certificate, not_before),
	F(I64, wall_certificate, not_after),
};
static const struct field statement_fields[] = {
	F(U32, wall_statement, type), F(TEXT, wall_statement, stream),  F(U64, wall_statement, seq),
	F(U64, wall_statement, prev), F(BYTES, wall_statement, digest),
};
static const struct field statements_fields[] = { F(LIST, wall_statements, items) };
static const struct field signatures_fields[] = { F(LIST, wall_signatures, items) };
static const struct field checkpoint_fields[] = {
	F(U64, wall_checkpoint, size),
	F(BYTES, wall_checkpoint, root),
};
static const struct field note_fields[] = { F(TEXT, wall_note, note) };
static const struct field public_fields[] = {
	F(BYTES, wall_public, device_ca),   F(BYTES, wall_public, infra_ca),
	F(BYTES, wall_public, operator_ca), F(BYTES, wall_public, statement_spki),
	F(BYTES, wall_public, audit_key),   F(TEXT, wall_public, audit_name),
	F(TEXT, wall_public, domain),
};

static const struct row rows[] = {
	ROW(WALL_START, wall_start, start_fields),
	ROW(WALL_ENROL, wall_enrol, enrol_fields),
	ROW(WALL_RENEW, wall_renew, renew_fields),
	ROW(WALL_WORKLOAD, wall_workload, workload_fields),
	ROW(WALL_TPM_REGISTER, wall_tpm_register, register_fields),
	ROW(WALL_TPM_ACTIVATE, wall_tpm_activate, activate_fields),
	ROW(WALL_CHALLENGE, wall_ask, ask_fields),
	ROW(WALL_EVIDENCE, wall_evidence, evidence_fields),
	ROW(WALL_SELF, wall_ask, ask_fields),
	ROW(WALL_FEED_AFTER, wall_feed_after, feed_after_fields),
	ROW(WALL_SNAPSHOT, wall_ask, ask_fields),
	ROW(WALL_REPORT, wall_report, report_fields),
	ROW(WALL_API, wall_api, api_fields),
	ROW(WALL_FEED_LINE, wall_feed_line, feed_line_fields),
	ROW(WALL_REVOKED, wall_revoked, revoked_fields),
	ROW(WALL_APPRAISE, wall_appraise, appraise_fields),
	ROW(WALL_ACTIVATION, wall_activation, activation_fields),
	ROW(WALL_ISSUE, wall_issue, issue_fields),
	ROW(WALL_SIGN, wall_statements, statements_fields),
	ROW(WALL_CHECKPOINT, wall_checkpoint, checkpoint_fields),
	ROW(WALL_PUBLIC, wall_none, none_fields),
	ROW(WALL_STATEMENT, wall_statement, statement_fields),
	ROW(WALL_ANCHORS, wall_anchors, anchors_fields),
	ROW(WALL_ANSWER, wall_answer, answer_fields),
	ROW(WALL_LINES, wall_lines, lines_fields),
	ROW(WALL_FACTS, wall_facts, facts_fields),
	ROW(WALL_CREDENTIAL, wall_credential, credential_fields),
	ROW(WALL_CERTIFICATE, wall_certificate, certificate_fields),
	ROW(WALL_SIGNATURES, wall_signatures, signatures_fields),
	ROW(WALL_NOTE, wall_note, note_fields),
	ROW(WALL_PUBLIC_KEYS, wall_public, public_fields),
};

static const struct row *row_of(enum wall_type type)
{
	for (size_t i = 0; i < countof(rows); i++)
		if (rows[i].type == type)
			return &rows[i];
	return NULL;
}

const char *walls_name(enum wall_type type)
{
	const struct row *row = row_of(type);

	return row ? row->name : "unknown";
}

/* ---- writing ---- */

static void put_number(struct buf *out, uint64_t v, size_t len)
{
	uint8_t raw[8];
	struct wr w = wr_of(raw, sizeof(raw));

	wr_u64(&w, v);
	buf_put(out, raw + sizeof(raw) - len, len);
}

static void put_bytes(struct buf *out, struct bytes b)
{
	put_number(out, b.len, 4);
	buf_put(out, b.ptr, b.len);
}

static void put_list(struct buf *out, const struct wall_list *list)
{
	put_number(out, list->count, 4);
	for (size_t i = 0; i < list->count; i++)
		put_bytes(out, list->items[i]);
}

static void put_values(struct buf *out, const struct wall_values *all)
{
	put_number(out, all->count, 4);
	for (size_t i = 0; i < all->count; i++) {
		const struct wall_value *v = &all->items[i];

		put_bytes(out, bytes_str(v->name));
		put_number(out, v->kind, 4);
		put_bytes(out, bytes_str(v->text));
		put_number(out, (uint64_t)v->num, 8);
	}
}

static void put_plain(const struct field *f, const void *at, struct buf *out)
{
	switch (f->kind) {
	case BOOL:
		put_number(out, *(const bool *)at, 1);
		break;
	case U32:
		put_number(out, *(const uint32_t *)at, 4);
		break;
	case U64:
	case I64:
		put_number(out, *(const uint64_t *)at, 8);
		break;
	case TEXT:
		put_bytes(out, bytes_str(*(const struct str *)at));
		break;
	case BYTES:
		put_bytes(out, *(const struct bytes *)at);
		break;
	case LIST:
		put_list(out, at);
		break;
	case VALUES:
		put_values(out, at);
		break;
	case PEER: /* write_fields */
		break;
	}
}

static void write_fields(const struct field *fields, size_t count, const void *message,
			 struct buf *out)
{
	for (size_t i = 0; i < count; i++)
		put_plain(&fields[i], (const uint8_t *)message + fields[i].offset, out);
}

bool walls_write(enum wall_type type, const void *message, struct buf *out, struct err *e)
{
	const struct row *row = row_of(type);

	if (!row)
		return err_set(e, ERR_SYSTEM, "message %d is in no table", (int)type);
	for (size_t i = 0; i < row->count; i++) {
		const struct field *f = &row->fields[i];
		const void *at = (const uint8_t *)message + f->offset;

		if (f->kind == PEER)
			write_fields(peer_fields, countof(peer_fields), at, out);
		else
			put_plain(f, at, out);
	}
	if (out->is_full)
		return err_set(e, ERR_INPUT, "%s is too large", row->name);
	return true;
}

/* ---- reading ---- */

/* An item takes at least its length on the wire, so memory is bounded by what arrived. */
static void get_list(struct rd *r, struct arena *mem, struct wall_list *out)
{
	size_t count = rd_u32(r);

	if (count > r->len / 4) {
		rd_fail(r);
		return;
	}
	struct bytes *items = arena_alloc(mem, count, sizeof(*items));
	if (!items) {
		rd_fail(r);
		return;
	}
	for (size_t i = 0; i < count; i++)
		items[i] = rd_bytes32(r);
	*out = (struct wall_list){ items, count };
}

enum { VALUE_LEAST = 4 + 4 + 4 + 8 };

static void get_values(struct rd *r, struct arena *mem, struct wall_values *out)
{
	size_t count = rd_u32(r);

	if (count > r->len / VALUE_LEAST) {
		rd_fail(r);
		return;
	}
	struct wall_value *items = arena_alloc(mem, count, sizeof(*items));
	if (!items) {
		rd_fail(r);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		items[i].name = rd_str32(r);
		items[i].kind = rd_u32(r);
		items[i].text = rd_str32(r);
		items[i].num = (int64_t)rd_u64(r);
	}
	*out = (struct wall_values){ items, count };
}

static void get_plain(const struct field *f, struct rd *r, struct arena *mem, void *at)
{
	switch (f->kind) {
	case BOOL:
		*(bool *)at = rd_u8(r) == 1;
		break;
	case U32:
		*(uint32_t *)at = rd_u32(r);
		break;
	case U64:
	case I64:
		*(uint64_t *)at = rd_u64(r);
		break;
	case TEXT:
		*(struct str *)at = rd_str32(r);
		break;
	case BYTES:
		*(struct bytes *)at = rd_bytes32(r);
		break;
	case LIST:
		get_list(r, mem, at);
		break;
	case VALUES:
		get_values(r, mem, at);
		break;
	case PEER: /* walls_read */
		break;
	}
}

static void read_peer(struct rd *r, struct arena *mem, struct wall_peer *out)
{
	for (size_t i = 0; i < countof(peer_fields); i++)
		get_plain(&peer_fields[i], r, mem, (uint8_t *)out + peer_fields[i].offset);
}

bool walls_read(enum wall_type type, struct bytes body, struct arena *mem, void *out, struct err *e)
{
	const struct row *row = row_of(type);
	struct rd r = rd_of(body);

	if (!row)
		return err_set(e, ERR_INPUT, "message %d is in no table", (int)type);
	memset(out, 0, row->size);
	for (size_t i = 0; i < row->count; i++) {
		void *at = (uint8_t *)out + row->fields[i].offset;

		if (row->fields[i].kind == PEER)
			read_peer(&r, mem, at);
		else
			get_plain(&row->fields[i], &r, mem, at);
	}
	if (!rd_end(&r))
		return err_set(e, ERR_INPUT, "%s does not decode", row->name);
	return true;
}

const struct wall_value *wall_value_find(const struct wall_values *values, struct str name)
{
	for (size_t i = 0; i < values->count; i++)
		if (str_eq(values->items[i].name, name))
			return &values->items[i];
	return NULL;
}

struct str wall_text(const struct wall_values *values, const char *name)
{
	const struct wall_value *v = wall_value_find(values, str_of(name));

	return v && v->kind == WALL_VALUE_TEXT ? v->text : STR("");
}
