/* state.c - signed lines verified, kept on disk as they came, told to relay.
 *
 * On disk: `state` is the last snapshot, byte for byte; `entries` the feed lines after it;
 * `fresh` the newest heartbeat; `seq` the highest sequence number ever applied.  A restart
 * verifies all of it again, so the gate decides with musterd down (fail-static), and nobody
 * who can write the directory can grant anything.
 */
#include "gateway/link/link.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "crypto/hash.h"
#include "crypto/statement.h"
#include "sys/files.h"

enum { STATE_MAX = 64 << 20, JUMP_MAX = 1 << 30, NAMES_MAX = 8192 };

static bool path_of(const struct link *l, const char *name, char out[LINK_PATH], struct err *e)
{
	return path_join(out, LINK_PATH, l->set.state_dir, name, e);
}

static bool keep(const struct link *l, const char *name, struct bytes data, struct err *e)
{
	char path[LINK_PATH];

	return path_of(l, name, path, e) && file_write(path, data, 0600, e);
}

/* Durable before its effect leaves this room. */
static bool append(const struct link *l, struct str line, struct err *e)
{
	char path[LINK_PATH];

	if (!path_of(l, "entries", path, e))
		return false;
	auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(e, "%s", path);
	auto_buf struct buf out = { 0 };
	buf_init(&out, LINE_MAX_BYTES + 2);
	(void)(buf_puts(&out, line) && buf_putc(&out, '\n'));
	if (out.is_full || write(fd, out.ptr, out.len) != (ssize_t)out.len || fdatasync(fd) != 0)
		return err_sys(e, "%s", path);
	return true;
}

/* ---- heads of streams ---- */

static struct head *head_of(struct link *l, struct str name)
{
	struct head *h = l->heads;

	while (h && !str_eqz(name, h->name))
		h = h->next;
	if (h || name.len >= sizeof(h->name))
		return h;
	h = mem_new(1, sizeof(*h));
	memcpy(h->name, name.ptr, name.len);
	h->next = l->heads;
	l->heads = h;
	return h;
}

static void forget_heads(struct link *l)
{
	while (l->heads) {
		struct head *gone = l->heads;
		l->heads = gone->next;
		free(gone);
	}
}

/* ---- telling relay ---- */

void state_tell_age(struct link *l)
{
	uint8_t room[8];
	struct wr w = wr_of(room, sizeof(room));
	int64_t age = loop_wall_ms(l->loop) - l->vouched_ms;

	/* A clock set back does not make old news new. */
	wr_u64(&w, age < 0 ? (uint64_t)l->set.stale_ms : (uint64_t)age);
	(void)ipc_tell(l->relay, GATE_AGE, wr_bytes(&w));
}

static bool tell_body(struct link *l, enum gate_msg type, const struct json *body, struct err *e)
{
	auto_buf struct buf out = { 0 };
	struct jw w;

	buf_init(&out, GATE_MAX_BODY);
	jw_init(&w, &out, JW_COMPACT);
	jw_json(&w, body);
	if (!jw_ok(&w))
		return err_set(e, ERR_INPUT, "the body of an entry is too large");
	(void)ipc_tell(l->relay, (uint16_t)type, buf_bytes(&out));
	return true;
}

static bool tell_gone(struct link *l, const struct json *body, struct err *e)
{
	uint8_t room[1024];
	struct wr w = wr_of(room, sizeof(room));
	struct str kind, id;

	if (!json_text(body, "kind", &kind, e) || !json_text(body, "id", &id, e))
		return false;
	wr_str16(&w, kind);
	wr_str16(&w, id);
	if (wr_ok(&w))
		(void)ipc_tell(l->relay, GATE_GONE, wr_bytes(&w));
	return true;
}

static bool tell_revoked(struct link *l, const struct json *body, struct err *e)
{
	uint8_t room[256];
	struct wr w = wr_of(room, sizeof(room));
	struct str serial;
	int64_t until = 0;

	if (!json_text(body, "serial", &serial, e) ||
	    !json_opt_int(body, "until", 0, INT64_MAX, &until, e))
		return false;
	wr_str16(&w, serial);
	wr_u64(&w, (uint64_t)until);
	if (wr_ok(&w))
		(void)ipc_tell(l->relay, GATE_REVOKED, wr_bytes(&w));
	return true;
}

