/* ceremony.c - control-ceremony: makes the keys and CAs of a new Muster, and operators'
 *credentials.
 *
 *	control-ceremony new STATE-DIR DOMAIN
 *	control-ceremony operator STATE-DIR NAME OUT-DIR SERVER
 *
 * The parent runs the first once, when the state directory has no keys; the second is
 * `musterd operator NAME --out DIR`, run by the server's administrator.  Only it opens the
 * operator CA's key.  Nothing that exists is ever written over.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "codec/pem.h"
#include "control/keys/ring.h"
#include "crypto/note.h"
#include "crypto/secret.h"
#include "sys/files.h"
#include "sys/role.h"

enum { PATH_CAP = 4096, PEM_MAX = 16 << 10, CA_DAYS = 3650, OPERATOR_DAYS = 365 };

#define DAY_MS 86400000LL

static const struct log_event failed = { "ceremony.failed", LOG_LEVEL_ERROR,
					 "Keys or a credential could not be made." };

static bool save(const char *dir, const char *name, struct bytes data, unsigned mode, struct err *e)
{
	char path[PATH_CAP];

	return path_join(path, sizeof(path), dir, name, e) && file_create(path, data, mode, e);
}

static bool save_key(const char *dir, const char *name, const struct key *k, struct err *e)
{
	auto_secret struct buf text = { 0 };

	buf_init(&text, PEM_MAX);
	return key_write_pem(k, &text, e) && save(dir, name, buf_bytes(&text), 0600, e);
}

static bool save_cert(const char *dir, const char *name, struct bytes der, struct err *e)
{
	auto_buf struct buf text = { 0 };

	buf_init(&text, PEM_MAX);
	if (!pem_write(&text, "CERTIFICATE", der))
		return err_set(e, ERR_SYSTEM, "certificate is too large");
	return save(dir, name, buf_bytes(&text), 0644, e);
}

static bool make_ca(const char *key_dir, const char *cert_dir, const char *name,
		    const char *common_name, struct err *e)
{
	char key_file[64], cert_file[64];
	auto_buf struct buf der = { 0 };
	auto_key struct key *k = key_generate(KEY_P256, e);
	int64_t now_ms = clock_wall_ms(clock_real());

	if (!k)
		return false;
	struct cert_issuer self = { .key = k };
	struct cert_request q = { .profile = CERT_CA,
				  .common_name = str_of(common_name),
				  .spki = key_spki(k),
				  .not_before_ms = now_ms - DAY_MS,
				  .not_after_ms = now_ms + CA_DAYS * DAY_MS };
	(void)snprintf(key_file, sizeof(key_file), "%s.key", name);
	(void)snprintf(cert_file, sizeof(cert_file), "%s.pem", name);
	buf_init(&der, CERT_MAX_BYTES);
	return cert_issue(&q, &self, &der, e) && save_key(key_dir, key_file, k, e) &&
	       save_cert(cert_dir, cert_file, buf_bytes(&der), e);
}

static bool make_key(const char *dir, const char *name, enum key_kind kind, struct err *e)
{
	auto_key struct key *k = key_generate(kind, e);

	return k && save_key(dir, name, k, e);
}

static bool make_all(const char *state, const char *domain, struct err *e)
{
	char keys[PATH_CAP], operator_ca[PATH_CAP], core[PATH_CAP];
	char device[128], infra[128], people[128];

	(void)snprintf(device, sizeof(device), "%s device CA", domain);
	(void)snprintf(infra, sizeof(infra), "%s infra CA", domain);
	(void)snprintf(people, sizeof(people), "%s operator CA", domain);
	return path_join(keys, sizeof(keys), state, "keys", e) &&
	       path_join(operator_ca, sizeof(operator_ca), state, "operator-ca", e) &&
	       path_join(core, sizeof(core), state, "core", e) && dir_make(keys, 0700, e) &&
	       dir_make(operator_ca, 0700, e) && dir_make(core, 0700, e) &&
	       make_ca(keys, keys, "device-ca", device, e) &&
	       make_ca(keys, keys, "infra-ca", infra, e) &&
	       make_ca(operator_ca, keys, "operator-ca", people, e) &&
	       make_key(keys, "statement.key", KEY_P256, e) &&
	       make_key(keys, "audit.key", KEY_ED25519, e);
}

/* ---- an operator's credential ---- */

