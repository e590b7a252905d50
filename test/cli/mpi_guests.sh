# Jobs that are MPI programs of MPICH: collectives over 8 ranks on all nodes, and a rank that dies,
# whose job ends and is told of by rank and host.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

[ -x "$HACTOR_TEST_BUILD/bin/guest_mpich" ] || skip "MPICH is not here to build a guest"

nodes=$((ranks > 1 ? ranks : 2))
export nodes
instance -S "resource.fake=nodes=$nodes,cores=4" <<'END'
guest=$HACTOR_TEST_BUILD/bin/guest_mpich
output=$(deadline 30 hactor run -N "$nodes" -n 8 "$guest")
check_equal "ranks that have the sum" 8 "$(echo "$output" | grep -c '^rank [0-7] of 8: sum 36$')"
for end in 'abort 7 rank 1 called MPI_Abort with code 7' \
    'signal 137 rank 1 was ended by signal 9' \
    'exit 3 rank 1 ended with exit code 3 and without MPI_Finalize'; do
  how=${end%% *} rest=${end#* }
  code=${rest%% *} said=${rest#* }
  fails_with "$code" deadline 30 hactor run -N "$nodes" -n 8 "$guest" "$how"
  check_contains "$output" "$said"
done
# Two programs at once do not meet.
one=$(hactor submit -N "$nodes" -n "$nodes" "$guest")
two=$(hactor submit -N "$nodes" -n "$nodes" "$guest")
hactor job status "$one" "$two"
# Without it each task is a program of its own.
output=$(hactor run -n 2 -O pmi=off sh -c 'echo "${PMI_RANK-none}"')
check_equal "PMI_RANK with pmi=off" "none none" "$(echo $output)"
check_equal "PMI_RANK of one task" none "$(hactor run sh -c 'echo "${PMI_RANK-none}"')"
fails_with 1 hactor run -n 2 -O pmi=fast true
check_contains "$output" "pmi: must be"
END