/* One entry's meaning.  Kinds we do not know are for others. */
static bool tell(struct link *l, const struct json *entry, struct err *e)
{
	const struct json *body;
	struct str kind;

	if (!json_text(entry, "kind", &kind, e) || !json_map(entry, "body", &body, e))
		return false;
	if (str_eqz(kind, "principal"))
		return tell_body(l, GATE_PRINCIPAL, body, e);
	if (str_eqz(kind, "policy"))
		return tell_body(l, GATE_POLICY, body, e);
	if (str_eqz(kind, "principal-gone"))
		return tell_gone(l, body, e);
	return !str_eqz(kind, "revoked") || tell_revoked(l, body, e);
}

/* ---- signatures ---- */

static bool verify(const struct link *l, enum statement_type type, struct str stream, uint64_t seq,
		   uint64_t prev, struct str text, const uint8_t sig[KEY_SIG], struct err *e)
{
	struct statement s = { .type = type, .stream = stream, .seq = seq, .prev = prev };

	if (!l->statements)
		return err_set(e, ERR_DENIED, "no key to verify it with");
	sha256(bytes_str(text), s.digest);
	return statement_verify(&s, l->statements, sig, e);
}

/* ---- lines ---- */

static bool parse(struct str text, struct json **out, struct err *e)
{
	const struct json_limits limits = { .max_bytes = LINE_MAX_BYTES, .max_values = 1000000 };

	return json_read(bytes_str(text), &limits, out, e);
}

static bool take_fresh(struct link *l, const struct json *j, struct str text,
		       const uint8_t sig[KEY_SIG], struct err *e)
{
	int64_t at = 0, head = 0;

	if (!json_int(j, "at", 0, INT64_MAX, &at, e) ||
	    !json_int(j, "head", 0, INT64_MAX, &head, e) ||
	    !verify(l, STATEMENT_FRESH, (struct str){ 0 }, (uint64_t)at, (uint64_t)head, text, sig,
		    e))
		return false;
	/* An older heartbeat replayed makes nothing fresh (P3). */
	if (at > l->vouched_ms)
		l->vouched_ms = at;
	state_tell_age(l);
	return true;
}

static bool check_order(struct link *l, struct head *h, uint64_t seq, uint64_t prev, struct err *e)
{
	if (!h)
		return err_set(e, ERR_INPUT, "the name of a stream is too long");
	if (seq <= l->highest)
		return err_set(e, ERR_DENIED, "entry %llu is older than what was applied (%llu)",
			       (unsigned long long)seq, (unsigned long long)l->highest);
	if (seq - l->highest > JUMP_MAX)
		return err_set(e, ERR_DENIED, "entry %llu is too far ahead",
			       (unsigned long long)seq);
	if (h->seq != prev)
		return err_set(e, ERR_CONFLICT, "entries of stream '%s' are missing after %llu",
			       h->name, (unsigned long long)h->seq);
	return true;
}

static bool take_entry(struct link *l, const struct json *j, struct str text,
		       const uint8_t sig[KEY_SIG], struct err *e)
{
	int64_t seq = 0, prev = 0;
	struct str stream;

	if (!json_text(j, "stream", &stream, e) || !json_int(j, "seq", 1, INT64_MAX, &seq, e) ||
	    !json_int(j, "prev", 0, INT64_MAX, &prev, e) ||
	    !verify(l, STATEMENT_FEED, stream, (uint64_t)seq, (uint64_t)prev, text, sig, e))
		return false;
	struct head *h = head_of(l, stream);
	if (!check_order(l, h, (uint64_t)seq, (uint64_t)prev, e))
		return false;
	h->seq = (uint64_t)seq;
	l->seq = l->highest = (uint64_t)seq;
	return true;
}

/* is_new: keep it before it is told. */
static bool read_line(struct link *l, struct str line, bool is_new, struct err *e)
{
	uint8_t sig[KEY_SIG];
	struct str text, kind;
	auto_json struct json *j = NULL;

	if (!statement_line_read(line, sig, &text, e) || !parse(text, &j, e) ||
	    !json_text(j, "kind", &kind, e))
		return false;
	if (str_eqz(kind, "fresh"))
		return take_fresh(l, j, text, sig, e) &&
		       (!is_new || keep(l, "fresh", bytes_str(line), e));
	return take_entry(l, j, text, sig, e) && (!is_new || append(l, line, e)) && tell(l, j, e);
}

bool state_line(struct link *l, struct str line, struct err *e)
{
	return read_line(l, line, true, e);
}

/* ---- snapshot ---- */

