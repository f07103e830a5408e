#include "agent/keys/identity.h"

#include <unistd.h>

#include "agent/walls.h"
#include "crypto/cert.h"
#include "crypto/csr.h"
#include "sys/files.h"
#include "tpm/tpm.h"

enum { PATH_LEN = 512, PEM_MAX = 4096 };

static void slot_init(struct identity_slot *s)
{
	*s = (struct identity_slot){ 0 };
	buf_init(&s->request, CSR_MAX_BYTES);
	buf_init(&s->certificate, CERT_MAX_BYTES);
	buf_init(&s->blob, TPM_BLOB_MAX);
}

static void slot_done(struct identity_slot *s)
{
	key_free(s->key);
	buf_done(&s->request);
	buf_done(&s->certificate);
	buf_done(&s->blob);
	slot_init(s);
}

static bool path_of(const struct identity *id, unsigned number, const char *name,
		    char out[PATH_LEN], struct err *e)
{
	int len = name[0] ? snprintf(out, PATH_LEN, "%s/id-%u/%s", id->settings->state_dir, number,
				     name)
			  : snprintf(out, PATH_LEN, "%s/id-%u", id->settings->state_dir, number);

	return (len > 0 && len < PATH_LEN) || err_set(e, ERR_INPUT, "agent.state-dir is too long");
}

static bool state_path(const struct identity *id, const char *name, char out[PATH_LEN],
		       struct err *e)
{
	return path_join(out, PATH_LEN, id->settings->state_dir, name, e);
}

/* An absent file leaves out empty. */
static bool read_if_there(const char *path, struct buf *out, struct err *e)
{
	if (file_read(path, out, e))
		return true;
	return e->kind == ERR_MISSING;
}

/* --- keys, in a file or in the TPM --- */

static bool sign_in_tpm(void *ctx, const uint8_t digest[KEY_DIGEST], uint8_t out_sig[KEY_SIG],
			struct err *e)
{
	struct identity_slot *s = ctx;

	return tpm_key_sign(s->tcti, buf_bytes(&s->blob), digest, out_sig, e);
}

static struct key *key_in_tpm(const struct settings *set, struct identity_slot *s, struct err *e)
{
	struct tpm_public p;
	struct bytes public;

	if (!tpm_key_public(buf_bytes(&s->blob), &public, e) || !tpm_public_read(public, &p, e))
		return NULL;
	auto_key struct key *k = tpm_public_key(&p, e);
	if (!k)
		return NULL;
	s->tcti = set->tcti;
	return key_external(key_spki(k), sign_in_tpm, s, e);
}

static bool load_key(struct identity *id, struct identity_slot *s, struct err *e)
{
	char path[PATH_LEN];
	auto_secret struct buf pem = { 0 };

	buf_init(&pem, PEM_MAX);
	if (id->settings->key == SETTINGS_TPM) {
		if (!path_of(id, s->number, "key.tpm", path, e) ||
		    !file_read_private(path, &s->blob, e))
			return false;
		s->key = key_in_tpm(id->settings, s, e);
	} else {
		if (!path_of(id, s->number, "key.pem", path, e) ||
		    !file_read_private(path, &pem, e))
			return false;
		s->key = key_read_pem(buf_str(&pem), e);
	}
	return s->key != NULL || err_in(e, "%s", path);
}

static bool make_key(struct identity *id, struct identity_slot *s, struct err *e)
{
	char path[PATH_LEN];
	auto_secret struct buf pem = { 0 };

	buf_init(&pem, PEM_MAX);
	if (id->settings->key == SETTINGS_TPM) {
		if (!tpm_key_new(id->settings->tcti, TPM_KEY_TLS, &s->blob, e) ||
		    !path_of(id, s->number, "key.tpm", path, e))
			return false;
		s->key = key_in_tpm(id->settings, s, e);
		return s->key && file_write(path, buf_bytes(&s->blob), 0600, e);
	}
	s->key = key_generate(KEY_P256, e);
	return s->key && key_write_pem(s->key, &pem, e) &&
	       path_of(id, s->number, "key.pem", path, e) &&
	       file_write(path, buf_bytes(&pem), 0600, e);
}

/* --- generations --- */

/* T14: a certificate that was put beside another's key is nobody's identity. */
static bool is_pair(const struct identity_slot *s, struct err *e)
{
	struct cert c;

	if (s->certificate.len == 0)
		return true;
	if (!cert_read(buf_bytes(&s->certificate), &c, e))
		return err_in(e, "cert.der");
	return bytes_eq(c.spki, key_spki(s->key)) ||
	       err_set(e, ERR_INPUT, "key and cert.der do not belong together");
}

/* A generation that is there in part counts as far as it goes: a key without its request is
 * made again. */
static bool load_slot(struct identity *id, struct identity_slot *s, unsigned number, struct err *e)
{
	char path[PATH_LEN];

	s->number = number;
	if (!path_of(id, number, "cert.der", path, e) || !read_if_there(path, &s->certificate, e) ||
	    !path_of(id, number, "request.der", path, e) || !read_if_there(path, &s->request, e))
		return false;
	return load_key(id, s, e) && is_pair(s, e);
}

static bool read_current(struct identity *id, unsigned *out, struct err *e)
{
	char path[PATH_LEN];
	auto_buf struct buf text = { 0 };
	uint64_t n = 0;

	buf_init(&text, 64);
	if (!state_path(id, "current", path, e) || !read_if_there(path, &text, e))
		return false;
	struct str s = str_trim(buf_str(&text));
	if (str_ends(s, STR("\n")))
		s.len--;
	if (text.len && (!str_u64(s, &n) || n == 0 || n > 1000000000))
		return err_set(e, ERR_INPUT, "%s is damaged", path);
	*out = (unsigned)n;
	return true;
}

