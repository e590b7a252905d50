# An instance that keeps no work itself: what is submitted to it runs in its children, wherever there
# is room; whatever a person does with a job works as ever; a child that ends gives back what it has
# not started.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

cat >helpers.sh <<'END'
stat() { # SERVICE NAME
  hactor stats | python3 -c 'import json, sys
print(json.load(sys.stdin)[sys.argv[1]][sys.argv[2]])' "$1" "$2"
}
# Until all children serve: then they have said where they are.
served() {
  hactor run true
  for child in $(children); do
    deadline 20 hactor job wait-event -q "$child" memo
  done
}
# Until there are so many: one that follows another comes a little later.
are_there() { # CHILDREN
  deadline 20 sh -c '. "$HELPERS"; until [ "$(children | wc -l)" = '"$1"' ]; do sleep 0.1; done' \
    || fail "children: $(children | xargs)"
}
children() { hactor jobs -n -o '{id} {name}' | sed -n 's/^ *\([^ ]*\) *child-[0-9]*$/\1/p'; }
END
export HELPERS="$scratch/helpers.sh"

# Two children of two nodes each.
instance -S resource.fake=nodes=4,cores=2 -S sched.policy=hierarchy -S sched.tree=2 <<'END'
. "$HELPERS"
served
hactor submit --cc=1-60 -o 'out.{{id}}' sh -c 'echo {cc}' >ids
hactor job status $(cat ids)
check_equal "outputs" "$(seq 60)" "$(cat out.* | sort -n)"
check_equal "granted by children" 61 "$(stat distributor grants)"
check_equal "granted by the instance's own scheduler" 2 "$(stat scheduler grants)"
check_equal "children" "child-0 child-1" "$(hactor jobs -n -o '{name}' | sort | xargs)"
hactor jobs -a -n -c 0 -o '{name} {ranks}' | sed -n 's/^ *sh *//p' | sort -u | xargs >where
check_equal "nodes that had jobs" "0 1 2 3" "$(cat where)"
check_equal "in use" 0 "$(hactor resource list | awk "\$1 == \"allocated\" { print \$2 }")"

# What would change nothing for the children is refused.
fails_with 1 hactor resource set-status rank1 down
check_contains "$output" 'HACTOR_URI=$HACTOR_URI/CHILD'
fails_with 1 hactor resource set-property rank1 foo
check_contains "$output" "graphs of their own"

# A job is a job.
check_equal "output" "0 1" "$(hactor run -N 2 -n 2 sh -c 'echo $HACTOR_TASK_RANK' | sort | xargs)"
fails_with 3 hactor run sh -c 'exit 3'
first=$(hactor submit sh -c 'exit 0')
after=$(hactor submit --dependency=afterok:"$first" true)
hactor job status "$after"
id=$(hactor submit -n 4 sleep 1000)
hactor job wait-event -q "$id" start
check_contains "$(hactor explain "$id")" "runs on"
other=$(hactor submit -n 4 sleep 1000)
hactor job wait-event -q "$other" start
late=$(hactor submit -n 4 sh -c 'exit 0')
held=$(hactor submit --urgency=hold -n 4 true)
check_contains "$(hactor explain "$late")" "in child f"
check_contains "$(hactor explain "$held")" "is held"
hactor cancel "$late"
fails_with 1 hactor job status "$late"
check_contains "$(hactor job eventlog "$late" | grep exception)" cancel
hactor job kill "$id"
fails_with 143 hactor job status "$id"
hactor job urgency "$held" default
hactor job status "$held"
hactor cancel "$other"
fails_with 143 hactor job status "$other"

cat >kinds.json <<'J'
{"version": 9999, "attributes": {"system": {"duration": 0, "cwd": "/tmp",
   "constraints": {"hostlist": ["fake3"]}}},
 "resources": [{"type": "slot", "label": "a", "count": 1, "with": [{"type": "core", "count": 1}]},
   {"type": "slot", "label": "b", "count": 1, "with": [{"type": "core", "count": 1}]}],
 "tasks": [{"command": ["echo", "one"], "slot": "a", "count": {"per_slot": 1}},
           {"command": ["echo", "two"], "slot": "b", "count": {"per_slot": 1}}]}
J
check_equal "slots of two kinds" "one two" \
  "$(hactor job attach "$(hactor job submit kinds.json)" | sort | xargs)"

