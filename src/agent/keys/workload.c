#include "agent/keys/workload.h"

#include <fcntl.h>
#include <pwd.h>
#include <unistd.h>

#include "codec/pem.h"
#include "crypto/cert.h"
#include "crypto/csr.h"
#include "sys/files.h"

enum { PATH_LEN = 512, PEM_MAX = 16384, PUBLIC_MODE = 0644 };

static bool own_folder(struct workload *w, struct err *e)
{
	auto_fd int fd = -1;

	if (!dir_make(w->row.dir, w->has_owner ? 0750 : 0700, e))
		return false;
	if (!w->has_owner)
		return true;
	fd = open(w->row.dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return (fd >= 0 && fchown(fd, w->uid, w->gid) == 0) || err_sys(e, "%s", w->row.dir);
}

static bool read_row(const char *text, struct workload *w, struct err *e)
{
	if (!settings_workload(text, &w->row, e))
		return false;
	if (w->row.owner[0]) {
		const struct passwd *pw = getpwnam(w->row.owner);
		if (!pw)
			return err_set(e, ERR_MISSING, "workload.files: there is no user '%s'",
				       w->row.owner);
		w->uid = pw->pw_uid;
		w->gid = pw->pw_gid;
		w->has_owner = true;
	}
	return own_folder(w, e);
}

bool workloads_open(const struct settings *s, struct workloads *out, struct err *e)
{
	*out = (struct workloads){ 0 };
	if (s->files.count > WORKLOADS_MAX)
		return err_set(e, ERR_INPUT, "workload.files: more than %d", WORKLOADS_MAX);
	for (size_t i = 0; i < s->files.count; i++) {
		if (!read_row(s->files.at[i], &out->at[i], e))
			return false;
		if (workloads_find(out, out->at[i].row.name))
			return err_set(e, ERR_INPUT, "workload.files: '" STR_FMT "' twice",
				       STR_ARG(out->at[i].row.name));
		out->count++;
	}
	return true;
}

struct workload *workloads_find(struct workloads *all, struct str name)
{
	for (size_t i = 0; i < all->count; i++)
		if (str_eq(all->at[i].row.name, name))
			return &all->at[i];
	return NULL;
}

static bool write_file(const struct workload *w, const char *name, struct bytes data, unsigned mode,
		       struct err *e)
{
	char path[PATH_LEN];

	if (!path_join(path, sizeof(path), w->row.dir, name, e) || !file_write(path, data, mode, e))
		return false;
	if (!w->has_owner)
		return true;
	auto_fd int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return (fd >= 0 && fchown(fd, w->uid, w->gid) == 0) || err_sys(e, "%s", path);
}

static bool write_pem(const struct workload *w, const char *name, struct bytes der, struct err *e)
{
	auto_buf struct buf pem = { 0 };

	buf_init(&pem, PEM_MAX);
	return (pem_write(&pem, "CERTIFICATE", der) ||
		err_set(e, ERR_INPUT, "%s is too large", name)) &&
	       write_file(w, name, buf_bytes(&pem), PUBLIC_MODE, e);
}

static bool write_key(const struct workload *w, const struct key *key, struct err *e)
{
	auto_secret struct buf pem = { 0 };

	buf_init(&pem, PEM_MAX);
	return key_write_pem(key, &pem, e) &&
	       write_file(w, "key.pem", buf_bytes(&pem), w->row.mode, e);
}

/* The key that is there, if we can read it and it is one. */
static struct key *old_key(const struct workload *w)
{
	char path[PATH_LEN];
	struct err ignored;
	struct key *key = NULL;
	auto_secret struct buf pem = { 0 };

	buf_init(&pem, PEM_MAX);
	if (path_join(path, sizeof(path), w->row.dir, "key.pem", &ignored) &&
	    file_read_private(path, &pem, &ignored))
		key = key_read_pem(buf_str(&pem), &ignored);
	if (key && key_kind(key) != KEY_P256) {
		key_free(key);
		key = NULL;
	}
	return key;
}

bool workload_request(struct workload *w, struct buf *out, struct err *e)
{
	if (!w->key)
		w->key = old_key(w);
	if (!w->key) {
		struct key *fresh = key_generate(KEY_P256, e);
		if (!fresh || !write_key(w, fresh, e)) {
			key_free(fresh);
			return err_in(e, "workload '" STR_FMT "'", STR_ARG(w->row.name));
		}
		w->key = fresh;
	}
	return csr_write(w->key, w->row.name, (struct str){ 0 }, out, e);
}

static bool check_key(const struct key *key, struct bytes certificate, struct err *e)
{
	struct cert c;

	if (!cert_read(certificate, &c, e))
		return false;
	return (key && bytes_eq(c.spki, key_spki(key))) ||
	       err_set(e, ERR_INPUT, "certificate is of another key");
}

bool workload_install(struct workload *w, struct bytes certificate, struct bytes infra_ca,
		      struct err *e)
{
	if (!check_key(w->key, certificate, e) || !write_pem(w, "ca.pem", infra_ca, e) ||
	    !write_pem(w, "cert.pem", certificate, e))
		return err_in(e, "workload '" STR_FMT "'", STR_ARG(w->row.name));
	return true;
}

bool workload_export(struct workload *w, const struct key *key, struct bytes certificate,
		     struct bytes infra_ca, struct err *e)
{
	if (!check_key(key, certificate, e) || !write_pem(w, "ca.pem", infra_ca, e) ||
	    !write_key(w, key, e) || !write_pem(w, "cert.pem", certificate, e))
		return err_in(e, "credential '" STR_FMT "'", STR_ARG(w->row.name));
	return true;
}
