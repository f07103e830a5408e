#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *or_die(void *p)
{
	if (!p) {
		(void)fputs("level=error event=memory.gone\n", stderr);
		abort();
	}
	return p;
}

void *mem_new(size_t count, size_t size)
{
	return or_die(calloc(count ? count : 1, size ? size : 1));
}

void *mem_grow(void *old, size_t count, size_t size)
{
	return or_die(reallocarray(old, count ? count : 1, size ? size : 1));
}

void *mem_copy(const void *from, size_t len)
{
	void *p = mem_new(1, len);

	if (len)
		memcpy(p, from, len);
	return p;
}

char *mem_text(const char *from, size_t len)
{
	char *p = mem_new(1, len + 1);

	if (len)
		memcpy(p, from, len);
	return p;
}

void mem_wipe(void *ptr, size_t len)
{
	if (len)
		explicit_bzero(ptr, len);
}

void mem_free_at(void *ptr_to_ptr)
{
	void *p;

	memcpy(&p, ptr_to_ptr, sizeof(p));
	free(p);
}
