# A resource graph is counted, drawn, searched and written in another form; what is wrong with a file
# is said with its place, and nothing is printed as if it were right.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

cat >cluster.json <<'END'
{"graph": {"nodes": [
  {"id": "0", "metadata": {"type": "cluster"}},
  {"id": "1", "metadata": {"type": "node", "id": 0, "rank": 0}},
  {"id": "2", "metadata": {"type": "node", "id": 1, "rank": 1, "properties": {"fast": ""}}},
  {"id": "3", "metadata": {"type": "core", "id": 0, "rank": 0}},
  {"id": "4", "metadata": {"type": "core", "id": 0, "rank": 1}}],
 "edges": [{"source": "0", "target": "1"}, {"source": "0", "target": "2"},
  {"source": "1", "target": "3"}, {"source": "2", "target": "4"}]}}
END
graph="-L cluster.json -f jgf"

fails_with 0 hactor graph info $graph
check_contains "$output" "5 vertices, 4 edges in containment"
check_contains "$output" "core                    2            2"
check_contains "$output" '|- node0
|  `- core0
`- node1 fast
   `- core0'
fails_with 0 hactor graph info $graph --lines=2
check_contains "$output" "2 branches left out"
fails_with 0 hactor graph info $graph --paths
check_contains "$output" "/cluster0/node1/core0"

# Without a file, hwloc's look at this machine.
fails_with 0 hactor graph info -f hwloc -W node,core --paths
check_contains "$output" "/cluster0/$(uname -n)/core0"
fails_with 0 hactor graph find -f hwloc -W cluster,node,core names=core0
check_contains "$output" core0
fails_with 2 hactor graph info

fails_with 0 hactor graph find $graph property=fast or names=core0
check_equal "what is found" "      ---------core0[1:x]
      ------node0[1:x]
      ---------core0[1:x]
      ------node1[1:x]
      ---cluster0[1:x]" "$output"
fails_with 1 hactor graph find $graph names=node7
check_equal "nothing" "" "$output"
fails_with 2 hactor graph find $graph statsu=up
check_contains "$output" "did you mean status"

hactor graph load $graph -o again.json >/dev/null
hactor graph load -L again.json -f jgf -o twice.json >/dev/null
cmp again.json twice.json || fail "a graph that was read and written is another"
fails_with 0 hactor graph load $graph --format=dot -o -
check_contains "$output" 'digraph G'

fails_with 0 hactor graph load $graph -p ALL:core,cluster:node
fails_with 0 hactor graph info $graph -p ALL:core
fails_with 2 hactor graph info $graph -p core

# A match policy of one's own; a job takes the coolest node.
own=$HACTOR_TEST_BUILD/examples/libexample_match_policy.so
if [ -f "$own" ]; then
  sed 's/"rank": 0}/"rank": 0, "properties": {"watts": "300"}}/
       s/{"fast": ""}/{"fast": "", "watts": "90"}/' cluster.json >watts.json
  hactor submit --dry-run -N1 true >job.json
  echo 'match allocate job.json' >commands
  output=$(hactor graph query -L watts.json -f jgf -P "$own" <commands)
  check_contains "$output" "node1["
  check_lacks "$output" "node0["
fi
fails_with 1 hactor graph query $graph -P ./none.so
check_contains "$output" "policy library ./none.so"
fails_with 2 hactor graph
fails_with 2 hactor graph load
check_contains "$output" "--load-file"
fails_with 2 hactor graph laod
check_contains "$output" "did you mean load"
fails_with 2 hactor graph load -L none.json
check_contains "$output" "none.json"
echo '{"graph": {"nodes": [{"id": "0"}]}}' >bad.json
fails_with 1 hactor graph load -L bad.json -f jgf
check_contains "$output" "jgf"
check_lacks "$output" "vertices"

# What is no file, or too large, is refused before it is read, and a text of another kind is known.
mkfifo pipe
truncate -s 3G big.json # sparse
fails_with 1 hactor graph info -L /dev/zero -f jgf
check_contains "$output" "/dev/zero: is a device or socket, must be a file"
fails_with 1 hactor graph info -L pipe -f jgf
check_contains "$output" "pipe: is a pipe, must be a file"
fails_with 1 hactor graph info -L big.json -f jgf
check_contains "$output" "big.json: has 3221225472 bytes, at most 2147483648 are taken"
fails_with 1 hactor graph info -L cluster.json -f grug
check_contains "$output" "cluster.json: grug: "
check_contains "$output" "it looks like JSON"
sed 's/{"source": "2", "target": "4"}/{"source": "1", "target": "2"}/' cluster.json >orphan.json
fails_with 1 hactor graph info -L orphan.json -f jgf
check_contains "$output" "orphan.json: jgf: "

# R gets a graph of what is in it, and keeps what it said; the graph can be read.
echo '{"version":1,"execution":{"R_lite":[{"rank":"0-1","children":{"core":"0-3","gpu":"0"}}],
  "nodelist":["n[7-8]"],"starttime":5,"expiration":9}}' >r.json
fails_with 0 hactor graph encode -i r.json -o encoded.json
check_contains "$(cat encoded.json)" '"expiration":9'
fails_with 0 hactor graph info -L encoded.json -f jgf --paths
check_contains "$output" "/cluster0/n8/gpu0"
hactor graph encode <r.json | cmp - encoded.json || fail "standard input gives another text"
hactor ion-R encode <r.json | cmp - encoded.json || fail "ion-R encode gives another text"
fails_with 2 hactor ion-R decode
check_contains "$output" "of ion-R there are encode"
fails_with 2 hactor ion-resource
check_contains "$output" "hactor ion-resource --help"
fails_with 2 hactor ion-resource frobnicate
check_contains "$output" "set-status"
check_contains "$(hactor ion-resource --help)" "set-status"
check_contains "$(hactor ion-resource match --help)" "hactor ion-resource match - finds resources"
fails_with 0 hactor graph encode --local -o here.json
fails_with 0 hactor graph info -L here.json -f rv1exec --paths
check_contains "$output" "/cluster0/$(uname -n)"
echo '{"version":1}' >bad.json
fails_with 2 hactor graph encode -i bad.json
fails_with 2 hactor graph encode --local -i r.json
