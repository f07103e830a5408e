#include "cedar/program_in.h"

#include "base/mem.h"
#include "cedar/tree.h"

/* Folding makes no more than the tree had, and a tree is no more than CEDAR_TEXT_MAX of text. */
static const size_t FOLDED_MAX = (size_t)1 << 30;

struct head head_of(const struct cedar_scope *scope)
{
	struct head h = { .kind = (uint8_t)scope->kind, .word = scope->type };

	if (scope->kind == CEDAR_SCOPE_IN_SET) {
		h.word = scope->count;
		h.uids = scope->uids;
	} else {
		h.uid = scope->uid;
	}
	return h;
}

bool scope_fits(struct world *w, struct seat *s, const struct cedar_scope *scope)
{
	struct head h = head_of(scope);

	return head_fits(w, s, &h);
}

/* --- filing --- */

static struct key scope_key(const struct cedar_scope *scope)
{
	switch (scope->kind) {
	case CEDAR_SCOPE_EQ:
		return (struct key){ KEY_EQ, scope->uid->hash };
	case CEDAR_SCOPE_IN:
	case CEDAR_SCOPE_IS_IN:
		return (struct key){ KEY_IN, scope->uid->hash };
	case CEDAR_SCOPE_IS:
		return (struct key){ KEY_TYPE, scope->type };
	default:
		return (struct key){ 0 };
	}
}

/* What a condition says of principal or resource beyond the scope; KEY_ANY: nothing of use. */
static struct key condition_key(const struct cedar_expr *e, enum cedar_var *out_var)
{
	struct key any = { 0 };

	if (e->count < 1 || e->args[0]->op != CEDAR_OP_VAR || e->args[0]->var == CEDAR_VAR_CONTEXT)
		return any;
	*out_var = e->args[0]->var;
	if (e->op == CEDAR_OP_IS && e->count == 1)
		return (struct key){ KEY_TYPE, e->name };
	if (e->count != 2 || e->args[1]->op != CEDAR_OP_LIT || e->args[1]->lit.kind != CEDAR_ENTITY)
		return any;
	if (e->op == CEDAR_OP_EQ)
		return (struct key){ KEY_EQ, e->args[1]->lit.uid->hash };
	if (e->op == CEDAR_OP_IN || e->op == CEDAR_OP_IS)
		return (struct key){ KEY_IN, e->args[1]->lit.uid->hash };
	return any;
}

static void refine(struct key *key, struct key by)
{
	static const int says[] = { [KEY_ANY] = 0, [KEY_TYPE] = 1, [KEY_IN] = 2, [KEY_EQ] = 3 };

	if (says[by.kind] > says[key->kind])
		*key = by;
}

/* Conjuncts from the left, as long as none before could fail: a policy that would fail must be
 * found, and reported. */
static bool refine_by(struct filing *f, const struct cedar_expr *e)
{
	enum cedar_var var = CEDAR_VAR_CONTEXT;

	if (e->op == CEDAR_OP_AND)
		return refine_by(f, e->args[0]) && refine_by(f, e->args[1]);
	struct key by = condition_key(e, &var);
	if (by.kind == KEY_ANY)
		return false;
	if (var == CEDAR_VAR_PRINCIPAL)
		refine(&f->principal, by);
	if (var == CEDAR_VAR_RESOURCE)
		refine(&f->resource, by);
	return true;
}

static struct filing filing_of(const struct rule *r)
{
	const struct cedar_policy *p = r->policy;
	struct filing f = { scope_key(&p->principal), scope_key(&p->resource), NULL, 0,
			    p->action.kind != CEDAR_SCOPE_EQ };
	bool goes_on = true;

	if (p->action.kind == CEDAR_SCOPE_IN_SET) {
		/* `action in []` is filed nowhere: NULL would mean any. */
		f.actions = p->action.count ? p->action.uids : &p->action.uid;
		f.action_count = p->action.count;
	} else if (p->action.kind != CEDAR_SCOPE_ANY) {
		f.actions = &p->action.uid;
		f.action_count = 1;
	}
	for (uint32_t i = 0; goes_on && i < p->condition_count; i++)
		goes_on = !p->conditions[i].is_unless && refine_by(&f, r->folded[i]);
	return f;
}

/* --- compiling --- */

static bool is_open(const struct cedar_policy *p)
{
	return p->slots || p->principal.is_slot || p->resource.is_slot;
}

static const struct cedar_expr *fold(struct cedar_program *program, const struct cedar_expr *e)
{
	struct tree t = { .mem = program->mem, .names = program->names, .is_building = true };
	struct part p = tree_walk(&t, e);

	return tree_node(&t, &p, e);
}

