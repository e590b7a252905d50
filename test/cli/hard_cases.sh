# What jobs meet in practice: a program that is missing on one node only, closed and endless output,
# a folder that vanishes or fills, and verbs that come at the wrong moment.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

nodes=$((ranks > 2 ? ranks : 2))
export nodes
on_end='umount -l "$scratch/small" 2>/dev/null || true'
instance -S "resource.fake=nodes=$nodes,cores=4" -S exec.kill_timeout=20s <<'END'
tasks() { hactor stats | sed -n 's/.*"tasks": \([0-9]*\).*/\1/p'; }
mkfifo gate

# A program that is on one node only: the job ends, names the program, and nothing of it stays.
printf '#!/bin/sh\nexec sleep 1000\n' >program.0
chmod +x program.0
fails_with 127 deadline 20 hactor run -N 2 -n 2 './program.{{node.id}}'
check_contains "$output" "./program.1: command not found"
: >program.1
fails_with 126 deadline 20 hactor run -N 2 -n 2 './program.{{node.id}}'
check_contains "$output" "./program.1: Permission denied"

# A task that closes its streams lives on, and so does its job.
fails_with 3 deadline 20 hactor run sh -c \
  'echo said; exec >&- 2>&- </dev/null; touch closed; sleep 0.3; echo x >after; exit 3'
check_equal "what it said" said "$(echo "$output" | head -1)"
[ -s after ] || fail "it did not live on"

# 100 MB without an end of line, to a client and to a file.
check_equal "bytes" 100000000 "$(deadline 40 hactor run head -c 100000000 /dev/zero | wc -c)"
deadline 40 hactor run -o large head -c 100000000 /dev/zero
check_equal "bytes in the file" 100000000 "$(stat -c %s large)"
rm large

# A folder for output that vanishes, is missing, or fills up.
mkdir folder
fails_with 0 deadline 20 hactor run -o folder/out sh -c 'echo a; rm -r folder; echo b'
fails_with 126 deadline 20 hactor run -o missing/out true
check_contains "$output" "missing/out: No such file or directory"
mkdir small
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=1m none small 2>/dev/null; then
  fails_with 1 deadline 20 hactor run -o small/out head -c 5000000 /dev/zero
  check_equal "as much as there was room for" 1048576 "$(stat -c %s small/out)"
  : >small/out
  fails_with 0 deadline 20 hactor run -l -o small/out head -c 5000000 /dev/zero
  check_contains "$output" "output is lost: $PWD/small/out: No space left on device"
  umount small
fi

# A time limit that is over before the job has started, here and in instances within it.
for i in 1 2 3 4 5; do
  fails_with 142 deadline 20 hactor run -N 2 -n 2 -t 0.001s sleep 1000
done
# What the scripts hear first is the signal, or that their instance has ended.
code=0
deadline 20 hactor run -N 2 -n 2 -t 0.01s hactor start hactor run -N 2 -n 2 \
  hactor start sleep 1000 2>limit || code=$?
[ "$code" = 142 ] || [ "$code" = 1 ] || fail "exit code $code: $(cat limit)"
check_contains "$(cat limit)" "time limit"

# A signal between alloc and start reaches the tasks.
for i in 1 2 3 4 5; do
  id=$(hactor submit -N 2 -n 2 sleep 1000)
  hactor job wait-event -q "$id" alloc
  hactor job kill -s TERM "$id"
  fails_with 143 deadline 20 hactor job status "$id"
done

# Verbs that come while a job is cleaned up do no harm.
id=$(hactor submit sh -c 'trap "" TERM; echo up >gate; while :; do sleep 0.1; done')
read -r line <gate
# Who is cancelled before its start is told has no end of tasks in its record.
hactor job wait-event -q "$id" start
hactor cancel "$id"
fails_with 1 hactor job urgency "$id" 20
check_contains "$output" "$id: the job is "
hactor cancel "$id"
hactor job kill -s USR1 "$id" 2>/dev/null || true
fails_with 137 deadline 20 hactor job status "$id"
check_equal "ends" 1 "$(hactor job eventlog "$id" | grep -c ' clean')"
fails_with 1 hactor cancel "$id"
check_contains "$output" "no active job has this id"

# What waits for a purged job is refused; so no cycle can be made: only earlier jobs are known.
id=$(hactor submit true)
deadline 20 hactor job wait "$id"
hactor purge --quiet "$id"
for kind in afterok afterany afterstart; do
  fails_with 1 hactor submit -d "$kind:$id" true
  check_contains "$output" "there is no job $id, or it was purged"
done
check_equal "tasks, of which one is this script" 1 "$(tasks)"
END
