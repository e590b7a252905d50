# A waiting job is cancelled without ever starting; a running one is gone, its cores are free.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
cores=$(hactor resource list -n -o '{ncores}' | head -1 | tr -d ' ')
nap=86411.$$ # other tests have others
run=$(hactor submit -n "$cores" sleep "$nap")
hactor job wait-event -q "$run" start
wait=$(hactor submit -n "$cores" sleep "$nap")
hactor cancel "$wait"
fails_with 1 hactor job status "$wait"
check_lacks "$(hactor job eventlog "$wait")" start
check_contains "$(hactor jobs -n -o '{result} {state}' "$wait")" "CANCELED INACTIVE"
hactor cancel "$run" -- no longer wanted
fails_with 143 hactor job status "$run"
check_contains "$(hactor job eventlog "$run")" "no longer wanted"
check_equal "sleeps" 0 "$(hactor exec -r all sh -c 'pgrep -cfx "sleep $0" || true' "$nap" | sort -u | tail -1)"
check_equal "free cores" "$cores" "$(hactor resource list -n -o '{ncores}' | head -1 | tr -d ' ')"
fails_with 1 hactor cancel "$run"
check_contains "$output" "$run"

# Named twice in one request, it still has its grace; what is stopped goes on to take the signal.
id=$(hactor submit -o ended sh -c 'trap "echo gracefully; exit 0" TERM; echo runs; while :; do sleep 0.1; done')
eventually 20 grep -q runs ended
hactor cancel "$id" "$id"
fails_with 0 deadline 20 hactor job status -e 0 "$id"
check_contains "$(cat ended)" gracefully
id=$(hactor submit sh -c 'echo $$ >stopped; kill -STOP $$; sleep 1000')
eventually 20 sh -c 'grep -q "^State:.T" "/proc/$(cat stopped)/status"'
hactor cancel "$id"
fails_with 143 deadline 20 hactor job status "$id"

fails_with 1 hactor job raise -t "$(printf 'cancel\nfoo')" "$id"
check_contains "$output" "type: must be a word"
fails_with 1 hactor job raise -t "" "$id"
fails_with 1 hactor job raise -t node-failure -s 0 "$id"
check_contains "$output" "for it to raise"
fails_with 1 hactor submit --quiet -n 100000 true
check_contains "$output" "-n says how many slots there are"
fails_with 2 hactor submit --array=5-1 true
check_contains "$output" "--cc (--array): "
END
