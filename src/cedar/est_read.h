/* est_read.h - the state of the JSON policy reader, shared by the two files that make it up. */
#pragma once

#include "base/buf.h"
#include "cedar/data.h"
#include "cedar/est.h"

struct est_reader {
	struct cedar_reader data; /* names, mem; no schema */
	struct err *e;
};

const struct cedar_expr *est_expr(struct est_reader *r, const struct cedar_json *json);
/* The member "entity_type". */
bool est_type(struct est_reader *r, const struct cedar_json *json, uint32_t *out);
