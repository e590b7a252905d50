#!/bin/sh
# Cancels jobs: one by its id, those that wait, and what is left.
# SPDX-License-Identifier: LGPL-3.0-or-later
set -eu
count() { hactor jobs -a -n -c 0 -f "$1" -o '{id}' | wc -l; }
first=$(hactor submit sleep 1000)
hactor job wait-event -q "$first" start
hactor submit --quiet --cc=1-50 sleep 1000
held=$(hactor submit --hold true)

echo "== one, with a reason"
hactor cancel "$held" -- no longer needed
hactor jobs -a -n -o '{id} {inactive_reason}' "$held"

echo "== those that wait"
hactor cancel --all --states=pending

echo "== one that runs: its tasks get SIGTERM"
hactor cancel "$first"
hactor job wait "$first" || echo "exit code $?"

echo "== what is left"
hactor cancel --all
hactor job wait --all 2>/dev/null || true
echo "$(count canceled) of $(count inactive) were cancelled"
[ "$(count canceled)" -eq 52 ]
