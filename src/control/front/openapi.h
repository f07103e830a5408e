/* openapi.h - the route table as an OpenAPI 3.1 document, for whoever writes a client. */
#pragma once

#include "base/buf.h"

bool openapi_write(struct buf *out) must_check;
