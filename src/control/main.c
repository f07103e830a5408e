/* main.c - musterd: open what needs privilege, start the rooms, watch them.
 *
 *	front	TLS, HTTP and EST	knows no CA key, no database
 *	core	decisions and store	listens to nobody
 *	verify	evidence		holds nothing
 *	keys	CA and audit keys	hears only core
 *
 * This process reads one file we own and never a byte from the network.
 *
 *	musterd [-c FILE] [-n]
 *	musterd [-c FILE] operator NAME --out DIR
 */
#include <dirent.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "control/settings.h"
#include "net/addr.h"
#include "sys/files.h"
#include "sys/procs.h"
#include "sys/role.h"
#include "sys/sandbox.h"

enum { FRONT, CORE, KEYS, VERIFY };
enum { PATH_CAP = 4096, BACKLOG = 1024 };

static const struct role roles[] = {
	[FRONT] = { .program = "control-front",
		    .name = "front",
		    .user = "muster-front",
		    .when_it_ends = ROLE_RESTART },
	[CORE] = { .program = "control-core", .name = "core", .user = "muster-core" },
	[KEYS] = { .program = "control-keys", .name = "keys", .user = "muster-keys" },
	[VERIFY] = { .program = "control-verify",
		     .name = "verify",
		     .user = "muster-verify",
		     .when_it_ends = ROLE_RESTART },
};

static const struct log_event failed = { "musterd.failed", LOG_LEVEL_ERROR,
					 "musterd cannot start, or a command failed." };
static const struct log_event first_run = {
	"musterd.first-run", LOG_LEVEL_INFO,
	"Keys, CAs and the credential of operator admin were made."
};

static const struct log_event no_users = {
	"musterd.no-users", LOG_LEVEL_WARNING,
	"Root without the rooms' users (dist/sysusers.conf): all rooms run as root, sandboxed."
};

struct args {
	const char *config, *name, *out;
	bool check_only;
};

static int report(const struct err *e)
{
	log_fail(&failed, e);
	return err_exit_code(e->kind);
}

/* ---- arguments ---- */

static bool args_read(int argc, char **argv, struct args *out, struct err *e)
{
	*out = (struct args){ 0 };
	for (int i = 1; i < argc; i++) {
		bool has_next = i + 1 < argc;

		if (strcmp(argv[i], "-n") == 0)
			out->check_only = true;
		else if (strcmp(argv[i], "-c") == 0 && has_next)
			out->config = argv[++i];
		else if (strcmp(argv[i], "operator") == 0 && has_next)
			out->name = argv[++i];
		else if (strcmp(argv[i], "--out") == 0 && has_next)
			out->out = argv[++i];
		else
			return err_set(
				e, ERR_INPUT,
				"'%s': usage: musterd [-c FILE] [-n] | operator NAME --out DIR",
				argv[i]);
	}
	if (out->name && !out->out)
		return err_set(e, ERR_INPUT, "operator: --out DIR is missing");
	return true;
}

/* ---- the ceremony: its own program, its own process ---- */

