/* agent.h - the agent's life with musterd: enrol, renew, attest, keep programs supplied.
 *
 * One struct agent per process, one file per job.  Jobs meet in few calls: identity says
 * when there is one (agent_has_identity), and each job says how it went for `status`.
 */
#pragma once

#include "agent/settings.h"
#include "agent/walls.h"
#include "base/buf.h"
#include "crypto/cert.h"
#include "crypto/key.h"
#include "net/addr.h"
#include "net/http_client.h"
#include "sys/loop.h"

struct est;
struct tls_ctx;

enum { AGENT_STATUS_MAX = 4096, AGENT_REPLY_MAX = 65536, AGENT_WORKLOADS = 32 };

/* Tries again with full jitter: a random part of a span that doubles up to five minutes. */
struct backoff {
	unsigned failures;
};
int64_t backoff_next_ms(struct backoff *b);

struct signer {
	struct agent *agent;
	enum agent_which which;
};

struct slot { /* an identity as net knows it */
	struct buf certificate;
	struct key *key; /* signs by asking keys */
	struct tls_ctx *tls;
	struct signer signer;
	int64_t not_before_ms, not_after_ms;
};

struct attest_job {
	struct timer *timer;
	struct backoff backoff;
	bool is_busy, is_activated;
	int64_t at_ms; /* of the last verdict */
	char verdict[32], grade[32], error[256];
};

struct workload_job {
	struct agent *agent;
	struct str name;
	struct timer *timer;
	struct backoff backoff;
	int64_t until_ms; /* the certificate's end; 0: none yet */
};

struct agent {
	struct settings set;
	uint32_t pcr_mask;
	bool is_once; /* muster-agent enrol: end when enrolled */
	struct loop *loop;
	int keys_fd;
	struct addr enrol, control;

	struct slot slot[2];
	struct buf infra_ca, device_ca;
	struct http_client *http;  /* with the current identity; NULL: not enrolled */
	struct http_client *probe; /* tries the next one */
	struct est *est;
	struct timer *identity_timer;
	struct backoff identity_backoff;
	char identity_error[256];

	struct attest_job attest;
	struct workload_job workloads[AGENT_WORKLOADS];
	size_t workload_count;
	struct local *local;
};

/* keys.c: one question to room keys; the answer is put into out (cleared first). */
bool agent_ask(struct agent *a, enum agent_msg type, struct bytes body, struct buf *out,
	       struct err *e) must_check;
bool agent_load(struct agent *a, struct buf *out_code, struct err *e) must_check;

/* identity.c */
void identity_start(struct agent *a);
bool identity_renew(struct agent *a, struct err *e); /* now, not at two thirds */

/* attest.c: from when there is an identity. */
void attest_start(struct agent *a);
void attest_now(struct agent *a); /* somebody asks; local_attested follows */

/* workload.c */
bool workload_init(struct agent *a, struct err *e) must_check;
void workload_start(struct agent *a); /* every one that has no certificate yet */

/* local.c: status and attest for programs on this machine. */
void local_start(struct agent *a, int listen_fd);
void local_attested(struct agent *a, const struct err *why); /* why NULL: judged */

/* JSON over the kept connection. on_same_connection: see http_client.h. */
void agent_post(struct agent *a, const char *target, const struct buf *json,
		bool on_same_connection, http_done_fn *fn, void *ctx);
