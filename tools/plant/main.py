"""main.py - what ./up runs once everything is built: a plant, its scenes, then wait for Ctrl-C."""
import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from plant import Plant, PCRS  # noqa: E402
from proc import Failed  # noqa: E402
from scenes import SCENES  # noqa: E402


class Stopped(Exception):
    """Ctrl-C, or asked to end."""


def narrator(is_json):
    """Progress is for people: on standard error when a script reads standard output."""
    out = sys.stderr if is_json else sys.stdout

    def say(text):
        print(text, file=out, flush=True)
    return say


def bring_up(plant, say):
    say("Starting Mosquitto on a unix socket that only the gate reaches.")
    plant.start_broker()
    say("Starting musterd: three CAs, the store, the audit log.")
    plant.start_control()
    say("Putting the shipped policies in force.")
    plant.put_policy()
    say("Enrolling and starting muster-gate in front of the broker.")
    plant.start_gate()
    say("Manufacturing three devices with a software TPM and two with a key file.")
    for name in ("pump-1", "pump-2", "pump-3"):
        plant.add_device(name, tpm=True)
        if name == "pump-1":
            plant.publish_refs(plant.devices[name].tpm.pcrs(PCRS))
    for name in ("valve-1", "valve-2"):
        plant.add_device(name)
    plant.add_service("historian", groups=["historians"])
    plant.add_service("dispatcher", groups=["dispatchers"])
    say("Waiting until all have enrolled and attested.")
    for name, device in plant.devices.items():
        device.wait_credential()
        if device.kind == "device":
            plant.wait_grade(name, "normal", 30)


def play(plant, say):
    results = []
    for name, scene in SCENES:
        begin = time.monotonic()
        try:
            ms, says = scene(plant)
            ok = True
        except (Failed, OSError, subprocess.SubprocessError) as why:
            ms, says, ok = (time.monotonic() - begin) * 1000, str(why), False
        results.append({"name": name, "ok": ok, "ms": round(ms, 1), "says": says})
        say(f"  {'ok  ' if ok else 'FAIL'} {name:12} {says} ({ms:.0f} ms)")
    return results


def where_things_are(plant, say):
    say(f"""
Muster is up.  Ctrl-C ends everything it started.

  API        https://127.0.0.1:{plant.operator_port}/api/v1 (operator certificate)
  gate       127.0.0.1:{plant.gate_port} (MQTT over mTLS)
  files      {plant.folder} (logs/ has a log per program)

Try, in another terminal:

  alias muster='{plant.program("muster")} --home {plant.home}'
  muster status
  muster device list
  muster why {getattr(plant, "last_denial", "ID")}
  muster watch
""")


def main():
    parser = argparse.ArgumentParser(prog="./up", description="A small plant on this machine.")
    parser.add_argument("--once", action="store_true", help="play the scenes, then end")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    args = parser.parse_args()
    say = narrator(args.json)

    def stop(*_):
        raise Stopped
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    folder = Path(tempfile.mkdtemp(prefix="muster-up-"))
    plant = Plant(folder)
    results, ok, trouble = [], False, None
    try:
        begin = time.monotonic()
        bring_up(plant, say)
        say(f"The plant is up after {time.monotonic() - begin:.1f} s.  Its scenes:")
        results = play(plant, say)
        ok = len(results) == len(SCENES) and all(r["ok"] for r in results)
        if not args.once:
            where_things_are(plant, say)
            while True:
                signal.pause()
    except Stopped:
        say("\nEnding.")
    except Failed as why:
        trouble = str(why)
        say(f"The plant did not come up: {why}")
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        plant.stop()
    if ok:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        say(f"Logs are kept in {plant.logs}.")
    if args.json:
        done = {"ok": ok, "scenes": results}
        if trouble:
            done["error"] = trouble
        print(json.dumps(done))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
