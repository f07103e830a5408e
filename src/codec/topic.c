#include "codec/topic.h"

bool topic_next(struct str text, size_t *at, struct str *out_level)
{
	struct str rest;

	if (*at > text.len)
		return false;
	(void)str_cut(str_from(text, *at), '/', out_level, &rest);
	*at += out_level->len + 1;
	return true;
}

/* C0 and C1 control characters and DEL: MQTT lets a server refuse them, brokers do. */
static bool has_control(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = (uint8_t)s.ptr[i];
		if (c < 0x20 || c == 0x7f)
			return true;
		if (c == 0xc2 && i + 1 < s.len && (uint8_t)s.ptr[i + 1] < 0xa0)
			return true;
	}
	return false;
}

static bool text_ok(struct str s, const char *what, struct err *e)
{
	if (s.len == 0)
		return err_set(e, ERR_INPUT, "%s is empty (MQTT 4.7.3)", what);
	if (s.len > UINT16_MAX)
		return err_set(e, ERR_INPUT, "%s is longer than 65535 bytes", what);
	if (!str_is_utf8(s) || has_control(s))
		return err_set(e, ERR_INPUT, "%s is not clean UTF-8 (MQTT 1.5.4)", what);
	return true;
}

bool topic_name_ok(struct str name, struct err *e)
{
	if (!text_ok(name, "topic", e))
		return false;
	if (topic_has_wildcard(name))
		return err_set(e, ERR_INPUT, "topic '" STR_FMT "' has a wildcard (MQTT 3.3.2.1)",
			       STR_ARG(name));
	return true;
}

static bool level_ok(struct str filter, struct str level, bool is_last, struct err *e)
{
	if (level.len <= 1 && (is_last || !str_has(level, '#')))
		return true;
	if (!topic_has_wildcard(level))
		return true;
	return err_set(e, ERR_INPUT, "filter '" STR_FMT "' has a misplaced wildcard (MQTT 4.7.1)",
		       STR_ARG(filter));
}

bool topic_filter_ok(struct str filter, struct err *e)
{
	size_t at = 0;
	struct str level;

	if (!text_ok(filter, "filter", e))
		return false;
	while (topic_next(filter, &at, &level))
		if (!level_ok(filter, level, at > filter.len, e))
			return false;
	return true;
}

bool topic_share(struct str text, struct str *out_group, struct str *out_filter, struct err *e)
{
	struct str prefix, rest;

	*out_group = (struct str){ 0 };
	*out_filter = text;
	(void)str_cut(text, '/', &prefix, &rest);
	if (!str_eq(prefix, STR("$share")))
		return true;
	bool has_filter = str_cut(rest, '/', out_group, out_filter);
	if (has_filter && out_filter->len > 0 && out_group->len > 0 &&
	    !topic_has_wildcard(*out_group))
		return true;
	return err_set(e, ERR_INPUT, "'" STR_FMT "' is not $share/group/filter (MQTT 4.8.2)",
		       STR_ARG(text));
}

bool topic_has_wildcard(struct str filter)
{
	return str_has(filter, '+') || str_has(filter, '#');
}

bool topic_depth_ok(struct str text)
{
	size_t levels = 1;

	for (size_t i = 0; i < text.len; i++)
		levels += text.ptr[i] == '/';
	return levels <= TOPIC_LEVELS;
}

static bool is_plus(struct str level)
{
	return level.len == 1 && level.ptr[0] == '+';
}

static bool is_hash(struct str level)
{
	return level.len == 1 && level.ptr[0] == '#';
}

static bool is_dollar(struct str text)
{
	return text.len > 0 && text.ptr[0] == '$';
}

/* A wildcard at the first level never stands for a '$' (MQTT 4.7.2). */
static bool is_shut_out(struct str filter, struct str other)
{
	return is_dollar(other) && filter.len > 0 && (filter.ptr[0] == '+' || filter.ptr[0] == '#');
}

bool topic_overlaps(struct str a, struct str b)
{
	size_t at_a = 0, at_b = 0;
	struct str la, lb;

	if (is_shut_out(a, b) || is_shut_out(b, a))
		return false;
	for (;;) {
		bool has_a = topic_next(a, &at_a, &la);
		bool has_b = topic_next(b, &at_b, &lb);
		/* '#' covers the rest, and the level above it too. */
		if ((has_a && is_hash(la)) || (has_b && is_hash(lb)))
			return true;
		if (!has_a || !has_b)
			return has_a == has_b;
		if (!is_plus(la) && !is_plus(lb) && !str_eq(la, lb))
			return false;
	}
}

bool topic_matches(struct str filter, struct str name)
{
	return topic_overlaps(filter, name);
}

bool topic_covers(struct str outer, struct str inner)
{
	size_t at_o = 0, at_i = 0;
	struct str lo, li;

	if (is_shut_out(outer, inner))
		return false;
	for (;;) {
		bool has_o = topic_next(outer, &at_o, &lo);
		bool has_i = topic_next(inner, &at_i, &li);
		if (has_o && is_hash(lo))
			return true;
		if (!has_o || !has_i)
			return has_o == has_i;
		if (is_hash(li) || (is_plus(li) && !is_plus(lo)))
			return false;
		if (!is_plus(lo) && !str_eq(lo, li))
			return false;
	}
}
