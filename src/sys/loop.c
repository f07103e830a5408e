#include "sys/loop.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/mem.h"

enum { EVENTS_PER_TURN = 256, NOT_IN_HEAP = 0 };

/* A freed watch stays on the list of the dead until its turn is over: the same turn may
 * still hold an event for it. */
struct watch {
	struct loop *loop;
	struct watch *prev, *next;
	loop_watch_fn *fn; /* NULL: freed */
	void *ctx;
	int fd;
	unsigned events;
	bool is_polled; /* epoll knows the fd */
};

struct timer {
	struct loop *loop;
	struct timer *prev, *next;
	loop_fn *fn;
	void *ctx;
	int64_t due_ms;
	uint64_t order; /* equal times fire in the order they were set */
	size_t at;      /* place in the heap, from 1; NOT_IN_HEAP */
};

struct later {
	loop_fn *fn; /* NULL: forgotten */
	void *ctx;
};

struct later_list {
	struct later *at;
	size_t count, cap;
};

struct loop {
	const struct clock *clock;
	int epoll;
	bool is_stopped;
	int64_t now_ms;
	uint64_t set_count, calls;
	struct watch *watches, *dead;
	struct timer *timers;
	struct timer **heap; /* heap[1] is due first */
	size_t heap_count, heap_cap;
	struct later_list soon, running;
	uint32_t *slots; /* hash of soon: index + 1; 0 is free */
	size_t slot_count;
};

struct loop *loop_new(const struct clock *c)
{
	struct loop *l = mem_new(1, sizeof(*l));

	l->clock = c;
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	assert(l->epoll >= 0);
	l->now_ms = clock_mono_ms(c);
	return l;
}

static void bury(struct watch *list)
{
	for (struct watch *w = list, *next; w; w = next) {
		next = w->next;
		free(w);
	}
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	bury(l->watches);
	bury(l->dead);
	for (struct timer *t = l->timers, *next; t; t = next) {
		next = t->next;
		free(t);
	}
	free(l->heap);
	free(l->soon.at);
	free(l->running.at);
	free(l->slots);
	(void)close(l->epoll);
	free(l);
}

const struct clock *loop_clock(const struct loop *l)
{
	return l->clock;
}

int64_t loop_now_ms(const struct loop *l)
{
	return l->now_ms;
}

int64_t loop_wall_ms(const struct loop *l)
{
	return clock_wall_ms(l->clock);
}

int64_t loop_next_ms(const struct loop *l)
{
	return l->heap_count ? l->heap[1]->due_ms : -1;
}

uint64_t loop_calls(const struct loop *l)
{
	return l->calls;
}

/* Watches. */

static void poll_for(struct watch *w, int op)
{
	struct epoll_event ev = { .data.ptr = w };

	if (w->events & LOOP_READ)
		ev.events |= EPOLLIN | EPOLLRDHUP;
	if (w->events & LOOP_WRITE)
		ev.events |= EPOLLOUT;
	int bad = epoll_ctl(w->loop->epoll, op, w->fd, &ev);
	assert(!bad || op == EPOLL_CTL_DEL);
}

struct watch *loop_watch(struct loop *l, int fd, unsigned events, loop_watch_fn *fn, void *ctx)
{
	struct watch *w = mem_new(1, sizeof(*w));

	*w = (struct watch){ .loop = l, .next = l->watches, .fn = fn, .ctx = ctx, .fd = fd };
	if (l->watches)
		l->watches->prev = w;
	l->watches = w;
	watch_set(w, events);
	return w;
}

/* A watch for nothing leaves epoll altogether: hang-ups cannot be masked there and would
 * make a paused connection spin. */
void watch_set(struct watch *w, unsigned events)
{
	if (w->events == events && w->is_polled == (events != 0))
		return;
	w->events = events;
	if (events)
		poll_for(w, w->is_polled ? EPOLL_CTL_MOD : EPOLL_CTL_ADD);
	else if (w->is_polled)
		poll_for(w, EPOLL_CTL_DEL);
	w->is_polled = events != 0;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	struct loop *l = w->loop;
	watch_set(w, 0);
	if (w->prev)
		w->prev->next = w->next;
	else
		l->watches = w->next;
	if (w->next)
		w->next->prev = w->prev;
	w->fn = NULL;
	w->next = l->dead;
	l->dead = w;
}

