/* routes.c - the rows of the route table, their fields, and the search. */
#include "control/routes.h"

enum {
	ID_MAX = 63,
	TEXT_MAX = 256,
	KEY_MAX = 2048,       /* a public key, DER or TPM structure */
	POLICY_MAX = 1 << 18, /* one policy file */
};

#define END                                                                                        \
	{                                                                                          \
		.name = NULL                                                                       \
	}
#define PAGE                                                                                       \
	{ "limit", FIELD_NUMBER, false, 200, "How many at most; 50 when absent." },                \
	{                                                                                          \
		"cursor", FIELD_TEXT, false, TEXT_MAX,                                             \
			"Where to go on: `next` of the page before."                               \
	}

static const struct route_field fields_none[] = { END };
static const struct route_field fields_page[] = { PAGE, END };

static const struct route_field fields_tpm_register[] = {
	{ "ek_public", FIELD_BYTES, true, KEY_MAX, "TPM2B_PUBLIC of the endorsement key." },
	{ "ek_certificate", FIELD_BYTES, false, 8192, "Its certificate, DER; absent if none." },
	{ "ak_public", FIELD_BYTES, true, KEY_MAX, "TPM2B_PUBLIC of the attestation key." },
	END,
};

static const struct route_field fields_tpm_activate[] = {
	{ "id", FIELD_TEXT, true, ID_MAX, "The id that register answered." },
	{ "secret", FIELD_BYTES, true, 128, "What TPM2_ActivateCredential gave." },
	END,
};

static const struct route_field fields_evidence[] = {
	{ "id", FIELD_TEXT, true, ID_MAX, "The id that challenge answered." },
	{ "quote", FIELD_BYTES, true, 4096, "TPMS_ATTEST as signed." },
	{ "signature", FIELD_BYTES, true, 1024, "TPMT_SIGNATURE." },
	{ "pcrs", FIELD_PCRS, true, 24, "The quoted registers: index and SHA-256 value in hex." },
	{ "log", FIELD_BYTES, false, 512 * 1024,
	  "TCG event log; absent if the platform has none." },
	END,
};

static const struct route_field fields_workload[] = {
	{ "name", FIELD_TEXT, true, ID_MAX, "Name of the program, unique on its device." },
	{ "csr", FIELD_BYTES, true, 8192, "PKCS#10 request, DER: its public key and proof of it." },
	END,
};

static const struct route_field fields_feed_after[] = {
	{ "after", FIELD_NUMBER, false, INT64_MAX, "Last sequence number already seen." },
	END,
};

static const struct route_field fields_gate_report[] = {
	{ "acked", FIELD_NUMBER, true, INT64_MAX, "Last sequence number applied." },
	{ "dropped", FIELD_NUMBER, false, INT64_MAX, "Decisions the spool had to drop." },
	{ "counters", FIELD_PAIRS, false, 64, "Counters by name; values are decimal text." },
	{ "decisions", FIELD_LINES, false, 1000, "Decision records, oldest first." },
	END,
};

static const struct route_field fields_device_list[] = {
	{ "site", FIELD_TEXT, false, ID_MAX, "Only this site." },
	{ "model", FIELD_TEXT, false, ID_MAX, "Only this model." },
	{ "grade", FIELD_TEXT, false, ID_MAX, "Only this grade." },
	{ "status", FIELD_TEXT, false, ID_MAX, "Only pending, active or retired ones." },
	{ "group", FIELD_TEXT, false, ID_MAX, "Only members of this group." },
	PAGE,
	END,
};

static const struct route_field fields_device_create[] = {
	{ "id", FIELD_TEXT, true, ID_MAX, "Letters, digits, '.', '_' and '-'." },
	{ "site", FIELD_TEXT, true, ID_MAX, "The site it stands in." },
	{ "model", FIELD_TEXT, false, ID_MAX, "Model; reference values are looked up by it." },
	{ "groups", FIELD_TEXTS, false, 32, "Groups it belongs to." },
	{ "tags", FIELD_PAIRS, false, 32, "Free tags; policy can read them." },
	END,
};

static const struct route_field fields_reason[] = {
	{ "reason", FIELD_TEXT, false, TEXT_MAX, "Why, for the audit record." },
	END,
};

static const struct route_field fields_service_create[] = {
	{ "id", FIELD_TEXT, true, ID_MAX, "Letters, digits, '.', '_' and '-'." },
	{ "site", FIELD_TEXT, false, ID_MAX, "Its site; absent: all sites." },
	{ "groups", FIELD_TEXTS, false, 32, "Groups it belongs to." },
	END,
};

static const struct route_field fields_gate_create[] = {
	{ "id", FIELD_TEXT, true, ID_MAX, "Letters, digits, '.', '_' and '-'." },
	{ "site", FIELD_TEXT, true, ID_MAX, "The site it serves." },
	{ "names", FIELD_TEXTS, false, 8, "DNS names and addresses for its certificate." },
	END,
};

static const struct route_field fields_user_create[] = {
	{ "id", FIELD_TEXT, true, ID_MAX, "Letters, digits, '.', '_' and '-'." },
	{ "roles", FIELD_TEXTS, false, 32, "Roles granted." },
	END,
};

