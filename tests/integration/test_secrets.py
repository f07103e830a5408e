"""R9: a core dump of a room that holds keys holds no key.

gcore (gdb) takes the dump as the kernel would: memory marked "do not dump" is left out.  Each
search is proven by a twin: the same search in the same dump finds the key's public half.
"""
import base64
import os
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from proc import wait_until


def rooms_of(parent):
    """{name: pid} of the children of a process."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as stat, open(f"/proc/{pid}/cmdline") as line:
                if int(stat.read().rsplit(")", 1)[1].split()[1]) == parent:
                    found[line.read().split("\0")[0]] = int(pid)
        except OSError:
            continue
    return found


def dump_of(pid, folder):
    """The bytes of a core dump of a running process; it goes on."""
    size = Path(f"/proc/{pid}/statm").read_text().split()[0]
    if int(size) * 4096 > 1 << 40:
        pytest.skip("a sanitizer's shadow memory is terabytes: no core dump can be taken")
    done = subprocess.run(["gcore", "-o", folder / "core", str(pid)], capture_output=True, text=True,
                          timeout=120)
    file = folder / f"core.{pid}"
    if done.returncode or not file.exists():
        said = (done.stdout + done.stderr).lower()
        if "not permitted" in said or "could not attach" in said:
            pytest.skip("this machine does not permit ptrace: no core dump can be taken")
        raise AssertionError(said)
    data = file.read_bytes()
    file.unlink()
    return data


def halves_of(file):
    """(forms of the private half, {name: bytes}; the public half as raw bytes)."""
    pem = file.read_bytes()
    key = serialization.load_pem_private_key(pem, None)
    der = base64.b64decode(b"".join(pem.splitlines()[1:-1]))
    if isinstance(key, ec.EllipticCurvePrivateKey):
        secret = key.private_numbers().private_value.to_bytes(32, "big")
        public = key.public_key().public_bytes(serialization.Encoding.X962,
                                               serialization.PublicFormat.UncompressedPoint)
    else:
        secret = key.private_bytes(serialization.Encoding.Raw, serialization.PrivateFormat.Raw,
                                   serialization.NoEncryption())
        public = key.public_key().public_bytes(serialization.Encoding.Raw,
                                               serialization.PublicFormat.Raw)
    at = der.index(secret)
    forms = {"scalar": secret, "half a scalar": secret[:16], "its other half": secret[16:],
             "limbs": secret[::-1], "DER": der[at - 2:at + 32], "hex": secret.hex().encode()}
    for number, line in enumerate(pem.splitlines()[1:-1]):
        first = max(48 * number, at)  # the bytes of the secret that this line of base64 spells
        if min(48 * number + 48, at + 32) - first >= 8:
            forms[f"line {number + 1} of the PEM"] = line
    return forms, public


def check(dump, file):
    forms, public = halves_of(file)
    assert public in dump, f"the search does not even find the public half of {file.name}"
    held = [name for name, form in forms.items() if form in dump]
    assert not held, f"{file.name}: the dump has {', '.join(held)}"


def say(device, verb):
    return subprocess.run([str(device.plant.program("muster-agent")), verb, "-c", str(device.config)],
                          capture_output=True, timeout=30).returncode == 0


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may dump an undumpable room")


@needs_root
def test_a_dump_of_the_keys_room_holds_no_key(control, folder):
    """R9: after it signed certificates, statements and checkpoints."""
    device = control.add_device("pump-1")
    device.wait_credential()
    dump = dump_of(rooms_of(control.control.pid)["keys"], folder)
    files = sorted((control.state / "keys").glob("*.key"))
    assert len(files) == 4
    for file in files:
        check(dump, file)


@needs_root
def test_a_dump_of_an_agents_keys_room_holds_no_key(control, folder):
    """R9: made by this process, after a renewal, and read again by the next one."""
    device = control.add_device("pump-1")
    device.wait_credential()
    for _ in range(2):
        wait_until(lambda: say(device, "renew"), 10, "it does not renew")
        room = wait_until(lambda: rooms_of(device.agent.pid).get("keys"), 10, "no keys room")
        dump = dump_of(room, folder)
        for identity in (device.folder / "state").glob("id-*/key.pem"):
            check(dump, identity)
        check(dump, device.credential.folder / "key.pem")
        device.agent.stop()
        device.run()
        wait_until(lambda: say(device, "status"), 10, "it does not answer")


@needs_root
def test_a_dump_of_the_gates_link_holds_no_key(plant, folder):
    """R9: link keeps the gate's key and has told it to relay, which uses it."""
    gate = plant.gates["gw-1"]
    wait_until(lambda: "relay.identity" in gate.said(), 10, "relay has no identity yet")
    dump = dump_of(rooms_of(gate.pid)["link"], folder)
    check(dump, plant.folder / "gw-1" / "state" / "key.pem")


def test_the_search_finds_a_key_that_is_there(folder):
    """The refuse twin of all of the above: a dump with the key in it is noticed."""
    key = ec.generate_private_key(ec.SECP256R1())
    file = folder / "some.key"
    file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                       serialization.NoEncryption()))
    forms, public = halves_of(file)
    for name, form in forms.items():
        with pytest.raises(AssertionError, match=name):
            check(b"\0" * 99 + form + b"\0" * 99 + public, file)
    check(b"\0" * 99 + public, file)
