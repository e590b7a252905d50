# hactor tree: every job runs once in some leaf, shares are even, each level has its policy, the
# highest exit code and what each instance did come up to the top, and nothing outlives it.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"
start_seconds=110

instance -S resource.fake=nodes=4,cores=4 -S exec.kill_timeout=2s <<'END'
cat >task.sh <<'TASK'
#!/bin/sh
echo "$1 $HACTOR_TREE_ID $HACTOR_TREE_JOBSCRIPT_INDEX $HACTOR_TREE_NNODES $HACTOR_TREE_NCORES_PER_NODE $2" \
  >"$PWD/ran.$1"
TASK
chmod +x task.sh

# Exactly as many as asked for, once each, spread evenly.
fails_with 0 deadline 40 hactor tree -T 2x3 -J 32 -o perf -- ./task.sh {seq} {seq1}
check_contains "$output" "tree: 32 jobs in 6 leaves: 32 done"
cat ran.* >ran
check_equal "numbers" "$(seq 0 31 | xargs)" "$(cut -d' ' -f1 ran | sort -n | xargs)"
check_equal "the other number" "" "$(awk '$6 != $1 + 1' ran)"
check_equal "shares" "5 5 5 5 6 6" "$(cut -d' ' -f2 ran | sort | uniq -c | awk '{print $1}' | sort | xargs)"
check_equal "leaves" "tree.1.1 tree.1.2 tree.1.3 tree.2.1 tree.2.2 tree.2.3" \
  "$(cut -d' ' -f2 ran | sort -u | xargs)"
check_equal "indexes in a leaf" "1 2 3 4 5 6" "$(grep tree.1.1 ran | cut -d' ' -f3 | sort | xargs)"
check_equal "what leaves have" "1 2 1 4" "$(cut -d' ' -f4,5 ran | sort -u | xargs)"
check_equal "jobs of this instance: the two children" "tree.1 tree.2" \
  "$(hactor jobs -a -n -o '{name}' | sort | xargs)"

# A line for each instance, in the order of the tree; a parent is there as long as its children.
check_equal "columns" 9 "$(awk '{ print NF }' perf | sort -u)"
check_equal "instances" "TreeID tree tree.1 tree.1.1 tree.1.2 tree.1.3 tree.2 tree.2.1 tree.2.2 tree.2.3" \
  "$(awk '{ print $1 }' perf | xargs)"
check_equal "jobs" "32 16 6 5 5 16 6 5 5" "$(awk 'NR > 1 { print $6 }' perf | xargs)"
check_equal "no child before or after its parent" "" "$(awk '$1 == "tree" { b = $3; e = $4 }
  NR > 2 && ($3 < b || $4 > e || $2 <= 0)' perf)"
fails_with 0 deadline 40 hactor tree -T2 -J2 -o - --perf-format='{treeid},{njobs},{nodes},{cores}' true
check_contains "$output" "tree,2,4,4
tree.1,1,2,4
tree.2,1,2,4"

# Policies by level, in either spelling.
asks='echo $(HACTOR_URI=${HACTOR_URI%/*} hactor getattr sched.policy; hactor getattr sched.policy) >policies.{seq}'
deadline 40 hactor tree -T 2x1 -Q easy:conservative -J 2 -- sh -c "$asks" >said
check_equal "policies" "easy conservative" "$(cat policies.*| sort -u)"
deadline 40 hactor tree -T 2x1 -P hybrid,easy -J 2 -- sh -c "$asks" >said
check_equal "policies as parameters" "hybrid easy" "$(cat policies.* | sort -u)"
deadline 40 hactor tree -P queue-depth=7 -M high --output=depth -- sh -c 'echo $(hactor getattr sched.queue_depth; hactor getattr sched.match)' >said
check_equal "parameters" "7 high" "$(cat depth)"

# The highest exit code, by name, with what that job wrote.
fails_with 9 deadline 40 hactor tree -T 2x2 -J 16 -- \
  sh -c 'echo "this is {seq}"; case {seq} in 3) exit 2 ;; 13) exit 9 ;; 15) exit 9 ;; esac'
check_contains "$output" "tree.2.2@index[2]: exit code 9"
check_contains "$output" "this is 13"
check_contains "$output" "13 done, 3 failed"
check_lacks "$output" "this is 15"

# Files of jobs, of leaves, and of what is copied on the way: places for the job stay.
deadline 40 hactor tree -T 2 -J 4 --output='o.{treeid}.{seq1}' -- sh -c 'echo {index} {{id}} $HACTOR_JOB_ID' >said
check_equal "outputs" "o.tree.1.1 o.tree.1.2 o.tree.2.3 o.tree.2.4" "$(echo o.*)"
check_equal "places" "" "$(cat o.* | awk '$2 != $3')"
check_equal "indexes" "1 2 1 2" "$(cat o.* | awk '{ print $1 }' | xargs)"
deadline 40 hactor tree -T 2 -J 3 -r dir -f logs -- sh -c '
  test {seq} != 0 || hactor scheduler reload >reloaded; echo {seq}' >said
