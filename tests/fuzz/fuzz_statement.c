/* fuzz_statement.c - signed lines of the feed and of reference values (P1). */
#include "crypto/hash.h"
#include "crypto/statement.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_bytes(bytes_of(data, size));
	struct statement s = { .type = STATEMENT_FEED, .stream = STR("global"), .seq = 1 };
	static struct key *nobody;
	uint8_t sig[KEY_SIG];
	struct err e = { 0 };
	struct str json;

	if (!nobody)
		nobody = key_generate(KEY_P256, &e);
	if (!statement_line_read(text, sig, &json, &e))
		return 0;
	sha256(bytes_str(json), s.digest);
	if (statement_verify(&s, nobody, sig, &e))
		abort(); /* nobody has that key */
	return 0;
}
