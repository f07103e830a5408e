#include "cedar/index.h"

#include "base/mem.h"

enum {
	GROUP_SMALL = 8,   /* a group of so few is looked at whole */
	FILTER_WORDS = 64, /* 4096 bits */
};

enum action_kind { ACTION_ANY, ACTION_EQ, ACTION_BELOW };

/* The policies filed under one action (or under any), by what shapes of key they have. */
struct group {
	const struct cedar_uid *action; /* NULL: any */
	enum action_kind kind;
	unsigned shapes;       /* bit principal kind * 4 + resource kind */
	uint32_t start, count; /* in by_action */
	bool is_taken;
};

struct entry {
	uint64_t print; /* of group, principal key and resource key */
	uint32_t start, count;
	uint32_t group;
};

struct index {
	struct group *groups;
	uint32_t group_mask;
	const struct group *any; /* the group of ACTION_ANY, or a free one */
	bool has_below;          /* a group of kind ACTION_BELOW */
	struct entry *entries;
	uint32_t entry_mask;
	uint32_t *policies;                /* the entries' runs */
	uint32_t *by_action;               /* the groups' */
	uint64_t filters[2][FILTER_WORDS]; /* hashes that anybody is filed under below, by side */
	uint32_t policy_count;
	uint32_t *all; /* every policy: for an action with too many above it to look under each */
	uint32_t all_count;
};

static uint64_t mix(uint64_t x)
{
	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	return x ^ x >> 32;
}

static uint64_t key_word(struct key k)
{
	return (uint64_t)k.kind << 32 | k.word;
}

static uint64_t principal_print(struct key k)
{
	return mix(key_word(k) * 3 + 1);
}

static uint64_t resource_print(struct key k)
{
	return mix(key_word(k) * 5 + 2);
}

static uint64_t print_of(uint32_t group, uint64_t principal, uint64_t resource)
{
	return (group ^ principal ^ resource) * UINT64_C(0x9e3779b97f4a7c15) | 1;
}

static bool filter_has(const uint64_t *filter, uint32_t hash)
{
	return filter[hash / 64 % FILTER_WORDS] >> hash % 64 & 1;
}

static void filter_add(uint64_t *filter, struct key k)
{
	if (k.kind == KEY_IN)
		filter[k.word / 64 % FILTER_WORDS] |= UINT64_C(1) << k.word % 64;
}

/* --- making --- */

struct pair {
	uint64_t print;
	uint32_t group, policy;
};

static int pair_cmp(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	if (x->print != y->print)
		return x->print < y->print ? -1 : 1;
	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	return (x->policy > y->policy) - (x->policy < y->policy);
}

static uint32_t power_above(uint32_t count)
{
	uint32_t size = 4;

	while (size < count * 2)
		size *= 2;
	return size;
}

static struct group *group_find(const struct index *index, enum action_kind kind,
				const struct cedar_uid *action)
{
	for (uint64_t i = action ? action->hash + (uint64_t)kind : 0;; i++) {
		struct group *g = &index->groups[i & index->group_mask];
		if (!g->is_taken || (g->kind == kind && (!action || uid_same(g->action, action))))
			return g;
	}
}

static struct entry *entry_find(const struct index *index, uint32_t group, uint64_t print)
{
	for (uint64_t i = print >> 32;; i++) {
		struct entry *e = &index->entries[i & index->entry_mask];
		if (!e->count || (e->print == print && e->group == group))
			return e;
	}
}

static struct group *group_of(const struct index *index, const struct filing *f, uint32_t action)
{
	if (!f->actions)
		return group_find(index, ACTION_ANY, NULL);
	return group_find(index, f->is_action_below ? ACTION_BELOW : ACTION_EQ, f->actions[action]);
}

static uint32_t group_number(const struct index *index, const struct group *g)
{
	return (uint32_t)(g - index->groups);
}

static uint32_t actions_of(const struct filing *f)
{
	return f->actions ? f->action_count : 1;
}

/* Below-someone on both sides would be looked up for every pair of ancestors: the side that says
 * more (fewer policies share it) is kept, the other counts as any. */
