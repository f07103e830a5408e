/* cursor.h - reading and writing binary formats the way their tables are written.
 *
 * Both cursors are sticky: after the first overrun every read yields zero (every
 * write does nothing) and one rd_ok/rd_end/wr_ok at the end decides.  Numbers are
 * big-endian unless the name says le.  Views returned point into the input.
 */
#pragma once

#include "base/str.h"

struct rd {
	const uint8_t *ptr;
	size_t len;
	bool is_bad;
};

struct rd rd_of(struct bytes b);
uint8_t rd_u8(struct rd *r);
uint16_t rd_u16(struct rd *r);
uint32_t rd_u24(struct rd *r);
uint32_t rd_u32(struct rd *r);
uint64_t rd_u64(struct rd *r);
uint16_t rd_le16(struct rd *r);
uint32_t rd_le32(struct rd *r);
uint64_t rd_le64(struct rd *r);
struct bytes rd_take(struct rd *r, size_t len); /* empty when it is not all there */
struct bytes rd_bytes16(struct rd *r);          /* u16 length, then the bytes */
struct bytes rd_bytes32(struct rd *r);
struct str rd_str16(struct rd *r);
struct str rd_str32(struct rd *r);
struct bytes rd_rest(struct rd *r); /* all that is left */
void rd_fail(struct rd *r);         /* the caller found nonsense */
bool rd_ok(const struct rd *r);
bool rd_end(const struct rd *r); /* ok, and nothing is left */

struct wr {
	uint8_t *ptr;
	size_t cap, len;
	bool is_bad;
};

struct wr wr_of(void *ptr, size_t cap);
void wr_u8(struct wr *w, uint8_t v);
void wr_u16(struct wr *w, uint16_t v);
void wr_u24(struct wr *w, uint32_t v);
void wr_u32(struct wr *w, uint32_t v);
void wr_u64(struct wr *w, uint64_t v);
void wr_put(struct wr *w, struct bytes b);
void wr_bytes16(struct wr *w, struct bytes b); /* bad when longer than 65535 */
void wr_bytes32(struct wr *w, struct bytes b);
void wr_str16(struct wr *w, struct str s);
void wr_str32(struct wr *w, struct str s);
bool wr_ok(const struct wr *w);
struct bytes wr_bytes(const struct wr *w); /* what was written */
