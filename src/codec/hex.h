/* hex.h - bytes as hexadecimal digits and back; lower case out, both cases in. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

int hex_digit(char c); /* 0 to 15; -1: none */
bool hex_read(struct str text, struct arena *mem, struct bytes *out, struct err *e) must_check;
/* Exactly len bytes, into the caller's array. */
bool hex_read_exact(struct str text, void *out, size_t len, struct err *e) must_check;
bool hex_write(struct buf *out, struct bytes data);
struct str hex_text(struct bytes data, struct arena *mem);
