/* print.c - values as Cedar text, for messages and records. */
#include "cedar/value.h"

#include "base/buf.h"
#include "cedar/ast.h"
#include "cedar/ext.h"
#include "cedar/print.h"

static void print_char(struct buf *out, unsigned char c)
{
	static const struct {
		char c;
		struct str text;
	} escapes[] = {
		{ '"', STR_INIT("\\\"") }, { '\\', STR_INIT("\\\\") }, { '\n', STR_INIT("\\n") },
		{ '\r', STR_INIT("\\r") }, { '\t', STR_INIT("\\t") },  { '\0', STR_INIT("\\0") },
	};

	for (size_t i = 0; i < countof(escapes); i++)
		if (escapes[i].c == (char)c) {
			(void)buf_puts(out, escapes[i].text);
			return;
		}
	if (c < 0x20 || c == 0x7f)
		(void)buf_printf(out, "\\x%02x", c);
	else
		(void)buf_putc(out, (char)c);
}

static void print_escaped(struct buf *out, struct str text, bool is_pattern)
{
	for (size_t i = 0; i < text.len; i++) {
		if (is_pattern && text.ptr[i] == '*')
			(void)buf_puts(out, STR("\\*"));
		else
			print_char(out, (unsigned char)text.ptr[i]);
	}
}

void cedar_print_string(struct buf *out, struct str text)
{
	(void)buf_putc(out, '"');
	print_escaped(out, text, false);
	(void)buf_putc(out, '"');
}

void cedar_print_pattern(struct buf *out, const struct cedar_pattern *pattern)
{
	(void)buf_putc(out, '"');
	for (uint32_t i = 0; i < pattern->count; i++) {
		if (i)
			(void)buf_putc(out, '*');
		print_escaped(out, pattern->parts[i], true);
	}
	(void)buf_putc(out, '"');
}

void cedar_uid_print(struct buf *out, const struct cedar_names *names, const struct cedar_uid *uid)
{
	(void)buf_puts(out, cedar_names_text(names, uid->type));
	(void)buf_puts(out, STR("::"));
	cedar_print_string(out, uid->id);
}

static void print_level(struct buf *out, const struct cedar_names *names, struct cedar_value v,
			unsigned depth);

static void print_set(struct buf *out, const struct cedar_names *names, const struct cedar_set *set,
		      unsigned depth)
{
	(void)buf_putc(out, '[');
	for (uint32_t i = 0; i < set->count; i++) {
		(void)buf_puts(out, i ? STR(", ") : STR(""));
		print_level(out, names, set->items[i], depth + 1);
	}
	(void)buf_putc(out, ']');
}

static void print_record(struct buf *out, const struct cedar_names *names,
			 const struct cedar_record *record, unsigned depth)
{
	(void)buf_putc(out, '{');
	for (uint32_t i = 0; i < record->count; i++) {
		(void)buf_puts(out, i ? STR(", ") : STR(""));
		cedar_print_string(out, cedar_names_text(names, record->names[i]));
		(void)buf_puts(out, STR(": "));
		print_level(out, names, record->values[i], depth + 1);
	}
	(void)buf_putc(out, '}');
}

static void print_ext(struct buf *out, struct cedar_value v)
{
	(void)buf_printf(out, "%s(\"", cedar_fns[cedar_ext_maker(v.kind)].name);
	cedar_ext_text(out, v);
	(void)buf_puts(out, STR("\")"));
}

static void print_level(struct buf *out, const struct cedar_names *names, struct cedar_value v,
			unsigned depth)
{
	if (depth > CEDAR_DEPTH_MAX)
		return;
	switch (v.kind) {
	case CEDAR_NONE:
	case CEDAR_UNKNOWN:
		(void)buf_puts(out, STR("?"));
		break;
	case CEDAR_BOOL:
		(void)buf_puts(out, v.truth ? STR("true") : STR("false"));
		break;
	case CEDAR_LONG:
		(void)buf_printf(out, "%lld", (long long)v.num);
		break;
	case CEDAR_STRING:
		cedar_print_string(out, cedar_value_text(v));
		break;
	case CEDAR_ENTITY:
		cedar_uid_print(out, names, v.uid);
		break;
	case CEDAR_SET:
		print_set(out, names, v.set, depth);
		break;
	case CEDAR_RECORD:
		print_record(out, names, v.record, depth);
		break;
	default:
		print_ext(out, v);
		break;
	}
}

void cedar_value_print(struct buf *out, const struct cedar_names *names, struct cedar_value v)
{
	print_level(out, names, v, 0);
}
