#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t real_wall(void *ctx)
{
	(void)ctx;
	return read_clock(CLOCK_REALTIME);
}

static int64_t real_mono(void *ctx)
{
	(void)ctx;
	return read_clock(CLOCK_MONOTONIC);
}

const struct clock *clock_real(void)
{
	static const struct clock real = { real_wall, real_mono, NULL };

	return &real;
}

int64_t clock_wall_ms(const struct clock *c)
{
	return c->wall_ms(c->ctx);
}

int64_t clock_mono_ms(const struct clock *c)
{
	return c->mono_ms(c->ctx);
}

static const int64_t YEAR_10000_MS = 253402300800000;

void clock_text(int64_t wall_ms, char out[CLOCK_TEXT])
{
	if (wall_ms < 0)
		wall_ms = 0;
	if (wall_ms >= YEAR_10000_MS)
		wall_ms = YEAR_10000_MS - 1;
	time_t s = (time_t)(wall_ms / 1000);
	struct tm tm;
	gmtime_r(&s, &tm);
	(void)snprintf(out, CLOCK_TEXT, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
		       (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)(tm.tm_mon + 1) % 100,
		       (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100,
		       (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100,
		       (unsigned)(wall_ms % 1000));
}

/* A number of exactly `len` digits at s[at], or -1. */
static int digits(struct str s, size_t at, size_t len)
{
	uint64_t v;

	if (at + len > s.len || !str_u64(str_head(str_from(s, at), len), &v))
		return -1;
	return (int)v;
}

static bool punctuation(struct str s)
{
	return s.len >= 20 && s.ptr[4] == '-' && s.ptr[7] == '-' && s.ptr[10] == 'T' &&
	       s.ptr[13] == ':' && s.ptr[16] == ':' && s.ptr[s.len - 1] == 'Z';
}

bool clock_parse(struct str text, int64_t *out_wall_ms)
{
	int fraction = 0;

	if (!punctuation(text))
		return false;
	if (text.len == 24 && text.ptr[19] == '.')
		fraction = digits(text, 20, 3);
	else if (text.len != 20)
		return false;
	struct tm tm = { .tm_year = digits(text, 0, 4) - 1900,
			 .tm_mon = digits(text, 5, 2) - 1,
			 .tm_mday = digits(text, 8, 2),
			 .tm_hour = digits(text, 11, 2),
			 .tm_min = digits(text, 14, 2),
			 .tm_sec = digits(text, 17, 2) };
	struct tm same = tm;
	if (tm.tm_year < 70 || tm.tm_mon < 0 || tm.tm_mday < 1 || tm.tm_hour < 0 || tm.tm_min < 0 ||
	    tm.tm_sec < 0 || fraction < 0)
		return false;
	time_t s = timegm(&same); /* normalises: the 31st of June becomes July */
	if (same.tm_mon != tm.tm_mon || same.tm_mday != tm.tm_mday || same.tm_hour != tm.tm_hour ||
	    same.tm_min != tm.tm_min || same.tm_sec != tm.tm_sec)
		return false;
	*out_wall_ms = (int64_t)s * 1000 + fraction;
	return true;
}
