"""Strangers never reach the broker: a self-made certificate, and one of another CA."""
import subprocess
import time

from client import try_connect
from proc import Failed


def openssl(*words):
    done = subprocess.run(["openssl", *[str(w) for w in words]], capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"openssl {words[0]}: {done.stderr.strip()[-300:]}")


def self_made(folder):
    """A certificate that says it is pump-1, signed by itself."""
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", folder / "self.key", "-out", folder / "self.pem", "-days", "1", "-subj",
            "/CN=pump-1", "-addext", "subjectAltName=URI:spiffe://muster.local/device/pump-1")
    return folder / "self.pem", folder / "self.key"


def of_another_ca(folder):
    """The same name from a CA that calls itself like ours."""
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", folder / "ca.key", "-out", folder / "ca.pem", "-days", "1", "-subj",
            "/CN=Muster device CA")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
            folder / "other.key", "-out", folder / "other.csr", "-subj", "/CN=pump-1")
    ext = folder / "other.ext"
    ext.write_text("subjectAltName=URI:spiffe://muster.local/device/pump-1\n"
                   "extendedKeyUsage=clientAuth\nkeyUsage=digitalSignature\n")
    openssl("x509", "-req", "-in", folder / "other.csr", "-CA", folder / "ca.pem", "-CAkey",
            folder / "ca.key", "-CAcreateserial", "-days", "1", "-extfile", ext, "-out",
            folder / "other.pem")
    return folder / "other.pem", folder / "other.key"


def play(plant):
    folder = plant.folder / "strangers"
    folder.mkdir()
    trusted = plant.devices["pump-2"].wait_credential().folder / "ca.pem"
    before = plant.broker.proc.said().count("New connection")
    if not before:
        raise Failed("the broker does not tell of its connections, so nothing could be seen")
    begin = time.monotonic()
    for name, make in (("self-made", self_made), ("other-ca", of_another_ca)):
        certificate, key = make(folder)
        code, said = try_connect(plant.gate_port, plant.logs, f"stranger-{name}", "--cafile",
                                 trusted, "--cert", certificate, "--key", key)
        if code == 0 or "CONNACK (0)" in said:
            raise Failed(f"the stranger with the {name} certificate came in: {said[-300:]}")
    took = time.monotonic() - begin
    if plant.broker.proc.said().count("New connection") != before:
        raise Failed("a stranger reached the broker")
    return took * 1000, ("Two strangers, one with a self-made certificate and one with a certificate of "
                         "another CA, were turned away in the handshake; the broker never heard of "
                         "them.")
