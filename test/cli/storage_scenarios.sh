# Storage in all its places: on the nodes, a pool beside them, behind the network, and all at once.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"
. "${HACTOR_TEST_LIB%/*}/graph_lib.sh"

# 12 nodes of 2 cores, ten of them with 1 TB of their own, and 8 TB beside them.
{
  echo "cluster 0"
  echo " storage 100 size=8 unit=TB"
  for rank in 0 1 2 3 4 5 6 7 8 9 10 11; do
    printf ' node %s rank=%s\n  core 0\n  core 1\n' $rank $rank
    [ $rank -ge 10 ] || echo "  storage 0 unit=TB"
  done
} | write_jgf "$scratch/tb.json"

cat >"$scratch/nine.yaml" <<'END'
version: 9999
resources:
  - type: node
    count: 9
    with:
      - type: slot
        label: default
        count: 1
        with:
          - type: core
            count: 2
          - type: storage
            count: 1
            unit: TB
            label: node-local-scratch
  - type: storage
    count: 4
    unit: TB
    label: PFS-cache
tasks:
  - command: [app]
    slot: default
    count:
      per_slot: 1
attributes:
  system:
    duration: 3600
    exec: {test: {run_duration: 3600s}}
  storage:
    - label: node-local-scratch
      mode: scratch
      granularity: per-node
    - label: PFS-cache
      mode: cache
      data-layout: striped
END
sed 's/mode: cache/mode: cache\n      stage-in: {list: files}/' "$scratch/nine.yaml" >"$scratch/stage.yaml"
sed 's/- label: PFS-cache/- label: PFS/' "$scratch/nine.yaml" >"$scratch/label.yaml"
write_spec "$scratch/pool.yaml" 600 '[{type: storage, count: 4, unit: TB}, {type: slot, label: task, count: 1, with: [{type: core, count: 1}]}]'

instance -S "resource.graph=$scratch/tb.json" <<'END'
. "${HACTOR_TEST_LIB%/*}/graph_lib.sh" && cd "$HACTOR_TEST_SCRATCH"
id=$(hactor job submit nine.yaml)
begun "$id"
check_equal "tasks and cores" "9 18" "$(hactor jobs -n -o '{ntasks} {ncores}' "$id")"
check_equal "nodes with storage" 0-8 "$(ranks "$id")"
all=$(charges "$id")
check_equal "its storage" 10 "$(echo "$all" | wc -w)"
check_equal "on the nodes" 9 "$(echo "$all" | tr ' ' '\n' | grep -c '^/cluster0/node.*/storage0=1$')"
check_contains "$all" "/cluster0/storage100=4"
check_contains "$(hactor job info "$id" jobspec)" '"data-layout":"striped"'
second=$(hactor job submit nine.yaml)
check_contains "$(hactor explain "$second")" "resources: needs 9 nodes"
ended "$second"
ended "$id"
check_equal "all is back" "/cluster0/storage100: storage, 8 of 8 TB free" \
  "$(hactor resource show /cluster0/storage100)"
check_equal "on the nodes too" "/cluster0/node0/storage0: storage, 1 of 1 TB free, rank 0" \
  "$(hactor resource show /cluster0/node0/storage0)"
fails_with 1 hactor job submit stage.yaml
check_contains "$output" "attributes.storage[1].stage-in"
check_contains "$output" "hactor moves no data"
fails_with 1 hactor job submit label.yaml
check_contains "$output" "attributes.storage[1].label: must be the label of a resource"
END

# Each tier is a type of its own, so that none stands in for another:
# an SSD of 800 GB on nodes 0-3, a pool of 10 TB, and 6 TB of a file system's buffer behind 40 GB/s.
write_jgf "$scratch/tiers.json" <<'END'
cluster 0 as cluster
 bb_pool 0 size=10 unit=TB
 node 0 rank=0 as n0
  core 0
  core 1
  ssd 0 size=800 unit=GB
 node 1 rank=1 as n1
  core 0
  core 1
  ssd 0 size=800 unit=GB
 node 2 rank=2 as n2
  core 0
  core 1
  ssd 0 size=800 unit=GB
 node 3 rank=3 as n3
  core 0
  core 1
  ssd 0 size=800 unit=GB
 node 4 rank=4 as n4
  core 0
  core 1
 node 5 rank=5 as n5
  core 0
  core 1
