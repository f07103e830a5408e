/* ext.c - the extension functions: their table, and what each does. */
#include "cedar/ext.h"

#include "base/buf.h"

enum { MS_DAY = 86400000 };

#define ROW(name, is_method, arity, a, b, result)                                                  \
	{                                                                                          \
		name, is_method, arity, { a, b }, result                                           \
	}

const struct cedar_fn_info cedar_fns[CEDAR_FN_COUNT] = {
	[CEDAR_FN_NONE] = ROW("", false, 0, CEDAR_NONE, CEDAR_NONE, CEDAR_NONE),
	[CEDAR_FN_IP] = ROW("ip", false, 1, CEDAR_STRING, CEDAR_NONE, CEDAR_IP),
	[CEDAR_FN_DECIMAL] = ROW("decimal", false, 1, CEDAR_STRING, CEDAR_NONE, CEDAR_DECIMAL),
	[CEDAR_FN_DATETIME] = ROW("datetime", false, 1, CEDAR_STRING, CEDAR_NONE, CEDAR_DATETIME),
	[CEDAR_FN_DURATION] = ROW("duration", false, 1, CEDAR_STRING, CEDAR_NONE, CEDAR_DURATION),
	[CEDAR_FN_LESS_THAN] = ROW("lessThan", true, 2, CEDAR_DECIMAL, CEDAR_DECIMAL, CEDAR_BOOL),
	[CEDAR_FN_LESS_THAN_OR_EQUAL] =
		ROW("lessThanOrEqual", true, 2, CEDAR_DECIMAL, CEDAR_DECIMAL, CEDAR_BOOL),
	[CEDAR_FN_GREATER_THAN] =
		ROW("greaterThan", true, 2, CEDAR_DECIMAL, CEDAR_DECIMAL, CEDAR_BOOL),
	[CEDAR_FN_GREATER_THAN_OR_EQUAL] =
		ROW("greaterThanOrEqual", true, 2, CEDAR_DECIMAL, CEDAR_DECIMAL, CEDAR_BOOL),
	[CEDAR_FN_IS_IPV4] = ROW("isIpv4", true, 1, CEDAR_IP, CEDAR_NONE, CEDAR_BOOL),
	[CEDAR_FN_IS_IPV6] = ROW("isIpv6", true, 1, CEDAR_IP, CEDAR_NONE, CEDAR_BOOL),
	[CEDAR_FN_IS_LOOPBACK] = ROW("isLoopback", true, 1, CEDAR_IP, CEDAR_NONE, CEDAR_BOOL),
	[CEDAR_FN_IS_MULTICAST] = ROW("isMulticast", true, 1, CEDAR_IP, CEDAR_NONE, CEDAR_BOOL),
	[CEDAR_FN_IS_IN_RANGE] = ROW("isInRange", true, 2, CEDAR_IP, CEDAR_IP, CEDAR_BOOL),
	[CEDAR_FN_OFFSET] = ROW("offset", true, 2, CEDAR_DATETIME, CEDAR_DURATION, CEDAR_DATETIME),
	[CEDAR_FN_DURATION_SINCE] =
		ROW("durationSince", true, 2, CEDAR_DATETIME, CEDAR_DATETIME, CEDAR_DURATION),
	[CEDAR_FN_TO_DATE] = ROW("toDate", true, 1, CEDAR_DATETIME, CEDAR_NONE, CEDAR_DATETIME),
	[CEDAR_FN_TO_TIME] = ROW("toTime", true, 1, CEDAR_DATETIME, CEDAR_NONE, CEDAR_DURATION),
	[CEDAR_FN_TO_MILLISECONDS] =
		ROW("toMilliseconds", true, 1, CEDAR_DURATION, CEDAR_NONE, CEDAR_LONG),
	[CEDAR_FN_TO_SECONDS] = ROW("toSeconds", true, 1, CEDAR_DURATION, CEDAR_NONE, CEDAR_LONG),
	[CEDAR_FN_TO_MINUTES] = ROW("toMinutes", true, 1, CEDAR_DURATION, CEDAR_NONE, CEDAR_LONG),
	[CEDAR_FN_TO_HOURS] = ROW("toHours", true, 1, CEDAR_DURATION, CEDAR_NONE, CEDAR_LONG),
	[CEDAR_FN_TO_DAYS] = ROW("toDays", true, 1, CEDAR_DURATION, CEDAR_NONE, CEDAR_LONG),
};

enum cedar_fn cedar_fn_find(struct str name)
{
	for (enum cedar_fn fn = CEDAR_FN_IP; fn < CEDAR_FN_COUNT; fn++)
		if (str_eqz(name, cedar_fns[fn].name))
			return fn;
	return CEDAR_FN_NONE;
}

enum cedar_fn cedar_ext_maker(enum cedar_kind kind)
{
	for (enum cedar_fn fn = CEDAR_FN_IP; fn <= CEDAR_FN_DURATION; fn++)
		if (cedar_fns[fn].result == kind)
			return fn;
	return CEDAR_FN_NONE;
}

static bool make_ip(struct str text, struct arena *mem, struct cedar_value *out)
{
	struct cedar_ip ip;

	if (!cedar_ip_parse(text, &ip))
		return false;
	struct cedar_ip *own = arena_alloc(mem, 1, sizeof(*own));
	if (own)
		*own = ip;
	*out = (struct cedar_value){ .kind = own ? CEDAR_IP : CEDAR_NONE, .ip = own };
	return true;
}

bool cedar_ext_make(enum cedar_fn fn, struct str text, struct arena *mem, struct cedar_value *out,
		    struct err *e)
{
	bool ok = false;

