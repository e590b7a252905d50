# Standard input, output and error that are closed are nobody else's: no socket gets their numbers.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
deadline 20 hactor run cat <&- >out
check_equal "input at its end" "" "$(cat out)"
for command in "run echo hi" "run -l echo hi" "submit true" "exec echo hi"; do
  fails_with 1 sh -c 'timeout 20 hactor "$@" >&-' sh $command
  check_contains "$output" "standard output: Bad file descriptor"
done
fails_with 0 deadline 20 hactor run sh -c 'echo gone >&2; echo here' 2>&-
fails_with 3 sh -c 'timeout 20 hactor run sh -c "exit 3" <&- >&- 2>&-'
END
start -- sh -c 'hactor run echo inside' <&- >inside 2>&-
check_equal "an instance without input" inside "$(cat inside)"
