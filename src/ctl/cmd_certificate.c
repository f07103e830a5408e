/* cmd_certificate.c - muster certificate list|revoke */
#include "ctl/say.h"

bool cmd_certificate_list(struct ctl *c, struct err *e)
{
	static const struct say_column columns[] = {
		{ "SERIAL", "serial", SAY_TEXT },    { "PRINCIPAL", "principal", SAY_TEXT },
		{ "STATUS", "status", SAY_TEXT },    { "ISSUED", "not_before", SAY_AGE },
		{ "EXPIRES", "not_after", SAY_AGE }, { NULL, NULL, SAY_TEXT },
	};
	static const char *const filters[] = { "principal", NULL };
	static const struct say_list list = { "/api/v1/certificates", columns, filters,
					      "Nobody has enrolled yet: muster enrol code ID", 0 };

	return say_list(c, &list, e);
}

bool cmd_certificate_revoke(struct ctl *c, struct err *e)
{
	return say_done(c, "POST", api_path(c, "/api/v1/certificates", c->args[0], "/revoke"),
			say_reason(c), STR("Revoked; gates cut its session."), e);
}
