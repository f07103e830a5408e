/* data_read.c - values, entities and requests from JSON. */
#include "cedar/data.h"

#include "cedar/lex.h"
#include "cedar/parse.h"

static bool no_room(const struct cedar_json *json, struct err *e)
{
	return cedar_err_at(e, json->pos, "too large");
}

bool cedar_is_type_name(struct str name)
{
	for (;;) {
		size_t len = 0;
		while (len < name.len && name.ptr[len] != ':')
			len++;
		struct str part = str_head(name, len);
		if (!cedar_is_ident(part) || cedar_is_reserved(part))
			return false;
		if (len == name.len)
			return true;
		if (!str_starts(str_from(name, len), STR("::")))
			return false;
		name = str_from(name, len + 2);
	}
}

/* The one member of an escape; NULL when the map is no such escape.  Where the type is known to be
 * an entity or an extension value the escape may have other members beside it, as in Cedar. */
static const struct cedar_json *escape_of(const struct cedar_json *json, const char *name)
{
	return json->kind == CEDAR_JSON_MAP && json->count == 1 ? cedar_json_get(json, name) : NULL;
}

static bool is_type_and_id(const struct cedar_json *json)
{
	return cedar_json_is(cedar_json_get(json, "type"), CEDAR_JSON_TEXT) &&
	       cedar_json_is(cedar_json_get(json, "id"), CEDAR_JSON_TEXT);
}

static bool is_fn_and_args(const struct cedar_json *json)
{
	return cedar_json_is(cedar_json_get(json, "fn"), CEDAR_JSON_TEXT) &&
	       (cedar_json_get(json, "arg") ||
		cedar_json_is(cedar_json_get(json, "args"), CEDAR_JSON_LIST));
}

static bool read_type_and_id(const struct cedar_reader *r, const struct cedar_json *json,
			     const struct cedar_uid **out, struct err *e)
{
	const struct cedar_json *type = cedar_json_get(json, "type");

	if (!cedar_is_type_name(type->text))
		return cedar_err_at(e, type->pos, "'" STR_FMT "' is not an entity type",
				    STR_ARG(type->text));
	*out = cedar_uid_new(r->mem, cedar_names_put(r->names, type->text),
			     cedar_json_get(json, "id")->text);
	return *out || no_room(json, e);
}

bool cedar_uid_read(const struct cedar_reader *r, const struct cedar_json *json,
		    const struct cedar_uid **out, struct err *e)
{
	const struct cedar_json *inner = cedar_json_get(json, "__entity");

	if (is_type_and_id(inner))
		return read_type_and_id(r, inner, out, e);
	if (is_type_and_id(json))
		return read_type_and_id(r, json, out, e);
	return cedar_err_at(e, json->pos,
			    "expected an entity, {\"type\": ..., \"id\": ...}, found %s",
			    cedar_json_kind_name(json->kind));
}

static bool read_plain(const struct cedar_reader *r, const struct cedar_json *json,
		       struct cedar_value *out, struct err *e);

/* Calls an extension function on values: a constructor on a string, or a method. */
static bool call(const struct cedar_reader *r, const struct cedar_json *json, enum cedar_fn fn,
		 const struct cedar_value *args, uint32_t count, struct cedar_value *out,
		 struct err *e)
{
	const struct cedar_fn_info *info = &cedar_fns[fn];
	struct err why = { 0 };

	if (count != info->arity)
		return cedar_err_at(e, json->pos, "%s takes %u arguments, not %u", info->name,
				    info->arity, count);
	if (!info->is_method && args[0].kind != CEDAR_STRING)
		return cedar_err_at(e, json->pos, "%s: expected a string, found a %s", info->name,
				    cedar_kind_name(args[0].kind));
	if (info->is_method ? cedar_ext_call(fn, args, out, &why)
			    : cedar_ext_make(fn, cedar_value_text(args[0]), r->mem, out, &why))
		return true;
	return cedar_err_at(e, json->pos, "%s", why.text);
}

/* {"fn": .., "arg": ..} or {"fn": .., "args": [..]} */
static bool read_extn(const struct cedar_reader *r, const struct cedar_json *json,
		      struct cedar_value *out, struct err *e)
{
	const struct cedar_json *name = cedar_json_get(json, "fn");
	const struct cedar_json *one = cedar_json_get(json, "arg");
	const struct cedar_json *many = cedar_json_get(json, "args");
	enum cedar_fn fn = cedar_fn_find(name->text);
	struct cedar_value args[2] = { 0 };
	uint32_t count = one ? 1 : many->count;

