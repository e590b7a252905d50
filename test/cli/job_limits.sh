# What a job may use: --rlimit sets limits of its tasks, --mem ends it when it uses more, and tasks
# that others have left for longer than exit-timeout end with it, on one node or on several.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

nodes=$((ranks > 1 ? ranks : 2))
export nodes
instance -S "resource.fake=nodes=$nodes,cores=4" <<'END'
# Limits: set, taken from here, taken back, and cut to what is hard.
check_equal "core" 0 "$(hactor run --rlimit=core=0 sh -c 'ulimit -S -c')"
check_equal "stack, as here" 1024 "$(ulimit -S -s 1024 && hactor run sh -c 'ulimit -S -s')"
check_equal "not as here" 8192 "$(ulimit -S -s 1024 && hactor run --rlimit=-stack sh -c 'ulimit -S -s')"
check_equal "nofile" 77 "$(hactor run --rlimit=NOFILE=77 sh -c 'ulimit -S -n')"
hard=$(hactor run sh -c 'ulimit -H -n')
check_equal "hard" "$hard" "$(hactor run --rlimit=nofile=77 sh -c 'ulimit -H -n')"
check_equal "cut" "$hard" "$(hactor run --rlimit=nofile=unlimited sh -c 'ulimit -S -n')"
check_contains "$(hactor submit --dry-run --rlimit=core=7 true)" '"rlimit":{"core":7}'
fails_with 2 hactor run --rlimit=cores=0 true
check_contains "$output" "means none of the limits as, core"
fails_with 2 hactor run --rlimit=core=much true
check_contains "$output" "a number or unlimited"

# Memory: of all that a task has begun.
eater='python3 -c "x = bytearray(300 << 20); print(len(x), flush=True); import time; time.sleep(60)"'
fails_with 137 deadline 30 hactor run -O memory-limit=100M sh -c "$eater; true"
check_contains "$output" "of memory, and may use 100 MB"
check_contains "$(hactor run -O memory-limit=2G sh -c "${eater%time.sleep(60)\"}\"")" 314572800

check_contains "$(hactor submit --dry-run --mem=500 true)" '"memory-limit":"500M"'
# Where no memory is counted it is a limit all the same.
fails_with 137 deadline 30 hactor run --mem=100M sh -c "$eater; true"
check_equal "within" yes "$(hactor run --mem=1G echo yes)"
# By cores: of one too little, of all that the job has on the node enough.
fails_with 137 deadline 30 hactor run --mem-per-cpu=100M sh -c "$eater; true"
check_contains "$output" "of memory, and may use 100 MB"
check_contains "$(hactor run -n 2 -c 2 --mem-per-cpu=500M sh -c "${eater%time.sleep(60)\"}\"")" 314572800
# What forked processes have in common counts once.
check_equal "forked" "4 children" "$(deadline 30 hactor run --mem=200M python3 -c '
import os, time
x = bytearray(100 << 20)
pids = []
for _ in range(4):
    pid = os.fork()
    if pid == 0:
        time.sleep(2)
        os._exit(0)
    pids.append(pid)
print(sum(os.waitpid(pid, 0)[1] == 0 for pid in pids), "children")')"

# Tasks that are left: by a task of their node, and by another node.
fails_with 1 deadline 30 hactor run -n 2 -O exit-timeout=1s sh -c \
  '[ "$HACTOR_TASK_RANK" = 0 ] || sleep 60'
check_contains "$output" "exit-timeout"
# The status is that of the task that ended by itself, and who did not is named.
fails_with 9 deadline 30 hactor run -N 1 -n 4 -O exit-timeout=0.3s sh -c \
  '[ $HACTOR_TASK_RANK = 2 ] && exit 9; exec sleep 1000'
check_contains "$output" ": tasks 0-1,3 still ran when exit-timeout was over after the first had ended: "
check_contains "$output" ": exited with 9"
check_contains "$(hactor job eventlog "$(hactor job last)")" " finish status=2304"
fails_with 1 deadline 30 hactor run -N "$nodes" -n "$nodes" -O exit-timeout=1s sh -c \
  '[ "$HACTOR_TASK_RANK" = 0 ] && sleep 60'
check_contains "$output" "exit-timeout"
# The time counts from the first task of all, also from one that ended well and is not alone.
fails_with 1 deadline 30 hactor run -N "$nodes" -n "$nodes" -O exit-timeout=1s sh -c \
  '[ "$HACTOR_TASK_RANK" != 0 ] || sleep 60'
check_contains "$output" "exit-timeout"
fails_with 1 deadline 30 hactor run -N "$nodes" --tasks-per-node=2 -O exit-timeout=1s sh -c \
  '[ "$HACTOR_TASK_RANK" = 1 ] || sleep 60'
check_contains "$output" "exit-timeout"
# The job's code is that of the task that ended; who did not is named.
fails_with 9 deadline 30 hactor run -N "$nodes" -n "$nodes" -O exit-timeout=1s sh -c \
  '[ "$HACTOR_TASK_RANK" = 1 ] && exit 9; exec sleep 60'
check_contains "$output" ": exited with 9"
left="tasks still ran on broker"
[ "$nodes" = "$ranks" ] || left=": task 0 still ran"
check_contains "$output" "$left"
deadline 30 hactor run -N "$nodes" -n "$nodes" -O exit-timeout=none sh -c \
  '[ "$HACTOR_TASK_RANK" != 0 ] || sleep 2'
check_contains "$(hactor batch --dry-run --wrap true)" '"exit-timeout":"none"'
END

# More memory than any node has.
instance <<'END'
largest=$(($(awk '/^MemTotal/ { print $2 }' /proc/meminfo) / 1024))
fails_with 1 hactor submit --mem=$((largest + 2)) true
check_contains "$output" "asked for $((largest + 2)) MB of memory on each node; the largest node"
check_contains "$output" "here has $largest MB"
hactor submit --mem="$largest" --hold true
END