static void narrow(struct filing *filings, uint32_t count)
{
	uint32_t size = power_above(count * 2), *uses = mem_new(size, sizeof(*uses));

	for (uint32_t i = 0; i < count; i++) {
		uses[mix(key_word(filings[i].principal) * 3) & (size - 1)]++;
		uses[mix(key_word(filings[i].resource) * 5) & (size - 1)]++;
	}
	for (uint32_t i = 0; i < count; i++) {
		struct filing *f = &filings[i];
		if (f->principal.kind != KEY_IN || f->resource.kind != KEY_IN)
			continue;
		uint32_t p = uses[mix(key_word(f->principal) * 3) & (size - 1)];
		uint32_t r = uses[mix(key_word(f->resource) * 5) & (size - 1)];
		if (p <= r)
			f->resource = (struct key){ 0 };
		else
			f->principal = (struct key){ 0 };
	}
	free(uses);
}

static struct pair *pairs_make(struct index *index, const struct filing *filings, uint32_t count,
			       uint32_t pair_count)
{
	struct pair *pairs = mem_new(pair_count, sizeof(*pairs));
	uint32_t at = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct filing *f = &filings[i];
		for (uint32_t a = 0; a < actions_of(f); a++) {
			struct group *g = group_of(index, f, a);
			g->is_taken = true;
			g->action = f->actions ? f->actions[a] : NULL;
			g->kind = !f->actions          ? ACTION_ANY
				  : f->is_action_below ? ACTION_BELOW
						       : ACTION_EQ;
			g->shapes |= 1u << (f->principal.kind * 4 + f->resource.kind);
			index->has_below |= g->kind == ACTION_BELOW;
			uint32_t group = group_number(index, g);
			pairs[at++] = (struct pair){ print_of(group, principal_print(f->principal),
							      resource_print(f->resource)),
						     group, i };
			g->count++;
		}
	}
	qsort(pairs, pair_count, sizeof(*pairs), pair_cmp);
	return pairs;
}

/* The groups' runs, and which keys anybody is filed under. */
static void fill_groups(struct index *index, const struct filing *filings, uint32_t count)
{
	uint32_t start = 0;

	for (uint32_t i = 0; i <= index->group_mask; i++) {
		index->groups[i].start = start;
		start += index->groups[i].count;
		index->groups[i].count = 0;
	}
	for (uint32_t i = 0; i < count; i++) {
		const struct filing *f = &filings[i];
		filter_add(index->filters[0], f->principal);
		filter_add(index->filters[1], f->resource);
		for (uint32_t a = 0; a < actions_of(f); a++) {
			struct group *g = group_of(index, f, a);
			index->by_action[g->start + g->count++] = i;
		}
	}
}

static void fill(struct index *index, const struct pair *pairs, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct entry *e = entry_find(index, pairs[i].group, pairs[i].print);
		if (!e->count)
			*e = (struct entry){ pairs[i].print, i, 0, pairs[i].group };
		e->count++;
		index->policies[i] = pairs[i].policy;
	}
}

struct index *index_new(const struct filing *filings, uint32_t count)
{
	struct index *index = mem_new(1, sizeof(*index));
	struct filing *own = mem_copy(filings, count * sizeof(*filings));
	uint32_t pair_count = 0;

	for (uint32_t i = 0; i < count; i++)
		pair_count += actions_of(&filings[i]);
	narrow(own, count);
	index->group_mask = power_above(pair_count) - 1;
	index->groups = mem_new(index->group_mask + 1, sizeof(*index->groups));
	index->entry_mask = power_above(pair_count) - 1;
	index->entries = mem_new(index->entry_mask + 1, sizeof(*index->entries));
	index->policies = mem_new(pair_count, sizeof(*index->policies));
	index->policy_count = pair_count;
	struct pair *pairs = pairs_make(index, own, count, pair_count);
	fill(index, pairs, pair_count);
	index->by_action = mem_new(pair_count, sizeof(*index->by_action));
	fill_groups(index, own, count);
	index->any = group_find(index, ACTION_ANY, NULL);
	free(pairs);
	free(own);
	index->all = mem_new(count, sizeof(*index->all));
	index->all_count = count;
	for (uint32_t i = 0; i < count; i++)
		index->all[i] = i;
	return index;
}

void index_free(struct index *index)
{
	if (!index)
		return;
	free(index->groups);
	free(index->entries);
	free(index->policies);
	free(index->by_action);
	free(index->all);
	free(index);
}

