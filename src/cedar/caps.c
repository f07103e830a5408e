#include "cedar/caps.h"

/* What a negated operator negates; NONE for any other. */
static enum cedar_op negates(enum cedar_op op)
{
	switch (op) {
	case CEDAR_OP_NE:
		return CEDAR_OP_EQ;
	case CEDAR_OP_GT:
		return CEDAR_OP_LE;
	case CEDAR_OP_GE:
		return CEDAR_OP_LT;
	default:
		return CEDAR_OP_NONE;
	}
}

/* Equal trees have equal hashes; only the top and its first argument count, which
 * suffices to keep lists short. */
static uint32_t hash_of(const struct cedar_expr *e)
{
	uint32_t h = 2166136261u;

	for (unsigned levels = 0; levels < 8; levels++) {
		if (negates(e->op) || e->op == CEDAR_OP_NOT || e->op == CEDAR_OP_AND ||
		    e->op == CEDAR_OP_IS)
			return h ^ 7u; /* may be written in two ways */
		h = (h ^ (uint32_t)e->op) * 16777619u;
		h = (h ^ e->name) * 16777619u;
		if (e->op == CEDAR_OP_VAR)
			h = (h ^ (uint32_t)e->var) * 16777619u;
		if (e->count != 1)
			break;
		e = e->args[0];
	}
	return h;
}

static bool same_args(const struct cedar_expr *a, const struct cedar_expr *b)
{
	if (a->count != b->count)
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (!cap_same_expr(a->args[i], b->args[i]))
			return false;
	return true;
}

static const struct cedar_expr *under_key(const struct cedar_expr *record, uint32_t key)
{
	for (uint32_t i = 0; i < record->count; i++)
		if (record->keys[i] == key)
			return record->args[i];
	return NULL;
}

/* Keys of a record may be written in any order. */
static bool same_record(const struct cedar_expr *a, const struct cedar_expr *b)
{
	if (a->count != b->count)
		return false;
	for (uint32_t i = 0; i < a->count; i++) {
		const struct cedar_expr *other = under_key(b, a->keys[i]);
		if (!other || !cap_same_expr(a->args[i], other))
			return false;
	}
	return true;
}

static bool same_pattern(const struct cedar_pattern *a, const struct cedar_pattern *b)
{
	if (a->count != b->count)
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (!str_eq(a->parts[i], b->parts[i]))
			return false;
	return true;
}

static bool same_leaf(const struct cedar_expr *a, const struct cedar_expr *b)
{
	switch (a->op) {
	case CEDAR_OP_LIT:
		return cedar_value_eq(a->lit, b->lit);
	case CEDAR_OP_VAR:
		return a->var == b->var;
	case CEDAR_OP_SLOT:
		return a->slot == b->slot;
	case CEDAR_OP_CALL:
		return a->fn == b->fn;
	case CEDAR_OP_LIKE:
		return same_pattern(&a->pattern, &b->pattern);
	default:
		return true;
	}
}

/* One as `x != y`, the other as `!(x == y)`. */
static bool same_negated(const struct cedar_expr *a, const struct cedar_expr *b)
{
	return negates(a->op) && b->op == CEDAR_OP_NOT && b->args[0]->op == negates(a->op) &&
	       same_args(a, b->args[0]);
}

/* One as `x is T in y`, the other as `x is T && x in y`. */
static bool same_is_in(const struct cedar_expr *a, const struct cedar_expr *b)
{
	if (a->op != CEDAR_OP_IS || a->count != 2 || b->op != CEDAR_OP_AND)
		return false;
	const struct cedar_expr *is = b->args[0], *in = b->args[1];
	return is->op == CEDAR_OP_IS && is->count == 1 && is->name == a->name &&
	       in->op == CEDAR_OP_IN && cap_same_expr(a->args[0], is->args[0]) && same_args(a, in);
}

/* Depth is capped by the parser: CEDAR_DEPTH_MAX. */
bool cap_same_expr(const struct cedar_expr *a, const struct cedar_expr *b)
{
	if (a == b)
		return true;
	if (a->op != b->op)
		return same_negated(a, b) || same_negated(b, a) || same_is_in(a, b) ||
		       same_is_in(b, a);
	if (a->name != b->name || !same_leaf(a, b))
		return false;
	return a->op == CEDAR_OP_RECORD ? same_record(a, b) : same_args(a, b);
}

static const struct cap *find(const struct cap *set, const struct cap *c)
{
	for (; set; set = set->next)
		if (set->hash == c->hash && set->attr == c->attr && !set->tag == !c->tag &&
		    cap_same_expr(set->on, c->on) && (!c->tag || cap_same_expr(set->tag, c->tag)))
			return set;
	return NULL;
}

bool cap_has_attr(const struct cap *set, const struct cedar_expr *on, uint32_t attr)
{
	struct cap c = { .hash = hash_of(on), .on = on, .attr = attr };

	return find(set, &c);
}

bool cap_has_tag(const struct cap *set, const struct cedar_expr *on, const struct cedar_expr *tag)
{
	struct cap c = { .hash = hash_of(on), .on = on, .tag = tag };

	return find(set, &c);
}

static const struct cap *put(const struct cap *set, const struct cap *c, struct arena *mem)
{
	struct cap *n = arena_alloc(mem, 1, sizeof(*n));

	if (!n)
		return NULL;
	*n = *c;
	n->next = set;
	n->count = set ? set->count + 1 : 1;
	return n;
}

const struct cap *cap_attr(const struct cedar_expr *on, uint32_t attr, struct arena *mem)
{
	struct cap c = { .hash = hash_of(on), .on = on, .attr = attr };

	return put(NULL, &c, mem);
}

const struct cap *cap_tag(const struct cedar_expr *on, const struct cedar_expr *tag,
			  struct arena *mem)
{
	struct cap c = { .hash = hash_of(on), .on = on, .tag = tag };

	return put(NULL, &c, mem);
}

/* The smaller is added to the larger, which is shared. */
const struct cap *cap_union(const struct cap *a, const struct cap *b, struct arena *mem)
{
	if (!a || !b)
		return a ? a : b;
	if (a->count < b->count)
		return cap_union(b, a, mem);
	const struct cap *all = a;
	for (; b && all; b = b->next)
		if (!find(a, b))
			all = put(all, b, mem);
	return all;
}

const struct cap *cap_both(const struct cap *a, const struct cap *b, struct arena *mem)
{
	const struct cap *both = NULL;

	for (; a; a = a->next)
		if (find(b, a))
			both = put(both, a, mem);
	return both;
}
