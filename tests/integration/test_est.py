"""Enrolment over EST with ordinary clients: what is issued is ours to say, and once is once."""
import binascii
import ssl
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from wire import (NOBODY, Identity, base64, basic, certificate_by, certificates_of, connect,
                  enrol, exchange, new_authority,
                  new_csr, new_identity, new_key, openssl, operator, parse, read_all, request, show)

URI = "spiffe://muster.local/device/pump-1"


@pytest.fixture
def code(control):
    control.cli("device", "add", "pump-1", "--site", "north", "--model", "px-200")
    return control.cli("enrol", "code", "pump-1")["code"]


def new_code(control, *options):
    return control.cli("enrol", "code", "pump-1", *options)["code"]


def test_cacerts_are_the_device_ca_and_the_infra_ca(control):
    answer = request(control.enrol_port, "GET", "/.well-known/est/cacerts")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("application/pkcs7-mime")
    assert answer.headers["content-transfer-encoding"] == "base64"
    assert len(certificates_of(answer.body)) == 2
    # Bouncy Castle refuses eContent that is there and empty: the content is id-data, no more.
    assert b"\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01" in binascii.a2b_base64(answer.body)


@pytest.mark.parametrize("agent, columns", [(None, 0), ("curl/7", 0), ("libest 3.2.0p", 64)])
def test_answers_are_encoded_as_their_client_reads_them(control, agent, columns):
    """E10: one line and a LF, except for libest."""
    answer = request(control.enrol_port, "GET", "/.well-known/est/cacerts",
                     headers={"User-Agent": agent} if agent else {})
    lines = answer.body.decode().split("\n")
    assert lines[-1] == ""
    assert max(map(len, lines)) == (columns or len(lines[0]))
    assert (len(lines) == 2) == (not columns)


def test_curl_enrols_with_a_code(control, code, folder):
    """The two lines of the manual: openssl makes the request, curl sends it."""
    (folder / "csr.b64").write_bytes(base64(new_csr(folder, "k")))
    done = subprocess.run(["curl", "-sS", "--fail-with-body", "--cacert", control.home / "ca.pem",
                           "-u", f"pump-1:{code}", "-H", "Content-Type: application/pkcs10",
                           "--data-binary", f"@{folder}/csr.b64",
                           f"https://localhost:{control.enrol_port}/.well-known/est/simpleenroll"],
                          capture_output=True, timeout=20)
    assert done.returncode == 0, done.stdout + done.stderr
    cert = certificates_of(done.stdout)[0]
    assert f"URI:{URI}" in show(cert, "-ext", "subjectAltName")


@pytest.mark.parametrize("form", ["one line", "wrapped", "crlf", "der", "chunked"])
def test_a_request_is_read_in_every_form(control, code, folder, form):
    """E10: what strongSwan, libest, GlobalSign and Go send."""
    csr = new_csr(folder, "k")
    body, headers = {
        "one line": (base64(csr, end=""), {}),
        "wrapped": (base64(csr, 64), {}),
        "crlf": (base64(csr, 76, "\r\n"), {}),
        "der": (csr, {}),
        "chunked": (None, {"Transfer-Encoding": "chunked"}),
    }[form]
    if form == "chunked":
        text = base64(csr, 76, "\r\n")
        head = ("POST /.well-known/est/simpleenroll HTTP/1.1\r\nHost: localhost\r\n"
                f"Authorization: {basic('pump-1', code)}\r\nContent-Type: application/pkcs10\r\n"
                "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n").encode()
        half = len(text) // 2
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in (text[:half], text[half:]))
        answer = parse(exchange(control.enrol_port, head + chunks + b"0\r\n\r\n"))
    else:
        answer = enrol(control.enrol_port, "pump-1", code, csr, headers, body)
    assert answer.status == 200, answer.body


def test_a_client_of_tls_1_2_can_enrol(control, code, folder):
    """libest and Debian's strongSwan stop at TLS 1.2."""
    answer = request(control.enrol_port, "POST", "/.well-known/est/simpleenroll",
                     body=base64(new_csr(folder, "k")), version=ssl.TLSVersion.TLSv1_2,
                     headers={"Content-Type": "application/pkcs10",
                              "Authorization": basic("pump-1", code)})
    assert answer.status == 200, answer.body


def test_devices_and_operators_need_tls_1_3_or_a_certificate(control):
    assert request(control.device_port, "GET", "/.well-known/est/cacerts").status == 0
    assert request(control.operator_port, "GET", "/api/v1/status", operator(control),
                   version=ssl.TLSVersion.TLSv1_2).status == 0


