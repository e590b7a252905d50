# What people want of a resource graph: racks and slots, networks, licences and power, classes of
# nodes, one machine told in four ways, several programs in one job.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"
. "${HACTOR_TEST_LIB%/*}/graph_lib.sh"

# -- slots in racks --------------------------------------------------------------------------------
racks() { # NUMBER
  rank=0
  echo "cluster 0"
  for rack in $(seq 0 $(($1 - 1))); do
    echo " rack $rack"
    for node in 0 1 2 3; do
      echo "  node $rank rank=$rank"
      for core in $(seq 0 35); do
        [ $((core % 18)) -ne 0 ] || echo "   socket $((core / 18))"
        echo "    core $core"
      done
      rank=$((rank + 1))
    done
  done
}
racks 3 | write_jgf "$scratch/racks3.json"
racks 1 | write_jgf "$scratch/racks1.json"
write_spec "$scratch/nested.yaml" 3600 '[{type: cluster, count: 1, with: [{type: rack, count: 2, with: [{type: slot, label: task, count: 3, with: [{type: node, count: 1, with: [{type: socket, count: 2, with: [{type: core, count: 18}]}]}]}]}]}]'
instance -S "resource.graph=$scratch/racks3.json" <<'END'
. "${HACTOR_TEST_LIB%/*}/graph_lib.sh" && cd "$HACTOR_TEST_SCRATCH"
id=$(hactor job submit nested.yaml)
begun "$id"
check_equal "tasks, nodes, cores" "6 6 216" "$(hactor jobs -n -o '{ntasks} {nnodes} {ncores}' "$id")"
check_equal "three in each of two racks" 0-2,4-6 "$(ranks "$id")"
check_equal "until" 3600 "$(hactor job info "$id" R | python3 -c '
import json, sys; e = json.load(sys.stdin)["execution"]; print(round(e["expiration"] - e["starttime"]))')"
END
echo 'match allocate nested.yaml' | hactor graph query -L racks3.json -f jgf >found
check_equal "sockets" 12 "$(grep -c socket found)"
instance -S "resource.graph=$scratch/racks1.json" <<'END'
fails_with 1 hactor job submit "$HACTOR_TEST_SCRATCH/nested.yaml"
check_contains "$output" "there is room for 1 rack"
END

# -- a network beside the racks --------------------------------------------------------------------
write_jgf "$scratch/net.json" <<'END'
cluster 0
 license 0 size=2
 rack 0
  node 0 rank=0 perf_class=2 as n0
   core 0
   core 1
  node 1 rank=1 perf_class=0 as n1
   core 0
   core 1
 rack 1
  node 2 rank=2 perf_class=2 as n2
   core 0
   core 1
  node 3 rank=3 perf_class=0 as n3
   core 0
   core 1
core_switch 0 as s
edge_switch 0 as e0
edge_switch 1 as e1
bandwidth 9 size=100 as b
bandwidth 0 size=60 as b0
bandwidth 1 size=60 as b1
power 0 size=1000 as p
ibnet: s > e0 e1
ibnet: e0 > n0 n2
ibnet: e1 > n1 n3
ibnetbw: b > b0 b1
ibnetbw: b0 > n0 n2
ibnetbw: b1 > n1 n3
power: p > n0 n1 n2 n3
END
core='{type: slot, label: task, count: 1, with: [{type: core, count: 1}]}'
below_one_switch() { echo "[{type: edge_switch, count: 1, with: [{type: slot, label: task, count: $1, with: [{type: node, count: 1}]}]}]"; }
write_spec "$scratch/under2.yaml" 60 "$(below_one_switch 2)"
write_spec "$scratch/under3.yaml" 60 "$(below_one_switch 3)"
write_spec "$scratch/bandwidth.yaml" 600 "[{type: node, count: 1, with: [{type: bandwidth, count: 40}, $core]}]"
write_spec "$scratch/watts.yaml" 600 "[{type: node, count: 1, with: [{type: power, count: 400}, $core]}]"
write_spec "$scratch/seats.yaml" 600 "[{type: license, count: 2}, $core]"
printf 'match allocate under2.yaml\nmatch allocate under3.yaml\n' \
  | hactor graph query -L net.json -f jgf -S ibnet,containment -P low -F jgf >found 2>&1
check_contains "$(cat found)" \
  '"paths": {"ibnet": "/core_switch0/edge_switch0/node2", "containment": "/cluster0/rack1/node2"}'
check_equal "three under one of two" 1 "$(grep -c 'No matching resources found' found)"
printf 'match allocate bandwidth.yaml\n' \
  | hactor graph query -L net.json -f jgf -S containment -P low --charge >found 2>&1 || true
check_contains "$(cat found)" "No matching resources found" # without its subsystem

