/* refs.h - reference values: which are believed, and what they say of a model.
 *
 * A reference is one signed line (docs/protocols/feed.md, statement type REFS); its
 * signature is checked when it is added and again each time it is used, against the
 * release keys trusted at that moment.
 */
#pragma once

#include "control/core/core.h"
#include "model/attest.h"

bool refs_of(struct core *c, struct str model, struct arena *mem, struct attest_references *out,
	     struct err *e) must_check;

/* Reads and checks one line: ERR_DENIED when no trusted key signed it. */
bool refs_read(struct core *c, struct str line, struct arena *mem, struct store_reference *row,
	       struct attest_reference *out, struct err *e) must_check;
