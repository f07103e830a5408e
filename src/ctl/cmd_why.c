/* cmd_why.c - muster why: one decision as a page a person can act on; muster decisions list. */
#include "codec/json.h"
#include "ctl/say.h"

bool cmd_decisions_list(struct ctl *c, struct err *e)
{
	static const struct say_column columns[] = {
		{ "DECISION", "id", SAY_TEXT },     { "WHEN", "time", SAY_AGE },
		{ "EFFECT", "effect", SAY_TEXT },   { "PRINCIPAL", "principal", SAY_TEXT },
		{ "ACTION", "action", SAY_TEXT },   { "RESOURCE", "resource", SAY_TEXT },
		{ "BECAUSE", "because", SAY_TEXT }, { "TIMES", "count", SAY_NUMBER },
		{ NULL, NULL, SAY_TEXT },
	};
	static const char *const filters[] = { "principal", "effect", NULL };
	static const struct say_list list = { "/api/v1/decisions", columns, filters,
					      "No gate has reported any yet: muster gate list",
					      50 };

	return say_list(c, &list, e);
}

/* ---- which one ---- */

static const struct json *denial_of(const struct json *page, struct str principal)
{
	const struct json *items = json_member(page, "items");

	for (size_t i = 0; i < json_count(items); i++) {
		const struct json *one = json_item(items, i);
		struct str who = json_value_text(json_member(one, "principal"));

		if (str_eq(who, principal) ||
		    (str_starts(who, principal) && who.ptr[principal.len] == '/'))
			return one;
	}
	return NULL;
}

/* The newest denial of a device or of one of its programs. */
static bool find_denial(struct ctl *c, struct str principal, struct str *out, struct err *e)
{
	auto_json struct json *page = NULL;

	if (!api_list(c, STR("/api/v1/decisions?effect=deny"), 1000, &page, e))
		return false;
	const struct json *one = denial_of(page, principal);
	if (!one) {
		err_set(e, ERR_MISSING, STR_FMT " has been denied nothing lately",
			STR_ARG(principal));
		return err_hint(e, "muster device show or muster decisions list may say more");
	}
	*out = arena_dup(c->mem, json_value_text(json_member(one, "id")));
	return true;
}

static bool decision_id(struct ctl *c, struct str *out, struct err *e)
{
	struct str given = c->args[0];

	*out = given;
	if (str_starts(given, STR("d-")) && given.len == 22)
		return true;
	if (!str_has(given, '/'))
		given = arena_printf(c->mem, "device/" STR_FMT, STR_ARG(given));
	return find_denial(c, given, out, e);
}

/* ---- the page ---- */

static struct str text_of(const struct json *map, const char *member)
{
	return json_value_text(json_member(map, member));
}

static void show_head(struct ctl *c, const struct json *d)
{
	bool is_allowed = str_eqz(text_of(d, "effect"), "allow");
	int64_t count = json_value_int(json_member(d, "count"));

	print_toned(c, is_allowed ? TONE_GOOD : TONE_BAD,
		    is_allowed ? STR("ALLOWED  ") : STR("DENIED   "));
	print_toned(c, TONE_BOLD, text_of(d, "principal"));
	printf("  ");
	print_text(text_of(d, "action"));
	printf("  ");
	print_toned(c, TONE_BOLD, text_of(d, "resource"));
	printf("\n         ");
	print_text(say_member(c, d, "time", SAY_AGE));
	printf(" at gate ");
	print_text(text_of(d, "gate"));
	printf(", policy ");
	print_text(say_member(c, d, "policy_version", SAY_TEXT));
	if (count > 1)
		printf(", %lld times", (long long)count);
	printf("\n         ");
	print_toned(c, TONE_DIM, text_of(d, "id"));
	printf("\n\n");
}

static void show_cause(struct ctl *c, const struct json *d)
{
	printf("Because  ");
	print_text(text_of(d, "says"));
	printf("  ");
	print_toned(c, TONE_DIM, text_of(d, "because"));
	printf("\n");
	if (text_of(d, "space").len) {
		printf("Space    ");
		print_text(text_of(d, "space"));
		printf("\n");
	}
}

static void show_rules(struct ctl *c, const struct json *d)
{
	const struct json *all = json_member(d, "rules");
	bool is_near = str_eqz(text_of(d, "because"), "no-permit");

	if (is_near)
		printf("Rule     none: nothing that is in force grants this\n");
	else if (!json_count(all))
		printf("Rule     built in: this is decided before any policy is asked\n");
	for (size_t i = 0; i < json_count(all); i++) {
		const struct json *r = json_item(all, i);

		printf("%s", i ? "         " : is_near ? "Nearest  " : "Rule     ");
		print_text(text_of(r, "file"));
		printf(":%lld  ", (long long)json_value_int(json_member(r, "line")));
		print_text(json_value_bool(json_member(r, "forbid")) ? STR("forbid ")
								     : STR("permit "));
		print_toned(c, TONE_BOLD, text_of(r, "id"));
		if (text_of(r, "reason").len) {
			printf(": ");
			print_text(text_of(r, "reason"));
		}
		printf("\n");
	}
}

static void show_facts(struct ctl *c, const struct json *d)
{
	static const char *const heads[] = { "FACT", "VALUE", "EVIDENCE", "FROM" };
	const struct json *all = json_member(d, "facts");
	struct print_table t;

	if (!json_count(all))
		return;
	printf("\n");
	print_table_init(&t, c, heads, countof(heads));
	for (size_t i = 0; i < json_count(all); i++) {
		const struct json *f = json_item(all, i);
		struct str evidence = text_of(f, "evidence_id");
		const struct str cells[] = {
			text_of(f, "path"),
			text_of(f, "value"),
			evidence.len ? evidence : STR("registry"),
			say_member(c, f, "at", SAY_AGE),
		};
		print_table_add(&t, cells);
	}
	print_table_end(&t);
}

static void show_nearest(const struct ctl *c, const struct json *d)
{
	const struct json *all = json_member(d, "nearest");

	if (!json_count(all))
		return;
	printf("\n");
	print_toned(c, TONE_BOLD, STR("What would change it"));
	printf("\n");
	for (size_t i = 0; i < json_count(all); i++) {
		printf("  - ");
		print_text(json_value_text(json_item(all, i)));
		printf("\n");
	}
}

bool cmd_why(struct ctl *c, struct err *e)
{
	auto_json struct json *doc = NULL;
	struct str id;

	if (!decision_id(c, &id, e) ||
	    !say_get(c, api_path(c, "/api/v1/decisions", id, ""), &doc, e))
		return false;
	if (!doc)
		return true;
	show_head(c, doc);
	show_cause(c, doc);
	show_rules(c, doc);
	show_facts(c, doc);
	show_nearest(c, doc);
	return true;
}
