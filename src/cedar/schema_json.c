/* Cedar specification, "JSON schema grammar".  Each object's members are checked against
 * the list of those it may have, so a misspelt one is named with its nearest. */
#include "cedar/jtree.h"
#include "cedar/schema_raw.h"

struct jread {
	struct raw_schema *raw;
	struct str ns;
	unsigned depth;
	struct err *e;
};

/* Where we are; each level is on the stack of the function that reads it. */
struct place {
	const struct place *up;
	struct str name;
	const struct cedar_json *v; /* what stands there; NULL: it is missing */
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
	struct raw_at here = { .path = arena_str(r->raw->mem, text, len) };

	while (p->up && !p->v)
		p = p->up;
	if (p->v)
		here.pos = p->v->pos;
	return here;
}

static bool fail(const struct jread *r, const struct place *p, const char *what)
{
	return raw_fail(at(r, p), r->e, "%s", what);
}

static struct str member_name(const void *ctx, size_t i)
{
	return str_of(((const char *const *)ctx)[i]);
}

static bool check_members(const struct jread *r, const struct place *p, const struct cedar_json *v,
			  const char *const *names, size_t count)
{
	if (!cedar_json_is(v, CEDAR_JSON_MAP))
		return fail(r, p, "want an object");
	for (uint32_t i = 0; i < v->count; i++) {
		size_t known = 0;
		while (known < count && !str_eqz(v->keys[i], names[known]))
			known++;
		if (known < count)
			continue;
		struct str near = str_nearest(v->keys[i], count, member_name, names);
		return raw_fail(at(r, p), r->e, "'" STR_FMT "' is no member of this%s" STR_FMT "%s",
				STR_ARG(v->keys[i]), near.len ? "; did you mean '" : "",
				STR_ARG(near), near.len ? "'?" : "");
	}
	return true;
}

static bool want_text(const struct jread *r, const struct place *p, const struct cedar_json *v,
		      struct str *out)
{
	if (!cedar_json_is(v, CEDAR_JSON_TEXT))
		return fail(r, p, "want a string");
	*out = v->text;
	return true;
}

static bool want_list(const struct jread *r, const struct place *p, const struct cedar_json *v)
{
	return cedar_json_is(v, CEDAR_JSON_LIST) || fail(r, p, "want a list");
}

static bool is_null(const struct cedar_json *v)
{
	return !v || v->kind == CEDAR_JSON_NULL;
}

/* Annotations are checked to be what they may be, and not kept. */
static bool annotations(const struct jread *r, const struct place *up, const struct cedar_json *of)
{
	const struct cedar_json *v = cedar_json_get(of, "annotations");
	struct place p = { up, STR("annotations"), v };

	if (!v)
		return true;
	if (!cedar_json_is(v, CEDAR_JSON_MAP))
		return fail(r, &p, "want an object");
	for (uint32_t i = 0; i < v->count; i++) {
		if (!cedar_is_ident(v->keys[i]))
			return fail(r, &p, "an annotation's name must be an identifier");
		if (!is_null(&v->items[i]) && !cedar_json_is(&v->items[i], CEDAR_JSON_TEXT))
			return fail(r, &p, "an annotation's value must be a string");
	}
	return true;
}

/* --- types --- */

enum role { PLAIN, COMMON, ATTR }; /* where a type stands says what may stand beside it */

static bool type(struct jread *r, const struct place *p, const struct cedar_json *v, enum role role,
		 struct raw_type **out);

static bool is_optional(struct jread *r, const struct place *p, const struct cedar_json *v,
			bool *out)
{
	const struct cedar_json *required = cedar_json_get(v, "required");

	if (required && !cedar_json_is(required, CEDAR_JSON_BOOL))
		return fail(r, p, "'required' must be true or false");
	*out = required && !required->num;
	return true;
}

static bool attrs(struct jread *r, const struct place *up, const struct cedar_json *v,
		  struct raw_type *record)
{
	if (!cedar_json_is(v, CEDAR_JSON_MAP))
		return fail(r, up, "want an object 'attributes'");
	for (uint32_t i = 0; i < v->count; i++) {
		struct place p = { up, v->keys[i], &v->items[i] };
		struct raw_attr *a = raw_attr_add(r->raw, record, v->keys[i], r->e);
		if (!a || !type(r, &p, p.v, ATTR, &a->type) ||
		    !is_optional(r, &p, p.v, &a->is_optional))
			return false;
	}
	return true;
}

static bool record(struct jread *r, const struct place *p, const struct cedar_json *v,
		   struct raw_type *t)
{
	const struct cedar_json *open = cedar_json_get(v, "additionalAttributes");

	if (open && !cedar_json_is(open, CEDAR_JSON_BOOL))
		return fail(r, p, "'additionalAttributes' must be true or false");
	if (open && open->num)
		return fail(r, p, "records with additional attributes are not supported");
	return attrs(r, p, cedar_json_get(v, "attributes"), t);
}

