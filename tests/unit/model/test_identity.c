/* test_identity.c - names of principals, and what is none (T5). */
#include "test.h"

#include "model/identity.h"

static const struct {
	const char *says, *text;
	size_t len; /* 0: strlen */
	enum identity_kind kind;
} cases[] = {
	{ "a device", "spiffe://muster.local/device/pump-1", 0, IDENTITY_DEVICE },
	{ "a workload", "spiffe://muster.local/device/pump-1/workload/log.2", 0,
	  IDENTITY_WORKLOAD },
	{ "a gate", "spiffe://muster.local/gate/gw_1", 0, IDENTITY_GATE },
	{ "a user", "spiffe://muster.local/user/admin", 0, IDENTITY_USER },
	{ "a server", "spiffe://muster.local/server/control", 0, IDENTITY_SERVER },
	{ "another scheme", "https://muster.local/device/a", 0, IDENTITY_NONE },
	{ "no domain", "spiffe:///device/a", 0, IDENTITY_NONE },
	{ "a capital in the domain", "spiffe://Muster.local/device/a", 0, IDENTITY_NONE },
	{ "a port", "spiffe://muster.local:1/device/a", 0, IDENTITY_NONE },
	{ "no id", "spiffe://muster.local/device/", 0, IDENTITY_NONE },
	{ "no kind", "spiffe://muster.local/", 0, IDENTITY_NONE },
	{ "only a kind", "spiffe://muster.local/device", 0, IDENTITY_NONE },
	{ "an unknown kind", "spiffe://muster.local/root/a", 0, IDENTITY_NONE },
	{ "a slash at the end", "spiffe://muster.local/device/a/", 0, IDENTITY_NONE },
	{ "T5: NUL", "spiffe://muster.local/device/a\0b", 32, IDENTITY_NONE },
	{ "T5: #", "spiffe://muster.local/device/a#", 0, IDENTITY_NONE },
	{ "T5: +", "spiffe://muster.local/device/+", 0, IDENTITY_NONE },
	{ "T5: UTF-8", "spiffe://muster.local/device/p\xc3\xbcmp", 0, IDENTITY_NONE },
	{ "T5: control", "spiffe://muster.local/device/a\x01", 0, IDENTITY_NONE },
	{ "a leading dot", "spiffe://muster.local/device/.a", 0, IDENTITY_NONE },
	{ "64 characters",
	  "spiffe://muster.local/device/"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	  0, IDENTITY_NONE },
	{ "a workload of a service", "spiffe://muster.local/service/s/workload/w", 0,
	  IDENTITY_NONE },
	{ "a workload with no name", "spiffe://muster.local/device/a/workload/", 0, IDENTITY_NONE },
	{ "something after the workload", "spiffe://muster.local/device/a/workload/b/c", 0,
	  IDENTITY_NONE },
	{ "a bare workload", "spiffe://muster.local/workload/a", 0, IDENTITY_NONE },
};

static void only_our_forms_are_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct str text = { cases[i].text,
				    cases[i].len ? cases[i].len : strlen(cases[i].text) };
		struct identity id;
		struct err e = { 0 };
		struct buf out;

		bool is_read = identity_read(text, &id, &e);
		check(is_read == (cases[i].kind != IDENTITY_NONE), cases[i].says);
		check(id.kind == cases[i].kind, cases[i].says);
		if (!is_read)
			continue;
		buf_init(&out, 512);
		check(identity_write(&id, &out, &e), cases[i].says);
		check(str_eq(buf_str(&out), text), "what is written is what was read");
		buf_clear(&out);
		check(identity_write_short(&id, &out, &e) &&
			      identity_read_short(buf_str(&out), &id, &e),
		      "the short text reads back");
		buf_done(&out);
	}
}

RUN_TESTS(cmocka_unit_test(only_our_forms_are_names))
