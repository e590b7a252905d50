# The 41-job workload on 4 nodes of 36 cores, with real processes of 0.2 s: 36 nodes full of work,
# which is 9 waves at best. Where jobs end one by one, waves are counted by what followed what on the
# same cores; where all of a wave end before the next begins, they are as many as in simulation
# (test/unit/queue_policy_test.cpp). A slow machine changes nothing but the time that it takes.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

cat >"$scratch/waves.py" <<'END'
import json, re, sys
def ids(text):
    for run in text.split(","):
        first, _, last = run.partition("-")
        yield from range(int(first), int(last or first) + 1)
jobs = [json.loads(line)["context"]["annotations"]["sched"]["resource_summary"] for line in sys.stdin]
assert len(jobs) == 41, f"{len(jobs)} jobs"
wave, used = {}, 0
for what in jobs:
    cores = [(rank, core) for ranks, cores in re.findall(r"rank\[?([\d,-]+)\]?/core\[?([\d,-]+)", what)
             for rank in ids(ranks) for core in ids(cores)]
    used += len(cores)
    own = 1 + max(wave.get(core, 0) for core in cores)
    wave.update((core, own) for core in cores)
assert used == 36 * 36, f"{used} cores"
print(max(wave.values()))
END

cat >"$scratch/workload" <<'END'
. "$HACTOR_TEST_LIB"
for size in $SIZES; do
  case $size in
    q) hactor submit -n 1 -c 9 -t 30s sleep 0.2 ;;
    h) hactor submit -n 1 -c 18 -t 30s sleep 0.2 ;;
    *) hactor submit -N "$size" -n "$size" -c 36 -t 30s sleep 0.2 ;;
  esac
done >ids
hactor job wait --all $(cat ids) || fail "a job failed"
hactor events --since 0 --no-follow --names=alloc | python3 "$HACTOR_TEST_SCRATCH/waves.py" >waves
END

waves() { # NAME MOST SIZES OPTION...
  name=$1 most=$2 SIZES=$3
  shift 3
  export SIZES
  start -S resource.fake=nodes=4,cores=36 "$@" -- sh "$scratch/workload" >/dev/null </dev/null
  found=$(cat waves)
  echo "$name: $found waves"
  [ "$found" -ge 9 ] && [ "$found" -le "$most" ] || fail "$name: $found waves, not 9 to $most"
}

# All jobs of a wave wait at a gate until the scheduler, which is stopped then, has started all that
# it can; a line opens it for one. What is free is looked at again when all of them have ended.
cat >"$scratch/gated" <<'END'
. "$HACTOR_TEST_LIB"
mkfifo gate && exec 3<>gate
hactor queue stop --all
for size in $SIZES; do
  case $size in
    q) shape="-n 1 -c 9" ;;
    h) shape="-n 1 -c 18" ;;
    *) shape="-N $size -n $size -c 36" ;;
  esac
  hactor submit $shape -t 30s sh -c 'read -r line <"$HACTOR_TEST_SCRATCH/gate" && sleep 0.2'
done >ids
wave=0 left=41
while [ "$left" -gt 0 ] && [ "$wave" -lt 41 ]; do
  hactor queue start --all && hactor queue stop --all
  for _ in $(seq 500); do # what the scheduler has granted is told of when it is on disk
    hactor jobs -n -f running -o '{id} {ntasks}' >wave
    [ "$(wc -l <wave)" -ne "$(hactor queue list -n -o '{running}')" ] || break
  done
  [ -s wave ] || fail "$left jobs are left, and none of them starts"
  while read -r id tasks; do
    for _ in $(seq "$tasks"); do echo >&3; done
  done <wave
  for id in $(cut -d' ' -f1 wave); do
    deadline 30 hactor job wait-event -q "$id" clean || fail "$id does not end"
  done
  left=$((left - $(wc -l <wave))) wave=$((wave + 1))
done
echo $wave >waves
END

exactly() { # NAME WAVES SIZES OPTION...
  name=$1 wanted=$2 SIZES=$3
  shift 3
  export SIZES
  rm -f gate waves
  start -S resource.fake=nodes=4,cores=36 "$@" -- sh "$scratch/gated" >/dev/null </dev/null
  check_equal "$name: waves" "$wanted" "$(cat waves)"
}

listed="4 3 3 2 2 2 2 1 1 1 1 1 1 1 1 1 1 h h h h h h h h q q q q q q q q q q q q q q q q"
random="q 1 q q q 3 q 1 q q 1 1 1 q h q 1 h 1 q h h 2 q h 1 4 q q q 2 h h q 2 q 1 3 1 h 2"
waves "listed, easy" 11 "$listed" -S sched.policy=easy -S sched.queue_depth=41
exactly "listed, easy" 9 "$listed" -S sched.policy=easy -S sched.queue_depth=41
exactly "random, fcfs" 11 "$random"
exactly "random, easy" 10 "$random" -S sched.policy=easy -S sched.queue_depth=41
