#!/bin/sh
# backfill.sh: how many of three short jobs began before a big one that was submitted ahead of them.
# SPDX-License-Identifier: LGPL-3.0-or-later
set -eu
cores=$(hactor resource list -n -o '{ncores}' | head -n 1)
hactor submit --quiet --job-name=first -n $((cores - 1)) -t 10s sleep 3
hactor submit --quiet --job-name=big -n "$cores" -t 10s true
hactor submit --quiet --job-name=short --cc=1-3 -t 1s true
hactor job wait --all
hactor jobs -a -n -o '{name} {t_run}' | awk '$1 == "big" { began = $2 } $1 == "short" { short[$2 " " NR] }
  END { for (t in short) n += t + 0 < began; print n + 0 }'