/* Timers: a binary heap that knows where each timer is. */

static bool is_before(const struct timer *a, const struct timer *b)
{
	return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->order < b->order;
}

static void place(struct loop *l, size_t at, struct timer *t)
{
	l->heap[at] = t;
	t->at = at;
}

static void sift_up(struct loop *l, size_t at)
{
	struct timer *t = l->heap[at];

	for (; at > 1 && is_before(t, l->heap[at / 2]); at /= 2)
		place(l, at, l->heap[at / 2]);
	place(l, at, t);
}

static void sift_down(struct loop *l, size_t at)
{
	struct timer *t = l->heap[at];

	for (;;) {
		size_t child = 2 * at;
		if (child > l->heap_count)
			break;
		if (child < l->heap_count && is_before(l->heap[child + 1], l->heap[child]))
			child++;
		if (!is_before(l->heap[child], t))
			break;
		place(l, at, l->heap[child]);
		at = child;
	}
	place(l, at, t);
}

struct timer *loop_timer(struct loop *l, loop_fn *fn, void *ctx)
{
	struct timer *t = mem_new(1, sizeof(*t));

	*t = (struct timer){ .loop = l, .next = l->timers, .fn = fn, .ctx = ctx };
	if (l->timers)
		l->timers->prev = t;
	l->timers = t;
	return t;
}

struct timer *loop_after(struct loop *l, int64_t ms, loop_fn *fn, void *ctx)
{
	struct timer *t = loop_timer(l, fn, ctx);

	timer_set(t, ms);
	return t;
}

void timer_set(struct timer *t, int64_t ms)
{
	struct loop *l = t->loop;

	timer_stop(t);
	/* Asked anew: within a long turn the cached time is the past. */
	t->due_ms = clock_mono_ms(l->clock) + (ms > 0 ? ms : 0);
	t->order = ++l->set_count;
	if (l->heap_count + 2 > l->heap_cap) {
		l->heap_cap = l->heap_cap ? 2 * l->heap_cap : 64;
		l->heap = mem_grow(l->heap, l->heap_cap, sizeof(struct timer *));
	}
	place(l, ++l->heap_count, t);
	sift_up(l, t->at);
}

void timer_stop(struct timer *t)
{
	struct loop *l = t->loop;
	size_t at = t->at;

	if (at == NOT_IN_HEAP)
		return;
	struct timer *last = l->heap[l->heap_count--];
	t->at = NOT_IN_HEAP;
	if (last == t)
		return;
	place(l, at, last);
	sift_up(l, at);
	sift_down(l, last->at);
}

bool timer_is_set(const struct timer *t)
{
	return t->at != NOT_IN_HEAP;
}

void timer_free(struct timer *t)
{
	if (!t)
		return;
	timer_stop(t);
	if (t->prev)
		t->prev->next = t->next;
	else
		t->loop->timers = t->next;
	if (t->next)
		t->next->prev = t->prev;
	free(t);
}

/* Later: a list in order, and a hash of it so that asking twice is cheap to notice. */

static size_t slot_of(const struct loop *l, loop_fn *fn, const void *ctx)
{
	uint64_t mixed =
		((uint64_t)(uintptr_t)ctx ^ (uint64_t)(uintptr_t)fn << 7) * 0x9e3779b97f4a7c15u;
	size_t at = (size_t)(mixed >> 32) & (l->slot_count - 1);

	while (l->slots[at]) {
		const struct later *it = &l->soon.at[l->slots[at] - 1];
		if (it->fn == fn && it->ctx == ctx)
			break;
		at = (at + 1) & (l->slot_count - 1);
	}
	return at;
}

static void grow_laters(struct loop *l)
{
	struct later_list *soon = &l->soon;

	soon->cap = soon->cap ? 2 * soon->cap : 64;
	soon->at = mem_grow(soon->at, soon->cap, sizeof(*soon->at));
	free(l->slots);
	l->slot_count = 2 * soon->cap;
	l->slots = mem_new(l->slot_count, sizeof(*l->slots));
	for (size_t i = 0; i < soon->count; i++)
		l->slots[slot_of(l, soon->at[i].fn, soon->at[i].ctx)] = (uint32_t)i + 1;
}

