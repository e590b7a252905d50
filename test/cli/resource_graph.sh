# Resources from a file of any format; jobs of any shape are matched into its graph.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

python3 - >"$scratch/graph.json" <<'END'
import json
nodes, edges = [], []
def add(parent, type, id, rank=-1, size=1):
    key = str(len(nodes))
    nodes.append({"id": key, "metadata": {"type": type, "id": id, "rank": rank, "size": size}})
    if parent is not None:
        edges.append({"source": parent, "target": key, "metadata": {"subsystem": "containment"}})
    return key
root = add(None, "cluster", 0)
rank = 0
for r in range(2):
    rack = add(root, "rack", r)
    add(rack, "ssd", r, size=100)
    for n in range(2):
        node = add(rack, "node", rank, rank)
        for c in range(4):
            add(node, "core", c, rank)
        rank += 1
print(json.dumps({"graph": {"nodes": nodes, "edges": edges}}))
END

cat >"$scratch/racks.yaml" <<'END'
version: 9999
resources:
  - type: rack
    count: 2
    with:
      - {type: ssd, count: 50, exclusive: true}
      - type: slot
        label: task
        count: 2
        with:
          - {type: node, count: 1}
tasks:
  - {command: [sh, -c, 'echo task $HACTOR_TASK_RANK'], slot: task, count: {per_slot: 1}}
attributes: {system: {duration: 60}}
END
sed '0,/count: 2/s//count: 3/' "$scratch/racks.yaml" >"$scratch/three.yaml"

instance -S "resource.graph=$scratch/graph.json" -S sched.policy=conservative <<'END'
check_equal "info" "4 Nodes, 16 Cores, 0 GPUs" "$(hactor resource info)"
id=$(hactor job submit "$HACTOR_TEST_SCRATCH/racks.yaml")
check_equal "its tasks" "task 0
task 1
task 2
task 3" "$(hactor job attach "$id" | sort)"
check_contains "$(hactor job info "$id" R)" '"others":[["/cluster0/rack0/ssd0"'
fails_with 1 hactor job submit "$HACTOR_TEST_SCRATCH/three.yaml"
check_contains "$output" "there is room for 2 racks"
END

# Memory is what a graph says, in pools; without it nothing is promised.
python3 - >"$scratch/memory.json" <<'END'
import json
nodes, edges = [], []
def add(parent, type, id, rank=-1, size=1):
    key = str(len(nodes))
    nodes.append({"id": key, "metadata": {"type": type, "id": id, "rank": rank, "size": size}})
    if parent is not None:
        edges.append({"source": parent, "target": key, "metadata": {"subsystem": "containment"}})
    return key
node = add(add(None, "cluster", 0), "node", 0, 0)
for c in range(4):
    add(node, "core", c, 0)
    add(node, "memory", c, 0, 2)
print(json.dumps({"graph": {"nodes": nodes, "edges": edges}}))
END
instance -S "resource.graph=$scratch/memory.json" <<'END'
check_equal "granted" ok "$(hactor run --mem=3G echo ok)"
first=$(hactor submit --mem=4G sleep 60)
hactor job wait-event "$first" start >/dev/null
second=$(hactor submit -N 1 -n 2 --mem=4G sleep 60)
hactor job wait-event "$second" start >/dev/null
third=$(hactor submit --mem=512M true)
check_contains "$(hactor explain "$third")" "there is no room for that now"
hactor cancel "$first" "$second"
hactor job wait "$third"
fails_with 1 hactor submit --mem=16G true
END
instance <<'END'
fails_with 1 hactor submit --mem=1G true
check_contains "$output" memory
fails_with 2 hactor submit -n 2 --mem=1G true
check_contains "$output" "--mem is the memory of each node"
END

fails_with 1 start -S "resource.graph=$scratch/none" -- true
check_contains "$output" "resource.graph=$scratch/none"
