#include "gateway/walls.h"

void gate_identity_write(struct wr *w, const struct gate_identity *m)
{
	wr_bytes32(w, m->certificate);
	wr_bytes32(w, m->key_pem);
	wr_bytes32(w, m->device_ca);
}

bool gate_identity_read(struct bytes body, struct gate_identity *out)
{
	struct rd r = rd_of(body);

	out->certificate = rd_bytes32(&r);
	out->key_pem = rd_bytes32(&r);
	out->device_ca = rd_bytes32(&r);
	return rd_end(&r);
}

static const size_t counter_fields[] = {
	offsetof(struct gate_counters, sessions),        offsetof(struct gate_counters, connects),
	offsetof(struct gate_counters, messages),        offsetof(struct gate_counters, deliveries),
	offsetof(struct gate_counters, denied),          offsetof(struct gate_counters, cut),
	offsetof(struct gate_counters, dropped_records),
};

void gate_counters_write(struct wr *w, const struct gate_counters *m)
{
	for (size_t i = 0; i < countof(counter_fields); i++)
		wr_u64(w, *(const uint64_t *)((const char *)m + counter_fields[i]));
}

bool gate_counters_read(struct bytes body, struct gate_counters *out)
{
	struct rd r = rd_of(body);

	for (size_t i = 0; i < countof(counter_fields); i++)
		*(uint64_t *)((char *)out + counter_fields[i]) = rd_u64(&r);
	return rd_end(&r);
}
