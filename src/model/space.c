#include "model/space.h"

#include "codec/topic.h"

/* One level of the trie of all patterns.  Children hang in a list. */
struct node {
	struct str literal;
	bool is_any;              /* stands for any one level */
	const struct space *ends; /* a pattern ends here */
	const struct space *rest; /* a pattern goes on with '#' from here, this level included */
	struct node *child, *next;
};

struct spaces {
	struct space *all[SPACES_MAX];
	size_t count;
	struct node root;
};

/* A line being read. */
struct line {
	struct str file, rest;
	uint32_t number;
	struct arena *mem;
	struct err *e;
};

static bool fail(const struct line *l, const char *what, struct str word)
{
	return err_set(l->e, ERR_INPUT, STR_FMT ":%u: %s '" STR_FMT "'", STR_ARG(l->file),
		       l->number, what, STR_ARG(word));
}

static struct str next_word(struct line *l)
{
	struct str word;
	size_t len = 0;

	l->rest = str_trim(l->rest);
	while (len < l->rest.len && l->rest.ptr[len] != ' ' && l->rest.ptr[len] != '\t')
		len++;
	word = str_head(l->rest, len);
	l->rest = str_from(l->rest, len);
	return word;
}

static bool is_word_char(char c, bool is_first)
{
	bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

	return letter || (!is_first && c >= '0' && c <= '9');
}

/* A name of Cedar's: entity type or attribute. */
static bool is_ident(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_word_char(s.ptr[i], i == 0))
			return false;
	return s.len > 0 && s.len <= 63;
}

/* ---- patterns ---- */

static bool param_is_new(const struct space *s, struct str name)
{
	for (size_t i = 0; i < s->param_count; i++)
		if (str_eq(s->params[i].name, name))
			return false;
	return true;
}

/* "{device:Device}" or "{verb}" */
static bool read_param(struct line *l, struct space *s, struct str level)
{
	struct str inner = str_head(str_from(level, 1), level.len - 2);
	struct space_param p;

	if (!str_cut(inner, ':', &p.name, &p.type))
		p.type = STR("String");
	if (!is_ident(p.name) || !is_ident(p.type))
		return fail(l, "want {name} or {name:Type}, not", level);
	if (!param_is_new(s, p.name))
		return fail(l, "a parameter is there twice:", p.name);
	if (s->param_count == SPACE_PARAMS)
		return fail(l, "too many parameters in", s->pattern);
	s->levels[s->level_count++] =
		(struct space_level){ .kind = SPACE_PARAM, .param = s->param_count };
	s->params[s->param_count++] = p;
	return true;
}

static bool read_level(struct line *l, struct space *s, struct str level, bool is_last)
{
	if (s->level_count == SPACE_LEVELS)
		return fail(l, "too many levels in", s->pattern);
	if (level.len > 2 && level.ptr[0] == '{' && level.ptr[level.len - 1] == '}')
		return read_param(l, s, level);
	if (str_eq(level, STR("+")))
		s->levels[s->level_count++] = (struct space_level){ .kind = SPACE_ANY };
	else if (str_eq(level, STR("#")) && is_last)
		s->levels[s->level_count++] = (struct space_level){ .kind = SPACE_REST };
	else if (topic_has_wildcard(level) || str_has(level, '{') || str_has(level, '}'))
		return fail(l, "not a level of a topic:", level);
	else
		s->levels[s->level_count++] =
			(struct space_level){ .kind = SPACE_LITERAL, .text = level };
	return true;
}

static bool make_filter(struct line *l, struct space *s)
{
	auto_buf struct buf b = { 0 };

	buf_init(&b, UINT16_MAX);
	for (size_t i = 0; i < s->level_count; i++) {
		const struct space_level *v = &s->levels[i];
		struct str text = v->kind == SPACE_LITERAL ? v->text
				  : v->kind == SPACE_REST  ? STR("#")
							   : STR("+");
		(void)(i == 0 || buf_putc(&b, '/'));
		(void)buf_puts(&b, text);
	}
	s->as_filter = arena_dup(l->mem, buf_str(&b));
	if (b.is_full || !s->as_filter.ptr)
		return fail(l, "too large:", s->name);
	return topic_filter_ok(s->as_filter, l->e) ||
	       err_in(l->e, STR_FMT ":%u", STR_ARG(l->file), l->number);
}