/* What is left of a generation that is not wanted any more. */
static void remove_generation(const struct identity *id, unsigned number)
{
	static const char *const names[] = { "key.pem", "key.tpm", "request.der", "cert.der" };
	char path[PATH_LEN];
	struct err ignored;

	for (size_t i = 0; i < countof(names); i++)
		if (path_of(id, number, names[i], path, &ignored))
			(void)file_remove(path, &ignored);
	if (path_of(id, number, "", path, &ignored))
		(void)rmdir(path);
}

static bool load_next(struct identity *id, unsigned number, struct err *e)
{
	char path[PATH_LEN];

	if (!path_of(id, number, "request.der", path, e))
		return false;
	if (!file_exists(path)) { /* cut short while it was made */
		remove_generation(id, number);
		return true;
	}
	return load_slot(id, &id->slot[AGENT_NEXT], number, e);
}

bool identity_open(const struct settings *s, struct identity *out, struct err *e)
{
	char path[PATH_LEN];
	unsigned current = 0;

	*out = (struct identity){ .settings = s };
	slot_init(&out->slot[AGENT_CURRENT]);
	slot_init(&out->slot[AGENT_NEXT]);
	buf_init(&out->infra_ca, CERT_MAX_BYTES);
	buf_init(&out->device_ca, CERT_MAX_BYTES);
	if (!dir_check_private(s->state_dir, e) || !read_current(out, &current, e))
		return false;
	if (current && !load_slot(out, &out->slot[AGENT_CURRENT], current, e))
		return err_in(e, "identity %u", current);
	if (!load_next(out, current + 1, e))
		return err_in(e, "identity %u", current + 1);
	if (current > 1)
		remove_generation(out, current - 1);
	return state_path(out, "infra-ca.der", path, e) && read_if_there(path, &out->infra_ca, e) &&
	       state_path(out, "device-ca.der", path, e) && read_if_there(path, &out->device_ca, e);
}

static bool make_request(struct identity *id, struct identity_slot *s, struct err *e)
{
	char path[PATH_LEN];

	return path_of(id, s->number, "", path, e) && dir_make(path, 0700, e) &&
	       make_key(id, s, e) &&
	       csr_write(s->key, str_of(id->settings->id), (struct str){ 0 }, &s->request, e) &&
	       path_of(id, s->number, "request.der", path, e) &&
	       file_write(path, buf_bytes(&s->request), 0600, e);
}

bool identity_request(struct identity *id, struct bytes *out, struct err *e)
{
	struct identity_slot *s = &id->slot[AGENT_NEXT];

	if (s->number == 0) {
		s->number = id->slot[AGENT_CURRENT].number + 1;
		if (!make_request(id, s, e)) {
			slot_done(s);
			return err_in(e, "new key");
		}
	}
	*out = buf_bytes(&s->request);
	return true;
}

static bool check_chain(const struct identity_slot *s, struct bytes certificate,
			struct bytes infra_ca, struct bytes device_ca, struct err *e)
{
	struct cert mine;
	struct cert infra;
	struct cert device;

	if (!cert_read(certificate, &mine, e) || !cert_read(infra_ca, &infra, e) ||
	    !cert_read(device_ca, &device, e))
		return false;
	if (!bytes_eq(mine.spki, key_spki(s->key)))
		return err_set(e, ERR_INPUT, "certificate is of another key");
	/* Valid when it was issued is all this room can say: net knows what time it is. */
	return cert_verify(&mine, &device, mine.not_before_ms, e);
}

static bool keep(struct buf *to, struct bytes from)
{
	buf_clear(to);
	return buf_put(to, from.ptr, from.len);
}

bool identity_install(struct identity *id, struct bytes certificate, struct bytes infra_ca,
		      struct bytes device_ca, struct err *e)
{
	struct identity_slot *s = &id->slot[AGENT_NEXT];
	char path[PATH_LEN];

	if (s->number == 0)
		return err_set(e, ERR_INPUT, "no request was made");
	if (!check_chain(s, certificate, infra_ca, device_ca, e))
		return err_in(e, "install certificate");
	if (!keep(&s->certificate, certificate) || !keep(&id->infra_ca, infra_ca) ||
	    !keep(&id->device_ca, device_ca))
		return err_set(e, ERR_INPUT, "certificate is too large");
	return state_path(id, "infra-ca.der", path, e) && file_write(path, infra_ca, 0644, e) &&
	       state_path(id, "device-ca.der", path, e) && file_write(path, device_ca, 0644, e) &&
	       path_of(id, s->number, "cert.der", path, e) &&
	       file_write(path, certificate, 0644, e);
}

bool identity_adopt(struct identity *id, struct err *e)
{
	struct identity_slot *next = &id->slot[AGENT_NEXT];
	struct identity_slot *current = &id->slot[AGENT_CURRENT];
	char path[PATH_LEN];
	char text[16];

	if (next->certificate.len == 0)
		return err_set(e, ERR_INPUT, "there is no new certificate");
	int len = snprintf(text, sizeof(text), "%u\n", next->number);
	if (!state_path(id, "current", path, e) ||
	    !file_write(path, bytes_of(text, (size_t)len), 0600, e))
		return false;
	unsigned old = current->number;
	unsigned number = next->number;
	slot_done(current);
	slot_done(next);
	if (old)
		remove_generation(id, old);
	return load_slot(id, current, number, e);
}
