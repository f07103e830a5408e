"""A gate with a real broker behind it and, in the place of musterd, a signer of feed lines.

The gate's programs are ours and the broker and clients are Debian's; only what musterd would
say is said by the test, signed by gate_kit with a key of the test's own.
"""
import json
import os
import socket
import ssl
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from client import Credential, Publisher, Subscriber
from neighbours import Broker
from proc import Failed, Proc, wait_port, wait_until

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("MUSTER_BUILD", TOP / "build"))
KIT = BUILD / "tests" / "integration" / "gate_kit"
SITE = "north"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def principal(kind, name, **more):
    body = {"kind": kind, "id": name, "site": SITE if kind == "device" else "", "model": "p100",
            "groups": [], "status": "active", "firmware": "1", "assurance": "AL1-V",
            "key_assurance": "AL1-V", "attested": True, "attested_at": 1000, "risk": 0,
            "grade": "normal", "held": False, "valid_until": 0, "grade_then": "normal",
            "generation": 1, "posture": {}, "tags": {},
            "evidence": {"attested": {"id": "e-1", "at": 1000}}}
    body.update(more)
    return body


def policy(extra=None, version=1):
    folder = TOP / "policies"
    files = [{"file": f.name, "text": f.read_text()} for f in sorted(folder.glob("*.cedar"))]
    if extra:
        files.append({"file": "extra.cedar", "text": extra})
    spaces = "\n".join(f.read_text() for f in sorted(folder.glob("*.spaces")))
    return {"version": version, "digest": "", "spaces": spaces, "policies": files,
            "schema": (folder / "muster.cedarschema").read_text()}


class Control:
    """Says what musterd would say, over mTLS."""

    def __init__(self, folder, kit):
        self.folder = folder
        self.kit = kit
        self.port = free_port()
        self.seq = 0
        self.state = {}  # key -> (kind, body)
        self.lines = []  # (seq, signed line)
        self.reports = []
        self.changed = threading.Condition()
        self.is_silent = False
        self.server = None

    def entry(self, kind, body, seq, prev):
        return json.dumps({"seq": seq, "prev": prev, "stream": "global", "realm": "default",
                           "site": "", "at": int(time.time() * 1000), "kind": kind, "body": body},
                          separators=(",", ":"))

    def say(self, kind, body, key="statements.pem", seq=None, prev=None):
        """One more entry; with seq and prev, whatever the test wants to claim."""
        with self.changed:
            was = self.seq
            if seq is None:
                self.seq += 1
                self.remember(kind, body)
            text = self.entry(kind, body, self.seq if seq is None else seq,
                              was if prev is None else prev)
            self.lines.append((self.seq if seq is None else seq, self.kit.sign(text, key)))
            self.changed.notify_all()

    def say_raw(self, line):
        with self.changed:
            self.lines.append((self.seq + 1, line))
            self.changed.notify_all()

    def remember(self, kind, body):
        name = f"{body['kind']}/{body['id']}" if kind.startswith("principal") else (
            body.get("serial") or kind)
        if kind == "principal-gone":
            self.state.pop(name, None)
        else:
            self.state[name] = (kind, body)

    def put(self, kind, body):
        """State without an entry: known from the snapshot on."""
        self.remember(kind, body)
        self.seq += 1

    def snapshot(self):
        lines = "".join(self.entry(kind, body, 0, 0) + "\n" for kind, body in self.state.values())
        return self.kit.run("snapshot", str(self.seq), stdin=lines)

    def fresh(self):
        return self.kit.sign(json.dumps({"kind": "fresh", "at": int(time.time() * 1000),
                                         "head": self.seq}))

    def start(self):
        control = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def body(self, status, kind, data):
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_POST(self):
                data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                control.reports.append(json.loads(data))
                self.body(200, "application/json", b"{}")

            def do_GET(self):
                if self.path == "/gate/v1/snapshot":
                    with control.changed:
                        data = control.snapshot()
                    self.body(200, "application/x-ndjson", data.encode())
                elif self.path.startswith("/gate/v1/feed"):
                    self.feed(int(self.path.split("=")[1]))
                else:
                    self.body(404, "text/plain", b"")

            def chunk(self, text):
                data = text.encode()
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                self.wfile.flush()

            def feed(self, after):
                self.send_response(200)
                self.send_header("Content-Type", "application/x-ndjson")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                with control.changed:
                    at = len([1 for seq, _ in control.lines if seq <= after])
                try:
                    self.chunk(control.fresh())
                    while True:
                        with control.changed:
                            control.changed.wait(1)
                            new, at = control.lines[at:], len(control.lines)
                        for _, line in new:
                            self.chunk(line)
                        if not control.is_silent:
                            self.chunk(control.fresh())
                except (OSError, ValueError):
                    self.close_connection = True

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "server" / "cert.pem",
                                self.folder / "server" / "key.pem")
        context.load_verify_locations(self.folder / "ca.pem")
        context.verify_mode = ssl.CERT_REQUIRED
        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def decisions(self, **want):
        found = [d for r in self.reports for d in r["decisions"]]
        return [d for d in found if all(d.get(k) == v for k, v in want.items())]

    def wait_decision(self, **want):
        return wait_until(lambda: self.decisions(**want), 10, f"no decision record {want}")[-1]


