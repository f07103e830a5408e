/* names.h - one number per name: the interner every Cedar object of a world shares.
 *
 * Attribute names, tag keys, record keys and entity type names ("Ns::Type", fully
 * qualified) become numbers once, when text or JSON is read; after that they are
 * compared as numbers.  Policies, schema, entities and requests that meet in one
 * decision must use the same struct cedar_names.
 *
 * The interner owns the text.  It grows and never forgets, so strangers' names must
 * not be put in without a bound: a request whose keys are fixed uses _put at start,
 * anything else uses _find.  Zero is "no name".
 */
#pragma once

#include "base/str.h"

struct cedar_names;

enum { CEDAR_NAME_NONE = 0 };

struct cedar_names *cedar_names_new(void);
void cedar_names_free(struct cedar_names *names); /* NULL is fine */

uint32_t cedar_names_put(struct cedar_names *names, struct str text);        /* adds when new */
uint32_t cedar_names_find(const struct cedar_names *names, struct str text); /* 0: unknown */
struct str cedar_names_text(const struct cedar_names *names, uint32_t name); /* lives as names */
uint32_t cedar_names_count(const struct cedar_names *names);                 /* ids are 1..count */