	if (!fn)
		return cedar_err_at(e, name->pos, "there is no extension function '" STR_FMT "'",
				    STR_ARG(name->text));
	for (uint32_t i = 0; i < count && i < countof(args); i++)
		if (!read_plain(r, one ? one : &many->items[i], &args[i], e))
			return false;
	return call(r, json, fn, args, count, out, e);
}

static bool make_set(const struct cedar_reader *r, const struct cedar_json *json,
		     struct cedar_value *items, struct cedar_value *out, struct err *e)
{
	struct cedar_set *set = arena_alloc(r->mem, 1, sizeof(*set));

	if (!set)
		return no_room(json, e);
	*set = (struct cedar_set){ cedar_set_sort(items, json->count), items };
	*out = (struct cedar_value){ .kind = CEDAR_SET, .set = set };
	return true;
}

static bool read_set(const struct cedar_reader *r, const struct cedar_json *json,
		     const struct schema_type *element, struct cedar_value *out, struct err *e)
{
	struct cedar_value *items = arena_alloc(r->mem, json->count + 1u, sizeof(*items));

	if (!items)
		return no_room(json, e);
	for (uint32_t i = 0; i < json->count; i++)
		if (!cedar_value_read(r, &json->items[i], element, &items[i], e))
			return false;
	return make_set(r, json, items, out, e);
}

/* With a type: only what it declares, and all it requires. */
static bool check_attrs(const struct cedar_json *json, const struct schema_type *type,
			struct err *e)
{
	for (uint32_t i = 0; i < json->count; i++)
		if (!schema_attr_find(type, json->keys[i])) {
			struct str near = schema_attr_nearest(type, json->keys[i]);
			(void)cedar_err_at(e, json->items[i].pos,
					   "the schema declares no attribute '" STR_FMT "' here",
					   STR_ARG(json->keys[i]));
			if (near.len)
				(void)err_hint(e, "did you mean '" STR_FMT "'?", STR_ARG(near));
			return false;
		}
	for (size_t i = 0; i < type->attr_count; i++) {
		const struct schema_attr *attr = &type->attrs[i];
		bool is_there = false;
		for (uint32_t k = 0; !attr->is_optional && !is_there && k < json->count; k++)
			is_there = str_eq(json->keys[k], attr->name);
		if (!attr->is_optional && !is_there)
			return cedar_err_at(e, json->pos, "attribute '" STR_FMT "' is missing",
					    STR_ARG(attr->name));
	}
	return true;
}

/* The members of a map as a record; types by name from `type`, one for all from `each`. */
static bool read_fields(const struct cedar_reader *r, const struct cedar_json *json,
			const struct schema_type *type, const struct schema_type *each,
			const struct cedar_record **out, struct err *e)
{
	struct cedar_record *record = arena_alloc(r->mem, 1, sizeof(*record));
	uint32_t *names = arena_alloc(r->mem, json->count + 1u, sizeof(*names));
	struct cedar_value *values = arena_alloc(r->mem, json->count + 1u, sizeof(*values));

	if (!record || !names || !values)
		return no_room(json, e);
	for (uint32_t i = 0; i < json->count; i++) {
		const struct schema_attr *attr =
			type ? schema_attr_find(type, json->keys[i]) : NULL;
		names[i] = cedar_names_put(r->names, json->keys[i]);
		if (!cedar_value_read(r, &json->items[i], attr ? attr->type : each, &values[i], e))
			return err_in(e, "'" STR_FMT "'", STR_ARG(json->keys[i]));
	}
	(void)cedar_record_sort(names, values, json->count); /* keys of a map all differ */
	*record = (struct cedar_record){ json->count, names, values };
	*out = record;
	return true;
}

static bool read_record(const struct cedar_reader *r, const struct cedar_json *json,
			const struct schema_type *type, struct cedar_value *out, struct err *e)
{
	*out = (struct cedar_value){ .kind = CEDAR_RECORD };
	if (type && !check_attrs(json, type, e))
		return false;
	return read_fields(r, json, type, NULL, &out->record, e);
}

static bool read_map(const struct cedar_reader *r, const struct cedar_json *json,
		     struct cedar_value *out, struct err *e)
{
	const struct cedar_json *entity = escape_of(json, "__entity");
	const struct cedar_json *extn = escape_of(json, "__extn");

	if (cedar_json_is(escape_of(json, "__expr"), CEDAR_JSON_TEXT))
		return cedar_err_at(e, json->pos, "the __expr escape is no longer part of Cedar");
	if (entity && is_type_and_id(entity)) {
		out->kind = CEDAR_ENTITY;
		return read_type_and_id(r, entity, &out->uid, e);
	}
	if (extn && is_fn_and_args(extn))
		return read_extn(r, extn, out, e);
	return read_record(r, json, NULL, out, e);
}

