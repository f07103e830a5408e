/* main.c - agent-net: the room that talks to musterd, and to `muster-agent status` beside it.
 *
 * It holds no key and touches no file: signatures, quotes and everything written come from
 * room keys.
 */
#include <unistd.h>

#include "agent/events.h"
#include "agent/net/agent.h"
#include "sys/role.h"
#include "sys/sandbox.h"

void agent_post(struct agent *a, const char *target, const struct buf *json,
		bool on_same_connection, http_done_fn *fn, void *ctx)
{
	struct http_call call = { .method = "POST",
				  .target = str_of(target),
				  .content_type = "application/json",
				  .body = json ? buf_bytes(json) : bytes_of("{}", 2),
				  .on_same_connection = on_same_connection,
				  .on_done = fn,
				  .ctx = ctx };

	http_client_call(a->http, &call);
}

static void agent_init(struct agent *a)
{
	a->loop = loop_new(clock_real());
	a->keys_fd = role_fd("keys");
	for (size_t i = 0; i < countof(a->slot); i++)
		buf_init(&a->slot[i].certificate, CERT_MAX_BYTES);
	buf_init(&a->infra_ca, CERT_MAX_BYTES);
	buf_init(&a->device_ca, CERT_MAX_BYTES);
}

static bool prepare(struct agent *a, const char *config, struct arena *mem, struct err *e)
{
	return settings_load(config, mem, &a->set, e) &&
	       settings_pcrs(a->set.pcrs, &a->pcr_mask, e) &&
	       addr_read(str_of(a->set.enrol), &a->enrol, e) &&
	       addr_read(str_of(a->set.control), &a->control, e) && workload_init(a, e);
}

static bool run(struct agent *a, struct err *e)
{
	struct sandbox box = { .promises = "stdio sock dial" };

	box.need = a->set.sandbox == SANDBOX_BEST_EFFORT ? SANDBOX_BEST_EFFORT : SANDBOX_REQUIRED;
	crypto_start();
	if (!sandbox_enter(&box, e))
		return false;
	local_start(a, role_fd("local"));
	identity_start(a);
	return loop_run(a->loop, e);
}

int main(int argc, char **argv)
{
	static struct agent a;
	struct arena *mem = arena_new(1 << 20);
	struct err e = { 0 };

	role_start("net");
	agent_init(&a);
	a.is_once = argc == 3 && strcmp(argv[2], "enrol") == 0;
	if (argc < 2)
		(void)err_set(&e, ERR_INPUT, "want the name of the configuration");
	else if (prepare(&a, argv[1], mem, &e) && run(&a, &e))
		return 0;
	log_fail(&agent_event_failed, &e);
	return err_exit_code(e.kind);
}
