/* test_mqtt.c - packets are read whole or refused with the right code (M2, M3, M5, M6). */
#include "test.h"

#include "codec/mqtt.h"

static const struct mqtt_limits limits = { .packet_bytes = 131072, .props = 32, .filters = 8 };

/* Every good packet, once per version it exists in. */
static const struct {
	const char *says;
	enum mqtt_version version;
	struct str wire;
} good[] = {
	{ "CONNECT 3.1.1", MQTT_V311,
	  STR_INIT("\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01"
		   "a") },
	{ "CONNECT with everything", MQTT_V5,
	  STR_INIT("\x10\x28\x00\x04MQTT\x05\xee\x00\x3c\x05\x11\x00\x00\x00\x0a\x00\x01"
		   "a\x05\x18\x00\x00\x00\x05\x00\x03w/t\x00\x02hi\x00\x01u\x00\x01p") },
	{ "CONNACK 3.1.1", MQTT_V311, STR_INIT("\x20\x02\x01\x00") },
	{ "CONNACK 5", MQTT_V5, STR_INIT("\x20\x06\x00\x00\x03\x22\x00\x10") },
	{ "PUBLISH QoS 0", MQTT_V311,
	  STR_INIT("\x30\x05\x00\x01"
		   "ahi") },
	{ "PUBLISH QoS 2 retained", MQTT_V5,
	  STR_INIT("\x35\x08\x00\x01"
		   "a\x00\x07\x00hi") },
	{ "PUBLISH with an alias alone", MQTT_V5, STR_INIT("\x30\x07\x00\x00\x03\x23\x00\x01h") },
	{ "PUBACK", MQTT_V311, STR_INIT("\x40\x02\x00\x07") },
	{ "PUBACK short in 5", MQTT_V5, STR_INIT("\x40\x02\x00\x07") },
	{ "PUBACK with code", MQTT_V5, STR_INIT("\x40\x03\x00\x07\x87") },
	{ "PUBREC with reason string", MQTT_V5,
	  STR_INIT("\x50\x0a\x00\x07\x87\x06\x1f\x00\x03why") },
	{ "PUBREL", MQTT_V5, STR_INIT("\x62\x02\x00\x07") },
	{ "PUBCOMP", MQTT_V5, STR_INIT("\x70\x03\x00\x07\x92") },
	{ "SUBSCRIBE 3.1.1", MQTT_V311,
	  STR_INIT("\x82\x0c\x00\x01\x00\x03"
		   "a/#\x01\x00\x01"
		   "b\x00") },
	{ "SUBSCRIBE 5", MQTT_V5,
	  STR_INIT("\x82\x0b\x00\x01\x02\x0b\x07\x00\x03"
		   "a/#\x2d") },
	{ "SUBACK", MQTT_V311, STR_INIT("\x90\x04\x00\x01\x00\x80") },
	{ "SUBACK 5", MQTT_V5, STR_INIT("\x90\x05\x00\x01\x00\x00\x87") },
	{ "UNSUBSCRIBE", MQTT_V311,
	  STR_INIT("\xa2\x05\x00\x01\x00\x01"
		   "a") },
	{ "UNSUBACK", MQTT_V311, STR_INIT("\xb0\x02\x00\x01") },
	{ "UNSUBACK 5", MQTT_V5, STR_INIT("\xb0\x04\x00\x01\x00\x11") },
	{ "PINGREQ", MQTT_V311, STR_INIT("\xc0\x00") },
	{ "PINGRESP", MQTT_V5, STR_INIT("\xd0\x00") },
	{ "DISCONNECT", MQTT_V311, STR_INIT("\xe0\x00") },
	{ "DISCONNECT with will", MQTT_V5, STR_INIT("\xe0\x01\x04") },
	{ "AUTH", MQTT_V5, STR_INIT("\xf0\x06\x18\x04\x15\x00\x01m") },
};

