/* test_base.c - the ground floor: errors, views, arenas, buffers, cursors, maps, clocks. */
#include "test.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/cursor.h"
#include "base/err.h"
#include "base/map.h"
#include "base/str.h"

static void an_error_reads_from_the_inside_out(void **state)
{
	struct err e = { 0 };

	(void)state;
	check(!err_set(&e, ERR_INPUT, "bad \"%s\"", "a\nb"), "err_set is false");
	check(str_eqz(str_of(e.text), "bad ?a?b?"), "a stranger's bytes are laundered");
	err_in(&e, "enrol '%s'", "pump-7");
	check(str_eqz(str_of(e.text), "enrol 'pump-7': bad ?a?b?"), "the caller comes first");
	for (int i = 0; i < 40; i++)
		err_in(&e, "a longer and longer story");
	check(strlen(e.text) < sizeof(e.text), "a long story is cut, not overrun");
	check(err_exit_code(ERR_DENIED) == 3 && err_http_status(ERR_DENIED) == 403, "one mapping");
	check(err_http_status((enum err_kind)77) == 500, "an unknown kind is our failure");
}

static void an_arena_refuses_past_its_limit(void **state)
{
	struct arena *mem = arena_new(1 << 16);

	(void)state;
	check(arena_alloc(mem, SIZE_MAX, 2) == NULL, "an overflowing size is refused");
	arena_reset(mem);
	size_t got = 0;
	while (arena_alloc(mem, 1, 1000))
		got += 1000;
	check(got > 60000 && got <= 65536, "the limit is the limit");
	check(arena_is_full(mem), "and it is told");
	arena_reset(mem);
	check(str_eqz(arena_printf(mem, "%d-%s", 7, "x"), "7-x"), "room again after a reset");
	arena_free(mem);
}

static void a_cursor_is_sticky(void **state)
{
	uint8_t raw[16];
	struct wr w = wr_of(raw, sizeof(raw));

	(void)state;
	wr_u16(&w, 0x0102);
	wr_str16(&w, STR("hey"));
	wr_u32(&w, 5);
	check(wr_ok(&w) && wr_bytes(&w).len == 11, "it fits");
	struct rd r = rd_of(wr_bytes(&w));
	check(rd_u8(&r) == 1 && rd_u8(&r) == 2, "big-endian");
	check(str_eqz(rd_str16(&r), "hey"), "a counted string");
	check(rd_u32(&r) == 5 && rd_end(&r), "all of it");
	check(rd_u8(&r) == 0 && !rd_ok(&r) && !rd_end(&r), "past the end is bad for ever");
	wr_u64(&w, 1);
	check(!wr_ok(&w), "a write past the end is told");
}

static void a_buffer_stops_at_its_maximum(void **state)
{
	auto_buf struct buf b = { 0 };

	(void)state;
	buf_init(&b, 1000);
	for (int i = 0; i < 300; i++)
		buf_puts(&b, STR("abcd"));
	check(b.len == 1000 && b.is_full, "a thousand bytes and no more");
	buf_drop(&b, 996);
	check(str_eqz(buf_str(&b), "abcd"), "the end is still there");
}

static void a_secret_is_gone_before_its_memory_is(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_wipe(&b); /* never used: nothing to wipe */
	buf_init(&b, 1000);
	buf_puts(&b, STR("-----BEGIN PRIVATE KEY-----"));
	buf_drop(&b, 11); /* what was dropped is still in the memory behind it */
	buf_wipe(&b);
	check(!b.ptr && !b.len && !b.cap, "nothing is held any more");
}

static void a_map_holds_what_was_put(void **state)
{
	struct map *m = map_new();
	char key[16];
	static int values[5000];

	(void)state;
	for (int i = 0; i < 5000; i++) {
		(void)snprintf(key, sizeof(key), "k%d", i);
		check(!map_put(m, str_of(key), &values[i]), "a new name");
	}
	for (int i = 0; i < 5000; i += 2) {
		(void)snprintf(key, sizeof(key), "k%d", i);
		check(map_take(m, str_of(key)) == &values[i], "taken out");
	}
	check(map_count(m) == 2500, "half is left");
	check(!map_get(m, STR("k0")) && map_get(m, STR("k1")) == &values[1], "the right half");
	map_free(m);
}

static const struct {
	const char *text;
	int64_t ms; /* -1: refused */
} times[] = {
	{ "1970-01-01T00:00:00Z", 0 },
	{ "2026-11-22T16:43:59.123Z", 1795365839123 },
	{ "2026-11-22T16:43:59.123", -1 },
	{ "2026-02-30T00:00:00Z", -1 },
	{ "2026-11-22 16:43:59Z", -1 },
	{ "1969-12-31T23:59:59Z", -1 },
	{ "9999-12-31T23:59:59Z", 253402300799000 },
};

static void times_are_read_strictly(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(times); i++) {
		int64_t ms = -1;
		bool ok = clock_parse(str_of(times[i].text), &ms);
		check(ok == (times[i].ms >= 0) && (!ok || ms == times[i].ms), times[i].text);
	}
	char text[CLOCK_TEXT];
	clock_text(1795365839123, text);
	check(str_eqz(str_of(text), "2026-11-22T16:43:59.123Z"), "and written the same");
}

static struct str word(const void *ctx, size_t i)
{
	return str_of(((const char *const *)ctx)[i]);
}

static void a_typo_finds_its_word(void **state)
{
	static const char *const words[] = { "listen", "state-dir", "lifetime" };

	(void)state;
	check(str_eqz(str_nearest(STR("lisen"), 3, word, words), "listen"), "one letter short");
	check(str_nearest(STR("quarantine"), 3, word, words).len == 0, "nothing near");
}

static void text_is_judged_as_utf8(void **state)
{
	(void)state;
	check(str_is_utf8(STR("gr\xc3\xbc\xc3\x9f")), "two-byte letters");
	check(!str_is_utf8(STR("\xc0\x80")), "overlong NUL");
	check(!str_is_utf8(STR("\xed\xa0\x80")), "a surrogate");
	check(!str_is_utf8(STR("\xf4\x90\x80\x80")), "past U+10FFFF");
	int64_t v;
	check(str_i64(STR("-9223372036854775808"), &v) && v == INT64_MIN, "the smallest number");
	check(!str_i64(STR("9223372036854775808"), &v), "one too many");
}

RUN_TESTS(cmocka_unit_test(an_error_reads_from_the_inside_out),
	  cmocka_unit_test(an_arena_refuses_past_its_limit), cmocka_unit_test(a_cursor_is_sticky),
	  cmocka_unit_test(a_buffer_stops_at_its_maximum),
	  cmocka_unit_test(a_secret_is_gone_before_its_memory_is),
	  cmocka_unit_test(a_map_holds_what_was_put), cmocka_unit_test(times_are_read_strictly),
	  cmocka_unit_test(a_typo_finds_its_word), cmocka_unit_test(text_is_judged_as_utf8))
