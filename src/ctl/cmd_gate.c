/* cmd_gate.c - muster gate add|list|status|retire */
#include "base/buf.h"
#include "codec/json.h"
#include "ctl/say.h"

bool cmd_gate_add(struct ctl *c, struct err *e)
{
	auto_buf struct buf body = { 0 };
	struct jw w;

	if (!ctl_has(c, "site"))
		return err_set(e, ERR_INPUT, "a gate serves a site: --site ID");
	buf_init(&body, 1 << 20);
	jw_init(&w, &body, JW_COMPACT);
	jw_map(&w);
	jw_kv_str(&w, "id", c->args[0]);
	jw_kv_str(&w, "site", ctl_text(c, "site"));
	say_values(c, &w, "names", "name");
	jw_end(&w);
	struct str says =
		arena_printf(c->mem, "Registered.  Next: muster enrol code " STR_FMT " --kind gate",
			     STR_ARG(c->args[0]));
	return say_done(c, "POST", STR("/api/v1/gates"), buf_str(&body), says, e);
}

static const struct say_column columns[] = {
	{ "GATE", "id", SAY_TEXT },         { "SITE", "site", SAY_TEXT },
	{ "STATUS", "status", SAY_TEXT },   { "ACKED", "acked", SAY_NUMBER },
	{ "BEHIND", "behind", SAY_NUMBER }, { "DROPPED", "dropped", SAY_NUMBER },
	{ "SEEN", "seen_at", SAY_AGE },     { NULL, NULL, SAY_TEXT },
};

bool cmd_gate_list(struct ctl *c, struct err *e)
{
	static const struct say_list list = { "/api/v1/gates", columns, NULL,
					      "Register one: muster gate add ID --site SITE", 0 };

	return say_list(c, &list, e);
}

bool cmd_gate_status(struct ctl *c, struct err *e)
{
	auto_json struct json *doc = NULL;
	const struct json *counters, *value;
	struct str name;

	if (!say_get(c, api_path(c, "/api/v1/gates", c->args[0], ""), &doc, e))
		return false;
	for (const struct say_column *s = columns; doc && s->head; s++)
		print_row(c, s->head, say_member(c, doc, s->member, s->form));
	counters = json_member(doc, "counters");
	for (void *at = NULL; json_next(counters, &at, &name, &value);) {
		struct str text = arena_printf(c->mem, "%lld", (long long)json_value_int(value));

		printf("  %-14.*s", STR_ARG(name));
		print_text(json_kind(value) == JSON_KIND_TEXT ? json_value_text(value) : text);
		printf("\n");
	}
	return true;
}

bool cmd_gate_retire(struct ctl *c, struct err *e)
{
	return say_done(c, "DELETE", api_path(c, "/api/v1/gates", c->args[0], ""), STR(""),
			STR("Retired; its certificates are revoked."), e);
}
