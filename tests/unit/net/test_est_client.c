/* test_est_client.c - what a one-time code says, and what is none. */
#include "test.h"

#include "net/est_client.h"

static struct err e;

#define FINGERPRINT "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static const struct {
	const char *says, *code, *id; /* id NULL: refused */
} codes[] = {
	{ "a code", "mc1.pump-1.c2VjcmV0." FINGERPRINT, "pump-1" },
	{ "a code from a file", "mc1.pump-1.c2VjcmV0." FINGERPRINT "\n", "pump-1" },
	{ "an id with dots", "mc1.a.b.c.c2VjcmV0." FINGERPRINT, "a.b.c" },
	{ "nothing", "", NULL },
	{ "another version", "mc2.pump-1.c2VjcmV0." FINGERPRINT, NULL },
	{ "no fingerprint", "mc1.pump-1.c2VjcmV0", NULL },
	{ "a cut fingerprint", "mc1.pump-1.c2VjcmV0.AAAA", NULL },
	{ "no id", "mc1..c2VjcmV0." FINGERPRINT, NULL },
	{ "no secret", "mc1.pump-1.." FINGERPRINT, NULL },
	{ "a secret that is too long",
	  "mc1.p.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA." FINGERPRINT,
	  NULL },
};

static void codes_are_read_or_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(codes); i++) {
		struct est_code c;
		bool ok = est_code_read(str_of(codes[i].code), &c, &e);
		check(ok == (codes[i].id != NULL), codes[i].says);
		check(!ok || strcmp(c.id, codes[i].id) == 0, codes[i].says);
	}
}

RUN_TESTS(cmocka_unit_test(codes_are_read_or_refused))
