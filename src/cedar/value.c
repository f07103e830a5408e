/* value.c - equality, order and canonical form of Cedar values. */
#include "cedar/value.h"

#include "base/map.h"

struct cedar_value cedar_bool(bool truth)
{
	return (struct cedar_value){ .kind = CEDAR_BOOL, .truth = truth };
}

struct cedar_value cedar_long(int64_t num)
{
	return (struct cedar_value){ .kind = CEDAR_LONG, .num = num };
}

struct cedar_value cedar_string(struct str text)
{
	return (struct cedar_value){ .kind = CEDAR_STRING,
				     .len = (uint32_t)text.len,
				     .text = text.ptr };
}

struct cedar_value cedar_entity(const struct cedar_uid *uid)
{
	return (struct cedar_value){ .kind = CEDAR_ENTITY, .uid = uid };
}

struct str cedar_value_text(struct cedar_value v)
{
	return (struct str){ v.text, v.len };
}

uint32_t cedar_uid_hash(uint32_t type, struct str id)
{
	uint64_t h = map_hash(bytes_str(id)) + type * 0x9e3779b97f4a7c15u;

	return (uint32_t)(h ^ h >> 32);
}

struct cedar_uid cedar_uid_of(uint32_t type, struct str id)
{
	return (struct cedar_uid){ .type = type, .hash = cedar_uid_hash(type, id), .id = id };
}

bool cedar_uid_eq(const struct cedar_uid *a, const struct cedar_uid *b)
{
	return a == b || (a->type == b->type && a->hash == b->hash && str_eq(a->id, b->id));
}

static int cmp_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int cmp_text(const char *a, size_t a_len, const char *b, size_t b_len)
{
	if (a_len != b_len)
		return a_len < b_len ? -1 : 1;
	return a_len && a != b ? memcmp(a, b, a_len) : 0;
}

static int cmp_uid(const struct cedar_uid *a, const struct cedar_uid *b)
{
	int by_type = cmp_u64(a->type, b->type);

	return by_type ? by_type : cmp_text(a->id.ptr, a->id.len, b->id.ptr, b->id.len);
}

static int cmp_items(const struct cedar_value *a, const struct cedar_value *b, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		int by_item = cedar_value_cmp(a[i], b[i]);
		if (by_item)
			return by_item;
	}
	return 0;
}

static int cmp_record(const struct cedar_record *a, const struct cedar_record *b)
{
	int by_count = cmp_u64(a->count, b->count);

	if (by_count)
		return by_count;
	for (uint32_t i = 0; i < a->count; i++)
		if (a->names[i] != b->names[i])
			return a->names[i] < b->names[i] ? -1 : 1;
	return cmp_items(a->values, b->values, a->count);
}

static int cmp_set(const struct cedar_set *a, const struct cedar_set *b)
{
	int by_count = cmp_u64(a->count, b->count);

	return by_count ? by_count : cmp_items(a->items, b->items, a->count);
}

static int cmp_ip(const struct cedar_ip *a, const struct cedar_ip *b)
{
	int by_kind = cmp_u64(a->is_v6, b->is_v6);
	int by_addr = by_kind ? by_kind : memcmp(a->addr, b->addr, a->is_v6 ? 16 : 4);

	return by_addr ? by_addr : cmp_u64(a->prefix, b->prefix);
}

int cedar_value_cmp(struct cedar_value a, struct cedar_value b)
{
	if (a.kind != b.kind)
		return a.kind < b.kind ? -1 : 1;
	switch (a.kind) {
	case CEDAR_STRING:
		return cmp_text(a.text, a.len, b.text, b.len);
	case CEDAR_ENTITY:
		return a.uid == b.uid ? 0 : cmp_uid(a.uid, b.uid);
	case CEDAR_SET:
		return a.set == b.set ? 0 : cmp_set(a.set, b.set);
	case CEDAR_RECORD:
		return a.record == b.record ? 0 : cmp_record(a.record, b.record);
	case CEDAR_IP:
		return cmp_ip(a.ip, b.ip);
	default:
		return (a.num > b.num) - (a.num < b.num);
	}
}

bool cedar_value_eq(struct cedar_value a, struct cedar_value b)
{
	if (a.kind != b.kind)
		return false;
	if (a.kind == CEDAR_ENTITY)
		return cedar_uid_eq(a.uid, b.uid);
	return cedar_value_cmp(a, b) == 0;
}

