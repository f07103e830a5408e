"""A small plant on loopback: musterd, a gate, a broker behind it, devices with and without TPM.

The scenes of ./up and the integration tests bring up the same programs through this file.
"""
import json
import os
import signal
import subprocess
from pathlib import Path

from client import Credential, Publisher, Subscriber
from neighbours import Broker, Tpm
from proc import Failed, Proc, free_ports, wait_port, wait_until

TOP = Path(__file__).resolve().parents[2]
MODEL = "px-200"
GROUP = "pumps"
SITE = "north"
FIRMWARE = [(0, b"boot block 7"), (4, b"kernel 6.1.0-px"), (7, b"secure boot on")]
PCRS = [0, 1, 2, 3, 4, 5, 6, 7]


class Plant:
    """Owns every process and every file of one plant; stop() ends them all."""

    def __init__(self, folder, build=TOP / "build", attest_s=2):
        self.folder = Path(folder)
        self.build = Path(build)
        self.attest_s = attest_s
        self.logs = self.folder / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.enrol_port, self.device_port, self.operator_port, self.gate_port = free_ports(4)
        self.state = self.folder / "musterd"
        self.home = self.state / "operator" / "admin"
        self.broker = None
        self.control = None
        self.gates = {}
        self.devices = {}
        self.release_key = None
        self.refs_version = 0
        self.env = {"MUSTER_LIBEXEC": str(self.gather_rooms())}

    # Programs.

    def gather_rooms(self):
        """A build tree scatters the rooms over its folders; installed, they lie in one."""
        libexec = self.folder / "libexec"
        libexec.mkdir(exist_ok=True)
        for daemon in ("control", "gateway", "agent"):
            for room in (self.build / "src" / daemon).rglob(f"{daemon}-*"):
                if room.is_file() and os.access(room, os.X_OK):
                    (libexec / room.name).unlink(missing_ok=True)
                    (libexec / room.name).symlink_to(room)
        return libexec

    def program(self, name):
        for folder in ("control", "gateway", "agent", "ctl"):
            found = self.build / "src" / folder / name
            if found.exists():
                return found
        raise Failed(f"{name} is not built in {self.build}")

    def cli(self, *words, home=None, check=True):
        """`muster` with --json: what it printed, parsed; Failed carries its error text."""
        done = self.cli_raw("--json", *words, home=home)
        if done.returncode and check:
            raise Failed(f"muster {' '.join(str(w) for w in words)}: {done.stderr.strip()}")
        if done.returncode:
            return done
        return json.loads(done.stdout) if done.stdout.strip() else None

    def cli_raw(self, *words, home=None, stdin=None):
        return subprocess.run([str(self.program("muster")), "--home", str(home or self.home),
                               *[str(w) for w in words]], capture_output=True, text=True,
                              input=stdin, timeout=30)

    # The server side.

    def start_broker(self, extra=""):
        self.broker = Broker(self.folder / "broker", extra=extra).start()

    def start_control(self, extra=""):
        config = self.folder / "musterd.conf"
        config.write_text(f"""[server]
state-dir = {self.state}
enrol = 127.0.0.1:{self.enrol_port}
devices = 127.0.0.1:{self.device_port}
operators = 127.0.0.1:{self.operator_port}
{extra}""")
        self.control = Proc("musterd", [self.program("musterd"), "-c", config], self.logs,
                            env=self.env)
        wait_port(self.control, self.operator_port)
        wait_until(lambda: (self.home / "cert.pem").exists(), 10, "operator credential")

    def put_policy(self, folder=TOP / "policies"):
        return self.cli("policy", "put", folder)

    def start_gate(self, name="gw-1", site=SITE):
        folder = self.folder / name
        folder.mkdir(mode=0o700)
        self.cli("gate", "add", name, "--site", site, "--name", "localhost", "--name", "127.0.0.1")
        code = folder / "code"
        self.write_code(name, code, kind="gate")
        config = folder / "gate.conf"
        config.write_text(f"""[gate]
id = {name}
listen = 127.0.0.1:{self.gate_port}
state-dir = {folder}/state
code-file = {code}
[control]
enrol = 127.0.0.1:{self.enrol_port}
control = 127.0.0.1:{self.device_port}
[upstream]
address = unix:{self.broker.socket}
""")
        self.gates[name] = Proc(name, [self.program("muster-gate"), "-c", config], self.logs,
                                env=self.env)
        wait_port(self.gates[name], self.gate_port, 20)
        return self.gates[name]

    def write_code(self, name, file, kind="device"):
        code = self.cli("enrol", "code", name, "--kind", kind)["code"]
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
            f.write(code + "\n")

    # Reference values, signed by a key that the server never sees.

    def publish_refs(self, pcrs, model=MODEL):
        if not self.release_key:
            self.release_key = self.folder / "release.key"
            self.cli_raw("refs", "keygen", "--out", self.release_key)
            self.cli("refs", "trust", f"{self.release_key}.pub")
        self.refs_version += 1
        statement = self.folder / f"refs-{self.refs_version}"
        options = [f"--pcr={n}={value}" for n, value in sorted(pcrs.items())]
        done = self.cli_raw("refs", "sign", "--key", self.release_key, "--model", model,
                            "--version", self.refs_version, "--out", statement, *options)
        if done.returncode:
            raise Failed(f"muster refs sign: {done.stderr.strip()}")
        return self.cli("refs", "publish", statement)

    # Devices and services.

    def add_device(self, name, tpm=False, site=SITE, groups=(GROUP,), start=True):
        self.cli("device", "add", name, "--site", site, "--model", MODEL,
                 *[f"--group={g}" for g in groups])
        device = Device(self, name, "device", tpm)
        self.devices[name] = device
        if start:
            device.start()
        return device

    def add_service(self, name, groups=()):
        self.cli("service", "add", name, *[f"--group={g}" for g in groups])
        service = Device(self, name, "service", False)
        self.devices[name] = service
        service.start()
        return service

    def device(self, name):
        return self.cli("device", "show", name)

    def wait_grade(self, name, grade, timeout=20):
        return wait_until(lambda: self.device(name)["grade"] == grade, timeout,
                          f"{name} is not {grade}", every=0.02)

    def stop(self):
        for device in self.devices.values():
            device.stop()
        for gate in self.gates.values():
            gate.stop()
        if self.control:
            self.control.stop()
        if self.broker:
            self.broker.stop()


