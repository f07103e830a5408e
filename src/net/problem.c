#include "net/problem.h"

#include "codec/json.h"

enum { PROBLEM_MAX = 64 * 1024 };

static const struct {
	int status;
	enum err_kind kind;
} kinds[] = {
	{ 202, ERR_RETRY },    { 401, ERR_DENIED },   { 403, ERR_DENIED }, { 404, ERR_MISSING },
	{ 409, ERR_CONFLICT }, { 412, ERR_CONFLICT }, { 429, ERR_RETRY },  { 502, ERR_RETRY },
	{ 503, ERR_RETRY },    { 504, ERR_RETRY },
};

static enum err_kind kind_of(int status)
{
	for (size_t i = 0; i < countof(kinds); i++)
		if (kinds[i].status == status)
			return kinds[i].kind;
	return status >= 400 && status < 500 ? ERR_INPUT : ERR_SYSTEM;
}

bool problem_read(const struct http_reply *reply, struct err *e)
{
	static const struct json_limits limits = { .max_bytes = PROBLEM_MAX };
	struct str text = { 0 };
	struct str hint = { 0 };
	struct err ignored;
	auto_json struct json *doc = NULL;

	(void)err_set(e, kind_of(reply->status), "the server answered %d %s", reply->status,
		      http_reason(reply->status));
	if (!json_read(reply->body, &limits, &doc, &ignored))
		return false;
	if (!json_opt_text(doc, "detail", &text, &ignored) || !text.len)
		return false;
	(void)err_set(e, e->kind, STR_FMT, STR_ARG(text));
	if (json_opt_text(doc, "hint", &hint, &ignored) && hint.len)
		(void)err_hint(e, STR_FMT, STR_ARG(hint));
	return false;
}
