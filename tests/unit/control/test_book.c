/* test_book.c - keys signs forward only, once per number, and remembers (P2, E8). */
#include "test.h"

#include <unistd.h>

#include "control/keys/book.h"
#include "sys/files.h"

static char path[64];

static struct book *open_book(void)
{
	struct err e = { 0 };
	struct book *b = book_open(path, &e);

	check(b != NULL, e.text);
	return b;
}

static struct book *fresh(void)
{
	(void)snprintf(path, sizeof(path), "/tmp/muster-book-XXXXXX");
	int fd = mkstemp(path);

	check(fd >= 0, "a file");
	(void)close(fd);
	return open_book();
}

static const struct {
	const char *says;
	enum statement_type type;
	const char *stream;
	uint64_t seq, prev;
	uint8_t digest;
	bool is_signed;
} cases[] = {
	{ "the first of a stream follows nothing", STATEMENT_FEED, "global", 1, 0, 1, true },
	{ "the next follows it", STATEMENT_FEED, "global", 4, 1, 2, true },
	{ "another stream has its own marks", STATEMENT_FEED, "site:a", 2, 0, 3, true },
	{ "P2: a lower number", STATEMENT_FEED, "global", 3, 1, 4, false },
	{ "a fork: the same number, another digest", STATEMENT_FEED, "global", 4, 1, 5, false },
	{ "the very same again, after a crash", STATEMENT_FEED, "global", 4, 1, 2, true },
	{ "also one further back", STATEMENT_FEED, "global", 1, 0, 1, true },
	{ "a gap in the chain", STATEMENT_FEED, "global", 9, 7, 6, false },
	{ "a stream that follows something unsigned", STATEMENT_FEED, "site:b", 5, 4, 7, false },
	{ "a snapshot", STATEMENT_SNAPSHOT, "global,site:a", 4, 0, 8, true },
	{ "a later snapshot of the same head", STATEMENT_SNAPSHOT, "global,site:a", 4, 0, 9, true },
	{ "P2: an older snapshot", STATEMENT_SNAPSHOT, "global,site:a", 3, 0, 9, false },
	{ "a heartbeat", STATEMENT_FRESH, "", 1000, 4, 1, true },
	{ "P2: a heartbeat of the past", STATEMENT_FRESH, "", 999, 4, 2, false },
	{ "reference values are not ours to sign", STATEMENT_REFS, "px", 1, 0, 1, false },
	{ "nor what has no type", STATEMENT_NONE, "", 1, 0, 1, false },
	{ "a stream with a space would forge the log", STATEMENT_FEED, "a b", 1, 0, 1, false },
};

static bool ask(struct book *b, size_t i)
{
	struct statement s = { .type = cases[i].type,
			       .stream = str_of(cases[i].stream),
			       .seq = cases[i].seq,
			       .prev = cases[i].prev,
			       .digest = { cases[i].digest } };
	struct err e = { 0 };

	return book_statement(b, &s, &e);
}

static void only_forward(void **state)
{
	struct book *b = fresh();
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < countof(cases); i++)
		check(ask(b, i) == cases[i].is_signed, cases[i].says);
	check(book_sync(b, &e), e.text);
	book_close(b);
	b = open_book();
	/* After a restart the marks are those of the log: nothing signed anew but repetitions. */
	check(!ask(b, 3) && !ask(b, 4) && !ask(b, 11) && !ask(b, 13), "refusals stay refusals");
	check(ask(b, 1) && ask(b, 0), "repetitions are known");
	book_close(b);
	(void)unlink(path);
}

static void a_tree_never_shrinks(void **state)
{
	struct merkle_hash one = { { 1 } }, two = { { 2 } };
	struct book *b = fresh();
	struct err e = { 0 };

	(void)state;
	check(book_checkpoint(b, 5, one, &e), "a first");
	check(book_checkpoint(b, 5, one, &e), "the same again");
	check(!book_checkpoint(b, 5, two, &e), "another root of the same size");
	check(!book_checkpoint(b, 4, one, &e), "a smaller tree");
	check(book_sync(b, &e), e.text);
	book_close(b);
	b = open_book();
	check(!book_checkpoint(b, 4, one, &e) && !book_checkpoint(b, 5, two, &e),
	      "also after a restart");
	check(book_checkpoint(b, 6, two, &e), "a larger one");
	book_close(b);
	(void)unlink(path);
}

static void a_torn_last_line_released_nothing(void **state)
{
	struct book *b = fresh();
	struct err e = { 0 };

	(void)state;
	check(ask(b, 0) && ask(b, 1) && book_sync(b, &e), e.text);
	book_close(b);
	check(file_write(path,
			 bytes_str(STR("S 1 global 1 0 "
				       "010000000000000000000000000000000000000000000000000000"
				       "0000000000\nS 1 glo")),
			 0600, &e),
	      e.text);
	b = open_book();
	check(ask(b, 1), "what came after it may be signed");
	book_close(b);
	check(file_write(path, bytes_str(STR("S 1 nonsense\n")), 0600, &e), e.text);
	check(!book_open(path, &e), "a line that is whole and cannot be read is refused");
	(void)unlink(path);
}

RUN_TESTS(cmocka_unit_test(only_forward), cmocka_unit_test(a_tree_never_shrinks),
	  cmocka_unit_test(a_torn_last_line_released_nothing))
