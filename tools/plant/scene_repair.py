"""Repaired, the device comes back by itself after its next attestation."""
import time

from proc import Failed

DEVICE = "pump-1"


def play(plant):
    pump = plant.devices[DEVICE]
    pump.hang_up()
    begin = time.monotonic()
    pump.power_cycle()
    plant.wait_grade(DEVICE, "normal", 30)
    line = pump.publisher()
    code = line.publish("repaired")
    if code >= 128:
        raise Failed(f"{DEVICE} is normal again and still may not publish ({code})")
    took = time.monotonic() - begin
    pump.hang_up()
    return took * 1000, (f"{DEVICE} was power-cycled into its known-good state and came back by itself "
                         f"at its next attestation.")
