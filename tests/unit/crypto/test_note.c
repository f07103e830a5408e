/* test_note.c - signed checkpoints and signed lines: who said what, and nobody else (L1, P1). */
#include "test.h"

#include "crypto/note.h"
#include "crypto/statement.h"

static struct err e;

/* The example of the C2SP signed-note specification: key, text and signature are published. */
static const char published_key[] =
	"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
static const char published_note[] = "If you think cryptography is the answer to your problem,\n"
				     "then you don't know what your problem is.\n"
				     "\n"
				     "\xe2\x80\x94 PeterNeumann "
				     "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZ"
				     "SNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

static void the_published_note_verifies(void **state)
{
	struct str name;
	struct note n;

	(void)state;
	auto_key struct key *k = note_key_read(str_of(published_key), &name, &e);
	check(k && str_eqz(name, "PeterNeumann"), "its key is read");
	check(!note_read(str_of(published_note), name, k, &n, &e), "it is no checkpoint");
	check(strstr(e.text, "three lines"), "which is said only after its signature held");
	auto_buf struct buf text = { 0 };
	buf_init(&text, 256);
	check(note_key_write(name, k, &text), "the key is written");
	check(str_eqz(buf_str(&text), published_key), "as it was published");
}

static void a_checkpoint_is_read_back(void **state)
{
	struct note n = { .origin = STR("muster.local/audit"), .size = 12345 };
	struct note got;

	(void)state;
	memset(n.root.b, 7, sizeof(n.root.b));
	auto_key struct key *k = key_generate(KEY_ED25519, &e);
	auto_key struct key *other = key_generate(KEY_ED25519, &e);
	auto_buf struct buf text = { 0 };
	buf_init(&text, NOTE_MAX_BYTES);
	check(note_write(&n, k, &text, &e), "written");
	check(note_read(buf_str(&text), n.origin, k, &got, &e), "read");
	check(got.size == n.size && merkle_eq(got.root, n.root), "it says the same");
	check(!note_read(buf_str(&text), n.origin, other, &got, &e), "not another's key");
	check(!note_read(buf_str(&text), STR("muster.local/other"), k, &got, &e), "not that log");
	for (size_t i = 0; i < text.len; i++) {
		text.ptr[i] ^= 1;
		check(!note_read(buf_str(&text), n.origin, k, &got, &e), "no byte may change");
		text.ptr[i] ^= 1;
		check(!note_read(str_head(buf_str(&text), i), n.origin, k, &got, &e),
		      "nor be missing");
	}
}

static void signatures_of_witnesses_do_not_disturb(void **state)
{
	struct note n = { .origin = STR("log"), .size = 1 };
	struct note got;

	(void)state;
	auto_key struct key *k = key_generate(KEY_ED25519, &e);
	auto_buf struct buf text = { 0 };
	buf_init(&text, NOTE_MAX_BYTES);
	check(note_write(&n, k, &text, &e), "written");
	check(buf_puts(&text, STR("\xe2\x80\x94 witness AAAAAAAA\n")), "witnessed");
	check(note_read(buf_str(&text), n.origin, k, &got, &e), "read past the witness");
	n.origin = STR("a log");
	check(!note_write(&n, k, &text, &e), "a name with a space is refused");
}

static void a_statement_holds_for_its_purpose_only(void **state)
{
	struct statement s = { .type = STATEMENT_FEED,
			       .stream = STR("site:north"),
			       .seq = 7,
			       .prev = 5,
			       .digest = { 1 } };
	uint8_t sig[KEY_SIG];

	(void)state;
	auto_key struct key *k = key_generate(KEY_P256, &e);
	auto_key struct key *other = key_generate(KEY_P256, &e);
	check(statement_sign(&s, k, sig, &e), "signed");
	check(statement_verify(&s, k, sig, &e), "verifies");
	check(!statement_verify(&s, other, sig, &e), "not with another key (P1)");
	struct statement t = s;
	t.type = STATEMENT_SNAPSHOT;
	check(!statement_verify(&t, k, sig, &e), "not as another type");
	t = s;
	t.seq++;
	check(!statement_verify(&t, k, sig, &e), "not with another number (P2)");
	t = s;
	t.prev--;
	check(!statement_verify(&t, k, sig, &e), "not after another");
	t = s;
	t.stream = STR("site:south");
	check(!statement_verify(&t, k, sig, &e), "not in another stream");
	t = s;
	t.digest[31] ^= 1;
	check(!statement_verify(&t, k, sig, &e), "not about something else");
	t = s;
	t.type = STATEMENT_NONE;
	check(!statement_sign(&t, k, sig, &e), "nothing is signed without a type (E8)");
}

static const struct {
	const char *says, *line;
} bad_lines[] = {
	{ "nothing", "" },
	{ "no signature (P1)", "{\"seq\":1}" },
	{ "an empty one (P1)", " {\"seq\":1}" },
	{ "a short one", "AAAA {\"seq\":1}" },
	{ "no text", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		     "AAAAAAAAAAAAAA " },
	{ "two lines", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		       "AAAAAAAAAAAA {}\n{}" },
};

static void lines_are_read_back_or_refused(void **state)
{
	uint8_t sig[KEY_SIG];
	uint8_t got[KEY_SIG];
	struct str json;

	(void)state;
	for (size_t i = 0; i < KEY_SIG; i++)
		sig[i] = (uint8_t)(i * 7);
	auto_buf struct buf line = { 0 };
	buf_init(&line, 1024);
	check(statement_line_write(sig, STR("{\"a\": 1}"), &line), "written");
	check(statement_line_read(buf_str(&line), got, &json, &e), "read");
	check(str_eqz(json, "{\"a\": 1}") && memcmp(sig, got, KEY_SIG) == 0, "the same");
	for (size_t i = 0; i < countof(bad_lines); i++)
		check(!statement_line_read(str_of(bad_lines[i].line), got, &json, &e),
		      bad_lines[i].says);
}

RUN_TESTS(cmocka_unit_test(the_published_note_verifies),
	  cmocka_unit_test(a_checkpoint_is_read_back),
	  cmocka_unit_test(signatures_of_witnesses_do_not_disturb),
	  cmocka_unit_test(a_statement_holds_for_its_purpose_only),
	  cmocka_unit_test(lines_are_read_back_or_refused))
