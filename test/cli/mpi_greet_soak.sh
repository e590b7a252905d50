# 144 ranks of an MPI program on four nodes: a barrier, a sleep, a barrier, and rank 0 tells of it;
# and 90 that are dealt to nodes in an order of which MPICH cannot be told. Run by hand: so many
# ranks that wait for each other keep two cores busy for a minute.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

start_seconds=${HACTOR_TEST_SECONDS:-300}
instance -S resource.fake=nodes=90,cores=36 <<'END'
ran=
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
for mpi in mpich openmpi; do
  guest=$HACTOR_TEST_BUILD/bin/guest_$mpi
  [ -x "$guest" ] || continue
  code=0
  deadline 120 hactor run -N 4 -n 144 "$guest" greet 3 >said 2>&1 || code=$?
  check_equal "exit code of $mpi (which said: $(tail -3 said))" 0 "$code"
  check_equal "ranks of $mpi" 144 "$(grep -c '^rank [0-9]* of 144: sum 10440$' said)"
  slept=$(($(sed -n 's/^host .*: 144 ranks, from \([0-9]*\) to \([0-9]*\)$/\2 - \1/p' said)))
  [ "$slept" -ge 3 ] || fail "the ranks slept for $slept s"
  ran=1
done
backwards=manual:$(seq 89 -1 0 | paste -sd';')
said=$(deadline 60 hactor run -N 90 -n 90 --taskmap="$backwards" "$HACTOR_TEST_BUILD/bin/guest_mpich")
check_equal "ranks backwards" 90 "$(echo "$said" | grep -c '^rank [0-9]* of 90: sum 4095$')"
[ -n "$ran" ] || skip "no MPI is here to build a guest"
END