instance -S "resource.graph=$scratch/net.json" -S sched.policy=easy <<'END'
. "${HACTOR_TEST_LIB%/*}/graph_lib.sh" && cd "$HACTOR_TEST_SCRATCH"
submit() { hactor job submit "$1.yaml"; }
# An edge has room for one such job, the core for two.
one=$(submit bandwidth) two=$(submit bandwidth)
begun "$one" "$two"
check_equal "an edge each" "0 1" "$(echo $(ranks "$one") $(ranks "$two"))"
check_equal "both on the core" "/bandwidth9/bandwidth0=40 /bandwidth9=40" \
  "$(charges "$one" | sed 's/\(.*\) \(.*\)/\1 \2/')"
three=$(submit bandwidth)
check_contains "$(hactor explain "$three")" "reserved: "
check_equal "cores are free" "6" "$(hactor resource list -n -o '{ncores}' | head -1)"
ended "$one"
begun "$three"
ended "$two" "$three"
# Power, not cores; and back.
one=$(submit watts) two=$(submit watts)
begun "$one" "$two"
three=$(submit watts)
check_contains "$(hactor explain "$three")" "400 power"
check_equal "cores are free" "6" "$(hactor resource list -n -o '{ncores}' | head -1)"
ended "$one"
begun "$three"
ended "$two" "$three"
# A type that nobody programmed for.
one=$(submit seats) two=$(submit seats)
begun "$one"
check_contains "$(hactor explain "$two")" "2 licenses"
ended "$one"
begun "$two"
check_equal "seats" /cluster0/license0=2 "$(charges "$two")"
END

# Two nodes below one switch: the racks do not matter, and no switch has three.
fails_with 2 start -S "resource.graph=$scratch/net.json" -S resource.nested=none -- true
check_contains "$output" "resource.nested=none: subsystem none: the graph has none of that name"
instance -S "resource.graph=$scratch/net.json" -S resource.nested=ibnet <<'END'
. "${HACTOR_TEST_LIB%/*}/graph_lib.sh" && cd "$HACTOR_TEST_SCRATCH"
one=$(hactor job submit under2.yaml) two=$(hactor job submit under2.yaml)
begun "$one" "$two"
check_equal "a switch each" "0,2 1,3" "$(ranks "$one") $(ranks "$two")"
fails_with 1 hactor job submit under3.yaml
check_contains "$output" "edge_switch"
waits=$(hactor submit -N1 -n2 true)
check_contains "$(hactor explain "$waits")" "resources: "
ended "$one"
hactor job wait "$waits" >/dev/null
END

# -- classes of nodes ------------------------------------------------------------------------------
write_spec "$scratch/pair.yaml" 600 "[{type: node, count: 2, exclusive: true, with: [$core]}]"
printf 'match allocate pair.yaml\nmatch allocate pair.yaml\n' >pairs
spread() { # POLICY: the classes of the nodes of two jobs of two nodes
  hactor graph query -L net.json -f jgf -P "$1" -F rlite <pairs 2>/dev/null | python3 -c '
import json, sys
classes = {0: 2, 1: 0, 2: 2, 3: 0}
for line in sys.stdin:
    if line.startswith("[{"):
        ranks = [r for e in json.loads(line) for r in e["rank"].replace("-", ",").split(",")]
        print("".join(sorted(str(classes[int(r)]) for r in ranks)), end=" ")'
}
check_equal "as few classes as can be, the best first" "00 22 " "$(spread variation)"
check_equal "without asking" "02 02 " "$(spread low)"
instance -S "resource.graph=$scratch/net.json" -S sched.match=variation <<'END'
. "${HACTOR_TEST_LIB%/*}/graph_lib.sh" && cd "$HACTOR_TEST_SCRATCH"
one=$(hactor job submit pair.yaml) two=$(hactor job submit pair.yaml)
begun "$one" "$two"
check_equal "the best first" "1,3 0,2" "$(ranks "$one") $(ranks "$two")"
END

# -- with and without counts -----------------------------------------------------------------------
{
  seq 40 | sed 's/.*/match allocate pair.yaml/'
  seq 40 | sed 's/.*/match allocate one_core.yaml/'
} >many
write_spec one_core.yaml 600 "[$core]"
racks 20 | write_jgf busy.json
for policy in low high lonode hinode locality; do
  hactor graph query -L busy.json -f jgf -P $policy -p ALL:core,ALL:node <many >with 2>&1
  hactor graph query -L busy.json -f jgf -P $policy -p ALL:gpu <many >without 2>&1
  cmp with without || fail "$policy: other matches without counts"
done
visited() { # FILTER: vertices that were looked at by requests for which there is no room
  {
    echo 'match allocate all.yaml'
    seq 20 | sed 's/.*/match allocate one_core.yaml/'
  } | hactor graph query -L busy.json -f jgf -P low -e -p "$1" 2>&1 \
    | sed -n 's/.*PREORDER VISIT COUNT[= ]*\([0-9]*\).*/\1/p' | tail -20 | awk '{ sum += $1 } END { print sum }'
}
write_spec all.yaml 600 "[{type: slot, label: task, count: 2879, with: [{type: core, count: 1}]}]"
few=$(visited ALL:core) all=$(visited ALL:gpu)
[ "$((few * 2))" -lt "$all" ] || fail "visited with counts: $few, without: $all"

