#include "base/cursor.h"

#include <string.h>

struct rd rd_of(struct bytes b)
{
	return (struct rd){ b.ptr, b.len, false };
}

void rd_fail(struct rd *r)
{
	*r = (struct rd){ .is_bad = true };
}

struct bytes rd_take(struct rd *r, size_t len)
{
	if (len > r->len) {
		rd_fail(r);
		return (struct bytes){ 0 };
	}
	struct bytes b = { r->ptr, len };
	if (len) {
		r->ptr += len;
		r->len -= len;
	}
	return b;
}

static uint64_t big(struct rd *r, size_t len)
{
	struct bytes b = rd_take(r, len);
	uint64_t v = 0;

	for (size_t i = 0; i < b.len; i++)
		v = v << 8 | b.ptr[i];
	return v;
}

static uint64_t little(struct rd *r, size_t len)
{
	struct bytes b = rd_take(r, len);
	uint64_t v = 0;

	for (size_t i = b.len; i > 0; i--)
		v = v << 8 | b.ptr[i - 1];
	return v;
}

uint8_t rd_u8(struct rd *r)
{
	return (uint8_t)big(r, 1);
}

uint16_t rd_u16(struct rd *r)
{
	return (uint16_t)big(r, 2);
}

uint32_t rd_u24(struct rd *r)
{
	return (uint32_t)big(r, 3);
}

uint32_t rd_u32(struct rd *r)
{
	return (uint32_t)big(r, 4);
}

uint64_t rd_u64(struct rd *r)
{
	return big(r, 8);
}

uint16_t rd_le16(struct rd *r)
{
	return (uint16_t)little(r, 2);
}

uint32_t rd_le32(struct rd *r)
{
	return (uint32_t)little(r, 4);
}

uint64_t rd_le64(struct rd *r)
{
	return little(r, 8);
}

struct bytes rd_bytes16(struct rd *r)
{
	return rd_take(r, rd_u16(r));
}

struct bytes rd_bytes32(struct rd *r)
{
	return rd_take(r, rd_u32(r));
}

struct str rd_str16(struct rd *r)
{
	return str_bytes(rd_bytes16(r));
}

struct str rd_str32(struct rd *r)
{
	return str_bytes(rd_bytes32(r));
}

struct bytes rd_rest(struct rd *r)
{
	return rd_take(r, r->len);
}

bool rd_ok(const struct rd *r)
{
	return !r->is_bad;
}

bool rd_end(const struct rd *r)
{
	return !r->is_bad && r->len == 0;
}

struct wr wr_of(void *ptr, size_t cap)
{
	return (struct wr){ ptr, cap, 0, false };
}

void wr_put(struct wr *w, struct bytes b)
{
	if (w->is_bad || b.len > w->cap - w->len) {
		w->is_bad = true;
		return;
	}
	if (b.len)
		memcpy(w->ptr + w->len, b.ptr, b.len);
	w->len += b.len;
}

static void put_big(struct wr *w, uint64_t v, size_t len)
{
	uint8_t raw[8];

	for (size_t i = 0; i < len; i++)
		raw[i] = (uint8_t)(v >> (8 * (len - 1 - i)));
	wr_put(w, (struct bytes){ raw, len });
}

void wr_u8(struct wr *w, uint8_t v)
{
	put_big(w, v, 1);
}

void wr_u16(struct wr *w, uint16_t v)
{
	put_big(w, v, 2);
}

void wr_u24(struct wr *w, uint32_t v)
{
	put_big(w, v, 3);
}

void wr_u32(struct wr *w, uint32_t v)
{
	put_big(w, v, 4);
}

void wr_u64(struct wr *w, uint64_t v)
{
	put_big(w, v, 8);
}

void wr_bytes16(struct wr *w, struct bytes b)
{
	if (b.len > UINT16_MAX)
		w->is_bad = true;
	wr_u16(w, (uint16_t)b.len);
	wr_put(w, b);
}

void wr_bytes32(struct wr *w, struct bytes b)
{
	if (b.len > UINT32_MAX)
		w->is_bad = true;
	wr_u32(w, (uint32_t)b.len);
	wr_put(w, b);
}

void wr_str16(struct wr *w, struct str s)
{
	wr_bytes16(w, bytes_str(s));
}

void wr_str32(struct wr *w, struct str s)
{
	wr_bytes32(w, bytes_str(s));
}

bool wr_ok(const struct wr *w)
{
	return !w->is_bad;
}

struct bytes wr_bytes(const struct wr *w)
{
	return (struct bytes){ w->ptr, w->len };
}
