#include "cedar/index.h"

#include "base/mem.h"

enum { SHAPES = 16 };

/* The policies filed under one action (or under any), by what shapes of key they have. */
struct group {
	uint64_t action; /* 0: any; else a mark and the uid's hash */
	unsigned shapes; /* bit principal kind * 4 + resource kind */
	bool is_taken;
};

struct entry {
	uint64_t print; /* of group, principal key and resource key */
	uint32_t start, count;
};

struct index {
	struct group *groups;
	uint32_t group_mask;
	struct entry *entries;
	uint32_t entry_mask;
	uint32_t *policies; /* the entries' runs */
	uint32_t policy_count;
	uint32_t *all; /* every policy: for a request with too many ancestors to look under each */
	uint32_t all_count;
};

static uint64_t mix(uint64_t x)
{
	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	return x ^ x >> 32;
}

static uint64_t action_word(const struct cedar_uid *uid)
{
	return uid ? UINT64_C(1) << 32 | uid->hash : 0;
}

static uint64_t key_word(struct key k)
{
	return (uint64_t)k.kind << 32 | k.word;
}

static uint64_t print_of(uint64_t action, struct key principal, struct key resource)
{
	uint64_t print = mix(action + UINT64_C(0x9e3779b97f4a7c15)) ^
			 mix(key_word(principal) * 3 + 1) ^ mix(key_word(resource) * 5 + 2);

	return mix(print) | 1; /* never 0, which is a free entry */
}

/* --- making --- */

struct pair {
	uint64_t print;
	uint32_t policy;
};

static int pair_cmp(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	if (x->print != y->print)
		return x->print < y->print ? -1 : 1;
	return (x->policy > y->policy) - (x->policy < y->policy);
}

static uint32_t power_above(uint32_t count)
{
	uint32_t size = 4;

	while (size < count * 2)
		size *= 2;
	return size;
}

static struct group *group_find(const struct index *index, uint64_t action)
{
	for (uint64_t i = mix(action);; i++) {
		struct group *g = &index->groups[i & index->group_mask];
		if (!g->is_taken || g->action == action)
			return g;
	}
}

static struct entry *entry_find(const struct index *index, uint64_t print)
{
	for (uint64_t i = print >> 8;; i++) {
		struct entry *e = &index->entries[i & index->entry_mask];
		if (!e->count || e->print == print)
			return e;
	}
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
			uint64_t action = action_word(f->actions ? f->actions[a] : NULL);
			struct group *g = group_find(index, action);
			g->is_taken = true;
			g->action = action;
			g->shapes |= 1u << (f->principal.kind * 4 + f->resource.kind);
			pairs[at++] =
				(struct pair){ print_of(action, f->principal, f->resource), i };
		}
	}
	qsort(pairs, pair_count, sizeof(*pairs), pair_cmp);
	return pairs;
}

static void fill(struct index *index, const struct pair *pairs, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct entry *e = entry_find(index, pairs[i].print);
		if (!e->count)
			*e = (struct entry){ pairs[i].print, i, 0 };
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
	free(index->all);
	free(index);
}

size_t index_bytes(const struct index *index)
{
	return sizeof(*index) + (index->group_mask + 1) * sizeof(*index->groups) +
	       (index->entry_mask + 1) * sizeof(*index->entries) +
	       (index->policy_count + index->all_count) * sizeof(uint32_t);
}

/* --- finding --- */

struct finder {
	const struct index *index;
	const struct world *world;
	index_fn *each;
	void *ctx;
};

/* The i-th key of a kind that an entity is to be looked up under; false: no more. */
static inline bool seat_key(const struct seat *s, enum key_kind kind, uint32_t i, struct key *out)
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

static void find_shape(const struct finder *f, uint64_t action, unsigned shape)
{
	const struct seat *p = &f->world->seats[CEDAR_VAR_PRINCIPAL];
	const struct seat *r = &f->world->seats[CEDAR_VAR_RESOURCE];
	enum key_kind p_kind = (enum key_kind)(shape / 4), r_kind = (enum key_kind)(shape % 4);
	struct key p_key, r_key;

	for (uint32_t i = 0; seat_key(p, p_kind, i, &p_key); i++) {
		for (uint32_t j = 0; seat_key(r, r_kind, j, &r_key); j++) {
			const struct entry *e =
				entry_find(f->index, print_of(action, p_key, r_key));
			if (e->count)
				f->each(f->ctx, &f->index->policies[e->start], e->count);
		}
	}
}

static void find_group(const struct finder *f, const struct cedar_uid *action)
{
	uint64_t word = action_word(action);
	const struct group *g = group_find(f->index, word);

	for (unsigned shapes = g->is_taken ? g->shapes : 0; shapes; shapes &= shapes - 1)
		find_shape(f, word, (unsigned)__builtin_ctz(shapes));
}

void index_find(const struct index *index, const struct world *w, index_fn *each, void *ctx)
{
	struct finder f = { index, w, each, ctx };
	const struct seat *a = &w->seats[CEDAR_VAR_ACTION];

	if (a->is_cut || w->seats[CEDAR_VAR_PRINCIPAL].is_cut ||
	    w->seats[CEDAR_VAR_RESOURCE].is_cut) {
		each(ctx, index->all, index->all_count);
		return;
	}
	find_group(&f, NULL);
	find_group(&f, a->uid);
	for (uint32_t i = 0; i < a->above_count; i++)
		find_group(&f, a->above[i]);
}
