/* cmd_enrol.c - muster enrol code: the one-time code a device brings to its first enrolment. */
#include "base/buf.h"
#include "codec/json.h"
#include "ctl/say.h"

static bool code_body(struct ctl *c, struct buf *out, struct err *e)
{
	int64_t ttl_s;
	struct jw w;

	if (!ctl_number(c, "ttl", 0, &ttl_s, e))
		return false;
	jw_init(&w, out, JW_COMPACT);
	jw_map(&w);
	jw_kv_str(&w, "id", c->args[0]);
	if (ctl_has(c, "kind"))
		jw_kv_str(&w, "kind", ctl_text(c, "kind"));
	if (ctl_has(c, "ttl"))
		jw_kv_int(&w, "ttl_s", ttl_s);
	jw_end(&w);
	return true;
}

bool cmd_enrol_code(struct ctl *c, struct err *e)
{
	auto_json struct json *doc = NULL;
	auto_buf struct buf body = { 0 };
	struct str code;

	buf_init(&body, 65536);
	if (!code_body(c, &body, e) ||
	    !api_call(c, "POST", STR("/api/v1/codes"), buf_str(&body), &doc, e))
		return false;
	if (c->is_json)
		return print_json(doc, e);
	if (!json_text(doc, "code", &code, e))
		return false;
	print_text(code);
	printf("\n");
	print_note("Good once, for " STR_FMT ".  Put it into the file that code-file names in "
		   "agent.conf, mode 0600.",
		   STR_ARG(c->args[0]));
	return true;
}
