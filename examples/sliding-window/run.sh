#!/bin/sh
# Keeps at most WINDOW jobs in the queue: when one ends the next is submitted.
# SPDX-License-Identifier: LGPL-3.0-or-later
set -eu
window=4
total=24

submitted=0
active=0
most=0
ended=0
while [ "$ended" -lt "$total" ]; do
  while [ "$active" -lt "$window" ] && [ "$submitted" -lt "$total" ]; do
    submitted=$((submitted + 1))
    hactor submit --quiet sleep 0.3
    active=$((active + 1))
  done
  [ "$active" -le "$most" ] || most=$active
  hactor job wait >/dev/null # the next that ends, whichever it is
  active=$((active - 1))
  ended=$((ended + 1))
done
echo "$ended jobs, at most $most at a time"
[ "$most" -eq "$window" ]
