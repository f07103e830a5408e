/* test_gate_walls.c - what crosses between link and relay comes out as it went in, or not at all.
 */
#include "test.h"

#include "gateway/settings.h"
#include "gateway/walls.h"

static void an_identity_crosses_whole_or_not_at_all(void **state)
{
	uint8_t room[256];
	struct wr w = wr_of(room, sizeof(room));
	struct gate_identity in = { bytes_of("cert", 4), bytes_of("key", 3), bytes_of("ca", 2) };
	struct gate_identity out;

	(void)state;
	gate_identity_write(&w, &in);
	check(gate_identity_read(wr_bytes(&w), &out) && bytes_eq(in.device_ca, out.device_ca) &&
		      bytes_eq(in.key_pem, out.key_pem),
	      "the same three parts");
	for (size_t len = 0; len < w.len; len++)
		check(!gate_identity_read(bytes_of(room, len), &out), "cut short is refused");
	room[w.len] = 0;
	check(!gate_identity_read(bytes_of(room, w.len + 1), &out), "longer is refused");
}

static void counters_cross(void **state)
{
	uint8_t room[128];
	struct wr w = wr_of(room, sizeof(room));
	struct gate_counters in = { 1, 2, 3, 4, 5, 6, 7 }, out;

	(void)state;
	gate_counters_write(&w, &in);
	check(gate_counters_read(wr_bytes(&w), &out) && memcmp(&in, &out, sizeof(in)) == 0,
	      "the same seven");
	check(!gate_counters_read(bytes_of(room, w.len - 1), &out), "cut short is refused");
}

static void every_default_is_a_good_value(void **state)
{
	struct arena *mem = arena_new(1 << 16);
	struct settings set;
	struct err e = { 0 };

	(void)state;
	check(conf_load("gate.conf", STR("[gate]\nid = gw-1\n"), settings_table, settings_count,
			mem, &set, &e),
	      e.text);
	check(set.stale_ms == 30000 && set.old_ms == 3600000 && set.expired_ms == 86400000,
	      "the ladder of DESIGN 5");
	check(!conf_load("gate.conf", STR("[gate]\nid = gw-1\nlisten-on = x\n"), settings_table,
			 settings_count, mem, &set, &e),
	      "an unknown key is refused");
	arena_free(mem);
}

RUN_TESTS(cmocka_unit_test(an_identity_crosses_whole_or_not_at_all),
	  cmocka_unit_test(counters_cross), cmocka_unit_test(every_default_is_a_good_value))
