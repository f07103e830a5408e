#include "model/audit.h"

#include "codec/json.h"

static const struct {
	const char *name, *help;
} kinds[AUDIT_KINDS] = {
	[AUDIT_STARTED] = { "muster.started", "musterd started on this log." },
	[AUDIT_REGISTERED] = { "principal.registered", "An operator registered a principal." },
	[AUDIT_RETIRED] = { "principal.retired", "An operator retired a principal." },
	[AUDIT_CODE_MADE] = { "code.made", "An operator made a one-time enrolment code." },
	[AUDIT_ENROLLED] = { "principal.enrolled", "A one-time code became a certificate." },
	[AUDIT_RENEWED] = { "certificate.renewed", "A valid certificate became a newer one." },
	[AUDIT_WORKLOAD_ISSUED] = { "workload.issued", "A program on a device got a certificate." },
	[AUDIT_REVOKED] = { "certificate.revoked", "A certificate was revoked." },
	[AUDIT_TPM_REGISTERED] = { "tpm.registered", "A device named its TPM." },
	[AUDIT_TPM_ACTIVATED] = { "tpm.activated",
				  "A TPM proved that it holds the attestation key." },
	[AUDIT_ATTESTED] = { "device.attested",
			     "Evidence of a device's state changed its verdict." },
	[AUDIT_GRADE_CHANGED] = { "grade.changed", "A principal's grade changed." },
	[AUDIT_QUARANTINED] = { "principal.quarantined", "An operator holds a principal." },
	[AUDIT_RESTORED] = { "principal.restored", "An operator lifted a hold." },
	[AUDIT_POLICY_ACTIVATED] = { "policy.activated", "A policy set was put in force." },
	[AUDIT_REFERENCE_ADDED] = { "reference.added", "Signed reference values were accepted." },
	[AUDIT_RELEASE_KEY_TRUSTED] = { "release-key.trusted",
					"A release key is believed from now on." },
	[AUDIT_REFUSED] = { "request.refused", "A request was refused for lack of a right." },
};

static enum audit_kind known(enum audit_kind kind)
{
	return (unsigned)kind < AUDIT_KINDS ? kind : AUDIT_REFUSED;
}

const char *audit_kind_name(enum audit_kind kind)
{
	return kinds[known(kind)].name;
}

const char *audit_kind_help(enum audit_kind kind)
{
	return kinds[known(kind)].help;
}

static void member(struct jw *w, const char *name, struct str value)
{
	if (value.len)
		jw_kv_str(w, name, value);
}

bool audit_write(const struct audit_record *r, struct buf *out)
{
	auto_buf struct buf object = { 0 };
	struct jw w;

	buf_init(&object, out->max);
	jw_init(&w, &object, JW_COMPACT);
	jw_map(&w);
	jw_kv_text(&w, "kind", audit_kind_name(r->kind));
	jw_kv_str(&w, "by", r->by.len ? r->by : STR("muster"));
	member(&w, "what", r->what);
	member(&w, "why", r->why);
	member(&w, "before", r->before);
	member(&w, "after", r->after);
	member(&w, "detail", r->detail);
	jw_end(&w);
	if (!jw_ok(&w))
		return false;
	return buf_put(out, object.ptr + 1, object.len - 2); /* without the braces */
}
