/* value.h - what a Cedar expression can be: 16 bytes, passed by value.
 *
 * Numbers of every kind sit in the value itself; strings are views; entities, sets,
 * records and addresses point to immutable objects in somebody's arena.  Nothing here
 * is reference counted: a value lives as long as the arena (policy set, entity store,
 * request) it was built in.
 *
 * Sets are canonical: sorted by cedar_value_cmp, without duplicates.  Records are
 * sorted by name number.  So equality is one walk and membership a binary search.
 * Cedar: docs.cedarpolicy.com/policies/syntax-datatypes.html.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "cedar/names.h"

enum cedar_kind {
	CEDAR_NONE, /* no value: what a missing attribute gives */
	CEDAR_BOOL,
	CEDAR_LONG,     /* num */
	CEDAR_STRING,   /* text, len: UTF-8 */
	CEDAR_ENTITY,   /* uid */
	CEDAR_SET,      /* set */
	CEDAR_RECORD,   /* record */
	CEDAR_DECIMAL,  /* num: value x 10^4 */
	CEDAR_DATETIME, /* num: ms since 1970-01-01T00:00:00Z */
	CEDAR_DURATION, /* num: ms */
	CEDAR_IP,       /* ip */
	CEDAR_UNKNOWN,  /* name: an input not known yet (three-valued evaluation only) */
};

struct cedar_uid;
struct cedar_set;
struct cedar_record;
struct cedar_ip;

struct cedar_value {
	enum cedar_kind kind;
	uint32_t len; /* of text, in bytes; zero for every other kind */
	union {
		int64_t num;
		uint64_t truth; /* CEDAR_BOOL: 0 or 1 */
		const char *text;
		const struct cedar_uid *uid;
		const struct cedar_set *set;
		const struct cedar_record *record;
		const struct cedar_ip *ip;
		uint64_t name; /* CEDAR_UNKNOWN */
	};
};

/* User::"alice".  Equal when type, hash and id are; compare pointers first. */
struct cedar_uid {
	uint32_t type; /* name of the entity type */
	uint32_t hash; /* cedar_uid_hash(type, id) */
	struct str id; /* unescaped */
};

struct cedar_set {
	uint32_t count;
	const struct cedar_value *items; /* ascending, no two equal */
};

struct cedar_record {
	uint32_t count;
	const uint32_t *names; /* ascending */
	const struct cedar_value *values;
};

/* An address or a range.  ip("10.0.0.1/8") keeps its host bits and equals only itself. */
struct cedar_ip {
	bool is_v6;
	uint8_t prefix;   /* 0-32 or 0-128 */
	uint8_t addr[16]; /* network order; v4 uses the first four */
};

struct cedar_value cedar_bool(bool truth);
struct cedar_value cedar_long(int64_t num);
struct cedar_value cedar_string(struct str text); /* text must outlive it */
struct cedar_value cedar_entity(const struct cedar_uid *uid);
struct str cedar_value_text(struct cedar_value v); /* of a CEDAR_STRING */

uint32_t cedar_uid_hash(uint32_t type, struct str id);
struct cedar_uid cedar_uid_of(uint32_t type, struct str id); /* fills the hash; id is borrowed */
bool cedar_uid_eq(const struct cedar_uid *a, const struct cedar_uid *b);

/* Equality as Cedar's ==: values of different kinds are unequal, never an error. */
bool cedar_value_eq(struct cedar_value a, struct cedar_value b);
/* A total order for canonical sets; it means nothing to the language. */
int cedar_value_cmp(struct cedar_value a, struct cedar_value b);

bool cedar_set_has(const struct cedar_set *set, struct cedar_value v);
bool cedar_set_has_all(const struct cedar_set *set, const struct cedar_set *want);
bool cedar_set_has_any(const struct cedar_set *set, const struct cedar_set *want);
/* The value under a name; kind CEDAR_NONE when absent.  NULL record is empty. */
struct cedar_value cedar_record_get(const struct cedar_record *record, uint32_t name);

/* Sorts items in place, drops duplicates, returns how many remain.  Allocates nothing. */
uint32_t cedar_set_sort(struct cedar_value *items, uint32_t count);
/* Sorts both arrays by name; false when a name occurs twice.  Allocates nothing. */
bool cedar_record_sort(uint32_t *names, struct cedar_value *values, uint32_t count);

/* Copies into mem; NULL (or kind CEDAR_NONE) past the arena's limit. */
const struct cedar_uid *cedar_uid_new(struct arena *mem, uint32_t type, struct str id);
const struct cedar_set *cedar_set_new(struct arena *mem, const struct cedar_value *items,
				      uint32_t count);
const struct cedar_record *cedar_record_new(struct arena *mem, const uint32_t *names,
					    const struct cedar_value *values, uint32_t count);
struct cedar_value cedar_value_copy(struct arena *mem, struct cedar_value v); /* deep */

const char *cedar_kind_name(enum cedar_kind kind); /* "long", "set", "ipaddr", ... */
/* As Cedar text: User::"alice", [1, 2], {"a": ip("::1")}.  For messages and the decision record. */
struct buf;
void cedar_value_print(struct buf *out, const struct cedar_names *names, struct cedar_value v);
void cedar_uid_print(struct buf *out, const struct cedar_names *names, const struct cedar_uid *uid);
