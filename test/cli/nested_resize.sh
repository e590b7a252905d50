# A nested instance gets more nodes and gives some back while it lives: what it may, what it is
# refused, and that the instance around really has them, or has them back.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

cat >inner.sh <<'END_INNER'
. "$HACTOR_TEST_LIB"
free_nodes() { hactor resource list -n -o '{state} {nnodes}' | sed -n 's/free *//p' | tr -d ' '; }

# More: the ranks go on from the last, and jobs run there.
check_equal "before" 1 "$(free_nodes)"
check_equal "came" "ranks 1-2" "$(hactor resource grow -N 2)"
check_equal "after" 3 "$(free_nodes)"
check_equal "size" 3 "$(hactor getattr size)"
check_equal "size, whichever rank is asked" "3" "$(hactor exec -r all hactor getattr size | sort -u)"
check_equal "on three nodes" 3 "$(hactor run -N 3 -n 3 sh -c 'hactor getattr instance-level' | grep -c 1)"
check_equal "where they ran" 0-2 "$(hactor job info "$(hactor submit --wait -N 3 -n 3 true)" R |
  sed 's/.*"rank":"\([^"]*\)".*/\1/')"
check_equal "within" "a b" "$(hactor run -N 2 -n 2 --requires=rank:1-2 hactor start sh -c '
  hactor run echo a; hactor run -N 2 -n 2 true; hactor run echo b' | xargs)"

check_equal "one of the next level grows" "ranks 1" \
  "$(hactor run -N 1 -n 1 -c 2 hactor start hactor resource grow)"
check_equal "its nodes are ours again" 3 "$(free_nodes)"

# Too much is refused, and says what there is; more than there ever will be too.
fails_with 1 hactor resource grow -N 2
check_contains "$output" "cannot grow by 2 nodes"
check_contains "$output" "1 node"
fails_with 1 hactor resource grow -N 40
check_contains "$output" "cannot grow by 40 nodes"
check_equal "nothing came" 3 "$(free_nodes)"

# Fewer: busy nodes stay unless they are to go, the first one in any case.
mkfifo up.$$
busy=$(hactor submit -N 1 -n 1 -c 2 --requires=rank:1 sh -c "echo up >up.$$; exec sleep 300")
read -r line <up.$$
fails_with 1 hactor resource shrink 1-2
check_contains "$output" "$busy"
check_contains "$output" "--force"
fails_with 1 hactor resource shrink 0
check_contains "$output" "rank 0"
fails_with 1 hactor resource shrink 7
check_contains "$output" "no ranks 7"
fails_with 1 hactor resource shrink -N 3
check_contains "$output" "1 to 2"
fails_with 2 hactor resource shrink
fails_with 2 hactor resource shrink 0 "$busy"
check_contains "$output" "the job's id comes first"
check_equal "still all there" 2 "$(free_nodes)"
written=$(hactor submit --wait -N 1 -n 1 -c 2 --requires=rank:2 echo there)
check_equal "the idle one goes" "ranks 2" "$(hactor resource shrink -N 1)"
check_equal "size" 2 "$(hactor getattr size)"
check_equal "what was written there" there "$(hactor job attach "$written")"
check_equal "by force" "ranks 1" "$(hactor resource shrink --force 1)"
fails_with 1 hactor job wait "$busy"
check_contains "$output" "its node is given back"
fails_with 1 hactor submit -N 2 true

# Who waits for those that run there, gets them when they have ended.
mkfifo go.$$
check_equal "new ranks" "ranks 3" "$(hactor resource grow)"
short=$(hactor submit -N 1 -n 1 -c 2 --requires=rank:3 sh -c 'read -r line <go.'$$)
hactor job wait-event -q "$short" start
hactor resource shrink --wait 3 >shrunk.$$ &
while [ -z "$(hactor resource drain -n)" ]; do :; done
check_equal "not yet" "" "$(cat shrunk.$$)"
echo go >go.$$
wait $!
check_equal "went when it was idle" "ranks 3" "$(cat shrunk.$$)"
hactor job wait "$short"

# The one that is left stays. What a program has claimed is in the way as a job is.
fails_with 1 hactor resource shrink -N 1
check_contains "$output" "one node only"
check_equal "one more" "ranks 4" "$(hactor resource grow)"
hactor submit --dry-run -N 2 -n 2 -c 2 true >two.$$
hactor ion-resource match allocate two.$$ >claimed.$$
fails_with 1 hactor resource shrink 4
check_contains "$output" "programs hold claims on ranks 4: claim "
fails_with 2 hactor resource shrink --wait --force 4
check_contains "$output" "only one of these"
check_equal "by force" "ranks 4" "$(deadline 20 hactor resource shrink --force 4)"
check_lacks "$(hactor resource claims -n -o '{status}')" ALLOCATED
END_INNER
export INNER=$scratch/inner.sh

