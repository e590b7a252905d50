# A job of a lost rank is started again elsewhere, and that is not one of its retries.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance 2>log <<'END' || fail "$(cat log)"
victim=$((ranks - 1))
mkfifo stay
id=$(hactor submit --retries=1 --requires=rank:1-$victim -N 2 sh -c \
  'echo "attempt ${HACTOR_JOB_ATTEMPT:-1}"; [ -n "${HACTOR_JOB_ATTEMPT:-}" ] || exec sleep 1000')
deadline 10 hactor job wait-event -q "$id" start
lost=$(hactor jobs -n -o '{ranks}' "$id" | tr ',-' '\n\n' | tail -1)
broker=$(hactor exec -r "$lost" sh -c 'pgrep -o -P $PPID hactor-start')
kill -9 "$broker"
deadline 30 hactor job status "$id" || fail "$(hactor job eventlog "$id")"
check_equal "tries" "2 CD" "$(hactor jobs -a -n -o '{attempts} {result_abbrev}' "$id")"
check_contains "$(hactor job eventlog "$id" | grep retry)" "rank $lost"
# Without retries it fails, and 'job wait' says why.
id=$(hactor submit --requires=rank:1-$victim sleep 1000)
deadline 10 hactor job wait-event -q "$id" start
other=$(hactor jobs -n -o '{ranks}' "$id")
kill -9 "$(hactor exec -r "$other" sh -c 'pgrep -o -P $PPID hactor-start')"
fails_with 1 deadline 20 hactor job wait --all
check_contains "$output" "$id: Node failed: "
check_contains "$output" "rank $other"
END
