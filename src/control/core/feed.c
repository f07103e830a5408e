/* feed.c - entries are signed once they are durable, then told; readers get signed ones only.
 *
 * added -> (operation ends) ended -> (group commits) unsigned in the table -> keys signs the
 * batch -> told to front.  Signatures are written to the table with the next group; until
 * then readers find them here.  After a crash feed_recover has the rest signed: keys signs
 * the same statement again, and refuses any other for the same number.
 */
#include "base/mem.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "control/core/core.h"
#include "crypto/hash.h"
#include "crypto/statement.h"

enum {
	LINE_MAX = 5 << 20,
	PAGE_BYTES = 800 << 10, /* of one FEED_AFTER answer */
	PAGE_LINES = 1000,
	BATCH = 512,
	BEAT_MS = 10000,
};

struct entry {
	struct entry *next;
	struct arena *mem; /* owns all below and this */
	uint64_t seq, prev;
	struct str stream, kind, json;
	uint8_t sig[KEY_SIG];
};

struct list {
	struct entry *first, **end;
};

struct feed {
	struct list added, ended; /* by the open operation; by the group */
	struct list signing;      /* asked of keys */
	struct list unsaved;      /* signed, told, signature not in the table yet */
	struct list saved;        /* ... in the table, not committed yet */
	struct core *core;
	int64_t beaten_ms; /* monotonic: the last heartbeat */
};

static void list_init(struct list *l)
{
	*l = (struct list){ .end = &l->first };
}

static void list_put(struct list *l, struct entry *x)
{
	x->next = NULL;
	*l->end = x;
	l->end = &x->next;
}

static struct entry *list_take(struct list *l)
{
	struct entry *x = l->first;

	if (x) {
		l->first = x->next;
		if (!l->first)
			l->end = &l->first;
	}
	return x;
}

static void list_move(struct list *from, struct list *to)
{
	for (struct entry *x = list_take(from); x; x = list_take(from))
		list_put(to, x);
}

static void list_drop(struct list *l)
{
	for (struct entry *x = list_take(l); x; x = list_take(l))
		arena_free(x->mem);
}

struct feed *feed_new(struct core *c)
{
	struct feed *f = mem_new(1, sizeof(*f));

	f->core = c;
	list_init(&f->added);
	list_init(&f->ended);
	list_init(&f->signing);
	list_init(&f->unsaved);
	list_init(&f->saved);
	return f;
}

/* ---- adding ---- */

static struct entry *entry_new(const struct store_entry *row)
{
	struct arena *mem = arena_new(LINE_MAX);
	struct entry *x = arena_alloc(mem, 1, sizeof(*x));

	if (x)
		*x = (struct entry){ .mem = mem,
				     .seq = row->seq,
				     .prev = row->prev,
				     .stream = arena_dup(mem, row->stream),
				     .kind = arena_dup(mem, row->kind),
				     .json = arena_dup(mem, row->json) };
	if (x && !arena_is_full(mem))
		return x;
	arena_free(mem);
	return NULL;
}

/* Signatures that came since the last group: with this one they cost no fsync of their own. */
static bool save_signatures(struct core *c, struct err *e)
{
	struct list *l = &c->feed->unsaved;

	for (const struct entry *x = l->first; x; x = x->next)
		if (!store_feed_sign(c->store, x->seq, bytes_of(x->sig, KEY_SIG), e))
			return false;
	list_move(l, &c->feed->saved);
	return true;
}

bool feed_add(struct core *c, struct str stream, struct str site, const char *kind, struct str body,
	      struct err *e)
{
	auto_arena struct arena *mem = arena_new(LINE_MAX);
	struct store_entry row = {
		.stream = stream, .site = site, .kind = str_of(kind), .at_ms = core_now_ms(c)
	};

	if (!store_feed_add(c->store, &row, body, mem, e))
		return false;
	struct entry *x = entry_new(&row);
	if (!x)
		return err_set(e, ERR_INPUT, "feed entry is too large");
	list_put(&c->feed->added, x);
	return true;
}

void feed_ended(struct core *c)
{
	list_move(&c->feed->added, &c->feed->ended);
}