def test_names_come_from_the_registry(control, code, folder):
    """E1: subject and SAN of the request are another's; the certificate is the device's own."""
    csr = new_csr(folder, "k", subject="/CN=admin/O=Other",
                  extensions=["subjectAltName=URI:spiffe://muster.local/user/admin,DNS:evil.example"])
    cert = certificates_of(enrol(control.enrol_port, "pump-1", code, csr).body)[0]
    names = show(cert, "-ext", "subjectAltName")
    assert f"URI:{URI}" in names and "admin" not in names and "evil" not in names
    assert "pump-1" in show(cert, "-subject") and "admin" not in show(cert, "-subject")


def test_what_a_request_asks_for_is_not_copied(control, code, folder):
    """E2: CA:TRUE, other key usages, a huge SAN."""
    csr = new_csr(folder, "k", extensions=["basicConstraints=critical,CA:TRUE",
                                           "keyUsage=critical,keyCertSign",
                                           "extendedKeyUsage=serverAuth,codeSigning"])
    cert = certificates_of(enrol(control.enrol_port, "pump-1", code, csr).body)[0]
    text = show(cert, "-text")
    assert "CA:TRUE" not in text and "Certificate Sign" not in text
    assert "TLS Web Server Authentication" not in text and "Code Signing" not in text


def test_a_huge_request_is_refused(control, code, folder):
    """E2, E10: 64 KiB of SAN do not pass the listener."""
    (folder / "huge.cnf").write_text(
        "[req]\ndistinguished_name=dn\nreq_extensions=e\nprompt=no\n[dn]\nCN=x\n[e]\n"
        "subjectAltName=" + ",".join(f"DNS:n{i}.example.com" for i in range(5000)) + "\n")
    csr = openssl("req", "-new", "-key", new_key(folder, "k"), "-config", folder / "huge.cnf",
                  "-outform", "DER")
    assert len(csr) > 65536
    answer = enrol(control.enrol_port, "pump-1", code, csr)
    assert answer.status in (0, 400, 413)
    small = enrol(control.enrol_port, "pump-1", code, new_csr(folder, "small"))
    assert small.status == 200  # the code was not used up


def tampered(csr):
    return csr[:-3] + bytes([csr[-3] ^ 1]) + csr[-2:]


def off_the_curve(csr):
    at = csr.index(b"\x03\x42\x00\x04") + 4
    return csr[:at + 40] + bytes([csr[at + 40] ^ 1]) + csr[at + 41:]


def test_a_bad_key_or_signature_is_refused(control, code, folder):
    """E3: each is 400, and the code stays good."""
    good = new_csr(folder, "k")
    weak = new_csr(folder, "rsa", new_key(folder, "rsa", "1024"))
    for csr in (tampered(good), off_the_curve(good), weak, good + b"\0", good[:-1], b"\x30\x00"):
        answer = enrol(control.enrol_port, "pump-1", code, csr)
        assert answer.status == 400, (answer.status, answer.body)
        assert "application/problem+json" in answer.headers["content-type"]
    assert enrol(control.enrol_port, "pump-1", code, good).status == 200


def test_a_code_is_good_once(control, code, folder):
    """E5: reuse with another key is refused."""
    assert enrol(control.enrol_port, "pump-1", code, new_csr(folder, "a")).status == 200
    again = enrol(control.enrol_port, "pump-1", code, new_csr(folder, "b"))
    assert again.status in (403, 409), again.body


def test_a_lost_answer_can_be_asked_for_again(control, code, folder):
    """E6: same code and same request, same certificate."""
    csr = new_csr(folder, "k")
    first = enrol(control.enrol_port, "pump-1", code, csr)
    second = enrol(control.enrol_port, "pump-1", code, csr)
    assert first.status == second.status == 200
    assert certificates_of(first.body) == certificates_of(second.body)


def test_two_devices_race_one_code(control, code, folder):
    """E5: exactly one gets a certificate."""
    requests = [new_csr(folder, f"k{i}") for i in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda c: enrol(control.enrol_port, "pump-1", code, c), requests))
    assert sorted(a.status for a in answers).count(200) == 1, [a.status for a in answers]


def test_a_code_expires(control, code, folder):
    """E5"""
    short = new_code(control, "--ttl", "1")
    time.sleep(1.2)
    assert enrol(control.enrol_port, "pump-1", short, new_csr(folder, "k")).status == 403


