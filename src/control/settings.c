#include "control/settings.h"

#include "sys/files.h"
#include "sys/role.h"

#define FIELD(f) offsetof(struct settings, f)

enum { YEAR_S = 365 * 86400 };

static const char *const sandbox_words[] = { "required", "best-effort", NULL };

const struct conf_option settings_table[] = {
	{ "server.enrol", CONF_TEXT, FIELD(enrol), "127.0.0.1:8443", 0, 0,
	  "Address and port for first enrolment (EST over TLS, no client certificate).", NULL },
	{ "server.devices", CONF_TEXT, FIELD(devices), "127.0.0.1:8444", 0, 0,
	  "Address and port for devices, services and gates (mutual TLS).", NULL },
	{ "server.operators", CONF_TEXT, FIELD(operators), "127.0.0.1:8445", 0, 0,
	  "Address and port for operators (mutual TLS with the operator CA).", NULL },
	{ "server.state-dir", CONF_TEXT, FIELD(state_dir), "/var/lib/muster", 0, 0,
	  "Directory for keys, database and logs of what was signed.  Made on the first run.",
	  NULL },
	{ "server.domain", CONF_TEXT, FIELD(domain), "muster.local", 0, 0,
	  "Trust domain of all names.  Read on the first run; later it is what the CAs say.",
	  NULL },
	{ "server.name", CONF_LIST, FIELD(names), "", 0, 0,
	  "A DNS name or address under which the server is reached, besides localhost.", NULL },
	{ "server.sandbox", CONF_CHOICE, FIELD(sandbox), "required", 0, 0,
	  "Whether a kernel without Landlock is refused (required).  Seccomp is always on.",
	  sandbox_words },
	{ "enrol.certificate-lifetime", CONF_SECONDS, FIELD(certificate_lifetime_s), "3d", 300,
	  30 * 86400, "How long certificates of devices, services and gates are valid.", NULL },
	{ "enrol.workload-lifetime", CONF_SECONDS, FIELD(workload_lifetime_s), "1h", 60, 3600,
	  "How long a program's certificate is valid.", NULL },
	{ "attest.valid", CONF_SECONDS, FIELD(attest_valid_s), "10m", 1, 7 * 86400,
	  "How long an attestation vouches for a device's state; then it is restricted.", NULL },
	{ "attest.grace", CONF_SECONDS, FIELD(attest_grace_s), "10m", 1, 7 * 86400,
	  "How long after that until the device may only raise its alert.", NULL },
	{ "decisions.keep", CONF_SECONDS, FIELD(decision_keep_s), "30d", 60, 10 * (int64_t)YEAR_S,
	  "How long decision records are kept.", NULL },
	{ "decisions.count", CONF_COUNT, FIELD(decision_count), "1000000", 100, 1000000000,
	  "How many decision records are kept at most.", NULL },
};

const size_t settings_count = countof(settings_table);

static bool load(const char *name, struct str text, struct arena *mem, struct settings *out,
		 struct err *e)
{
	return conf_load(name, text, settings_table, settings_count, mem, out, e);
}

bool settings_load(const char *path, struct arena *mem, struct settings *out, struct err *e)
{
	auto_buf struct buf text = { 0 };

	buf_init(&text, CONF_MAX_BYTES);
	if (path && !file_read(path, &text, e))
		return false;
	return load(path ? path : "defaults", buf_str(&text), mem, out, e);
}

bool settings_of_room(struct arena *mem, struct settings *out, struct err *e)
{
	auto_buf struct buf text = { 0 };
	int fd = role_fd("settings");

	buf_init(&text, CONF_MAX_BYTES);
	if (fd >= 0 && !file_read_fd(fd, &text, e))
		return false;
	return load("musterd.conf", buf_str(&text), mem, out, e);
}
