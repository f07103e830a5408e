"""musterd's rooms die, its database is touched, its verifier falls: what was said stays true."""
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import time

import pytest

from conftest import count
from wire import new_identity, request


def rooms(control):
    """The newest process of each room, by what musterd's log says."""
    return {m[1]: int(m[2]) for m in re.finditer(r"event=room.started .*room=(\w+) pid=(\d+)",
                                                 control.control.said())}


def again(control):
    """Stops musterd if it still runs and starts it on the same state."""
    control.control.stop()
    control.start_control()


def add(control, name):
    control.cli("device", "add", name, "--site", "north", "--model", "px-200")


def names(control):
    return sorted(d["id"] for d in control.cli("device", "list")["items"])


def audit_kinds(control):
    export = control.folder / "audit.log"
    control.cli_raw("audit", "export", "--out", export)
    return re.findall(r'"kind":"([a-z.-]+)"', export.read_text()), export


def database(control):
    return control.state / "core" / "muster.db"


def wait_end(proc, timeout=10):
    end = time.monotonic() + timeout
    while proc.is_running() and time.monotonic() < end:
        time.sleep(0.02)
    return not proc.is_running()


@pytest.mark.parametrize("room", ["front", "verify"])
def test_a_room_that_faces_strangers_comes_back(control, room):
    """R5: killed singly, restarted singly; what was registered is there."""
    add(control, "pump-1")
    before = rooms(control)
    os.kill(before[room], signal.SIGKILL)
    begin = time.monotonic()
    while rooms(control)[room] == before[room] or control.cli_raw("status").returncode:
        assert time.monotonic() - begin < 5, control.control.said()[-500:]
        time.sleep(0.02)
    assert {k: v for k, v in rooms(control).items() if k != room} == \
        {k: v for k, v in before.items() if k != room}
    assert names(control) == ["pump-1"]


@pytest.mark.parametrize("room", ["core", "keys"])
def test_a_room_that_decides_ends_the_daemon(control, room):
    """R5: core or keys gone means all gone, cleanly; the next start has the state."""
    add(control, "pump-1")
    os.kill(rooms(control)[room], signal.SIGKILL)
    assert wait_end(control.control), "musterd goes on without " + room
    again(control)
    assert names(control) == ["pump-1"]
    add(control, "pump-2")
    kinds, export = audit_kinds(control)
    assert kinds.count("muster.started") == 2
    time.sleep(1.3)  # until the last change is under a signed note
    _, export = audit_kinds(control)
    assert control.cli_raw("audit", "verify", export).returncode == 0


def test_killed_between_action_and_record(control):
    """L4: kill -9 of core at any moment; each device has its record, each record its device."""
    made = 0
    for life in range(count(6, 200)):
        pid = rooms(control)["core"]
        worker = subprocess.Popen(
            ["/bin/sh", "-c", "for i in 1 2 3 4 5 6 7 8; do "
             f"{control.program('muster')} --home {control.home} device add d-{life}-$i "
             "--site north --model m >/dev/null 2>&1 && echo d; done"],
            stdout=subprocess.PIPE, text=True)
        time.sleep(0.03 + 0.017 * (life % 7))
        os.kill(pid, signal.SIGKILL)
        acknowledged = worker.communicate(timeout=60)[0].count("d")
        assert wait_end(control.control)
        again(control)
        made += acknowledged
        there = [n for n in names(control) if n.startswith("d-")]
        kinds, _ = audit_kinds(control)
        assert len(there) >= made, "an acknowledged device is gone"
        assert kinds.count("principal.registered") == len(there) + 1  # and user admin
        made = len(there)


