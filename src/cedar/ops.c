#include "cedar/ops.h"

bool fault_type(struct cedar_fault *fault, enum cedar_kind got)
{
	*fault = (struct cedar_fault){ .kind = CEDAR_FAULT_TYPE, .got = got };
	return false;
}

bool fault_set(struct cedar_fault *fault, enum cedar_fault_kind kind, uint32_t name)
{
	*fault = (struct cedar_fault){ .kind = kind, .name = name };
	return false;
}

bool op_unary(enum cedar_op op, struct cedar_value x, struct cedar_value *out,
	      struct cedar_fault *fault)
{
	int64_t num;

	switch (op) {
	case CEDAR_OP_NOT:
		if (x.kind != CEDAR_BOOL)
			return fault_type(fault, x.kind);
		*out = cedar_bool(!x.truth);
		return true;
	case CEDAR_OP_NEG:
		if (x.kind != CEDAR_LONG)
			return fault_type(fault, x.kind);
		if (__builtin_sub_overflow((int64_t)0, x.num, &num))
			return fault_set(fault, CEDAR_FAULT_OVERFLOW, 0);
		*out = cedar_long(num);
		return true;
	default: /* CEDAR_OP_IS_EMPTY */
		if (x.kind != CEDAR_SET)
			return fault_type(fault, x.kind);
		*out = cedar_bool(x.set->count == 0);
		return true;
	}
}

/* Longs, and since Cedar 4.3 datetimes and durations, each with its own kind. */
static bool compare(enum cedar_op op, struct cedar_value a, struct cedar_value b,
		    struct cedar_value *out, struct cedar_fault *fault)
{
	if (a.kind != CEDAR_LONG && a.kind != CEDAR_DATETIME && a.kind != CEDAR_DURATION)
		return fault_type(fault, a.kind);
	if (b.kind != a.kind)
		return fault_type(fault, b.kind);
	switch (op) {
	case CEDAR_OP_LT:
		*out = cedar_bool(a.num < b.num);
		return true;
	case CEDAR_OP_LE:
		*out = cedar_bool(a.num <= b.num);
		return true;
	case CEDAR_OP_GT:
		*out = cedar_bool(a.num > b.num);
		return true;
	default: /* CEDAR_OP_GE */
		*out = cedar_bool(a.num >= b.num);
		return true;
	}
}

static bool calculate(enum cedar_op op, struct cedar_value a, struct cedar_value b,
		      struct cedar_value *out, struct cedar_fault *fault)
{
	int64_t num;
	bool is_over;

	if (a.kind != CEDAR_LONG || b.kind != CEDAR_LONG)
		return fault_type(fault, a.kind != CEDAR_LONG ? a.kind : b.kind);
	if (op == CEDAR_OP_ADD)
		is_over = __builtin_add_overflow(a.num, b.num, &num);
	else if (op == CEDAR_OP_SUB)
		is_over = __builtin_sub_overflow(a.num, b.num, &num);
	else
		is_over = __builtin_mul_overflow(a.num, b.num, &num);
	if (is_over)
		return fault_set(fault, CEDAR_FAULT_OVERFLOW, 0);
	*out = cedar_long(num);
	return true;
}

static bool search(enum cedar_op op, struct cedar_value a, struct cedar_value b,
		   struct cedar_value *out, struct cedar_fault *fault)
{
	if (a.kind != CEDAR_SET)
		return fault_type(fault, a.kind);
	if (op == CEDAR_OP_CONTAINS) {
		*out = cedar_bool(cedar_set_has(a.set, b));
		return true;
	}
	if (b.kind != CEDAR_SET)
		return fault_type(fault, b.kind);
	*out = cedar_bool(op == CEDAR_OP_CONTAINS_ALL ? cedar_set_has_all(a.set, b.set)
						      : cedar_set_has_any(a.set, b.set));
	return true;
}

