#include "vfs.h"

#include <sqlite3.h>

#include "base/mem.h"

enum { FILES = 8, SECTOR = 512, NAME = 128 };

struct change { /* a write, or a truncation when data is NULL */
	int64_t at;
	size_t len;
	uint8_t *data;
};

struct image {
	uint8_t *data;
	size_t len, cap;
};

struct file {
	char name[NAME];
	bool is_there;
	struct image now, safe;
	struct change *changes; /* since the last sync */
	size_t count, cap;
};

struct handle {
	sqlite3_file base; /* first: SQLite knows this much */
	struct file *file;
};

static struct {
	struct file files[FILES];
	enum disk_fault fault;
	uint64_t calls, nth, stop_at;
	bool is_persistent;
} disk;

static bool is_stopped(void)
{
	return disk.stop_at && disk.calls >= disk.stop_at;
}

/* The code this call fails with, or SQLITE_OK. */
static int trouble(int ioerr, bool is_sync)
{
	disk.calls++;
	if (is_stopped())
		return ioerr;
	if (!disk.nth || (disk.fault == DISK_SYNC && !is_sync))
		return SQLITE_OK;
	if (disk.fault == DISK_SYNC) {
		if (--disk.nth)
			return SQLITE_OK;
		disk.nth = disk.is_persistent ? 1 : 0;
		return ioerr;
	}
	if (disk.is_persistent ? disk.calls < disk.nth : disk.calls != disk.nth)
		return SQLITE_OK;
	return disk.fault == DISK_FULL    ? SQLITE_FULL
	       : disk.fault == DISK_NOMEM ? SQLITE_IOERR_NOMEM
					  : ioerr;
}

static void image_put(struct image *m, int64_t at, const void *data, size_t len)
{
	size_t end = (size_t)at + len;

	if (end > m->cap) {
		m->data = mem_grow(m->data, end * 2, 1);
		memset(m->data + m->cap, 0, end * 2 - m->cap);
		m->cap = end * 2;
	}
	memcpy(m->data + at, data, len);
	if (end > m->len)
		m->len = end;
}

static void image_cut(struct image *m, size_t len)
{
	if (len < m->len) {
		memset(m->data + len, 0, m->len - len);
		m->len = len;
	}
}

static void image_copy(struct image *to, const struct image *from)
{
	image_cut(to, 0);
	if (from->len)
		image_put(to, 0, from->data, from->len);
}

static void note_change(struct file *f, int64_t at, const void *data, size_t len)
{
	if (f->count == f->cap) {
		f->cap = f->cap ? f->cap * 2 : 64;
		f->changes = mem_grow(f->changes, f->cap, sizeof(*f->changes));
	}
	f->changes[f->count++] = (struct change){ at, len, data ? mem_copy(data, len) : NULL };
}

static void forget_changes(struct file *f)
{
	for (size_t i = 0; i < f->count; i++)
		free(f->changes[i].data);
	f->count = 0;
}

static struct file *file_named(const char *name, bool make)
{
	struct file *empty = NULL;

	for (size_t i = 0; i < FILES; i++) {
		if (disk.files[i].is_there && strcmp(disk.files[i].name, name) == 0)
			return &disk.files[i];
		if (!disk.files[i].is_there && !empty)
			empty = &disk.files[i];
	}
	if (!make || !empty)
		return NULL;
	(void)snprintf(empty->name, NAME, "%s", name);
	empty->is_there = true;
	image_cut(&empty->now, 0);
	image_cut(&empty->safe, 0);
	forget_changes(empty);
	return empty;
}

/* ---- files ---- */

static int disk_close(sqlite3_file *h)
{
	(void)h;
	return SQLITE_OK;
}

