# Tasks run on the cores that their job was granted: as the kernel sees it, not as we say it.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

[ "$(nproc)" -ge 2 ] || skip "needs two CPUs"
[ "$launcher" = alone ] && instance <<'END'
bound() { # OPTION... : the CPUs of each task, in the order of tasks
  hactor run -l "$@" sh -c 'grep Cpus_allowed_list /proc/self/status | cut -f2' | sort -n |
    cut -d' ' -f2 | tr '\n' ' '
}
all=$(grep Cpus_allowed_list /proc/self/status | cut -f2)
check_equal "who asked for nothing" "$all " "$(bound -n 1)"
one=$(bound -n 1 --cpu-affinity=on)
case $one in
  *[,-]*) [ -d /sys/devices/system/cpu/cpu0/topology ] && check_lacks "$one" "$all" ;;
esac
check_equal "two tasks of one node" "$all $all " "$(bound -n 2 --cpu-affinity=on)"
each=$(bound -n 2 --cpu-affinity=per-task)
check_equal "each has its own" 2 "$(echo "$each" | tr ' ' '\n' | grep . | sort -u | wc -l)"
check_equal "-c makes it so" "$each" "$(bound -n 2 -c 1)"
check_equal "-c and on" "$all $all " "$(bound -n 2 -c 1 --cpu-affinity=on)"
check_equal "off" "$all " "$(bound -n 1 --cpu-affinity=off)"
first=${each%% *}
check_equal "a map" "$first $first " "$(bound -n 2 --cpu-affinity="map:$first")"

# More tasks than cores share; none is without.
check_equal "shared" 4 "$(bound -N 1 --tasks-per-node=4 --cpu-affinity=per-task | wc -w)"

# The map is told, and what cannot be bound is refused.
said=$(hactor run -v -n 2 -c 1 true 2>&1)
check_contains "$said" "hactor: task 0 on $(hostname): CPUs $first, no GPUs"
check_equal "each line is its task's" "0: hactor: task 0 1: hactor: task 1" \
  "$(hactor run -v -l -n 2 true 2>&1 | grep ': hactor: task' | cut -d' ' -f1-4 | sort | xargs)"
check_contains "$(hactor run --cpu-affinity=dry-run true 2>&1)" "not bound (dry-run)"
fails_with 2 hactor submit --cpu-affinity=near true
check_contains "$output" "--cpu-affinity: \"near\" is not on, off, per-task or map:SET"
fails_with 1 hactor submit -O cpu-affinity=near true
check_contains "$output" "attributes.system.shell.options.cpu-affinity"
fails_with 126 hactor run --cpu-affinity=map:4095 true
check_contains "$output" "the map gives task 0 of the node CPUs 4095; the job has"
fails_with 126 hactor run --gpu-affinity=map:0 true
check_contains "$output" "the job has none there"

# No GPU is seen by whom none was granted, whatever library looks; off leaves all as it was.
export CUDA_VISIBLE_DEVICES=3 HIP_VISIBLE_DEVICES=3 ROCR_VISIBLE_DEVICES=3 ZE_AFFINITY_MASK=3
names='echo $CUDA_VISIBLE_DEVICES $HIP_VISIBLE_DEVICES $ROCR_VISIBLE_DEVICES $ZE_AFFINITY_MASK'
check_equal "no GPUs" "-1 -1 -1 65535" "$(hactor run sh -c "$names")"
check_equal "left alone" "3 3 3 3" "$(hactor run --gpu-affinity=off sh -c "$names")"
END

# Pretended resources: GPUs are dealt as if they were there, nothing is bound.
instance -S resource.fake=nodes=1,cores=8,gpus=4 <<'END'
all=$(grep Cpus_allowed_list /proc/self/status | cut -f2)
seen='echo $CUDA_VISIBLE_DEVICES/$HIP_VISIBLE_DEVICES $(grep Cpus_allowed_list /proc/self/status | cut -f2)'
check_equal "each its own GPU" "0: 0/0 $all
1: 1/0 $all
2: 2/0 $all
3: 3/0 $all" "$(hactor run -l -n 4 -g 1 sh -c "$seen" | sort)"
check_equal "all GPUs" "0: 0,1/0,1 $all
1: 0,1/0,1 $all" "$(hactor run -l -n 2 -g 1 --gpu-affinity=on sh -c "$seen" | sort)"
# verbose tells, dry-run does only that.
check_equal "verbose" "0: 0" "$(hactor run -l -g 1 --gpu-affinity=verbose,on sh -c 'echo $CUDA_VISIBLE_DEVICES' 2>said)"
check_contains "$(cat said)" ", GPUs 0"
check_equal "dry-run" "0: 7/none 1: 7/none" "$(CUDA_VISIBLE_DEVICES=7 hactor run -l -n 2 -g 1 \
  --gpu-affinity=dry-run,per-task sh -c 'echo $CUDA_VISIBLE_DEVICES/${HIP_VISIBLE_DEVICES-none}' 2>said | sort | xargs)"
check_contains "$(cat said)" "task 1 on "
check_contains "$(cat said)" ", GPUs 1"
check_contains "$(hactor run -v -c 2 true 2>&1)" "not bound (the resources are pretended)"
# The slot of a jobspec by hand says as much as -c.
hactor submit --dry-run -v -c 2 --cpu-affinity=per-task true | sed 's/"cpu-affinity": *"per-task",*//' >slot.json
check_lacks "$(cat slot.json)" cpu-affinity
job=$(hactor job submit slot.json)
check_contains "$(hactor job attach "$job" 2>&1)" "not bound (the resources are pretended)"
END

# Brokers that share cores: unbound by themselves, bound when asked.
instance --oversubscribe <<'END'
[ "$ranks" -gt 1 ] || exit 0
check_contains "$(hactor run --cpu-affinity=verbose true 2>&1)" "not bound (other ranks share the cores)"
check_contains "$(hactor run -v -n 2 -c 1 true 2>&1)" ": CPUs "
END
