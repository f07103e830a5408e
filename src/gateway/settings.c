#include "gateway/settings.h"

#include "sys/files.h"

#define FIELD(f) offsetof(struct settings, f)

static const char *const sandbox_words[] = { "required", "best-effort", NULL };

const struct conf_option settings_table[] = {
	{ "gate.id", CONF_TEXT, FIELD(id), NULL, 0, 0, "The name this gate is registered under.",
	  NULL },
	{ "gate.listen", CONF_TEXT, FIELD(listen), "127.0.0.1:8883", 0, 0,
	  "Address and port for MQTT over mutual TLS.", NULL },
	{ "gate.state-dir", CONF_TEXT, FIELD(state_dir), "/var/lib/muster-gate", 0, 0,
	  "Directory for the gate's key, the last signed state and the spool.", NULL },
	{ "gate.code-file", CONF_TEXT, FIELD(code_file), "", 0, 0,
	  "File with the one-time code of the first enrolment; not needed afterwards.", NULL },
	{ "gate.sandbox", CONF_CHOICE, FIELD(sandbox), "required", 0, 0,
	  "Refuse to start where the kernel has no Landlock, or go on with seccomp alone.",
	  sandbox_words },
	{ "control.enrol", CONF_TEXT, FIELD(enrol), "127.0.0.1:8443", 0, 0, "Where musterd enrols.",
	  NULL },
	{ "control.control", CONF_TEXT, FIELD(control), "127.0.0.1:8444", 0, 0,
	  "Where musterd serves devices and gates.", NULL },
	{ "control.stale-after", CONF_MS, FIELD(stale_ms), "30s", 1000, 3600000,
	  "Without news from musterd for this long, the state counts as stale.", NULL },
	{ "control.old-after", CONF_MS, FIELD(old_ms), "1h", 1000, 604800000,
	  "From then on only spaces marked telemetry are decided.", NULL },
	{ "control.expired-after", CONF_MS, FIELD(expired_ms), "24h", 1000, 2592000000,
	  "From then on everything is denied.", NULL },
	{ "control.outage-allowance", CONF_MS, FIELD(allowance_ms), "1h", 0, 604800000,
	  "How much longer evidence counts while musterd cannot be reached.", NULL },
	{ "control.spool", CONF_BYTES, FIELD(spool_bytes), "16M", 65536, 1073741824,
	  "Room for decision records that wait to be sent up; more are dropped and counted.",
	  NULL },
	{ "upstream.address", CONF_TEXT, FIELD(upstream), "unix:/run/mosquitto/gate.sock", 0, 0,
	  "The broker: unix:/path or host:port.", NULL },
	{ "limits.packet", CONF_BYTES, FIELD(packet_bytes), "128K", 1024, 16777216,
	  "Largest MQTT packet.", NULL },
	{ "limits.filters", CONF_COUNT, FIELD(filters), "8", 1, 64, "Filters in one SUBSCRIBE.",
	  NULL },
	{ "limits.subscriptions", CONF_COUNT, FIELD(subscriptions), "50", 1, 1000,
	  "Subscriptions of one session.", NULL },
	{ "limits.sessions", CONF_COUNT, FIELD(sessions), "9000", 1, 100000,
	  "Sessions of one worker; each takes two descriptors.", NULL },
	{ "limits.handshakes", CONF_COUNT, FIELD(handshakes), "1000", 1, 10000,
	  "TLS handshakes in flight.", NULL },
	{ "limits.keep-alive", CONF_SECONDS, FIELD(keep_alive_s), "600s", 10, 600,
	  "Longest keep-alive; clients that ask for more are given this.", NULL },
};

const size_t settings_count = countof(settings_table);

bool settings_load(const char *path, struct arena *mem, struct settings *out, struct err *e)
{
	auto_buf struct buf text = { 0 };

	buf_init(&text, CONF_MAX_BYTES);
	return file_read(path, &text, e) &&
	       conf_load(path, buf_str(&text), settings_table, settings_count, mem, out, e);
}
