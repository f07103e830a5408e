#include "control/keys/book.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"
#include "codec/hex.h"
#include "sys/files.h"

enum {
	LINE_CAP = 1024,
	BUFFER_MAX = 4 << 20,
	RECENT = 8192, /* statements that may be asked for again */
};

struct mark { /* of one type and stream */
	uint64_t seq;
	uint8_t digest[KEY_DIGEST];
};

struct recent {
	enum statement_type type;
	uint64_t seq, prev;
	uint64_t stream; /* hash of its name */
	uint8_t digest[KEY_DIGEST];
};

struct book {
	int fd;
	struct map *marks;
	struct recent recent[RECENT];
	size_t next;
	uint64_t tree_size;
	struct merkle_hash tree_root;
	struct buf unsynced;
};

/* ---- marks ---- */

static struct mark *mark_of(struct book *b, enum statement_type type, struct str stream)
{
	char name[300];
	int len = snprintf(name, sizeof(name), "%d " STR_FMT, (int)type, STR_ARG(stream));
	struct str key = { name, (size_t)len < sizeof(name) ? (size_t)len : sizeof(name) - 1 };
	struct mark *m = map_get(b->marks, key);

	if (!m) {
		m = mem_new(1, sizeof(*m));
		(void)map_put(b->marks, key, m);
	}
	return m;
}

static bool is_same(const struct book *b, const struct statement *s)
{
	uint64_t stream = map_hash(bytes_str(s->stream));

	for (size_t i = 0; i < RECENT; i++) {
		const struct recent *r = &b->recent[i];
		if (r->type == s->type && r->seq == s->seq && r->prev == s->prev &&
		    r->stream == stream && memcmp(r->digest, s->digest, KEY_DIGEST) == 0)
			return true;
	}
	return false;
}

static void keep(struct book *b, const struct statement *s)
{
	struct mark *m = mark_of(b, s->type, s->stream);
	struct recent *r = &b->recent[b->next++ % RECENT];

	m->seq = s->seq;
	memcpy(m->digest, s->digest, KEY_DIGEST);
	*r = (struct recent){ s->type, s->seq, s->prev, map_hash(bytes_str(s->stream)), { 0 } };
	memcpy(r->digest, s->digest, KEY_DIGEST);
}

/* A feed entry continues its stream; the other types only never go back. */
static bool follows(const struct mark *m, const struct statement *s, struct err *e)
{
	bool is_feed = s->type == STATEMENT_FEED;

	if (s->seq < m->seq || (is_feed && s->seq == m->seq))
		return err_set(e, ERR_CONFLICT,
			       "stream '" STR_FMT "': %llu was signed, %llu is not above it",
			       STR_ARG(s->stream), (unsigned long long)m->seq,
			       (unsigned long long)s->seq);
	if (is_feed && s->prev != m->seq)
		return err_set(e, ERR_CONFLICT,
			       "stream '" STR_FMT "': follows %llu, but %llu was signed last",
			       STR_ARG(s->stream), (unsigned long long)s->prev,
			       (unsigned long long)m->seq);
	return true;
}

static bool type_ok(enum statement_type type)
{
	return type == STATEMENT_FEED || type == STATEMENT_SNAPSHOT || type == STATEMENT_FRESH ||
	       type == STATEMENT_TIME;
}

static bool stream_ok(struct str stream)
{
	for (size_t i = 0; i < stream.len; i++)
		if (stream.ptr[i] <= ' ' || stream.ptr[i] > '~')
			return false;
	return stream.len <= 255;
}

/* ---- lines ---- */

static bool put_line(struct book *b, const char *line, struct err *e)
{
	if (buf_puts(&b->unsynced, str_of(line)))
		return true;
	return err_set(e, ERR_RETRY, "too much is waiting to be written");
}

static void digest_text(const uint8_t digest[32], char out[SHA256_TEXT])
{
	sha256_text(digest, out);
}

bool book_statement(struct book *b, const struct statement *s, struct err *e)
{
	char line[LINE_CAP], digest[SHA256_TEXT];

	if (!type_ok(s->type) || !stream_ok(s->stream))
		return err_set(e, ERR_DENIED, "statements of type %d are not ours to sign",
			       (int)s->type);
	if (!follows(mark_of(b, s->type, s->stream), s, e))
		return is_same(b, s);
	digest_text(s->digest, digest);
	(void)snprintf(line, sizeof(line), "S %d " STR_FMT "%s %llu %llu %s\n", (int)s->type,
		       STR_ARG(s->stream), s->stream.len ? "" : "-", (unsigned long long)s->seq,
		       (unsigned long long)s->prev, digest);
	if (!put_line(b, line, e))
		return false;
	keep(b, s);
	return true;
}

