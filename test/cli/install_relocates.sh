# cmake --install gives a prefix that works after it was moved.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

cmake --install "$HACTOR_TEST_BUILD" --prefix "$scratch/first" >/dev/null
mv first second
PATH=/usr/local/bin:/usr/bin:/bin
output=$(deadline 30 second/bin/hactor start -s 2 sh -c 'hactor getattr size; command -v hactor')
check_contains "$output" 2
check_contains "$output" "$scratch/second/bin/hactor"
test -f second/share/doc/hactor/README.md
test -f second/share/bash-completion/completions/hactor