def test_a_code_is_for_one_name(control, code, folder):
    control.cli("device", "add", "pump-2", "--site", "north")
    secret = code.split(".")[2]
    assert enrol(control.enrol_port, "pump-2", secret, new_csr(folder, "k")).status == 403


def test_guessing_codes_is_slowed_down(control, code, folder):
    """E5: five refusals from one source, then 503 with Retry-After; also for the right code."""
    csr = new_csr(folder, "k")
    seen = [enrol(control.enrol_port, "pump-1", "A" * 22, csr).status for _ in range(7)]
    assert seen[:5] == [403] * 5 and seen[5:] == [503] * 2, seen
    answer = enrol(control.enrol_port, "pump-1", code, csr)
    assert answer.status == 503 and int(answer.headers["retry-after"]) > 0


def test_without_a_code_the_client_is_asked_for_one(control, folder):
    answer = request(control.enrol_port, "POST", "/.well-known/est/simpleenroll",
                     body=base64(new_csr(folder, "k")),
                     headers={"Content-Type": "application/pkcs10"})
    assert answer.status == 401 and answer.headers["www-authenticate"].startswith("Basic")


@pytest.mark.parametrize("body", [b"", b"\r\n\r\n", b"not base64!", b"TUlJ=QUFB", b"-" * 100,
                                  b"--b\r\nContent-Type: application/pkcs10\r\n\r\nMIIB\r\n--b--"])
def test_what_is_no_request_is_refused(control, code, folder, body):
    """E10"""
    answer = enrol(control.enrol_port, "pump-1", code, b"", body=body)
    assert answer.status == 400, answer.body


def test_a_body_that_never_comes_is_given_up(control):
    """E10: a Content-Length that lies holds a connection for 10 s, not longer."""
    begin = time.monotonic()
    with connect(control.enrol_port, timeout=20) as line:
        line.sendall(b"POST /.well-known/est/simpleenroll HTTP/1.1\r\nHost: x\r\n"
                     b"Content-Type: application/pkcs10\r\nContent-Length: 1000\r\n\r\nMII")
        read_all(line)
    assert 5 < time.monotonic() - begin < 15


def test_a_device_renews_with_its_certificate(control, folder):
    pump = new_identity(control, folder, "pump-1")
    csr = new_csr(folder, "next", subject="/CN=pump-2")
    answer = request(control.device_port, "POST", "/.well-known/est/simplereenroll", pump,
                     body=base64(csr), headers={"Content-Type": "application/pkcs10"})
    assert answer.status == 200, answer.body
    cert = certificates_of(answer.body)[0]
    assert f"URI:{URI}" in show(cert, "-ext", "subjectAltName")  # E1: not pump-2


def test_certificates_of_others_are_refused(control, folder):
    """T6: self-signed, another CA with the same name, an authority that is itself a device."""
    pump = new_identity(control, folder, "pump-1")
    issuer = openssl("x509", "-in", pump.cert, "-noout", "-issuer", "-nameopt", "compat").decode()
    same_name = "/" + issuer.split("=", 1)[1].strip().lstrip("/ ")
    twin = new_authority(folder, "twin", same_name)
    strangers = [
        certificate_by(folder, "of-twin", twin, URI),
        certificate_by(folder, "of-other", new_authority(folder, "other", "/CN=Other CA"), URI),
        certificate_by(folder, "below-device", pump, URI),
        twin,
    ]
    self_signed = Identity("self", folder / "self.crt", new_key(folder, "self"))
    openssl("req", "-x509", "-new", "-key", self_signed.key, "-subj", "/CN=pump-1", "-addext",
            f"subjectAltName=URI:{URI}", "-days", "1", "-out", self_signed.cert)
    for stranger in [*strangers, self_signed, NOBODY]:
        answer = request(control.device_port, "GET", "/device/v1/status", stranger)
        assert answer.status == 0, stranger.name
        answer = request(control.operator_port, "GET", "/api/v1/status", stranger)
        assert answer.status == 0, stranger.name
    assert request(control.device_port, "GET", "/device/v1/status", pump).status == 200


def test_a_retired_device_renews_no_more(control, folder):
    pump = new_identity(control, folder, "pump-1")
    control.cli("device", "retire", "pump-1")
    answer = request(control.device_port, "POST", "/.well-known/est/simplereenroll", pump,
                     body=base64(new_csr(folder, "next")),
                     headers={"Content-Type": "application/pkcs10"})
    assert answer.status in (0, 403)
