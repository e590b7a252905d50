# What a job waits for, as `hactor stuck` tells it: in each state, on each of its brokers, and of
# processes that something holds.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance -S exec.kill_timeout=8s <<'END'
size=$(hactor getattr size)
waits() { hactor stuck "$@"; }
says() { waits "$1" | grep -q "$2"; }

done=$(hactor submit --setattr=exec.test.run_duration=0.01 true)
hactor job wait "$done"

# Tasks of all nodes: one line for what all wait for alike.
job=$(hactor submit -N "$size" -n "$size" -t 10m sleep 1000)
hactor job wait-event "$job" start >/dev/null
last=$((size - 1)) all=0
tasks="task 0"
[ "$size" = 1 ] || { all=0-$last tasks="tasks 0-$last"; }
eventually 20 says "$job" "^shell  *$all  *-  *-  *$tasks to end$"
found=$(waits "$job")
check_contains "$found" "$job: RUN"
echo "$found" | grep -Eq '^job manager +0 +[0-9.]+m?s +(10|9\.[0-9]+)m +its tasks to end; then it is ended \(TIMEOUT\)$' ||
  fail "no time limit in: $found"

# One that must wait, as the scheduler sees it; one that depends; one that has ended.
full=$(hactor submit -N "$size" -x true)
after=$(hactor submit --dependency=afterok:"$full" true)
check_contains "$(waits "$full")" "room, from the scheduler"
waits "$full" | grep -Eq '^scheduler +0 .* needs ' || fail "no reason of the scheduler: $(waits "$full")"
check_contains "$(waits "$after")" "job $full to end well"
begin=$(hactor submit --begin-time=+1h true)
check_contains "$(waits "$begin")" "$begin: DEPEND"
waits --json "$full" | grep -q '"owner":"scheduler"' || fail "JSON: $(waits --json "$full")"
check_equal "one that has ended" "$done: INACTIVE, it completed" "$(waits "$done")"
check_contains "$(waits "$done" "$after")" "$after: DEPEND"

# A process that somebody has stopped, below a script, is named.
hactor cancel "$job" "$full" "$after" "$begin"
stopped=$(hactor submit sh -c 'sleep 1000 & echo $! >"$HACTOR_TEST_SCRATCH/child"; kill -STOP $!; wait')
eventually 20 says "$stopped" 'task 0 to go on: process [0-9]* ([a-z]*) is stopped by a signal'
check_contains "$(waits "$stopped")" "process $(cat "$HACTOR_TEST_SCRATCH/child") ("
hactor cancel "$stopped"

# One that does not listen to SIGTERM: what comes next, and when.
deaf=$(hactor submit sh -c 'trap "" TERM; touch "$HACTOR_TEST_SCRATCH/deaf"; while :; do sleep 0.2; done')
eventually 20 test -e "$HACTOR_TEST_SCRATCH/deaf"
hactor cancel "$deaf"
eventually 20 says "$deaf" 'task 0 to end after SIGTERM; then SIGKILL$'
check_contains "$(waits "$deaf")" "it is to end: cancel"
eventually 30 says "$deaf" 'INACTIVE, it was canceled'

fails_with 1 hactor stuck 12345
check_contains "$output" "no job $(hactor job id 12345)"
fails_with 2 hactor stuck
fails_with 2 hactor stuck --timeout=soon "$job"
check_contains "$output" "soon"
fails_with 1 hactor stuck --timeout=1h "$job"
check_contains "$output" "at most 30 s"
END

# A broker that does not answer is named, by whoever waits for it.
[ "$ranks" -ge 3 ] || exit 0
instance -S transport.heartbeat_timeout=300s <<'END'
job=$(hactor submit -N 3 -n 3 sleep 1000)
hactor job wait-event "$job" start >/dev/null
broker=$(hactor exec -r 2 sh -c 'pgrep -o -P $PPID hactor-start')
kill -STOP "$broker"
found=$(hactor stuck --timeout=2s "$job") || { kill -CONT "$broker"; fail "stuck failed"; }
kill -CONT "$broker"
echo "$found" | grep -Eq '^exec +0 +[.0-9]+s +- +an answer of rank 2$' || fail "not named: $found"
hactor cancel "$job"
END
