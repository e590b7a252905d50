# hactor job attach: --wait-event leaves the job once it has happened; --show-events and --show-exec
# print the events of both logs; --show-status says what a job waits for without a terminal.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance -S resource.fake=nodes=1,cores=2 <<'END'
mkfifo go
id=$(hactor submit sh -c 'echo first; read line <go; exit 3')
check_equal "left at its start" 0 "$(deadline 20 hactor job attach -w start "$id" >/dev/null; echo $?)"
check_equal "it goes on" RUN "$(hactor jobs -n -o '{state}' "$id")"
# What is left for an event that comes later sees the output until then.
hactor job attach --wait-event=memo "$id" >said &
attached=$!
eventually 20 grep -q first said
hactor job memo "$id" note=now
deadline 20 sh -c "while kill -0 $attached 2>/dev/null; do sleep 0.1; done"
wait $attached
hactor job attach -E -X "$id" >said 2>events &
attached=$!
eventually 20 grep -q exec.shell.start events
echo >go
code=0
wait $attached || code=$?
check_equal "the job's code" 3 "$code"
check_equal "output" first "$(cat said)"
check_equal "its events, from the first" "0.000s: job.submit" "$(sed -n '1s/ {.*//p' events)"
names=$(sed 's/^[0-9.]*s: //; s/ {.*//' events | xargs)
check_contains "$names" "job.alloc"
check_contains "$names" "exec.shell.start"
check_contains "$names" "exec.done"
check_contains "$names" "job.memo"
check_equal "up to the last" 1 "$(grep -c 'job.clean' events)"
check_contains "$(grep job.finish events)" '"status":768'
# Of one that has ended: the same, and each alone.
fails_with 3 hactor job attach --show-events "$id"
check_contains "$output" "job.clean"
check_lacks "$output" "exec."
fails_with 3 hactor job attach --show-exec "$id"
check_contains "$output" "0.000s: exec.init"
check_lacks "$output" "job.s"
# Events of the end: the output is whole and the exit code the job's.
fails_with 3 hactor job attach -w finish "$id"
check_contains "$output" first
# What never happened.
fails_with 3 hactor job attach -w urgency "$id"
check_contains "$output" "ended without"
good=$(hactor submit true)
fails_with 1 deadline 20 hactor job attach -w memo "$good"
check_contains "$output" "ended without"
fails_with 2 hactor job attach -w strat "$good"
check_contains "$output" "did you mean start?"

# What it waits for, in a file.
held=$(hactor submit --hold true)
hactor job attach "$held" 2>quiet &
quiet=$!
hactor job attach --show-status "$held" 2>status &
attached=$!
eventually 20 grep -q "job $held waits: " status
hactor job urgency "$held" default
wait $attached $quiet
check_equal "said once" 1 "$(grep -c "waits: .*held" status)"
check_equal "not said without it" "" "$(cat quiet)"
END