size_t index_bytes(const struct index *index)
{
	return sizeof(*index) + (index->group_mask + 1) * sizeof(*index->groups) +
	       (index->entry_mask + 1) * sizeof(*index->entries) +
	       (2 * index->policy_count + index->all_count) * sizeof(uint32_t);
}

/* --- finding --- */

struct finder {
	const struct index *index;
	struct world *world;
	index_fn *each;
	void *ctx;
};

/* The i-th key of a kind that an entity is to be looked up under; false: no more. */
static inline bool seat_key(struct seat *s, enum key_kind kind, uint32_t i, struct key *out)
{
	if (kind == KEY_IN && i <= s->above_count) {
		*out = (struct key){ kind, i ? s->above[i - 1]->hash : s->uid->hash };
		return true;
	}
	*out = (struct key){ kind, kind == KEY_TYPE ? s->uid->type : 0 };
	if (kind == KEY_EQ)
		out->word = s->uid->hash;
	return i == 0;
}

static inline bool is_filed(const struct index *index, int side, struct key k)
{
	return k.kind != KEY_IN || filter_has(index->filters[side], k.word);
}

static void find_shape(const struct finder *f, uint32_t group, unsigned shape)
{
	struct seat *p = &f->world->seats[CEDAR_VAR_PRINCIPAL];
	struct seat *r = &f->world->seats[CEDAR_VAR_RESOURCE];
	enum key_kind p_kind = (enum key_kind)(shape / 4), r_kind = (enum key_kind)(shape % 4);
	struct key p_key, r_key;

	for (uint32_t i = 0; seat_key(p, p_kind, i, &p_key); i++) {
		if (!is_filed(f->index, 0, p_key))
			continue;
		uint64_t principal = principal_print(p_key);
		for (uint32_t j = 0; seat_key(r, r_kind, j, &r_key); j++) {
			if (!is_filed(f->index, 1, r_key))
				continue;
			const struct entry *e = entry_find(
				f->index, group, print_of(group, principal, resource_print(r_key)));
			if (e->count)
				f->each(f->ctx, &f->index->policies[e->start], e->count, true);
		}
	}
}

enum { /* bits of group.shapes with a KEY_IN on one side */
       SHAPES_IN_PRINCIPAL = 0xf000,
       SHAPES_IN_RESOURCE = 0x8888,
};

/* Everyone above must be at hand; false when they are too many to be. */
static bool gather_for(const struct finder *f, unsigned shapes)
{
	struct seat *p = &f->world->seats[CEDAR_VAR_PRINCIPAL];
	struct seat *r = &f->world->seats[CEDAR_VAR_RESOURCE];

	if (shapes & SHAPES_IN_PRINCIPAL && !p->is_gathered)
		seat_gather(f->world, p);
	if (shapes & SHAPES_IN_RESOURCE && !r->is_gathered)
		seat_gather(f->world, r);
	return !(shapes & SHAPES_IN_PRINCIPAL && p->is_cut) &&
	       !(shapes & SHAPES_IN_RESOURCE && r->is_cut);
}

static void find_group(const struct finder *f, const struct group *g)
{
	if (!g->is_taken)
		return;
	if (g->count <= GROUP_SMALL || !gather_for(f, g->shapes)) {
		f->each(f->ctx, &f->index->by_action[g->start], g->count, true);
		return;
	}
	for (unsigned shapes = g->shapes; shapes; shapes &= shapes - 1)
		find_shape(f, group_number(f->index, g), (unsigned)__builtin_ctz(shapes));
}

void index_find(const struct index *index, struct world *w, index_fn *each, void *ctx)
{
	struct finder f = { index, w, each, ctx };
	struct seat *a = &w->seats[CEDAR_VAR_ACTION];

	if (index->has_below && !a->is_gathered)
		seat_gather(w, a);
	if (index->has_below && a->is_cut) {
		each(ctx, index->all, index->all_count, false);
		return;
	}
	find_group(&f, index->any);
	find_group(&f, group_find(index, ACTION_EQ, a->uid));
	if (!index->has_below)
		return;
	find_group(&f, group_find(index, ACTION_BELOW, a->uid));
	for (uint32_t i = 0; i < a->above_count; i++)
		find_group(&f, group_find(index, ACTION_BELOW, a->above[i]));
}
