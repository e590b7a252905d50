#!/bin/sh
# Eight simulations side by side, then a job that reads what they wrote.
# SPDX-License-Identifier: LGPL-3.0-or-later
set -eu
here=$(cd "$(dirname "$0")" && pwd)
RESULTS=$(mktemp -d "${TMPDIR:-/tmp}/ensemble.XXXXXX")
export RESULTS
trap 'rm -rf "$RESULTS"' EXIT

echo "== the instance"
hactor uptime
hactor resource list

echo "== eight simulations, as many at a time as there are cores"
hactor submit --cc=1-8 --job-name=simulate --time-limit=2m --quiet --wait "$here/simulate" '{cc}'

echo "== the analysis"
id=$(hactor submit --job-name=analyse "$here/analyse")
hactor job attach "$id"

echo "== all jobs"
hactor jobs -a

echo "== what happened to $id"
hactor job eventlog "$id"
