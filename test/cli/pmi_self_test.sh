# hactor pmi: tasks meet by either kind of process manager, exchange values, and say how long that took; who has
# nobody to meet is told so.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

fails_with 1 hactor pmi barrier
check_contains "$output" "no task of a job"
fails_with 1 hactor pmi exchange --method=simple
check_contains "$output" "PMI_FD is not set"
PMI_FD=77 fails_with 1 hactor pmi barrier
check_contains "$output" "PMI_FD=77"
fails_with 1 hactor pmi barrier --method=best
check_contains "$output" "simple, pmix or single"
fails_with 2 hactor pmi
fails_with 2 hactor pmi nothing
fails_with 2 hactor pmi barrier --count=0
fails_with 2 hactor pmi get
check_contains "$(hactor pmi barrier --method=single)" "single: completed pmi barrier on 1 tasks in 0."

# With another launcher than hactor, to tell whose fault it is.
if [ "$launcher" != alone ]; then
  output=$(deadline 40 $(launch_words) hactor pmi exchange 2>&1)
  check_contains "$output" "completed pmi exchange on $ranks tasks in "
fi

methods=simple
[ ! -x "$HACTOR_TEST_BUILD/lib/hactor/hactor-pmix" ] || methods="$methods pmix"
nodes=$((ranks > 1 ? ranks : 2))
export methods nodes
start_seconds=100
instance -S resource.fake=nodes=$nodes,cores=4 <<'END'
for method in $methods; do
  for verb in barrier exchange; do
    output=$(deadline 40 hactor run -N $nodes -n 8 -O pmi=$method hactor pmi $verb --method=$method --count=3)
    check_equal "lines of $verb by $method: $output" 3 \
      "$(echo "$output" | grep -c ": completed pmi $verb on 8 tasks in [0-9.]*s\.$")"
  done
  said=$(deadline 40 hactor run -N $nodes -n 4 -O pmi=$method hactor pmi barrier -v 2>&1)
  check_equal "ranks by $method" "0 1 2 3" "$(echo $(echo "$said" | sed -n 's/.*: rank \([0-9]\) of 4, .*/\1/p' | sort))"
done
check_contains "$(hactor run -N $nodes -n 4 hactor pmi get PMI_process_mapping)" "(vector,(0,"
check_contains "$(hactor run -N $nodes -n 4 -O pmi=simple hactor pmi get flux.taskmap)" '{"version":1,"map":[[0,'
check_equal "a level below ours" 1 "$(hactor run -n 4 -O pmi=simple hactor pmi get flux.instance-level)"
check_equal "of all ranks" 4 "$(hactor run -n 4 hactor pmi get --ranks=all PMI_process_mapping | grep -c vector)"
check_equal "of two ranks" 2 "$(hactor run -n 4 hactor pmi get --ranks=1-2 PMI_process_mapping | grep -c vector)"
fails_with 1 hactor run -n 4 hactor pmi get NO_SUCH_KEY
check_contains "$output" NO_SUCH_KEY
case $methods in
  *pmix) check_equal "size by PMIx" 4 "$(hactor run -n 4 -O pmi=pmix hactor pmi get pmix.job.size)" ;;
esac
check_contains "$(hactor run -n 2 hactor pmi barrier -vv 2>&1)" "> cmd=barrier_in"
check_contains "$(hactor run -n 1 hactor pmi exchange)" "single: completed pmi exchange on 1 tasks"
fails_with 1 hactor run -n 2 -O pmi=off hactor pmi barrier
check_contains "$output" "-O pmi=off"
# One that does not come is not waited for without end by a job with a limit.
fails_with 142 hactor run -n 2 -t 2s sh -c 'test $PMI_RANK = 0 && exec hactor pmi barrier; exec sleep 1000'
END
