/* events.h - what an agent's log can say; one table for all its rooms. */
#pragma once

#include "base/log.h"

extern const struct log_event agent_event_failed;
extern const struct log_event agent_event_enrolled;
extern const struct log_event agent_event_renewed;
extern const struct log_event agent_event_no_code;
extern const struct log_event agent_event_attested;
extern const struct log_event agent_event_not_attested;
extern const struct log_event agent_event_activated;
extern const struct log_event agent_event_workload;
extern const struct log_event agent_event_refused;
extern const struct log_event agent_event_unreachable;
extern const struct log_event agent_event_no_user;
