#include "control/core/policyset.h"

#include "base/mem.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "control/core/builtin.h"
#include "crypto/hash.h"

enum { BODY_MAX = 8 << 20, FILES_MAX = 128 };

struct policy *policyset_check(const struct policy_text *t, struct str version, struct err *e)
{
	const struct policy_source src = { .version = version,
					   .schema = t->schema,
					   .spaces = { STR("plant.spaces"), t->spaces },
					   .files = t->files,
					   .count = t->count };

	return policy_new(&src, e);
}

struct str policyset_digest(const struct policy_text *t, struct arena *mem)
{
	struct sha256 *h = sha256_new();
	uint8_t digest[SHA256_LEN];

	sha256_add(h, bytes_str(t->schema));
	sha256_add(h, bytes_of("\0", 1));
	sha256_add(h, bytes_str(t->spaces));
	for (size_t i = 0; i < t->count; i++) {
		sha256_add(h, bytes_of("\0", 1));
		sha256_add(h, bytes_str(t->files[i].name));
		sha256_add(h, bytes_of("\0", 1));
		sha256_add(h, bytes_str(t->files[i].text));
	}
	sha256_end(h, digest);
	sha256_free(h);
	return hex_text(bytes_of(digest, sizeof(digest)), mem);
}

static bool write_body(const struct policy_text *t, uint64_t version, struct str digest,
		       struct buf *out)
{
	struct jw w;

	jw_init(&w, out, JW_COMPACT);
	jw_map(&w);
	jw_kv_int(&w, "version", (int64_t)version);
	jw_kv_str(&w, "digest", digest);
	jw_kv_str(&w, "schema", t->schema);
	jw_kv_str(&w, "spaces", t->spaces);
	jw_key(&w, "policies");
	jw_list(&w);
	for (size_t i = 0; i < t->count; i++) {
		jw_map(&w);
		jw_kv_str(&w, "file", t->files[i].name);
		jw_kv_str(&w, "text", t->files[i].text);
		jw_end(&w);
	}
	jw_end(&w);
	jw_end(&w);
	return jw_ok(&w);
}

static bool read_files(const struct json *list, struct arena *mem, struct policy_text *out,
		       struct err *e)
{
	struct policy_file *files = arena_alloc(mem, json_count(list), sizeof(*files));

	if (!files || json_count(list) > FILES_MAX)
		return err_set(e, ERR_INPUT, "too many policy files");
	for (size_t i = 0; i < json_count(list); i++)
		if (!json_text(json_item(list, i), "file", &files[i].name, e) ||
		    !json_text(json_item(list, i), "text", &files[i].text, e))
			return false;
	out->files = files;
	out->count = json_count(list);
	return true;
}

/* Compiles a stored body; views die with the document, policy_new copies. */
static struct policy *compile_body(struct str body, struct err *e)
{
	const struct json_limits limits = { .max_bytes = BODY_MAX };
	auto_arena struct arena *mem = arena_new(1 << 20);
	auto_json struct json *doc = NULL;
	const struct json *list;
	struct policy_text t;
	int64_t version;

	if (!json_read(bytes_str(body), &limits, &doc, e) ||
	    !json_int(doc, "version", 1, INT64_MAX, &version, e) ||
	    !json_text(doc, "schema", &t.schema, e) || !json_text(doc, "spaces", &t.spaces, e) ||
	    !json_list(doc, "policies", &list, e) || !read_files(list, mem, &t, e))
		return NULL;
	return policyset_check(&t, arena_printf(mem, "%lld", (long long)version), e);
}

static struct policy_request right(struct str user, const char *permission, const char *type,
				   struct str id, int64_t now_ms)
{
	return (struct policy_request){
		.principal = user,
		.action = str_of(permission),
		.resource_type = str_of(type),
		.resource_id = id,
		.context = { .now_ms = now_ms, .protocol = STR("https"), .age = POLICY_FRESH }
	};
}

