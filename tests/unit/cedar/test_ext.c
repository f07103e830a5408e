/* test_ext.c - the text of addresses, decimals, dates and durations, as Cedar 4.10 reads it. */
#include "cedar/ext.h"

#include "test.h"

#include "base/buf.h"

/* What a constructor makes of a text, printed back; "" is a refusal. */
static const struct {
	enum cedar_fn fn;
	const char *says, *text, *want;
} makes[] = {
	{ CEDAR_FN_IP, "an address", "1.2.3.4", "1.2.3.4" },
	{ CEDAR_FN_IP, "a whole prefix is an address", "1.2.3.4/32", "1.2.3.4" },
	{ CEDAR_FN_IP, "host bits stay", "10.0.0.1/8", "10.0.0.1/8" },
	{ CEDAR_FN_IP, "everything", "0.0.0.0/0", "0.0.0.0/0" },
	{ CEDAR_FN_IP, "a prefix has no leading zero", "1.2.3.4/08", "" },
	{ CEDAR_FN_IP, "nor a sign", "1.2.3.4/+8", "" },
	{ CEDAR_FN_IP, "at most 32", "1.2.3.4/33", "" },
	{ CEDAR_FN_IP, "nor is it empty", "1.2.3.4/", "" },
	{ CEDAR_FN_IP, "octets have no leading zero", "01.2.3.4", "" },
	{ CEDAR_FN_IP, "octets end at 255", "1.2.3.256", "" },
	{ CEDAR_FN_IP, "four of them", "1.2.3", "" },
	{ CEDAR_FN_IP, "not five", "1.2.3.4.5", "" },
	{ CEDAR_FN_IP, "no space", " 1.2.3.4", "" },
	{ CEDAR_FN_IP, "nothing", "", "" },
	{ CEDAR_FN_IP, "the shortest", "::", "::" },
	{ CEDAR_FN_IP, "letters of any case", "AbCd::1/127", "abcd::1/127" },
	{ CEDAR_FN_IP, "the longest", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
	  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	{ CEDAR_FN_IP, "a gap at the end", "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0" },
	{ CEDAR_FN_IP, "a gap at the start", "::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8" },
	{ CEDAR_FN_IP, "the longest run of zeros is the gap", "1:0:0:2:0:0:0:3", "1:0:0:2::3" },
	{ CEDAR_FN_IP, "a gap of nothing", "1:2:3:4::5:6:7:8", "" },
	{ CEDAR_FN_IP, "two gaps", "1::2::3", "" },
	{ CEDAR_FN_IP, "three colons", ":::", "" },
	{ CEDAR_FN_IP, "one colon", ":1:2:3:4:5:6:7", "" },
	{ CEDAR_FN_IP, "groups of four", "::00008", "" },
	{ CEDAR_FN_IP, "no dots in it", "::ffff:1.2.3.4", "" },
	{ CEDAR_FN_IP, "no zone", "fe80::1%eth0", "" },
	{ CEDAR_FN_DECIMAL, "a decimal", "1.5", "1.5" },
	{ CEDAR_FN_DECIMAL, "zeros at the end say nothing", "1.5000", "1.5" },
	{ CEDAR_FN_DECIMAL, "nor in front", "0001.0", "1.0" },
	{ CEDAR_FN_DECIMAL, "minus a half", "-0.5", "-0.5" },
	{ CEDAR_FN_DECIMAL, "four digits", "0.0001", "0.0001" },
	{ CEDAR_FN_DECIMAL, "not five", "1.00000", "" },
	{ CEDAR_FN_DECIMAL, "a point", "1", "" },
	{ CEDAR_FN_DECIMAL, "digits after it", "1.", "" },
	{ CEDAR_FN_DECIMAL, "and before it", ".5", "" },
	{ CEDAR_FN_DECIMAL, "no plus", "+1.0", "" },
	{ CEDAR_FN_DECIMAL, "no power", "1.0e2", "" },
	{ CEDAR_FN_DECIMAL, "the largest", "922337203685477.5807", "922337203685477.5807" },
	{ CEDAR_FN_DECIMAL, "one more", "922337203685477.5808", "" },
	{ CEDAR_FN_DECIMAL, "the smallest", "-922337203685477.5808", "-922337203685477.5808" },
	{ CEDAR_FN_DECIMAL, "one less", "-922337203685477.5809", "" },
	{ CEDAR_FN_DECIMAL, "far too large", "99999999999999999999.0", "" },
	{ CEDAR_FN_DATETIME, "a day", "2024-02-29", "2024-02-29" },
	{ CEDAR_FN_DATETIME, "the year 0 is a leap year", "0000-02-29", "0000-02-29" },
	{ CEDAR_FN_DATETIME, "1900 was none", "1900-02-29", "" },
	{ CEDAR_FN_DATETIME, "the last day", "9999-12-31T23:59:59.999Z",
	  "9999-12-31T23:59:59.999Z" },
	{ CEDAR_FN_DATETIME, "a time", "2024-01-01T12:34:56Z", "2024-01-01T12:34:56.000Z" },
	{ CEDAR_FN_DATETIME, "a zone is taken off", "2024-01-01T00:30:00+0100",
	  "2023-12-31T23:30:00.000Z" },
	{ CEDAR_FN_DATETIME, "or added", "2024-01-01T23:30:00.250-0100",
	  "2024-01-02T00:30:00.250Z" },
	{ CEDAR_FN_DATETIME, "midnight needs no time", "2024-01-01T00:00:00Z", "2024-01-01" },
	{ CEDAR_FN_DATETIME, "a time has a zone", "2024-01-01T12:34:56", "" },
	{ CEDAR_FN_DATETIME, "a day has none", "2024-01-01Z", "" },
	{ CEDAR_FN_DATETIME, "three digits of a second", "2024-01-01T12:34:56.1Z", "" },
	{ CEDAR_FN_DATETIME, "no leap second", "2024-01-01T23:59:60Z", "" },
	{ CEDAR_FN_DATETIME, "no hour 24", "2024-01-01T24:00:00Z", "" },
	{ CEDAR_FN_DATETIME, "no zone beyond a day", "2024-01-01T00:00:00+2400", "" },
	{ CEDAR_FN_DATETIME, "nor with 60 minutes", "2024-01-01T00:00:00+2360", "" },
	{ CEDAR_FN_DATETIME, "a zone has no colon", "2024-01-01T00:00:00+01:00", "" },
	{ CEDAR_FN_DATETIME, "two digits each", "2024-1-01", "" },
	{ CEDAR_FN_DATETIME, "no month 13", "2024-13-01", "" },
	{ CEDAR_FN_DATETIME, "no day 0", "2024-01-00", "" },
	{ CEDAR_FN_DURATION, "all units in order", "1d2h3m4s5ms", "1d2h3m4s5ms" },
	{ CEDAR_FN_DURATION, "in that order", "1h2d", "" },
	{ CEDAR_FN_DURATION, "each once", "1h1h", "" },
	{ CEDAR_FN_DURATION, "in any number", "00090m", "1h30m" },
	{ CEDAR_FN_DURATION, "negative as a whole", "-1d1ms", "-1d1ms" },
	{ CEDAR_FN_DURATION, "no plus", "+1h", "" },
	{ CEDAR_FN_DURATION, "a sign alone is nothing", "-", "" },
	{ CEDAR_FN_DURATION, "nothing", "", "" },
	{ CEDAR_FN_DURATION, "a number has a unit", "5", "" },
	{ CEDAR_FN_DURATION, "a unit has a number", "h", "" },
	{ CEDAR_FN_DURATION, "zero", "0s", "0ms" },
	{ CEDAR_FN_DURATION, "the largest", "9223372036854775807ms", "106751991167d7h12m55s807ms" },
	{ CEDAR_FN_DURATION, "one more", "9223372036854775808ms", "" },
	{ CEDAR_FN_DURATION, "the smallest", "-9223372036854775808ms",
	  "-106751991167d7h12m55s808ms" },
	{ CEDAR_FN_DURATION, "also by its parts", "-106751991167d7h12m55s808ms",
	  "-106751991167d7h12m55s808ms" },
	{ CEDAR_FN_DURATION, "one less", "-106751991167d7h12m55s809ms", "" },
	{ CEDAR_FN_DURATION, "far too large", "99999999999999999999d", "" },
};

static void texts_are_read_as_cedar_reads_them(void **state)
{
	auto_arena struct arena *mem = arena_new(1 << 16);

	(void)state;
	for (size_t i = 0; i < countof(makes); i++) {
		struct cedar_value v;
		struct err e = { 0 };
		struct buf out;
		buf_init(&out, 128);
		if (cedar_ext_make(makes[i].fn, str_of(makes[i].text), mem, &v, &e))
			cedar_ext_text(&out, v);
		if (!str_eqz(buf_str(&out), makes[i].want))
			fail_msg("%s: %s => " STR_FMT, makes[i].says, makes[i].text,
				 STR_ARG(buf_str(&out)));
		buf_done(&out);
	}
}

static const struct {
	const char *says, *ip, *range;
	bool in_range, is_loopback, is_multicast;
} ranges[] = {
	{ "an address in a range", "10.1.2.3", "10.0.0.0/8", true, false, false },
	{ "host bits of the range do not matter", "10.1.2.3", "10.9.9.9/8", true, false, false },
	{ "a wider range is not inside", "10.0.0.0/7", "10.0.0.0/8", false, false, false },
	{ "half of a byte", "172.31.0.1", "172.16.0.0/12", true, false, false },
	{ "the other half", "172.32.0.1", "172.16.0.0/12", false, false, false },
	{ "versions do not mix", "::1", "0.0.0.0/0", false, true, false },
	{ "loopback is a range of 8", "127.0.0.1/8", "0.0.0.0/0", true, true, false },
	{ "or less it is not", "127.0.0.1/7", "0.0.0.0/0", true, false, false },
	{ "loopback of version 6 is one address", "::1/127", "::/0", true, false, false },
	{ "multicast is a range of 4", "224.0.0.1/4", "0.0.0.0/0", true, false, true },
	{ "or less it is not", "224.0.0.1/3", "0.0.0.0/0", true, false, false },
	{ "multicast of version 6", "ff02::1", "ff00::/8", true, false, true },
};

static void ranges_contain_what_cedar_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(ranges); i++) {
		struct cedar_ip ip, range;
		check(cedar_ip_parse(str_of(ranges[i].ip), &ip) &&
			      cedar_ip_parse(str_of(ranges[i].range), &range),
		      ranges[i].says);
		check(cedar_ip_in_range(&ip, &range) == ranges[i].in_range, ranges[i].says);
		check(cedar_ip_is_loopback(&ip) == ranges[i].is_loopback, ranges[i].says);
		check(cedar_ip_is_multicast(&ip) == ranges[i].is_multicast, ranges[i].says);
	}
}

