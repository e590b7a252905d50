# A broker that is killed while the others still wait for it ends the start, for all.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

run_folder_stays=1 # a launcher kills what has not started yet
mkfifo go
cat >rank <<'END'
rank=${PMI_RANK:-$OMPI_COMM_WORLD_RANK}
echo $$ >new.$rank && mv new.$rank pid.$rank
[ "$rank" != 0 ] || read line <go # so none gets out of MPI_Init
exec hactor-start true
END
$(launch_words) sh rank </dev/null >out 2>&1 &
instance=$!
deadline 20 sh -c 'until [ -e pid.1 ]; do sleep 0.05; done'
broker_of() { pgrep -P "$(pgrep -P "$1" hactor-start)" hactor-start 2>/dev/null; }
for _ in $(seq 200); do
  broker=$(broker_of "$(cat pid.1)") && break
  sleep 0.05
done
kill -9 "$broker"
if ! deadline 20 tail --pid="$instance" -f /dev/null; then
  ours=$(ps -o comm= -p "$(left_processes | paste -sd,)" | grep -c hactor-start || true)
  [ "$launcher" = openmpi ] && [ "$ours" = 0 ] || fail "the start hangs: $(cat out)"
  check_contains "$(cat out)" "rank 1 was lost during the start"
  kill -9 "$instance"
  skip "Open MPI's mpirun goes on after all that it had started has ended"
fi
! wait "$instance" || fail "a failed start is no success"
check_contains "$(cat out)" "rank 1 was lost during the start"
