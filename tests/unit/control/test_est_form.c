/* test_est_form.c - EST bodies in every form that its clients send and read (E10). */
#include "base/buf.h"
#include "codec/base64.h"
#include "control/front/est.h"
#include "crypto/pkcs7.h"

#include "test.h"

/* 70 bytes of a SEQUENCE, so that wrapping at 64 columns shows. */
static const uint8_t der[70] = { 0x30, 68, 1, 2, 3, 4, 5 };

static struct str in_form(struct arena *mem, size_t columns, const char *end)
{
	struct str text = base64_text((struct bytes){ der, sizeof(der) }, BASE64_STD, mem);
	struct str out = STR("");

	while (text.len) {
		struct str line = str_head(text, columns);

		out = arena_printf(mem, STR_FMT STR_FMT "%s", STR_ARG(out), STR_ARG(line), end);
		text = str_from(text, columns);
	}
	return out;
}

static const struct {
	const char *says;
	size_t columns;
	const char *end;
} forms[] = {
	{ "strongSwan: one line", 200, "" },       { "one line and LF", 200, "\n" },
	{ "libest: LF-wrapped at 64", 64, "\n" },  { "Go: CRLF-wrapped at 76", 76, "\r\n" },
	{ "wrapped at 64 with CRLF", 64, "\r\n" }, { "wrapped at 4", 4, "\n" },
};

static void a_request_is_read_in_every_form_that_clients_send(void **state)
{
	auto_arena struct arena *mem = arena_new(65536);
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < countof(forms); i++) {
		struct str text = in_form(mem, forms[i].columns, forms[i].end);
		struct bytes got;

		check(est_body_read(bytes_str(text), mem, &got, &e), forms[i].says);
		check(bytes_eq(got, (struct bytes){ der, sizeof(der) }), forms[i].says);
	}
}

static void raw_der_is_read_too(void **state)
{
	auto_arena struct arena *mem = arena_new(65536);
	struct bytes raw = { der, sizeof(der) }, got;
	struct err e = { 0 };

	(void)state;
	check(est_body_read(raw, mem, &got, &e) && bytes_eq(got, raw), "raw DER passes as it is");
}

static const struct {
	const char *says, *body;
} refused[] = {
	{ "an empty body is no request", "" },
	{ "only white space is no request", "\r\n \n" },
	{ "a stray character is refused", "MEQ*AQID" },
	{ "padding in the middle is refused", "MEQ=AQID" },
	{ "PEM armour is refused", "-----BEGIN CERTIFICATE REQUEST-----\nMEQB\n" },
	{ "a multipart body is refused", "--x\r\nContent-Type: application/pkcs10\r\n\r\nMEQB" },
	{ "a DER length that lies is refused", "\x30\x7f\x01\x02" },
};

static void anything_else_is_refused(void **state)
{
	auto_arena struct arena *mem = arena_new(65536);

	(void)state;
	for (size_t i = 0; i < countof(refused); i++) {
		struct bytes got = { 0 };
		struct err e = { 0 };

		check(!est_body_read(bytes_str(str_of(refused[i].body)), mem, &got, &e),
		      refused[i].says);
		check(e.kind == ERR_INPUT, refused[i].says);
	}
}

static size_t longest_line(struct str text)
{
	struct str line;
	size_t longest = 0;

	while (text.len) {
		(void)str_cut(text, '\n', &line, &text);
		if (line.len > longest)
			longest = line.len;
	}
	return longest;
}

static void certificates_go_out_as_their_reader_wants_them(void **state)
{
	const struct bytes cert = { der, sizeof(der) };
	auto_buf struct buf one = { 0 };
	auto_buf struct buf wrapped = { 0 };

	(void)state;
	buf_init(&one, 65536);
	buf_init(&wrapped, 65536);
	check(est_certs_write(&cert, 1, STR(""), &one), "strongSwan sends no User-Agent");
	check(str_ends(buf_str(&one), STR("\n")) && longest_line(buf_str(&one)) == one.len - 1,
	      "one line and a LF");
	check(est_certs_write(&cert, 1, STR("libest 3.2.0p"), &wrapped), "libest");
	check(longest_line(buf_str(&wrapped)) == 64, "libest wants lines of 64");
	check(str_ends(buf_str(&wrapped), STR("\n")), "and a LF at the end");
}

static void what_goes_out_can_be_read_back(void **state)
{
	static const struct str agents[] = { STR_INIT(""), STR_INIT("libest 1.0") };
	auto_arena struct arena *mem = arena_new(65536);
	const struct bytes cert = { der, sizeof(der) };

	(void)state;
	for (size_t i = 0; i < countof(agents); i++) {
		auto_buf struct buf body = { 0 };
		struct bytes bag, certs[4];
		struct err e = { 0 };
		size_t count;

		buf_init(&body, 65536);
		check(est_certs_write(&cert, 1, agents[i], &body), "written");
		check(est_body_read(buf_bytes(&body), mem, &bag, &e), "read as base64");
		check(pkcs7_read(bag, certs, countof(certs), &count, &e), "read as PKCS#7");
		check(count == 1 && bytes_eq(certs[0], cert), "the same certificate");
	}
}

static const struct {
	const char *says, *password, *id;
	bool is_good;
} secrets[] = {
	{ "the secret alone", "AAECAwQFBgcICQoLDA0ODw", "pump-1", true },
	{ "the whole code", "mc1.pump-1.AAECAwQFBgcICQoLDA0ODw.fingerprint", "pump-1", true },
	{ "an id with dots", "mc1.a.b.c.AAECAwQFBgcICQoLDA0ODw.fp", "a.b.c", true },
	{ "a code for another name", "mc1.pump-2.AAECAwQFBgcICQoLDA0ODw.fp", "pump-1", false },
	{ "an id that is only the beginning", "mc1.pump-10.AAECAwQFBgcICQoLDA0ODw.fp", "pump-1",
	  false },
	{ "too short", "AAECAwQFBgcICQoLDA0O", "pump-1", false },
	{ "too long", "AAECAwQFBgcICQoLDA0ODxAR", "pump-1", false },
	{ "padded", "AAECAwQFBgcICQoLDA0ODw==", "pump-1", false },
	{ "empty", "", "pump-1", false },
};

static void a_code_is_its_sixteen_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(secrets); i++) {
		uint8_t out[16] = { 0 };
		struct err e = { 0 };
		bool is_good = est_secret_read(str_of(secrets[i].password), str_of(secrets[i].id),
					       out, &e);

		check(is_good == secrets[i].is_good, secrets[i].says);
		check(!is_good || (out[0] == 0 && out[15] == 15), secrets[i].says);
		check(is_good || e.kind == ERR_DENIED, secrets[i].says);
	}
}

RUN_TESTS(cmocka_unit_test(a_request_is_read_in_every_form_that_clients_send),
	  cmocka_unit_test(raw_der_is_read_too), cmocka_unit_test(anything_else_is_refused),
	  cmocka_unit_test(certificates_go_out_as_their_reader_wants_them),
	  cmocka_unit_test(what_goes_out_can_be_read_back),
	  cmocka_unit_test(a_code_is_its_sixteen_bytes))
