#include "codec/json.h"
#include "model/policy_set.h"

/* A fact before the schema says what it is in Cedar. */
struct raw {
	bool has;
	struct str text;
	int64_t num;
};

/* ---- principals ---- */

static const struct {
	const char *kind, *type, *group;
} kinds[] = {
	{ "device", "Device", "Group" }, { "service", "Service", "Group" },
	{ "gate", "Gate", NULL },        { "sensor", "Sensor", NULL },
	{ "user", "User", "Role" },
};

const char *policy_kind_type(struct str kind)
{
	for (size_t i = 0; i < countof(kinds); i++)
		if (str_eqz(kind, kinds[i].kind))
			return kinds[i].type;
	return NULL;
}

static struct raw text(struct str s)
{
	return (struct raw){ .has = true, .text = s };
}

static struct raw number(int64_t n)
{
	return (struct raw){ .has = true, .num = n };
}

static struct raw get_id(const struct policy_subject *s)
{
	return text(s->id);
}

static struct raw get_model(const struct policy_subject *s)
{
	return text(s->p->model);
}

static struct raw get_site(const struct policy_subject *s)
{
	return text(s->p->site);
}

static struct raw get_firmware(const struct policy_subject *s)
{
	return text(s->p->firmware);
}

static struct raw get_assurance(const struct policy_subject *s)
{
	return text(s->p->assurance.len > 0 ? s->p->assurance : STR("AL0"));
}

/* "AL1-V" is level 1. */
static struct raw get_level(const struct policy_subject *s)
{
	struct str a = s->p->assurance;
	bool ok = a.len >= 3 && a.ptr[2] >= '0' && a.ptr[2] <= '9';

	return number(ok ? a.ptr[2] - '0' : 0);
}

static struct raw get_attested(const struct policy_subject *s)
{
	return number(s->p->attested);
}

static struct raw get_attested_at(const struct policy_subject *s)
{
	return (struct raw){ .has = s->p->attested_at_ms > 0, .num = s->p->attested_at_ms };
}

static struct raw get_risk(const struct policy_subject *s)
{
	return number(s->p->risk);
}

static struct raw get_grade(const struct policy_subject *s)
{
	return text(str_of(grade_name(s->grade)));
}

static struct raw get_device(const struct policy_subject *s)
{
	return text(s->p->id);
}

/* A workload's key lies in a file, however good the device's TPM (DESIGN 4). */
static struct raw get_key_assurance(const struct policy_subject *s)
{
	return text(s->workload.len > 0 ? STR("AL1-S") : s->p->key_assurance);
}

static struct raw get_posture(const struct policy_subject *s)
{
	return text(s->p->posture);
}

/* Every attribute a schema may ask of a principal. */
static const struct {
	const char *name;
	struct raw (*get)(const struct policy_subject *s);
} attributes[] = {
	{ "id", get_id },
	{ "model", get_model },
	{ "site", get_site },
	{ "firmware", get_firmware },
	{ "assurance", get_assurance },
	{ "assuranceLevel", get_level },
	{ "attested", get_attested },
	{ "attestedAt", get_attested_at },
	{ "risk", get_risk },
	{ "grade", get_grade },
	{ "device", get_device },
	{ "keyAssurance", get_key_assurance },
	{ "posture", get_posture },
};

static const char *const principal_types[] = { "Device", "Workload", "Service",
					       "Gate",   "Sensor",   "User" };

static bool attribute_known(struct str name)
{
	for (size_t i = 0; i < countof(attributes); i++)
		if (str_eqz(name, attributes[i].name))
			return true;
	return false;
}

/* ---- raw facts into values ---- */

static bool is_extension(const struct schema_type *type, const char *name)
{
	return type->kind == SCHEMA_EXTENSION && str_eqz(type->name, name);
}

static void put(struct policy_record *r, uint32_t name, struct cedar_value v)
{
	if (r->count == POLICY_ATTRS || v.kind == CEDAR_NONE)
		return;
	r->names[r->count] = name;
	r->values[r->count++] = v;
}

