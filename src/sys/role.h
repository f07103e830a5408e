/* role.h - who am I, and which descriptors was I given?  For the rooms that procs.h starts.
 *
 * Descriptors, not paths, cross the wall.  The parent names them in the environment:
 * ROLE_FDS="listen=3,core=4,parent=5", ROLE_NAME="front".
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "sys/loop.h"

/* First line of every room's main: names it in the log, takes ROLE_FDS, forbids core dumps
 * and ptrace by the same user (PR_SET_DUMPABLE 0), ends with its parent.  An uncaught
 * SIGPIPE is ignored.  `name` must stay valid. */
void role_start(const char *name);
const char *role_name(void);   /* ROLE_NAME, or what role_start was told */
int role_fd(const char *name); /* -1: none of that name */
void role_harden(void);        /* no core dumps, not dumpable: also for parents */

/* A neighbour was restarted and here is the new link to it: ipc_replace(link, fd).
 * Asks for the promise "fdpass".  Nothing happens in a room without a parent. */
typedef void role_link_fn(void *ctx, struct str name, int fd);
void role_on_link(struct loop *l, role_link_fn *fn, void *ctx);
