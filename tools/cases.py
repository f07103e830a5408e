#!/usr/bin/python3
"""Which attack or fault is covered by which test?

    tools/cases.py [CASE...]       every case that tests name, or only these; exits 1 when one
                                   of those asked for is named by no test

A test covers a case by naming its id (T7, M12) in a comment, docstring or case name.
"""
import re
import sys
from collections import defaultdict
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
CASE = re.compile(r"\b([TEVMPUALDCNROSX]\d{1,2})\b")
SUFFIXES = {".c", ".py", ".js", ".mjs", ".txt", ".sh"}


def main():
    found = defaultdict(set)
    for file in sorted((TOP / "tests").rglob("*")):
        if file.suffix in SUFFIXES and "node_modules" not in file.parts:
            for case in CASE.findall(file.read_text(errors="replace")):
                found[case].add(str(file.relative_to(TOP / "tests")))
    asked = sys.argv[1:] or sorted(found, key=lambda c: (c[0], int(c[1:])))
    for case in asked:
        print(f"{case:4} {', '.join(sorted(found[case])) or '-- no test names it'}")
    return int(any(not found[case] for case in asked))


if __name__ == "__main__":
    sys.exit(main())
