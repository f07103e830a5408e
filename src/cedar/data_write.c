/* data_write.c - values and entities as JSON. */
#include "base/buf.h"
#include "cedar/data.h"

static void put(struct buf *out, const char *text)
{
	(void)buf_puts(out, str_of(text));
}

void cedar_uid_json(struct buf *out, const struct cedar_names *names, const struct cedar_uid *uid)
{
	put(out, "{\"type\":");
	cedar_json_put_text(out, cedar_names_text(names, uid->type));
	put(out, ",\"id\":");
	cedar_json_put_text(out, uid->id);
	put(out, "}");
}

static void put_value(struct buf *out, const struct cedar_names *names, struct cedar_value v,
		      unsigned depth);

/* Datetimes print as text only in years 0 to 9999; others by their distance from 1970. */
static void put_extn(struct buf *out, struct cedar_value v)
{
	struct buf text;
	int64_t back;

	buf_init(&text, 128);
	cedar_ext_text(&text, v);
	if (v.kind == CEDAR_DATETIME && !cedar_datetime_parse(buf_str(&text), &back)) {
		(void)buf_printf(out,
				 "{\"__extn\":{\"fn\":\"offset\",\"args\":[{\"__extn\":{\"fn\":"
				 "\"datetime\",\"arg\":\"1970-01-01\"}},{\"__extn\":{\"fn\":"
				 "\"duration\",\"arg\":\"%lldms\"}}]}}",
				 (long long)v.num);
	} else {
		(void)buf_printf(out, "{\"__extn\":{\"fn\":\"%s\",\"arg\":\"" STR_FMT "\"}}",
				 cedar_fns[cedar_ext_maker(v.kind)].name, STR_ARG(buf_str(&text)));
	}
	buf_done(&text);
}

/* The member whose name follows `after` in the order of text; count when there is none.  Records
 * are small: this is simpler than a sorted copy. */
static uint32_t next_by_text(const struct cedar_names *names, const struct cedar_record *record,
			     const struct str *after)
{
	uint32_t best = record->count;
	struct str best_text = { 0 };

	for (uint32_t i = 0; i < record->count; i++) {
		struct str text = cedar_names_text(names, record->names[i]);
		if (after && str_cmp(text, *after) <= 0)
			continue;
		if (best == record->count || str_cmp(text, best_text) < 0) {
			best = i;
			best_text = text;
		}
	}
	return best;
}

static void put_record(struct buf *out, const struct cedar_names *names,
		       const struct cedar_record *record, unsigned depth)
{
	struct str key;

	put(out, "{");
	for (uint32_t i = 0, at = next_by_text(names, record, NULL); at < record->count;
	     i++, at = next_by_text(names, record, &key)) {
		key = cedar_names_text(names, record->names[at]);
		put(out, i ? "," : "");
		cedar_json_put_text(out, key);
		put(out, ":");
		put_value(out, names, record->values[at], depth + 1);
	}
	put(out, "}");
}

static void put_set(struct buf *out, const struct cedar_names *names, const struct cedar_set *set,
		    unsigned depth)
{
	put(out, "[");
	for (uint32_t i = 0; i < set->count; i++) {
		put(out, i ? "," : "");
		put_value(out, names, set->items[i], depth + 1);
	}
	put(out, "]");
}

static bool is_escape(const struct cedar_names *names, const struct cedar_record *record)
{
	struct str key =
		record->count == 1 ? cedar_names_text(names, record->names[0]) : (struct str){ 0 };

	return str_eqz(key, "__entity") || str_eqz(key, "__extn") || str_eqz(key, "__expr");
}

static void put_value(struct buf *out, const struct cedar_names *names, struct cedar_value v,
		      unsigned depth)
{
	switch (depth > CEDAR_DEPTH_MAX ? CEDAR_NONE : v.kind) {
	case CEDAR_BOOL:
		put(out, v.truth ? "true" : "false");
		break;
	case CEDAR_LONG:
		(void)buf_printf(out, "%lld", (long long)v.num);
		break;
	case CEDAR_STRING:
		cedar_json_put_text(out, cedar_value_text(v));
		break;
	case CEDAR_ENTITY:
		put(out, "{\"__entity\":");
		cedar_uid_json(out, names, v.uid);
		put(out, "}");
		break;
	case CEDAR_SET:
		put_set(out, names, v.set, depth);
		break;
	case CEDAR_RECORD:
		out->is_full = out->is_full || is_escape(names, v.record);
		put_record(out, names, v.record, depth);
		break;
	case CEDAR_NONE:
	case CEDAR_UNKNOWN:
		out->is_full = true;
		break;
	default:
		put_extn(out, v);
		break;
	}
}

void cedar_value_json(struct buf *out, const struct cedar_names *names, struct cedar_value v)
{
	put_value(out, names, v, 0);
}

static void put_entity(struct buf *out, const struct cedar_names *names,
		       const struct cedar_entities *store, uint32_t slot)
{
	uint32_t count;
	const uint32_t *parents = cedar_entities_parents(store, slot, &count);
	const struct cedar_record *tags = cedar_entities_tags(store, slot);

	put(out, "{\"uid\":");
	cedar_uid_json(out, names, cedar_entities_uid(store, slot));
	put(out, ",\"attrs\":");
	put_record(out, names, cedar_entities_attrs(store, slot), 0);
	put(out, ",\"parents\":[");
	for (uint32_t i = 0; i < count; i++) {
		put(out, i ? "," : "");
		cedar_uid_json(out, names, cedar_entities_uid(store, parents[i]));
	}
	put(out, "]");
	if (tags && tags->count) {
		put(out, ",\"tags\":");
		put_record(out, names, tags, 0);
	}
	put(out, "}");
}

void cedar_entities_json(struct buf *out, const struct cedar_names *names,
			 const struct cedar_entities *store)
{
	bool is_first = true;

	put(out, "[");
	for (uint32_t slot = 0; slot < cedar_entities_slot_count(store); slot++) {
		if (!cedar_entities_is_present(store, slot))
			continue;
		put(out, is_first ? "\n" : ",\n");
		is_first = false;
		put_entity(out, names, store, slot);
	}
	put(out, "\n]\n");
}
