#include "crypto/statement.h"

#include "base/cursor.h"
#include "codec/base64.h"
#include "crypto/hash.h"

enum { STREAM_MAX = 255, BODY_MAX = 512 };

static bool digest_of(const struct statement *s, uint8_t out[KEY_DIGEST], struct err *e)
{
	static const char domain[] = "muster-statement-v1"; /* its NUL is part of it */
	uint8_t body[BODY_MAX];
	struct wr w = wr_of(body, sizeof(body));

	if (s->type == STATEMENT_NONE || (unsigned)s->type > UINT8_MAX)
		return err_set(e, ERR_INPUT, "statement of no known type");
	if (s->stream.len > STREAM_MAX)
		return err_set(e, ERR_INPUT, "name of the stream is too long");
	wr_put(&w, bytes_of(domain, sizeof(domain)));
	wr_u8(&w, (uint8_t)s->type);
	wr_str16(&w, s->stream);
	wr_u64(&w, s->seq);
	wr_u64(&w, s->prev);
	wr_put(&w, bytes_of(s->digest, KEY_DIGEST));
	sha256(wr_bytes(&w), out);
	return wr_ok(&w);
}

bool statement_sign(const struct statement *s, const struct key *by, uint8_t out_sig[KEY_SIG],
		    struct err *e)
{
	uint8_t digest[KEY_DIGEST];

	return digest_of(s, digest, e) && key_sign_digest(by, digest, out_sig, e);
}

bool statement_verify(const struct statement *s, const struct key *by, const uint8_t sig[KEY_SIG],
		      struct err *e)
{
	uint8_t digest[KEY_DIGEST];

	return digest_of(s, digest, e) && key_verify_digest(by, digest, sig, e);
}

bool statement_line_write(const uint8_t sig[KEY_SIG], struct str json, struct buf *out)
{
	return base64_write(out, bytes_of(sig, KEY_SIG), BASE64_URL) && buf_putc(out, ' ') &&
	       buf_puts(out, json) && buf_putc(out, '\n');
}

bool statement_line_read(struct str line, uint8_t out_sig[KEY_SIG], struct str *out_json,
			 struct err *e)
{
	struct str text;

	if (str_ends(line, STR("\n")))
		line.len--;
	if (!str_cut(line, ' ', &text, out_json) || out_json->len == 0)
		return err_set(e, ERR_INPUT, "not a signed line: no signature in front");
	if (str_has(*out_json, '\n'))
		return err_set(e, ERR_INPUT, "not one signed line: it goes on after its end");
	if (!base64_read_exact(text, BASE64_URL, out_sig, KEY_SIG, e))
		return err_in(e, "signature");
	return true;
}
