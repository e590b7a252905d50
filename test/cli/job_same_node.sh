# --same-node-as, --not-same-node-as: where another job is, or was; a retry on other nodes than the
# last try.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance -S resource.fake=nodes=3,cores=4 <<'END'
ranks() { hactor jobs -a -n -o '{ranks}' "$1" | tr -d ' '; }
state() { hactor jobs -n -o '{status}' "$1" | tr -d ' '; }
server=$(hactor submit -N 1 -n 1 -c 2 --requires=rank:1 --hold -J server sleep 1000)
beside=$(hactor submit --same-node-as="$server" -n 1 sleep 1000)
named=$(hactor submit --same-node-as=server -n 1 true)
away=$(hactor submit --not-same-node-as="$server" -n 1 sleep 1000)
for id in $beside $away; do check_equal "waits" DEPEND "$(state "$id")"; done
check_contains "$(hactor explain "$beside")" "job $server to have nodes, to run there"
hactor job urgency "$server" default
deadline 20 hactor job wait-event -q "$beside" start
deadline 20 hactor job wait-event -q "$away" start
check_equal "beside" 1 "$(ranks "$beside")"
check_equal "away" 0 "$(ranks "$away")"
deadline 20 hactor job status "$named"
check_contains "$(hactor job info "$beside" jobspec)" '"constraints":{"ranks":["1"]}'
hactor cancel "$server" "$beside" "$away"
fails_with 143 deadline 20 hactor job status "$server"

# Where it was, once it has ended; what never had nodes has none to be near to.
later=$(hactor submit --same-node-as="$server" -n 1 true)
deadline 20 hactor job status "$later"
check_equal "where it was" 1 "$(ranks "$later")"
held=$(hactor submit --hold true)
near=$(hactor submit --same-node-as="$held" true)
far=$(hactor submit --not-same-node-as="$held" true)
hactor cancel "$held"
fails_with 1 deadline 20 hactor job wait "$near"
check_contains "$output" "same-node:$held can never hold"
deadline 20 hactor job status "$far"
fails_with 1 hactor submit --same-node-as="$held" true
check_contains "$output" "can never hold"
fails_with 1 hactor submit --same-node-as=nobody true
check_contains "$output" "there is no job nobody"
wide=$(hactor submit -N 2 --same-node-as="$server" true)
fails_with 1 deadline 20 hactor job wait "$wide"
check_contains "$output" "unsatisfiable"

# A retry elsewhere: the ranks of the attempts, by their grants.
tried() { hactor job eventlog -f json "$1" | sed -n 's/.*"name":"alloc".*rank\[*\([0-9]*\).*/\1/p' | xargs; }
id=$(hactor submit -N 1 -n 1 --retries=2 --avoid-last-node false)
fails_with 1 deadline 20 hactor job wait "$id"
check_equal "elsewhere each time" "0 1 0" "$(tried "$id")"
id=$(hactor submit -N 1 -n 1 --retries=1 false)
fails_with 1 deadline 20 hactor job wait "$id"
check_equal "without" "0 0" "$(tried "$id")"
id=$(hactor submit -N 1 -n 1 --requires=rank:2 --retries=1 --avoid-last-node false)
fails_with 1 deadline 20 hactor job wait "$id"
check_equal "no other can take it" "2 2" "$(tried "$id")"
# What is drained cannot; and who waits for others when they are drained does so no longer.
hactor resource drain 1 test
id=$(hactor submit -N 1 -n 1 --requires=rank:0-1 --retries=1 --avoid-last-node false)
fails_with 1 deadline 20 hactor job wait "$id"
check_equal "the other is drained" "0 0" "$(tried "$id")"
hactor resource undrain 1
busy=$(hactor submit -N 1 -x --requires=rank:1 sleep 1000)
deadline 20 hactor job wait-event -q "$busy" start
id=$(hactor submit -N 1 -n 1 --requires=rank:0-1 --retries=1 --avoid-last-node false)
deadline 20 hactor job wait-event -q "$id" retry
check_equal "waits for the other" SCHED "$(state "$id")"
hactor resource drain 1 test
fails_with 1 deadline 20 hactor job wait "$id"
check_equal "no longer" "0 0" "$(tried "$id")"
hactor cancel "$busy"
END

# Where it was is known after a restart, and when its jobspec changes.
instance -S resource.fake=nodes=2,cores=4 --statedir="$scratch/state" <<'END'
busy=$(hactor submit -N 1 -x --requires=rank:1 sleep 1000)
deadline 20 hactor job wait-event -q "$busy" start
id=$(hactor submit -N 1 -n 1 --retries=1 --avoid-last-node false)
deadline 20 hactor job wait-event -q "$id" retry
hactor update "$id" name=changed
check_equal "waits for the other" "SCHED changed" "$(hactor jobs -n -o '{state} {name}' "$id")"
echo "$id" >"$scratch/id"
hactor queue stop --all --quiet
hactor cancel "$busy"
END
instance -S resource.fake=nodes=2,cores=4 --statedir="$scratch/state" <<'END'
hactor queue start --all --quiet
id=$(cat "$scratch/id")
fails_with 1 deadline 20 hactor job wait "$id"
check_equal "elsewhere" "0 1" "$(hactor job eventlog -f json "$id" |
  sed -n 's/.*"name":"alloc".*rank\[*\([0-9]*\).*/\1/p' | xargs)"
END
