# Jobs that are MPI programs, of MPICH (PMI-1) and of Open MPI (PMIx), whichever MPI the brokers run
# under: collectives over 16 ranks on all nodes, and a rank that dies, whose job ends and is told of
# by rank and host.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

find_guests

nodes=$((ranks > 1 ? ranks : 2))
export nodes
start_seconds=110
instance -S "resource.fake=nodes=$nodes,cores=8" <<'END'
for mpi in $guests; do
  guest=$HACTOR_TEST_BUILD/bin/guest_$mpi
  check_equal "one of $mpi alone" "rank 0 of 1: sum 1" "$(deadline 30 hactor run -n 1 "$guest")"
  check_equal "one of $mpi with variables of Flux" "rank 0 of 1: sum 1" \
    "$(deadline 30 hactor run -n 1 --compat=flux "$guest")"
  # Programs at once do not meet, nor wait for each other: the first that a broker hears of, too.
  at_once=$(hactor submit --cc=1-4 -N "$nodes" -n "$nodes" "$guest")
  deadline 60 hactor job status $at_once
  output=$(deadline 60 hactor run -N "$nodes" -n 16 "$guest")
  check_equal "ranks of $mpi that have the sum" 16 \
    "$(echo "$output" | grep -c '^rank [0-9]* of 16: sum 136$')"
  for end in 'abort 7 rank 1 called MPI_Abort with code 7' \
      'signal 137 rank 1 was ended by signal 9' \
      'exit 3 rank 1 ended with exit code 3 and without MPI_Finalize'; do
    how=${end%% *} rest=${end#* }
    code=${rest%% *} said=${rest#* }
    fails_with "$code" deadline 30 hactor run -N "$nodes" -n "$nodes" "$guest" "$how"
    check_contains "$output" "$said"
  done
  # A barrier, a sleep, a barrier; and a wrapper before the program, which keeps its rank.
  deadline 60 hactor run -N "$nodes" -n 16 "$guest" greet 2 | grep '^host' >greeting
  check_contains "$(cat greeting)" "host $(hostname): 16 ranks, from "
  slept=$(($(sed 's/.* from \([0-9]*\) to \([0-9]*\)$/\2 - \1/' greeting)))
  [ "$slept" -ge 2 ] || fail "the ranks did not sleep: $(cat greeting)"
  printf '#!/bin/sh\n[ "$HACTOR_TASK_RANK" = "$PMI_RANK" ] || exit 1\nexec "$@"\n' >wrapper
  output=$(deadline 60 hactor run -N "$nodes" -n "$nodes" sh ./wrapper "$guest")
  check_equal "ranks within a wrapper" "$nodes" "$(echo "$output" | grep -c "of $nodes: sum")"
done
# One program after the other in the same task. MPICH's ends the task's way to PMI-1 with itself;
# of Open MPI's each is a new client of the same name, which may come while the last one goes.
case $guests in
  *openmpi)
    row="$guests openmpi openmpi openmpi openmpi"
    script=
    for mpi in $row; do
      script="$script${script:+ && }$HACTOR_TEST_BUILD/bin/guest_$mpi"
    done
    output=$(deadline 60 hactor run -N "$nodes" -n "$nodes" sh -c "$script")
    check_equal "lines of programs in a row" $((nodes * $(echo $row | wc -w))) \
      "$(echo "$output" | grep -c "of $nodes: sum")"
    ;;
esac
END
