# Several programs in one job, each with an MPI_COMM_WORLD of its own (-O worlds=each) or all with one, as MPICH
# (PMI-1) and Open MPI (PMIx) have them: ranks and sizes, worlds that share a node or are on several, one of one
# task, programs of different MPIs at once, and a world whose rank dies or aborts, with which the job ends.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

find_guests

nodes=$((ranks > 1 ? ranks : 2))
export nodes
start_seconds=170
instance -S "resource.fake=nodes=$nodes,cores=5" <<'END'
# A job of programs, each "TASKS COMMAND.."; {cc} in them would be filled.
job() { # FILE [OPTION] PROGRAM...: the options of its shell, then its programs
  file=$1 options=$2 slots= tasks=
  shift 2
  number=0
  for program; do
    number=$((number + 1))
    slots="$slots
  - {type: slot, label: p$number, count: ${program%% *}, with: [{type: core, count: 1}]}"
    tasks="$tasks
  - {command: [sh, -c, '${program#* }'], slot: p$number, count: {per_slot: 1}}"
  done
  cat >"$file" <<SPEC
version: 9999
resources:$slots
tasks:$tasks
attributes: {system: {duration: 60, cwd: "$PWD", environment: {PATH: "$PATH", OMPI_ALLOW_RUN_AS_ROOT: "1",
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1"}, shell: {options: {$options}}}}
SPEC
}
run() { # FILE: its output; fails as it does
  id=$(hactor job submit "$1") && deadline 40 hactor job attach "$id"
}
sums() { # OUTPUT SIZE SUM: so many ranks have it
  echo "$1" | grep -c "^rank [0-9]* of $2: sum $3\$" || true
}

# What tasks are told: ranks of their world, and of the job.
show='echo $HACTOR_TASK_RANK $HACTOR_JOB_SIZE: $PMI_RANK of $PMI_SIZE'
job each.yaml 'worlds: each' "3 $show" "2 $show" "1 $show"
check_equal "each" "0 6: 0 of 3,1 6: 1 of 3,2 6: 2 of 3,3 6: 0 of 2,4 6: 1 of 2,5 6: 0 of 1" \
  "$(run each.yaml | sort | paste -sd,)"
job one.yaml 'worlds: one' "3 $show" "2 $show" "1 $show"
check_contains "$(run one.yaml)" "5 6: 5 of 6"
check_equal "one program" "1 2: 1 of 2" "$(hactor run -n 2 -O worlds=each sh -c "$show" | grep ^1)"
# Who is told of a job hears of its tasks.
job label.yaml 'worlds: each, output: {stdout: {type: file, path: "out.{{taskid}}"}}' "2 $show" "1 $show"
id=$(hactor job submit label.yaml)
deadline 20 hactor job status "$id"
check_equal "a file of a task" "2 3: 0 of 1" "$(cat out.2)"

wide=$((2 * nodes)) # more than a node has: its tasks are on several
for mpi in $guests; do
  guest=$HACTOR_TEST_BUILD/bin/guest_$mpi
  job wide.yaml 'worlds: each' "$wide $guest" "3 $guest" "1 $guest"
  output=$(run wide.yaml)
  check_equal "$mpi: the wide world's ranks" "$wide" "$(sums "$output" $wide $((wide * (wide + 1) / 2)))"
  check_equal "$mpi: the world beside it" 3 "$(sums "$output" 3 6)"
  check_equal "$mpi: the world of one" 1 "$(sums "$output" 1 1)"
  # One after the other in a node, and all over in an order of its own.
  job cyclic.yaml 'worlds: each, taskmap: {scheme: cyclic}' "$nodes $guest" "$nodes $guest"
  output=$(run cyclic.yaml)
  check_equal "$mpi: two worlds on all nodes" $((2 * nodes)) "$(sums "$output" $nodes $((nodes * (nodes + 1) / 2)))"
  job whole.yaml '' "2 $guest" "3 $guest"
  check_equal "$mpi: one for all" 5 "$(sums "$(run whole.yaml)" 5 15)"
  # A world that ends does not end the others: these run on for longer than it.
  job longer.yaml 'worlds: each' "2 $guest" "2 $guest greet 2"
  check_contains "$(run longer.yaml)" ": 2 ranks, from "
  # Of two worlds the second's rank 1, the job's task 3, dies.
  for end in 'abort 7 rank 1 of world 1 (task 3) called MPI_Abort with code 7' \
      'signal 137 rank 1 of world 1 (task 3) was ended by signal 9' \
      'exit 3 rank 1 of world 1 (task 3) ended with exit code 3 and without MPI_Finalize'; do
    how=${end%% *} rest=${end#* }
    code=${rest%% *} said=${rest#* }
    job broken.yaml 'worlds: each' "2 exec $guest stay" "2 exec $guest $how"
    fails_with "$code" run broken.yaml
    check_contains "$output" ": $said"
  done
done
case $guests in
  *mpich*openmpi)
    bin=$HACTOR_TEST_BUILD/bin
    job mixed.yaml 'worlds: each' "3 $bin/guest_mpich" "$wide $bin/guest_openmpi" "2 $bin/guest_mpich"
    output=$(run mixed.yaml)
    check_equal "of each MPI one" "3 $wide 2" \
      "$(sums "$output" 3 6) $(sums "$output" $wide $((wide * (wide + 1) / 2))) $(sums "$output" 2 3)"
    ;;
esac

# A rank that does not come is missed by its world alone, and does not hold up the other.
job missing.yaml 'worlds: each, pmi: simple' "2 hactor pmi barrier" \
  '2 test $PMI_RANK = 0 && exec hactor pmi barrier; exec sleep 1000'
id=$(hactor job submit missing.yaml)
over() { hactor job attach --tail=100 "$id" 2>&1 | grep -q "completed pmi barrier on 2 tasks"; }
eventually 20 over
check_equal "the job goes on" RUN "$(hactor jobs -n -o '{state}' "$id")"
hactor cancel "$id"
fails_with 143 deadline 20 hactor job status "$id"

job wrong.yaml 'worlds: two' "1 true" "1 true"
fails_with 1 hactor job submit wrong.yaml
check_contains "$output" "worlds: must be one (MPI_COMM_WORLD for all programs of the job) or each"
fails_with 1 hactor run -O worlds=all true
check_contains "$output" "worlds: must be one"
END
