/* fuzz_note.c - signed checkpoints and verifier keys of logs (L1). */
#include "crypto/note.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_bytes(bytes_of(data, size));
	static struct key *nobody;
	struct err e = { 0 };
	struct str name;
	struct note n;

	if (!nobody)
		nobody = key_generate(KEY_ED25519, &e);
	if (note_read(text, STR("muster.local/audit"), nobody, &n, &e))
		abort(); /* nobody has that key */
	key_free(note_key_read(text, &name, &e));
	return 0;
}