static bool save_ca(const char *keys, const char *out, struct arena *mem, struct err *e)
{
	struct bytes infra;

	return ring_read_cert(keys, "infra-ca.pem", mem, &infra, e) &&
	       save_cert(out, "ca.pem", infra, e);
}

/* What `muster audit verify` trusts, out of reach of whoever holds the database. */
static bool save_audit_key(const char *keys, const char *out, struct str domain, struct err *e)
{
	struct key *audit = NULL;
	auto_buf struct buf text = { 0 };
	char name[300];

	if (!ring_read_key(keys, "audit.key", &audit, e))
		return false;
	(void)snprintf(name, sizeof(name), STR_FMT "/audit", STR_ARG(domain));
	buf_init(&text, 1024);
	bool is_good = note_key_write(str_of(name), audit, &text) && buf_putc(&text, '\n');
	key_free(audit);
	return is_good ? save(out, "audit.key", buf_bytes(&text), 0644, e)
		       : err_set(e, ERR_SYSTEM, "the audit key cannot be written");
}

static bool certify(const char *state, const char *keys, const char *name, const char *out,
		    struct arena *mem, struct err *e)
{
	char operator_ca[PATH_CAP];
	struct key *ca_key = NULL;
	struct bytes ca;
	auto_buf struct buf der = { 0 };
	struct cert_issuer issuer;
	struct str domain;
	int64_t now_ms = clock_wall_ms(clock_real());

	if (!path_join(operator_ca, sizeof(operator_ca), state, "operator-ca", e) ||
	    !ring_read_ca(keys, "operator", mem, &ca, e) || !ring_domain(ca, &domain, e) ||
	    !ring_read_key(operator_ca, "operator-ca.key", &ca_key, e))
		return false;
	auto_key struct key *k = key_generate(KEY_P256, e);
	struct cert_request q = {
		.profile = CERT_USER,
		.uri = arena_printf(mem, "spiffe://" STR_FMT "/user/%s", STR_ARG(domain), name),
		.common_name = str_of(name),
		.spki = k ? key_spki(k) : (struct bytes){ 0 },
		.not_before_ms = now_ms - 60000,
		.not_after_ms = now_ms + OPERATOR_DAYS * DAY_MS,
	};
	buf_init(&der, CERT_MAX_BYTES);
	bool is_made = k && cert_issuer_read(ca, ca_key, &issuer, e) &&
		       cert_issue(&q, &issuer, &der, e) && save_key(out, "key.pem", k, e) &&
		       save_audit_key(keys, out, domain, e);
	key_free(ca_key);
	/* The certificate last: when it is there, the rest is. */
	return is_made && save_ca(keys, out, mem, e) &&
	       save_cert(out, "cert.pem", buf_bytes(&der), e);
}

static bool name_ok(const char *name)
{
	size_t len =
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return len > 0 && len <= 63 && !name[len] && !strchr("._-", name[0]);
}

static bool make_operator(const char *state, const char *name, const char *out, const char *server,
			  struct err *e)
{
	auto_arena struct arena *mem = arena_new(1 << 20);
	struct str line = arena_printf(mem, "%s\n", server);
	char keys[PATH_CAP];

	if (!name_ok(name))
		return err_set(e, ERR_INPUT, "'%s' is not a name", name);
	return path_join(keys, sizeof(keys), state, "keys", e) && dir_make(out, 0700, e) &&
	       save(out, "server", bytes_str(line), 0644, e) &&
	       certify(state, keys, name, out, mem, e);
}

static bool run(int argc, char **argv, struct err *e)
{
	if (argc == 4 && strcmp(argv[1], "new") == 0)
		return make_all(argv[2], argv[3], e);
	if (argc == 6 && strcmp(argv[1], "operator") == 0)
		return make_operator(argv[2], argv[3], argv[4], argv[5], e);
	return err_set(e, ERR_INPUT,
		       "usage: control-ceremony new STATE DOMAIN | operator STATE NAME OUT SERVER");
}

int main(int argc, char **argv)
{
	struct err e = { 0 };

	log_role("ceremony");
	role_harden();
	if (secret_start(&e) && run(argc, argv, &e))
		return 0;
	log_fail(&failed, &e);
	return err_exit_code(e.kind);
}