/* What a value says by itself. */
static bool read_plain(const struct cedar_reader *r, const struct cedar_json *json,
		       struct cedar_value *out, struct err *e)
{
	switch (json->kind) {
	case CEDAR_JSON_BOOL:
		*out = cedar_bool(json->num);
		return true;
	case CEDAR_JSON_INT:
		*out = cedar_long(json->num);
		return true;
	case CEDAR_JSON_TEXT:
		*out = cedar_string(json->text);
		return true;
	case CEDAR_JSON_LIST:
		return read_set(r, json, NULL, out, e);
	case CEDAR_JSON_MAP:
		return read_map(r, json, out, e);
	default:
		return cedar_err_at(e, json->pos, "%s is not a Cedar value",
				    cedar_json_kind_name(json->kind));
	}
}

static bool read_typed_entity(const struct cedar_reader *r, const struct cedar_json *json,
			      struct cedar_value *out, struct err *e)
{
	*out = (struct cedar_value){ .kind = CEDAR_ENTITY };
	return cedar_uid_read(r, json, &out->uid, e);
}

static enum cedar_fn maker_of(struct str type)
{
	for (enum cedar_fn fn = CEDAR_FN_IP; fn <= CEDAR_FN_DURATION; fn++)
		if (str_eqz(type, cedar_kind_name(cedar_fns[fn].result)))
			return fn;
	return CEDAR_FN_NONE;
}

/* {"__extn": {"fn", "arg"}}, {"fn", "arg"}, or the argument of the one constructor alone. */
static bool read_typed_extn(const struct cedar_reader *r, const struct cedar_json *json,
			    const struct schema_type *type, struct cedar_value *out, struct err *e)
{
	const struct cedar_json *inner = cedar_json_get(json, "__extn");
	struct cedar_value arg = { 0 };

	if (is_fn_and_args(inner))
		return read_extn(r, inner, out, e);
	if (is_fn_and_args(json))
		return read_extn(r, json, out, e);
	return read_plain(r, json, &arg, e) && call(r, json, maker_of(type->name), &arg, 1, out, e);
}

bool cedar_value_read(const struct cedar_reader *r, const struct cedar_json *json,
		      const struct schema_type *type, struct cedar_value *out, struct err *e)
{
	enum schema_kind kind = type ? type->kind : SCHEMA_NEVER;

	*out = (struct cedar_value){ 0 };
	if (kind == SCHEMA_ENTITY)
		return read_typed_entity(r, json, out, e);
	if (kind == SCHEMA_EXTENSION)
		return read_typed_extn(r, json, type, out, e);
	if (kind == SCHEMA_SET)
		return cedar_json_want(json, CEDAR_JSON_LIST, "a set", e) &&
		       read_set(r, json, type->element, out, e);
	if (kind == SCHEMA_RECORD)
		return cedar_json_want(json, CEDAR_JSON_MAP, "a record", e) &&
		       read_record(r, json, type, out, e);
	return read_plain(r, json, out, e);
}

bool cedar_context_read(const struct cedar_reader *r, const struct cedar_json *json,
			const struct cedar_uid *action, const struct cedar_record **out,
			struct err *e)
{
	const struct schema_type *type = NULL;
	struct cedar_value value;

	if (r->schema && action) {
		const struct schema_action *known =
			schema_action_of(r->schema, action->type, action->id);
		if (!known)
			return cedar_err_at(e, json->pos,
					    "the schema has no action " STR_FMT "::'" STR_FMT "'",
					    STR_ARG(cedar_names_text(r->names, action->type)),
					    STR_ARG(action->id));
		type = known->context;
	}
	if (!cedar_value_read(r, json, type, &value, e))
		return err_in(e, "context");
	if (value.kind != CEDAR_RECORD)
		return cedar_err_at(e, json->pos, "context: expected a record, found a %s",
				    cedar_kind_name(value.kind));
	*out = value.record;
	return true;
}

/* A uid of a request: as JSON, or as Cedar text. */
static bool read_party(const struct cedar_reader *r, const struct cedar_json *request,
		       const char *name, const struct cedar_uid **out, struct err *e)
{
	const struct cedar_json *json = cedar_json_get(request, name);

	if (!json)
		return cedar_err_at(e, request->pos, "member '%s' is missing", name);
	if (json->kind == CEDAR_JSON_TEXT ? cedar_uid_parse(r->names, json->text, r->mem, out, e)
					  : cedar_uid_read(r, json, out, e))
		return true;
	return err_in(e, "%s", name);
}

