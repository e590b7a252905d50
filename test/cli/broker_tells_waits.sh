# SIGUSR1 on a hactor-start or its broker writes to the log what the broker waits for.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
id=$(hactor submit sleep 300)
hactor job wait-event -q "$id" start
hactor job attach "$id" >/dev/null 2>&1 </dev/null & client=$!
until hactor stats | grep -q '"streams": 1'; do sleep 0.05; done
broker=$PPID # the script's parent is the supervisor
until [ "$(cat /proc/$broker/comm)" = hactor-start ]; do
  broker=$(cut -d' ' -f4 /proc/$broker/stat)
done
kill -USR1 "$broker"
for _ in $(seq 400); do
  hactor dmesg >log
  grep -q 'waits: end' log && break
  sleep 0.05
done
check_contains "$(cat log)" "waits: job-manager: jobs: 0 wait for room, 1 run"
check_contains "$(cat log)" "waits: exec: job $id: runs, its tasks here have not ended"
check_contains "$(cat log)" "job.attach, for"
check_contains "$(cat log)" "of job $id"
check_contains "$(cat log)" "waits: broker: "
hactor cancel "$id"
wait "$client" || true
END