void feed_undone(struct core *c)
{
	list_drop(&c->feed->added);
	list_move(&c->feed->saved, &c->feed->unsaved);
}

/* ---- signing ---- */

static bool encode_statement(const struct wall_statement *s, struct arena *mem, struct bytes *out)
{
	auto_buf struct buf b = { 0 };
	struct err e = { 0 };

	buf_init(&b, 4096);
	if (!walls_write(WALL_STATEMENT, s, &b, &e))
		return false;
	*out = arena_copy(mem, b.ptr, b.len);
	return out->ptr != NULL;
}

static void ask_keys(struct core *c, struct bytes *items, size_t count, ipc_answer_fn *fn,
		     void *ctx)
{
	struct wall_statements q = { .items = { items, count } };
	auto_buf struct buf body = { 0 };
	struct err e = { 0 };

	buf_init(&body, WALLS_MAX_BODY);
	if (walls_write(WALL_SIGN, &q, &body, &e))
		ipc_ask(c->keys, WALL_SIGN, buf_bytes(&body), fn, ctx);
	else
		fn(ctx, &e, (struct bytes){ 0 });
}

static void tell_front(struct core *c, struct str stream, struct str kind, uint64_t seq,
		       const uint8_t sig[KEY_SIG], struct str json)
{
	auto_buf struct buf line = { 0 }, body = { 0 };
	struct err e = { 0 };

	buf_init(&line, LINE_MAX);
	buf_init(&body, LINE_MAX + 4096);
	(void)statement_line_write(sig, json, &line);
	struct wall_feed_line m = { stream, kind, seq, buf_bytes(&line) };
	if (c->front && !line.is_full && walls_write(WALL_FEED_LINE, &m, &body, &e))
		(void)ipc_tell(c->front, WALL_FEED_LINE, buf_bytes(&body));
}

static void sign_more(struct core *c);

static void batch_signed(void *ctx, const struct err *refused, struct bytes body)
{
	auto_arena struct arena *mem = arena_new(1 << 20);
	struct core *c = ctx;
	struct wall_signatures got;
	struct err e = { 0 };

	if (refused || !walls_read(WALL_SIGNATURES, body, mem, &got, &e)) {
		/* Without keys nothing may be told: end, and begin again with feed_recover. */
		core_give_up(c, refused ? refused : &e);
		return;
	}
	for (size_t i = 0; i < got.items.count && c->feed->signing.first; i++) {
		struct entry *x = list_take(&c->feed->signing);

		if (got.items.items[i].len == KEY_SIG)
			memcpy(x->sig, got.items.items[i].ptr, KEY_SIG);
		list_put(&c->feed->unsaved, x);
		tell_front(c, x->stream, x->kind, x->seq, x->sig, x->json);
	}
	sign_more(c);
}

/* One batch at a time, in order. */
static void sign_more(struct core *c)
{
	auto_arena struct arena *mem = arena_new(1 << 20);
	struct bytes items[BATCH];
	struct list *waiting = &c->feed->ended;
	size_t count = 0;

	while (waiting->first && count < BATCH) {
		struct entry *x = list_take(waiting);
		struct wall_statement s = { STATEMENT_FEED, x->stream, x->seq, x->prev, { 0 } };
		uint8_t digest[SHA256_LEN];

		sha256(bytes_str(x->json), digest);
		s.digest = bytes_of(digest, sizeof(digest));
		list_put(&c->feed->signing, x);
		if (!encode_statement(&s, mem, &items[count++]))
			return; /* cannot be: the sizes are ours */
	}
	if (count)
		ask_keys(c, items, count, batch_signed, c);
}

void feed_committed(struct core *c)
{
	list_drop(&c->feed->saved);
	if (!c->feed->signing.first)
		sign_more(c);
}

bool feed_begin(struct core *c, struct err *e)
{
	return !c->feed->unsaved.first || save_signatures(c, e);
}

static bool recover_one(void *ctx, const struct store_entry *row)
{
	struct core *c = ctx;
	struct entry *x = entry_new(row);

	if (x)
		list_put(&c->feed->ended, x);
	return x != NULL;
}

bool feed_recover(struct core *c, struct err *e)
{
	if (!store_feed_unsigned(c->store, recover_one, c, e))
		return false;
	sign_more(c);
	return true;
}

