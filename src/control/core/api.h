/* api.h - what operators ask for: one handler per route of control/routes.h.
 *
 * Rights are decided before the handler runs (api.c).  Handlers render the answer; what
 * changes something answers after the commit.
 */
#pragma once

#include "codec/json.h"
#include "control/core/core.h"

struct api_call {
	struct ask *ask;
	struct core *core;
	const struct wall_api *q;
	const struct unit *user;
	struct str by;  /* "user/admin" */
	struct buf out; /* the answer */
	struct jw w;
	uint32_t status; /* 200 unless set */
};

typedef bool api_fn(struct api_call *a, struct err *e);

struct str api_param(const struct api_call *a);         /* the {id} of the path */
uint32_t api_limit(const struct api_call *a);           /* of a page */
bool api_page_end(struct api_call *a, struct str next); /* after the items: "next", closed */
struct str api_list(const struct api_call *a, const char *name,
		    struct arena *mem);                        /* groups.N: joined by spaces */
struct store_gate api_gate(struct api_call *a, struct str id); /* zero when it never reported */
void api_answer(struct api_call *a);                           /* now */
void api_answer_committed(struct api_call *a);                 /* after the commit */

api_fn api_status, api_units, api_unit, api_create, api_quarantine, api_restore, api_retire,
	api_code, api_policy, api_policy_put, api_policy_check, api_refs, api_refs_add,
	api_release_keys, api_release_key_add, api_decisions, api_decision, api_audit_export,
	api_audit_checkpoint, api_certificates, api_certificate_revoke;
