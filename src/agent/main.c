/* main.c - muster-agent: start the rooms of the device's half, or talk to those that run.
 *
 *	keys	the TPM or the key files	hears only net
 *	net	talks to musterd		holds no key, touches no file
 *
 * This process reads one file we own and never a byte from the network.
 */
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/events.h"
#include "agent/settings.h"
#include "codec/json.h"
#include "sys/files.h"
#include "sys/procs.h"
#include "sys/role.h"

enum { KEYS, NET };
enum { REPLY_MAX = 8192, SOCKET_BACKLOG = 16 };

static struct role roles[] = {
	[KEYS] = { .program = "agent-keys", .name = "keys" },
	[NET] = { .program = "agent-net",
		  .name = "net",
		  .user = "muster-agent",
		  .when_it_ends = ROLE_RESTART },
};

static int report(const struct err *e)
{
	log_fail(&agent_event_failed, e);
	return err_exit_code(e->kind);
}

/* --- the socket beside the state --- */

static bool socket_name(const struct settings *set, struct sockaddr_un *out, struct err *e)
{
	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	return path_join(out->sun_path, sizeof(out->sun_path), set->state_dir, "agent.sock", e);
}

static int listen_local(const struct settings *set, struct err *e)
{
	struct sockaddr_un name;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || !dir_make(set->state_dir, 0700, e) || !socket_name(set, &name, e))
		return -1;
	(void)unlink(name.sun_path);
	mode_t was = umask(0177);
	bool ok = bind(fd, (const struct sockaddr *)&name, sizeof(name)) == 0 &&
		  listen(fd, SOCKET_BACKLOG) == 0;
	(void)umask(was);
	if (ok)
		return fd;
	(void)err_sys(e, "%s", name.sun_path);
	(void)close(fd);
	return -1;
}

static bool ask_local(const struct settings *set, const char *what, struct buf *out, struct err *e)
{
	struct sockaddr_un name;
	auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || !socket_name(set, &name, e))
		return false;
	if (connect(fd, (const struct sockaddr *)&name, sizeof(name))) {
		(void)err_sys(e, "%s", name.sun_path);
		e->kind = ERR_RETRY;
		return err_hint(e, "is the agent running? muster-agent run");
	}
	if (dprintf(fd, "%s\n", what) < 0)
		return err_sys(e, "%s", name.sun_path);
	return file_read_fd(fd, out, e);
}

/* The agent's word for a kind of failure, as this program's exit code. */
static int exit_code_of(struct str kind)
{
	for (int k = ERR_NONE; k < ERR_KINDS; k++)
		if (str_eqz(kind, err_kind_name((enum err_kind)k)))
			return err_exit_code((enum err_kind)k);
	return 1;
}

static int talk(const struct settings *set, const char *what)
{
	auto_buf struct buf reply = { 0 };
	auto_json struct json *doc = NULL;
	struct str kind = { 0 };
	struct err e = { 0 };

	buf_init(&reply, REPLY_MAX);
	if (!ask_local(set, what, &reply, &e))
		return report(&e);
	if (!json_read(buf_bytes(&reply), NULL, &doc, &e) || !json_opt_text(doc, "kind", &kind, &e))
		return report(&e);
	if (fwrite(reply.ptr, 1, reply.len, stdout) != reply.len)
		return 1;
	return kind.len ? exit_code_of(kind) : 0;
}

/* --- the rooms --- */

/* As root the net room changes to its own user, when the machine has it. */
static void choose_user(void)
{
	if (geteuid() == 0 && !getpwnam(roles[NET].user)) {
		log_event(&agent_event_no_user);
		roles[NET].user = NULL;
	}
}

static int run(const char *config, const struct settings *set, bool is_once)
{
	char path[512];
	struct err e = { 0 };
	int listener = listen_local(set, &e);

	if (listener < 0)
		return report(&e);
	choose_user();
	if (is_once)
		roles[NET].when_it_ends = ROLE_STOP_ALL;
	struct procs *procs = procs_new(procs_libexec(), roles, countof(roles));
	procs_link(procs, KEYS, NET);
	procs_give(procs, NET, "local", listener);
	procs_arg(procs, KEYS, config);
	procs_arg(procs, NET, config);
	if (is_once)
		procs_arg(procs, NET, "enrol");
	if (!procs_start(procs, &e))
		return report(&e);
	int status = procs_watch(procs);
	if (is_once && path_join(path, sizeof(path), set->state_dir, "current", &e))
		return file_exists(path) ? 0 : 1;
	return status;
}

static int usage(void)
{
	(void)fputs("usage: muster-agent run|enrol|attest|renew|status|explain|check [-c FILE]\n"
		    "  run      enrol if need be, attest, renew, keep credential files fresh\n"
		    "  enrol    use the one-time code, then end\n"
		    "  attest   prove the state now, by the running agent\n"
		    "  renew    have a new key and certificate now, by the running agent\n"
		    "  status   what the running agent knows about itself\n"
		    "  explain  print every option with its default\n"
		    "  check    read the configuration and stop\n"
		    "  -c FILE  configuration (default /etc/muster/agent.conf)\n",
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

static int act(const char *verb, const char *config, const struct settings *set)
{
	if (strcmp(verb, "run") == 0)
		return run(config, set, false);
	if (strcmp(verb, "enrol") == 0)
		return run(config, set, true);
	if (strcmp(verb, "check") == 0)
		return puts("configuration is good") == EOF;
	if (strcmp(verb, "attest") == 0 || strcmp(verb, "renew") == 0 ||
	    strcmp(verb, "status") == 0)
		return talk(set, verb);
	return usage();
}

int main(int argc, char **argv)
{
	const char *config = "/etc/muster/agent.conf";
	const char *verb = argc > 1 ? argv[1] : "";
	struct arena *mem = arena_new(1 << 20);
	struct settings set;
	struct err e = { 0 };

	optind = 2;
	for (int opt; argc > 1 && (opt = getopt(argc, argv, "c:")) != -1;) {
		if (opt != 'c')
			return usage();
		config = optarg;
	}
	if (argc < 2 || optind != argc)
		return usage();
	if (strcmp(verb, "explain") == 0)
		return explain();
	log_role("agent");
	role_harden();
	if (!settings_load(config, mem, &set, &e))
		return report(&e);
	int status = act(verb, config, &set);
	arena_free(mem);
	return status;
}
