/* commands.c - every command of `muster`, once.
 *
 * To add one: a row here, a function in cmd_<noun>.c.  Help, completion and muster(1) follow.
 */
#include "ctl/ctl.h"

#define END                                                                                        \
	{                                                                                          \
		.name = NULL                                                                       \
	}

static const struct ctl_option none[] = { END };
static const struct ctl_option reason[] = {
	{ "reason", "TEXT", CTL_ONCE, "Why; goes into the audit record." },
	END,
};
static const struct ctl_option page[] = {
	{ "limit", "N", CTL_ONCE, "How many at most; all pages when absent." },
	END,
};
static const struct ctl_option policy_check[] = {
	{ "schema", "FILE", CTL_REPEATED, "Cedar schema; JSON when it ends in .json." },
	END,
};
static const struct ctl_option policy_fmt[] = {
	{ "write", NULL, CTL_ONCE, "Write the files in place; else to standard output." },
	{ "check", NULL, CTL_ONCE, "Write nothing; fail when a file would change." },
	END,
};
static const struct ctl_option policy_ask[] = {
	{ "schema", "FILE", CTL_REPEATED, "Cedar schema; entities and request must conform." },
	{ "entities", "FILE", CTL_ONCE, "Entities, as Cedar's JSON." },
	{ "request", "FILE", CTL_ONCE, "JSON: principal, action, resource, context." },
	{ "principal", "UID", CTL_ONCE, "Device::\"pump-1\"; over what --request says." },
	{ "action", "UID", CTL_ONCE, "Action::\"publish\"." },
	{ "resource", "UID", CTL_ONCE, "Space::telemetry::\"plant/1\"." },
	{ "context", "FILE", CTL_ONCE, "Context, as Cedar's JSON." },
	END,
};
static const struct ctl_option device_add[] = {
	{ "site", "ID", CTL_ONCE, "The site it stands in.  Required." },
	{ "model", "ID", CTL_ONCE, "Model; reference values are looked up by it." },
	{ "group", "ID", CTL_REPEATED, "A group it belongs to." },
	{ "tag", "NAME=VALUE", CTL_REPEATED, "A tag that policy can read." },
	END,
};
static const struct ctl_option device_list[] = {
	{ "site", "ID", CTL_ONCE, "Only this site." },
	{ "model", "ID", CTL_ONCE, "Only this model." },
	{ "grade", "GRADE", CTL_ONCE, "Only this grade." },
	{ "status", "STATUS", CTL_ONCE, "Only pending, active or retired ones." },
	{ "group", "ID", CTL_ONCE, "Only members of this group." },
	{ "limit", "N", CTL_ONCE, "How many at most; all pages when absent." },
	END,
};
static const struct ctl_option service_add[] = {
	{ "site", "ID", CTL_ONCE, "Its site; absent: all sites." },
	{ "group", "ID", CTL_REPEATED, "A group it belongs to." },
	END,
};
static const struct ctl_option gate_add[] = {
	{ "site", "ID", CTL_ONCE, "The site it serves.  Required." },
	{ "name", "NAME", CTL_REPEATED, "A DNS name or address that devices call it by." },
	END,
};
static const struct ctl_option user_add[] = {
	{ "role", "ID", CTL_REPEATED, "A role to grant." },
	END,
};
static const struct ctl_option enrol_code[] = {
	{ "kind", "KIND", CTL_ONCE, "device (when absent), service or gate." },
	{ "ttl", "SECONDS", CTL_ONCE, "How long it is good; one day when absent." },
	END,
};
static const struct ctl_option refs_keygen[] = {
	{ "out", "FILE", CTL_ONCE, "Private key; the public one goes to FILE.pub.  Required." },
	END,
};
static const struct ctl_option refs_trust[] = {
	{ "name", "ID", CTL_ONCE, "What to call the key; the file's name when absent." },
	END,
};
static const struct ctl_option refs_sign[] = {
	{ "key", "FILE", CTL_ONCE, "The release key.  Required." },
	{ "model", "ID", CTL_ONCE, "Which model they are for.  Required." },
	{ "version", "N", CTL_ONCE, "Higher than any before for this model.  Required." },
	{ "pcr", "N=HEX", CTL_REPEATED, "A register and a SHA-256 value it may have.  Required." },
	{ "days", "N", CTL_ONCE, "How long they are good; 730 when absent." },
	{ "out", "FILE", CTL_ONCE, "Where to; standard output when absent." },
	END,
};
static const struct ctl_option refs_list[] = {
	{ "model", "ID", CTL_ONCE, "Only this model." },
	{ "limit", "N", CTL_ONCE, "How many at most; all pages when absent." },
	END,
};
static const struct ctl_option audit_export[] = {
	{ "out", "FILE", CTL_ONCE, "Where to; standard output when absent." },
	END,
};
static const struct ctl_option audit_verify[] = {
	{ "key", "VKEY", CTL_ONCE, "The log's public key, from a source you trust." },
	END,
};
static const struct ctl_option decisions_list[] = {
	{ "principal", "KIND/ID", CTL_ONCE, "Only this principal, such as device/pump-1." },
	{ "effect", "EFFECT", CTL_ONCE, "Only allow or deny." },
	{ "limit", "N", CTL_ONCE, "How many at most; 50 when absent." },
	END,
};
static const struct ctl_option certificate_list[] = {
	{ "principal", "KIND/ID", CTL_ONCE, "Only this principal's." },
	{ "limit", "N", CTL_ONCE, "How many at most; all pages when absent." },
	END,
};
static const struct ctl_option watch[] = {
	{ "after", "SEQ", CTL_ONCE, "Begin after this entry; from now on when absent." },
	{ "count", "N", CTL_ONCE, "End after so many entries." },
	END,
};

