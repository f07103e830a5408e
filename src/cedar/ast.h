/* ast.h - policies as they were written: the tree the parser builds and everyone else reads.
 *
 * Every node lives in the arena given to the parser and is immutable after it.  Operators
 * stay as written, so that JSON and messages give back what the author said; what they mean:
 *
 *	a != b, a > b, a >= b     !(a == b), !(a <= b), !(a < b): same value, same errors
 *	e is T in x               e is T && e in x
 *	e has a.b                 parsed as  e has a && e.a has b
 *	a && b && c               (a && b) && c; all binary operators lean left
 *
 * Depth (of parentheses, unary chains, long && chains alike) never exceeds CEDAR_DEPTH_MAX, so
 * a reader may recurse.  Cedar: docs.cedarpolicy.com/policies/syntax-grammar.html.
 */
#pragma once

#include "cedar/ext.h"
#include "cedar/value.h"

enum {
	CEDAR_DEPTH_MAX = 1000,    /* levels of any expression, type or JSON value */
	CEDAR_TEXT_MAX = 16 << 20, /* bytes of one policy or schema file */
};

/* Where text came from; nodes point to it, so it lives as long as they do. */
struct cedar_source {
	struct str name; /* file name for messages; may be empty */
	struct str text; /* must stay valid while parsing only */
};

struct cedar_pos {
	const struct cedar_source *source; /* NULL: from JSON, no text */
	uint32_t line, col;                /* from 1; columns count bytes; 0: unknown */
};

enum cedar_op {
	CEDAR_OP_NONE,
	CEDAR_OP_LIT,  /* lit: bool, long, string or entity */
	CEDAR_OP_VAR,  /* var */
	CEDAR_OP_SLOT, /* slot: only inside a template's scope */
	CEDAR_OP_IF,   /* args: condition, then, else */
	CEDAR_OP_AND,  /* 2 args, as all down to CEDAR_OP_GET_TAG */
	CEDAR_OP_OR,
	CEDAR_OP_EQ,
	CEDAR_OP_NE,
	CEDAR_OP_LT,
	CEDAR_OP_LE,
	CEDAR_OP_GT,
	CEDAR_OP_GE,
	CEDAR_OP_ADD,
	CEDAR_OP_SUB,
	CEDAR_OP_MUL,
	CEDAR_OP_IN,
	CEDAR_OP_CONTAINS,
	CEDAR_OP_CONTAINS_ALL,
	CEDAR_OP_CONTAINS_ANY,
	CEDAR_OP_HAS_TAG,
	CEDAR_OP_GET_TAG,
	CEDAR_OP_NOT, /* 1 arg, as all down to CEDAR_OP_IS_EMPTY */
	CEDAR_OP_NEG,
	CEDAR_OP_IS_EMPTY,
	CEDAR_OP_GET,    /* args[0].name */
	CEDAR_OP_HAS,    /* args[0] has name */
	CEDAR_OP_IS,     /* args[0] is name, and in args[1] when count is 2 */
	CEDAR_OP_LIKE,   /* args[0] like pattern */
	CEDAR_OP_SET,    /* args: the elements */
	CEDAR_OP_RECORD, /* args[i] under keys[i]; keys in the order written, all different */
	CEDAR_OP_CALL,   /* fn(args...); methods have the receiver first */
};

enum cedar_var { CEDAR_VAR_PRINCIPAL, CEDAR_VAR_ACTION, CEDAR_VAR_RESOURCE, CEDAR_VAR_CONTEXT };
enum cedar_slot { CEDAR_SLOT_PRINCIPAL = 1, CEDAR_SLOT_RESOURCE = 2 }; /* bits of a set */

/* `like`: literal pieces with a wildcard between each two.  "a*b" is {"a","b"}, "*" is
 * {"",""}, "abc" is {"abc"}.  Adjacent stars are merged (they mean the same). */
struct cedar_pattern {
	uint32_t count; /* at least 1 */
	const struct str *parts;
};

struct cedar_expr {
	enum cedar_op op;
	uint32_t name;  /* GET, HAS: attribute; IS: entity type */
	uint32_t count; /* of args */
	uint32_t depth; /* 1 + the deepest argument's; at most CEDAR_DEPTH_MAX */
	struct cedar_pos pos;
	const struct cedar_expr *const *args;
	union {
		struct cedar_value lit;
		enum cedar_var var;
		enum cedar_slot slot;
		enum cedar_fn fn;
		const uint32_t *keys;
		struct cedar_pattern pattern;
	};
};

