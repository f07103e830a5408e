/* Cedar specification, "Schema grammar".  One function per production; a list in
 * brackets is read by list(), so no production repeats another's commas. */
#include "base/map.h"
#include "cedar/schema_raw.h"

struct text {
	struct cedar_lex lex;
	struct raw_schema *raw;
	struct str ns; /* of the namespace being read */
	unsigned depth;
	struct map *namespaces; /* opened so far */
	struct err *e;
};

typedef bool item_fn(struct text *t, void *ctx);

static struct raw_at here(const struct text *t)
{
	return (struct raw_at){ .pos = t->lex.token.pos };
}

static bool is_string(const struct text *t)
{
	return t->lex.token.kind == CEDAR_TOKEN_STRING;
}

static bool take_string(struct text *t, struct str *out)
{
	if (!is_string(t))
		return cedar_lex_expected(&t->lex, "a string");
	if (!cedar_unescape(&t->lex, t->lex.token, t->raw->mem, out))
		return false;
	cedar_lex_next(&t->lex);
	return cedar_lex_ok(&t->lex);
}

static bool take_word(struct text *t, const char *what, struct str *out)
{
	if (t->lex.token.kind != CEDAR_TOKEN_IDENT)
		return cedar_lex_expected(&t->lex, what);
	if (!raw_is_word(t->lex.token.text))
		return cedar_lex_fail(&t->lex, t->lex.token.pos,
				      "'" STR_FMT "' is a reserved word; put it in quotes where a "
				      "string may stand",
				      STR_ARG(t->lex.token.text));
	*out = t->lex.token.text;
	cedar_lex_next(&t->lex);
	return cedar_lex_ok(&t->lex);
}

/* Name := IDENT | STR */
static bool take_name(struct text *t, const char *what, struct str *out)
{
	return is_string(t) ? take_string(t, out) : take_word(t, what, out);
}

/* Path := IDENT {'::' IDENT}; with is_id set it may end in '::' STR, which becomes *id. */
static bool take_path(struct text *t, const char *what, struct str *out, struct str *id)
{
	struct str part;

	if (!take_word(t, what, out))
		return false;
	while (cedar_lex_is(&t->lex, "::")) {
		cedar_lex_next(&t->lex);
		if (id && is_string(t))
			return take_string(t, id);
		if (!take_word(t, "a name after '::'", &part))
			return false;
		*out = arena_printf(t->raw->mem, STR_FMT "::" STR_FMT, STR_ARG(*out),
				    STR_ARG(part));
		if (!out->ptr)
			return raw_full(t->e);
	}
	return true;
}

/* Item {',' Item}; with a trailing comma allowed when `end` is a closing bracket. */
static bool items(struct text *t, item_fn *item, void *ctx)
{
	do {
		if (!item(t, ctx))
			return false;
	} while (cedar_lex_take(&t->lex, ","));
	return cedar_lex_ok(&t->lex);
}

/* Each item may be followed by a comma, the last one too. */
static bool block(struct text *t, item_fn *item, void *ctx)
{
	if (!cedar_lex_want(&t->lex, "{"))
		return false;
	while (!cedar_lex_is(&t->lex, "}")) {
		if (!item(t, ctx))
			return false;
		if (!cedar_lex_take(&t->lex, ","))
			break;
	}
	return cedar_lex_want(&t->lex, "}");
}

static bool annotation_is_new(struct text *t, const struct raw_refs *seen, struct str key)
{
	for (const struct raw_ref *r = seen->first; r; r = r->next)
		if (str_eq(r->name, key))
			return cedar_lex_fail(&t->lex, t->lex.token.pos,
					      "annotation @" STR_FMT " is given twice",
					      STR_ARG(key));
	return true;
}

