/* test_topic.c - what filters name, and which texts are topics at all (M3, M6). */
#include "test.h"

#include "codec/topic.h"

static const struct {
	const char *says, *filter, *name;
	bool want;
} matches[] = {
	{ "a topic names itself", "a/b", "a/b", true },
	{ "+ is exactly one level", "a/+", "a/b/c", false },
	{ "+ matches an empty level", "a/+", "a/", true },
	{ "# covers its parent", "a/#", "a", true },
	{ "# covers all below", "a/#", "a/b/c/d", true },
	{ "# does not cover a sibling", "a/#", "ab", false },
	{ "# at the front never names $", "#", "$SYS/x", false },
	{ "+ at the front never names $", "+/x", "$SYS/x", false },
	{ "a written $ does", "$SYS/#", "$SYS/x", true },
	{ "levels are compared whole", "a/b", "a/bc", false },
	{ "a longer filter does not match", "a/b/c", "a/b", false },
	{ "an empty first level is a level", "+/a", "/a", true },
};

static void a_filter_names_its_topics(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(matches); i++)
		check(topic_matches(str_of(matches[i].filter), str_of(matches[i].name)) ==
			      matches[i].want,
		      matches[i].says);
}

static const struct {
	const char *says, *a, *b;
	bool overlaps, covers;
} pairs[] = {
	{ "equal", "a/+", "a/+", true, true },
	{ "# over +", "a/#", "a/+/c", true, true },
	{ "plant/+ never covers plant/#", "plant/+", "plant/#", true, false },
	{ "wildcards that cross", "a/+/c", "a/b/+", true, false },
	{ "disjoint literals", "a/+/c", "a/b/d", false, false },
	{ "$ stays apart", "#", "$SYS/#", false, false },
	{ "# meets its parent", "a/#", "a", true, true },
};

static void filters_are_sets(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(pairs); i++) {
		struct str a = str_of(pairs[i].a), b = str_of(pairs[i].b);
		check(topic_overlaps(a, b) == pairs[i].overlaps, pairs[i].says);
		check(topic_overlaps(b, a) == pairs[i].overlaps, pairs[i].says);
		check(topic_covers(a, b) == pairs[i].covers, pairs[i].says);
	}
}

static const struct {
	const char *says;
	struct str text;
	bool name_ok, filter_ok;
} texts[] = {
	{ "an ordinary topic", STR_INIT("a/b"), true, true },
	{ "an empty topic (M3)", STR_INIT(""), false, false },
	{ "+ in a topic (M3)", STR_INIT("a/+"), false, true },
	{ "# in a topic (M3)", STR_INIT("a/#"), false, true },
	{ "# before the end", STR_INIT("a/#/b"), false, false },
	{ "+ inside a level", STR_INIT("a/b+"), false, false },
	{ "# inside a level", STR_INIT("a/b#"), false, false },
	{ "NUL (M3)", STR_INIT("a\0b"), false, false },
	{ "a surrogate (M3)", STR_INIT("a\xed\xa0\x80"), false, false },
	{ "a control character", STR_INIT("a\nb"), false, false },
	{ "a C1 control character", STR_INIT("a\xc2\x85"), false, false },
	{ "other scripts are fine", STR_INIT("\xd0\xb0/\xe4\xb8\xad"), true, true },
};

static void malformed_texts_are_refused_M3(void **state)
{
	struct err e;

	(void)state;
	for (size_t i = 0; i < countof(texts); i++) {
		check(topic_name_ok(texts[i].text, &e) == texts[i].name_ok, texts[i].says);
		check(topic_filter_ok(texts[i].text, &e) == texts[i].filter_ok, texts[i].says);
	}
}

static const struct {
	const char *says, *text, *group, *filter;
	bool want;
} shares[] = {
	{ "an ordinary filter has no group", "a/#", "", "a/#", true },
	{ "a group is taken off", "$share/g/a/#", "g", "a/#", true },
	{ "a filter after the group is needed", "$share/g", "", "", false },
	{ "an empty filter is none", "$share/g/", "", "", false },
	{ "an empty group is none", "$share//a", "", "", false },
	{ "a group has no wildcard", "$share/g+/a", "", "", false },
	{ "$shared is not $share", "$shared/g/a", "", "$shared/g/a", true },
};

static void a_share_is_taken_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(shares); i++) {
		struct str group, filter;
		struct err e;
		bool got = topic_share(str_of(shares[i].text), &group, &filter, &e);
		check(got == shares[i].want, shares[i].says);
		check(!got || (str_eqz(group, shares[i].group) &&
			       str_eqz(filter, shares[i].filter)),
		      shares[i].says);
	}
}

static void depth_is_capped_M6(void **state)
{
	char deep[65535];

	(void)state;
	memset(deep, '/', sizeof(deep));
	check(!topic_depth_ok((struct str){ deep, sizeof(deep) }), "65,536 levels are too deep");
	check(!topic_depth_ok((struct str){ deep, 32 }), "33 levels are too deep");
	check(topic_depth_ok((struct str){ deep, 31 }), "32 levels are fine");
	for (size_t i = 0; i < sizeof(deep); i += 2)
		deep[i] = '+';
	check(topic_overlaps((struct str){ deep, sizeof(deep) },
			     (struct str){ deep, sizeof(deep) }),
	      "a long filter is compared without recursion");
}

RUN_TESTS(cmocka_unit_test(a_filter_names_its_topics), cmocka_unit_test(filters_are_sets),
	  cmocka_unit_test(malformed_texts_are_refused_M3),
	  cmocka_unit_test(a_share_is_taken_apart), cmocka_unit_test(depth_is_capped_M6))
