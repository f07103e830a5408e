/* report.c - what gates send up: how far they are, what they counted, what they decided.
 *
 * Decision records are a gate's word: each is read (it must be one, and say it is of this
 * gate), then kept as it came.  One already known is not a second one.
 */
#include "base/cursor.h"
#include "codec/json.h"
#include "control/core/core.h"
#include "model/decision.h"

enum { RECORD_MAX = 16 << 10, COUNTERS_MAX = 64 };

static bool write_counters(const struct wall_report *q, struct buf *out)
{
	struct jw w;

	jw_init(&w, out, JW_COMPACT);
	jw_map(&w);
	for (size_t i = 0; i < q->counter_names.count && i < COUNTERS_MAX; i++) {
		struct rd r = rd_of(i < q->counter_values.count ? q->counter_values.items[i]
								: (struct bytes){ 0 });

		jw_key_str(&w, str_bytes(q->counter_names.items[i]));
		jw_uint(&w, rd_u64(&r));
	}
	jw_end(&w);
	return jw_ok(&w);
}

/* One that is no record of this gate's is left out and counted: the gate must not be stuck. */
static bool save_decision(struct ask *a, const struct unit *gate, struct bytes record,
			  size_t *refused, struct err *e)
{
	auto_arena struct arena *mem = arena_new(256 << 10);
	struct err bad = { 0 };
	struct decision d;

	if (record.len > RECORD_MAX || !decision_read(str_bytes(record), mem, &d, &bad) ||
	    !str_eq(d.gate, gate->row.id)) {
		++*refused;
		return true;
	}
	struct store_decision row = {
		.id = d.id,
		.site = gate->row.site,
		.at_ms = d.at_ms,
		.gate = d.gate,
		.principal = d.principal,
		.action = d.action,
		.resource = d.resource,
		.effect = str_of(policy_effect_name(d.effect)),
		.record = str_bytes(record),
	};
	return store_decision_add(a->core->store, &row, e);
}

static bool save_report(struct ask *a, const struct unit *gate, const struct wall_report *q,
			size_t *refused, struct err *e)
{
	struct core *c = a->core;
	auto_buf struct buf counters = { 0 };

	buf_init(&counters, 64 << 10);
	if (!write_counters(q, &counters))
		return err_set(e, ERR_INPUT, "counters are too large");
	struct store_gate row = { .id = gate->row.id,
				  .site = gate->row.site,
				  .acked = q->acked,
				  .dropped = q->dropped,
				  .at_ms = core_now_ms(c),
				  .counters = buf_str(&counters) };
	if (q->acked > store_feed_head(c->store))
		return err_set(e, ERR_CONFLICT, "the gate knows entry %llu, our head is %llu",
			       (unsigned long long)q->acked,
			       (unsigned long long)store_feed_head(c->store));
	for (size_t i = 0; i < q->decisions.count; i++)
		if (!save_decision(a, gate, q->decisions.items[i], refused, e))
			return false;
	return store_gate_put(c->store, &row, e);
}

static void note_dropped(struct ask *a, const struct unit *gate, uint64_t dropped)
{
	struct store_gate before;
	struct err e = { 0 };

	if (dropped && store_gate_get(a->core->store, gate->row.id, a->mem, &before, &e) &&
	    dropped > before.dropped)
		log_event(&core_event_gate, LOG_STR("gate", gate->row.id),
			  LOG_NUM("records", dropped - before.dropped));
}

bool report_take(struct ask *a, struct err *e)
{
	const struct wall_report *q = a->message;
	struct unit *gate;
	size_t refused = 0;
	auto_buf struct buf out = { 0 };

	if (!peer_admit(a->core, &q->peer, KIND_BIT(IDENTITY_GATE), &gate, e))
		return false;
	note_dropped(a, gate, q->dropped);
	if (!change_begin(a->core, e))
		return false;
	if (!save_report(a, gate, q, &refused, e)) {
		change_undo(a->core);
		return false;
	}
	if (!change_end(a->core, e))
		return false;
	buf_init(&out, 256);
	buf_printf(&out, "{\"head\":%llu,\"refused\":%zu}",
		   (unsigned long long)store_feed_head(a->core->store), refused);
	ask_json_committed(a, 200, &out);
	return true;
}