bool cedar_set_has(const struct cedar_set *set, struct cedar_value v)
{
	uint32_t low = 0, high = set->count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int order = cedar_value_cmp(set->items[mid], v);
		if (order == 0)
			return true;
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

bool cedar_set_has_all(const struct cedar_set *set, const struct cedar_set *want)
{
	if (want->count > set->count)
		return false;
	for (uint32_t i = 0; i < want->count; i++)
		if (!cedar_set_has(set, want->items[i]))
			return false;
	return true;
}

bool cedar_set_has_any(const struct cedar_set *set, const struct cedar_set *want)
{
	const struct cedar_set *few = want->count < set->count ? want : set;
	const struct cedar_set *many = few == want ? set : want;

	for (uint32_t i = 0; i < few->count; i++)
		if (cedar_set_has(many, few->items[i]))
			return true;
	return false;
}

struct cedar_value cedar_record_get(const struct cedar_record *record, uint32_t name)
{
	uint32_t low = 0, high = record ? record->count : 0;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		if (record->names[mid] == name)
			return record->values[mid];
		if (record->names[mid] < name)
			low = mid + 1;
		else
			high = mid;
	}
	return (struct cedar_value){ 0 };
}

static void sift_values(struct cedar_value *items, uint32_t at, uint32_t count)
{
	for (uint32_t child; (child = 2 * at + 1) < count; at = child) {
		if (child + 1 < count && cedar_value_cmp(items[child], items[child + 1]) < 0)
			child++;
		if (cedar_value_cmp(items[at], items[child]) >= 0)
			return;
		struct cedar_value swap = items[at];
		items[at] = items[child];
		items[child] = swap;
	}
}

/* Heap sort: in place, n log n whatever a stranger sends. */
static void sort_values(struct cedar_value *items, uint32_t count)
{
	for (uint32_t i = count / 2; i-- > 0;)
		sift_values(items, i, count);
	for (uint32_t end = count; end-- > 1;) {
		struct cedar_value swap = items[0];
		items[0] = items[end];
		items[end] = swap;
		sift_values(items, 0, end);
	}
}

uint32_t cedar_set_sort(struct cedar_value *items, uint32_t count)
{
	uint32_t kept = 0;

	sort_values(items, count);
	for (uint32_t i = 0; i < count; i++)
		if (!kept || cedar_value_cmp(items[kept - 1], items[i]) != 0)
			items[kept++] = items[i];
	return kept;
}

static void swap_fields(uint32_t *names, struct cedar_value *values, uint32_t a, uint32_t b)
{
	uint32_t name = names[a];
	struct cedar_value value = values[a];

	names[a] = names[b];
	values[a] = values[b];
	names[b] = name;
	values[b] = value;
}

static void sift_fields(uint32_t *names, struct cedar_value *values, uint32_t at, uint32_t count)
{
	for (uint32_t child; (child = 2 * at + 1) < count; at = child) {
		if (child + 1 < count && names[child] < names[child + 1])
			child++;
		if (names[at] >= names[child])
			return;
		swap_fields(names, values, at, child);
	}
}

bool cedar_record_sort(uint32_t *names, struct cedar_value *values, uint32_t count)
{
	for (uint32_t i = count / 2; i-- > 0;)
		sift_fields(names, values, i, count);
	for (uint32_t end = count; end-- > 1;) {
		swap_fields(names, values, 0, end);
		sift_fields(names, values, 0, end);
	}
	for (uint32_t i = 1; i < count; i++)
		if (names[i - 1] == names[i])
			return false;
	return true;
}

const struct cedar_uid *cedar_uid_new(struct arena *mem, uint32_t type, struct str id)
{
	struct cedar_uid *uid = arena_alloc(mem, 1, sizeof(*uid));
	struct str copy = arena_dup(mem, id);

	if (!uid || !copy.ptr)
		return NULL;
	*uid = cedar_uid_of(type, copy);
	return uid;
}

const struct cedar_set *cedar_set_new(struct arena *mem, const struct cedar_value *items,
				      uint32_t count)
{
	struct cedar_set *set = arena_alloc(mem, 1, sizeof(*set));
	struct cedar_value *copy = arena_alloc(mem, count + 1u, sizeof(*copy));

	if (!set || !copy)
		return NULL;
	if (count)
		memcpy(copy, items, count * sizeof(*copy));
	set->items = copy;
	set->count = cedar_set_sort(copy, count);
	return set;
}

