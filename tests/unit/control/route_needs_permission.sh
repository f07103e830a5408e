#!/bin/sh
# A route without a permission does not compile (CASES A2): neither an empty one nor none at all.
#	route_needs_permission.sh CC SRC
set -u
cc=$1 src=$2
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/control"

compiles() {
	"$cc" -std=gnu17 -D_GNU_SOURCE -fsyntax-only -I"$dir" -I"$src" "$src/control/routes.c" 2>/dev/null
}

cp "$src/control/routes.h" "$dir/control/"
compiles || { echo "the table as it stands does not compile"; exit 1; }
sed 's/"device.quarantine"/""/' "$src/control/routes.h" >"$dir/control/routes.h"
! compiles || { echo "an empty permission compiles"; exit 1; }
sed 's/"device.quarantine",//' "$src/control/routes.h" >"$dir/control/routes.h"
! compiles || { echo "a row without a permission compiles"; exit 1; }