/* ---- heartbeats ---- */

struct beat {
	struct core *core;
	struct arena *mem;
	struct str json;
};

static void beat_signed(void *ctx, const struct err *refused, struct bytes body)
{
	struct beat *b = ctx;
	struct wall_signatures got;
	struct err e = { 0 };

	if (!refused && walls_read(WALL_SIGNATURES, body, b->mem, &got, &e) &&
	    got.items.count == 1 && got.items.items[0].len == KEY_SIG)
		tell_front(b->core, STR(""), STR("fresh"), 0, got.items.items[0].ptr, b->json);
	arena_free(b->mem);
}

void feed_beat(struct core *c)
{
	struct arena *mem = arena_new(64 << 10);
	struct beat *b = arena_alloc(mem, 1, sizeof(*b));
	int64_t now_ms = core_now_ms(c);
	uint64_t head = store_feed_head(c->store);
	uint8_t digest[SHA256_LEN];
	struct bytes item;

	timer_set(c->beat, BEAT_MS);
	/* Only of what is durable and signed: a heartbeat vouches for the head it names. */
	if (c->feed->ended.first || c->feed->signing.first || c->feed->added.first) {
		arena_free(mem);
		timer_set(c->beat, 50);
		return;
	}
	*b = (struct beat){ c, mem,
			    arena_printf(mem, "{\"kind\":\"fresh\",\"at\":%lld,\"head\":%llu}",
					 (long long)now_ms, (unsigned long long)head) };
	sha256(bytes_str(b->json), digest);
	struct wall_statement s = { STATEMENT_FRESH, STR(""), (uint64_t)now_ms, head,
				    bytes_of(digest, sizeof(digest)) };
	if (encode_statement(&s, mem, &item))
		ask_keys(c, &item, 1, beat_signed, b);
	else
		arena_free(mem);
}

/* ---- readers ---- */

struct scope {
	enum identity_kind kind;
	struct str stream; /* of a gate's own site; empty: all streams */
};

/* A gate sees what is global and its own site's; an operator with feed.read sees all. */
static bool scope_of(struct ask *a, const struct wall_peer *peer, struct scope *out, struct err *e)
{
	struct unit *u;

	if (!peer_admit(a->core, peer, KIND_BIT(IDENTITY_GATE) | KIND_BIT(IDENTITY_USER), &u, e))
		return false;
	*out = (struct scope){ .kind = identity_kind_of(u->row.kind) };
	if (out->kind == IDENTITY_GATE && u->row.site.len)
		out->stream = arena_printf(a->mem, "site:" STR_FMT, STR_ARG(u->row.site));
	return out->kind == IDENTITY_GATE ||
	       policy_allows(a->core, u->row.id, "feed.read", "Muster", STR("control"), e);
}

static bool in_scope(const struct scope *s, struct str stream)
{
	return !s->stream.len || str_eqz(stream, "global") || str_eq(stream, s->stream);
}

struct page {
	struct ask *ask;
	const struct scope *scope;
	struct bytes *lines;
	size_t count, bytes;
	uint64_t last;
	uint32_t max;
};

static const uint8_t *signature_of(const struct core *c, const struct store_entry *row)
{
	if (row->signature.len == KEY_SIG)
		return row->signature.ptr;
	for (const struct entry *x = c->feed->unsaved.first; x; x = x->next)
		if (x->seq == row->seq)
			return x->sig;
	return NULL;
}

static bool put_line(void *ctx, const struct store_entry *row)
{
	struct page *p = ctx;
	const uint8_t *sig = signature_of(p->ask->core, row);
	auto_buf struct buf line = { 0 };

	if (!sig || p->bytes > PAGE_BYTES || p->count == p->max)
		return false;
	p->last = row->seq;
	if (!in_scope(p->scope, row->stream))
		return true;
	buf_init(&line, LINE_MAX);
	if (!statement_line_write(sig, row->json, &line))
		return false;
	p->lines[p->count] = arena_copy(p->ask->mem, line.ptr, line.len);
	p->bytes += line.len;
	return p->lines[p->count++].ptr != NULL;
}

