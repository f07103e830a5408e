/* authorize.h - may this principal do this action on this resource, and which policies say so?
 *
 * Cedar's authorizer (docs.cedarpolicy.com/auth/authorization.html): allow when a permit is
 * satisfied and no forbid is; a policy whose evaluation fails is skipped and reported.  Nothing
 * here hardens that: the gate denies when is_forbid_failed.
 *
 *	cedar_authorize          everything known: allocates nothing, steps bounded by the program
 *	cedar_authorize_partial  some inputs unknown: always, never or depends
 *	cedar_residual_new       context unknown: what remains, to be run per message with a context
 *	cedar_who_can            everyone of a type, one decision each
 *
 * Program, store, request and residual must share one struct cedar_names.
 */
#pragma once

#include "base/buf.h"
#include "cedar/entities.h"
#include "cedar/program.h"

enum cedar_decision { CEDAR_DENY, CEDAR_ALLOW };                 /* zero means no */
enum cedar_verdict { CEDAR_NEVER, CEDAR_DEPENDS, CEDAR_ALWAYS }; /* over all unknowns */

/* What is not known, for _partial.  An unknown attribute or context field is a value of kind
 * CEDAR_UNKNOWN in its record: present and well typed, but which? */
enum cedar_unknown {
	CEDAR_UNKNOWN_PRINCIPAL = 1, /* its id; the type in its uid is known */
	CEDAR_UNKNOWN_RESOURCE = 2,
	CEDAR_UNKNOWN_CONTEXT = 4, /* all of it, even which fields are there */
};

enum { CEDAR_LOCALS_MAX = 8 };

/* Everything borrowed for the call; nothing is copied. */
struct cedar_request {
	const struct cedar_uid *principal, *action, *resource;
	const struct cedar_record *context; /* NULL: empty */
	/* Entities described for this request alone, such as the resource a topic stands for.
	 * They hide those of the same uid in the store; their parents may be in the store or not.
	 * An unknown resource may be described too: by its type and whatever id is in its uid. */
	const struct cedar_entity *locals;
	uint32_t local_count; /* at most CEDAR_LOCALS_MAX */
	unsigned unknown;     /* set of enum cedar_unknown; 0 for all but _partial */
};

/* Why the evaluation of a policy failed. */
enum cedar_fault_kind {
	CEDAR_FAULT_NONE,
	CEDAR_FAULT_TYPE,      /* an operand of the wrong kind */
	CEDAR_FAULT_ATTR,      /* no such attribute */
	CEDAR_FAULT_TAG,       /* no such tag */
	CEDAR_FAULT_ENTITY,    /* no such entity */
	CEDAR_FAULT_OVERFLOW,  /* of a 64-bit integer */
	CEDAR_FAULT_EXTENSION, /* text that is no ipaddr, decimal, datetime, duration; or a method
				  failed */
	CEDAR_FAULT_ARITY,     /* a function with the wrong number of arguments */
};

struct cedar_fault {
	uint32_t policy;
	enum cedar_fault_kind kind;
	uint32_t name;       /* ATTR: the attribute; ENTITY: its type */
	enum cedar_kind got; /* TYPE: what was there instead */
	struct cedar_pos pos;
};

/* Arrays are the scratch's own: good until it is used again.  Both are in no particular order. */
struct cedar_answer {
	enum cedar_decision decision;
	bool is_forbid_failed; /* one of the faults is a forbid's */
	uint64_t context_read; /* fields looked at (program.h); 0: the answer holds for any context
				*/
	const uint32_t *reasons; /* determining policies: forbids when denied, else permits */
	uint32_t reason_count;
	const struct cedar_fault *faults;
	uint32_t fault_count;
	uint32_t candidates; /* policies the index let through */
};

/* Working memory of one decision at a time, sized for a program. */
struct cedar_scratch;
struct cedar_scratch *cedar_scratch_new(void);
void cedar_scratch_free(struct cedar_scratch *scratch); /* NULL is fine */
/* Makes room for this program; to be called once before the first decision with it. */
void cedar_scratch_fit(struct cedar_scratch *scratch, const struct cedar_program *program);

void cedar_authorize(const struct cedar_program *program, const struct cedar_entities *store,
		     const struct cedar_request *request, struct cedar_scratch *scratch,
		     struct cedar_answer *out);

/* One line for a person: "policy1: plant.cedar:3:7: there is no such attribute: grade". */
void cedar_fault_print(struct buf *out, const struct cedar_program *program,
		       const struct cedar_fault *fault);
const char *cedar_fault_name(enum cedar_fault_kind kind); /* "type", "attribute", ... */

struct cedar_partial {
	enum cedar_verdict verdict;
	bool may_forbid_fail; /* for some value of the unknowns a forbid fails */
};

/* Sound, not exact: ALWAYS and NEVER hold for every value of the unknowns, DEPENDS may be given
 * where a closer look would know.  mem holds intermediate values only. */
void cedar_authorize_partial(const struct cedar_program *program,
			     const struct cedar_entities *store,
			     const struct cedar_request *request, struct arena *mem,
			     struct cedar_partial *out);

/* What remains of the policies when only the context is unknown, as the facts stand now: values
 * are copied in.  It holds its program; the owner drops it when a fact or the program changes. */
struct cedar_residual;
struct cedar_residual *cedar_residual_new(struct cedar_program *program,
					  const struct cedar_entities *store,
					  const struct cedar_request *request, struct err *e);
void cedar_residual_free(struct cedar_residual *residual); /* NULL is fine */
/* ALWAYS, NEVER: the answer is the same for every context. */
enum cedar_verdict cedar_residual_verdict(const struct cedar_residual *residual);
uint64_t cedar_residual_context(const struct cedar_residual *residual); /* fields it may read */
/* The answer cedar_authorize would give.  Allocates nothing; scratch as fitted for the program. */
void cedar_residual_decide(const struct cedar_residual *residual,
			   const struct cedar_entities *store, const struct cedar_record *context,
			   struct cedar_scratch *scratch, struct cedar_answer *out);

/* Asks the request for every present entity of one type in the place of its principal (or its
 * resource), which may be NULL.  With request->unknown set the verdict is three-valued. */
typedef bool cedar_who_fn(void *ctx, const struct cedar_uid *who, enum cedar_verdict verdict);
struct cedar_who {
	const struct cedar_request *request;
	enum cedar_var vary; /* CEDAR_VAR_PRINCIPAL or CEDAR_VAR_RESOURCE */
	uint32_t type;
	cedar_who_fn *found; /* called unless the verdict is NEVER; false ends the walk */
	void *ctx;
};
/* How many were found. */
uint64_t cedar_who_can(const struct cedar_program *program, const struct cedar_entities *store,
		       const struct cedar_who *who, struct cedar_scratch *scratch);
