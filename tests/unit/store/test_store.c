/* test_store.c - what the store keeps, in which order, and what it refuses. */
#include "test.h"

#include <sys/wait.h>
#include <unistd.h>

#include "store/store.h"
#include "vfs.h"

static const struct store_options on_disk = { .vfs = "disk" };

static struct store *open_store(void)
{
	struct err e = { 0 };
	struct store *s = store_open("muster.db", &on_disk, &e);

	check(s != NULL, e.text);
	return s;
}

static struct store *fresh(void)
{
	disk_register();
	disk_wipe();
	return open_store();
}

static struct store_principal pump(struct str id)
{
	return (struct store_principal){ .kind = STR("device"),
					 .id = id,
					 .site = STR("north"),
					 .model = STR("p1"),
					 .groups = STR("pumps wells"),
					 .status = STR("active"),
					 .tags = STR("{}"),
					 .posture = STR("{}"),
					 .key_assurance = STR("software"),
					 .attested = STR("none"),
					 .generation = 3 };
}

/* What every change is: state, audit record and feed entry in one operation. */
static bool change(struct store *s, struct str id, struct err *e)
{
	auto_arena struct arena *mem = arena_new(1 << 16);
	struct store_principal row = pump(id);
	struct store_entry x = {
		.stream = STR("site:north"), .site = row.site, .kind = STR("principal"), .at_ms = 5
	};

	return store_begin(s, e) && store_principal_put(s, &row, e) &&
	       store_audit_add(s, 5, row.site, STR("\"kind\":\"test\""), e) &&
	       store_feed_add(s, &x, STR("{}"), mem, e) && store_end(s, e);
}

static void what_is_put_is_got(void **state)
{
	auto_arena struct arena *mem = arena_new(1 << 16);
	struct store *s = fresh();
	struct store_principal got;
	struct err e = { 0 };

	(void)state;
	check(change(s, STR("pump-1"), &e) && store_commit(s, &e), e.text);
	check(store_principal_get(s, STR("device"), STR("pump-1"), mem, &got, &e), e.text);
	check(str_eqz(got.groups, "pumps wells") && got.generation == 3, "columns come back");
	check(!store_principal_get(s, STR("device"), STR("pump-2"), mem, &got, &e),
	      "an unknown id is not there");
	check(e.kind == ERR_MISSING, "and is told as missing");
	store_close(s);
	s = open_store();
	check(store_principal_get(s, STR("device"), STR("pump-1"), mem, &got, &e),
	      "it is there after opening again");
	check(store_feed_head(s) == 1 && store_audit_size(s) == 1, "so are head and audit size");
	store_close(s);
}

static bool keep_entry(void *ctx, const struct store_entry *x)
{
	char *says = ctx;
	size_t used = strlen(says);

	(void)snprintf(says + used, 256 - used, "%llu<%llu:" STR_FMT " ",
		       (unsigned long long)x->seq, (unsigned long long)x->prev, STR_ARG(x->stream));
	return true;
}

static void streams_know_their_own_gaps(void **state)
{
	static const char *const streams[] = { "global", "site:a", "site:b", "site:a", "global" };
	auto_arena struct arena *mem = arena_new(1 << 16);
	struct store *s = fresh();
	struct store_entry x;
	struct err e = { 0 };
	char says[256] = "";

	(void)state;
	for (size_t i = 0; i < countof(streams); i++) {
		x = (struct store_entry){ .stream = str_of(streams[i]),
					  .kind = STR("test"),
					  .at_ms = 7 };
		check(store_begin(s, &e), e.text);
		check(store_feed_add(s, &x, STR("[1]"), mem, &e), e.text);
		check(store_end(s, &e), e.text);
	}
	check(store_commit(s, &e), e.text);
	check(store_feed_after(s, 0, 100, keep_entry, says, &e), e.text);
	check(strcmp(says, "1<0:global 2<0:site:a 3<0:site:b 4<2:site:a 5<1:global ") == 0, says);
	check(str_eqz(x.json, "{\"seq\":5,\"prev\":1,\"stream\":\"global\",\"realm\":\"default\","
			      "\"site\":\"\",\"at\":7,\"kind\":\"test\",\"body\":[1]}"),
	      x.json.ptr);
	store_close(s);
}

