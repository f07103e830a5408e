#include "base/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cursor.h"

enum { LINE_MAX_BYTES = 2048, VALUE_MAX = 512 };

static const char *role_name;
static enum log_level most_level = LOG_LEVEL_INFO;

void log_role(const char *name)
{
	role_name = name;
}

void log_set_level(enum log_level most)
{
	most_level = most;
}

static bool is_plain(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] <= ' ' || s.ptr[i] > '~' || s.ptr[i] == '"' || s.ptr[i] == '=' ||
		    s.ptr[i] == '\\')
			return false;
	return s.len > 0;
}

static void put_value(struct wr *w, struct str s)
{
	bool quote = !is_plain(s);

	s = str_head(s, VALUE_MAX);
	if (quote)
		wr_u8(w, '"');
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		bool odd = c < ' ' || c > '~' || c == '"' || c == '\\';
		wr_u8(w, (uint8_t)(odd ? '?' : c));
	}
	if (quote)
		wr_u8(w, '"');
}

static void put_field(struct wr *w, const char *key, struct str value)
{
	if (w->len)
		wr_u8(w, ' ');
	wr_put(w, bytes_str(str_of(key)));
	wr_u8(w, '=');
	put_value(w, value);
}

void log_write(const struct log_event *ev, const struct log_field *fields, size_t count)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };
	char line[LINE_MAX_BYTES];
	char number[24];

	if (ev->level > most_level)
		return;
	struct wr w = wr_of(line, sizeof(line) - 1);
	put_field(&w, "level", str_of(names[ev->level]));
	put_field(&w, "event", str_of(ev->name));
	if (role_name)
		put_field(&w, "role", str_of(role_name));
	for (size_t i = 0; i < count; i++) {
		struct str value = fields[i].text;
		if (!fields[i].key)
			continue;
		if (!value.ptr) {
			(void)snprintf(number, sizeof(number), "%lld", (long long)fields[i].num);
			value = str_of(number);
		}
		put_field(&w, fields[i].key, value);
	}
	line[w.len++] = '\n';
	/* One write, so that lines of several roles never mix.  Nobody to tell if it fails. */
	ssize_t ignored = write(STDERR_FILENO, line, w.len);
	(void)ignored;
}

void log_fail(const struct log_event *ev, const struct err *e)
{
	if (e->hint[0])
		log_event(ev, LOG_TEXT("kind", err_kind_name(e->kind)), LOG_TEXT("error", e->text),
			  LOG_TEXT("hint", e->hint));
	else
		log_event(ev, LOG_TEXT("kind", err_kind_name(e->kind)), LOG_TEXT("error", e->text));
}
