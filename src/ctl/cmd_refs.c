/* cmd_refs.c - muster refs keygen|trust|sign|publish|list: reference values of releases.
 *
 * The release key never meets the server: sign works on files, publish carries the signed line.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "codec/base64.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "codec/pem.h"
#include "crypto/hash.h"
#include "crypto/key.h"
#include "crypto/statement.h"
#include "ctl/say.h"
#include "sys/files.h"

enum { PCRS = 24, KEY_FILE_MAX = 16384, LINE_MAX_BYTES = 65536, DEFAULT_DAYS = 730 };

#define DAY_MS 86400000LL

static bool want(const struct ctl *c, const char *option, struct err *e)
{
	return ctl_has(c, option) || err_set(e, ERR_INPUT, "--%s is missing", option);
}

/* ---- keys ---- */

static bool save_key(struct ctl *c, const struct key *key, struct err *e)
{
	struct str path = ctl_text(c, "out");
	struct str public_path = arena_printf(c->mem, STR_FMT ".pub", STR_ARG(path));
	auto_buf struct buf text = { 0 };
	auto_buf struct buf public = { 0 };

	buf_init(&text, KEY_FILE_MAX);
	buf_init(&public, KEY_FILE_MAX);
	if (!key_write_pem(key, &text, e) || !pem_write(&public, "PUBLIC KEY", key_spki(key)))
		return false;
	bool is_saved = file_create(arena_dup(c->mem, path).ptr, buf_bytes(&text), 0600, e) &&
			file_write(public_path.ptr, buf_bytes(&public), 0644, e);
	mem_wipe(text.ptr, text.len);
	return is_saved;
}

bool cmd_refs_keygen(struct ctl *c, struct err *e)
{
	if (!want(c, "out", e))
		return false;
	auto_key struct key *key = key_generate(KEY_P256, e);
	if (!key || !save_key(c, key, e))
		return err_in(e, "release key");
	struct str path = ctl_text(c, "out");
	if (c->is_json)
		printf("{}\n");
	else
		printf("Made " STR_FMT " (keep it off the server) and " STR_FMT ".pub.\n"
		       "Next: muster refs trust " STR_FMT ".pub\n",
		       STR_ARG(path), STR_ARG(path), STR_ARG(path));
	return true;
}

/* "dir/release.key.pub" -> "release.key" */
static struct str key_name(struct ctl *c)
{
	struct str name = c->args[0], head;

	if (ctl_has(c, "name"))
		return ctl_text(c, "name");
	while (str_cut(name, '/', &head, &name))
		;
	name = head;
	return str_ends(name, STR(".pub")) ? str_head(name, name.len - 4) : name;
}

bool cmd_refs_trust(struct ctl *c, struct err *e)
{
	auto_buf struct buf body = { 0 };
	struct str text;
	struct bytes spki;
	struct jw w;

	if (!ctl_file(c, c->args[0], KEY_FILE_MAX, &text, e) ||
	    !pem_read(text, "PUBLIC KEY", c->mem, &spki, e))
		return err_in(e, "'" STR_FMT "'", STR_ARG(c->args[0]));
	auto_key struct key *key = key_public(spki, e);
	if (!key)
		return err_in(e, "'" STR_FMT "'", STR_ARG(c->args[0]));
	buf_init(&body, KEY_FILE_MAX);
	jw_init(&w, &body, JW_COMPACT);
	jw_map(&w);
	jw_kv_str(&w, "name", key_name(c));
	jw_kv_str(&w, "public", base64_text(spki, BASE64_STD, c->mem));
	jw_end(&w);
	return say_done(c, "POST", STR("/api/v1/refs/keys"), buf_str(&body),
			STR("Reference values signed by this key are believed from now on."), e);
}

/* ---- signing ---- */

struct values {
	struct str hex[PCRS][8];
	size_t count[PCRS];
};

static bool read_pcr(struct ctl *c, struct str text, struct values *out, struct err *e)
{
	struct str index, hex;
	struct bytes digest;
	uint64_t n;

	if (!str_cut(text, '=', &index, &hex) || !str_u64(index, &n) || n >= PCRS)
		return err_set(e, ERR_INPUT, "--pcr wants N=HEX, N from 0 to 23");
	if (n == 16 || n == 23)
		return err_set(e, ERR_INPUT,
			       "register %d can be reset by anyone: it proves nothing", (int)n);
	if (!hex_read(hex, c->mem, &digest, e) || digest.len != 32)
		return err_set(e, ERR_INPUT, "--pcr %d: want a SHA-256 value, 64 hex digits",
			       (int)n);
	if (out->count[n] == countof(out->hex[n]))
		return err_set(e, ERR_INPUT, "--pcr %d: more than %zu values", (int)n,
			       countof(out->hex[n]));
	out->hex[n][out->count[n]++] = hex_text(digest, c->mem);
	return true;
}

