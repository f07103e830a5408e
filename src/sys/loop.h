/* loop.h - what is ready, and what time has come?  One event loop per process.
 *
 * Descriptors are watched with epoll, level-triggered; timers run on the monotonic clock of
 * the struct clock given, which a test or the simulator replaces (a loop on a virtual clock
 * never sleeps).  Callbacks may free any watch or timer, their own included: a freed one is
 * not called again, not even for events of the same turn.
 */
#pragma once

#include "base/clock.h"
#include "base/err.h"

struct loop;
struct watch;
struct timer;

enum {
	LOOP_READ = 1,
	LOOP_WRITE = 2,
	LOOP_HANGUP = 4, /* told, never asked for: error or both sides closed */
};

typedef void loop_fn(void *ctx);
typedef void loop_watch_fn(void *ctx, unsigned events);

struct loop *loop_new(const struct clock *c); /* aborts when the machine has no descriptor left */
void loop_free(struct loop *l);               /* NULL is fine; frees watches and timers too */
bool loop_run(struct loop *l, struct err *e); /* until loop_stop; false when epoll fails */
void loop_stop(struct loop *l);

/* One turn: wait at most timeout_ms (-1: as long as it takes) for the first event or timer,
 * then run all that is due.  True while the loop has not been stopped. */
bool loop_turn(struct loop *l, int64_t timeout_ms);

/* The fd stays the caller's and must outlive the watch.  events: LOOP_READ | LOOP_WRITE. */
struct watch *loop_watch(struct loop *l, int fd, unsigned events, loop_watch_fn *fn, void *ctx);
void watch_set(struct watch *w, unsigned events);
void watch_free(struct watch *w); /* NULL is fine */

/* One shot.  A timer that has fired stays allocated until timer_free and can be set again. */
struct timer *loop_after(struct loop *l, int64_t ms, loop_fn *fn, void *ctx);
struct timer *loop_timer(struct loop *l, loop_fn *fn, void *ctx); /* not armed yet */
void timer_set(struct timer *t, int64_t ms);                      /* from now; re-arms */
void timer_stop(struct timer *t);                                 /* keeps it for timer_set */
bool timer_is_set(const struct timer *t);
void timer_free(struct timer *t); /* NULL is fine */

/* Once, at the end of this turn; asked twice with the same fn and ctx it still runs once.
 * Whoever frees ctx first says loop_forget. */
void loop_later(struct loop *l, loop_fn *fn, void *ctx);
void loop_forget(struct loop *l, const void *ctx);

const struct clock *loop_clock(const struct loop *l);
int64_t loop_now_ms(const struct loop *l);  /* monotonic, read once per turn */
int64_t loop_wall_ms(const struct loop *l); /* wall time, read now */
int64_t loop_next_ms(const struct loop *l); /* monotonic time of the next timer; -1: none */
uint64_t loop_calls(const struct loop *l);  /* callbacks made so far: did anything happen? */
