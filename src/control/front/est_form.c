/* est_form.c - EST bodies, both ways. */
#include "control/front/est.h"

#include "codec/base64.h"
#include "crypto/pkcs7.h"

enum {
	EST_LINE = 64,
	EST_CERTS_MAX = 65536,
	DER_SEQUENCE = 0x30,
};

/* 0x30 is '0', which base64 may start with; the length octet tells the two apart. */
static bool is_der(struct bytes body)
{
	if (body.len < 4 || body.ptr[0] != DER_SEQUENCE)
		return false;
	if (body.ptr[1] == 0x82)
		return (size_t)(body.ptr[2] << 8 | body.ptr[3]) + 4 == body.len;
	if (body.ptr[1] == 0x81)
		return (size_t)body.ptr[2] + 3 == body.len;
	return (size_t)body.ptr[1] + 2 == body.len;
}

bool est_body_read(struct bytes body, struct arena *mem, struct bytes *out, struct err *e)
{
	if (is_der(body)) {
		*out = body;
		return true;
	}
	if (!base64_read(str_bytes(body), BASE64_EST, mem, out, e))
		return err_in(e, "RFC 7030 4.2.1");
	return out->len || err_set(e, ERR_INPUT, "certificate request is missing");
}

static bool wrap(struct str text, struct buf *out)
{
	while (text.len) {
		buf_puts(out, str_head(text, EST_LINE));
		buf_putc(out, '\n');
		text = str_from(text, EST_LINE);
	}
	return !out->is_full;
}

bool est_certs_write(const struct bytes *certs, size_t count, struct str user_agent,
		     struct buf *out)
{
	auto_buf struct buf der = { 0 };
	auto_buf struct buf text = { 0 };

	buf_init(&der, EST_CERTS_MAX);
	buf_init(&text, EST_CERTS_MAX * 2);
	if (!pkcs7_write(certs, count, &der) || !base64_write(&text, buf_bytes(&der), BASE64_STD))
		return false;
	if (str_starts(user_agent, STR("libest")))
		return wrap(buf_str(&text), out);
	buf_puts(out, buf_str(&text));
	return buf_putc(out, '\n');
}

bool est_secret_read(struct str password, struct str id, uint8_t out[16], struct err *e)
{
	struct str scheme, code_id, secret = password, rest;

	if (str_starts(password,
		       STR("mc1."))) { /* mc1.<id>.<secret>.<fingerprint>; ids have dots */
		(void)str_cut(password, '.', &scheme, &rest);
		code_id = str_head(rest, id.len);
		rest = str_from(rest, id.len);
		if (!str_eq(code_id, id) || !str_starts(rest, STR(".")))
			return err_set(e, ERR_DENIED, "this code is for another name");
		(void)str_cut(str_from(rest, 1), '.', &secret, &rest);
	}
	if (base64_read_exact(secret, BASE64_URL, out, 16, e))
		return true;
	err_set(e, ERR_DENIED, "this is no enrolment code");
	return err_hint(e, "ask an operator for: muster enrol code " STR_FMT,
			STR_ARG(str_head(id, 63)));
}