bool cedar_request_read(const struct cedar_reader *r, const struct cedar_json *json,
			struct cedar_request_data *out, struct err *e)
{
	static const char *const members[] = { "principal", "action", "resource", "context" };
	static const struct cedar_record empty;

	*out = (struct cedar_request_data){ .context = &empty };
	if (!cedar_json_want(json, CEDAR_JSON_MAP, "a request", e) ||
	    !cedar_json_only(json, members, countof(members), e))
		return false;
	const struct cedar_json *context = cedar_json_get(json, "context");
	return read_party(r, json, "principal", &out->principal, e) &&
	       read_party(r, json, "action", &out->action, e) &&
	       read_party(r, json, "resource", &out->resource, e) &&
	       (!context || cedar_context_read(r, context, out->action, &out->context, e));
}

static bool read_parents(const struct cedar_reader *r, const struct cedar_json *json,
			 struct cedar_entity *out, struct err *e)
{
	const struct cedar_uid **parents = arena_alloc(r->mem, json->count + 1u, sizeof(*parents));

	if (!parents)
		return no_room(json, e);
	for (uint32_t i = 0; i < json->count; i++)
		if (!cedar_uid_read(r, &json->items[i], &parents[i], e))
			return err_in(e, "parents");
	out->parents = parents;
	out->parent_count = json->count;
	return true;
}

/* Only actions stand above actions. */
static bool check_parents(const struct cedar_reader *r, const struct cedar_json *json,
			  const struct cedar_entity *entity, struct err *e)
{
	if (!schema_is_action_type(cedar_names_text(r->names, entity->uid->type)))
		return true;
	for (uint32_t i = 0; i < entity->parent_count; i++)
		if (!schema_is_action_type(cedar_names_text(r->names, entity->parents[i]->type)))
			return cedar_err_at(e, json->items[i].pos,
					    "parents: an action's parents are actions");
	return true;
}

/* The shape of the entity's type; actions have none.  False when the schema lacks the type. */
static bool find_shape(const struct cedar_reader *r, const struct cedar_json *json,
		       const struct cedar_uid *uid, const struct schema_entity **out, struct err *e)
{
	struct str type = cedar_names_text(r->names, uid->type);

	*out = NULL;
	if (!r->schema || schema_is_action_type(type))
		return true;
	*out = schema_entity_of(r->schema, uid->type);
	if (*out)
		return true;
	struct str near = schema_entity_nearest(r->schema, type);
	(void)cedar_err_at(e, json->pos, "the schema has no entity type '" STR_FMT "'",
			   STR_ARG(type));
	return near.len ? err_hint(e, "did you mean '" STR_FMT "'?", STR_ARG(near)) : false;
}

/* Attributes may be left undeclared here and missing: that is for the validator to say. */
static bool read_entity_attrs(const struct cedar_reader *r, const struct cedar_json *attrs,
			      const struct schema_entity *known, struct cedar_entity *out,
			      struct err *e)
{
	for (uint32_t i = 0; known && i < attrs->count; i++)
		if (!schema_attr_find(known->shape, attrs->keys[i]))
			return cedar_err_at(e, attrs->items[i].pos,
					    "the schema declares no attribute '" STR_FMT
					    "' of " STR_FMT,
					    STR_ARG(attrs->keys[i]), STR_ARG(known->name));
	return read_fields(r, attrs, known ? known->shape : NULL, NULL, &out->attrs, e);
}

bool cedar_entity_read(const struct cedar_reader *r, const struct cedar_json *json,
		       struct cedar_entity *out, struct err *e)
{
	const struct cedar_json *uid, *attrs, *parents, *tags;
	const struct schema_entity *known;

	*out = (struct cedar_entity){ 0 };
	if (!cedar_json_want(json, CEDAR_JSON_MAP, "an entity", e))
		return false;
	uid = cedar_json_get(json, "uid");
	if (!uid)
		return cedar_err_at(e, json->pos, "member 'uid' is missing");
	if (!cedar_uid_read(r, uid, &out->uid, e) || !find_shape(r, uid, out->uid, &known, e) ||
	    !cedar_json_member(json, "attrs", CEDAR_JSON_MAP, &attrs, e) ||
	    !cedar_json_member(json, "parents", CEDAR_JSON_LIST, &parents, e) ||
	    !read_entity_attrs(r, attrs, known, out, e) || !read_parents(r, parents, out, e) ||
	    !check_parents(r, parents, out, e))
		return false;
	tags = cedar_json_get(json, "tags");
	if (!tags)
		return true;
	return cedar_json_want(tags, CEDAR_JSON_MAP, "tags", e) &&
	       read_fields(r, tags, NULL, known ? known->tags : NULL, &out->tags, e);
}
