/* cmd_user.c - muster user add|list|retire */
#include "base/buf.h"
#include "codec/json.h"
#include "ctl/say.h"

bool cmd_user_add(struct ctl *c, struct err *e)
{
	auto_buf struct buf body = { 0 };
	struct jw w;

	buf_init(&body, 1 << 20);
	jw_init(&w, &body, JW_COMPACT);
	jw_map(&w);
	jw_kv_str(&w, "id", c->args[0]);
	say_values(c, &w, "roles", "role");
	jw_end(&w);
	struct str says = arena_printf(
		c->mem, "Registered.  Next, on the server: musterd operator " STR_FMT " --out DIR",
		STR_ARG(c->args[0]));
	return say_done(c, "POST", STR("/api/v1/users"), buf_str(&body), says, e);
}

bool cmd_user_list(struct ctl *c, struct err *e)
{
	static const struct say_column columns[] = {
		{ "USER", "id", SAY_TEXT },
		{ "ROLES", "roles", SAY_TEXTS },
		{ "STATUS", "status", SAY_TEXT },
		{ NULL, NULL, SAY_TEXT },
	};
	static const struct say_list list = { "/api/v1/users", columns, NULL,
					      "Register one: muster user add ID --role ROLE", 0 };

	return say_list(c, &list, e);
}

bool cmd_user_retire(struct ctl *c, struct err *e)
{
	return say_done(c, "DELETE", api_path(c, "/api/v1/users", c->args[0], ""), STR(""),
			STR("Retired; refused from now on."), e);
}
