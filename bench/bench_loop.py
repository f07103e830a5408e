"""From evidence to the first refused message, and from quarantine to the cut, 1,000 live sessions.

Also: resident memory of each room, and how long the build and ./up take.
"""
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP / "tools" / "plant"))

from figures import figure, p256_verify_us, percentile  # noqa: E402
from fleet import Session, SoftDevice  # noqa: E402
from plant import PCRS, Plant  # noqa: E402

SESSIONS, DEVICES, ROUNDS = 1000, 20, 40


def hold_sessions(plant, say):
    """1,000 sessions of 20 devices, each with a subscription."""
    sessions = []
    for d in range(DEVICES):
        device = SoftDevice(plant, f"load-{d}")
        for pem in device.workloads(SESSIONS // DEVICES):
            session = Session(plant.gate_port, device.ca, pem)
            session.subscribe(f"plant/north/load-{d}/cmd/+")
            session.topic = f"plant/north/load-{d}/telemetry/flow"
            sessions.append(session)
        say(f"  {len(sessions)} sessions")
    return sessions


def background(sessions, stop):
    """About 200 messages a second over the held sessions."""
    at = 0
    while not stop.is_set():
        sessions[at % len(sessions)].publish(sessions[at % len(sessions)].topic)
        at += 7
        stop.wait(0.005)


def last_change(plant, name, grade_is_normal):
    """Wall time in ms at which core accepted the evidence that made the newest profile."""
    device = plant.device(name)
    assert (device["grade"] == "normal") == grade_is_normal, device["grade"]
    return device["attested_at"]


def is_taken(said):
    """0, or 0x10 where nobody listens; None is a session that was cut."""
    return said is not None and said < 0x80


def fit_session(plant, ca, pem, topic):
    """A session whose publishes are taken: core may know of a restored grade before the gate."""
    end = time.monotonic() + 5
    while True:
        try:
            session = Session(plant.gate_port, ca, pem)
            if is_taken(session.publish(topic)):
                return session
            session.close()
        except RuntimeError:
            pass
        if time.monotonic() > end:
            raise RuntimeError(f"the gate does not take {topic} of a fit device")
        time.sleep(0.02)


def tamper_once(plant, pump):
    pem = pump.workload / "both.pem"
    pem.write_bytes((pump.workload / "cert.pem").read_bytes() +
                    (pump.workload / "key.pem").read_bytes())
    topic = pump.topic()
    session = fit_session(plant, pump.workload / "ca.pem", pem, topic)
    pump.tamper()
    threading.Thread(target=pump.attest, daemon=True).start()
    while is_taken(session.publish(topic)):
        pass
    refused = time.time() * 1000
    session.close()
    took = refused - last_change(plant, pump.name, False)
    pump.power_cycle()
    pump.attest()
    plant.wait_grade(pump.name, "normal", 30)
    return max(0.0, took)


def quarantine_once(plant, device, pem):
    topic = f"plant/{device.site}/{device.name}/telemetry/flow"
    session = fit_session(plant, device.ca, pem, topic)
    cut = []
    watcher = threading.Thread(target=lambda: (session.wait_cut(), cut.append(time.monotonic())))
    watcher.start()
    begin = time.monotonic()
    plant.cli("device", "quarantine", device.name, "--reason", "bench")
    watcher.join(10)
    plant.cli("device", "restore", device.name)
    plant.wait_grade(device.name, "normal")
    session.close()
    return (cut[0] - begin) * 1000 if cut else 1e9


def memory(procs):
    """Resident kilobytes of each room, by the program it belongs to and the name ps shows."""
    rooms = {}
    for proc in procs:
        said = subprocess.run(["ps", "-o", "pid=,rss=,args=", "--ppid", str(proc.pid), "--pid",
                               str(proc.pid)], capture_output=True, text=True).stdout
        rows = [line.split(None, 2) for line in said.splitlines()]
        names = {int(pid): Path(args.split()[0].rstrip(":")).name for pid, _, args in rows}
        for pid, rss, _ in rows:
            room = "" if int(pid) == proc.pid else f"/{names[int(pid)]}"
            rooms[f"{names[proc.pid]}{room}"] = int(rss)
    return rooms


def first_denial(say):
    """Clone, build, ./up until the first explained denial; and clone and build alone."""
    folder = Path(tempfile.mkdtemp(prefix="mb-", dir="/tmp"))
    try:
        say("cloning and building from nothing")
        begin = time.monotonic()
        subprocess.run(["git", "clone", "-q", TOP, folder / "m"], check=True)
        subprocess.run(["tools/build", "build"], cwd=folder / "m", check=True,
                       stdout=subprocess.DEVNULL, env={**os.environ, "TARGETS": "programs"})
        built = time.monotonic() - begin
        up = subprocess.Popen(["./up", "--once"], cwd=folder / "m", stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
        explained = None
        for line in up.stdout:
            if " neighbour " in line and explained is None:
                explained = time.monotonic() - begin
        up.wait()
        return built, explained if explained is not None else 1e9
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure(say):
    unit = p256_verify_us()
    built, explained = first_denial(say)
    folder = Path(tempfile.mkdtemp(prefix="mb-", dir="/tmp"))
    plant = Plant(folder, attest_s=600)
    stop = threading.Event()
    try:
        plant.start_broker()
        plant.start_control()
        plant.put_policy()
        plant.start_gate()
        pump = plant.add_device("pump-1", tpm=True)
        plant.publish_refs(pump.tpm.pcrs(PCRS))
        pump.wait_credential()
        pump.attest()
        plant.wait_grade("pump-1", "normal")
        idle = memory([plant.control, plant.gates["gw-1"], pump.agent])
        say(f"opening {SESSIONS} sessions")
        sessions = hold_sessions(plant, say)
        loader = threading.Thread(target=background, args=(sessions, stop))
        loader.start()
        say(f"tampering {ROUNDS} times")
        refused = [tamper_once(plant, pump) for _ in range(ROUNDS)]
        say(f"quarantining {ROUNDS} times")
        target = SoftDevice(plant, "target")
        pem = target.workloads(1)[0]
        cut = [quarantine_once(plant, target, pem) for _ in range(ROUNDS)]
        stop.set()
        loader.join()
        for session in sessions:
            session.close()
    finally:
        stop.set()
        plant.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return [
        figure("P-256 verify on this machine", unit, "us"),
        figure("evidence accepted to first refused message, p50", percentile(refused, .5), "ms"),
        figure("evidence accepted to first refused message, p99", percentile(refused, .99), "ms",
               "<= 20"),
        figure("quarantine command to session cut, p50", percentile(cut, .5), "ms"),
        figure("quarantine command to session cut, p99", percentile(cut, .99), "ms"),
        figure("clone and build alone", built, "s"),
        figure("clone to first explained denial", explained, "s", "<= 60"),
        *[figure(f"resident memory of {room}, idle", rss / 1024, "MB")
          for room, rss in sorted(idle.items())],
    ]
