#!/usr/bin/python3
"""check.py - run the suites, count what passed.  Called by ./check, which installs packages."""
import argparse
import json
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
PYTHON = "/usr/bin/python3"
CORES = str(os.cpu_count() or 1)


class Tally:
    """What ran, and how it ended."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.broken = []

    def add(self, name, ok):
        if ok:
            self.passed += 1
        else:
            self.failed += 1
            self.broken.append(name)

    def add_junit(self, file):
        for case in ET.parse(file).getroot().iter("testcase"):
            name = f"{case.get('classname', '')} {case.get('name', '')}".strip()
            if case.find("skipped") is not None:
                self.skipped += 1
            else:
                self.add(name, case.find("failure") is None and case.find("error") is None)


def say(text):
    print(text, flush=True)


def run(command, **more):
    return subprocess.run(command, cwd=TOP, **more)


def build(where, *options, env=None):
    return run(["tools/build", where, *options], env={**os.environ, **(env or {})}).returncode == 0


def meson_suites(tally, where, *suites, env=None):
    """Run meson suites of one build; every subtest counts."""
    junit = TOP / where / "meson-logs" / "testlog.junit.xml"
    junit.unlink(missing_ok=True)
    command = ["meson", "test", "-C", where, "--no-rebuild", "--print-errorlogs",
               "--num-processes", CORES, "--timeout-multiplier", "4"]
    for suite in suites:
        command += ["--suite", suite]
    done = run(command, env={**os.environ, **(env or {})}, stdout=subprocess.PIPE,
               stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        say(done.stdout[-12000:])
    if not junit.exists():
        tally.add(f"{where}: {' '.join(suites)}", False)
        return
    before = tally.failed
    tally.add_junit(junit)
    if done.returncode and tally.failed == before:
        tally.add(f"{where}: meson test exited {done.returncode}", False)


def suite_gcc(tally, args):
    tally.add("gcc build", build("build"))


def suite_clang(tally, args):
    tally.add("clang build", build("build-clang", env={"CC": "clang"}))


def suite_unit(tally, args):
    meson_suites(tally, "build", "unit", "scenario", "fuzz-replay", env=long_env(args))


def suite_style(tally, args):
    meson_suites(tally, "build", "style")


def suite_cedar(tally, args):
    meson_suites(tally, "build", "conformance", "differential", env=long_env(args))


def suite_sanitize(tally, args):
    if build("build-asan", "-Db_sanitize=address,undefined", "-Db_lundef=false",
             env={"CC": "clang"}):
        tally.add("sanitizer build", True)
        meson_suites(tally, "build-asan", "unit", "scenario", "fuzz-replay",
                     env={"UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"})
    else:
        tally.add("sanitizer build", False)


def suite_integration(tally, args):
    junit = TOP / "build" / "integration.xml"
    junit.unlink(missing_ok=True)
    done = run([PYTHON, "-m", "pytest", "-q", "-x" if args.stop else "-q", "tests/integration",
                f"--junit-xml={junit}", "-p", "no:cacheprovider"], env=long_env(args))
    if junit.exists():
        tally.add_junit(junit)
    elif done.returncode:
        tally.add("integration", False)


def suite_analysis(tally, args):
    tally.add("cppcheck", run(["tools/analyse", "cppcheck"]).returncode == 0)
    tally.add("clang-tidy", run(["tools/analyse", "clang-tidy"]).returncode == 0)


def suite_plant(tally, args):
    done = run(["./up", "--once", "--json"], stdout=subprocess.PIPE, text=True)
    try:
        scenes = json.loads(done.stdout)["scenes"]
    except (ValueError, KeyError):
        tally.add("up --once --json", False)
        return
    for scene in scenes:
        say(f"  {scene['name']}: {scene['says']} ({scene['ms']} ms)")
        tally.add(f"scene {scene['name']}", scene["ok"])
    if done.returncode and all(s["ok"] for s in scenes):
        tally.add("up --once exits 0", False)


def suite_fuzz(tally, args):
    """Long only: every libFuzzer target for two minutes."""
    if not args.long:
        return
    if not build("build-fuzz", "-Dfuzz=true", "-Db_sanitize=address,undefined",
                 "-Db_lundef=false", env={"CC": "clang"}):
        tally.add("fuzz build", False)
        return
    for target in sorted((TOP / "build-fuzz/tests/fuzz").glob("fuzz_*")):
        if target.is_file() and os.access(target, os.X_OK):
            seeds = TOP / "tests/fuzz" / target.name
            found = TOP / "build-fuzz/corpus" / target.name
            found.mkdir(parents=True, exist_ok=True)
            tally.add(target.name, run([target, "-max_total_time=120", "-timeout=5",
                                        "-rss_limit_mb=512", "-verbosity=0", found,
                                        seeds]).returncode == 0)


SUITES = {
    "gcc": (suite_gcc, "builds with gcc, every warning an error"),
    "clang": (suite_clang, "builds with clang, every warning an error"),
    "style": (suite_style, "layers, headers, house rules, format, man pages"),
    "unit": (suite_unit, "unit tests, scenarios, fuzz seeds"),
    "cedar": (suite_cedar, "Cedar conformance and the differential against cedar-wasm"),
    "sanitize": (suite_sanitize, "the same under AddressSanitizer and UBSan"),
    "integration": (suite_integration, "real programs and real neighbours"),
    "plant": (suite_plant, "./up --once --json, every scene"),
    "analysis": (suite_analysis, "cppcheck and clang-tidy"),
    "fuzz": (suite_fuzz, "with --long: libFuzzer, two minutes a target"),
}


def long_env(args):
    """What the suites count by: few in ./check, many with --long."""
    return {**os.environ, "MUSTER_LONG": "1" if args.long else "0",
            "MUSTER_POWER_CUTS": "10000" if args.long else "200"}


def main():
    parser = argparse.ArgumentParser(prog="./check", description="Run Muster's tests.")
    parser.add_argument("suites", nargs="*", metavar="SUITE", help="only these suites")
    parser.add_argument("--list", action="store_true", help="name the suites and end")
    parser.add_argument("--long", action="store_true", help="long fuzz, power-cut and kill counts")
    parser.add_argument("--stop", action="store_true", help="stop integration at the first failure")
    args = parser.parse_args()
    if args.list:
        for name, (_, what) in SUITES.items():
            print(f"{name:12} {what}")
        return 0
    unknown = [s for s in args.suites if s not in SUITES]
    if unknown:
        print(f"check: no suite '{unknown[0]}'; ./check --list names them", file=sys.stderr)
        return 2
    tally = Tally()
    for name, (suite, what) in SUITES.items():
        if args.suites and name not in args.suites:
            continue
        say(f"== {name}: {what}")
        start = time.monotonic()
        suite(tally, args)
        say(f"   {time.monotonic() - start:.0f} s; so far {tally.passed} passed, "
            f"{tally.failed} failed, {tally.skipped} skipped")
        if name == "gcc" and tally.failed:
            break
    for name in tally.broken:
        say(f"FAILED {name}")
    if tally.skipped:
        say(f"{tally.skipped} skipped, each with its reason in the log above")
    print(f"{tally.passed} passed, {tally.failed} failed", flush=True)
    return int(tally.failed > 0)


if __name__ == "__main__":
    sys.exit(main())
