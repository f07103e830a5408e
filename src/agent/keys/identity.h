/* identity.h - this device's key and certificate on disk, through enrolment and renewal.
 *
 * One folder per generation: state-dir/id-N with key.pem (or key.tpm), request.der and
 * cert.der; the file `current` holds the N in use.  A new generation is made beside the old
 * one and adopted, in one rename, only after it has been used: a power cut at any moment
 * leaves a pair that works.  The same request is sent again after a lost answer, which gives
 * the same certificate.
 */
#pragma once

#include "agent/settings.h"
#include "base/buf.h"
#include "crypto/key.h"

struct identity_slot {
	unsigned number; /* 0: there is none */
	struct key *key;
	struct buf request, certificate; /* DER, maybe empty */
	struct buf blob;                 /* of a TPM key */
	const char *tcti;
};

struct identity {
	const struct settings *settings;
	struct identity_slot slot[2]; /* by enum agent_which */
	struct buf infra_ca, device_ca;
};

bool identity_open(const struct settings *s, struct identity *out, struct err *e) must_check;

/* The request of the next generation; makes key and request when there are none. */
bool identity_request(struct identity *id, struct bytes *out, struct err *e) must_check;
/* The next generation's certificate: of its key, signed by one of the two. */
bool identity_install(struct identity *id, struct bytes certificate, struct bytes infra_ca,
		      struct bytes device_ca, struct err *e) must_check;
bool identity_adopt(struct identity *id, struct err *e) must_check;