static void an_undone_operation_never_was(void **state)
{
	auto_arena struct arena *mem = arena_new(1 << 16);
	struct store *s = fresh();
	struct store_principal row = pump(STR("pump-9")), got;
	struct store_entry x = { .stream = STR("global"), .kind = STR("x"), .at_ms = 1 };
	struct err e = { 0 };
	uint8_t before[32], after[32];

	(void)state;
	check(change(s, STR("pump-1"), &e) && store_commit(s, &e), e.text);
	store_audit_root(s, before);
	check(store_begin(s, &e) && store_principal_put(s, &row, &e) &&
		      store_audit_add(s, 1, STR(""), STR("\"a\":1"), &e) &&
		      store_feed_add(s, &x, STR("{}"), mem, &e),
	      e.text);
	store_undo(s);
	check(change(s, STR("pump-2"), &e) && store_commit(s, &e), e.text);
	check(!store_principal_get(s, row.kind, row.id, mem, &got, &e), "the row is gone");
	check(store_feed_head(s) == 2, "no number was used up");
	store_audit_root(s, after);
	check(memcmp(before, after, 32) != 0 && store_audit_size(s) == 2, "the tree went on");
	store_close(s);
	s = open_store();
	store_audit_root(s, before);
	check(memcmp(before, after, 32) == 0, "the tree read again has the same root");
	store_close(s);
}

static void a_code_works_once(void **state) /* E5 */
{
	struct store *s = fresh();
	struct bytes hash = bytes_of("hash", 4);
	struct store_code code = { .secret_hash = hash, .kind = STR("device"), .id = STR("p") };
	struct err e = { 0 };

	(void)state;
	check(store_begin(s, &e) && store_code_put(s, &code, &e) && store_end(s, &e), e.text);
	check(store_begin(s, &e), e.text);
	check(store_code_use(s, hash, 1, hash, hash, &e), "the first use is good");
	check(store_end(s, &e), e.text);
	check(store_begin(s, &e), e.text);
	check(!store_code_use(s, hash, 2, hash, hash, &e) && e.kind == ERR_CONFLICT,
	      "the second is refused");
	store_undo(s);
	check(store_commit(s, &e), e.text);
	store_close(s);
}

static void a_newer_schema_is_refused(void **state)
{
	char path[] = "/tmp/muster-store-XXXXXX";
	struct err e = { 0 };
	int fd = mkstemp(path);

	(void)state;
	check(fd >= 0, "a file");
	struct store *s = store_open(path, NULL, &e);
	check(s != NULL, e.text);
	store_close(s);
	uint8_t version[] = { 0, 0, 0, 99 }; /* user_version: offset 60 of the header */
	check(pwrite(fd, version, 4, 60) == 4, "version written");
	s = store_open(path, NULL, &e);
	check(!s && e.kind == ERR_CONFLICT && strstr(e.text, "newer"), e.text);
	(void)close(fd);
	(void)unlink(path);
}

/* D1: whichever call of the engine fails, the operation is refused with a reason, undone
 * whole, and the next one works. */
static void every_call_may_fail(void **state)
{
	(void)state;
	for (uint64_t nth = 1; nth < 1000; nth++) {
		struct store *s = fresh();
		struct err e = { 0 };

		check(change(s, STR("pump-1"), &e) && store_commit(s, &e), e.text);
		(void)store_fail(s, nth, false);
		bool is_good = change(s, STR("pump-2"), &e);
		if (!is_good) {
			check(e.kind != ERR_NONE && e.text[0], "it says why");
			store_undo(s);
		}
		is_good = store_commit(s, &e) && is_good;
		uint64_t calls = store_fail(s, 0, false);
		check(store_feed_head(s) == (is_good ? 2U : 1U) || store_is_lost(s),
		      "all of it or nothing of it");
		check(store_is_lost(s) || (change(s, STR("pump-3"), &e) && store_commit(s, &e)),
		      "the next operation works");
		store_close(s);
		if (calls < nth)
			return;
	}
	fail_msg("the loop never ended");
}

static void nothing_is_believed_after_a_failed_commit(void **state)
{
	struct store *s = fresh();
	struct err e = { 0 };

	(void)state;
	check(change(s, STR("pump-1"), &e), e.text);
	(void)store_fail(s, 1, true);
	check(!store_commit(s, &e), "the commit fails");
	(void)store_fail(s, 0, false);
	check(store_is_lost(s) && !store_begin(s, &e), "and the store is of no use any more");
	store_close(s);
	s = open_store();
	check(store_feed_head(s) == 0, "what was not committed is not there");
	store_close(s);
}

RUN_TESTS(cmocka_unit_test(what_is_put_is_got), cmocka_unit_test(streams_know_their_own_gaps),
	  cmocka_unit_test(an_undone_operation_never_was), cmocka_unit_test(a_code_works_once),
	  cmocka_unit_test(a_newer_schema_is_refused), cmocka_unit_test(every_call_may_fail),
	  cmocka_unit_test(nothing_is_believed_after_a_failed_commit))