static bool read_pcrs(struct ctl *c, struct values *out, struct err *e)
{
	struct str text;
	size_t at = 0;

	if (!want(c, "pcr", e))
		return false;
	while (ctl_each(c, "pcr", &at, &text))
		if (!read_pcr(c, text, out, e))
			return false;
	return true;
}

static void write_pcrs(const struct values *v, struct jw *w)
{
	jw_key(w, "pcrs");
	jw_map(w);
	for (size_t n = 0; n < PCRS; n++) {
		char name[4];

		if (!v->count[n])
			continue;
		snprintf(name, sizeof(name), "%zu", n);
		jw_key(w, name);
		jw_list(w);
		for (size_t i = 0; i < v->count[n]; i++)
			jw_str(w, v->hex[n][i]);
		jw_end(w);
	}
	jw_end(w);
}

static bool write_values(struct ctl *c, int64_t version, struct buf *out, struct err *e)
{
	int64_t now_ms = clock_wall_ms(clock_real()), days;
	struct values values = { .count = { 0 } };
	struct jw w;

	if (!ctl_number(c, "days", DEFAULT_DAYS, &days, e) || !read_pcrs(c, &values, e))
		return false;
	jw_init(&w, out, JW_COMPACT);
	jw_map(&w);
	jw_kv_str(&w, "model", ctl_text(c, "model"));
	jw_kv_int(&w, "version", version);
	jw_kv_int(&w, "not_before", now_ms - DAY_MS); /* the server's clock may be behind */
	jw_kv_int(&w, "not_after", now_ms + days * DAY_MS);
	write_pcrs(&values, &w);
	jw_end(&w);
	return jw_ok(&w) || err_set(e, ERR_INPUT, "too large");
}

static bool sign_line(struct ctl *c, int64_t version, struct str json, struct buf *out,
		      struct err *e)
{
	struct statement s = { .type = STATEMENT_REFS,
			       .stream = ctl_text(c, "model"),
			       .seq = (uint64_t)version };
	auto_buf struct buf pem = { 0 };
	uint8_t sig[KEY_SIG];

	buf_init(&pem, KEY_FILE_MAX);
	if (!file_read_private(arena_dup(c->mem, ctl_text(c, "key")).ptr, &pem, e))
		return false;
	auto_key struct key *key = key_read_pem(buf_str(&pem), e);
	mem_wipe(pem.ptr, pem.len);
	if (!key)
		return false;
	sha256(bytes_str(json), s.digest);
	return statement_sign(&s, key, sig, e) && statement_line_write(sig, json, out);
}

bool cmd_refs_sign(struct ctl *c, struct err *e)
{
	auto_buf struct buf json = { 0 };
	auto_buf struct buf line = { 0 };
	int64_t version;

	buf_init(&json, LINE_MAX_BYTES);
	buf_init(&line, LINE_MAX_BYTES * 2);
	if (!want(c, "key", e) || !want(c, "model", e) || !want(c, "version", e) ||
	    !ctl_number(c, "version", 0, &version, e) || !write_values(c, version, &json, e))
		return false;
	if (!sign_line(c, version, buf_str(&json), &line, e))
		return err_in(e, "release key");
	if (!ctl_save(ctl_text(c, "out"), buf_bytes(&line), 0644, e))
		return false;
	if (ctl_has(c, "out") && !c->is_json)
		print_note("Signed.  Next: muster refs publish " STR_FMT,
			   STR_ARG(ctl_text(c, "out")));
	return true;
}

/* ---- on the server ---- */

bool cmd_refs_publish(struct ctl *c, struct err *e)
{
	auto_buf struct buf body = { 0 };
	uint8_t sig[KEY_SIG];
	struct str line, json;
	struct jw w;

	if (!ctl_file(c, c->args[0], LINE_MAX_BYTES, &line, e) ||
	    !statement_line_read(line, sig, &json, e))
		return err_in(e, "'" STR_FMT "'", STR_ARG(c->args[0]));
	buf_init(&body, LINE_MAX_BYTES * 2);
	jw_init(&w, &body, JW_COMPACT);
	jw_map(&w);
	jw_kv_str(&w, "statement", line);
	jw_end(&w);
	return say_done(c, "POST", STR("/api/v1/refs"), buf_str(&body), STR("Published."), e);
}

bool cmd_refs_list(struct ctl *c, struct err *e)
{
	static const struct say_column columns[] = {
		{ "MODEL", "model", SAY_TEXT },    { "VERSION", "version", SAY_NUMBER },
		{ "FROM", "not_before", SAY_AGE }, { "UNTIL", "not_after", SAY_AGE },
		{ NULL, NULL, SAY_TEXT },
	};
	static const char *const filters[] = { "model", NULL };
	static const struct say_list list = {
		"/api/v1/refs", columns, filters,
		"Make a key (muster refs keygen), then muster refs sign and publish", 0
	};

	return say_list(c, &list, e);
}
