#include "crypto/ossl.h"

#include <openssl/err.h>

bool ossl_fail(struct err *e, enum err_kind kind, const char *doing)
{
	unsigned long code = ERR_peek_last_error();
	const char *why = code ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	if (!why)
		return err_set(e, kind, "%s", doing);
	return err_set(e, kind, "%s: %s", doing, why);
}
