# Many jobs in one request: ranges of ids, cancel by user and state, killall, raiseall, cancelall; what
# is only told without -f or with --dry-run.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance -S resource.fake=nodes=1,cores=8 <<'END'
hactor submit --cc=1-6 sleep 100 >ids
for id in $(cat ids); do hactor job wait-event -q "$id" start; done
first=$(sed -n 2p ids) last=$(sed -n 4p ids)
fails_with 0 hactor cancel -n "$first..$last"
check_contains "$output" "3 jobs would be cancelled"
hactor cancel "$first..$last" -- a range
check_equal "of the range" "CA,CA,CA" "$(for i in 2 3 4; do hactor job status "$(sed -n ${i}p ids)" ||
  hactor jobs -n -o '{result_abbrev}' "$(sed -n ${i}p ids)"; done | paste -sd,)"
check_equal "the others" 3 "$(hactor jobs -n | wc -l)"
fails_with 1 hactor cancel "$first..$last"
check_contains "$output" "no active job lies between"
fails_with 2 hactor cancel "$first..x"

fails_with 1 hactor job killall
check_contains "$output" "3 jobs are meant; -f confirms it"
fails_with 0 hactor job killall -u 4242 # none is meant
fails_with 0 hactor job killall -f -u 4242 -s KILL
check_contains "$output" "0 jobs"
check_equal "all run" 3 "$(hactor jobs -n -f running | wc -l)"
hactor job killall -f -s KILL
check_equal "killed" 137 "$(hactor job status "$(head -n1 ids)" || echo $?)"
hactor job status $(cat ids) || true

held=$(hactor submit --hold true)
runs=$(hactor submit sleep 100)
hactor job wait-event -q "$runs" start
fails_with 1 hactor job raiseall --states=pending mine
check_contains "$output" "1 jobs are meant"
hactor job raiseall -f -S pending mine of all that wait
check_contains "$(hactor job eventlog "$held")" 'of all that wait'
check_lacks "$(hactor job eventlog "$runs")" 'of all that wait'
# As for flux-job: one job is ended unless another severity is said, all are not.
check_contains "$(hactor job eventlog "$held" | grep 'of all that wait')" 'severity=7'
check_equal "waits still" SCHED "$(hactor jobs -n -o '{state}' "$held")"
hactor job raiseall -f -S pending -s 0 mine to end
hactor job wait-event -q "$held" clean # the scheduler lets go of it first
check_equal "ended" INACTIVE "$(hactor jobs -n -o '{state}' "$held")"
fails_with 0 hactor cancel --all -u nobody
check_contains "$output" "0 jobs"
fails_with 0 hactor cancel --all -u "$(id -un)" --dry-run
check_contains "$output" "1 jobs would"
fails_with 2 hactor cancel -u root "$runs"
hactor cancel --all -q -u "$(id -u)" -- done
check_contains "$(hactor job eventlog "$runs")" done
fails_with 1 hactor job wait "$runs"
check_contains "$output" "Canceled"

# The same in the words of flux-job.
held=$(hactor submit --hold true)
runs=$(hactor submit sleep 100)
hactor job wait-event -q "$runs" start
fails_with 1 hactor job cancelall
check_contains "$output" "2 jobs are meant; -f confirms it"
fails_with 0 hactor job cancelall -f -u 4242
check_contains "$output" "0 jobs"
fails_with 2 hactor job cancelall -S nowhere
fails_with 1 hactor job cancelall -u nobody-of-this-name
check_equal "nothing was done" "RUN SCHED" "$(echo $(hactor jobs -n -o '{state}' "$runs" "$held"))"
fails_with 0 hactor job cancelall -f -q --states=pending not needed
check_equal "said nothing" "" "$output"
check_contains "$(hactor job eventlog "$held")" '"not needed"'
hactor job wait-event -q "$held" clean
check_equal "the other" RUN "$(hactor jobs -n -o '{state}' "$runs")"
fails_with 0 hactor job cancelall --force --user="$(id -un)"
check_contains "$output" "1 jobs"
fails_with 143 hactor job status "$runs"
END
