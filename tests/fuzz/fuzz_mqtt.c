/* fuzz_mqtt.c - a stream of MQTT packets: first byte the version, then bytes off the wire. */
#include "codec/mqtt.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was accepted is written, read again and written the same. */
static void round_trip(struct bytes frame, enum mqtt_version version,
		       const struct mqtt_limits *limits)
{
	auto_buf struct buf one = { 0 }, two = { 0 };
	struct mqtt_packet p;
	struct err e;
	uint8_t reason;

	buf_init(&one, 1 << 20);
	buf_init(&two, 1 << 20);
	if (!mqtt_read(frame, version, limits, &p, &reason, &e))
		return;
	assert(mqtt_write(&one, &p, p.version));
	assert(mqtt_read(buf_bytes(&one), version, limits, &p, &reason, &e));
	assert(mqtt_write(&two, &p, p.version));
	assert(str_eq(buf_str(&one), buf_str(&two)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct mqtt_limits limits = { .packet_bytes = 65536, .props = 64, .filters = 64 };
	struct bytes in = bytes_of(data + (size > 0), size > 0 ? size - 1 : 0);
	enum mqtt_version version = size > 0 && data[0] == MQTT_V5 ? MQTT_V5 : MQTT_V311;
	size_t len = 0;
	uint8_t reason;
	struct err e;

	while (mqtt_frame(in, &limits, &len, &reason, &e) == MQTT_WHOLE) {
		round_trip(bytes_of(in.ptr, len), version, &limits);
		in = bytes_of(in.ptr + len, in.len - len);
	}
	return 0;
}
