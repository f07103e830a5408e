/* fuzz_ipc.c - any bytes from the other side of a wall, with the table of a strict room. */
#include "sys/ipc.h"

#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool on_ask(void *ctx, struct ipc *link, const struct ipc_msg *m, struct err *e)
{
	(void)ctx, (void)e;
	(void)ipc_answer(link, m->request, m->body);
	return true;
}

static bool on_tell(void *ctx, struct ipc *link, const struct ipc_msg *m, struct err *e)
{
	struct err why;

	(void)ctx, (void)link;
	ipc_err_read(m->body, &why);
	return m->body.len != 3 || err_set(e, ERR_INPUT, "three is not decodable");
}

static const struct ipc_row rows[] = {
	{ 1, "ask", IPC_OFTEN, 0, on_ask },
	{ 2, "tell", IPC_OFTEN, 0, on_tell },
	{ 3, "once", IPC_ONCE, 0, on_tell },
	{ 4, "rarely", IPC_RATE, 2, on_tell },
};

static void on_lost(void *ctx, struct ipc *link, const struct err *why)
{
	(void)link, (void)why;
	*(bool *)ctx = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct loop *l = loop_new(clock_real());
	bool is_lost = false;
	int fd[2];

	if (size > 65536 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd))
		abort();
	struct ipc *link = ipc_new(l, fd[1],
				   &(struct ipc_settings){ .rows = rows,
							   .count = countof(rows),
							   .max_body = 4096,
							   .ctx = &is_lost,
							   .on_lost = on_lost });
	if (write(fd[0], data, size) != (ssize_t)size)
		abort();
	(void)close(fd[0]);
	for (int i = 0; i < 20 && !is_lost; i++)
		(void)loop_turn(l, 0);
	if (!is_lost)
		abort(); /* the end of the peer is always noticed */
	ipc_free(link);
	loop_free(l);
	return 0;
}