check_equal "folders" "0 1 2" "$(cat dir/tree.1/1.out dir/tree.1/2.out dir/tree.2/1.out | xargs)"
check_equal "logs" "tree.1.log tree.2.log" "$(ls logs | xargs)"
first=$(hactor jobs -a -n -o '{id} {name}' | awk '$2 == "tree.1" { print $1; exit }')
check_contains "$(cat logs/tree.1.log)" "scheduler[$first]: loaded"
check_lacks "$(cat logs/tree.2.log)" "scheduler["
deadline 40 hactor tree -J 1 --compat=flux --output=flux -- sh -c 'echo $FLUX_TREE_ID $FLUX_TREE_JOBSCRIPT_INDEX' >said
check_equal "for scripts of Flux" "tree.1 1" "$(cat flux)"

# Scripts beside the leaf's jobs: all of its cores are left for what they submit, which is waited for.
fails_with 5 deadline 40 hactor tree --outside -T 2 -J 4 -- sh -c '
  hactor run -N $HACTOR_TREE_NNODES -n 8 true && hactor submit --quiet sh -c "sleep 0.2; echo late >late.{seq}"
  echo $HACTOR_TREE_ID $HACTOR_TREE_JOBSCRIPT_INDEX {seq} >script.{seq}; echo said by {seq}; test {seq} != 3 || exit 5'
check_equal "scripts" "tree.1 1 0 tree.1 2 1 tree.2 1 2 tree.2 2 3" "$(cat script.? | xargs)"
check_equal "what they submitted" "late.0 late.1 late.2 late.3" "$(echo late.?)"
check_contains "$output" "tree.2@index[2]: exit code 5"
check_contains "$output" "said by 3"
check_lacks "$output" "said by 2"

# A jobspec in place of a command.
hactor submit --dry-run -n 2 --output='spec.{{id}}.{{task.id}}' sh -c 'echo {seq1} $HACTOR_TREE_ID' >spec.json
fails_with 0 deadline 40 hactor tree -N 4 -c 2 -T 4 -J 6 spec.json
check_equal "tasks" 12 "$(cat spec.f* | wc -l)"
check_equal "numbers" "1 1 2 2 3 3 4 4 5 5 6 6" "$(cut -d' ' -f1 spec.f* | sort | xargs)"

# So many cores in all; and a leaf of one core whose job waits for what it has submitted says so.
fails_with 0 deadline 40 hactor tree -N 4 -n4 -T2 -J4 --output='cores.{seq}' -- \
  sh -c 'echo $HACTOR_TREE_ID $HACTOR_TREE_JOBSCRIPT_INDEX $HACTOR_TREE_NNODES $HACTOR_TREE_NCORES_PER_NODE'
check_equal "cores in all" "tree.1 1 2 1 tree.1 2 2 1 tree.2 1 2 1 tree.2 2 2 1" "$(cat cores.? | xargs)"
mkfifo complaints
hactor tree -N 1 -n 1 -J 1 -- hactor run true 2>complaints >said &
client=$!
exec 3<complaints
line=$(deadline 30 grep -m 1 -e --outside <&3)
check_contains "$line" "tree.1: job f"
check_contains "$line" "waits while jobs of the tree have what there is"
kill -INT "$client"
wait "$client" || true
exec 3<&-

# In this instance itself, beside what else runs there.
id=$(hactor submit sleep 1000)
fails_with 0 deadline 40 hactor tree -l -J 5 -X mine --output=mine.{seq} sh -c 'echo $HACTOR_TREE_ID'
check_equal "names" 5 "$(cat mine.? | grep -cx mine)"
hactor cancel "$id"
hactor job wait-event -q "$id" clean

# Children without jobs are not started; without jobs there are none.
all_over() { [ -z "$(hactor jobs -n)" ]; } # also the tree that was interrupted
eventually 20 all_over
hactor purge --all >said 2>&1
fails_with 0 deadline 40 hactor tree -T 4 -J 2 true
check_equal "children" "tree.1 tree.2" "$(hactor jobs -a -n -o '{name}' | sort | xargs)"
fails_with 0 deadline 40 hactor tree -T 4 -J 0 true
check_contains "$output" "0 jobs in 0 leaves"

# What cannot be is refused, and nothing is started.
eventually 20 all_over
hactor purge --all >said 2>&1
while read -r part words; do
  fails_with 2 hactor tree $words
  check_contains "$output" "$part"
