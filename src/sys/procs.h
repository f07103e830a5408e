/* procs.h - start the rooms of a daemon, connect them, and keep them running.
 *
 *	struct procs *p = procs_new(procs_libexec(), roles, countof(roles));
 *	procs_link(p, FRONT, CORE);            a socketpair: "core" in front, "front" in core
 *	procs_give(p, FRONT, "listen", fd);
 *	if (!procs_start(p, &e)) ...
 *	return procs_watch(p);                 until SIGTERM, SIGINT or a room that must not die
 *
 * Each room is fork+exec of its own program in the libexec directory: nothing of the parent
 * is in it but what it was given.  As root each room changes to its user first.  A room with
 * ROLE_RESTART comes back within 200 ms (doubling to 5 s when it keeps dying), with new
 * links: its neighbours get theirs by role_on_link.  When any other room ends, all end.
 */
#pragma once

#include "base/err.h"

enum role_end {
	ROLE_STOP_ALL, /* zero: the daemon ends with it */
	ROLE_RESTART,
};

struct role {
	const char *program; /* file in the libexec directory */
	const char *name;    /* in logs, ps and ROLE_FDS; NULL: the program */
	const char *user;    /* used when we are root; NULL: stay as we are */
	enum role_end when_it_ends;
};

struct procs;
struct procs *procs_new(const char *libexec, const struct role *roles, size_t count);
void procs_free(struct procs *p); /* NULL is fine; ends nothing */

/* All before procs_start.  Roles are named by their index. */
void procs_link(struct procs *p, size_t a, size_t b);
void procs_give(struct procs *p, size_t role, const char *name, int fd); /* stays open in us */
void procs_arg(struct procs *p, size_t role, const char *arg);           /* appended to argv */

bool procs_start(struct procs *p, struct err *e) must_check;
int procs_watch(struct procs *p); /* exit status for main; ends every room before it returns */

/* Where the rooms are: compiled in, or MUSTER_LIBEXEC unless we are set-user-ID.  Rooms from
 * elsewhere (a build tree) run as whoever started them, also as root. */
const char *procs_libexec(void);
