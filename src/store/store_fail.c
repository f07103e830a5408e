/* store_fail.c - an engine whose nth call fails: what must hold when any of them does. */
#include "store/engine.h"

#include "base/mem.h"

struct failing {
	struct store_engine engine; /* first: is one */
	struct store_engine *real;
	uint64_t calls, nth;
	bool is_persistent;
};

static bool fails(struct store_engine *g, struct err *e)
{
	struct failing *f = (struct failing *)g;

	f->calls++;
	if (!f->nth || (f->is_persistent ? f->calls < f->nth : f->calls != f->nth))
		return false;
	err_set(e, ERR_RETRY, "call %llu to the database fails, as asked",
		(unsigned long long)f->calls);
	return true;
}

static bool fail_run(struct store_engine *g, struct store_statement *q, struct err *e)
{
	struct store_engine *real = ((struct failing *)g)->real;

	return !fails(g, e) && real->run(real, q, e);
}

static bool fail_script(struct store_engine *g, const char *sql, struct err *e)
{
	struct store_engine *real = ((struct failing *)g)->real;

	return !fails(g, e) && real->script(real, sql, e);
}

static bool fail_checkpoint(struct store_engine *g, struct err *e)
{
	struct store_engine *real = ((struct failing *)g)->real;

	return !fails(g, e) && real->checkpoint(real, e);
}

static bool fail_is_open(struct store_engine *g)
{
	struct store_engine *real = ((struct failing *)g)->real;

	return real->is_open(real);
}

static void fail_close(struct store_engine *g)
{
	struct store_engine *real = ((struct failing *)g)->real;

	real->close(real);
	free(g);
}

struct store_engine *store_fail_new(struct store_engine *real)
{
	struct failing *f = mem_new(1, sizeof(*f));

	*f = (struct failing){ .engine = { fail_run, fail_script, fail_checkpoint, fail_is_open,
					   fail_close },
			       .real = real };
	return &f->engine;
}

uint64_t store_fail_set(struct store_engine *g, uint64_t nth, bool is_persistent)
{
	struct failing *f = (struct failing *)g;
	uint64_t calls = f->calls;

	f->calls = 0;
	f->nth = nth;
	f->is_persistent = is_persistent;
	return calls;
}