static struct cedar_value value_of(struct policy_record *r, const struct schema_type *type,
				   struct raw raw)
{
	struct cedar_uid *uid = &r->uids[r->count < POLICY_ATTRS ? r->count : 0];

	switch (type->kind) {
	case SCHEMA_STRING:
		return cedar_string(raw.text);
	case SCHEMA_LONG:
		return cedar_long(raw.num);
	case SCHEMA_BOOL:
		return cedar_bool(raw.num != 0);
	case SCHEMA_ENTITY:
		*uid = cedar_uid_of(type->num, raw.text);
		return cedar_entity(uid);
	default:
		break;
	}
	if (is_extension(type, "datetime"))
		return (struct cedar_value){ .kind = CEDAR_DATETIME, .num = raw.num };
	if (is_extension(type, "ipaddr") && cedar_ip_parse(raw.text, &r->ip))
		return (struct cedar_value){ .kind = CEDAR_IP, .ip = &r->ip };
	return (struct cedar_value){ 0 };
}

static bool seal(struct policy_record *r)
{
	r->record = (struct cedar_record){ r->count, r->names, r->values };
	return cedar_record_sort(r->names, r->values, r->count);
}

/* ---- posture: a flat JSON object, by the schema's record ---- */

static struct cedar_value posture_value(const struct policy *p, const struct schema_type *type,
					const struct json *v)
{
	if (type->kind == SCHEMA_BOOL && json_kind(v) == JSON_KIND_BOOL)
		return cedar_bool(json_value_bool(v));
	if (type->kind == SCHEMA_LONG && json_kind(v) == JSON_KIND_INT)
		return cedar_long(json_value_int(v));
	if (type->kind == SCHEMA_STRING && json_kind(v) == JSON_KIND_TEXT) {
		struct str copy = arena_dup(p->view->work, json_value_text(v));
		return copy.ptr ? cedar_string(copy) : (struct cedar_value){ 0 };
	}
	return (struct cedar_value){ 0 };
}

/* What does not fit the schema is left out, and absence grants nothing. */
static struct cedar_value put_posture(const struct policy *p, const struct schema_type *type,
				      struct str json, struct policy_record *r)
{
	auto_json struct json *j = NULL;
	struct err ignored;
	uint32_t count = 0;

	if (json.len > 0 && !json_read(bytes_str(json), NULL, &j, &ignored))
		j = NULL;
	for (size_t i = 0; j && i < type->attr_count && count < POLICY_POSTURE; i++) {
		auto_buf struct buf name = { 0 };
		buf_init(&name, 256);
		(void)buf_puts(&name, type->attrs[i].name);
		(void)buf_putc(&name, '\0');
		struct cedar_value v = posture_value(p, type->attrs[i].type,
						     json_member(j, (const char *)name.ptr));
		if (v.kind == CEDAR_NONE)
			continue;
		r->posture_names[count] = type->attrs[i].num;
		r->posture_values[count++] = v;
	}
	(void)cedar_record_sort(r->posture_names, r->posture_values, count);
	r->posture = (struct cedar_record){ count, r->posture_names, r->posture_values };
	return (struct cedar_value){ .kind = CEDAR_RECORD, .record = &r->posture };
}

/* ---- entities ---- */

static void put_attr(const struct policy *p, const struct policy_subject *who,
		     const struct schema_attr *attr, struct policy_record *r)
{
	for (size_t i = 0; i < countof(attributes); i++) {
		if (!str_eqz(attr->name, attributes[i].name))
			continue;
		struct raw raw = attributes[i].get(who);
		if (raw.has && attr->type->kind == SCHEMA_RECORD)
			put(r, attr->num, put_posture(p, attr->type, raw.text, r));
		else if (raw.has)
			put(r, attr->num, value_of(r, attr->type, raw));
		return;
	}
}

bool policy_put_attrs(const struct policy *p, const struct policy_subject *who,
		      struct policy_record *r)
{
	const struct schema_entity *type = schema_entity_of(p->schema, who->type);

