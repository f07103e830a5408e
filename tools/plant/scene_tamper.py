"""A device whose measured state changes loses the plant while its session is open."""
import time

from client import NOT_AUTHORISED
from proc import Failed, wait_until

DEVICE = "pump-1"


def play(plant):
    pump = plant.devices[DEVICE]
    commander = plant.devices["dispatcher"].publisher(pump.topic("cmd/start"))
    ears = pump.subscriber(pump.topic("cmd/+"))
    mouth = pump.publisher()
    if mouth.publish("before") >= 128 or ears.granted() >= 128 or commander.publish("1") >= 128:
        raise Failed(f"{DEVICE} is not in service before it is tampered with")
    ears.wait_heard(pump.topic("cmd/start"), "1")

    pump.tamper()
    begin = time.monotonic()
    pump.attest()
    ended = mouth.publish_until(NOT_AUTHORISED, "after")
    took = time.monotonic() - begin

    grade = plant.device(DEVICE)["grade"]
    if grade == "normal":
        raise Failed(f"{DEVICE} was tampered with and is still {grade}")
    if commander.publish("2") >= 128:
        raise Failed("the dispatcher may no longer publish commands, so nothing could be seen")
    # It must be the gate that keeps this from the pump: the broker has it by now.
    time.sleep(0.3)
    if ears.heard(pump.topic("cmd/start"), "2"):
        raise Failed(f"{DEVICE} was still commanded after it was found tampered with")
    fate = "its session was cut" if ended is None else "its session shrank to what the grade allows"
    wait_until(lambda: plant.cli("decisions", "list", "--principal",
                                 f"device/{DEVICE}/workload/telemetry", "--effect", "deny")["items"],
               5, "no decision record of the refusal")
    plant.devices["dispatcher"].hang_up()
    return took * 1000, (f"{DEVICE} was tampered with: at its next attestation it became {grade}, its "
                         f"next publish was refused, no command reached it, {fate}.")
