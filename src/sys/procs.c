#include "sys/procs.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "sys/role.h"

enum {
	ROOMS_MAX = 64,
	LINKS_MAX = 64,
	GIVEN_MAX = 8,
	ARGS_MAX = 16,
	FDS_MAX = 32,
	FIRST_FD = 3,   /* after the standard three */
	SPARE_FD = 512, /* where descriptors wait while the low ones are filled */
	FIRST_DELAY_MS = 50,
	MOST_DELAY_MS = 5000,
	STEADY_MS = 1000, /* who lived this long did not die of its start */
	GRACE_MS = 5000,  /* from SIGTERM to SIGKILL */
};

static const struct log_event started = { "room.started", LOG_LEVEL_INFO,
					  "A room of this daemon runs." };
static const struct log_event ended = { "room.ended", LOG_LEVEL_WARNING,
					"A room of this daemon ended without being asked." };
static const struct log_event restarting = { "room.restarting", LOG_LEVEL_INFO,
					     "The room is started again after this delay." };
static const struct log_event failed = { "room.failed", LOG_LEVEL_ERROR,
					 "A room could not be started." };

struct room {
	struct role role;
	const char *args[ARGS_MAX];
	size_t arg_count;
	struct {
		const char *name;
		int fd;
	} given[GIVEN_MAX];
	size_t given_count;
	pid_t pid;               /* 0: not running */
	int control;             /* our end of its "parent" socket */
	int64_t born_ms, due_ms; /* due: when it is started again; 0: not */
	int64_t delay_ms;
};

/* An end that its room has not got yet waits in fd. */
struct link {
	size_t room[2];
	int fd[2];
};

struct procs {
	const char *libexec;
	struct room rooms[ROOMS_MAX];
	size_t room_count;
	struct link links[LINKS_MAX];
	size_t link_count;
	sigset_t waited_for, was;
};

const char *procs_libexec(void)
{
	const char *own = secure_getenv("MUSTER_LIBEXEC");

	return own && *own ? own : MUSTER_LIBEXECDIR;
}

static const char *name_of(const struct room *r)
{
	return r->role.name ? r->role.name : r->role.program;
}

struct procs *procs_new(const char *libexec, const struct role *roles, size_t count)
{
	struct procs *p = mem_new(1, sizeof(*p));

	p->libexec = libexec;
	for (; p->room_count < count && p->room_count < ROOMS_MAX; p->room_count++)
		p->rooms[p->room_count] =
			(struct room){ .role = roles[p->room_count], .control = -1 };
	return p;
}

void procs_free(struct procs *p)
{
	free(p);
}

void procs_link(struct procs *p, size_t a, size_t b)
{
	if (p->link_count == LINKS_MAX)
		abort(); /* the table of a program, not anybody's input */
	p->links[p->link_count++] = (struct link){ { a, b }, { -1, -1 } };
}

void procs_give(struct procs *p, size_t role, const char *name, int fd)
{
	struct room *r = &p->rooms[role];

	if (r->given_count == GIVEN_MAX)
		abort();
	r->given[r->given_count].name = name;
	r->given[r->given_count++].fd = fd;
}

void procs_arg(struct procs *p, size_t role, const char *arg)
{
	struct room *r = &p->rooms[role];

	if (r->arg_count == ARGS_MAX)
		abort();
	r->args[r->arg_count++] = arg;
}

/* What a room is born with: descriptors and their names. */
struct luggage {
	struct {
		const char *name;
		int fd;
	} item[FDS_MAX];
	size_t count;
};

static void pack(struct luggage *l, const char *name, int fd)
{
	if (l->count == FDS_MAX)
		abort();
	l->item[l->count].name = name;
	l->item[l->count++].fd = fd;
}

/* A new end for a neighbour that runs already. */
static void send_link(const struct room *to, const char *name, int fd)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec part = { (void *)(uintptr_t)name, strlen(name) };
	struct msghdr msg = { .msg_iov = &part,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };

	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	/* A neighbour too busy to take it will lose the link and be found dead or busy. */
	(void)sendmsg(to->control, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* The end of one link for room i; its other end goes to the neighbour or waits for it. */
static bool pack_link(struct procs *p, struct link *k, size_t mine, struct luggage *l,
		      struct err *e)
{
	size_t other = 1 - mine;
	const struct room *neighbour = &p->rooms[k->room[other]];

	if (k->fd[mine] < 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, k->fd))
		return err_sys(e, "socketpair");
	pack(l, name_of(neighbour), k->fd[mine]);
	if (neighbour->pid && k->fd[other] >= 0) {
		send_link(neighbour, name_of(&p->rooms[k->room[mine]]), k->fd[other]);
		(void)close(k->fd[other]);
		k->fd[other] = -1;
	}
	return true;
}

