/* test_sandbox.c - R7: what a room under each set of promises can still do.  Each attempt is
 * made in a process of its own, which tells by how it ends. */
#include "sys/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

enum ends { WORKS, DENIED, KILLED };

static char dir[] = "/tmp/muster-sandbox-XXXXXX";
static char inside[64], outside[64], sub[64];

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	(void)snprintf(sub, sizeof(sub), "%s/state", dir);
	(void)snprintf(inside, sizeof(inside), "%s/state/file", dir);
	(void)snprintf(outside, sizeof(outside), "%s/file", dir);
	return mkdir(sub, 0700);
}

static int drop_dir(void **state)
{
	(void)state;
	(void)unlink(inside);
	(void)unlink(outside);
	(void)rmdir(sub);
	return rmdir(dir);
}

static int given_socket; /* as a parent would hand it over */

static bool try_read(void)
{
	return open("/etc/passwd", O_RDONLY) >= 0;
}
static bool try_create_inside(void)
{
	return open(inside, O_WRONLY | O_CREAT, 0600) >= 0 && !rename(inside, inside);
}
static bool try_create_outside(void)
{
	return open(outside, O_WRONLY | O_CREAT, 0600) >= 0;
}
static bool try_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) >= 0;
}
static bool try_netlink(void)
{
	return socket(AF_NETLINK, SOCK_RAW, 0) >= 0;
}
static bool try_raw(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0) >= 0;
}
static bool try_bind(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd >= 0 && !bind(fd, (struct sockaddr *)&any, sizeof(any));
}
static bool try_exec(void)
{
	char *argv[] = { NULL };

	return execve("/bin/true", argv, argv) == 0;
}
static bool try_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid > 0;
}
static bool try_ptrace(void)
{
	return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0;
}
static bool try_kill(void)
{
	return kill(getppid(), 0) == 0;
}
static bool try_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0) != MAP_FAILED;
}
static bool try_stat(void)
{
	struct stat st;

	return stat("/etc/passwd", &st) == 0;
}
static bool try_memory(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
	       MAP_FAILED;
}
static bool try_talk(void)
{
	struct stat st;

	return write(given_socket, "x", 1) == 1 && !fstat(given_socket, &st);
}

static const struct {
	const char *says, *promises;
	bool (*attempt)(void);
	enum ends want;
} cases[] = {
	{ "a room may talk over what it was given", "stdio", try_talk, WORKS },
	{ "and take memory", "stdio", try_memory, WORKS },
	{ "keys cannot open a file", "stdio", try_read, KILLED },
	{ "keys cannot look at one", "stdio", try_stat, KILLED },
	{ "keys cannot make a socket", "stdio", try_socket, KILLED },
	{ "keys cannot run a program", "stdio", try_exec, KILLED },
	{ "keys cannot fork", "stdio", try_fork, KILLED },
	{ "keys cannot trace its parent", "stdio", try_ptrace, KILLED },
	{ "keys cannot signal it", "stdio", try_kill, KILLED },
	{ "keys cannot make code", "stdio", try_code, KILLED },
	{ "front cannot open a file", "stdio sock fdpass", try_read, KILLED },
	{ "front cannot make a socket", "stdio sock fdpass", try_socket, KILLED },
	{ "front cannot run a program", "stdio sock fdpass", try_exec, KILLED },
	{ "front cannot trace its parent", "stdio sock fdpass", try_ptrace, KILLED },
	{ "relay may make a socket to the broker", "stdio sock dial fdpass", try_socket, WORKS },
	{ "relay cannot open a file", "stdio sock dial fdpass", try_read, KILLED },
	{ "relay cannot run a program", "stdio sock dial fdpass", try_exec, KILLED },
	{ "relay cannot trace its parent", "stdio sock dial fdpass", try_ptrace, KILLED },
	{ "relay cannot listen", "stdio sock dial fdpass", try_bind, KILLED },
	{ "relay cannot sniff", "stdio sock dial fdpass", try_raw, KILLED },
	{ "relay cannot ask the kernel's tables", "stdio sock dial fdpass", try_netlink, KILLED },
	{ "core may write its state", "stdio files fdpass", try_create_inside, WORKS },
	{ "core cannot write beside it", "stdio files fdpass", try_create_outside, DENIED },
	{ "core cannot read what is not its own", "stdio files fdpass", try_read, DENIED },
	{ "core cannot make a socket", "stdio files fdpass", try_socket, KILLED },
	{ "core cannot run a program", "stdio files fdpass", try_exec, KILLED },
	{ "core cannot trace its parent", "stdio files fdpass", try_ptrace, KILLED },
	{ "an installer may fork", "stdio files spawn", try_fork, WORKS },
	{ "but not run what it was not shown", "stdio files spawn", try_exec, DENIED },
};

static void be_the_room(size_t i)
{
	const struct sandbox_path paths[] = { { sub, SANDBOX_READ | SANDBOX_WRITE },
					      { "/nowhere", SANDBOX_READ } };
	struct sandbox s = { .promises = cases[i].promises, .paths = paths, .path_count = 2 };
	struct err e = { 0 };

	if (!sandbox_landlock_abi() && cases[i].want == DENIED)
		_exit(1); /* nothing to deny it with: the case is about Landlock */
	s.need = sandbox_landlock_abi() ? SANDBOX_REQUIRED : SANDBOX_BEST_EFFORT;
	if (!sandbox_enter(&s, &e)) {
		(void)fprintf(stderr, "%s\n", e.text);
		_exit(2);
	}
	_exit(cases[i].attempt() ? 0 : 1);
}

static enum ends how_it_ends(size_t i)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		be_the_room(i);
	check(pid > 0 && waitpid(pid, &status, 0) == pid, "the room ran");
	check(!WIFEXITED(status) || WEXITSTATUS(status) < 2, "the sandbox was entered");
	if (WIFSIGNALED(status))
		check(WTERMSIG(status) == SIGSYS, "R7: killed by SIGSYS");
	return WIFSIGNALED(status) ? KILLED : WEXITSTATUS(status) ? DENIED : WORKS;
}

static void no_room_gets_out(void **state)
{
	int pair[2];

	(void)state;
	check(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair), "a socket to give");
	given_socket = pair[0];
	for (size_t i = 0; i < countof(cases); i++)
		check(how_it_ends(i) == cases[i].want, cases[i].says);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static void a_wrong_promise_is_no_sandbox(void **state)
{
	int status;
	struct err e = { 0 };
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(sandbox_enter(
			&(struct sandbox){ .promises = "stdio sokc", .need = SANDBOX_BEST_EFFORT },
			&e));
	check(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status),
	      "a promise that is not one is refused");
}

static void what_is_needed_is_a_word(void **state)
{
	enum sandbox_need need;

	(void)state;
	check(sandbox_need_read("best-effort", &need) && need == SANDBOX_BEST_EFFORT, "known");
	check(sandbox_need_read("required", &need) && need == SANDBOX_REQUIRED, "known");
	check(!sandbox_need_read("off", &need) && need == SANDBOX_REQUIRED, "there is no off");
}

RUN_TESTS(cmocka_unit_test_setup_teardown(no_room_gets_out, make_dir, drop_dir),
	  cmocka_unit_test(a_wrong_promise_is_no_sandbox),
	  cmocka_unit_test(what_is_needed_is_a_word))
