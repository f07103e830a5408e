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

bool ring_read(const char *dir, struct arena *mem, struct ring *out, struct err *e)
{
	*out = (struct ring){ 0 };
	return ring_read_key(dir, "device-ca.key", &out->device_key, e) &&
	       ring_read_key(dir, "infra-ca.key", &out->infra_key, e) &&
	       ring_read_key(dir, "statement.key", &out->statement, e) &&
	       ring_read_key(dir, "audit.key", &out->audit, e) &&
	       ring_read_cert(dir, "device-ca.pem", mem, &out->device_ca, e) &&
	       ring_read_cert(dir, "infra-ca.pem", mem, &out->infra_ca, e) &&
	       ring_read_cert(dir, "operator-ca.pem", mem, &out->operator_ca, e) &&
	       cert_issuer_read(out->device_ca, out->device_key, &out->device, e) &&
	       cert_issuer_read(out->infra_ca, out->infra_key, &out->infra, e) &&
	       ring_domain(out->infra_ca, &out->domain, e);
}
