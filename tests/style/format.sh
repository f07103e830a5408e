#!/bin/sh
# format.sh TOP - is every C file as clang-format would write it?
cd "$1" && find src tests -name '*.[ch]' -print0 |
	xargs -0 clang-format-14 --dry-run -Werror 2>&1 | grep -E 'error:' | head -n 20 |
	{ ! grep . || { echo "run: find src tests -name '*.[ch]' | xargs clang-format-14 -i"; exit 1; }; }
