/* Cedar specification, "JSON schema grammar".  Each object's members are checked against
 * the list of those it may have, so a misspelt one is named with its nearest. */
#include "cedar/schema_raw.h"
#include "codec/json.h"

struct jread {
	struct raw_schema *raw;
	struct str file, ns;
	unsigned depth;
	struct err *e;
};

/* Where we are; each level is on the stack of the function that reads it. */
struct place {
	const struct place *up;
	struct str name;
};

static size_t path_text(const struct place *p, char *out, size_t size)
{
	size_t at = p->up ? path_text(p->up, out, size) : 0;

	if (at && at < size)
		out[at++] = '.';
	for (size_t i = 0; i < p->name.len && at < size; i++)
		out[at++] = p->name.ptr[i];
	return at;
}

/* Deep paths are cut: the beginning is what finds the place. */
static struct raw_at at(const struct jread *r, const struct place *p)
{
	char text[160];
	size_t len = path_text(p, text, sizeof(text));

	return (struct raw_at){ .file = r->file, .path = arena_str(r->raw->mem, text, len) };
}

static bool fail(const struct jread *r, const struct place *p, const char *what)
{
	return raw_fail(at(r, p), r->e, "%s", what);
}

static bool check_members(const struct jread *r, const struct place *p, const struct json *v,
			  const char *const *names, size_t count)
{
	struct err inner = { 0 };

	if (json_only(v, names, count, &inner))
		return true;
	raw_fail(at(r, p), r->e, "%s", inner.text);
	return inner.hint[0] ? err_hint(r->e, "%s", inner.hint) : false;
}

static bool want_text(const struct jread *r, const struct place *p, const struct json *v,
		      struct str *out)
{
	if (json_kind(v) != JSON_KIND_TEXT)
		return fail(r, p, "want a string");
	*out = arena_dup(r->raw->mem, json_value_text(v));
	return out->ptr || raw_full(r->e);
}

static bool want_list(const struct jread *r, const struct place *p, const struct json *v)
{
	return json_kind(v) == JSON_KIND_LIST || fail(r, p, "want a list");
}

/* Annotations are checked to be what they may be, and not kept. */
static bool annotations(const struct jread *r, const struct place *up, const struct json *of)
{
	struct place p = { up, STR("annotations") };
	const struct json *v = json_member(of, "annotations"), *value;
	struct str key;

	if (!v)
		return true;
	if (json_kind(v) != JSON_KIND_MAP)
		return fail(r, &p, "want an object");
	for (void *i = NULL; json_next(v, &i, &key, &value);) {
		if (!cedar_is_ident(key))
			return fail(r, &p, "an annotation's name must be an identifier");
		if (json_kind(value) != JSON_KIND_TEXT && json_kind(value) != JSON_KIND_NULL)
			return fail(r, &p, "an annotation's value must be a string");
	}
	return true;
}

/* --- types --- */

enum role { PLAIN, COMMON, ATTR }; /* where a type stands says what may stand beside it */

static bool type(struct jread *r, const struct place *p, const struct json *v, enum role role,
		 struct raw_type **out);

static bool is_optional(struct jread *r, const struct place *p, const struct json *v, bool *out)
{
	const struct json *required = json_member(v, "required");

	if (required && json_kind(required) != JSON_KIND_BOOL)
		return fail(r, p, "'required' must be true or false");
	*out = required && !json_value_bool(required);
	return true;
}

static bool attrs(struct jread *r, const struct place *up, const struct json *v,
		  struct raw_type *record)
{
	const struct json *value;
	struct str key;

	if (json_kind(v) != JSON_KIND_MAP)
		return fail(r, up, "want an object 'attributes'");
	for (void *i = NULL; json_next(v, &i, &key, &value);) {
		struct place p = { up, key };
		struct str name = arena_dup(r->raw->mem, key);
		struct raw_attr *a = name.ptr ? raw_attr_add(r->raw, record, name, r->e) : NULL;
		if (!a)
			return raw_full(r->e);
		if (!type(r, &p, value, ATTR, &a->type) ||
		    !is_optional(r, &p, value, &a->is_optional))
			return false;
	}
	return true;
}

