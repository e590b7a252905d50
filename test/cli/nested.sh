# An instance within a job: it sees what the job was granted and nothing else, ends with its script
# and all that runs in it, and a script runs the same at every depth.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

cat >script.sh <<'END'
set -e
echo "level $(hactor getattr instance-level) job '${HACTOR_JOB_ID-}' task '${HACTOR_TASK_RANK-}'"
hactor run -N 2 -n 2 sh -c 'echo "task $HACTOR_TASK_RANK of $HACTOR_JOB_SIZE"' | sort
hactor run sh -c 'echo "$HACTOR_URI"' | grep -cFx "$HACTOR_URI"
hactor jobs -a -n -o '{name} {ntasks} {result}'
END
export SCRIPT=$scratch/script.sh

instance -S resource.fake=nodes=8,cores=4 <<'END'
same() { printf '%s\n' "$1" | tail -n +2; }

top=$(hactor start --boot=alone -S resource.fake=nodes=2,cores=4 sh "$SCRIPT")
child=$(hactor run -N 3 -n 3 hactor start sh "$SCRIPT")
check_contains "$child" "level 1 job '' task ''"
grandchild=$(hactor run -N 4 -n 4 hactor start hactor run -N 2 -n 2 hactor start sh "$SCRIPT")
check_contains "$grandchild" "level 2 job '' task ''"
check_equal "in a child" "$(same "$top")" "$(same "$child")"
check_equal "in a grandchild" "$(same "$top")" "$(same "$grandchild")"

# What the job has, counted from 0, and no more.
hactor run -N 2 hactor start hactor submit sleep 0
inside=$(hactor run -N 2 -n 2 -c 2 hactor start hactor resource list)
check_contains "$inside" "free      2        4"
ranks=$(hactor run -N 2 -n 2 hactor start sh -c 'hactor job info "$(hactor submit --wait -N 2 -n 2 true)" R')
check_contains "$ranks" '"rank":"0-1"'
fails_with 1 hactor run -N 2 -n 2 hactor start hactor submit -N 3 true

# Slots of several kinds, on a node that the outermost instance counts otherwise.
cat >kinds.json <<'J'
{"version": 9999, "attributes": {"system": {"duration": 0, "cwd": "/tmp"}},
 "resources": [{"type": "node", "count": 1, "with": [
   {"type": "slot", "label": "a", "count": 1, "with": [{"type": "core", "count": 1}]},
   {"type": "slot", "label": "b", "count": 2, "with": [{"type": "core", "count": 1}]}]}],
 "tasks": [{"command": ["echo", "one"], "slot": "a", "count": {"per_slot": 1}},
           {"command": ["echo", "two"], "slot": "b", "count": {"per_slot": 1}}]}
J
check_equal "slots of two kinds" "one two two" "$(hactor run --requires=ranks:3 -N 1 hactor start sh -c \
  'hactor job attach "$(hactor job submit kinds.json)"' | sort | xargs)"

# Exit codes, also of what cannot be executed.
fails_with 7 hactor run hactor start sh -c 'exit 7'
fails_with 127 hactor run hactor start no-such-program
check_contains "$output" "no-such-program"
fails_with 143 hactor run hactor start sh -c 'kill -TERM $$'

# A policy of its own; what is the system's is refused.
check_equal "policy" conservative "$(hactor run -N 2 hactor start -S sched.policy=conservative hactor getattr sched.policy)"
fails_with 2 hactor run hactor start -S exec.kill_timeout=1s true
check_contains "$output" "exec.kill_timeout"
fails_with 2 hactor run hactor start -S sched.policy=no-such true
check_contains "$output" "no-such"
fails_with 2 hactor run hactor start -S rank=1 true
check_contains "$output" "rank"
fails_with 2 hactor start --boot=child true
check_contains "$output" "not a task of a job"

# One after the other in one job.
check_equal "two in one job" "a b" "$(hactor run sh -c 'hactor start hactor run echo a; hactor start hactor run echo b' | xargs)"
END

