/* cmd_service.c - muster service add|list|show|quarantine|restore|retire */
#include "base/buf.h"
#include "codec/json.h"
#include "ctl/say.h"

bool cmd_service_add(struct ctl *c, struct err *e)
{
	auto_buf struct buf body = { 0 };
	struct jw w;

	buf_init(&body, 1 << 20);
	jw_init(&w, &body, JW_COMPACT);
	jw_map(&w);
	jw_kv_str(&w, "id", c->args[0]);
	if (ctl_has(c, "site"))
		jw_kv_str(&w, "site", ctl_text(c, "site"));
	say_values(c, &w, "groups", "group");
	jw_end(&w);
	struct str says = arena_printf(
		c->mem, "Registered.  Next: muster enrol code " STR_FMT " --kind service",
		STR_ARG(c->args[0]));
	return say_done(c, "POST", STR("/api/v1/services"), buf_str(&body), says, e);
}

bool cmd_service_list(struct ctl *c, struct err *e)
{
	static const struct say_column columns[] = {
		{ "SERVICE", "id", SAY_TEXT },     { "SITE", "site", SAY_TEXT },
		{ "GROUPS", "groups", SAY_TEXTS }, { "STATUS", "status", SAY_TEXT },
		{ "GRADE", "grade", SAY_TEXT },    { "HELD", "held", SAY_YES },
		{ NULL, NULL, SAY_TEXT },
	};
	static const struct say_list list = { "/api/v1/services", columns, NULL,
					      "Register one: muster service add ID", 0 };

	return say_list(c, &list, e);
}

static const struct say_column shown[] = {
	{ "service", "id", SAY_TEXT },      { "site", "site", SAY_TEXT },
	{ "groups", "groups", SAY_TEXTS },  { "status", "status", SAY_TEXT },
	{ "grade", "grade", SAY_TEXT },     { "held", "held", SAY_TEXT },
	{ "held by", "held_by", SAY_TEXT }, { "held because", "held_why", SAY_TEXT },
	{ NULL, NULL, SAY_TEXT },
};

bool cmd_service_show(struct ctl *c, struct err *e)
{
	auto_json struct json *doc = NULL;

	if (!say_get(c, api_path(c, "/api/v1/services", c->args[0], ""), &doc, e))
		return false;
	for (const struct say_column *s = shown; doc && s->head; s++)
		print_row(c, s->head, say_member(c, doc, s->member, s->form));
	return true;
}

bool cmd_service_quarantine(struct ctl *c, struct err *e)
{
	return say_done(c, "POST", api_path(c, "/api/v1/services", c->args[0], "/quarantine"),
			say_reason(c), STR("Held: isolated until you restore it."), e);
}

bool cmd_service_restore(struct ctl *c, struct err *e)
{
	return say_done(c, "POST", api_path(c, "/api/v1/services", c->args[0], "/restore"),
			say_reason(c), STR("Restored."), e);
}

bool cmd_service_retire(struct ctl *c, struct err *e)
{
	return say_done(c, "DELETE", api_path(c, "/api/v1/services", c->args[0], ""), STR(""),
			STR("Retired; its certificates are revoked and its id stays taken."), e);
}
