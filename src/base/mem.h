/* mem.h - heap memory for objects with one owner: it is there, or the role dies.
 *
 * What strangers cause is bounded by an arena or a buf and refused; what is left
 * is our own bookkeeping, and a process that cannot keep books restarts.
 */
#pragma once

#include "base/attrs.h"

void *mem_new(size_t count, size_t size);             /* zeroed; aborts when there is none */
void *mem_grow(void *old, size_t count, size_t size); /* new part not zeroed; aborts */
void *mem_copy(const void *from, size_t len);         /* aborts */
char *mem_text(const char *from, size_t len);         /* NUL-terminated copy; aborts */
void mem_wipe(void *ptr, size_t len);                 /* cannot be optimised away */
void mem_free_at(void *ptr_to_ptr);                   /* for auto_free */

/* A heap block freed when its scope ends:  auto_free char *text = mem_text(...); */
#define auto_free __attribute__((cleanup(mem_free_at)))