# Who is outside looks in while it lives; a cancelled one takes with it what runs in it.
instance -S resource.fake=nodes=4,cores=4 -S exec.kill_timeout=2s <<'END'
mkfifo up
deep='echo up >up; exec sleep 300'
middle="hactor submit sleep 300 >/dev/null; exec hactor run hactor start sh -c '$deep'"
id=$(hactor submit -N 2 -n 2 hactor start sh -c "$middle")
read line <up
fails_with 0 env HACTOR_URI="$HACTOR_URI/$id" hactor jobs -n -o '{name}'
check_contains "$output" sleep
inner=$(HACTOR_URI=$HACTOR_URI/$id hactor jobs -n -o '{id} {name}' | sed -n 's/ hactor$//p')
check_equal "level of the inner one" 2 "$(HACTOR_URI=$HACTOR_URI/$id/$inner hactor getattr instance-level)"
check_equal "jobs at the top" 1 "$(hactor jobs -n | wc -l)"
hactor cancel "$id"
fails_with 1 hactor job wait "$id"
check_contains "$output" Canceled
check_equal "tasks that run, and this script" 1 "$(hactor stats | sed -n 's/.*"tasks": \([0-9]*\).*/\1/p')"
fails_with 1 env HACTOR_URI="$HACTOR_URI/$id" hactor jobs
check_contains "$output" "$id"
check_contains "$output" "does not run any more"

# A time limit ends it likewise, and so does the end of a job that only started it.
fails_with 142 hactor run -t 3s hactor start sh -c 'hactor submit sleep 300 >/dev/null; exec sleep 300'
fails_with 0 hactor run sh -c 'hactor start sleep 300 & while [ "$(hactor stats | sed -n "s/.*\"instances\": \([0-9]*\).*/\1/p")" != 1 ]; do sleep 0.05; done'
END

# Listings and trees go down through all levels; a command runs in one of them.
instance -S resource.fake=nodes=4,cores=4 <<'END'
deep='for i in 1 2; do hactor job wait-event -q $(hactor submit sleep 300) start; done; echo up >up; exec sleep 300'
id=$(hactor submit -N 2 -n 2 hactor start sh -c "exec hactor run -J deep -n 2 hactor start sh -c '$deep'")
read -r line <up
check_equal "tree" ". └── hactor └── deep └── 2*[sleep]" "$(echo $(hactor pstree))"
check_equal "in full, without ids" "R R R └── R R ├── R R └── R" \
  "$(echo $(hactor pstree -x -n | sed -E 's/^ *f[^ ]* [^ ]+ +R .*[0-9](ms|s|m) /R /; s/(hactor|deep|sleep)$/R/'))"
inner=$(hactor proxy "$id" hactor jobs -n -o '{id}' | tr -d ' ')
check_contains "$(hactor jobs -R -n -o '{name}')" "$id/$inner:"
check_lacks "$(hactor jobs -R -L 1 -n -o '{name}')" "$id/$inner:"
check_contains "$(hactor jobs -R -L 1 -n -o '{name}')" "$id:"
check_equal "in json" sleep "$(hactor jobs -R --json | python3 -c 'import json, sys
print(json.load(sys.stdin)["jobs"][0]["jobs"][0]["jobs"][0]["name"])')"
check_equal "level" 2 "$(hactor proxy "$id/$inner" hactor getattr instance-level)"
fails_with 1 hactor proxy "$(hactor submit true)" true
check_equal "from the outermost instance" 2 "$(hactor proxy "$id" hactor proxy "/$id/$inner" hactor getattr instance-level)"
fails_with 1 hactor proxy not-an-id true # it might be an instance's name
check_contains "$output" "nor is it a URI or what"
for wrong in '' / "$id/" "//$id"; do
  fails_with 2 hactor proxy "$wrong" true
  check_contains "$output" "is not a job id"
done
fails_with 127 hactor proxy "$id" no-such-program
fails_with 1 hactor proxy "$id/$inner/$(hactor proxy "$id/$inner" hactor jobs -n -c 1 -o '{id}' | tr -d ' ')" true
check_contains "$output" "no instance $id/$inner/f"

# Commands that were started in an instance end with it, and not with those around.
mkfifo began
hactor proxy "$id" hactor exec -r all sh -c 'echo $$ >began; exec sleep 1000' >said 2>&1 &
client=$!
exec 4<>began # who reads it sees no end between the two that write
pids=$(deadline 20 head -n $((ranks > 1 ? 2 : 1)) <&4)
hactor cancel "$id"
fails_with 1 hactor job wait "$id"
wait "$client" || true
for pid in $pids; do
  deadline 20 tail --pid="$pid" -f /dev/null || fail "command $pid goes on"
done

# A job whose instance has ended is shown as any other.
id=$(hactor submit sh -c 'hactor start true; echo over >up; exec sleep 300')
read -r line <up
deadline 20 hactor job wait-event -q -c 2 "$id" memo
check_equal "no instance any more" ". └── sh" "$(echo $(hactor pstree))"
check_equal "and none is noted" "" "$(hactor jobs -n -o '{annotations.user.uri}' "$id" | tr -d ' ')"
END
