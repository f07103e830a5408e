"""An operator quarantines a device: its live session is cut."""
import time

from client import try_connect
from proc import Failed, wait_until

DEVICE = "valve-1"


def play(plant):
    valve = plant.devices[DEVICE]
    line = valve.publisher()
    if line.publish("open") >= 128:
        raise Failed(f"{DEVICE} is not in service before the quarantine")
    begin = time.monotonic()
    plant.cli("device", "quarantine", DEVICE, "--reason", "scene of ./up")
    told = time.monotonic()
    wait_until(lambda: "DISCONNECT" in line.proc.said() or not line.is_connected(), 5,
               f"the session of {DEVICE} was not cut", every=0.001)
    cut = time.monotonic()
    again, said = reconnect(plant, valve)
    if again == 0:
        raise Failed(f"{DEVICE} came back although it is quarantined: {said[-200:]}")
    plant.cli("device", "restore", DEVICE)
    plant.wait_grade(DEVICE, "normal")
    return (cut - begin) * 1000, (f"An operator quarantined {DEVICE}: its live session was cut "
                                  f"{max(0.0, (cut - told) * 1000):.0f} ms after the command was "
                                  f"answered; it could not come back until it was restored.")


def reconnect(plant, device):
    device.hang_up()
    return try_connect(plant.gate_port, plant.logs, f"again-{device.name}",
                       *device.credential.options(), "-V", "mqttv5")
