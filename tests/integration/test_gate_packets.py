"""Packet by packet: what the gate answers itself, what it lets through, and what ends a session."""
import socket
import ssl
import struct
import tempfile
import threading

import pytest

from gate_plant import GatePlant
from proc import wait_until

FLOW = b"plant/north/pump-1/telemetry/flow"
NEIGHBOUR = b"plant/north/pump-2/telemetry/flow"
REPLY = b"plant/north/pump-2/reply/start"
CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = 1, 2, 3, 4, 5, 6, 7
SUBSCRIBE, SUBACK, DISCONNECT = 8, 9, 14


@pytest.fixture(scope="module")
def plant():
    with tempfile.TemporaryDirectory(prefix="mt-", dir="/tmp") as folder:
        place = GatePlant(folder)
        try:
            yield place.start()
        finally:
            place.stop()


def packet(kind, body=b"", flags=0):
    size, head = len(body), b""
    while True:
        size, digit = size >> 7, size & 127
        head += bytes([digit | (128 if size else 0)])
        if not size:
            return bytes([kind << 4 | flags]) + head + body


def text(data):
    return struct.pack(">H", len(data)) + data


def connect(version=5, client_id=b"", keep_alive=60, clean=True, props=b""):
    body = text(b"MQTT") + bytes([version, 2 if clean else 0]) + struct.pack(">H", keep_alive)
    if version == 5:
        body += bytes([len(props)]) + props
    return packet(CONNECT, body + text(client_id))


def publish(topic, payload=b"x", qos=0, mid=1, version=5, props=b"", retain=0):
    body = text(topic) + (struct.pack(">H", mid) if qos else b"")
    if version == 5:
        body += bytes([len(props)]) + props
    return packet(PUBLISH, body + payload, qos << 1 | retain)


def subscribe(filters, mid=1, version=5):
    body = struct.pack(">H", mid) + (b"\0" if version == 5 else b"")
    return packet(SUBSCRIBE, body + b"".join(text(f) + b"\1" for f in filters), 2)


class Raw:
    """One TLS connection that says exactly what it is told."""

    def __init__(self, plant, credential):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(credential.folder / "ca.pem")
        context.check_hostname = False
        context.load_cert_chain(credential.folder / "cert.pem", credential.folder / "key.pem")
        self.line = context.wrap_socket(socket.create_connection(("127.0.0.1", plant.gate_port), 5))
        self.line.settimeout(5)
        self.data = b""

    def send(self, *packets):
        self.line.sendall(b"".join(packets))
        return self

    def take(self, size):
        while len(self.data) < size:
            more = self.line.recv(65536)
            if not more:
                raise EOFError
            self.data += more
        head, self.data = self.data[:size], self.data[size:]
        return head

    def read(self):
        first, size, shift = self.take(1)[0], 0, 0
        while True:
            digit = self.take(1)[0]
            size |= (digit & 127) << shift
            shift += 7
            if not digit & 128:
                return first >> 4, self.take(size)

    def is_ended(self):
        try:
            while self.read()[0] != DISCONNECT:
                pass
            self.read()
        except (EOFError, ssl.SSLError, ConnectionError):
            return True
        except socket.timeout:
            return False
        return False


@pytest.fixture(scope="module")
def pump(plant):
    return plant.credential("device/pump-1", "raw-pump")


def opened(plant, pump, version=5, **more):
    line = Raw(plant, pump).send(connect(version, **more))
    kind, body = line.read()
    assert kind == CONNACK and body[1] == 0
    return line


@pytest.mark.parametrize("kind", range(16))
def test_only_connect_opens_a_session_M1(plant, pump, kind):
    """M1: any packet before CONNECT closes, and the broker never hears of it."""
    before = plant.broker.proc.said().count("New connection")
    line = Raw(plant, pump)
    flags = 2 if kind in (6, 8, 10) else 0
    body = {1: b"", 3: text(FLOW) + b"\0", 8: b"\0\1\0" + text(b"a") + b"\0"}.get(kind, b"\0\1")
    line.send(packet(kind, body, flags))
    assert line.is_ended()
    assert plant.broker.proc.said().count("New connection") == before


@pytest.mark.parametrize("kind", [0, 1, 2, 9, 11, 13, 15])
def test_a_client_does_not_say_what_servers_say_M1(plant, pump, kind):
    """M1: a second CONNECT, server packets and reserved types end an open session."""
    line = opened(plant, pump)
    data = connect() if kind == 1 else packet(kind, b"\0\1\0\0" if kind in (9, 11) else b"\0\0")
    line.send(data if kind != 13 else packet(13))
    assert line.is_ended()


