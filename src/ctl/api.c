/* api.c - a blocking client over net/http_client. */
#include "ctl/api.h"

#include "base/clock.h"
#include "base/mem.h"
#include "codec/json.h"
#include "codec/pem.h"
#include "crypto/tls.h"
#include "net/http_client.h"
#include "sys/files.h"

enum {
	ANSWER_MAX = 16 << 20,
	CA_AUTHORITY = 1,
	PEM_MAX = 65536,
};

#define DEFAULT_SERVER "127.0.0.1:8445"

struct api {
	struct loop *loop;
	struct http_client *client;
};

/* One call under way. */
struct wait {
	struct api *api;
	struct arena *mem;
	bool is_done;
	int status;
	struct bytes body;
	struct err err;
	api_part_fn *part;
	void *ctx;
	bool was_ended; /* by part */
};

/* ---- credentials ---- */

static bool read_home(struct ctl *c, const char *name, bool is_private, struct str *out,
		      struct err *e)
{
	auto_buf struct buf text = { 0 };
	struct str path = arena_printf(c->mem, "%s/%s", c->home, name);

	buf_init(&text, PEM_MAX);
	if (!(is_private ? file_read_private(path.ptr, &text, e) : file_read(path.ptr, &text, e)))
		return false;
	*out = arena_dup(c->mem, buf_str(&text));
	return out->ptr != NULL;
}

static bool read_certificate(struct ctl *c, const char *name, struct bytes *out, struct err *e)
{
	struct str text;

	if (!read_home(c, name, false, &text, e))
		return false;
	return pem_read(text, "CERTIFICATE", c->mem, out, e) || err_in(e, "%s/%s", c->home, name);
}

static struct tls_ctx *open_tls(struct ctl *c, struct err *e)
{
	struct bytes certificate, authority;
	struct str key_text;

	if (!read_certificate(c, "cert.pem", &certificate, e) ||
	    !read_certificate(c, "ca.pem", &authority, e) ||
	    !read_home(c, "key.pem", true, &key_text, e))
		return NULL;
	struct key *key = key_read_pem(key_text, e); /* as long as the process */
	if (!key)
		return NULL;
	const struct tls_anchor anchor = { authority, CA_AUTHORITY };
	const struct tls_settings s = {
		.chain = &certificate,
		.chain_count = 1,
		.key = key,
		.anchors = &anchor,
		.anchor_count = 1,
		.peer_path = STR("/server/"),
	};
	return tls_ctx_new(&s, e);
}

static struct str server_text(struct ctl *c)
{
	struct err ignored = { 0 };
	struct str text;

	if (c->server)
		return str_of(c->server);
	if (!read_home(c, "server", false, &text, &ignored))
		return STR(DEFAULT_SERVER);
	while (text.len && text.ptr[text.len - 1] <= ' ')
		text.len--;
	return text;
}

static bool open_client(struct ctl *c, struct err *e)
{
	struct http_client_settings s = { .max_body = ANSWER_MAX };

	if (c->api)
		return true;
	s.tls = open_tls(c, e);
	if (!s.tls) {
		if (e->kind == ERR_MISSING)
			err_hint(e, "where is your credential? use --home DIR or set MUSTER_HOME");
		return err_in(e, "your credential");
	}
	if (!addr_read(server_text(c), &s.server, e))
		return err_in(e, "server");
	c->api = mem_new(1, sizeof(*c->api));
	c->api->loop = loop_new(clock_real());
	c->api->client = http_client_new(c->api->loop, &s);
	return true;
}

/* ---- answers ---- */

static enum err_kind kind_of(struct str name, int status)
{
	for (int k = ERR_INPUT; k < ERR_KINDS; k++)
		if (str_eqz(name, err_kind_name((enum err_kind)k)))
			return (enum err_kind)k;
	for (int k = ERR_INPUT; k < ERR_KINDS; k++)
		if (err_http_status((enum err_kind)k) == status)
			return (enum err_kind)k;
	return status >= 500 ? ERR_SYSTEM : ERR_INPUT;
}

static bool problem_to_err(const struct wait *w, struct err *e)
{
	auto_json struct json *doc = NULL;
	struct err ignored = { 0 };
	struct str detail = STR(""), hint = STR(""), kind = STR(""), reference = STR("");

	if (json_read(w->body, NULL, &doc, &ignored)) {
		(void)json_opt_text(doc, "kind", &kind, &ignored);
		(void)json_opt_text(doc, "detail", &detail, &ignored);
		(void)json_opt_text(doc, "hint", &hint, &ignored);
		(void)json_opt_text(doc, "reference", &reference, &ignored);
	}
	if (!detail.len)
		detail = str_of(http_reason(w->status));
	err_set(e, kind_of(kind, w->status), STR_FMT, STR_ARG(detail));
	if (reference.len)
		err_hint(e, "musterd's log says more under reference=" STR_FMT, STR_ARG(reference));
	if (hint.len)
		err_hint(e, STR_FMT, STR_ARG(hint));
	return false;
}

static void call_done(void *ctx, const struct http_reply *reply, const struct err *e)
{
	struct wait *w = ctx;

	w->is_done = true;
	if (!reply) {
		w->err = *e;
		return;
	}
	w->status = reply->status;
	w->body = arena_copy(w->mem, reply->body.ptr, reply->body.len);
}

