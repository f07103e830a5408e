/* tree.h - what becomes of an expression when only some of its inputs are known?
 *
 * Inner header.  One walk over the tree serves four readers: the compiler folds constants (nothing
 * known), residuals keep what a context has yet to decide, partial authorization asks for the
 * possible outcomes, and explanations (all known) learn which facts were read.  Recursion is no
 * deeper than CEDAR_DEPTH_MAX, which the parser holds.
 *
 * What is left of a tree is made of the nodes of ast.h, with these additions: a literal may be any
 * value, and CEDAR_OP_NONE is an expression that always fails: lit.num is the cedar_fault_kind,
 * lit.kind what was got, name the fault's name.
 */
#pragma once

#include "cedar/ops.h"

/* What is known beyond literals. */
enum tree_known {
	TREE_STORE = 1, /* principal, action and resource (save request->unknown), entities */
	TREE_CONTEXT = 2,
};

typedef void tree_fact_fn(void *ctx, const struct cedar_expr *path, struct cedar_value value);

struct tree {
	struct world *world; /* NULL when known is 0 */
	const struct cedar_names *names;
	struct arena
		*mem; /* for sets, records, addresses; and for the tree left when is_building */
	unsigned known;
	unsigned unknown;   /* set of enum cedar_unknown: within what is known */
	bool is_building;   /* leave a tree in rest */
	bool is_typed;      /* unknowns are as the schema says: no operand of a wrong kind */
	tree_fact_fn *fact; /* told each attribute read; may be NULL */
	void *ctx;
};

enum part_kind { PART_FAIL, PART_VALUE, PART_REST };

/* What came out.  Of a REST, the may_ say what can happen once the unknowns are known. */
struct part {
	enum part_kind kind;
	struct cedar_value value;      /* VALUE */
	struct cedar_fault fault;      /* FAIL */
	const struct cedar_expr *rest; /* REST, when building */
	bool is_bool;                  /* REST: a bool, unless it fails */
	bool may_true, may_false;      /* REST that is_bool */
	bool may_fail;
};

struct part tree_walk(struct tree *t, const struct cedar_expr *e);
/* The node that stands for a part. */
const struct cedar_expr *tree_node(struct tree *t, const struct part *p,
				   const struct cedar_expr *from);
bool part_is(const struct part *p, bool truth); /* a VALUE and that bool */