static void what_is_written_is_what_was_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(good); i++) {
		struct mqtt_packet p;
		struct err e = { 0 };
		uint8_t reason;
		auto_buf struct buf out = { 0 };
		buf_init(&out, 4096);
		check(mqtt_read(bytes_str(good[i].wire), good[i].version, &limits, &p, &reason, &e),
		      good[i].says);
		check(p.version == good[i].version, good[i].says);
		check(mqtt_write(&out, &p, p.version), good[i].says);
		check(str_eq(buf_str(&out), good[i].wire), good[i].says);
	}
}

static void a_packet_is_whole_only_at_its_last_byte_M2(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(good); i++)
		for (size_t len = 0; len <= good[i].wire.len; len++) {
			struct bytes part = bytes_of(good[i].wire.ptr, len);
			size_t whole = 0;
			uint8_t reason;
			struct err e;
			enum mqtt_frame want = len < good[i].wire.len ? MQTT_MORE : MQTT_WHOLE;
			check(mqtt_frame(part, &limits, &whole, &reason, &e) == want, good[i].says);
		}
}

static void fields_cannot_outgrow_their_packet_M3(void **state)
{
	uint8_t copy[64];

	(void)state;
	/* Cut the packet at every byte and correct the remaining length: whatever is
	 * accepted must be written back the same, nothing may be read past the end. */
	for (size_t i = 0; i < countof(good); i++)
		for (size_t len = 2; len < good[i].wire.len; len++) {
			struct mqtt_packet p;
			struct err e;
			uint8_t reason = 0;
			auto_buf struct buf out = { 0 };
			buf_init(&out, 4096);
			memcpy(copy, good[i].wire.ptr, len);
			copy[1] = (uint8_t)(len - 2);
			if (mqtt_read(bytes_of(copy, len), good[i].version, &limits, &p, &reason,
				      &e))
				check(mqtt_write(&out, &p, p.version), good[i].says);
			else
				check(reason >= 0x80 && e.kind == ERR_INPUT, good[i].says);
		}
}