static bool read_pattern(struct line *l, struct space *s)
{
	size_t at = 0;
	struct str level, close;

	l->rest = str_trim(l->rest);
	if (!str_starts(l->rest, STR("\"")) ||
	    !str_cut(str_from(l->rest, 1), '"', &s->pattern, &close))
		return fail(l, "want a pattern in quotes after the protocol of", s->name);
	l->rest = close;
	if (str_starts(s->pattern, STR("$")) || s->pattern.len == 0)
		return fail(l, "a space is not for topics like", s->pattern);
	while (topic_next(s->pattern, &at, &level))
		if (!read_level(l, s, level, at > s->pattern.len))
			return false;
	/* A first level that is a parameter would be asked to stand for everything. */
	if (s->levels[0].kind != SPACE_LITERAL)
		return fail(l, "the first level must be written out in", s->pattern);
	return make_filter(l, s);
}

/* ---- options ---- */

static const char *const option_names[] = { "filter",    "close", "acknowledge",
					    "telemetry", "alert", "in" };

static struct str option_name(const void *ctx, size_t i)
{
	(void)ctx;
	return str_of(option_names[i]);
}

static bool read_parent(struct line *l, struct space *s)
{
	struct str parent = next_word(l);

	if (!is_ident(parent))
		return fail(l, "want the name of a group of spaces after 'in', not", parent);
	if (s->parent_count == countof(s->parents))
		return fail(l, "too many groups for", s->name);
	s->parents[s->parent_count++] = parent;
	return true;
}

static bool unknown_option(struct line *l, struct str word)
{
	struct str near = str_nearest(word, countof(option_names), option_name, NULL);

	(void)fail(l, "not an option of a space:", word);
	return near.len == 0 ? false : err_hint(l->e, "did you mean '" STR_FMT "'?", STR_ARG(near));
}

static bool read_option(struct line *l, struct space *s, struct str word)
{
	if (str_eqz(word, "filter"))
		s->filter = true;
	else if (str_eqz(word, "close"))
		s->refusal = SPACE_CLOSE;
	else if (str_eqz(word, "acknowledge"))
		s->refusal = SPACE_ACKNOWLEDGE;
	else if (str_eqz(word, "telemetry"))
		s->telemetry = true;
	else if (str_eqz(word, "alert"))
		s->alert = true;
	else if (str_eqz(word, "in"))
		return read_parent(l, s);
	else
		return unknown_option(l, word);
	return true;
}

static bool read_space(struct line *l, struct space *s)
{
	struct str keyword = next_word(l);

	if (!str_eqz(keyword, "space"))
		return fail(l, "want 'space NAME mqtt \"PATTERN\"', not", keyword);
	s->line = l->number;
	s->name = next_word(l);
	if (!is_ident(s->name))
		return fail(l, "not a name for a space:", s->name);
	struct str protocol = next_word(l);
	if (!str_eqz(protocol, "mqtt"))
		return fail(l, "a space is for mqtt, not for", protocol);
	if (!read_pattern(l, s))
		return false;
	for (struct str word = next_word(l); word.len > 0; word = next_word(l))
		if (!read_option(l, s, word))
			return false;
	return true;
}

/* ---- the set ---- */

static bool check_apart(const struct line *l, const struct spaces *set, const struct space *s)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct space *other = set->all[i];
		if (str_eq(other->name, s->name))
			return fail(l, "a space is there twice:", s->name);
		if (topic_overlaps(other->as_filter, s->as_filter))
			return err_set(l->e, ERR_INPUT,
				       STR_FMT ":%u: space '" STR_FMT "' overlaps '" STR_FMT
					       "' of line %u",
				       STR_ARG(l->file), l->number, STR_ARG(s->name),
				       STR_ARG(other->name), other->line);
	}
	return true;
}

static struct node *child_for(struct arena *mem, struct node *at, const struct space_level *v)
{
	bool is_any = v->kind != SPACE_LITERAL;

	for (struct node *n = at->child; n; n = n->next)
		if (n->is_any == is_any && (is_any || str_eq(n->literal, v->text)))
			return n;
	struct node *n = arena_alloc(mem, 1, sizeof(*n));
	if (!n)
		return NULL;
	*n = (struct node){ .literal = v->text, .is_any = is_any, .next = at->child };
	at->child = n;
	return n;
}

static bool plant(struct spaces *set, struct space *s, struct arena *mem)
{
	struct node *at = &set->root;

	for (size_t i = 0; at && i < s->level_count; i++) {
		if (s->levels[i].kind == SPACE_REST) {
			at->rest = s;
			return true;
		}
		at = child_for(mem, at, &s->levels[i]);
	}
	if (at)
		at->ends = s;
	return at != NULL;
}

