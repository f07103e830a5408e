#include "sys/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum { PATH_CAP = 4096, PIECE = 16384 };

void fd_close_at(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

bool file_read_fd(int fd, struct buf *out, struct err *e)
{
	for (;;) {
		uint8_t piece[PIECE]; /* its own, so that the maximum may be met exactly */
		ssize_t got = read(fd, piece, sizeof(piece));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(e, "read");
		if (got == 0)
			return true;
		bool fits = buf_put(out, piece, (size_t)got);
		mem_wipe(piece, (size_t)got); /* it may be a key, and the stack is seldom cleaned */
		if (!fits)
			return err_set(e, ERR_INPUT, "longer than %zu bytes", out->max);
	}
}

static bool fail_open(const char *path, struct err *e)
{
	if (errno == ENOENT)
		return err_set(e, ERR_MISSING, "%s: no such file", path);
	return err_sys(e, "%s", path);
}

bool file_read(const char *path, struct buf *out, struct err *e)
{
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return fail_open(path, e);
	return file_read_fd(fd, out, e) || err_in(e, "%s", path);
}

/* Of the descriptor that will be read, not of the name. */
static bool check_private(int fd, const char *path, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st))
		return err_sys(e, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_DENIED, "%s: not a regular file", path);
	if (st.st_uid != geteuid() && st.st_uid != 0) {
		err_set(e, ERR_DENIED, "%s: belongs to user %u, not to us", path,
			(unsigned)st.st_uid);
		return err_hint(e, "chown it to the user that runs this program");
	}
	if (st.st_mode & 077) {
		err_set(e, ERR_DENIED, "%s: mode %04o lets others at it", path,
			(unsigned)(st.st_mode & 07777));
		return err_hint(e, "chmod 600 %.100s", path);
	}
	return true;
}

bool file_read_private(const char *path, struct buf *out, struct err *e)
{
	/* O_NONBLOCK: a pipe in the file's place must not hold us. */
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0 && errno == ELOOP)
		return err_set(e, ERR_DENIED, "%s: a symbolic link, not a file", path);
	if (fd < 0)
		return fail_open(path, e);
	if (!check_private(fd, path, e))
		return false;
	return file_read_fd(fd, out, e) || err_in(e, "%s", path);
}

static bool write_all(int fd, struct bytes data, struct err *e)
{
	while (data.len) {
		ssize_t put = write(fd, data.ptr, data.len);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return err_sys(e, "write");
		data.ptr += put;
		data.len -= (size_t)put;
	}
	return true;
}

static bool dir_of(const char *path, char out[PATH_CAP], struct err *e)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	if (len >= PATH_CAP)
		return err_set(e, ERR_INPUT, "path is too long");
	memcpy(out, path, len);
	out[len] = '\0';
	if (!slash || !len) {
		out[0] = slash ? '/' : '.';
		out[1] = '\0';
	}
	return true;
}

static bool sync_dir_of(const char *path, struct err *e)
{
	char dir[PATH_CAP];

	if (!dir_of(path, dir, e))
		return false;
	auto_fd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd))
		return err_sys(e, "%s", dir);
	return true;
}

static bool fill(int fd, struct bytes data, unsigned mode, struct err *e)
{
	if (!write_all(fd, data, e))
		return false;
	if (fchmod(fd, mode))
		return err_sys(e, "chmod");
	return !fsync(fd) || err_sys(e, "fsync");
}

enum if_there { REPLACE, REFUSE };

static bool put_in_place(const char *temporary, const char *path, enum if_there there,
			 struct err *e)
{
	if (there == REPLACE && !rename(temporary, path))
		return sync_dir_of(path, e);
	if (there == REFUSE && !link(temporary, path)) {
		(void)unlink(temporary);
		return sync_dir_of(path, e);
	}
	if (errno == EEXIST)
		return err_set(e, ERR_CONFLICT, "is there already");
	return err_sys(e, "rename");
}

static bool write_beside(const char *path, struct bytes data, unsigned mode, enum if_there there,
			 struct err *e)
{
	char temporary[PATH_CAP];

	if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= PATH_CAP)
		return err_set(e, ERR_INPUT, "path is too long");
	auto_fd int fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "temporary file");
	if (fill(fd, data, mode, e) && put_in_place(temporary, path, there, e))
		return true;
	(void)unlink(temporary);
	return false;
}

bool file_write(const char *path, struct bytes data, unsigned mode, struct err *e)
{
	return write_beside(path, data, mode, REPLACE, e) || err_in(e, "%s", path);
}

bool file_create(const char *path, struct bytes data, unsigned mode, struct err *e)
{
	return write_beside(path, data, mode, REFUSE, e) || err_in(e, "%s", path);
}

bool file_remove(const char *path, struct err *e)
{
	if (unlink(path) && errno != ENOENT)
		return err_sys(e, "%s", path);
	return true;
}

bool file_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

bool dir_make(const char *path, unsigned mode, struct err *e)
{
	char part[PATH_CAP];
	size_t len = strlen(path);

	if (len >= sizeof(part))
		return err_set(e, ERR_INPUT, "path is too long");
	memcpy(part, path, len + 1);
	for (size_t i = 1; i <= len; i++) {
		if (part[i] != '/' && part[i] != '\0')
			continue;
		char was = part[i];
		part[i] = '\0';
		if (mkdir(part, mode) && errno != EEXIST)
			return err_sys(e, "%s", part);
		part[i] = was;
	}
	struct stat st;
	if (stat(path, &st))
		return err_sys(e, "%s", path);
	return S_ISDIR(st.st_mode) || err_set(e, ERR_INPUT, "%s: not a directory", path);
}

bool dir_check_private(const char *path, struct err *e)
{
	struct stat st;

	if (lstat(path, &st))
		return fail_open(path, e);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ERR_DENIED, "%s: not a directory", path);
	if (st.st_uid != geteuid())
		return err_set(e, ERR_DENIED, "%s: belongs to user %u, not to us", path,
			       (unsigned)st.st_uid);
	if (st.st_mode & 07) {
		err_set(e, ERR_DENIED, "%s: mode %04o lets others at it", path,
			(unsigned)(st.st_mode & 07777));
		return err_hint(e, "chmod o-rwx %.100s", path);
	}
	return true;
}

bool path_join(char *out, size_t cap, const char *dir, const char *name, struct err *e)
{
	int len = snprintf(out, cap, "%s/%s", dir, name);

	return (len >= 0 && (size_t)len < cap) || err_set(e, ERR_INPUT, "path is too long");
}

void random_bytes(void *out, size_t len)
{
	uint8_t *to = out;

	while (len) {
		ssize_t got = getrandom(to, len, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			abort(); /* nothing we do is safe without it */
		to += got;
		len -= (size_t)got;
	}
}
