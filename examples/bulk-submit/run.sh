#!/bin/sh
# A job for each of many inputs, from one process: a table of parameters, a name for each result.
# SPDX-License-Identifier: LGPL-3.0-or-later
set -eu
results=$(mktemp -d "${TMPDIR:-/tmp}/bulk.XXXXXX")
trap 'rm -rf "$results"' EXIT

echo "== what would be submitted"
hactor bulksubmit --dry-run --define=double='2*int(x)' -n '{1.double}' ./solve '{0}' ::: a.mesh b.mesh ::: 1 2

echo "== a hundred jobs, two of which fail; the rest goes on"
code=0
seq 100 | hactor bulksubmit --quiet --wait --jps --output="$results/{}.out" \
  sh -c '[ $(({} % 50)) -ne 7 ] && echo "{} of 100"' || code=$?
echo "exit code $code, $(cat "$results"/*.out | wc -l) results"
[ "$code" -eq 1 ] && [ "$(cat "$results"/*.out | wc -l)" -eq 98 ]

echo "== the same, but three tries for each, and an end when five have failed for good"
code=0
hactor bulksubmit --quiet --wait --retries=2 --max-fails=5 sh -c 'exit {}' ::: 0 1 2 2>/dev/null || code=$?
echo "exit code $code"
hactor jobs -a -n -f failed -o '{id} {attempts}' | tail -2
[ "$code" -eq 2 ]
