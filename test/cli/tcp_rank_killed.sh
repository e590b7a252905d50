# Over TCP a broker that is killed never ends the others; when the lead is killed, all end.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"
. "${HACTOR_TEST_LIB%/*}/tcp_lib.sh"

tcp_instance 4 -S transport.heartbeat_timeout=60s <<'END'
hactor submit --cc=1-200 sh -c 'sleep 0.01' >ids
spread=$(hactor submit -N 4 --urgency=31 sleep 1000)
hactor job wait-event -q "$spread" start
# $PPID of what exec runs is the supervisor; its other child is the broker.
broker=$(hactor exec -r 2 sh -c 'pgrep -o -P $PPID hactor-start')
kill -9 "$broker"
fails_with 1 deadline 20 hactor job status "$spread" # far below the silence of heartbeats
check_contains "$(hactor job eventlog "$spread" | grep exception)" "rank 2"
deadline 30 hactor job status -e 0 $(cat ids) >/dev/null 2>&1 || true
check_equal "jobs left" "" "$(hactor jobs -n -c 0)"
check_contains "$(hactor resource list -n -o '{state} {nnodes}')" "down 1"
check_equal "after the loss" "hello hello hello" "$(echo $(hactor run -N 3 echo hello))"
# A broker that is told to go is a loss as well, and no end of the instance.
supervisor=$(hactor exec -r 1 sh -c 'echo $PPID')
id=$(hactor submit -N 3 sleep 1000)
hactor job wait-event -q "$id" start
kill -TERM "$supervisor"
fails_with 1 deadline 20 hactor job status "$id"
check_contains "$(hactor resource list -n -o '{state} {nnodes}')" "down 2"
check_equal "after the second loss" "hello hello" "$(echo $(hactor run -N 2 echo hello))"
exit 6
END
check_equal "exit code of rank 0, which said: $output" 6 "$found"
check_equal "exit code of the killed one" 137 "$(cat code.2)"
check_equal "exit code of the one that was told to go" 143 "$(cat code.1)"
check_equal "exit code of rank 3, which said: $(cat said.3)" 0 "$(cat code.3)"

tcp_instance 3 <<'END'
id=$(hactor submit -N 3 sleep 1000)
hactor job wait-event -q "$id" start
kill -9 "$(hactor exec -r 0 sh -c 'pgrep -o -P $PPID hactor-start')"
sleep 1000
END
check_equal "exit code of the killed lead" 137 "$found"
for r in 1 2; do
  check_equal "exit code of rank $r" 1 "$(cat code.$r)"
  check_contains "$(cat said.$r)" "the lead broker was lost"
done
