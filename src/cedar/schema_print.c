/* A schema back into the Cedar syntax.  Built-in types are written with __cedar:: when an
 * entity type of that name could hide one of them, so that what is printed reads the same. */
#include "cedar/schema.h"
#include "cedar/schema_raw.h"

static void put_text(struct buf *out, struct str s)
{
	buf_putc(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = (uint8_t)s.ptr[i];
		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7F)
			buf_printf(out, "\\u{%x}", c);
		else
			buf_putc(out, (char)c);
	}
	buf_putc(out, '"');
}

static void put_name(struct buf *out, struct str s)
{
	if (raw_is_word(s))
		buf_puts(out, s);
	else
		put_text(out, s);
}

static const char *plain_name(const struct schema_type *t)
{
	switch (t->kind) {
	case SCHEMA_NEVER:
		return "__cedar::internal::Never";
	case SCHEMA_TRUE:
		return "__cedar::internal::True";
	case SCHEMA_FALSE:
		return "__cedar::internal::False";
	case SCHEMA_ANY_ENTITY:
		return "__cedar::internal::AnyEntity";
	case SCHEMA_BOOL:
		return "Bool";
	case SCHEMA_LONG:
		return "Long";
	case SCHEMA_STRING:
		return "String";
	default:
		return "";
	}
}

static void put_type(struct buf *out, const struct schema_type *t, const char *builtin);

static void put_record(struct buf *out, const struct schema_type *t, const char *builtin)
{
	buf_puts(out, STR("{"));
	for (size_t i = 0; i < t->attr_count; i++) {
		buf_puts(out, i ? STR(", ") : STR(" "));
		put_name(out, t->attrs[i].name);
		buf_puts(out, t->attrs[i].is_optional ? STR("?: ") : STR(": "));
		put_type(out, t->attrs[i].type, builtin);
	}
	buf_puts(out, t->attr_count ? STR(" }") : STR("}"));
}

/* `builtin` goes before the name of a built-in type.  Depth is capped: see schema.h. */
static void put_type(struct buf *out, const struct schema_type *t, const char *builtin)
{
	switch (t->kind) {
	case SCHEMA_SET:
		buf_puts(out, STR("Set<"));
		if (t->element)
			put_type(out, t->element, builtin);
		else
			buf_puts(out, STR("__cedar::internal::Any"));
		buf_puts(out, STR(">"));
		return;
	case SCHEMA_RECORD:
		put_record(out, t, builtin);
		return;
	case SCHEMA_ENTITY:
		buf_puts(out, t->name);
		return;
	case SCHEMA_EXTENSION:
		buf_printf(out, "%s" STR_FMT, builtin, STR_ARG(t->name));
		return;
	case SCHEMA_BOOL:
	case SCHEMA_LONG:
	case SCHEMA_STRING:
		buf_puts(out, str_of(builtin));
		break;
	default:
		break;
	}
	buf_puts(out, str_of(plain_name(t)));
}

void schema_type_print(const struct schema_type *t, struct buf *out)
{
	put_type(out, t, "");
}

static void put_entity_list(struct buf *out, const struct schema_entity **list, size_t count)
{
	buf_puts(out, STR("["));
	for (size_t i = 0; i < count; i++) {
		buf_puts(out, i ? STR(", ") : STR(""));
		buf_puts(out, list[i]->name);
	}
	buf_puts(out, STR("]"));
}

static void put_entity(struct buf *out, const struct schema_entity *n, struct str base,
		       const char *builtin)
{
	buf_puts(out, STR("entity "));
	buf_puts(out, base);
	if (n->id_count) {
		buf_puts(out, STR(" enum ["));
		for (size_t i = 0; i < n->id_count; i++) {
			buf_puts(out, i ? STR(", ") : STR(""));
			put_text(out, n->ids[i]);
		}
		buf_puts(out, STR("];\n"));
		return;
	}
	if (n->parent_count) {
		buf_puts(out, STR(" in "));
		put_entity_list(out, n->parents, n->parent_count);
	}
	if (n->shape->attr_count) {
		buf_puts(out, STR(" = "));
		put_type(out, n->shape, builtin);
	}
	if (n->tags) {
		buf_puts(out, STR(" tags "));
		put_type(out, n->tags, builtin);
	}
	buf_puts(out, STR(";\n"));
}

