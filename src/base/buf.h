/* buf.h - bytes we own, growing up to a stated maximum.
 *
 * Writing past the maximum sets is_full and writes nothing more: a series of
 * puts needs one check at its end.
 */
#pragma once

#include "base/str.h"

struct buf {
	uint8_t *ptr;
	size_t len, cap;
	size_t max;   /* never grows past this; set by buf_init */
	bool is_full; /* something did not fit */
};

void buf_init(struct buf *b, size_t max_bytes);
void buf_done(struct buf *b);  /* frees; b may be used again after buf_init */
void buf_wipe(struct buf *b);  /* the same for a secret: nothing of it stays in memory */
void buf_clear(struct buf *b); /* empty, keeps memory and maximum */

bool buf_put(struct buf *b, const void *ptr, size_t len); /* false: did not fit */
bool buf_puts(struct buf *b, struct str s);
bool buf_putc(struct buf *b, char c);
bool buf_printf(struct buf *b, const char *fmt, ...) printf_like(2, 3);

/* Room for at least len bytes at the end, to be claimed by buf_added; NULL past the maximum. */
uint8_t *buf_room(struct buf *b, size_t len);
void buf_added(struct buf *b, size_t len);

void buf_drop(struct buf *b, size_t len); /* forget the first len bytes */

struct bytes buf_bytes(const struct buf *b);
struct str buf_str(const struct buf *b);

#define auto_buf    __attribute__((cleanup(buf_done)))
#define auto_secret __attribute__((cleanup(buf_wipe)))