bool feed_after(struct ask *a, struct err *e)
{
	const struct wall_feed_after *q = a->message;
	struct core *c = a->core;
	struct scope scope;

	if (!scope_of(a, &q->peer, &scope, e))
		return false;
	uint32_t max = q->max && q->max < PAGE_LINES ? q->max : PAGE_LINES;
	struct page p = { .ask = a, .scope = &scope, .last = q->after, .max = max };
	struct wall_lines answer = { .head = store_feed_head(c->store) };
	p.lines = arena_alloc(a->mem, max, sizeof(*p.lines));
	answer.is_gone = q->after < store_feed_floor(c->store) || q->after > answer.head;
	if (!answer.is_gone && !store_feed_after(c->store, q->after, UINT32_MAX, put_line, &p, e))
		return false;
	answer.lines = (struct wall_list){ p.lines, p.count };
	answer.last = p.last;
	ask_answer(a, WALL_LINES, &answer);
	/* A new reader learns soon how old what it has is; a busy one knows. */
	if (answer.last == answer.head && loop_now_ms(c->loop) - c->feed->beaten_ms > BEAT_MS / 5)
		timer_set(c->beat, 20);
	return true;
}

/* ---- snapshot ---- */

struct shot {
	struct ask *ask;
	struct scope scope;
	struct buf text;  /* lines of state, put behind the header later */
	struct buf heads; /* stream names joined by "," */
	struct jw head;
	struct buf head_text;
	size_t count;
	bool is_good;
};

static void shot_line(struct shot *s, struct str stream, struct str site, const char *kind,
		      struct str body)
{
	struct jw w;

	jw_init(&w, &s->text, JW_COMPACT);
	jw_map(&w);
	jw_kv_int(&w, "seq", 0);
	jw_kv_int(&w, "prev", 0);
	jw_kv_str(&w, "stream", stream);
	jw_kv_text(&w, "realm", "default");
	jw_kv_str(&w, "site", site);
	jw_kv_int(&w, "at", core_now_ms(s->ask->core));
	jw_kv_text(&w, "kind", kind);
	jw_key(&w, "body");
	jw_raw(&w, body);
	jw_end(&w);
	s->is_good = s->is_good && jw_ok(&w) && buf_putc(&s->text, '\n');
	s->count++;
}

static void shot_unit(struct shot *s, const struct unit *u)
{
	auto_arena struct arena *mem = arena_new(1 << 20);
	struct principal p;
	auto_buf struct buf body = { 0 };

	buf_init(&body, 256 << 10);
	if (str_eqz(u->row.status, "retired") || !in_scope(&s->scope, unit_stream(u, mem)))
		return;
	s->is_good = s->is_good && unit_entity(u, mem, &p) && principal_write(&body, &p);
	shot_line(s, unit_stream(u, mem), u->row.site, "principal", buf_str(&body));
}

static bool shot_revoked(void *ctx, const struct store_certificate *row)
{
	auto_arena struct arena *mem = arena_new(4096);
	struct shot *s = ctx;
	struct str body = arena_printf(mem,
				       "{\"serial\":\"" STR_FMT "\",\"principal\":\"" STR_FMT
				       "/" STR_FMT "\",\"until\":%lld}",
				       STR_ARG(hex_text(row->serial, mem)), STR_ARG(row->kind),
				       STR_ARG(row->id), (long long)row->not_after_ms);

	shot_line(s, STR("global"), row->site, "revoked", body);
	return s->is_good;
}

static bool shot_head(void *ctx, struct str stream, uint64_t seq)
{
	struct shot *s = ctx;

	if (!in_scope(&s->scope, stream))
		return true;
	if (s->heads.len)
		buf_putc(&s->heads, ',');
	buf_puts(&s->heads, stream);
	jw_key_str(&s->head, stream);
	jw_uint(&s->head, seq);
	return true;
}

static bool shot_state(struct shot *s, struct err *e)
{
	struct core *c = s->ask->core;
	struct str key;
	void *u;

	for (size_t at = 0; map_next(c->units, &at, &key, &u);)
		shot_unit(s, u);
	if (c->policy_body)
		shot_line(s, STR("global"), STR(""), "policy", str_of(c->policy_body));
	return store_certificate_revoked(c->store, core_now_ms(c), shot_revoked, s, e) &&
	       s->is_good;
}

