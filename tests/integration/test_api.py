"""The API and the CLI over real TLS: who may ask what, and what nobody may send."""
import binascii
import json
import os
import re
import subprocess
import time

import pytest

from wire import (NOBODY, Identity, base64, certificate_by, connect, exchange, new_authority,
                  new_csr, new_identity, new_key, openssl, operator, read_all, request)

LISTENERS = ("enrol", "devices", "operators")


@pytest.fixture
def admin(control):
    return operator(control)


def ask(control, admin, method, path, body=None, headers=None):
    return request(control.operator_port, method, path, admin, body, headers)


def openapi(control, admin):
    answer = ask(control, admin, "GET", "/api/v1/openapi.json")
    assert answer.status == 200, answer.body
    return answer.json()


def operations(document):
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


# A1, A2: who may ask what.

def test_every_route_says_its_permission(control, admin):
    """A2: none without one, and what is public is public by name."""
    found = list(operations(openapi(control, admin)))
    assert len(found) > 40
    for method, path, operation in found:
        assert operation["x-muster-permission"], (method, path)
        assert operation["x-muster-credentials"] and operation["x-muster-listeners"], (method, path)


def every_credential(control, folder):
    other = new_authority(folder, "other-ca", "/CN=Muster device CA")
    return {
        "anyone": NOBODY,
        "device": new_identity(control, folder, "pump-9"),
        "service": new_identity(control, folder, "historian", "service"),
        "gate": new_identity(control, folder, "gw-9", "gate"),
        "user": operator(control),
        "stranger": certificate_by(folder, "stranger", other,
                                   "spiffe://muster.local/device/pump-9"),
        "impostor": certificate_by(folder, "impostor", other, "spiffe://muster.local/user/admin"),
    }


def verdict(answer):
    """What a caller sees: cut at TLS, refused, or let in (whatever then came of it)."""
    if answer.status == 0:
        return "cut"
    return "refused" if answer.status in (401, 403) else \
        "unknown" if answer.status == 404 and b"on this listener" in answer.body else "in"


def test_every_credential_on_every_route(control, admin, folder):
    """A1: generated from the route table; a certificate is worth something at its own routes only."""
    ports = dict(zip(LISTENERS, (control.enrol_port, control.device_port, control.operator_port)))
    credentials = every_credential(control, folder)
    document = openapi(control, admin)
    wrong, seen = [], 0
    for method, path, operation in operations(document):
        target = re.sub(r"\{\w+\}", "nobody-of-that-name", path)
        body = None if method in ("GET", "DELETE") else {}
        headers = {"Content-Type": "application/pkcs10"} if "/est/" in path else None
        for listener, port in ports.items():
            for kind, identity in credentials.items():
                answer = request(port, method, target, identity,
                                 b"" if "/est/" in path and body == {} else body, headers)
                got = verdict(answer)
                wanted = operation["x-muster-credentials"]
                may = listener in operation["x-muster-listeners"] and (
                    "anyone" in wanted if listener == "enrol" else
                    kind in wanted and kind != "anyone")
                seen += 1
                if (got == "in") != may or answer.status >= 500:
                    wrong.append((listener, kind, method, path, answer.status))
    assert seen == len(ports) * len(credentials) * len(list(operations(document)))
    assert not wrong, wrong


def test_a_workload_has_no_use_for_http(control, folder):
    """A1: a program's certificate is of the device CA, and opens nothing here."""
    pump = new_identity(control, folder, "pump-9")
    key = new_key(folder, "w")
    answer = request(control.device_port, "POST", "/device/v1/workload", pump,
                     {"name": "telemetry", "csr": base64(new_csr(folder, "w", key), end="").decode()})
    assert answer.status == 200, answer.body
    cert = folder / "w.crt"
    cert.write_bytes(b"-----BEGIN CERTIFICATE-----\n" +
                     base64(binascii.a2b_base64(answer.json()["certificate"]), 64) +
                     b"-----END CERTIFICATE-----\n")
    assert b"device/pump-9/workload/telemetry" in openssl("x509", "-in", cert, "-noout", "-ext",
                                                          "subjectAltName")
    program = Identity("w", cert, key)
    assert request(control.device_port, "GET", "/device/v1/status", program).status == 403
    assert request(control.operator_port, "GET", "/api/v1/status", program).status == 0