static bool may_activate(struct core *c, const struct policy *p, struct str user, struct err *e)
{
	struct policy_request q =
		right(user, "policy.activate", "PolicySet", STR("active"), core_now_ms(c));
	struct policy_answer answer;

	policy_decide(p, c->world, &q, &answer);
	if (answer.effect == POLICY_ALLOW)
		return true;
	err_set(e, ERR_CONFLICT, "with this set " STR_FMT " could not activate the next one",
		STR_ARG(user));
	return err_hint(e, "keep a policy that permits policy.activate");
}

bool policyset_activate(struct core *c, const struct policy_text *t, struct str user, struct err *e)
{
	auto_arena struct arena *mem = arena_new(BODY_MAX);
	struct store_policy before = { 0 };
	struct err none = { 0 };
	auto_buf struct buf body = { 0 };

	if (!store_policy_get(c->store, mem, &before, &none) && none.kind != ERR_MISSING) {
		*e = none;
		return false;
	}
	struct store_policy row = { .version = before.version + 1,
				    .digest = policyset_digest(t, mem),
				    .at_ms = core_now_ms(c),
				    .made_by = user };
	struct policy *p =
		policyset_check(t, arena_printf(mem, "%llu", (unsigned long long)row.version), e);
	if (!p || (user.len && !may_activate(c, p, user, e))) {
		policy_free(p);
		return false;
	}
	policy_free(c->policy_next);
	c->policy_next = p;
	buf_init(&body, BODY_MAX);
	if (!write_body(t, row.version, row.digest, &body))
		return err_set(e, ERR_INPUT, "policy set is too large");
	row.body = buf_str(&body);
	free(c->policy_next_body);
	c->policy_next_body = mem_text((const char *)body.ptr, body.len);
	struct audit_record r = { .kind = AUDIT_POLICY_ACTIVATED,
				  .by = user,
				  .what = STR("policy"),
				  .before = before.digest,
				  .after = row.digest };
	return store_policy_add(c->store, &row, e) && change_audit(c, &r, STR(""), e) &&
	       feed_add(c, STR("global"), STR(""), "policy", row.body, e);
}

void policyset_swap(struct core *c)
{
	if (!c->policy_next)
		return;
	policy_free(c->policy);
	free(c->policy_body);
	c->policy = c->policy_next;
	c->policy_body = c->policy_next_body;
	c->policy_next = NULL;
	c->policy_next_body = NULL;
}

static bool first_set(struct core *c, struct err *e)
{
	const struct policy_file files[] = {
		{ STR("operators.cedar"), str_of(builtin_operators) },
	};
	struct policy_text t = { .schema = str_of(builtin_schema), .files = files, .count = 1 };

	if (!change_begin(c, e))
		return false;
	if (!policyset_activate(c, &t, STR(""), e)) {
		change_undo(c);
		return err_in(e, "first policy set");
	}
	if (!change_end(c, e))
		return false;
	policyset_swap(c);
	return true;
}

bool policy_load(struct core *c, struct err *e)
{
	auto_arena struct arena *mem = arena_new(BODY_MAX);
	struct store_policy row;
	struct err none = { 0 };

	if (!store_policy_get(c->store, mem, &row, &none)) {
		if (none.kind == ERR_MISSING)
			return first_set(c, e);
		*e = none;
		return false;
	}
	c->policy = compile_body(row.body, e);
	if (!c->policy)
		return err_in(e, "policy set %llu", (unsigned long long)row.version);
	c->policy_body = mem_text(row.body.ptr, row.body.len);
	return true;
}

bool policy_allows(struct core *c, struct str user, const char *permission, const char *type,
		   struct str id, struct err *e)
{
	auto_arena struct arena *mem = arena_new(4096);
	struct str name = arena_printf(mem, "user/" STR_FMT, STR_ARG(user));
	struct policy_request q = right(name, permission, type, id, core_now_ms(c));
	struct policy_answer answer;

	policy_decide(c->policy, c->world, &q, &answer);
	if (answer.effect == POLICY_ALLOW)
		return true;
	err_set(e, ERR_DENIED, STR_FMT " may not %s on %s (%s)", STR_ARG(name), permission, type,
		policy_cause_name(answer.cause));
	return err_hint(e, "muster policy show");
}
