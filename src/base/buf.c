#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void buf_init(struct buf *b, size_t max_bytes)
{
	*b = (struct buf){ .max = max_bytes };
}

void buf_done(struct buf *b)
{
	free(b->ptr);
	*b = (struct buf){ 0 };
}

void buf_wipe(struct buf *b)
{
	if (b->ptr)
		mem_wipe(b->ptr, b->cap);
	buf_done(b);
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->is_full = false;
}

uint8_t *buf_room(struct buf *b, size_t len)
{
	if (b->is_full || len > b->max - b->len) {
		b->is_full = true;
		return NULL;
	}
	if (b->cap - b->len < len || !b->ptr) {
		size_t cap = b->cap ? b->cap : 256;
		while (cap - b->len < len)
			cap *= 2;
		if (cap > b->max && b->max > 0)
			cap = b->max;
		b->ptr = mem_grow(b->ptr, cap, 1);
		b->cap = cap;
	}
	return b->ptr + b->len;
}

void buf_added(struct buf *b, size_t len)
{
	assert(len <= b->cap - b->len);
	b->len += len;
}

bool buf_put(struct buf *b, const void *ptr, size_t len)
{
	uint8_t *to = buf_room(b, len);

	if (!to)
		return false;
	if (len)
		memcpy(to, ptr, len);
	b->len += len;
	return true;
}

bool buf_puts(struct buf *b, struct str s)
{
	return buf_put(b, s.ptr, s.len);
}

bool buf_putc(struct buf *b, char c)
{
	return buf_put(b, &c, 1);
}

bool buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	char *to = len >= 0 ? (char *)buf_room(b, (size_t)len + 1) : NULL;
	if (!to)
		return false;
	va_start(ap, fmt);
	(void)vsnprintf(to, (size_t)len + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)len;
	return true;
}

void buf_drop(struct buf *b, size_t len)
{
	assert(len <= b->len);
	b->len -= len;
	if (b->len)
		memmove(b->ptr, b->ptr + len, b->len);
}

struct bytes buf_bytes(const struct buf *b)
{
	return (struct bytes){ b->ptr, b->len };
}

struct str buf_str(const struct buf *b)
{
	return (struct str){ (const char *)b->ptr, b->len };
}
