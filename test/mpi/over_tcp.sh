# Runs a program of this folder as N ranks over TCP: over_tcp.sh N PROGRAM. Fails when one of them does.
# SPDX-License-Identifier: LGPL-3.0-or-later
set -eu

scratch=$(mktemp -d /tmp/hct.XXXXXX)
trap 'rm -rf "$scratch"' EXIT
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export HACTOR_TEST_TCP="127.0.0.1:$port" HACTOR_TEST_TCP_SIZE="$1" HACTOR_TEST_TCP_KEY="$scratch/key"
pids=
for _ in $(seq "$1"); do
  timeout -k 5 50 "$2" &
  pids="$pids $!"
done
code=0
for pid in $pids; do
  wait "$pid" || code=$?
done
exit $code
