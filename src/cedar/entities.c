#include "cedar/entities.h"

#include "base/mem.h"
#include "cedar/ast.h"
#include "cedar/world.h"

enum { CHUNK = 512, ID_BLOCK = 16384, ALIGN = 8 };

/* Attributes and tags with all they hold, in one block. */
struct body {
	struct cedar_record attrs, tags;
	size_t size;
};

struct node {
	struct cedar_uid uid;
	struct body *body; /* NULL: vacant */
	uint32_t *parents; /* slots, then for each this node's position among its children */
	uint32_t *ancestors;
	uint32_t *children;
	uint32_t parent_count, ancestor_count, child_count, child_cap;
	uint32_t mark; /* of the walk that saw it last */
};

struct bucket {
	uint32_t hash, slot_plus_one; /* 0: free */
};

struct cedar_entities {
	struct node **chunks; /* nodes never move: values point to their uids */
	uint32_t slot_count;
	size_t present;
	struct bucket *buckets; /* open addressing, a power of two */
	uint32_t bucket_count;
	char **id_blocks; /* ids live as long as the store, as slots do */
	size_t id_block_count, id_left;
	uint32_t walk; /* number of the current walk */
	size_t bytes;
};

static struct node *node_at(const struct cedar_entities *store, uint32_t slot)
{
	return &store->chunks[slot / CHUNK][slot % CHUNK];
}

struct cedar_entities *cedar_entities_new(void)
{
	struct cedar_entities *store = mem_new(1, sizeof(*store));

	store->bucket_count = 64;
	store->buckets = mem_new(store->bucket_count, sizeof(*store->buckets));
	store->bytes = sizeof(*store) + store->bucket_count * sizeof(*store->buckets);
	return store;
}

void cedar_entities_free(struct cedar_entities *store)
{
	if (!store)
		return;
	for (uint32_t i = 0; i < store->slot_count; i++) {
		struct node *n = node_at(store, i);
		free(n->body);
		free(n->parents);
		free(n->ancestors);
		free(n->children);
	}
	for (uint32_t i = 0; i * CHUNK < store->slot_count; i++)
		free(store->chunks[i]);
	for (size_t i = 0; i < store->id_block_count; i++)
		free(store->id_blocks[i]);
	free(store->id_blocks);
	free(store->chunks);
	free(store->buckets);
	free(store);
}

/* --- uids and slots --- */

uint32_t cedar_entities_slot(const struct cedar_entities *store, const struct cedar_uid *uid)
{
	uint32_t mask = store->bucket_count - 1;

	for (uint32_t i = uid->hash & mask;; i = (i + 1) & mask) {
		const struct bucket *b = &store->buckets[i];
		if (!b->slot_plus_one)
			return CEDAR_SLOT_NONE;
		if (b->hash == uid->hash &&
		    uid_same(&node_at(store, b->slot_plus_one - 1)->uid, uid))
			return b->slot_plus_one - 1;
	}
}

void cedar_entities_prefetch(const struct cedar_entities *store, const struct cedar_uid *uid)
{
	__builtin_prefetch(&store->buckets[uid->hash & (store->bucket_count - 1)]);
}

static void bucket_fill(struct cedar_entities *store, uint32_t hash, uint32_t slot)
{
	uint32_t mask = store->bucket_count - 1, i = hash & mask;

	while (store->buckets[i].slot_plus_one)
		i = (i + 1) & mask;
	store->buckets[i] = (struct bucket){ hash, slot + 1 };
}

static void buckets_grow(struct cedar_entities *store)
{
	free(store->buckets);
	store->bytes += store->bucket_count * sizeof(*store->buckets);
	store->bucket_count *= 2;
	store->buckets = mem_new(store->bucket_count, sizeof(*store->buckets));
	for (uint32_t i = 0; i < store->slot_count; i++)
		bucket_fill(store, node_at(store, i)->uid.hash, i);
}

