/* plant.h - what a scenario is played on: facts as core keeps them, a gate that hears of
 * them over a link, and the decisions of src/model in both. */
#pragma once

#include "model/attest.h"
#include "model/policy.h"
#include "model/trust.h"
#include "sys/sim.h"

enum { UNITS_MAX = 32, SIGNALS_MAX = 8, WORDS_MAX = 24, TEXT = 64 };

/* A device or service, as core knows it. */
struct unit {
	struct plant *plant;
	char id[TEXT], site[TEXT], group[TEXT];
	bool is_service, is_retired;
	struct trust_facts facts;
	struct trust_signal signals[SIGNALS_MAX];
	char kinds[SIGNALS_MAX][TEXT];
	uint8_t pcr10; /* what its PCR 10 holds */
	uint32_t resets;
	struct attest_counters before;
	struct trust_profile profile; /* last worked out */
	struct timer *again;          /* profile.next_ms */
	bool is_connected;            /* to the gate */
	int64_t cut_ms;               /* when its last session ended */
};

struct plant {
	struct sim *sim;
	struct sim_link feed; /* core to gate */
	struct arena *mem;
	struct policy *policy;
	struct trust_rules rules;
	struct unit units[UNITS_MAX];
	size_t count;
	uint64_t seq;       /* core's */
	uint64_t reference; /* version that vouches for PCR 10 = 0; 0: there is none */
	struct timer *beat;
	bool is_core_down;
	/* the gate's */
	struct world *world;
	uint64_t seen_seq;
	int64_t fresh_ms; /* monotonic: last heard of core */
};

struct plant *plant_new(uint64_t seed, struct err *e);
void plant_free(struct plant *p); /* NULL is fine */

int64_t plant_wall_ms(const struct plant *p);
struct unit *plant_unit(struct plant *p, struct str id); /* NULL: no such */
struct unit *plant_add(struct plant *p, struct str id, struct err *e);
void plant_judge(struct unit *u); /* facts changed: work out the profile, tell the gate */
void plant_attest(struct unit *u, bool is_fresh);
void plant_decide(struct plant *p, const struct unit *u, struct str action, struct str topic,
		  struct policy_answer *out);
void plant_core(struct plant *p, bool is_down);

bool verb_run(struct plant *p, const struct str *words, size_t count, struct err *e);
void verb_list(FILE *out);
