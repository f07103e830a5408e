#include "agent/settings.h"

#include "sys/files.h"

#define FIELD(f) offsetof(struct settings, f)

static const char *const sandbox_words[] = { "required", "best-effort", NULL };
static const char *const kind_words[] = { "device", "service", NULL };
static const char *const key_words[] = { "file", "tpm", NULL };

const struct conf_option settings_table[] = {
	{ "agent.state-dir", CONF_TEXT, FIELD(state_dir), "/var/lib/muster-agent", 0, 0,
	  "Directory for certificates, key files and the control socket.", NULL },
	{ "agent.sandbox", CONF_CHOICE, FIELD(sandbox), "required", 0, 0,
	  "Refuse to start where the kernel has no Landlock, or go on with seccomp alone.",
	  sandbox_words },
	{ "server.enrol", CONF_TEXT, FIELD(enrol), "127.0.0.1:8443", 0, 0, "Where musterd enrols.",
	  NULL },
	{ "server.control", CONF_TEXT, FIELD(control), "127.0.0.1:8444", 0, 0,
	  "Where musterd serves devices and services.", NULL },
	{ "identity.id", CONF_TEXT, FIELD(id), NULL, 0, 0,
	  "The name this device or service is registered under.", NULL },
	{ "identity.kind", CONF_CHOICE, FIELD(kind), "device", 0, 0,
	  "A device, or a service: a back-end application with a credential of its own.",
	  kind_words },
	{ "identity.code-file", CONF_TEXT, FIELD(code_file), "", 0, 0,
	  "File with the one-time code of the first enrolment; not needed afterwards.", NULL },
	{ "identity.key", CONF_CHOICE, FIELD(key), "file", 0, 0,
	  "Where the private key lives: in a file that only we can read, or in the TPM.",
	  key_words },
	{ "identity.tcti", CONF_TEXT, FIELD(tcti), "device:/dev/tpmrm0", 0, 0,
	  "Where the TPM is: device:/dev/tpmrm0, or swtpm: with path= or host= and port=.", NULL },
	{ "attest.interval", CONF_MS, FIELD(interval_ms), "5m", 1000, 86400000,
	  "How often the TPM's state is proved to musterd.", NULL },
	{ "attest.pcrs", CONF_TEXT, FIELD(pcrs), "0,1,2,3,4,5,6,7", 0, 0,
	  "Registers to quote, from the SHA-256 bank.", NULL },
	{ "workload.files", CONF_LIST, FIELD(files), "", 0, 0,
	  "A credential for a local program: NAME:DIRECTORY[:OWNER[:MODE]].  cert.pem, key.pem and "
	  "ca.pem are kept there and renewed.  Of a service it is the service's own.",
	  NULL },
};

const size_t settings_count = countof(settings_table);

bool settings_load(const char *path, struct arena *mem, struct settings *out, struct err *e)
{
	auto_buf struct buf text = { 0 };

	buf_init(&text, CONF_MAX_BYTES);
	if (!file_read(path, &text, e) ||
	    !conf_load(path, buf_str(&text), settings_table, settings_count, mem, out, e))
		return false;
	if (out->kind == SETTINGS_SERVICE && out->key == SETTINGS_TPM)
		return err_set(e, ERR_INPUT, "%s: a service has its key in a file", path);
	return true;
}

static bool copy(struct str from, char *to, size_t cap)
{
	if (from.len >= cap)
		return false;
	memset(to, 0, cap);
	if (from.len)
		memcpy(to, from.ptr, from.len);
	return true;
}

/* Octal, at most 0660, and the owner can always read and write. */
static bool read_mode(struct str text, unsigned *out)
{
	*out = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '7' || text.len > 4)
			return false;
		*out = *out << 3 | (unsigned)(text.ptr[i] - '0');
	}
	return (*out & ~0660U) == 0 && (*out & 0600) == 0600;
}

bool settings_workload(const char *row, struct settings_workload *out, struct err *e)
{
	struct str dir;
	struct str owner;
	struct str mode;
	struct str rest;

	*out = (struct settings_workload){ .mode = 0600 };
	(void)str_cut(str_of(row), ':', &out->name, &rest);
	(void)str_cut(rest, ':', &dir, &rest);
	(void)str_cut(rest, ':', &owner, &mode);
	if (out->name.len == 0 || out->name.len > 63 || dir.len == 0 || dir.ptr[0] != '/')
		return err_set(e, ERR_INPUT, "workload.files: want NAME:/DIRECTORY[:OWNER[:MODE]]");
	if (!copy(dir, out->dir, sizeof(out->dir)) || !copy(owner, out->owner, sizeof(out->owner)))
		return err_set(e, ERR_INPUT, "workload.files: '" STR_FMT "' is too long",
			       STR_ARG(out->name));
	if (mode.len && !read_mode(mode, &out->mode))
		return err_set(e, ERR_INPUT,
			       "workload.files: mode of '" STR_FMT "': want 0600 or 0640",
			       STR_ARG(out->name));
	return true;
}

bool settings_pcrs(const char *text, uint32_t *out_mask, struct err *e)
{
	struct str rest = str_of(text);

	*out_mask = 0;
	while (rest.len) {
		struct str part;
		uint64_t n;
		(void)str_cut(rest, ',', &part, &rest);
		if (!str_u64(str_trim(part), &n) || n > 23)
			return err_set(e, ERR_INPUT, "attest.pcrs: want numbers 0 to 23");
		if (n == 16 || n == 23)
			return err_set(e, ERR_INPUT, "attest.pcrs: anyone can reset PCR %u",
				       (unsigned)n);
		*out_mask |= 1U << n;
	}
	return *out_mask != 0 || err_set(e, ERR_INPUT, "attest.pcrs: want at least one register");
}
