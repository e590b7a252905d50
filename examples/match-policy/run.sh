#!/bin/sh
# Three nodes that draw different power: jobs go to the coolest first.
# SPDX-License-Identifier: LGPL-3.0-or-later
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/policy.XXXXXX")
trap 'rm -rf "$work"' EXIT
# HACTOR_INCLUDE: where hactor/policy.h is, when the compiler does not know.
c++ -std=c++20 -shared -fPIC ${HACTOR_INCLUDE:+"-I$HACTOR_INCLUDE"} -o "$work/libcoolest.so" \
  "$here/coolest.cpp"
cat >"$work/cluster.json" <<'END'
{"graph": {"nodes": [
  {"id": "c", "metadata": {"type": "cluster", "id": 0}},
  {"id": "n0", "metadata": {"type": "node", "id": 0, "rank": 0, "properties": {"watts": "300"}}},
  {"id": "n1", "metadata": {"type": "node", "id": 1, "rank": 1, "properties": {"watts": "90"}}},
  {"id": "n2", "metadata": {"type": "node", "id": 2, "rank": 2, "properties": {"watts": "200"}}},
  {"id": "p0", "metadata": {"type": "core", "id": 0, "rank": 0}},
  {"id": "p1", "metadata": {"type": "core", "id": 0, "rank": 1}},
  {"id": "p2", "metadata": {"type": "core", "id": 0, "rank": 2}}],
 "edges": [{"source": "c", "target": "n0"}, {"source": "c", "target": "n1"},
  {"source": "c", "target": "n2"}, {"source": "n0", "target": "p0"},
  {"source": "n1", "target": "p1"}, {"source": "n2", "target": "p2"}]}}
END
env -u HACTOR_URI hactor start -S "resource.graph=$work/cluster.json" \
  -S "sched.match=$work/libcoolest.so" sh -c '
    for n in 1 2 3; do
      id=$(hactor submit --setattr=exec.test.run_duration=60 true)
      hactor job wait-event "$id" start >/dev/null
      hactor jobs -a -n -o "{nodelist}" "$id"
    done' | tee "$work/order"
[ "$(tr "\n" " " <"$work/order")" = "node1 node2 node0 " ]