static bool record(struct jread *r, const struct place *p, const struct json *v, struct raw_type *t)
{
	const struct json *open = json_member(v, "additionalAttributes");

	if (open && json_kind(open) != JSON_KIND_BOOL)
		return fail(r, p, "'additionalAttributes' must be true or false");
	if (open && json_value_bool(open))
		return fail(r, p, "records with additional attributes are not supported");
	return attrs(r, p, json_member(v, "attributes"), t);
}

static bool element(struct jread *r, const struct place *up, const struct json *v,
		    struct raw_type *t)
{
	struct place p = { up, STR("element") };
	const struct json *inner = json_member(v, "element");

	return inner ? type(r, &p, inner, PLAIN, &t->element) : fail(r, up, "'element' is missing");
}

static bool name_of(struct jread *r, const struct place *p, const struct json *v,
		    struct raw_type *t)
{
	if (!want_text(r, p, json_member(v, "name"), &t->name))
		return false;
	return raw_is_path(t->name) || fail(r, p, "'name' is not the name of a type");
}

static bool no_more(struct jread *r, const struct place *p, const struct json *v,
		    struct raw_type *t)
{
	(void)r, (void)p, (void)v, (void)t;
	return true;
}

/* The built-in words of "type" and the members each takes; "" ends the list. */
static const struct {
	const char *word;
	enum raw_kind kind;
	const char *members[2];
	bool (*read)(struct jread *r, const struct place *p, const struct json *v,
		     struct raw_type *t);
} words[] = {
	{ "String", RAW_STRING, { NULL, NULL }, no_more },
	{ "Long", RAW_LONG, { NULL, NULL }, no_more },
	{ "Boolean", RAW_BOOL, { NULL, NULL }, no_more },
	{ "Set", RAW_SET, { "element", NULL }, element },
	{ "Record", RAW_RECORD, { "attributes", "additionalAttributes" }, record },
	{ "Entity", RAW_ENTITY, { "name", NULL }, name_of },
	{ "EntityOrCommon", RAW_NAMED, { "name", NULL }, name_of },
	{ "Extension", RAW_EXTENSION, { "name", NULL }, name_of },
};

static bool members_of_type(struct jread *r, const struct place *p, const struct json *v,
			    const char *const *extra, enum role role)
{
	const char *names[5] = { "type" };
	size_t n = 1;

	if (role != PLAIN)
		names[n++] = "annotations";
	if (role == ATTR)
		names[n++] = "required";
	for (size_t i = 0; extra && i < 2 && extra[i]; i++)
		names[n++] = extra[i];
	return check_members(r, p, v, names, n) && annotations(r, p, v);
}

static bool type_by_word(struct jread *r, const struct place *p, const struct json *v,
			 enum role role, struct raw_type *t)
{
	for (size_t i = 0; i < countof(words); i++)
		if (str_eqz(t->name, words[i].word)) {
			t->kind = words[i].kind;
			return members_of_type(r, p, v, words[i].members, role) &&
			       words[i].read(r, p, v, t);
		}
	if (!raw_is_path(t->name))
		return fail(r, p, "'type' is not the name of a type");
	return members_of_type(r, p, v, NULL, role);
}

static bool type(struct jread *r, const struct place *p, const struct json *v, enum role role,
		 struct raw_type **out)
{
	if (r->depth >= SCHEMA_DEPTH_MAX)
		return fail(r, p, "types are nested too deep");
	if (json_kind(v) != JSON_KIND_MAP)
		return fail(r, p, "want an object that says a type");
	*out = raw_type_new(r->raw, RAW_COMMON, at(r, p), r->e);
	if (!*out || !want_text(r, p, json_member(v, "type"), &(*out)->name))
		return false;
	r->depth++;
	bool ok = type_by_word(r, p, v, role, *out);
	r->depth--;
	return ok;
}

/* --- entity types --- */

static bool type_names(struct jread *r, const struct place *up, const struct json *v,
		       struct raw_refs *out)
{
	if (!want_list(r, up, v))
		return false;
	for (size_t i = 0; i < json_count(v); i++) {
		struct raw_ref *ref = raw_ref_add(r->raw, out, at(r, up), r->e);
		if (!ref || !want_text(r, up, json_item(v, i), &ref->name))
			return false;
		if (!raw_is_path(ref->name))
			return fail(r, up, "this is not the name of an entity type");
	}
	return true;
}

