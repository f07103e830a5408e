/* ring.h - the keys of a Muster: made once by the ceremony, read once by keys.
 *
 * Files in <state>/keys, each 0600: device-ca, infra-ca, statement and audit with .key (PEM)
 * and, for the CAs, .pem (certificate).  operator-ca.pem is here too; its key is in
 * <state>/operator-ca, which the running daemon never opens.
 */
#pragma once

#include "base/arena.h"
#include "crypto/cert.h"
#include "crypto/key.h"

struct ring {
	struct key *device_key, *infra_key, *statement, *audit;
	struct bytes device_ca, infra_ca, operator_ca; /* certificate DER, in mem */
	struct cert_issuer device, infra;
	struct str domain; /* of the CAs */
};

bool ring_read(const char *dir, struct arena *mem, struct ring *out, struct err *e) must_check;

/* The trust domain that a CA of ours is of: its common name is "<domain> <what> CA". */
bool ring_domain(struct bytes ca, struct str *out, struct err *e) must_check;

bool ring_read_key(const char *dir, const char *name, struct key **out, struct err *e) must_check;
/* <role>-ca.pem, role being "device", "infra" or "operator": refused when it is another (T14). */
bool ring_read_ca(const char *dir, const char *role, struct arena *mem, struct bytes *out,
		  struct err *e) must_check;
bool ring_read_cert(const char *dir, const char *name, struct arena *mem, struct bytes *out,
		    struct err *e) must_check;
