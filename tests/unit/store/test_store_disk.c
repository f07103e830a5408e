/* test_store_disk.c - a failing disk and a power cut: what was acknowledged stays, whole.
 *
 * MUSTER_POWER_CUTS sets how many cuts (./check: 200; ./check --long: 10,000).
 */
#include "test.h"

#include <sys/wait.h>
#include <unistd.h>

#include "store/store.h"
#include "vfs.h"

static bool has_died;

static void note_death(const char *why)
{
	(void)why;
	has_died = true;
}

static const struct store_options on_disk = { .vfs = "disk", .die = note_death };

/* One operation: principal n, its audit record, its feed entry. */
static bool change(struct store *s, unsigned n, struct err *e)
{
	auto_arena struct arena *mem = arena_new(1 << 16);
	struct store_principal row = { .kind = STR("device"),
				       .id = arena_printf(mem, "pump-%u", n),
				       .posture = arena_printf(mem, "{\"fill\":\"%0*u\"}",
							       (int)(n % 7 * 300 + 1), n) };
	struct store_entry x = { .stream = STR("global"), .kind = STR("t"), .at_ms = 5 };

	if (store_begin(s, e) && store_principal_put(s, &row, e) &&
	    store_audit_add(s, 5, STR(""), STR("\"kind\":\"test\""), e) &&
	    store_feed_add(s, &x, STR("{}"), mem, e) && store_end(s, e))
		return true;
	store_undo(s);
	return false;
}

/* Runs groups of 1-4 operations; returns how many were acknowledged before something failed. */
static unsigned work(unsigned most, bool *out_opened)
{
	struct err e = { 0 };
	struct store *s = store_open("muster.db", &on_disk, &e);
	unsigned acked = 0;

	*out_opened = s != NULL;
	for (unsigned n = 0; s && n < most;) {
		unsigned group = n % 4 + 1;
		bool is_good = true;

		for (unsigned i = 0; is_good && i < group; i++)
			is_good = change(s, ++n, &e);
		if (!is_good || !store_commit(s, &e) || has_died)
			break;
		acked = n;
		if (n % 5 == 0 && !store_checkpoint(s, &e))
			break;
	}
	store_close(s);
	return acked;
}

static bool count_row(void *ctx, const struct store_principal *row)
{
	(void)row;
	++*(unsigned *)ctx;
	return true;
}

static void check_kept(unsigned acked, const char *says)
{
	struct err e = { 0 };
	unsigned rows = 0;

	has_died = false;
	struct store *s = store_open("muster.db", &on_disk, &e);
	check(s != NULL, e.text);
	check(store_check(s, &e), e.text);
	check(store_feed_head(s) >= acked, says);
	check(store_principal_each(s, count_row, &rows, &e), e.text);
	check(rows == store_feed_head(s) && rows == store_audit_size(s),
	      "state, feed and audit are as long as each other"); /* L4 */
	check(!has_died, "nothing corrupt was met");
	store_close(s);
}

/* D1: every file call in turn, once and for good, with each kind of trouble. */
static void every_file_call_may_fail(void **state)
{
	static const enum disk_fault faults[] = { DISK_IOERR, DISK_FULL, DISK_NOMEM };
	uint64_t seed = 1;
	bool opened;

	(void)state;
	disk_register();
	for (size_t i = 0; i < countof(faults) * 2; i++) {
		for (uint64_t nth = 1;; nth += 1 + nth / 40) {
			disk_wipe();
			disk_fail(faults[i / 2], nth, i % 2);
			has_died = false;
			unsigned acked = work(12, &opened);
			uint64_t calls = disk_calls();
			disk_power_cut(&seed);
			check_kept(acked, "what was acknowledged is there");
			if (calls < nth)
				break;
		}
	}
}

/* D2: a failed fsync ends the process; nothing is tried again on pages of unknown state. */
static void a_failed_fsync_ends_the_process(void **state)
{
	uint64_t seed = 2;
	bool opened;

	(void)state;
	disk_register();
	for (uint64_t nth = 1; nth < 200; nth++) {
		disk_wipe();
		disk_fail(DISK_SYNC, nth, false);
		has_died = false;
		unsigned acked = work(12, &opened);
		if (acked >= 12 && !has_died)
			return;
		check(has_died, "the process would have ended");
		disk_power_cut(&seed);
		check_kept(acked, "and the log gives back what was acknowledged");
	}
	fail_msg("the loop never ended");
}

static void the_end_is_an_exit(void **state) /* D2 */
{
	static const struct store_options plain = { .vfs = "disk" };
	int status = 0;

	(void)state;
	disk_register();
	disk_wipe();
	pid_t child = fork();
	if (child == 0) {
		struct err e = { 0 };
		struct store *s = store_open("muster.db", &plain, &e);

		(void)close(STDERR_FILENO);
		disk_fail(DISK_SYNC, 1, true);
		(void)(change(s, 1, &e) && store_commit(s, &e));
		_exit(0);
	}
	check(child > 0 && waitpid(child, &status, 0) == child, "child ends");
	check(WIFEXITED(status) && WEXITSTATUS(status) == 3, "with the status of a lost disk");
}

/* D3: the power goes at a random call; unsynced sectors are lost, torn and out of order. */
static void a_power_cut_loses_nothing_acknowledged(void **state)
{
	const char *many = getenv("MUSTER_POWER_CUTS");
	uint64_t cuts = 200, seed = 20261122;
	bool opened;

	(void)state;
	if (many && !str_u64(str_of(many), &cuts))
		fail_msg("MUSTER_POWER_CUTS is not a number");
	disk_register();
	disk_wipe();
	disk_fail(DISK_NO_FAULT, 0, false);
	(void)work(30, &opened);
	uint64_t calls = disk_calls();
	for (uint64_t i = 0; i < cuts; i++) {
		disk_wipe();
		disk_fail(DISK_NO_FAULT, 0, false);
		disk_stop_at(1 + (seed >> 11) % calls);
		has_died = false;
		unsigned acked = work(30, &opened);
		disk_power_cut(&seed);
		check_kept(acked, "what was acknowledged is there after the cut");
		seed = seed * 6364136223846793005U + i;
	}
}

RUN_TESTS(cmocka_unit_test(every_file_call_may_fail),
	  cmocka_unit_test(a_failed_fsync_ends_the_process), cmocka_unit_test(the_end_is_an_exit),
	  cmocka_unit_test(a_power_cut_loses_nothing_acknowledged))
