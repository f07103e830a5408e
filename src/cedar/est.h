/* est.h - policies, templates and links in Cedar's JSON form (EST), both ways.
 *
 * docs.cedarpolicy.com/policies/json-format.html.  Reading gives the tree the text would give, but
 * for places (the JSON's own) and for what only text limits: any name may be an attribute, signs
 * may stand in any number.  Unknown members and operators are refused, with the nearest known name.
 * Writing then reading gives the same tree, but for `action in [one]`, which comes back without its
 * list (Cedar writes it so); stars next to each other in a pattern are one.
 */
#pragma once

#include "cedar/jtree.h"

/* One policy or template under this id. */
bool cedar_policy_read(struct cedar_names *names, const struct cedar_json *json, struct str id,
		       struct arena *mem, const struct cedar_policy **out, struct err *e);

/* {"staticPolicies": {id: policy}, "templates": {id: template},
 *  "templateLinks": [{"templateId", "newId", "values": {"?principal": uid}}]}; each may be absent.
 */
bool cedar_policies_read(struct cedar_names *names, const struct cedar_json *json,
			 struct arena *mem, struct cedar_policies *out, struct err *e);

struct buf;
void cedar_policy_json(struct buf *out, const struct cedar_names *names,
		       const struct cedar_policy *policy);
void cedar_expr_json(struct buf *out, const struct cedar_names *names,
		     const struct cedar_expr *expr);
void cedar_policies_json(struct buf *out, const struct cedar_names *names,
			 const struct cedar_policies *set);
