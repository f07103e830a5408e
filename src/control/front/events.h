/* events.h - what control-front says in the log: every event, once.  Printed by the manual. */
#pragma once

#include "base/log.h"

extern const struct log_event front_event_started;  /* listening */
extern const struct log_event front_event_renewed;  /* new server certificate */
extern const struct log_event front_event_failed;   /* a request failed, and it is our fault */
extern const struct log_event front_event_slow;     /* a follower was dropped */
extern const struct log_event front_event_guessing; /* too many refused codes from one source */
extern const struct log_event front_event_stopped;  /* why this room ends */
