/* follow.h - readers of the feed that never finish: gates, and operators' live views.
 *
 * A follower is an exchange with a cursor.  Everything it gets comes from core by FEED_AFTER,
 * a page at a time and only while there is room for it, so a slow reader costs one page and
 * a line that a reader may not see never reaches it.  A line that core has just committed is
 * only a hint to ask; freshness statements go out as they come, after what is older.
 */
#pragma once

#include "control/front/front.h"

struct followers;

struct followers *followers_new(struct front *f);
void followers_free(struct followers *all);

void followers_line(struct followers *all, const struct wall_feed_line *line);
/* That certificate, or all of that identity, is no longer good: its streams end. */
void followers_revoked(struct followers *all, const struct wall_revoked *who);
size_t followers_count(const struct followers *all);

/* One feed line as a server-sent event: id, event and data; false when it is no feed line.
 * A freshness statement becomes a comment, which keeps the connection alive. */
bool follow_event_write(struct bytes line, struct buf *out);
