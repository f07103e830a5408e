/* fuzz_spaces.c - text of topic spaces, then (after a NUL) a topic to put into them. */
#include "codec/topic.h"
#include "model/space.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *mem = arena_new(1 << 20);
	const struct spaces *set;
	struct space_binding b, many[SPACES_MAX];
	struct str text, topic;
	struct err e;
	bool whole;

	(void)str_cut((struct str){ (const char *)data, size }, '\0', &text, &topic);
	if (spaces_read(STR("fuzz"), text, mem, &set, &e)) {
		size_t count = spaces_overlap(set, topic, many, countof(many), &whole);
		if (spaces_bind(set, topic, &b))
			assert(count == 1 && many[0].space == b.space &&
			       topic_matches(b.space->as_filter, topic));
		else if (topic_name_ok(topic, &e) && topic_depth_ok(topic))
			assert(count == 0);
	}
	arena_free(mem);
	return 0;
}
