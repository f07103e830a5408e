/* files.h - whole files: read within a limit, write so that a power cut leaves old or new.
 *
 * A private file (a key, a one-time code) is read only when it is a regular file, ours or
 * root's, and closed to group and others (T14); the checks are made on the open descriptor.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

/* Appends to out, which has its own maximum; a longer file is ERR_INPUT, an absent one
 * ERR_MISSING. */
bool file_read(const char *path, struct buf *out, struct err *e) must_check;
bool file_read_private(const char *path, struct buf *out, struct err *e) must_check;
bool file_read_fd(int fd, struct buf *out, struct err *e) must_check; /* to its end */

/* Temporary file beside it, fsync, rename, fsync of the directory.  Mode as for chmod. */
bool file_write(const char *path, struct bytes data, unsigned mode, struct err *e) must_check;
/* The same, but an existing file is ERR_CONFLICT: for keys that are made once. */
bool file_create(const char *path, struct bytes data, unsigned mode, struct err *e) must_check;
bool file_remove(const char *path, struct err *e); /* absent is fine */
bool file_exists(const char *path);

/* Each missing directory of the path.  An existing one is left as it is. */
bool dir_make(const char *path, unsigned mode, struct err *e) must_check;
/* Ours, and closed to others: for state directories. */
bool dir_check_private(const char *path, struct err *e) must_check;

/* "dir/name" into out; false when it does not fit. */
bool path_join(char *out, size_t cap, const char *dir, const char *name, struct err *e) must_check;

void random_bytes(void *out, size_t len); /* getrandom; the role dies when there is none */

void fd_close_at(int *fd); /* for auto_fd; -1 is fine */
#define auto_fd __attribute__((cleanup(fd_close_at)))