static const struct route_field fields_code_create[] = {
	{ "id", FIELD_TEXT, true, ID_MAX, "A registered device, service or gate." },
	{ "kind", FIELD_TEXT, false, ID_MAX, "device (when absent), service or gate." },
	{ "ttl_s", FIELD_NUMBER, false, 2592000, "Seconds it stays valid; one day when absent." },
	END,
};

static const struct route_field fields_policy[] = {
	{ "schema", FIELD_TEXT, true, POLICY_MAX, "Cedar schema, human-readable syntax." },
	{ "spaces", FIELD_TEXT, true, POLICY_MAX, "Topic spaces." },
	{ "policies", FIELD_FILES, true, 64, "Policy files." },
	END,
};

static const struct route_field fields_refs_list[] = {
	{ "model", FIELD_TEXT, false, ID_MAX, "Only this model." },
	PAGE,
	END,
};

static const struct route_field fields_refs_add[] = {
	{ "statement", FIELD_TEXT, true, 65536,
	  "One signed line, as `muster refs sign` writes it." },
	END,
};

static const struct route_field fields_release_key_add[] = {
	{ "name", FIELD_TEXT, true, ID_MAX, "What to call it." },
	{ "public", FIELD_BYTES, true, KEY_MAX, "The public key, SubjectPublicKeyInfo." },
	END,
};

static const struct route_field fields_decision_list[] = {
	{ "principal", FIELD_TEXT, false, 160, "Only this principal, such as device/pump-1." },
	{ "effect", FIELD_TEXT, false, 8, "Only allow or deny." },
	PAGE,
	END,
};

static const struct route_field fields_audit_list[] = {
	{ "after", FIELD_NUMBER, false, INT64_MAX, "Leaves from this index on." },
	{ "limit", FIELD_NUMBER, false, 1000, "How many at most; 200 when absent." },
	END,
};

static const struct route_field fields_certificate_list[] = {
	{ "principal", FIELD_TEXT, false, 160, "Only this principal's." },
	PAGE,
	END,
};

/* A right that everybody has is spelled "public"; none at all is a mistake. */
#define ROUTE_HAS_PERMISSION(id, m, p, at, who, permission, ...)                                   \
	_Static_assert(sizeof("" permission) > 1, "route " #id " has no permission");              \
	_Static_assert((at) != 0 && (who) != 0, "route " #id " is for nobody");
ROUTES(ROUTE_HAS_PERMISSION)

#define ROUTE_ROW(id, m, p, at, w, perm, handler, q, b, type, says)                                \
	[ROUTE_##id] = {                                                                           \
		.name = #id,                                                                       \
		.method = (m),                                                                     \
		.path = (p),                                                                       \
		.listeners = (at),                                                                 \
		.who = (w),                                                                        \
		.permission = (perm),                                                              \
		.summary = (says),                                                                 \
		.query = fields_##q,                                                               \
		.body = fields_##b,                                                                \
		.answer = (type),                                                                  \
	},

const struct route routes[ROUTES_COUNT] = { ROUTES(ROUTE_ROW) };

static bool is_param(struct str segment)
{
	return segment.len > 2 && segment.ptr[0] == '{';
}

/* Does the path fit the pattern, segment by segment?  Collects the {names}. */
static bool path_fits(struct str pattern, struct str path, struct route_match *out)
{
	bool more_want = true, more_got = true;

	out->param_count = 0;
	while (more_want && more_got) {
		struct str want, got;

		more_want = str_cut(pattern, '/', &want, &pattern);
		more_got = str_cut(path, '/', &got, &path);
		if (!is_param(want) && !str_eq(want, got))
			return false;
		if (!is_param(want))
			continue;
		if (!got.len || out->param_count == ROUTE_PARAMS)
			return false;
		out->param_names[out->param_count] = (struct str){ want.ptr + 1, want.len - 2 };
		out->params[out->param_count++] = got;
	}
	return more_want == more_got;
}

bool route_find(enum listener at, struct str method, struct str path, struct route_match *out)
{
	struct route_match found = { 0 };
	bool is_found = false;

	*out = (struct route_match){ 0 };
	for (size_t i = ROUTE_NONE + 1; i < ROUTES_COUNT; i++) {
		struct route_match m = { .id = (enum route_id)i };

		if (!(routes[i].listeners & (1u << at)) ||
		    !path_fits(str_of(routes[i].path), path, &m))
			continue;
		out->path_is_known = true;
		if (out->allow_count < countof(out->allow))
			out->allow[out->allow_count++] = str_of(routes[i].method);
		if (!is_found && str_eqz(method, routes[i].method)) {
			found = m;
			is_found = true;
		}
	}
	if (!is_found)
		return false;
	found.path_is_known = true;
	*out = found;
	return true;
}

const struct route_field *route_field_find(const struct route_field *fields, struct str name)
{
	for (; fields->name; fields++)
		if (str_eqz(name, fields->name))
			return fields;
	return NULL;
}
