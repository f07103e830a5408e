/* topic.h - which MQTT topics does a filter name, and is either one well formed?
 *
 * MQTT 5 section 4.7 and 4.8.2, the same rules in 3.1.1.  Topics are compared byte
 * by byte, level by level; an empty level is a level.  Views only, no memory, no
 * recursion: work is linear in the length of the texts.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

enum { TOPIC_LEVELS = 32 }; /* what a client may go down to (CASES M6) */

/* A topic to publish to: not empty, UTF-8, no control characters, no + or #. */
bool topic_name_ok(struct str name, struct err *e);
/* A filter to subscribe to, without its $share prefix: + and # alone in their
 * level, # in the last one. */
bool topic_filter_ok(struct str filter, struct err *e);

/* Takes "$share/group/filter" apart; *out_group is empty for an ordinary filter.
 * False when the group is empty or has a wildcard, or the filter is missing. */
bool topic_share(struct str text, struct str *out_group, struct str *out_filter, struct err *e);

/* Does the filter name this topic?  + and # at its first level never match a topic
 * that begins with '$' (MQTT 4.7.2). */
bool topic_matches(struct str filter, struct str name);
/* Is there any topic both filters name? */
bool topic_overlaps(struct str a, struct str b);
/* Does `outer` name every topic that `inner` names? */
bool topic_covers(struct str outer, struct str inner);
bool topic_has_wildcard(struct str filter);
/* At most TOPIC_LEVELS levels?  Well-formedness does not ask: a broker may hold deeper ones. */
bool topic_depth_ok(struct str text);

/* Walks levels: "a//b" is "a", "", "b".  Start with at = 0 and go on while it returns true. */
bool topic_next(struct str text, size_t *at, struct str *out_level);
