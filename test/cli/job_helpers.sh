# What runs beside the tasks of a job and in it: coprocesses, commands by exec --jobid, sysmon; and
# how far signals, input, output and a terminal's output go.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

cat >wait_for <<'END'
until eval "$1"; do sleep 0.1; done
END
instance --oversubscribe -S exec.kill_timeout=2s <<'END'
until_true() { deadline 20 sh ./wait_for "$1"; }

# Commands in a job have what it has, and end with it.
id=$(hactor submit -N "$ranks" -n "$ranks" sh -c 'while :; do sleep 1; done')
hactor job wait-event -q "$id" start
check_equal "all nodes" "$(seq 0 $((ranks - 1)) | xargs)" \
  "$(hactor exec -j "$id" sh -c 'echo $HACTOR_RANK' | sort -n | xargs)"
check_equal "its job" "$id job-$id $ranks there" "$(hactor exec -j "$id" -r 0 sh -c \
  'echo $HACTOR_JOB_ID $HACTOR_KVS_NAMESPACE $HACTOR_JOB_SIZE; test -d "$HACTOR_JOB_TMPDIR" && echo there' | xargs)"
fails_with 3 hactor exec -j "$id" -r 0 sh -c 'exit 3'
fails_with 127 hactor exec -j "$id" -r 0 no-such-program
fails_with 1 hactor exec -j "$id" -r "$ranks" true
check_contains "$output" "the job has $ranks nodes, counted from 0"
timeout 1 hactor exec -j "$id" -r 0 sleep 86422 || true
until_true '! pgrep -fx "sleep 86422"' # whose client has gone
mkfifo up
hactor exec -j "$id" -r 0 sh -c 'echo up >up; exec sleep 86423' 2>said &
command=$!
read -r x <up
hactor cancel "$id"
code=0
wait "$command" || code=$?
check_equal "ended with the job" 143 "$code"
deadline 20 hactor job status "$id" || true
fails_with 1 hactor exec -j "$id" true
check_contains "$output" "the job is INACTIVE"

# Tasks lead groups, or share one of their job: then a signal is for them alone.
whose() { hactor run "$@" sh -c '[ "$(ps -o pgid= -p $$)" = "$(ps -o pgid= -p $PPID)" ] && echo brokers || echo jobs'; }
check_equal "of its own" jobs "$(whose)"
check_equal "nosetpgrp" jobs "$(whose -O nosetpgrp)"
for option in nosetpgrp=0 nosetpgrp; do
  rm -f child
  id=$(hactor submit -O "$option" sh -c 'sleep 86424 & echo $! >child.new; mv child.new child; wait')
  until_true '[ -e child ]'
  hactor cancel "$id"
  deadline 20 hactor job status "$id" || true
  if [ "$option" = nosetpgrp ]; then
    kill "$(cat child)" || fail "the child of a task was ended with it"
  else
    until_true '! kill -0 "$(cat child)" 2>/dev/null'
  fi
done

# Input beyond the limit is its end, and who sends it is not held up.
check_equal "cut" 0123 "$(printf 0123456789 | hactor run -O input.limit=4 cat 2>said)"
check_contains "$(cat said)" "hactor: standard input is cut off after input.limit, 4 bytes"
check_equal "as much as is sent" 10 "$(printf 0123456789 | hactor run -O input.limit=10 wc -c 2>said)"
check_equal "no word" "" "$(cat said)"
check_equal "each task" "0 1024 1 1024" "$(head -c 9000000 /dev/zero |
  deadline 30 hactor run -n 2 -O input.limit=1k sh -c 'echo $HACTOR_TASK_RANK $(wc -c)' 2>said | sort | xargs)"
check_equal "one word" 1 "$(grep -c input.limit said)"

# Lines wait for others, but not for ever, nor beyond the end or what is much.
mkfifo go
id=$(hactor submit -O output.batch-timeout=50ms sh -c 'echo early; read x <go; echo late')
until_true "timeout 5 hactor job attach $id 2>&1 | head -1 | grep -q early"
echo >go
check_equal "all of it" "early late" "$(deadline 20 hactor job attach "$id" | xargs)"
check_equal "at the end" "1 2 3 e" \
  "$(hactor run -O output.batch-timeout=1h sh -c 'echo 1; echo 2; echo 3; echo e >&2' 2>&1 | xargs)"
