# Queues are stopped and disabled by name, and stay so over a restart, as drained nodes do.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

set -- --statedir "$scratch/state" -S resource.fake=nodes=4,cores=1 \
  -S "sched.queues=batch ranks=0-2; debug policy=easy ranks=3"

instance "$@" <<'END'
check_contains "$(hactor queue list)" "debug"
hactor queue stop -q batch for maintenance >/dev/null
hactor queue disable -q debug closed >/dev/null
check_equal "status" "batch: Job submission is enabled
batch: Scheduling is stopped: for maintenance
debug: Job submission is disabled: closed
debug: Scheduling is started" "$(hactor queue status)"
fails_with 1 hactor submit -q debug true
check_contains "$output" "queue debug takes no jobs: closed"
fails_with 1 hactor submit -q nowhere true
check_contains "$output" "there are batch, debug"
fails_with 1 hactor queue stop
hactor submit true >"$HACTOR_TEST_SCRATCH/waits"
check_contains "$(hactor explain "$(cat "$HACTOR_TEST_SCRATCH/waits")")" \
  "stopped: queue batch is stopped: for maintenance"
hactor resource drain 1-2 broken fan
fails_with 1 hactor resource drain fake2
check_contains "$output" "drained already"
fails_with 1 hactor resource drain 1-2,0
check_contains "$output" "ids must ascend"
fails_with 1 hactor resource drain fake77
check_contains "$output" "there is no host fake77; nodes are named by rank, 0-"
check_contains "$(hactor resource drain)" "broken fan"
check_contains "$(hactor resource status)" "drained"
END

instance "$@" <<'END'
waits=$(cat "$HACTOR_TEST_SCRATCH/waits")
check_contains "$(hactor explain "$waits")" "stopped: "
check_contains "$(hactor queue status -q debug)" "disabled: closed"
check_contains "$(hactor resource drain)" "fake[1-2]"
hactor queue start -q batch >/dev/null
hactor job wait "$waits"
check_equal "its node" fake0 "$(hactor jobs -a -n -o '{nodelist}' "$waits")"
fails_with 1 hactor resource undrain 0-1
hactor resource undrain fake[1-2]
check_lacks "$(hactor resource status)" drained
check_equal "info" "4 Nodes, 4 Cores, 0 GPUs" "$(hactor resource info)"
END