def test_a_role_is_granted_not_inherited(control, admin, folder):
    """A1: a certificate of the operator CA without a grant in the registry does nothing."""
    out = folder / "ghost"
    done = subprocess.run([control.program("musterd"), "operator", "ghost", "--out", out, "-c",
                           control.folder / "musterd.conf"], capture_output=True, text=True,
                          env={**os.environ, **control.env}, timeout=30)
    if done.returncode:
        pytest.fail(done.stderr)
    ghost = Identity("ghost", out / "cert.pem", out / "key.pem")
    assert request(control.operator_port, "GET", "/api/v1/devices", ghost).status == 403


# A4: what nobody may send.

HEAD = b"Host: localhost\r\n"
SMUGGLED = b"GET /api/v1/devices HTTP/1.1\r\nHost: localhost\r\n\r\n"
SHAPES = {
    "two lengths": b"POST /api/v1/codes HTTP/1.1\r\n" + HEAD +
                   b"Content-Length: 0\r\nContent-Length: 5\r\n\r\n" + SMUGGLED,
    "same length twice": b"POST /api/v1/codes HTTP/1.1\r\n" + HEAD +
                         b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n" + SMUGGLED,
    "length and chunked": b"POST /api/v1/codes HTTP/1.1\r\n" + HEAD +
                          b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "xchunked": b"POST /api/v1/codes HTTP/1.1\r\n" + HEAD +
                b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "negative length": b"POST /api/v1/codes HTTP/1.1\r\n" + HEAD + b"Content-Length: -1\r\n\r\n" + SMUGGLED,
    "signed length": b"POST /api/v1/codes HTTP/1.1\r\n" + HEAD + b"Content-Length: +0\r\n\r\n" + SMUGGLED,
    "overflowing length": b"POST /api/v1/codes HTTP/1.1\r\n" + HEAD +
                          b"Content-Length: 18446744073709551616\r\n\r\n" + SMUGGLED,
    "list of lengths": b"POST /api/v1/codes HTTP/1.1\r\n" + HEAD + b"Content-Length: 0, 0\r\n\r\n" + SMUGGLED,
    "bare LF": b"GET /api/v1/status HTTP/1.1\n" + HEAD + b"\n" + SMUGGLED,
    "space before colon": b"GET /api/v1/status HTTP/1.1\r\n" + HEAD + b"X : y\r\n\r\n" + SMUGGLED,
    "no host": b"GET /api/v1/status HTTP/1.1\r\n\r\n" + SMUGGLED,
    "two hosts": b"GET /api/v1/status HTTP/1.1\r\n" + HEAD + HEAD + b"\r\n" + SMUGGLED,
    "NUL in a header": b"GET /api/v1/status HTTP/1.1\r\n" + HEAD + b"X: a\0b\r\n\r\n" + SMUGGLED,
    "folded header": b"GET /api/v1/status HTTP/1.1\r\n" + HEAD + b"X: a\r\n b\r\n\r\n" + SMUGGLED,
    "64 kB header": b"GET /api/v1/status HTTP/1.1\r\n" + HEAD + b"X: " + b"a" * 65536 + b"\r\n\r\n" + SMUGGLED,
    "1,000 headers": b"GET /api/v1/status HTTP/1.1\r\n" + HEAD + b"X: a\r\n" * 1000 + b"\r\n" + SMUGGLED,
    "encoded dots": b"GET /api/v1/devices/%2e%2e/status HTTP/1.1\r\n" + HEAD + b"\r\n" + SMUGGLED,
    "encoded slash": b"GET /api/v1/devices/a%2fb HTTP/1.1\r\n" + HEAD + b"\r\n" + SMUGGLED,
    "absolute target": b"GET http://x/api/v1/status HTTP/1.1\r\n" + HEAD + b"\r\n" + SMUGGLED,
    "unknown method": b"BREW /api/v1/status HTTP/1.1\r\n" + HEAD + b"\r\n" + SMUGGLED,
    "huge chunk": b"POST /api/v1/codes HTTP/1.1\r\n" + HEAD +
                  b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n" + SMUGGLED,
    "chunk extension": b"POST /api/v1/codes HTTP/1.1\r\n" + HEAD +
                       b"Transfer-Encoding: chunked\r\n\r\n0;x=y\r\n\r\n" + SMUGGLED,
    "trailer": b"POST /api/v1/codes HTTP/1.1\r\n" + HEAD +
               b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n" + SMUGGLED,
    "HTTP/1.0": b"GET /api/v1/status HTTP/1.0\r\n" + HEAD + b"\r\n" + SMUGGLED,
    "HTTP/2.0": b"GET /api/v1/status HTTP/2.0\r\n" + HEAD + b"\r\n" + SMUGGLED,
    "no HTTP": b"\x16\x03\x01\x00\x05hello",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_smuggling_shapes_are_refused(control, admin, shape):
    """A4: one error and the end of the connection; what follows is never read as a request."""
    data = exchange(control.operator_port, SHAPES[shape], admin)
    answers = re.findall(rb"HTTP/1\.1 (\d+) ", data)
    assert len(answers) <= 1, data[:400]
    assert all(400 <= int(status) < 600 for status in answers), data[:200]


def test_two_requests_in_order_have_two_answers(control, admin):
    """The refuse twin: pipelining itself is fine."""
    last = b"GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    data = exchange(control.operator_port, SMUGGLED + last, admin)
    assert re.findall(rb"HTTP/1\.1 (\d+) ", data) == [b"200", b"200"], data[:400]


BODIES = {
    "duplicate keys": b'{"id":"x","id":"y","site":"north"}',
    "deep": b"[" * 100000 + b"]" * 100000,
    "huge number": b'{"id":"x","site":"north","model":' + b"9" * 5000 + b"}",
    "bad UTF-8": b'{"id":"\xff\xfe","site":"north"}',
    "NUL": b'{"id":"a\\u0000b","site":"north"}',
    "two documents": b'{"id":"x","site":"north"}{}',
    "unknown member": b'{"id":"x","site":"north","admin":true}',
    "no object": b'"x"',
    "half": b'{"id":"x"',
    "not JSON": b"id=x&site=north",
}


@pytest.mark.parametrize("what", BODIES)
def test_bad_bodies_are_refused_with_a_problem(control, admin, what):
    """A4"""
    answer = ask(control, admin, "POST", "/api/v1/devices", BODIES[what],
                 {"Content-Type": "application/json"})
    assert answer.status == 400, answer
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["status"] == 400 and problem["kind"] == "input" and problem["detail"]


def test_big_requests_are_refused(control, admin):
    """A4: a body over the limit, a million parameters, a target over the limit."""
    answer = ask(control, admin, "POST", "/api/v1/devices", b"x" * (3 << 20),
                 {"Content-Type": "application/json"})
    assert answer.status in (0, 413)
    assert ask(control, admin, "GET", "/api/v1/devices?" + "a&" * 1500).status == 400
    assert ask(control, admin, "GET", "/api/v1/devices?" + "a=1&" * 250000).status in (0, 400, 414, 431)
    assert ask(control, admin, "GET", "/api/v1/status").status == 200


@pytest.mark.parametrize("name", ["../x", "a b", "a/b", "", "x" * 64, "-", "a\nlevel=error", "a#", "+",
                                  "\u00e4"])
def test_ids_are_plain(control, admin, name):
    """T5: what cannot stand in a topic or a log line is no id."""
    answer = ask(control, admin, "POST", "/api/v1/devices", {"id": name, "site": "north"})
    assert answer.status == 400, answer.body


# What a client of the API may count on.

def test_what_is_missing_is_404_with_a_hint(control, admin):
    answer = ask(control, admin, "GET", "/api/v1/devices/nobody")
    assert answer.status == 404 and answer.json()["kind"] == "missing"
    assert ask(control, admin, "GET", "/nothing/here").status == 404


def test_another_method_is_405_with_allow(control, admin):
    answer = ask(control, admin, "DELETE", "/api/v1/devices")
    assert answer.status == 405 and answer.headers["allow"] == "GET, POST"


def test_a_list_is_walked_by_cursor(control, admin):
    for i in range(7):
        control.cli("device", "add", f"pump-{i}", "--site", "north")
    seen, cursor = [], ""
    for _ in range(10):
        page = ask(control, admin, "GET", f"/api/v1/devices?limit=3{cursor}").json()
        seen += [d["id"] for d in page["items"]]
        if not page["next"]:
            break
        cursor = "&cursor=" + page["next"]
    assert seen == sorted(seen) and len(seen) == 7
    assert [d["id"] for d in control.cli("device", "list", "--limit", "4")["items"]] == seen[:4]


def test_a_device_exists_once(control, admin):
    body = {"id": "pump-1", "site": "north"}
    assert ask(control, admin, "POST", "/api/v1/devices", body).status == 201
    again = ask(control, admin, "POST", "/api/v1/devices", body)
    assert again.status == 409 and again.json()["kind"] == "conflict"


def events_of(line, data, count, timeout=5):
    """Whole events: what has come may end in the middle of one."""
    end = time.monotonic() + timeout
    while True:
        text = data.decode().replace("\r\n", "\n")
        found = re.findall(r"id: (\d+)\nevent: \S+\ndata: (.*)\n", text)
        if len(found) >= count or time.monotonic() > end:
            return [(int(i), json.loads(d)) for i, d in found]
        data += line.recv(65536)


def test_changes_are_seen_as_they_happen_and_resumed(control, admin):
    """SSE from the feed, with Last-Event-ID."""
    head = b"GET /api/v1/feed HTTP/1.1\r\nHost: localhost\r\n"
    with connect(control.operator_port, admin) as line:
        line.sendall(head + b"\r\n")
        data = read_all(line, lambda d: b"\r\n\r\n" in d)
        assert b"text/event-stream" in data
        time.sleep(0.3)
        control.cli("device", "add", "pump-1", "--site", "north")
        control.cli("device", "add", "pump-2", "--site", "north")
        events = events_of(line, data, 2)
    assert [e[1]["body"]["id"] for e in events if e[1]["kind"] == "principal"][:2] == \
        ["pump-1", "pump-2"]
    with connect(control.operator_port, admin) as line:
        line.sendall(head + f"Last-Event-ID: {events[0][0]}\r\n\r\n".encode())
        resumed = events_of(line, b"", 1)
    assert resumed[0] == events[1]


def test_a_gate_follows_until_its_certificate_is_revoked(control, folder):
    """Feed lines as they are committed; revocation ends the stream, and the next request."""
    gate = new_identity(control, folder, "gw-9", "gate")
    with connect(control.device_port, gate) as line:
        line.sendall(b"GET /gate/v1/feed?after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        data = read_all(line, lambda d: b'"kind":"fresh"' in d)
        assert b'"kind":"policy","body":{"version":1,' in data
        control.cli("device", "add", "pump-1", "--site", "north")
        control.cli("device", "add", "pump-2", "--site", "south")
        data = read_all(line, lambda d: b'"id":"pump-1"' in d)
        assert b'"id":"pump-2"' not in data  # another site's
        serial = next(c["serial"] for c in control.cli("certificate", "list")["items"]
                      if c["principal"] == "gate/gw-9")
        control.cli("certificate", "revoke", serial)
        line.settimeout(5)
        rest = read_all(line)
        assert rest.endswith(b"0\r\n\r\n") or line.recv(1) == b""
    assert request(control.device_port, "GET", "/gate/v1/snapshot", gate).status in (0, 403)


def test_a_reader_that_does_not_read_costs_one_page(control, admin, folder):
    """A follower that stops reading holds up nobody, and gets all when it reads again."""
    gate = new_identity(control, folder, "gw-9", "gate")
    slow = connect(control.device_port, gate)
    slow.sendall(b"GET /gate/v1/feed?after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    begin = time.monotonic()
    for i in range(200):
        ask(control, admin, "POST", "/api/v1/devices", {"id": f"pump-{i}", "site": "north"})
    assert time.monotonic() - begin < 30
    slow.settimeout(5)
    data = read_all(slow, lambda d: b'"id":"pump-199"' in d)
    seqs = [int(n) for n in re.findall(rb'"seq":(\d+)', data)]
    assert seqs == sorted(set(seqs)) and len([s for s in seqs if s]) >= 200
    slow.close()


# The CLI.

@pytest.mark.parametrize("words, code, said", [
    (["device", "lst"], 2, "did you mean 'muster device list'"),
    (["devic", "list"], 2, "did you mean 'muster device list'"),
    (["device", "list", "--sit", "x"], 2, "did you mean --site"),
    (["device", "show"], 2, "something is missing"),
    (["device", "show", "nobody"], 4, "nobody"),
    (["device", "add", "x"], 2, "--site"),
    (["refs", "sign"], 2, "--key is missing"),
    (["audit", "verify", "/nonexistent"], 4, "/nonexistent"),
])
def test_the_cli_says_what_is_wrong(control, words, code, said):
    done = control.cli_raw(*words)
    assert done.returncode == code and said in done.stderr and not done.stdout, done


def test_the_cli_prints_tables_and_json(control):
    empty = control.cli_raw("device", "list")
    assert empty.returncode == 0 and "muster device add" in empty.stderr
    control.cli("device", "add", "pump-1", "--site", "north", "--group", "pumps", "--tag", "room=7")
    table = control.cli_raw("device", "list")
    assert table.stdout.startswith("DEVICE") and "pump-1" in table.stdout
    assert "\033" not in table.stdout
    page = control.cli_raw("device", "show", "pump-1").stdout
    assert re.search(r"^site +north$", page, re.M)
    assert control.cli("device", "show", "pump-1")["groups"] == ["pumps"]


def test_without_a_credential_the_cli_says_where_it_looked(control, folder):
    done = control.cli_raw("status", home=folder)
    assert done.returncode == 4 and "--home" in done.stderr


def test_an_export_verifies_offline_and_a_change_is_found(control, folder):
    """D-audit: the file alone, the key from the operator's folder; the first bad record is named."""
    for i in range(5):
        control.cli("device", "add", f"pump-{i}", "--site", "north")
    time.sleep(1.5)  # a checkpoint follows a change within a second
    out = folder / "audit.log"
    assert control.cli_raw("audit", "export", "--out", out).returncode == 0
    good = control.cli("audit", "verify", out)
    assert good["ok"] and good["vouched"] >= 5
    text = out.read_text()
    (folder / "bad.log").write_text(text.replace('"device/pump-3"', '"device/pump-7"', 1))
    bad = control.cli_raw("audit", "verify", folder / "bad.log")
    index = next(json.loads(line.split(" ", 2)[2])["index"] for line in text.splitlines()
                 if '"device/pump-3"' in line)
    assert bad.returncode == 5 and f"record {index}:" in bad.stderr, bad.stderr


def test_reference_values_are_signed_off_the_server(control, folder):
    control.publish_refs({0: "00" * 32, 4: "11" * 32})
    listed = control.cli("refs", "list")["items"]
    assert listed[0]["model"] == "px-200" and listed[0]["version"] == 1
    unsigned = folder / "forged"
    statement = (folder / "refs-1").read_text()
    unsigned.write_text(statement.replace("00" * 32, "22" * 32))
    done = control.cli_raw("refs", "publish", unsigned)
    assert done.returncode in (2, 3), done.stderr
    other = folder / "other.key"
    control.cli_raw("refs", "keygen", "--out", other)
    control.cli_raw("refs", "sign", "--key", other, "--model", "px-200", "--version", "2",
                    "--out", folder / "by-other", "--pcr", "0=" + "33" * 32)
    assert control.cli_raw("refs", "publish", folder / "by-other").returncode in (2, 3)
    assert control.cli_raw("refs", "sign", "--key", other, "--model", "m", "--version", "1",
                           "--pcr", "16=" + "00" * 32).returncode == 2