static bool shot_take(struct shot *s, struct err *e)
{
	struct core *c = s->ask->core;

	jw_init(&s->head, &s->head_text, JW_COMPACT);
	jw_map(&s->head);
	jw_kv_text(&s->head, "kind", "snapshot");
	jw_key(&s->head, "key"); /* a gate's first connection learns it here */
	jw_base64url(&s->head, c->keys_public.statement_spki);
	jw_key(&s->head, "seq");
	jw_uint(&s->head, store_feed_head(c->store));
	jw_key(&s->head, "heads");
	jw_map(&s->head);
	if (!store_feed_heads(c->store, shot_head, s, e))
		return false;
	jw_end(&s->head);
	if (!shot_state(s, e))
		return e->kind || err_set(e, ERR_SYSTEM, "snapshot is too large");
	jw_kv_int(&s->head, "count", (int64_t)s->count);
	jw_end(&s->head);
	buf_putc(&s->head_text, '\n');
	buf_puts(&s->head_text, buf_str(&s->text));
	return jw_ok(&s->head) || err_set(e, ERR_SYSTEM, "snapshot is too large");
}

struct shot_wait {
	struct ask *ask;
	struct bytes text;
};

static void shot_signed(void *ctx, const struct err *refused, struct bytes body)
{
	struct shot_wait *w = ctx;
	struct ask *a = w->ask;
	struct wall_signatures got;
	struct err e = { 0 };
	auto_buf struct buf all = { 0 };

	if (refused || !walls_read(WALL_SIGNATURES, body, a->mem, &got, &e) ||
	    got.items.count != 1 || got.items.items[0].len != KEY_SIG) {
		ask_refuse(a, refused ? refused : &e);
		return;
	}
	buf_init(&all, WALLS_MAX_BODY);
	buf_put(&all, w->text.ptr, w->text.len);
	(void)statement_line_write(got.items.items[0].ptr, STR(""), &all);
	/* the line form ends in " \n" when there is no JSON: the snapshot's last line has none */
	if (all.len >= 2 && all.ptr[all.len - 2] == ' ') {
		all.len -= 2;
		buf_putc(&all, '\n');
	}
	struct wall_answer answer = { .status = 200,
				      .type = STR("application/x-ndjson"),
				      .body = buf_bytes(&all) };
	ask_answer(a, WALL_ANSWER, &answer);
}

static bool shot_ask(struct shot *s, struct err *e)
{
	struct ask *a = s->ask;
	struct shot_wait *w = arena_alloc(a->mem, 1, sizeof(*w));
	uint8_t digest[SHA256_LEN];
	struct bytes item;

	if (!w)
		return err_set(e, ERR_RETRY, "no memory for a snapshot");
	*w = (struct shot_wait){ a, arena_copy(a->mem, s->head_text.ptr, s->head_text.len) };
	sha256(w->text, digest);
	struct wall_statement q = { STATEMENT_SNAPSHOT, buf_str(&s->heads),
				    store_feed_head(a->core->store), 0,
				    bytes_of(digest, sizeof(digest)) };
	if (!w->text.ptr || !encode_statement(&q, a->mem, &item))
		return err_set(e, ERR_RETRY, "no memory for a snapshot");
	ask_keys(a->core, &item, 1, shot_signed, w);
	return true;
}

bool feed_snapshot(struct ask *a, struct err *e)
{
	const struct wall_ask *q = a->message;
	struct shot s = { .ask = a, .is_good = true };

	/* What is told must be durable: state changed in this turn is committed first. */
	if (!scope_of(a, &q->peer, &s.scope, e) || !change_flush(a->core, e))
		return false;
	buf_init(&s.text, WALLS_MAX_BODY);
	buf_init(&s.head_text, WALLS_MAX_BODY);
	buf_init(&s.heads, 64 << 10);
	bool is_good = shot_take(&s, e) && shot_ask(&s, e);
	buf_done(&s.text);
	buf_done(&s.head_text);
	buf_done(&s.heads);
	return is_good;
}
