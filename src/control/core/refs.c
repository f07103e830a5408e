#include "control/core/refs.h"

#include "codec/hex.h"
#include "codec/json.h"
#include "crypto/hash.h"
#include "crypto/statement.h"

enum { REFS_MAX = 64 };

/* ---- is it signed by somebody we believe? ---- */

struct trial {
	const struct statement *what;
	const uint8_t *sig;
	bool is_signed;
};

static bool try_key(void *ctx, const struct store_release_key *row)
{
	struct trial *t = ctx;
	struct err e = { 0 };
	auto_key struct key *key = key_public(row->spki, &e);

	t->is_signed = key && statement_verify(t->what, key, t->sig, &e);
	return !t->is_signed;
}

static bool check_signature(struct core *c, const struct store_reference *row, struct str json,
			    const uint8_t sig[KEY_SIG], bool *out, struct err *e)
{
	struct statement s = { .type = STATEMENT_REFS, .stream = row->model, .seq = row->version };
	struct trial t = { &s, sig, false };

	sha256(bytes_str(json), s.digest);
	if (!store_release_key_each(c->store, try_key, &t, e))
		return false;
	*out = t.is_signed;
	return true;
}

/* ---- what does it say? ---- */

static bool read_values(struct str index, const struct json *list, struct attest_pcr_values *out,
			struct err *e)
{
	uint64_t pcr;

	if (!str_u64(index, &pcr) || pcr >= ATTEST_PCRS)
		return err_set(e, ERR_INPUT, "'" STR_FMT "' is not a register", STR_ARG(index));
	if (json_kind(list) != JSON_KIND_LIST || !json_count(list) ||
	    json_count(list) > ATTEST_ALTERNATIVES)
		return err_set(e, ERR_INPUT, "register %llu: want 1 to %d values",
			       (unsigned long long)pcr, ATTEST_ALTERNATIVES);
	out->index = (uint8_t)pcr;
	out->count = json_count(list);
	for (size_t i = 0; i < out->count; i++)
		if (!hex_read_exact(json_value_text(json_item(list, i)), out->allowed[i], 32, e))
			return err_in(e, "register %llu", (unsigned long long)pcr);
	return true;
}

static bool read_pcrs(const struct json *doc, struct arena *mem, struct attest_reference *out,
		      struct err *e)
{
	const struct json *map, *list;
	struct str index;

	if (!json_map(doc, "pcrs", &map, e))
		return false;
	struct attest_pcr_values *all = arena_alloc(mem, json_count(map), sizeof(*all));
	if (!all || json_count(map) > ATTEST_PCRS)
		return err_set(e, ERR_INPUT, "'pcrs': too many registers");
	for (void *at = NULL; json_next(map, &at, &index, &list);)
		if (!read_values(index, list, &all[out->pcr_count++], e))
			return false;
	out->pcrs = all;
	return true;
}

bool refs_read(struct core *c, struct str line, struct arena *mem, struct store_reference *row,
	       struct attest_reference *out, struct err *e)
{
	static const char *const members[] = { "model", "version", "not_before", "not_after",
					       "pcrs" };
	auto_json struct json *doc = NULL;
	uint8_t sig[KEY_SIG];
	struct str json, model;
	int64_t version;

	*row = (struct store_reference){ .line = line };
	*out = (struct attest_reference){ 0 };
	if (!statement_line_read(line, sig, &json, e) ||
	    !json_read(bytes_str(json), NULL, &doc, e) ||
	    !json_only(doc, members, countof(members), e) || !json_text(doc, "model", &model, e) ||
	    !json_int(doc, "version", 1, INT64_MAX, &version, e) ||
	    !json_opt_int(doc, "not_before", 0, INT64_MAX, &row->not_before_ms, e) ||
	    !json_opt_int(doc, "not_after", 0, INT64_MAX, &row->not_after_ms, e) ||
	    !read_pcrs(doc, mem, out, e))
		return err_in(e, "reference values");
	if (!identity_id_ok(model))
		return err_set(e, ERR_INPUT, "'" STR_FMT "' is not a model", STR_ARG(model));
	row->model = arena_dup(mem, model);
	row->version = out->version = (uint64_t)version;
	out->not_before_ms = row->not_before_ms;
	out->not_after_ms = row->not_after_ms;
	return check_signature(c, row, json, sig, &out->is_signed, e);
}

struct gather {
	struct core *core;
	struct str model;
	struct arena *mem;
	struct attest_reference *items;
	size_t count;
	struct err *e;
};

static bool gather_one(void *ctx, const struct store_reference *row)
{
	struct gather *g = ctx;
	struct store_reference own;

	if (!str_eq(row->model, g->model))
		return true;
	/* The newest are at the end: of too many the oldest are forgotten. */
	if (g->count == REFS_MAX) {
		memmove(g->items, g->items + 1, (REFS_MAX - 1) * sizeof(*g->items));
		g->count--;
	}
	struct str line = arena_dup(g->mem, row->line);
	struct err bad = { 0 };
	if (refs_read(g->core, line, g->mem, &own, &g->items[g->count], &bad))
		g->count++;
	return true;
}

bool refs_of(struct core *c, struct str model, struct arena *mem, struct attest_references *out,
	     struct err *e)
{
	struct gather g = { .core = c, .model = model, .mem = mem, .e = e };

	g.items = arena_alloc(mem, REFS_MAX, sizeof(*g.items));
	if (!g.items)
		return err_set(e, ERR_RETRY, "no memory for reference values");
	if (!store_reference_each(c->store, gather_one, &g, e))
		return false;
	*out = (struct attest_references){ g.items, g.count, 0 };
	return true;
}
