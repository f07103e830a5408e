/* audit_log.c - one pass over an export, line by line. */
#include "ctl/audit_log.h"

#include "codec/base64.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "crypto/key.h"
#include "crypto/merkle.h"
#include "crypto/note.h"

struct pass {
	struct str origin; /* what notes must be signed as */
	struct key *key;
	struct merkle tree;
	uint64_t vouched; /* size of the newest good note */
	struct merkle_hash root;
};

static bool refuse_export(struct err *e, const char *what)
{
	err_set(e, ERR_INPUT, "this is no export of an audit log: %s", what);
	return err_hint(e, "muster audit export --out FILE writes one");
}

static bool bad_record(const struct pass *p, struct err *e, const char *why)
{
	return err_set(e, ERR_CONFLICT, "record %llu: %s", (unsigned long long)p->tree.size, why);
}

/* muster-audit-1 <origin> <verifier key> */
static bool read_head(struct str *text, struct str *key, struct err *e)
{
	struct str line, word, origin;

	if (!str_cut(*text, '\n', &line, text) || !str_cut(line, ' ', &word, &line) ||
	    !str_eqz(word, "muster-audit-1") || !str_cut(line, ' ', &origin, key))
		return refuse_export(e, "the first line is not muster-audit-1, origin and key");
	return true;
}

static bool check_index(const struct pass *p, struct str record, struct err *e)
{
	auto_json struct json *doc = NULL;
	struct err ignored = { 0 };
	int64_t says = 0;

	if (!json_read(bytes_str(record), NULL, &doc, &ignored) ||
	    !json_int(doc, "index", 0, INT64_MAX, &says, &ignored))
		return bad_record(p, e, "it carries no index");
	if ((uint64_t)says == p->tree.size)
		return true;
	return err_set(e, ERR_CONFLICT,
		       "record %llu: it says it is number %lld: one is missing, added or moved",
		       (unsigned long long)p->tree.size, (long long)says);
}

/* record <leaf hex> <JSON> */
static bool check_record(struct pass *p, struct str line, struct err *e)
{
	struct merkle_hash says = { { 0 } }, leaf;
	struct err ignored = { 0 };
	struct str hex, record;

	if (!str_cut(line, ' ', &hex, &record) ||
	    !hex_read_exact(hex, says.b, sizeof(says.b), &ignored))
		return bad_record(p, e, "it has no leaf hash");
	leaf = merkle_leaf(bytes_str(record));
	if (!merkle_eq(leaf, says))
		return bad_record(p, e, "it was changed: it does not hash to its leaf");
	if (!check_index(p, record, e))
		return false;
	merkle_add(&p->tree, leaf);
	return true;
}

static bool check_root(struct pass *p, const struct note *n, struct err *e)
{
	struct merkle_hash root = merkle_root(&p->tree);

	if (n->size != p->tree.size)
		return err_set(
			e, ERR_CONFLICT,
			"record %llu: a note for %llu records stands here: one is missing or "
			"added",
			(unsigned long long)p->tree.size, (unsigned long long)n->size);
	if (!merkle_eq(root, n->root))
		return err_set(e, ERR_CONFLICT,
			       "records %llu to %llu: one is not what was logged: the signed root "
			       "is another",
			       (unsigned long long)p->vouched, (unsigned long long)n->size - 1);
	p->vouched = n->size;
	p->root = root;
	return true;
}

/* note <size> <base64url of the note> */
static bool check_note(struct pass *p, struct str line, struct err *e)
{
	auto_arena struct arena *mem = arena_new(65536);
	struct str size, text;
	struct bytes raw;
	struct note note;
	uint64_t says;

	if (!str_cut(line, ' ', &size, &text) || !base64_read(text, BASE64_URL, mem, &raw, e) ||
	    !note_read(str_bytes(raw), p->origin, p->key, &note, e)) {
		e->kind = ERR_CONFLICT;
		return err_in(e, "the note after record %llu",
			      (unsigned long long)p->tree.size - 1);
	}
	if (!str_u64(size, &says) || says != note.size)
		return bad_record(p, e, "the note here says another size than its line");
	return check_root(p, &note, e);
}

static bool check_lines(struct pass *p, struct str text, struct err *e)
{
	struct str line, word, rest;

	while (text.len) {
		if (!str_cut(text, '\n', &line, &text))
			return bad_record(p, e, "the file ends in the middle of a line");
		(void)str_cut(line, ' ', &word, &rest);
		if (str_eqz(word, "record")) {
			if (!check_record(p, rest, e))
				return false;
		} else if (str_eqz(word, "note")) {
			if (!check_note(p, rest, e))
				return false;
		} else {
			return bad_record(p, e, "neither a record nor a note stands here");
		}
	}
	if (p->vouched)
		return true;
	return err_set(e, ERR_CONFLICT, "no signed note: this log proves nothing");
}

bool audit_log_verify(struct str text, struct str key, struct audit_report *out, struct err *e)
{
	struct pass p = { .vouched = 0 };
	struct str own_key;

	*out = (struct audit_report){ .key = key };
	if (!read_head(&text, &own_key, e))
		return false;
	if (!key.len)
		out->key = own_key;
	p.key = note_key_read(out->key, &p.origin, e);
	if (!p.key)
		return err_in(e, "key");
	bool is_good = check_lines(&p, text, e);
	key_free(p.key);
	out->records = p.tree.size;
	out->size = p.vouched;
	sha256_text(p.root.b, out->root);
	return is_good;
}
