/* cmd_device.c - muster device add|list|show|quarantine|restore|retire */
#include "base/buf.h"
#include "codec/json.h"
#include "ctl/say.h"

static void write_list(struct ctl *c, struct jw *w, const char *member, const char *option)
{
	if (ctl_has(c, option))
		say_values(c, w, member, option);
}

static bool write_tags(struct ctl *c, struct jw *w, struct err *e)
{
	struct str tag, name, value;
	size_t at = 0;

	if (!ctl_has(c, "tag"))
		return true;
	jw_key(w, "tags");
	jw_map(w);
	while (ctl_each(c, "tag", &at, &tag)) {
		if (!str_cut(tag, '=', &name, &value) || !name.len)
			return err_set(e, ERR_INPUT, "--tag wants NAME=VALUE");
		jw_key_str(w, name);
		jw_str(w, value);
	}
	jw_end(w);
	return true;
}

bool cmd_device_add(struct ctl *c, struct err *e)
{
	auto_buf struct buf body = { 0 };
	struct jw w;

	if (!ctl_has(c, "site"))
		return err_set(e, ERR_INPUT, "a device stands in a site: --site ID");
	buf_init(&body, 1 << 20);
	jw_init(&w, &body, JW_COMPACT);
	jw_map(&w);
	jw_kv_str(&w, "id", c->args[0]);
	jw_kv_str(&w, "site", ctl_text(c, "site"));
	if (ctl_has(c, "model"))
		jw_kv_str(&w, "model", ctl_text(c, "model"));
	write_list(c, &w, "groups", "group");
	if (!write_tags(c, &w, e))
		return false;
	jw_end(&w);
	struct str says = arena_printf(c->mem, "Registered.  Next: muster enrol code " STR_FMT,
				       STR_ARG(c->args[0]));
	return say_done(c, "POST", STR("/api/v1/devices"), buf_str(&body), says, e);
}

bool cmd_device_list(struct ctl *c, struct err *e)
{
	static const struct say_column columns[] = {
		{ "DEVICE", "id", SAY_TEXT },
		{ "SITE", "site", SAY_TEXT },
		{ "STATUS", "status", SAY_TEXT },
		{ "GRADE", "grade", SAY_TEXT },
		{ "RISK", "risk", SAY_NUMBER },
		{ "ASSURANCE", "assurance", SAY_TEXT },
		{ "ATTESTED", "attested_at", SAY_AGE },
		{ "HELD", "held", SAY_YES },
		{ NULL, NULL, SAY_TEXT },
	};
	static const char *const filters[] = { "site", "model", "grade", "status", "group", NULL };
	static const struct say_list list = { "/api/v1/devices", columns, filters,
					      "Register one: muster device add ID --site SITE", 0 };

	return say_list(c, &list, e);
}

/* The attribute lines of `show`: what, from which member. */
static const struct say_column shown[] = {
	{ "device", "id", SAY_TEXT },         { "site", "site", SAY_TEXT },
	{ "model", "model", SAY_TEXT },       { "groups", "groups", SAY_TEXTS },
	{ "status", "status", SAY_TEXT },     { "firmware", "firmware", SAY_TEXT },
	{ "grade", "grade", SAY_TEXT },       { "because", "because", SAY_TEXT },
	{ "held by", "held_by", SAY_TEXT },   { "held because", "held_why", SAY_TEXT },
	{ "risk", "risk", SAY_NUMBER },       { "assurance", "assurance", SAY_TEXT },
	{ "key", "key_assurance", SAY_TEXT }, { "attested", "attested", SAY_TEXT },
	{ "verdict", "verdict", SAY_TEXT },   { "attested at", "attested_at", SAY_AGE },
	{ "evidence", "evidence", SAY_TEXT }, { NULL, NULL, SAY_TEXT },
};

/* Evidence runs out: until when, and what holds from then on. */
static void show_lease(struct ctl *c, const struct json *doc)
{
	int64_t until_ms = json_value_int(json_member(doc, "valid_until"));

	if (until_ms <= 0)
		return;
	printf("%-16s", "runs out");
	print_text(print_age(c, until_ms));
	printf(", then ");
	print_toned(c, print_tone_of(say_member(c, doc, "grade_then", SAY_TEXT)),
		    say_member(c, doc, "grade_then", SAY_TEXT));
	printf("\n");
}

static void show_contributions(struct ctl *c, const struct json *doc)
{
	static const char *const heads[] = { "SIGNAL", "SOURCE", "WEIGHT", "OBSERVED", "EVIDENCE" };
	const struct json *all = json_member(doc, "contributions");
	struct print_table t;

	if (!json_count(all))
		return;
	printf("\nWhat contributed:\n");
	print_table_init(&t, c, heads, countof(heads));
	for (size_t i = 0; i < json_count(all); i++) {
		const struct json *one = json_item(all, i);
		const struct str cells[] = {
			say_member(c, one, "name", SAY_TEXT),
			say_member(c, one, "source", SAY_TEXT),
			say_member(c, one, "weight", SAY_NUMBER),
			say_member(c, one, "observed_at", SAY_AGE),
			say_member(c, one, "evidence_id", SAY_TEXT),
		};
		print_table_add(&t, cells);
	}
	print_table_end(&t);
}

bool cmd_device_show(struct ctl *c, struct err *e)
{
	auto_json struct json *doc = NULL;

	if (!say_get(c, api_path(c, "/api/v1/devices", c->args[0], ""), &doc, e))
		return false;
	if (!doc)
		return true;
	for (const struct say_column *s = shown; s->head; s++)
		print_row(c, s->head, say_member(c, doc, s->member, s->form));
	show_lease(c, doc);
	show_contributions(c, doc);
	if (str_eqz(say_member(c, doc, "status", SAY_TEXT), "pending"))
		print_note("\nIt has not enrolled yet.  Next: muster enrol code " STR_FMT,
			   STR_ARG(c->args[0]));
	return true;
}

bool cmd_device_quarantine(struct ctl *c, struct err *e)
{
	struct str says =
		arena_printf(c->mem, "Held: isolated until `muster device restore " STR_FMT "`.",
			     STR_ARG(c->args[0]));

	return say_done(c, "POST", api_path(c, "/api/v1/devices", c->args[0], "/quarantine"),
			say_reason(c), says, e);
}

bool cmd_device_restore(struct ctl *c, struct err *e)
{
	return say_done(c, "POST", api_path(c, "/api/v1/devices", c->args[0], "/restore"),
			say_reason(c), STR("Restored; its grade follows from evidence again."), e);
}

bool cmd_device_retire(struct ctl *c, struct err *e)
{
	return say_done(c, "DELETE", api_path(c, "/api/v1/devices", c->args[0], ""), STR(""),
			STR("Retired; its certificates are revoked and its id stays taken."), e);
}