static bool pack_all(struct procs *p, size_t i, struct luggage *l, int *parent_end, struct err *e)
{
	struct room *r = &p->rooms[i];
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return err_sys(e, "socketpair");
	r->control = pair[0];
	*parent_end = pair[1];
	pack(l, "parent", pair[1]);
	for (size_t k = 0; k < r->given_count; k++)
		pack(l, r->given[k].name, r->given[k].fd);
	for (size_t k = 0; k < p->link_count; k++)
		for (size_t end = 0; end < 2; end++)
			if (p->links[k].room[end] == i && !pack_link(p, &p->links[k], end, l, e))
				return false;
	return true;
}

/* After the fork: its ends of the links are the room's now. */
static void hand_over(struct procs *p, size_t i, int parent_end)
{
	(void)close(parent_end);
	for (size_t k = 0; k < p->link_count; k++)
		for (size_t end = 0; end < 2; end++)
			if (p->links[k].room[end] == i && p->links[k].fd[end] >= 0) {
				(void)close(p->links[k].fd[end]);
				p->links[k].fd[end] = -1;
			}
}

/* In the child, between fork and exec. */

static bool become(const char *user, struct err *e)
{
	/* A build tree is for whoever runs it: its rooms' users do not exist, its files are theirs.
	 */
	if (!user || geteuid() != 0 || strcmp(procs_libexec(), MUSTER_LIBEXECDIR) != 0)
		return true;
	errno = 0;
	const struct passwd *pw = getpwnam(user);
	if (!pw) {
		err_set(e, ERR_MISSING, "there is no user '%s'", user);
		return err_hint(e, "systemd-sysusers makes it from dist/sysusers.conf");
	}
	if (initgroups(user, pw->pw_gid) || setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid))
		return err_sys(e, "become user '%s'", user);
	return true;
}

static bool unpack(const struct luggage *l, struct buf *names, struct err *e)
{
	int spare[FDS_MAX];

	for (size_t i = 0; i < l->count; i++) {
		spare[i] = fcntl(l->item[i].fd, F_DUPFD_CLOEXEC, SPARE_FD);
		if (spare[i] < 0)
			return err_sys(e, "descriptor '%s'", l->item[i].name);
	}
	for (size_t i = 0; i < l->count; i++) {
		int fd = FIRST_FD + (int)i;
		if (dup2(spare[i], fd) < 0)
			return err_sys(e, "descriptor '%s'", l->item[i].name);
		(void)buf_printf(names, "%s%s=%d", i ? "," : "ROLE_FDS=", l->item[i].name, fd);
	}
	if (close_range(FIRST_FD + (unsigned)l->count, ~0U, 0))
		return err_sys(e, "close");
	return true;
}

static bool is_let_through(const char *variable)
{
	static const char *const kept[] = { "MUSTER_", "ASAN_", "UBSAN_", "LSAN_", "TZ=", "PATH=" };

	for (size_t i = 0; i < countof(kept); i++)
		if (!strncmp(variable, kept[i], strlen(kept[i])))
			return true;
	return false;
}

static void run_room(const struct procs *p, const struct room *r, const char *fds, struct err *e)
{
	enum { KEPT_MAX = 64 };
	const char *argv[ARGS_MAX + 2] = { name_of(r) };
	const char *env[KEPT_MAX + 3] = { fds };
	size_t n = 1;
	auto_buf struct buf path = { 0 }, name = { 0 };

	buf_init(&path, 4096);
	buf_init(&name, 256);
	(void)buf_printf(&path, "%s/%s", p->libexec, r->role.program);
	(void)buf_printf(&name, "ROLE_NAME=%s", name_of(r));
	if (!buf_putc(&path, '\0') || !buf_putc(&name, '\0'))
		return;
	for (size_t i = 0; i < r->arg_count; i++)
		argv[1 + i] = r->args[i];
	env[n++] = (const char *)name.ptr;
	for (char **v = environ; *v && n < KEPT_MAX; v++)
		if (is_let_through(*v))
			env[n++] = *v;
	(void)execve((const char *)path.ptr, (char **)(uintptr_t)argv, (char **)(uintptr_t)env);
	(void)err_sys(e, "%s", (const char *)path.ptr);
}

static no_return void be_room(const struct procs *p, const struct room *r, const struct luggage *l)
{
	struct err e = { 0 };
	struct buf names;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	buf_init(&names, 4096);
	(void)sigprocmask(SIG_SETMASK, &p->was, NULL);
	if (null >= 0)
		(void)dup2(null, STDIN_FILENO);
	if (unpack(l, &names, &e) && buf_putc(&names, '\0') && become(r->role.user, &e))
		run_room(p, r, (const char *)names.ptr, &e);
	err_in(&e, "%s", name_of(r));
	log_fail(&failed, &e);
	_exit(127);
}

