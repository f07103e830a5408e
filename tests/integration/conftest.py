"""Fixtures: real programs and real neighbours, each in its own folder, ended after the test.

The plant is the one of ./up (tools/plant): a test that needs one asks for `plant` and gets
musterd, the shipped policies, a gate and a broker; devices are added by the test.
"""
import os
import sys
import tempfile
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tools" / "plant"))

from neighbours import Broker, Tpm  # noqa: E402
from plant import PCRS, Plant  # noqa: E402

BUILD = Path(os.environ.get("MUSTER_BUILD", TOP / "build"))
LONG = os.environ.get("MUSTER_LONG") == "1"


def count(few, many):
    """How often: `few` in ./check, `many` in ./check --long."""
    return many if LONG else few


@pytest.fixture
def folder():
    """A short path (unix sockets allow 107 bytes), removed unless the test failed."""
    with tempfile.TemporaryDirectory(prefix="mt-", dir="/tmp") as path:
        yield Path(path)


@pytest.fixture
def broker(folder):
    neighbour = Broker(folder / "broker").start()
    yield neighbour
    neighbour.stop()


@pytest.fixture
def tpm(folder):
    chip = Tpm(folder / "tpm", "chip", folder / "tpm-maker").manufacture()
    yield chip
    chip.power_off()


@pytest.fixture
def control(folder):
    """musterd alone, with the shipped policies in force."""
    place = Plant(folder, BUILD)
    try:
        place.start_control()
        place.put_policy()
        yield place
    finally:
        place.stop()


@pytest.fixture
def plant(folder):
    """musterd, the shipped policies, a broker, and a gate in front of it."""
    place = Plant(folder, BUILD)
    try:
        place.start_broker()
        place.start_control()
        place.put_policy()
        place.start_gate()
        yield place
    finally:
        place.stop()


@pytest.fixture(scope="session")
def good_pcrs():
    return PCRS
