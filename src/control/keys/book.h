/* book.h - what keys has signed: an append-only log, and the high-water marks in it.
 *
 * Every statement, checkpoint and certificate is written here and synced before the
 * signature leaves the process.  The marks are the log read again at start, so they can
 * never be older than what was released.  For each stream the next statement must be above
 * the mark and name it as its predecessor: no lower one (P2), no second one for the same
 * number (a fork).  The very same statement again is allowed: core asks for it after a crash.
 *
 * One line per signature, text:
 *	S <type> <stream> <seq> <prev> <digest hex>     statement
 *	K <size> <root hex>                             checkpoint
 *	C <serial hex> <uri> <not after ms>             certificate
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "crypto/merkle.h"
#include "crypto/statement.h"

struct book;

/* Reads the log and goes on writing to it.  A last line without its end is a write that power
 * cut short: it released nothing and is cut off.  Anything else that cannot be read is refused. */
struct book *book_open(const char *path, struct err *e) must_check;
void book_close(struct book *b); /* NULL is fine */

/* May it be signed?  Noted in memory and in the buffer, not yet on disk. */
bool book_statement(struct book *b, const struct statement *s, struct err *e) must_check;
bool book_checkpoint(struct book *b, uint64_t size, struct merkle_hash root,
		     struct err *e) must_check;
bool book_certificate(struct book *b, struct bytes serial, struct str uri, int64_t not_after_ms,
		      struct err *e) must_check;

/* All noted lines on disk.  When it fails nothing may be released: the process ends. */
bool book_sync(struct book *b, struct err *e) must_check;
