/* folder.h - which files of a folder are policies, schema, spaces?
 *
 * A policy set is a folder: all its *.cedar, *.cedarschema and *.spaces, in the order of their
 * names.  What begins with a dot is not looked at.
 */
#pragma once

#include "ctl/ctl.h"

enum { FOLDER_FILES = 64 };

struct folder {
	struct str names[FOLDER_FILES]; /* without the folder; in ctl->mem */
	size_t count;
};

bool folder_is(struct ctl *c, struct str path); /* false for what is not there */
bool folder_list(struct ctl *c, struct str path, struct folder *out, struct err *e) must_check;
