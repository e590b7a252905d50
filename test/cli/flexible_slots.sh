# Slots that are a choice, from the jobspec to the tasks: or_slot, xor_slot. And what else of
# Fluxion's settings an instance takes: what R says, which types and subsystems there are.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"
. "${HACTOR_TEST_LIB%/*}/graph_lib.sh"

# Two nodes of six cores, the first with a GPU; a panel of power for both.
write_jgf "$scratch/two.json" <<'END'
cluster 0
 rack 0
  node 0 rank=0 as n0
   core 0
   core 1
   core 2
   core 3
   core 4
   core 5
   gpu 0
  node 1 rank=1 as n1
   core 0
   core 1
   core 2
   core 3
   core 4
   core 5
power 0 size=100 as p
power: p > n0 n1
END
either() { # TYPE COUNT: of a core and a GPU, or of three cores
  cat <<END
version: 9999
resources:
  - type: node
    count: 1
    with:
      - {type: $1, label: wide, count: $2, with: [{type: core, count: 1}, {type: gpu, count: 1}]}
      - {type: $1, label: deep, count: $2, with: [{type: core, count: 3}]}
tasks:
  - {command: [echo, on a gpu], slot: wide, count: {per_slot: 1}}
  - {command: [echo, on cores], slot: deep, count: {per_slot: 2}}
attributes: {system: {duration: 600}}
END
}
either or_slot 2 >"$scratch/or.yaml"
either xor_slot 1 >"$scratch/xor.yaml"
either xor_slot 3 >"$scratch/never.yaml"
either or_slot 1 | sed 's/\[echo, on a gpu\]/[sleep, "600"]/; s/\[echo, on cores\]/[sleep, "600"]/' >"$scratch/hold.yaml"
# One entry of tasks for both kinds, whose label is the same.
either xor_slot 1 | sed 's/label: deep/label: wide/; /slot: deep/d' >"$scratch/same.yaml"
write_spec "$scratch/watts.yaml" 600 '[{type: node, count: 1, with: [{type: power, count: 60}, {type: slot, label: task, count: 1, with: [{type: core, count: 1}]}]}]'
graph="-S resource.graph=$scratch/two.json"

# Without being told so an instance knows no choice, and says how it would.
instance $graph <<'END'
fails_with 1 hactor job submit "$HACTOR_TEST_SCRATCH/xor.yaml"
check_contains "$output" "resources[0].with[0].type: xor_slots are a choice"
check_contains "$output" "sched.traverser=flexible"
END
fails_with 2 start -S sched.traverser=best true
check_contains "$output" "simple|flexible"