bool op_binary(enum cedar_op op, struct cedar_value a, struct cedar_value b,
	       struct cedar_value *out, struct cedar_fault *fault)
{
	switch (op) {
	case CEDAR_OP_EQ:
		*out = cedar_bool(cedar_value_eq(a, b));
		return true;
	case CEDAR_OP_NE:
		*out = cedar_bool(!cedar_value_eq(a, b));
		return true;
	case CEDAR_OP_LT:
	case CEDAR_OP_LE:
	case CEDAR_OP_GT:
	case CEDAR_OP_GE:
		return compare(op, a, b, out, fault);
	case CEDAR_OP_ADD:
	case CEDAR_OP_SUB:
	case CEDAR_OP_MUL:
		return calculate(op, a, b, out, fault);
	default:
		return search(op, a, b, out, fault);
	}
}

static bool uid_in(struct world *w, const struct cedar_uid *a, const struct cedar_uid *b)
{
	for (int i = 0; i < 3; i++)
		if (w->seats[i].uid == a)
			return seat_in(w, &w->seats[i], b);
	return uid_same(a, b) || world_in(w, a, b);
}

/* Every member of a set must be an entity, even behind one that already answers. */
bool op_in(struct world *w, struct cedar_value a, struct cedar_value b, struct cedar_value *out,
	   struct cedar_fault *fault)
{
	bool is_in = false;

	if (a.kind != CEDAR_ENTITY)
		return fault_type(fault, a.kind);
	if (b.kind == CEDAR_ENTITY) {
		*out = cedar_bool(uid_in(w, a.uid, b.uid));
		return true;
	}
	if (b.kind != CEDAR_SET)
		return fault_type(fault, b.kind);
	for (uint32_t i = 0; i < b.set->count; i++)
		if (b.set->items[i].kind != CEDAR_ENTITY)
			return fault_type(fault, b.set->items[i].kind);
	for (uint32_t i = 0; i < b.set->count && !is_in; i++)
		is_in = uid_in(w, a.uid, b.set->items[i].uid);
	*out = cedar_bool(is_in);
	return true;
}

/* The attributes of a record or an entity; NULL: no such entity. */
static bool attrs_of(struct world *w, struct cedar_value of, const struct cedar_record **out,
		     struct cedar_fault *fault)
{
	if (of.kind == CEDAR_RECORD) {
		*out = of.record;
		return true;
	}
	if (of.kind != CEDAR_ENTITY)
		return fault_type(fault, of.kind);
	for (int i = 0; i < 3; i++) {
		if (w->seats[i].uid == of.uid) {
			*out = seat_attrs(w, &w->seats[i]);
			return true;
		}
	}
	*out = world_attrs(w, of.uid);
	return true;
}

bool op_get(struct world *w, struct cedar_value of, uint32_t name, struct cedar_value *out,
	    struct cedar_fault *fault)
{
	const struct cedar_record *attrs;

	if (!attrs_of(w, of, &attrs, fault))
		return false;
	if (!attrs)
		return fault_set(fault, CEDAR_FAULT_ENTITY, of.uid->type);
	return record_find(attrs, name, out) || fault_set(fault, CEDAR_FAULT_ATTR, name);
}

bool op_has(struct world *w, struct cedar_value of, uint32_t name, struct cedar_value *out,
	    struct cedar_fault *fault)
{
	const struct cedar_record *attrs;
	struct cedar_value found;

	if (!attrs_of(w, of, &attrs, fault))
		return false;
	*out = cedar_bool(attrs && record_find(attrs, name, &found));
	return true;
}

static bool tag_find(struct world *w, const struct cedar_names *names, struct cedar_value of,
		     struct cedar_value key, const struct cedar_record **tags,
		     struct cedar_value *out, struct cedar_fault *fault)
{
	*out = (struct cedar_value){ 0 };
	if (of.kind != CEDAR_ENTITY)
		return fault_type(fault, of.kind);
	if (key.kind != CEDAR_STRING)
		return fault_type(fault, key.kind);
	*tags = world_tags(w, of.uid);
	uint32_t name = cedar_names_find(names, cedar_value_text(key));
	if (*tags && name && !record_find(*tags, name, out))
		*out = (struct cedar_value){ 0 };
	return true;
}

