# Which task has failed, where and how is told and recorded; what says it by itself, or was asked
# for, is not.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance -S resource.fake=nodes=2,cores=2 <<'END'
host=$(uname -n)
killed='killed by signal 11 (Segmentation fault)'
fails_with 139 hactor run -N2 -n4 sh -c 'ulimit -c 0; [ $HACTOR_TASK_RANK != 2 ] || kill -SEGV $$'
check_contains "$output" "hactor-run: f"
check_contains "$output" ": task 2 (host $host): $killed"
id=$(hactor job last)
check_contains "$(hactor job eventlog "$id")" "task 2 (host $host): $killed"
check_contains "$(hactor job attach "$id" 2>&1 || true)" "hactor-job-attach: $id: task 2 "
fails_with 139 hactor submit --watch -n2 sh -c 'ulimit -c 0; [ $HACTOR_TASK_RANK != 1 ] || kill -SEGV $$'
check_contains "$output" ": task 1 (host $host): $killed"

# The first alone, and its exit code.
fails_with 3 hactor run -n 3 sh -c 'exit 3'
check_contains "$output" "(host $host): exited with 3"
check_equal "lines" 1 "$(printf '%s\n' "$output" | grep -c 'host')"

# The exit code is the worst task's, and so is that told; the one before it may be the cause.
fails_with 137 deadline 30 hactor run -n 2 sh -c 'test $HACTOR_TASK_RANK = 0 && {
  echo $$ >first.tmp; mv first.tmp first; exit 3; }
  until test -s first; do sleep 0.01; done
  while kill -0 "$(cat first)" 2>/dev/null; do sleep 0.01; done; kill -KILL $$'
check_contains "$output" \
  ": task 1 (host $host): killed by signal 9 (Killed), after task 0 (host $host): exited with 3"
# Also among nodes, in whatever order they end.
fails_with 4 hactor run -N2 -n2 sh -c 'exit $((HACTOR_TASK_RANK + 3))'
check_contains "$output" ": task 1 (host $host): exited with 4"
fails_with 4 hactor run -N2 -n2 sh -c 'exit $((4 - HACTOR_TASK_RANK))'
check_contains "$output" ": task 0 (host $host): exited with 4"

# One task: its exit code says all, a signal is told.
fails_with 1 hactor run false
check_equal "no words" "" "$output"
fails_with 139 hactor run sh -c 'ulimit -c 0; kill -SEGV $$'
check_contains "$output" ": task 0 (host $host): $killed"

# What was asked for is no news, nor what a fatal exception tells.
id=$(hactor submit -n 2 sleep 1000)
hactor job wait-event "$id" start >/dev/null
hactor job kill -s USR1 "$id"
hactor job status "$id" || true
check_lacks "$(hactor job eventlog "$id")" "exception"
fails_with 1 hactor run -n 2 -O exit-timeout=100ms sh -c '[ $HACTOR_TASK_RANK = 1 ] || exec sleep 1000'
check_contains "$output" "exit-timeout was over after the first had ended: task 1 (host $host): exited with 0"
check_lacks "$output" "killed by"
END
