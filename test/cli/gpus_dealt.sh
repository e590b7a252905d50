# GPUs are resources of tasks: those that run at once see different ones, one too many waits.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

mkfifo go
instance -S resource.fake=nodes=1,cores=8,gpus=4 <<'END'
exec 3<>go
task='echo "$CUDA_VISIBLE_DEVICES" >gpu.$HACTOR_JOB_ID; read -r line <go'
for i in 1 2 3 4 5; do
  id=$(hactor submit -g 1 sh -c "$task")
  ids="${ids:-} $id"
  [ $i -gt 4 ] || hactor job wait-event -q "$id" start
done
check_equal "the fifth" SCHED "$(hactor jobs -n -o '{state}' "$id")"
check_contains "$(hactor explain "$id")" "1 core and 1 gpu; there is no room for that now"
printf '\n' >&3
hactor job wait --any $(echo $ids | cut -d' ' -f1-4) >freed
hactor job wait-event -q "$id" start
printf '\n\n\n\n' >&3
hactor job status $ids
check_equal "of the first four" "0 1 2 3" \
  "$(for one in $(echo $ids | cut -d' ' -f1-4); do cat gpu.$one; done | sort | xargs)"
check_equal "the one that came free" "$(cat "gpu.$(cat freed)")" "$(cat "gpu.$id")"
# Four tasks of one job see one each.
check_equal "tasks" "0 1 2 3" "$(hactor run -n 4 -g 1 sh -c 'echo $CUDA_VISIBLE_DEVICES' | sort | xargs)"
fails_with 1 hactor submit -n 5 -g 1 true
END

# Of a job with slots of two shapes each task has what its own slot has.
cat >"$scratch/two_shapes.yaml" <<'END'
version: 9999
resources:
  - type: node
    count: 1
    with:
      - {type: slot, label: sim, count: 2, with: [{type: core, count: 3}]}
      - {type: slot, label: ana, count: 2, with: [{type: core, count: 1}, {type: gpu, count: 1}]}
tasks:
  - {command: [sh, -c, 'echo "sim $CUDA_VISIBLE_DEVICES"'], slot: sim, count: {per_slot: 1}}
  - {command: [sh, -c, 'echo "ana $CUDA_VISIBLE_DEVICES"'], slot: ana, count: {per_slot: 1}}
attributes: {system: {duration: 60}}
END
instance -S resource.fake=nodes=1,cores=8,gpus=2 <<'END'
id=$(hactor job submit "$HACTOR_TEST_SCRATCH/two_shapes.yaml")
check_equal "GPUs of each" "ana 0 ana 1 sim -1 sim -1" "$(hactor job attach "$id" | sort | xargs)"
END

# A job without cores holds no instance, and is told so; nothing else ends with it.
cat >"$scratch/gpu_only.yaml" <<END
version: 9999
resources: [{type: slot, label: s, count: 1, with: [{type: gpu, count: 1}]}]
tasks: [{command: ["$(command -v hactor)", start, "true"], slot: s, count: {per_slot: 1}}]
attributes: {system: {duration: 60}}
END
instance -S resource.fake=nodes=1,cores=2,gpus=1 <<'END'
id=$(hactor job submit "$HACTOR_TEST_SCRATCH/gpu_only.yaml")
fails_with 1 deadline 30 hactor job attach "$id"
check_contains "$output" "job $id has no cores on "
check_contains "$output" "an instance needs one on each node"
check_equal "goes on" there "$(hactor run echo there)"
END