# What no child can run is refused.
fails_with 1 hactor submit -N 3 true
check_contains "$output" "needs 3 whole nodes"
check_contains "$output" "the largest child of this instance has 2 nodes with 4 cores (sched.tree=2)"
fails_with 1 hactor submit -n 5 true
check_contains "$output" "5 slots"
fails_with 1 hactor submit --requires=ranks:0 true
check_contains "$output" "name hosts"
hactor submit --quiet --requires=hosts:fake3 true
hactor resource drain 3 repair
fails_with 1 hactor submit -n 1 --requires=hosts:no-such true
check_contains "$output" "no child of this instance can run it"
waits=$(hactor submit --requires=hosts:fake3 true)
hactor submit --cc=1-8 true >ids
hactor job status $(cat ids)
check_contains "$(hactor explain "$waits")" "in child f"
hactor resource undrain 3
hactor job status "$waits"
fails_with 1 hactor scheduler unload
check_contains "$output" "sched.policy=hierarchy"
END

# A child with a job that takes long starves nobody: what it has queued goes to the other one.
instance -S resource.fake=nodes=2,cores=2 -S sched.policy=hierarchy <<'END'
. "$HELPERS"
long=$(hactor submit -n 2 sleep 1000)
hactor job wait-event -q "$long" start
hactor submit --cc=1-40 true >ids
deadline 40 hactor job status $(cat ids)
[ "$(stat distributor taken_back)" -gt 0 ] || fail "no job was taken back from the slow child"
hactor cancel "$long"
END

# A child that is shut down, one whose program is killed: what waited there runs elsewhere, what ran
# is lost or tried again, and there are new children.
instance -S resource.fake=nodes=2,cores=2 -S sched.policy=hierarchy -S exec.kill_timeout=2s <<'END'
. "$HELPERS"
for how in shutdown kill; do
  mkfifo "up.$how"
  lost=$(hactor submit -n 2 sleep 1000)
  hactor job wait-event -q "$lost" start
  again=$(hactor submit -n 2 --retries=3 sh -c "[ -n \"\${HACTOR_JOB_ATTEMPT-}\" ] || { echo up >up.$how; exec sleep 1000; }")
  read -r line <"up.$how"
  hactor submit --cc=1-20 true >ids
  before=$(children)
  for child in $before; do
    case $how in
    shutdown) hactor proxy "$child" hactor shutdown ;;
    kill) hactor job kill -s KILL "$child" ;;
    esac
  done
  deadline 30 hactor job status $(cat ids) "$again"
  fails_with 143 deadline 20 hactor job status "$lost"
  check_contains "$(hactor job eventlog "$lost" | grep exception)" "node-failure"
  check_contains "$(hactor job eventlog "$lost" | grep exception)" "child"
  for child in $before; do
    deadline 20 hactor job wait-event -q "$child" clean
  done
  are_there 2
  for child in $before; do
    check_lacks "$(children | xargs)" "$child"
  done
done
END

# Three levels. Who waits is known by the path.
instance -S resource.fake=nodes=4,cores=2 -S sched.policy=hierarchy -S sched.tree=2x2 -S sched.leaf_policy=easy <<'END'
. "$HELPERS"
hactor submit --cc=1-40 true >ids
deadline 40 hactor job status $(cat ids)
# When each leaf has one, all of them serve.
for i in 1 2 3 4; do
  hactor job wait-event -q "$(hactor submit -n 2 sleep 1000)" start
done
child=$(children | head -1)
check_equal "policy in the middle" hierarchy "$(hactor proxy "$child" hactor getattr sched.policy)"
leaf=$(hactor proxy "$child" sh -c '. "$HELPERS"; children' | head -1)
check_equal "policy at the end" easy "$(hactor proxy "$child/$leaf" hactor getattr sched.policy)"
id=$(hactor submit -n 2 sleep 1000)
hactor explain "$id" | grep -q 'in child f[^/]*/f[^/]*: ' || fail "explained: $(hactor explain "$id")"
check_equal "a person's job in a child" 0 "$(hactor proxy "$child/$leaf" sh -c 'hactor queue list -n | wc -l >&2; hactor jobs -n | wc -l')"
fails_with 0 hactor cancel --all # not the children
check_contains "$output" "5 jobs"
check_equal "children" 2 "$(children | wc -l)"
hactor proxy "$child/$leaf" hactor shutdown
deadline 20 hactor proxy "$child" hactor job wait-event -q "$leaf" clean
told() { hactor exec -r all hactor dmesg | grep -qF "distributor[$child]: child $leaf has ended"; }
eventually 20 told # its job may end before
END

# A child's scheduler can be another one while jobs run and wait there.
instance -S resource.fake=nodes=2,cores=2 -S sched.policy=hierarchy <<'END'
. "$HELPERS"
served
for i in 1 2; do
  long="$(hactor submit -n 2 sleep 1000) ${long-}"
  hactor job wait-event -q "${long%% *}" start