done <<'WRONG'
core -T 17 true
core -T 4x4x2 true
core -N 1 -c 2 -T 3 true
nodes -N 5 true
ncores-per-node -c 5 true
ntasks -N 4 -n 6 true
ntasks -N 4 -n 20 true
exclude -n 4 -c 1 true
ngpus -g 1 -T 2 true
topology -T 2x true
topology -T 0 true
levels -T 2 -Q fcfs:easy true
policy -Q fastest true
match -M coolest true
queue-depth -P depth=3 true
both -T 2 -Q fcfs -P easy true
exclude -l -T 2 true
exclude -l -Q easy true
exclude --outside --output=x true
COMMAND -J 3
njobs -J many true
format --perf-format={treeid true
WRONG
fails_with 1 hactor tree missing.yaml
check_contains "$output" "missing.yaml: No such file"
check_equal "nothing was started" "" "$(hactor jobs -a -n)"

# The plan, which needs no instance when sizes are told.
plan=$(env -u HACTOR_URI hactor tree -d -N 2 -c 4 -T 2x2 -J 7 -Q fcfs:easy -- ./x {seq})
check_contains "$plan" "tree.2.1: nodes 1, cores 2, gpus 0, jobs 2 (4 to 5)"
check_contains "$plan" "  HACTOR_TREE_ID=tree.2.1"
check_contains "$plan" "children: sched.policy=easy"
check_contains "$plan" "  ./x 4"

# A person sees how far it is, and at the end one line.
deadline 40 python3 -c '
import pty, sys
sys.exit(pty.spawn(["hactor", "tree", "-T", "2", "-J", "64", "sleep", "0.3"]) >> 8)' >said </dev/null
check_contains "$(cat said)" "CD:0 F:0 of 64 ["
check_contains "$(tr '\r' '\n' <said | grep -v 'CD:0' )" "F:0 of 64 ["
check_contains "$(tail -n 1 said)" "tree: 64 jobs in 2 leaves: 64 done"

END

instance -S resource.fake=nodes=4,cores=4 -S exec.kill_timeout=2s <<'END'
# A leaf that is lost takes along what runs in it, and that is told; the others go on.
mkfifo up
deadline 40 hactor tree -T 2x2 -J 4 -- \
  sh -c 'test $HACTOR_TREE_ID = tree.2.1 || exit 0; echo up >up; exec sleep 1000' >said 2>&1 &
tree=$!
read -r line <up
second=$(hactor jobs -n -o '{id} {name}' | awk '$2 == "tree.2" { print $1 }')
hactor proxy "$second" sh -c 'hactor cancel $(hactor jobs -n -o "{id} {name}" | sed -n "s/ tree.2.1.*//p")'
code=0
wait $tree || code=$?
check_equal "exit code of a lost leaf (said: $(cat said))" 143 $code
check_contains "$(cat said)" "tree.2.1: exit code 143"
case $(cat said) in # the leaf may have told that it runs, or not yet
  *"3 done, 1 lost"* | *"3 done, 1 perhaps run"*) ;;
  *) fail "of a lost leaf: $(cat said)" ;;
esac

# Ctrl-C, as the terminal sends it, ends all of it.
deadline 40 hactor tree -T 2x2 -J 100 -- sh -c 'echo up >up; exec sleep 1000' >said 2>&1 &
tree=$!
read -r line <up
kill -INT $(ps -o pid= --ppid $tree)
code=0
wait $tree || code=$?
check_equal "interrupted (said: $(cat said))" 130 $code
check_equal "what runs on" "" "$(hactor jobs -n -f pending,run)"
this_script_alone() { [ "$(hactor stats | sed -n 's/.*"tasks": \([0-9]*\).*/\1/p')" = 1 ]; }
eventually 20 this_script_alone # those of jobs that are to end may be ending yet
deadline 40 hactor tree -l -J 100 -- sh -c 'echo up >up; exec sleep 1000' >said 2>&1 &
tree=$!
read -r line <up
kill -TERM $(ps -o pid= --ppid $tree)
code=0
wait $tree || code=$?
check_equal "terminated, without instances (said: $(cat said))" 143 $code
check_equal "what runs on" "" "$(hactor jobs -n -f pending,run)"
END

# A leaf that hears nothing for so long that the events are no longer kept knows the ends all the same.
instance -S retention.count=100 -S resource.fake=nodes=10,cores=40 <<'END'
hactor submit --dry-run --setattr=system.exec.test.run_duration=0 true >no-op.json
hactor tree -l -J 80000 no-op.json >said 2>&1 &
tree=$!
deadline 20 sh -c 'until hactor uptime | grep -qE "[1-9][0-9]{2,} ended"; do :; done'
kill -STOP $tree
all_ended() { while hactor jobs --stats-only >/dev/null; do sleep 0.1; done; }
all_ended
# When only later jobs are kept, all events of these are gone.
hactor submit --quiet --cc=1-200 --setattr=system.exec.test.run_duration=0 true
all_ended
check_contains "$(hactor events --since 1 --no-follow | head -n 1)" '"name":"gap"'
kill -CONT $tree
wait $tree || fail "after a gap: $(cat said)"
check_contains "$(cat said)" "80000 done"
END
