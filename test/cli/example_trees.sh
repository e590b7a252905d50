# The examples of trees. The ensemble: the same script with ten runs and with two thousand, at the top and within a
# job; results are there for each row of the parameters, and statistics do not depend on the tree.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

study="${HACTOR_TEST_LIB%/test/cli/*}/examples/ensemble"
start_seconds=100
statistics() { grep -A3 '^== post' "$1"; }

for runs in 10 2000; do
  start -S resource.fake=nodes=4,cores=2 -- "$study/run.sh" $runs >out.$runs 2>said.$runs </dev/null ||
    fail "with $runs: $? $(cat out.$runs said.$runs)"
  check_contains "$(cat out.$runs)" "tree: $runs jobs in 4 leaves: $runs done, in "
  check_contains "$(cat out.$runs)" "$runs runs: it flies"
done
check_equal "jobs of the leaves" "500 500 500 500" \
  "$(awk '/^tree\.[1-4] / { print $6 }' out.2000 | xargs)"

# Within a job, over other nodes.
start -S resource.fake=nodes=4,cores=2 -- \
  hactor run -N 2 -n 2 -c 2 hactor start "$study/run.sh" 10 >inside 2>said </dev/null ||
  fail "within a job: $? $(cat inside said)"
check_contains "$(cat inside)" "level 1"
check_contains "$(cat inside)" "10 jobs in 2 leaves: 10 done"
check_equal "statistics within a job" "$(statistics out.10)" "$(statistics inside)"

# A run that fails is named, and there are no statistics over what is not there.
cp -r "$study" broken
cat >broken/simulate <<'END'
#!/bin/sh
test "$1" != 7 || { echo "run $1 is lost"; exit 3; }
END
fails_with 3 start -S resource.fake=nodes=2,cores=2 -- broken/run.sh 10
check_contains "$output" "tree.2@index[2]: exit code 3"
check_contains "$output" "run 7 is lost"
check_contains "$output" "9 done, 1 failed"
check_lacks "$output" "it flies"

# What instances within instances are for, each by its number.
start -S resource.fake=nodes=4,cores=2 -- "${study%/*}/hierarchy/run.sh" >four 2>said </dev/null ||
  fail "hierarchy: $? $(cat four said)"
check_contains "$(cat four)" "fcfs 0, easy 3"
check_contains "$(cat four)" "20000 jobs in 4 leaves: 20000 done"
check_contains "$(cat four)" "as soon as they had failed: 4"
check_contains "$(cat four)" "differ at levels 1 and 2: 0"
