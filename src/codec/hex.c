#include "codec/hex.h"

int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool hex_read_exact(struct str text, void *out, size_t len, struct err *e)
{
	uint8_t *to = out;

	if (text.len % 2 || text.len / 2 != len)
		return err_set(e, ERR_INPUT, "hex: want %zu digits, not %zu", 2 * len, text.len);
	for (size_t i = 0; i < len; i++) {
		int high = hex_digit(text.ptr[2 * i]);
		int low = hex_digit(text.ptr[2 * i + 1]);
		if (high < 0 || low < 0)
			return err_set(e, ERR_INPUT, "hex: character %zu is no digit",
				       2 * i + (high >= 0));
		to[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

bool hex_read(struct str text, struct arena *mem, struct bytes *out, struct err *e)
{
	uint8_t *to = arena_alloc(mem, text.len / 2 + 1, 1);

	*out = (struct bytes){ 0 };
	if (!to)
		return err_set(e, ERR_INPUT, "hex: too large");
	if (text.len % 2)
		return err_set(e, ERR_INPUT, "hex: odd number of digits");
	if (!hex_read_exact(text, to, text.len / 2, e))
		return false;
	*out = (struct bytes){ to, text.len / 2 };
	return true;
}

static void write_digits(uint8_t *to, struct bytes data)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < data.len; i++) {
		to[2 * i] = (uint8_t)digits[data.ptr[i] >> 4];
		to[2 * i + 1] = (uint8_t)digits[data.ptr[i] & 15];
	}
}

bool hex_write(struct buf *out, struct bytes data)
{
	uint8_t *to = buf_room(out, 2 * data.len);

	if (!to)
		return false;
	write_digits(to, data);
	buf_added(out, 2 * data.len);
	return true;
}

struct str hex_text(struct bytes data, struct arena *mem)
{
	char *to = arena_alloc(mem, 2 * data.len + 1, 1);

	if (!to)
		return (struct str){ 0 };
	write_digits((uint8_t *)to, data);
	return (struct str){ to, 2 * data.len };
}