static struct str id_keep(struct cedar_entities *store, struct str id)
{
	if (id.len > store->id_left) {
		size_t size = id.len > ID_BLOCK ? id.len : ID_BLOCK;
		store->id_blocks = mem_grow(store->id_blocks, store->id_block_count + 1,
					    sizeof(*store->id_blocks));
		store->id_blocks[store->id_block_count++] = mem_new(size, 1);
		store->id_left = size;
		store->bytes += size + sizeof(*store->id_blocks);
	}
	if (!id.len)
		return STR("");
	/* Blocks are filled from their end: what is left says where. */
	store->id_left -= id.len;
	char *at = store->id_blocks[store->id_block_count - 1] + store->id_left;
	memcpy(at, id.ptr, id.len);
	return (struct str){ at, id.len };
}

uint32_t cedar_entities_reserve(struct cedar_entities *store, const struct cedar_uid *uid)
{
	uint32_t slot = cedar_entities_slot(store, uid);

	if (slot != CEDAR_SLOT_NONE)
		return slot;
	slot = store->slot_count;
	if (slot % CHUNK == 0) {
		store->chunks = mem_grow(store->chunks, slot / CHUNK + 1, sizeof(*store->chunks));
		store->chunks[slot / CHUNK] = mem_new(CHUNK, sizeof(struct node));
		store->bytes += sizeof(*store->chunks) + CHUNK * sizeof(struct node);
	}
	struct node *n = node_at(store, slot);
	n->uid = *uid;
	n->uid.id = id_keep(store, uid->id);
	store->slot_count++;
	if (store->slot_count > store->bucket_count / 2)
		buckets_grow(store);
	else
		bucket_fill(store, uid->hash, slot);
	return slot;
}

/* --- attributes and tags: measured, then copied into one block --- */

static size_t aligned(size_t size)
{
	return (size + ALIGN - 1) / ALIGN * ALIGN;
}

static bool record_size(const struct cedar_record *r, int depth, size_t *size);

static bool value_size(struct cedar_value v, int depth, size_t *size)
{
	if (depth > CEDAR_DEPTH_MAX)
		return false;
	switch (v.kind) {
	case CEDAR_STRING:
		*size += aligned(v.len);
		return true;
	case CEDAR_IP:
		*size += aligned(sizeof(*v.ip));
		return true;
	case CEDAR_RECORD:
		*size += sizeof(*v.record);
		return record_size(v.record, depth + 1, size);
	case CEDAR_SET:
		*size += sizeof(*v.set) + v.set->count * sizeof(v);
		for (uint32_t i = 0; i < v.set->count; i++)
			if (!value_size(v.set->items[i], depth + 1, size))
				return false;
		return true;
	default:
		return true;
	}
}

static bool record_size(const struct cedar_record *r, int depth, size_t *size)
{
	if (!r)
		return true;
	*size += aligned(r->count * sizeof(*r->names)) + r->count * sizeof(*r->values);
	for (uint32_t i = 0; i < r->count; i++)
		if (!value_size(r->values[i], depth, size))
			return false;
	return true;
}

struct bump {
	struct cedar_entities *store;
	char *at;
};

static void *bump_take(struct bump *b, size_t size)
{
	char *at = b->at;

	b->at += aligned(size);
	return at;
}

static void *bump_copy(struct bump *b, const void *from, size_t size)
{
	void *to = bump_take(b, size);

	if (size)
		memcpy(to, from, size);
	return to;
}

static struct cedar_record record_keep(struct bump *b, const struct cedar_record *from);

