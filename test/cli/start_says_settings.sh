# Settings that mean less than they say are told of at the start, and Fluxion's option strings are
# read from the environment.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

said() { # TEXT OPTION...
  text=$1
  shift
  check_contains "$(start "$@" -- true 2>&1)" "hactor-start: $text"
}

said "sched.reservation_depth=8 is not used: policy easy promises one job a time" \
  -S sched.policy=easy -S sched.queue_depth=41 -S sched.reservation_depth=8
said "queue a: there are no ranks 9; there are 0-3" \
  -S resource.fake=nodes=4 -S 'sched.queues=a ranks=0,9'
said "sched.tree=2 is not used: sched.policy=fcfs" -S sched.tree=2
said "sched.tree=9: there is room for 2 children only" \
  -S resource.fake=nodes=1,cores=2 -S sched.policy=hierarchy -S sched.tree=9
said "queue a: reservations=3 is not used: policy fcfs promises no job a time" \
  -S 'sched.queues=a policy=fcfs reservations=3'
instance -S resource.fake=nodes=2 2>"$scratch/log" <<'END'
hactor scheduler reload -S 'sched.queues=a ranks=0,7'
END
check_contains "$(cat "$scratch/log")" "queue a: there are no ranks 7; there are 0-1"
cat >"$scratch/r.json" <<'END'
{"version":1,"execution":{"R_lite":[{"rank":"1-2","children":{"core":"0"}}],
 "starttime":0,"expiration":0,"nodelist":["n[1-2]"]}}
END
graph="-S resource.graph=$scratch/r.json -S sched.graph_format=rv1exec"
said "resource.fake=nodes=4 is not used: resource.graph=$scratch/r.json is" \
  $graph -S resource.fake=nodes=4
said "resource.graph=$scratch/r.json: no broker has ranks 1-2" $graph
fails_with 2 start -S 'sched.queues=;' -- true
check_contains "$output" 'sched.queues: ";" names no queue'
check_equal "nothing to say" "" "$(start -S sched.policy=hybrid -S sched.reservation_depth=8 true 2>&1)"

FLUXION_QMANAGER_OPTIONS="queue-policy=hybrid queue-params=queue-depth=41 policy-params=reservation-depth=3"
FLUXION_RESOURCE_OPTIONS="match-policy=hinode"
export FLUXION_QMANAGER_OPTIONS FLUXION_RESOURCE_OPTIONS
instance -S resource.fake=nodes=3,cores=1 <<'END'
for setting in policy=hybrid queue_depth=41 reservation_depth=3 match=hinode; do
  check_equal "${setting%=*}" "${setting#*=}" "$(hactor getattr "sched.${setting%=*}")"
done
id=$(hactor submit --setattr=exec.test.run_duration=60 true)
hactor job wait-event "$id" start >/dev/null
check_equal "the highest node" fake2 "$(hactor jobs -n -o '{nodelist}' "$id")"
END
unset FLUXION_QMANAGER_OPTIONS FLUXION_RESOURCE_OPTIONS
check_equal "by their old names" "easy 41 low" "$(FLUX_RESOURCE_OPTIONS=match-policy=low \
  FLUX_QMANAGER_OPTIONS=queue-policy=easy,queue-params=queue-depth=41 start sh -c \
  'echo $(hactor getattr sched.policy; hactor getattr sched.queue_depth; hactor getattr sched.match)')"
fails_with 2 env FLUX_QMANAGER_OPTIONS=queue-policy=bogus hactor start true
check_contains "$output" bogus
fails_with 2 env FLUX_QMANAGER_OPTIONS=queue-policy=easy,queue-parms=queue-depth=4 hactor start true
check_contains "$output" queue-parms
export FLUXION_QMANAGER_OPTIONS="queue-polisy=easy"
fails_with 2 start -- true
check_contains "$output" 'FLUXION_QMANAGER_OPTIONS: there is no option "queue-polisy"; did you mean'
