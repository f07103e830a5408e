/* follow.c - one page in flight per follower, one place where lines are put. */
#include "control/front/follow.h"

#include "base/mem.h"
#include "codec/json.h"
#include "control/front/events.h"
#include "control/front/fields.h"

enum {
	PAGE_LINES = 200,
	HIGH_BYTES = 256 * 1024, /* unsent: do not ask for more */
	EVENT_MAX = 64 * 1024,
};

enum form { FORM_LINES, FORM_EVENTS };

struct follower {
	struct follower *next, **at; /* in followers.first */
	struct call *call;
	enum form form;
	uint64_t last;     /* sequence number seen */
	bool from_now;     /* first find the head */
	bool is_streaming; /* the head of the answer is out */
	bool is_asking;    /* a page is under way */
	bool is_behind;    /* core committed more meanwhile */
	bool is_full;      /* waits for room */
	struct buf fresh;  /* newest freshness line, held while a page is under way */
};

struct followers {
	struct front *front;
	struct follower *first;
	size_t count;
};

struct followers *followers_new(struct front *f)
{
	struct followers *all = mem_new(1, sizeof(*all));

	all->front = f;
	return all;
}

static void follower_end(struct follower *w)
{
	struct followers *all = w->call->front->followers;

	ipc_forget(all->front->core, w);
	*w->at = w->next;
	if (w->next)
		w->next->at = w->at;
	all->count--;
	buf_done(&w->fresh);
	free(w);
}

static void follower_gone(void *ctx)
{
	follower_end(ctx);
}

void followers_free(struct followers *all)
{
	if (!all)
		return;
	for (struct follower *w = all->first, *next; w; w = next) {
		next = w->next;
		follower_end(w);
	}
	free(all);
}

size_t followers_count(const struct followers *all)
{
	return all->count;
}

/* ---- putting lines ---- */

static struct str json_of(struct bytes line)
{
	struct str sig, json;

	if (!str_cut(str_bytes(line), ' ', &sig, &json))
		return STR("");
	while (json.len && json.ptr[json.len - 1] == '\n')
		json.len--;
	return json;
}

bool follow_event_write(struct bytes line, struct buf *out)
{
	struct str json = json_of(line), kind;
	auto_json struct json *doc = NULL;
	struct err e = { 0 };
	int64_t seq = 0;

	if (!json_read(bytes_str(json), NULL, &doc, &e) || !json_text(doc, "kind", &kind, &e) ||
	    str_has(json, '\n') || str_has(kind, '\n') || str_has(kind, '\r'))
		return false;
	if (str_eqz(kind, "fresh"))
		return buf_puts(out, STR(": fresh\n\n"));
	if (!json_int(doc, "seq", 1, INT64_MAX, &seq, &e))
		return false;
	buf_printf(out, "id: %lld\nevent: " STR_FMT "\ndata: ", (long long)seq, STR_ARG(kind));
	buf_puts(out, json);
	return buf_puts(out, STR("\n\n"));
}

/* False: the reader is too slow and will be dropped by the server. */
static bool put_line(struct follower *w, struct bytes line)
{
	auto_buf struct buf event = { 0 };

	if (w->form == FORM_LINES)
		return http_stream_put(w->call->x, line);
	buf_init(&event, EVENT_MAX);
	if (!follow_event_write(line, &event))
		return true;
	return http_stream_put(w->call->x, buf_bytes(&event));
}

static void report_slow(struct follower *w)
{
	log_event(&front_event_slow, LOG_STR("peer", w->call->peer.identity),
		  LOG_NUM("seq", w->last));
}

static void put_fresh(struct follower *w)
{
	if (w->fresh.len && !put_line(w, buf_bytes(&w->fresh)))
		report_slow(w);
	buf_clear(&w->fresh);
}

/* ---- asking for pages ---- */

static void page_answered(void *ctx, const struct err *refused, struct bytes body);

static void ask_page(struct follower *w)
{
	struct wall_feed_after q = {
		.peer = w->call->peer,
		.after = w->last,
		.max = w->from_now ? 1 : PAGE_LINES,
	};
	auto_buf struct buf body = { 0 };
	struct err e = { 0 };

	buf_init(&body, WALLS_MAX_BODY);
	if (!walls_write(WALL_FEED_AFTER, &q, &body, &e))
		return;
	w->is_asking = true;
	w->is_behind = false;
	ipc_ask(w->call->front->core, WALL_FEED_AFTER, buf_bytes(&body), page_answered, w);
}

static void has_room(void *ctx)
{
	struct follower *w = ctx;

	w->is_full = false;
	if (!w->is_asking && w->is_behind)
		ask_page(w);
}

static void go_on(struct follower *w, bool has_more)
{
	w->is_full = http_stream_waiting(w->call->x) > HIGH_BYTES;
	w->is_behind |= has_more;
	if (w->is_full)
		http_on_room(w->call->x, has_room, w);
	else if (w->is_behind)
		ask_page(w);
	else
		put_fresh(w);
}