static struct cedar_value made(struct arena *mem, enum cedar_fn fn, const char *text)
{
	struct cedar_value v;
	struct err e;

	check(cedar_ext_make(fn, str_of(text), mem, &v, &e), text);
	return v;
}

static void dates_and_durations_do_sums(void **state)
{
	auto_arena struct arena *mem = arena_new(1 << 16);
	struct cedar_value args[2], out;
	struct err e;

	(void)state;
	args[0] = made(mem, CEDAR_FN_DATETIME, "1970-01-01");
	args[1] = made(mem, CEDAR_FN_DURATION, "-1ms");
	check(cedar_ext_call(CEDAR_FN_OFFSET, args, &out, &e) && out.num == -1, "one back");
	args[0] = out;
	check(cedar_ext_call(CEDAR_FN_TO_DATE, args, &out, &e) && out.num == -86400000,
	      "days begin at midnight before 1970 too");
	check(cedar_ext_call(CEDAR_FN_TO_TIME, args, &out, &e) && out.num == 86399999 &&
		      out.kind == CEDAR_DURATION,
	      "and times count from there");
	args[1] = made(mem, CEDAR_FN_DURATION, "-9223372036854775808ms");
	check(!cedar_ext_call(CEDAR_FN_OFFSET, args, &out, &e), "overflow is an error");
	args[0] = made(mem, CEDAR_FN_DURATION, "-86400001ms");
	check(cedar_ext_call(CEDAR_FN_TO_DAYS, args, &out, &e) && out.num == -1,
	      "units round towards zero");
	check(!cedar_ext_call(CEDAR_FN_TO_DATE, args, &out, &e), "a duration is no date");
	check(strstr(e.text, "expected datetime, got duration") != NULL, "and that is said");
}

RUN_TESTS(cmocka_unit_test(texts_are_read_as_cedar_reads_them),
	  cmocka_unit_test(ranges_contain_what_cedar_says),
	  cmocka_unit_test(dates_and_durations_do_sums))
