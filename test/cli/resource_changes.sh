# The graph of resources changes while jobs run: hardware comes, goes, is marked, and stays so over
# a restart.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

# PARTS: "KEY TYPE ID SIZE RANK PATH" a line, KEY above it if there is an edge to it ("-": none).
cat >"$scratch/jgf.py" <<'END'
import json, sys
nodes, edges, keys = [], [], {}
for line in sys.stdin:
    words = line.split()
    if not words:
        continue
    if words[0] == "edge":
        edges.append({"source": words[1], "target": words[2], "metadata": {"subsystem": words[3]}})
        continue
    key, type, id, size, rank, path = words[:6]
    meta = {"type": type, "id": int(id), "size": int(size), "rank": int(rank)}
    if path != "-":
        meta["paths"] = {words[6] if len(words) > 6 else "containment": path}
    nodes.append({"id": key, "metadata": meta})
print(json.dumps({"graph": {"nodes": nodes, "edges": edges}}))
END
jgf() { python3 "$scratch/jgf.py"; }

jgf >"$scratch/licences.json" <<'END'
1 license 0 2 -1 /cluster0/license0
END
jgf >"$scratch/rack.json" <<'END'
r rack 7 1 -1 /cluster0/rack7
n node 2 1 2 -
edge r n containment
a core 0 1 2 -
b core 1 1 2 -
edge n a containment
edge n b containment
s ssd 0 100 -1 -
edge r s containment
END
sed 's/"rank": 2/"rank": 99999999/g' "$scratch/rack.json" >"$scratch/no_rank.json"
sed 's/"rank": 2/"rank": -1/g' "$scratch/rack.json" >"$scratch/rankless.json"
jgf >"$scratch/power.json" <<'END'
p power 0 700 -1 /power0 power
q power 1 500 -1 /power0/power1 power
edge p q power
n node 0 1 0 /cluster0/fake0
m node 1 1 1 /cluster0/fake1
edge q n power
edge q m power
END
cat >"$scratch/two_seats.yaml" <<'END'
version: 9999
resources:
  - {type: license, count: 2}
  - {type: slot, label: task, count: 1, with: [{type: core, count: 1}]}
tasks: [{command: ["true"], slot: task, count: {per_slot: 1}}]
attributes: {system: {duration: 600, exec: {test: {run_duration: "600s"}}}}
END
cat >"$scratch/watts.yaml" <<'END'
version: 9999
resources:
  - type: node
    count: 1
    with:
      - {type: power, count: 300}
      - {type: slot, label: task, count: 1, with: [{type: core, count: 1}]}
tasks: [{command: ["true"], slot: task, count: {per_slot: 1}}]
attributes: {system: {duration: 600, exec: {test: {run_duration: "600s"}}}}
END

instance -S resource.fake=nodes=2,cores=2 --statedir="$scratch/state" <<'END'
cd "$HACTOR_TEST_SCRATCH"
running=$(hactor submit -N1 -n2 -t 10m --setattr=exec.test.run_duration=600 true)
hactor job wait-event "$running" start >/dev/null
before=$(hactor job info "$running" R)
fails_with 1 hactor job submit two_seats.yaml
check_contains "$output" license

# Licences come: schedulable at once, shared out, in use and then not.
check_equal "what was attached" /cluster0/license0 "$(hactor resource attach licences.json)"
fails_with 0 hactor resource attach licences.json
check_contains "$output" "nothing was attached: the graph has all that the file names"
fails_with 1 hactor resource attach licences.json.none
first=$(hactor job submit two_seats.yaml)
hactor job wait-event "$first" start >/dev/null
check_equal "seats" "/cluster0/license0: license, 0 of 2 free" \
  "$(hactor resource show /cluster0/license0)"
second=$(hactor job submit two_seats.yaml)
check_contains "$(hactor explain "$second")" "resources: needs 2 licenses"
check_equal "what the first has of licences" "/cluster0/license0: license, 0 of 2 free" \
  "$(hactor resource find "jobid-tag=$first and names=license0")"
check_equal "cores that are free" 1 "$(hactor resource find sched-now=free | grep -c /core)"
fails_with 1 hactor resource find status=down
check_equal "nothing is found" "" "$output"
fails_with 2 hactor ion-resource find statsu=down
# As Fluxion's tool prints it: JSON in the order of the writer, other text as a string.
check_equal "the head of a graph" '{"graph": {"nodes": [{"id": ' \
  "$(hactor ion-resource find --format=jgf names=license0 | tail -n 1 | cut -c 1-28)"
check_equal "what is found, as text" "      ------license0[2:x]" "$(hactor ion-resource find \
  --format=simple names=license0 | tail -n 1 | xargs printf | grep license0)"
check_equal "nothing found" null "$(hactor ion-resource find names=wheel0 | tail -n 1)"
check_contains "$output" "did you mean status"
fails_with 1 hactor resource detach /cluster0/license0
check_contains "$output" "job $first holds some of /cluster0/license0"
hactor cancel "$first"
hactor job wait-event "$second" start >/dev/null
hactor cancel "$second"
hactor job wait-event "$second" clean >/dev/null

# Status: nothing begins on what is down, what runs goes on, and listings agree.
hactor resource set-status /cluster0/license0 down
third=$(hactor job submit two_seats.yaml)
check_contains "$(hactor explain "$third")" "there is room for 0 licenses now"
hactor resource set-status /cluster0/license0 up
hactor job wait-event "$third" start >/dev/null
hactor resource set-status rank1 down
check_contains "$(hactor resource list -n -o '{state} {ncores} {nodelist}')" "down 1 fake1"
check_contains "$(hactor resource status -n -o '{state} {nodelist}')" "offline fake1"
check_equal "still runs" "RUN" "$(hactor jobs -n -o '{state}' "$running")"
hactor resource set-status /cluster0/fake1 up
check_contains "$(hactor resource status -n -o '{state} {nodelist}')" "avail fake[0-1]"
hactor cancel "$third"
hactor job wait-event "$third" clean >/dev/null

