#include "control/keys/ring.h"

#include "codec/pem.h"
#include "sys/files.h"

enum { PATH_CAP = 4096, PEM_MAX = 16 << 10 };

bool ring_read_key(const char *dir, const char *name, struct key **out, struct err *e)
{
	char path[PATH_CAP];
	auto_secret struct buf text = { 0 };

	buf_init(&text, PEM_MAX);
	if (!path_join(path, sizeof(path), dir, name, e) || !file_read_private(path, &text, e))
		return false;
	*out = key_read_pem(buf_str(&text), e);
	return *out || err_in(e, "%s", path);
}

bool ring_read_cert(const char *dir, const char *name, struct arena *mem, struct bytes *out,
		    struct err *e)
{
	char path[PATH_CAP];
	auto_buf struct buf text = { 0 };

	buf_init(&text, PEM_MAX);
	if (!path_join(path, sizeof(path), dir, name, e) || !file_read(path, &text, e))
		return false;
	return pem_read(buf_str(&text), "CERTIFICATE", mem, out, e) || err_in(e, "%s", path);
}

bool ring_domain(struct bytes ca, struct str *out, struct err *e)
{
	struct cert c;
	struct str rest;

	if (!cert_read(ca, &c, e))
		return false;
	if (!c.is_ca || !str_cut(c.common_name, ' ', out, &rest))
		return err_set(e, ERR_INPUT, "this is no CA of ours");
	return true;
}

bool ring_read_ca(const char *dir, const char *role, struct arena *mem, struct bytes *out,
		  struct err *e)
{
	struct str want = arena_printf(mem, "%s CA", role), domain, is;
	struct str name = arena_printf(mem, "%s-ca.pem", role);
	struct cert c;

	if (!ring_read_cert(dir, name.ptr, mem, out, e))
		return false;
	if (!cert_read(*out, &c, e))
		return err_in(e, "%s/" STR_FMT, dir, STR_ARG(name));
	if (c.is_ca && str_cut(c.common_name, ' ', &domain, &is) && str_eq(is, want))
		return true;
	return err_set(e, ERR_INPUT,
		       "%s/" STR_FMT ": this is '" STR_FMT "', not the " STR_FMT " it stood for",
		       dir, STR_ARG(name), STR_ARG(c.common_name), STR_ARG(want));
}

static bool read_kind(const char *dir, const char *name, enum key_kind kind, struct key **out,
		      struct err *e)
{
	if (!ring_read_key(dir, name, out, e))
		return false;
	return key_kind(*out) == kind || err_set(e, ERR_INPUT, "%s/%s: want %s key", dir, name,
						 kind == KEY_P256 ? "a P-256" : "an Ed25519");
}

/* T14: an authority's key and its certificate, or no authority. */
static bool read_pair(const char *dir, const char *role, struct arena *mem, struct key **key,
		      struct bytes *ca, struct cert_issuer *out, struct err *e)
{
	struct str name = arena_printf(mem, "%s-ca.key", role);

	if (!read_kind(dir, name.ptr, KEY_P256, key, e) || !ring_read_ca(dir, role, mem, ca, e))
		return false;
	return cert_issuer_read(*ca, *key, out, e) ||
	       err_in(e, "%s/%s-ca.key and %s-ca.pem", dir, role, role);
}

bool ring_read(const char *dir, struct arena *mem, struct ring *out, struct err *e)
{
	*out = (struct ring){ 0 };
	return read_pair(dir, "device", mem, &out->device_key, &out->device_ca, &out->device, e) &&
	       read_pair(dir, "infra", mem, &out->infra_key, &out->infra_ca, &out->infra, e) &&
	       ring_read_ca(dir, "operator", mem, &out->operator_ca, e) &&
	       read_kind(dir, "statement.key", KEY_P256, &out->statement, e) &&
	       read_kind(dir, "audit.key", KEY_ED25519, &out->audit, e) &&
	       ring_domain(out->infra_ca, &out->domain, e);
}
