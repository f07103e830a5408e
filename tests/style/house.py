#!/usr/bin/python3
"""House rules that a grep can hold.

    tests/style/house.py TOP

A rule is a row: a pattern, where it applies, where it is allowed all the same, and why.
"""
import re
import sys
from pathlib import Path

RULES = [
    # pattern, glob below TOP, allowed in (prefixes of the path), what to do instead
    (r"\b(TODO|FIXME|XXX|HACK)\b", "src/**/*.[ch]", (), "finish it, or open an issue"),
    (r"\bgoto\b", "src/**/*.[ch]", (), "use a scope (auto_...) or an arena"),
    (r"^typedef (?!.*\(\*?\w*_fn\)|.*_fn\()", "src/**/*.h", (), "typedef only function types ending _fn"),
    (r"\b(printf|puts|fprintf)\s*\(", "src/**/*.c",
     ("src/ctl/", "src/base/", "src/agent/main.c", "src/gateway/main.c", "src/control/main.c",
      "src/control/ceremony", "src/agent/cmd_", "src/agent/settings.c", "src/gateway/settings.c",
      "src/control/settings.c"), "a room speaks by log_event, a library by struct err"),
    (r"\b(SELECT|INSERT INTO|UPDATE \w+ SET|DELETE FROM)\b.*\"", "src/**/*.c", ("src/store/",),
     "SQL lives in store/"),
    (r"\bsystem\s*\(|\bpopen\s*\(", "src/**/*.c", (), "no shell"),
    (r"\blog_(event|fail|write)\s*\(", "src/**/*.c",
     ("src/base/", "src/control/", "src/gateway/", "src/agent/", "src/sys/procs.c",
      "src/sys/role.c"), "libraries return errors; a role logs them once"),
    (r"(?<!\w)(malloc|calloc|realloc|strdup|strndup|asprintf|alloca)\s*\(", "src/**/*.c",
     ("src/base/", "src/crypto/secret.c"), "allocate by base/mem.h or an arena"),
    (r"(?<!\w)(fork|vfork|exec[lv]\w*)\s*\(", "src/**/*.c",
     ("src/sys/procs.c", "src/control/main.c"), "programs are started by sys/procs.h"),
    (r"(?<!\w)(time|gettimeofday|clock_gettime)\s*\(", "src/**/*.c", ("src/base/clock.c",),
     "time is an argument; base/clock.h reads it"),
    (r"(?<!\w)(s?rand|random|srandom|[dlm]rand48)\s*\(", "src/**/*.c", (),
     "random bytes come from crypto/"),
    (r"(?<!\w)(v?[fs]?scanf|strto(l|ul|ll|ull|d|f)|ato[flq]+)\s*\(", "src/**/*.c", (),
     "numbers are read by base/str.h, which says where they end"),
    (r"\bpthread_", "src/**/*.c", (), "one thread a process; more work is more processes"),
    (r"cleanup\(", "src/**/*.c", ("src/tpm/tpm.c",), "a scope's name (auto_...) stands in a header"),
    (r"^\s+(auto_\w+|ossl_auto\(\w+\)) [^=(]+;", "src/**/*.c", (),
     "a scoped variable has a value from its first line: = { 0 } or = NULL"),
    (r"NOLINT(NEXTLINE|BEGIN|END)?(?!\w|\()", "src/**/*.[ch]", (), "name the check, and why"),
]


def main():
    top = Path(sys.argv[1])
    found = 0
    for pattern, glob, allowed, instead in RULES:
        rule = re.compile(pattern)
        for file in sorted(top.glob(glob)):
            name = str(file.relative_to(top))
            if name.startswith(allowed or "\0"):
                continue
            for number, text in enumerate(file.read_text().splitlines(), 1):
                code = text if re.search("TODO|NOLINT", pattern) else text.split("/*")[0]
                if rule.search(code):
                    print(f"{name}:{number}: {text.strip()}\n    {instead}")
                    found += 1
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())
