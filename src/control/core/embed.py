#!/usr/bin/python3
"""Writes text files as C strings: embed.py OUT HEADER NAME=FILE..."""
import sys
from pathlib import Path

out, header, *pairs = sys.argv[1:]
text = f'#include "{header}"\n'
for pair in pairs:
    name, file = pair.split("=", 1)
    lines = Path(file).read_text().splitlines()
    body = "\n".join('\t"' + l.replace("\\", "\\\\").replace('"', '\\"') + '\\n"' for l in lines)
    text += f"\nconst char {name}[] =\n{body};\n"
Path(out).write_text(text)
