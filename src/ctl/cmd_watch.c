/* cmd_watch.c - muster watch: changes as they happen (server-sent events), resumed when cut. */
#include <unistd.h>

#include "base/buf.h"
#include "codec/json.h"
#include "ctl/say.h"

enum { EVENT_MAX = 1 << 20, RETRY_MS = 1000 };

struct watcher {
	struct ctl *ctl;
	struct buf in;   /* bytes not yet a whole line */
	struct buf data; /* of the event being read */
	struct str last; /* id of the newest event, for Last-Event-ID */
	char last_text[24];
	int64_t left; /* entries to show */
};

static void show_entry(struct watcher *w, const struct json *doc)
{
	const struct json *body = json_member(doc, "body");
	struct ctl *c = w->ctl;
	struct str id = json_value_text(json_member(body, "id"));
	struct str grade = json_value_text(json_member(body, "grade"));

	print_toned(c, TONE_DIM, print_time(c, json_value_int(json_member(doc, "at"))));
	printf("  %-8lld ", (long long)json_value_int(json_member(doc, "seq")));
	print_text(json_value_text(json_member(doc, "kind")));
	printf("  ");
	print_text(json_value_text(json_member(body, "kind")));
	printf("%s", id.len ? "/" : "");
	print_toned(c, TONE_BOLD, id);
	printf("  ");
	print_text(json_value_text(json_member(body, "principal")));
	print_toned(c, print_tone_of(grade), grade);
	if (json_value_bool(json_member(body, "held")))
		printf(" (held)");
	if (json_kind(json_member(body, "version")) == JSON_KIND_INT)
		printf("version %lld", (long long)json_value_int(json_member(body, "version")));
	printf("\n");
}

/* False: that was enough. */
static bool event_done(struct watcher *w)
{
	auto_json struct json *doc = NULL;
	struct err e = { 0 };
	bool is_shown = true;

	if (!w->data.len)
		return true;
	if (json_read(buf_bytes(&w->data), NULL, &doc, &e)) {
		if (w->ctl->is_json)
			is_shown = print_json(doc, &e);
		else
			show_entry(w, doc);
		(void)fflush(stdout);
		w->left--;
	}
	buf_clear(&w->data);
	return is_shown && w->left > 0;
}

static bool line_done(struct watcher *w, struct str line)
{
	if (!line.len)
		return event_done(w);
	if (str_starts(line, STR("data: ")))
		buf_puts(&w->data, str_from(line, 6));
	if (str_starts(line, STR("id: "))) {
		int len = snprintf(w->last_text, sizeof(w->last_text), STR_FMT,
				   STR_ARG(str_head(str_from(line, 4), 20)));
		w->last = (struct str){ w->last_text, (size_t)len };
	}
	return true;
}

static bool got_part(void *ctx, struct bytes part)
{
	struct watcher *w = ctx;
	struct str line, rest;

	buf_put(&w->in, part.ptr, part.len);
	while (str_cut(buf_str(&w->in), '\n', &line, &rest)) {
		if (!line_done(w, line))
			return false;
		buf_drop(&w->in, line.len + 1);
	}
	return !w->in.is_full;
}

bool cmd_watch(struct ctl *c, struct err *e)
{
	struct watcher w = { .ctl = c, .left = INT64_MAX };
	struct str target = api_query(c, STR("/api/v1/feed"), "after", ctl_text(c, "after"));
	char kept[256];

	if (!ctl_number(c, "count", INT64_MAX, &w.left, e))
		return false;
	snprintf(kept, sizeof(kept), STR_FMT, STR_ARG(target));
	buf_init(&w.in, EVENT_MAX);
	buf_init(&w.data, EVENT_MAX);
	if (!c->is_json && isatty(STDOUT_FILENO))
		print_note("Following the feed; Ctrl-C ends it.");
	while (!api_stream(c, str_of(kept), w.last, got_part, &w, e)) {
		if (e->kind != ERR_RETRY || !w.last.len)
			return false;
		print_note("%s; trying again", e->text);
		buf_clear(&w.in);
		buf_clear(&w.data);
		(void)usleep(RETRY_MS * 1000);
		*e = (struct err){ 0 };
	}
	return true;
}
