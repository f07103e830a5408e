/* test_addr.c - addresses as people write them. */
#include "net/addr.h"

#include <unistd.h>

#include "test.h"

static const struct {
	const char *says, *text, *want; /* NULL: refused */
} cases[] = {
	{ "an address and a port", "127.0.0.1:8443", "127.0.0.1:8443" },
	{ "one of the longer kind", "[::1]:8443", "[::1]:8443" },
	{ "any port", "127.0.0.1:0", "127.0.0.1:0" },
	{ "a unix socket", "unix:/run/x.sock", "unix:/run/x.sock" },
	{ "a name", "localhost:1", NULL /* looked up: either family */ },
	{ "no port", "127.0.0.1", NULL },
	{ "no host", ":8443", NULL },
	{ "a port too many", "127.0.0.1:65536", NULL },
	{ "a signed port", "127.0.0.1:-1", NULL },
	{ "a word for a port", "127.0.0.1:https", NULL },
	{ "colons without brackets", "::1:8443", NULL },
	{ "nothing", "", NULL },
	{ "no path", "unix:", NULL },
	{ "a path too long",
	  "unix:/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	  NULL },
};

static void addresses_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct addr a;
		char text[ADDR_TEXT];
		struct err e = { 0 };
		bool got = addr_read(str_of(cases[i].text), &a, &e);
		if (!strncmp(cases[i].text, "localhost", 9)) {
			check(got && str_eqz(addr_host(&a), "localhost"), cases[i].says);
			continue;
		}
		check(got == !!cases[i].want && got == !e.kind, cases[i].says);
		if (!got)
			continue;
		addr_text(&a, text);
		check(!strcmp(text, cases[i].want), cases[i].says);
	}
}

static void ports_are_found(void **state)
{
	struct addr any, at;
	struct err e;
	char text[ADDR_TEXT];

	(void)state;
	check(addr_read(STR("127.0.0.1:0"), &any, &e), "any port");
	int fd = addr_listen(&any, 1, ADDR_ALONE, &e);
	check(fd >= 0 && addr_of_fd(fd, &at, &e), "is found");
	addr_text(&at, text);
	check(strcmp(text, "127.0.0.1:0") && !strncmp(text, "127.0.0.1:", 10), "and told");
	check(addr_listen(&at, 1, ADDR_ALONE, &e) < 0 && e.kind, "one listener at a time");
	int to = addr_connect(&at, &e);
	check(to >= 0, "and called");
	addr_peer_text(to, text);
	(void)close(to);
	(void)close(fd);
}

RUN_TESTS(cmocka_unit_test(addresses_are_read), cmocka_unit_test(ports_are_found))
