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
printf '#!/no/such/shell -e\n' >lost
printf '#!/bin/sh\r\nexit 0\r\n' >windows
chmod +x lost windows
fails_with 127 hactor run ./lost
check_contains "$output" "./lost: its interpreter /no/such/shell does not exist"
fails_with 127 env PATH="$PWD:$PATH" hactor run windows
check_contains "$output" "windows: its first line ends with a carriage return"
fails_with 2 hactor batch windows
check_contains "$output" "windows: its lines end with a carriage return"
fails_with 2 hactor run -n 2 --input=5 cat
check_contains "$output" "the job has no task 5, only tasks 0-1"
fails_with 137 hactor run sh -c 'kill -9 $$'
fails_with 143 hactor run sh -c 'kill -15 $$'
fails_with 142 hactor run -t 0.2s sleep 10
check_contains "$output" timeout
check_equal "input" "a line" "$(echo a line | hactor run cat)"
END