pfs_buffer 0 size=6 unit=TB as pfs
pfs_bandwidth 0 size=40 unit=GB as trunk
pfs1bw: pfs > trunk
pfs1bw: trunk > n0 n1 n2 n3 n4 n5
END
core='{type: slot, label: task, count: 1, with: [{type: core, count: 1}]}'
with_ssd() { echo "[{type: node, count: $1, with: [{type: slot, label: task, count: 1, with: [{type: core, count: 1}, {type: ssd, count: 400, unit: GB}]}]}]"; }
write_spec "$scratch/ssd1.yaml" 600 "$(with_ssd 1)"
write_spec "$scratch/ssd3.yaml" 600 "$(with_ssd 3)"
write_spec "$scratch/ssd5.yaml" 600 "$(with_ssd 5)"
write_spec "$scratch/pool1.yaml" 600 "[{type: node, count: 1, with: [$core]}, {type: bb_pool, count: 4, unit: TB}]"
write_spec "$scratch/pool4.yaml" 600 "[{type: node, count: 4, with: [$core]}, {type: bb_pool, count: 4, unit: TB}]"
pfs() { echo "[{type: node, count: $1, with: [{type: pfs_buffer, count: 1}, {type: pfs_bandwidth, count: $2}, $core]}]"; }
write_spec "$scratch/pfs2.yaml" 600 "$(pfs 2 15)"
write_spec "$scratch/pfs1.yaml" 600 "$(pfs 1 15)"
write_spec "$scratch/pfs0.yaml" 600 "$(pfs 1 10)"
write_spec "$scratch/mixed.yaml" 600 "[{type: node, count: 2, with: [{type: pfs_buffer, count: 1}, {type: slot, label: task, count: 1, with: [{type: core, count: 1}, {type: ssd, count: 100}]}]}, {type: bb_pool, count: 2}]"

instance -S "resource.graph=$scratch/tiers.json" -S sched.policy=easy <<'END'
. "${HACTOR_TEST_LIB%/*}/graph_lib.sh" && cd "$HACTOR_TEST_SCRATCH"
submit() { hactor job submit "$1.yaml"; }

# On the nodes: space grows with them, and nodes without are never chosen.
three=$(submit ssd3)
begun "$three"
check_equal "nodes with an SSD" 0-2 "$(ranks "$three")"
check_equal "one each" "/cluster0/node0/ssd0=800 /cluster0/node1/ssd0=800 /cluster0/node2/ssd0=800" \
  "$(charges "$three")"
one=$(submit ssd1)
begun "$one"
check_equal "the last" 3 "$(ranks "$one")"
none=$(submit ssd1)
check_contains "$(hactor explain "$none")" "reserved: "
fails_with 1 hactor job submit ssd5.yaml
check_contains "$output" "there is room for 4 nodes"
ended "$none"
ended "$three" "$one"

# Beside them: as much for four nodes as for one; two jobs share the pool until it is full.
four=$(submit pool4) single=$(submit pool1)
begun "$four" "$single"
check_equal "for four nodes" /cluster0/bb_pool0=4 "$(charges "$four")"
check_equal "for one" /cluster0/bb_pool0=4 "$(charges "$single")"
check_equal "the rest" "/cluster0/bb_pool0: bb_pool, 2 of 10 TB free" \
  "$(hactor resource show /cluster0/bb_pool0)"
full=$(submit pool1)
check_contains "$(hactor explain "$full")" "reserved: "
ended "$four"
begun "$full"
ended "$single" "$full"

# Behind the network: the buffer is there, but the way to it is full.
two=$(submit pfs2)
begun "$two"
check_equal "on the way" "/pfs_buffer0/pfs_bandwidth0=30 /pfs_buffer0=2" "$(charges "$two")"
wide=$(submit pfs1)
check_contains "$(hactor explain "$wide")" "reserved: "
ended "$wide"
narrow=$(submit pfs0)
begun "$narrow"
ended "$two" "$narrow"

# All at once; R says what is where.
mixed=$(submit mixed)
begun "$mixed"
check_equal "all tiers" "/cluster0/bb_pool0=2 /cluster0/node0/ssd0=800 /cluster0/node1/ssd0=800 /pfs_buffer0=2" \
  "$(charges "$mixed")"
END
