# A rank killed with -9 among 1,000 jobs: its jobs name it, all others end well, no job is left.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance 2>log <<'END' || fail "$(cat log)"
hactor submit --cc=1-1000 sh -c 'sleep 0.01' >ids
victim=$((ranks - 1))
hactor run --urgency=31 -N "$ranks" true # the output of all ranks was asked for
spread=$(hactor submit -N "$ranks" --urgency=31 sleep 1000)
hactor job wait-event -q "$spread" start
hactor submit --cc=1-100 sh -c 'sleep 0.01' >>ids
hactor exec -r "0,$victim" sh -c '[ "$HACTOR_RANK" = 0 ] || { : >runs; exec sleep 1000; }' 2>exec.said &
command=$!
deadline 20 sh -c 'until [ -e runs ]; do sleep 0.1; done'
# $PPID of what exec runs is the supervisor; its first child is the broker.
broker=$(hactor exec -r "$victim" sh -c 'pgrep -o -P $PPID hactor-start')
kill -9 "$broker"
fails_with 1 deadline 20 hactor job status "$spread"
check_contains "$(hactor job eventlog "$spread" | grep exception)" "rank $victim"
deadline 10 tail --pid="$command" -f /dev/null || fail "a command on the lost rank has not ended"
code=0
wait "$command" || code=$?
check_equal "exit code of a command on the lost rank" 1 "$code"
check_contains "$(cat exec.said)" "rank $victim was lost"
fails_with 1 deadline 10 hactor job attach "$spread" # far below the deadline of a request
deadline 40 hactor job status -e 0 $(cat ids) >/dev/null 2>&1 || true
check_equal "jobs left" "" "$(hactor jobs -n -c 0)"
failed=$(hactor jobs -a -n -c 0 -f node_failed -o '{id}')
check_contains "$failed" "$spread"
check_equal "failed by themselves" "" "$(hactor jobs -a -n -c 0 -f failed -o '{id}')"
check_equal "the result of a lost job" "NF NODE_FAILED NF" \
  "$(hactor jobs -n -o '{status_abbrev} {result} {result_abbrev}' "$spread")"
check_contains "$(hactor jobs --json "$spread")" '"result":"NODE_FAILED"'
check_equal "by a constraint" "$(echo "$failed" | wc -l)" \
  "$(hactor jobs -n -c 0 --constraint='{"results": ["NF"]}' | wc -l)"
lost=$(echo "$failed" | wc -l)
check_contains "$(hactor jobs --stats-only || true)" " 0 failed, $lost lost with a node"
check_contains "$(hactor uptime)" "0 timed out, $lost lost with a node)"
check_contains "$(hactor job stats)" "\"node_failed\":$lost"
check_contains "$(hactor jobs -n -o '{inactive_reason}' "$spread")" "Node failed: "
for id in $failed; do
  check_contains "$(hactor job eventlog "$id" | grep exception)" "rank $victim"
done
check_contains "$(hactor resource list -n -o '{state} {nnodes}')" "down 1"
check_equal "after the loss" hello "$(hactor run echo hello)"
fails_with 1 deadline 20 hactor run -N "$ranks" true
check_contains "$output" "nodes"
check_contains "$output" "(rank $victim) was lost"
fails_with 1 deadline 10 hactor ping -r "$victim" -c 1 broker
check_contains "$output" "lost"
check_lacks "$(hactor dmesg)" "waits:" # the launcher's notice asks for nothing
END
# The lead says it for all: not as many lines as there are brokers.
check_equal "told of the loss in $(cat log)" 1 "$(grep -c "broker: rank $((ranks - 1)) on .* was lost" log)"
