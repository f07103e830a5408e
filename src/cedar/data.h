/* data.h - entities, contexts and requests in Cedar's JSON forms, both ways.
 *
 * docs.cedarpolicy.com/auth/entities-syntax.html.  Without a schema a value says itself what it is:
 *
 *	{"__entity": {"type": "User", "id": "alice"}}     {"__extn": {"fn": "ip", "arg": "::1"}}
 *
 * Under a schema the escapes may be left out where the declared type asks for an entity or an
 * extension value, and a record may hold declared attributes only.  Reading under a schema does not
 * validate: validate.h does, on what was read.  Integers are exact.  Everything read lives in mem.
 */
#pragma once

#include "cedar/entities.h"
#include "cedar/jtree.h"
#include "cedar/schema.h"

struct cedar_reader {
	struct cedar_names *names;
	const struct schema *schema; /* NULL: none */
	struct arena *mem;
};

/* One value; type is what the schema declares for it, NULL when nothing is known. */
bool cedar_value_read(const struct cedar_reader *r, const struct cedar_json *json,
		      const struct schema_type *type, struct cedar_value *out, struct err *e);
/* {"type": .., "id": ..}, with or without "__entity" around it. */
bool cedar_uid_read(const struct cedar_reader *r, const struct cedar_json *json,
		    const struct cedar_uid **out, struct err *e);
/* A context: the type comes from the action, which may be NULL when there is no schema. */
bool cedar_context_read(const struct cedar_reader *r, const struct cedar_json *json,
			const struct cedar_uid *action, const struct cedar_record **out,
			struct err *e);

/* {"principal": uid, "action": uid, "resource": uid, "context": {..}}.  Uids may also be the text
 * User::"alice". */
struct cedar_request_data {
	const struct cedar_uid *principal, *action, *resource;
	const struct cedar_record *context;
};
bool cedar_request_read(const struct cedar_reader *r, const struct cedar_json *json,
			struct cedar_request_data *out, struct err *e);

/* One entity: {"uid": uid, "attrs": {..}, "parents": [uid..], "tags": {..}}. */
bool cedar_entity_read(const struct cedar_reader *r, const struct cedar_json *json,
		       struct cedar_entity *out, struct err *e);
/* A list of them, each put into the store.  One uid twice is an error unless both are the same.
 * With a schema its actions are put too, and an action in the list must be declared as it is. */
bool cedar_entities_read(const struct cedar_reader *r, const struct cedar_json *json,
			 struct cedar_entities *into, struct err *e);
/* The schema's actions alone, with their hierarchy. */
bool cedar_entities_put_actions(const struct cedar_reader *r, struct cedar_entities *into,
				struct err *e);

/* Writing; attributes in the order of their text, so that equal values are equal text.  A record
 * that would read back as an escape cannot be written: the buffer is left with is_full set. */
void cedar_value_json(struct buf *out, const struct cedar_names *names, struct cedar_value v);
void cedar_uid_json(struct buf *out, const struct cedar_names *names, const struct cedar_uid *uid);
void cedar_entities_json(struct buf *out, const struct cedar_names *names,
			 const struct cedar_entities *store);

/* A type name as JSON must write it: identifiers joined by "::", none reserved. */
bool cedar_is_type_name(struct str name);