static bool element(struct jread *r, const struct place *up, const struct cedar_json *v,
		    struct raw_type *t)
{
	const struct cedar_json *inner = cedar_json_get(v, "element");
	struct place p = { up, STR("element"), inner };

	return inner ? type(r, &p, inner, PLAIN, &t->element) : fail(r, up, "'element' is missing");
}

static bool name_of(struct jread *r, const struct place *p, const struct cedar_json *v,
		    struct raw_type *t)
{
	if (!want_text(r, p, cedar_json_get(v, "name"), &t->name))
		return false;
	return raw_is_path(t->name) || fail(r, p, "'name' is not the name of a type");
}

static bool no_more(struct jread *r, const struct place *p, const struct cedar_json *v,
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
	bool (*read)(struct jread *r, const struct place *p, const struct cedar_json *v,
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

static bool members_of_type(struct jread *r, const struct place *p, const struct cedar_json *v,
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

static bool type_by_word(struct jread *r, const struct place *p, const struct cedar_json *v,
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

static bool type(struct jread *r, const struct place *p, const struct cedar_json *v, enum role role,
		 struct raw_type **out)
{
	if (r->depth >= SCHEMA_DEPTH_MAX)
		return fail(r, p, "types are nested too deep");
	if (!cedar_json_is(v, CEDAR_JSON_MAP))
		return fail(r, p, "want an object that says a type");
	*out = raw_type_new(r->raw, RAW_COMMON, at(r, p), r->e);
	if (!*out || !want_text(r, p, cedar_json_get(v, "type"), &(*out)->name))
		return false;
	r->depth++;
	bool ok = type_by_word(r, p, v, role, *out);
	r->depth--;
	return ok;
}

/* --- entity types --- */

static bool type_names(struct jread *r, const struct place *up, const struct cedar_json *v,
		       struct raw_refs *out)
{
	if (!want_list(r, up, v))
		return false;
	for (uint32_t i = 0; i < v->count; i++) {
		struct raw_ref *ref = raw_ref_add(r->raw, out, at(r, up), r->e);
		if (!ref || !want_text(r, up, &v->items[i], &ref->name))
			return false;
		if (!raw_is_path(ref->name))
			return fail(r, up, "this is not the name of an entity type");
	}
	return true;
}

static bool enum_ids(struct jread *r, const struct place *up, const struct cedar_json *v,
		     struct raw_refs *out)
{
	if (!want_list(r, up, v))
		return false;
	if (!v->count)
		return fail(r, up, "an enumerated type needs at least one id");
	for (uint32_t i = 0; i < v->count; i++) {
		struct raw_ref *ref = raw_ref_add(r->raw, out, at(r, up), r->e);
		if (!ref || !want_text(r, up, &v->items[i], &ref->id))
			return false;
	}
	return true;
}

static bool enum_entity(struct jread *r, const struct place *up, const struct cedar_json *v,
			struct raw_entity *n)
{
	static const char *const names[] = { "enum", "annotations" };
	struct place p = { up, STR("enum"), cedar_json_get(v, "enum") };

	n->is_enum = true;
	return check_members(r, up, v, names, countof(names)) && enum_ids(r, &p, p.v, &n->ids);
}

static bool entity_body(struct jread *r, const struct place *up, const struct cedar_json *v,
			struct raw_entity *n)
{
	static const char *const names[] = { "memberOfTypes", "shape", "tags", "annotations" };
	struct place parents = { up, STR("memberOfTypes"), cedar_json_get(v, "memberOfTypes") };
	struct place shape = { up, STR("shape"), cedar_json_get(v, "shape") };
	struct place tags = { up, STR("tags"), cedar_json_get(v, "tags") };

	if (!check_members(r, up, v, names, countof(names)))
		return false;
	return (!parents.v || type_names(r, &parents, parents.v, &n->parents)) &&
	       (!shape.v || type(r, &shape, shape.v, PLAIN, &n->shape)) &&
	       (!tags.v || type(r, &tags, tags.v, PLAIN, &n->tags));
}

static bool entity(struct jread *r, const struct place *p, const struct cedar_json *v)
{
	struct raw_entity *n = raw_entity_add(r->raw, at(r, p), r->e);

	if (!n)
		return false;
	if (!cedar_json_is(v, CEDAR_JSON_MAP))
		return fail(r, p, "want an object");
	n->ns = r->ns;
	n->name = p->name;
	if (!raw_check_entity_name(n->name, n->at, r->e) || !annotations(r, p, v))
		return false;
	return cedar_json_get(v, "enum") ? enum_entity(r, p, v, n) : entity_body(r, p, v, n);
}

/* --- common types --- */

static bool common(struct jread *r, const struct place *p, const struct cedar_json *v)
{
	struct raw_common *c = raw_common_add(r->raw, at(r, p), r->e);

	if (!c)
		return false;
	c->ns = r->ns;
	c->name = p->name;
	return raw_check_common_name(c->name, c->at, r->e) && type(r, p, v, COMMON, &c->type);
}

/* --- actions --- */

static bool member_of(struct jread *r, const struct place *up, const struct cedar_json *v,
		      struct raw_refs *out)
{
	static const char *const names[] = { "id", "type" };

	if (!want_list(r, up, v))
		return false;
	for (uint32_t i = 0; i < v->count; i++) {
		const struct cedar_json *item = &v->items[i];
		struct raw_ref *ref = raw_ref_add(r->raw, out, at(r, up), r->e);
		if (!ref || !check_members(r, up, item, names, countof(names)) ||
		    !want_text(r, up, cedar_json_get(item, "id"), &ref->id))
			return false;
		const struct cedar_json *of = cedar_json_get(item, "type");
		if (is_null(of))
			continue;
		if (!want_text(r, up, of, &ref->name))
			return false;
		if (!raw_is_path(ref->name))
			return fail(r, up, "'type' is not the name of an action type");
	}
	return true;
}

static bool applies_to(struct jread *r, const struct place *up, const struct cedar_json *v,
		       struct raw_action *a)
{
	static const char *const names[] = { "principalTypes", "resourceTypes", "context" };
	struct place who = { up, STR("principalTypes"), cedar_json_get(v, "principalTypes") };
	struct place what = { up, STR("resourceTypes"), cedar_json_get(v, "resourceTypes") };
	struct place context = { up, STR("context"), cedar_json_get(v, "context") };

	if (!check_members(r, up, v, names, countof(names)))
		return false;
	return type_names(r, &who, who.v, &a->principals) &&
	       type_names(r, &what, what.v, &a->resources) &&
	       (!context.v || type(r, &context, context.v, PLAIN, &a->context));
}

static bool action_body(struct jread *r, const struct place *p, const struct cedar_json *v,
			struct raw_action *a)
{
	static const char *const names[] = { "attributes", "appliesTo", "memberOf", "annotations" };
	struct place applies = { p, STR("appliesTo"), cedar_json_get(v, "appliesTo") };
	struct place parents = { p, STR("memberOf"), cedar_json_get(v, "memberOf") };

	if (!check_members(r, p, v, names, countof(names)) || !annotations(r, p, v))
		return false;
	if (!is_null(cedar_json_get(v, "attributes")))
		return fail(r, p, "attributes of actions are not supported");
	return (is_null(applies.v) || applies_to(r, &applies, applies.v, a)) &&
	       (is_null(parents.v) || member_of(r, &parents, parents.v, &a->parents));
}

static bool action(struct jread *r, const struct place *p, const struct cedar_json *v)
{
	struct raw_action *a = raw_action_add(r->raw, at(r, p), r->e);

	if (!a)
		return false;
	a->ns = r->ns;
	a->id = p->name;
	return action_body(r, p, v, a);
}

/* --- namespaces --- */

typedef bool member_fn(struct jread *r, const struct place *p, const struct cedar_json *v);

static bool each(struct jread *r, const struct place *up, const char *name, bool is_needed,
		 member_fn *read)
{
	struct place in = { up, str_of(name), cedar_json_get(up->v, name) };

	if (!in.v && !is_needed)
		return true;
	if (!cedar_json_is(in.v, CEDAR_JSON_MAP))
		return fail(r, &in, in.v ? "want an object" : "this is missing");
	for (uint32_t i = 0; i < in.v->count; i++) {
		struct place p = { &in, in.v->keys[i], &in.v->items[i] };
		if (!read(r, &p, p.v))
			return false;
	}
	return true;
}

static bool namespace(struct jread *r, const struct place *p)
{
	static const char *const names[] = { "commonTypes", "entityTypes", "actions",
					     "annotations" };
	const struct cedar_json *notes = cedar_json_get(p->v, "annotations");

	if (p->name.len && !raw_check_namespace(p->name, at(r, p), r->e))
		return false;
	if (!check_members(r, p, p->v, names, countof(names)) || !annotations(r, p, p->v))
		return false;
	if (!p->name.len && notes && notes->count)
		return fail(r, p, "annotations need a namespace with a name");
	r->ns = p->name;
	return each(r, p, "commonTypes", false, common) &&
	       each(r, p, "entityTypes", true, entity) && each(r, p, "actions", true, action);
}

bool schema_json_read(const struct schema_source *src, struct raw_schema *out, struct err *e)
{
	struct jread r = { .raw = out, .e = e };
	struct cedar_source *source = arena_alloc(out->mem, 1, sizeof(*source));
	const struct cedar_json *doc;

	if (!source)
		return raw_full(e);
	*source = (struct cedar_source){ .name = src->file,
					 .text = src->text.ptr ? src->text : STR("") };
	if (!cedar_json_parse(source, out->mem, &doc, e))
		return false;
	if (!cedar_json_is(doc, CEDAR_JSON_MAP))
		return cedar_err_at(e, doc->pos, "want an object of namespaces");
	for (uint32_t i = 0; i < doc->count; i++) {
		struct place p = { NULL, doc->keys[i], &doc->items[i] };
		if (!namespace(&r, &p))
			return false;
	}
	return true;
}
