#include "model/principal.h"

#include "codec/json.h"

static const char *const grades[GRADES] = {
	[GRADE_ISOLATED] = "isolated",       [GRADE_ALERT_ONLY] = "alert-only",
	[GRADE_UPDATE_ONLY] = "update-only", [GRADE_RESTRICTED] = "restricted",
	[GRADE_NORMAL] = "normal",
};

const char *grade_name(enum grade grade)
{
	return (unsigned)grade < GRADES ? grades[grade] : grades[GRADE_ISOLATED];
}

bool grade_read(struct str name, enum grade *out)
{
	*out = GRADE_ISOLATED;
	for (unsigned i = 0; i < GRADES; i++)
		if (str_eqz(name, grades[i])) {
			*out = (enum grade)i;
			return true;
		}
	return false;
}

static const char *const fields[] = {
	"kind",          "id",         "site",      "model",       "groups",
	"status",        "firmware",   "assurance", "attested",    "attested_at",
	"risk",          "grade",      "held",      "valid_until", "grade_then",
	"key_assurance", "generation", "posture",   "tags",        "evidence",
};

static bool read_texts(const struct json *j, struct principal *out, struct err *e)
{
	return json_text(j, "kind", &out->kind, e) && json_text(j, "id", &out->id, e) &&
	       json_opt_text(j, "site", &out->site, e) &&
	       json_opt_text(j, "model", &out->model, e) &&
	       json_opt_text(j, "status", &out->status, e) &&
	       json_opt_text(j, "firmware", &out->firmware, e) &&
	       json_opt_text(j, "assurance", &out->assurance, e) &&
	       json_opt_text(j, "key_assurance", &out->key_assurance, e);
}

static bool read_grade_of(const struct json *j, const char *name, enum grade *out, struct err *e)
{
	struct str word = { 0 };

	*out = GRADE_ISOLATED;
	if (!json_opt_text(j, name, &word, e))
		return false;
	if (word.len > 0 && !grade_read(word, out))
		return err_set(e, ERR_INPUT, "'%s': no such grade '" STR_FMT "'", name,
			       STR_ARG(word));
	return true;
}

static bool read_state(const struct json *j, struct principal *out, struct err *e)
{
	return json_opt_bool(j, "attested", &out->attested, e) &&
	       json_opt_int(j, "attested_at", 0, INT64_MAX, &out->attested_at_ms, e) &&
	       json_opt_int(j, "risk", 0, 100, &out->risk, e) &&
	       read_grade_of(j, "grade", &out->grade, e) &&
	       json_opt_bool(j, "held", &out->held, e) &&
	       json_opt_int(j, "valid_until", 0, INT64_MAX, &out->valid_until_ms, e) &&
	       read_grade_of(j, "grade_then", &out->grade_then, e) &&
	       json_opt_int(j, "generation", 0, INT64_MAX, &out->generation, e);
}

static bool too_large(struct err *e)
{
	return err_set(e, ERR_INPUT, "principal is too large");
}

static bool read_groups(const struct json *j, struct arena *mem, struct principal *out,
			struct err *e)
{
	const struct json *list = NULL;

	if (!json_opt_list(j, "groups", &list, e))
		return false;
	struct str *groups = arena_alloc(mem, json_count(list) + 1, sizeof(*groups));
	if (!groups)
		return too_large(e);
	for (size_t i = 0; i < json_count(list); i++) {
		const struct json *v = json_item(list, i);
		if (json_kind(v) != JSON_KIND_TEXT)
			return err_set(e, ERR_INPUT, "'groups': want texts");
		groups[i] = json_value_text(v);
	}
	out->groups = groups;
	out->group_count = json_count(list);
	return true;
}

