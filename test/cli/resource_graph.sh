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

# Nodes of two sockets of 18 cores, the GPU below the node: what the options of a command line ask
# for is packed from all of a node.
python3 - >"$scratch/sockets.json" <<'END'
import json
nodes, edges = [], []
def add(parent, type, id, rank=-1):
    key = str(len(nodes))
    nodes.append({"id": key, "metadata": {"type": type, "id": id, "rank": rank}})
    if parent is not None:
        edges.append({"source": parent, "target": key, "metadata": {"subsystem": "containment"}})
    return key
root = add(None, "cluster", 0)
for rank in range(6):
    node = add(root, "node", rank, rank)
    add(node, "gpu", 0, rank)
    for s in range(2):
        socket = add(node, "socket", s, rank)
        for c in range(18):
            add(socket, "core", 18 * s + c, rank)
print(json.dumps({"graph": {"nodes": nodes, "edges": edges}}))
END
instance -S "resource.graph=$scratch/sockets.json" <<'END'
check_equal "6 nodes" 6 "$(hactor run -N6 -n6 -c36 echo here | wc -l)"
check_equal "20 cores" "here" "$(hactor run -n1 -c20 echo here)"
check_equal "core and GPU" "0" "$(hactor run -n1 -c1 -g1 sh -c 'echo $CUDA_VISIBLE_DEVICES')"
fails_with 1 hactor run -n1 -c37 true
check_contains "$output" "there is room for 36 cores"
END

# Nodes with an SSD and nodes without one in one job, each kind with its own program.
python3 - >"$scratch/ssd.json" <<'END'
import json
nodes, edges = [], []
def add(parent, type, id, rank=-1, size=1):
    key = str(len(nodes))
    nodes.append({"id": key, "metadata": {"type": type, "id": id, "rank": rank, "size": size}})
    if parent is not None:
        edges.append({"source": parent, "target": key, "metadata": {"subsystem": "containment"}})
    return key
root = add(None, "cluster", 0)
add(root, "storage", 100, size=8)
for rank in range(6):
    node = add(root, "node", rank, rank)
    add(node, "core", 0, rank)
    add(node, "core", 1, rank)
    if rank % 2:
        add(node, "ssd", 0, rank)
print(json.dumps({"graph": {"nodes": nodes, "edges": edges}}))
END
cat >"$scratch/ssd.yaml" <<'END'
version: 9999
resources:
  - type: node
    count: 3
    with:
      - {type: slot, label: local-ssd, count: 1, with: [{type: core, count: 1}, {type: ssd, count: 1}]}
  - type: node
    count: 3
    with:
      - {type: slot, label: no-ssd, count: 2, with: [{type: core, count: 1}]}
  - {type: storage, count: 4}
tasks:
  - {command: [sh, -c, 'echo ssd $HACTOR_TASK_RANK of $HACTOR_JOB_SIZE'], slot: local-ssd,
     count: {per_slot: 1}}
  - {command: [sh, -c, 'echo none $HACTOR_TASK_RANK of $HACTOR_JOB_SIZE'], slot: no-ssd,
     count: {per_slot: 1}}
attributes: {system: {duration: 60}}
END
instance -S "resource.graph=$scratch/ssd.json" <<'END'
id=$(hactor job submit "$HACTOR_TEST_SCRATCH/ssd.yaml")
check_equal "tasks on their slots" "none 3 of 9
none 4 of 9
none 5 of 9
none 6 of 9
none 7 of 9
none 8 of 9
ssd 0 of 9
ssd 1 of 9
ssd 2 of 9" "$(hactor job attach "$id" | sort)"
R=$(hactor job info "$id" R)
check_contains "$R" '["1,3,5","local-ssd",1]'
check_contains "$R" '["containment","/cluster0/storage100",4]'
check_contains "$R" '["0,2,4","no-ssd",2]'
check_equal "tasks in the list" 9 "$(hactor jobs -a -n -o '{ntasks}' | head -1)"
END

# hwloc's XML of a machine is one node; without any file the graph is that of the machine.
python3 - >"$scratch/numa.yaml" <<'END'
print('''version: 9999
resources: [{type: numanode, count: 1, with: [
  {type: slot, count: 1, label: task, with: [{type: core, count: 1}]}]}]
tasks: [{command: [echo, there], slot: task, count: {per_slot: 1}}]
attributes: {system: {duration: 60}}''')
END
sed 's/numanode/socket/' "$scratch/numa.yaml" >"$scratch/socket.yaml"
instance -S "resource.graph=$(dirname "$0")/../data/graph/host.xml" -S sched.graph_format=hwloc <<'END'
check_contains "$(hactor resource info)" "1 Node"
check_equal "socket" there "$(hactor job attach $(hactor job submit "$HACTOR_TEST_SCRATCH/socket.yaml"))"
END
if hactor graph info -f hwloc --paths | grep -q /socket0/; then
  instance <<'END'
check_equal "socket" there "$(hactor job attach $(hactor job submit "$HACTOR_TEST_SCRATCH/socket.yaml"))"
check_equal "numanode" there "$(hactor job attach $(hactor job submit "$HACTOR_TEST_SCRATCH/numa.yaml"))"
id=$(hactor submit -N1 -x true) && hactor job status "$id"
check_lacks "$(hactor job info "$id" R)" scheduling
END
fi

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
hactor run --mem=1G true # no memory in the graph: the job is watched, and not refused
hactor run -n 2 --mem=1G true # of one node
END

fails_with 2 start -S "resource.graph=$scratch/none" -- true
check_contains "$output" "resource.graph=$scratch/none"
