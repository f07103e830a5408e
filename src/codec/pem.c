#include "codec/pem.h"

#include <string.h>

#include "codec/base64.h"

enum { LABEL_MAX = 64 };

/* Where `mark` begins in text at or after `from`; text.len when nowhere. */
static size_t find(struct str text, size_t from, const char *mark)
{
	const char *at = from < text.len
				 ? memmem(text.ptr + from, text.len - from, mark, strlen(mark))
				 : NULL;

	return at ? (size_t)(at - text.ptr) : text.len;
}

bool pem_next(struct str text, const char *label, size_t *at, struct arena *mem, struct bytes *der,
	      struct err *e)
{
	char begin[LABEL_MAX + 32], end[LABEL_MAX + 32];

	*der = (struct bytes){ 0 };
	(void)snprintf(begin, sizeof(begin), "-----BEGIN %.*s-----", LABEL_MAX, label);
	(void)snprintf(end, sizeof(end), "-----END %.*s-----", LABEL_MAX, label);
	size_t start = find(text, *at, begin);
	if (start == text.len)
		return err_set(e, ERR_MISSING, "no %s block", label);
	start += strlen(begin);
	size_t stop = find(text, start, end);
	if (stop == text.len)
		return err_set(e, ERR_INPUT, "%s block has no end", label);
	*at = stop + strlen(end);
	struct str body = { text.ptr + start, stop - start };
	if (!base64_read(body, BASE64_EST, mem, der, e))
		return err_in(e, "%s block", label);
	return der->len > 0 || err_set(e, ERR_INPUT, "%s block is empty", label);
}

bool pem_read(struct str text, const char *label, struct arena *mem, struct bytes *der,
	      struct err *e)
{
	size_t at = 0;

	return pem_next(text, label, &at, mem, der, e);
}

bool pem_write(struct buf *out, const char *label, struct bytes der)
{
	enum { LINE_BYTES = 48 };

	(void)buf_printf(out, "-----BEGIN %.*s-----\n", LABEL_MAX, label);
	for (size_t i = 0; i < der.len; i += LINE_BYTES) {
		size_t left = der.len - i;
		struct bytes line = { der.ptr + i, left < LINE_BYTES ? left : LINE_BYTES };
		(void)base64_write(out, line, BASE64_STD);
		(void)buf_putc(out, '\n');
	}
	(void)buf_printf(out, "-----END %.*s-----\n", LABEL_MAX, label);
	return !out->is_full;
}