class Device:
    """One muster-agent with its own state, its own TPM or key file, and its programs."""

    def __init__(self, plant, name, kind, has_tpm):
        self.plant = plant
        self.name = name
        self.kind = kind
        self.folder = plant.folder / name
        self.folder.mkdir(mode=0o700)
        self.workload = self.folder / "telemetry"
        self.tpm = None
        if has_tpm:
            self.tpm = Tpm(self.folder / "tpm", name, plant.folder / "tpm-maker")
        self.agent = None
        self.config = self.folder / "agent.conf"
        self.clients = []

    def start(self):
        if self.tpm:
            self.tpm.manufacture().boot(FIRMWARE)
        code = self.folder / "code"
        self.plant.write_code(self.name, code, self.kind)
        key = f"key = tpm\ntcti = {self.tpm.tcti}" if self.tpm else "key = file"
        self.config.write_text(f"""[agent]
state-dir = {self.folder}/state
[server]
enrol = 127.0.0.1:{self.plant.enrol_port}
control = 127.0.0.1:{self.plant.device_port}
[identity]
id = {self.name}
kind = {self.kind}
code-file = {code}
{key}
[attest]
interval = {self.plant.attest_s}s
pcrs = {','.join(str(n) for n in PCRS)}
[workload]
files = telemetry:{self.workload}
""")
        self.run()

    def run(self):
        self.agent = Proc(f"agent-{self.name}", [self.plant.program("muster-agent"), "run", "-c",
                                                 self.config], self.plant.logs,
                          env=self.plant.env)

    @property
    def credential(self):
        return Credential(self.workload)

    def wait_credential(self, timeout=30):
        wait_until(self.credential.is_there, timeout,
                   f"{self.name} has no credential files; see {self.agent.log}", every=0.02)
        return self.credential

    def topic(self, rest="telemetry/flow", device=None, site=SITE):
        return f"plant/{site}/{device or self.name}/{rest}"

    def publisher(self, topic=None, version="5"):
        client = Publisher(f"pub-{self.name}-{len(self.clients)}", self.plant.gate_port,
                           self.wait_credential(), self.plant.logs, topic or self.topic(), version)
        self.clients.append(client)
        return client

    def subscriber(self, filter_, version="5", wait=True):
        client = Subscriber(f"sub-{self.name}-{len(self.clients)}", self.plant.gate_port,
                            self.wait_credential(), self.plant.logs, filter_, version, wait)
        self.clients.append(client)
        return client

    def attest(self):
        """Asks the running agent to attest now."""
        done = subprocess.run([str(self.plant.program("muster-agent")), "attest", "-c",
                               str(self.config)], capture_output=True, text=True, timeout=30)
        return done.returncode, done.stdout + done.stderr

    def tamper(self, pcr=4, what=b"firmware nobody signed"):
        self.tpm.extend(pcr, what)

    def power_cycle(self):
        self.tpm.power_off()
        self.tpm.boot(FIRMWARE)

    def hang_up(self):
        for client in self.clients:
            client.stop()
        self.clients.clear()

    def stop(self):
        self.hang_up()
        if self.agent:
            self.agent.stop()
        if self.tpm:
            self.tpm.power_off()

    def kill_agent(self):
        self.agent.signal(signal.SIGKILL)
        self.agent.stop()
