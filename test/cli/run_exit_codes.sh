# hactor run shows the output and exits as its job does.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
check_equal "lines" 2 "$(hactor run -n 1 sh -c 'uname; uname' | wc -l)"
check_equal "stderr" oops "$(hactor run sh -c 'echo oops >&2' 2>&1 >/dev/null)"
fails_with 0 hactor run true
fails_with 3 hactor run sh -c 'exit 3'
fails_with 127 hactor run no-such-program
check_contains "$output" no-such-program
echo echo >plain
fails_with 126 hactor run ./plain
check_contains "$output" plain
fails_with 137 hactor run sh -c 'kill -9 $$'
fails_with 143 hactor run sh -c 'kill -15 $$'
fails_with 142 hactor run -t 0.2s sleep 10
check_contains "$output" timeout
check_equal "input" "a line" "$(echo a line | hactor run cat)"
END