static bool enum_ids(struct jread *r, const struct place *up, const struct json *v,
		     struct raw_refs *out)
{
	if (!want_list(r, up, v))
		return false;
	if (!json_count(v))
		return fail(r, up, "an enumerated type needs at least one id");
	for (size_t i = 0; i < json_count(v); i++) {
		struct raw_ref *ref = raw_ref_add(r->raw, out, at(r, up), r->e);
		if (!ref || !want_text(r, up, json_item(v, i), &ref->id))
			return false;
	}
	return true;
}

static bool enum_entity(struct jread *r, const struct place *up, const struct json *v,
			struct raw_entity *n)
{
	static const char *const names[] = { "enum", "annotations" };
	struct place p = { up, STR("enum") };

	n->is_enum = true;
	return check_members(r, up, v, names, countof(names)) &&
	       enum_ids(r, &p, json_member(v, "enum"), &n->ids);
}

static bool entity_body(struct jread *r, const struct place *up, const struct json *v,
			struct raw_entity *n)
{
	static const char *const names[] = { "memberOfTypes", "shape", "tags", "annotations" };
	struct place in_parents = { up, STR("memberOfTypes") };
	struct place in_shape = { up, STR("shape") }, in_tags = { up, STR("tags") };
	const struct json *parents = json_member(v, "memberOfTypes");
	const struct json *shape = json_member(v, "shape"), *tags = json_member(v, "tags");

	if (!check_members(r, up, v, names, countof(names)))
		return false;
	return (!parents || type_names(r, &in_parents, parents, &n->parents)) &&
	       (!shape || type(r, &in_shape, shape, PLAIN, &n->shape)) &&
	       (!tags || type(r, &in_tags, tags, PLAIN, &n->tags));
}

static bool entity(struct jread *r, const struct place *p, const struct json *v)
{
	struct raw_entity *n = raw_entity_add(r->raw, at(r, p), r->e);

	if (!n)
		return false;
	if (json_kind(v) != JSON_KIND_MAP)
		return fail(r, p, "want an object");
	n->ns = r->ns;
	n->name = arena_dup(r->raw->mem, p->name);
	if (!n->name.ptr)
		return raw_full(r->e);
	if (!raw_check_entity_name(n->name, n->at, r->e) || !annotations(r, p, v))
		return false;
	return json_member(v, "enum") ? enum_entity(r, p, v, n) : entity_body(r, p, v, n);
}

/* --- common types --- */

static bool common(struct jread *r, const struct place *p, const struct json *v)
{
	struct raw_common *c = raw_common_add(r->raw, at(r, p), r->e);

	if (!c)
		return false;
	c->ns = r->ns;
	c->name = arena_dup(r->raw->mem, p->name);
	if (!c->name.ptr)
		return raw_full(r->e);
	return raw_check_common_name(c->name, c->at, r->e) && type(r, p, v, COMMON, &c->type);
}

/* --- actions --- */

static bool member_of(struct jread *r, const struct place *up, const struct json *v,
		      struct raw_refs *out)
{
	static const char *const names[] = { "id", "type" };

	if (!want_list(r, up, v))
		return false;
	for (size_t i = 0; i < json_count(v); i++) {
		const struct json *item = json_item(v, i);
		struct raw_ref *ref = raw_ref_add(r->raw, out, at(r, up), r->e);
		if (!ref || !check_members(r, up, item, names, countof(names)) ||
		    !want_text(r, up, json_member(item, "id"), &ref->id))
			return false;
		const struct json *of = json_member(item, "type");
		if (json_kind(of) <= JSON_KIND_NULL)
			continue;
		if (!want_text(r, up, of, &ref->name))
			return false;
		if (!raw_is_path(ref->name))
			return fail(r, up, "'type' is not the name of an action type");
	}
	return true;
}

static bool applies_to(struct jread *r, const struct place *up, const struct json *v,
		       struct raw_action *a)
{
	static const char *const names[] = { "principalTypes", "resourceTypes", "context" };
	struct place in_principals = { up, STR("principalTypes") };
	struct place in_resources = { up, STR("resourceTypes") };
	struct place in_context = { up, STR("context") };
	const struct json *context = json_member(v, "context");