static bool call_part(void *ctx, struct bytes part)
{
	struct wait *w = ctx;

	if (w->part(w->ctx, part))
		return true;
	w->was_ended = true;
	w->is_done = true;
	return false;
}

static bool run_call(struct ctl *c, struct http_call *call, struct wait *w, struct err *e)
{
	if (!open_client(c, e))
		return false;
	w->api = c->api;
	w->mem = c->mem;
	call->ctx = w;
	call->on_done = call_done;
	http_client_call(c->api->client, call);
	while (!w->is_done && loop_turn(c->api->loop, -1))
		;
	if (w->was_ended)
		return true;
	if (w->err.kind) {
		*e = w->err;
		return err_in(e, "musterd at " STR_FMT, STR_ARG(server_text(c)));
	}
	return (w->status >= 200 && w->status < 300) || problem_to_err(w, e);
}

static bool read_answer(const struct wait *w, struct json **out, struct err *e)
{
	const struct json_limits limits = { .max_bytes = ANSWER_MAX, .max_values = 4000000 };

	*out = NULL;
	return !w->body.len || json_read(w->body, &limits, out, e);
}

bool api_call(struct ctl *c, const char *method, struct str target, struct str body,
	      struct json **out, struct err *e)
{
	struct http_call call = {
		.method = method,
		.target = target,
		.content_type = body.len ? "application/json" : NULL,
		.body = bytes_str(body),
	};
	struct wait w = { 0 };

	*out = NULL;
	return run_call(c, &call, &w, e) && read_answer(&w, out, e);
}

bool api_get(struct ctl *c, struct str target, struct json **out, struct err *e)
{
	return api_call(c, "GET", target, STR(""), out, e);
}

bool api_get_text(struct ctl *c, struct str target, struct str *out, struct err *e)
{
	struct http_call call = { .method = "GET", .target = target };
	struct wait w = { 0 };

	if (!run_call(c, &call, &w, e))
		return false;
	*out = str_bytes(w.body);
	return true;
}

bool api_stream(struct ctl *c, struct str target, struct str last_event_id, api_part_fn *part,
		void *ctx, struct err *e)
{
	struct http_call call = {
		.method = "GET",
		.target = target,
		.last_event_id = last_event_id,
		.quiet_ms = 60000,
		.on_body = call_part,
	};
	struct wait w = { .part = part, .ctx = ctx };

	return run_call(c, &call, &w, e);
}

/* ---- lists ---- */

/* Adds this page's items; *next is its cursor, empty at the end. */
static bool add_page(struct ctl *c, const struct json *doc, int64_t *left, struct jw *w,
		     struct str *next, struct err *e)
{
	const struct json *items;
	struct str cursor = STR("");

	if (!json_list(doc, "items", &items, e) || !json_opt_text(doc, "next", &cursor, e))
		return false;
	for (size_t i = 0; i < json_count(items) && *left > 0; i++, (*left)--)
		jw_json(w, json_item(items, i));
	*next = *left > 0 ? arena_dup(c->mem, cursor) : STR("");
	return true;
}

bool api_list(struct ctl *c, struct str target, int64_t limit, struct json **out, struct err *e)
{
	const struct json_limits limits = { .max_bytes = 256UL << 20, .max_values = 50000000 };
	int64_t left = limit > 0 ? limit : INT64_MAX;
	auto_buf struct buf text = { 0 };
	struct str next = STR("");
	struct jw w;

	buf_init(&text, limits.max_bytes);
	jw_init(&w, &text, JW_COMPACT);
	jw_map(&w);
	jw_key(&w, "items");
	jw_list(&w);
	do {
		auto_json struct json *doc = NULL;
		struct str size = arena_printf(c->mem, "%d", left < 200 ? (int)left : 200);
		struct str page = api_query(c, target, "limit", size);

		if (!api_get(c, api_query(c, page, "cursor", next), &doc, e) ||
		    !add_page(c, doc, &left, &w, &next, e))
			return false;
	} while (next.len);
	jw_end(&w);
	jw_key(&w, "next");
	jw_null(&w);
	jw_end(&w);
	if (!jw_ok(&w))
		return err_set(e, ERR_SYSTEM, "the list is too long");
	return json_read(buf_bytes(&text), &limits, out, e);
}

/* ---- targets ---- */

static struct str escape(struct ctl *c, struct str text)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
	auto_buf struct buf out = { 0 };

	buf_init(&out, 65536);
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] && strchr(plain, text.ptr[i]))
			buf_putc(&out, text.ptr[i]);
		else
			buf_printf(&out, "%%%02X", (unsigned char)text.ptr[i]);
	}
	return arena_dup(c->mem, buf_str(&out));
}

struct str api_path(struct ctl *c, const char *path, struct str segment, const char *rest)
{
	struct str name = escape(c, segment);

	return arena_printf(c->mem, "%s/" STR_FMT "%s", path, STR_ARG(name), rest);
}

struct str api_query(struct ctl *c, struct str target, const char *name, struct str value)
{
	struct str text = escape(c, value);

	if (!value.len)
		return target;
	return arena_printf(c->mem, STR_FMT "%c%s=" STR_FMT, STR_ARG(target),
			    str_has(target, '?') ? '&' : '?', name, STR_ARG(text));
}