	r->count = 0;
	for (size_t i = 0; type && i < type->shape->attr_count; i++)
		put_attr(p, who, &type->shape->attrs[i], r);
	return type && seal(r);
}

struct parents {
	const struct policy *p;
	const struct schema_entity *of;
	struct cedar_uid *uids;
	const struct cedar_uid **ptrs;
	uint32_t count;
};

static void put_parent(struct parents *to, const char *type, struct str id)
{
	const struct schema_entity *above = schema_entity_find(to->p->schema, str_of(type));

	if (id.len == 0 || !above || to->count == POLICY_PARENTS ||
	    !schema_entity_is_below(to->of, above))
		return;
	to->uids[to->count] = cedar_uid_of(above->num, id);
	to->ptrs[to->count] = &to->uids[to->count];
	to->count++;
}

uint32_t policy_put_parents(const struct policy *p, const struct policy_subject *who,
			    struct cedar_uid *uids, const struct cedar_uid **ptrs)
{
	struct parents to = { p, schema_entity_of(p->schema, who->type), uids, ptrs, 0 };

	if (!to.of)
		return 0;
	if (who->workload.len > 0) {
		put_parent(&to, "Device", who->p->id);
		return to.count;
	}
	put_parent(&to, "Site", who->p->site);
	put_parent(&to, "Model", who->p->model);
	for (size_t k = 0; k < countof(kinds); k++)
		for (size_t i = 0; i < who->p->group_count; i++)
			if (kinds[k].group && str_eqz(who->p->kind, kinds[k].kind))
				put_parent(&to, kinds[k].group, who->p->groups[i]);
	return to.count;
}

/* ---- context ---- */

static const char *const ages[] = { "fresh", "stale", "old", "expired" };

static struct raw get_now(const struct policy_context *c)
{
	return number(c->now_ms);
}

static struct raw get_source(const struct policy_context *c)
{
	return (struct raw){ .has = c->source_ip.len > 0, .text = c->source_ip };
}

static struct raw get_gate(const struct policy_context *c)
{
	return text(c->gate);
}

static struct raw get_protocol(const struct policy_context *c)
{
	return text(c->protocol);
}

static struct raw get_age(const struct policy_context *c)
{
	return (struct raw){ .has = true, .text = str_of(ages[c->age & 3]), .num = c->age_ms };
}

static struct raw get_qos(const struct policy_context *c)
{
	return number(c->qos);
}

static struct raw get_retain(const struct policy_context *c)
{
	return number(c->retain);
}

static struct raw get_payload(const struct policy_context *c)
{
	return number(c->payload_bytes);
}

static struct raw get_share(const struct policy_context *c)
{
	return (struct raw){ .has = c->share_group.len > 0, .text = c->share_group };
}

static const struct {
	const char *name;
	struct raw (*get)(const struct policy_context *c);
} contexts[] = {
	{ "now", get_now },           { "sourceIp", get_source },      { "gate", get_gate },
	{ "protocol", get_protocol }, { "stateAge", get_age },         { "qos", get_qos },
	{ "retain", get_retain },     { "payloadBytes", get_payload }, { "shareGroup", get_share },
};

static bool context_known(struct str name)
{
	for (size_t i = 0; i < countof(contexts); i++)
		if (str_eqz(name, contexts[i].name))
			return true;
	return false;
}

bool policy_put_context(const struct policy *p, const struct schema_action *action,
			const struct policy_context *c, struct policy_record *r)
{
	(void)p;
	r->count = 0;
	for (size_t i = 0; i < action->context->attr_count; i++) {
		const struct schema_attr *attr = &action->context->attrs[i];
		for (size_t k = 0; k < countof(contexts); k++) {
			if (!str_eqz(attr->name, contexts[k].name))
				continue;
			struct raw raw = contexts[k].get(c);
			if (raw.has)
				put(r, attr->num, value_of(r, attr->type, raw));
		}
	}
	return seal(r);
}

