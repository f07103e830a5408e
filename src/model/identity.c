#include "model/identity.h"

static const char *const kinds[IDENTITY_KINDS] = {
	[IDENTITY_NONE] = "none",         [IDENTITY_DEVICE] = "device",
	[IDENTITY_WORKLOAD] = "workload", [IDENTITY_SERVICE] = "service",
	[IDENTITY_USER] = "user",         [IDENTITY_GATE] = "gate",
	[IDENTITY_SENSOR] = "sensor",     [IDENTITY_SERVER] = "server",
};

const char *identity_kind_name(enum identity_kind kind)
{
	return (unsigned)kind < IDENTITY_KINDS ? kinds[kind] : "none";
}

enum identity_kind identity_kind_of(struct str name)
{
	for (size_t i = 1; i < IDENTITY_KINDS; i++)
		if (str_eqz(name, kinds[i]))
			return (enum identity_kind)i;
	return IDENTITY_NONE;
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool identity_id_ok(struct str id)
{
	if (id.len < 1 || id.len > IDENTITY_ID_MAX || !is_alnum(id.ptr[0]))
		return false;
	for (size_t i = 0; i < id.len; i++)
		if (!is_alnum(id.ptr[i]) && id.ptr[i] != '.' && id.ptr[i] != '_' &&
		    id.ptr[i] != '-')
			return false;
	return true;
}

static bool label_ok(struct str label)
{
	if (label.len < 1 || label.len > 63 || label.ptr[0] == '-' ||
	    label.ptr[label.len - 1] == '-')
		return false;
	for (size_t i = 0; i < label.len; i++) {
		char c = label.ptr[i];
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
			return false;
	}
	return true;
}

bool identity_domain_ok(struct str domain)
{
	bool more = true;

	if (domain.len > 253)
		return false;
	while (more) {
		struct str label;
		more = str_cut(domain, '.', &label, &domain);
		if (!label_ok(label))
			return false;
	}
	return true;
}

/* "device/pump-1" or "device/pump-1/workload/telemetry": nothing more, nothing less. */
static bool read_path(struct str path, struct identity *out)
{
	struct str kind, id = { 0 }, word, name;
	bool has_more = str_cut(path, '/', &kind, &path) && str_cut(path, '/', &id, &path);

	out->kind = identity_kind_of(kind);
	if (out->kind == IDENTITY_NONE || out->kind == IDENTITY_WORKLOAD)
		return false;
	out->id = id;
	if (!identity_id_ok(id))
		return false;
	if (!has_more)
		return true;
	if (out->kind != IDENTITY_DEVICE || !str_cut(path, '/', &word, &name) ||
	    !str_eqz(word, "workload") || !identity_id_ok(name))
		return false;
	out->kind = IDENTITY_WORKLOAD;
	out->workload = name;
	return true;
}

static bool refuse(struct str text, struct identity *out, struct err *e)
{
	*out = (struct identity){ 0 };
	return err_set(e, ERR_INPUT, "'" STR_FMT "' is not the name of a principal", STR_ARG(text));
}

bool identity_read(struct str uri, struct identity *out, struct err *e)
{
	const struct str scheme = STR("spiffe://");
	struct str path;

	*out = (struct identity){ 0 };
	if (!str_starts(uri, scheme) ||
	    !str_cut(str_from(uri, scheme.len), '/', &out->domain, &path) ||
	    !identity_domain_ok(out->domain) || !read_path(path, out))
		return refuse(uri, out, e);
	return true;
}

bool identity_read_short(struct str text, struct identity *out, struct err *e)
{
	*out = (struct identity){ 0 };
	return read_path(text, out) || refuse(text, out, e);
}

bool identity_write_short(const struct identity *id, struct buf *out, struct err *e)
{
	bool is_workload = id->kind == IDENTITY_WORKLOAD;

	if (id->kind == IDENTITY_NONE || !identity_id_ok(id->id) ||
	    is_workload != identity_id_ok(id->workload))
		return err_set(e, ERR_INPUT, "'" STR_FMT "' is not a name", STR_ARG(id->id));
	buf_printf(out, "%s/" STR_FMT, is_workload ? "device" : kinds[id->kind], STR_ARG(id->id));
	if (is_workload)
		buf_printf(out, "/workload/" STR_FMT, STR_ARG(id->workload));
	return !out->is_full || err_set(e, ERR_INPUT, "name is too long");
}

bool identity_write(const struct identity *id, struct buf *out, struct err *e)
{
	if (!identity_domain_ok(id->domain))
		return err_set(e, ERR_INPUT, "'" STR_FMT "' is not a trust domain",
			       STR_ARG(id->domain));
	buf_printf(out, "spiffe://" STR_FMT "/", STR_ARG(id->domain));
	return identity_write_short(id, out, e);
}