bool book_checkpoint(struct book *b, uint64_t size, struct merkle_hash root, struct err *e)
{
	char line[LINE_CAP], digest[SHA256_TEXT];

	if (size < b->tree_size)
		return err_set(e, ERR_CONFLICT, "a tree of %llu was signed, %llu is smaller",
			       (unsigned long long)b->tree_size, (unsigned long long)size);
	if (size == b->tree_size && size && !merkle_eq(root, b->tree_root))
		return err_set(e, ERR_CONFLICT, "another tree of %llu was signed",
			       (unsigned long long)size);
	digest_text(root.b, digest);
	(void)snprintf(line, sizeof(line), "K %llu %s\n", (unsigned long long)size, digest);
	if (!put_line(b, line, e))
		return false;
	b->tree_size = size;
	b->tree_root = root;
	return true;
}

bool book_certificate(struct book *b, struct bytes serial, struct str uri, int64_t not_after_ms,
		      struct err *e)
{
	auto_buf struct buf line = { 0 };

	buf_init(&line, LINE_CAP);
	buf_puts(&line, STR("C "));
	hex_write(&line, serial);
	buf_printf(&line, " " STR_FMT " %lld\n", STR_ARG(uri), (long long)not_after_ms);
	if (line.is_full || !buf_put(&b->unsynced, line.ptr, line.len))
		return err_set(e, ERR_RETRY, "too much is waiting to be written");
	return true;
}

bool book_sync(struct book *b, struct err *e)
{
	size_t at = 0;

	if (!b->unsynced.len)
		return true;
	while (at < b->unsynced.len) {
		ssize_t put = write(b->fd, b->unsynced.ptr + at, b->unsynced.len - at);
		if (put <= 0)
			return err_sys(e, "log of signatures: write");
		at += (size_t)put;
	}
	if (fdatasync(b->fd) != 0)
		return err_sys(e, "log of signatures: sync");
	buf_clear(&b->unsynced);
	return true;
}

/* ---- reading it again ---- */

static struct str word(struct str *rest)
{
	struct str head;

	(void)str_cut(*rest, ' ', &head, rest);
	return head;
}

static bool read_statement(struct book *b, struct str rest, struct err *e)
{
	struct statement s = { 0 };
	uint64_t type;
	bool is_good = str_u64(word(&rest), &type) && type <= 255;

	s.type = is_good ? (enum statement_type)type : STATEMENT_NONE;
	s.stream = word(&rest);
	if (str_eqz(s.stream, "-"))
		s.stream = STR("");
	is_good = is_good && str_u64(word(&rest), &s.seq) && str_u64(word(&rest), &s.prev) &&
		  hex_read_exact(rest, s.digest, KEY_DIGEST, e);
	if (is_good)
		keep(b, &s);
	return is_good;
}

static bool read_checkpoint(struct book *b, struct str rest, struct err *e)
{
	return str_u64(word(&rest), &b->tree_size) &&
	       hex_read_exact(rest, b->tree_root.b, sizeof(b->tree_root.b), e);
}

static bool read_line(struct book *b, struct str line, struct err *e)
{
	struct str kind = word(&line);

	if (str_eqz(kind, "S"))
		return read_statement(b, line, e);
	if (str_eqz(kind, "K"))
		return read_checkpoint(b, line, e);
	return str_eqz(kind, "C");
}

static bool read_log(struct book *b, FILE *f, struct err *e)
{
	char line[LINE_CAP];
	off_t good = 0;
	uint64_t number = 0;

	while (fgets(line, sizeof(line), f)) {
		struct str text = str_of(line);
		struct err bad = { 0 };

		number++;
		if (!text.len || text.ptr[text.len - 1] != '\n')
			break;
		good += (off_t)text.len;
		text.len--;
		if (!read_line(b, text, &bad))
			return err_set(e, ERR_SYSTEM, "log of signatures: line %llu cannot be read",
				       (unsigned long long)number);
	}
	if (ferror(f))
		return err_sys(e, "log of signatures");
	if (ftruncate(b->fd, good) != 0)
		return err_sys(e, "log of signatures: cut");
	return true;
}

static bool open_log(struct book *b, const char *path, struct err *e)
{
	b->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (b->fd < 0)
		return err_sys(e, "%s", path);
	FILE *f = fopen(path, "re");
	if (!f)
		return err_sys(e, "%s", path);
	bool is_good = read_log(b, f, e);
	(void)fclose(f);
	return is_good;
}

struct book *book_open(const char *path, struct err *e)
{
	struct book *b = mem_new(1, sizeof(*b));

	b->marks = map_new();
	buf_init(&b->unsynced, BUFFER_MAX);
	if (open_log(b, path, e))
		return b;
	book_close(b);
	return NULL;
}

void book_close(struct book *b)
{
	struct str key;
	void *m;

	if (!b)
		return;
	for (size_t at = 0; map_next(b->marks, &at, &key, &m);)
		free(m);
	map_free(b->marks);
	fd_close_at(&b->fd);
	buf_done(&b->unsynced);
	free(b);
}
