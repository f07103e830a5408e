/* test_procs.c - rooms that start, talk, die and come back.  This program is its own rooms:
 * started with an argument it is one of them. */
#include "sys/procs.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "sys/ipc.h"
#include "sys/role.h"
#include "test.h"

enum { HELLO = 1 };

/* Rooms report to the test over the descriptor "test": "<role> <pid> <what>". */
static void report(const char *what)
{
	char line[80];
	int len = snprintf(line, sizeof(line), "%s %d %s\n", role_name(), (int)getpid(), what);

	(void)!write(role_fd("test"), line, (size_t)len);
}

static bool on_hello(void *ctx, struct ipc *link, const struct ipc_msg *m, struct err *e)
{
	(void)ctx, (void)link, (void)m, (void)e;
	report("heard");
	return true;
}

static const struct ipc_row hears[] = { { HELLO, "hello", IPC_OFTEN, 0, on_hello } };

static void wait_for_next(void *ctx, struct ipc *link, const struct err *why)
{
	(void)ctx, (void)link, (void)why;
	report("lost");
}

static void new_link(void *ctx, struct str name, int fd)
{
	if (str_eqz(name, "front"))
		ipc_replace(ctx, fd);
}

static int be_core(void)
{
	struct loop *l = loop_new(clock_real());
	struct err e;
	struct ipc *front =
		ipc_new(l, role_fd("front"),
			&(struct ipc_settings){
				.rows = hears, .count = countof(hears), .on_lost = wait_for_next });

	role_on_link(l, new_link, front);
	report("up");
	return !loop_run(l, &e);
}

static int be_front(void)
{
	struct loop *l = loop_new(clock_real());
	struct err e;
	struct ipc *core = ipc_new(l, role_fd("core"), &(struct ipc_settings){ 0 });
	struct rlimit cores;
	bool is_shut = !getrlimit(RLIMIT_CORE, &cores) && cores.rlim_cur == 0 &&
		       cores.rlim_max == 0 && prctl(PR_GET_DUMPABLE) == 0;

	report(is_shut ? "up" : "leaks");
	(void)ipc_tell(core, HELLO, (struct bytes){ 0 });
	return !loop_run(l, &e);
}

/* The parent, in a process of its own so that the test can watch it. */
static int be_daemon(int test, char *program)
{
	const struct role roles[] = {
		{ .program = program, .name = "front", .when_it_ends = ROLE_RESTART },
		{ .program = program, .name = "core" },
	};
	char dir[4096];
	ssize_t len = readlink("/proc/self/exe", dir, sizeof(dir) - 1);
	struct err e;

	dir[len > 0 ? len : 0] = '\0';
	*strrchr(dir, '/') = '\0';
	struct procs *p = procs_new(dir, roles, countof(roles));
	procs_link(p, 0, 1);
	for (size_t i = 0; i < 2; i++) {
		procs_give(p, i, "test", test);
		procs_arg(p, i, "--room");
	}
	if (!procs_start(p, &e))
		return 9;
	return procs_watch(p);
}

static int heard_fd;
static pid_t daemon_pid;

/* The next report of that kind, within a second; its pid. */
static pid_t next_report(const char *role, const char *what)
{
	static char text[4096];
	static size_t len;
	int64_t until = clock_mono_ms(clock_real()) + 1000;

	for (;;) {
		char *end;
		while ((end = memchr(text, '\n', len))) {
			char who[16], did[16];
			int pid = 0;
			*end = '\0';
			bool is_it = sscanf(text, "%15s %d %15s", who, &pid, did) == 3 &&
				     !strcmp(who, role) && !strcmp(did, what);
			len -= (size_t)(end + 1 - text);
			memmove(text, end + 1, len);
			if (is_it)
				return pid;
		}
		int64_t left = until - clock_mono_ms(clock_real());
		struct pollfd p = { .fd = heard_fd, .events = POLLIN };
		if (left <= 0 || poll(&p, 1, (int)left) <= 0)
			return 0;
		ssize_t got = read(heard_fd, text + len, sizeof(text) - len);
		if (got <= 0)
			return 0;
		len += (size_t)got;
	}
}

static int start(void **state)
{
	int pair[2];

	(void)state;
	if (pipe(pair))
		return -1;
	daemon_pid = fork();
	if (daemon_pid == 0) {
		(void)close(pair[0]);
		_exit(be_daemon(pair[1], (char[]){ "test_procs" }));
	}
	(void)close(pair[1]);
	heard_fd = pair[0];
	return daemon_pid < 0;
}

static int wait_daemon(void)
{
	int status = -1;

	(void)waitpid(daemon_pid, &status, 0);
	(void)close(heard_fd);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void a_killed_room_is_back_within_a_second(void **state)
{
	(void)state;
	pid_t front = next_report("front", "up");
	check(front > 0, "R9: front starts, dumps no core and cannot be dumped");
	pid_t core = next_report("core", "heard");
	check(core > 0, "and core hears it");
	for (int i = 0; i < 3; i++) {
		check(!kill(front, SIGKILL), "kill -9");
		check(next_report("core", "lost") == core, "core notices");
		pid_t again = next_report("front", "up");
		check(again > 0 && again != front, "R5: it is back within a second");
		check(next_report("core", "heard") == core, "R5: and core hears it by a new link");
		front = again;
	}
	check(!kill(daemon_pid, SIGTERM) && wait_daemon() == 0, "SIGTERM ends the daemon in order");
	check(kill(front, 0) && kill(core, 0), "and leaves no room behind");
}

static void without_core_all_end(void **state)
{
	(void)state;
	pid_t core = next_report("core", "heard");
	check(core > 0 && !kill(core, SIGKILL), "kill -9 core");
	check(wait_daemon() == 1, "the daemon ends and says it failed");
}

static void rooms_die_with_their_parent(void **state)
{
	(void)state;
	pid_t core = next_report("core", "heard");
	check(core > 0 && !kill(daemon_pid, SIGKILL), "kill -9 the parent");
	/* Whoever still runs holds the pipe open. */
	struct pollfd p = { .fd = heard_fd, .events = POLLIN };
	char text[256];
	ssize_t got;
	do
		got = poll(&p, 1, 2000) > 0 ? read(heard_fd, text, sizeof(text)) : -1;
	while (got > 0);
	check(got == 0, "R5: no orphan goes on");
	check(wait_daemon() == -1, "and it is dead");
}

static void a_program_that_is_not_there(void **state)
{
	const struct role role = { .program = "no-such-room" };
	struct err e = { 0 };
	sigset_t was;

	(void)state;
	(void)sigprocmask(SIG_BLOCK, NULL, &was);
	struct procs *p = procs_new("/nowhere", &role, 1);
	check(!procs_start(p, &e) && e.kind, "is an error at the start, not a loop");
	procs_free(p);
	(void)sigprocmask(SIG_SETMASK, &was, NULL);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_killed_room_is_back_within_a_second, start),
		cmocka_unit_test_setup(without_core_all_end, start),
		cmocka_unit_test_setup(rooms_die_with_their_parent, start),
		cmocka_unit_test(a_program_that_is_not_there),
	};

	if (argc == 2 && !strcmp(argv[1], "--room")) {
		role_start("room");
		return !strcmp(role_name(), "core") ? be_core() : be_front();
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
