/* cmd_help.c - muster help and muster version */
#include "ctl/ctl.h"

bool cmd_version(struct ctl *c, struct err *e)
{
	(void)e;
	printf(c->is_json ? "{\"version\":\"%s\"}\n" : "muster %s\n", MUSTER_VERSION);
	return true;
}

bool cmd_help(struct ctl *c, struct err *e)
{
	for (size_t i = 0; c->arg_count && i < ctl_command_count; i++) {
		const struct ctl_command *row = &ctl_commands[i];

		if (str_eqz(c->args[0], row->noun) &&
		    (!row->verb || (c->arg_count > 1 && str_eqz(c->args[1], row->verb)))) {
			ctl_help(row);
			return true;
		}
	}
	if (c->arg_count > 1)
		return err_set(e, ERR_INPUT, "no such command");
	ctl_help(NULL);
	return true;
}
