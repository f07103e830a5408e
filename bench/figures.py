"""figures.py - one measured figure and its goal; percentiles; the primitive of this machine."""
import operator
import re
import subprocess

COMPARE = {"<=": operator.le, ">=": operator.ge}


def figure(name, value, unit, goal=None):
    """goal: "<= 20", ">= 1500" or None (shown for orientation)."""
    holds = None
    if goal:
        sign, bound = goal.split()
        holds = bool(COMPARE[sign](value, float(bound)))
    return {"name": name, "value": round(float(value), 6), "unit": unit, "goal": goal or "",
            "holds": holds}


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def p256_verify_us():
    """One ECDSA P-256 verification on this machine, now, in microseconds."""
    said = subprocess.run(["openssl", "speed", "-seconds", "1", "ecdsap256"], capture_output=True,
                          text=True).stdout
    last = [line for line in said.splitlines() if "ecdsa" in line][-1]
    return 1e6 / float(re.split(r"\s+", last.strip())[-1])
