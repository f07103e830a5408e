/* walls.h - what room net may ask of room keys, and nothing else.
 *
 *	net	talks to musterd	knows certificates and what is public
 *	keys	talks to nobody		holds the TPM or the key files, and writes every file
 *
 * Net asks and waits (ipc_call): an agent does one thing at a time, and a TLS handshake needs
 * its signature before it goes on.  Bodies are written with base/cursor.h in the order given;
 * docs/protocols/rooms.md.
 */
#pragma once

#include "base/buf.h"
#include "base/cursor.h"
#include "base/err.h"

enum agent_msg {
	AGENT_STATE = 1,        /* -> struct agent_state */
	AGENT_SIGN,             /* u8 which, 32-byte digest -> 64-byte signature */
	AGENT_REQUEST,          /* -> DER request by the next key, made if there is none */
	AGENT_INSTALL,          /* bytes16 certificate, infra CA, device CA -> */
	AGENT_ADOPT,            /* -> ; the next identity has been used: the old one is dropped */
	AGENT_TPM,              /* -> bytes16 ek_public, ek_certificate, ak_public */
	AGENT_ACTIVATE,         /* bytes16 credential blob, secret -> the secret */
	AGENT_QUOTE,            /* 32-byte extra, u32 mask -> struct agent_quote */
	AGENT_WORKLOAD_REQUEST, /* str16 name -> DER request by the workload's key */
	AGENT_WORKLOAD_INSTALL, /* str16 name, bytes16 certificate -> */
};

enum agent_which { AGENT_CURRENT, AGENT_NEXT };

enum { AGENT_BODY_MAX = 65536 };

struct agent_state {                 /* DER; empty: there is none. Views into the body read. */
	struct bytes certificate[2]; /* by enum agent_which */
	struct bytes infra_ca, device_ca;
	bool has_request; /* a request waits for its certificate */
	struct str code;  /* the one-time code, if there is one and nothing is installed yet */
};

bool agent_state_write(const struct agent_state *s, struct buf *out);
bool agent_state_read(struct bytes body, struct agent_state *out, struct err *e) must_check;
