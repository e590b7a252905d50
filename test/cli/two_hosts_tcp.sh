# Over TCP on two hosts: jobs run on both, a broker that is killed is lost at once, one whose host has no
# network any more by its silence, on both sides.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"
. "${HACTOR_TEST_LIB%/*}/hosts_lib.sh"

make_hosts
words="-S transport=tcp -S transport.key=$scratch/key -S transport.start_timeout=20s
  -S transport.heartbeat=500ms -S transport.heartbeat_timeout=12s"
words=$(echo $words)

# By the list of hosts: each finds its place by its name.
on_host nodeb timeout -k 5 50 hactor-start $words -S transport.hosts='node[a-b]' true 2>b.said &&
  fail "a list that is no hostlist was taken"
check_contains "$(cat b.said)" "node[a-b]"
echo '
  . "$HACTOR_TEST_LIB"
  check_equal hosts "nodea nodeb" "$(echo $(hactor run -N 2 hostname | sort))"
  check_equal ranks "0 1" "$(echo $(hactor exec -r all hactor getattr rank 2>/dev/null | sort))"
  exit 4' >script
on_host nodeb timeout -k 5 50 hactor-start $words -S transport.hosts=nodea,nodeb -- sh $scratch/script >b.said 2>&1 &
other=$!
found=0
output=$(on_host nodea timeout -k 5 50 hactor-start $words -S transport.hosts=nodea,nodeb -- sh $scratch/script 2>&1) || found=$?
check_equal "exit code of nodea, which said: $output" 4 "$found"
wait $other || fail "nodeb ended with $?: $(cat b.said)"

# Rank 0 on one host, two on the other.
cat >script <<'END'
. "$HACTOR_TEST_LIB"
check_equal hosts "nodea nodeb nodeb" "$(echo $(hactor run -N 3 hostname | sort))"
id=$(hactor submit -N 3 sleep 1000)
hactor job wait-event -q "$id" start
kill -9 "$(hactor exec -r 2 sh -c 'pgrep -o -P $PPID hactor-start')"
fails_with 1 deadline 8 hactor job status "$id" # sooner than by silence
check_contains "$(hactor job eventlog "$id" | grep exception)" "rank 2"
id=$(hactor submit -N 2 sleep 1000)
hactor job wait-event -q "$id" start
echo >"$HACTOR_TEST_SCRATCH/pull"
fails_with 1 deadline 30 hactor job status "$id"
check_contains "$(hactor job eventlog "$id" | grep exception)" "rank 1"
check_contains "$(hactor resource list -n -o '{state} {nnodes}')" "down 2"
check_equal "after the losses" nodea "$(hactor run hostname)"
exit 3
END
meeting="-S transport.rendezvous=nodea:8787 -S transport.size=3 --oversubscribe"
mkfifo pull
others=
for r in 1 2; do
  on_host nodeb timeout -k 5 50 hactor-start $words $meeting -S transport.rank=$r -- sh $scratch/script >said.$r 2>&1 &
  others="$others $!"
done
on_host nodea timeout -k 5 50 hactor-start $words $meeting -S transport.rank=0 -- sh $scratch/script >said.0 2>&1 &
lead=$!
read -r _ <pull
pull_cable
found=0
wait $lead || found=$?
check_equal "exit code of rank 0, which said: $(cat said.0)" 3 "$found"
codes=
for pid in $others; do
  code=0
  wait "$pid" || code=$?
  codes="$codes $code"
done
check_equal "exit codes of the others" " 1 137" "$codes"
check_contains "$(cat said.1)" "the lead broker was lost"
