/* sim.h - a world in which time passes only when nothing is left to do, and chance has a seed.
 *
 * Scenario tests and simulations run the real code on this clock and loop.  One seed gives
 * one history, byte for byte; a failing seed is a regression test.  Sockets within the
 * process (socketpairs) are part of that history, anything outside is not.
 */
#pragma once

#include "sys/loop.h"

struct sim;

struct sim *sim_new(uint64_t seed, int64_t wall_ms); /* monotonic time starts at 0 */
void sim_free(struct sim *s);                        /* NULL is fine */

struct loop *sim_loop(struct sim *s);
const struct clock *sim_clock(const struct sim *s);
int64_t sim_now_ms(const struct sim *s); /* monotonic */

/* Runs all that is due up to and including that time; jumps from timer to timer. */
void sim_run_until(struct sim *s, int64_t mono_ms);
void sim_step_wall(struct sim *s, int64_t ms); /* somebody sets the clock (C1) */
void sim_sleep(struct sim *s, int64_t ms);     /* the machine is suspended (C5, R6): timers late */

uint64_t sim_random(struct sim *s, uint64_t below); /* 0 .. below - 1; 0 when below is 0 */
bool sim_chance(struct sim *s, unsigned per_mille);

/* A way for messages that takes its time, and may lose, double and reorder them. */
struct sim_link {
	struct sim *sim;
	int64_t least_ms, most_ms;
	unsigned lost, doubled; /* per mille */
	bool keeps_order;       /* as a stream does: later ones wait for earlier ones */
	bool is_cut;            /* nothing arrives that was not there already */
	int64_t last_ms;        /* when the last one arrives; the link's own */
};

typedef void sim_arrive_fn(void *ctx, struct bytes message);
void sim_send(struct sim_link *k, struct bytes message, sim_arrive_fn *fn, void *ctx);
