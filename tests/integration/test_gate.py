"""The gate in front of a real Mosquitto: every message decided, and decided again on change."""
import os
import re
import signal
import time

import pytest

from client import NOT_AUTHORISED, try_connect
from gate_plant import GatePlant, policy, principal
from proc import wait_until

FLOW = "plant/north/pump-1/telemetry/flow"


@pytest.fixture
def plant(folder):
    place = GatePlant(folder)
    try:
        yield place.start()
    finally:
        place.stop()


def test_telemetry_reaches_the_historian_and_no_neighbour_speaks_for_it(plant):
    """The main job, and its refuse twin: a neighbour's topic is answered 0x87 with a record."""
    ears = plant.subscriber("service/historian", "plant/+/+/telemetry/#")
    pump = plant.publisher("device/pump-1", FLOW)
    assert ears.granted() < 128
    assert pump.publish("12.5") < 128
    ears.wait_heard(FLOW, "12.5")

    thief = plant.publisher("device/pump-2/workload/logger", FLOW)
    assert thief.publish("99") == NOT_AUTHORISED
    record = plant.control.wait_decision(principal="device/pump-2/workload/logger", effect="deny")
    assert record["resource"] == FLOW
    assert record["because"] == "no-permit"
    assert "its own topic is plant/north/pump-2/telemetry/#" in record["nearest"]
    rule = record["rules"][0]
    assert rule["id"] == "report-telemetry" and rule["file"] == "plant.cedar"
    assert (f"report-telemetry at plant.cedar:{rule['line']} would permit it if "
            "principal in resource.device") in record["nearest"]
    assert "admins-do-all" not in str(record)
    assert not ears.heard(FLOW, "99")


def test_a_change_reaches_a_live_session_and_its_subscription_M12(plant):
    """M12: a grade that falls takes the subscription and the publish away; its return gives both back."""
    commander = plant.publisher("service/dispatcher", "plant/north/pump-1/cmd/go")
    ears = plant.subscriber("device/pump-1/workload/ears", "plant/north/pump-1/cmd/+")
    mouth = plant.publisher("device/pump-1/workload/mouth", FLOW)
    assert mouth.publish("1") < 128 and commander.publish("1") < 128
    ears.wait_heard("plant/north/pump-1/cmd/go", "1")

    plant.control.say("principal", principal("device", "pump-1", grade="alert-only"))
    assert mouth.publish_until(NOT_AUTHORISED, "2") == NOT_AUTHORISED
    commander.publish("2")
    time.sleep(0.3)
    assert not ears.heard("plant/north/pump-1/cmd/go", "2")
    assert ears.is_connected() and mouth.is_connected()
    denial = plant.control.wait_decision(principal="device/pump-1/workload/mouth", effect="deny")
    assert denial["because"] == "grade"
    assert "principal.grade = normal" in denial["nearest"]
    assert {"path": "principal.grade", "value": "alert-only"}.items() <= denial["facts"][0].items()

    plant.control.say("principal", principal("device", "pump-1"))
    wait_until(lambda: mouth.publish("3") < 128, 5, "pump-1 did not come back")

    def commanded():
        commander.publish("3")
        return ears.heard("plant/north/pump-1/cmd/go", "3")
    wait_until(commanded, 5, "the subscription did not come back", every=0.05)


def test_a_quarantined_device_is_cut_and_kept_out(plant):
    """An operator's hold ends the live session and refuses the next one, until it is lifted."""
    line = plant.publisher("device/pump-1", FLOW)
    assert line.publish("1") < 128
    plant.control.say("principal", principal("device", "pump-1", held=True))
    wait_until(lambda: "DISCONNECT" in line.proc.said() or not line.is_connected(), 5,
               "the session was not cut")
    code, said = try_connect(plant.gate_port, plant.logs, "again",
                             *plant.credential("device/pump-1", "again").options(), "-V", "5")
    assert code != 0, said
    plant.control.say("principal", principal("device", "pump-1"))
    back = wait_until(lambda: try_connect(
        plant.gate_port, plant.logs, "back", *plant.credential("device/pump-1", "back").options(),
        "-V", "5")[0] in (0, 135), 5, "it did not come back")
    assert back


def test_a_revoked_certificate_is_cut_and_refused_T7_T8(plant):
    """T8: the live session of a revoked serial ends within a second; T7: it is refused after."""
    credential = plant.credential("device/pump-1", "gone")
    line = plant.publisher("device/pump-1", FLOW, credential=credential)
    assert line.publish("1") < 128
    begin = time.monotonic()
    plant.control.say("revoked", {"serial": credential.serial, "principal": "device/pump-1",
                                  "until": 0})
    wait_until(lambda: "DISCONNECT" in line.proc.said() or not line.is_connected(), 5,
               "the session was not cut", every=0.005)
    assert time.monotonic() - begin < 1.0
    code, said = try_connect(plant.gate_port, plant.logs, "again", *credential.options())
    assert code != 0 and "CONNACK (0)" not in said
    other = plant.publisher("device/pump-1", FLOW)
    assert other.publish("2") < 128