static const struct {
	const char *says;
	enum mqtt_version version;
	struct str wire;
	uint8_t reason;
} bad[] = {
	{ "type 0 (M1)", MQTT_V5, STR_INIT("\x00\x00"), 0x81 },
	{ "PUBLISH of QoS 3", MQTT_V5,
	  STR_INIT("\x36\x05\x00\x01"
		   "a\x00\x01"),
	  0x81 },
	{ "SUBSCRIBE with the wrong flags", MQTT_V5, STR_INIT("\x80\x00"), 0x81 },
	{ "PINGREQ with flags", MQTT_V5, STR_INIT("\xc1\x00"), 0x81 },
	{ "five length bytes (M2)", MQTT_V5, STR_INIT("\x30\xff\xff\xff\xff\x01"), 0x81 },
	{ "a length not in shortest form (M2)", MQTT_V5, STR_INIT("\xc0\x80\x00"), 0x81 },
	{ "a packet over the limit (M2)", MQTT_V5, STR_INIT("\x30\xff\xff\x7f"), 0x95 },
	{ "a topic longer than the packet (M3)", MQTT_V5,
	  STR_INIT("\x30\x03\x00\x09"
		   "a"),
	  0x81 },
	{ "no topic and no alias (M3)", MQTT_V5, STR_INIT("\x30\x03\x00\x00\x00"), 0x82 },
	{ "a wildcard in a topic (M3)", MQTT_V311,
	  STR_INIT("\x30\x05\x00\x03"
		   "a/#"),
	  0x90 },
	{ "NUL in a topic (M3)", MQTT_V311,
	  STR_INIT("\x30\x05\x00\x03"
		   "a\0b"),
	  0x81 },
	{ "packet id 0", MQTT_V311,
	  STR_INIT("\x32\x05\x00\x01"
		   "a\x00\x00"),
	  0x81 },
	{ "alias 0 (M13)", MQTT_V5,
	  STR_INIT("\x30\x07\x00\x01"
		   "a\x03\x23\x00\x00"),
	  0x94 },
	{ "a property twice (M5)", MQTT_V5,
	  STR_INIT("\x30\x08\x00\x01"
		   "a\x04\x01\x01\x01\x01"),
	  0x82 },
	{ "an unknown property (M5)", MQTT_V5,
	  STR_INIT("\x30\x06\x00\x01"
		   "a\x02\x7f\x01"),
	  0x81 },
	{ "a property of another packet (M5)", MQTT_V5,
	  STR_INIT("\x30\x07\x00\x01"
		   "a\x03\x21\x00\x01"),
	  0x82 },
	{ "properties past the packet (M5)", MQTT_V5,
	  STR_INIT("\x30\x04\x00\x01"
		   "a\x09"),
	  0x81 },
	{ "CONNECT with a reserved flag", MQTT_V311,
	  STR_INIT("\x10\x0d\x00\x04MQTT\x04\x03\x00\x3c\x00\x01"
		   "a"),
	  0x81 },
	{ "CONNECT of MQTT 3.1", MQTT_V311,
	  STR_INIT("\x10\x0e\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x00"), 0x84 },
	{ "CONNECT of version 6", MQTT_V311,
	  STR_INIT("\x10\x0c\x00\x04MQTT\x06\x02\x00\x3c\x00\x00"), 0x84 },
	{ "CONNECT with bytes after it", MQTT_V311,
	  STR_INIT("\x10\x0e\x00\x04MQTT\x04\x02\x00\x3c\x00\x01"
		   "ab"),
	  0x81 },
	{ "CONNECT with a will to a wildcard (M10)", MQTT_V311,
	  STR_INIT("\x10\x12\x00\x04MQTT\x04\x06\x00\x3c\x00\x01"
		   "a\x00\x01#\x00\x00"),
	  0x90 },
	{ "authentication data alone", MQTT_V5, STR_INIT("\xf0\x06\x18\x04\x16\x00\x01m"), 0x82 },
	{ "SUBSCRIBE to nothing", MQTT_V311, STR_INIT("\x82\x02\x00\x01"), 0x82 },
	{ "SUBSCRIBE of QoS 3", MQTT_V311,
	  STR_INIT("\x82\x06\x00\x01\x00\x01"
		   "a\x03"),
	  0x82 },
	{ "SUBSCRIBE to a/#/b", MQTT_V311,
	  STR_INIT("\x82\x0a\x00\x01\x00\x05"
		   "a/#/b\x00"),
	  0x8f },
	{ "no-local on a share", MQTT_V5, STR_INIT("\x82\x10\x00\x01\x00\x00\x0a$share/g/a\x04"),
	  0x82 },
	{ "AUTH in 3.1.1", MQTT_V311, STR_INIT("\xf0\x00"), 0x81 },
	{ "a PINGREQ that says something", MQTT_V311, STR_INIT("\xc0\x01x"), 0x81 },
};

static void a_bad_packet_is_refused_with_its_code(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(bad); i++) {
		struct mqtt_packet p;
		struct err e = { 0 };
		uint8_t reason = 0;
		check(!mqtt_read(bytes_str(bad[i].wire), bad[i].version, &limits, &p, &reason, &e),
		      bad[i].says);
		check(reason == bad[i].reason && e.kind == ERR_INPUT, bad[i].says);
	}
}

static void put_filters(struct buf *out, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check(mqtt_filter_put(out, MQTT_SUBSCRIBE,
				      &(struct mqtt_filter){ .text = STR("+/+") }),
		      "room");
}

static void filters_in_one_packet_are_capped_M6(void **state)
{
	(void)state;
	for (size_t count = 1; count <= 10000; count = count < 8 ? 8 : count < 9 ? 9 : count * 33) {
		auto_buf struct buf list = { 0 }, out = { 0 };
		struct mqtt_packet p = { .type = MQTT_SUBSCRIBE, .id = 1 };
		uint8_t reason = 0;
		struct err e;
		buf_init(&list, 1 << 20);
		buf_init(&out, 1 << 20);
		put_filters(&list, count);
		p.list = buf_bytes(&list);
		check(mqtt_write(&out, &p, MQTT_V311), "written");
		check(mqtt_read(buf_bytes(&out), MQTT_V311, &limits, &p, &reason, &e) ==
			      (count <= 8),
		      "eight filters are fine, more are refused");
	}
}