CHANGES = {
    "edited": "UPDATE audit SET record=replace(record,'pump-2','pump-9') WHERE idx=?",
    "swapped": "UPDATE audit SET record=(SELECT record FROM audit b WHERE b.idx=audit.idx+1),"
               "leaf=(SELECT leaf FROM audit b WHERE b.idx=audit.idx+1) WHERE idx=?",
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_touched_audit_log_is_found(control, change):
    """L1: whoever holds the database cannot rewrite what was; the first bad record is named."""
    for name in ("pump-1", "pump-2", "pump-3"):
        add(control, name)
    time.sleep(1.3)
    kinds, export = audit_kinds(control)
    assert control.cli_raw("audit", "verify", export).returncode == 0
    bad = [i for i, line in enumerate(export.read_text().splitlines()) if "pump-2" in line]
    index = int(re.search(r'"index":(\d+)', export.read_text().splitlines()[bad[0]])[1])
    control.control.stop()
    with sqlite3.connect(database(control)) as db:
        db.execute(CHANGES[change], (index,))
    db.close()
    control.start_control()
    audit_kinds(control)
    done = control.cli_raw("audit", "verify", export)
    assert done.returncode != 0
    assert re.search(rf"record {index}\b|records \d+ to \d+", done.stderr), done.stderr


def test_a_shortened_audit_log_is_found(control):
    """L1: a record taken out of the middle, or the newest: musterd does not go on from it."""
    add(control, "pump-1")
    time.sleep(1.3)
    kinds, _ = audit_kinds(control)
    for index, says in ((len(kinds) - 1, "is smaller"), (1, "audit record 1 is missing")):
        control.control.stop()
        with sqlite3.connect(database(control)) as db:
            db.execute("DELETE FROM audit WHERE idx>=?" if index > 1 else
                       "DELETE FROM audit WHERE idx=?", (index - 1 if index > 1 else index,))
        db.close()
        try:
            control.start_control()
        except Exception as gone:  # it may end before it listens
            print(gone)
        assert wait_end(control.control), "musterd goes on with a log that lacks a record"
        assert says in control.control.said(), control.control.said()[-600:]


def test_a_database_from_yesterday_is_not_believed(control):
    """P2: keys remembers what it signed; an older feed is never signed again, so never told."""
    add(control, "pump-1")
    control.control.stop()
    old = control.folder / "old.db"
    shutil.copy(database(control), old)
    control.start_control()
    for i in range(5):
        add(control, f"late-{i}")
    time.sleep(0.2)
    control.control.stop()
    for extra in ("-wal", "-shm"):
        database(control).with_name("muster.db" + extra).unlink(missing_ok=True)
    shutil.copy(old, database(control))
    try:
        control.start_control()
        control.cli_raw("device", "add", "pump-2", "--site", "north")
    except Exception as gone:  # it may end before it listens
        print(gone)
    assert wait_end(control.control), "a restored database is a rollback until proven otherwise"
    assert "was signed" in control.control.said()


def register_junk(control, who):
    return request(control.device_port, "POST", "/device/v1/tpm/register", who,
                   {"ek_public": "AAAA", "ak_public": "AAAA"})


def test_a_verifier_that_dies_says_nothing(control, folder):
    """V8: killed with a question open, the answer is 'try again', and nothing is believed."""
    who = new_identity(control, folder, "pump-2")
    assert control.device("pump-2")["grade"] == "normal"
    verify = rooms(control)["verify"]
    os.kill(verify, signal.SIGSTOP)
    asker = subprocess.Popen(
        ["curl", "-s", "-k", "--cert", str(who.cert), "--key", str(who.key), "-o", "/dev/null", "-w",
         "%{http_code}", "-H", "Content-Type: application/json", "-d",
         '{"ek_public": "AAAA", "ak_public": "AAAA"}',
         f"https://127.0.0.1:{control.device_port}/device/v1/tpm/register"],
        stdout=subprocess.PIPE, text=True)
    time.sleep(0.3)
    os.kill(verify, signal.SIGKILL)
    assert asker.communicate(timeout=10)[0] == "503"
    assert control.device("pump-2")["grade"] == "normal"
    assert not control.device("pump-2")["has_tpm"]
    begin = time.monotonic()
    while register_junk(control, who).status != 400:
        assert time.monotonic() - begin < 5, "verify is not back"
        time.sleep(0.05)