static int disk_read(sqlite3_file *h, void *out, int len, sqlite3_int64 at)
{
	const struct image *m = &((struct handle *)h)->file->now;
	int code = trouble(SQLITE_IOERR_READ, false);
	size_t have = (size_t)at < m->len ? m->len - (size_t)at : 0;

	if (code)
		return code;
	if (have > (size_t)len)
		have = (size_t)len;
	if (have)
		memcpy(out, m->data + at, have);
	memset((uint8_t *)out + have, 0, (size_t)len - have);
	return have == (size_t)len ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int disk_write(sqlite3_file *h, const void *data, int len, sqlite3_int64 at)
{
	struct file *f = ((struct handle *)h)->file;
	int code = trouble(SQLITE_IOERR_WRITE, false);

	if (code)
		return code;
	image_put(&f->now, at, data, (size_t)len);
	note_change(f, at, data, (size_t)len);
	return SQLITE_OK;
}

static int disk_truncate(sqlite3_file *h, sqlite3_int64 len)
{
	struct file *f = ((struct handle *)h)->file;
	int code = trouble(SQLITE_IOERR_TRUNCATE, false);

	if (code)
		return code;
	image_cut(&f->now, (size_t)len);
	note_change(f, len, NULL, 0);
	return SQLITE_OK;
}

static int disk_sync(sqlite3_file *h, int flags)
{
	struct file *f = ((struct handle *)h)->file;
	int code = trouble(SQLITE_IOERR_FSYNC, true);

	(void)flags;
	if (code)
		return code;
	image_copy(&f->safe, &f->now);
	forget_changes(f);
	return SQLITE_OK;
}

static int disk_size(sqlite3_file *h, sqlite3_int64 *out)
{
	int code = trouble(SQLITE_IOERR_FSTAT, false);

	*out = (sqlite3_int64)((struct handle *)h)->file->now.len;
	return code;
}

static int disk_lock(sqlite3_file *h, int level)
{
	(void)h, (void)level;
	return trouble(SQLITE_IOERR_LOCK, false);
}

static int disk_unlock(sqlite3_file *h, int level)
{
	(void)h, (void)level;
	return SQLITE_OK;
}

static int disk_reserved(sqlite3_file *h, int *out)
{
	(void)h;
	*out = 0;
	return SQLITE_OK;
}

static int disk_control(sqlite3_file *h, int op, void *arg)
{
	(void)h, (void)op, (void)arg;
	return SQLITE_NOTFOUND;
}

static int disk_sector(sqlite3_file *h)
{
	(void)h;
	return SECTOR;
}

static int disk_character(sqlite3_file *h)
{
	(void)h;
	return 0; /* it promises nothing */
}

static const sqlite3_io_methods methods = {
	.iVersion = 1,
	.xClose = disk_close,
	.xRead = disk_read,
	.xWrite = disk_write,
	.xTruncate = disk_truncate,
	.xSync = disk_sync,
	.xFileSize = disk_size,
	.xLock = disk_lock,
	.xUnlock = disk_unlock,
	.xCheckReservedLock = disk_reserved,
	.xFileControl = disk_control,
	.xSectorSize = disk_sector,
	.xDeviceCharacteristics = disk_character,
};

/* ---- the disk ---- */

static int disk_open(sqlite3_vfs *v, const char *name, sqlite3_file *h, int flags, int *out_flags)
{
	struct handle *handle = (struct handle *)h;
	int code = trouble(SQLITE_CANTOPEN, false);

	(void)v;
	handle->base.pMethods = NULL;
	if (code)
		return code;
	handle->file = file_named(name ? name : "temporary", true);
	if (!handle->file)
		return SQLITE_CANTOPEN;
	handle->base.pMethods = &methods;
	if (out_flags)
		*out_flags = flags;
	return SQLITE_OK;
}

static int disk_delete(sqlite3_vfs *v, const char *name, int sync_dir)
{
	struct file *f = file_named(name, false);
	int code = trouble(SQLITE_IOERR_DELETE, false);

	(void)v, (void)sync_dir;
	if (!code && f)
		f->is_there = false;
	return code;
}

static int disk_access(sqlite3_vfs *v, const char *name, int flags, int *out)
{
	(void)v, (void)flags;
	*out = file_named(name, false) != NULL;
	return trouble(SQLITE_IOERR_ACCESS, false);
}

static int disk_path(sqlite3_vfs *v, const char *name, int len, char *out)
{
	(void)v;
	(void)snprintf(out, (size_t)len, "%s", name);
	return SQLITE_OK;
}

void disk_register(void)
{
	static sqlite3_vfs vfs;

	if (vfs.zName)
		return;
	vfs = *sqlite3_vfs_find(NULL);
	vfs.pNext = NULL;
	vfs.iVersion = 1;
	vfs.szOsFile = sizeof(struct handle);
	vfs.mxPathname = NAME;
	vfs.zName = "disk";
	vfs.xOpen = disk_open;
	vfs.xDelete = disk_delete;
	vfs.xAccess = disk_access;
	vfs.xFullPathname = disk_path;
	(void)sqlite3_vfs_register(&vfs, 0);
}

void disk_wipe(void)
{
	for (size_t i = 0; i < FILES; i++)
		disk.files[i].is_there = false;
	disk_fail(DISK_NO_FAULT, 0, false);
	disk.stop_at = 0;
}

void disk_fail(enum disk_fault fault, uint64_t nth, bool is_persistent)
{
	disk.fault = fault;
	disk.nth = nth;
	disk.is_persistent = is_persistent;
	disk.calls = 0;
}

uint64_t disk_calls(void)
{
	return disk.calls;
}

void disk_stop_at(uint64_t nth)
{
	disk.stop_at = nth;
}

static uint64_t roll(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005U + 1442695040888963407U;
	return *seed >> 33;
}

/* Each sector of each unsynced write reached the disk, or did not. */
static void lose_some(struct file *f, uint64_t *seed)
{
	for (size_t i = 0; i < f->count; i++) {
		const struct change *c = &f->changes[i];

		if (!c->data) {
			if (roll(seed) & 1)
				image_cut(&f->safe, (size_t)c->at);
			continue;
		}
		for (size_t at = 0; at < c->len; at += SECTOR)
			if (roll(seed) & 1)
				image_put(&f->safe, c->at + (int64_t)at, c->data + at,
					  c->len - at < SECTOR ? c->len - at : SECTOR);
	}
}

void disk_power_cut(uint64_t *seed)
{
	for (size_t i = 0; i < FILES; i++) {
		struct file *f = &disk.files[i];

		if (!f->is_there)
			continue;
		lose_some(f, seed);
		image_copy(&f->now, &f->safe);
		forget_changes(f);
	}
	disk_fail(DISK_NO_FAULT, 0, false);
	disk.stop_at = 0;
}