class Kit:
    def __init__(self, folder):
        self.folder = folder

    def run(self, what, *words, stdin=None):
        done = subprocess.run([str(KIT), what, str(self.folder), *[str(w) for w in words]],
                              input=stdin, capture_output=True, text=True, timeout=30)
        if done.returncode:
            raise Failed(f"gate_kit {what}: {done.stderr.strip()}")
        return done.stdout

    def sign(self, text, key="statements.pem"):
        return self.run("line", key, stdin=text + "\n")


class GatePlant:
    def __init__(self, folder, settings=""):
        self.folder = Path(folder)
        self.kit_folder = self.folder / "kit"
        self.kit_folder.mkdir(mode=0o700)
        self.kit = Kit(self.kit_folder)
        self.kit.run("init")
        self.kit.run("server", self.kit_folder / "server")
        self.gate_folder = self.folder / "gate"
        self.kit.run("gate", "gw-1", self.gate_folder)
        self.broker = Broker(self.folder / "broker")
        self.control = Control(self.kit_folder, self.kit)
        self.gate_port = free_port()
        self.settings = settings
        self.gate = None
        self.clients = []
        self.logs = self.folder / "logs"
        self.logs.mkdir()
        self.libexec = self.folder / "libexec"
        self.libexec.mkdir()
        for room in ("gateway-link", "gateway-relay"):
            (self.libexec / room).symlink_to(BUILD / "src" / "gateway" / room)
        for name in ("pump-1", "pump-2"):
            self.control.put("principal", principal("device", name))
        self.control.put("principal", principal("service", "historian", groups=["historians"]))
        self.control.put("principal", principal("service", "dispatcher", groups=["dispatchers"]))
        self.control.put("policy", policy())

    def start(self, control=True):
        self.broker.start()
        if control:
            self.control.start()
        self.start_gate()
        return self

    def start_gate(self, state=True):
        config = self.folder / "gate.conf"
        config.write_text(f"""[gate]
id = gw-1
listen = 127.0.0.1:{self.gate_port}
state-dir = {self.gate_folder}
[control]
enrol = 127.0.0.1:{self.control.port}
control = 127.0.0.1:{self.control.port}
{self.settings}
[upstream]
address = unix:{self.broker.socket}
""")
        self.gate = Proc("gate", [BUILD / "src" / "gateway" / "muster-gate", "-c", config],
                         self.logs, env={"MUSTER_LIBEXEC": str(self.libexec)})
        wait_port(self.gate, self.gate_port)
        self.gate.wait_for("event=relay.policy" if state else "event=link.refused", 10)

    def credential(self, uri, name=None, ca="device-ca"):
        name = name or uri.replace("/", "-")
        to = self.folder / "creds" / name
        to.parent.mkdir(exist_ok=True)
        serial = self.kit.run("client", f"spiffe://muster.local/{uri}", to, ca).strip()
        credential = Credential(to)
        credential.serial = serial
        return credential

    def publisher(self, uri, topic, version="5", credential=None):
        client = Publisher(f"pub-{len(self.clients)}", self.gate_port,
                           credential or self.credential(uri, f"c{len(self.clients)}"), self.logs,
                           topic, version)
        self.clients.append(client)
        return client

    def subscriber(self, uri, filter_, version="5", wait=True):
        client = Subscriber(f"sub-{len(self.clients)}", self.gate_port,
                            self.credential(uri, f"c{len(self.clients)}"), self.logs, filter_,
                            version, wait)
        self.clients.append(client)
        return client

    def stop(self):
        for client in self.clients:
            client.stop()
        if self.gate:
            self.gate.stop()
        self.control.stop()
        self.broker.stop()
