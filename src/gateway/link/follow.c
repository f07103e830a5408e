#include "gateway/link/link.h"

#include "sys/files.h"

enum { FIRST_WAIT_MS = 200, LAST_WAIT_MS = 10000, QUIET_MS = 25000, SNAPSHOT_MAX = 64 << 20 };

static void follow(void *ctx);

/* Full jitter, so that gates do not come back in step (N2). */
static void again(struct link *l)
{
	uint32_t dice;

	l->wait_ms = l->wait_ms * 2 < FIRST_WAIT_MS  ? FIRST_WAIT_MS
		     : l->wait_ms * 2 > LAST_WAIT_MS ? LAST_WAIT_MS
						     : l->wait_ms * 2;
	random_bytes(&dice, sizeof(dice));
	timer_set(l->again, 50 + dice % l->wait_ms);
}

static void lost(struct link *l, const struct err *why)
{
	log_fail(&link_events[LINK_LOST], why);
	again(l);
}

/* ---- the feed ---- */

static bool take_lines(struct link *l)
{
	size_t used = 0;
	bool ok = true;

	for (size_t i = 0; ok && i < l->part.len; i++) {
		if (l->part.ptr[i] != '\n')
			continue;
		struct str line = str_bytes(bytes_of(l->part.ptr + used, i - used));
		ok = state_line(l, line, &l->feed_error);
		used = i + 1;
	}
	buf_drop(&l->part, used);
	return ok;
}

/* A line that is not as it must be ends the connection and changes nothing (P1). */
static bool on_part(void *ctx, struct bytes part)
{
	struct link *l = ctx;

	l->wait_ms = 0;
	if (!buf_put(&l->part, part.ptr, part.len))
		return err_set(&l->feed_error, ERR_INPUT, "a line of the feed is too long");
	return take_lines(l);
}

static void on_feed_end(void *ctx, const struct http_reply *reply, const struct err *e)
{
	struct link *l = ctx;
	struct err why = { 0 };

	buf_clear(&l->part);
	if (l->feed_error.kind) {
		log_fail(&link_events[LINK_REFUSED], &l->feed_error);
		l->wants_snapshot = l->feed_error.kind == ERR_CONFLICT;
	}
	if (reply && reply->status == 409)
		l->wants_snapshot = true;
	if (reply && reply->status != 200)
		(void)err_set(&why, ERR_RETRY, "the feed answered %d", reply->status);
	else if (e)
		why = *e;
	else
		(void)err_set(&why, ERR_RETRY, "the feed ended");
	lost(l, &why);
}

static void ask_feed(struct link *l)
{
	char target[64];

	(void)snprintf(target, sizeof(target), "/gate/v1/feed?after=%llu",
		       (unsigned long long)l->seq);
	l->feed_error = (struct err){ 0 };
	buf_clear(&l->part);
	http_client_call(l->follower, &(struct http_call){ .method = "GET",
							   .target = str_of(target),
							   .quiet_ms = QUIET_MS,
							   .on_body = on_part,
							   .on_done = on_feed_end,
							   .ctx = l });
}

/* ---- the snapshot ---- */

static void on_snapshot(void *ctx, const struct http_reply *reply, const struct err *e)
{
	struct link *l = ctx;
	struct err why = { 0 };

	if (!reply) {
		lost(l, e);
		return;
	}
	if (reply->status != 200) {
		(void)err_set(&why, ERR_RETRY, "the snapshot answered %d", reply->status);
		lost(l, &why);
		return;
	}
	if (!state_snapshot(l, reply->body, &why)) {
		log_fail(&link_events[LINK_REFUSED], &why);
		again(l);
		return;
	}
	l->wants_snapshot = false;
	l->wait_ms = 0;
	ask_feed(l);
}

static void ask_snapshot(struct link *l)
{
	http_client_call(l->follower, &(struct http_call){ .method = "GET",
							   .target = STR("/gate/v1/snapshot"),
							   .on_done = on_snapshot,
							   .ctx = l });
}

static void follow(void *ctx)
{
	struct link *l = ctx;

	if (l->wants_snapshot || !l->has_state)
		ask_snapshot(l);
	else
		ask_feed(l);
}

void follow_start(struct link *l)
{
	const struct http_client_settings set = { .server = l->control,
						  .tls = l->tls,
						  .max_body = SNAPSHOT_MAX };

	if (l->follower)
		return;
	buf_init(&l->part, LINE_MAX_BYTES);
	l->follower = http_client_new(l->loop, &set);
	l->again = loop_after(l->loop, 0, follow, l);
}
