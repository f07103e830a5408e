/* attrs.h - what every file may say about itself: attributes, sizes, poisoned calls. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h> /* these three declare what is poisoned below */
#include <stdlib.h>
#include <string.h>

#define printf_like(f, a) __attribute__((format(printf, f, a)))
#define must_check        __attribute__((warn_unused_result))
#define no_return         __attribute__((noreturn))
#define countof(a)        (sizeof(a) / sizeof((a)[0]))

/* Built with a sanitizer, whose shadow no limit of memory leaves room for. */
#if defined(__has_feature)
#define HAS_SANITIZER (__has_feature(address_sanitizer) || __has_feature(memory_sanitizer))
#elif defined(__SANITIZE_ADDRESS__)
#define HAS_SANITIZER 1
#else
#define HAS_SANITIZER 0
#endif

/* Calls that cannot be made safe.  Use str.h, buf.h and snprintf.  Under fortification some
 * are macros, and clang refuses to poison a macro. */
#undef strcpy
#undef strcat
#undef sprintf
#undef vsprintf
#undef strncpy
#pragma GCC poison strcpy strcat sprintf vsprintf strtok atoi atol gets strncpy