done
hactor submit --cc=1-20 true >ids
for child in $(children); do
  hactor proxy "$child" hactor scheduler reload -S sched.policy=easy >/dev/null
  check_equal "policy" easy "$(hactor proxy "$child" hactor queue list -n -o '{policy}' | tr -d ' ')"
done
check_equal "wait on" 20 "$(hactor jobs -n -c 0 -f pending | wc -l)"
hactor cancel "${long%% *}"
deadline 20 hactor job status $(cat ids)
hactor cancel "$(echo ${long#* })"
check_equal "in the child, too" 1 "$(deadline 20 hactor proxy "$(children | tail -1)" hactor run echo 1)"
END

# A node that is attached gets a child of its own, and jobs.
. "${HACTOR_TEST_LIB%/*}/graph_lib.sh"
{
  echo "cluster 0"
  printf ' node %s rank=%s\n  core 0\n  core 1\n  core 2\n' 9 2
} | write_jgf more.json
sed -i 's|"type": "cluster", "id": 0|&, "paths": {"containment": "/cluster0"}|' more.json
instance -S resource.fake=nodes=2,cores=2 -S sched.policy=hierarchy <<'END'
. "$HELPERS"
cd "$HACTOR_TEST_SCRATCH"
served
fails_with 1 hactor submit -N 1 -n 3 true
check_equal "attached" /cluster0/node9 "$(hactor resource attach more.json)"
deadline 30 hactor run -N 1 -n 3 true
check_equal "children" "child-0 child-1 child-2" "$(hactor jobs -n -o '{name}' | sort | xargs)"
END

# Where no child can be made, jobs are told so.
if [ "$launcher" = alone ]; then
  mkdir lone
  cp "$(command -v hactor-start)" lone
  cat >script.lone <<'END'
. "$HACTOR_TEST_LIB"
fails_with 1 deadline 25 hactor submit true
check_contains "$output" "no child of this instance can be made"
check_contains "$output" "hactor job attach f"
END
  deadline 40 lone/hactor-start -S resource.fake=nodes=1,cores=2 -S sched.policy=hierarchy -- \
    sh script.lone </dev/null
fi

# An instance that only serves says where when it is asked to, and ends when it is told to.
mkfifo says
hactor start --verbose --serve -S resource.fake=nodes=2,cores=2 2>says </dev/null &
server=$!
exec 3<says # stays open: it may say more
while read -r line <&3; do
  case $line in
  *HACTOR_URI=*) HACTOR_URI=${line#*HACTOR_URI=} && break ;;
  esac
done
export HACTOR_URI
check_equal "served" 1 "$(hactor run echo 1)"
hactor shutdown
unset HACTOR_URI
found=0
wait "$server" || found=$?
check_equal "exit code" 0 "$found"
fails_with 2 hactor start --serve true
check_contains "$output" "goes without a command"

# In a job, too; and after a restart.
instance -S resource.fake=nodes=4,cores=2 <<'END'
check_equal "in a child" 7 "$(hactor run -N 4 hactor start -S sched.policy=hierarchy -S sched.tree=4 hactor run echo 7)"
fails_with 2 hactor run -N 2 hactor start -S sched.policy=hierarchy -S sched.tree=2x true
check_contains "$output" "sched.tree=2x: must be like"
fails_with 2 hactor run -N 2 hactor start -S sched.policy=hierarchy -S sched.leaf_policy=no-such true
check_contains "$output" "sched.leaf_policy"
fails_with 1 hactor scheduler reload -S sched.policy=hierarchy
check_contains "$output" "is chosen when an instance starts"
id=$(hactor submit hactor start --serve)
hactor job wait-event -q "$id" memo
check_equal "served" 1 "$(hactor proxy "$id" hactor run echo 1)"
hactor proxy "$id" hactor shutdown
hactor job status "$id"
END
instance --statedir="$scratch/state" -S resource.fake=nodes=2,cores=2 -S sched.policy=hierarchy <<'END'
. "$HELPERS"
for i in 1 2; do
  hactor job wait-event -q "$(hactor submit -n 2 sleep 1000)" start
done
hactor submit --cc=1-10 true >"$HACTOR_TEST_SCRATCH/waiting"
children >"$HACTOR_TEST_SCRATCH/before"
END
instance --statedir="$scratch/state" -S resource.fake=nodes=2,cores=2 -S sched.policy=hierarchy <<'END'
. "$HELPERS"
deadline 40 hactor job status $(cat "$HACTOR_TEST_SCRATCH/waiting")
for child in $(cat "$HACTOR_TEST_SCRATCH/before"); do
  deadline 20 hactor job wait-event -q "$child" clean
done
are_there 2
for child in $(cat "$HACTOR_TEST_SCRATCH/before"); do
  check_lacks "$(children | xargs)" "$child"
done
END
