#include "sys/sandbox.h"

#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/str.h"

/* What a promise allows: names of system calls.  One that an architecture does not have is
 * skipped.  Those with a condition on an argument are in `conditions` instead. */
static const char *const for_stdio[] = {
	"read",
	"readv",
	"pread64",
	"write",
	"writev",
	"close",
	"lseek",
	"fstat",
	"munmap",
	"mremap",
	"madvise",
	"brk",
	"poll",
	"ppoll",
	"epoll_wait",
	"epoll_pwait",
	"epoll_pwait2",
	"epoll_ctl",
	"epoll_create1",
	"recvfrom",
	"sendto",
	"shutdown",
	"clock_gettime",
	"clock_getres",
	"clock_nanosleep",
	"nanosleep",
	"gettimeofday",
	"time",
	"getrandom",
	"exit",
	"exit_group",
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"sigaltstack",
	"getpid",
	"gettid",
	"getppid",
	"getuid",
	"geteuid",
	"getgid",
	"getegid",
	"tgkill",
	"futex",
	"fcntl",
	"restart_syscall",
	"sched_yield",
	"sysinfo",
	"getrusage",
	"membarrier",
	"rseq",
	"mlock",
	"munlock",
	"fdatasync", /* of what is open: keys syncs its log */
	"setitimer", /* verify limits its CPU a request */
};
static const char *const for_sock[] = {
	"accept",      "accept4",     "recvmsg",    "sendmsg",
	"getsockname", "getpeername", "getsockopt", "setsockopt",
};
static const char *const for_dial[] = {
	"connect", "recvmsg", "sendmsg", "getsockname", "getpeername", "getsockopt", "setsockopt",
};
static const char *const for_files[] = {
	"openat",    "open",       "newfstatat", "stat",       "lstat",    "statx",
	"access",    "faccessat",  "faccessat2", "unlink",     "unlinkat", "rename",
	"renameat",  "renameat2",  "link",       "linkat",     "mkdir",    "mkdirat",
	"rmdir",     "getdents64", "readlink",   "readlinkat", "pwrite64", "fsync",
	"fdatasync", "ftruncate",  "fallocate",  "flock",      "fchmod",   "fchown",
	"umask",     "getcwd",     "statfs",     "fstatfs",
};
static const char *const for_fdpass[] = { "recvmsg", "sendmsg" };
static const char *const for_spawn[] = {
	"clone",
	"clone3",
	"fork",
	"vfork",
	"execve",
	"wait4",
	"waitid",
	"kill",
	"pipe2",
	"dup2",
	"dup3",
	"setpgid",
	"setsid",
	"arch_prctl",
	"set_tid_address",
	"set_robust_list",
	"prlimit64",
	"mmap",
	"mprotect",
	"ioctl",
	"prctl",
	"close_range",
	"uname",
	"chdir",
};

struct condition {
	const char *promise, *call;
	struct scmp_arg_cmp arg;
};

static const struct condition conditions[] = {
	{ "stdio", "mmap", { 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0 } },
	{ "stdio", "mprotect", { 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0 } },
	{ "stdio", "newfstatat", { 3, SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH } },
	{ "stdio", "ioctl", { 1, SCMP_CMP_EQ, TCGETS, 0 } }, /* stdio asks: a terminal? */
	{ "stdio", "ioctl", { 1, SCMP_CMP_EQ, FIONREAD, 0 } },
	{ "dial", "socket", { 0, SCMP_CMP_EQ, AF_UNIX, 0 } },
	{ "dial", "socket", { 0, SCMP_CMP_EQ, AF_INET, 0 } },
	{ "dial", "socket", { 0, SCMP_CMP_EQ, AF_INET6, 0 } },
};

