/* problem.c - one mapping from an err to a problem document. */
#include "control/front/problem.h"

#include "codec/http.h"
#include "codec/json.h"

int problem_status(int status, const struct err *e)
{
	return status ? status : err_http_status(e->kind);
}

bool problem_write(struct buf *out, int status, const struct err *e, struct str reference)
{
	bool is_ours = e->kind == ERR_SYSTEM || e->kind == ERR_NONE;
	struct jw w;

	status = problem_status(status, e);
	jw_init(&w, out, JW_COMPACT);
	jw_map(&w);
	jw_kv_text(&w, "type", "about:blank");
	jw_kv_text(&w, "title", http_reason(status));
	jw_kv_int(&w, "status", status);
	jw_kv_text(&w, "kind", err_kind_name(is_ours ? ERR_SYSTEM : e->kind));
	jw_kv_text(&w, "detail", is_ours ? "internal error" : e->text);
	if (!is_ours && e->hint[0])
		jw_kv_text(&w, "hint", e->hint);
	if (reference.len)
		jw_kv_str(&w, "reference", reference);
	jw_end(&w);
	return jw_ok(&w);
}
