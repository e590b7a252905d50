# hactor job attach: the end of what was written, input for some of the tasks, a status line on a
# terminal while the job waits; hostpids and the forms of taskmap.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance -S resource.fake=nodes=2,cores=4 <<'END'
id=$(hactor submit seq 1 1000)
hactor job status "$id"
check_equal "tail" "999 1000" "$(hactor job attach --tail=2 "$id" | paste -sd' ')"
check_equal "tail, labelled" "0: 1000" "$(hactor job attach -l -t 1 "$id")"
check_equal "no tail" "" "$(hactor job attach --tail=0 "$id")"
# Of what was written before, and all that comes after.
mkfifo go
runs=$(hactor submit sh -c 'seq 50000; echo >begun; read line <go; seq 3; echo $line')
deadline 20 sh -c 'until [ -e begun ]; do sleep 0.1; done'
deadline 20 hactor job attach "$runs" 2>/dev/null | grep -qx 50000 # it has been spooled
hactor job attach --tail=2 "$runs" >out &
attached=$!
deadline 20 sh -c 'until [ -s out ]; do sleep 0.1; done'
printf 'later\n' >go
wait $attached
check_equal "tail and what follows" "49999 50000 1 2 3 later" "$(paste -sd' ' out)"
# A job that has not started has written nothing: all of it is new.
held=$(hactor submit --hold sh -c 'read line <go; seq 3')
hactor job attach -vE --tail=1 "$held" >out 2>told &
attached=$!
eventually 20 grep -qs job.submit told # it has attached
hactor job urgency "$held" default
deadline 20 sh -c 'until grep -q job.start told; do sleep 0.1; done'
echo >go
wait $attached
check_equal "all of one that waited" "1 2 3" "$(paste -sd' ' out)"

# Input to one of three tasks.
asks=$(hactor submit -n 3 -l --input=all sh -c 'read x && echo "got $x"')
hactor job wait-event -q "$asks" start
(echo one | hactor job attach --stdin-ranks=1 -l "$asks" >said) &
attached=$!
deadline 20 sh -c 'until grep -q "got one" said; do sleep 0.1; done'
check_equal "who got it" "1: got one" "$(cat said)"
hactor cancel "$asks"
ended=0
wait $attached || ended=$?
check_equal "attached to a job that was cancelled" 143 "$ended"
# More for two of them than may be on its way.
many=$(hactor submit -n 2 --input=all wc -c)
hactor job wait-event -q "$many" start
head -c 3000000 /dev/zero | deadline 30 hactor job attach --stdin-ranks=0,1 "$many" >said
check_equal "all of it" "3000000 3000000" "$(paste -sd' ' said)"
# A job that never pauses is shown at once.
busy=$(hactor submit sh -c 'while :; do echo x; sleep 0.05; done')
deadline 20 hactor job attach --read-only "$busy" 2>/dev/null | grep -q x
hactor job attach --tail=2 --read-only "$busy" >shown &
attached=$!
deadline 20 sh -c 'until grep -q x shown; do sleep 0.1; done'
hactor cancel "$busy"
ended=0
wait $attached || ended=$?
check_equal "attached to the end" 143 "$ended"
fails_with 2 hactor job attach --stdin-ranks=x "$asks"
fails_with 2 hactor job attach --stdin-ranks=1 --read-only "$asks"

# Waiting, with a terminal for standard error.
held=$(hactor submit --hold true)
python3 - "$held" <<'PY'
import os, pty, select, subprocess, sys, time
ours, theirs = pty.openpty()
p = subprocess.Popen(["hactor", "job", "attach", sys.argv[1]], stdin=subprocess.DEVNULL,
                     stdout=subprocess.DEVNULL, stderr=theirs)
text, end = b"", time.time() + 20
while b"waits: " not in text and time.time() < end:
    if select.select([ours], [], [], 1)[0]:
        text += os.read(ours, 4096)
p.kill()
sys.exit(b"waits: " not in text)
PY
hactor cancel "$held"

# Where tasks are.
two=$(hactor submit -N 2 -n 4 sleep 100)
hactor job wait-event -q "$two" start
check_equal "pmi" "(vector,(0,2,2))" "$(hactor job taskmap --to=pmi "$two")"
check_equal "multiline" "0: 0,1: 0,2: 1,3: 1" "$(hactor job taskmap --to=multiline "$two" | paste -sd,)"
pids=$(hactor job hostpids -d ' ' "$two")
check_equal "pids" 4 "$(echo "$pids" | wc -w)"
for pid in $pids; do
  check_equal "what ${pid} is" sleep "$(cat "/proc/${pid#*:}/comm")"
done
check_equal "of one" "$(echo "$pids" | cut -d' ' -f3)" "$(hactor job hostpids -r 2 "$two")"
# Whatever a task has made of its environment.
clean=$(hactor submit -N 1 -n 2 env -i /bin/sleep 100)
hactor job wait-event -q "$clean" start
check_equal "pids without an environment" 2 "$(hactor job hostpids -d ' ' "$clean" | wc -w)"
for pid in $(hactor job hostpids -d ' ' "$clean"); do
  eventually 10 grep -q sleep "/proc/${pid#*:}/comm"
done
check_equal "told to commands in the job" "$(hactor job hostpids "$clean" | sed 's/[^,:]*:/0:/; s/,[^:]*:/,1:/')" \
  "$(hactor exec --jobid="$clean" sh -c 'echo $HACTOR_TASK_PIDS')"
hactor cancel "$clean"
hactor cancel "$two"
hactor job status "$two" || true
fails_with 1 hactor job hostpids "$two"
check_contains "$(hactor job eventlog -p exec -H "$two")" start
check_lacks "$(hactor job eventlog -p exec -H "$two")" depend
END
