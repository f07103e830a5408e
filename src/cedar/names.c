/* names.c - the interner: a keyed map to numbers, and the texts in order. */
#include "cedar/names.h"

#include "base/map.h"
#include "base/mem.h"

struct cedar_names {
	struct map *ids;   /* text -> number as a pointer */
	struct str *texts; /* texts[id - 1] */
	uint32_t count, cap;
};

struct cedar_names *cedar_names_new(void)
{
	struct cedar_names *names = mem_new(1, sizeof(*names));

	names->ids = map_new();
	return names;
}

void cedar_names_free(struct cedar_names *names)
{
	if (!names)
		return;
	for (uint32_t i = 0; i < names->count; i++)
		free((void *)(uintptr_t)names->texts[i].ptr);
	map_free(names->ids);
	free(names->texts);
	free(names);
}

uint32_t cedar_names_find(const struct cedar_names *names, struct str text)
{
	return (uint32_t)(uintptr_t)map_get(names->ids, text);
}

uint32_t cedar_names_put(struct cedar_names *names, struct str text)
{
	uint32_t id = cedar_names_find(names, text);

	if (id)
		return id;
	if (names->count == names->cap) {
		names->cap = names->cap ? names->cap * 2 : 64;
		names->texts = mem_grow(names->texts, names->cap, sizeof(*names->texts));
	}
	names->texts[names->count] = (struct str){ mem_text(text.ptr, text.len), text.len };
	id = ++names->count;
	(void)map_put(names->ids, text, (void *)(uintptr_t)id);
	return id;
}

struct str cedar_names_text(const struct cedar_names *names, uint32_t name)
{
	if (name == CEDAR_NAME_NONE || name > names->count)
		return (struct str){ 0 };
	return names->texts[name - 1];
}

uint32_t cedar_names_count(const struct cedar_names *names)
{
	return names->count;
}
