#include "crypto/secret.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/hash.h"
#include "crypto/ossl.h"

enum { SMALLEST_BYTES = 32, LOCKED = 1 };

static void *get(size_t len, const char *file, int line)
{
	(void)file;
	(void)line;
	return len ? malloc(len) : NULL;
}

static void give_back(void *ptr, const char *file, int line)
{
	(void)file;
	(void)line;
	if (ptr)
		mem_wipe(ptr, malloc_usable_size(ptr));
	free(ptr);
}

/* Never in place: realloc would leave a copy behind when it moves. */
static void *get_again(void *old, size_t len, const char *file, int line)
{
	size_t had = old ? malloc_usable_size(old) : 0;
	void *fresh = get(len, file, line);

	if (fresh && old)
		memcpy(fresh, old, had < len ? had : len);
	if (fresh || !len)
		give_back(old, file, line);
	return fresh;
}

bool secret_start(struct err *e)
{
	if (CRYPTO_set_mem_functions(get, get_again, give_back) != 1)
		return err_set(e, ERR_SYSTEM, "OpenSSL was used before its memory was prepared");
	crypto_start();
	if (CRYPTO_secure_malloc_init(SECRET_HEAP_BYTES, SMALLEST_BYTES) == LOCKED)
		return true;
	(void)ossl_fail(e, ERR_SYSTEM, "memory for private keys cannot be locked");
	return err_hint(e, "ulimit -l must allow %d KiB (LimitMEMLOCK= in systemd)",
			SECRET_HEAP_BYTES >> 10);
}
