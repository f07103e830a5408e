#!/usr/bin/python3
"""Every permission of the route table is an action of the shipped schema, or nobody has it.

    route_permissions.py TOP
"""
import re
import sys
from pathlib import Path

top = Path(sys.argv[1])
schema = (top / "policies" / "muster.cedarschema").read_text()
actions = set()
for names in re.findall(r"^action ([^;{]*?) (?:in|appliesTo)", schema, re.M):
    actions |= {name.strip().strip('"') for name in names.replace("\n", " ").split(",")}
text = (top / "src/control/routes.h").read_text()
wrong = count = 0
for row in re.finditer(r'^\tR\((\w+),(.*?)(?=^\tR\(|^/\* clang-format on)', text, re.M | re.S):
    count += 1
    strings = re.findall(r'"([^"]*)"', row[2])
    permission = strings[2]
    if permission != "public" and permission not in actions:
        print(f"{row[1]}: '{permission}' is no action of policies/muster.cedarschema")
        wrong += 1
print(f"{count} routes, {len(actions)} actions")
sys.exit(wrong > 0 or not count)
