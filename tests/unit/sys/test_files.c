/* test_files.c - T14: which key files are not read; and writes that are whole or not at all. */
#include "sys/files.h"

#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

static char dir[] = "/tmp/muster-files-XXXXXX";
static char path[64], other[64];

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/key", dir);
	(void)snprintf(other, sizeof(other), "%s/other", dir);
	return 0;
}

static int drop_dir(void **state)
{
	(void)state;
	(void)unlink(path);
	(void)unlink(other);
	return rmdir(dir);
}

static const struct bytes secret = { (const uint8_t *)"secret", 6 };

static bool reads(struct err *e)
{
	auto_buf struct buf out = { 0 };

	buf_init(&out, 100);
	*e = (struct err){ 0 };
	return file_read_private(path, &out, e) && bytes_eq(buf_bytes(&out), secret);
}

static void only_private_keys_are_read(void **state)
{
	static const struct {
		const char *says;
		unsigned mode;
		bool want;
	} modes[] = {
		{ "0600 is private", 0600, true },   { "0400 is private", 0400, true },
		{ "T14: 0640 is not", 0640, false }, { "T14: 0604 is not", 0604, false },
		{ "T14: 0620 is not", 0620, false }, { "T14: 0601 is not", 0601, false },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < countof(modes); i++) {
		check(file_write(path, secret, modes[i].mode, &e), "written");
		check(reads(&e) == modes[i].want, modes[i].says);
		check(modes[i].want || (e.kind == ERR_DENIED && e.hint[0]), "and says what to do");
	}
}

static void strange_files_are_not_read(void **state)
{
	struct err e;

	(void)state;
	check(file_write(other, secret, 0600, &e), "a good file");
	check(file_remove(path, &e) && !symlink(other, path), "a link to it");
	check(!reads(&e) && e.kind == ERR_DENIED, "T14: a symbolic link is refused");
	check(file_remove(path, &e) && !mkfifo(path, 0600), "a pipe");
	check(!reads(&e) && e.kind == ERR_DENIED, "T14: a pipe is refused and does not block");
	check(file_remove(path, &e), "gone");
	check(!reads(&e) && e.kind == ERR_MISSING, "an absent file is missing");
	check(!file_read_private(dir, &(struct buf){ .max = 10 }, &e), "a directory is refused");
	if (geteuid() == 0) { /* only root can give a file away */
		check(file_write(path, secret, 0600, &e) && !chown(path, 12345, 0), "another's");
		check(!seteuid(54321), "seen as a user");
		bool was_read = reads(&e);
		check(!seteuid(0), "as root again");
		check(!was_read, "T14: another user's file is refused");
		check(!reads(&e) && e.kind == ERR_DENIED, "T14: by root as well");
		check(!chown(path, 0, 0) && reads(&e), "its own again");
	}
	check(file_remove(path, &e), "gone");
}

static void writes_are_whole(void **state)
{
	auto_buf struct buf out = { 0 };
	struct err e;
	struct stat st;

	(void)state;
	buf_init(&out, 6);
	check(file_write(path, secret, 0640, &e) && file_read(path, &out, &e), "comes back");
	check(bytes_eq(buf_bytes(&out), secret), "as it was, at exactly the maximum");
	check(!stat(path, &st) && (st.st_mode & 07777) == 0640, "with its mode");
	buf_clear(&out);
	check(file_write(path, bytes_str(STR("longer")), 0600, &e), "replaced");
	check(!file_create(path, secret, 0600, &e) && e.kind == ERR_CONFLICT, "not made twice");
	check(file_read(path, &out, &e) && str_eqz(buf_str(&out), "longer"), "the first stays");
	buf_clear(&out);
	check(file_write(path, bytes_str(STR("too long")), 0600, &e), "a longer one");
	check(!file_read(path, &out, &e) && e.kind == ERR_INPUT, "past the maximum is refused");
	check(file_remove(path, &e) && file_remove(path, &e), "removing is idempotent");
	check(file_create(path, secret, 0600, &e) && file_exists(path), "made once");
	check(!file_write("/nowhere/at/all", secret, 0600, &e), "no directory, no file");
	check(file_remove(path, &e), "gone");
}

static void directories(void **state)
{
	char deep[96], part[96];
	struct err e;

	(void)state;
	check(path_join(part, sizeof(part), dir, "a", &e), "joined");
	check(path_join(deep, sizeof(deep), part, "b", &e), "joined");
	check(!path_join(part, 10, dir, "a", &e), "not beyond the end");
	check(path_join(part, sizeof(part), dir, "a", &e), "joined");
	check(dir_make(deep, 0700, &e) && dir_make(deep, 0700, &e), "made, and made again");
	check(dir_check_private(deep, &e), "ours alone");
	check(!chmod(deep, 0705) && !dir_check_private(deep, &e), "open to others: refused");
	check(!rmdir(deep) && !rmdir(part), "gone");
	check(file_write(other, secret, 0600, &e), "a file");
	check(!dir_make(other, 0700, &e), "a file is no directory");
}

RUN_TESTS(cmocka_unit_test_setup(only_private_keys_are_read, make_dir),
	  cmocka_unit_test(strange_files_are_not_read), cmocka_unit_test(writes_are_whole),
	  cmocka_unit_test_teardown(directories, drop_dir))
