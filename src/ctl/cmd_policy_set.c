/* cmd_policy_set.c - muster policy show|put: the set in force, over the API. */
#include "base/buf.h"
#include "codec/json.h"
#include "ctl/folder.h"
#include "ctl/say.h"

enum { FILE_MAX = 1 << 18, SET_MAX = 8 << 20 };

static bool read_in(struct ctl *c, struct str file, struct str *out, struct err *e)
{
	struct str path =
		arena_printf(c->mem, STR_FMT "/" STR_FMT, STR_ARG(c->args[0]), STR_ARG(file));

	return ctl_file(c, path, FILE_MAX, out, e);
}

/* All files of that ending, one after another: a schema or spaces may be in several. */
static bool gather(struct ctl *c, const struct folder *f, struct str ending, struct buf *out,
		   struct err *e)
{
	for (size_t i = 0; i < f->count; i++) {
		struct str text;

		if (!str_ends(f->names[i], ending))
			continue;
		if (!read_in(c, f->names[i], &text, e))
			return false;
		buf_puts(out, text);
		buf_putc(out, '\n');
	}
	return out->len || err_set(e, ERR_INPUT, "no file *" STR_FMT " in '" STR_FMT "'",
				   STR_ARG(ending), STR_ARG(c->args[0]));
}

static bool write_policies(struct ctl *c, const struct folder *f, struct jw *w, struct err *e)
{
	jw_key(w, "policies");
	jw_list(w);
	for (size_t i = 0; i < f->count; i++) {
		struct str text;

		if (!str_ends(f->names[i], STR(".cedar")))
			continue;
		if (!read_in(c, f->names[i], &text, e))
			return false;
		jw_map(w);
		jw_kv_str(w, "file", f->names[i]);
		jw_kv_str(w, "text", text);
		jw_end(w);
	}
	jw_end(w);
	return true;
}

static bool write_set(struct ctl *c, struct buf *out, struct err *e)
{
	struct folder folder;
	auto_buf struct buf schema = { 0 };
	auto_buf struct buf spaces = { 0 };
	struct jw w;

	buf_init(&schema, FILE_MAX);
	buf_init(&spaces, FILE_MAX);
	if (!folder_list(c, c->args[0], &folder, e) ||
	    !gather(c, &folder, STR(".cedarschema"), &schema, e) ||
	    !gather(c, &folder, STR(".spaces"), &spaces, e))
		return false;
	jw_init(&w, out, JW_COMPACT);
	jw_map(&w);
	jw_kv_str(&w, "schema", buf_str(&schema));
	jw_kv_str(&w, "spaces", buf_str(&spaces));
	if (!write_policies(c, &folder, &w, e))
		return false;
	jw_end(&w);
	return jw_ok(&w) || err_set(e, ERR_INPUT, "the set is too large");
}

bool cmd_policy_put(struct ctl *c, struct err *e)
{
	auto_json struct json *doc = NULL;
	auto_buf struct buf body = { 0 };

	buf_init(&body, SET_MAX);
	if (!write_set(c, &body, e) ||
	    !api_call(c, "PUT", STR("/api/v1/policy"), buf_str(&body), &doc, e))
		return false;
	if (c->is_json)
		return print_json(doc, e);
	printf("In force: version ");
	print_text(say_member(c, doc, "version", SAY_TEXT));
	printf("\n");
	return true;
}

static void show_file(const struct ctl *c, const char *head, struct str text)
{
	print_toned(c, TONE_BOLD, str_of("// "));
	print_toned(c, TONE_BOLD, str_of(head));
	printf("\n");
	print_block(text);
	if (!text.len || text.ptr[text.len - 1] != '\n')
		printf("\n");
}

static bool is_wanted(const struct ctl *c, struct str file)
{
	return !c->arg_count || str_eq(c->args[0], file);
}

static size_t show_policies(struct ctl *c, const struct json *doc)
{
	const struct json *all = json_member(doc, "policies");
	size_t shown = 0;

	for (size_t i = 0; i < json_count(all); i++) {
		const struct json *one = json_item(all, i);
		struct str file = say_member(c, one, "file", SAY_TEXT);

		if (!is_wanted(c, file))
			continue;
		show_file(c, arena_dup(c->mem, file).ptr, say_member(c, one, "text", SAY_TEXT));
		shown++;
	}
	return shown;
}

bool cmd_policy_show(struct ctl *c, struct err *e)
{
	auto_json struct json *doc = NULL;
	size_t shown = 0;

	if (!say_get(c, STR("/api/v1/policy"), &doc, e))
		return false;
	if (!doc)
		return true;
	if (!c->arg_count) {
		print_row(c, "version", say_member(c, doc, "version", SAY_TEXT));
		print_row(c, "digest", say_member(c, doc, "digest", SAY_TEXT));
		printf("\n");
	}
	if (is_wanted(c, STR("schema")) && ++shown)
		show_file(c, "schema", say_member(c, doc, "schema", SAY_TEXT));
	if (is_wanted(c, STR("spaces")) && ++shown)
		show_file(c, "spaces", say_member(c, doc, "spaces", SAY_TEXT));
	shown += show_policies(c, doc);
	if (shown)
		return true;
	err_set(e, ERR_MISSING, "no file '" STR_FMT "' in the set in force", STR_ARG(c->args[0]));
	return err_hint(e, "muster policy show lists it all: schema, spaces and policy files");
}
