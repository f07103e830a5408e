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
	static const struct say_column lines[] = {
		{ "version", "version", SAY_TEXT },
		{ "domain", "domain", SAY_TEXT },
		{ "started", "started", SAY_AGE },
		{ "feed head", "head", SAY_NUMBER },
		{ "audit records", "audit_size", SAY_NUMBER },
		{ "of them sealed", "audit_sealed", SAY_NUMBER },
		{ NULL, NULL, SAY_TEXT },
	};
	auto_json struct json *doc = NULL;

	if (!say_get(c, STR("/api/v1/status"), &doc, e))
		return false;
	if (!doc)
		return true;
	for (const struct say_column *l = lines; l->head; l++)
		print_row(c, l->head, say_member(c, doc, l->member, l->form));
	show_members(c, "devices", json_member(doc, "devices"));
	show_members(c, "gates, and the entry each has applied", json_member(doc, "gates"));
	if (!json_count(json_member(doc, "gates")))
		print_note("\nNo gate yet: muster gate add ID --site SITE");
	return true;
}