	if (!check_members(r, up, v, names, countof(names)))
		return false;
	return type_names(r, &in_principals, json_member(v, "principalTypes"), &a->principals) &&
	       type_names(r, &in_resources, json_member(v, "resourceTypes"), &a->resources) &&
	       (!context || type(r, &in_context, context, PLAIN, &a->context));
}

static bool action_body(struct jread *r, const struct place *p, const struct json *v,
			struct raw_action *a)
{
	static const char *const names[] = { "attributes", "appliesTo", "memberOf", "annotations" };
	struct place in_applies = { p, STR("appliesTo") }, in_parents = { p, STR("memberOf") };
	const struct json *applies = json_member(v, "appliesTo");
	const struct json *parents = json_member(v, "memberOf");

	if (!check_members(r, p, v, names, countof(names)) || !annotations(r, p, v))
		return false;
	if (json_kind(json_member(v, "attributes")) > JSON_KIND_NULL)
		return fail(r, p, "attributes of actions are not supported");
	if (json_kind(applies) > JSON_KIND_NULL && !applies_to(r, &in_applies, applies, a))
		return false;
	return json_kind(parents) <= JSON_KIND_NULL ||
	       member_of(r, &in_parents, parents, &a->parents);
}

static bool action(struct jread *r, const struct place *p, const struct json *v)
{
	struct raw_action *a = raw_action_add(r->raw, at(r, p), r->e);

	if (!a)
		return false;
	if (json_kind(v) != JSON_KIND_MAP)
		return fail(r, p, "want an object");
	a->ns = r->ns;
	a->id = arena_dup(r->raw->mem, p->name);
	return a->id.ptr ? action_body(r, p, v, a) : raw_full(r->e);
}

/* --- namespaces --- */

typedef bool member_fn(struct jread *r, const struct place *p, const struct json *v);

static bool each(struct jread *r, const struct place *up, const struct json *of, const char *name,
		 bool is_needed, member_fn *read)
{
	struct place in = { up, str_of(name) };
	const struct json *v = json_member(of, name), *value;
	struct str key;

	if (!v && !is_needed)
		return true;
	if (json_kind(v) != JSON_KIND_MAP)
		return fail(r, &in, v ? "want an object" : "this is missing");
	for (void *i = NULL; json_next(v, &i, &key, &value);) {
		struct place p = { &in, key };
		if (!read(r, &p, value))
			return false;
	}
	return true;
}

static bool namespace(struct jread *r, struct str name, const struct json *v)
{
	static const char *const names[] = { "commonTypes", "entityTypes", "actions",
					     "annotations" };
	struct place p = { NULL, name };

	if (json_kind(v) != JSON_KIND_MAP)
		return fail(r, &p, "want an object");
	if (name.len && !raw_check_namespace(name, at(r, &p), r->e))
		return false;
	if (!check_members(r, &p, v, names, countof(names)) || !annotations(r, &p, v))
		return false;
	if (!name.len && json_count(json_member(v, "annotations")))
		return fail(r, &p, "annotations need a namespace with a name");
	r->ns = arena_dup(r->raw->mem, name);
	if (!r->ns.ptr)
		return raw_full(r->e);
	return each(r, &p, v, "commonTypes", false, common) &&
	       each(r, &p, v, "entityTypes", true, entity) &&
	       each(r, &p, v, "actions", true, action);
}

static bool whole(struct jread *r, const struct json *doc)
{
	const struct json *value;
	struct str key;

	if (json_kind(doc) != JSON_KIND_MAP)
		return err_set(r->e, ERR_INPUT, STR_FMT ": want an object of namespaces",
			       STR_ARG(r->file));
	for (void *i = NULL; json_next(doc, &i, &key, &value);)
		if (!namespace(r, key, value))
			return false;
	return true;
}

bool schema_json_read(const struct schema_source *src, struct raw_schema *out, struct err *e)
{
	struct json_limits limits = { .max_bytes = SCHEMA_TEXT_MAX,
				      .max_depth = 2 * SCHEMA_DEPTH_MAX + 8,
				      .max_values = 1000000 };
	struct jread r = { .raw = out, .file = src->file, .e = e };
	auto_json struct json *doc = NULL;

	r.file = arena_dup(out->mem, src->file);
	if (!json_read(bytes_str(src->text), &limits, &doc, e))
		return err_in(e, STR_FMT, STR_ARG(src->file));
	return whole(&r, doc);
}