instance -S resource.fake=nodes=4,cores=2 <<'END'
hactor run -N 1 -c 2 hactor start sh "$INNER"
check_equal "all is free" 4 "$(hactor resource list -n -o '{state} {nnodes}' | sed -n 's/free *//p' | tr -d ' ')"

# From outside, while another job has the rest; who waits gets its nodes in its turn.
mkfifo end
id=$(hactor submit -N 2 -n 2 -c 2 hactor start sh -c 'read -r line <end')
hactor job wait-event -q "$id" memo
other=$(hactor submit -N 2 -n 2 -c 2 sleep 300)
hactor job wait-event -q "$other" start
fails_with 1 hactor resource grow "$id"
check_contains "$output" "cannot grow by a node"
check_lacks "$output" '"not"'
# Who waits and goes away wants nothing any more.
hactor resource grow -N 2 --wait "$id" >grown &
grower=$!
one_waits() { [ "$(hactor queue list -n -o '{queued}' | tr -d ' ')" = 1 ]; }
eventually 20 one_waits
fails_with 1 hactor resource grow "$id"
check_contains "$output" "being changed already"
kill "$grower"
can_not_grow() { hactor resource grow "$id" 2>&1 | grep 'cannot grow by a node'; }
eventually 20 can_not_grow
hactor resource grow -N 2 --wait "$id" >grown &
grower=$!
hactor cancel "$other"
wait "$grower"
check_equal "came" "ranks 2-3" "$(cat grown)"
check_contains "$(hactor job eventlog "$id")" resource-update
check_contains "$(hactor job eventlog "$id")" 0-3
check_equal "R of the job" 4 "$(hactor jobs -n -o '{nnodes}' "$id" | tr -d ' ')"
hactor scheduler reload >reloaded 2>&1
check_equal "a new scheduler knows" "" "$(hactor resource list -n -o '{state} {nodelist}' |
  sed -n 's/ *free *//p' | tr -d ' ')"
waiting=$(hactor submit -N 1 -n 1 true)
check_equal "given back" "ranks 3" "$(hactor resource shrink "$id" 3)"
hactor job wait "$waiting"
# A node of its first grant: the task that only waited there ends too.
check_equal "given back" "ranks 1" "$(hactor resource shrink "$id" 1)"
check_equal "what it has" 0,2 "$(hactor jobs -n -o '{ranks}' "$id" | tr -d ' ')"
check_equal "inside" 0,2 "$(hactor proxy "$id" hactor resource list -n -o '{state} {ranks}' |
  sed -n 's/ *free *//p' | tr -d ' ')"
fails_with 1 hactor resource grow "$waiting"
plain=$(hactor submit -n 1 sleep 300)
hactor job wait-event -q "$plain" start
fails_with 1 hactor resource grow "$plain"
check_contains "$output" "no instance"
hactor cancel "$plain"
hactor job wait-event -q "$plain" clean
fails_with 1 hactor resource grow
check_contains "$output" "no other around it"
echo over >end
hactor job wait "$id"

# A node that comes before the first one: the first task's node is rank 0 nevertheless.
mkfifo end2
before=$(hactor submit -N 1 -n 1 -c 2 sleep 300)
hactor job wait-event -q "$before" start
id=$(hactor submit -N 1 -n 1 -c 2 hactor start sh -c 'read -r line <end2')
hactor job wait-event -q "$id" memo
hactor cancel "$before"
hactor job wait-event -q "$before" clean
check_equal "came" "ranks 1" "$(hactor resource grow "$id")"
check_equal "of the job" 0-1 "$(hactor jobs -n -o '{ranks}' "$id" | tr -d ' ')"
check_equal "in its order" "0 1" "$(hactor proxy "$id" hactor run -N 2 -n 2 -c 2 \
  sh -c 'echo "$HACTOR_TASK_RANK"' | sort | xargs)"
check_equal "hosts" "fake[1,0]" "$(hactor proxy "$id" hactor resource list -n -o '{state} {nodelist}' |
  sed -n 's/ *free *//p' | tr -d ' ')"
echo over >end2
hactor job wait "$id"
END