const struct ctl_option ctl_global_options[] = {
	{ "json", NULL, CTL_ONCE, "Print one JSON value for scripts." },
	{ "home", "DIR", CTL_ONCE,
	  "Your credential: cert.pem, key.pem, ca.pem, server.  Else MUSTER_HOME, else "
	  "~/.config/muster." },
	{ "server", "HOST:PORT", CTL_ONCE, "Another operators' listener than home's." },
	{ "help", NULL, CTL_ONCE, "What a command does." },
	END,
};

/* clang-format off */
const struct ctl_command ctl_commands[] = {
	{ "status", NULL, "", 0, 0, none, cmd_status,
	  "How Muster is: devices by grade, gates, the feed." },
	{ "why", NULL, "ID", 1, 1, none, cmd_why,
	  "Explain a decision, or the newest denial of a device: rule, facts, what would change it." },
	{ "watch", NULL, "", 0, 0, watch, cmd_watch,
	  "Follow changes as they happen, until Ctrl-C." },
	{ "device", "add", "ID", 1, 1, device_add, cmd_device_add,
	  "Register a device." },
	{ "device", "list", "", 0, 0, device_list, cmd_device_list,
	  "List devices with grade, risk and attestation." },
	{ "device", "show", "ID", 1, 1, none, cmd_device_show,
	  "Show one device: its trust profile and what contributed to it." },
	{ "device", "quarantine", "ID", 1, 1, reason, cmd_device_quarantine,
	  "Hold a device: isolated, sessions cut, until you restore it." },
	{ "device", "restore", "ID", 1, 1, reason, cmd_device_restore,
	  "Lift a hold; the grade follows from evidence again." },
	{ "device", "retire", "ID", 1, 1, none, cmd_device_retire,
	  "Take a device out of service for good." },
	{ "service", "add", "ID", 1, 1, service_add, cmd_service_add,
	  "Register a back-end application." },
	{ "service", "list", "", 0, 0, page, cmd_service_list,
	  "List services." },
	{ "service", "show", "ID", 1, 1, none, cmd_service_show,
	  "Show one service." },
	{ "service", "quarantine", "ID", 1, 1, reason, cmd_service_quarantine,
	  "Hold a service: isolated until you restore it." },
	{ "service", "restore", "ID", 1, 1, reason, cmd_service_restore,
	  "Lift a hold on a service." },
	{ "service", "retire", "ID", 1, 1, none, cmd_service_retire,
	  "Take a service out of service for good." },
	{ "gate", "add", "ID", 1, 1, gate_add, cmd_gate_add,
	  "Register a gate and the site it serves." },
	{ "gate", "list", "", 0, 0, page, cmd_gate_list,
	  "List gates and how far each has applied the feed." },
	{ "gate", "status", "ID", 1, 1, none, cmd_gate_status,
	  "Show one gate." },
	{ "gate", "retire", "ID", 1, 1, none, cmd_gate_retire,
	  "Take a gate out of service for good." },
	{ "user", "add", "ID", 1, 1, user_add, cmd_user_add,
	  "Register an operator." },
	{ "user", "list", "", 0, 0, page, cmd_user_list,
	  "List operators and their roles." },
	{ "user", "retire", "ID", 1, 1, none, cmd_user_retire,
	  "Refuse an operator from now on." },
	{ "enrol", "code", "ID", 1, 1, enrol_code, cmd_enrol_code,
	  "Make a one-time code with which a registered device enrols." },
	{ "certificate", "list", "", 0, 0, certificate_list, cmd_certificate_list,
	  "List certificates." },
	{ "certificate", "revoke", "SERIAL", 1, 1, reason, cmd_certificate_revoke,
	  "Revoke a certificate; gates cut its session." },
	{ "policy", "check", "FILE|FOLDER...", 1, CTL_ARGS_MAX, policy_check, cmd_policy_check,
	  "Check Cedar policies: their text, and under a schema what they mean.  A folder is "
	  "checked whole, with its *.cedarschema and *.spaces, as `put` would." },
	{ "policy", "fmt", "FILE...", 1, CTL_ARGS_MAX, policy_fmt, cmd_policy_fmt,
	  "Lay out Cedar policy files the one way." },
	{ "policy", "eval", "FILE...", 1, CTL_ARGS_MAX, policy_ask, cmd_policy_eval,
	  "Decide one request under Cedar policy files; exit code 3 is a denial." },
	{ "policy", "explain", "FILE...", 1, CTL_ARGS_MAX, policy_ask, cmd_policy_explain,
	  "The same, with the facts it rests on and what would change it." },
	{ "policy", "show", "[FILE]", 0, 1, none, cmd_policy_show,
	  "Show the policy set in force, or one file of it." },
	{ "policy", "put", "FOLDER", 1, 1, none, cmd_policy_put,
	  "Put the policy set of a folder in force; refused unless it validates." },
	{ "refs", "keygen", "", 0, 0, refs_keygen, cmd_refs_keygen,
	  "Make a release key.  Keep it off the server." },
	{ "refs", "trust", "FILE.pub", 1, 1, refs_trust, cmd_refs_trust,
	  "Have Muster believe reference values signed by this key." },
	{ "refs", "sign", "", 0, 0, refs_sign, cmd_refs_sign,
	  "Sign reference values, off the server." },
	{ "refs", "publish", "FILE", 1, 1, none, cmd_refs_publish,
	  "Give signed reference values to Muster." },
	{ "refs", "list", "", 0, 0, refs_list, cmd_refs_list,
	  "List reference values." },
	{ "decisions", "list", "", 0, 0, decisions_list, cmd_decisions_list,
	  "List decisions, newest first." },
	{ "audit", "export", "", 0, 0, audit_export, cmd_audit_export,
	  "Write the audit log to a file that verifies offline." },
	{ "audit", "verify", "FILE", 1, 1, audit_verify, cmd_audit_verify,
	  "Verify an exported audit log, offline; names the first bad record." },
	{ "audit", "checkpoint", "", 0, 0, none, cmd_audit_checkpoint,
	  "Print the newest signed checkpoint." },
	{ "version", NULL, "", 0, 0, none, cmd_version,
	  "Print the version." },
	{ "help", NULL, "[COMMAND...]", 0, 2, none, cmd_help,
	  "What a command does." },
};
/* clang-format on */

const size_t ctl_command_count = countof(ctl_commands);
