/* cmd_status.c - muster status: the system on one screen. */
#include "codec/json.h"
#include "ctl/say.h"

static void show_members(struct ctl *c, const char *head, const struct json *map)
{
	const struct json *value;
	struct str name;

	if (!json_count(map))
		return;
	printf("\n");
	print_toned(c, TONE_BOLD, str_of(head));
	printf("\n");
	for (void *at = NULL; json_next(map, &at, &name, &value);) {
		printf("  ");
		print_toned(c, print_tone_of(name), name);
		for (size_t i = name.len; i < 16; i++)
			printf(" ");
		if (json_kind(value) == JSON_KIND_INT)
			printf("%lld", (long long)json_value_int(value));
		else
			print_text(json_value_text(value));
		printf("\n");
	}
}

bool cmd_status(struct ctl *c, struct err *e)
{
	auto_json struct json *doc = NULL;
	const struct json *value;
	struct str name;

	if (!say_get(c, STR("/api/v1/status"), &doc, e))
		return false;
	for (void *at = NULL; doc && json_next(doc, &at, &name, &value);)
		if (json_kind(value) != JSON_KIND_MAP && json_kind(value) != JSON_KIND_LIST)
			print_row(c, arena_dup(c->mem, name).ptr,
				  say_member(c, doc, arena_dup(c->mem, name).ptr, SAY_TEXT));
	for (void *at = NULL; doc && json_next(doc, &at, &name, &value);)
		if (json_kind(value) == JSON_KIND_MAP)
			show_members(c, arena_dup(c->mem, name).ptr, value);
	return true;
}