void loop_later(struct loop *l, loop_fn *fn, void *ctx)
{
	if (l->soon.count == l->soon.cap)
		grow_laters(l);
	size_t slot = slot_of(l, fn, ctx);
	if (l->slots[slot])
		return;
	l->soon.at[l->soon.count++] = (struct later){ fn, ctx };
	l->slots[slot] = (uint32_t)l->soon.count;
}

void loop_forget(struct loop *l, const void *ctx)
{
	struct later_list *lists[] = { &l->soon, &l->running };

	for (size_t k = 0; k < countof(lists); k++)
		for (size_t i = 0; i < lists[k]->count; i++)
			if (lists[k]->at[i].ctx == ctx)
				lists[k]->at[i].fn = NULL;
}

/* What is asked for meanwhile waits for the next turn, which then does not sleep. */
static void run_laters(struct loop *l)
{
	struct later_list now = l->soon;

	if (!now.count)
		return;
	/* The two lists change places; both keep their memory. */
	l->soon = (struct later_list){ .at = l->running.at, .cap = l->running.cap };
	if (l->soon.cap < now.cap) {
		l->soon.at = mem_grow(l->soon.at, now.cap, sizeof(*now.at));
		l->soon.cap = now.cap;
	}
	l->running = now;
	memset(l->slots, 0, l->slot_count * sizeof(*l->slots));
	for (size_t i = 0; i < l->running.count; i++) {
		struct later it = l->running.at[i];
		if (!it.fn)
			continue;
		l->calls++;
		it.fn(it.ctx);
	}
	l->running.count = 0;
}

/* Turns. */

static void run_timers(struct loop *l)
{
	uint64_t newest = l->set_count; /* a timer set to 0 from a timer waits a turn */

	while (l->heap_count && l->heap[1]->due_ms <= l->now_ms && l->heap[1]->order <= newest) {
		struct timer *t = l->heap[1];
		timer_stop(t);
		l->calls++;
		t->fn(t->ctx);
	}
}

static int sleep_ms(const struct loop *l, int64_t timeout_ms)
{
	if (l->soon.count || l->clock != clock_real())
		return 0;
	int64_t ms = timeout_ms;
	if (l->heap_count) {
		int64_t until = l->heap[1]->due_ms - clock_mono_ms(l->clock);
		until = until > 0 ? until : 0;
		ms = ms < 0 || until < ms ? until : ms;
	}
	return ms < 0 ? -1 : ms > 3600000 ? 3600000 : (int)ms;
}

static void run_event(const struct epoll_event *ev)
{
	struct watch *w = ev->data.ptr;
	unsigned events = 0;

	if (!w->fn)
		return;
	if (ev->events & (EPOLLIN | EPOLLRDHUP))
		events |= LOOP_READ;
	if (ev->events & EPOLLOUT)
		events |= LOOP_WRITE;
	if (ev->events & (EPOLLERR | EPOLLHUP))
		events |= LOOP_HANGUP;
	w->loop->calls++;
	w->fn(w->ctx, events);
}

static int turn(struct loop *l, int64_t timeout_ms)
{
	struct epoll_event ready[EVENTS_PER_TURN];
	int count = epoll_wait(l->epoll, ready, EVENTS_PER_TURN, sleep_ms(l, timeout_ms));

	l->now_ms = clock_mono_ms(l->clock);
	for (int i = 0; i < count && !l->is_stopped; i++)
		run_event(&ready[i]);
	if (!l->is_stopped)
		run_timers(l);
	run_laters(l);
	bury(l->dead);
	l->dead = NULL;
	return count;
}

bool loop_turn(struct loop *l, int64_t timeout_ms)
{
	(void)turn(l, timeout_ms);
	return !l->is_stopped;
}

bool loop_run(struct loop *l, struct err *e)
{
	while (!l->is_stopped)
		if (turn(l, -1) < 0 && errno != EINTR)
			return err_sys(e, "epoll");
	return true;
}

void loop_stop(struct loop *l)
{
	l->is_stopped = true;
}