export FLUXION_RESOURCE_OPTIONS=traverser=flexible
instance $graph <<'END'
. "${HACTOR_TEST_LIB%/*}/graph_lib.sh" && cd "$HACTOR_TEST_SCRATCH"
said() { deadline 30 hactor job attach "$1" | sort | paste -sd,; }
slots() { hactor job info "$1" R | python3 -c '
import json, sys
print(*(f"{l}={n}" for _, l, n in sorted(json.load(sys.stdin)["scheduling"]["slots"])))'; }
# Both kinds in one job, each with its program, so often as it is said for that kind.
id=$(hactor job submit or.yaml)
check_equal "one of each" "on a gpu,on cores,on cores" "$(said "$id")"
check_equal "in R" "deep=1 wide=1" "$(slots "$id")"
# One kind, the first that there is room for.
check_equal "the GPU is free" "on a gpu" "$(said "$(hactor job submit xor.yaml)")"
hold=$(hactor job submit hold.yaml)
begun "$hold"
id=$(hactor job submit xor.yaml)
check_equal "the GPU is taken" "on cores,on cores" "$(said "$id")"
# Each program has an MPI_COMM_WORLD of its own, and only one has tasks.
sed 's/\[echo, on cores\]/[sh, -c, "echo $PMI_RANK of $PMI_SIZE"]/
  s/duration: 600/duration: 600, shell: {options: {worlds: each, pmi: simple}}/' xor.yaml >worlds.yaml
check_equal "one world" "0 of 2,1 of 2" "$(said "$(hactor job submit worlds.yaml)")"
check_equal "three cores" 3 "$(hactor jobs -a -n -o '{ncores}' "$id")"
check_equal "in R" "deep=1" "$(slots "$id")"
id=$(hactor job submit same.yaml)
check_equal "an entry for both kinds" "on a gpu" "$(said "$id")"
check_equal "on cores" 3 "$(hactor jobs -a -n -o '{ncores}' "$id")"
more=$(hactor job submit hold.yaml; hactor job submit hold.yaml; hactor job submit hold.yaml)
begun $more
id=$(hactor job submit xor.yaml)
why=$(hactor explain "$id")
check_contains "$why" "1 node with either 1 slot of 1 core and 1 gpu or 1 slot of 3 cores"
ended "$hold" $more
deadline 30 hactor job status "$id"
fails_with 1 hactor job submit never.yaml
check_contains "$output" "either 3 slots of 1 core and 1 gpu or 3 slots of 3 cores"
END
unset FLUXION_RESOURCE_OPTIONS
printf '[sched-fluxion-resource]\ntraverser = "flexible"\nmatch-format = "rv1"\n' >"$scratch/f.toml"

# By a table of a file; R has a graph, which is one to start with.
instance --config "$scratch/f.toml" $graph <<'END'
. "${HACTOR_TEST_LIB%/*}/graph_lib.sh" && cd "$HACTOR_TEST_SCRATCH"
id=$(hactor job submit or.yaml)
deadline 30 hactor job status "$id"
hactor job info "$id" R >r.json
check_equal "params" "rv1 flexible" "$(hactor ion-resource params | python3 -c '
import json, sys; p = json.load(sys.stdin)["params"]; print(p["match-format"], p["traverser-policy"])')"
fails_with 2 hactor scheduler reload -S sched.match_format=jgf
check_contains "$output" "rv1_nosched|rv1"
hactor scheduler reload -S sched.match_format=rv1_nosched >reloaded
id=$(hactor job submit or.yaml)
begun "$id"
check_lacks "$(hactor job info "$id" R)" '"graph"'
END
check_equal "what was granted" "cluster core core core core gpu node rack" "$(python3 -c '
import json
g = json.load(open("r.json"))["scheduling"]["graph"]
print(*sorted(n["metadata"]["type"] for n in g["nodes"]))')"
check_equal "as a graph" "4 1" "$(start -S resource.graph=r.json -S sched.graph_format=rv1exec \
  hactor resource list -n -o '{state} {ncores} {ngpus}' | sed -n 's/^ *free //p')"

# Types that are left out are none of the instance's; others move up.
instance $graph -S resource.allowlist=node,core <<'END'
check_equal "no GPUs" "12 0" "$(hactor resource list -n -o '{state} {ncores} {ngpus}' | sed -n 's/^ *free //p')"
check_contains "$(hactor resource show)" "/cluster0/node1: node"
END
check_equal "of what is found" 0 "$(start -S resource.fake=nodes=1,cores=2,gpus=2 \
  -S resource.allowlist=node,core hactor resource list -n -o '{state} {ngpus}' | sed -n 's/^ *free //p')"
fails_with 2 start -S resource.allowlist=core true
check_contains "$output" "resource.allowlist=core: must have node and core"
fails_with 2 start $graph -S resource.allowlist=rack,core,, true
check_contains "$output" "resource.allowlist"

# Subsystems that are left out are not matched in.
instance $graph -S resource.subsystems=C+PA <<'END'
. "${HACTOR_TEST_LIB%/*}/graph_lib.sh" && cd "$HACTOR_TEST_SCRATCH"
id=$(hactor job submit watts.yaml)
begun "$id"
check_equal "charged" /power0=60 "$(charges "$id")"
END
instance $graph -S resource.subsystems=containment <<'END'
fails_with 1 hactor job submit "$HACTOR_TEST_SCRATCH/watts.yaml"
check_contains "$output" "there is no power here"
END
fails_with 2 start $graph -S resource.subsystems=containment,ibnet true
check_contains "$output" "subsystem ibnet: the graph has none of that name"
fails_with 2 start -S sched.prune_filters=core true
check_contains "$output" "sched.prune_filters"
