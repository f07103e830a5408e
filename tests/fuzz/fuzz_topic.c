/* fuzz_topic.c - two filters, a NUL between them: covering and matching must agree. */
#include "codec/topic.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str a, b, group, filter;
	struct err e;

	(void)str_cut((struct str){ (const char *)data, size }, '\0', &a, &b);
	if (!topic_filter_ok(a, &e) || !topic_filter_ok(b, &e))
		return 0;
	(void)topic_share(a, &group, &filter, &e);
	assert(topic_overlaps(a, b) == topic_overlaps(b, a));
	if (topic_covers(a, b))
		assert(topic_overlaps(a, b) || topic_has_wildcard(b));
	if (topic_covers(a, b) && topic_covers(b, a) && topic_name_ok(a, &e))
		assert(str_eq(a, b) || topic_has_wildcard(b));
	if (topic_name_ok(b, &e))
		assert(topic_matches(a, b) == topic_covers(a, b));
	return 0;
}