static bool add_space(struct line *l, struct spaces *set)
{
	struct space *s = arena_alloc(l->mem, 1, sizeof(*s));

	if (!s)
		return fail(l, "too large:", l->file);
	if (set->count == SPACES_MAX)
		return fail(l, "too many spaces in", l->file);
	if (!read_space(l, s) || !check_apart(l, set, s))
		return false;
	s->index = set->count;
	set->all[set->count++] = s;
	return plant(set, s, l->mem) || fail(l, "too large:", l->file);
}

bool spaces_read(struct str file, struct str text, struct arena *mem, const struct spaces **out,
		 struct err *e)
{
	struct spaces *set = arena_alloc(mem, 1, sizeof(*set));
	struct str rest = arena_dup(mem, text);
	uint32_t number = 0;
	struct str head;

	if (!set || (text.len > 0 && !rest.ptr))
		return err_set(e, ERR_INPUT, STR_FMT ": too large", STR_ARG(file));
	while (rest.len > 0) {
		(void)str_cut(rest, '\n', &head, &rest);
		struct line l = { file, str_trim(head), ++number, mem, e };
		if (str_ends(l.rest, STR("\r")))
			l.rest.len--;
		if (l.rest.len > 0 && l.rest.ptr[0] != '#' && !add_space(&l, set))
			return false;
	}
	*out = set;
	return true;
}

size_t spaces_count(const struct spaces *set)
{
	return set->count;
}

const struct space *spaces_at(const struct spaces *set, size_t i)
{
	return i < set->count ? set->all[i] : NULL;
}

const struct space *spaces_find(const struct spaces *set, struct str name)
{
	for (size_t i = 0; i < set->count; i++)
		if (str_eq(set->all[i]->name, name))
			return set->all[i];
	return NULL;
}

/* ---- topics into spaces ---- */

/* Each node is reached by one path, so the walk is bounded by the trie; depth by TOPIC_LEVELS. */
static const struct space *find(const struct node *at, struct str topic, size_t pos)
{
	struct str level;

	if (at->rest)
		return at->rest;
	if (!topic_next(topic, &pos, &level))
		return at->ends;
	for (const struct node *n = at->child; n; n = n->next) {
		if (!n->is_any && !str_eq(n->literal, level))
			continue;
		const struct space *got = find(n, topic, pos);
		if (got)
			return got;
	}
	return NULL;
}

/* Puts the levels of a topic or filter into the parameters of a space it overlaps. */
static void fill(const struct space *s, struct str text, struct space_binding *out)
{
	size_t at = 0;
	struct str level = { 0 };
	bool is_open = false; /* the filter ended with '#': all below is unknown */

	*out = (struct space_binding){ .space = s };
	for (size_t i = 0; i < s->level_count; i++) {
		bool has = !is_open && topic_next(text, &at, &level);
		is_open = is_open || !has || str_eq(level, STR("#"));
		if (s->levels[i].kind != SPACE_PARAM || is_open || str_eq(level, STR("+")))
			continue;
		out->values[s->levels[i].param] = level;
		out->is_known[s->levels[i].param] = true;
	}
}

bool spaces_bind(const struct spaces *set, struct str topic, struct space_binding *out)
{
	if (!topic_depth_ok(topic) || topic_has_wildcard(topic))
		return false;
	const struct space *s = find(&set->root, topic, 0);
	if (!s)
		return false;
	fill(s, topic, out);
	out->covers = true;
	return true;
}

size_t spaces_overlap(const struct spaces *set, struct str filter, struct space_binding *out,
		      size_t max, bool *out_whole)
{
	size_t count = 0;

	*out_whole = false;
	for (size_t i = 0; i < set->count; i++) {
		const struct space *s = set->all[i];
		if (!topic_overlaps(s->as_filter, filter))
			continue;
		bool covers = topic_covers(s->as_filter, filter);
		*out_whole = *out_whole || covers;
		if (count == max) {
			*out_whole = false;
			return count;
		}
		fill(s, filter, &out[count]);
		out[count++].covers = covers;
	}
	return count;
}

/* ---- schema ---- */

static void put_entity(struct buf *out, const struct space *s)
{
	(void)buf_printf(out, "\tentity " STR_FMT " in [TopicSpace] = {", STR_ARG(s->name));
	for (size_t i = 0; i < s->param_count; i++)
		(void)buf_printf(out, "%s " STR_FMT ": " STR_FMT, i ? "," : "",
				 STR_ARG(s->params[i].name), STR_ARG(s->params[i].type));
	(void)buf_puts(out, STR(" };\n"));
}

bool spaces_schema(const struct spaces *set, struct buf *out)
{
	(void)buf_puts(out, STR("namespace Space {\n"));
	for (size_t i = 0; i < set->count; i++)
		put_entity(out, set->all[i]);
	return buf_puts(out, STR("}\n")) && !out->is_full;
}