bool op_has_tag(struct world *w, const struct cedar_names *names, struct cedar_value of,
		struct cedar_value key, struct cedar_value *out, struct cedar_fault *fault)
{
	const struct cedar_record *tags = NULL;
	struct cedar_value found;

	if (!tag_find(w, names, of, key, &tags, &found, fault))
		return false;
	*out = cedar_bool(found.kind != CEDAR_NONE);
	return true;
}

bool op_get_tag(struct world *w, const struct cedar_names *names, struct cedar_value of,
		struct cedar_value key, struct cedar_value *out, struct cedar_fault *fault)
{
	const struct cedar_record *tags = NULL;

	if (!tag_find(w, names, of, key, &tags, out, fault))
		return false;
	if (!tags)
		return fault_set(fault, CEDAR_FAULT_ENTITY, of.uid->type);
	return out->kind != CEDAR_NONE ||
	       fault_set(fault, CEDAR_FAULT_TAG, cedar_names_find(names, cedar_value_text(key)));
}

bool op_is(struct cedar_value of, uint32_t type, struct cedar_value *out, struct cedar_fault *fault)
{
	if (of.kind != CEDAR_ENTITY)
		return fault_type(fault, of.kind);
	*out = cedar_bool(of.uid->type == type);
	return true;
}

/* Each piece is searched from where the one before it ended; the leftmost place is always as good
 * as any other, so there is nothing to go back to and the work is linear. */
static bool matches(struct str text, const struct cedar_pattern *p)
{
	struct str first = p->parts[0], last = p->parts[p->count - 1];

	if (p->count == 1)
		return str_eq(text, first);
	if (text.len < first.len + last.len || !str_starts(text, first) || !str_ends(text, last))
		return false;
	struct str middle = { text.ptr + first.len, text.len - first.len - last.len };
	for (uint32_t i = 1; i + 1 < p->count; i++) {
		struct str part = p->parts[i];
		if (!part.len)
			continue;
		const char *at =
			middle.len ? memmem(middle.ptr, middle.len, part.ptr, part.len) : NULL;
		if (!at)
			return false;
		middle = str_from(middle, (size_t)(at - middle.ptr) + part.len);
	}
	return true;
}

bool op_like(struct cedar_value of, const struct cedar_pattern *pattern, struct cedar_value *out,
	     struct cedar_fault *fault)
{
	if (of.kind != CEDAR_STRING)
		return fault_type(fault, of.kind);
	*out = cedar_bool(matches(cedar_value_text(of), pattern));
	return true;
}

static bool construct(enum cedar_fn fn, struct str text, struct cedar_ip *ip,
		      struct cedar_value *out)
{
	*out = (struct cedar_value){ .kind = cedar_fns[fn].result };
	switch (fn) {
	case CEDAR_FN_DECIMAL:
		return cedar_decimal_parse(text, &out->num);
	case CEDAR_FN_DATETIME:
		return cedar_datetime_parse(text, &out->num);
	case CEDAR_FN_DURATION:
		return cedar_duration_parse(text, &out->num);
	default: /* CEDAR_FN_IP */
		out->ip = ip;
		return cedar_ip_parse(text, ip);
	}
}

bool op_call(enum cedar_fn fn, const struct cedar_value *args, uint32_t count, struct cedar_ip *ip,
	     struct cedar_value *out, struct cedar_fault *fault)
{
	const struct cedar_fn_info *info = &cedar_fns[fn];
	struct err e = { 0 };

	if (count != info->arity)
		return fault_set(fault, CEDAR_FAULT_ARITY, 0);
	for (uint32_t i = 0; i < count; i++)
		if (args[i].kind != info->args[i])
			return fault_type(fault, args[i].kind);
	/* The result may take the place of the first argument. */
	struct cedar_value result;
	if (fn <= CEDAR_FN_DURATION ? !construct(fn, cedar_value_text(args[0]), ip, &result)
				    : !cedar_ext_call(fn, args, &result, &e))
		return fault_set(fault, CEDAR_FAULT_EXTENSION, 0);
	*out = result;
	return true;
}
