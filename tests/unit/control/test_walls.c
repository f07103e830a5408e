/* test_walls.c - what is written across a wall is what is read; the rest is refused. */
#include "test.h"

#include "control/walls.h"

static const struct bytes lines[] = { { (const uint8_t *)"one", 3 }, { NULL, 0 } };
static const struct wall_value values[] = {
	{ STR_INIT("groups.0"), WALL_VALUE_TEXT, STR_INIT("pumps"), 0 },
	{ STR_INIT("ttl_s"), WALL_VALUE_INT, { NULL, 0 }, -7 },
};

static void a_message_reads_back(void **state)
{
	auto_arena struct arena *mem = arena_new(1 << 16);
	struct wall_api q = { .peer = { .listener = LISTENER_OPERATORS,
					.identity = STR("spiffe://m/user/a"),
					.serial = lines[0] },
			      .route = ROUTE_DEVICES,
			      .body = { values, countof(values) },
			      .idempotency_key = STR("k") };
	auto_buf struct buf out = { 0 };
	struct wall_api got;
	struct err e = { 0 };

	(void)state;
	buf_init(&out, 4096);
	check(walls_write(WALL_API, &q, &out, &e), e.text);
	check(walls_read(WALL_API, buf_bytes(&out), mem, &got, &e), e.text);
	check(got.route == ROUTE_DEVICES && str_eqz(got.peer.identity, "spiffe://m/user/a"),
	      "members come back");
	check(got.body.count == 2 && got.body.items[1].num == -7, "values too");
	check(str_eqz(wall_text(&got.body, "groups.0"), "pumps"), "and are found");
	check(!wall_text(&got.body, "ttl_s").len, "a number is no text");
	for (size_t len = 0; len < out.len; len++) {
		struct bytes cut = { out.ptr, len };
		check(!walls_read(WALL_API, cut, mem, &got, &e), "cut anywhere it is refused");
	}
	buf_putc(&out, 'x');
	check(!walls_read(WALL_API, buf_bytes(&out), mem, &got, &e), "one byte more, too");
}

static void a_list_costs_what_arrived(void **state)
{
	static const uint8_t bomb[] = { 0xff, 0xff, 0xff, 0xff };
	auto_arena struct arena *mem = arena_new(4096);
	struct wall_statements got;
	struct err e = { 0 };

	(void)state;
	check(!walls_read(WALL_SIGN, bytes_of(bomb, sizeof(bomb)), mem, &got, &e),
	      "a declared count is not believed");
	check(arena_used(mem) == 0, "and costs nothing");
}

static void lists_read_back(void **state)
{
	auto_arena struct arena *mem = arena_new(4096);
	struct wall_lines q = { { lines, countof(lines) }, 7, 9, true }, got;
	auto_buf struct buf out = { 0 };
	struct err e = { 0 };

	(void)state;
	buf_init(&out, 4096);
	check(walls_write(WALL_LINES, &q, &out, &e) &&
		      walls_read(WALL_LINES, buf_bytes(&out), mem, &got, &e),
	      e.text);
	check(got.lines.count == 2 && bytes_eq(got.lines.items[0], lines[0]) &&
		      got.lines.items[1].len == 0,
	      "also an empty item");
	check(got.last == 7 && got.head == 9 && got.is_gone, "and what follows");
	check(!walls_write((enum wall_type)250, &q, &out, &e), "no row, no message");
	buf_done(&out);
	buf_init(&out, 8);
	check(!walls_write(WALL_LINES, &q, &out, &e) && e.kind == ERR_INPUT, "too large is told");
}

RUN_TESTS(cmocka_unit_test(a_message_reads_back), cmocka_unit_test(a_list_costs_what_arrived),
	  cmocka_unit_test(lists_read_back))
