/* cert.h - X.509 certificates of our own authorities: issued from names, read strictly.
 *
 * cert_issue builds everything itself from a profile, a name and a public key; nothing is
 * copied from a request (RFC 5280; RFC 7030 4.2).  cert_read is the one reader of names in
 * certificates, used at enrolment and at connect alike: a certificate that any of our own
 * profiles could not have produced is refused with its reason (T3-T5).  OpenSSL still
 * verifies chains and signatures in TLS; this reader asserts what it does not.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "crypto/hash.h"
#include "crypto/key.h"

enum cert_profile {
	CERT_NONE,
	CERT_CA,       /* self-signed authority */
	CERT_DEVICE,   /* clientAuth */
	CERT_WORKLOAD, /* clientAuth */
	CERT_SERVICE,  /* clientAuth */
	CERT_GATE,     /* clientAuth and serverAuth: devices connect to it */
	CERT_SENSOR,   /* clientAuth */
	CERT_SERVER,   /* serverAuth: musterd's listeners */
	CERT_USER,     /* clientAuth */
	CERT_PROFILES,
};

enum { CERT_SERIAL = 16, CERT_SERIAL_TEXT = 41, CERT_KEY_ID = 20, CERT_MAX_BYTES = 4096 };

/* Who signs: made once from the authority's certificate and key. Views into both. */
struct cert_issuer {
	const struct key *key;
	struct bytes name; /* DER Name of the authority */
	uint8_t key_id[CERT_KEY_ID];
};

struct cert_request {
	enum cert_profile profile;
	struct str uri;         /* SPIFFE ID; required for all but CERT_CA */
	struct str common_name; /* subject: 1-64 printable ASCII */
	const struct str *dns;  /* CERT_SERVER and CERT_GATE only */
	size_t dns_count;
	const struct str *ip; /* text, v4 or v6; as above */
	size_t ip_count;
	struct bytes spki;                   /* P-256 */
	int64_t not_before_ms, not_after_ms; /* wall time, whole seconds are kept */
	const uint8_t *serial;               /* CERT_SERIAL bytes, or NULL: 127 random bits */
};

bool cert_issuer_read(struct bytes ca_certificate, const struct key *key, struct cert_issuer *out,
		      struct err *e) must_check;

/* One DER certificate, appended to out. For CERT_CA the issuer is q itself: pass an issuer with
 * only .key set. */
bool cert_issue(const struct cert_request *q, const struct cert_issuer *by, struct buf *out,
		struct err *e) must_check;

enum { CERT_CLIENT_AUTH = 1, CERT_SERVER_AUTH = 2 };

/* Views into the DER that was read. */
struct cert {
	struct bytes der;
	struct bytes serial; /* big-endian, no leading zeros, 1-20 bytes */
	struct str uri;      /* the one URI SAN; empty for authorities */
	struct str common_name;
	struct bytes issuer, subject; /* DER Names */
	int64_t not_before_ms, not_after_ms;
	struct bytes spki;
	struct bytes key_id, issuer_key_id; /* empty when absent */
	bool is_ca;
	unsigned eku;                /* CERT_CLIENT_AUTH | CERT_SERVER_AUTH */
	struct bytes tbs, signature; /* what is signed, and the DER signature */
};

/* Exactly one certificate, ecdsa-with-SHA256, P-256 key, known extensions only, one URI SAN of
 * plain ASCII (none when is_ca). Says nothing about who signed it. */
bool cert_read(struct bytes der, struct cert *out, struct err *e) must_check;

/* Is `c` signed by this authority (its key, name and key id), and valid at that time? */
bool cert_verify(const struct cert *c, const struct cert *authority, int64_t at_ms,
		 struct err *e) must_check;

/* The public key inside anybody's certificate (an EK's, a vendor's), whatever its extensions. */
bool cert_read_spki(struct bytes der, struct bytes *out_spki, struct err *e) must_check;

void cert_serial_text(struct bytes serial, char out[CERT_SERIAL_TEXT]); /* lower-case hex */
