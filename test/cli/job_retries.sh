# A job that fails is started again under its id; its output stays; of many the rest is cancelled
# once too many have failed.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
cat >third <<'SH'
#!/bin/sh
echo "attempt ${HACTOR_JOB_ATTEMPT:-1}"
[ "${HACTOR_JOB_ATTEMPT:-1}" -ge 3 ]
SH
chmod +x third
id=$(hactor submit --retries=5 ./third)
check_equal "all attempts" "attempt 1
attempt 2
attempt 3" "$(deadline 20 hactor job attach "$id")"
check_equal "tries" "3 CD" "$(hactor jobs -a -n -o '{attempts} {result_abbrev}' "$id")"
check_equal "told of" 'retry attempt=2 reason="exit code 1"
retry attempt=3 reason="exit code 1"' "$(hactor job eventlog "$id" | cut -d' ' -f2- | grep retry)"
fails_with 1 deadline 20 hactor run --retries=1 ./third
check_contains "$output" "attempt 2"
check_lacks "$output" "attempt 3"
hactor run --retries=2 -o file ./third # a file of one's own keeps them too
check_equal "in a file" 3 "$(wc -l <file)"
fails_with 1 deadline 20 hactor run --retries=2 --retry-on=exit:2-9 ./third
check_lacks "$output" "attempt 2"
fails_with 143 deadline 20 sh -c '
  id=$(hactor submit --retries=9 sleep 1000)
  hactor job wait-event -q "$id" start
  hactor cancel "$id"
  hactor job status "$id"'
check_equal "timeouts are final" 1 "$(hactor run -t 0.1s --retries=3 sleep 1000 2>/dev/null ||
  hactor jobs -a -n -f timeout -o '{attempts}')"
id=$(hactor submit --retries=9 --retry-delay=1h false)
deadline 20 hactor job wait-event -q "$id" retry
check_equal "waits" PRIORITY "$(hactor jobs -n -o '{state}' "$id")"
# Why, and until when: the pause begins with the event.
failed=$(hactor job eventlog -f json "$id" |
  sed -n 's/.*"timestamp":\([0-9]*\).*"name":"retry".*/\1/p')
[ -n "$failed" ] || fail "no time of the retry event: $(hactor job eventlog -f json "$id")"
why="has failed; attempt 2 begins at $(date -u -d "@$((failed + 3600))" +%Y-%m-%dT%H:%M:%SZ)"
check_contains "$(hactor explain "$id")" "retry: $why"
check_contains "$(hactor explain --json "$id")" '"code":"retry"'
check_equal "told in a listing" "$why" "$(hactor jobs -n -o '{contextual_info}' "$id")"
hactor cancel "$id"
fails_with 1 deadline 20 hactor job wait "$id"
check_contains "$output" "Canceled"
deadline 30 hactor job wait --all >/dev/null 2>&1 || true

hactor submit --max-fails=2 --cc=1-200 -c 1 sh -c '[ {cc} -gt 3 ] || exit 1; sleep 1000' >ids
fails_with 1 deadline 40 hactor job wait --all
check_equal "all have ended" "" "$(hactor jobs -n -c 0)"
check_contains "$(hactor jobs -n -o '{inactive_reason}' "$(tail -1 ids)")" \
  "Canceled: 2 of the jobs that were submitted together have failed"
END
