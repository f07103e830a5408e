/* main.c - control-verify: reads what devices say about themselves, so that nobody else must.
 *
 * Holds nothing, keeps nothing.  64 MB of memory, 250 ms of CPU a request: past either it
 * dies, core's question is answered "unknown", and the parent starts a clean one (V6, V8).
 */
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "base/arena.h"
#include "base/log.h"
#include "control/verify/read.h"
#include "crypto/hash.h"
#include "sys/ipc.h"
#include "sys/role.h"
#include "sys/sandbox.h"

enum { MEMORY = 64 << 20, CPU_MS = 250, BODY_MAX = 2 << 20 };

static const struct log_event verify_stopped = {
	"verify.stopped", LOG_LEVEL_ERROR, "Why this room ends; the parent starts it again."
};

static const struct {
	enum wall_type type;
	verify_fn *fn;
} requests[] = {
	{ WALL_APPRAISE, verify_appraise },
	{ WALL_ACTIVATION, verify_activation },
};

/* SIGPROF with its default action: nothing to catch, nothing to forget. */
static void limit_cpu(int ms)
{
	const struct itimerval t = { .it_value = { .tv_sec = 0, .tv_usec = ms * 1000 } };

	(void)setitimer(ITIMER_PROF, &t, NULL);
}

static bool serve(int core, struct arena *mem, const struct ipc_msg *m, struct err *e)
{
	uint8_t refusal[IPC_ERR_MAX];
	struct ipc_msg answer = { m->type, IPC_ANSWER, m->request, { 0 } };
	auto_buf struct buf out = { 0 };
	struct err why = { 0 };
	size_t i = 0;

	while (i < countof(requests) && requests[i].type != m->type)
		i++;
	if (i == countof(requests) || m->flags != IPC_ASK)
		return err_set(e, ERR_DENIED, "request %u is not ours to answer", m->type);
	buf_init(&out, BODY_MAX);
	limit_cpu(CPU_MS);
	bool is_good = requests[i].fn(m->body, mem, &out, &why);
	limit_cpu(0);
	if (is_good) {
		answer.body = buf_bytes(&out);
	} else {
		answer.flags = IPC_REFUSAL;
		answer.body = ipc_err_write(&why, refusal);
	}
	return ipc_send(core, &answer, e);
}

static bool start(int argc, char **argv, struct err *e)
{
	const struct rlimit memory = { MEMORY, MEMORY };
	struct sandbox box = { .promises = "stdio" };

	if (argc > 1 && !sandbox_need_read(argv[1], &box.need))
		return err_set(e, ERR_INPUT, "sandbox: want required or best-effort");
	if (!HAS_SANITIZER && setrlimit(RLIMIT_DATA, &memory) != 0)
		return err_sys(e, "memory limit");
	crypto_start();
	return sandbox_enter(&box, e);
}

int main(int argc, char **argv)
{
	struct arena *body = arena_new(BODY_MAX), *mem = arena_new(BODY_MAX);
	struct err e = { 0 };
	struct ipc_msg m;
	int core;

	role_start("verify");
	core = role_fd("core");
	if (!start(argc, argv, &e)) {
		log_fail(&verify_stopped, &e);
		return err_exit_code(e.kind);
	}
	while (ipc_recv(core, BODY_MAX, body, &m, &e) && serve(core, mem, &m, &e)) {
		arena_reset(mem);
		arena_reset(body);
	}
	if (e.kind)
		log_fail(&verify_stopped, &e);
	return e.kind != ERR_NONE;
}
