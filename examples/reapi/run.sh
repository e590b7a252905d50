#!/bin/sh
# Builds both programs against an installed hactor, and asks a graph of 2 nodes of 4 cores.
# SPDX-License-Identifier: LGPL-3.0-or-later
set -eu
here=$(cd "$(dirname "$0")" && pwd)
prefix=${HACTOR_PREFIX:-/usr/local}
work=$(mktemp -d "${TMPDIR:-/tmp}/reapi.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
flags="-I$prefix/include -L$prefix/lib -Wl,-rpath,$prefix/lib"
# shellcheck disable=SC2086 # one word a flag
cc -std=c11 -Wall -Wextra -o fill "$here/fill.c" $flags -lhactor_reapi
# shellcheck disable=SC2086
c++ -std=c++17 -Wall -Wextra -o whatif "$here/whatif.cpp" $flags -lhactor_reapi

vertex() { # ID TYPE NUMBER RANK
  printf '{"id":"%s","metadata":{"type":"%s","id":%s,"rank":%s}}' "$@"
}
edge() { printf '{"source":"%s","target":"%s"}' "$@"; }
{
  nodes=$(vertex 0 cluster 0 -1) edges= id=0
  for n in 0 1; do
    node=$((id += 1))
    nodes="$nodes,$(vertex "$node" node $n $n)"
    edges="$edges${edges:+,}$(edge 0 "$node")"
    for c in 0 1 2 3; do
      id=$((id + 1))
      nodes="$nodes,$(vertex $id core $c $n)"
      edges="$edges,$(edge "$node" $id)"
    done
  done
  printf '{"graph":{"nodes":[%s],"edges":[%s]}}\n' "$nodes" "$edges"
} >graph.json
cat >job.yaml <<'END'
version: 1
resources:
  - {type: node, count: 1, with: [{type: slot, count: 1, label: s, with: [{type: core, count: 2}]}]}
tasks: [{command: [app], slot: s, count: {per_slot: 1}}]
attributes: {system: {duration: 3600}}
END
./fill graph.json job.yaml
./whatif graph.json job.yaml 0
./whatif graph.json job.yaml 0-1
