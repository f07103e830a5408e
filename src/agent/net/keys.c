/* keys.c - what room net asks room keys, and an identity made of the answers. */
#include "agent/net/agent.h"

#include "base/arena.h"
#include "base/mem.h"
#include "crypto/tls.h"
#include "sys/ipc.h"

enum { INFRA = 1 };

bool agent_ask(struct agent *a, enum agent_msg type, struct bytes body, struct buf *out,
	       struct err *e)
{
	auto_arena struct arena *mem = arena_new(2 * (size_t)AGENT_BODY_MAX);
	struct bytes got;

	if (!ipc_call(a->keys_fd, (uint16_t)type, body, AGENT_BODY_MAX, mem, &got, e))
		return false;
	if (!out)
		return true;
	buf_clear(out);
	return buf_put(out, got.ptr, got.len) ||
	       err_set(e, ERR_SYSTEM, "answer from keys is too large");
}

/* Called by TLS in the middle of a handshake. */
static bool sign(void *ctx, const uint8_t digest[KEY_DIGEST], uint8_t out_sig[KEY_SIG],
		 struct err *e)
{
	struct signer *s = ctx;
	uint8_t body[1 + KEY_DIGEST] = { (uint8_t)s->which };
	auto_buf struct buf out = { 0 };

	buf_init(&out, KEY_SIG);
	memcpy(body + 1, digest, KEY_DIGEST);
	if (!agent_ask(s->agent, AGENT_SIGN, bytes_of(body, sizeof(body)), &out, e))
		return false;
	if (out.len != KEY_SIG)
		return err_set(e, ERR_SYSTEM, "signature from keys is malformed");
	memcpy(out_sig, out.ptr, KEY_SIG);
	return true;
}

static void slot_clear(struct slot *s)
{
	tls_ctx_free(s->tls);
	key_free(s->key);
	s->tls = NULL;
	s->key = NULL;
	s->not_before_ms = s->not_after_ms = 0;
	buf_clear(&s->certificate);
}

static bool slot_tls(struct agent *a, struct slot *s, struct err *e)
{
	struct bytes chain = buf_bytes(&s->certificate);
	struct tls_anchor anchor = { buf_bytes(&a->infra_ca), INFRA };
	struct tls_settings set = { .chain = &chain,
				    .chain_count = 1,
				    .key = s->key,
				    .anchors = &anchor,
				    .anchor_count = 1,
				    .peer_path = STR("/server/") };

	s->tls = tls_ctx_new(&set, e);
	return s->tls != NULL;
}

/* Rebuilt only when the certificate changed: connections use what is there. */
static bool slot_load(struct agent *a, enum agent_which which, struct bytes der, struct err *e)
{
	struct slot *s = &a->slot[which];
	struct cert c;

	if (bytes_eq(der, buf_bytes(&s->certificate)))
		return true;
	slot_clear(s);
	if (der.len == 0)
		return true;
	if (!cert_read(der, &c, e) || !buf_put(&s->certificate, der.ptr, der.len))
		return err_in(e, "own certificate");
	s->not_before_ms = c.not_before_ms;
	s->not_after_ms = c.not_after_ms;
	s->signer = (struct signer){ a, which };
	s->key = key_external(c.spki, sign, &s->signer, e);
	return s->key && slot_tls(a, s, e);
}

static void keep(struct buf *to, struct bytes from)
{
	buf_clear(to);
	(void)buf_put(to, from.ptr, from.len);
}

bool agent_load(struct agent *a, struct buf *out_code, struct err *e)
{
	auto_buf struct buf body = { 0 };
	struct agent_state s;

	buf_init(&body, AGENT_BODY_MAX);
	bool ok = agent_ask(a, AGENT_STATE, (struct bytes){ 0 }, &body, e) &&
		  agent_state_read(buf_bytes(&body), &s, e);
	if (ok) {
		keep(&a->infra_ca, s.infra_ca);
		keep(&a->device_ca, s.device_ca);
		keep(out_code, bytes_str(s.code));
		ok = slot_load(a, AGENT_CURRENT, s.certificate[AGENT_CURRENT], e) &&
		     slot_load(a, AGENT_NEXT, s.certificate[AGENT_NEXT], e);
	}
	mem_wipe(body.ptr, body.len);
	return ok;
}
