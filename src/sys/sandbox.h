/* sandbox.h - give up everything a room does not need; the last line before its loop.
 *
 * Promises are words for sets of system calls, in one table (sandbox.c):
 *	stdio	read, write, poll, memory, time, random, exit: what every room needs
 *	sock	accept and speak on sockets it was given
 *	dial	make sockets and connect them
 *	files	open, rename, sync, lock: files, where Landlock lets it
 *	fdpass	receive descriptors (role_on_link)
 *	spawn	fork, exec and wait (the agent's installer)
 * Anything else kills the process; a development build (MUSTER_SANDBOX_TRAP) first prints the
 * name of the call.  Landlock denies all files, then opens `paths`; its ABI is asked at run
 * time.  Without Landlock a room refuses to start unless `need` says otherwise.
 */
#pragma once

#include "base/err.h"

enum sandbox_need {
	SANDBOX_REQUIRED,    /* zero: no Landlock, no start */
	SANDBOX_BEST_EFFORT, /* seccomp alone where the kernel has no Landlock */
};

enum { SANDBOX_READ = 1, SANDBOX_WRITE = 2, SANDBOX_EXEC = 4 };

struct sandbox_path {
	const char *path; /* a file, or a directory with all below it; absent ones are skipped */
	unsigned rights;
};

struct sandbox {
	const char *promises; /* "stdio sock" */
	const struct sandbox_path *paths;
	size_t path_count;
	enum sandbox_need need;
};

bool sandbox_enter(const struct sandbox *s, struct err *e) must_check;
bool sandbox_need_read(const char *text, enum sandbox_need *out); /* "required", "best-effort" */
int sandbox_landlock_abi(void);                                   /* 0: this kernel has none */
