#!/usr/bin/python3
"""Includes may only point down, and each strange library has one door.

    tools/layers.py [SRC]      prints each arrow that does not fit; exits 1 if there is one
    tools/layers.py --table    prints who may use whom, as ARCHITECTURE.md shows it

The tables below are the architecture: a folder absent from a row may not be used.
"""
import re
import sys
from pathlib import Path

BELOW = "base codec sys crypto cedar model"
PARTS = BELOW + " store bus net"

# Floors, and the programs that stand on them.
MAY_USE = {
    "base": "",
    "codec": "base",
    "sys": "base",
    "crypto": "base codec",
    "tpm": "base codec crypto",
    "cedar": "base codec",
    "model": "base codec cedar",
    "store": BELOW,
    "bus": BELOW,
    "net": BELOW,
    "control": PARTS,
    "gateway": PARTS,
    "agent": PARTS + " tpm",
    "sensor": PARTS,
    "export": PARTS,
    "ctl": "base codec sys crypto cedar model net",
}

# Rooms need less than their program may have.  A room sees its own folder and what lies
# directly in its program's folder (walls.h), never another room.
ROOMS = {
    "control/front": "base codec sys crypto net",
    "control/core": "base codec sys crypto cedar model store bus",
    "control/keys": "base codec sys crypto",
    "control/verify": "base codec sys crypto model",
    "gateway/relay": "base codec sys crypto cedar model net",
    "gateway/link": "base codec sys crypto model net",
    "agent/keys": "base codec sys crypto tpm",
    "agent/net": "base codec sys crypto model net",
}

# Header pattern -> the only places that may include it.
DOORS = {
    r"openssl/": ["crypto/"],
    r"tss2/": ["tpm/"],
    r"jansson\.h": ["codec/json."],
    r"sqlite3\.h": ["store/store_sqlite"],
    r"libpq|postgresql/": ["store/store_postgres"],
    r"nats": ["bus/bus_nats"],
    r"seccomp\.h|linux/(seccomp|landlock|filter)\.h": ["sys/sandbox"],
    r"curl/": ["net/"],
    r"pcap": ["sensor/main.c"],
}


def arrows(src):
    """Yields (file, line number, kind of include, what) for every include below src."""
    for file in sorted(src.rglob("*.[ch]")):
        for number, text in enumerate(file.read_text().splitlines(), 1):
            m = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', text)
            if m:
                yield file.relative_to(src), number, m[1], m[2]


def room_of(path):
    return "/".join(path.parts[:2]) if len(path.parts) > 2 else None


def wrong_own(file, target):
    """Why may `file` not include our header `target`?  None when it may."""
    here, there = file.parts[0], target.split("/")[0]
    if here not in MAY_USE:
        return f"{here} is no floor or program of tools/layers.py"
    allowed = MAY_USE[here].split()
    room, their_room = room_of(file), room_of(Path(target))
    if here == there:
        if their_room and their_room != room:
            return f"{room or here} may not look into the room {their_room}"
        return None
    if room in ROOMS:
        allowed = ROOMS[room].split()
    return None if there in allowed else f"{room or here} may not use {there}"


def wrong_strange(file, target):
    for pattern, doors in DOORS.items():
        if re.match(pattern, target) and not any(str(file).startswith(d) for d in doors):
            return f"<{target}> has one door: {', '.join(doors)}"
    return None


def main():
    if "--table" in sys.argv:
        for name, below in {**MAY_USE, **ROOMS}.items():
            print(f"{name:16} {below or '-'}")
        return 0
    src = Path(sys.argv[1] if len(sys.argv) > 1 else "src")
    wrong = 0
    for file, number, kind, target in arrows(src):
        if kind == '"' and "/" not in target:
            why = "name our headers from src/: folder/file.h"
        else:
            why = wrong_own(file, target) if kind == '"' else wrong_strange(file, target)
        if why:
            print(f"{src / file}:{number}: {why}")
            wrong += 1
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