def test_bytes_one_by_one_and_all_at_once_are_the_same_M4(plant, pump):
    """M4: the same packets byte by byte, and a hundred in one record: the same answers."""
    one = opened(plant, pump)
    for byte in publish(FLOW, qos=1, mid=7) + publish(NEIGHBOUR, qos=1, mid=8):
        one.send(bytes([byte]))
    assert [one.read()[1][:3] for _ in range(2)] == [b"\0\7\x10", b"\0\x08\x87"]
    one.send(*[publish(FLOW, qos=1, mid=n) for n in range(1, 101)])
    assert [one.read()[1][:2] for _ in range(100)] == [struct.pack(">H", n) for n in range(1, 101)]


def test_a_refused_publish_in_every_qos(plant, pump):
    """QoS 0 is dropped, QoS 1 answered 0x87, QoS 2 refused in PUBREC; the session goes on."""
    line = opened(plant, pump)
    line.send(publish(NEIGHBOUR), publish(NEIGHBOUR, qos=1, mid=1), publish(NEIGHBOUR, qos=2, mid=2))
    kind, body = line.read()
    assert kind == PUBACK and body[:3] == b"\0\1\x87" and b"d-" in body  # names its record
    kind, body = line.read()
    assert kind == PUBREC and body[:3] == b"\0\2\x87"
    line.send(publish(FLOW, qos=2, mid=3))
    assert line.read() == (PUBREC, b"\0\3")
    line.send(packet(PUBREL, b"\0\3", 2))
    kind, body = line.read()
    assert kind == PUBCOMP and body[:2] == b"\0\3"


def test_a_refused_qos_2_of_311_is_completed_here(plant, pump):
    """3.1.1, a space set to acknowledge: PUBREC, PUBREL, PUBCOMP without the broker."""
    line = opened(plant, pump, version=4)
    line.send(publish(REPLY, qos=2, mid=9, version=4))
    assert line.read() == (PUBREC, b"\0\x09")
    line.send(packet(PUBREL, b"\0\x09", 2))
    assert line.read() == (PUBCOMP, b"\0\x09")
    assert "reply/start" not in plant.broker.proc.said()


def test_a_311_client_that_is_refused_is_held_off(plant, pump):
    """3.1.1, a space set to close: the session ends, and its client id waits."""
    line = opened(plant, pump, version=4, client_id=b"pump-1")
    line.send(publish(NEIGHBOUR, qos=1, version=4))
    assert line.is_ended()
    again = Raw(plant, pump).send(connect(4, client_id=b"pump-1"))
    assert again.read() == (CONNACK, b"\0\3")

    def back():
        kind, body = Raw(plant, pump).send(connect(4, client_id=b"pump-1")).read()
        return body[1] == 0
    wait_until(back, 5, "the hold-off does not end", every=0.2)


def test_an_alias_set_by_a_refused_publish_never_reached_the_broker(plant, pump):
    """An alias of a refused publish is remembered: the next one that uses it is written out."""
    line = opened(plant, pump)
    line.send(publish(NEIGHBOUR, qos=1, mid=1, props=b"\x23\0\1"))
    assert line.read()[1][:3] == b"\0\1\x87"
    line.send(publish(b"", qos=1, mid=2, props=b"\x23\0\1"))
    assert line.read()[1][:3] == b"\0\2\x87"
    line.send(publish(FLOW, qos=1, mid=3, props=b"\x23\0\2"),
              publish(b"", qos=1, mid=4, props=b"\x23\0\2"))
    assert [line.read()[1][:2] for _ in range(2)] == [b"\0\3", b"\0\4"]


@pytest.mark.parametrize("props", [b"\x23\0\0", b"\x23\xff\xff"])
def test_an_alias_past_the_maximum_ends_the_session_M13(plant, pump, props):
    """M13: alias 0, and one past what was granted."""
    line = opened(plant, pump)
    line.send(publish(FLOW, qos=1, props=props))
    assert line.is_ended()