/* Before the stream began a refusal is an answer; after that it ends the stream. */
static void give_up(struct follower *w, const struct err *why)
{
	struct call *c = w->call;
	bool is_streaming = w->is_streaming;

	follower_end(w);
	http_on_gone(c->x, NULL, NULL);
	if (is_streaming)
		http_end(c->x);
	else
		front_refuse(c, why);
}

static void refuse_gone(struct follower *w)
{
	struct err e = { 0 };

	err_set(&e, ERR_CONFLICT, "entries after %llu are not kept", (unsigned long long)w->last);
	err_hint(&e, "fetch /gate/v1/snapshot and go on from its sequence number");
	give_up(w, &e);
}

static void put_page(struct follower *w, const struct wall_lines *page)
{
	if (!w->is_streaming)
		http_stream(w->call->x, 200, w->call->route->answer);
	w->is_streaming = true;
	if (w->from_now) {
		w->from_now = false;
		w->last = page->head;
		go_on(w, true);
		return;
	}
	for (size_t i = 0; i < page->lines.count; i++)
		if (!put_line(w, page->lines.items[i])) {
			report_slow(w);
			return;
		}
	bool has_moved = page->last > w->last;
	if (has_moved)
		w->last = page->last;
	go_on(w, has_moved && page->last < page->head);
}

static void page_answered(void *ctx, const struct err *refused, struct bytes body)
{
	auto_arena struct arena *mem = arena_new(2 * WALLS_MAX_BODY);
	struct follower *w = ctx;
	struct wall_lines page;
	struct err e = { 0 };

	w->is_asking = false;
	if (refused) {
		give_up(w, refused);
		return;
	}
	if (!walls_read(WALL_LINES, body, mem, &page, &e)) {
		give_up(w, &e);
		return;
	}
	if (page.is_gone && w->form == FORM_LINES) {
		refuse_gone(w);
		return;
	}
	if (page.is_gone) /* a live view goes on from now */
		w->from_now = true;
	put_page(w, &page);
}

static void follow(struct call *c, enum form form, uint64_t after, bool from_now)
{
	struct followers *all = c->front->followers;
	struct follower *w = mem_new(1, sizeof(*w));

	*w = (struct follower){ .call = c, .form = form, .last = after, .from_now = from_now };
	buf_init(&w->fresh, EVENT_MAX);
	w->next = all->first;
	w->at = &all->first;
	if (w->next)
		w->next->at = &w->next;
	all->first = w;
	all->count++;
	http_on_gone(c->x, follower_gone, w);
	ask_page(w);
}

/* ---- what core tells ---- */

static void hint(struct follower *w, const struct wall_feed_line *line)
{
	if (!line->seq || !line->stream.len) { /* a heartbeat, for every reader */
		buf_clear(&w->fresh);
		buf_put(&w->fresh, line->line.ptr, line->line.len);
		if (w->is_streaming && !w->is_asking && !w->is_full && !w->is_behind)
			put_fresh(w);
		return;
	}
	if (line->seq <= w->last)
		return;
	w->is_behind = true;
	if (!w->is_asking && !w->is_full)
		ask_page(w);
}

void followers_line(struct followers *all, const struct wall_feed_line *line)
{
	struct follower *next;

	for (struct follower *w = all->first; w; w = next) {
		next = w->next;
		hint(w, line);
	}
}

void followers_revoked(struct followers *all, const struct wall_revoked *who)
{
	struct follower *next;
	struct err e = { 0 };

	err_set(&e, ERR_DENIED, "this certificate is no longer good");
	for (struct follower *w = all->first; w; w = next) {
		const struct wall_peer *p = &w->call->peer;

		next = w->next;
		if (who->serial.len ? bytes_eq(who->serial, p->serial)
				    : str_eq(who->identity, p->identity))
			give_up(w, &e);
	}
}

/* ---- the two handlers ---- */

static uint64_t after_of(const struct call *c, bool *is_given)
{
	const struct wall_value *v = wall_value_find(&c->query, STR("after"));

	*is_given = v != NULL;
	return v ? (uint64_t)v->num : 0;
}

void front_gate_feed(struct call *c)
{
	bool is_given;

	follow(c, FORM_LINES, after_of(c, &is_given), false);
}

void front_feed_events(struct call *c)
{
	struct str last = http_header(&http_request(c->x)->headers, "Last-Event-ID");
	struct err e = { 0 };
	bool is_given;
	uint64_t after = after_of(c, &is_given);

	if (last.len && !str_u64(last, &after)) {
		err_set(&e, ERR_INPUT, "Last-Event-ID: want a sequence number");
		front_refuse(c, &e);
		return;
	}
	follow(c, FORM_EVENTS, after, !is_given && !last.len);
}
