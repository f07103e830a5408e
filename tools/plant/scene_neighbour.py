"""A device publishes to its neighbour's topic: refused, and `muster why` explains."""
import time

from client import NOT_AUTHORISED
from proc import Failed, wait_until

DEVICE, NEIGHBOUR = "pump-2", "pump-3"


def play(plant):
    pump = plant.devices[DEVICE]
    topic = pump.topic(device=NEIGHBOUR)
    line = pump.publisher(topic)
    begin = time.monotonic()
    code = line.publish("99.9")
    took = time.monotonic() - begin
    if code != NOT_AUTHORISED:
        raise Failed(f"{DEVICE} published to {NEIGHBOUR}'s topic and was answered {code}")

    def denial():
        page = plant.cli("decisions", "list", "--principal", f"device/{DEVICE}/workload/telemetry",
                         "--effect", "deny")
        return next((d for d in page["items"] if topic in str(d.get("resource", ""))), None)
    record = wait_until(denial, 5, "no decision record of the refusal")
    why = plant.cli_raw("why", record["id"])
    if why.returncode:
        raise Failed(f"muster why {record['id']}: {why.stderr.strip()}")
    plant.last_denial = record["id"]
    pump.hang_up()
    return took * 1000, (f"{DEVICE} published to {NEIGHBOUR}'s topic: refused with 0x87; "
                         f"`muster why {record['id']}` says why.")