static const struct {
	const char *word;
	const char *const *calls;
	size_t count;
} promises[] = {
	{ "stdio", for_stdio, countof(for_stdio) },    { "sock", for_sock, countof(for_sock) },
	{ "dial", for_dial, countof(for_dial) },       { "files", for_files, countof(for_files) },
	{ "fdpass", for_fdpass, countof(for_fdpass) }, { "spawn", for_spawn, countof(for_spawn) },
};

/* Landlock, asked by system call: Debian 12's headers stop at ABI 2. */

enum {
	ABI_REFER = 2,
	ABI_TRUNCATE = 3,
	ABI_NET = 4,
	ABI_IOCTL = 5,
	ABI_SCOPE = 6,
	RIGHT_TRUNCATE = 1 << 14,
	RIGHT_IOCTL_DEV = 1 << 15,
	NET_BIND = 1,
	NET_CONNECT = 2,
	SCOPE_ABSTRACT_SOCKET = 1,
	SCOPE_SIGNAL = 2,
};

struct ruleset_attr {
	uint64_t fs, net, scoped;
};

static const uint64_t file_rights = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
				    LANDLOCK_ACCESS_FS_READ_FILE | RIGHT_TRUNCATE | RIGHT_IOCTL_DEV;

int sandbox_landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return abi > 0 ? (int)abi : 0;
}

/* Every right this ABI knows, so that all of them are denied where not allowed. */
static uint64_t rights_of_abi(int abi)
{
	uint64_t rights = ((uint64_t)LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;

	if (abi >= ABI_REFER)
		rights |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= ABI_TRUNCATE)
		rights |= RIGHT_TRUNCATE;
	if (abi >= ABI_IOCTL)
		rights |= RIGHT_IOCTL_DEV;
	return rights;
}

static uint64_t rights_wanted(unsigned rights)
{
	uint64_t r = 0;

	if (rights & SANDBOX_READ)
		r |= LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
	if (rights & SANDBOX_EXEC)
		r |= LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE;
	if (rights & SANDBOX_WRITE)
		r |= LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |
		     LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
		     LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_SOCK |
		     LANDLOCK_ACCESS_FS_REFER | RIGHT_TRUNCATE;
	return r;
}

static bool allow_path(int rules, const struct sandbox_path *p, uint64_t known, struct err *e)
{
	struct stat st;
	int fd = open(p->path, O_PATH | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return true;
	if (fd < 0 || fstat(fd, &st))
		return err_sys(e, "%s", p->path);
	struct landlock_path_beneath_attr beneath = {
		.allowed_access = rights_wanted(p->rights) & known &
				  (S_ISDIR(st.st_mode) ? UINT64_MAX : file_rights),
		.parent_fd = fd,
	};
	long bad = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
	int why = errno;
	(void)close(fd);
	errno = why;
	return !bad || err_sys(e, "Landlock: %s", p->path);
}

static bool promised(const struct sandbox *s, const char *word)
{
	struct str rest = str_of(s->promises), one;

	while (rest.len) {
		(void)str_cut(rest, ' ', &one, &rest);
		if (str_eqz(one, word))
			return true;
	}
	return false;
}

static bool fill_rules(int rules, const struct sandbox *s, uint64_t known, struct err *e)
{
	for (size_t i = 0; i < s->path_count; i++)
		if (!allow_path(rules, &s->paths[i], known, e))
			return false;
	if (syscall(SYS_landlock_restrict_self, rules, 0))
		return err_sys(e, "Landlock");
	return true;
}

static bool landlock_enter(const struct sandbox *s, struct err *e)
{
	int abi = sandbox_landlock_abi();
	struct ruleset_attr attr = { .fs = rights_of_abi(abi) };
	size_t size = sizeof(attr.fs);

	if (!abi && s->need == SANDBOX_BEST_EFFORT)
		return true;
	if (!abi) {
		err_set(e, ERR_SYSTEM, "this kernel has no Landlock");
		return err_hint(e, "boot with lsm=landlock,... or set sandbox = best-effort");
	}
	if (abi >= ABI_NET) {
		attr.net = NET_BIND | (promised(s, "dial") ? 0 : NET_CONNECT);
		size += sizeof(attr.net);
	}
	if (abi >= ABI_SCOPE) {
		attr.scoped = SCOPE_ABSTRACT_SOCKET | SCOPE_SIGNAL;
		size += sizeof(attr.scoped);
	}
	int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
	if (rules < 0)
		return err_sys(e, "Landlock");
	bool done = fill_rules(rules, s, attr.fs, e);
	(void)close(rules);
	return done;
}

/* seccomp. */

#ifdef MUSTER_SANDBOX_TRAP
enum { WHEN_BROKEN_TRAPS = 1 };
#else
enum { WHEN_BROKEN_TRAPS = 0 };
#endif

/* Says which call it was, then lets SIGSYS do what it does. */
static void name_the_call(int sig, siginfo_t *info, void *context)
{
	static const char before[] = "level=error event=sandbox.broken call=";
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, info->si_syscall);

	(void)context;
	(void)!write(STDERR_FILENO, before, sizeof(before) - 1);
	if (name)
		(void)!write(STDERR_FILENO, name, strlen(name));
	(void)!write(STDERR_FILENO, "\n", 1);
	(void)signal(sig, SIG_DFL);
	(void)raise(sig);
}