@pytest.fixture
def unstarted(folder):
    place = GatePlant(folder)
    try:
        yield place
    finally:
        place.stop()


@pytest.mark.parametrize("hours, is_kept", [(1, True), (0, True), (-2, False)])
def test_a_revoked_serial_is_kept_as_long_as_it_could_be_shown_T7(unstarted, hours, is_kept):
    """T7: refused until TLS refuses it by its notAfter, and an hour more; then forgotten."""
    plant = unstarted
    credential = plant.credential("device/pump-1", "gone")
    until = int((time.time() + hours * 3600) * 1000)
    plant.control.put("revoked", {"serial": credential.serial, "principal": "device/pump-1",
                                  "until": until})
    plant.start()
    _, said = try_connect(plant.gate_port, plant.logs, "gone", *credential.options(), "-V", "5")
    assert ("CONNACK (0)" in said) != is_kept, said


def test_the_state_of_thousands_reaches_the_gate_whole(unstarted):
    """A snapshot of several MiB: the last of its devices gets in, one that is not in it does not."""
    plant = unstarted
    posture = {"osVersion": "12." * 60}
    for n in range(5000):
        plant.control.put("principal", principal("device", f"many-{n}", posture=posture))
    assert len(plant.control.snapshot()) > 3 << 20
    plant.start()
    for name, is_known in (("many-0", True), ("many-4999", True), ("many-5000", False)):
        _, said = try_connect(plant.gate_port, plant.logs, name,
                              *plant.credential(f"device/{name}", name).options(), "-V", "5")
        assert ("CONNACK (0)" in said) == is_known, said


def test_strangers_never_reach_the_broker_T1_T6(plant):
    """T1, T6: no certificate, another CA's, an operator's: the broker hears of none of them."""
    before = plant.broker.proc.said().count("New connection")
    strangers = [plant.credential("device/pump-1", "selfmade", "other-ca").options(),
                 plant.credential("gate/gw-9", "gate", "infra-ca").options(),
                 ["--cafile", plant.kit_folder / "ca.pem"]]
    for n, options in enumerate(strangers):
        code, said = try_connect(plant.gate_port, plant.logs, f"stranger-{n}", *options)
        assert code != 0 and "CONNACK (0)" not in said
    assert plant.broker.proc.said().count("New connection") == before


def test_a_client_id_is_its_own_or_refused_M7(plant):
    """M7: absent and own ids are set from the certificate, another's is refused with 0x85."""
    own = plant.credential("device/pump-1", "own").options()
    for n, options in enumerate((["-i", "pump-1"], [])):
        code, said = try_connect(plant.gate_port, plant.logs, f"own-{n}", *own, "-V", "5", *options)
        assert "CONNACK (0)" in said, said
    assert "as pump-1 " in plant.broker.proc.said()
    for other in ("pump-2", "PUMP-1", "pump-1/x"):
        code, said = try_connect(plant.gate_port, plant.logs, "other", *own, "-V", "5", "-i", other)
        assert code != 0 and "CONNACK (133)" in said, said


def test_forged_stripped_and_old_lines_change_nothing_P1_P2(plant):
    """P1, P2: lines unsigned, by another key, older than what was applied: refused, state kept."""
    line = plant.publisher("device/pump-1", FLOW)
    assert line.publish("1") < 128
    good, held = plant.control.seq, principal("device", "pump-1", held=True)
    plant.control.say("principal", held, key="forger.pem", seq=good + 1, prev=good)
    plant.gate.wait_for("event=link.refused", 5)
    plant.control.say_raw("AAAA " + plant.control.entry("principal", held, good + 1, good) + "\n")
    plant.control.say("principal", held, seq=good - 1, prev=good - 2)
    plant.control.say("principal", held, seq=2 ** 62, prev=good)
    time.sleep(1.5)
    assert line.publish("2") < 128
    plant.control.lines.clear()


def test_the_plant_goes_on_without_its_control_plane_P3(folder):
    """P3, N1: musterd gone and the gate restarted: it decides from the signed state it kept."""
    place = GatePlant(folder, "stale-after = 1s\nold-after = 6s\nexpired-after = 10s")
    try:
        place.start()
        place.control.stop()
        place.gate.stop()
        place.start_gate()
        line = place.publisher("device/pump-1", FLOW)
        assert line.publish("1") < 128
        place.gate.wait_for("state=old", 15)
        wait_until(lambda: line.publish("2") < 128, 2, "telemetry is still decided when old")
        orders = place.publisher("service/dispatcher", "plant/north/pump-1/cmd/go")
        assert orders.publish("1") == NOT_AUTHORISED
        place.gate.wait_for("state=expired", 15)
        wait_until(lambda: not line.is_connected() or "DISCONNECT" in line.proc.said(), 5,
                   "nothing is decided when expired")
    finally:
        place.stop()


