#include "agent/events.h"

const struct log_event agent_event_failed = { "agent.failed", LOG_LEVEL_ERROR,
					      "A room of the agent cannot go on." };
const struct log_event agent_event_enrolled = {
	"agent.enrolled", LOG_LEVEL_INFO, "The first certificate is here and has been used."
};
const struct log_event agent_event_renewed = {
	"agent.renewed", LOG_LEVEL_INFO,
	"A new key and certificate have been used; the old ones are gone."
};
const struct log_event agent_event_no_code = {
	"agent.code-missing", LOG_LEVEL_ERROR,
	"There is neither a valid certificate nor a one-time code: ask an operator for one."
};
const struct log_event agent_event_attested = {
	"agent.attested", LOG_LEVEL_INFO, "musterd has judged this device's state; it says how."
};
const struct log_event agent_event_not_attested = {
	"agent.attest-failed", LOG_LEVEL_WARNING,
	"The state could not be proved this time; it is tried again."
};
const struct log_event agent_event_activated = {
	"agent.tpm-activated", LOG_LEVEL_INFO,
	"musterd knows that the attestation key lives in this TPM."
};
const struct log_event agent_event_workload = { "agent.workload-issued", LOG_LEVEL_INFO,
						"A local program has a fresh certificate." };
const struct log_event agent_event_refused = { "agent.refused", LOG_LEVEL_WARNING,
					       "musterd refused what was asked, and says why." };
const struct log_event agent_event_unreachable = {
	"agent.unreachable", LOG_LEVEL_WARNING, "musterd cannot be reached; it is tried again."
};
const struct log_event agent_event_no_user = {
	"agent.user-missing", LOG_LEVEL_WARNING,
	"There is no user muster-agent: the rooms run as the user who started them."
};