static bool start_room(struct procs *p, size_t i, struct err *e)
{
	struct room *r = &p->rooms[i];
	struct luggage l = { 0 };
	int parent_end = -1;

	if (!pack_all(p, i, &l, &parent_end, e))
		return err_in(e, "%s", name_of(r));
	pid_t pid = fork();
	if (pid < 0)
		return err_sys(e, "%s: fork", name_of(r));
	if (pid == 0)
		be_room(p, r, &l);
	r->pid = pid;
	r->born_ms = clock_mono_ms(clock_real());
	r->due_ms = 0;
	hand_over(p, i, parent_end);
	log_event(&started, LOG_TEXT("room", name_of(r)), LOG_NUM("pid", pid));
	return true;
}

static bool check_program(const struct procs *p, const struct room *r, struct err *e)
{
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", p->libexec, r->role.program);
	return !access(path, X_OK) || err_sys(e, "%s", path);
}

/* The end. */

static void signal_all(const struct procs *p, int sig)
{
	for (size_t i = 0; i < p->room_count; i++)
		if (p->rooms[i].pid)
			(void)kill(p->rooms[i].pid, sig);
}

static struct room *reap(struct procs *p, int *status)
{
	pid_t pid = waitpid(-1, status, WNOHANG);

	for (size_t i = 0; pid > 0 && i < p->room_count; i++)
		if (p->rooms[i].pid == pid) {
			p->rooms[i].pid = 0;
			(void)close(p->rooms[i].control);
			p->rooms[i].control = -1;
			return &p->rooms[i];
		}
	return NULL;
}

static bool any_runs(const struct procs *p)
{
	for (size_t i = 0; i < p->room_count; i++)
		if (p->rooms[i].pid)
			return true;
	return false;
}

static void end_all(struct procs *p)
{
	int64_t until = clock_mono_ms(clock_real()) + GRACE_MS;
	const struct timespec tick = { .tv_nsec = 20000000 };
	int status;

	signal_all(p, SIGTERM);
	while (any_runs(p)) {
		if (clock_mono_ms(clock_real()) > until)
			signal_all(p, SIGKILL);
		if (!reap(p, &status))
			(void)sigtimedwait(&p->waited_for, NULL, &tick);
	}
}

bool procs_start(struct procs *p, struct err *e)
{
	sigemptyset(&p->waited_for);
	sigaddset(&p->waited_for, SIGCHLD);
	sigaddset(&p->waited_for, SIGTERM);
	sigaddset(&p->waited_for, SIGINT);
	sigaddset(&p->waited_for, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &p->waited_for, &p->was);
	for (size_t i = 0; i < p->room_count; i++)
		if (!check_program(p, &p->rooms[i], e))
			return false;
	for (size_t i = 0; i < p->room_count; i++)
		if (!start_room(p, i, e)) {
			end_all(p);
			return false;
		}
	return true;
}

static void plan_restart(struct room *r)
{
	int64_t now = clock_mono_ms(clock_real());
	bool was_steady = now - r->born_ms >= STEADY_MS;

	r->delay_ms = was_steady || !r->delay_ms ? FIRST_DELAY_MS : 2 * r->delay_ms;
	if (r->delay_ms > MOST_DELAY_MS)
		r->delay_ms = MOST_DELAY_MS;
	r->due_ms = now + r->delay_ms;
	log_event(&restarting, LOG_TEXT("room", name_of(r)), LOG_NUM("delay_ms", r->delay_ms));
}

/* Every room that has ended: planned anew, or the end of all (false). */
static bool see_ended(struct procs *p)
{
	struct room *r;
	int status;

	while ((r = reap(p, &status))) {
		log_event(&ended, LOG_TEXT("room", name_of(r)),
			  LOG_NUM(WIFSIGNALED(status) ? "signal" : "status",
				  WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status)));
		if (r->role.when_it_ends == ROLE_STOP_ALL)
			return false;
		plan_restart(r);
	}
	return true;
}

/* Starts what is due; how long until the next is, or -1. */
static int64_t start_due(struct procs *p)
{
	int64_t now = clock_mono_ms(clock_real()), next = -1;
	struct err e;

	for (size_t i = 0; i < p->room_count; i++) {
		struct room *r = &p->rooms[i];
		if (r->due_ms && r->due_ms <= now && !start_room(p, i, &e)) {
			log_fail(&failed, &e);
			plan_restart(r);
		}
		if (r->due_ms && (next < 0 || r->due_ms - now < next))
			next = r->due_ms - now;
	}
	return next;
}

int procs_watch(struct procs *p)
{
	for (;;) {
		int64_t wait_ms = start_due(p);
		if (wait_ms < 0)
			wait_ms = 3600000;
		struct timespec until = { .tv_sec = wait_ms / 1000,
					  .tv_nsec = wait_ms % 1000 * 1000000 };
		int sig = sigtimedwait(&p->waited_for, NULL, &until);
		bool is_asked = sig == SIGTERM || sig == SIGINT;
		if (is_asked || !see_ended(p)) {
			end_all(p);
			return is_asked ? 0 : 1;
		}
	}
}
