# Several programs in one job, each with resources of its own: all start or none, whatever the policy.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"
. "${HACTOR_TEST_LIB%/*}/graph_lib.sh"

# Four nodes of four cores, the last two with two GPUs, and three seats of a licence.
write_jgf "$scratch/mixed.json" <<'END'
cluster 0
 license 0 size=3
 node 0 rank=0
  core 0
  core 1
  core 2
  core 3
 node 1 rank=1
  core 0
  core 1
  core 2
  core 3
 node 2 rank=2
  core 0
  core 1
  core 2
  core 3
  gpu 0
  gpu 1
 node 3 rank=3
  core 0
  core 1
  core 2
  core 3
  gpu 0
  gpu 1
END
group() { # FILE SIMULATIONS ANALYSES [MORE RESOURCES]: of two cores, and of a core and a GPU
  cat >"$scratch/$1.yaml" <<END
version: 9999
resources:
  - {type: slot, label: simulation, count: $2, with: [{type: core, count: 2}]}
  - {type: slot, label: analysis, count: $3, with: [{type: core, count: 1}, {type: gpu, count: 1}]}
${4:-}
tasks:
  - {command: [sh, -c, 'echo simulation \$HACTOR_TASK_RANK of \$HACTOR_JOB_SIZE {cc}'], slot: simulation, count: {per_slot: 1}}
  - {command: [sh, -c, 'echo analysis \$HACTOR_TASK_RANK of \$HACTOR_JOB_SIZE {cc}'], slot: analysis, count: {per_slot: 1}}
attributes: {system: {duration: 600}}
END
}
group both 2 2
group large 5 4
group never 1 5
group seats 1 1 "  - {type: license, count: 2}"
write_spec "$scratch/gpus3.yaml" 300 '[{type: slot, label: task, count: 3, with: [{type: gpu, count: 1}, {type: core, count: 1}]}]'
write_spec "$scratch/cores9.yaml" 300 '[{type: slot, label: task, count: 9, with: [{type: core, count: 1}]}]'

for policy in fcfs easy hybrid conservative; do
  instance -S "resource.graph=$scratch/mixed.json" -S sched.policy=$policy <<'END'
. "${HACTOR_TEST_LIB%/*}/graph_lib.sh" && cd "$HACTOR_TEST_SCRATCH"
submit() { hactor job submit "$1.yaml"; }

# All of its output comes through one attach; parts share a node.
id=$(submit both)
check_equal "all parts" "analysis 2 of 4
analysis 3 of 4
simulation 0 of 4
simulation 1 of 4" "$(hactor job attach "$id" | sed 's/ *{cc}//; s/ $//' | sort)"
# All or none: there are cores enough, but not the GPUs.
gpus=$(submit gpus3)
begun "$gpus"
waits=$(submit both)
why=$(hactor explain "$waits")
case $why in
  reserved:* | resources:*) ;;
  *) fail "$why" ;;
esac
check_equal "no part runs" SCHED "$(hactor jobs -n -o '{state}' "$waits")"
ended "$gpus"
deadline 20 hactor job status "$waits"
starts=$(hactor job eventlog "$waits" | grep -c ' start')
check_equal "one start for all" 1 "$starts"
fails_with 1 hactor job submit never.yaml
check_contains "$output" "gpu"
# An array of them.
many=$(hactor job submit --cc=1-5 both.yaml)
deadline 40 hactor job status $many
check_equal "each has its number" "1 2 3 4 5" \
  "$(for id in $many; do hactor job attach "$id"; done | sed -n 's/simulation 0 of 4 //p' | sort | paste -sd' ')"
# A licence is the job's, whichever part needs it.
id=$(submit seats)
deadline 20 hactor job status "$id"
check_contains "$(charges "$id")" /cluster0/license0=2
END
done

# What each part will use later is known: a small job does not delay either of them.
instance -S "resource.graph=$scratch/mixed.json" -S sched.policy=easy <<'END'
. "${HACTOR_TEST_LIB%/*}/graph_lib.sh" && cd "$HACTOR_TEST_SCRATCH"
gpus=$(hactor job submit gpus3.yaml) cores=$(hactor job submit cores9.yaml)
begun "$gpus" "$cores"
large=$(hactor job submit large.yaml)
check_contains "$(hactor explain "$large")" "reserved: "
at() { hactor explain --json "$large" | sed 's/.*"t_estimate":\([0-9]*\).*/\1/'; }
before=$(at)
small=$(hactor submit -n 1 -g 1 -t 1h --setattr=exec.test.run_duration=3600 true)
short=$(hactor submit -n 1 -t 10s echo passes)
deadline 20 hactor job status "$short"
check_equal "a GPU for an hour would delay it" SCHED "$(hactor jobs -n -o '{state}' "$small")"
check_equal "as promised" "$before" "$(at)"
END
