/* policy_keep.c - answers that are used again, and what remains of one for each message. */
#include "base/mem.h"
#include "model/policy_set.h"

/* ---- what an answer rests on ---- */

/* When time alone changes a principal: the grade that follows takes over. */
static void ends_with(const struct policy_ask *ask, const struct principal *p,
		      struct policy_basis *out)
{
	if (p->valid_until_ms == 0 || p->grade_then >= p->grade ||
	    p->valid_until_ms <= ask->judged_ms)
		return;
	int64_t end = p->valid_until_ms + ask->q->context.allowance_ms;
	if (out->expires_ms == 0 || end < out->expires_ms)
		out->expires_ms = end;
}

static void rest_on(const struct policy_ask *ask, const struct principal *p,
		    struct policy_basis *out)
{
	const struct world_entry *en = p ? world_find(ask->w, p->kind, p->id) : NULL;

	if (!en || out->count == POLICY_BASIS) {
		/* Who is unknown may be known with the next change. */
		out->on_all = true;
		return;
	}
	out->on[out->count++] = en;
	ends_with(ask, p, out);
}

static void rest_on_place(const struct policy_ask *ask, struct policy_basis *out)
{
	const struct space *s = ask->at.space;

	for (size_t i = 0; s && i < s->param_count; i++)
		if (ask->at.is_known[i] && policy_is_principal_type(s->params[i].type))
			rest_on(ask, policy_named(ask, s->params[i].type, ask->at.values[i]), out);
	if (!s && policy_is_principal_type(ask->q->resource_type))
		rest_on(ask, policy_named(ask, ask->q->resource_type, ask->q->resource_id), out);
}

void policy_basis_of(const struct policy_ask *ask, struct policy_basis *out)
{
	*out = (struct policy_basis){
		.epoch = world_epoch(ask->w),
		.allowance_ms = ask->q->context.allowance_ms,
		.age = ask->q->context.age,
		/* A filter may overlap spaces of any number of principals. */
		.on_all = ask->p->names_principals || str_eqz(ask->q->action, "subscribe"),
	};
	rest_on(ask, ask->who.p, out);
	rest_on_place(ask, out);
}

bool policy_basis_holds(const struct policy_basis *b, const struct world *w,
			const struct policy_context *c)
{
	if ((b->expires_ms && c->now_ms >= b->expires_ms) || c->age != b->age ||
	    c->allowance_ms < b->allowance_ms)
		return false;
	if (b->epoch == world_epoch(w))
		return true;
	for (size_t i = 0; i < b->count; i++)
		if (b->on[i]->changed > b->epoch)
			return false;
	return !b->on_all;
}

/* ---- what remains ---- */

struct policy_residual {
	const struct policy *policy;
	const struct schema_action *action;
	const struct space *space;
	struct policy_basis basis;
	struct cedar_residual *rest;
};

struct policy_residual *policy_residual_new(const struct policy *p, const struct world *w,
					    const struct policy_request *q,
					    struct policy_answer *out)
{
	struct policy_ask ask;
	struct err too_large = { 0 };

	*out = (struct policy_answer){ 0 };
	if (!p)
		return NULL;
	policy_decide_ask(&ask, p, w, q, out);
	if (!ask.is_asked || str_eqz(q->action, "subscribe"))
		return NULL;
	struct cedar_residual *rest =
		cedar_residual_new(p->program, p->view->store, &ask.request, &too_large);
	if (!rest)
		return NULL;
	struct policy_residual *r = mem_new(1, sizeof(*r));
	*r = (struct policy_residual){
		.policy = p,
		.action = schema_action_find(p->schema, STR("Action"), q->action),
		.space = out->space,
		.basis = out->basis,
		.rest = rest,
	};
	return r;
}

void policy_residual_free(struct policy_residual *r)
{
	if (!r)
		return;
	cedar_residual_free(r->rest);
	free(r);
}

void policy_residual_decide(const struct policy_residual *r, const struct policy_context *c,
			    struct policy_answer *out)
{
	const struct policy *p = r->policy;
	struct policy_record context;
	struct cedar_answer got;

	*out = (struct policy_answer){ .space = r->space,
				       .basis = r->basis,
				       .expires_ms = r->basis.expires_ms };
	if (!policy_put_context(p, r->action, c, &context))
		return;
	cedar_residual_decide(r->rest, p->view->store, &context.record, p->view->scratch, &got);
	policy_take_answer(p, &got, out);
}
