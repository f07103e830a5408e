/* gate.c - what a gate's link asks: the snapshot, and the way up.  The feed is follow.c. */
#include "base/mem.h"
#include "control/front/fields.h"
#include "control/front/front.h"

void front_gate_snapshot(struct call *c)
{
	struct wall_ask q = { c->peer };

	front_ask(c, WALL_SNAPSHOT, &q);
}

static bool is_below(const struct wall_value *v, const char *name)
{
	size_t len = strlen(name);

	return v->name.len > len && !memcmp(v->name.ptr, name, len) && v->name.ptr[len] == '.';
}

static size_t count_below(const struct wall_values *all, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < all->count; i++)
		n += is_below(&all->items[i], name);
	return n;
}

static bool gather_decisions(struct call *c, struct wall_list *out)
{
	size_t n = count_below(&c->body, "decisions"), at = 0;
	struct bytes *items = arena_alloc(c->mem, n, sizeof(*items));

	for (size_t i = 0; items && i < c->body.count; i++)
		if (is_below(&c->body.items[i], "decisions"))
			items[at++] = bytes_str(c->body.items[i].text);
	*out = (struct wall_list){ items, at };
	return items || !n;
}

static struct bytes big_endian(struct call *c, uint64_t num)
{
	uint8_t *raw = arena_alloc(c->mem, 1, 8);

	for (unsigned i = 0; raw && i < 8; i++)
		raw[i] = (uint8_t)(num >> (56 - 8 * i));
	return (struct bytes){ raw, raw ? 8 : 0 };
}

/* A counter is a JSON integer, or its decimal text. */
static bool counter_value(const struct wall_value *v, uint64_t *out)
{
	*out = (uint64_t)v->num;
	return v->kind == WALL_VALUE_INT ? v->num >= 0 : str_u64(v->text, out);
}

static bool gather_counters(struct call *c, struct wall_report *out, struct err *e)
{
	size_t n = count_below(&c->body, "counters"), at = 0;
	struct bytes *names = arena_alloc(c->mem, n, sizeof(*names));
	struct bytes *values = arena_alloc(c->mem, n, sizeof(*values));

	for (size_t i = 0; names && values && i < c->body.count; i++) {
		const struct wall_value *v = &c->body.items[i];
		uint64_t num;

		if (!is_below(v, "counters"))
			continue;
		if (!counter_value(v, &num))
			return err_set(e, ERR_INPUT, "'" STR_FMT "': want a number",
				       STR_ARG(v->name));
		names[at] = bytes_str(str_from(v->name, strlen("counters.")));
		values[at++] = big_endian(c, num);
	}
	out->counter_names = (struct wall_list){ names, at };
	out->counter_values = (struct wall_list){ values, at };
	return at == n || err_set(e, ERR_INPUT, "too large");
}

static uint64_t number(const struct call *c, const char *name)
{
	const struct wall_value *v = wall_value_find(&c->body, str_of(name));

	return v ? (uint64_t)v->num : 0;
}

void front_gate_report(struct call *c)
{
	struct wall_report q = { .peer = c->peer };
	struct err e = { 0 };

	q.acked = number(c, "acked");
	q.dropped = number(c, "dropped");
	if (!gather_decisions(c, &q.decisions))
		err_set(&e, ERR_INPUT, "too large");
	if (e.kind || !gather_counters(c, &q, &e)) {
		front_refuse(c, &e);
		return;
	}
	front_ask(c, WALL_REPORT, &q);
}
