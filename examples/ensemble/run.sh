#!/bin/sh
# run.sh [N]: how far does a ball fly, when speed, angle and drag are known only roughly? N samples
# (default 10), a run for each of them in a tree of instances, then statistics over all.
# SPDX-License-Identifier: LGPL-3.0-or-later
set -eu
here=$(cd "$(dirname "$0")" && pwd)
runs=${1:-10}
RESULTS=$(mktemp -d "${TMPDIR:-/tmp}/ensemble.XXXXXX")
export RESULTS
trap 'rm -rf "$RESULTS"' EXIT

echo "== the instance"
hactor uptime
hactor resource list

echo "== pre-processing: $runs samples of what is uncertain"
hactor run --job-name=sample "$here/sample" "$runs" >"$RESULTS/parameters"
head -n 3 "$RESULTS/parameters"

echo "== $runs runs, in as many leaves as there are nodes"
hactor tree -T "$(hactor resource list -n -o '{nnodes}' | head -n 1)" -J "$runs" -o "$RESULTS/tree" \
  -- "$here/simulate" '{seq1}'
cat "$RESULTS/tree"

echo "== post-processing"
hactor run --job-name=analyse "$here/analyse"

echo "== what ran here, beside what ran in the leaves"
hactor jobs -a
