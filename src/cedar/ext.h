/* ext.h - the extension types: ipaddr, decimal, datetime, duration; their text and functions.
 *
 * The parsers accept exactly what Cedar 4.10 accepts (docs.cedarpolicy.com/policies/
 * syntax-datatypes.html and RFCs 42, 80 of cedar-policy/rfcs).  False: not such a value.
 */
#pragma once

#include "cedar/value.h"

/* Every extension function, constructor or method.  Zero is none. */
enum cedar_fn {
	CEDAR_FN_NONE,
	/* constructors: one string argument */
	CEDAR_FN_IP,
	CEDAR_FN_DECIMAL,
	CEDAR_FN_DATETIME,
	CEDAR_FN_DURATION,
	/* methods: the receiver is args[0] */
	CEDAR_FN_LESS_THAN, /* decimal */
	CEDAR_FN_LESS_THAN_OR_EQUAL,
	CEDAR_FN_GREATER_THAN,
	CEDAR_FN_GREATER_THAN_OR_EQUAL,
	CEDAR_FN_IS_IPV4, /* ipaddr */
	CEDAR_FN_IS_IPV6,
	CEDAR_FN_IS_LOOPBACK,
	CEDAR_FN_IS_MULTICAST,
	CEDAR_FN_IS_IN_RANGE, /* ipaddr, ipaddr */
	CEDAR_FN_OFFSET,      /* datetime, duration -> datetime */
	CEDAR_FN_DURATION_SINCE,
	CEDAR_FN_TO_DATE,
	CEDAR_FN_TO_TIME,
	CEDAR_FN_TO_MILLISECONDS, /* duration -> long */
	CEDAR_FN_TO_SECONDS,
	CEDAR_FN_TO_MINUTES,
	CEDAR_FN_TO_HOURS,
	CEDAR_FN_TO_DAYS,
	CEDAR_FN_COUNT,
};

struct cedar_fn_info {
	const char *name;
	bool is_method;
	uint8_t arity;           /* receiver included */
	enum cedar_kind args[2]; /* what each must be */
	enum cedar_kind result;
};

extern const struct cedar_fn_info cedar_fns[CEDAR_FN_COUNT];
enum cedar_fn cedar_fn_find(struct str name); /* CEDAR_FN_NONE: no such function */

bool cedar_decimal_parse(struct str text, int64_t *out_e4);
bool cedar_datetime_parse(struct str text, int64_t *out_ms);
bool cedar_duration_parse(struct str text, int64_t *out_ms);
bool cedar_ip_parse(struct str text, struct cedar_ip *out);

/* Runs a constructor; an address is allocated in mem.  Errors name the text and the type. */
bool cedar_ext_make(enum cedar_fn fn, struct str text, struct arena *mem, struct cedar_value *out,
		    struct err *e);

bool cedar_ip_is_loopback(const struct cedar_ip *ip);
bool cedar_ip_is_multicast(const struct cedar_ip *ip);
bool cedar_ip_in_range(const struct cedar_ip *ip, const struct cedar_ip *range);

/* Applies a method (never a constructor); pure, no allocation.  False on overflow or when
 * an argument has the wrong kind: *e says which. */
bool cedar_ext_call(enum cedar_fn fn, const struct cedar_value *args, struct cedar_value *out,
		    struct err *e);

/* The constructor's argument that gives this value back: "10.0.0.0/8", "1.5", "1d2h". */
struct buf;
void cedar_ext_text(struct buf *out, struct cedar_value v);
/* Which constructor makes values of this kind. */
enum cedar_fn cedar_ext_maker(enum cedar_kind kind);