/* What a scope asks of the type; 0: nothing. */
static uint32_t type_of(const struct cedar_scope *scope)
{
	if (scope->kind == CEDAR_SCOPE_EQ)
		return scope->uid->type;
	return scope->kind == CEDAR_SCOPE_IS || scope->kind == CEDAR_SCOPE_IS_IN ? scope->type : 0;
}

static bool is_type_alone(const struct cedar_scope *scope)
{
	return scope->kind == CEDAR_SCOPE_ANY || scope->kind == CEDAR_SCOPE_IS;
}

static bool rule_make(struct cedar_program *program, struct compiler *c, uint32_t at,
		      const struct cedar_policy *p)
{
	struct rule *r = &program->rules[at];
	const struct cedar_expr **folded =
		arena_alloc(program->mem, p->condition_count, sizeof(const void *));

	if (!folded)
		return false;
	*r = (struct rule){ type_of(&p->principal),
			    type_of(&p->resource),
			    is_type_alone(&p->principal) && is_type_alone(&p->resource),
			    p->action.kind == CEDAR_SCOPE_IN_SET,
			    head_of(&p->principal),
			    head_of(&p->action),
			    head_of(&p->resource),
			    p,
			    folded,
			    PC_NONE,
			    p->effect };
	for (uint32_t i = 0; i < p->condition_count; i++)
		folded[i] = fold(program, p->conditions[i].body);
	if (!p->condition_count)
		return true;
	r->pc = compile_begin(c);
	for (uint32_t i = 0; i < p->condition_count; i++)
		compile_condition(c, folded[i], !p->conditions[i].is_unless);
	compile_end(c);
	return !arena_is_full(program->mem) && !c->is_bad;
}

static void index_rules(struct cedar_program *program)
{
	struct filing *filings = mem_new(program->count, sizeof(*filings));

	for (uint32_t i = 0; i < program->count; i++)
		filings[i] = filing_of(&program->rules[i]);
	program->index = index_new(filings, program->count);
	free(filings);
}

struct cedar_program *cedar_compile(const struct cedar_policies *policies,
				    struct cedar_names *names, struct err *e)
{
	struct cedar_program *program = mem_new(1, sizeof(*program));
	struct compiler c = { .code = &program->code, .fields = &program->fields };

	program->holders = 1;
	program->names = names;
	program->count = policies->count;
	program->rules = mem_new(policies->count, sizeof(*program->rules));
	program->mem = arena_new(FOLDED_MAX);
	for (uint32_t i = 0; i < policies->count; i++) {
		const struct cedar_policy *p = policies->policies[i];
		if (!is_open(p) && rule_make(program, &c, i, p))
			continue;
		err_set(e, ERR_INPUT, "policy '" STR_FMT "': %s", STR_ARG(p->id),
			is_open(p) ? "a template with open slots cannot be evaluated"
				   : "the policy set is too large");
		cedar_program_free(program);
		return NULL;
	}
	index_rules(program);
	program->bytes = sizeof(*program) + program->count * sizeof(*program->rules) +
			 arena_used(program->mem) + code_bytes(&program->code) +
			 index_bytes(program->index);
	return program;
}

struct cedar_program *cedar_program_hold(struct cedar_program *program)
{
	program->holders++;
	return program;
}

void cedar_program_free(struct cedar_program *program)
{
	if (!program || --program->holders)
		return;
	index_free(program->index);
	code_free(&program->code);
	arena_free(program->mem);
	free(program->rules);
	free(program);
}

/* --- reading --- */

uint32_t cedar_program_count(const struct cedar_program *program)
{
	return program->count;
}

const struct cedar_policy *cedar_program_policy(const struct cedar_program *program,
						uint32_t policy)
{
	return program->rules[policy].policy;
}

const struct cedar_names *cedar_program_names(const struct cedar_program *program)
{
	return program->names;
}

uint32_t cedar_program_context_count(const struct cedar_program *program)
{
	return program->fields.count;
}

uint32_t cedar_program_context_name(const struct cedar_program *program, uint32_t field)
{
	return program->fields.names[field];
}

uint64_t cedar_program_context_bit(const struct cedar_program *program, uint32_t name)
{
	for (uint32_t i = 0; i < program->fields.count; i++)
		if (program->fields.names[i] == name)
			return UINT64_C(1) << i;
	return 0;
}

size_t cedar_program_bytes(const struct cedar_program *program)
{
	return program->bytes;
}
