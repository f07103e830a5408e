"""V8: the verifier is killed while it appraises a quote.  Unknown is never trusted, nor distrusted."""
import os
import signal
import subprocess
import time

import pytest
from conftest import BUILD, PCRS
from plant import Plant
from proc import wait_until
from test_control import rooms

VALID_S = 8


@pytest.fixture
def control(folder):
    """musterd where a result vouches for a few seconds only."""
    place = Plant(folder, BUILD, attest_s=3600)  # devices attest when the test says so
    try:
        place.start_control(extra=f"[attest]\nvalid = {VALID_S}s\n")
        place.put_policy()
        yield place
    finally:
        place.stop()


def attest_while_verify_falls(control, device):
    """Evidence lies with verify when it is killed; then the agent too, so that it asks no more."""
    verify = rooms(control)["verify"]
    os.kill(verify, signal.SIGSTOP)
    asking = subprocess.Popen([control.program("muster-agent"), "attest", "-c", device.config],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    time.sleep(0.5)
    assert asking.poll() is None, "the question is open while verify has it"
    os.kill(verify, signal.SIGKILL)
    said, _ = asking.communicate(timeout=20)
    device.kill_agent()
    return asking.returncode, said


def attested_again(control, device):
    """verify is back: the agent's next attestation is judged."""
    wait_until(lambda: control.control.said().count("room=verify pid=") > 1, 5, "verify is not back")
    device.run()
    wait_until(lambda: device.attest()[0] == 0, 15, "its evidence is not judged", every=0.2)
    return control.device(device.name)


def known(control, device):
    told = control.device(device.name)
    return {k: told[k] for k in ("grade", "verdict", "attested", "attested_at", "evidence",
                                 "valid_until", "risk")}


def test_a_trusted_device_keeps_its_state_until_it_runs_out(control):
    device = control.add_device("pump-1", tpm=True)
    device.wait_credential()
    control.publish_refs(device.tpm.pcrs(PCRS))
    wait_until(lambda: device.attest()[0] == 0, 10, "it does not attest", every=0.2)
    before = known(control, device)
    assert before["grade"] == "normal" and before["attested"]
    device.tamper()  # were it judged, it would not stay normal
    code, said = attest_while_verify_falls(control, device)
    assert code == 6 and "retry" in said, said
    assert known(control, device) == before, "nobody judged, and yet something changed"
    while time.time() * 1000 < before["valid_until"] - 700:
        assert known(control, device) == before
        time.sleep(0.2)
    control.wait_grade("pump-1", "restricted", timeout=5)
    assert time.time() * 1000 >= before["valid_until"], "it fell before its time"
    after = attested_again(control, device)  # the twin: judged, the same quote is bad
    assert after["evidence"] != before["evidence"] and after["verdict"] != "affirming"
    assert after["grade"] != "normal"


def test_a_device_that_was_never_vouched_for_is_not_trusted(control):
    device = control.add_device("pump-1", tpm=True)
    device.wait_credential()
    wait_until(lambda: control.device("pump-1")["evidence"], 10, "its first evidence is not there")
    before = known(control, device)
    assert before["grade"] != "normal" and before["verdict"] != "affirming"
    control.publish_refs(device.tpm.pcrs(PCRS))
    code, said = attest_while_verify_falls(control, device)
    assert code == 6 and "retry" in said, said
    assert known(control, device) == before
    assert attested_again(control, device)["grade"] == "normal"  # the twin
