"""Ordinary MQTT clients, Debian's mosquitto_pub and mosquitto_sub, with files they are given."""
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from neighbours import tool
from proc import Failed, Proc

NOT_AUTHORISED = 135  # MQTT 5, 0x87


@dataclass
class Credential:
    """Files an ordinary client can use: certificate, key, and the CA that vouches for the gate."""
    folder: Path

    def options(self):
        return ["--cert", self.folder / "cert.pem", "--key", self.folder / "key.pem",
                "--cafile", self.folder / "ca.pem"]

    def is_there(self):
        return all((self.folder / f).exists() for f in ("cert.pem", "key.pem", "ca.pem"))


class Client:
    """One running mosquitto client; line-buffered, so that what it says is seen at once."""

    def __init__(self, program, name, port, credential, log_dir, *options, stdin=None):
        command = ["stdbuf", "-oL", "-eL", tool(program), "-h", "127.0.0.1", "-p", port, "-d",
                   *credential.options(), *options]
        self.proc = Proc(name, command, log_dir, stdin=stdin or subprocess.DEVNULL)

    def must_say(self, pattern):
        """Waits until it says so; a client that never does is ended, not left behind."""
        try:
            return self.proc.wait_for(pattern, 10)
        except Failed:
            self.stop()
            raise

    def stop(self):
        self.proc.stop()

    def is_connected(self):
        return self.proc.is_running()


class Publisher(Client):
    """Stays connected; each publish() is one QoS 1 message and its answer."""

    def __init__(self, name, port, credential, log_dir, topic, version="5"):
        super().__init__("mosquitto_pub", name, port, credential, log_dir, "-V",
                         "mqttv5" if version == "5" else "mqttv311", "-q", "1", "-t", topic, "-l",
                         stdin=subprocess.PIPE)
        self.topic = topic
        self.sent = 0
        self.must_say(r"received CONNACK \(0\)")

    def publish(self, text, timeout=5.0):
        """Sends one message; returns the reason code of its PUBACK."""
        self.sent += 1
        try:
            self.proc.write(text + "\n")
        except BrokenPipeError:
            raise Failed(f"{self.proc.name}: the session has ended") from None
        found = self.proc.wait_for(rf"received PUBACK \(Mid: {self.sent}, RC:(\d+)\)", timeout)
        return int(found[1])

    def publish_until(self, code, text, timeout=10.0):
        """Publishes until the answer is `code`, or until the session is cut (None)."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            try:
                if self.publish(text) == code:
                    return code
            except Failed:
                if not self.proc.is_running():
                    return None
                raise
            time.sleep(0.002)
        raise Failed(f"{self.proc.name}: no answer {code} within {timeout:g} s")


class Subscriber(Client):
    """Prints `topic payload` for each delivery."""

    def __init__(self, name, port, credential, log_dir, filter_, version="5", wait=True):
        super().__init__("mosquitto_sub", name, port, credential, log_dir, "-V",
                         "mqttv5" if version == "5" else "mqttv311", "-q", "1", "-v", "-t", filter_)
        if wait:
            self.must_say(r"Subscribed \(mid: 1\): \d+")

    def granted(self):
        """The reason code of the SUBACK: 0-2 granted QoS, 128 and above refused."""
        return int(self.proc.wait_for(r"Subscribed \(mid: 1\): (\d+)", 10)[1])

    def heard(self, topic, text=""):
        """How often this topic (and this text) was delivered."""
        lines = self.proc.said().splitlines()
        return sum(1 for line in lines if line == f"{topic} {text}" or
                   (not text and line.startswith(topic + " ")))

    def wait_heard(self, topic, text, timeout=5.0):
        self.proc.wait_for("^" + re.escape(f"{topic} {text}") + "$", timeout)


def try_connect(port, log_dir, name, *options, timeout=10):
    """One connection attempt with any options; returns (exit code, all it said)."""
    proc = Proc(name, ["stdbuf", "-oL", tool("mosquitto_pub"), "-h", "127.0.0.1", "-p", port, "-t",
                       "x", "-m", "x", "-q", "1", "-d", *options], log_dir)
    try:
        code = proc.popen.wait(timeout)
    except subprocess.TimeoutExpired:
        raise Failed(f"{name}: neither let in nor refused within {timeout} s: "
                     f"{proc.said()[-300:].strip()}") from None
    finally:
        proc.stop()
    return code, proc.said()
