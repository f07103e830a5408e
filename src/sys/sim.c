#include "sys/sim.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { TURNS_PER_INSTANT = 1000000 };

struct flight;

struct sim {
	struct clock clock;
	struct flight *flights; /* under way */
	struct loop *loop;
	int64_t now_ms, wall_at_0_ms;
	uint64_t random;
};

struct flight {
	struct flight *prev, *next;
	struct sim_link *link;
	struct timer *timer;
	sim_arrive_fn *fn;
	void *ctx;
	size_t len;
	uint8_t message[];
};

static int64_t read_wall(void *ctx)
{
	const struct sim *s = ctx;

	return s->wall_at_0_ms + s->now_ms;
}

static int64_t read_mono(void *ctx)
{
	return ((const struct sim *)ctx)->now_ms;
}

struct sim *sim_new(uint64_t seed, int64_t wall_ms)
{
	struct sim *s = mem_new(1, sizeof(*s));

	s->clock = (struct clock){ read_wall, read_mono, s };
	s->wall_at_0_ms = wall_ms;
	s->random = seed;
	s->loop = loop_new(&s->clock);
	return s;
}

void sim_free(struct sim *s)
{
	if (!s)
		return;
	loop_free(s->loop);
	for (struct flight *f = s->flights, *next; f; f = next) {
		next = f->next;
		free(f);
	}
	free(s);
}

struct loop *sim_loop(struct sim *s)
{
	return s->loop;
}

const struct clock *sim_clock(const struct sim *s)
{
	return &s->clock;
}

int64_t sim_now_ms(const struct sim *s)
{
	return s->now_ms;
}

/* All that can happen at this instant. */
static void settle(struct sim *s)
{
	uint64_t before;
	int turns = 0;

	do {
		before = loop_calls(s->loop);
		(void)loop_turn(s->loop, 0);
		turns++;
		assert(turns < TURNS_PER_INSTANT); /* something runs in circles */
	} while (loop_calls(s->loop) != before);
}

void sim_run_until(struct sim *s, int64_t mono_ms)
{
	settle(s);
	for (int64_t next = loop_next_ms(s->loop); next >= 0 && next <= mono_ms;
	     next = loop_next_ms(s->loop)) {
		if (next > s->now_ms)
			s->now_ms = next;
		settle(s);
	}
	if (mono_ms > s->now_ms)
		s->now_ms = mono_ms;
	settle(s);
}

void sim_step_wall(struct sim *s, int64_t ms)
{
	s->wall_at_0_ms += ms;
}

void sim_sleep(struct sim *s, int64_t ms)
{
	s->now_ms += ms;
}

/* splitmix64: small, and every seed is a good one. */
uint64_t sim_random(struct sim *s, uint64_t below)
{
	s->random += 0x9e3779b97f4a7c15u;
	uint64_t z = s->random;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return below ? (z ^ z >> 31) % below : 0;
}

bool sim_chance(struct sim *s, unsigned per_mille)
{
	return sim_random(s, 1000) < per_mille;
}

static void arrive(void *ctx)
{
	struct flight *f = ctx;

	if (f->prev)
		f->prev->next = f->next;
	else
		f->link->sim->flights = f->next;
	if (f->next)
		f->next->prev = f->prev;
	if (!f->link->is_cut)
		f->fn(f->ctx, bytes_of(f->message, f->len));
	timer_free(f->timer);
	free(f);
}

static void fly(struct sim_link *k, struct bytes message, sim_arrive_fn *fn, void *ctx)
{
	struct flight *f = mem_new(1, sizeof(*f) + message.len);
	uint64_t spread = (uint64_t)(k->most_ms - k->least_ms) + 1;
	int64_t at_ms = k->sim->now_ms + k->least_ms + (int64_t)sim_random(k->sim, spread);

	*f = (struct flight){
		.next = k->sim->flights, .link = k, .fn = fn, .ctx = ctx, .len = message.len
	};
	if (f->next)
		f->next->prev = f;
	k->sim->flights = f;
	if (message.len)
		memcpy(f->message, message.ptr, message.len);
	if (k->keeps_order && at_ms < k->last_ms)
		at_ms = k->last_ms;
	k->last_ms = at_ms;
	f->timer = loop_after(k->sim->loop, at_ms - k->sim->now_ms, arrive, f);
}

void sim_send(struct sim_link *k, struct bytes message, sim_arrive_fn *fn, void *ctx)
{
	if (k->is_cut || sim_chance(k->sim, k->lost))
		return;
	fly(k, message, fn, ctx);
	if (sim_chance(k->sim, k->doubled))
		fly(k, message, fn, ctx);
}
