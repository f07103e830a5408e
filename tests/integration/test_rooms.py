"""The rooms of a running musterd: what they gave up, and that they come back (R5, R7, R9)."""
import os
import resource
import signal
import time

import pytest

from conftest import count

ROOMS = {"front", "core", "keys", "verify"}


def rooms(control):
    """{name: pid} of the rooms that musterd runs now."""
    parent = control.control.pid
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
            with open(f"/proc/{pid}/cmdline") as line:
                name = line.read().split("\0")[0]
        except OSError:
            continue
        if int(fields[1]) == parent and fields[0] != "Z":
            found[name] = int(pid)
    return found


def status_of(pid):
    with open(f"/proc/{pid}/status") as text:
        return dict(line.rstrip("\n").split(":\t", 1) for line in text if ":\t" in line)


def answers_within(control, seconds):
    """How long until the API answers; fails when it takes longer."""
    begin = time.monotonic()
    while True:
        done = control.cli_raw("--json", "status")
        took = time.monotonic() - begin
        if done.returncode == 0:
            return took
        assert took < seconds, done.stderr
        time.sleep(0.02)


def test_every_room_gave_up_what_it_does_not_need(control):
    """R7, R9: seccomp filters, no new privileges, no core dump, no descriptor too many.

    A room enters Landlock before seccomp and, with `sandbox = required` (the default),
    does not start without it: a filter in force says that both are.
    """
    running = rooms(control)
    assert set(running) == ROOMS
    for name, pid in running.items():
        status = status_of(pid)
        assert (name, status["Seccomp"].strip()) == (name, "2")
        assert (name, status["NoNewPrivs"].strip()) == (name, "1")
        assert resource.prlimit(pid, resource.RLIMIT_CORE) == (0, 0), name
        if os.geteuid():  # not dumpable: /proc is root's, and another process cannot attach
            assert os.stat(f"/proc/{pid}/mem").st_uid == 0, name


@pytest.mark.skipif(os.geteuid() != 0, reason="only root sees another room's descriptors")
def test_only_front_holds_a_network_socket(control):
    """R7: who holds keys, database or evidence has no socket that a stranger could reach."""
    network = set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        with open(f"/proc/net/{table}") as rows:
            network |= {row.split()[9] for row in list(rows)[1:]}
    holders = set()
    for name, pid in rooms(control).items():
        links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
        if network & {link[8:-1] for link in links if link.startswith("socket:[")}:
            holders.add(name)
    assert holders == {"front"}


@pytest.mark.parametrize("name", ["front", "verify"])
def test_a_killed_room_is_back_within_a_second(control, name):
    """R5: kill -9, and the next answer comes within a second, from a new room."""
    for _ in range(count(3, 100)):
        before = rooms(control)
        os.kill(before[name], signal.SIGKILL)
        assert answers_within(control, 1.0) < 1.0
        deadline = time.monotonic() + 1
        while rooms(control).get(name) in (None, before[name]):
            assert time.monotonic() < deadline, f"{name} is not back"
            time.sleep(0.02)
        after = rooms(control)
        assert {r: after[r] for r in ROOMS - {name}} == {r: before[r] for r in ROOMS - {name}}
        time.sleep(1.1)  # a room that keeps dying at once would be started more slowly


@pytest.mark.parametrize("name", ["core", "keys"])
def test_without_a_room_that_holds_the_truth_all_end(control, name):
    """R5: nobody goes on with half a daemon; its supervisor starts all of it again."""
    running = rooms(control)
    os.kill(running[name], signal.SIGKILL)
    assert control.control.popen.wait(timeout=8) == 1
    for room, pid in running.items():
        assert not os.path.exists(f"/proc/{pid}") or status_of(pid)["State"].startswith("Z"), room


def test_rooms_do_not_outlive_their_parent(control):
    running = rooms(control)
    control.control.popen.kill()
    control.control.popen.wait(timeout=5)
    deadline = time.monotonic() + 2
    for room, pid in running.items():
        while os.path.exists(f"/proc/{pid}") and not status_of(pid)["State"].startswith("Z"):
            assert time.monotonic() < deadline, f"{room} goes on"
            time.sleep(0.02)
