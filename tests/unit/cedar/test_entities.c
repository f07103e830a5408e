/* test_entities.c - the store: who is there, who is below whom, and what a change costs. */
#include "plant.h"

static bool in(struct plant *p, const char *low, const char *high)
{
	uint32_t a = cedar_entities_slot(p->store, plant_uid(p, low));
	uint32_t b = cedar_entities_slot(p->store, plant_uid(p, high));

	return a != CEDAR_SLOT_NONE && b != CEDAR_SLOT_NONE && cedar_entities_in(p->store, a, b);
}

static void ancestors_are_closed_in_any_order(void **state)
{
	(void)state;
	struct plant p = plant_new();

	plant_has(&p, "D::\"1\"", NULL, "G::\"a\" G::\"b\"");
	plant_has(&p, "G::\"a\"", NULL, "G::\"top\"");
	plant_has(&p, "G::\"b\"", NULL, "G::\"top\" G::\"side\"");
	plant_has(&p, "G::\"top\"", NULL, "G::\"roof\"");
	check(in(&p, "D::\"1\"", "G::\"roof\""), "a parent put later brings its own");
	check(in(&p, "D::\"1\"", "G::\"side\""), "by every way");
	check(in(&p, "D::\"1\"", "D::\"1\""), "one is in oneself");
	check(!in(&p, "G::\"a\"", "G::\"side\""), "but not in a cousin");
	check(!in(&p, "G::\"roof\"", "D::\"1\""), "nor the other way round");
	check(cedar_entities_count(p.store) == 4, "four were described");
	plant_free(&p);
}

static void a_change_reaches_those_below(void **state)
{
	(void)state;
	struct plant p = plant_new();

	plant_has(&p, "G::\"a\"", NULL, "G::\"top\"");
	plant_has(&p, "D::\"1\"", "{x: 1}", "G::\"a\"");
	plant_has(&p, "D::\"2\"", NULL, "D::\"1\"");
	plant_has(&p, "G::\"a\"", NULL, "G::\"other\"");
	check(in(&p, "D::\"2\"", "G::\"other\""), "the new parent holds");
	check(!in(&p, "D::\"2\"", "G::\"top\""), "the old one does not");
	check(cedar_entities_remove(p.store, plant_uid(&p, "G::\"a\"")), "it can be removed");
	check(!cedar_entities_remove(p.store, plant_uid(&p, "G::\"a\"")), "once");
	check(in(&p, "D::\"2\"", "G::\"a\""), "a parent that is not there still counts");
	check(!in(&p, "D::\"2\"", "G::\"other\""), "but leads nowhere");
	plant_has(&p, "D::\"1\"", "{x: 2}", NULL);
	check(!in(&p, "D::\"2\"", "G::\"a\""), "until the child lets go");
	check(in(&p, "D::\"2\"", "D::\"1\""), "of that one alone");
	plant_free(&p);
}

static void nobody_is_its_own_ancestor(void **state)
{
	(void)state;
	struct plant p = plant_new();
	struct err e = { 0 };

	plant_has(&p, "G::\"a\"", NULL, "G::\"b\"");
	plant_has(&p, "G::\"b\"", NULL, "G::\"c\"");
	check(!plant_put(&p, "G::\"c\"", NULL, NULL, "G::\"a\"", &e), "a ring is refused");
	check(e.kind == ERR_INPUT, "as input");
	check(!plant_put(&p, "G::\"d\"", NULL, NULL, "G::\"d\"", &e), "the smallest ring too");
	check(plant_put(&p, "G::\"c\"", NULL, NULL, "G::\"d\"", &e), "a chain is not");
	check(in(&p, "G::\"a\"", "G::\"d\""), "and is closed");
	plant_free(&p);
}

static void values_are_copied(void **state)
{
	(void)state;
	struct plant p = plant_new();
	struct arena *once = arena_new(1 << 20), *keep = p.mem;

	p.mem = once;
	plant_has(&p, "D::\"1\"",
		  "{s: \"text\", r: {a: [1, \"b\"]}, e: D::\"2\", ip: ip(\"10.0.0.1\")}", NULL);
	p.mem = keep;
	arena_free(once);
	uint32_t slot = cedar_entities_slot(p.store, plant_uid(&p, "D::\"1\""));
	struct cedar_value got = { .kind = CEDAR_RECORD,
				   .record = cedar_entities_attrs(p.store, slot) };
	struct cedar_value want = plant_value(
		&p, "{s: \"text\", r: {a: [1, \"b\"]}, e: D::\"2\", ip: ip(\"10.0.0.1\")}");
	check(cedar_value_eq(got, want), "whole, and its own");
	check(!cedar_entities_is_present(p.store,
					 cedar_entities_slot(p.store, plant_uid(&p, "D::\"2\""))),
	      "a mention describes nobody");
	plant_free(&p);
}