	*out = (struct cedar_value){ .kind = cedar_fns[fn].result };
	switch (fn) {
	case CEDAR_FN_IP:
		ok = make_ip(text, mem, out);
		break;
	case CEDAR_FN_DECIMAL:
		ok = cedar_decimal_parse(text, &out->num);
		break;
	case CEDAR_FN_DATETIME:
		ok = cedar_datetime_parse(text, &out->num);
		break;
	case CEDAR_FN_DURATION:
		ok = cedar_duration_parse(text, &out->num);
		break;
	default:
		return err_set(e, ERR_INPUT, "%s is not a constructor", cedar_fns[fn].name);
	}
	if (!ok)
		return err_set(e, ERR_INPUT, "'" STR_FMT "' is not a valid %s", STR_ARG(text),
			       cedar_kind_name(cedar_fns[fn].result));
	return out->kind != CEDAR_NONE || err_set(e, ERR_INPUT, "too large");
}

bool cedar_ip_is_loopback(const struct cedar_ip *ip)
{
	static const uint8_t v6_one[16] = { [15] = 1 };

	if (ip->is_v6)
		return ip->prefix == 128 && memcmp(ip->addr, v6_one, sizeof(v6_one)) == 0;
	return ip->addr[0] == 127 && ip->prefix >= 8;
}

bool cedar_ip_is_multicast(const struct cedar_ip *ip)
{
	if (ip->is_v6)
		return ip->addr[0] == 0xff && ip->prefix >= 8;
	return (ip->addr[0] & 0xf0) == 0xe0 && ip->prefix >= 4;
}

bool cedar_ip_in_range(const struct cedar_ip *ip, const struct cedar_ip *range)
{
	size_t whole = range->prefix / 8;
	unsigned rest = range->prefix % 8;

	if (ip->is_v6 != range->is_v6 || ip->prefix < range->prefix ||
	    memcmp(ip->addr, range->addr, whole) != 0)
		return false;
	return !rest || !((ip->addr[whole] ^ range->addr[whole]) >> (8 - rest));
}

static bool datetime_date(int64_t at_ms, int64_t *out)
{
	int64_t in_day = at_ms % MS_DAY;

	if (in_day < 0)
		in_day += MS_DAY;
	return !__builtin_sub_overflow(at_ms, in_day, out);
}

static int64_t datetime_time(int64_t at_ms)
{
	int64_t in_day = at_ms % MS_DAY;

	return in_day < 0 ? in_day + MS_DAY : in_day;
}

static bool call_datetime(enum cedar_fn fn, const struct cedar_value *args, int64_t *out)
{
	switch (fn) {
	case CEDAR_FN_OFFSET:
		return !__builtin_add_overflow(args[0].num, args[1].num, out);
	case CEDAR_FN_DURATION_SINCE:
		return !__builtin_sub_overflow(args[0].num, args[1].num, out);
	case CEDAR_FN_TO_DATE:
		return datetime_date(args[0].num, out);
	default:
		*out = datetime_time(args[0].num);
		return true;
	}
}

static struct cedar_value call_duration(enum cedar_fn fn, int64_t ms)
{
	static const int64_t units_ms[CEDAR_FN_COUNT] = {
		[CEDAR_FN_TO_MILLISECONDS] = 1, [CEDAR_FN_TO_SECONDS] = 1000,
		[CEDAR_FN_TO_MINUTES] = 60000,  [CEDAR_FN_TO_HOURS] = 3600000,
		[CEDAR_FN_TO_DAYS] = MS_DAY,
	};

	return cedar_long(ms / units_ms[fn]);
}

static bool call_decimal(enum cedar_fn fn, int64_t a, int64_t b)
{
	switch (fn) {
	case CEDAR_FN_LESS_THAN:
		return a < b;
	case CEDAR_FN_LESS_THAN_OR_EQUAL:
		return a <= b;
	case CEDAR_FN_GREATER_THAN:
		return a > b;
	default:
		return a >= b;
	}
}

static bool call_ip(enum cedar_fn fn, const struct cedar_value *args)
{
	switch (fn) {
	case CEDAR_FN_IS_IPV4:
		return !args[0].ip->is_v6;
	case CEDAR_FN_IS_IPV6:
		return args[0].ip->is_v6;
	case CEDAR_FN_IS_LOOPBACK:
		return cedar_ip_is_loopback(args[0].ip);
	case CEDAR_FN_IS_MULTICAST:
		return cedar_ip_is_multicast(args[0].ip);
	default:
		return cedar_ip_in_range(args[0].ip, args[1].ip);
	}
}

bool cedar_ext_call(enum cedar_fn fn, const struct cedar_value *args, struct cedar_value *out,
		    struct err *e)
{
	const struct cedar_fn_info *info = &cedar_fns[fn];

	for (size_t i = 0; i < info->arity; i++)
		if (args[i].kind != info->args[i])
			return err_set(e, ERR_INPUT, "%s: expected %s, got %s", info->name,
				       cedar_kind_name(info->args[i]),
				       cedar_kind_name(args[i].kind));
	switch (info->args[0]) {
	case CEDAR_DECIMAL:
		*out = cedar_bool(call_decimal(fn, args[0].num, args[1].num));
		return true;
	case CEDAR_IP:
		*out = cedar_bool(call_ip(fn, args));
		return true;
	case CEDAR_DURATION:
		*out = call_duration(fn, args[0].num);
		return true;
	case CEDAR_DATETIME:
		*out = (struct cedar_value){ .kind = info->result };
		return call_datetime(fn, args, &out->num) ||
		       err_set(e, ERR_INPUT, "%s: overflows", info->name);
	default:
		return err_set(e, ERR_INPUT, "%s is not a method", info->name);
	}
}