@pytest.mark.parametrize("version,no", [(5, 0x87), (4, 0x80)])
def test_suback_codes_stay_in_order_M11(plant, pump, version, no):
    """M11: refused filters and `$` topics in between; the client's own why-topic is granted here."""
    line = opened(plant, pump, version, client_id=b"pump-1")
    line.send(subscribe([b"#", b"plant/north/pump-1/cmd/+", b"$SYS/#", b"$share/g/plant/+/+/cmd/+",
                         b"$CONTROL/#", b"$muster/why/pump-2", b"$muster/why/pump-1",
                         b"plant/north/pump-1/cmd/go"], version=version))
    kind, body = line.read()
    assert kind == SUBACK
    assert list(body[-8:]) == [no, 1, no, no, no, no, 0, 1]
    line.send(publish(NEIGHBOUR, qos=0, version=version) if version == 5 else
              publish(REPLY, qos=0, version=version))
    kind, body = line.read()
    assert kind == PUBLISH and b"$muster/why/pump-1" in body and b"no-permit" in body


def test_keep_alive_is_capped_M14(plant, pump):
    """M14: a client that asks for 65,535 seconds, or none, is given 600."""
    for asked in (0, 65535):
        kind, body = Raw(plant, pump).send(connect(keep_alive=asked)).read()
        assert kind == CONNACK and b"\x13" + struct.pack(">H", 600) in body


@pytest.mark.parametrize("data", [
    b"\x30\xff\xff\xff\xff\x01", b"\xc0\x80\x00", b"\x36\x02\0\0", b"\x30\xff\xff\x7f",
    publish(b"a/#", qos=1), publish(b"a\0b", qos=1), publish(b"\xed\xa0\x80", qos=1),
    subscribe([b"a/#/b"]), subscribe([b"+/+"] * 9), subscribe([]),
], ids=range(10))
def test_malformed_packets_close_M2_M3_M6(plant, pump, data):
    """M2, M3, M6: lengths, topics and filters that cannot be: closed, and the gate lives."""
    line = opened(plant, pump)
    line.send(data)
    assert line.is_ended()
    assert opened(plant, pump)


class FakeBroker:
    """A broker that answers CONNECT and then says what the test wants."""

    def __init__(self, path, says):
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(str(path))
        self.server.listen(8)
        self.says = says
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                line, _ = self.server.accept()
            except OSError:
                return
            line.recv(65536)
            line.sendall(self.says)
            self.kept = line


@pytest.mark.parametrize("kind", [0, 1, 8, 10, 12, 15])
def test_a_broker_does_not_say_what_clients_say_M1(folder, kind):
    """M1, the other direction: what no server says ends the session, not the gate."""
    place = GatePlant(folder)
    place.broker.start = lambda: FakeBroker(place.broker.socket,
                                            packet(CONNACK, b"\0\0\0") + packet(kind, b"\0\0"))
    try:
        place.start()
        line = Raw(place, place.credential("device/pump-1"))
        line.send(connect())
        assert line.is_ended()
        assert "signal=" not in place.gate.said()
    finally:
        place.stop()


@pytest.mark.parametrize("answered, heard", [
    ((1, 3), [1, 2, 3, 4]),
    ((3, 1), [3, 1, 2, 4]),  # a broker that does not keep to it is not held up either
])
def test_a_refusal_waits_for_what_came_before_it(folder, answered, heard):
    """MQTT 4.6: acknowledgements go out in the order of their publishes, refused ones among them."""
    place = GatePlant(folder)
    brokers = []
    place.broker.start = lambda: brokers.append(
        FakeBroker(place.broker.socket, packet(CONNACK, b"\0\0\0")))
    try:
        place.start()
        line = Raw(place, place.credential("device/pump-1"))
        line.send(connect())
        assert line.read()[0] == CONNACK
        line.send(publish(FLOW, qos=1, mid=1), publish(NEIGHBOUR, qos=1, mid=2),
                  publish(FLOW, qos=1, mid=3), publish(NEIGHBOUR, qos=1, mid=4),
                  publish(NEIGHBOUR, qos=2, mid=5))
        kind, body = line.read()  # of another quality of service: an order of its own
        assert kind == PUBREC and body[:3] == b"\0\5\x87"
        got = []
        for mid in answered:
            brokers[0].kept.sendall(packet(PUBACK, struct.pack(">H", mid)))
            got.append(line.read()[1])
        got += [line.read()[1] for _ in range(4 - len(got))]
        assert [body[1] for body in got] == heard
        assert [body[2:3] == b"\x87" for body in got] == [mid in (2, 4) for mid in heard]
    finally:
        place.stop()
