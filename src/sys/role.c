#include "sys/role.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

enum { FDS_MAX = 32, NAME_MAX_LEN = 32 };

static struct {
	char name[NAME_MAX_LEN];
	struct {
		char name[NAME_MAX_LEN];
		int fd;
	} fds[FDS_MAX];
	size_t count;
} me;

static void take_fd(struct str entry)
{
	struct str name, number;
	uint64_t fd;

	if (me.count == FDS_MAX || !str_cut(entry, '=', &name, &number) || !str_u64(number, &fd) ||
	    name.len >= NAME_MAX_LEN || fd > 65535)
		return;
	(void)fcntl((int)fd, F_SETFD, FD_CLOEXEC);
	memcpy(me.fds[me.count].name, name.ptr, name.len);
	me.fds[me.count].name[name.len] = '\0';
	me.fds[me.count++].fd = (int)fd;
}

void role_harden(void)
{
	const struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void role_start(const char *name)
{
	const char *given = getenv("ROLE_NAME");
	struct str fds = str_of(getenv("ROLE_FDS")), entry;

	(void)snprintf(me.name, sizeof(me.name), "%s", given ? given : name);
	log_role(me.name);
	role_harden();
	(void)signal(SIGPIPE, SIG_IGN);
	/* Rooms think in UTC; without this strftime opens /etc/localtime inside the sandbox. */
	(void)setenv("TZ", "UTC0", 1);
	tzset();
	me.count = 0;
	while (fds.len) {
		(void)str_cut(fds, ',', &entry, &fds);
		take_fd(entry);
	}
	(void)unsetenv("ROLE_FDS");
	/* The parent's death is ours.  It may have died before we asked. */
	char byte;
	int parent = role_fd("parent");
	(void)prctl(PR_SET_PDEATHSIG, parent >= 0 ? SIGKILL : 0, 0, 0, 0);
	if (parent >= 0 && recv(parent, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
		exit(1);
}

const char *role_name(void)
{
	return me.name;
}

int role_fd(const char *name)
{
	for (size_t i = 0; i < me.count; i++)
		if (!strcmp(me.fds[i].name, name))
			return me.fds[i].fd;
	return -1;
}

struct parent_link {
	struct loop *loop;
	struct watch *watch;
	role_link_fn *fn;
	void *ctx;
	int fd;
};

/* One message: the neighbour's name, and the descriptor beside it. */
static ssize_t take_link(int from, char name[NAME_MAX_LEN], int *fd)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = { name, NAME_MAX_LEN };
	struct msghdr msg = { .msg_iov = &part,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	ssize_t len = recvmsg(from, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	struct cmsghdr *c = len > 0 ? CMSG_FIRSTHDR(&msg) : NULL;

	*fd = -1;
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(c), sizeof(*fd));
	return len;
}

static void on_parent(void *ctx, unsigned events)
{
	struct parent_link *p = ctx;
	char name[NAME_MAX_LEN];
	int fd;

	(void)events;
	ssize_t len = take_link(p->fd, name, &fd);
	if (len == 0) {
		loop_stop(p->loop);
		watch_free(p->watch);
		p->watch = NULL;
	}
	if (len > 0 && fd >= 0)
		p->fn(p->ctx, (struct str){ name, (size_t)len }, fd);
}

void role_on_link(struct loop *l, role_link_fn *fn, void *ctx)
{
	static struct parent_link link; /* one parent per process */

	if (role_fd("parent") < 0)
		return;
	link = (struct parent_link){ .loop = l, .fn = fn, .ctx = ctx, .fd = role_fd("parent") };
	link.watch = loop_watch(l, link.fd, LOOP_READ, on_parent, &link);
}
