#include "crypto/note.h"

#include "base/cursor.h"
#include "codec/base64.h"
#include "codec/hex.h"

enum {
	ALGORITHM_ED25519 = 1,
	KEY_ID = 4,
	SIGNED = KEY_ID + 64,
	VERIFIER = 1 + 32,
	NAME_MAX_LEN = 255
};

#define EM_DASH "\xe2\x80\x94"

/* C2SP signed-note: a name is not empty and has no Unicode spaces or plus. We keep to ASCII. */
static bool name_is_good(struct str name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] <= ' ' || name.ptr[i] > '~' || name.ptr[i] == '+')
			return false;
	return name.len > 0 && name.len <= NAME_MAX_LEN;
}

static void key_hash(struct str name, struct bytes public, uint8_t out[KEY_ID])
{
	uint8_t text[NAME_MAX_LEN + 2 + 32];
	uint8_t digest[SHA256_LEN];
	struct wr w = wr_of(text, sizeof(text));

	wr_put(&w, bytes_str(name));
	wr_u8(&w, '\n');
	wr_u8(&w, ALGORITHM_ED25519);
	wr_put(&w, public);
	sha256(wr_bytes(&w), digest);
	memcpy(out, digest, KEY_ID);
}

bool note_write(const struct note *n, const struct key *signer, struct buf *out, struct err *e)
{
	uint8_t sig[SIGNED];
	size_t start = out->len;

	if (!name_is_good(n->origin))
		return err_set(e, ERR_INPUT, "name of the log must be plain text without spaces");
	buf_printf(out, STR_FMT "\n%llu\n", STR_ARG(n->origin), (unsigned long long)n->size);
	base64_write(out, bytes_of(n->root.b, SHA256_LEN), BASE64_STD);
	buf_putc(out, '\n');
	if (out->is_full)
		return err_set(e, ERR_INPUT, "note is too large");
	key_hash(n->origin, key_point(signer), sig);
	if (!key_sign_ed25519(signer, bytes_of(out->ptr + start, out->len - start), sig + KEY_ID,
			      e))
		return false;
	buf_printf(out, "\n" EM_DASH " " STR_FMT " ", STR_ARG(n->origin));
	base64_write(out, bytes_of(sig, SIGNED), BASE64_STD);
	return buf_putc(out, '\n') || err_set(e, ERR_INPUT, "note is too large");
}

/* One line without its end; false when the text does not go on. */
static bool next_line(struct str *text, struct str *out)
{
	return str_cut(*text, '\n', out, text);
}

static bool size_is_good(struct str s, uint64_t *out)
{
	return str_u64(s, out) && (s.len == 1 || s.ptr[0] != '0');
}

static bool read_body(struct str body, struct str origin, struct note *out, struct err *e)
{
	struct str name;
	struct str size;
	struct str root;

	if (!next_line(&body, &name) || !next_line(&body, &size) || !next_line(&body, &root))
		return err_set(e, ERR_INPUT, "checkpoint is not three lines");
	if (!str_eq(name, origin))
		return err_set(e, ERR_INPUT, "checkpoint is of log '" STR_FMT "'", STR_ARG(name));
	if (!size_is_good(size, &out->size))
		return err_set(e, ERR_INPUT, "checkpoint has no size");
	if (!base64_read_exact(root, BASE64_STD, out->root.b, SHA256_LEN, e))
		return err_in(e, "checkpoint root");
	out->origin = name;
	return true;
}

/* Is this signature line by that key, and good? Lines of others are passed over. */
static bool line_is_ours(struct str line, struct str origin, const struct key *by,
			 struct bytes body)
{
	uint8_t sig[SIGNED];
	uint8_t id[KEY_ID];
	struct str name;
	struct str text;
	struct err ignored;

	if (!str_starts(line, STR(EM_DASH " ")))
		return false;
	if (!str_cut(str_from(line, 4), ' ', &name, &text) || !str_eq(name, origin))
		return false;
	if (!base64_read_exact(text, BASE64_STD, sig, SIGNED, &ignored))
		return false;
	key_hash(origin, key_point(by), id);
	return memcmp(id, sig, KEY_ID) == 0 && key_verify_ed25519(by, body, sig + KEY_ID, &ignored);
}

/* Where the body ends: after the newline before the last empty line. 0: nowhere. */
static size_t body_end(struct str text)
{
	for (size_t i = text.len; i >= 2; i--)
		if (text.ptr[i - 1] == '\n' && text.ptr[i - 2] == '\n')
			return i - 1;
	return 0;
}

bool note_read(struct str text, struct str origin, const struct key *by, struct note *out,
	       struct err *e)
{
	size_t end = text.len <= NOTE_MAX_BYTES ? body_end(text) : 0;
	struct str body = str_head(text, end);
	struct str rest = str_from(text, end + 1);
	struct str line;

	*out = (struct note){ 0 };
	if (end == 0 || !name_is_good(origin))
		return err_set(e, ERR_INPUT, "not a signed note");
	while (next_line(&rest, &line))
		if (line_is_ours(line, origin, by, bytes_str(body)))
			return read_body(body, origin, out, e);
	return err_set(e, ERR_INPUT, "note is not signed by '" STR_FMT "'", STR_ARG(origin));
}

bool note_key_write(struct str name, const struct key *k, struct buf *out)
{
	uint8_t id[KEY_ID];
	uint8_t public[VERIFIER] = { ALGORITHM_ED25519 };
	struct bytes raw = key_point(k);

	if (key_kind(k) != KEY_ED25519 || !name_is_good(name))
		return false;
	memcpy(public + 1, raw.ptr, raw.len);
	key_hash(name, raw, id);
	return buf_puts(out, name) && buf_putc(out, '+') && hex_write(out, bytes_of(id, KEY_ID)) &&
	       buf_putc(out, '+') && base64_write(out, bytes_of(public, VERIFIER), BASE64_STD);
}

struct key *note_key_read(struct str text, struct str *out_name, struct err *e)
{
	uint8_t id[KEY_ID];
	uint8_t want[KEY_ID];
	uint8_t public[VERIFIER];
	struct str id_text;
	struct str rest;

	if (!str_cut(text, '+', out_name, &rest) || !name_is_good(*out_name) ||
	    !str_cut(rest, '+', &id_text, &rest) || !hex_read_exact(id_text, id, KEY_ID, e) ||
	    !base64_read_exact(rest, BASE64_STD, public, VERIFIER, e) ||
	    public[0] != ALGORITHM_ED25519) {
		(void)err_set(e, ERR_INPUT, "not a verifier key of a signed note");
		return NULL;
	}
	key_hash(*out_name, bytes_of(public + 1, 32), want);
	if (memcmp(id, want, KEY_ID) != 0) {
		(void)err_set(e, ERR_INPUT, "verifier key does not match its own number");
		return NULL;
	}
	return key_public_ed25519(public + 1, e);
}