struct shot {
	struct str all;  /* what is signed */
	struct str body; /* its lines after the header */
	uint8_t sig[KEY_SIG];
	int64_t seq, count;
};

static bool split_shot(struct str text, struct shot *out, struct str *header, struct err *e)
{
	if (str_ends(text, STR("\n")))
		text.len--;
	size_t cut = text.len;
	while (cut > 0 && text.ptr[cut - 1] != '\n')
		cut--;
	struct str last = str_from(text, cut);
	struct err ignored;
	bool ok = base64_read_exact(last, BASE64_URL, out->sig, KEY_SIG, &ignored);
	out->all = str_head(text, cut);
	return (ok && str_cut(out->all, '\n', header, &out->body)) ||
	       err_set(e, ERR_INPUT, "snapshot is not signed");
}

static bool set_heads(struct link *l, const struct json *heads, struct err *e)
{
	struct str name;
	const struct json *v;

	forget_heads(l);
	for (void *at = NULL; json_next(heads, &at, &name, &v);) {
		struct head *h = head_of(l, name);
		if (!h || json_kind(v) != JSON_KIND_INT)
			return err_set(e, ERR_INPUT, "snapshot: heads");
		h->seq = (uint64_t)json_value_int(v);
	}
	return true;
}

static void put_names(const struct json *heads, struct buf *names)
{
	struct str name;
	const struct json *v;

	for (void *at = NULL; json_next(heads, &at, &name, &v);) {
		(void)(names->len == 0 || buf_putc(names, ','));
		(void)buf_puts(names, name);
	}
}

/* The first key we are given over the first connection to our control plane is the one: it
 * is kept beside the authorities of our enrolment, and no other is taken after it. */
static bool learn_key(struct link *l, const struct json *header, struct err *e)
{
	struct str text = { 0 };
	struct bytes spki = { 0 };
	struct arena *mem = arena_new(4096);
	bool ok = true;

	if (!l->statements && json_opt_text(header, "key", &text, e) && text.len > 0) {
		ok = base64_read(text, BASE64_URL, mem, &spki, e);
		l->statements = ok ? key_public(spki, e) : NULL;
		ok = l->statements && keep(l, "statements.der", spki, e);
	}
	arena_free(mem);
	return ok;
}

static bool check_shot(struct link *l, const struct json *header, struct shot *s, struct err *e)
{
	const struct json *heads;
	auto_buf struct buf names = { 0 };

	buf_init(&names, NAMES_MAX);
	if (!json_int(header, "seq", 0, INT64_MAX, &s->seq, e) ||
	    !json_int(header, "count", 0, INT64_MAX, &s->count, e) ||
	    !json_map(header, "heads", &heads, e) || !learn_key(l, header, e))
		return false;
	put_names(heads, &names);
	if (!verify(l, STATEMENT_SNAPSHOT, buf_str(&names), (uint64_t)s->seq, 0, s->all, s->sig, e))
		return false;
	if ((uint64_t)s->seq < l->highest)
		return err_set(e, ERR_DENIED, "snapshot %lld is older than what was applied (%llu)",
			       (long long)s->seq, (unsigned long long)l->highest);
	return set_heads(l, heads, e);
}

static bool tell_shot(struct link *l, struct str body, int64_t count, struct err *e)
{
	struct str line;
	int64_t got = 0;

	(void)ipc_tell(l->relay, GATE_BEGIN, (struct bytes){ 0 });
	while (body.len > 0) {
		auto_json struct json *j = NULL;
		(void)str_cut(body, '\n', &line, &body);
		if (!parse(line, &j, e) || !tell(l, j, e))
			return false;
		got++;
	}
	(void)ipc_tell(l->relay, GATE_END, (struct bytes){ 0 });
	return got == count || err_set(e, ERR_INPUT, "snapshot: %lld lines, not %lld",
				       (long long)got, (long long)count);
}

static bool keep_seq(struct link *l, struct err *e)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%llu\n", (unsigned long long)l->highest);

	return keep(l, "seq", bytes_of(text, (size_t)len), e);
}

static bool drop_entries(struct link *l, struct err *e)
{
	char path[LINK_PATH];

	return path_of(l, "entries", path, e) && file_remove(path, e);
}