/* Annotations := {'@' AnyIdent ['(' STR ')']}: checked and not kept. */
static bool annotations(struct text *t)
{
	struct raw_refs seen = { 0 };

	while (cedar_lex_take(&t->lex, "@")) {
		if (t->lex.token.kind != CEDAR_TOKEN_IDENT)
			return cedar_lex_expected(&t->lex, "the name of an annotation");
		if (seen.count >= 256)
			return cedar_lex_fail(&t->lex, t->lex.token.pos,
					      "more than 256 annotations");
		if (!annotation_is_new(t, &seen, t->lex.token.text))
			return false;
		struct raw_ref *r = raw_ref_add(t->raw, &seen, here(t), t->e);
		if (!r)
			return false;
		r->name = t->lex.token.text;
		cedar_lex_next(&t->lex);
		struct str value;
		if (cedar_lex_take(&t->lex, "(") &&
		    (!take_string(t, &value) || !cedar_lex_want(&t->lex, ")")))
			return false;
	}
	return cedar_lex_ok(&t->lex);
}

static bool type(struct text *t, struct raw_type **out);

/* AttrDecl := Annotation* Name ['?'] ':' Type */
static bool attr(struct text *t, void *ctx)
{
	struct raw_type *record = ctx;
	struct str name;

	if (!annotations(t) || !take_name(t, "the name of an attribute", &name))
		return false;
	struct raw_attr *a = raw_attr_add(t->raw, record, name, t->e);
	if (!a)
		return false;
	a->is_optional = cedar_lex_take(&t->lex, "?");
	return cedar_lex_want(&t->lex, ":") && type(t, &a->type);
}

static bool record(struct text *t, struct raw_type **out)
{
	*out = raw_type_new(t->raw, RAW_RECORD, here(t), t->e);
	return *out && block(t, attr, *out);
}

static bool set(struct text *t, struct raw_type **out)
{
	*out = raw_type_new(t->raw, RAW_SET, here(t), t->e);
	if (!*out)
		return false;
	cedar_lex_next(&t->lex);
	return cedar_lex_want(&t->lex, "<") && type(t, &(*out)->element) &&
	       cedar_lex_want(&t->lex, ">");
}

static bool named(struct text *t, enum raw_kind kind, struct raw_type **out)
{
	*out = raw_type_new(t->raw, kind, here(t), t->e);
	return *out && take_path(t, "a type", &(*out)->name, NULL);
}

/* Type := Path | 'Set' '<' Type '>' | RecType */
static bool type(struct text *t, struct raw_type **out)
{
	bool ok;

	if (t->depth >= SCHEMA_DEPTH_MAX)
		return cedar_lex_fail(&t->lex, t->lex.token.pos,
				      "types are nested more than %d deep", SCHEMA_DEPTH_MAX);
	t->depth++;
	if (cedar_lex_is(&t->lex, "{"))
		ok = record(t, out);
	else if (cedar_lex_is(&t->lex, "Set") && str_eqz(cedar_lex_peek(&t->lex).text, "<"))
		ok = set(t, out);
	else
		ok = named(t, RAW_NAMED, out);
	t->depth--;
	return ok;
}

static bool type_ref(struct text *t, void *ctx)
{
	struct raw_ref *r = raw_ref_add(t->raw, ctx, here(t), t->e);

	return r && take_path(t, "an entity type", &r->name, NULL);
}

/* EntTypes := Path | '[' [Path {',' Path}] ']' */
static bool type_refs(struct text *t, struct raw_refs *out)
{
	if (!cedar_lex_take(&t->lex, "["))
		return cedar_lex_ok(&t->lex) && type_ref(t, out);
	if (!cedar_lex_is(&t->lex, "]") && !items(t, type_ref, out))
		return false;
	return cedar_lex_want(&t->lex, "]");
}

/* QualName := Name | Path '::' STR */
static bool action_ref(struct text *t, void *ctx)
{
	struct raw_ref *r = raw_ref_add(t->raw, ctx, here(t), t->e);
	struct str path;

	if (!r)
		return false;
	if (is_string(t))
		return take_string(t, &r->id);
	if (!take_path(t, "the name of an action", &path, &r->id))
		return false;
	if (r->id.ptr) {
		r->name = path;
		return true;
	}
	if (!cedar_is_ident(path))
		return cedar_lex_expected(&t->lex, "'::' and the action's name in quotes");
	r->id = path;
	return true;
}

