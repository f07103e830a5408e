#!/usr/bin/python3
"""Every header compiles alone, says what it is for in its first line, and guards itself.

    tests/style/headers.py CC SRC [CFLAGS...]
"""
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def judge(cc, src, flags, header):
    name = header.relative_to(src)
    text = header.read_text()
    found = []
    if not re.match(r"/\* %s - .+" % re.escape(header.name), text):
        found.append(f"{name}:1: want '/* {header.name} - what it is for'")
    if "#pragma once" not in text:
        found.append(f"{name}: want '#pragma once'")
    run = subprocess.run([cc, *flags, "-std=gnu17", "-D_GNU_SOURCE", "-fsyntax-only", "-Werror",
                          "-Wall", "-Wextra", "-Wno-missing-field-initializers", f"-I{src}",
                          "-x", "c", "-include", str(header), "/dev/null"],
                         capture_output=True, text=True)
    if run.returncode:
        found.append(f"{name}: does not compile alone:\n{run.stderr}")
    return found


def main():
    cc, src, flags = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
    headers = sorted(src.rglob("*.h"))
    with ThreadPoolExecutor(2) as pool:
        found = sum(pool.map(lambda h: judge(cc, src, flags, h), headers), [])
    print("\n".join(found) or f"{len(headers)} headers")
    return int(bool(found) or not headers)


if __name__ == "__main__":
    sys.exit(main())
