# MPICH over two hosts: mpiexec reaches the other one by a command in place of ssh; jobs run on both, and a
# broker that is killed over there is found by its silence.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"
. "${HACTOR_TEST_LIB%/*}/hosts_lib.sh"

[ -e "$HACTOR_TEST_BUILD/lib/hactor/hactor_mpi_mpich.so" ] && command -v mpiexec.mpich >/dev/null ||
  skip "hactor was built without MPICH, or there is no mpiexec.mpich"
make_hosts
cat >script <<'END'
. "$HACTOR_TEST_LIB"
check_equal hosts "nodea nodea nodeb nodeb" "$(echo $(hactor run -N 4 hostname | sort))"
hactor submit --cc=1-100 true >ids
hactor job status -e 0 $(cat ids)
id=$(hactor submit -N 4 sleep 1000)
hactor job wait-event -q "$id" start
victim=$(hactor exec -r all --label-io hostname | sed -n 's/^\([0-9]*\): nodeb$/\1/p' | head -n 1)
kill -9 "$(hactor exec -r "$victim" sh -c 'pgrep -o -P $PPID hactor-start')"
fails_with 1 deadline 25 hactor job status "$id"
check_contains "$(hactor job eventlog "$id" | grep exception)" "rank $victim"
check_contains "$(hactor resource list -n -o '{state} {nnodes}')" "down 1"
check_equal "after the loss" "nodea nodea nodeb" "$(echo $(hactor run -N 3 hostname | sort))"
exit 3
END
fails_with 3 on_host nodea timeout -k 5 80 mpiexec.mpich -disable-auto-cleanup -launcher ssh \
  -launcher-exec $scratch/on_host -iface ${space}v -hosts nodea:2,nodeb:2 -n 4 \
  hactor-start --oversubscribe -S transport.heartbeat=500ms -S transport.heartbeat_timeout=5s sh $scratch/script
check_contains "$output" "was lost"
