/* space.h - which thing in the registry does this topic speak of?
 *
 * A topic space maps MQTT topics to entities of the policy language (DESIGN 4):
 *
 *	space telemetry mqtt "plant/{site:Site}/{device:Device}/telemetry/#" telemetry
 *	space commands  mqtt "plant/{site:Site}/{device:Device}/cmd/{verb}" filter acknowledge
 *
 * One line per space.  After the pattern come any of: `filter` (a subscription that
 * policy answers "depends" is granted and every delivery decided), `close` or
 * `acknowledge` (what a 3.1.1 client sees when a publish is refused), `telemetry`
 * (still decided when the gate's state is old), `alert` (a device of grade alert-only
 * may publish here) and `in PARENT` (once or more).  '#' begins a comment line.
 * Spaces are disjoint: a topic is in exactly one or in none.  Pure and immutable.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum { SPACE_PARAMS = 8, SPACE_LEVELS = 32, SPACES_MAX = 256 };

enum space_refusal { SPACE_CLOSE, SPACE_ACKNOWLEDGE };

struct space_param {
	struct str name; /* "device" */
	struct str type; /* "Device", "Site", ...; "String" when none is given */
};

struct space_level {
	enum { SPACE_LITERAL, SPACE_PARAM, SPACE_ANY, SPACE_REST } kind;
	struct str text; /* of a literal */
	size_t param;    /* index of a parameter */
};

struct space {
	struct str name, pattern;
	struct space_param params[SPACE_PARAMS];
	size_t param_count;
	struct space_level levels[SPACE_LEVELS];
	size_t level_count;
	struct str parents[SPACE_PARAMS]; /* names of parent groups of spaces */
	size_t parent_count;
	enum space_refusal refusal;
	bool filter, telemetry, alert;
	struct str as_filter; /* the pattern with + for its parameters */
	uint32_t line;        /* in the text it was read from */
	size_t index;         /* its place in the set */
};

struct spaces;

/* A topic or filter put into a space.  values[i] is the text of params[i]; in a filter
 * a wildcarded parameter is unknown (is_known false, value empty). */
struct space_binding {
	const struct space *space;
	struct str values[SPACE_PARAMS];
	bool is_known[SPACE_PARAMS];
	bool covers; /* filters: every topic the filter names lies in this space */
};

/* Reads a set; errors name file and line.  `file` is only quoted.  Overlapping spaces,
 * unknown words and double names are refused.  Everything lives in mem. */
bool spaces_read(struct str file, struct str text, struct arena *mem, const struct spaces **out,
		 struct err *e);
size_t spaces_count(const struct spaces *set);
const struct space *spaces_at(const struct spaces *set, size_t i);
const struct space *spaces_find(const struct spaces *set, struct str name);

/* The one space this topic is in; false when there is none. */
bool spaces_bind(const struct spaces *set, struct str topic, struct space_binding *out);

/* Every space the filter overlaps, up to max.  *out_whole says that each topic the filter
 * names lies in one of them (else the filter also reaches topics in no space). */
size_t spaces_overlap(const struct spaces *set, struct str filter, struct space_binding *out,
		      size_t max, bool *out_whole);

/* The Cedar schema of the spaces, in Cedar syntax: namespace Space with one entity type
 * each, and TopicSpace as the parents' type. */
bool spaces_schema(const struct spaces *set, struct buf *out);