static bool run_ceremony(const char *const argv[], struct err *e)
{
	char path[PATH_CAP];
	int status = 0;

	if (!path_join(path, sizeof(path), procs_libexec(), "control-ceremony", e))
		return false;
	pid_t child = fork();
	if (child < 0)
		return err_sys(e, "fork");
	if (child == 0) {
		(void)execv(path, (char *const *)argv);
		_exit(127);
	}
	if (waitpid(child, &status, 0) != child)
		return err_sys(e, "control-ceremony");
	return (WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
	       err_set(e, ERR_SYSTEM, "control-ceremony did not succeed");
}

static bool make_operator(const struct settings *set, const char *name, const char *out,
			  struct err *e)
{
	const char *const argv[] = { "control-ceremony", "operator", set->state_dir, name, out,
				     set->operators,     NULL };

	return run_ceremony(argv, e);
}

static bool make_state(const struct settings *set, struct err *e)
{
	const char *const argv[] = { "control-ceremony", "new", set->state_dir, set->domain, NULL };
	char done[PATH_CAP], admin[PATH_CAP];

	if (!dir_make(set->state_dir, 0711, e) ||
	    !path_join(done, sizeof(done), set->state_dir, "keys/audit.key", e) ||
	    !path_join(admin, sizeof(admin), set->state_dir, "operator/admin", e))
		return false;
	/* audit.key is made last but the credential: without it the ceremony did not end. */
	if (file_exists(done))
		return true;
	if (!run_ceremony(argv, e) || !make_operator(set, "admin", admin, e))
		return false;
	log_event(&first_run, LOG_TEXT("credential", admin));
	return true;
}

/* ---- listeners ---- */

static bool give_listeners(struct procs *p, const struct settings *set, struct err *e)
{
	const struct {
		const char *name, *address;
	} doors[] = {
		{ "enrol", set->enrol },
		{ "devices", set->devices },
		{ "operators", set->operators },
	};

	for (size_t i = 0; i < countof(doors); i++) {
		struct addr at;
		if (!addr_read(str_of(doors[i].address), &at, e))
			return false;
		int fd = addr_listen(&at, BACKLOG, ADDR_ALONE, e);
		if (fd < 0)
			return false;
		procs_give(p, FRONT, doors[i].name, fd);
	}
	return true;
}

/* Each room reads the file itself, from an offset of its own. */
static bool give_settings(struct procs *p, const char *config, struct err *e)
{
	static const size_t readers[] = { CORE, KEYS };

	for (size_t i = 0; config && i < countof(readers); i++) {
		int fd = open(config, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return err_sys(e, "%s", config);
		procs_give(p, readers[i], "settings", fd);
	}
	return true;
}

/* ---- users: as root each room gets its own, and what it keeps on disk is that user's ---- */

static bool own_tree(const char *state, const char *name, const struct passwd *user, struct err *e)
{
	char dir[PATH_CAP], path[PATH_CAP];
	const struct dirent *entry;

	if (!user)
		return err_set(e, ERR_SYSTEM, "the user of %s cannot be looked up", name);
	if (!path_join(dir, sizeof(dir), state, name, e))
		return false;
	DIR *d = opendir(dir);
	if (!d)
		return err_sys(e, "%s", dir);
	bool is_good = chown(dir, user->pw_uid, user->pw_gid) == 0 || err_sys(e, "%s", dir);
	while (is_good && (entry = readdir(d)) != NULL) {
		if (entry->d_type != DT_REG)
			continue;
		is_good = path_join(path, sizeof(path), dir, entry->d_name, e) &&
			  (lchown(path, user->pw_uid, user->pw_gid) == 0 || err_sys(e, "%s", path));
	}
	(void)closedir(d);
	return is_good;
}

/* False in *out: these users are not on this machine, so all rooms stay what we are. */
static bool give_users(const struct settings *set, bool *out, struct err *e)
{
	const struct {
		size_t role;
		const char *dir;
	} keepers[] = { { CORE, "core" }, { KEYS, "keys" } };

	*out = false;
	/* Rooms of a build tree run as whoever started them (sys/procs.h). */
	if (geteuid() != 0 || secure_getenv("MUSTER_LIBEXEC"))
		return true;
	for (size_t i = 0; i < countof(roles); i++)
		if (!getpwnam(roles[i].user)) {
			log_event(&no_users, LOG_TEXT("user", roles[i].user));
			return true;
		}
	*out = true;
	for (size_t i = 0; i < countof(keepers); i++)
		if (!own_tree(set->state_dir, keepers[i].dir, getpwnam(roles[keepers[i].role].user),
			      e))
			return false;
	return true;
}

static int run(const struct args *args, const struct settings *set)
{
	static const char *const need[] = { "required", "best-effort" };
	static struct role mine[countof(roles)];
	bool has_users;
	struct err e = { 0 };

	if (!give_users(set, &has_users, &e))
		return report(&e);
	for (size_t i = 0; i < countof(roles); i++) {
		mine[i] = roles[i];
		if (!has_users)
			mine[i].user = NULL;
	}
	struct procs *p = procs_new(procs_libexec(), mine, countof(mine));
	procs_link(p, FRONT, CORE);
	procs_link(p, CORE, KEYS); /* front has no way to reach keys */
	procs_link(p, CORE, VERIFY);
	procs_arg(p, FRONT, need[set->sandbox]);
	procs_arg(p, VERIFY, need[set->sandbox]);
	if (!give_listeners(p, set, &e) || !give_settings(p, args->config, &e) ||
	    !procs_start(p, &e))
		return report(&e);
	return procs_watch(p);
}

int main(int argc, char **argv)
{
	struct arena *mem = arena_new(1 << 20);
	struct settings set;
	struct args args;
	struct err e = { 0 };

	log_role("musterd");
	if (!args_read(argc, argv, &args, &e) || !settings_load(args.config, mem, &set, &e))
		return report(&e);
	if (args.check_only)
		return puts("configuration is good") == EOF;
	if (args.name)
		return make_operator(&set, args.name, args.out, &e) ? 0 : report(&e);
	role_harden();
	if (!make_state(&set, &e))
		return report(&e);
	return run(&args, &set);
}