/* R8: depth is capped where recursion would follow it. */
static void a_value_nested_too_deep_is_refused(void **state)
{
	(void)state;
	struct plant p = plant_new();
	struct err e = { 0 };
	struct cedar_value v = cedar_long(1);
	uint32_t name = cedar_names_put(p.names, STR("a"));

	for (int depth = 0; depth < 1100; depth++) {
		const struct cedar_set *set = cedar_set_new(p.mem, &v, 1);
		v = (struct cedar_value){ .kind = CEDAR_SET, .set = set };
		struct cedar_record attrs = { 1, &name, &v };
		struct cedar_entity entity = { .uid = plant_uid(&p, "D::\"1\""), .attrs = &attrs };
		bool is_taken = cedar_entities_put(p.store, &entity, &e);
		if (depth == 900)
			check(is_taken, "deep is fine");
		if (depth == 1099)
			check(!is_taken && e.kind == ERR_INPUT, "too deep is refused");
	}
	check(cedar_entities_count(p.store) == 1, "and what was there stays");
	plant_free(&p);
}

/* Random puts and removals against a plain closure made anew each time. */
enum { WALK_NODES = 12, WALK_STEPS = 3000 };

struct walk {
	bool edges[WALK_NODES][WALK_NODES];
	bool closed[WALK_NODES][WALK_NODES];
};

static void close_over(struct walk *w)
{
	memcpy(w->closed, w->edges, sizeof(w->closed));
	for (int k = 0; k < WALK_NODES; k++)
		for (int i = 0; i < WALK_NODES; i++)
			for (int j = 0; j < WALK_NODES; j++)
				w->closed[i][j] |= w->closed[i][k] && w->closed[k][j];
}

static void closure_is_kept_through_any_changes(void **state)
{
	(void)state;
	struct plant p = plant_new();
	struct walk w = { 0 };
	struct cedar_uid uids[WALK_NODES];
	static const char names[] = "abcdefghijkl";
	uint32_t random = 7;

	for (int i = 0; i < WALK_NODES; i++)
		uids[i] = cedar_uid_of(1, (struct str){ &names[i], 1 });
	for (int step = 0; step < WALK_STEPS; step++) {
		const struct cedar_uid *parents[3];
		struct cedar_entity entity = { .parents = parents };
		random = random * 1664525 + 1013904223;
		uint32_t who = (random >> 8) % WALK_NODES, count = (random >> 16) % 4;
		bool makes_ring = false, edges[WALK_NODES] = { 0 };
		for (uint32_t i = 0; i < count; i++) {
			uint32_t parent = (random >> (i * 5)) % WALK_NODES;
			parents[i] = &uids[parent];
			edges[parent] = true;
			makes_ring |= parent == who || w.closed[parent][who];
		}
		entity.uid = &uids[who];
		entity.parent_count = count;
		struct err e = { 0 };
		if (random % 7 == 0) {
			(void)cedar_entities_remove(p.store, &uids[who]);
			memset(w.edges[who], 0, sizeof(edges));
		} else {
			check(cedar_entities_put(p.store, &entity, &e) == !makes_ring,
			      "rings and only rings are refused");
			if (!makes_ring)
				memcpy(w.edges[who], edges, sizeof(edges));
		}
		close_over(&w);
		for (int i = 0; i < WALK_NODES; i++)
			for (int j = 0; j < WALK_NODES; j++) {
				uint32_t a = cedar_entities_slot(p.store, &uids[i]);
				uint32_t b = cedar_entities_slot(p.store, &uids[j]);
				bool is_in = a != CEDAR_SLOT_NONE && b != CEDAR_SLOT_NONE &&
					     cedar_entities_in(p.store, a, b);
				check(is_in == (w.closed[i][j] || (i == j && is_in)),
				      "the store and the plain closure agree");
			}
	}
	plant_free(&p);
}

RUN_TESTS(cmocka_unit_test(ancestors_are_closed_in_any_order),
	  cmocka_unit_test(a_change_reaches_those_below),
	  cmocka_unit_test(nobody_is_its_own_ancestor), cmocka_unit_test(values_are_copied),
	  cmocka_unit_test(a_value_nested_too_deep_is_refused),
	  cmocka_unit_test(closure_is_kept_through_any_changes))
