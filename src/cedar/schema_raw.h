/* schema_raw.h - a schema as it was written, before its names mean anything.
 *
 * Both syntaxes are read into this; schema_resolve.c alone decides what a name
 * refers to.  Lists are in the order written.  All of it lives in the arena of
 * the reader and points into the source texts: gone when schema_read returns.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "cedar/lex.h"
#include "cedar/schema.h"

/* Where something was written; in JSON also the way there: "Space.entityTypes.telemetry". */
struct raw_at {
	struct cedar_pos pos;
	struct str path;
};

enum raw_kind {
	RAW_NAMED,  /* a common type, or else an entity type (RFC 24) */
	RAW_COMMON, /* must be a common type */
	RAW_ENTITY, /* must be an entity type */
	RAW_EXTENSION,
	RAW_BOOL,
	RAW_LONG,
	RAW_STRING,
	RAW_SET,
	RAW_RECORD,
};

struct raw_attr {
	struct raw_attr *next;
	struct str name;
	struct raw_type *type;
	bool is_optional;
};

struct raw_type {
	enum raw_kind kind;
	struct raw_at at;
	struct str name; /* as written, maybe qualified */
	struct raw_type *element;
	struct raw_attr *attrs, *last_attr;
	size_t attr_count;
};

/* A name in a list: a parent type, a principal type, an id, a parent action. */
struct raw_ref {
	struct raw_ref *next;
	struct raw_at at;
	struct str name; /* a type; of an action parent "" means Action */
	struct str id;   /* of an action parent or an enumerated entity */
};

struct raw_refs {
	struct raw_ref *first, *last;
	size_t count;
};

struct raw_entity {
	struct raw_entity *next;
	struct raw_at at;
	struct str ns, name; /* ns is "" outside namespaces */
	struct raw_refs parents, ids;
	struct raw_type *shape, *tags; /* NULL: none */
	bool is_enum;
	const struct schema_source *source;
};

struct raw_common {
	struct raw_common *next;
	struct raw_at at;
	struct str ns, name;
	struct raw_type *type;
};

struct raw_action {
	struct raw_action *next;
	struct raw_at at;
	struct str ns, id;
	struct raw_refs parents, principals, resources;
	struct raw_type *context; /* NULL: an empty record */
};

struct raw_schema {
	struct arena *mem;
	const struct schema_source *sources, *reading; /* all, and the one being read */
	size_t source_count;
	struct raw_entity *entities, *last_entity;
	struct raw_common *commons, *last_common;
	struct raw_action *actions, *last_action;
	size_t entity_count, common_count, action_count;
};

/* Readers: each adds what one source declares.  Names are checked to be names. */
bool schema_text_read(const struct schema_source *src, struct raw_schema *out, struct err *e);
bool schema_json_read(const struct schema_source *src, struct raw_schema *out, struct err *e);
bool schema_resolve(const struct raw_schema *raw, struct cedar_names *names, struct arena *mem,
		    const struct schema **out, struct err *e);

/* Sets the error with its place in front; always false. */
bool raw_fail(struct raw_at at, struct err *e, const char *fmt, ...) printf_like(3, 4);
bool raw_full(struct err *e); /* "schema is too large" */

/* All NULL with the error set when the arena is full. */
struct raw_type *raw_type_new(struct raw_schema *raw, enum raw_kind kind, struct raw_at at,
			      struct err *e);
struct raw_attr *raw_attr_add(struct raw_schema *raw, struct raw_type *record, struct str name,
			      struct err *e);
struct raw_ref *raw_ref_add(struct raw_schema *raw, struct raw_refs *to, struct raw_at at,
			    struct err *e);
struct raw_entity *raw_entity_add(struct raw_schema *raw, struct raw_at at, struct err *e);
struct raw_common *raw_common_add(struct raw_schema *raw, struct raw_at at, struct err *e);
struct raw_action *raw_action_add(struct raw_schema *raw, struct raw_at at, struct err *e);

bool raw_is_word(struct str s);   /* an identifier, not reserved; __cedar is one */
bool raw_is_path(struct str s);   /* words between "::" */
bool raw_has_cedar(struct str s); /* one part of the path is __cedar */

/* What may be declared: a path without __cedar, an identifier that is not __cedar,
 * a common type that is no keyword of the JSON syntax. */
bool raw_check_namespace(struct str ns, struct raw_at at, struct err *e);
bool raw_check_entity_name(struct str name, struct raw_at at, struct err *e);
bool raw_check_common_name(struct str name, struct raw_at at, struct err *e);
