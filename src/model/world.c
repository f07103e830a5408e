#include "model/world.h"

#include "base/map.h"
#include "base/mem.h"

/* Principals by "kind/id"; a list of the same in the order they changed, so that whoever
 * follows the world finds what is new from the newest back. */
struct world {
	struct map *by_name;
	struct world_entry *newest;
	uint64_t epoch;
	size_t count;
};

enum { PRINCIPAL_MAX = 1 << 18, KEY_MAX = 128 };

static struct str key_of(char room[KEY_MAX], struct str kind, struct str id)
{
	int len = snprintf(room, KEY_MAX, STR_FMT "/" STR_FMT, STR_ARG(kind), STR_ARG(id));

	return (struct str){ room, len > 0 && len < KEY_MAX ? (size_t)len : 0 };
}

struct world *world_new(void)
{
	struct world *w = mem_new(1, sizeof(*w));

	w->by_name = map_new();
	return w;
}

void world_free(struct world *w)
{
	if (!w)
		return;
	while (w->newest) {
		struct world_entry *en = w->newest;
		w->newest = en->older;
		arena_free(en->mem);
		free(en);
	}
	map_free(w->by_name);
	free(w);
}

static void unlink_entry(struct world *w, struct world_entry *en)
{
	if (en->newer)
		en->newer->older = en->older;
	else if (w->newest == en)
		w->newest = en->older;
	if (en->older)
		en->older->newer = en->newer;
}

static void make_newest(struct world *w, struct world_entry *en)
{
	unlink_entry(w, en);
	en->changed = ++w->epoch;
	en->newer = NULL;
	en->older = w->newest;
	if (w->newest)
		w->newest->newer = en;
	w->newest = en;
}

static struct world_entry *find(const struct world *w, struct str kind, struct str id)
{
	char room[KEY_MAX];

	return map_get(w->by_name, key_of(room, kind, id));
}

const struct world_entry *world_find(const struct world *w, struct str kind, struct str id)
{
	return find(w, kind, id);
}

void world_put(struct world *w, const struct principal *p)
{
	char room[KEY_MAX];
	struct str key = key_of(room, p->kind, p->id);
	struct arena *mem = arena_new(PRINCIPAL_MAX);
	struct world_entry *en = map_get(w->by_name, key);
	struct principal copy;

	if (key.len == 0 || !principal_copy(p, mem, &copy)) {
		/* What cannot be held is not known: that denies. */
		arena_free(mem);
		world_take(w, p->kind, p->id);
		return;
	}
	if (!en) {
		en = mem_new(1, sizeof(*en));
		en->is_gone = true;
		(void)map_put(w->by_name, key, en);
	}
	arena_free(en->mem);
	w->count += en->is_gone;
	en->mem = mem;
	en->p = copy;
	en->is_gone = false;
	make_newest(w, en);
}

void world_take(struct world *w, struct str kind, struct str id)
{
	struct world_entry *en = find(w, kind, id);

	if (!en || en->is_gone)
		return;
	en->is_gone = true;
	w->count--;
	make_newest(w, en);
}

const struct principal *world_get(const struct world *w, struct str kind, struct str id)
{
	const struct world_entry *en = find(w, kind, id);

	return en && !en->is_gone ? &en->p : NULL;
}

size_t world_count(const struct world *w)
{
	return w->count;
}

bool world_next(const struct world *w, size_t *at, const struct principal **out)
{
	struct str key;
	void *value;

	while (map_next(w->by_name, at, &key, &value)) {
		const struct world_entry *en = value;
		if (en->is_gone)
			continue;
		*out = &en->p;
		return true;
	}
	return false;
}

uint64_t world_epoch(const struct world *w)
{
	return w->epoch;
}

const struct world_entry *world_newest(const struct world *w)
{
	return w->newest;
}

const struct principal *world_principal(const struct world *w, struct str principal)
{
	struct str kind, rest, id, below;

	if (!str_cut(principal, '/', &kind, &rest))
		return NULL;
	(void)str_cut(rest, '/', &id, &below);
	return world_get(w, kind, id);
}
