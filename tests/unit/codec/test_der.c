/* test_der.c - DER is read as X.690 writes it and no other way; times; PEM around it. */
#include "codec/der.h"
#include "codec/pem.h"

#include "test.h"

#define B(lit) ((struct bytes){ (const uint8_t *)(lit), sizeof(lit) - 1 })

static const struct {
	const char *says;
	struct bytes in;
	bool want;
} integers[] = {
	{ "zero", { (const uint8_t *)"\x02\x01\x00", 3 }, true },
	{ "a high bit needs a leading zero", { (const uint8_t *)"\x02\x02\x00\x80", 4 }, true },
	{ "a negative number is refused", { (const uint8_t *)"\x02\x01\x80", 3 }, false },
	{ "a padded number is refused", { (const uint8_t *)"\x02\x02\x00\x01", 4 }, false },
	{ "an empty number is refused", { (const uint8_t *)"\x02\x00", 2 }, false },
	{ "a cut one is refused", { (const uint8_t *)"\x02\x02\x01", 3 }, false },
	{ "a long length for a short thing is refused",
	  { (const uint8_t *)"\x02\x81\x01\x01", 4 },
	  false },
	{ "an indefinite length is refused",
	  { (const uint8_t *)"\x02\x80\x01\x00\x00", 5 },
	  false },
	{ "a length of four bytes is refused",
	  { (const uint8_t *)"\x02\x84\x00\x00\x00\x01\x01", 7 },
	  false },
	{ "a high tag is refused", { (const uint8_t *)"\x1f\x02\x01\x01", 4 }, false },
	{ "another tag is refused", { (const uint8_t *)"\x04\x01\x01", 3 }, false },
	{ "trailing bytes are refused", { (const uint8_t *)"\x02\x01\x01\x00", 4 }, false },
	{ "nothing is refused", { (const uint8_t *)"", 0 }, false },
	{ "2^63 does not fit", { (const uint8_t *)"\x02\x09\x00\x80\0\0\0\0\0\0\0", 11 }, false },
	{ "2^63-1 does",
	  { (const uint8_t *)"\x02\x08\x7f\xff\xff\xff\xff\xff\xff\xff", 10 },
	  true },
};

static void numbers_have_one_form(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(integers); i++) {
		struct der d = der_of(integers[i].in);
		(void)der_uint(&d);
		check(der_end(&d) == integers[i].want, integers[i].says);
	}
}

static const struct {
	const char *says, *text;
	unsigned tag;
	bool want;
	int64_t ms;
} times[] = {
	{ "UTCTime", "701231235959Z", DER_UTC_TIME, true, 31535999000 },
	{ "1950 is the first short year", "500101000000Z", DER_UTC_TIME, true, -631152000000 },
	{ "2049 is the last", "491231235959Z", DER_UTC_TIME, true, 2524607999000 },
	{ "9999 is a year", "99991231235959Z", DER_GENERALIZED_TIME, true, 253402300799000 },
	{ "a leap day", "20240229000000Z", DER_GENERALIZED_TIME, true, 1709164800000 },
	{ "no leap day", "20230229000000Z", DER_GENERALIZED_TIME, false, 0 },
	{ "no 13th month", "701331235959Z", DER_UTC_TIME, false, 0 },
	{ "no hour 24", "700101240000Z", DER_UTC_TIME, false, 0 },
	{ "no fraction", "20240229000000.5Z", DER_GENERALIZED_TIME, false, 0 },
	{ "no offset", "701231235959+0100", DER_UTC_TIME, false, 0 },
	{ "seconds are there", "7012312359Z", DER_UTC_TIME, false, 0 },
	{ "digits only", "7012312359-1Z", DER_UTC_TIME, false, 0 },
};

static void times_are_strict(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(times); i++) {
		uint8_t in[32] = { (uint8_t)times[i].tag, (uint8_t)strlen(times[i].text) };
		memcpy(in + 2, times[i].text, strlen(times[i].text));
		struct der d = der_of((struct bytes){ in, 2 + strlen(times[i].text) });
		int64_t got = der_time(&d);
		check(der_end(&d) == times[i].want, times[i].says);
		check(got == times[i].ms, times[i].says);
	}
}

static void times_come_back(void **state)
{
	(void)state;
	for (int64_t ms = 0; ms < 253402300799000; ms += 86400000LL * 97 + 12345000) {
		auto_buf struct buf out = { 0 };
		struct derw w;
		buf_init(&out, 64);
		derw_init(&w, &out);
		derw_time(&w, ms);
		check(derw_ok(&w), "written");
		struct der d = der_of(buf_bytes(&out));
		check(der_time(&d) == ms && der_end(&d), "and read");
	}
}

