#include "model/policy.h"

static const char *const effects[] = {
	[POLICY_DENY] = "deny",
	[POLICY_ALLOW] = "allow",
	[POLICY_DEPENDS] = "depends",
};

/* The words of decision records, and a sentence each for a person. */
static const struct {
	const char *name, *text;
} causes[POLICY_CAUSES] = {
	[POLICY_NO_PERMIT] = { "no-permit", "no policy permits it" },
	[POLICY_PERMIT] = { "permit", "a policy permits it" },
	[POLICY_FORBID] = { "forbid", "a policy forbids it" },
	[POLICY_ERROR] = { "error", "a policy that may forbid it cannot be evaluated" },
	[POLICY_UNKNOWN] = { "unknown", "nobody of that name is registered and active" },
	[POLICY_GRADE] = { "grade", "its grade allows no more" },
	[POLICY_NO_SPACE] = { "no-space", "the topic is in no space" },
	[POLICY_DISAGREES] = { "disagrees",
			       "the topic names things that the registry does not put together" },
	[POLICY_STALE] = { "stale", "the gate has not heard from its control plane for too long" },
	[POLICY_TOO_WIDE] = { "too-wide", "only a part of these topics is granted" },
};

const char *policy_effect_name(enum policy_effect effect)
{
	return (unsigned)effect < countof(effects) ? effects[effect] : effects[POLICY_DENY];
}

const char *policy_cause_name(enum policy_cause cause)
{
	return (unsigned)cause < POLICY_CAUSES ? causes[cause].name : causes[POLICY_NO_PERMIT].name;
}

const char *policy_cause_text(enum policy_cause cause)
{
	return (unsigned)cause < POLICY_CAUSES ? causes[cause].text : causes[POLICY_NO_PERMIT].text;
}
