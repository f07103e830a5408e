"""muster-agent against a real musterd: a device gets its identity, keeps it, and proves its state."""
import json
import os
import signal
import subprocess
import time

import pytest

from conftest import PCRS, count
from proc import Failed, wait_until


def say(device, verb):
    """(exit code, JSON) of `muster-agent VERB`."""
    done = subprocess.run([str(device.plant.program("muster-agent")), verb, "-c", str(device.config)],
                          capture_output=True, text=True, timeout=30)
    return done.returncode, json.loads(done.stdout) if done.stdout else {}


def status(device):
    return say(device, "status")[1]


def wait_enrolled(device, timeout=15):
    return wait_until(lambda: status(device).get("enrolled") and status(device), timeout,
                      f"{device.name} is not enrolled; see {device.agent.log}", every=0.05)


def verifies(device, control):
    """The credential files belong together and are what ordinary programs can use."""
    files = device.wait_credential().folder
    key = subprocess.run(["openssl", "pkey", "-in", files / "key.pem", "-pubout"],
                         capture_output=True, check=True).stdout
    cert = subprocess.run(["openssl", "x509", "-in", files / "cert.pem", "-noout", "-pubkey"],
                          capture_output=True, check=True).stdout
    return key == cert


@pytest.mark.parametrize("has_tpm", [False, True])
def test_a_device_enrols_and_its_program_gets_a_credential(control, has_tpm):
    device = control.add_device("pump-1", tpm=has_tpm)
    assert verifies(device, control)
    files = device.credential.folder
    assert oct(os.stat(files / "key.pem").st_mode & 0o777) == "0o600"
    text = subprocess.run(["openssl", "x509", "-in", files / "cert.pem", "-noout", "-ext",
                           "subjectAltName"], capture_output=True, text=True, check=True).stdout
    assert "URI:spiffe://muster.local/device/pump-1/workload/telemetry" in text
    state = device.folder / "state"
    assert not list(state.rglob("key.pem" if has_tpm else "key.tpm")), "the key is where it should be"
    assert len(list(state.rglob("key.tpm" if has_tpm else "key.pem"))) == 1


def test_a_service_gets_its_own_credential(control):
    service = control.add_service("historian")
    files = service.wait_credential().folder
    text = subprocess.run(["openssl", "x509", "-in", files / "cert.pem", "-noout", "-ext",
                           "subjectAltName"], capture_output=True, text=True, check=True).stdout
    assert "URI:spiffe://muster.local/service/historian" in text


def test_a_device_attests_is_tampered_with_and_comes_back(control):
    """V1-V3 hold on the way; what is asked on demand is answered at once."""
    device = control.add_device("pump-1", tpm=True)
    control.publish_refs(device.tpm.pcrs(PCRS))
    wait_enrolled(device)
    code, said = say(device, "attest")
    assert (code, said["attestation"]["verdict"]) == (0, "affirming")
    assert control.device("pump-1")["attested"]

    device.tamper()
    code, said = say(device, "attest")
    assert code == 0 and said["attestation"]["verdict"] != "affirming"
    assert not control.device("pump-1")["attested"]

    device.power_cycle()
    assert wait_until(lambda: say(device, "attest")[1].get("attestation", {}).get("verdict")
                      == "affirming", 10, "it does not come back")
    assert control.device("pump-1")["attested"]


@pytest.mark.parametrize("has_tpm", [False, True])
def test_renewal_brings_a_new_key_and_drops_the_old_one(control, has_tpm):
    device = control.add_device("pump-1", tpm=has_tpm)
    old = wait_enrolled(device)["serial"]
    assert say(device, "renew")[0] == 0
    wait_until(lambda: status(device)["serial"] != old, 10, "the certificate is the old one")
    state = device.folder / "state"
    wait_until(lambda: [p.name for p in state.glob("id-*")] == ["id-2"], 5, "the old key is still there")
    assert (state / "current").read_text() == "2\n"
    assert control.device("pump-1")["generation"] == 2


def test_evidence_is_bound_to_the_new_key_after_a_renewal(control):
    """V1: the old connection is not used with the new key, nor the new key with the old one."""
    device = control.add_device("pump-1", tpm=True)
    control.publish_refs(device.tpm.pcrs(PCRS))
    old = wait_enrolled(device)["serial"]
    assert say(device, "attest")[1]["attestation"]["verdict"] == "affirming"
    assert say(device, "renew")[0] == 0
    wait_until(lambda: status(device)["serial"] != old, 10, "the certificate is the old one")
    code, said = wait_until(lambda: (lambda r: r[0] == 0 and r)(say(device, "attest")), 10,
                            "it cannot attest with the new key")
    assert (code, said["attestation"]["verdict"]) == (0, "affirming")


def test_a_kill_at_any_moment_of_a_renewal_leaves_a_pair_that_works(control):
    """E6, R5: the request is sent again after a lost answer, and nothing is stuck."""
    device = control.add_device("pump-1")
    wait_enrolled(device)
    for round_ in range(count(6, 300)):
        say(device, "renew")
        time.sleep(0.002 * (round_ % 12))
        os.killpg(device.agent.pid, signal.SIGKILL)
        device.agent.stop()
        device.run()
        wait_enrolled(device)
        assert verifies(device, control)


def test_an_agent_waits_for_a_server_that_is_not_there_yet(control):
    device = control.add_device("pump-1", start=False)
    control.control.stop()
    device.start_code = None
    with pytest.raises(Failed):
        device.start()  # no server, no code
    control.start_control()
    device.start()
    control.control.stop()
    control.start_control()
    assert wait_enrolled(device, 20)["enrolled"]


@pytest.mark.parametrize("harm", ["readable by others", "a symlink"])
def test_a_key_file_that_others_could_have_read_is_refused(control, harm):
    """T14: refuse to start, with a message that says which file and what to do."""
    device = control.add_device("pump-1")
    wait_enrolled(device)
    device.agent.stop()
    key = device.folder / "state" / "id-1" / "key.pem"
    if harm == "readable by others":
        key.chmod(0o644)
    else:
        key.rename(key.with_name("elsewhere"))
        key.symlink_to(key.with_name("elsewhere"))
    device.run()
    wait_until(lambda: not device.agent.is_running(), 10, "the agent runs with that key")
    assert "key.pem" in device.agent.log.read_text()


def test_a_certificate_swapped_without_its_key_is_refused(control):
    """T14: the pair does not belong together."""
    one, two = control.add_device("pump-1"), control.add_device("pump-2")
    wait_enrolled(one)
    wait_enrolled(two)
    one.agent.stop()
    (one.folder / "state/id-1/cert.der").write_bytes((two.folder / "state/id-1/cert.der").read_bytes())
    one.run()
    wait_until(lambda: not one.agent.is_running(), 10, "the agent runs with another's certificate")
    assert "do not belong together" in one.agent.log.read_text()


def test_a_code_for_another_device_is_not_used(control):
    device = control.add_device("pump-1", start=False)
    control.cli("device", "add", "pump-2", "--site", "north", "--model", "px-200")
    device.start()
    device.stop()
    control.write_code("pump-2", device.folder / "code")
    for part in (device.folder / "state").rglob("*"):
        if part.is_file():
            part.unlink()
    device.run()
    wait_until(lambda: "the one-time code is for 'pump-2'" in device.agent.log.read_text(), 10,
               "it does not say so")
