/* schema.h - which entities, actions and contexts exist, and what they look like?
 *
 * The resolved model of a Cedar schema (Cedar specification, "Schema grammar" and
 * "JSON schema grammar"; RFC 24, 48, 52, 53, 70, 82): common types are expanded,
 * every name is fully qualified, hierarchies are transitively closed.  Read by the
 * validator, by schema-directed JSON and by the compiler.
 *
 * A schema and all it points to live in the arena it was read into and are never
 * changed after: it may be shared by any number of readers.  Names are both text and
 * number (`num`, of the interner it was read with, which must outlive it).  Types are
 * shared, but two equal types need not be one pointer: compare with schema_type_eq.
 *
 * Errors are ERR_INPUT and begin with file:line:column, in JSON followed by the path.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "cedar/names.h"

enum {
	SCHEMA_DEPTH_MAX = 500,        /* of one type, common types expanded; deeper is refused */
	SCHEMA_TYPE_NODES_MAX = 65536, /* of one type with its common types expanded */
	SCHEMA_TEXT_MAX = 4 << 20,     /* bytes of one source */
};

enum schema_kind {
	SCHEMA_NEVER, /* no value has it; the safe zero */
	SCHEMA_BOOL,
	SCHEMA_TRUE,  /* the validator's own: a Bool known to be true */
	SCHEMA_FALSE, /* and one known to be false */
	SCHEMA_LONG,
	SCHEMA_STRING,
	SCHEMA_SET,
	SCHEMA_RECORD,
	SCHEMA_ENTITY,
	SCHEMA_ANY_ENTITY, /* the validator's own: some entity of an unknown type */
	SCHEMA_EXTENSION,  /* name is ipaddr, decimal, datetime or duration */
};

struct schema_attr {
	struct str name;
	uint32_t num; /* of name */
	const struct schema_type *type;
	bool is_optional;
};

struct schema_type {
	enum schema_kind kind;
	struct str name;                   /* ENTITY: fully qualified; EXTENSION */
	uint32_t num;                      /* of name; 0 for every other kind */
	const struct schema_type *element; /* SET; NULL only in the validator: any set */
	const struct schema_attr *attrs;   /* RECORD, in the order of str_cmp */
	size_t attr_count;
	uint32_t nodes, depth; /* written out whole; at most SCHEMA_TYPE_NODES_MAX, _DEPTH_MAX */
};

/* One entity type. */
struct schema_entity {
	struct str name;                        /* fully qualified: "Space::telemetry" */
	uint32_t num;                           /* of name */
	const struct schema_type *type;         /* SCHEMA_ENTITY of that name */
	const struct schema_type *shape;        /* SCHEMA_RECORD, maybe of no attributes */
	const struct schema_type *tags;         /* NULL: may have none */
	const struct str *ids;                  /* enumerated: the only ids there are */
	size_t id_count;                        /* 0: not enumerated */
	const struct schema_entity **parents;   /* as declared */
	const struct schema_entity **ancestors; /* closed; may hold itself (A in A) */
	const struct schema_entity **descendants;
	size_t parent_count, ancestor_count, descendant_count;
	size_t index; /* position in schema.entities */
};

/* One action.  It applies to nothing when either list is empty. */
struct schema_action {
	struct str type;   /* "Action" or "Some::Namespace::Action" */
	uint32_t type_num; /* of type */
	struct str id;
	const struct schema_entity **principals, **resources;
	size_t principal_count, resource_count;
	const struct schema_type *context; /* SCHEMA_RECORD */
	const struct schema_action **parents, **ancestors, **descendants;
	size_t parent_count, ancestor_count, descendant_count;
	size_t index; /* position in schema.actions */
};

struct schema {
	struct schema_entity *entities; /* in the order of str_cmp of their names */
	size_t entity_count;
	struct schema_action *actions; /* by type, then id */
	size_t action_count;
	const struct cedar_names *names;
};

enum schema_syntax { SCHEMA_CEDAR, SCHEMA_JSON };

/* One text of a schema.  Several are read as one: a name may be declared in one
 * and used in another, and a namespace may be opened in each.
 *
 * in_place_of, if given, names an entity type: wherever an action of any text lists that
 * type as its principal or resource, the entity types that this text declares are listed
 * instead (if it declares any).  So a generated text can add what actions apply to. */
struct schema_source {
	struct str file; /* for messages */
	struct str text;
	enum schema_syntax syntax;
	struct str in_place_of;
};

/* NULL with ERR_INPUT when any of it is wrong.  The texts need not outlive the call. */
const struct schema *schema_read(const struct schema_source *sources, size_t count,
				 struct cedar_names *names, struct arena *mem, struct err *e);

/* NULL when the schema does not declare it. */
const struct schema_entity *schema_entity_find(const struct schema *s, struct str name);
const struct schema_entity *schema_entity_of(const struct schema *s, uint32_t num);
const struct schema_action *schema_action_find(const struct schema *s, struct str type,
					       struct str id);
const struct schema_action *schema_action_of(const struct schema *s, uint32_t type_num,
					     struct str id);

/* NULL when the record has no such attribute.  Its place in attrs is a stable slot. */
const struct schema_attr *schema_attr_find(const struct schema_type *record, struct str name);

/* May an entity of type `of` have an ancestor of type `above`?  Not so for of == above
 * unless declared. */
bool schema_entity_is_below(const struct schema_entity *of, const struct schema_entity *above);
bool schema_action_is_below(const struct schema_action *of, const struct schema_action *above);
bool schema_entity_has_id(const struct schema_entity *of, struct str id); /* enumerated or not */

/* "Action" or a name that ends in "::Action": such entities are the schema's own. */
bool schema_is_action_type(struct str name);
bool schema_is_action_num(const struct schema *s, uint32_t num);

bool schema_type_eq(const struct schema_type *a, const struct schema_type *b);
void schema_type_print(const struct schema_type *t, struct buf *out); /* in Cedar syntax */

/* The names closest to what was typed, for "did you mean"; empty when none is close. */
struct str schema_entity_nearest(const struct schema *s, struct str typed);
struct str schema_action_nearest(const struct schema *s, struct str typed_id);
struct str schema_attr_nearest(const struct schema_type *record, struct str typed);

/* The whole schema in the Cedar syntax, common types expanded, names in order.
 * False with ERR_INPUT when it does not fit the buffer's maximum. */
bool schema_print(const struct schema *s, struct buf *out, struct err *e);