# -- one machine told in four ways -----------------------------------------------------------------
host=$(dirname "$HACTOR_TEST_LIB")/../data/graph/host.xml
hactor graph load -L "$host" -f hwloc -W node,socket,core -o bare.json >/dev/null
sed 's/"rank": -1/"rank": 0/g; s/"type": "cluster",\(.*\)"rank": 0/"type": "cluster",\1"rank": -1/' bare.json >host.json
instance -S "resource.graph=$host" -S sched.graph_format=hwloc <<'END'
hactor resource R >"$HACTOR_TEST_SCRATCH/host.r"
END
key() { echo "<key id=\"$1\" for=\"$2\" attr.name=\"$1\" attr.type=\"$3\">${4:+<default>$4</default>}</key>"; }
part() { echo "<node id=\"$1\"><data key=\"root\">$2</data><data key=\"type\">$1</data><data key=\"basename\">$1</data></node>"; }
holds() { echo "<edge source=\"$1\" target=\"$2\"><data key=\"multi_scale\">$3</data><data key=\"id_scope\">$4</data></edge>"; }
{
  echo '<?xml version="1.0" encoding="UTF-8"?><graphml xmlns="http://graphml.graphdrawing.org/xmlns">'
  key root node int 0
  for k in type basename; do key $k node string; done
  key size node long 1
  key subsystem node string containment
  for k in e_subsystem as_tgt_subsystem; do key $k edge string containment; done
  key relation edge string contains
  key rrelation edge string in
  for k in id_scope id_start; do key $k edge int 0; done
  for k in id_stride multi_scale as_tgt_uplvl as_src_uplvl; do key $k edge int 1; done
  key gen_method edge string MULTIPLY
  echo '<graph id="host" edgedefault="directed">'
  part cluster 1
  for p in node socket core; do part $p 0; done
  holds cluster node 1 0
  holds node socket 2 0
  holds socket core 4 1
  echo '</graph></graphml>'
} >host.graphml
write_spec three_cores.yaml 600 '[{type: slot, label: task, count: 1, with: [{type: core, count: 3}]}]'
write_spec two_slots.yaml 600 '[{type: node, count: 1, with: [{type: slot, label: task, count: 2, with: [{type: core, count: 1}]}]}]'
printf 'match allocate three_cores.yaml\nmatch allocate two_slots.yaml\nmatch allocate three_cores.yaml\nmatch allocate one_core.yaml\n' >jobs
matches() { # FILE FORMAT POLICY: cores of each job
  hactor graph query -L "$1" -f "$2" -P "$3" -W node,socket,core -F rlite <jobs 2>/dev/null \
    | sed -n 's/.*"core": "\([^"]*\)".*/\1/p;s/.*No matching.*/none/p' | paste -sd' '
}
counts() { # FILE FORMAT TYPE...
  hactor graph info -L "$1" -f "$2" -W node,socket,core | grep -E '^(cluster|node|socket|core) ' | tr -s ' '
}
population=$(counts host.json jgf | sort)
check_contains "$population" "core 8 8"
for source in "$host hwloc" "host.graphml grug"; do
  check_equal "vertices of $source" "$population" "$(counts $source | sort)"
done
check_equal "vertices of R" "$(echo "$population" | grep -v socket)" "$(counts host.r rv1exec | sort)"
for policy in low high lonode; do
  expected=$(matches host.json jgf $policy)
  check_equal "answers" 4 "$(echo "$expected" | wc -w)"
  for source in "$host hwloc" "host.graphml grug" "host.r rv1exec"; do
    check_equal "$policy, $source" "$expected" "$(matches $source $policy)"
  done
done
for source in "$host hwloc" "host.graphml grug" "host.r rv1exec" "host.json jgf"; do
  instance -S "resource.graph=$(realpath ${source% *})" -S "sched.graph_format=${source#* }" <<'END'
. "${HACTOR_TEST_LIB%/*}/graph_lib.sh" && cd "$HACTOR_TEST_SCRATCH"
for shape in three_cores two_slots one_core; do
  id=$(hactor job submit $shape.yaml)
  begun "$id"
  hactor jobs -n -o '{annotations.sched.resource_summary}' "$id"
done >in_instance.new
[ -f in_instance ] || mv in_instance.new in_instance
[ ! -f in_instance.new ] || cmp in_instance in_instance.new || fail "other matches"
END
done
check_equal "in an instance" "rank0/core[0-2] rank0/core[3-4] rank0/core5" "$(echo $(cat in_instance))"