def test_state_that_was_touched_is_not_used_P1(folder):
    """P1: one byte of the kept state changed: the gate knows nothing and denies."""
    place = GatePlant(folder)
    try:
        place.start()
        place.control.stop()
        place.gate.stop()
        state = place.gate_folder / "state"
        state.write_text(state.read_text().replace('"held":false', '"held":true ', 1))
        place.start_gate(state=False)
        code, said = try_connect(place.gate_port, place.logs, "denied",
                                 *place.credential("device/pump-1").options(), timeout=15)
        assert code != 0
    finally:
        place.stop()


@pytest.mark.parametrize("refused,code", [(None, 0), ("space", 135)])
def test_old_clients_311_are_told_or_closed(plant, refused, code):
    """3.1.1 cannot be told no: telemetry's space closes the session; an allowed one is acknowledged."""
    topic = FLOW if refused is None else "plant/north/pump-2/telemetry/flow"
    done, said = try_connect(plant.gate_port, plant.logs, "old",
                             *plant.credential("device/pump-1", f"old-{code}").options(),
                             "-V", "311", "-t", topic)
    if refused is None:
        assert "PUBACK" in said, said
    else:
        assert "PUBACK" not in said, said


def test_the_broker_dies_and_nothing_is_acknowledged_M16(plant):
    """M16: a broker that is gone acknowledges nothing, and neither does the gate."""
    line = plant.publisher("device/pump-1", FLOW)
    assert line.publish("1") < 128
    plant.broker.stop()
    wait_until(lambda: not line.is_connected() or "DISCONNECT" in line.proc.said(), 5,
               "the client was not told")
    code, said = try_connect(plant.gate_port, plant.logs, "gone",
                             *plant.credential("device/pump-1", "gone").options(), "-V", "5")
    assert code != 0 and "PUBACK" not in said


def test_policy_is_swapped_whole_and_a_bad_one_is_not_taken_P7(plant):
    """P7: a set that forbids holds from the next message; one that does not validate changes nothing."""
    line = plant.publisher("device/pump-1", FLOW)
    assert line.publish("1") < 128
    plant.control.say("policy", policy("permit (principal, action", 2))
    plant.gate.wait_for("event=relay.failed", 5)
    assert line.publish("2") < 128
    plant.control.say("policy", policy(
        '@id("stop") forbid (principal, action == Action::"publish", resource);', 3))
    assert line.publish_until(NOT_AUTHORISED, "3") == NOT_AUTHORISED
    record = plant.control.wait_decision(because="forbid", effect="deny")
    assert record["rules"][0]["id"] == "stop" and record["policy_version"] == "3"


@pytest.mark.parametrize("version", ["2", 0, None, 2.5])
def test_a_policy_version_is_a_whole_number_P7(plant, version):
    """P7: a set whose version is anything else is not taken; its twin with an integer is."""
    stop = '@id("stop") forbid (principal, action == Action::"publish", resource);'
    line = plant.publisher("device/pump-1", FLOW)
    plant.control.say("policy", policy(stop, version))
    plant.gate.wait_for("event=relay.failed", 5)
    assert line.publish("1") < 128
    plant.control.say("policy", policy(stop, 2))
    assert line.publish_until(NOT_AUTHORISED, "2") == NOT_AUTHORISED


@pytest.mark.parametrize("room", ["relay", "link"])
def test_a_killed_room_is_back_within_a_second_R5(plant, room):
    """R5: kill -9 of either room: the other goes on, and a second later all is as it was."""
    line = plant.publisher("device/pump-1", FLOW)
    assert line.publish("1") < 128
    pids = re.findall(rf"event=room.started role=gate room={room} pid=(\d+)", plant.gate.said())
    os.kill(int(pids[-1]), signal.SIGKILL)
    begin = time.monotonic()
    if room == "link":
        assert line.publish("2") < 128
    wait_until(lambda: try_connect(
        plant.gate_port, plant.logs, f"back-{room}",
        *plant.credential("device/pump-2", f"back-{room}").options(), "-V", "5",
        "-t", "plant/north/pump-2/telemetry/flow")[0] == 0, 5, "the gate did not come back")
    assert time.monotonic() - begin < 1.5
    plant.control.say("principal", principal("device", "pump-2", held=True))

    def held():
        return try_connect(plant.gate_port, plant.logs, f"held-{room}",
                           *plant.credential("device/pump-2", f"held-{room}").options(),
                           "-V", "5")[0] != 0
    wait_until(held, 5, "changes do not arrive any more", every=0.05)
