/* events.c - the rows of events.h. */
#include "control/front/events.h"

const struct log_event front_event_started = {
	"front.started", LOG_LEVEL_INFO, "A listener is open and its certificate is in force."
};
const struct log_event front_event_renewed = {
	"front.certificate-renewed", LOG_LEVEL_INFO,
	"The listeners have a new server certificate; open connections keep the old one."
};
const struct log_event front_event_failed = {
	"front.request-failed", LOG_LEVEL_ERROR,
	"A request failed through no fault of the caller, who was told only the reference."
};
const struct log_event front_event_slow = {
	"front.follower-dropped", LOG_LEVEL_WARNING,
	"A reader of the feed was too slow and was disconnected; it resumes where it was."
};
const struct log_event front_event_guessing = {
	"front.codes-refused", LOG_LEVEL_WARNING,
	"One source had too many enrolment codes refused and must wait."
};
const struct log_event front_event_stopped = {
	"front.stopped", LOG_LEVEL_ERROR,
	"The room ends; its parent starts it again unless core is gone too."
};
