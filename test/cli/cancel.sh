# A waiting job is cancelled without ever starting; a running one is gone, its cores are free.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
cores=$(hactor resource list -n -o '{ncores}' | head -1 | tr -d ' ')
run=$(hactor submit -n "$cores" sleep 86411)
hactor job wait-event -q "$run" start
wait=$(hactor submit -n "$cores" sleep 86411)
hactor cancel "$wait"
fails_with 1 hactor job status "$wait"
check_lacks "$(hactor job eventlog "$wait")" start
check_contains "$(hactor jobs -n -o '{result} {state}' "$wait")" "CANCELED INACTIVE"
hactor cancel "$run" -- no longer wanted
fails_with 143 hactor job status "$run"
check_contains "$(hactor job eventlog "$run")" "no longer wanted"
check_equal "sleeps" 0 "$(hactor exec -r all sh -c 'pgrep -cfx "sleep 86411" || true' | sort -u | tail -1)"
check_equal "free cores" "$cores" "$(hactor resource list -n -o '{ncores}' | head -1 | tr -d ' ')"
fails_with 1 hactor cancel "$run"
check_contains "$output" "$run"
END
