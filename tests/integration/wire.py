"""Raw HTTP over TLS, and keys and requests made by Debian's openssl: what a stranger can bring."""
import binascii
import json
import socket
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Identity:
    """A client certificate with its key; `name` says whose."""
    name: str
    cert: Path = None
    key: Path = None


NOBODY = Identity("nobody")


@dataclass
class Answer:
    status: int  # 0: no answer, the connection was refused or cut
    headers: dict
    body: bytes

    def json(self):
        return json.loads(self.body)


CUT = Answer(0, {}, b"")


def openssl(*words, stdin=None):
    done = subprocess.run(["openssl", *[str(w) for w in words]], input=stdin, capture_output=True,
                          timeout=30)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout


def context(identity=NOBODY, version=None):
    """The server is not checked here: these tests are about what it lets in."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.check_hostname = False
    tls.verify_mode = ssl.CERT_NONE
    if version:
        tls.minimum_version = tls.maximum_version = version
    if identity.cert:
        tls.load_cert_chain(identity.cert, identity.key)
    return tls


def connect(port, identity=NOBODY, version=None, timeout=10):
    raw = socket.create_connection(("127.0.0.1", port), timeout)
    return context(identity, version).wrap_socket(raw, server_hostname="localhost")


def read_all(line, enough=lambda data: False):
    data = b""
    try:
        while not enough(data):
            part = line.recv(65536)
            if not part:
                break
            data += part
    except (ssl.SSLError, ConnectionError, TimeoutError):
        pass
    return data


def exchange(port, data, identity=NOBODY, timeout=10, version=None):
    """Sends bytes as they are; returns all that came back until the server closed."""
    try:
        with connect(port, identity, version, timeout) as line:
            line.sendall(data)
            return read_all(line)
    except (ssl.SSLError, ConnectionError, TimeoutError):
        return b""


def parse(data):
    """The first answer in the bytes."""
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) < 2 or not words[0].startswith("HTTP/1."):
        return CUT
    headers = {k.strip().lower(): v.strip() for k, _, v in (h.partition(":") for h in lines[1:])}
    return Answer(int(words[1]), headers, body)


def is_whole(data):
    """An answer with Content-Length is all there; of an endless one the head is enough."""
    if b"\r\n\r\n" not in data:
        return False
    answer = parse(data)
    length = answer.headers.get("content-length")
    return length is None or len(answer.body) >= int(length)


def request(port, method, path, identity=NOBODY, body=None, headers=None, timeout=10, version=None):
    """One request in order; an endless answer is left after its head."""
    if isinstance(body, (dict, list)):
        body = json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **(headers or {})}
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n"
    for name, value in (headers or {}).items():
        head += f"{name}: {value}\r\n"
    if body is not None:
        head += f"Content-Length: {len(body)}\r\n"
    try:
        with connect(port, identity, version, timeout) as line:
            line.sendall(head.encode() + b"\r\n" + (body or b""))
            return parse(read_all(line, is_whole))
    except (ssl.SSLError, ConnectionError, TimeoutError):
        return CUT


# Keys, requests, certificates.

def new_key(folder, name, kind="P-256"):
    file = Path(folder) / f"{name}.key"
    if kind.startswith("P-"):
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{kind}", "-out", file)
    else:
        openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{kind}", "-out", file)
    return file


def new_csr(folder, name, key=None, subject="/CN=anything", extensions=()):
    """A PKCS#10 request, DER."""
    key = key or new_key(folder, name)
    words = ["req", "-new", "-key", key, "-subj", subject, "-outform", "DER"]
    for extension in extensions:
        words += ["-addext", extension]
    return openssl(*words)


def new_authority(folder, name, subject):
    key = new_key(folder, name)
    cert = Path(folder) / f"{name}.crt"
    openssl("req", "-x509", "-new", "-key", key, "-subj", subject, "-days", "2", "-out", cert)
    return Identity(name, cert, key)


def certificate_by(folder, name, authority, uri, days="1", extra=""):
    """A client certificate of some authority, with any SPIFFE ID it likes."""
    key = new_key(folder, name)
    csr, cert = Path(folder) / f"{name}.csr", Path(folder) / f"{name}.crt"
    openssl("req", "-new", "-key", key, "-subj", f"/CN={name}", "-out", csr)
    ext = Path(folder) / f"{name}.ext"
    ext.write_text(f"subjectAltName=URI:{uri}\nextendedKeyUsage=clientAuth\n"
                   f"keyUsage=critical,digitalSignature\nbasicConstraints=critical,CA:FALSE\n{extra}")
    openssl("x509", "-req", "-in", csr, "-CA", authority.cert, "-CAkey", authority.key,
            "-CAcreateserial", "-days", days, "-extfile", ext, "-out", cert)
    return Identity(name, cert, key)


def show(der, *words):
    return openssl("x509", "-inform", "DER", "-noout", *words, stdin=der).decode()


# EST.

def certificates_of(body):
    """DER certificates out of an EST answer (base64 of certs-only PKCS#7)."""
    der = binascii.a2b_base64(body)
    pem = openssl("pkcs7", "-inform", "DER", "-print_certs", stdin=der).decode()
    found = []
    for block in pem.split("-----BEGIN CERTIFICATE-----")[1:]:
        block = "-----BEGIN CERTIFICATE-----" + block.split("-----END")[0] + "-----END CERTIFICATE-----\n"
        found.append(openssl("x509", "-outform", "DER", stdin=block.encode()))
    return found


def base64(data, columns=0, end="\n"):
    text = binascii.b2a_base64(data, newline=False).decode()
    if not columns:
        return (text + end).encode()
    return "".join(text[i:i + columns] + end for i in range(0, len(text), columns)).encode()


def basic(name, secret):
    return "Basic " + base64(f"{name}:{secret}".encode(), end="").decode()


def enrol(port, name, code, csr, headers=None, body=None):
    """simpleenroll with a one-time code (the whole text or its secret)."""
    return request(port, "POST", "/.well-known/est/simpleenroll",
                   body=base64(csr) if body is None else body,
                   headers={"Content-Type": "application/pkcs10",
                            "Authorization": basic(name, code), **(headers or {})})


def new_identity(control, folder, name, kind="device"):
    """Registers and enrols one principal by hand; returns its credential."""
    words = {"device": ("device", "add", name, "--site", "north", "--model", "px-200"),
             "service": ("service", "add", name),
             "gate": ("gate", "add", name, "--site", "north", "--name", "localhost")}[kind]
    control.cli(*words)
    code = control.cli("enrol", "code", name, "--kind", kind)["code"]
    key = new_key(folder, name)
    answer = enrol(control.enrol_port, name, code, new_csr(folder, name, key))
    assert answer.status == 200, answer.body
    cert = Path(folder) / f"{name}.crt"
    cert.write_bytes(openssl("x509", "-inform", "DER", stdin=certificates_of(answer.body)[0]))
    return Identity(name, cert, key)


def operator(control):
    return Identity("admin", control.home / "cert.pem", control.home / "key.pem")
