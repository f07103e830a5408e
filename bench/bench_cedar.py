"""The policy language: a decision, growth with policies, loading, memory, who-can; against cedar-wasm.

Both sides decide the same requests under the same policies, and must agree on every one.  Ours is
timed decision by decision, entities looked up among 20,000 devices each time; "by name" also hashes
the names of principal and resource, which a gate does once a session and once a topic.  The peer
gets its policies parsed beforehand and, for each request, only the entities it can concern.  The
quietest of many rounds counts, for both.
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from figures import figure

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "cedar"))
from cases import Plant  # noqa: E402

DEVICES, REQUESTS, PEER_REQUESTS, MILLION = 20_000, 5_000, 400, 1_000_000


def program():
    top = HERE.parent
    if not (top / "build" / "build.ninja").exists():
        subprocess.run(["meson", "setup", "build"], cwd=top, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", "build", "bench/cedar_bench"], cwd=top, check=True,
                   stdout=subprocess.DEVNULL)
    return top / "build" / "bench" / "cedar_bench"


def peer_install():
    if not (HERE / "cedar" / "node_modules" / ".package-lock.json").exists():
        subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=HERE / "cedar",
                       check=True)


def said(*command):
    done = subprocess.run([str(c) for c in command], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def one_size(bench, policies, with_peer, folder):
    plant = Plant(policies, DEVICES, REQUESTS)
    plant.write(folder)
    ours = said(bench, "decide", folder)
    if with_peer:
        (folder / "slices.json").write_text(json.dumps(plant.slices(PEER_REQUESTS)))
        peer = said("node", HERE / "cedar" / "peer.mjs", folder)
        if peer["decisions"] != ours["decisions"][:PEER_REQUESTS]:
            sys.exit(f"bench: at {policies} policies the two do not decide alike")
        ours["peer_ns"] = peer["p50_ns"]
    return ours


def measure(say):
    bench = program()
    peer_install()
    out, sizes = [], {}
    with tempfile.TemporaryDirectory() as temp:
        folder = Path(temp)
        for policies in (10, 1000, 10_000):
            say(f"cedar: {policies} policies, {DEVICES} devices")
            sizes[policies] = one_size(bench, policies, policies <= 1000, folder)
            if policies == 10:
                say(f"cedar: who can, of {MILLION} devices")
                who = said(bench, "who", folder, MILLION)
            if policies == 1000:
                load = said(bench, "load", folder, 21)
    goals = {10: ("<= 0.3", None), 1000: ("<= 0.7", "<= 2"), 10_000: (None, None)}
    for policies, got in sizes.items():
        p50, p99 = goals[policies]
        out.append(figure(f"decision, {policies} policies, p50", got["p50_ns"] / 1e3, "us", p50))
        out.append(figure(f"decision, {policies} policies, p99", got["p99_ns"] / 1e3, "us", p99))
        out.append(figure("the same by name, p50", got["named_ns"] / 1e3, "us"))
        out.append(figure(f"policies looked at, of {policies}", got["candidates"], "policies"))
    for policies, goal in ((10, ">= 1500"), (1000, None)):
        got = sizes[policies]
        out.append(figure(f"cedar-wasm, {policies} policies, p50", got["peer_ns"] / 1e3, "us"))
        out.append(figure(f"faster than cedar-wasm, {policies} policies",
                          got["peer_ns"] / got["p50_ns"], "times", goal))
    out.append(figure("parse, validate, compile 1000 policies", load["load_ms"], "ms", "<= 50"))
    out.append(figure("a compiled policy (of 1000)", sizes[1000]["bytes_per_policy"], "bytes"))
    out.append(figure("a stored device (of 20,000)", sizes[1000]["bytes_per_entity"], "bytes"))
    out.append(figure("who can, 1,000,000 devices", who["who_s"], "s", "<= 1"))
    out.append(figure("who can, context unknown", who["who_unknown_s"], "s"))
    return out