static void user_properties_are_capped_M5(void **state)
{
	(void)state;
	for (size_t count = 30; count <= 10000; count = count < 32   ? 32
							: count < 33 ? 33
								     : count * 33) {
		auto_buf struct buf props = { 0 }, out = { 0 };
		struct mqtt_packet p = { .type = MQTT_PUBLISH, .topic = STR("a") };
		struct mqtt_prop user = { .id = MQTT_P_USER, .text = STR("k"), .value = STR("v") };
		uint8_t reason = 0;
		struct err e;
		buf_init(&props, 1 << 20);
		buf_init(&out, 1 << 20);
		for (size_t i = 0; i < count; i++)
			check(mqtt_prop_put(&props, &user), "room");
		p.props = buf_bytes(&props);
		check(mqtt_write(&out, &p, MQTT_V5), "written");
		check(mqtt_read(buf_bytes(&out), MQTT_V5, &limits, &p, &reason, &e) ==
			      (count <= 32),
		      "32 properties are fine, more are refused");
	}
}

static void properties_are_found_and_walked(void **state)
{
	auto_buf struct buf props = { 0 };
	struct mqtt_prop got;
	size_t seen = 0;

	(void)state;
	buf_init(&props, 4096);
	check(mqtt_prop_put(&props, &(struct mqtt_prop){ .id = MQTT_P_SUBSCRIPTION_ID,
							 .number = 268435455 }) &&
		      mqtt_prop_put(&props, &(struct mqtt_prop){ .id = MQTT_P_USER,
								 .text = STR("a"),
								 .value = STR("b") }) &&
		      mqtt_prop_put(&props, &(struct mqtt_prop){ .id = MQTT_P_MESSAGE_EXPIRY,
								 .number = 77 }),
	      "three properties");
	check(mqtt_prop_find(buf_bytes(&props), MQTT_P_MESSAGE_EXPIRY, &got) && got.number == 77,
	      "a number is found");
	check(mqtt_prop_find(buf_bytes(&props), MQTT_P_USER, &got) && str_eqz(got.value, "b"),
	      "a pair is found");
	check(!mqtt_prop_find(buf_bytes(&props), MQTT_P_ALIAS, &got), "what is not there is not");
	for (struct bytes b = buf_bytes(&props); mqtt_prop_next(&b, &got);)
		seen++;
	check(seen == 3, "each is walked once");
}

static void a_write_that_does_not_fit_leaves_nothing(void **state)
{
	auto_buf struct buf out = { 0 };
	struct mqtt_packet p = { .type = MQTT_PUBLISH, .topic = STR("a/b/c") };

	(void)state;
	buf_init(&out, 8);
	check(!mqtt_write(&out, &p, MQTT_V311) && out.len == 0,
	      "refused, and nothing half written");
	p.type = MQTT_RESERVED;
	check(!mqtt_write(&out, &p, MQTT_V311), "type 0 is not written");
}

RUN_TESTS(cmocka_unit_test(what_is_written_is_what_was_read),
	  cmocka_unit_test(a_packet_is_whole_only_at_its_last_byte_M2),
	  cmocka_unit_test(fields_cannot_outgrow_their_packet_M3),
	  cmocka_unit_test(a_bad_packet_is_refused_with_its_code),
	  cmocka_unit_test(filters_in_one_packet_are_capped_M6),
	  cmocka_unit_test(user_properties_are_capped_M5),
	  cmocka_unit_test(properties_are_found_and_walked),
	  cmocka_unit_test(a_write_that_does_not_fit_leaves_nothing))
