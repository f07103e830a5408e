"""T14: a certificate swapped without its key, or a key without its certificate: refuse to start."""
import os
import shutil
import socket
import ssl
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from proc import Failed, Proc, wait_until
from test_agent import status, wait_enrolled


def start_fails(control):
    """What musterd says when it does not start on this state."""
    try:
        control.start_control()  # it listens before its rooms have read their keys
    except Failed:
        pass
    wait_until(lambda: not control.control.is_running(), 5, "musterd goes on")
    assert control.control.popen.returncode != 0
    return control.control.said()


@pytest.mark.parametrize("file,other,says", [
    ("device-ca.pem", "infra-ca.pem", "not the device CA"),
    ("infra-ca.pem", "operator-ca.pem", "not the infra CA"),
    ("operator-ca.pem", "device-ca.pem", "not the operator CA"),
    ("device-ca.key", "infra-ca.key", "differ"),
    ("infra-ca.key", "statement.key", "differ"),
    ("statement.key", "audit.key", "want a P-256 key"),
    ("audit.key", "statement.key", "want an Ed25519 key"),
])
def test_musterd_does_not_start_with_a_swapped_file(control, file, other, says):
    keys = control.state / "keys"
    control.control.stop()
    shutil.copy(keys / file, control.folder / "kept")
    shutil.copy(keys / other, keys / file)
    said = start_fails(control)
    assert file in said and says in said, said
    shutil.copy(control.folder / "kept", keys / file)  # the twin: put back, it starts
    control.start_control()
    assert control.cli("device", "list")["items"] == []


def test_another_musters_ca_is_not_taken_for_ours(control):
    """The same name on it, and another key in it."""
    keys = control.state / "keys"
    control.control.stop()
    other = control.folder / "other"
    ceremony = control.folder / "libexec" / "control-ceremony"
    subprocess.run([ceremony, "new", other, "muster.local"], check=True)
    shutil.copy(other / "keys" / "device-ca.pem", keys / "device-ca.pem")
    said = start_fails(control)
    assert "device-ca.pem" in said and "differ" in said, said


def test_no_operator_is_made_with_a_swapped_ca(control):
    ceremony = control.folder / "libexec" / "control-ceremony"
    keys = control.state / "keys"
    words = [ceremony, "operator", control.state, "eve", control.folder / "eve", "127.0.0.1:1"]
    shutil.copy(keys / "operator-ca.pem", control.folder / "kept")
    shutil.copy(keys / "device-ca.pem", keys / "operator-ca.pem")
    bad = subprocess.run(words, capture_output=True, text=True)
    assert bad.returncode != 0 and "operator-ca.pem" in bad.stderr, bad.stderr
    assert not (control.folder / "eve" / "cert.pem").exists()
    shutil.copy(control.folder / "kept", keys / "operator-ca.pem")
    words[4] = control.folder / "ada"
    assert subprocess.run(words).returncode == 0
    assert (control.folder / "ada" / "cert.pem").exists()


def test_an_agents_key_swapped_without_its_certificate_is_refused(control):
    """The reverse of test_agent's: the certificate stays, the key is another's."""
    one, two = control.add_device("pump-1"), control.add_device("pump-2")
    wait_enrolled(one)
    wait_enrolled(two)
    one.agent.stop()
    mine, kept = one.folder / "state/id-1/key.pem", one.folder / "kept"
    os.rename(mine, kept)
    shutil.copy(two.folder / "state/id-1/key.pem", mine)
    one.run()
    wait_until(lambda: not one.agent.is_running(), 10, "the agent runs with another's key")
    assert "do not belong together" in one.agent.said()
    os.replace(kept, mine)
    one.run()
    assert wait_enrolled(one) and status(one)["enrolled"]


def shakes_hands(port):
    """Does a TLS server with a certificate answer there?"""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as raw:
            rules = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            rules.check_hostname, rules.verify_mode = False, ssl.CERT_NONE
            with rules.wrap_socket(raw) as tls:
                return tls.version() == "TLSv1.3"
    except OSError:
        return False


@pytest.mark.parametrize("file", ["cert.der", "key.pem"])
def test_a_gate_serves_nobody_with_a_swapped_file(plant, file):
    """The parent keeps trying, as for any room that ends; relay has no identity meanwhile."""
    state = plant.folder / "gw-1" / "state"
    wait_until(lambda: shakes_hands(plant.gate_port), 10, "the gate does not serve")
    plant.gates["gw-1"].stop()
    other = plant.add_device("pump-1")
    wait_enrolled(other)
    other.agent.stop()
    good = (state / file).read_bytes()
    (state / file).write_bytes((other.folder / "state/id-1" / file).read_bytes())
    gate = Proc("gw-1", [plant.program("muster-gate"), "-c", plant.folder / "gw-1" / "gate.conf"],
                plant.logs, env=plant.env)
    plant.gates["gw-1"] = gate
    gate.wait_for("do not belong together")
    assert not shakes_hands(plant.gate_port)
    (state / file).write_bytes(good)  # the twin: put back, it serves
    wait_until(lambda: shakes_hands(plant.gate_port), 15, "the gate does not serve again", every=0.1)


def new_key():
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption())


def start_gate_again(plant):
    plant.gates["gw-1"] = Proc("gw-1", [plant.program("muster-gate"), "-c",
                                        plant.folder / "gw-1" / "gate.conf"], plant.logs,
                               env=plant.env)
    wait_until(lambda: shakes_hands(plant.gate_port), 15, "the gate does not serve", every=0.05)


def stopped_gate_state(plant):
    state = plant.folder / "gw-1" / "state"
    wait_until(lambda: shakes_hands(plant.gate_port), 10, "the gate does not serve")
    plant.gates["gw-1"].stop()
    return state


def test_a_gate_killed_between_certificate_and_key_finishes_the_step(plant):
    """E6, R5: the new certificate is there, its key not yet in place."""
    state = stopped_gate_state(plant)
    key = (state / "key.pem").read_bytes()
    (state / "next-key.pem").write_bytes(key)
    (state / "next-key.pem").chmod(0o600)
    (state / "next.csr").write_bytes(b"the request that was answered")
    (state / "key.pem").write_bytes(new_key())
    start_gate_again(plant)
    assert (state / "key.pem").read_bytes() == key
    assert not (state / "next-key.pem").exists() and not (state / "next.csr").exists()


def test_a_key_whose_certificate_never_came_changes_nothing(plant):
    """The twin: asked for and not answered; the pair in use stays in use."""
    state = stopped_gate_state(plant)
    key, wanted = (state / "key.pem").read_bytes(), new_key()
    (state / "next-key.pem").write_bytes(wanted)
    (state / "next-key.pem").chmod(0o600)
    start_gate_again(plant)
    assert (state / "key.pem").read_bytes() == key
    assert (state / "next-key.pem").read_bytes() == wanted
