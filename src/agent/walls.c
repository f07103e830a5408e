#include "agent/walls.h"

bool agent_state_write(const struct agent_state *s, struct buf *out)
{
	uint8_t *room = buf_room(out, AGENT_BODY_MAX);
	struct wr w = wr_of(room, room ? AGENT_BODY_MAX : 0);

	wr_bytes16(&w, s->certificate[AGENT_CURRENT]);
	wr_bytes16(&w, s->certificate[AGENT_NEXT]);
	wr_bytes16(&w, s->infra_ca);
	wr_bytes16(&w, s->device_ca);
	wr_u8(&w, s->has_request);
	wr_str16(&w, s->code);
	if (!wr_ok(&w))
		return false;
	buf_added(out, w.len);
	return true;
}

bool agent_state_read(struct bytes body, struct agent_state *out, struct err *e)
{
	struct rd r = rd_of(body);

	*out = (struct agent_state){ 0 };
	out->certificate[AGENT_CURRENT] = rd_bytes16(&r);
	out->certificate[AGENT_NEXT] = rd_bytes16(&r);
	out->infra_ca = rd_bytes16(&r);
	out->device_ca = rd_bytes16(&r);
	out->has_request = rd_u8(&r) != 0;
	out->code = rd_str16(&r);
	return rd_end(&r) || err_set(e, ERR_INPUT, "state from keys is malformed");
}
