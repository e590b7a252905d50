# A rank that has commands to pass on to others (hactor exec goes down a tree) is killed: the ranks
# below it run theirs all the same, once, and answer.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

# A tree of one child each: rank 1 passes on what is for 2 and 3.
instance -S exec.tree_fanout=1 -S "resource.fake=nodes=$ranks,cores=1" 2>log <<'END' || fail "$(cat log)"
broker=$(hactor exec -r 1 sh -c 'pgrep -o -P $PPID hactor-start')
mkfifo go
exec 4<>go
# It has passed it on, and they run.
hactor exec -r all sh -c 'echo $HACTOR_RANK >>ran; test $HACTOR_RANK != 3 || read -r line <go; echo $HACTOR_RANK over' >said 2>&1 &
client=$!
four_ran() { [ "$(cat ran 2>/dev/null | wc -l)" = 4 ]; }
eventually 20 four_ran
# It has not, and dies.
kill -STOP "$broker"
hactor exec -r all sh -c 'echo $HACTOR_RANK >>ran.2; echo $HACTOR_RANK over' >said.2 2>&1 &
second=$!
eventually 20 grep -qs 0 ran.2
kill -9 "$broker"
code=0
deadline 20 tail --pid "$second" -f /dev/null
wait "$second" || code=$?
[ "$code" != 0 ] || fail "rank 1 was lost, and it went well: $(cat said.2)"
check_equal "the second, on the others" "0 2 3" "$(sort ran.2 | xargs)"
check_contains "$(cat said.2)" "3 over"
check_contains "$(cat said.2)" "rank 1"
echo go >&4
deadline 20 tail --pid "$client" -f /dev/null
wait "$client" || true
check_equal "the first, once each" "0 1 2 3" "$(sort ran | xargs)"
check_contains "$(cat said)" "3 over"
# Later ones go round it.
check_equal "later" "0 2 3" "$(hactor exec -r 0,2-3 sh -c 'echo $HACTOR_RANK' | sort | xargs)"
END
