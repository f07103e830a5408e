#include "control/core/events.h"

const struct log_event core_event_started = { "core.started", LOG_LEVEL_INFO,
					      "The database is open and the registry loaded." };
const struct log_event core_event_failed = { "core.failed", LOG_LEVEL_ERROR,
					     "A request could not be served; the fault is ours." };
const struct log_event core_event_stopped = { "core.stopped", LOG_LEVEL_ERROR,
					      "Core ends, and the daemon with it." };
const struct log_event core_event_enrolled = { "principal.enrolled", LOG_LEVEL_INFO,
					       "A principal got its first certificate by a code." };
const struct log_event core_event_grade = { "grade.changed", LOG_LEVEL_INFO,
					    "A principal's grade changed." };
const struct log_event core_event_verify = { "verify.silent", LOG_LEVEL_WARNING,
					     "The room that reads evidence gave no answer: the "
					     "device keeps its result until it runs out." };
const struct log_event core_event_gate = { "gate.dropped", LOG_LEVEL_WARNING,
					   "A gate's spool was full: decision records were lost." };
const struct log_event core_event_first_run = { "core.first-run", LOG_LEVEL_INFO,
						"A new database: user admin was made." };
