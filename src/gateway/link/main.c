/* main.c - gateway-link: follows musterd, keeps what it signed, feeds the relay. */
#include "gateway/link/link.h"

#include <unistd.h>

#include "base/mem.h"
#include "crypto/secret.h"
#include "sys/files.h"
#include "sys/role.h"
#include "sys/sandbox.h"

enum { AGE_MS = 5000, CODE_MAX = 1024 };

const struct log_event link_events[] = {
	[LINK_STARTED] = { "link.started", LOG_LEVEL_INFO, "The gate's link room is up." },
	[LINK_ENROLLED] = { "link.enrolled", LOG_LEVEL_INFO, "The gate has a new certificate." },
	[LINK_ENROL_FAILED] = { "link.enrol-failed", LOG_LEVEL_WARNING,
				"No certificate yet; it is asked for again." },
	[LINK_SNAPSHOT] = { "link.snapshot", LOG_LEVEL_INFO, "A whole signed state was taken." },
	[LINK_REFUSED] = { "link.refused", LOG_LEVEL_ERROR,
			   "Something that claims to come from musterd was not believed." },
	[LINK_LOST] = { "link.lost", LOG_LEVEL_WARNING,
			"musterd cannot be reached; decisions go on with the last state." },
	[LINK_KEPT] = { "link.kept", LOG_LEVEL_INFO, "The state on disk was verified." },
	[LINK_FAILED] = { "link.failed", LOG_LEVEL_ERROR, "Something the gate needs is wrong." },
	[LINK_SANDBOX] = { "link.sandbox", LOG_LEVEL_ERROR, "The sandbox cannot be entered." },
	[LINK_REPORT] = { "link.report-failed", LOG_LEVEL_WARNING,
			  "A report did not arrive; it stays in the spool." },
	[LINK_RELAY] = { "link.relay-lost", LOG_LEVEL_WARNING, "The relay room ended." },
};

/* ---- what relay says ---- */

static bool on_decision(void *ctx, struct ipc *link, const struct ipc_msg *m, struct err *e)
{
	(void)link;
	(void)e;
	report_decision(ctx, m->body);
	return true;
}

static bool on_counters(void *ctx, struct ipc *link, const struct ipc_msg *m, struct err *e)
{
	struct link *l = ctx;

	(void)link;
	return gate_counters_read(m->body, &l->counters) ||
	       err_set(e, ERR_INPUT, "counters: not decodable");
}

static const struct ipc_row from_relay[] = {
	{ GATE_DECISION, "decision", IPC_OFTEN, 0, on_decision },
	{ GATE_COUNTERS, "counters", IPC_RATE, 20, on_counters },
};

static void relay_lost(void *ctx, struct ipc *link, const struct err *why)
{
	(void)ctx;
	(void)link;
	log_fail(&link_events[LINK_RELAY], why);
}

static void new_relay(void *ctx, struct str name, int fd)
{
	struct link *l = ctx;

	if (!str_eqz(name, "relay")) {
		(void)close(fd);
		return;
	}
	ipc_replace(l->relay, fd);
	identity_tell(l);
	state_tell(l);
}

/* ---- start ---- */

static bool read_code(struct link *l, struct err *e)
{
	static struct buf text;

	buf_init(&text, CODE_MAX);
	if (l->set.code_file[0] == '\0' || !file_exists(l->set.code_file))
		return true;
	if (!file_read_private(l->set.code_file, &text, e))
		return false;
	l->code_text = str_trim(buf_str(&text));
	if (str_ends(l->code_text, STR("\n")))
		l->code_text.len--;
	return true;
}

static bool start(struct link *l, const char *config, struct err *e)
{
	struct arena *mem = arena_new(1 << 20); /* settings stay for good */
	const struct ipc_settings wall = { .rows = from_relay,
					   .count = countof(from_relay),
					   .max_body = GATE_MAX_BODY,
					   .max_out = 256 << 20,
					   .ctx = l,
					   .on_lost = relay_lost };

	if (!settings_load(config, mem, &l->set, e) ||
	    !addr_read(str_of(l->set.enrol), &l->enrol, e) ||
	    !addr_read(str_of(l->set.control), &l->control, e) ||
	    !dir_make(l->set.state_dir, 0700, e) || !dir_check_private(l->set.state_dir, e) ||
	    !read_code(l, e))
		return false;
	l->loop = loop_new(clock_real());
	l->relay = ipc_new(l->loop, role_fd("relay"), &wall);
	role_on_link(l->loop, new_relay, l);
	return true;
}

static bool begin(struct link *l, struct err *e)
{
	if (!identity_load(l, e) || !report_open(l, e) || !state_load(l, e))
		return false;
	if (l->has_state)
		log_event(&link_events[LINK_KEPT], LOG_NUM("seq", l->seq));
	identity_start(l);
	state_tell_age(l);
	if (l->tls) {
		follow_start(l);
		report_start(l);
	}
	return true;
}

static int fail(enum link_event event, const struct err *e)
{
	log_fail(&link_events[event], e);
	return 1;
}

int main(int argc, char **argv)
{
	struct link *l = mem_new(1, sizeof(*l));
	struct err e = { 0 };

	role_start("link");
	if (argc != 2)
		return 2;
	if (!secret_start(&e) || !start(l, argv[1], &e))
		return fail(LINK_FAILED, &e);
	const struct sandbox_path own = { l->set.state_dir, SANDBOX_READ | SANDBOX_WRITE };
	if (!sandbox_enter(&(struct sandbox){ .promises = "stdio sock dial files fdpass",
					      .paths = &own,
					      .path_count = 1,
					      .need = (enum sandbox_need)l->set.sandbox },
			   &e))
		return fail(LINK_SANDBOX, &e);
	if (!begin(l, &e))
		return fail(LINK_FAILED, &e);
	log_event(&link_events[LINK_STARTED]);
	return loop_run(l->loop, &e) ? 0 : fail(LINK_FAILED, &e);
}
