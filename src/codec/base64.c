#include "codec/base64.h"

#include <string.h>

enum { NO_DIGIT = 64, SPACE = 65, PAD = 66 };

static const char std_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static unsigned digit_of(char c, enum base64_form form)
{
	if (c >= 'A' && c <= 'Z')
		return (unsigned)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a') + 26;
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0') + 52;
	if (c == (form == BASE64_URL ? '-' : '+'))
		return 62;
	if (c == (form == BASE64_URL ? '_' : '/'))
		return 63;
	if (c == '=' && form != BASE64_URL)
		return PAD;
	if (form == BASE64_EST && (c == ' ' || c == '\t' || c == '\r' || c == '\n'))
		return SPACE;
	return NO_DIGIT;
}

struct decoder {
	uint8_t *out;
	size_t cap, len;
	uint32_t bits;
	unsigned digits, pads;
};

static bool put_byte(struct decoder *d, uint32_t byte)
{
	if (d->len == d->cap)
		return false;
	d->out[d->len++] = (uint8_t)byte;
	return true;
}

static bool take_digit(struct decoder *d, unsigned digit)
{
	d->bits = d->bits << 6 | digit;
	if (++d->digits < 4)
		return true;
	bool fits = put_byte(d, d->bits >> 16 & 0xff) && put_byte(d, d->bits >> 8 & 0xff) &&
		    put_byte(d, d->bits & 0xff);
	d->digits = 0;
	d->bits = 0;
	return fits;
}

/* What is left after the last full group: 0, 2 or 3 digits, the bits beyond the last byte
 * clear, and the padding the form asks for. */
static bool finish(struct decoder *d, enum base64_form form, struct err *e)
{
	unsigned want_pads = d->digits ? 4 - d->digits : 0;

	if (d->digits == 1)
		return err_set(e, ERR_INPUT, "base64: a digit is missing at the end");
	if (form == BASE64_STD ? d->pads != want_pads : d->pads != 0 && d->pads != want_pads)
		return err_set(e, ERR_INPUT, "base64: wrong padding");
	if ((d->digits == 2 && (d->bits & 0x0f)) || (d->digits == 3 && (d->bits & 0x03)))
		return err_set(e, ERR_INPUT, "base64: bits are set beyond the last byte");
	bool fits = true;
	if (d->digits >= 2)
		fits = put_byte(d, d->digits == 2 ? d->bits >> 4 : d->bits >> 10 & 0xff);
	if (d->digits == 3)
		fits = fits && put_byte(d, d->bits >> 2 & 0xff);
	return fits || err_set(e, ERR_INPUT, "base64: longer than expected");
}

static bool decode(struct decoder *d, struct str text, enum base64_form form, struct err *e)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned digit = digit_of(text.ptr[i], form);
		if (digit == SPACE)
			continue;
		if (digit == PAD && ++d->pads <= 2)
			continue;
		if (digit >= NO_DIGIT || d->pads)
			return err_set(e, ERR_INPUT, "base64: character %zu does not belong", i);
		if (!take_digit(d, digit))
			return err_set(e, ERR_INPUT, "base64: longer than expected");
	}
	return finish(d, form, e);
}

bool base64_read(struct str text, enum base64_form form, struct arena *mem, struct bytes *out,
		 struct err *e)
{
	size_t cap = text.len / 4 * 3 + 3;
	struct decoder d = { .out = arena_alloc(mem, cap, 1), .cap = cap };

	*out = (struct bytes){ 0 };
	if (!d.out)
		return err_set(e, ERR_INPUT, "base64: too large");
	if (!decode(&d, text, form, e))
		return false;
	*out = (struct bytes){ d.out, d.len };
	return true;
}

bool base64_read_exact(struct str text, enum base64_form form, void *out, size_t len, struct err *e)
{
	struct decoder d = { .out = out, .cap = len };

	if (!decode(&d, text, form, e))
		return false;
	return d.len == len || err_set(e, ERR_INPUT, "base64: want %zu bytes, not %zu", len, d.len);
}

bool base64_write(struct buf *out, struct bytes data, enum base64_form form)
{
	const char *digits = form == BASE64_URL ? url_digits : std_digits;
	uint8_t *to = buf_room(out, (data.len + 2) / 3 * 4);
	size_t n = 0;

	if (!to)
		return false;
	for (size_t i = 0; i < data.len; i += 3) {
		size_t left = data.len - i;
		uint32_t bits = (uint32_t)data.ptr[i] << 16 |
				(left > 1 ? (uint32_t)data.ptr[i + 1] << 8 : 0) |
				(left > 2 ? (uint32_t)data.ptr[i + 2] : 0);
		for (size_t k = 0; k < 4; k++)
			if (k <= left)
				to[n++] = (uint8_t)digits[bits >> (18 - 6 * k) & 63];
			else if (form != BASE64_URL)
				to[n++] = '=';
	}
	buf_added(out, n);
	return true;
}

struct str base64_text(struct bytes data, enum base64_form form, struct arena *mem)
{
	auto_buf struct buf b = { 0 };

	buf_init(&b, (data.len + 2) / 3 * 4 + 1);
	(void)base64_write(&b, data, form);
	return arena_dup(mem, buf_str(&b));
}