static void structures_nest(void **state)
{
	auto_buf struct buf out = { 0 };
	struct derw w;
	struct der all, seq, inner;
	uint8_t big[300] = { 0x80, 1 };

	(void)state;
	buf_init(&out, 4096);
	derw_init(&w, &out);
	derw_begin(&w, DER_SEQUENCE);
	derw_uint(&w, 0x8000000000000000u >> 1);
	derw_big_uint(&w, (struct bytes){ big, sizeof(big) });
	derw_begin(&w, DER_CONTEXT_CONSTRUCTED | 3);
	derw_bool(&w, true);
	derw_null(&w);
	derw_end(&w);
	derw_bits(&w, B("\x01\x02"));
	derw_oid(&w, B("\x2a\x03"));
	derw_put(&w, DER_UTF8, B("pump-7"));
	derw_end(&w);
	check(derw_ok(&w), "written");

	all = der_of(buf_bytes(&out));
	der_enter(&all, DER_SEQUENCE, &seq);
	check(der_uint(&seq) == 0x4000000000000000u, "a number");
	check(der_big_uint(&seq).len == 300, "a big one");
	check(!der_skip(&seq, DER_NULL), "what is not there is not skipped");
	der_enter(&seq, DER_CONTEXT_CONSTRUCTED | 3, &inner);
	check(der_bool(&inner) && der_skip(&inner, DER_NULL), "context");
	der_leave(&seq, &inner);
	check(bytes_eq(der_bits(&seq), B("\x01\x02")), "bits");
	check(der_oid(&seq, B("\x2a\x03")), "an OID");
	check(bytes_eq(der_take(&seq, DER_UTF8), B("pump-7")), "text");
	der_leave(&all, &seq);
	check(der_end(&all), "all read");

	all = der_of(buf_bytes(&out));
	der_enter(&all, DER_SEQUENCE, &seq);
	(void)der_uint(&seq);
	der_leave(&all, &seq);
	check(!der_ok(&all), "leaving early is refused");
}

static void no_cut_is_read(void **state)
{
	auto_buf struct buf out = { 0 };
	struct derw w;

	(void)state;
	buf_init(&out, 4096);
	derw_init(&w, &out);
	derw_begin(&w, DER_SEQUENCE);
	derw_put(&w, DER_OCTET_STRING, (struct bytes){ out.ptr, 0 });
	for (int i = 0; i < 100; i++)
		derw_uint(&w, (uint64_t)i);
	derw_end(&w);
	for (size_t len = 0; len < out.len; len++) {
		struct der d = der_of((struct bytes){ out.ptr, len });
		(void)der_take(&d, DER_SEQUENCE);
		check(!der_ok(&d), "cut short");
	}
}

static void a_writer_knows_its_limits(void **state)
{
	auto_buf struct buf out = { 0 };
	struct derw w;

	(void)state;
	buf_init(&out, 100);
	derw_init(&w, &out);
	for (int i = 0; i < 20; i++)
		derw_begin(&w, DER_SEQUENCE);
	for (int i = 0; i < 20; i++)
		derw_end(&w);
	check(!derw_ok(&w), "R8: too deep");
	buf_clear(&out);
	derw_init(&w, &out);
	derw_begin(&w, DER_SEQUENCE);
	for (int i = 0; i < 200; i++)
		derw_null(&w);
	derw_end(&w);
	check(!derw_ok(&w), "too long");
	buf_clear(&out);
	derw_init(&w, &out);
	derw_begin(&w, DER_SEQUENCE);
	check(!derw_ok(&w), "left open");
}

static void pem_is_found_among_text(void **state)
{
	auto_arena struct arena *mem = arena_new(4096);
	auto_buf struct buf out = { 0 };
	struct bytes der;
	struct err e;
	size_t at = 0;

	(void)state;
	buf_init(&out, 4096);
	(void)buf_puts(&out, STR("a note\n"));
	check(pem_write(&out, "EC PARAMETERS", B("\x06\x01\x01")), "written");
	check(pem_write(&out, "CERTIFICATE", B("\x30\x00")), "written");
	check(pem_write(&out, "CERTIFICATE", B("\x30\x03\x02\x01\x07")), "written");
	check(pem_next(buf_str(&out), "CERTIFICATE", &at, mem, &der, &e) && der.len == 2, "first");
	check(pem_next(buf_str(&out), "CERTIFICATE", &at, mem, &der, &e) && der.len == 5, "second");
	check(!pem_next(buf_str(&out), "CERTIFICATE", &at, mem, &der, &e), "no third");
	check(e.kind == ERR_MISSING, "and says so");
	check(!pem_read(STR("-----BEGIN X-----\nMAA=\n"), "X", mem, &der, &e), "no end");
	check(!pem_read(STR("-----BEGIN X-----\nM?A=\n-----END X-----"), "X", mem, &der, &e),
	      "not base64");
	check(!pem_read(STR("-----BEGIN X----------END X-----"), "X", mem, &der, &e), "empty");
}

RUN_TESTS(cmocka_unit_test(numbers_have_one_form), cmocka_unit_test(times_are_strict),
	  cmocka_unit_test(times_come_back), cmocka_unit_test(structures_nest),
	  cmocka_unit_test(no_cut_is_read), cmocka_unit_test(a_writer_knows_its_limits),
	  cmocka_unit_test(pem_is_found_among_text))
