/* events.h - what control-core says in the log: every event, once.  Printed by the manual. */
#pragma once

#include "base/log.h"

extern const struct log_event core_event_started;
extern const struct log_event core_event_failed;  /* a request failed, and it is our fault */
extern const struct log_event core_event_stopped; /* why this room ends */
extern const struct log_event core_event_enrolled;
extern const struct log_event core_event_grade;
extern const struct log_event core_event_verify; /* verify gave no answer */
extern const struct log_event core_event_gate;   /* a gate dropped records */
extern const struct log_event core_event_first_run;