static struct cedar_value value_keep(struct bump *b, struct cedar_value v)
{
	if (v.kind == CEDAR_STRING) {
		v.text = bump_copy(b, v.text, v.len);
	} else if (v.kind == CEDAR_IP) {
		v.ip = bump_copy(b, v.ip, sizeof(*v.ip));
	} else if (v.kind == CEDAR_ENTITY) {
		v.uid = &node_at(b->store, cedar_entities_reserve(b->store, v.uid))->uid;
	} else if (v.kind == CEDAR_RECORD) {
		struct cedar_record *to = bump_take(b, sizeof(*to));
		*to = record_keep(b, v.record);
		v.record = to;
	} else if (v.kind == CEDAR_SET) {
		struct cedar_set *to = bump_take(b, sizeof(*to));
		struct cedar_value *items = bump_take(b, v.set->count * sizeof(v));
		for (uint32_t i = 0; i < v.set->count; i++)
			items[i] = value_keep(b, v.set->items[i]);
		*to = (struct cedar_set){ v.set->count, items };
		v.set = to;
	}
	return v;
}

static struct cedar_record record_keep(struct bump *b, const struct cedar_record *from)
{
	if (!from || !from->count)
		return (struct cedar_record){ 0 };
	/* Names and values side by side, what they point to behind: looking for one stays near. */
	struct cedar_value *values = bump_take(b, from->count * sizeof(*values));
	uint32_t *names = bump_copy(b, from->names, from->count * sizeof(*names));
	for (uint32_t i = 0; i < from->count; i++)
		values[i] = value_keep(b, from->values[i]);
	return (struct cedar_record){ from->count, names, values };
}

static bool body_make(struct cedar_entities *store, const struct cedar_entity *entity,
		      struct body **out, struct err *e)
{
	size_t size = sizeof(struct body);

	if (!record_size(entity->attrs, 1, &size) || !record_size(entity->tags, 1, &size))
		return err_set(e, ERR_INPUT, "entity '" STR_FMT "': a value is nested too deep",
			       STR_ARG(entity->uid->id));
	struct body *body = mem_new(1, size);
	struct bump b = { store, (char *)(body + 1) };
	body->attrs = record_keep(&b, entity->attrs);
	body->tags = record_keep(&b, entity->tags);
	body->size = size;
	*out = body;
	return true;
}

static void body_set(struct cedar_entities *store, struct node *n, struct body *body)
{
	store->present += (body != NULL);
	store->bytes += body ? body->size : 0;
	store->present -= (n->body != NULL);
	store->bytes -= n->body ? n->body->size : 0;
	free(n->body);
	n->body = body;
}

/* --- the hierarchy --- */

static bool slots_have(const uint32_t *slots, uint32_t count, uint32_t slot)
{
	uint32_t low = 0;

	while (count > 8) { /* ascending: halve until a glance is enough */
		uint32_t half = count / 2;
		low = slots[low + half] <= slot ? low + half : low;
		count -= half;
	}
	for (uint32_t i = low; i < low + count; i++)
		if (slots[i] == slot)
			return true;
	return false;
}

static bool is_above(const struct cedar_entities *store, uint32_t above, uint32_t slot)
{
	const struct node *n = node_at(store, slot);

	return slot == above || slots_have(n->ancestors, n->ancestor_count, above);
}

static void child_add(struct cedar_entities *store, uint32_t slot, uint32_t at)
{
	struct node *n = node_at(store, slot), *parent = node_at(store, n->parents[at]);

	if (parent->child_count == parent->child_cap) {
		uint32_t cap = parent->child_cap ? parent->child_cap * 2 : 4;
		parent->children = mem_grow(parent->children, cap, sizeof(uint32_t));
		store->bytes += (cap - parent->child_cap) * sizeof(uint32_t);
		parent->child_cap = cap;
	}
	n->parents[n->parent_count + at] = parent->child_count;
	parent->children[parent->child_count++] = slot;
}

/* The last child takes the place of the one that goes. */
static void child_drop(struct cedar_entities *store, uint32_t parent_slot, uint32_t position)
{
	struct node *parent = node_at(store, parent_slot);
	uint32_t last = parent->children[--parent->child_count];

	if (position == parent->child_count)
		return;
	parent->children[position] = last;
	struct node *moved = node_at(store, last);
	for (uint32_t i = 0; i < moved->parent_count; i++)
		if (moved->parents[i] == parent_slot)
			moved->parents[moved->parent_count + i] = position;
}

