#include "cedar/machine.h"

enum { ALIGN = 8 };

static size_t aligned(size_t size)
{
	return (size + ALIGN - 1) / ALIGN * ALIGN;
}

size_t machine_set_room(uint32_t count)
{
	return sizeof(struct cedar_set) + count * sizeof(struct cedar_value);
}

size_t machine_record_room(uint32_t count)
{
	return sizeof(struct cedar_record) + count * sizeof(struct cedar_value) +
	       aligned(count * sizeof(uint32_t));
}

size_t machine_call_room(enum cedar_fn fn)
{
	return fn == CEDAR_FN_IP ? aligned(sizeof(struct cedar_ip)) : 0;
}

static char *room_take(char **room, size_t size)
{
	char *at = *room;

	*room += size;
	return at;
}

static struct cedar_value build_set(char **room, const struct cedar_value *from, uint32_t count)
{
	struct cedar_set *set = (struct cedar_set *)room_take(room, machine_set_room(count));
	struct cedar_value *items = (struct cedar_value *)(set + 1);

	if (count)
		memcpy(items, from, count * sizeof(*items));
	*set = (struct cedar_set){ cedar_set_sort(items, count), items };
	return (struct cedar_value){ .kind = CEDAR_SET, .set = set };
}

static struct cedar_value build_record(char **room, const struct cedar_value *from,
				       const struct shape *shape)
{
	char *at = room_take(room, machine_record_room(shape->count));
	struct cedar_record *record = (struct cedar_record *)at;
	struct cedar_value *values = (struct cedar_value *)(record + 1);
	uint32_t *names = (uint32_t *)(values + shape->count);

	if (shape->count) {
		memcpy(values, from, shape->count * sizeof(*values));
		memcpy(names, shape->keys, shape->count * sizeof(*names));
	}
	/* The compiler refused keys that occur twice. */
	(void)cedar_record_sort(names, values, shape->count);
	*record = (struct cedar_record){ shape->count, names, values };
	return (struct cedar_value){ .kind = CEDAR_RECORD, .record = record };
}

/* The attributes of a variable; NULL: no such entity. */
static inline const struct cedar_record *var_attrs(struct machine *m, const struct insn *in)
{
	if (in->var != CEDAR_VAR_CONTEXT)
		return seat_attrs(m->world, &m->world->seats[in->var]);
	m->context_read |= UINT64_C(1) << in->bit;
	return m->world->context;
}

static inline bool var_get(struct machine *m, const struct insn *in, struct cedar_value *out,
			   struct cedar_fault *fault)
{
	const struct cedar_record *attrs = var_attrs(m, in);

	if (!attrs)
		return fault_set(fault, CEDAR_FAULT_ENTITY, m->world->seats[in->var].uid->type);
	return record_find(attrs, in->arg, out) || fault_set(fault, CEDAR_FAULT_ATTR, in->arg);
}

static inline struct cedar_value var_value(struct machine *m, const struct insn *in)
{
	if (in->var != CEDAR_VAR_CONTEXT)
		return cedar_entity(m->world->seats[in->var].uid);
	m->context_read |= UINT64_C(1) << in->bit;
	return (struct cedar_value){ .kind = CEDAR_RECORD, .record = m->world->context };
}

static inline bool fast_eq(struct cedar_value a, struct cedar_value b)
{
	if (a.kind != b.kind)
		return false;
	if (a.kind == CEDAR_STRING)
		return a.len == b.len && (!a.len || memcmp(a.text, b.text, a.len) == 0);
	return a.num == b.num || (a.kind > CEDAR_LONG && cedar_value_eq(a, b));
}

/* INSN_TEST_EQ and INSN_TEST_CMP: is var.arg to the literal what it should be? */
static inline bool test_attr(struct machine *m, const struct code *code, const struct insn *in,
			     bool *out, struct cedar_fault *fault)
{
	struct cedar_value v = { 0 }, result;

	if (!var_get(m, in, &v, fault))
		return false;
	if (in->op == INSN_TEST_EQ) {
		*out = fast_eq(v, code->consts[in[1].arg]);
		return true;
	}
	if (!op_binary((enum cedar_op)in[1].var, v, code->consts[in[1].arg], &result, fault))
		return false;
	*out = result.truth;
	return true;
}

/* Instructions that look at the bool on top: where to go on, NULL when it is none. */
static inline const struct insn *branch(const struct code *code, const struct insn *in,
					struct cedar_value **sp, struct cedar_fault *fault)
{
	struct cedar_value top = (*sp)[-1];

	if (top.kind != CEDAR_BOOL) {
		fault_type(fault, top.kind);
		return NULL;
	}
	if (in->op == INSN_BOOL)
		return in + 1;
	if (in->op == INSN_ELSE) {
		--*sp;
		return top.truth ? in + 1 : &code->insns[in->arg];
	}
	if (top.truth == (in->op == INSN_OR))
		return &code->insns[in->arg];
	--*sp;
	return in + 1;
}

