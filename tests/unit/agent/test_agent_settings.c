/* test_agent_settings.c - agent.conf: rows, registers, and what is refused with a reason. */
#include "test.h"

#include "agent/settings.h"
#include "agent/walls.h"

static struct err e;

static const struct {
	const char *says, *row;
	bool is_good;
	const char *dir, *owner;
	unsigned mode;
} rows[] = {
	{ "name and folder", "telemetry:/run/t", true, "/run/t", "", 0600 },
	{ "an owner", "telemetry:/run/t:mqtt", true, "/run/t", "mqtt", 0600 },
	{ "an owner and a mode", "telemetry:/run/t:mqtt:0640", true, "/run/t", "mqtt", 0640 },
	{ "a mode alone", "telemetry:/run/t::0640", true, "/run/t", "", 0640 },
	{ "no folder", "telemetry", false, "", "", 0 },
	{ "a folder that depends on where we are", "telemetry:run", false, "", "", 0 },
	{ "no name", ":/run/t", false, "", "", 0 },
	{ "a key for everybody", "telemetry:/run/t::0644", false, "", "", 0 },
	{ "a key its owner cannot read", "telemetry:/run/t::0060", false, "", "", 0 },
	{ "a mode that is none", "telemetry:/run/t::rw", false, "", "", 0 },
};

static void rows_are_read_or_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		struct settings_workload w;
		bool ok = settings_workload(rows[i].row, &w, &e);
		check(ok == rows[i].is_good, rows[i].says);
		check(!ok || (strcmp(w.dir, rows[i].dir) == 0 &&
			      strcmp(w.owner, rows[i].owner) == 0 && w.mode == rows[i].mode),
		      rows[i].says);
	}
}

static const struct {
	const char *says, *text;
	uint32_t mask; /* 0: refused */
} pcrs[] = {
	{ "a list", "0,1,7", 0x83 },  { "a list with spaces", "0, 14", 0x4001 },
	{ "nothing", "", 0 },         { "too large", "24", 0 },
	{ "not a number", "0,x", 0 }, { "PCR 16 can be reset by anyone", "0,16", 0 },
	{ "so can PCR 23", "23", 0 },
};

static void registers_are_read_or_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(pcrs); i++) {
		uint32_t mask = 0;
		bool ok = settings_pcrs(pcrs[i].text, &mask, &e);
		check(ok == (pcrs[i].mask != 0), pcrs[i].says);
		check(!ok || mask == pcrs[i].mask, pcrs[i].says);
	}
}

static void a_state_crosses_the_wall(void **state)
{
	struct agent_state s = { .certificate = { bytes_str(STR("current")), { 0 } },
				 .infra_ca = bytes_str(STR("infra")),
				 .has_request = true,
				 .code = STR("mc1.x") };
	struct agent_state got;
	auto_buf struct buf out = { 0 };

	(void)state;
	buf_init(&out, AGENT_BODY_MAX);
	check(agent_state_write(&s, &out), "written");
	check(agent_state_read(buf_bytes(&out), &got, &e), "read");
	check(str_eqz(str_bytes(got.certificate[AGENT_CURRENT]), "current") &&
		      got.certificate[AGENT_NEXT].len == 0 && got.has_request &&
		      str_eqz(got.code, "mc1.x"),
	      "the same");
	for (size_t len = 0; len < out.len; len++)
		check(!agent_state_read(bytes_of(out.ptr, len), &got, &e), "cut");
}

RUN_TESTS(cmocka_unit_test(rows_are_read_or_refused),
	  cmocka_unit_test(registers_are_read_or_refused),
	  cmocka_unit_test(a_state_crosses_the_wall))
