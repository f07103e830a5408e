"""fleet.py - many devices and sessions from one process, for benches: EST, workloads, MQTT 5."""
import base64
import http.client
import json
import socket
import ssl
import struct
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7


def key_and_csr():
    key = ec.generate_private_key(ec.SECP256R1())
    csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(
        key, hashes.SHA256())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                            serialization.NoEncryption())
    return pem, csr.public_bytes(serialization.Encoding.DER)


def certificate_of(body):
    """The certificate of an EST answer (base64 certs-only PKCS#7), as PEM."""
    return pkcs7.load_der_pkcs7_certificates(base64.b64decode(body))[0].public_bytes(
        serialization.Encoding.PEM)


class SoftDevice:
    """A registered device with a key file; enrols by EST and draws workload credentials."""

    def __init__(self, plant, name, groups=("pumps",), site="north"):
        self.plant, self.name, self.site = plant, name, site
        plant.cli("device", "add", name, "--site", site, "--model", "bench",
                  *[f"--group={g}" for g in groups])
        code = plant.cli("enrol", "code", name)["code"]
        secret = code.split(".")[-2]
        self.folder = Path(tempfile.mkdtemp(dir=plant.folder))
        self.ca = plant.home / "ca.pem"
        key, csr = key_and_csr()
        trust = ssl.create_default_context(cafile=self.ca)
        trust.check_hostname = False
        link = http.client.HTTPSConnection("127.0.0.1", plant.enrol_port, context=trust)
        login = base64.b64encode(f"{name}:{secret}".encode()).decode()
        link.request("POST", "/.well-known/est/simpleenroll", base64.b64encode(csr),
                     {"Content-Type": "application/pkcs10", "Authorization": f"Basic {login}"})
        answer = link.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{name}: EST answered {answer.status}: {body[:200]}")
        self.pem = self.folder / "device.pem"
        self.pem.write_bytes(certificate_of(body) + key)
        link.close()

    def workloads(self, count):
        """PEM files (certificate and key) of `count` workloads, drawn on one connection."""
        context = ssl.create_default_context(cafile=self.ca)
        context.check_hostname = False
        context.load_cert_chain(self.pem)
        link = http.client.HTTPSConnection("127.0.0.1", self.plant.device_port, context=context)
        files = []
        for i in range(count):
            key, csr = key_and_csr()
            link.request("POST", "/device/v1/workload",
                         json.dumps({"name": f"w{i}", "csr": base64.b64encode(csr).decode()}),
                         {"Content-Type": "application/json"})
            answer = link.getresponse()
            body = answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{self.name}: workload: {answer.status}: {body[:200]}")
            der = body
            if answer.getheader("Content-Type", "").startswith("application/json"):
                der = base64.b64decode(json.loads(body)["certificate"])
            pem = x509.load_der_x509_certificate(der).public_bytes(serialization.Encoding.PEM)
            file = self.folder / f"w{i}.pem"
            file.write_bytes(pem + key)
            files.append(file)
        link.close()
        return files


class Session:
    """A blocking MQTT 5 session: enough to publish, subscribe and see itself cut."""

    def __init__(self, port, ca, pem, client_id=""):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(ca)
        context.load_cert_chain(pem)
        raw = socket.create_connection(("127.0.0.1", port), timeout=20)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.tls = context.wrap_socket(raw)
        text = client_id.encode()
        self._send(0x10, b"\x00\x04MQTT\x05\x02" + struct.pack(">H", 600) + b"\x00" +
                   struct.pack(">H", len(text)) + text)
        kind, body = self.receive()
        if kind >> 4 != 2 or body[1]:
            raise RuntimeError(f"CONNACK {body.hex()}")
        self.packet_id = 0

    def _send(self, head, body):
        size, left = b"", len(body)
        while True:
            size += bytes([left % 128 | (0x80 if left > 127 else 0)])
            left //= 128
            if not left:
                break
        self.tls.sendall(bytes([head]) + size + body)

    def _exactly(self, count):
        data = b""
        while len(data) < count:
            part = self.tls.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def receive(self):
        head = self._exactly(1)[0]
        size, shift = 0, 0
        while True:
            byte = self._exactly(1)[0]
            size |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return head, self._exactly(size)

    def subscribe(self, topic_filter):
        self.packet_id += 1
        text = topic_filter.encode()
        self._send(0x82, struct.pack(">H", self.packet_id) + b"\x00" +
                   struct.pack(">H", len(text)) + text + b"\x01")
        return self.receive()[1][-1]

    def publish(self, topic, payload=b"1"):
        """One QoS 1 message; its reason code, or None when the session was cut instead."""
        self.packet_id = self.packet_id % 65000 + 1
        text = topic.encode()
        try:
            self._send(0x32, struct.pack(">H", len(text)) + text +
                       struct.pack(">H", self.packet_id) + b"\x00" + payload)
            while True:
                head, body = self.receive()
                if head >> 4 == 4:
                    return body[2] if len(body) > 2 else 0
                if head >> 4 == 14:
                    return None
        except (EOFError, OSError):
            return None

    def wait_cut(self):
        """Blocks until the gate ends the session."""
        try:
            while self.receive()[0] >> 4 != 14:
                pass
        except (EOFError, OSError):
            pass

    def close(self):
        self.tls.close()