static bool read_shot(struct link *l, struct bytes text, bool is_new, struct err *e)
{
	struct shot s = { 0 };
	struct str header;
	auto_json struct json *j = NULL;

	if (!split_shot(str_bytes(text), &s, &header, e) || !parse(header, &j, e) ||
	    !check_shot(l, j, &s, e))
		return err_in(e, "snapshot");
	l->seq = (uint64_t)s.seq;
	if (l->seq > l->highest)
		l->highest = l->seq;
	/* Old entries go first: after a crash between the two the old state is merely older. */
	if (is_new && (!keep_seq(l, e) || !drop_entries(l, e) || !keep(l, "state", text, e)))
		return false;
	l->has_state = true;
	return tell_shot(l, s.body, s.count, e);
}

bool state_snapshot(struct link *l, struct bytes text, struct err *e)
{
	if (!read_shot(l, text, true, e))
		return false;
	log_event(&link_events[LINK_SNAPSHOT], LOG_NUM("seq", l->seq));
	return true;
}

/* ---- what is on disk ---- */

static bool read_file_of(const struct link *l, const char *name, struct buf *out, struct err *e)
{
	char path[LINK_PATH];

	return path_of(l, name, path, e) && (!file_exists(path) || file_read(path, out, e));
}

static bool load_key(struct link *l, struct err *e)
{
	auto_buf struct buf spki = { 0 };

	buf_init(&spki, LINK_CERT);
	if (l->statements)
		return true;
	if (!read_file_of(l, "statements.der", &spki, e))
		return false;
	if (spki.len > 0)
		l->statements = key_public(buf_bytes(&spki), e);
	return spki.len == 0 || l->statements;
}

static bool load_seq(struct link *l, uint64_t *out, struct err *e)
{
	auto_buf struct buf text = { 0 };
	struct str head, rest;

	buf_init(&text, 64);
	if (!read_file_of(l, "seq", &text, e))
		return false;
	(void)str_cut(buf_str(&text), '\n', &head, &rest);
	*out = 0;
	return head.len == 0 || str_u64(head, out) || err_set(e, ERR_INPUT, "seq: not a number");
}

/* A last line cut short by a power cut was never acted on. */
static bool load_entries(struct link *l, struct err *e)
{
	auto_buf struct buf text = { 0 };
	struct str rest, line;

	buf_init(&text, STATE_MAX);
	if (!read_file_of(l, "entries", &text, e))
		return false;
	rest = buf_str(&text);
	while (str_cut(rest, '\n', &line, &rest))
		if (!read_line(l, line, false, e))
			return err_in(e, "entries");
	return true;
}

static bool load_fresh(struct link *l, struct err *e)
{
	auto_buf struct buf text = { 0 };

	buf_init(&text, 4096);
	if (!read_file_of(l, "fresh", &text, e))
		return false;
	return text.len == 0 || read_line(l, buf_str(&text), false, e);
}

static bool load_all(struct link *l, uint64_t known, struct err *e)
{
	auto_buf struct buf shot = { 0 };

	buf_init(&shot, STATE_MAX);
	l->highest = 0;
	if (!load_key(l, e) || !read_file_of(l, "state", &shot, e))
		return false;
	if (shot.len == 0)
		return true;
	if (!read_shot(l, buf_bytes(&shot), false, e) || !load_entries(l, e) || !load_fresh(l, e))
		return false;
	/* What lies here must reach what was once applied, or somebody put an old copy back. */
	if (l->highest < known)
		return err_set(e, ERR_DENIED, "the state here ends at %llu, and %llu was applied",
			       (unsigned long long)l->highest, (unsigned long long)known);
	return true;
}

/* State that does not verify is not used: the gate waits for musterd and denies. */
bool state_load(struct link *l, struct err *e)
{
	uint64_t known = 0;

	if (!load_seq(l, &known, e))
		return false;
	if (load_all(l, known, e)) {
		if (l->highest < known)
			l->highest = known;
		return true;
	}
	l->highest = known;
	l->has_state = false;
	log_fail(&link_events[LINK_REFUSED], e);
	*e = (struct err){ 0 };
	(void)ipc_tell(l->relay, GATE_BEGIN, (struct bytes){ 0 });
	(void)ipc_tell(l->relay, GATE_END, (struct bytes){ 0 });
	return true;
}

void state_tell(struct link *l)
{
	struct err e = { 0 };
	uint64_t known = l->highest;

	/* From the disk, verified once more: there is one way only. */
	if (!state_load(l, &e))
		log_fail(&link_events[LINK_FAILED], &e);
	if (l->highest < known)
		l->highest = known;
	state_tell_age(l);
}