const struct cedar_record *cedar_record_new(struct arena *mem, const uint32_t *names,
					    const struct cedar_value *values, uint32_t count)
{
	struct cedar_record *record = arena_alloc(mem, 1, sizeof(*record));
	uint32_t *own_names = arena_alloc(mem, count + 1u, sizeof(*own_names));
	struct cedar_value *own_values = arena_alloc(mem, count + 1u, sizeof(*own_values));

	if (!record || !own_names || !own_values)
		return NULL;
	if (count) {
		memcpy(own_names, names, count * sizeof(*names));
		memcpy(own_values, values, count * sizeof(*values));
	}
	*record = (struct cedar_record){ count, own_names, own_values };
	return cedar_record_sort(own_names, own_values, count) ? record : NULL;
}

static bool copy_items(struct arena *mem, const struct cedar_value *from, uint32_t count,
		       struct cedar_value *to)
{
	for (uint32_t i = 0; i < count; i++) {
		to[i] = cedar_value_copy(mem, from[i]);
		if (to[i].kind == CEDAR_NONE)
			return false;
	}
	return true;
}

static struct cedar_value copy_set(struct arena *mem, const struct cedar_set *from)
{
	struct cedar_set *set = arena_alloc(mem, 1, sizeof(*set));
	struct cedar_value *items = arena_alloc(mem, from->count + 1u, sizeof(*items));

	if (!set || !items || !copy_items(mem, from->items, from->count, items))
		return (struct cedar_value){ 0 };
	*set = (struct cedar_set){ from->count, items };
	return (struct cedar_value){ .kind = CEDAR_SET, .set = set };
}

static struct cedar_value copy_record(struct arena *mem, const struct cedar_record *from)
{
	struct cedar_record *record = arena_alloc(mem, 1, sizeof(*record));
	uint32_t *names = arena_alloc(mem, from->count + 1u, sizeof(*names));
	struct cedar_value *values = arena_alloc(mem, from->count + 1u, sizeof(*values));

	if (!record || !names || !values || !copy_items(mem, from->values, from->count, values))
		return (struct cedar_value){ 0 };
	if (from->count)
		memcpy(names, from->names, from->count * sizeof(*names));
	*record = (struct cedar_record){ from->count, names, values };
	return (struct cedar_value){ .kind = CEDAR_RECORD, .record = record };
}

static struct cedar_value copy_ip(struct arena *mem, struct cedar_value v)
{
	struct cedar_ip *ip = arena_alloc(mem, 1, sizeof(*ip));

	if (!ip)
		return (struct cedar_value){ 0 };
	*ip = *v.ip;
	v.ip = ip;
	return v;
}

struct cedar_value cedar_value_copy(struct arena *mem, struct cedar_value v)
{
	const struct cedar_value none = { 0 };

	switch (v.kind) {
	case CEDAR_STRING:
		v.text = arena_str(mem, v.text ? v.text : "", v.len).ptr;
		return v.text ? v : none;
	case CEDAR_ENTITY:
		v.uid = cedar_uid_new(mem, v.uid->type, v.uid->id);
		return v.uid ? v : none;
	case CEDAR_SET:
		return copy_set(mem, v.set);
	case CEDAR_RECORD:
		return copy_record(mem, v.record);
	case CEDAR_IP:
		return copy_ip(mem, v);
	default:
		return v;
	}
}

const char *cedar_kind_name(enum cedar_kind kind)
{
	static const char *const names[] = {
		[CEDAR_NONE] = "nothing",      [CEDAR_BOOL] = "bool",
		[CEDAR_LONG] = "long",         [CEDAR_STRING] = "string",
		[CEDAR_ENTITY] = "entity",     [CEDAR_SET] = "set",
		[CEDAR_RECORD] = "record",     [CEDAR_DECIMAL] = "decimal",
		[CEDAR_DATETIME] = "datetime", [CEDAR_DURATION] = "duration",
		[CEDAR_IP] = "ipaddr",         [CEDAR_UNKNOWN] = "unknown",
	};

	return kind < countof(names) ? names[kind] : "nothing";
}
