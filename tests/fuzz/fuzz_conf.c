/* fuzz_conf.c - any bytes as a configuration file. */
#include "codec/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct settings {
	const char *text;
	int64_t count, seconds, ms, bytes;
	bool on;
	int choice;
	struct conf_list list;
};

#define FIELD(f) offsetof(struct settings, f)

static const char *const words[] = { "required", "best-effort", NULL };

static const struct conf_option table[] = {
	{ "server.listen", CONF_TEXT, FIELD(text), "x", 0, 0, "" },
	{ "server.limit", CONF_COUNT, FIELD(count), "1", 1, 9, "" },
	{ "server.lifetime", CONF_SECONDS, FIELD(seconds), "1s", 0, 0, "" },
	{ "server.wait", CONF_MS, FIELD(ms), "1s", 0, 0, "" },
	{ "server.most", CONF_BYTES, FIELD(bytes), "1K", 0, 0, "" },
	{ "enrol.open", CONF_SWITCH, FIELD(on), "off", 0, 0, "" },
	{ "enrol.sandbox", CONF_CHOICE, FIELD(choice), "required", 0, 0, "", words },
	{ "enrol.workload", CONF_LIST, FIELD(list), "", 0, 0, "" },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *mem = arena_new(1 << 20);
	struct settings set;
	struct err e = { 0 };

	if (!conf_load("fuzz", str_bytes(bytes_of(data, size)), table, countof(table), mem, &set,
		       &e) &&
	    !e.kind)
		abort(); /* a refusal says why */
	return 0;
}
