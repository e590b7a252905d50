# hactor update changes a job that waits, or how long one that runs may still run; what it was is not
# lost, and a restart finds it changed.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

start_seconds=60
instance --statedir "$scratch/state" -S "resource.fake=nodes=1,cores=4" -S sched.policy=easy <<'END'
# One that waits: what it asks for is judged again, and it keeps its place.
first=$(hactor submit -n 4 -t 50 sleep 100)
hactor job wait-event -q "$first" start
waits=$(hactor submit -n 4 -t 1h -J old sleep 101)
behind=$(hactor submit -n 4 -t 1h true)
hactor update "$waits" name=new duration=+30m user.note='{"a":1}'
check_equal "changed" "new 5400" "$(hactor jobs -n -o '{name} {duration}' "$waits")"
check_contains "$(hactor job eventlog "$waits")" 'jobspec-update'
check_contains "$(hactor job info "$waits" jobspec)" '"note":{"a":1}'
original=$(hactor job info --original "$waits" jobspec)
check_contains "$original" '"duration":3600'
check_contains "$original" '"name":"old"'
check_lacks "$original" '"note"'
held=$(hactor submit --hold --setattr=user.site='{"a":1}' true)
hactor update "$held" user.site='{"b":2}'
check_contains "$(hactor job info --original "$held" jobspec)" '"site":{"a":1}'
hactor cancel "$held"
check_contains "$(hactor update -n "$waits" duration=2h)" '"attributes.system.duration":7200'
check_equal "dry" 5400 "$(hactor jobs -n -o '{duration}' "$waits")"

# One that runs: its end moves.
fails_with 1 hactor update "$first" name=other
check_contains "$output" "only its duration can be changed"
# ... and the scheduler promises by it.
promised() {
  for i in $(seq 100); do # between two passes nothing is
    why=$(hactor explain --json "$waits")
    case $why in *'"code":"reserved"'*) break ;; esac
  done
  echo "$why" | sed 's/.*"t_estimate":\([0-9]*\).*/\1/'
}
hactor update "$first" duration=51s
before=$(promised)
hactor update "$first" duration=3051s
check_equal "promised so much later" 3000 $(($(promised) - before))
hactor update "$first" duration=51s
check_equal "and as before" "$before" "$(promised)"
hactor update "$first" duration=1s
deadline 20 hactor job wait-event -q "$first" exception
check_contains "$(hactor job eventlog "$first")" "resource-update"
code=0
hactor job status "$first" || code=$?
check_equal "result" TIMEOUT "$(hactor jobs -n -o '{result}' "$first")"
hactor job wait-event -q "$waits" start
check_equal "still before" "S" "$(hactor jobs -n -o '{status_abbrev}' "$behind")"
hactor cancel "$waits"
hactor job status "$behind"

# What cannot be.
fails_with 1 hactor update "$behind" duration=1h
fails_with 1 hactor update f11111 duration=1h
held=$(hactor submit --hold -n 1 -J held true)
fails_with 1 hactor update "$held" queue=nowhere
check_contains "$output" nowhere
fails_with 1 hactor update "$held" system.environment.X=1
fails_with 1 hactor update "$held" system.array=null
check_contains "$output" "attributes.system.array: cannot be changed once the job was submitted"
fails_with 1 hactor update "$held" resources=1
fails_with 2 hactor update "$held" duration=soon
fails_with 2 hactor update "$held"
hactor update "$held" name=kept
END
instance --statedir "$scratch/state" -S "resource.fake=nodes=1,cores=4" <<'END'
check_equal "after a restart" "kept" "$(hactor jobs -n -o '{name}')"
held=$(hactor jobs -n -o '{id}')
check_contains "$(hactor job info -o "$held" jobspec)" '"name":"held"'
hactor job urgency "$held" default
hactor job status "$held"
END
