/* cmd_audit.c - muster audit export|verify|checkpoint (docs/protocols/audit.md) */
#include "base/buf.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "ctl/audit_log.h"
#include "ctl/say.h"

enum { EXPORT_MAX = 128 << 20 };

bool cmd_audit_checkpoint(struct ctl *c, struct err *e)
{
	struct str note;

	if (!api_get_text(c, STR("/api/v1/audit/checkpoint"), &note, e))
		return false;
	print_block(note);
	return true;
}

/* ---- export ---- */

static bool add_note(const struct json *checkpoint, struct buf *out, struct err *e)
{
	struct str note;
	int64_t size;

	if (!json_int(checkpoint, "size", 1, INT64_MAX, &size, e) ||
	    !json_text(checkpoint, "note", &note, e))
		return false;
	buf_printf(out, "note %lld ", (long long)size);
	base64_write(out, bytes_str(note), BASE64_URL);
	return buf_putc(out, '\n');
}

/* The notes of that size, right after record number size - 1. */
static bool add_notes(const struct json *all, int64_t size, struct buf *out, struct err *e)
{
	for (size_t i = 0; i < json_count(all); i++)
		if (json_value_int(json_member(json_item(all, i), "size")) == size &&
		    !add_note(json_item(all, i), out, e))
			return false;
	return true;
}

static bool add_page(const struct json *page, struct buf *out, struct err *e)
{
	const struct json *items, *notes;

	if (!json_list(page, "items", &items, e) || !json_list(page, "checkpoints", &notes, e))
		return false;
	for (size_t i = 0; i < json_count(items); i++) {
		const struct json *item = json_item(items, i);
		struct str leaf, record;
		int64_t index;

		if (!json_int(item, "index", 0, INT64_MAX - 1, &index, e) ||
		    !json_text(item, "leaf", &leaf, e) || !json_text(item, "record", &record, e))
			return false;
		buf_printf(out, "record " STR_FMT " ", STR_ARG(leaf));
		buf_puts(out, record);
		buf_putc(out, '\n');
		if (!add_notes(notes, index + 1, out, e))
			return false;
	}
	return true;
}

static bool add_head(const struct json *page, struct buf *out, struct err *e)
{
	struct str origin, key;

	if (!json_text(page, "origin", &origin, e) || !json_text(page, "key", &key, e))
		return false;
	return buf_printf(out, "muster-audit-1 " STR_FMT " " STR_FMT "\n", STR_ARG(origin),
			  STR_ARG(key));
}

static bool fetch(struct ctl *c, struct buf *out, struct err *e)
{
	int64_t next = 0;

	do {
		auto_json struct json *page = NULL;
		struct str after = arena_printf(c->mem, "%lld", (long long)next);
		struct str target = api_query(c, STR("/api/v1/audit/export"), "after", after);

		if (!api_get(c, api_query(c, target, "limit", STR("500")), &page, e) ||
		    (!out->len && !add_head(page, out, e)) || !add_page(page, out, e))
			return false;
		next = 0;
		if (!json_opt_int(page, "next", 0, INT64_MAX, &next, e))
			return false;
	} while (next && !out->is_full);
	return !out->is_full ||
	       err_set(e, ERR_INPUT, "the log is longer than %d bytes", EXPORT_MAX);
}

bool cmd_audit_export(struct ctl *c, struct err *e)
{
	auto_buf struct buf out = { 0 };

	buf_init(&out, EXPORT_MAX);
	if (!fetch(c, &out, e) || !ctl_save(ctl_text(c, "out"), buf_bytes(&out), 0600, e))
		return false;
	if (ctl_has(c, "out") && c->is_json)
		printf("{}\n");
	else if (ctl_has(c, "out"))
		print_note("Next: muster audit verify " STR_FMT, STR_ARG(ctl_text(c, "out")));
	return true;
}

/* ---- verify ---- */

/* --key, else the copy in the operator's folder, else the export's own word. */
static struct str trusted_key(struct ctl *c)
{
	struct str path = arena_printf(c->mem, "%s/audit.key", c->home), key;
	struct err ignored = { 0 };

	if (ctl_has(c, "key"))
		return ctl_text(c, "key");
	if (!ctl_file(c, path, 4096, &key, &ignored))
		return STR("");
	while (key.len && key.ptr[key.len - 1] <= ' ')
		key.len--;
	return key;
}

static void say_report(struct ctl *c, const struct audit_report *r, bool is_own_word)
{
	if (c->is_json) {
		printf("{\"ok\":true,\"records\":%llu,\"vouched\":%llu,\"root\":\"%s\"}\n",
		       (unsigned long long)r->records, (unsigned long long)r->size, r->root);
		return;
	}
	printf("Good: %llu records; signed notes vouch for the first %llu.\nroot %s\n",
	       (unsigned long long)r->records, (unsigned long long)r->size, r->root);
	if (r->records > r->size)
		print_note("The last %llu are not yet under a signed note.",
			   (unsigned long long)(r->records - r->size));
	if (is_own_word)
		print_note("The key came with the export.  With --key VKEY from a source you trust "
			   "it proves\nmore: that the holder of that key made it.");
}

bool cmd_audit_verify(struct ctl *c, struct err *e)
{
	struct str key = trusted_key(c), text;
	struct audit_report report;

	if (!ctl_file(c, c->args[0], EXPORT_MAX, &text, e))
		return false;
	if (!audit_log_verify(text, key, &report, e))
		return err_in(e, "'" STR_FMT "'", STR_ARG(c->args[0]));
	say_report(c, &report, !key.len);
	return true;
}