enum cedar_scope_kind {
	CEDAR_SCOPE_ANY,    /* principal */
	CEDAR_SCOPE_EQ,     /* principal == uid */
	CEDAR_SCOPE_IN,     /* principal in uid */
	CEDAR_SCOPE_IN_SET, /* action in [uids] */
	CEDAR_SCOPE_IS,     /* principal is type */
	CEDAR_SCOPE_IS_IN,  /* principal is type in uid */
};

struct cedar_scope {
	enum cedar_scope_kind kind;
	uint32_t type;                       /* IS, IS_IN */
	bool is_slot;                        /* EQ, IN, IS_IN: a slot stands where uid would */
	const struct cedar_uid *uid;         /* EQ, IN, IS_IN without a slot */
	const struct cedar_uid *const *uids; /* IN_SET */
	uint32_t count;                      /* IN_SET */
	struct cedar_pos pos;
};

struct cedar_annotation {
	struct str key, value; /* @key alone has value "" and has_value false */
	bool has_value;
	struct cedar_pos pos;
};

struct cedar_condition {
	bool is_unless;
	const struct cedar_expr *body;
	struct cedar_pos pos;
};

enum cedar_effect { CEDAR_FORBID, CEDAR_PERMIT }; /* zero forbids */

struct cedar_policy {
	struct str id;
	enum cedar_effect effect;
	unsigned
		slots; /* set of enum cedar_slot: not 0 for a template, 0 for a policy and a link */
	const struct cedar_policy *template_of; /* a link: the template it was made from */
	const struct cedar_uid *bound_principal, *bound_resource; /* a link: what fills its slots */
	struct cedar_scope principal, action, resource; /* of a link: slots already filled */
	const struct cedar_condition *conditions;       /* all must hold, in order */
	uint32_t condition_count;
	const struct cedar_annotation *annotations;
	uint32_t annotation_count;
	struct cedar_pos pos;
};

/* A set as written: ids are unique over policies, templates and links together. */
struct cedar_policies {
	const struct cedar_policy *const
		*policies; /* static policies and links: what is evaluated */
	uint32_t count;
	const struct cedar_policy *const *templates;
	uint32_t template_count;
};

/* The value of an annotation, or NULL. */
const struct cedar_annotation *cedar_policy_annotation(const struct cedar_policy *p,
						       struct str key);

/* Makers of nodes, for whoever builds trees: the depth is counted here, and NULL means too deep or
 * the arena is full.  The argument array is taken over, not copied. */
struct cedar_expr *cedar_expr_new(struct arena *mem, enum cedar_op op, struct cedar_pos pos,
				  const struct cedar_expr *const *args, uint32_t count);
struct cedar_expr *cedar_expr_1(struct arena *mem, enum cedar_op op, struct cedar_pos pos,
				const struct cedar_expr *a);
struct cedar_expr *cedar_expr_2(struct arena *mem, enum cedar_op op, struct cedar_pos pos,
				const struct cedar_expr *a, const struct cedar_expr *b);
struct cedar_expr *cedar_expr_3(struct arena *mem, enum cedar_op op, struct cedar_pos pos,
				const struct cedar_expr *a, const struct cedar_expr *b,
				const struct cedar_expr *c);
struct cedar_expr *cedar_expr_lit(struct arena *mem, struct cedar_pos pos, struct cedar_value lit);
struct cedar_expr *cedar_expr_var(struct arena *mem, struct cedar_pos pos, enum cedar_var var);

/* A list that grows in an arena: returns the new, zeroed last element, or NULL when it is full.
 * Old arrays stay in the arena until it is reset: at most as much again. */
void *cedar_list_add(struct arena *mem, void *items_ptr, uint32_t *count, size_t size);

/* The word a method or operator is written with: "containsAll", "+", "has", ... */
const char *cedar_op_name(enum cedar_op op);
/* The operator a method name calls (contains ... getTag, isEmpty), or CEDAR_OP_NONE. */
enum cedar_op cedar_op_method(struct str name);
const char *cedar_var_name(enum cedar_var var);