static void put_action_parents(struct buf *out, const struct schema_action *a)
{
	if (!a->parent_count)
		return;
	buf_puts(out, STR(" in ["));
	for (size_t i = 0; i < a->parent_count; i++) {
		buf_puts(out, i ? STR(", ") : STR(""));
		buf_puts(out, a->parents[i]->type);
		buf_puts(out, STR("::"));
		put_text(out, a->parents[i]->id);
	}
	buf_puts(out, STR("]"));
}

static void put_action(struct buf *out, const struct schema_action *a, const char *builtin)
{
	buf_puts(out, STR("action "));
	put_text(out, a->id);
	put_action_parents(out, a);
	if (a->principal_count && a->resource_count) {
		buf_puts(out, STR(" appliesTo { principal: "));
		put_entity_list(out, a->principals, a->principal_count);
		buf_puts(out, STR(", resource: "));
		put_entity_list(out, a->resources, a->resource_count);
		buf_puts(out, STR(", context: "));
		put_type(out, a->context, builtin);
		buf_puts(out, STR(" }"));
	}
	buf_puts(out, STR(";\n"));
}

/* The namespace of a name, "" when it has none. */
static struct str split(struct str name, struct str *base)
{
	size_t start = name.len;

	while (start && name.ptr[start - 1] != ':')
		start--;
	*base = str_from(name, start);
	return start ? str_head(name, start - 2) : STR("");
}

/* What goes before built-in types, so that none is taken for an entity type. */
static const char *builtin_prefix(const struct schema *s)
{
	static const char *const builtins[] = { "Bool",    "Long",     "String",  "ipaddr",
						"decimal", "datetime", "duration" };
	struct str base;

	for (size_t i = 0; i < s->entity_count; i++) {
		(void)split(s->entities[i].name, &base);
		for (size_t k = 0; k < countof(builtins); k++)
			if (str_eqz(base, builtins[k]))
				return "__cedar::";
	}
	return "";
}

static void put_namespace(const struct schema *s, struct str ns, struct buf *out)
{
	const char *builtin = builtin_prefix(s);
	struct str base;

	if (ns.len)
		buf_printf(out, "namespace " STR_FMT " {\n", STR_ARG(ns));
	for (size_t i = 0; i < s->entity_count; i++)
		if (str_eq(split(s->entities[i].name, &base), ns))
			put_entity(out, &s->entities[i], base, builtin);
	for (size_t i = 0; i < s->action_count; i++)
		if (str_eq(split(s->actions[i].type, &base), ns))
			put_action(out, &s->actions[i], builtin);
	if (ns.len)
		buf_puts(out, STR("}\n"));
}

/* Namespaces in order; the next one after `last`, false when there is none. */
static bool next_namespace(const struct schema *s, struct str last, bool is_first, struct str *out)
{
	bool found = false;
	struct str base;

	for (size_t i = 0; i < s->entity_count + s->action_count; i++) {
		struct str name = i < s->entity_count ? s->entities[i].name
						      : s->actions[i - s->entity_count].type;
		struct str ns = split(name, &base);
		if ((is_first || str_cmp(ns, last) > 0) && (!found || str_cmp(ns, *out) < 0)) {
			*out = ns;
			found = true;
		}
	}
	return found;
}

bool schema_print(const struct schema *s, struct buf *out, struct err *e)
{
	struct str ns, last = STR("");

	for (bool is_first = true; next_namespace(s, last, is_first, &ns); is_first = false) {
		put_namespace(s, ns, out);
		last = ns;
		if (out->is_full)
			return err_set(e, ERR_INPUT, "schema is too large to print");
	}
	return true;
}