static bool id_ref(struct text *t, void *ctx)
{
	struct raw_ref *r = raw_ref_add(t->raw, ctx, here(t), t->e);

	return r && take_string(t, &r->id);
}

/* A name being declared: of an entity (word) or of an action (word or string). */
static bool entity_name(struct text *t, void *ctx)
{
	struct raw_ref *r = raw_ref_add(t->raw, ctx, here(t), t->e);

	return r && take_word(t, "the name of an entity type", &r->name) &&
	       raw_check_entity_name(r->name, r->at, t->e);
}

static bool action_name(struct text *t, void *ctx)
{
	struct raw_ref *r = raw_ref_add(t->raw, ctx, here(t), t->e);

	return r && take_name(t, "the name of an action", &r->id);
}

/* One entity for each name; what follows the names is shared by all. */
static bool add_entities(struct text *t, const struct raw_refs *names,
			 const struct raw_entity *like)
{
	for (const struct raw_ref *r = names->first; r; r = r->next) {
		struct raw_entity *n = raw_entity_add(t->raw, r->at, t->e);
		if (!n)
			return false;
		n->ns = t->ns;
		n->name = r->name;
		n->parents = like->parents;
		n->ids = like->ids;
		n->shape = like->shape;
		n->tags = like->tags;
		n->is_enum = like->is_enum;
	}
	return cedar_lex_want(&t->lex, ";");
}

/* 'entity' Idents ['in' EntTypes] [['='] RecType] ['tags' Type] ';'
 * 'entity' Idents 'enum' '[' STR {',' STR} ']' ';' */
static bool entity(struct text *t)
{
	struct raw_refs names = { 0 };
	struct raw_entity like = { 0 };

	if (!items(t, entity_name, &names))
		return false;
	if (cedar_lex_take(&t->lex, "enum")) {
		like.is_enum = true;
		return cedar_lex_want(&t->lex, "[") && items(t, id_ref, &like.ids) &&
		       cedar_lex_want(&t->lex, "]") && add_entities(t, &names, &like);
	}
	if (cedar_lex_take(&t->lex, "in") && !type_refs(t, &like.parents))
		return false;
	bool has_shape = cedar_lex_take(&t->lex, "=");
	if ((has_shape || cedar_lex_is(&t->lex, "{")) && !record(t, &like.shape))
		return false;
	if (cedar_lex_take(&t->lex, "tags") && !type(t, &like.tags))
		return false;
	return add_entities(t, &names, &like);
}

static bool applies_list(struct text *t, const char *what, struct raw_refs *out)
{
	struct cedar_pos at = t->lex.token.pos;

	if (out->count)
		return cedar_lex_fail(&t->lex, at, "'%s' is given twice", what);
	if (!type_refs(t, out))
		return false;
	return out->count ||
	       cedar_lex_fail(&t->lex, at, "'%s' is empty; name at least one entity type", what);
}

static bool context(struct text *t, struct raw_action *like)
{
	if (like->context)
		return cedar_lex_fail(&t->lex, t->lex.token.pos, "'context' is given twice");
	return cedar_lex_is(&t->lex, "{") ? record(t, &like->context)
					  : named(t, RAW_COMMON, &like->context);
}

static bool applies_item(struct text *t, void *ctx)
{
	static const char *const words[] = { "principal", "resource", "context" };
	struct raw_action *like = ctx;
	size_t i = 0;

	while (i < countof(words) && !cedar_lex_take(&t->lex, words[i]))
		i++;
	if (i == countof(words))
		return cedar_lex_expected(&t->lex, "principal, resource or context");
	if (!cedar_lex_want(&t->lex, ":"))
		return false;
	if (i == 2)
		return context(t, like);
	return applies_list(t, words[i], i == 0 ? &like->principals : &like->resources);
}

static bool applies_to(struct text *t, struct raw_action *like)
{
	struct cedar_pos at = t->lex.token.pos;

	if (!block(t, applies_item, like))
		return false;
	if (!like->principals.count || !like->resources.count)
		return cedar_lex_fail(&t->lex, at, "appliesTo has no %s; it must name both",
				      like->principals.count ? "resource" : "principal");
	return true;
}

