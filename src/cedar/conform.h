/* conform.h - is this request, this context, this entity one the schema allows?
 *
 * What the validator promises of a policy holds for requests and entities that conform
 * (Cedar guide, "Request and entity validation"; verdicts as Cedar 4.10).  Nothing here
 * allocates.  An unknown value (CEDAR_UNKNOWN) is taken to be of the type it should have.
 * Errors name the entity and the way to the value: "User::'ann': posture.osVersion: want
 * String, this is a long".
 */
#pragma once

#include "cedar/entities.h"
#include "cedar/schema.h"

/* Principal, action and resource are declared, go together, and the context fits the
 * action.  context NULL is an empty record. */
bool cedar_conform_request(const struct schema *s, const struct cedar_uid *principal,
			   const struct cedar_uid *action, const struct cedar_uid *resource,
			   const struct cedar_record *context, struct err *e);
bool cedar_conform_context(const struct schema *s, const struct cedar_uid *action,
			   const struct cedar_record *context, struct err *e);

/* An entity by itself: its attributes, tags and direct parents.  An action must have all
 * its declared ancestors as parents and nothing else. */
bool cedar_conform_entity(const struct schema *s, const struct cedar_entity *entity, struct err *e);
/* Every entity of a store with all its ancestors. */
bool cedar_conform_entities(const struct schema *s, const struct cedar_entities *store,
			    struct err *e);

/* A value against a type, enumerated ids and actions inside it included. */
bool cedar_conform_value(const struct schema *s, const struct schema_type *type,
			 struct cedar_value v, struct err *e);
