#!/usr/bin/python3
"""Writes the migrations as one C table, in the order of their numbers: embed.py OUT SQL..."""
import re
import sys
from pathlib import Path

out, *files = sys.argv[1:]
rows = []
for number, path in enumerate(sorted(map(Path, files), key=lambda p: p.name), 1):
    if int(re.match(r"(\d{4})_", path.name)[1]) != number:
        sys.exit(f"{path}: want number {number:04d}")
    lines = [l for l in path.read_text().splitlines() if l.strip() and not l.startswith("--")]
    text = "\n".join('\t  "' + l.replace("\\", "\\\\").replace('"', '\\"') + '\\n"' for l in lines)
    rows.append(f'\t{{ "{path.stem}",\n{text} }},\n')
Path(out).write_text('#include "store/engine.h"\n\nconst struct store_migration store_migrations[] = {\n'
                     + "".join(rows) + "};\n"
                     + "const size_t store_migration_count = countof(store_migrations);\n")
