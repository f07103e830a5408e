/* fields.h - a stranger's query or JSON body, read by the fields of its route.
 *
 * What comes out is typed, bounded, named by the table and flat (groups.0, tags.room); what
 * does not fit is refused with the member's name, the nearest name we know, and a sentence.
 * Bytes are decoded, PCR values are 32 raw bytes, lines are compact JSON.  Views live in mem
 * or in the input.
 */
#pragma once

#include "base/arena.h"
#include "control/walls.h"

enum {
	FIELDS_QUERY_MAX = 32, /* parameters in one query */
	FIELDS_MAX = 4096,     /* flat values of one body */
	FIELDS_BODY_MAX = 1 << 20,
};

bool fields_query(const struct route_field *fields, struct str query, struct arena *mem,
		  struct wall_values *out, struct err *e) must_check;
/* An empty body reads as {}. */
bool fields_body(const struct route_field *fields, struct bytes body, struct arena *mem,
		 struct wall_values *out, struct err *e) must_check;

/* The bytes of that field, empty when absent. */
struct bytes fields_bytes(const struct wall_values *values, const char *name);
