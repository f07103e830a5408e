/* test_base64.c - base64 and hex: what clients send, and what nobody may. */
#include "codec/base64.h"
#include "codec/hex.h"

#include "test.h"

static const struct {
	const char *says, *text;
	enum base64_form form;
	const char *want; /* NULL: refused */
} cases[] = {
	{ "nothing is nothing", "", BASE64_STD, "" },
	{ "one byte", "Zg==", BASE64_STD, "f" },
	{ "two bytes", "Zm8=", BASE64_STD, "fo" },
	{ "three bytes", "Zm9v", BASE64_STD, "foo" },
	{ "six bytes", "Zm9vYmFy", BASE64_STD, "foobar" },
	{ "padding is asked for", "Zg", BASE64_STD, NULL },
	{ "half of it is not enough", "Zg=", BASE64_STD, NULL },
	{ "too much of it is refused", "Zm8==", BASE64_STD, NULL },
	{ "padding alone is refused", "====", BASE64_STD, NULL },
	{ "digits after padding are refused", "Zg==Zg==", BASE64_STD, NULL },
	{ "bits past the last byte are refused", "Zh==", BASE64_STD, NULL },
	{ "a lone digit is refused", "Zm9vY", BASE64_EST, NULL },
	{ "a line break is no digit", "Zm9v\nYmFy", BASE64_STD, NULL },
	{ "the url form has no padding", "Zg", BASE64_URL, "f" },
	{ "and refuses it", "Zg==", BASE64_URL, NULL },
	{ "its alphabet is its own", "-_-_", BASE64_URL, "\xfb\xff\xbf" },
	{ "the other one is not", "+/+/", BASE64_URL, NULL },
	{ "EST: one line", "Zm9vYmFy", BASE64_EST, "foobar" },
	{ "EST: one line and LF", "Zm9vYmFy\n", BASE64_EST, "foobar" },
	{ "EST: wrapped with CRLF", "Zm9v\r\nYmFy\r\n", BASE64_EST, "foobar" },
	{ "EST: spaces and tabs", " Zm9v\tYm Fy", BASE64_EST, "foobar" },
	{ "EST: padding may be left out", "Zm8", BASE64_EST, "fo" },
	{ "EST: a padding broken over lines", "Zg=\n=\n", BASE64_EST, "f" },
	{ "E10: other characters are refused", "Zm9v-YmFy", BASE64_EST, NULL },
	{ "E10: a NUL-like byte is refused", "Zm9v\x01", BASE64_EST, NULL },
};

static void forms_are_kept(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		auto_arena struct arena *mem = arena_new(4096);
		struct bytes got;
		struct err e;
		bool ok = base64_read(str_of(cases[i].text), cases[i].form, mem, &got, &e);
		check(ok == !!cases[i].want, cases[i].says);
		if (ok)
			check(str_eqz(str_bytes(got), cases[i].want), cases[i].says);
	}
}

static void every_length_comes_back(void **state)
{
	uint8_t data[64];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 37 + 200);
	for (size_t len = 0; len <= sizeof(data); len++) {
		auto_arena struct arena *mem = arena_new(4096);
		struct bytes in = { data, len }, out;
		struct err e;
		uint8_t exact[64];
		for (enum base64_form f = BASE64_URL; f <= BASE64_STD; f++) {
			struct str text = base64_text(in, f, mem);
			check(base64_read(text, f, mem, &out, &e) && bytes_eq(in, out), "base64");
			check(base64_read_exact(text, f, exact, len, &e), "exact");
			check(len == 0 || !base64_read_exact(text, f, exact, len - 1, &e), "short");
			check(len == 64 || !base64_read_exact(text, f, exact, len + 1, &e), "long");
		}
		check(base64_text(in, BASE64_URL, mem).len == BASE64_URL_LEN(len), "length");
		struct str digits = hex_text(in, mem);
		check(hex_read(digits, mem, &out, &e) && bytes_eq(in, out), "hex");
	}
}

static void hex_is_exact(void **state)
{
	uint8_t out[2];
	struct err e;

	(void)state;
	check(hex_read_exact(STR("aB09"), out, 2, &e) && out[0] == 0xab && out[1] == 9, "reads");
	check(!hex_read_exact(STR("aB0"), out, 2, &e), "an odd number of digits");
	check(!hex_read_exact(STR("aB0900"), out, 2, &e), "too many digits");
	check(!hex_read_exact(STR("aB0g"), out, 2, &e), "a letter past f");
	check(!hex_read_exact(STR("0x12"), out, 2, &e), "no prefix");
}

static void an_arena_is_a_limit(void **state)
{
	auto_arena struct arena *mem = arena_new(16);
	struct bytes got;
	struct err e;

	(void)state;
	check(!base64_read(STR("Zm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFy"
			       "Zm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFy"),
			   BASE64_STD, mem, &got, &e),
	      "E10: what does not fit is refused");
}

RUN_TESTS(cmocka_unit_test(forms_are_kept), cmocka_unit_test(every_length_comes_back),
	  cmocka_unit_test(hex_is_exact), cmocka_unit_test(an_arena_is_a_limit))
