/* fuzz_fields.c - first byte a route, then its query (0) or body (1): what a stranger may write.
 * What is let through is named by the table, is UTF-8 where it is text, and crosses the wall. */
#include <assert.h>

#include "base/arena.h"
#include "control/front/fields.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct route_field *fields, const struct wall_values *values)
{
	for (size_t i = 0; i < values->count; i++) {
		struct str head, rest;

		(void)str_cut(values->items[i].name, '.', &head, &rest);
		const struct route_field *f = route_field_find(fields, head);
		assert(f);
		assert(f->type == FIELD_BYTES || f->type == FIELD_PCRS ||
		       str_is_utf8(values->items[i].text));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *mem = arena_new(1 << 20);
	struct wall_values values = { 0 };
	struct err e = { 0 };

	if (size < 2 || data[0] == ROUTE_NONE || data[0] >= ROUTES_COUNT)
		return 0;
	const struct route *r = &routes[data[0]];
	struct bytes rest = { data + 2, size - 2 };
	if (data[1] % 2 == 0 && fields_query(r->query, str_bytes(rest), mem, &values, &e))
		check(r->query, &values);
	if (data[1] % 2 == 1 && fields_body(r->body, rest, mem, &values, &e))
		check(r->body, &values);
	return 0;
}
