/* fuzz_walls.c - a room's message: first byte its number, then the body.  What decodes encodes
 * to the same bytes again. */
#include <assert.h>

#include "base/arena.h"
#include "control/walls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

union any {
	struct wall_api api;
	struct wall_evidence evidence;
	struct wall_report report;
	struct wall_public public;
	uint8_t room[1024];
};

/* Booleans are read as "is it 1", so that other values do not come back as they were. */
static bool is_faithful(enum wall_type type)
{
	return type != WALL_LINES && type != WALL_FACTS && type != WALL_CREDENTIAL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *mem = arena_new(1 << 20);
	union any message = { 0 };
	struct err e = { 0 };
	struct buf again;

	if (!size)
		return 0;
	struct bytes body = { data + 1, size - 1 };
	if (!walls_read((enum wall_type)data[0], body, mem, &message, &e))
		return 0;
	buf_init(&again, 1 << 21);
	assert(walls_write((enum wall_type)data[0], &message, &again, &e));
	assert(!is_faithful((enum wall_type)data[0]) || bytes_eq(buf_bytes(&again), body));
	buf_done(&again);
	return 0;
}
