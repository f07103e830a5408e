"""The gate in front of a real Mosquitto: every message decided, and decided again on change."""
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
    assert not ears.heard(FLOW, "99")