static bool read_tags(const struct json *j, struct arena *mem, struct principal *out, struct err *e)
{
	const struct json *map = NULL, *v;
	struct str key;

	if (!json_opt_map(j, "tags", &map, e))
		return false;
	struct principal_tag *tags = arena_alloc(mem, json_count(map) + 1, sizeof(*tags));
	if (!tags)
		return too_large(e);
	for (void *at = NULL; json_next(map, &at, &key, &v);) {
		if (json_kind(v) != JSON_KIND_TEXT)
			return err_set(e, ERR_INPUT, "'tags': want texts");
		tags[out->tag_count++] = (struct principal_tag){ key, json_value_text(v) };
	}
	out->tags = tags;
	return true;
}

static bool read_evidence(const struct json *j, struct arena *mem, struct principal *out,
			  struct err *e)
{
	const struct json *map = NULL, *v;
	struct str key;

	if (!json_opt_map(j, "evidence", &map, e))
		return false;
	struct principal_evidence *all = arena_alloc(mem, json_count(map) + 1, sizeof(*all));
	if (!all)
		return too_large(e);
	for (void *at = NULL; json_next(map, &at, &key, &v);) {
		struct principal_evidence *one = &all[out->evidence_count];
		one->attribute = key;
		if (!json_text(v, "id", &one->id, e) ||
		    !json_int(v, "at", 0, INT64_MAX, &one->at_ms, e))
			return err_in(e, "'evidence'");
		out->evidence_count++;
	}
	out->evidence = all;
	return true;
}

static bool read_posture(const struct json *j, struct arena *mem, struct principal *out,
			 struct err *e)
{
	const struct json *map = NULL;
	auto_buf struct buf text = { 0 };
	struct jw w;

	buf_init(&text, 65536);
	if (!json_opt_map(j, "posture", &map, e))
		return false;
	if (json_count(map) == 0)
		return true;
	jw_init(&w, &text, JW_CANONICAL);
	jw_json(&w, map);
	if (!jw_ok(&w))
		return err_set(e, ERR_INPUT, "'posture' is too large or holds reals");
	out->posture = arena_dup(mem, buf_str(&text));
	return out->posture.ptr || too_large(e);
}

static bool read_all(const struct json *j, struct arena *mem, struct principal *out, struct err *e)
{
	struct principal got = { 0 };

	if (!json_only(j, fields, countof(fields), e) || !read_texts(j, &got, e) ||
	    !read_state(j, &got, e) || !read_groups(j, mem, &got, e) ||
	    !read_tags(j, mem, &got, e) || !read_evidence(j, mem, &got, e) ||
	    !read_posture(j, mem, &got, e))
		return false;
	/* The views point into the document, which goes: the copy stays. */
	return principal_copy(&got, mem, out) || too_large(e);
}

bool principal_read(struct str json, struct arena *mem, struct principal *out, struct err *e)
{
	auto_json struct json *j = NULL;

	*out = (struct principal){ 0 };
	return json_read(bytes_str(json), NULL, &j, e) && read_all(j, mem, out, e);
}

static void put_groups(struct jw *w, const struct principal *p)
{
	jw_key(w, "groups");
	jw_list(w);
	for (size_t i = 0; i < p->group_count; i++)
		jw_str(w, p->groups[i]);
	jw_end(w);
}

static void put_tags(struct jw *w, const struct principal *p)
{
	jw_key(w, "tags");
	jw_map(w);
	for (size_t i = 0; i < p->tag_count; i++) {
		jw_key_str(w, p->tags[i].name);
		jw_str(w, p->tags[i].value);
	}
	jw_end(w);
}

static void put_evidence(struct jw *w, const struct principal *p)
{
	jw_key(w, "evidence");
	jw_map(w);
	for (size_t i = 0; i < p->evidence_count; i++) {
		jw_key_str(w, p->evidence[i].attribute);
		jw_map(w);
		jw_kv_str(w, "id", p->evidence[i].id);
		jw_kv_int(w, "at", p->evidence[i].at_ms);
		jw_end(w);
	}
	jw_end(w);
}