id=$(hactor submit -O output.batch-timeout=1h sh -c 'seq 100000; read x <go')
until_true "timeout 5 hactor job attach $id 2>&1 | head -1 | grep -q 1"
echo >go
check_equal "much" 100000 "$(deadline 20 hactor job attach "$id" | wc -l)"

# What a terminal showed is kept as asked.
kept() { id=$(hactor submit "$@" sh -c 'echo shown'); deadline 20 hactor job wait "$id" && hactor job attach "$id" | tr -d '\r'; }
check_equal "a terminal" shown "$(kept -O pty)"
check_equal "a person's" "" "$(kept -O pty.interactive)"
check_equal "... that is kept" shown "$(kept -O pty.interactive -O pty.capture)"
check_equal "seen by who sits there" shown "$(hactor run -O pty.interactive sh -c 'echo shown' </dev/null | tr -d '\r')"

# Coprocesses.
co() { printf '{"c":{"command":%s,"output":"co.{{node.id}}","ranks":"0"}}' "$1"; }
id=$(hactor submit -N "$ranks" -n "$ranks" -O coprocess="$(co '"trap \"echo bye; exit\" TERM; echo of $HACTOR_JOB_ID; exec 2>/dev/null; while :; do sleep 0.1; done"')" \
  sh -c 'until [ -s co.0 ]; do sleep 0.1; done')
deadline 20 hactor job status "$id"
check_equal "beside the tasks, then asked to end" "of $id bye" "$(xargs <co.0)"
[ ! -e co.1 ] || fail "a coprocess on a node that was not named"
once_deaf='until [ -e deaf ]; do sleep 0.1; done; echo done'
check_equal "one that does not go" done "$(deadline 20 hactor run -O coprocess-kill-timeout=100ms \
  -O coprocess='{"deaf":{"command":"trap \"\" TERM; : >deaf; while :; do sleep 1; done"}}' sh -c "$once_deaf")"
rm deaf
# What is left behind the tasks is no task: exit-timeout has nothing to say about it.
check_equal "all tasks have ended" "done done" "$(deadline 30 hactor run -N 1 --tasks-per-node=2 \
  -O exit-timeout=2s -O coprocess-kill-timeout=4s \
  -O coprocess='{"deaf":{"command":"trap \"\" TERM; : >deaf; while :; do sleep 1; done"}}' sh -c "$once_deaf" 2>&1 | xargs)"
check_equal "its words" "from c" "$(hactor run \
  -O coprocess='{"c":{"command":["sh","-c","echo from c; : >said.c"]}}' sh -c 'until [ -e said.c ]; do sleep 0.1; done' 2>&1)"
check_contains "$(hactor run -O coprocess='{"c":{"command":["no-such-program"]}}' true 2>&1)" "coprocess c on"

# What tasks use, together.
cat >eater.py <<'EOF'
import os, time
x = bytearray(b"a") * (64 << 20)
while not os.path.exists("eaten"):
    time.sleep(0.05)
EOF
hactor run -N 1 --tasks-per-node=2 -O verbose=2 -O sysmon.period=50ms python3 eater.py 2>said &
run=$!
until_true 'sed -n "s/.*sysmon: [^ ]* memory \([0-9]*\)[.].*/\1/p" said |
  awk "\$1 >= 128 { n = 1 } END { exit !n }"'
: >eaten
deadline 20 tail --pid="$run" -f /dev/null
wait "$run"
peak=$(sed -n 's/.*sysmon: .*: peak memory \([0-9]*\)[.][0-9]M, cpu load [0-9]*[.][0-9][0-9]$/\1/p' said)
[ "$peak" -ge 128 ] || fail "a peak of '$peak' in: $(cat said)"
said=$(hactor run -O sysmon true 2>&1)
check_contains "$said" "peak memory"
check_lacks "$said" ": memory"
END