/* Instructions that leave one value in *top: of what is in sp[0..], by its operands. */
static bool compute(struct machine *m, const struct code *code, const struct insn *in, char **room,
		    struct cedar_value *a, struct cedar_fault *fault)
{
	struct world *w = m->world;
	enum cedar_op op = (enum cedar_op)in->var;
	struct cedar_value found;

	switch (in->op) {
	case INSN_GET:
		return op_get(w, *a, in->arg, a, fault);
	case INSN_HAS:
		return op_has(w, *a, in->arg, a, fault);
	case INSN_IS:
		return op_is(*a, in->arg, a, fault);
	case INSN_LIKE:
		return op_like(*a, code->patterns[in->arg], a, fault);
	case INSN_UNARY:
		return op_unary(op, *a, a, fault);
	case INSN_BINARY:
		return op_binary(op, a[0], a[1], a, fault);
	case INSN_BINARY_LIT:
		return op_binary(op, *a, code->consts[in->arg], a, fault);
	case INSN_MEMBER:
		*a = cedar_bool(cedar_set_has(code->consts[in->arg].set, *a));
		return true;
	case INSN_IN:
		return op_in(w, a[0], a[1], a, fault);
	case INSN_IN_LIT:
		return op_in(w, *a, code->consts[in->arg], a, fault);
	case INSN_VAR_IN:
		return op_in(w, cedar_entity(w->seats[in->var].uid), code->consts[in->arg], a,
			     fault);
	case INSN_VAR_HAS: {
		const struct cedar_record *attrs = var_attrs(m, in);
		*a = cedar_bool(attrs && record_find(attrs, in->arg, &found));
		return true;
	}
	case INSN_HAS_TAG:
		return op_has_tag(w, m->names, a[0], a[1], a, fault);
	case INSN_GET_TAG:
		return op_get_tag(w, m->names, a[0], a[1], a, fault);
	case INSN_SET:
		*a = build_set(room, a, in->arg);
		return true;
	case INSN_RECORD:
		*a = build_record(room, a, &code->shapes[in->arg]);
		return true;
	default: { /* INSN_CALL */
		enum cedar_fn fn = (enum cedar_fn)in->var;
		struct cedar_ip *ip = (struct cedar_ip *)room_take(room, machine_call_room(fn));
		return op_call(fn, a, in->arg, ip, a, fault);
	}
	}
}

/* How many values an instruction takes off the stack before it leaves its one. */
static inline uint32_t operands(const struct code *code, const struct insn *in)
{
	switch (in->op) {
	case INSN_VAR_IN:
	case INSN_VAR_HAS:
		return 0;
	case INSN_BINARY:
	case INSN_IN:
	case INSN_HAS_TAG:
	case INSN_GET_TAG:
		return 2;
	case INSN_SET:
	case INSN_CALL:
		return in->arg;
	case INSN_RECORD:
		return code->shapes[in->arg].count;
	default:
		return 1;
	}
}

static enum run_result fails(const struct code *code, const struct insn *in,
			     struct cedar_fault *fault)
{
	fault->pos = code->pos[in - code->insns];
	return RUN_FAILS;
}

/* NOLINTNEXTLINE(readability-function-size): a switch in a loop, an instruction a case */
enum run_result machine_run(struct machine *m, const struct code *code, uint32_t pc,
			    struct cedar_fault *fault)
{
	struct cedar_value *sp = m->stack; /* first free place */
	const struct insn *in = &code->insns[pc], *next;
	char *room = m->room;
	bool truth = false;

	for (;; in = next) {
		next = in + 1;
		switch (in->op) {
		case INSN_HOLDS:
			return RUN_HOLDS;
		case INSN_FAIL:
			*fault = (struct cedar_fault){ .kind = (enum cedar_fault_kind)in->var,
						       .got = (enum cedar_kind)in->flag,
						       .name = in->arg };
			return fails(code, in, fault);
		case INSN_CONST:
			*sp++ = code->consts[in->arg];
			break;
		case INSN_VAR:
			*sp++ = var_value(m, in);
			break;
		case INSN_VAR_GET:
			if (!var_get(m, in, sp, fault))
				return fails(code, in, fault);
			sp++;
			break;
		case INSN_TEST_EQ:
		case INSN_TEST_CMP:
			if (!test_attr(m, code, in, &truth, fault))
				return fails(code, in, fault);
			if (truth != in->flag)
				return RUN_NOT;
			next = in + 2;
			break;
		case INSN_TEST:
			if ((--sp)->kind != CEDAR_BOOL) {
				fault_type(fault, sp->kind);
				return fails(code, in, fault);
			}
			if (sp->truth != in->flag)
				return RUN_NOT;
			break;
		case INSN_BOOL:
		case INSN_AND:
		case INSN_OR:
		case INSN_ELSE:
			next = branch(code, in, &sp, fault);
			if (!next)
				return fails(code, in, fault);
			break;
		case INSN_JUMP:
			next = &code->insns[in->arg];
			break;
		default:
			sp -= operands(code, in);
			if (!compute(m, code, in, &room, sp, fault))
				return fails(code, in, fault);
			sp++;
			break;
		}
	}
}