static void parents_clear(struct cedar_entities *store, struct node *n)
{
	for (uint32_t i = 0; i < n->parent_count; i++)
		child_drop(store, n->parents[i], n->parents[n->parent_count + i]);
	store->bytes -= n->parent_count * 2 * sizeof(uint32_t);
	free(n->parents);
	n->parents = NULL;
	n->parent_count = 0;
}

static void parents_set(struct cedar_entities *store, uint32_t slot, uint32_t *parents,
			uint32_t count)
{
	struct node *n = node_at(store, slot);

	parents_clear(store, n);
	n->parents = parents;
	n->parent_count = count;
	store->bytes += count * 2 * sizeof(uint32_t);
	for (uint32_t i = 0; i < count; i++)
		child_add(store, slot, i);
}

static int slot_cmp(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static uint32_t slots_sort(uint32_t *slots, uint32_t count)
{
	uint32_t kept = 0;

	if (count)
		qsort(slots, count, sizeof(*slots), slot_cmp);
	for (uint32_t i = 0; i < count; i++)
		if (!kept || slots[kept - 1] != slots[i])
			slots[kept++] = slots[i];
	return kept;
}

/* From the parents' lists, which must be right already. */
static void ancestors_make(struct cedar_entities *store, struct node *n)
{
	uint32_t count = n->parent_count;

	for (uint32_t i = 0; i < n->parent_count; i++)
		count += node_at(store, n->parents[i])->ancestor_count;
	store->bytes -= n->ancestor_count * sizeof(uint32_t);
	free(n->ancestors);
	n->ancestors = count ? mem_new(count, sizeof(uint32_t)) : NULL;
	n->ancestor_count = 0;
	for (uint32_t i = 0; i < n->parent_count; i++) {
		const struct node *p = node_at(store, n->parents[i]);
		/* There is a parent: count is not 0. NOLINTNEXTLINE(clang-analyzer-core*) */
		n->ancestors[n->ancestor_count++] = n->parents[i];
		for (uint32_t j = 0; j < p->ancestor_count; j++)
			n->ancestors[n->ancestor_count++] = p->ancestors[j];
	}
	n->ancestor_count = slots_sort(n->ancestors, n->ancestor_count);
	if (n->ancestor_count && n->ancestor_count < count)
		n->ancestors = mem_grow(n->ancestors, n->ancestor_count, sizeof(uint32_t));
	store->bytes += n->ancestor_count * sizeof(uint32_t);
}

struct walk_step {
	uint32_t slot, next_child;
};

struct order {
	uint32_t *slots, count, cap;
};

static void order_add(struct order *o, uint32_t slot)
{
	if (o->count == o->cap) {
		o->cap = o->cap ? o->cap * 2 : 16;
		o->slots = mem_grow(o->slots, o->cap, sizeof(*o->slots));
	}
	o->slots[o->count++] = slot;
}

/* Everyone below slot, each after all who are below it: backwards, parents come first. */
static struct order walk_below(struct cedar_entities *store, uint32_t slot)
{
	struct walk_step *stack = mem_new(1, sizeof(*stack));
	struct order order = { 0 };
	uint32_t depth = 1, cap = 1;

	store->walk++;
	stack[0] = (struct walk_step){ slot, 0 };
	node_at(store, slot)->mark = store->walk;
	while (depth) {
		struct walk_step *top = &stack[depth - 1];
		const struct node *n = node_at(store, top->slot);
		if (top->next_child == n->child_count) {
			order_add(&order, top->slot);
			depth--;
			continue;
		}
		uint32_t child = n->children[top->next_child++];
		if (node_at(store, child)->mark == store->walk)
			continue;
		node_at(store, child)->mark = store->walk;
		if (depth == cap) {
			cap *= 2;
			stack = mem_grow(stack, cap, sizeof(*stack));
		}
		stack[depth++] = (struct walk_step){ child, 0 };
	}
	free(stack);
	return order;
}

static void ancestors_refresh(struct cedar_entities *store, uint32_t slot)
{
	if (!node_at(store, slot)->child_count) {
		ancestors_make(store, node_at(store, slot));
		return;
	}
	struct order below = walk_below(store, slot);
	while (below.count)
		ancestors_make(store, node_at(store, below.slots[--below.count]));
	free(below.slots);
}

static bool parents_equal(const struct node *n, const uint32_t *parents, uint32_t count)
{
	return n->parent_count == count &&
	       (!count || memcmp(n->parents, parents, count * sizeof(*parents)) == 0);
}

bool cedar_entities_put(struct cedar_entities *store, const struct cedar_entity *entity,
			struct err *e)
{
	uint32_t slot = cedar_entities_reserve(store, entity->uid);
	uint32_t count = entity->parent_count;
	auto_free uint32_t *parents = mem_new(count ? count * 2 : 1, sizeof(*parents));

	for (uint32_t i = 0; i < count; i++) {
		parents[i] = cedar_entities_reserve(store, entity->parents[i]);
		if (is_above(store, slot, parents[i]))
			return err_set(e, ERR_INPUT,
				       "entity '" STR_FMT "' would be its own ancestor",
				       STR_ARG(entity->uid->id));
	}
	count = slots_sort(parents, count);
	struct body *body = NULL;
	if (!body_make(store, entity, &body, e))
		return false;
	struct node *n = node_at(store, slot);
	body_set(store, n, body);
	if (parents_equal(n, parents, count))
		return true;
	parents_set(store, slot, parents, count);
	parents = NULL;
	ancestors_refresh(store, slot);
	return true;
}

bool cedar_entities_remove(struct cedar_entities *store, const struct cedar_uid *uid)
{
	uint32_t slot = cedar_entities_slot(store, uid);

	if (slot == CEDAR_SLOT_NONE || !node_at(store, slot)->body)
		return false;
	struct node *n = node_at(store, slot);
	body_set(store, n, NULL);
	if (n->parent_count) {
		parents_clear(store, n);
		ancestors_refresh(store, slot);
	}
	return true;
}

/* --- reading --- */

size_t cedar_entities_count(const struct cedar_entities *store)
{
	return store->present;
}

uint32_t cedar_entities_slot_count(const struct cedar_entities *store)
{
	return store->slot_count;
}

size_t cedar_entities_bytes(const struct cedar_entities *store)
{
	return store->bytes;
}

const struct cedar_uid *cedar_entities_uid(const struct cedar_entities *store, uint32_t slot)
{
	return &node_at(store, slot)->uid;
}

bool cedar_entities_is_present(const struct cedar_entities *store, uint32_t slot)
{
	return node_at(store, slot)->body;
}

const struct cedar_record *cedar_entities_attrs(const struct cedar_entities *store, uint32_t slot)
{
	const struct node *n = node_at(store, slot);

	return n->body ? &n->body->attrs : NULL;
}

const struct cedar_record *cedar_entities_tags(const struct cedar_entities *store, uint32_t slot)
{
	const struct node *n = node_at(store, slot);

	return n->body ? &n->body->tags : NULL;
}

const uint32_t *cedar_entities_parents(const struct cedar_entities *store, uint32_t slot,
				       uint32_t *out_count)
{
	const struct node *n = node_at(store, slot);

	*out_count = n->parent_count;
	return n->parents;
}

const uint32_t *cedar_entities_ancestors(const struct cedar_entities *store, uint32_t slot,
					 uint32_t *out_count)
{
	const struct node *n = node_at(store, slot);

	*out_count = n->ancestor_count;
	return n->ancestors;
}

bool cedar_entities_in(const struct cedar_entities *store, uint32_t slot, uint32_t ancestor)
{
	return is_above(store, ancestor, slot);
}