# Properties are what --requires asks for, and R shows them.
fails_with 1 hactor submit --requires=fast true
hactor resource set-property /cluster0/fake1 fast
hactor resource set-property /cluster0/fake1 perf_class=2
check_equal "on the fast node" 1 "$(hactor run --requires=fast sh -c 'echo $HACTOR_TASK_RANK' | wc -l)"
check_equal "one" 2 "$(hactor resource get-property /cluster0/fake1 perf_class)"
check_equal "all" "fast
perf_class=2" "$(hactor resource get-property /cluster0/fake1)"
check_contains "$(hactor resource R)" '"fast":"1"'
hactor resource remove-property /cluster0/fake1 fast
fails_with 1 hactor resource remove-property /cluster0/fake1 fast
check_contains "$output" "/cluster0/fake1 has no property fast"
fails_with 1 hactor submit --requires=fast true

# A rack of a rank that was not in the graph.
fails_with 1 hactor resource attach no_rank.json
check_contains "$output" "rank 99999999"
check_equal "racks" "/cluster0/rack7" "$(hactor resource attach rack.json)"
check_equal "more" "3 Nodes, 6 Cores, 0 GPUs" "$(hactor resource info)"
check_contains "$(hactor resource list -n -o '{state} {nodelist}' | head -1)" node2
large=$(hactor submit -N2 -n4 echo there)
check_equal "on the new node too" 4 "$(hactor job attach "$large" | wc -l)"
check_contains "$(hactor job info "$large" R)" node2
fails_with 1 hactor resource attach rack.json
check_contains "$output" "/cluster0/rack7"
check_equal "as before" "3 Nodes, 6 Cores, 0 GPUs" "$(hactor resource info)"

# Power, which contains nothing, held together by what it feeds.
check_contains "$(hactor resource attach power.json)" /power0
one=$(hactor job submit watts.yaml)
hactor job wait-event "$one" start >/dev/null
two=$(hactor job submit watts.yaml) # on the new node, which only the root feeds
hactor job wait-event "$two" start >/dev/null
three=$(hactor job submit watts.yaml)
check_contains "$(hactor explain "$three")" "300 power"
check_equal "cores are free" 2 "$(hactor resource list -n -o '{ncores}' | head -1)"
fails_with 1 hactor resource detach /power0/power1
check_contains "$output" "job $one holds some of"
check_contains "$(hactor resource show /power0)" "/power0/power1: power, 200 of 500 free"
hactor cancel "$one" "$two" "$three"
hactor job wait-event "$one" clean >/dev/null
hactor resource detach /power0/power1

# What cannot be.
fails_with 1 hactor resource detach /cluster0
check_contains "$output" "is the root"
fails_with 1 hactor resource detach /cluster0/rack99
check_contains "$output" "there is no /cluster0/rack99; paths are like /cluster0/fake0"
fails_with 1 hactor resource detach /cluster0/fake0
check_contains "$output" "job $running holds some of"
fails_with 2 hactor resource set-status /cluster0/fake0 sideways
fails_with 2 hactor resource set-property /cluster0/fake0 =2
for wrong in 'a&b' 'a=b|c' '!a' 'a(b)'; do
  fails_with 1 hactor resource set-property /cluster0/fake0 "$wrong"
  check_contains "$output" "a property has none of"
done
check_equal "untouched" "$before" "$(hactor job info "$running" R)"
hactor resource set-status /cluster0/rack7 down
END

# A restart has it all; what is detached then has not been there the next time.
instance -S resource.fake=nodes=2,cores=2 --statedir="$scratch/state" <<'END'
cd "$HACTOR_TEST_SCRATCH"
check_equal "the rack" "3 Nodes, 6 Cores, 0 GPUs" "$(hactor resource info)"
check_contains "$(hactor resource list -n -o '{state} {ncores} {nodelist}')" "down 2 node2"
check_equal "seats" "/cluster0/license0: license, 2 of 2 free" \
  "$(hactor resource show /cluster0/license0)"
check_equal "property" 2 "$(hactor resource get-property /cluster0/fake1 perf_class)"
check_lacks "$(hactor resource show)" power1
hactor queue stop --quiet
waits=$(hactor job submit two_seats.yaml)
hactor resource detach /cluster0/rack7
hactor resource detach /cluster0/license0
hactor resource detach /cluster0/fake1
hactor queue start --quiet
fails_with 1 hactor job wait "$waits"
check_contains "$(hactor explain "$waits")" "there is room for 0 licenses"
check_equal "less" "1 Node, 2 Cores, 0 GPUs" "$(hactor resource info)"
fails_with 1 hactor submit -N2 true
END
instance -S resource.fake=nodes=2,cores=2 --statedir="$scratch/state" <<'END'
check_equal "less" "1 Node, 2 Cores, 0 GPUs" "$(hactor resource info)"
check_lacks "$(hactor resource show)" license
END

# Nodes whose ranks have no broker are refused where nothing is pretended.
instance <<'END'
fails_with 1 hactor resource attach "$HACTOR_TEST_SCRATCH/rack.json"
check_contains "$output" "/cluster0/rack7/node2: jobs there would be run by the broker of rank 2"
fails_with 1 hactor resource attach "$HACTOR_TEST_SCRATCH/rankless.json"
check_contains "$output" "nothing can run there"
check_equal "licences" /cluster0/license0 \
  "$(hactor resource attach "$HACTOR_TEST_SCRATCH/licences.json")"
END
