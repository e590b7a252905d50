#!/bin/sh
# A hundred jobs from one submit: each squares its number. One of them fails on purpose.
# SPDX-License-Identifier: LGPL-3.0-or-later
set -eu
SQUARES=$(mktemp -d "${TMPDIR:-/tmp}/array.XXXXXX")
export SQUARES
trap 'rm -rf "$SQUARES"' EXIT

echo "== a hundred jobs; number 13 fails"
code=0
hactor submit --cc=1-100 --job-name=square --quiet --wait \
  sh -c '[ {cc} -ne 13 ] || exit 3; echo $(({cc} * {cc})) >"$SQUARES/{cc}"' || code=$?
echo "the largest exit code: $code"

echo "== what became of them"
hactor jobs --stats-only -a || true
hactor jobs -a --filter=failed

sum=0
for file in "$SQUARES"/*; do
  sum=$((sum + $(cat "$file")))
done
echo "files: $(ls "$SQUARES" | wc -l), sum of squares: $sum"
[ "$code" -eq 3 ] && [ "$sum" -eq 338181 ]