static void put_state(struct jw *w, const struct principal *p)
{
	jw_kv_bool(w, "attested", p->attested);
	jw_kv_int(w, "attested_at", p->attested_at_ms);
	jw_kv_int(w, "risk", p->risk);
	jw_kv_text(w, "grade", grade_name(p->grade));
	jw_kv_bool(w, "held", p->held);
	jw_kv_int(w, "valid_until", p->valid_until_ms);
	jw_kv_text(w, "grade_then", grade_name(p->grade_then));
	jw_kv_int(w, "generation", p->generation);
}

bool principal_write(struct buf *out, const struct principal *p)
{
	struct jw w;

	jw_init(&w, out, JW_COMPACT);
	jw_map(&w);
	jw_kv_str(&w, "kind", p->kind);
	jw_kv_str(&w, "id", p->id);
	jw_kv_str(&w, "site", p->site);
	jw_kv_str(&w, "model", p->model);
	put_groups(&w, p);
	jw_kv_str(&w, "status", p->status);
	jw_kv_str(&w, "firmware", p->firmware);
	jw_kv_str(&w, "assurance", p->assurance);
	jw_kv_str(&w, "key_assurance", p->key_assurance);
	put_state(&w, p);
	jw_key(&w, "posture");
	jw_raw(&w, p->posture.len > 0 ? p->posture : STR("{}"));
	put_tags(&w, p);
	put_evidence(&w, p);
	jw_end(&w);
	return jw_ok(&w);
}

enum grade principal_grade(const struct principal *p, int64_t now_ms)
{
	if (p->held)
		return GRADE_ISOLATED;
	if (p->valid_until_ms != 0 && now_ms >= p->valid_until_ms && p->grade_then < p->grade)
		return p->grade_then;
	return p->grade;
}

/* A copy keeps its place even when empty; only a full arena makes it fail. */
static bool copy_str(struct arena *mem, struct str *s)
{
	*s = arena_dup(mem, *s);
	return s->ptr != NULL;
}

static bool copy_texts(struct arena *mem, struct principal *p)
{
	struct str *texts[] = { &p->kind,     &p->id,     &p->site,      &p->model,
				&p->firmware, &p->status, &p->assurance, &p->key_assurance,
				&p->posture };

	for (size_t i = 0; i < countof(texts); i++)
		if (!copy_str(mem, texts[i]))
			return false;
	return true;
}

static bool copy_groups(struct arena *mem, struct principal *p)
{
	struct str *groups = arena_alloc(mem, p->group_count + 1, sizeof(*groups));

	if (!groups)
		return false;
	for (size_t i = 0; i < p->group_count; i++) {
		groups[i] = p->groups[i];
		if (!copy_str(mem, &groups[i]))
			return false;
	}
	p->groups = groups;
	return true;
}

static bool copy_tags(struct arena *mem, struct principal *p)
{
	struct principal_tag *tags = arena_alloc(mem, p->tag_count + 1, sizeof(*tags));

	if (!tags)
		return false;
	for (size_t i = 0; i < p->tag_count; i++) {
		tags[i] = p->tags[i];
		if (!copy_str(mem, &tags[i].name) || !copy_str(mem, &tags[i].value))
			return false;
	}
	p->tags = tags;
	return true;
}

static bool copy_evidence(struct arena *mem, struct principal *p)
{
	struct principal_evidence *all = arena_alloc(mem, p->evidence_count + 1, sizeof(*all));

	if (!all)
		return false;
	for (size_t i = 0; i < p->evidence_count; i++) {
		all[i] = p->evidence[i];
		if (!copy_str(mem, &all[i].attribute) || !copy_str(mem, &all[i].id))
			return false;
	}
	p->evidence = all;
	return true;
}

bool principal_copy(const struct principal *from, struct arena *mem, struct principal *out)
{
	*out = *from;
	return copy_texts(mem, out) && copy_groups(mem, out) && copy_tags(mem, out) &&
	       copy_evidence(mem, out);
}