/* ---- does the schema ask for what we do not have? ---- */

static bool record_known(const struct schema_type *record, bool (*known)(struct str),
			 struct str owner, struct err *e)
{
	for (size_t i = 0; i < record->attr_count; i++) {
		const struct schema_attr *a = &record->attrs[i];
		if (!a->is_optional && !known(a->name))
			return err_set(e, ERR_INPUT,
				       "schema: " STR_FMT " has '" STR_FMT
				       "', which Muster does not know",
				       STR_ARG(owner), STR_ARG(a->name));
	}
	return true;
}

bool policy_schema_known(const struct schema *s, struct err *e)
{
	for (size_t i = 0; i < countof(principal_types); i++) {
		const struct schema_entity *type =
			schema_entity_find(s, str_of(principal_types[i]));
		if (type && !record_known(type->shape, attribute_known, type->name, e))
			return false;
	}
	for (size_t i = 0; i < s->action_count; i++)
		if (!record_known(s->actions[i].context, context_known, s->actions[i].id, e))
			return false;
	return true;
}

/* ---- the picture of the world ---- */

static void put_entity(const struct policy *p, const struct principal *who, enum grade grade)
{
	const char *type = policy_kind_type(who->kind);
	struct policy_subject s = { .p = who, .id = who->id, .grade = grade };
	struct policy_record r;
	struct cedar_uid uids[POLICY_PARENTS];
	const struct cedar_uid *ptrs[POLICY_PARENTS];
	struct err ignored;

	if (!type)
		return;
	s.type = cedar_names_put(p->names, str_of(type));
	struct cedar_uid uid = cedar_uid_of(s.type, s.id);
	struct cedar_entity en = { .uid = &uid, .attrs = &r.record, .parents = ptrs };
	en.parent_count = policy_put_parents(p, &s, uids, ptrs);
	if (!policy_put_attrs(p, &s, &r) || !cedar_entities_put(p->view->store, &en, &ignored))
		(void)cedar_entities_remove(p->view->store, &uid); /* unknown is denied */
}

static void take_entity(const struct policy *p, const struct principal *who)
{
	const char *type = policy_kind_type(who->kind);

	if (!type)
		return;
	struct cedar_uid uid = cedar_uid_of(cedar_names_put(p->names, str_of(type)), who->id);
	(void)cedar_entities_remove(p->view->store, &uid);
}

/* Another world: nothing of the old one may remain. */
static void start_over(const struct policy *p)
{
	struct err ignored;

	cedar_entities_free(p->view->store);
	p->view->store = cedar_entities_new();
	(void)policy_put_actions(p, &ignored); /* they were put once */
}

void policy_view_follow(const struct policy *p, const struct world *w)
{
	struct policy_view *v = p->view;

	if (v->world == w && v->epoch == world_epoch(w))
		return;
	if (v->world && v->world != w)
		start_over(p);
	uint64_t seen = v->world == w ? v->epoch : 0;
	for (const struct world_entry *en = world_newest(w); en && en->changed > seen;
	     en = en->older) {
		arena_reset(v->work);
		if (en->is_gone)
			take_entity(p, &en->p);
		else
			put_entity(p, &en->p, en->p.grade);
	}
	v->world = w;
	v->epoch = world_epoch(w);
}

void policy_view_grade(const struct policy *p, const struct principal *who, int64_t judged_ms)
{
	const char *type = policy_kind_type(who->kind);

	if (!type)
		return;
	struct cedar_uid uid = cedar_uid_of(cedar_names_find(p->names, str_of(type)), who->id);
	uint32_t slot = cedar_entities_slot(p->view->store, &uid);
	if (slot == CEDAR_SLOT_NONE)
		return;
	struct cedar_value held =
		cedar_record_get(cedar_entities_attrs(p->view->store, slot), p->grade);
	enum grade now = principal_grade(who, judged_ms);
	if (held.kind == CEDAR_STRING && !str_eqz(cedar_value_text(held), grade_name(now)))
		put_entity(p, who, now);
}