static void catch_broken(void)
{
	struct sigaction act = { .sa_sigaction = name_the_call, .sa_flags = SA_SIGINFO };

	(void)sigaction(SIGSYS, &act, NULL);
}

static bool allow(scmp_filter_ctx filter, const char *call, const struct scmp_arg_cmp *arg,
		  struct err *e)
{
	int number = seccomp_syscall_resolve_name(call);

	if (number < 0)
		return true; /* not on this architecture */
	int bad = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, arg ? 1 : 0, arg);
	return !bad || err_set(e, ERR_SYSTEM, "seccomp: %s: %s", call, strerror(-bad));
}

static bool allow_promise(scmp_filter_ctx filter, struct str word, struct err *e)
{
	for (size_t i = 0; i < countof(promises); i++) {
		if (!str_eqz(word, promises[i].word))
			continue;
		for (size_t k = 0; k < promises[i].count; k++)
			if (!allow(filter, promises[i].calls[k], NULL, e))
				return false;
		for (size_t k = 0; k < countof(conditions); k++)
			if (str_eqz(word, conditions[k].promise) &&
			    !allow(filter, conditions[k].call, &conditions[k].arg, e))
				return false;
		return true;
	}
	return err_set(e, ERR_SYSTEM, "'" STR_FMT "' is no promise", STR_ARG(word));
}

static bool seccomp_enter(const struct sandbox *s, struct err *e)
{
	struct str rest = str_of(s->promises), word;
	scmp_filter_ctx filter =
		seccomp_init(WHEN_BROKEN_TRAPS ? SCMP_ACT_TRAP : SCMP_ACT_KILL_PROCESS);

	if (!filter)
		return err_set(e, ERR_SYSTEM, "seccomp is not there");
	bool done = true;
	while (done && rest.len) {
		(void)str_cut(rest, ' ', &word, &rest);
		done = allow_promise(filter, word, e);
	}
	if (WHEN_BROKEN_TRAPS)
		catch_broken();
	if (done && seccomp_load(filter))
		done = err_set(e, ERR_SYSTEM, "seccomp: the filter was not taken");
	seccomp_release(filter);
	return done;
}

bool sandbox_need_read(const char *text, enum sandbox_need *out)
{
	*out = SANDBOX_REQUIRED;
	if (!strcmp(text, "best-effort"))
		*out = SANDBOX_BEST_EFFORT;
	return *out == SANDBOX_BEST_EFFORT || !strcmp(text, "required");
}

bool sandbox_enter(const struct sandbox *s, struct err *e)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return err_sys(e, "no new privileges");
	return (landlock_enter(s, e) && seccomp_enter(s, e)) || err_in(e, "sandbox");
}
