"""Telemetry flows from every enrolled device to the historian, through the gate."""
import time

from proc import Failed

DEVICES = ["pump-1", "pump-2", "pump-3", "valve-1", "valve-2"]


def play(plant):
    historian = plant.devices["historian"].subscriber("plant/+/+/telemetry/#")
    if historian.granted() >= 128:
        raise Failed(f"the historian may not subscribe ({historian.granted()})")
    slowest = 0.0
    for name in DEVICES:
        device = plant.devices[name]
        line = device.publisher()
        begin = time.monotonic()
        code = line.publish("12.5")
        if code >= 128:
            raise Failed(f"{name} may not publish its telemetry ({code})")
        historian.wait_heard(device.topic(), "12.5")
        slowest = max(slowest, time.monotonic() - begin)
        device.hang_up()
    plant.devices["historian"].hang_up()
    return slowest * 1000, (f"Telemetry of all {len(DEVICES)} devices reached the historian through "
                            f"the gate.")
