/* main.c - muster-gate: open the listener, start the rooms, watch them.
 *
 *	link	follows musterd's feed	holds the gate's identity and the signed state
 *	relay	TLS, MQTT, policy	faces devices; knows what link told it
 *
 * This process reads one file we own and never a byte from the network.
 */
#include <unistd.h>

#include "base/log.h"
#include "gateway/settings.h"
#include "net/addr.h"
#include "sys/procs.h"
#include "sys/role.h"

enum { LINK, RELAY };

static const struct role roles[] = {
	[LINK] = { .program = "gateway-link",
		   .name = "link",
		   .user = "muster-link",
		   .when_it_ends = ROLE_RESTART },
	[RELAY] = { .program = "gateway-relay",
		    .name = "relay",
		    .user = "muster-relay",
		    .when_it_ends = ROLE_RESTART },
};

static const struct log_event event_failed = { "gate.failed", LOG_LEVEL_ERROR,
					       "The gate cannot start." };

static int report(const struct err *e)
{
	log_fail(&event_failed, e);
	return err_exit_code(e->kind);
}

static int usage(void)
{
	(void)fputs("usage: muster-gate [-n] [-c FILE]\n"
		    "  -c FILE  configuration (default /etc/muster/gate.conf)\n"
		    "  -n       check the configuration and stop\n"
		    "  -x       print every option with its default\n",
		    stderr);
	return 2;
}

static int explain(void)
{
	auto_buf struct buf out = { 0 };

	buf_init(&out, 1 << 16);
	if (!conf_explain(settings_table, settings_count, &out))
		return 1;
	return fwrite(out.ptr, 1, out.len, stdout) == out.len ? 0 : 1;
}

static int run(const char *config, const struct settings *set)
{
	struct addr at;
	struct err e = { 0 };

	if (!addr_read(str_of(set->listen), &at, &e))
		return report(&e);
	int listener = addr_listen(&at, 4096, ADDR_ALONE, &e);
	if (listener < 0)
		return report(&e);
	struct procs *procs = procs_new(procs_libexec(), roles, countof(roles));
	procs_link(procs, LINK, RELAY);
	procs_give(procs, RELAY, "listen", listener);
	procs_arg(procs, LINK, config);
	procs_arg(procs, RELAY, config);
	if (!procs_start(procs, &e))
		return report(&e);
	return procs_watch(procs);
}

int main(int argc, char **argv)
{
	const char *config = "/etc/muster/gate.conf";
	struct arena *mem = arena_new(1 << 20);
	struct settings set;
	struct err e = { 0 };
	bool check_only = false;

	for (int opt; (opt = getopt(argc, argv, "c:nx")) != -1;)
		if (opt == 'c')
			config = optarg;
		else if (opt == 'n')
			check_only = true;
		else
			return opt == 'x' ? explain() : usage();
	if (optind != argc)
		return usage();
	log_role("gate");
	role_harden();
	if (!settings_load(config, mem, &set, &e))
		return report(&e);
	if (check_only)
		return puts("configuration is good") == EOF;
	int status = run(config, &set);
	arena_free(mem);
	return status;
}
