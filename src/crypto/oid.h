/* oid.h - the object identifiers this folder reads and writes, in their DER contents. */
#pragma once

#include "base/str.h"

#define OID(name, text)                                                                            \
	static const struct bytes name                                                             \
		__attribute__((unused)) = { (const uint8_t *)(text), sizeof(text) - 1 }

OID(OID_ECDSA_SHA256, "\x2a\x86\x48\xce\x3d\x04\x03\x02");
OID(OID_ECDSA_SHA384, "\x2a\x86\x48\xce\x3d\x04\x03\x03");
OID(OID_ECDSA_SHA512, "\x2a\x86\x48\xce\x3d\x04\x03\x04");
OID(OID_RSA_SHA256, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b");
OID(OID_RSA_SHA384, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c");
OID(OID_RSA_SHA512, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d");

OID(OID_COMMON_NAME, "\x55\x04\x03");
OID(OID_KEY_ID, "\x55\x1d\x0e");
OID(OID_KEY_USAGE, "\x55\x1d\x0f");
OID(OID_ALT_NAME, "\x55\x1d\x11");
OID(OID_BASIC_CONSTRAINTS, "\x55\x1d\x13");
OID(OID_ISSUER_KEY_ID, "\x55\x1d\x23");
OID(OID_EXT_KEY_USAGE, "\x55\x1d\x25");
OID(OID_SERVER_AUTH, "\x2b\x06\x01\x05\x05\x07\x03\x01");
OID(OID_CLIENT_AUTH, "\x2b\x06\x01\x05\x05\x07\x03\x02");

OID(OID_CHALLENGE_PASSWORD, "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x07");
OID(OID_DATA, "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01");
OID(OID_SIGNED_DATA, "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02");