static bool action_parents(struct text *t, struct raw_refs *out)
{
	if (!cedar_lex_take(&t->lex, "["))
		return cedar_lex_ok(&t->lex) && action_ref(t, out);
	return items(t, action_ref, out) && cedar_lex_want(&t->lex, "]");
}

static bool add_actions(struct text *t, const struct raw_refs *names, const struct raw_action *like)
{
	for (const struct raw_ref *r = names->first; r; r = r->next) {
		struct raw_action *a = raw_action_add(t->raw, r->at, t->e);
		if (!a)
			return false;
		a->ns = t->ns;
		a->id = r->id;
		a->parents = like->parents;
		a->principals = like->principals;
		a->resources = like->resources;
		a->context = like->context;
	}
	return cedar_lex_want(&t->lex, ";");
}

/* 'action' Names ['in' QualNames] ['appliesTo' '{' AppDecls '}'] ['attributes' '{' '}'] ';' */
static bool action(struct text *t)
{
	struct raw_refs names = { 0 };
	struct raw_action like = { 0 };

	if (!items(t, action_name, &names))
		return false;
	if (cedar_lex_take(&t->lex, "in") && !action_parents(t, &like.parents))
		return false;
	if (cedar_lex_take(&t->lex, "appliesTo") && !applies_to(t, &like))
		return false;
	if (cedar_lex_take(&t->lex, "attributes") &&
	    (!cedar_lex_want(&t->lex, "{") || !cedar_lex_want(&t->lex, "}")))
		return false;
	return add_actions(t, &names, &like);
}

/* 'type' IDENT '=' Type ';' */
static bool common(struct text *t)
{
	struct raw_common *c = raw_common_add(t->raw, here(t), t->e);

	if (!c)
		return false;
	c->ns = t->ns;
	return take_word(t, "the name of a common type", &c->name) &&
	       raw_check_common_name(c->name, c->at, t->e) && cedar_lex_want(&t->lex, "=") &&
	       type(t, &c->type) && cedar_lex_want(&t->lex, ";");
}

static bool declaration(struct text *t)
{
	if (cedar_lex_take(&t->lex, "entity"))
		return entity(t);
	if (cedar_lex_take(&t->lex, "action"))
		return action(t);
	if (cedar_lex_take(&t->lex, "type"))
		return common(t);
	return cedar_lex_expected(&t->lex, t->ns.len ? "entity, action, type or '}'"
						     : "namespace, entity, action or type");
}

static bool namespace(struct text *t)
{
	struct raw_at at = here(t);
	struct str name;

	if (!take_path(t, "the name of a namespace", &name, NULL) ||
	    !raw_check_namespace(name, at, t->e))
		return false;
	if (map_put(t->namespaces, name, t))
		return raw_fail(at, t->e, "namespace '" STR_FMT "' is opened twice", STR_ARG(name));
	if (!cedar_lex_want(&t->lex, "{"))
		return false;
	t->ns = name;
	while (!cedar_lex_is(&t->lex, "}"))
		if (!annotations(t) || !declaration(t))
			return false;
	t->ns = STR("");
	return cedar_lex_want(&t->lex, "}");
}

static bool whole(struct text *t)
{
	while (t->lex.token.kind != CEDAR_TOKEN_END)
		if (!annotations(t) ||
		    !(cedar_lex_take(&t->lex, "namespace") ? namespace(t) : declaration(t)))
			return false;
	return cedar_lex_ok(&t->lex);
}

bool schema_text_read(const struct schema_source *src, struct raw_schema *out, struct err *e)
{
	struct text t = { .raw = out, .ns = STR(""), .e = e };
	struct cedar_source *source = arena_alloc(out->mem, 1, sizeof(*source));

	if (!source)
		return raw_full(e);
	*source = (struct cedar_source){ .name = src->file,
					 .text = src->text.ptr ? src->text : STR("") };
	t.namespaces = map_new();
	cedar_lex_init(&t.lex, source, e);
	bool ok = whole(&t);
	map_free(t.namespaces);
	return ok;
}
