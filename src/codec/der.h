/* der.h - reading and writing DER (X.690) piece by piece.
 *
 * The reader is sticky, like base/cursor.h: after the first thing that is not as asked every
 * answer is empty, and one der_end decides.  It takes definite, shortest lengths and single
 * byte tags only, allocates nothing and never recurses.  Views point into the input.
 *
 *	struct der cert = der_of(bytes), tbs;
 *	der_enter(&cert, DER_SEQUENCE, &tbs); ... der_leave(&cert, &tbs);
 */
#pragma once

#include "base/buf.h"
#include "base/str.h"

enum der_tag {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_NULL = 0x05,
	DER_OID = 0x06,
	DER_UTF8 = 0x0c,
	DER_PRINTABLE = 0x13,
	DER_IA5 = 0x16,
	DER_UTC_TIME = 0x17,
	DER_GENERALIZED_TIME = 0x18,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
	DER_CONTEXT = 0x80,             /* [n] primitive: DER_CONTEXT | n */
	DER_CONTEXT_CONSTRUCTED = 0xa0, /* [n] constructed */
};

struct der {
	const uint8_t *ptr;
	size_t len;
	bool is_bad;
};

struct der der_of(struct bytes b);
bool der_is(const struct der *d, unsigned tag); /* is that the next one? */
bool der_more(const struct der *d);             /* ok, and something is left */
bool der_ok(const struct der *d);
bool der_end(const struct der *d); /* ok, and nothing is left */
void der_fail(struct der *d);

struct bytes der_take(struct der *d, unsigned tag);  /* the contents */
struct bytes der_whole(struct der *d, unsigned tag); /* tag and length too */
struct bytes der_any(struct der *d, unsigned *tag);  /* the next one whatever it is: contents */
bool der_skip(struct der *d, unsigned tag);          /* takes it if it is there: was it? */

void der_enter(struct der *d, unsigned tag, struct der *inside);
void der_leave(struct der *d, const struct der *inside); /* bad unless inside is at its end */

uint64_t der_uint(struct der *d);         /* INTEGER 0 .. 2^63-1 */
struct bytes der_big_uint(struct der *d); /* INTEGER >= 0, shortest form, without a leading 0 */
bool der_bool(struct der *d);             /* 0x00 or 0xff */
struct bytes der_bits(struct der *d);     /* BIT STRING of whole bytes */
bool der_oid(struct der *d, struct bytes oid); /* takes an OID; bad when it is another */
/* UTCTime or GeneralizedTime, seconds and Z as RFC 5280 4.1.2.5 wants: ms since 1970. */
int64_t der_time(struct der *d);

/* The writer: begin and end nest; what does not fit makes it bad. */
enum { DER_DEPTH = 16 };

struct derw {
	struct buf *out;
	size_t open[DER_DEPTH]; /* where contents begin */
	unsigned depth;
	bool is_bad;
};

void derw_init(struct derw *w, struct buf *out); /* appends */
void derw_begin(struct derw *w, unsigned tag);
void derw_begin_bits(struct derw *w); /* BIT STRING whose bytes are what follows */
void derw_end(struct derw *w);
void derw_put(struct derw *w, unsigned tag, struct bytes contents);
void derw_raw(struct derw *w, struct bytes der); /* already DER */
void derw_uint(struct derw *w, uint64_t v);
void derw_big_uint(struct derw *w, struct bytes v); /* big-endian */
void derw_bool(struct derw *w, bool v);
void derw_null(struct derw *w);
void derw_bits(struct derw *w, struct bytes whole_bytes);
void derw_oid(struct derw *w, struct bytes oid); /* its encoded contents */
void derw_time(struct derw *w, int64_t wall_ms); /* UTCTime before 2050, as RFC 5280 wants */
bool derw_ok(const struct derw *w);              /* everything closed, nothing lost */
