#!/bin/sh
# What instances within instances are for: four demonstrations, each with a number.
# SPDX-License-Identifier: LGPL-3.0-or-later
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/hierarchy.XXXXXX")
trap 'rm -rf "$work"' EXIT
cores=$(hactor resource list -n -o '{ncores}' | head -n 1)
nodes=$(hactor resource list -n -o '{nnodes}' | head -n 1)

echo "== specialisation: each instance has the policy that suits its work"
# A job that wants all cores waits for one that has some; a short one would fit beside that.
for policy in fcfs easy; do
  hactor run -n "$cores" hactor start -S sched.policy="$policy" "$here/backfill.sh" >"$work/$policy"
done
echo "short jobs that did not wait behind a big one: fcfs $(cat "$work/fcfs"), easy $(cat "$work/easy")"

echo "== parallelism: leaves schedule side by side"
hactor submit --dry-run --setattr=system.exec.test.run_duration=0 true >"$work/no-op.json"
for tree in --leaf --topology="$nodes"; do
  hactor tree $tree -J 20000 "$work/no-op.json"
done

echo "== a rich interface: a script steers by what happens, not by asking again and again"
hactor submit --quiet --cc=1-20 sh -c 'exit $(({cc} % 5 == 0))'
again=0
while :; do
  code=0
  id=$(hactor job wait 2>"$work/why") || code=$? # the next that ends, whichever it is
  [ -n "$id" ] || break
  [ "$code" -ne 0 ] || continue
  hactor submit --quiet true
  again=$((again + 1))
done
echo "jobs that were done again as soon as they had failed: $again"

echo "== one interface: a script does the same at each level"
"$here/level.sh" >"$work/0"
hactor run -n "$cores" hactor start "$here/level.sh" >"$work/1"
hactor run -n "$cores" hactor start hactor run -n "$cores" hactor start "$here/level.sh" >"$work/2"
echo "lines that differ at levels 1 and 2: $(cat "$work/1" "$work/2" | grep -vcxFf "$work/0" || true)"
